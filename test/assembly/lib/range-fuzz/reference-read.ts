// The reference's questions: a binary search in a sorted array, or a loop over it. Knows nothing of assembly/maple.

import { count, first, last, value } from './columns.ts';

const MAX: u64 = u64.MAX_VALUE;
const EBUSY = 16;
const EINVAL = 22;

/** What the latest question found. */
export let foundFirst: u64 = 0;
export let foundLast: u64 = 0;

/** How many entries end below `index`: the slot of the entry that holds it, or of the next one above. */
export function slotOf(s: u32, index: u64): u32 {
  let low: u32 = 0;
  let high = count(s);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (last(s, middle) < index) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function holds(s: u32, slot: u32, index: u64): bool {
  return slot < count(s) && first(s, slot) <= index;
}

function found(s: u32, slot: u32): u32 {
  foundFirst = first(s, slot);
  foundLast = last(s, slot);
  return value(s, slot);
}

export function refLoad(s: u32, index: u64): u32 {
  const slot = slotOf(s, index);
  return holds(s, slot, index) ? value(s, slot) : 0;
}

export function refFind(s: u32, index: u64, limit: u64): u32 {
  const slot = slotOf(s, index);
  return slot < count(s) && first(s, slot) <= limit ? found(s, slot) : 0;
}

export function refFindPrevious(s: u32, index: u64, limit: u64): u32 {
  const slot = slotOf(s, index);
  const above = holds(s, slot, index) ? slot + 1 : slot;
  return above > 0 && last(s, above - 1) >= limit ? found(s, above - 1) : 0;
}

export function refNext(s: u32, index: u64, limit: u64): u32 {
  const slot = slotOf(s, index);
  const next = holds(s, slot, index) ? slot + 1 : slot;
  return next < count(s) && first(s, next) <= limit ? found(s, next) : 0;
}

export function refPrevious(s: u32, index: u64, limit: u64): u32 {
  const slot = slotOf(s, index);
  return slot > 0 && last(s, slot - 1) >= limit ? found(s, slot - 1) : 0;
}

/** Where the gap in front of a slot begins. Meaningless when the entry before it ends at 2^64-1. */
function afterPrevious(s: u32, slot: u32): u64 {
  return slot == 0 ? 0 : last(s, slot - 1) + 1;
}

export function refRange(s: u32, index: u64): u32 {
  const slot = slotOf(s, index);
  if (holds(s, slot, index)) return found(s, slot);
  foundFirst = afterPrevious(s, slot);
  foundLast = slot < count(s) ? first(s, slot) - 1 : MAX;
  return 0;
}

/** 0 with the start in foundFirst, or a negative errno. Looks at every gap, in the order asked for. */
export function refGap(s: u32, size: u64, alignment: u64, from: u64, to: u64, fromTop: bool): i32 {
  if (from > to || size == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return -EINVAL;
  if (size - 1 > to - from) return -EINVAL;
  const n = count(s);
  if (fromTop) {
    for (let slot = n + 1; slot > 0; slot--) if (fits(s, slot - 1, n, size, alignment, from, to, true)) return 0;
  } else {
    for (let slot: u32 = 0; slot <= n; slot++) if (fits(s, slot, n, size, alignment, from, to, false)) return 0;
  }
  return -EBUSY;
}

/** Whether the gap in front of `slot` has room inside from..to. */
function fits(s: u32, slot: u32, n: u32, size: u64, alignment: u64, from: u64, to: u64, fromTop: bool): bool {
  if (slot > 0 && last(s, slot - 1) == MAX) return false;
  if (slot < n && first(s, slot) == 0) return false;
  const low = max<u64>(afterPrevious(s, slot), from);
  const high = min<u64>(slot < n ? first(s, slot) - 1 : MAX, to);
  if (low > high || high - low < size - 1) return false;
  if (fromTop) {
    const start = (high - (size - 1)) & ~(alignment - 1);
    foundFirst = start;
    return start >= low;
  }
  const start = (low + (alignment - 1)) & ~(alignment - 1);
  foundFirst = start;
  return start >= low && start <= high && high - start >= size - 1;
}

/** Whether any entry touches from..to. */
export function refOccupied(s: u32, from: u64, to: u64): bool {
  const slot = slotOf(s, from);
  return slot < count(s) && first(s, slot) <= to;
}
