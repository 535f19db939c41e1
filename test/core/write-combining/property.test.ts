// Write combining against the reference: the same operations, every policy, hooks that come back in. Everything that can be seen is compared after each operation.

import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import { play, World } from '../world/world.ts';
import { histories } from './arbitrary.ts';

const seeds = fc.integer({ min: 1, max: 0xffff_ffff });

describe('W the core and the reference agree', () => {
  test('W-order in order', () => {
    fc.assert(fc.property(histories(fc.constant(undefined), 60), (ops) => play(ops)), { numRuns: 80 });
  });

  test('W-order with a seed', () => {
    fc.assert(fc.property(histories(seeds, 60), (ops) => play(ops)), { numRuns: 80 });
  });

  test.each(['scalar', 'simd'] as const)('W on the %s build', (build) => {
    const policies = fc.option(seeds, { nil: undefined });
    fc.assert(
      fc.property(histories(policies, 40), (ops) => {
        const world = new World(false, createEngine({ build }));
        for (const op of ops) world.step(op);
        world.close();
      }),
      { numRuns: 60 },
    );
  });
});
