// Where the random ranges of a chunk lie. Each chunk prefers one neighbourhood; half of all indices lie at, in or beside an entry that is there.

import { count, first, last } from './columns.ts';
import { below, next, once, u64s } from './random.ts';

const MAX: u64 = u64.MAX_VALUE;
const PAGE: u64 = 4096;
const NEIGHBOURHOODS: u32 = 7;

let neighbourhood: u32 = 0;
/** How many indices a crowded neighbourhood has. */
let width: u32 = 64;

export let rangeFirst: u64 = 0;
export let rangeLast: u64 = 0;

export function chooseNeighbourhood(entries: u32): void {
  neighbourhood = below(NEIGHBOURHOODS + 1);
  width = entries * (1 + below(12)) + 8;
}

/** An index of the chunk's neighbourhood; in the last kind of chunk, of any. */
export function freshIndex(): u64 {
  const kind = neighbourhood < NEIGHBOURHOODS ? neighbourhood : below(NEIGHBOURHOODS);
  if (kind == 0) return below(width);
  if (kind == 1) return MAX - below(width);
  if (kind == 2) return ((<u64>1 << 32) - <u64>(width >>> 1) + below(width)) * (once(4) ? 1 : PAGE) + (once(8) ? below(4096) : 0);
  if (kind == 3) return below(200);
  if (kind == 4) return (<u64>1 << <u64>below(64)) + <u64>below(3) - 1;
  if (kind == 5) return u64s();
  return (<u64>1 << 53) - <u64>(width >>> 1) + below(width);
}

/** An index for a question or an erase. */
export function index(s: u32): u64 {
  const n = count(s);
  if (n == 0 || once(2)) return freshIndex();
  const slot = below(n);
  const kind = below(6);
  if (kind < 2) return first(s, slot);
  if (kind == 2) return last(s, slot);
  if (kind == 3) return first(s, slot) - 1;
  if (kind == 4) return last(s, slot) + 1;
  return first(s, slot) + ((last(s, slot) - first(s, slot)) >> 1);
}

function ending(from: u64, more: u64): u64 {
  return more > MAX - from ? MAX : from + more;
}

/** Puts a range into rangeFirst and rangeLast: mostly short; sometimes long; backwards once in 64, if `anyOrder`. */
export function chooseRange(s: u32, anyOrder: bool): void {
  const from = index(s);
  const kind = below(32);
  if (kind < 14) rangeLast = ending(from, below(3));
  else if (kind < 20) rangeLast = ending(from, below(12));
  else if (kind < 26) rangeLast = ending(from, <u64>(1 + below(4)) * PAGE - 1);
  else if (kind < 30) rangeLast = spanning(s, from);
  else rangeLast = index(s);
  rangeFirst = from;
  if (rangeFirst > rangeLast && !(anyOrder && once(2))) {
    const kept = rangeFirst;
    rangeFirst = rangeLast;
    rangeLast = kept;
  }
}

/** An end that a few entries up to many lie in front of. */
function spanning(s: u32, from: u64): u64 {
  const n = count(s);
  if (n == 0) return ending(from, below(1 << below(20)));
  const slot = below(n);
  rangeFirst = from;
  return max<u64>(from, last(s, slot) - (once(2) ? <u64>below(2) : 0));
}

/** A size of a block. */
export function size(): u64 {
  const kind = below(16);
  if (kind < 9) return 1 + below(8);
  if (kind < 13) return <u64>(1 + below(4)) * PAGE;
  if (kind == 13) return <u64>1 << <u64>below(64);
  if (kind == 14) return below(3);
  return u64s() >> <u64>below(64);
}

/** A power of two, once in 40 something else. */
export function alignment(): u64 {
  const kind = below(40);
  if (kind < 20) return 1;
  if (kind < 32) return <u64>1 << <u64>below(5);
  if (kind < 36) return PAGE;
  if (kind < 39) return <u64>1 << <u64>below(64);
  return once(2) ? 0 : 3 + below(4) * 2;
}

/** A value, never 0. */
export function value(): u32 {
  return next() | 1;
}
