// The short form of `npm run fuzz:vfio`.

import { expect, test } from '@jest/globals';
import { fuzzVfio } from './fuzz-vfio.ts';

test.each([1, 2, 20_260])('random system calls on all devices answer what the kernel could, touch nothing else and leave nothing: seed %i', async (seed) => {
  const { outcomes, ...report } = await fuzzVfio(seed, 10_000);
  expect(report).toEqual({ seed, operations: 10_000, runs: 25, traps: 0 });
  // Not all of them die at the first check.
  expect(outcomes['ok']).toBeGreaterThan(1000);
  expect(Object.keys(outcomes).length).toBeGreaterThan(12);
});
