// Taking entries away, and replacing a run of them by others: in one leaf, keeping bounds, summaries and fill.
//
// When the last entry of a leaf shrinks or goes, two more things move: the leaf's upper bound, stored as a pivot in the lowest ancestor where the path does not take
// the last child, and with it the first gap of the next leaf:
//
//        before:  [ .. a ]|[    b .. ]          after a went:  [ .. ]|[        b .. ]
//                         pivot                                      pivot

import {
  INNER_CAPACITY,
  INNER_MINIMUM,
  LEAF_CAPACITY,
  LEAF_MINIMUM,
  child,
  clearEntries,
  closeSlot,
  count,
  first,
  gap,
  isLeaf,
  last,
  moveEntries,
  pivot,
  setCount,
  setEntry,
  setGap,
  setPivot,
} from './node.ts';
import { changeCount, height, onRightEdge, pathHigh, pathLow, pathNode, pathSlot, resetTree, setTop } from './path.ts';
import { innerGap, leafGap } from './search.ts';
import { joinChild, joinChildren, joinEntries, removeChild, shareChildren, shareEntries } from './share.ts';
import { lowerBound, noteGap, refreshInnerGap, refreshLeafGap } from './summary.ts';
import { drop, own, ownChild } from './version.ts';

/** Removes the entry under the path. */
export function removeEntry(tree: u32, level: u32): void {
  const slot = pathSlot(level);
  const before = count(pathNode(level));
  if (before == 1) {
    removeLastEntry(tree, level);
    return;
  }
  own(tree, level);
  const leaf = pathNode(level);
  const n = before - 1;
  changeCount(tree, -1);
  setCount(leaf, n);
  if (level == 0) {
    closeSlot(leaf, slot, before);
    return;
  }
  if (slot < n) {
    // The gap that opens can only have made the leaf's longest gap longer.
    const free = first(leaf, slot + 1) - (slot > 0 ? last(leaf, slot - 1) + 1 : pathLow(level));
    closeSlot(leaf, slot, before);
    if (free > gap(pathNode(level - 1), pathSlot(level - 1))) noteGap(level, free);
  } else {
    closeSlot(leaf, slot, before);
    lowerBound(tree, level, last(leaf, n - 1), level);
    refreshLeafGap(level);
  }
  if (n < LEAF_MINIMUM) refill(tree, level, LEAF_MINIMUM);
}

// The entries that a splice puts in: first u64, last u64, value u32 each, three at most.
const PIECE_BYTES: u32 = 24;
const pieces = <u32>memory.data(72);
let pieceCount: u32 = 0;

export function noPieces(): void {
  pieceCount = 0;
}

export function addPiece(from: u64, to: u64, v: u32): void {
  const at = pieces + pieceCount * PIECE_BYTES;
  store<u64>(at, from);
  store<u64>(at, to, 8);
  store<u32>(at, v, 16);
  pieceCount += 1;
}

/** How many entries the path's leaf would hold after `splice`. */
export function splicedCount(level: u32, removed: u32): u32 {
  return count(pathNode(level)) - removed + pieceCount;
}

/** Replaces `removed` entries of the path's leaf, from `slot` on, by the pieces, which lie where those were. They fit the leaf. Nodes are reserved. */
export function splice(tree: u32, level: u32, slot: u32, removed: u32): void {
  const n = splicedCount(level, removed);
  changeCount(tree, <i64>pieceCount - <i64>removed);
  if (n == 0) {
    dropLeaf(tree, level);
    return;
  }
  own(tree, level);
  const leaf = pathNode(level);
  const before = count(leaf);
  const end = last(leaf, before - 1);
  moveEntries(leaf, slot + pieceCount, leaf, slot + removed, before - slot - removed);
  for (let i: u32 = 0; i < pieceCount; i++) {
    const at = pieces + i * PIECE_BYTES;
    setEntry(leaf, slot + i, load<u64>(at), load<u64>(at, 8), load<u32>(at, 16));
  }
  if (n < before) clearEntries(leaf, n, before);
  setCount(leaf, n);
  if (last(leaf, n - 1) < end) lowerBound(tree, level, last(leaf, n - 1), level);
  refreshLeafGap(level);
  if (n < LEAF_MINIMUM) refill(tree, level, LEAF_MINIMUM);
}

function removeLastEntry(tree: u32, level: u32): void {
  changeCount(tree, -1);
  dropLeaf(tree, level);
}

/** Takes the path's leaf out of the tree; all of its entries go with it. A neighbour covers its range. */
function dropLeaf(tree: u32, level: u32): void {
  if (level == 0) {
    drop(tree, pathNode(0));
    resetTree(tree);
    return;
  }
  own(tree, level - 1);
  drop(tree, pathNode(level));
  const above = level - 1;
  const parent = pathNode(above);
  const slot = pathSlot(above);
  if (slot < count(parent) - 1) {
    const free = first(child(parent, slot + 1), 0) - pathLow(level);
    removeChild(parent, slot);
    setGap(parent, slot, max<u64>(gap(parent, slot), free));
  } else {
    const bound = pivot(parent, slot - 1);
    const edge = onRightEdge(above);
    joinChild(parent, slot);
    if (edge) setGap(parent, slot - 1, max<u64>(gap(parent, slot - 1), u64.MAX_VALUE - bound));
    else lowerBound(tree, above, bound, level);
  }
  refreshInnerGap(above);
  refill(tree, above, INNER_MINIMUM);
}

/** Lets the path's node at `level` borrow from a sibling or join it when it is below the minimum, then its ancestors. */
function refill(tree: u32, level: u32, least: u32): void {
  let at = level;
  let minimum = least;
  while (at > 0 && count(pathNode(at)) < minimum) {
    at -= 1;
    const parent = pathNode(at);
    const slot = pathSlot(at);
    evenOut(tree, parent, slot > 0 ? slot - 1 : 0, at);
    refreshInnerGap(at);
    minimum = INNER_MINIMUM;
  }
  const top = pathNode(0);
  if (!isLeaf(top) && count(top) == 1) {
    setTop(tree, child(top, 0), height(tree) - 1);
    drop(tree, top);
  }
}

/** Joins child `i` of `parent`, the path's node at `level`, with its right sibling, or shares their content evenly when it does not fit one node. */
function evenOut(tree: u32, parent: u32, i: u32, level: u32): void {
  const left = ownChild(tree, parent, i);
  const total = count(left) + count(child(parent, i + 1));
  const low = i > 0 ? pivot(parent, i - 1) + 1 : pathLow(level);
  const high = i + 2 < count(parent) ? pivot(parent, i + 1) : pathHigh(level);
  const border = pivot(parent, i);
  if (total <= (isLeaf(left) ? LEAF_CAPACITY : INNER_CAPACITY)) {
    const right = child(parent, i + 1);
    if (isLeaf(left)) joinEntries(left, right);
    else joinChildren(left, right, border);
    drop(tree, right);
    joinChild(parent, i + 1);
    setGap(parent, i, isLeaf(left) ? leafGap(left, low, high) : innerGap(left));
    return;
  }
  const right = ownChild(tree, parent, i + 1);
  if (isLeaf(left)) {
    shareEntries(left, right, total / 2);
    const between = last(left, total / 2 - 1);
    setPivot(parent, i, between);
    setGap(parent, i, leafGap(left, low, between));
    setGap(parent, i + 1, leafGap(right, between + 1, high));
  } else {
    setPivot(parent, i, shareChildren(left, right, total / 2, border));
    setGap(parent, i, innerGap(left));
    setGap(parent, i + 1, innerGap(right));
  }
}
