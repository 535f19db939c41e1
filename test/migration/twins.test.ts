// Fifty migrations in the middle of work, each beside a twin that stays where it is: nothing is lost, and nothing comes twice. `npm run migrate` is the long form.
import { expect, test } from '@jest/globals';
import { nvmeRun, serialRun } from './workloads.ts';

const OPERATIONS = 2000;
const seeds = Array.from({ length: 25 }, (_, i) => i + 1);

test('nvme-lite with commands in flight, 25 seeds', async () => {
  let underWay = 0;
  for (const seed of seeds) underWay += (await nvmeRun(seed, OPERATIONS)).underWay;
  expect(underWay).toBeGreaterThan(25);
}, 600_000);

test('serial with bytes on the line, 25 seeds', () => {
  for (const seed of seeds) expect(serialRun(seed, OPERATIONS).streamBytes).toBeGreaterThan(60);
}, 600_000);
