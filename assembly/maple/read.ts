// Reading the range store: load, find, next, previous, walk. Answers that are ranges land in the result cells.

import { CELL_FIRST, CELL_LAST, CELL_VALUE, WALK_FIRST, WALK_LAST, WALK_ROW_BYTES, WALK_VALUE } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { child, count, first, innerSlot, last, leafSlot, value } from './node.ts';
import { descend, height, nextLeaf, pathNode, pathSlot, previousLeaf, root } from './path.ts';

/** R-load. */
export function treeLoad(tree: u32, index: u64): u32 {
  let levels = height(tree);
  if (levels == 0) return 0;
  let node = root(tree);
  while (levels > 1) {
    node = child(node, innerSlot(node, index));
    levels -= 1;
  }
  const slot = leafSlot(node, index);
  return slot < count(node) && first(node, slot) <= index ? value(node, slot) : 0;
}

function answer(leaf: u32, slot: u32): u32 {
  store<u64>(cells, first(leaf, slot), CELL_FIRST);
  store<u64>(cells, last(leaf, slot), CELL_LAST);
  store<u32>(cells, value(leaf, slot), CELL_VALUE);
  return value(leaf, slot);
}

/** R-find: the value, its range in the cells; 0 when there is none. */
export function treeFind(tree: u32, index: u64, limit: u64): u32 {
  if (height(tree) == 0) return 0;
  const level = descend(tree, index);
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  // Only the right-most leaf can end below an index that it covers, and nothing comes after it.
  if (slot == count(leaf) || first(leaf, slot) > limit) return 0;
  return answer(leaf, slot);
}

/** R-find, downwards. */
export function treeFindPrevious(tree: u32, index: u64, limit: u64): u32 {
  if (height(tree) == 0) return 0;
  const level = descend(tree, index);
  let leaf = pathNode(level);
  let slot = pathSlot(level);
  if (slot == count(leaf) || first(leaf, slot) > index) {
    if (slot > 0) {
      slot -= 1;
    } else {
      if (!previousLeaf(level)) return 0;
      leaf = pathNode(level);
      slot = pathSlot(level);
    }
  }
  if (last(leaf, slot) < limit) return 0;
  return answer(leaf, slot);
}

/** R-next. */
export function treeNext(tree: u32, index: u64, limit: u64): u32 {
  let from = index;
  if (treeFind(tree, index, index) != 0) from = load<u64>(cells, CELL_LAST);
  return from == u64.MAX_VALUE ? 0 : treeFind(tree, from + 1, limit);
}

/** R-next, downwards. */
export function treePrevious(tree: u32, index: u64, limit: u64): u32 {
  let from = index;
  if (treeFind(tree, index, index) != 0) from = load<u64>(cells, CELL_FIRST);
  return from == 0 ? 0 : treeFindPrevious(tree, from - 1, limit);
}

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

/**
 * R-walk: fills up to `size` rows at `buffer` and answers how many. Full rows are whole ranges, so a caller goes on behind the last one.
 */
export function treeWalk(tree: u32, from: u64, to: u64, gaps: bool, buffer: u32, size: u32): u32 {
  rows = buffer;
  capacity = size;
  filled = 0;
  if (height(tree) == 0) {
    if (gaps) row(0, u64.MAX_VALUE, 0);
    return filled;
  }
  const level = descend(tree, from);
  let leaf = pathNode(level);
  let slot = pathSlot(level);
  // The first index behind the entry before `slot`: where a gap that touches `from` begins.
  let free: u64 = 0;
  if (gaps) {
    if (slot > 0) {
      free = last(leaf, slot - 1) + 1;
    } else if (previousLeaf(level)) {
      free = last(pathNode(level), pathSlot(level)) + 1;
      nextLeaf(level);
    }
  }
  let more: bool = true;
  while (more) {
    while (slot < count(leaf)) {
      const start = first(leaf, slot);
      const end = last(leaf, slot);
      if (gaps && free < start && start > from && free <= to && !row(free, start - 1, 0)) return filled;
      if (start > to || !row(start, end, value(leaf, slot))) return filled;
      if (end >= to) return filled;
      free = end + 1;
      slot += 1;
    }
    more = nextLeaf(level);
    leaf = pathNode(level);
    slot = 0;
  }
  if (gaps) row(free, u64.MAX_VALUE, 0);
  return filled;
}
