// Address spaces against the reference: rules S and A over random histories, and the cases that a random history meets too seldom.

import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { access, history, region, topology } from './world/arbitrary.ts';
import { play } from './world/world.ts';

describe('S and A any history of operations', () => {
  test('S windows, aliases and moves among themselves, seen by look and by access', () => {
    fc.assert(fc.property(history(fc.oneof({ weight: 3, arbitrary: topology }, { weight: 2, arbitrary: access }), 60), play), { numRuns: 250 });
  });

  test('A accesses of every kind over a topology that changes now and then', () => {
    const step = fc.oneof({ weight: 12, arbitrary: access }, { weight: 2, arbitrary: topology }, { weight: 1, arbitrary: region });
    fc.assert(fc.property(history(step, 60), play), { numRuns: 250 });
  });
});
