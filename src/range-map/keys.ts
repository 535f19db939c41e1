// The two kinds of keys: numbers 0 to 2^53-1, and bigints 0 to 2^64-1. A map has one of them; the other is refused.

import { VfioError, errnoName } from '../uapi/index.ts';
import { hex, shown } from '../webassembly/index.ts';

/** The last index of a map with number keys. @internal */
export const LAST_NUMBER = Number.MAX_SAFE_INTEGER;
/** The last index of a map with bigint keys. @internal */
export const LAST_BIGINT = 0xffff_ffff_ffff_ffffn;
const MAX_VALUE = 0xffff_ffff;
const HIGH = 0x1_0000_0000;

/** What a column of indices is: a Float64Array of a map with number keys, a BigUint64Array of one with bigint keys. */
export type IndexColumn<Index extends number | bigint> = Index extends bigint ? BigUint64Array : Float64Array;

/** Small enough to be inlined where it is asked for; NaN fails the first comparison. @internal */
export function isNumberIndex(index: unknown): index is number {
  return typeof index === 'number' && index >= 0 && index <= LAST_NUMBER && Math.floor(index) === index;
}

/** @internal */
export function isBigintIndex(index: unknown): index is bigint {
  return typeof index === 'bigint' && index >= 0n && index <= LAST_BIGINT;
}

/** @internal */
export function isValue(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= MAX_VALUE && Math.floor(value) === value;
}

/** @internal */
export function isIndex(wide: boolean, index: unknown): boolean {
  return wide ? isBigintIndex(index) : isNumberIndex(index);
}

/** TypeError for another kind of key, RangeError for one out of bounds. @internal */
export function refuseIndex(wide: boolean, what: string, index: unknown): never {
  if (wide) {
    if (typeof index !== 'bigint') throw new TypeError(`${what} is ${shown(index)}; expected a bigint, as this map has bigint keys`);
    throw new RangeError(`${what} is ${shown(index)}; expected 0 to 2^64-1`);
  }
  if (typeof index !== 'number') throw new TypeError(`${what} is ${shown(index)}; expected a number, as this map has number keys`);
  throw new RangeError(`${what} is ${shown(index)}; expected an integer from 0 to 2^53-1`);
}

/** @internal */
export function refuseValue(what: string, value: unknown): never {
  if (typeof value !== 'number') throw new TypeError(`${what} is ${shown(value)}; expected a number`);
  throw new RangeError(`${what} is ${shown(value)}; expected an integer from 1 to 2^32-1`);
}

/** An index that is one, as the exports with u64 take it. @internal */
export function toU64(wide: boolean, what: string, index: unknown): bigint {
  if (wide) {
    if (isBigintIndex(index)) return index;
  } else if (isNumberIndex(index)) {
    return BigInt(index);
  }
  return refuseIndex(wide, what, index);
}

/** The index in two words of memory. A gap's end is cut to the last index that a number can be. @internal */
export function fromWords(low: number, high: number): number {
  const index = high * HIGH + low;
  return index > LAST_NUMBER ? LAST_NUMBER : index;
}

/** A range for messages. @internal */
export function span(first: number | bigint, last: number | bigint): string {
  return `${hex(first)}..${hex(last)}`;
}

/** Throws the errno that a call answered. @internal */
export function refuseStatus(status: number, call: string, detail: string): never {
  throw new VfioError(errnoName(-status) ?? 'EINVAL', call, detail);
}
