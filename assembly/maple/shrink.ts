// Taking entries away: removing one, cutting one shorter, and keeping nodes filled.
//
// Two things move when an entry at the end of a leaf shrinks or goes: the leaf's upper bound, stored as a pivot in the lowest ancestor where the path does not take
// the last child, and with it the first gap of the next leaf:
//
//        before:  [ .. a ]|[    b .. ]          after a went:  [ .. ]|[        b .. ]
//                         pivot                                      pivot

import { COUNT_INNER_NODES, COUNT_LEAVES } from '../layout.generated.ts';
import { give } from '../memory/slab.ts';
import {
  INNER_CAPACITY,
  INNER_MINIMUM,
  LEAF_CAPACITY,
  LEAF_MINIMUM,
  child,
  count,
  innerGap,
  isLeaf,
  last,
  leafGap,
  moveChildren,
  moveEntries,
  movePivots,
  pivot,
  setCount,
  setFirst,
  setGap,
  setLast,
  setPivot,
} from './node.ts';
import { refreshGaps } from './grow.ts';
import { changeCount, descend, height, pathHigh, pathLow, pathNode, pathSlot, resetTree, setHeight, setRoot } from './path.ts';

/** Removes the entry under the path. */
export function removeEntry(tree: u32, level: u32): void {
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  const n = count(leaf) - 1;
  moveEntries(leaf, slot, leaf, slot + 1, n - slot);
  setCount(leaf, n);
  if (n == 0 && level == 0) {
    give(COUNT_LEAVES, leaf);
    resetTree(tree);
    return;
  }
  changeCount(tree, -1);
  // A leaf that is not on the right edge holds at least LEAF_MINIMUM entries before this, so n > 0 there.
  if (slot == n && n > 0) lowerBound(tree, level, last(leaf, n - 1));
  refreshGaps(tree, level);
  refill(tree, level);
}

/** Moves the first index of the entry under the path upwards. */
export function cutFront(tree: u32, level: u32, from: u64): void {
  setFirst(pathNode(level), pathSlot(level), from);
  refreshGaps(tree, level);
}

/** Moves the last index of the entry under the path downwards. */
export function cutBack(tree: u32, level: u32, to: u64): void {
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  setLast(leaf, slot, to);
  if (slot == count(leaf) - 1) lowerBound(tree, level, to);
  refreshGaps(tree, level);
}

/** The path's leaf now ends at `high`: moves the pivot that says so and widens the next leaf's first gap. Keeps the path. */
function lowerBound(tree: u32, level: u32, high: u64): void {
  let at = level;
  while (at > 0) {
    at -= 1;
    const node = pathNode(at);
    const slot = pathSlot(at);
    if (slot < count(node) - 1) {
      setPivot(node, slot, high);
      refreshGaps(tree, descend(tree, high + 1));
      descend(tree, high);
      return;
    }
  }
  // On the right edge the bound is 2^64-1, whatever the last entry is.
}

/** Lets the path's node at `level` borrow from a sibling or join it when it fell below the minimum, then its ancestors. */
function refill(tree: u32, level: u32): void {
  let at = level;
  let minimum = LEAF_MINIMUM;
  while (at > 0 && count(pathNode(at)) < minimum) {
    at -= 1;
    const parent = pathNode(at);
    const slot = pathSlot(at);
    const left = slot > 0 ? slot - 1 : 0;
    evenOut(parent, left, pathLow(at), pathHigh(at));
    refreshGaps(tree, at);
    minimum = INNER_MINIMUM;
  }
  const top = pathNode(0);
  if (!isLeaf(top) && count(top) == 1) {
    setRoot(tree, child(top, 0));
    setHeight(tree, height(tree) - 1);
    give(COUNT_INNER_NODES, top);
  }
}

/** Joins child `i` of `parent` with its right sibling, or shares their content evenly when it does not fit one node. */
function evenOut(parent: u32, i: u32, low: u64, high: u64): void {
  const left = child(parent, i);
  const right = child(parent, i + 1);
  const total = count(left) + count(right);
  const leftLow = i > 0 ? pivot(parent, i - 1) + 1 : low;
  const rightHigh = i + 2 < count(parent) ? pivot(parent, i + 1) : high;
  if (isLeaf(left)) {
    const keep = total <= LEAF_CAPACITY ? total : total / 2;
    shareEntries(left, right, keep);
    if (keep == total) {
      dropChild(parent, i + 1);
      give(COUNT_LEAVES, right);
      setGap(parent, i, leafGap(left, leftLow, rightHigh));
    } else {
      const border = last(left, keep - 1);
      setPivot(parent, i, border);
      setGap(parent, i, leafGap(left, leftLow, border));
      setGap(parent, i + 1, leafGap(right, border + 1, rightHigh));
    }
  } else {
    const keep = total <= INNER_CAPACITY ? total : total / 2;
    const border = shareChildren(left, right, keep, pivot(parent, i));
    if (keep == total) {
      dropChild(parent, i + 1);
      give(COUNT_INNER_NODES, right);
    } else {
      setPivot(parent, i, border);
      setGap(parent, i + 1, innerGap(right));
    }
    setGap(parent, i, innerGap(left));
  }
}

/** Removes child `i` (not the first) and the pivot in front of it, so that its left neighbour covers its range. */
function dropChild(parent: u32, i: u32): void {
  const n = count(parent);
  moveChildren(parent, i, parent, i + 1, n - i - 1);
  movePivots(parent, i - 1, parent, i, n - 1 - i);
  setCount(parent, n - 1);
}

/** Moves entries over the border of two neighbours until the left one holds `keep`. */
function shareEntries(left: u32, right: u32, keep: u32): void {
  const nl = count(left);
  const nr = count(right);
  if (keep > nl) {
    const moved = keep - nl;
    moveEntries(left, nl, right, 0, moved);
    moveEntries(right, 0, right, moved, nr - moved);
  } else {
    const moved = nl - keep;
    moveEntries(right, moved, right, 0, nr);
    moveEntries(right, 0, left, keep, moved);
  }
  setCount(left, keep);
  setCount(right, nl + nr - keep);
}

/** The same for children; `border` is the pivot between the two, the answer the one between them afterwards. */
function shareChildren(left: u32, right: u32, keep: u32, border: u64): u64 {
  const nl = count(left);
  const nr = count(right);
  const total = nl + nr;
  let between = border;
  if (keep > nl) {
    const moved = keep - nl;
    moveChildren(left, nl, right, 0, moved);
    setPivot(left, nl - 1, border);
    movePivots(left, nl, right, 0, moved - 1);
    if (keep < total) {
      between = pivot(right, moved - 1);
      moveChildren(right, 0, right, moved, nr - moved);
      movePivots(right, 0, right, moved, nr - moved - 1);
    }
  } else {
    const moved = nl - keep;
    moveChildren(right, moved, right, 0, nr);
    movePivots(right, moved, right, 0, nr - 1);
    setPivot(right, moved - 1, border);
    moveChildren(right, 0, left, keep, moved);
    movePivots(right, 0, left, keep, moved - 1);
    between = pivot(left, keep - 1);
  }
  setCount(left, keep);
  setCount(right, total - keep);
  return between;
}
