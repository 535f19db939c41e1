// Medians, and how sure they are.

import { createRandom } from './random.ts';

/** The middle of a list; NaN of an empty one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A value and the interval that holds it in 95 of 100 repetitions. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;

/**
 * The median of values that come in groups (rounds of one process), with a bootstrap interval: groups are drawn with replacement first, then values within
 * them, because what one process got from the compiler is common to all of its rounds.
 */
export function bootstrapMedian(groups: readonly (readonly number[])[]): Estimate {
  const filled = groups.filter((group) => group.length > 0);
  const random = createRandom(filled.length);
  const medians: number[] = [];
  for (let i = 0; i < RESAMPLES && filled.length > 0; i++) {
    const drawn: number[] = [];
    for (let g = 0; g < filled.length; g++) {
      const group = filled[random() % filled.length]!;
      for (let k = 0; k < group.length; k++) drawn.push(group[random() % group.length]!);
    }
    medians.push(median(drawn));
  }
  medians.sort((a, b) => a - b);
  const at = (share: number): number => medians[Math.round(share * (medians.length - 1))] ?? NaN;
  return { value: median(filled.flat()), low: at(0.025), high: at(0.975) };
}
