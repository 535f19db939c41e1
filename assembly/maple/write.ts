// Writing the range store: store, insert, erase, clear. Each looks first, reserves its nodes, and only then changes something.

import { COUNT_INNER_NODES, COUNT_LEAVES, EEXIST, EINVAL, ENOMEM } from '../layout.generated.ts';
import { give } from '../memory/slab.ts';
import { insertIntoGap, reserveInserts } from './grow.ts';
import { child, count, first, isLeaf, last, setValue, value } from './node.ts';
import { descend, height, pathNode, pathSlot, resetTree, root } from './path.ts';
import { cutBack, cutFront, removeEntry } from './shrink.ts';

/** R-insert: 0, or a negative errno. */
export function treeInsert(tree: u32, from: u64, to: u64, v: u32): i32 {
  if (from > to || v == 0) return -EINVAL;
  if (!isFree(tree, from, to)) return -EEXIST;
  if (!reserveInserts(tree, 1)) return -ENOMEM;
  insertIntoGap(tree, from, to, v);
  return 0;
}

function isFree(tree: u32, from: u64, to: u64): bool {
  if (height(tree) == 0) return true;
  const level = descend(tree, from);
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  return slot == count(leaf) || first(leaf, slot) > to;
}

/** R-store: 0, or a negative errno. */
export function treeStore(tree: u32, from: u64, to: u64, v: u32): i32 {
  if (from > to) return -EINVAL;
  if (height(tree) != 0) {
    const level = descend(tree, from);
    const leaf = pathNode(level);
    const slot = pathSlot(level);
    const touched = slot < count(leaf) && first(leaf, slot) <= to;
    if (touched) {
      if (v != 0 && first(leaf, slot) == from && last(leaf, slot) == to) {
        setValue(leaf, slot, v);
        return 0;
      }
      // Two inserts at most: the right rest of an entry that was around the range, and the new entry.
      if (!reserveInserts(tree, 2)) return -ENOMEM;
      erase(tree, from, to);
    }
  }
  if (v == 0) return 0;
  if (!reserveInserts(tree, 1)) return -ENOMEM;
  insertIntoGap(tree, from, to, v);
  return 0;
}

/** Frees exactly `from..to`: cuts the entries at its ends and removes those inside. Nodes for one insert are reserved. */
function erase(tree: u32, from: u64, to: u64): void {
  while (height(tree) != 0) {
    const level = descend(tree, from);
    const leaf = pathNode(level);
    const slot = pathSlot(level);
    if (slot == count(leaf) || first(leaf, slot) > to) return;
    const end = last(leaf, slot);
    if (first(leaf, slot) < from) {
      const v = value(leaf, slot);
      cutBack(tree, level, from - 1);
      if (end > to) {
        insertIntoGap(tree, to + 1, end, v);
        return;
      }
    } else if (end > to) {
      cutFront(tree, level, to + 1);
      return;
    } else {
      removeEntry(tree, level);
    }
  }
}

/** R-erase: the value of the removed entry, or 0. */
export function treeErase(tree: u32, index: u64): u32 {
  if (height(tree) == 0) return 0;
  const level = descend(tree, index);
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  if (slot == count(leaf) || first(leaf, slot) > index) return 0;
  const v = value(leaf, slot);
  removeEntry(tree, level);
  return v;
}

/** R-clear. */
export function treeClear(tree: u32): void {
  if (height(tree) != 0) giveSubtree(root(tree));
  resetTree(tree);
}

function giveSubtree(node: u32): void {
  if (isLeaf(node)) {
    give(COUNT_LEAVES, node);
    return;
  }
  for (let slot: u32 = 0; slot < count(node); slot++) giveSubtree(child(node, slot));
  give(COUNT_INNER_NODES, node);
}
