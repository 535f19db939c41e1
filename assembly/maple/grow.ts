// Putting one entry into a gap: into its leaf; when that is full, into what a sibling has left, or into a split.
//
//   full leaf, a sibling with room:   [ 12 ][ 6 ]   ->  [ 9 ][ 9 ], then the entry      fewer splits, fuller leaves
//   full leaf, full siblings:         [ 12 ]        ->  [ 6 ][ 6 ]
//   at the end, in ascending order:   [ 12 ]        ->  [ 12 ][ 1 ]                     a tree filled upwards has full leaves
//   full inner node:                  the same with children; split, [ 15 ][ 15 ], or at the end [ 29 ][ 2 ]
//
// Only nodes on the right edge may be below the minimum.

import { COUNT_INNER_NODES, COUNT_LEAVES } from '../layout.generated.ts';
import { live, reserve } from '../memory/slab.ts';
import {
  INNER_CAPACITY,
  LEAF_CAPACITY,
  child,
  clearChildren,
  clearEntries,
  count,
  first,
  gap,
  halveEntries,
  last,
  moveChildren,
  movePivots,
  openChild,
  openSlot,
  pivot,
  setChild,
  setCount,
  setEntry,
  setGap,
  setPivot,
} from './node.ts';
import { changeCount, height, onRightEdge, pathHigh, pathLow, pathNode, pathSlot, setTop } from './path.ts';
import { innerGap, leafGap } from './search.ts';
import { HALF_OF_ALL, noteGap, refreshInnerGap } from './summary.ts';
import { isVersioned, newInner, newLeaf, own, ownChild, takeLeaf } from './version.ts';
import { collect } from './retire.ts';
import { shareChildren, shareEntries } from './share.ts';

// At most half full: one that takes fewer entries would soon be full again, and evening out costs more than it saves. But where a split would split the parent too, few
// entries are worth it.
const ROOMY_SIBLING: u32 = LEAF_CAPACITY / 2;
const ROOMY_BELOW_FULL: u32 = LEAF_CAPACITY - 2;
const ROOMY_NEIGHBOUR: u32 = INNER_CAPACITY - 4;

/** Leaves that `inserts` inserts can need. */
export function leavesNeeded(inserts: u32): u32 {
  return inserts;
}

/** Inner nodes that `inserts` inserts can need. */
export function innerNeeded(tree: u32, inserts: u32): u32 {
  // One insert splits one node per level and may add a root. Many inserts split each existing node once, and then one node per fourteen new children.
  const levels = height(tree) + 2;
  return min<u32>(inserts * levels, live(COUNT_INNER_NODES) + inserts + levels);
}

/** Makes sure that `changes` inserts or removals cannot run out of nodes. */
export function reserveChanges(tree: u32, changes: u32): bool {
  if (!isVersioned(tree)) return reserve(COUNT_LEAVES, leavesNeeded(changes)) && reserve(COUNT_INNER_NODES, innerNeeded(tree, changes));
  // Copies besides: of the path, of one sibling on each level, and of the path to the next leaf, whose first gap may grow. No node is copied twice.
  const levels = 4 * height(tree) + 2;
  const leaves = min<u32>(3 * changes, live(COUNT_LEAVES) + changes);
  const inner = min<u32>(levels * changes, live(COUNT_INNER_NODES) + changes + levels);
  if (reserve(COUNT_LEAVES, leaves) && reserve(COUNT_INNER_NODES, inner)) return true;
  if (!ASC_FEATURE_THREADS) return false;
  // What waits for readers may have waited long enough.
  collect();
  return reserve(COUNT_LEAVES, leaves) && reserve(COUNT_INNER_NODES, inner);
}

/** Puts an entry into the gap that holds `from..to`, under the path, or into an empty tree (level -1). Nodes are reserved if the leaf is full or the tree versioned. */
export function insertAtPath(tree: u32, level: i32, from: u64, to: u64, v: u32): void {
  if (level < 0) {
    changeCount(tree, 1);
    const only = newLeaf();
    setEntry(only, 0, from, to, v);
    setCount(only, 1);
    setTop(tree, only, 1);
    return;
  }
  own(tree, level);
  const leaf = pathNode(level);
  if (count(leaf) < LEAF_CAPACITY) {
    putEntry(tree, level, from, to, v);
    return;
  }
  changeCount(tree, 1);
  if (!shareWithSibling(tree, level, leaf, from, to, v)) splitLeaf(tree, level, leaf, from, to, v);
}

/** Into the path's leaf, which has room and is the tree's own. Only when the gap it goes into was the leaf's longest does the summary change. */
export function putEntry(tree: u32, level: u32, from: u64, to: u64, v: u32): void {
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  const n = count(leaf);
  let longest: u64 = 0;
  let wasLongest: bool = false;
  let low: u64 = 0;
  let high: u64 = 0;
  if (level > 0) {
    low = slot > 0 ? last(leaf, slot - 1) + 1 : pathLow(level);
    high = slot < n ? first(leaf, slot) - 1 : pathHigh(level);
    wasLongest = high - low + 1 == gap(pathNode(level - 1), pathSlot(level - 1));
    longest = max<u64>(from - low, high - to);
  }
  openSlot(leaf, slot, n);
  setEntry(leaf, slot, from, to, v);
  setCount(leaf, n + 1);
  changeCount(tree, 1);
  if (!wasLongest) return;
  if (longest < HALF_OF_ALL) longest = leafGap(leaf, slot > 0 ? pathLow(level) : low, slot < n ? pathHigh(level) : high);
  noteGap(level, longest);
}

