// Address spaces against the reference: rules S and A over random histories, and the cases that a random history meets too seldom.

import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { access, history, region, topology } from './world/arbitrary.ts';
import type { Op } from './world/op.ts';
import { play } from './world/world.ts';

const ram: Op = { do: 'region', shape: { kind: 'ram', size: 64n, minWidth: 1, maxWidth: 8, unaligned: true, reentrant: false, script: [] } };
const map = (start: number, size: number, priority: number): Op => ({ do: 'map', space: 0, region: 0, start: 0x1020n + BigInt(start), position: 0n, size: BigInt(size), priority });

describe('S two windows in every position to each other', () => {
  test.each([-1, 0, 1])('S-priority S-unmap S-move a second window of priority %i comes, moves and goes', (priority) => {
    for (const size of [1, 3, 8, 12]) {
      for (let start = -13; start <= 9; start++) {
        const rest: Op[] = [{ do: 'move', window: 1, start: 0x1020n + 3n }, { do: 'move', window: 1, start: 0x1020n - 2n }, { do: 'unmap', window: 1 }];
        play([{ do: 'space' }, ram, map(0, 8, 0), map(start, size, priority), rest[2]!]);
        play([{ do: 'space' }, ram, map(0, 8, 0), map(start, size, priority), ...rest]);
      }
    }
  });
});

describe('S and A any history of operations', () => {
  test('S windows, aliases and moves among themselves, seen by look and by access', () => {
    fc.assert(fc.property(history(fc.oneof({ weight: 3, arbitrary: topology }, { weight: 2, arbitrary: access }), 60), play), { numRuns: 120 });
  });

  test('A accesses of every kind over a topology that changes now and then', () => {
    const step = fc.oneof({ weight: 12, arbitrary: access }, { weight: 2, arbitrary: topology }, { weight: 1, arbitrary: region });
    fc.assert(fc.property(history(step, 60), play), { numRuns: 200 });
  });
});
