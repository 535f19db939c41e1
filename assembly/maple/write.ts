// Writing the range store: store, insert, erase, clear. Each looks first, reserves its nodes, and only then changes something.

import { EEXIST, EINVAL, ENOMEM } from '../layout.generated.ts';
import { insertAtPath, putEntry, reserveChanges } from './grow.ts';
import { LEAF_CAPACITY, child, count, first, isLeaf, last, setValue, value } from './node.ts';
import { descend, nextLeaf, onRightEdge, pathNode, pathSlot, resetTree, root } from './path.ts';
import { addPiece, noPieces, removeEntry, splice, splicedCount } from './shrink.ts';
import { drop, isVersioned, own } from './version.ts';

/** R-insert: 0, or a negative errno. */
export function treeInsert(tree: u32, from: u64, to: u64, v: u32): i32 {
  if (from > to || v == 0) return -EINVAL;
  const level = descend(tree, from);
  if (level >= 0 && touches(level, to)) return -EEXIST;
  return insertFound(tree, level, from, to, v);
}

/** Whether the entry under the path begins at or before `to`. */
function touches(level: u32, to: u64): bool {
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  return slot < count(leaf) && first(leaf, slot) <= to;
}

/** The insert, once the path stands on a gap that holds from..to (level -1: the tree is empty): 0, or -ENOMEM. */
export function insertFound(tree: u32, level: i32, from: u64, to: u64, v: u32): i32 {
  // The common case, without asking anybody.
  if (level >= 0 && count(pathNode(level)) < LEAF_CAPACITY && !isVersioned(tree)) {
    putEntry(tree, level, from, to, v);
    return 0;
  }
  if (!reserveChanges(tree, 1)) return -ENOMEM;
  insertAtPath(tree, level, from, to, v);
  return 0;
}

/** R-store: 0, or a negative errno. */
export function treeStore(tree: u32, from: u64, to: u64, v: u32): i32 {
  if (from > to) return -EINVAL;
  const level = descend(tree, from);
  if (level < 0 || !touches(level, to)) return v == 0 ? 0 : insertFound(tree, level, from, to, v);
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  if (v != 0 && first(leaf, slot) == from && last(leaf, slot) == to) {
    if (isVersioned(tree) && !reserveChanges(tree, 1)) return -ENOMEM;
    own(tree, level);
    setValue(pathNode(level), slot, v);
    return 0;
  }
  const end = endOfRun(leaf, slot, to);
  const behind = last(leaf, end - 1);
  if (end < count(leaf) || behind >= to || onRightEdge(level)) {
    cut(leaf, slot, end, from, to, v);
    const n = splicedCount(level, end - slot);
    if (n > 0 && n <= LEAF_CAPACITY) {
      if (!reserveChanges(tree, 1)) return -ENOMEM;
      splice(tree, level, slot, end - slot);
      return 0;
    }
  }
  // Beside the leaves that go, two inserts: the right rest of an entry that was around the range, and the new entry.
  if (!reserveChanges(tree, isVersioned(tree) ? spannedLeaves(tree, from, to) + 3 : 2)) return -ENOMEM;
  eraseRange(tree, from, to);
  if (v != 0) insertAtPath(tree, descend(tree, from), from, to, v);
  return 0;
}

/** The slot behind the entries of a leaf, from `slot` on, that begin at or before `to`. */
function endOfRun(leaf: u32, slot: u32, to: u64): u32 {
  const n = count(leaf);
  let end = slot + 1;
  while (end < n && first(leaf, end) <= to) end += 1;
  return end;
}

/** What remains of entries slot..end-1 when from..to is taken out, with `v` in its place (0: nothing), as pieces. */
function cut(leaf: u32, slot: u32, end: u32, from: u64, to: u64, v: u32): void {
  noPieces();
  if (first(leaf, slot) < from) addPiece(first(leaf, slot), from - 1, value(leaf, slot));
  if (v != 0) addPiece(from, to, v);
  if (last(leaf, end - 1) > to) addPiece(to + 1, last(leaf, end - 1), value(leaf, end - 1));
}

function spannedLeaves(tree: u32, from: u64, to: u64): u32 {
  const level = descend(tree, from);
  let n: u32 = 1;
  while (nextLeaf(level) && first(pathNode(level), 0) <= to) n += 1;
  return n;
}

/** Frees exactly from..to, leaf by leaf. Nodes are reserved, for one insert besides. */
function eraseRange(tree: u32, from: u64, to: u64): void {
  let level = descend(tree, from);
  while (level >= 0 && touches(level, to)) {
    const leaf = pathNode(level);
    const slot = pathSlot(level);
    const end = endOfRun(leaf, slot, to);
    const behind = last(leaf, end - 1);
    cut(leaf, slot, end, from, to, 0);
    if (splicedCount(level, end - slot) > LEAF_CAPACITY) {
      // A cut in the middle of one entry of a full leaf: its right rest goes in as an entry of its own.
      const v = value(leaf, slot);
      noPieces();
      addPiece(first(leaf, slot), from - 1, v);
      splice(tree, level, slot, 1);
      insertAtPath(tree, descend(tree, to + 1), to + 1, behind, v);
      return;
    }
    splice(tree, level, slot, end - slot);
    if (behind >= to) return;
    level = descend(tree, from);
  }
}

/** R-store of nothing in a tree without versions: 0, or -ENOMEM. Needs memory only to cut one entry in two where its leaf is full. */
export function treeFree(tree: u32, from: u64, to: u64): i32 {
  const level = descend(tree, from);
  if (level < 0 || !touches(level, to)) return 0;
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  const cutsBoth = first(leaf, slot) < from && last(leaf, slot) > to;
  if (cutsBoth && count(leaf) == LEAF_CAPACITY && !reserveChanges(tree, 1)) return -ENOMEM;
  eraseRange(tree, from, to);
  return 0;
}

/** R-erase: the value of the removed entry, or 0. Only after `canErase`. */
export function treeErase(tree: u32, index: u64): u32 {
  const level = descend(tree, index);
  if (level < 0 || !touches(level, index)) return 0;
  const v = value(pathNode(level), pathSlot(level));
  removeEntry(tree, level);
  return v;
}

/** Whether an erase cannot run out of nodes. */
export function canErase(tree: u32): bool {
  return !isVersioned(tree) || reserveChanges(tree, 1);
}

/** R-clear. */
export function treeClear(tree: u32): void {
  if (root(tree) != 0) dropSubtree(tree, root(tree));
  resetTree(tree);
}

function dropSubtree(tree: u32, node: u32): void {
  if (!isLeaf(node)) for (let slot: u32 = 0; slot < count(node); slot++) dropSubtree(tree, child(node, slot));
  drop(tree, node);
}
