// Migrations in the middle of work, each beside a twin that stays where it is: nothing is lost, and nothing comes twice. `npm run migrate` is the long form.
import { expect, test } from '@jest/globals';
import { nvmeRun, serialRun } from './workloads.ts';

const OPERATIONS = 600;
const seeds = Array.from({ length: 10 }, (_, i) => i + 1);

test('nvme-lite with commands in flight, 10 seeds', async () => {
  let underWay = 0;
  for (const seed of seeds) underWay += (await nvmeRun(seed, OPERATIONS)).underWay;
  expect(underWay).toBeGreaterThan(10);
}, 600_000);

test('serial with bytes on the line, 10 seeds', () => {
  for (const seed of seeds) expect(serialRun(seed, OPERATIONS).streamBytes).toBeGreaterThan(60);
}, 600_000);
