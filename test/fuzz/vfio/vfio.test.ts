// The short form of `npm run fuzz:vfio`: no rule is broken, and nothing of what it is for is left out.

import { expect, test } from '@jest/globals';
import { STAGES } from './devices.ts';
import { fuzzVfio } from './fuzz-vfio.ts';
import { FAILURES, SUCCESSES } from './reached.ts';

const OPERATIONS = 80_000;
/** Steps of a run. */
const STEPS = 400;

test('random system calls on all devices answer what the kernel could, touch nothing else and leave nothing; each call, request and feature has succeeded, and failed as it can', async () => {
  const { outcomes, ...report } = await fuzzVfio(1, OPERATIONS);
  expect(report).toEqual({ seed: 1, operations: OPERATIONS, runs: OPERATIONS / STEPS, traps: 0 });
  expect(SUCCESSES.filter((call) => (outcomes[call]?.['ok'] ?? 0) === 0)).toEqual([]);
  const missing = Object.entries(FAILURES).flatMap(([call, codes]) => codes.filter((code) => (outcomes[call]?.[code] ?? 0) === 0).map((code) => `${call}: ${code}`));
  expect(missing).toEqual([]);
}, 120_000);

test.each([2, 20_260])('seed %i breaks no rule', async (seed) => {
  const operations = STEPS * STAGES.length;
  const { outcomes, ...report } = await fuzzVfio(seed, operations);
  expect(report).toEqual({ seed, operations, runs: STAGES.length, traps: 0 });
  expect(outcomes['last close']?.['ok'] ?? 0).toBeGreaterThanOrEqual(STAGES.length / 2);
});
