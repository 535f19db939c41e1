// One sample of one side: benchmark.js runs it for a few milliseconds, and the sample counts only if nobody took the processor away meanwhile.

import Benchmark from 'benchmark';
import type { Side } from './comparison.ts';

/** How long one sample lasts, in seconds: shorter than the slice of time that a busy system gives a process. */
const SAMPLE_SECONDS = 0.0015;
const ATTEMPTS = 12;
/** Where one call takes as long as many samples, trying again costs too much. */
const LONG_SECONDS = 0.01;

export interface Sample {
  /** Nanoseconds per operation. */
  readonly nanoseconds: number;
  /** How many tries were thrown away because the thread was preempted. */
  readonly preempted: number;
  /** False when all tries were preempted: then this is the fastest of them. */
  readonly undisturbed: boolean;
  /** Depends on every operation done. */
  readonly sink: number;
  /** What the side says besides. */
  readonly note?: string;
}

let sink = 0;
// Calls per sample: found by benchmark.js at the first sample, then kept, so that a sample is one run of its loop.
let calls = 1;

function timed(side: Side): number {
  const benchmark = new Benchmark({
    fn: () => {
      sink = (sink + side.run()) | 0;
    },
    // One sample of our own length: the rounds are the samples, and statistics over them are made outside.
    minSamples: 1,
    minTime: SAMPLE_SECONDS,
    maxTime: 0,
    initCount: calls,
  });
  benchmark.run();
  if (benchmark.error) throw new Error(String(benchmark.error));
  const seconds = benchmark.times.period;
  calls = Math.max(1, Math.ceil((SAMPLE_SECONDS * 1.2) / seconds));
  return seconds;
}

/** Takes a sample on the inputs of `round`. */
export function sample(side: Side, round: number): Sample {
  const taken = takeSample(side, round);
  return side.note === undefined ? taken : { ...taken, note: side.note() };
}

function takeSample(side: Side, round: number): Sample {
  if (side.prepare !== undefined) {
    side.prepare(round);
    // The first call after new inputs finds cold caches: once, not timed.
    sink = (sink + side.run()) | 0;
  }
  let fastest = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = process.resourceUsage().involuntaryContextSwitches;
    const seconds = timed(side);
    const undisturbed = process.resourceUsage().involuntaryContextSwitches === before;
    if (undisturbed) return { nanoseconds: (seconds * 1e9) / side.operations, preempted: attempt, undisturbed, sink };
    fastest = Math.min(fastest, seconds);
    if (seconds > LONG_SECONDS) return { nanoseconds: (fastest * 1e9) / side.operations, preempted: attempt + 1, undisturbed, sink };
  }
  return { nanoseconds: (fastest * 1e9) / side.operations, preempted: ATTEMPTS, undisturbed: false, sink };
}
