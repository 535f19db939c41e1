// Versions: who else may see a node, and what becomes of it when the tree has no more use for it.
//
// Every node carries the stamp of the version that made it. A snapshot freezes all versions so far; the first write that needs a frozen node copies it, and its ancestors
// with it (they are younger or as old, so the copying stops where the path is already new):
//
//        snapshot   live                 snapshot    live
//            \      /                        |         |
//             [ a ]            write         [ a ]   [ a' ]
//             /   \           ------>        /   \  /   \
//          [ b ] [ c ]                    [ b ]  [ c ]  [ b' ]      c is shared, b waits until the snapshot goes
//
// A node that the live tree has dropped is needed by exactly the snapshots that were taken between its making and its dropping. Each snapshot keeps the list of nodes
// dropped before it and after its elder, and the history the list of those dropped since the youngest; so releasing a snapshot looks through one list only.
//
//   history record   8 newest snapshot | 12 trees and snapshots that use it | 16 frozen u64: nodes with this stamp or an older one are not written in place
//                    24 dropped since the newest snapshot: first, 28 last | 32 the live tree, 0 when it ended
//   snapshot record  8 tree header (its history at 12) | 24 elder | 28 younger | 32 stamp u64 | 40 dropped before it: first, 44 last

import { COUNT_INNER_NODES, COUNT_LEAVES, ENOMEM, OBJECT_HISTORY, OBJECT_SNAPSHOT } from '../layout.generated.ts';
import { deleteObject, handleOf, newObject } from '../memory/objects.ts';
import { clock, tick } from '../memory/clock.ts';
import { take } from '../memory/slab.ts';
import { LEAF_BYTES, LEAF_CAPACITY, child, clearEntries, initInner, nextRetired, nodeBytes, setChild, setLeafType, setNextRetired, setStamp, stamp } from './node.ts';
import { retireNode, retireRecord } from './retire.ts';
import { changeCount, entryCount, height, pathNode, pathSlot, root, setPathNode, setTop } from './path.ts';

/** A leaf whose slots are still to be filled or cleared. */
export function takeLeaf(): u32 {
  const leaf = take(COUNT_LEAVES);
  setLeafType(leaf);
  setStamp(leaf, clock());
  return leaf;
}

export function newLeaf(): u32 {
  const leaf = takeLeaf();
  clearEntries(leaf, 0, LEAF_CAPACITY);
  return leaf;
}

export function newInner(): u32 {
  const inner = take(COUNT_INNER_NODES);
  initInner(inner);
  setStamp(inner, clock());
  return inner;
}

function historyOf(tree: u32): u32 {
  return load<u32>(tree, 4);
}

/** Whether writes to this tree may have to copy nodes. */
export function isVersioned(tree: u32): bool {
  return ASC_FEATURE_THREADS || historyOf(tree) != 0;
}

function isFrozen(tree: u32, node: u32): bool {
  // What readers beside the writer can see is frozen as soon as it is published, snapshot or not.
  if (ASC_FEATURE_THREADS) return stamp(node) != clock();
  return stamp(node) <= load<u64>(historyOf(tree), 16);
}

function copyOf(tree: u32, node: u32): u32 {
  const bytes = nodeBytes(node);
  const copy = take(bytes == LEAF_BYTES ? COUNT_LEAVES : COUNT_INNER_NODES);
  memory.copy(copy, node, bytes);
  setStamp(copy, clock());
  drop(tree, node);
  return copy;
}

/** Makes every node of the path down to `level` the tree's own. Nodes are reserved. */
export function own(tree: u32, level: u32): void {
  if (!isVersioned(tree)) return;
  for (let at: u32 = 0; at <= level; at++) {
    const node = pathNode(at);
    if (isFrozen(tree, node)) {
      const copy = copyOf(tree, node);
      if (at == 0) setTop(tree, copy, height(tree));
      else setChild(pathNode(at - 1), pathSlot(at - 1), copy);
      setPathNode(at, copy);
    }
  }
}

