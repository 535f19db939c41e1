// How a comparison is measured.
//
//   repetition 1   process of side A   . . sample . . . . . sample . . .
//                  process of side B   sample . . . . sample . . . . . .      a round: each side once, in random order
//   repetition 2   fresh processes ...
//
// Each side has a process of its own, so that sides share neither what the compiler learnt nor what it had to give up; the harness wakes them in turn, so that
// only one works at a time and both samples of a round see the same machine. A ratio is formed within a round, before anything is averaged.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Comparison } from './comparison.ts';
import { createRandom, shuffled } from './random.ts';
import type { Sample } from './runner.ts';
import { bootstrapMedian, median } from './statistics.ts';
import type { Estimate } from './statistics.ts';
import type { Request } from './worker.ts';

/** How long to measure. */
export interface Effort {
  /** Processes per side. */
  readonly repetitions: number;
  /** Rounds at most, and the milliseconds after which no further one is begun, per repetition. */
  readonly rounds: number;
  readonly milliseconds: number;
}

export const FULL: Effort = { repetitions: 3, rounds: 61, milliseconds: 6000 };
export const QUICK: Effort = { repetitions: 1, rounds: 15, milliseconds: 1500 };

const LEAST_ROUNDS = 5;
/** Rounds in which the compiler may finish; not counted. Where a round is a million operations, one is enough. */
const WARM_UP = 3;
const SLOW_WARM_UP = 1;

/** What was measured of one side. */
export interface SideResult {
  readonly side: string;
  /** Median nanoseconds per operation. */
  readonly nanoseconds: number;
  readonly samples: number;
  /** Samples thrown away because the thread was preempted, retries included. */
  readonly preempted: number;
  /** Ours divided by this side's, from paired rounds; absent for ours. */
  readonly ratio?: Estimate;
  /** What the ratio is meant not to exceed, and whether it does not. */
  readonly target?: number;
  readonly met?: boolean;
  /** What the side said of its last run. */
  readonly note?: string;
}

export interface ComparisonResult {
  readonly name: string;
  readonly about: string;
  readonly sides: readonly SideResult[];
  /** False when the system was so busy that too few samples ran undisturbed: then the preempted ones are in the numbers too. */
  readonly undisturbed: boolean;
  /** What all sides answered to the same inputs, where they were asked. */
  readonly digest?: unknown;
  /** Depends on every operation measured. */
  readonly sink: number;
}

class Worker {
  readonly child: ChildProcess;

  constructor(comparison: string, side: string) {
    this.child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [comparison, side], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  }

  /** The next message; rejects with what the process said when it ended instead. */
  next<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      let errors = '';
      const listen = (chunk: Buffer): void => {
        errors += chunk.toString();
      };
      const settle = (): void => {
        this.child.stderr!.off('data', listen);
        this.child.off('message', answered).off('exit', ended).off('error', reject);
      };
      const answered = (message: unknown): void => {
        settle();
        const { error } = message as { error?: string };
        if (error === undefined) resolve(message as T);
        else reject(new Error(error));
      };
      const ended = (code: number | null): void => {
        settle();
        reject(new Error(`ended with ${code}\n${errors}`));
      };
      this.child.stderr!.on('data', listen);
      this.child.once('message', answered).once('exit', ended).once('error', reject);
    });
  }

  ask<T>(request: Request): Promise<T> {
    const answer = this.next<T>();
    this.child.send(request);
    return answer;
  }

  end(): void {
    this.child.kill();
  }
}

/** Measures one comparison. Throws when a side cannot run, or when two sides answer the same inputs differently. */
export async function measure(comparison: Comparison, effort: Effort, progress: (text: string) => void): Promise<ComparisonResult> {
  const names = comparison.sides.map(({ name }) => name);
  // One list of rounds for each repetition.
  const rounds: Sample[][][] = [];
  const preempted = names.map(() => 0);
  let digest: unknown = null;
  let sink = 0;
  const random = createRandom(Date.now() >>> 0);
  const warmUp = comparison.slow === true ? SLOW_WARM_UP : WARM_UP;

  for (let repetition = 0; repetition < effort.repetitions; repetition++) {
    const workers = names.map((side) => new Worker(comparison.name, side));
    try {
      for (const worker of workers) await worker.next();
      for (const [i, worker] of workers.entries()) {
        const { digest: answer } = await worker.ask<{ digest: unknown }>({ type: 'digest' });
        if (answer === null) continue;
        digest ??= answer;
        if (!isDeepStrictEqual(answer, digest)) throw new Error(`${names[i]} answers ${JSON.stringify(answer)}, others ${JSON.stringify(digest)}`);
      }
      const counted: Sample[][] = [];
      rounds.push(counted);
      const start = Date.now();
      for (let round = 0; round < effort.rounds + warmUp; round++) {
        if (round >= LEAST_ROUNDS + warmUp && Date.now() - start > effort.milliseconds) break;
        progress(`${comparison.name}: process ${repetition + 1} of ${effort.repetitions}, round ${round + 1}`);
        const samples: Sample[] = [];
        for (const i of shuffled(names.length, random)) {
          samples[i] = await workers[i]!.ask<Sample>({ type: 'sample', round: repetition * 1000 + round });
          sink = (sink + samples[i].sink) | 0;
        }
        if (round < warmUp) continue;
        counted.push(samples);
        for (const [i, { preempted: thrown }] of samples.entries()) preempted[i]! += thrown;
      }
    } finally {
      for (const worker of workers) worker.end();
    }
  }

  const isClean = (samples: Sample[]): boolean => samples.every(({ undisturbed }) => undisturbed);
  const clean = rounds.map((counted) => counted.filter(isClean));
  const undisturbed = clean.flat().length >= LEAST_ROUNDS;
  const used = undisturbed ? clean : rounds;
  const sides = names.map((side, i): SideResult => {
    const all = used.flat().map((samples) => samples[i]!.nanoseconds);
    const note = used.flat().at(-1)?.[i]?.note;
    const result = { side, nanoseconds: median(all), samples: all.length, preempted: preempted[i]!, ...(note !== undefined && { note }) };
    if (i === 0) return result;
    const ratio = bootstrapMedian(used.map((counted) => counted.map((samples) => samples[0]!.nanoseconds / samples[i]!.nanoseconds)));
    const target = comparison.targets?.[side];
    return target === undefined ? { ...result, ratio } : { ...result, ratio, target, met: ratio.value <= target };
  });
  return { name: comparison.name, about: comparison.about, sides, undisturbed, ...(digest !== null && { digest }), sink };
}
