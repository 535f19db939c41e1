// The long form of twins.test.ts: many operations a run, half of the runs an NVMe controller, half a serial card, or all of one kind.
import { type Report, nvmeRun, serialRun } from './workloads.ts';

/** What is migrated. */
export type MigratedDevice = 'nvme' | 'serial';

export interface MigrateOptions {
  /** Of the first run; each further one has the next. 1 to 2^32-1. */
  readonly seed: number;
  readonly runs: number;
  readonly operations: number;
  /** `both`: an NVMe controller first, then in turn. */
  readonly device: MigratedDevice | 'both';
}

/** One run: what makes it again. */
export interface MigrateRun {
  readonly device: MigratedDevice;
  readonly seed: number;
}

/** Who is told. */
export interface MigrateListener {
  /** A run begins. */
  began?(run: MigrateRun): void;
  /** How many of its operations are done. */
  progress?(run: number, done: number): void;
  /** It has ended without a difference. */
  ended?(run: MigrateRun, report: Report): void;
}

/** After the last seed comes the first. */
function seedOf(first: number, run: number): number {
  return ((first - 1 + run) % 0xffff_ffff) + 1;
}

/** The options that make one run again. */
export function runAgain({ device, seed }: MigrateRun, operations: number): string {
  return `--device ${device} --seed ${seed} --runs 1 --operations ${operations}`;
}

/** Runs them all; throws a Difference at the first one, and whatever else goes wrong as it is. */
export async function migrateAll({ seed, runs, operations, device }: MigrateOptions, listener: MigrateListener = {}): Promise<void> {
  for (let i = 0; i < runs; i++) {
    const run: MigrateRun = { device: device === 'both' ? (i % 2 === 0 ? 'nvme' : 'serial') : device, seed: seedOf(seed, i) };
    listener.began?.(run);
    const tell = (done: number): void => listener.progress?.(i, done);
    listener.ended?.(run, run.device === 'nvme' ? await nvmeRun(run.seed, operations, tell) : serialRun(run.seed, operations, tell));
  }
}
