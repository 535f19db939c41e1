// The fuzzer of DMA: random maps, unmaps, transfers and what else there is, on the real calls and on the judge. The first difference ends it, as the shortest list of steps that still shows it.

import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { Random } from '../random.ts';
import { explain } from '../shrink.ts';
import type { Explained } from '../shrink.ts';
import { Outcomes } from '../outcomes.ts';
import type { Counts } from '../outcomes.ts';
import { operationOf } from './choose.ts';
import type { Operation } from './operation.ts';
import { Run } from './run.ts';
import { STAGES } from './stages.ts';

/** Steps between the opening of everything and its end. */
export const STEPS = 1000;
/** Runs that share an engine: its making costs more than a run. */
const RUNS = 50;

export interface DmaFuzzReport {
  readonly seed: number;
  readonly operations: number;
  readonly runs: number;
  /** Poisoned pages that were looked at and had no byte changed. */
  readonly poisoned: number;
  /** How calls ended, by call. */
  readonly outcomes: Counts;
  readonly failure?: DmaFuzzFailure;
}

export interface DmaFuzzFailure extends Explained {
  readonly stage: string;
  /** Of all steps, from 0. */
  readonly operation: number;
}

/** Makes steps on a stage of its own; what was thrown. */
export async function failureOf(stage: number, steps: readonly Operation[], trace?: (line: string) => void): Promise<unknown> {
  try {
    const run = new Run(stage, new Outcomes(), createEngine(), trace);
    for (const step of steps) await run.step(step);
    run.end();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Makes `operations` steps from a seed; `progress` hears of them now and then. @param stages - which of them, by number; all unless said otherwise. */
export async function fuzzDma(seed: number, operations: number, progress: (done: number) => void = () => undefined, stages: readonly number[] = STAGES.map((_, i) => i)): Promise<DmaFuzzReport> {
  const random = new Random(seed);
  const outcomes = new Outcomes();
  const { stackTraceLimit } = Error;
  // Many calls fail, and nobody reads where.
  Error.stackTraceLimit = 0;
  let engine: Engine = createEngine();
  let [done, runs, poisoned] = [0, 0, 0];
  let failure: DmaFuzzFailure | undefined;
  try {
    while (done < operations && failure === undefined) {
      if (runs % RUNS === 0) engine = createEngine();
      const stage = stages[runs % stages.length]!;
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
        poisoned += run.end();
      } catch (error) {
        failure = { stage: STAGES[stage]!.name, operation: done + steps.length - 1, ...(await explain(steps, error, (fewer, trace) => failureOf(stage, fewer, trace))) };
      }
      done += steps.length;
      runs++;
      progress(done);
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return { seed, operations: done, runs, poisoned, outcomes: outcomes.counts, ...(failure !== undefined && { failure }) };
}