function placeEntry(leaf: u32, slot: u32, from: u64, to: u64, v: u32): void {
  const n = count(leaf);
  openSlot(leaf, slot, n);
  setEntry(leaf, slot, from, to, v);
  setCount(leaf, n + 1);
}

/** Evens out a full leaf and a neighbour below the same parent, then puts the entry where it belongs; false when both neighbours are nearly full. */
function shareWithSibling(tree: u32, level: u32, leaf: u32, from: u64, to: u64, v: u32): bool {
  if (level == 0) return false;
  const parent = pathNode(level - 1);
  const at = pathSlot(level - 1);
  const n = count(parent);
  const slot = pathSlot(level);
  let left = at;
  let position = slot;
  const roomy = n == INNER_CAPACITY ? ROOMY_BELOW_FULL : ROOMY_SIBLING;
  if (at + 1 == n || count(child(parent, at + 1)) > roomy) {
    if (at == 0 || count(child(parent, at - 1)) > roomy) return false;
    left = at - 1;
    position = count(child(parent, left)) + slot;
  }
  const leftLeaf = ownChild(tree, parent, left);
  const rightLeaf = ownChild(tree, parent, left + 1);
  const low = left > 0 ? pivot(parent, left - 1) + 1 : pathLow(level - 1);
  const high = left + 2 < n ? pivot(parent, left + 1) : pathHigh(level - 1);
  const keep = (count(leftLeaf) + count(rightLeaf)) / 2;
  shareEntries(leftLeaf, rightLeaf, keep);
  // At the border the entry goes right: there it changes no pivot.
  if (position < keep) placeEntry(leftLeaf, position, from, to, v);
  else placeEntry(rightLeaf, position - keep, from, to, v);
  const border = last(leftLeaf, count(leftLeaf) - 1);
  setPivot(parent, left, border);
  setGap(parent, left, leafGap(leftLeaf, low, border));
  setGap(parent, left + 1, leafGap(rightLeaf, border + 1, high));
  refreshInnerGap(level - 1);
  return true;
}

function splitLeaf(tree: u32, level: u32, left: u32, from: u64, to: u64, v: u32): void {
  const slot = pathSlot(level);
  const right = takeLeaf();
  const keep = slot == LEAF_CAPACITY && onRightEdge(level) ? LEAF_CAPACITY : LEAF_CAPACITY / 2;
  if (keep == LEAF_CAPACITY) clearEntries(right, 0, LEAF_CAPACITY);
  else halveEntries(left, right);
  setCount(right, LEAF_CAPACITY - keep);
  setCount(left, keep);
  if (slot < keep) placeEntry(left, slot, from, to, v);
  else placeEntry(right, slot - keep, from, to, v);
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
      refreshInnerGap(at);
      return;
    }
    if (shareParent(tree, at, parent, slot, rightNode, key, gapBefore, gapBehind)) return;
    const sibling = newInner();
    // Only on the right edge may the new node start with two children.
    const ascending = slot == INNER_CAPACITY - 1 && onRightEdge(at);
    const keep = ascending ? INNER_CAPACITY - 1 : INNER_CAPACITY / 2;
    const parentBorder = pivot(parent, keep - 1);
    moveChildren(sibling, 0, parent, keep, INNER_CAPACITY - keep);
    movePivots(sibling, 0, parent, keep, INNER_CAPACITY - keep - 1);
    clearChildren(parent, keep, INNER_CAPACITY);
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
  const above = newInner();
  setChild(above, 0, leftNode);
  setChild(above, 1, rightNode);
  setPivot(above, 0, key);
  setGap(above, 0, gapBefore);
  setGap(above, 1, gapBehind);
  setCount(above, 2);
  setTop(tree, above, height(tree) + 1);
}

/** Evens out a full inner node and a neighbour below the same parent, then puts `right` behind child `slot`; false when both neighbours are nearly full. */
function shareParent(tree: u32, level: u32, node: u32, slot: u32, right: u32, key: u64, leftGap: u64, rightGap: u64): bool {
  if (level == 0) return false;
  const parent = pathNode(level - 1);
  const at = pathSlot(level - 1);
  let left = at;
  let position = slot;
  if (at + 1 == count(parent) || count(child(parent, at + 1)) > ROOMY_NEIGHBOUR) {
    if (at == 0 || count(child(parent, at - 1)) > ROOMY_NEIGHBOUR) return false;
    left = at - 1;
    position = count(child(parent, left)) + slot;
  }
  const leftNode = left == at ? node : ownChild(tree, parent, left);
  const rightNode = left == at ? ownChild(tree, parent, left + 1) : node;
  const keep = (count(leftNode) + count(rightNode)) / 2;
  setPivot(parent, left, shareChildren(leftNode, rightNode, keep, pivot(parent, left)));
  if (position < keep) putChild(leftNode, position, right, key, leftGap, rightGap);
  else putChild(rightNode, position - keep, right, key, leftGap, rightGap);
  setGap(parent, left, innerGap(leftNode));
  setGap(parent, left + 1, innerGap(rightNode));
  refreshInnerGap(level - 1);
  return true;
}

/** Puts `right` behind child `slot`, whose last index is now `key`. */
function putChild(parent: u32, slot: u32, right: u32, key: u64, leftGap: u64, rightGap: u64): void {
  const n = count(parent);
  // The pivot that bounded the left child now bounds the right one.
  openChild(parent, slot, n);
  setChild(parent, slot + 1, right);
  setPivot(parent, slot, key);
  setGap(parent, slot, leftGap);
  setGap(parent, slot + 1, rightGap);
  setCount(parent, n + 1);
}
