// `npm run migrate`: which runs there are, and that what is printed of one makes it again.
import { expect, test } from '@jest/globals';
import { type MigrateOptions, type MigrateRun, migrateAll, runAgain } from './migrate.ts';
import { Difference, type Report } from './workloads.ts';

const ended = async (options: MigrateOptions): Promise<(MigrateRun & { readonly report: Report })[]> => {
  const found: (MigrateRun & { readonly report: Report })[] = [];
  await migrateAll(options, { ended: (run, report) => void found.push({ ...run, report }) });
  return found;
};

test('both devices in turn, each run with the next seed; after the last seed comes the first', async () => {
  const runs = await ended({ seed: 0xffff_ffff, runs: 3, operations: 20, device: 'both' });
  expect(runs.map(({ device, seed }) => [device, seed])).toEqual([['nvme', 0xffff_ffff], ['serial', 1], ['nvme', 2]]);
});

test.each(['nvme', 'serial'] as const)('%s alone, and the options of one run make it again', async (device) => {
  const both = (await ended({ seed: 7, runs: 2, operations: 60, device: 'both' })).find((run) => run.device === device)!;
  const options = Object.fromEntries([...runAgain(both, 60).matchAll(/--(\w+) (\S+)/g)].map((found) => [found[1]!, found[2]!]));
  expect(options).toEqual({ device, seed: String(both.seed), runs: '1', operations: '60' });
  expect(await ended({ device, seed: Number(options.seed), runs: Number(options.runs), operations: Number(options.operations) })).toEqual([both]);
  expect((await ended({ seed: 3, runs: 2, operations: 20, device })).map((run) => [run.device, run.seed])).toEqual([[device, 3], [device, 4]]);
});

test('who listens hears of a run before it is made, and an error ends it as it is', async () => {
  const heard: MigrateRun[] = [];
  const broken = new TypeError('of the test itself');
  const began = (run: MigrateRun): void => {
    heard.push(run);
    if (heard.length === 2) throw broken;
  };
  await expect(migrateAll({ seed: 5, runs: 3, operations: 10, device: 'serial' }, { began })).rejects.toBe(broken);
  expect(heard).toEqual([{ device: 'serial', seed: 5 }, { device: 'serial', seed: 6 }]);
  expect(new Difference('where')).toMatchObject({ name: 'Difference', message: 'where' });
});
