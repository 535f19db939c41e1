// What callers hand to a map: options, requests, and entries.

import { shown } from '../webassembly/index.ts';
import type { RangeArena } from './arena.ts';
import { isIndex, isValue, refuseIndex, refuseValue } from './keys.ts';
import type { RangeMapGapRequest } from './range-reader.ts';

/** What a map is made with. */
export interface RangeMapOptions {
  /** `'number'`: 0 to 2^53-1. `'bigint'`: 0 to 2^64-1. Default `'number'`. */
  readonly keys?: 'number' | 'bigint';
  /** Where the nodes come from. Default: an arena that all maps made without one share. */
  readonly arena?: RangeArena;
}

/** A gap to find and fill. */
export interface RangeMapAllocation<Index extends number | bigint = number> extends RangeMapGapRequest<Index> {
  /** What to store there: 1 to 2^32-1. */
  readonly value: number;
  /** Whether the highest place is taken, not the lowest. Default false. */
  readonly fromTop?: boolean;
}

/** A gap to find and fill, behind the one before. */
export interface RangeMapCyclicAllocation<Index extends number | bigint = number> extends RangeMapGapRequest<Index> {
  /** What to store there: 1 to 2^32-1. */
  readonly value: number;
  /** Where to start: what the call before answered as `next`. Default: `first`. */
  readonly next?: Index;
}

/** Where a cyclic allocation went. */
export interface RangeMapCyclicPlace<Index extends number | bigint = number> {
  /** The lowest index of the block. */
  readonly first: Index;
  /** The index behind the block: `next` of the following call. At the end of the numbers it is 2^53, at the end of the bigints 0n; both wrap. */
  readonly next: Index;
  /** Whether the search had to start again at the bottom. */
  readonly wrapped: boolean;
}

/** One entry as iterations deliver it and constructors take it. */
export type RangeMapRow<Index extends number | bigint = number> = readonly [first: Index, last: Index, value: number];

/** The entries that a caller handed over, each of them checked. @internal */
export function rowsOf(call: string, entries: unknown, wide: boolean): RangeMapRow<number | bigint>[] {
  if (typeof (entries as Partial<Iterable<unknown>>)[Symbol.iterator] !== 'function') throw new TypeError(`RangeMap${call}: entries is ${shown(entries)}; expected an iterable of [first, last, value]`);
  return Array.from(entries as Iterable<RangeMapRow<number | bigint>>, (entry, i) => {
    if (!Array.isArray(entry)) throw new TypeError(`RangeMap${call}: entry ${i} is ${shown(entry)}; expected [first, last, value]`);
    const [first, last, value] = entry as unknown as RangeMapRow<number | bigint>;
    if (!isIndex(wide, first)) refuseIndex(wide, `RangeMap${call}: entry ${i}: first`, first);
    if (!isIndex(wide, last)) refuseIndex(wide, `RangeMap${call}: entry ${i}: last`, last);
    if (!isValue(value)) refuseValue(`RangeMap${call}: entry ${i}: value`, value);
    return [first, last, value];
  });
}

/** Whether rows ascend and do not overlap. @internal */
export function areSorted(rows: readonly RangeMapRow<number | bigint>[]): boolean {
  return rows.every(([first, last], i) => first <= last && (i === 0 || rows[i - 1]![1] < first));
}

/** An object that is no iterable, in the place of the entries: the options. @internal */
export function isOptions(argument: unknown): argument is RangeMapOptions {
  return typeof argument === 'object' && argument !== null && !(Symbol.iterator in argument);
}
