// The fuzzer of system calls: random steps on all devices, each answer one that the kernel could give. The first that is not ends it, as the shortest history that still shows it.

import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { Random } from '../random.ts';
import { explain } from '../shrink.ts';
import type { Explained } from '../shrink.ts';
import { STAGES } from './devices.ts';
import { operationOf } from './operation.ts';
import type { Operation } from './operation.ts';
import { Outcomes } from '../outcomes.ts';
import type { Counts } from '../outcomes.ts';
import { Run } from './run.ts';

/** Steps between the opening of everything and its end. */
const STEPS = 400;
/** Runs that share an engine: its making costs more than a run. */
const RUNS = 100;

export interface VfioFuzzReport {
  readonly seed: number;
  readonly operations: number;
  readonly runs: number;
  readonly traps: number;
  /** How calls ended, by call. */
  readonly outcomes: Counts;
  readonly failure?: VfioFuzzFailure;
}

export interface VfioFuzzFailure extends Explained {
  readonly stage: string;
  /** Of the run, from 0. */
  readonly run: number;
}

/** Runs steps on a stage of its own; what was thrown. */
async function failureOf(stage: number, steps: readonly Operation[], trace?: (line: string) => void): Promise<unknown> {
  try {
    const run = new Run(stage, new Outcomes(), createEngine(), trace);
    for (const step of steps) await run.step(step);
    await run.end();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Makes `operations` steps from a seed; `progress` hears of them now and then. */
export async function fuzzVfio(seed: number, operations: number, progress: (done: number) => void = () => undefined): Promise<VfioFuzzReport> {
  const random = new Random(seed);
  const outcomes = new Outcomes();
  const { stackTraceLimit } = Error;
  // Most calls fail, and nobody reads where.
  Error.stackTraceLimit = 0;
  let engine: Engine = createEngine();
  let [done, runs, traps] = [0, 0, 0];
  let failure: VfioFuzzFailure | undefined;
  try {
    while (done < operations && failure === undefined) {
      if (runs % RUNS === 0) engine = createEngine();
      const stage = runs % STAGES.length;
      const steps: Operation[] = [];
      try {
        const run = new Run(stage, outcomes, engine);
        const { scene } = run;
        for (const count = Math.min(STEPS, operations - done); steps.length < count; ) {
          const step = operationOf(random, scene);
          steps.push(step);
          const pending = run.step(step);
          if (pending !== undefined) await pending;
        }
        await run.end();
      } catch (error) {
        // What WebAssembly throws.
        if (error instanceof Error && error.name === 'RuntimeError') traps++;
        failure = { stage: STAGES[stage]!.name, run: runs, ...(await explain(steps, error, (fewer, trace) => failureOf(stage, fewer, trace))) };
      }
      done += steps.length;
      runs++;
      progress(done);
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return { seed, operations: done, runs, traps, outcomes: outcomes.counts, ...(failure !== undefined && { failure }) };
}
