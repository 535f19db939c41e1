// R-walk: rows of entries, and of gaps where asked for, upwards or downwards.
//
// A gap lies in one leaf, in front of an entry or behind the last one, so a walk meets the ranges of a leaf in this order:
//
//   | gap | entry | entry | gap | entry |          gap i in front of entry i; a gap of length 0 is none; behind the last entry only on the right edge

import { WALK_FIRST, WALK_LAST, WALK_ROW_BYTES, WALK_VALUE } from '../layout.generated.ts';
import { count, first, last, value } from './node.ts';
import { descend, nextLeaf, pathHigh, pathLow, pathNode, pathSlot, previousLeaf } from './path.ts';

let rows: u32 = 0;
let capacity: u32 = 0;
let filled: u32 = 0;

function row(from: u64, to: u64, v: u32): bool {
  if (filled == capacity) return false;
  const at = rows + filled * WALK_ROW_BYTES;
  store<u64>(at, from, WALK_FIRST);
  store<u64>(at, to, WALK_LAST);
  store<u32>(at, v, WALK_VALUE);
  filled += 1;
  return true;
}

function begin(buffer: u32, size: u32): void {
  rows = buffer;
  capacity = size;
  filled = 0;
}

/** Fills up to `size` rows at `buffer` and answers how many. Full rows are whole ranges, so a caller goes on behind the last one. */
export function treeWalk(tree: u32, from: u64, to: u64, gaps: bool, buffer: u32, size: u32): u32 {
  begin(buffer, size);
  const level = descend(tree, from);
  if (level < 0) {
    if (gaps) row(0, u64.MAX_VALUE, 0);
    return filled;
  }
  let slot = pathSlot(level);
  let low = pathLow(level);
  let more: bool = true;
  while (more) {
    const leaf = pathNode(level);
    const n = count(leaf);
    if (slot > 0) low = last(leaf, slot - 1) + 1;
    while (slot < n) {
      const start = first(leaf, slot);
      const end = last(leaf, slot);
      // The first gap may lie in front of the window altogether.
      if (gaps && low < start && start > from && (low > to || !row(low, start - 1, 0))) return filled;
      if (start > to || !row(start, end, value(leaf, slot)) || end >= to) return filled;
      low = end + 1;
      slot += 1;
    }
    more = nextLeaf(level);
    slot = 0;
  }
  // Behind an entry that ends at 2^64-1 the walk has ended already, or begins there with nothing behind it.
  if (gaps && low <= to) row(low, u64.MAX_VALUE, 0);
  return filled;
}

/** The same rows in descending order. */
export function treeWalkBack(tree: u32, from: u64, to: u64, gaps: bool, buffer: u32, size: u32): u32 {
  begin(buffer, size);
  const level = descend(tree, to);
  if (level < 0) {
    if (gaps) row(0, u64.MAX_VALUE, 0);
    return filled;
  }
  // Ranges from behind `slot` downwards: first the gap that ends at `high`, then the entry before it.
  let slot = pathSlot(level);
  let leaf = pathNode(level);
  let high = pathHigh(level);
  if (slot < count(leaf)) {
    if (first(leaf, slot) <= to) {
      if (!row(first(leaf, slot), last(leaf, slot), value(leaf, slot)) || first(leaf, slot) <= from) return filled;
    }
    high = first(leaf, slot) - 1;
  }
  let more: bool = true;
  while (more) {
    const low = slot > 0 ? last(leaf, slot - 1) + 1 : pathLow(level);
    // `high` is one below `low` where there is no gap, also where that wraps around 0.
    if (gaps && low != high + 1 && !row(low, high, 0)) return filled;
    if (slot == 0) {
      if (!previousLeaf(level)) return filled;
      leaf = pathNode(level);
      slot = count(leaf);
    }
    slot -= 1;
    const start = first(leaf, slot);
    if (last(leaf, slot) < from || !row(start, last(leaf, slot), value(leaf, slot)) || start <= from) return filled;
    high = start - 1;
    more = slot > 0 || start > 0;
  }
  return filled;
}