/** Makes a child of an own node the tree's own and answers it. */
export function ownChild(tree: u32, parent: u32, slot: u32): u32 {
  const node = child(parent, slot);
  if (!isVersioned(tree) || !isFrozen(tree, node)) return node;
  const copy = copyOf(tree, node);
  setChild(parent, slot, copy);
  return copy;
}

/** The live tree no longer uses this node. */
export function drop(tree: u32, node: u32): void {
  const history = historyOf(tree);
  const newest = history == 0 ? 0 : load<u32>(history, 8);
  if (newest == 0 || stamp(node) > load<u64>(newest, 32)) retireNode(node);
  else append(history + 24, node);
}

// Lists of dropped nodes: first u32, last u32, linked through the nodes' headers, which no reader looks at.

function append(list: u32, node: u32): void {
  setNextRetired(node, 0);
  const end = load<u32>(list, 4);
  if (end == 0) store<u32>(list, node);
  else setNextRetired(end, node);
  store<u32>(list, node, 4);
}

function appendAll(list: u32, more: u32): void {
  const head = load<u32>(more);
  if (head == 0) return;
  const end = load<u32>(list, 4);
  if (end == 0) store<u32>(list, head);
  else setNextRetired(end, head);
  store<u32>(list, load<u32>(more, 4), 4);
}

/** R-snapshot: its handle, or a negative errno. */
export function treeSnapshot(tree: u32): i32 {
  let history = historyOf(tree);
  const snapshot = newObject(OBJECT_SNAPSHOT);
  if (snapshot == 0) return -ENOMEM;
  if (history == 0) {
    history = newObject(OBJECT_HISTORY);
    if (history == 0) {
      deleteObject(snapshot);
      return -ENOMEM;
    }
    store<u32>(history, 1, 12);
    store<u32>(history, tree, 32);
    store<u32>(tree, history, 4);
  }
  store<u32>(history, load<u32>(history, 12) + 1, 12);
  setTop(snapshot + 8, root(tree), height(tree));
  store<u32>(snapshot, history, 12);
  changeCount(snapshot + 8, entryCount(tree));
  const elder = load<u32>(history, 8);
  store<u32>(snapshot, elder, 24);
  if (elder != 0) store<u32>(elder, snapshot, 28);
  store<u64>(snapshot, clock(), 32);
  store<u64>(history, clock(), 16);
  store<u64>(snapshot, load<u64>(history, 24), 40);
  store<u64>(history, 0, 24);
  store<u32>(history, snapshot, 8);
  tick();
  return handleOf(snapshot);
}

/** Releases a snapshot: returns the nodes that only it needed. */
export function releaseSnapshot(snapshot: u32): void {
  const history = load<u32>(snapshot, 12);
  const elder = load<u32>(snapshot, 24);
  const younger = load<u32>(snapshot, 28);
  const list = younger == 0 ? history + 24 : younger + 40;
  const before = elder == 0 ? 0 : load<u64>(elder, 32);
  let node = load<u32>(list);
  store<u64>(list, 0);
  while (node != 0) {
    const next = nextRetired(node);
    if (stamp(node) > before) retireNode(node);
    else append(list, node);
    node = next;
  }
  appendAll(list, snapshot + 40);
  if (elder != 0) store<u32>(elder, younger, 28);
  if (younger != 0) {
    store<u32>(younger, elder, 24);
  } else {
    store<u32>(history, elder, 8);
    store<u64>(history, before, 16);
  }
  retireRecord(snapshot);
  leaveHistory(history);
}

/** The live tree ends: its nodes are dropped already, snapshots stay. */
export function endHistory(tree: u32): void {
  const history = historyOf(tree);
  if (history == 0) return;
  store<u32>(tree, 0, 4);
  store<u32>(history, 0, 32);
  leaveHistory(history);
}

function leaveHistory(history: u32): void {
  const users = load<u32>(history, 12) - 1;
  store<u32>(history, users, 12);
  const tree = load<u32>(history, 32);
  // A tree without snapshots writes in place again.
  if (users == 1 && tree != 0) store<u32>(tree, 0, 4);
  if (users == 0 || (users == 1 && tree != 0)) deleteObject(history);
}
