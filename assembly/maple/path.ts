// The path: where in a tree the current operation stands, from the root down to a slot of one leaf; and the header of a tree.
//
// There is one path, in static memory: an operation runs to its end before another one starts, and nodes need no parent pointers, which is what
// lets versions of a tree share them. A tree is a 16-byte header inside some object's record:
//
//   0           4             8           16
//   | root u32  | history u32 | count u64 |     root: address of the top node | height, both 0 when empty; nodes are aligned to 64 bytes
//                                               history: 0, or the record of what keeps old versions (version.ts)
//
//   a level of the path:  0 node u32 | 4 slot u32

import { CHILD, LEAF_BYTES, child, count, pivot } from './node.ts';
import { innerSlot, leafSlot } from './search.ts';

// Nodes with the smallest legal fill reach 4 GiB of them at height 9.
export const MAX_HEIGHT: u32 = 12;
export const HEIGHT_MASK: u32 = 0x3f;
// The second half is where a path waits while another one is walked.
let levels = <u32>memory.data(192);
const ASIDE: u32 = 96;

/** Walks with a path at another address from now on: each reader of a shared memory has its own. */
export function usePathAt(address: u32): void {
  levels = address;
}

/** Root and height in one word. Where memory is shared the word is what a writer publishes, and everything behind it is then there to see. */
export function top(tree: u32): u32 {
  return ASC_FEATURE_THREADS ? atomic.load<u32>(tree) : load<u32>(tree);
}

export function root(tree: u32): u32 {
  return top(tree) & ~HEIGHT_MASK;
}

export function height(tree: u32): u32 {
  return top(tree) & HEIGHT_MASK;
}

export function setTop(tree: u32, node: u32, levelCount: u32): void {
  store<u32>(tree, node | levelCount);
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
  setTop(tree, 0, 0);
  store<u64>(tree, 0, 8);
}

export function pathNode(level: u32): u32 {
  return load<u32>(levels + (level << 3));
}

export function pathSlot(level: u32): u32 {
  return load<u32>(levels + (level << 3), 4);
}

export function setPathNode(level: u32, node: u32): void {
  store<u32>(levels + (level << 3), node);
}

export function setPathSlot(level: u32, slot: u32): void {
  store<u32>(levels + (level << 3), slot, 4);
}

function setLevel(level: u32, node: u32, slot: u32): void {
  const at = levels + (level << 3);
  store<u32>(at, node);
  store<u32>(at, slot, 4);
}

/** The lowest index that the node at `level` covers. */
export function pathLow(level: u32): u64 {
  let at = level;
  while (at > 0) {
    at -= 1;
    const slot = pathSlot(at);
    if (slot > 0) return pivot(pathNode(at), slot - 1) + 1;
  }
  return 0;
}

/** The highest index that the node at `level` covers. */
export function pathHigh(level: u32): u64 {
  let at = level;
  while (at > 0) {
    at -= 1;
    const slot = pathSlot(at);
    const node = pathNode(at);
    if (slot < count(node) - 1) return pivot(node, slot);
  }
  return u64.MAX_VALUE;
}

/** Whether the path's node at `level` is the right-most of its level. */
export function onRightEdge(level: u32): bool {
  let at = level;
  while (at > 0) {
    at -= 1;
    if (pathSlot(at) < count(pathNode(at)) - 1) return false;
  }
  return true;
}

/** Keeps the path while another one is walked. */
export function putPathAside(): void {
  memory.copy(levels + ASIDE, levels, ASIDE);
}

export function takePathBack(): void {
  memory.copy(levels, levels + ASIDE, ASIDE);
}

/** Points the path at `index` and answers the leaf's level, or -1 when the tree is empty. Looks at the root once: a reader may stand beside a writer. */
// @ts-expect-error: as in read.ts.
@inline
export function descend(tree: u32, index: u64): i32 {
  const word = top(tree);
  if (word == 0) return -1;
  const leafLevel = (word & HEIGHT_MASK) - 1;
  let node = word & ~HEIGHT_MASK;
  for (let level: u32 = 0; level < leafLevel; level++) {
    // All lines of pivots and children are on their way while the middle pivot is looked at, and the rest of a leaf while its lower half is searched: in a tall tree
    // each would be waited for in turn.
    load<u64>(node);
    load<u64>(node, CHILD - 128);
    load<u64>(node, CHILD - 64);
    load<u64>(node, CHILD);
    load<u64>(node, CHILD + 64);
    const slot = innerSlot(node, index);
    setLevel(level, node, slot);
    node = child(node, slot);
  }
  load<u64>(node, LEAF_BYTES - 128);
  load<u64>(node, LEAF_BYTES - 64);
  setLevel(leafLevel, node, leafSlot(node, index));
  return leafLevel;
}

/** Moves the path on to an index above all of its leaf, where `descend` would put it: up to the lowest node that covers it, and down from there. */
export function ascendTo(leafLevel: u32, index: u64): void {
  let level = leafLevel - 1;
  while (level > 0 && index > pathHigh(level)) level -= 1;
  let node = pathNode(level);
  for (; level < leafLevel; level++) {
    const slot = innerSlot(node, index);
    setLevel(level, node, slot);
    node = child(node, slot);
  }
  setLevel(leafLevel, node, leafSlot(node, index));
}

/** Puts the path's level `level` onto child `slot` and fills the next level with that child, its slot 0. */
export function enterChild(level: u32, slot: u32): void {
  setPathSlot(level, slot);
  setLevel(level + 1, child(pathNode(level), slot), 0);
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
