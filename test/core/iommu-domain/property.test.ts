// Rules D: any sequence of operations on the core's domain and on the judge's ends the same, and leaves the same behind.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import { histories } from './arbitrary.ts';
import { backingAfter } from '../../mutation/domain-judge.ts';
import { Pair } from './pair.ts';
import { sequences } from './sequences.ts';

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

  test.each(Object.entries(sequences).flatMap(([name, ops]) => (['scalar', 'simd'] as const).map((build) => [name, build, ops] as const)))('%s, on the %s build', (_name, build, ops) => {
    const pair = new Pair(createEngine({ build }));
    for (const op of ops) pair.step(op);
    pair.close();
  });

  test('D-map-pages that were refused keep no records', () => {
    expect(backingAfter(undefined, 3)).toBe(backingAfter(undefined, 0));
    expect(backingAfter(undefined, 3)).toBeGreaterThan(0);
  });
});
