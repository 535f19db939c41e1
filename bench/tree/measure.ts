// How the range stores are measured: processes, rounds, and what all must agree on.
//
//   for each size, for each repetition: a fresh process per contender
//     for each round: for each metric, in some passes: each pair that is compared, in random order
//       pair: one sample of each, in random order, one right after the other
//
// A ratio is formed within a pair, before anything is averaged: a machine whose neighbours come and go is the same machine for some milliseconds. What takes little
// time is passed several times in a round, so that a burst is in few of its samples. Processes need not be Node.

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
  return n >= 2 ** 20 ? { repetitions: 2, rounds: 3, milliseconds: 50_000, warmUp: 0 } : { repetitions: 5, rounds: 9, milliseconds: 10_000, warmUp: 1 };
}

/** Passes of one metric in one round: at most so many, and none of a pair that has had so many milliseconds. */
const PASSES = 8;
const PAIR_MILLISECONDS = 150;

/** Two metrics of one contender that a target divides: [size, contender, metric, metric that it is divided by]. */
const QUOTIENTS: readonly (readonly [n: number, contender: string, metric: Measured, other: Measured])[] = [
  [65536, 'wasm-simd', 'bulk', 'insert_rand'],
  [65536, 'wasm-simd', 'write_beside', 'write_alone'],
];

/** Numbers by repetition. */
type Groups = number[][];

/** Adds a number to those of a repetition. */
function push(map: Map<string, Groups>, key: string, repetition: number, value: number): void {
  const groups = map.get(key) ?? [];
  map.set(key, groups);
  (groups[repetition] ??= []).push(value);
}

function estimateOf(groups: Groups | undefined): Estimate | undefined {
  return groups === undefined ? undefined : bootstrapMedian(Array.from(groups, (group: number[] | undefined) => group ?? []));
}

/** Everything measured. */
export class Results {
  /** size/metric/contender. */
  private readonly values = new Map<string, Groups>();
  /** size/metric/contender/other contender: the one divided by the other, sample by sample. */
  private readonly ratios = new Map<string, Groups>();
  /** size/contender/metric/other metric: the same of two metrics. */
  private readonly quotients = new Map<string, Groups>();
  /** size/metric: the digest that the first contender gave, and who. */
  private readonly digests = new Map<string, { readonly digest: number; readonly by: string }>();
  readonly failures: string[] = [];

  add(n: number, metric: Measured, contender: string, repetition: number, value: number): void {
    push(this.values, `${n}/${metric}/${contender}`, repetition, value);
  }

  /** Two contenders, measured one right after the other. */
  addPair(n: number, metric: Measured, repetition: number, one: readonly [contender: string, value: number], other: readonly [contender: string, value: number]): void {
    push(this.ratios, `${n}/${metric}/${one[0]}/${other[0]}`, repetition, one[1] / other[1]);
    push(this.ratios, `${n}/${metric}/${other[0]}/${one[0]}`, repetition, other[1] / one[1]);
  }

