// The trees that the benchmark's loops inside Wasm work on, and where its inputs lie in linear memory. Compiled together with assembly/.

import { COUNT_INNER_NODES, COUNT_LEAVES, OBJECT_TREE } from '../../../assembly/layout.generated.ts';
import { takeFrames } from '../../../assembly/memory/arena.ts';
import { liveCount, newObject } from '../../../assembly/memory/objects.ts';
import { INNER_BYTES, LEAF_BYTES } from '../../../assembly/maple/node.ts';
import { publish } from '../../../assembly/maple/publish.ts';
import { treeClear } from '../../../assembly/maple/write.ts';

export let ranges: u32 = 0;
export let trees: u32 = 0;
/** Columns of u64: range i is firsts[i]..lasts[i]. */
export let firsts: u32 = 0;
export let lasts: u32 = 0;
/** Columns of u32: orders of ranges. */
export let insertOrder: u32 = 0;
export let eraseOrder: u32 = 0;
/** The same ranges as rows for a bulk load. */
export let rows: u32 = 0;

let headers: u32 = 0;
let snapshots: u32 = 0;

/** The header of tree `t`. */
export function treeAt(t: u32): u32 {
  return load<u32>(headers + (t << 2));
}

/** The header of the copy of tree `t`. */
export function copyAt(t: u32): u32 {
  return load<u32>(headers + ((trees + t) << 2));
}

/** Where the snapshot of tree `t` is noted, by its handle. */
export function snapshotAt(t: u32): u32 {
  return snapshots + (t << 2);
}

export function u64At(column: u32, i: u32): u64 {
  return load<u64>(column + (i << 3));
}

export function u32At(column: u32, i: u32): u32 {
  return load<u32>(column + (i << 2));
}

/** A zeroed column of `bytes`. */
export function takeColumn(bytes: u32): u32 {
  return takeFrames(bytes);
}

/** Makes `count` empty trees, each in a record of a store (publish.ts has the picture), for `n` ranges, and as many for copies. */
export function makeTrees(n: u32, count: u32, firstColumn: u32, lastColumn: u32, insertColumn: u32, eraseColumn: u32, rowColumn: u32): void {
  ranges = n;
  trees = count;
  firsts = firstColumn;
  lasts = lastColumn;
  insertOrder = insertColumn;
  eraseOrder = eraseColumn;
  rows = rowColumn;
  headers = takeFrames(<u64>count * 8);
  snapshots = takeFrames(<u64>count * 4);
  for (let t: u32 = 0; t < 2 * count; t++) store<u32>(headers + (t << 2), newObject(OBJECT_TREE) + 8);
}

function clearTree(tree: u32): void {
  treeClear(tree);
  publish(tree);
}

export function clearTrees(): void {
  for (let t: u32 = 0; t < trees; t++) clearTree(treeAt(t));
}

export function clearCopies(): void {
  for (let t: u32 = 0; t < trees; t++) clearTree(copyAt(t));
}

/** Bytes of all live nodes. */
export function nodeBytes(): f64 {
  return liveCount(COUNT_LEAVES) * <f64>LEAF_BYTES + liveCount(COUNT_INNER_NODES) * <f64>INNER_BYTES;
}
