// The long form of twins.test.ts: many operations a run, half of the runs an NVMe controller, half a serial card.
import { type Report, nvmeRun, serialRun } from './workloads.ts';

export interface MigrateOptions {
  readonly seed: number;
  readonly runs: number;
  readonly operations: number;
}

/** Runs them all; throws at the first difference. `progress`: which run it is, and how many of its operations are done. */
export async function migrateAll({ seed, runs, operations }: MigrateOptions, progress: (run: number, done: number) => void, report: (device: string, seed: number, report: Report) => void): Promise<void> {
  for (let run = 0; run < runs; run++) {
    const own = seed + run;
    const tell = (done: number): void => progress(run, done);
    if (run % 2 === 0) report('nvme-lite', own, await nvmeRun(own, operations, tell));
    else report('serial', own, serialRun(own, operations, tell));
  }
}
