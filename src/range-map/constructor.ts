// How a map is made, with the kind of its keys in its type: a class of its own could not say that.

import type { RangeArena } from './arena.ts';
import type { RangeMapRow } from './entries.ts';
import { RangeMap as Implementation } from './range-map.ts';

/** Options of a map with number keys, 0 to 2^53-1. */
export interface NumberKeys {
  /** `'number'`, or left out. */
  readonly keys?: 'number';
  /** Where the nodes come from. Default: an arena that all maps made without one share. */
  readonly arena?: RangeArena;
}

/** Options of a map with bigint keys, 0 to 2^64-1. */
export interface BigintKeys {
  /** `'bigint'`. */
  readonly keys: 'bigint';
  /** Where the nodes come from. Default: an arena that all maps made without one share. */
  readonly arena?: RangeArena;
}

/**
 * The class RangeMap itself. The kind of keys follows from the options; who extends it says it: `class Names extends RangeMap<number>`.
 *
 * @example
 * ```ts
 * import { RangeMap } from 'maplebar/range-map';
 *
 * new RangeMap(); // RangeMap<number>
 * new RangeMap([[10, 19, 1]]); // ascending and disjoint entries are loaded in bulk, others stored one after another
 * new RangeMap({ keys: 'bigint' }); // RangeMap<bigint>
 * ```
 */
export interface RangeMapConstructor {
  /** A map with number keys, empty or with entries. TypeError, RangeError for bad entries; VfioError EINVAL when a range's first > last, ENOMEM when the arena is full. */
  new <Index extends number | bigint = number>(entries?: Iterable<RangeMapRow> | null, options?: NumberKeys): Implementation<Index>;
  /** An empty map with number keys. */
  new <Index extends number | bigint = number>(options: NumberKeys): Implementation<Index>;
  /** An empty map with bigint keys. */
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- the defaults of Index differ
  new <Index extends number | bigint = bigint>(options: BigintKeys): Implementation<Index>;
  /** A map with bigint keys and entries. */
  new <Index extends number | bigint = bigint>(entries: Iterable<RangeMapRow<bigint>> | null | undefined, options: BigintKeys): Implementation<Index>;
  /**
   * A map from columns of ascending, disjoint ranges (rule R-bulk). `lasts` and `values` are at least as long as `firsts`.
   *
   * @throws VfioError EINVAL when the ranges are not in order, ENOMEM when the arena is full; TypeError and RangeError for other arrays and what they hold.
   */
  fromSorted(firsts: Float64Array, lasts: Float64Array, values: Uint32Array, options?: NumberKeys): Implementation;
  /** The same with bigint keys. */
  fromSorted(firsts: BigUint64Array, lasts: BigUint64Array, values: Uint32Array, options?: Partial<BigintKeys>): Implementation<bigint>;
  /**
   * A map from what `toBytes()` made: "maplemap", version u32, count u32, then the columns of first indices (u64), last indices (u64) and values (u32), all little-endian.
   *
   * @throws RangeError for anything else, with offset, found and expected; TypeError for what is no Uint8Array; VfioError ENOMEM when the arena is full. No map is left then.
   */
  fromBytes(bytes: Uint8Array, options?: NumberKeys): Implementation;
  /** The same with bigint keys. */
  fromBytes(bytes: Uint8Array, options: BigintKeys): Implementation<bigint>;
}

/** {@inheritDoc RangeMapConstructor} */
export const RangeMap = Implementation as unknown as RangeMapConstructor;
/** A map from ranges of integers to numbers, with the manners of `Map`. */
export type RangeMap<Index extends number | bigint = number> = Implementation<Index>;
