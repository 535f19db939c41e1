// How the range stores are measured: processes, rounds, and what all must agree on.
//
//   for each size, for each repetition: a fresh process per contender
//     for each round: for each metric, in some passes: each contender once, in random order, one at a time
//
// What takes little time is passed several times in a round, so that a neighbour's burst is in few of its samples. The same plan as bench/harness.ts, over processes
// that need not be Node. A ratio is formed within a pass, before anything is averaged.

import { createRandom, shuffled } from '../random.ts';
import { bootstrapMedian, median } from '../statistics.ts';
import type { Estimate } from '../statistics.ts';
import { ContenderProcess } from './contender-process.ts';
import { whyLeftOut } from './contenders.ts';
import type { Contender } from './contenders.ts';
import { BUILDS, MEASURED } from './metrics.ts';
import type { Build, Measured } from './metrics.ts';
import { CHECK_VALUES, SIZES } from './workload.ts';

/** How long to measure one size. */
export interface Effort {
  /** Processes per contender. */
  readonly repetitions: number;
  /** Counted rounds per repetition: at most this many, none begun after so many milliseconds, but at least one. */
  readonly rounds: number;
  readonly milliseconds: number;
  /** Rounds before them that are not counted. */
  readonly warmUp: number;
}

export function effortFor(n: number, quick: boolean): Effort {
  if (quick) return { repetitions: 1, rounds: 2, milliseconds: 4000, warmUp: 0 };
  return n >= 2 ** 20 ? { repetitions: 2, rounds: 3, milliseconds: 50_000, warmUp: 0 } : { repetitions: 3, rounds: 9, milliseconds: 18_000, warmUp: 1 };
}

/** Passes of one metric in one round: at most so many, none begun after so many milliseconds. */
const PASSES = 6;
const PASS_MILLISECONDS = 250;

type Groups = readonly (readonly (number | undefined)[])[];

/** Ratios of what was measured in the same repetition and pass, or undefined where nothing was. */
function paired(above: Groups, below: Groups): Estimate | undefined {
  const ratios = above.map((passes, repetition) =>
    passes.flatMap((value, pass) => {
      const against = below[repetition]?.[pass];
      return value === undefined || against === undefined ? [] : [value / against];
    }),
  );
  return ratios.flat().length === 0 ? undefined : bootstrapMedian(ratios);
}

/** Everything measured. */
export class Results {
  /** size/metric/contender: values by repetition and pass, those of all rounds in order. One that a contender sat out is undefined. */
  private readonly values = new Map<string, (number | undefined)[][]>();
  /** size/metric: the digest that the first contender gave, and who. */
  private readonly digests = new Map<string, { readonly digest: number; readonly by: string }>();
  readonly failures: string[] = [];

  private static key(n: number, metric: Measured, contender: string): string {
    return `${n}/${metric}/${contender}`;
  }

  add(n: number, metric: Measured, contender: string, repetition: number, pass: number, value: number): void {
    const key = Results.key(n, metric, contender);
    const groups = this.values.get(key) ?? [];
    this.values.set(key, groups);
    (groups[repetition] ??= [])[pass] = value;
  }

  /** Notes what a contender answered; a difference is a failure, once per contender. */
  agree(n: number, metric: Measured, contender: string, digest: number): void {
    const golden = CHECK_VALUES[metric]?.[SIZES.indexOf(n)];
    const key = `${n}/${metric}`;
    const known = this.digests.get(key) ?? (golden === undefined ? { digest, by: contender } : { digest: golden, by: 'the check value' });
    this.digests.set(key, known);
    if (known.digest !== digest) this.fail(`${contender} answers ${digest} for ${metric} at ${n}, ${known.by} is ${known.digest}`);
  }

  fail(text: string): void {
    if (!this.failures.includes(text)) this.failures.push(text);
  }

  private groups(n: number, metric: Measured, contender: string): Groups {
    return this.values.get(Results.key(n, metric, contender)) ?? [];
  }

  /** The median, or undefined where nothing was measured. */
  value(n: number, metric: Measured, contender: string): number | undefined {
    const all = this.groups(n, metric, contender).flat().filter((value) => value !== undefined);
    return all.length === 0 ? undefined : median(all);
  }

