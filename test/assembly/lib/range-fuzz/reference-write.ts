// The reference's changes: the touched slots go, the rests and the new entry come in their place.

import { copyEntries, count, first, last, setCount, setEntry, setWrapped, shift, value, wrapped } from './columns.ts';
import { foundFirst, holds, refGap, refOccupied, slotOf } from './reference-read.ts';

const MAX: u64 = u64.MAX_VALUE;
const EEXIST = 17;
const EINVAL = 22;

export function refStore(s: u32, from: u64, to: u64, v: u32): i32 {
  if (from > to) return -EINVAL;
  const start = slotOf(s, from);
  let end = start;
  const n = count(s);
  while (end < n && first(s, end) <= to) end++;
  const leftRest = end > start && first(s, start) < from;
  const rightRest = end > start && last(s, end - 1) > to;
  const leftFirst = leftRest ? first(s, start) : 0;
  const leftValue = leftRest ? value(s, start) : 0;
  const rightLast = rightRest ? last(s, end - 1) : 0;
  const rightValue = rightRest ? value(s, end - 1) : 0;
  shift(s, end, start + u32(leftRest) + u32(v != 0) + u32(rightRest));
  let slot = start;
  if (leftRest) setEntry(s, slot++, leftFirst, from - 1, leftValue);
  if (v != 0) setEntry(s, slot++, from, to, v);
  if (rightRest) setEntry(s, slot, to + 1, rightLast, rightValue);
  return 0;
}

export function refInsert(s: u32, from: u64, to: u64, v: u32): i32 {
  if (from > to || v == 0) return -EINVAL;
  return refOccupied(s, from, to) ? -EEXIST : refStore(s, from, to, v);
}

export function refErase(s: u32, index: u64): u32 {
  const slot = slotOf(s, index);
  if (!holds(s, slot, index)) return 0;
  const erased = value(s, slot);
  shift(s, slot + 1, slot);
  return erased;
}

export function refClear(s: u32): void {
  setCount(s, 0);
}

export function refAllocate(s: u32, size: u64, alignment: u64, from: u64, to: u64, v: u32, fromTop: bool): i32 {
  if (v == 0) return -EINVAL;
  const status = refGap(s, size, alignment, from, to, fromTop);
  return status < 0 ? status : refInsert(s, foundFirst, foundFirst + (size - 1), v);
}

/** 0, or 1 after a wrap, with the start in foundFirst. */
export function refAllocateCyclic(s: u32, size: u64, alignment: u64, from: u64, to: u64, next: u64, v: u32): i32 {
  if (v == 0) return -EINVAL;
  if (from > to || size == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0 || size - 1 > to - from) return -EINVAL;
  let status = refGap(s, size, alignment, max<u64>(from, next), to, false);
  let wraps: u32 = 0;
  if (status < 0 && next > from) {
    status = refGap(s, size, alignment, from, to, false);
    wraps = 1;
  }
  if (status < 0) return -16;
  const start = foundFirst;
  refStore(s, start, start + (size - 1), v);
  wraps |= wrapped(s);
  setWrapped(s, start + (size - 1) == MAX ? 1 : 0);
  return wraps;
}

/** The first row that breaks the rules of a bulk load spoils all of it. Rows: first u64, last u64, value u32, 24 bytes each. */
export function refBulk(s: u32, rows: u32, n: u32): i32 {
  if (count(s) > 0) return -EEXIST;
  for (let i: u32 = 0; i < n; i++) {
    const row = rows + i * 24;
    if (load<u64>(row) > load<u64>(row, 8) || load<u32>(row, 16) == 0) return -EINVAL;
    if (i > 0 && load<u64>(row) <= load<u64>(row - 24, 8)) return -EINVAL;
  }
  for (let i: u32 = 0; i < n; i++) setEntry(s, i, load<u64>(rows + i * 24), load<u64>(rows + i * 24, 8), load<u32>(rows + i * 24, 16));
  setCount(s, n);
  return 0;
}

export function refDuplicate(s: u32, target: u32): i32 {
  if (s == target || count(target) > 0) return -EINVAL;
  copyEntries(target, s);
  return 0;
}
