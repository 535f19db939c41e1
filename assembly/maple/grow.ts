// Putting one entry into a gap: into its leaf, splitting full nodes upwards.
//
//   full leaf, entry in the middle:  [ 6 ][ 6 ]      in ascending order:  [ 12 ][ 1 ]
//   full inner node:                 [ 12 ][ 12 ]    in ascending order:  [ 23 ][ 2 ]
//
// In ascending order the left node stays full, so that a tree filled upwards has full leaves; only nodes on the right edge may be
// below the minimum.

import { COUNT_INNER_NODES, COUNT_LEAVES } from '../layout.generated.ts';
import { live, reserve, take } from '../memory/slab.ts';
import {
  INNER_CAPACITY,
  LEAF_CAPACITY,
  count,
  initInner,
  initLeaf,
  innerGap,
  last,
  leafGap,
  moveChildren,
  moveEntries,
  movePivots,
  pivot,
  setChild,
  setCount,
  setEntry,
  setGap,
  setPivot,
} from './node.ts';
import { changeCount, descend, height, pathHigh, pathLow, pathNode, pathSlot, setHeight, setRoot } from './path.ts';

/** Leaves that `inserts` inserts can need. */
export function leavesNeeded(inserts: u32): u32 {
  return inserts + 1;
}

/** Inner nodes that `inserts` inserts into this tree can need. */
export function innerNeeded(tree: u32, inserts: u32): u32 {
  // One insert splits one node per level and may add a root. Many inserts split each existing node once, and then one node per eleven new children.
  const levels = height(tree) + 2;
  return min<u32>(inserts * levels, live(COUNT_INNER_NODES) + inserts + levels);
}

/** Makes sure that `inserts` inserts cannot run out of nodes. */
export function reserveInserts(tree: u32, inserts: u32): bool {
  return reserve(COUNT_LEAVES, leavesNeeded(inserts)) && reserve(COUNT_INNER_NODES, innerNeeded(tree, inserts));
}

/** Writes the gap summaries of the path's nodes into their parents, from `level` up. */
export function refreshGaps(tree: u32, level: u32): void {
  const leafLevel = height(tree) - 1;
  let at = level;
  while (at > 0) {
    const node = pathNode(at);
    const longest = at == leafLevel ? leafGap(node, pathLow(at), pathHigh(at)) : innerGap(node);
    at -= 1;
    setGap(pathNode(at), pathSlot(at), longest);
  }
}

/** Puts an entry into the gap that holds `from..to`. Nodes are reserved, and the caller knows that the range is free. */
export function insertIntoGap(tree: u32, from: u64, to: u64, v: u32): void {
  changeCount(tree, 1);
  if (height(tree) == 0) {
    const leaf = take(COUNT_LEAVES);
    initLeaf(leaf);
    setEntry(leaf, 0, from, to, v);
    setCount(leaf, 1);
    setRoot(tree, leaf);
    setHeight(tree, 1);
    return;
  }
  const level = descend(tree, from);
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  if (count(leaf) < LEAF_CAPACITY) {
    putEntry(leaf, slot, from, to, v);
    refreshGaps(tree, level);
  } else {
    splitLeaf(tree, level, leaf, slot, from, to, v);
  }
}

function putEntry(leaf: u32, slot: u32, from: u64, to: u64, v: u32): void {
  const n = count(leaf);
  moveEntries(leaf, slot + 1, leaf, slot, n - slot);
  setEntry(leaf, slot, from, to, v);
  setCount(leaf, n + 1);
}

function splitLeaf(tree: u32, level: u32, left: u32, slot: u32, from: u64, to: u64, v: u32): void {
  const right = take(COUNT_LEAVES);
  initLeaf(right);
  const keep = slot == LEAF_CAPACITY ? LEAF_CAPACITY : LEAF_CAPACITY / 2;
  moveEntries(right, 0, left, keep, LEAF_CAPACITY - keep);
  setCount(right, LEAF_CAPACITY - keep);
  setCount(left, keep);
  if (slot < keep || (slot == keep && keep < LEAF_CAPACITY)) putEntry(left, slot, from, to, v);
  else putEntry(right, slot - keep, from, to, v);
  const border = last(left, count(left) - 1);
  const low = pathLow(level);
  const high = pathHigh(level);
  addSibling(tree, level, left, right, border, leafGap(left, low, border), leafGap(right, border + 1, high));
}

/** Hangs `right` behind its split-off sibling `left`, which is the path's node at `level`; splits parents as needed. */
function addSibling(tree: u32, level: u32, left: u32, right: u32, border: u64, leftGap: u64, rightGap: u64): void {
  let at = level;
  let leftNode = left;
  let rightNode = right;
  let key = border;
  let gapBefore = leftGap;
  let gapBehind = rightGap;
  while (at > 0) {
    at -= 1;
    const parent = pathNode(at);
    const slot = pathSlot(at);
    if (count(parent) < INNER_CAPACITY) {
      putChild(parent, slot, rightNode, key, gapBefore, gapBehind);
      refreshGaps(tree, at);
      return;
    }
    const sibling = take(COUNT_INNER_NODES);
    initInner(sibling);
    // Only on the right edge may the new node start with two children.
    const ascending = slot == INNER_CAPACITY - 1 && pathHigh(at) == u64.MAX_VALUE;
    const keep = ascending ? INNER_CAPACITY - 1 : INNER_CAPACITY / 2;
    const parentBorder = pivot(parent, keep - 1);
    moveChildren(sibling, 0, parent, keep, INNER_CAPACITY - keep);
    movePivots(sibling, 0, parent, keep, INNER_CAPACITY - keep - 1);
    setCount(sibling, INNER_CAPACITY - keep);
    setCount(parent, keep);
    if (slot < keep) putChild(parent, slot, rightNode, key, gapBefore, gapBehind);
    else putChild(sibling, slot - keep, rightNode, key, gapBefore, gapBehind);
    leftNode = parent;
    rightNode = sibling;
    key = parentBorder;
    gapBefore = innerGap(parent);
    gapBehind = innerGap(sibling);
  }
  const top = take(COUNT_INNER_NODES);
  initInner(top);
  setChild(top, 0, leftNode);
  setChild(top, 1, rightNode);
  setPivot(top, 0, key);
  setGap(top, 0, gapBefore);
  setGap(top, 1, gapBehind);
  setCount(top, 2);
  setRoot(tree, top);
  setHeight(tree, height(tree) + 1);
}

/** Puts `right` behind child `slot`, whose last index is now `key`. */
function putChild(parent: u32, slot: u32, right: u32, key: u64, leftGap: u64, rightGap: u64): void {
  const n = count(parent);
  moveChildren(parent, slot + 2, parent, slot + 1, n - slot - 1);
  // The pivot that bounded the left child now bounds the right one.
  movePivots(parent, slot + 1, parent, slot, n - 1 - slot);
  setChild(parent, slot + 1, right);
  setPivot(parent, slot, key);
  setGap(parent, slot, leftGap);
  setGap(parent, slot + 1, rightGap);
  setCount(parent, n + 1);
}