  /** How many samples count. */
  rounds(n: number, metric: Measured, contender: string): number {
    return this.groups(n, metric, contender).flat().filter((value) => value !== undefined).length;
  }

  /** One contender's number divided by another's, paired by pass. */
  ratio(n: number, metric: Measured, contender: string, other: string): Estimate | undefined {
    return paired(this.groups(n, metric, contender), this.groups(n, metric, other));
  }

  /** One of a contender's numbers divided by another at the same size, paired by pass. */
  quotient(n: number, contender: string, metric: Measured, other: Measured): Estimate | undefined {
    return paired(this.groups(n, metric, contender), this.groups(n, other, contender));
  }

  /** A contender's number at one size divided by that at another: medians, since sizes are measured in processes of their own. */
  growth(contender: string, metric: Measured, n: number, otherN: number): Estimate | undefined {
    const [value, other] = [this.value(n, metric, contender), this.value(otherN, metric, contender)];
    if (value === undefined || other === undefined) return undefined;
    const ratio = value / other;
    return { value: ratio, low: ratio, high: ratio };
  }
}

export interface Plan {
  readonly contenders: readonly Contender[];
  readonly sizes: readonly number[];
  readonly metrics: readonly Measured[];
  readonly quick: boolean;
}

/** Measures all of a plan. A contender that cannot run is a failure and drops out for that size. */
export async function measure(plan: Plan, progress: (text: string) => void): Promise<Results> {
  const results = new Results();
  const random = createRandom(Date.now() >>> 0);
  for (const n of plan.sizes) {
    const effort = effortFor(n, plan.quick);
    for (let repetition = 0; repetition < effort.repetitions; repetition++) await repeat(plan, n, effort, repetition, results, random, progress);
  }
  return results;
}

async function repeat(plan: Plan, n: number, effort: Effort, repetition: number, results: Results, random: () => number, progress: (text: string) => void): Promise<void> {
  const isSlow = (contender: Contender): boolean => n >= (contender.slowFrom ?? Infinity);
  const processes: ContenderProcess[] = [];
  const drop = (process: ContenderProcess, error: unknown): void => {
    results.fail(`${process.contender.name} at ${n} could not run: ${error instanceof Error ? error.message : String(error)}`);
    process.end();
    processes.splice(processes.indexOf(process), 1);
  };
  try {
    for (const contender of plan.contenders) {
      if (contender.missing !== undefined || (isSlow(contender) && (repetition > 0 || plan.quick))) continue;
      progress(`${n} ranges, process ${repetition + 1} of ${effort.repetitions}: starting ${contender.name}`);
      const process = new ContenderProcess(contender, n);
      processes.push(process);
      await process.start().catch((error: unknown) => drop(process, error));
    }
    const take = async (process: ContenderProcess, metric: Measured, round: number, pass: number): Promise<void> => {
      progress(`${n} ranges, process ${repetition + 1} of ${effort.repetitions}, round ${round + 1}: ${metric}, ${process.contender.name}`);
      try {
        const { value, digest } = await process.sample(metric);
        results.agree(n, metric, process.contender.name, digest);
        if (round >= 0) results.add(n, metric, process.contender.name, repetition, round * PASSES + pass, value);
      } catch (error) {
        drop(process, error);
      }
    };
    let start = Date.now();
    for (let round = -effort.warmUp; round < effort.rounds && (round < 1 || Date.now() - start < effort.milliseconds); round++) {
      if (round === 0) start = Date.now();
      for (const metric of MEASURED.filter((name) => plan.metrics.includes(name))) {
        // Bytes do not change from round to round.
        if (BUILDS.includes(metric as Build) && round !== 0) continue;
        const passes = BUILDS.includes(metric as Build) || round < 0 ? 1 : PASSES;
        const began = Date.now();
        for (let pass = 0; pass < passes && (pass === 0 || Date.now() - began < PASS_MILLISECONDS); pass++) {
          for (const i of shuffled(processes.length, random)) {
            const process = processes[i];
            if (process === undefined || !process.metrics.includes(metric) || whyLeftOut(process.contender, metric, n) !== undefined) continue;
            if (isSlow(process.contender) && (round !== 0 || pass !== 0)) continue;
            await take(process, metric, round, pass);
          }
        }
      }
    }
  } finally {
    for (const process of processes) process.end();
  }
}
