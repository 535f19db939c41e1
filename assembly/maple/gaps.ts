// Finding free ranges: the lowest or highest gap that holds an aligned block, and allocating there.
//
// gap[] is exact, so an unaligned search goes down once, or up and down once: O(log n). A gap that is long enough but in which no aligned block fits is found only in its
// leaf; a search with an alignment visits each such gap that lies before the answer.

import { CELL_FIRST, EBUSY, EINVAL } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { GAP, INNER_CAPACITY, count, first, gap, last } from './node.ts';
import { descend, enterChild, pathHigh, pathLow, pathNode, pathSlot, setPathSlot } from './path.ts';
import { nextRoomy, previousRoomy } from './search.ts';
import { insertFound } from './write.ts';

let wanted: u64 = 0;
let mask: u64 = 0;
let windowFirst: u64 = 0;
let windowLast: u64 = 0;

/** The lowest aligned start in low..high, cut to the window; stores it in the cells. */
function fitsLow(low: u64, high: u64): bool {
  const from = max<u64>(low, windowFirst);
  const to = min<u64>(high, windowLast);
  const start = (from + mask) & ~mask;
  // A sum that wrapped is below `from`.
  if (start < from || start > to || to - start < wanted - 1) return false;
  store<u64>(cells, start, CELL_FIRST);
  return true;
}

/** The highest aligned start in low..high, cut to the window; stores it in the cells. */
function fitsHigh(low: u64, high: u64): bool {
  const from = max<u64>(low, windowFirst);
  const to = min<u64>(high, windowLast);
  if (to < from || to - from < wanted - 1) return false;
  const start = (to - (wanted - 1)) & ~mask;
  if (start < from) return false;
  store<u64>(cells, start, CELL_FIRST);
  return true;
}

/** Looks through the gaps of the path's leaf from its slot on; leaves the slot on the one that fits. */
function upwards(level: u32): bool {
  const leaf = pathNode(level);
  const n = count(leaf);
  let slot = pathSlot(level);
  let low = slot > 0 ? last(leaf, slot - 1) + 1 : pathLow(level);
  while (slot < n) {
    if (low > windowLast) return false;
    // Touching entries leave no gap: then first == low.
    const start = first(leaf, slot);
    if (start - low >= wanted && fitsLow(low, start - 1)) {
      setPathSlot(level, slot);
      return true;
    }
    low = last(leaf, slot) + 1;
    slot += 1;
  }
  setPathSlot(level, n);
  const high = pathHigh(level);
  return last(leaf, n - 1) < high && fitsLow(low, high);
}

/** The same downwards, from the gap in front of the path's slot. */
function downwards(level: u32): bool {
  const leaf = pathNode(level);
  const n = count(leaf);
  let slot = pathSlot(level);
  let high = slot < n ? first(leaf, slot) - 1 : pathHigh(level);
  let more = true;
  while (more) {
    const low = slot > 0 ? last(leaf, slot - 1) + 1 : pathLow(level);
    if (low != high + 1 && high - low >= wanted - 1 && fitsHigh(low, high)) {
      setPathSlot(level, slot);
      return true;
    }
    more = slot > 0;
    slot -= 1;
    if (more) high = first(leaf, slot) - 1;
  }
  return false;
}

/** Whether all of the path's node at `level` can be passed over: its parent knows of no gap below it that is long enough. */
function isNarrow(level: u32): bool {
  return level > 0 && gap(pathNode(level - 1), pathSlot(level - 1)) < wanted;
}

/** Moves the path to the next leaf above with a gap of the wanted length; false when there is none. */
function nextRoomyLeaf(leafLevel: u32): bool {
  let level = leafLevel;
  while (level > 0) {
    level -= 1;
    if (isNarrow(level)) continue;
    const slot = nextRoomy(pathNode(level), pathSlot(level) + 1, wanted);
    if (slot < INNER_CAPACITY) {
      enterChild(level, slot);
      while (++level < leafLevel) enterChild(level, nextRoomy(pathNode(level), 0, wanted));
      return true;
    }
  }
  return false;
}

