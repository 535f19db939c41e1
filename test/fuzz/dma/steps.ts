// For property tests: a run whose steps are drawn from numbers, so that fast-check makes a failing list shorter by leaving numbers out.

import { createEngine } from '../../../src/core/index.ts';
import { Random } from '../random.ts';
import { Outcomes } from '../outcomes.ts';
import { operationOf } from './choose.ts';
import type { Operation } from './operation.ts';
import type { Scene } from './pools.ts';
import { Run } from './run.ts';

const engine = createEngine();

/** Makes the steps that numbers stand for, to the end of the run; throws what the first difference is. How often each call ended how. */
export async function runOf(stage: number, numbers: readonly number[], wanted: (random: Random, scene: Scene) => Operation = operationOf): Promise<Outcomes> {
  const outcomes = new Outcomes();
  const run = new Run(stage, outcomes, engine);
  try {
    for (const number of numbers) await run.step(wanted(new Random(number), run.scene));
  } finally {
    run.end();
  }
  return outcomes;
}
