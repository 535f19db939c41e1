// Finding free ranges: the lowest or highest gap that holds an aligned block, and allocating there.
//
// gap[] is exact, so an unaligned search goes down once, or up and down once: O(log n). A gap that is long enough but in which no aligned block fits is found only in its
// leaf; a search with an alignment visits each such gap that lies before the answer.

import { CELL_FIRST, EBUSY, EINVAL, ENOMEM } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { insertIntoGap, reserveInserts } from './grow.ts';
import { count, first, gap, last } from './node.ts';
import { descend, enterChild, height, pathHigh, pathLow, pathNode, pathSlot, setPathSlot } from './path.ts';

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

/** Gap `slot` of the path's leaf begins here: behind the entry before it. */
function gapLow(level: u32, leaf: u32, slot: u32): u64 {
  return slot == 0 ? pathLow(level) : last(leaf, slot - 1) + 1;
}

function upwards(level: u32): bool {
  const leaf = pathNode(level);
  const n = count(leaf);
  for (let slot = pathSlot(level); slot < n; slot++) {
    const low = gapLow(level, leaf, slot);
    if (low > windowLast) return false;
    // Touching entries leave no gap: then first == low.
    if (first(leaf, slot) != low && fitsLow(low, first(leaf, slot) - 1)) return true;
  }
  return last(leaf, n - 1) < pathHigh(level) && fitsLow(last(leaf, n - 1) + 1, pathHigh(level));
}

function downwards(level: u32): bool {
  const leaf = pathNode(level);
  const n = count(leaf);
  let slot = pathSlot(level);
  if (slot == n) {
    if (last(leaf, n - 1) < pathHigh(level) && fitsHigh(last(leaf, n - 1) + 1, pathHigh(level))) return true;
    slot -= 1;
  }
  let more = true;
  while (more) {
    const low = gapLow(level, leaf, slot);
    if (first(leaf, slot) != low && fitsHigh(low, first(leaf, slot) - 1)) return true;
    more = slot > 0;
    slot -= 1;
  }
  return false;
}

/** Moves the path to the next leaf above with a gap of the wanted length; false when there is none. */
function nextRoomyLeaf(leafLevel: u32): bool {
  let level = leafLevel;
  while (level > 0) {
    level -= 1;
    let slot = nextRoomy(pathNode(level), pathSlot(level) + 1);
    if (slot < count(pathNode(level))) {
      enterChild(level, slot);
      while (++level < leafLevel) {
        slot = nextRoomy(pathNode(level), 0);
        enterChild(level, slot);
      }
      return true;
    }
  }
  return false;
}

function nextRoomy(inner: u32, from: u32): u32 {
  const n = count(inner);
  let slot = from;
  while (slot < n && gap(inner, slot) < wanted) slot += 1;
  return slot;
}

/** The same downwards; the path's slot in the leaf is then behind its last entry. */
function previousRoomyLeaf(leafLevel: u32): bool {
  let level = leafLevel;
  while (level > 0) {
    level -= 1;
    let behind = previousRoomy(pathNode(level), pathSlot(level));
    if (behind > 0) {
      enterChild(level, behind - 1);
      while (++level < leafLevel) {
        behind = previousRoomy(pathNode(level), count(pathNode(level)));
        enterChild(level, behind - 1);
      }
      setPathSlot(leafLevel, count(pathNode(leafLevel)));
      return true;
    }
  }
  return false;
}

/** One more than the roomy child before `before`; 0 when there is none. */
function previousRoomy(inner: u32, before: u32): u32 {
  let behind = before;
  while (behind > 0 && gap(inner, behind - 1) < wanted) behind -= 1;
  return behind;
}

/** R-gap: 0 with the start in the cells, or a negative errno. */
export function treeGap(tree: u32, size: u64, alignment: u64, from: u64, to: u64, fromTop: bool): i32 {
  if (size == 0 || popcnt<u64>(alignment) != 1 || from > to || size - 1 > to - from) return -EINVAL;
  wanted = size;
  mask = alignment - 1;
  windowFirst = from;
  windowLast = to;
  if (height(tree) == 0) {
    const fits = fromTop ? fitsHigh(0, u64.MAX_VALUE) : fitsLow(0, u64.MAX_VALUE);
    return fits ? 0 : -EBUSY;
  }
  const level = descend(tree, fromTop ? to : from);
  if (fromTop) {
    let found = downwards(level);
    while (!found && previousRoomyLeaf(level) && pathHigh(level) >= from) found = downwards(level);
    return found ? 0 : -EBUSY;
  }
  let found = upwards(level);
  while (!found && nextRoomyLeaf(level) && pathLow(level) <= to) found = upwards(level);
  return found ? 0 : -EBUSY;
}

/** R-allocate: 0 with the start in the cells, or a negative errno. */
export function treeAllocate(tree: u32, size: u64, alignment: u64, from: u64, to: u64, v: u32, fromTop: bool): i32 {
  if (v == 0) return -EINVAL;
  const status = treeGap(tree, size, alignment, from, to, fromTop);
  if (status != 0) return status;
  if (!reserveInserts(tree, 1)) return -ENOMEM;
  const start = load<u64>(cells, CELL_FIRST);
  insertIntoGap(tree, start, start + (size - 1), v);
  return 0;
}
