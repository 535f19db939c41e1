// Rules D: any sequence of operations on the core's domain and on the judge's ends the same, and leaves the same behind.

import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import { histories } from './arbitrary.ts';
import { Pair } from './pair.ts';

describe('D the core and the judge agree', () => {
  test.each(['scalar', 'simd'] as const)('on the %s build', (build) => {
    fc.assert(
      fc.property(histories(30), (ops) => {
        const pair = new Pair(createEngine({ build }));
        for (const op of ops) pair.step(op);
        pair.close();
      }),
      { numRuns: 60 },
    );
  });
});