  /** Two metrics of one contender, measured one right after the other. */
  addQuotient(n: number, contender: string, repetition: number, metric: Measured, other: Measured, quotient: number): void {
    push(this.quotients, `${n}/${contender}/${metric}/${other}`, repetition, quotient);
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

  private all(n: number, metric: Measured, contender: string): readonly number[] {
    return (this.values.get(`${n}/${metric}/${contender}`) ?? []).flat();
  }

  /** The median, or undefined where nothing was measured. */
  value(n: number, metric: Measured, contender: string): number | undefined {
    const all = this.all(n, metric, contender);
    return all.length === 0 ? undefined : median(all);
  }

  /** How many samples there are. */
  samples(n: number, metric: Measured, contender: string): number {
    return this.all(n, metric, contender).length;
  }

  /** One contender's number divided by another's: of those that are compared. */
  ratio(n: number, metric: Measured, contender: string, other: string): Estimate | undefined {
    return estimateOf(this.ratios.get(`${n}/${metric}/${contender}/${other}`));
  }

  /** One of a contender's numbers divided by another at the same size: of those that a target divides. */
  quotient(n: number, contender: string, metric: Measured, other: Measured): Estimate | undefined {
    return estimateOf(this.quotients.get(`${n}/${contender}/${metric}/${other}`));
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
    const canDo = (process: ContenderProcess, metric: Measured): boolean => process.metrics.includes(metric) && whyLeftOut(process.contender, metric, n) === undefined;
    /** One sample; undefined when there is none: then the contender has dropped out. */
    const take = async (process: ContenderProcess, metric: Measured, round: number): Promise<number | undefined> => {
      const { name } = process.contender;
      progress(`${n} ranges, process ${repetition + 1} of ${effort.repetitions}, round ${round + 1}: ${metric}, ${name}`);
      try {
        const { value, digest } = await process.sample(metric);
        results.agree(n, metric, name, digest);
        if (round >= 0) results.add(n, metric, name, repetition, value);
        return value;
      } catch (error) {
        drop(process, error);
        return undefined;
      }
    };
    /** Two samples in random order, one right after the other. */
    const takeTwo = async (round: number, one: readonly [ContenderProcess, Measured], other: readonly [ContenderProcess, Measured]): Promise<readonly [number, number] | undefined> => {
      const isSwapped = random() % 2 === 0;
      const first = await take(...(isSwapped ? other : one), round);
      const second = first === undefined ? undefined : await take(...(isSwapped ? one : other), round);
      if (round < 0 || first === undefined || second === undefined) return undefined;
      return isSwapped ? [second, first] : [first, second];
    };
    /** Samples of all that can do it, but of pairs that have had their time: `spent`, by contender. */
    const pass = async (metric: Measured, round: number, withSlow: boolean, spent: Map<string, number>): Promise<void> => {
      const able = processes.filter((process) => canDo(process, metric) && (withSlow || !isSlow(process.contender)));
      for (const i of shuffled(able.length, random)) {
        const process = able[i]!;
        const { name } = process.contender;
        const began = Date.now();
        const had = spent.get(name) ?? 0;
        if (had >= PAIR_MILLISECONDS) continue;
        const against = able.find(({ contender }) => contender.name === process.contender.against);
        if (against !== undefined) {
          const pair = await takeTwo(round, [process, metric], [against, metric]);
          if (pair !== undefined) results.addPair(n, metric, repetition, [name, pair[0]], [against.contender.name, pair[1]]);
        } else if (!able.some(({ contender }) => contender.against === name)) await take(process, metric, round);
        spent.set(name, had + Date.now() - began);
      }
    };
    let start = Date.now();
    for (let round = -effort.warmUp; round < effort.rounds && (round < 1 || Date.now() - start < effort.milliseconds); round++) {
      if (round === 0) start = Date.now();
      for (const metric of MEASURED.filter((name) => plan.metrics.includes(name))) {
        const isBuild = BUILDS.includes(metric as Build);
        // Bytes do not change from round to round.
        if (isBuild && round !== 0) continue;
        // Memory grows for the first copy, and stays.
        if (metric === 'dup' && effort.warmUp === 0 && round === 0) await pass(metric, -1, false, new Map());
        const passes = isBuild || round < 0 ? 1 : PASSES;
        const spent = new Map<string, number>();
        for (let i = 0; i < passes; i++) await pass(metric, round, round === 0 && i === 0, spent);
      }
      for (const [size, name, metric, other] of QUOTIENTS) {
        if (size !== n || !plan.metrics.includes(metric) || !plan.metrics.includes(other)) continue;
        for (let i = 0; i < PASSES; i++) {
          const process = processes.find(({ contender }) => contender.name === name);
          if (process === undefined || !canDo(process, metric) || !canDo(process, other)) break;
          const pair = await takeTwo(round, [process, metric], [process, other]);
          if (pair !== undefined) results.addQuotient(n, name, repetition, metric, other, pair[0] / pair[1]);
        }
      }
    }
  } finally {
    for (const process of processes) process.end();
  }
}
