// The words of the benchmark: a comparison has sides, a side does operations in batches.

/** One implementation at work in a process of its own. */
export interface Side {
  /** Operations that one `run` does. */
  readonly operations: number;
  /** Makes the inputs of the coming round. Never timed. Absent where all rounds have the same. */
  prepare?(round: number): void;
  /** Does all operations once. The result depends on each of them. */
  run(): number;
  /** What this side answers to inputs that all sides get: must be the same on all sides that have it. */
  digest?(): unknown;
  /** What is to be said of the last run besides its time. */
  note?(): string;
}

/** A side by name, and where it is made: a module of its own, so that a process loads only what it measures. */
export interface SideSource {
  readonly name: string;
  load(): Promise<Side>;
}

/** What is measured against what. The first side is ours. */
export interface Comparison {
  readonly name: string;
  /** One line for readers. */
  readonly about: string;
  readonly sides: readonly [SideSource, SideSource, ...SideSource[]];
  /** Takes a minute and more: `--quick` leaves it out, unless a filter asks for it. */
  readonly slow?: boolean;
  /** What the ratio to a side is meant not to exceed. */
  readonly targets?: Readonly<Record<string, number>>;
}
