// The fuzzer of DMA: random maps, unmaps, transfers and what else there is, on the real calls and on the judge. The first difference ends it, as the shortest list of steps that still shows it.

import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { Random } from '../random.ts';
import { Broken } from '../vfio/broken.ts';
import { Outcomes } from '../vfio/outcomes.ts';
import type { Counts } from '../vfio/outcomes.ts';
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

export interface DmaFuzzFailure {
  readonly stage: string;
  /** Of all steps, from 0. */
  readonly operation: number;
  readonly message: string;
  /** Steps that are left, and they themselves as lines, in their order. */
  readonly steps: number;
  readonly history: readonly string[];
}

function reasonOf(error: unknown): string {
  if (error instanceof Broken) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ''}` : String(error);
}

/** What kind of failure it is, so that a shorter list shows the same one. */
function kindOf(error: unknown): string {
  return reasonOf(error).split('\n')[0]!.replace(/0x[0-9a-f]+|\d+/g, '#');
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

/** Takes away what can be missed: halves first, then single steps. */
async function shrink(stage: number, steps: readonly Operation[], kind: string): Promise<readonly Operation[]> {
  let left = steps;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length; ) {
      const fewer = [...left.slice(0, at), ...left.slice(at + size)];
      const failed = await failureOf(stage, fewer);
      if (failed !== undefined && kindOf(failed) === kind) left = fewer;
      else at += size;
    }
  }
  return left;
}

async function explain(stage: number, operation: number, steps: readonly Operation[], error: unknown): Promise<DmaFuzzFailure> {
  Error.stackTraceLimit = 10;
  const again = await failureOf(stage, steps);
  // What hangs on runs before it, in the same engine, cannot be made shorter.
  const left = again === undefined ? steps : await shrink(stage, steps, kindOf(again));
  const history: string[] = [];
  const shown = await failureOf(stage, left, (line) => history.push(line));
  return { stage: STAGES[stage]!.name, operation, message: reasonOf(shown ?? error), steps: left.length, history };
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
        failure = await explain(stage, done + steps.length - 1, steps, error);
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
