// The structural check: walks every node of a tree and compares what is stored with what follows from the entries.

import { INNER_CAPACITY, INNER_MINIMUM, LEAF_CAPACITY, LEAF_MINIMUM, child, count, first, gap, isInner, isLeaf, last, pivot, value } from './node.ts';
import { MAX_HEIGHT, entryCount, height, root } from './path.ts';
import { innerGap, leafGap } from './search.ts';

let entries: u64 = 0;

/** 0 when the tree is sound, else the number of the first rule found broken (the numbers stand in this file). */
export function treeCheck(tree: u32): i32 {
  const levels = height(tree);
  if (levels == 0) return root(tree) == 0 && entryCount(tree) == 0 ? 0 : 1;
  if (levels > MAX_HEIGHT) return 2;
  entries = 0;
  const fault = checkNode(root(tree), levels, 0, u64.MAX_VALUE, true);
  if (fault != 0) return fault;
  return entries == entryCount(tree) ? 0 : 3;
}

function checkNode(node: u32, levels: u32, low: u64, high: u64, top: bool): i32 {
  return levels == 1 ? checkLeaf(node, low, high, top) : checkInner(node, levels, low, high, top);
}

function checkLeaf(leaf: u32, low: u64, high: u64, top: bool): i32 {
  if (!isLeaf(leaf)) return 10;
  const n = count(leaf);
  if (n == 0 || n > LEAF_CAPACITY) return 11;
  const rightEdge = high == u64.MAX_VALUE;
  if (!top && !rightEdge && n < LEAF_MINIMUM) return 12;
  let free = low;
  for (let slot: u32 = 0; slot < n; slot++) {
    if (slot > 0 && free == 0) return 13;
    if (first(leaf, slot) < free) return 14;
    if (last(leaf, slot) < first(leaf, slot)) return 15;
    if (value(leaf, slot) == 0) return 16;
    free = last(leaf, slot) + 1;
  }
  if (last(leaf, n - 1) > high) return 17;
  if (!rightEdge && last(leaf, n - 1) != high) return 18;
  for (let slot = n; slot < LEAF_CAPACITY; slot++) {
    if (first(leaf, slot) != u64.MAX_VALUE || last(leaf, slot) != u64.MAX_VALUE || value(leaf, slot) != 0) return 19;
  }
  entries += n;
  return 0;
}

function checkInner(inner: u32, levels: u32, low: u64, high: u64, top: bool): i32 {
  if (!isInner(inner)) return 20;
  const n = count(inner);
  if (n < 2 || n > INNER_CAPACITY) return 21;
  if (!top && high != u64.MAX_VALUE && n < INNER_MINIMUM) return 22;
  let childLow = low;
  for (let slot: u32 = 0; slot < n; slot++) {
    const childHigh = slot < n - 1 ? pivot(inner, slot) : high;
    if (childHigh < childLow) return 23;
    const node = child(inner, slot);
    const fault = checkNode(node, levels - 1, childLow, childHigh, false);
    if (fault != 0) return fault;
    const longest = levels == 2 ? leafGap(node, childLow, childHigh) : innerGap(node);
    if (gap(inner, slot) != longest) return 24;
    childLow = childHigh + 1;
  }
  for (let slot = n; slot < INNER_CAPACITY; slot++) {
    if (pivot(inner, slot - 1) != u64.MAX_VALUE || gap(inner, slot) != 0 || child(inner, slot) != 0) return 25;
  }
  return pivot(inner, INNER_CAPACITY - 1) == u64.MAX_VALUE ? 0 : 25;
}
