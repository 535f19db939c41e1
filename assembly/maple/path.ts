// The path: where in a tree the current operation stands, from the root down to a slot of one leaf.
//
// There is one path, in static memory: an operation runs to its end before another one starts, and nodes need no parent pointers. A tree is a 16-byte header
// inside some object's record:
//
//   0          4            8           16
//   | root u32 | height u32 | count u64 |      height 0: empty, 1: the root is a leaf

import { child, count, innerSlot, leafSlot, pivot } from './node.ts';

// Nodes with the smallest legal fill reach 4 GiB of them at height 9.
const LEVELS: u32 = 12;
const LEVEL_BYTES: u32 = 24;
const levels = <u32>memory.data(288);

export const MAX_HEIGHT: u32 = LEVELS;

export function root(tree: u32): u32 {
  return load<u32>(tree);
}

export function setRoot(tree: u32, node: u32): void {
  store<u32>(tree, node);
}

export function height(tree: u32): u32 {
  return load<u32>(tree, 4);
}

export function setHeight(tree: u32, levelCount: u32): void {
  store<u32>(tree, levelCount, 4);
}

export function entryCount(tree: u32): u64 {
  return load<u64>(tree, 8);
}

/** Adds to the entry count. */
export function changeCount(tree: u32, by: i64): void {
  store<u64>(tree, load<u64>(tree, 8) + by, 8);
}

/** Makes a tree empty without returning its nodes. */
export function resetTree(tree: u32): void {
  setRoot(tree, 0);
  setHeight(tree, 0);
  changeCount(tree, -(<i64>entryCount(tree)));
}

export function pathNode(level: u32): u32 {
  return load<u32>(levels + level * LEVEL_BYTES);
}

export function pathSlot(level: u32): u32 {
  return load<u32>(levels + level * LEVEL_BYTES, 4);
}

/** The lowest index that the node at `level` covers. */
export function pathLow(level: u32): u64 {
  return load<u64>(levels + level * LEVEL_BYTES, 8);
}

/** The highest index that the node at `level` covers. */
export function pathHigh(level: u32): u64 {
  return load<u64>(levels + level * LEVEL_BYTES, 16);
}

export function setPathSlot(level: u32, slot: u32): void {
  store<u32>(levels + level * LEVEL_BYTES, slot, 4);
}

function setLevel(level: u32, node: u32, slot: u32, low: u64, high: u64): void {
  const at = levels + level * LEVEL_BYTES;
  store<u32>(at, node);
  store<u32>(at, slot, 4);
  store<u64>(at, low, 8);
  store<u64>(at, high, 16);
}

/** Points the path at `index` and answers the leaf's level. The tree is not empty. */
export function descend(tree: u32, index: u64): u32 {
  const leafLevel = height(tree) - 1;
  let node = root(tree);
  let low: u64 = 0;
  let high = u64.MAX_VALUE;
  for (let level: u32 = 0; level < leafLevel; level++) {
    const slot = innerSlot(node, index);
    setLevel(level, node, slot, low, high);
    if (slot > 0) low = pivot(node, slot - 1) + 1;
    if (slot < count(node) - 1) high = pivot(node, slot);
    node = child(node, slot);
  }
  setLevel(leafLevel, node, leafSlot(node, index), low, high);
  return leafLevel;
}

/** Puts the path's level `level` onto child `slot` and fills the next level with that child, its slot 0. */
export function enterChild(level: u32, slot: u32): void {
  const node = pathNode(level);
  setPathSlot(level, slot);
  const low = slot > 0 ? pivot(node, slot - 1) + 1 : pathLow(level);
  const high = slot < count(node) - 1 ? pivot(node, slot) : pathHigh(level);
  setLevel(level + 1, child(node, slot), 0, low, high);
}

/** Moves the path to slot 0 of the next leaf; false, and no move, at the right-most. */
export function nextLeaf(leafLevel: u32): bool {
  let level = leafLevel;
  while (level > 0) {
    level -= 1;
    const slot = pathSlot(level) + 1;
    if (slot < count(pathNode(level))) {
      enterChild(level, slot);
      while (++level < leafLevel) enterChild(level, 0);
      return true;
    }
  }
  return false;
}

/** Moves the path to the last slot of the previous leaf; false, and no move, at the left-most. */
export function previousLeaf(leafLevel: u32): bool {
  let level = leafLevel;
  while (level > 0) {
    level -= 1;
    const slot = pathSlot(level);
    if (slot > 0) {
      enterChild(level, slot - 1);
      while (++level < leafLevel) enterChild(level, count(pathNode(level)) - 1);
      setPathSlot(leafLevel, count(pathNode(leafLevel)) - 1);
      return true;
    }
  }
  return false;
}
