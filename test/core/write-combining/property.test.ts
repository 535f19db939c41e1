// Write combining against the reference: the same operations, every policy, hooks that come back in. Everything that can be seen is compared after each operation.

import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { play } from '../world/world.ts';
import { histories } from './arbitrary.ts';

const runs = { numRuns: 120 };

describe('W the core and the reference agree', () => {
  test('W-order in order', () => {
    fc.assert(fc.property(histories(fc.constant(undefined), 60), (ops) => play(ops)), runs);
  });

  test('W-order with a seed', () => {
    fc.assert(fc.property(histories(fc.integer({ min: 1, max: 0xffff_ffff }), 60), (ops) => play(ops)), runs);
  });
});