/** The same downwards; the path's slot in the leaf is then behind its last entry. */
function previousRoomyLeaf(leafLevel: u32): bool {
  let level = leafLevel;
  while (level > 0) {
    level -= 1;
    if (isNarrow(level)) continue;
    const behind = previousRoomy(pathNode(level), pathSlot(level), wanted);
    if (behind > 0) {
      enterChild(level, behind - 1);
      while (++level < leafLevel) enterChild(level, previousRoomy(pathNode(level), INNER_CAPACITY, wanted) - 1);
      setPathSlot(leafLevel, count(pathNode(leafLevel)));
      return true;
    }
  }
  return false;
}

/** R-gap: 0 with the start in the cells, or a negative errno. */
export function treeGap(tree: u32, size: u64, alignment: u64, from: u64, to: u64, fromTop: bool): i32 {
  if (size == 0 || popcnt<u64>(alignment) != 1 || from > to || size - 1 > to - from) return -EINVAL;
  found = findGap(tree, size, alignment, from, to, fromTop);
  return found == NOTHING ? -EBUSY : 0;
}

// Where the last search ended: the leaf's level, -1 in an empty tree, or nowhere.
const NOTHING: i32 = -2;
let found: i32 = NOTHING;

function findGap(tree: u32, size: u64, alignment: u64, from: u64, to: u64, fromTop: bool): i32 {
  wanted = size;
  mask = alignment - 1;
  windowFirst = from;
  windowLast = to;
  const level = descend(tree, fromTop ? to : from);
  if (level < 0) {
    const fits = fromTop ? fitsHigh(0, u64.MAX_VALUE) : fitsLow(0, u64.MAX_VALUE);
    return fits ? -1 : NOTHING;
  }
  // Where the leaf has no such gap its parent's is looked at next: in a tall tree it would be waited for after the leaf, not beside it.
  if (level > 0) load<u64>(pathNode(level - 1) + (pathSlot(level - 1) << 3), GAP);
  if (fromTop) {
    let fits = downwards(level);
    while (!fits && previousRoomyLeaf(level) && pathHigh(level) >= from) fits = downwards(level);
    return fits ? level : NOTHING;
  }
  let fits = upwards(level);
  while (!fits && nextRoomyLeaf(level) && pathLow(level) <= to) fits = upwards(level);
  return fits ? level : NOTHING;
}

/** R-allocate: 0 with the start in the cells, or a negative errno. The entry goes in where the search ended. */
export function treeAllocate(tree: u32, size: u64, alignment: u64, from: u64, to: u64, v: u32, fromTop: bool): i32 {
  if (v == 0) return -EINVAL;
  const status = treeGap(tree, size, alignment, from, to, fromTop);
  if (status != 0) return status;
  const start = load<u64>(cells, CELL_FIRST);
  return insertFound(tree, found, start, start + (size - 1), v);
}

/** R-cyclic: 0, or 1 after a wrap, with the start in the cells; or a negative errno. `wraps` is where the store remembers that the last block ended at 2^64-1. */
export function treeAllocateCyclic(tree: u32, size: u64, alignment: u64, from: u64, to: u64, next: u64, v: u32, wraps: u32): i32 {
  if (v == 0 || size == 0 || popcnt<u64>(alignment) != 1 || from > to || size - 1 > to - from) return -EINVAL;
  let wrapped: i32 = load<u8>(wraps);
  const begin = max<u64>(from, next);
  found = begin > to || size - 1 > to - begin ? NOTHING : findGap(tree, size, alignment, begin, to, false);
  if (found == NOTHING && begin > from) {
    found = findGap(tree, size, alignment, from, to, false);
    wrapped = 1;
  }
  if (found == NOTHING) return -EBUSY;
  const start = load<u64>(cells, CELL_FIRST);
  const end = start + (size - 1);
  const status = insertFound(tree, found, start, end, v);
  if (status != 0) return status;
  store<u8>(wraps, u8(end == u64.MAX_VALUE));
  return wrapped;
}
