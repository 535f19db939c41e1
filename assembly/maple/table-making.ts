// Making a table (table.ts) a little with each load, so that no single load costs more than a few descents.
//
//   enough loads without a write -> few entries:    take frames -> gather entries, a leaf a step    -> put rows in buckets, 64 a step -> there it is
//                                -> more of them:   count the leaves, 30 a step
//                                                   take frames -> gather their ends, 30 a step     -> put rows in buckets, 64 a step -> there it is
//
// One table is in the making at a time, and any tree's loads push it on; a write to its tree ends it. Entries that crowd in few buckets get a table of leaves; where
// leaves crowd, too, there is none.

import { giveFrames, takeSpareFrames, whenShort } from '../memory/arena.ts';
import { child, count, first, last, ordered, pivot, value } from './node.ts';
import { entryCount, height, root } from './path.ts';
import { innerSlot, leafOf } from './search.ts';
import { ENTRY_ROW, LEAF_ROW, SPAN, countAnew, discardTable, discardTables, hasTable, noteLoad, refuseTable, rowLast, setEntryRow, setLeafRow, setTable, tableBytes } from './table.ts';

// A table costs about as much as a quarter as many lookups as there are entries.
const PATIENCE: u64 = 4;
const STEP: u32 = 64;

// With a row for each of more entries a table would not stay in the processor's outer caches.
const MOST_ENTRIES: u64 = 65536;

const COUNT: u32 = 0;
const GATHER: u32 = 1;
const FILL: u32 = 2;

// What is in the making: for which tree, 0 for none; what is done next; from which index on, up to which one; at which row and bucket.
let making: u32 = 0;
let phase: u32 = COUNT;
let key: u64 = 0;
let high: u64 = 0;
let row: u32 = 0;
let bucket: u32 = 0;
// Rows that no bucket shows, and the first row of the bucket filled last.
let missed: u32 = 0;
let from: u32 = 0;

let n: u32 = 0;
let rowBytes: u32 = 0;
let base: u64 = 0;
let shift: u32 = 0;
let bucketCount: u32 = 0;
let rows: u32 = 0;
let buckets: u32 = 0;

whenShort(giveUpTables);

/** Every table and the one in the making; whether that gave frames back. */
function giveUpTables(): bool {
  const one = making != 0 && phase != COUNT;
  if (making != 0) abandon();
  return discardTables() || one;
}

function abandon(): void {
  if (phase != COUNT) giveFrames(rows, tableBytes(n, rowBytes, bucketCount));
  countAnew(making);
  making = 0;
}

/** A tree is about to be written, or to end. */
export function endTable(tree: u32): void {
  countAnew(tree);
  if (hasTable(tree)) discardTable(tree);
  if (making == tree) abandon();
}

/** A load has found no table. */
export function loadWithoutTable(tree: u32): void {
  const quiet = noteLoad(tree);
  if (making != 0) step();
  else if (<i64>quiet > <i64>(entryCount(tree) / PATIENCE)) begin(tree);
}

function begin(tree: u32): void {
  // A single leaf needs no table.
  if (height(tree) < 2) return refuseTable(tree);
  making = tree;
  const entries = entryCount(tree);
  key = 0;
  n = <u32>entries;
  rowBytes = ENTRY_ROW;
  if (entries > MOST_ENTRIES || !takeFrames(n >> 1)) beginLeaves();
}

function beginLeaves(): void {
  key = 0;
  n = 0;
  rowBytes = LEAF_ROW;
  phase = COUNT;
}

function step(): void {
  if (phase == COUNT) countLeaves();
  else if (phase == FILL) fillBuckets();
  else if (rowBytes == ENTRY_ROW) gatherEntries();
  else gatherLeaves();
}

/** Takes frames for `n` rows and less than 2^k buckets over all entries, where 2^k is `most` or next above; false when there are none. */
function takeFrames(most: u32): bool {
  let left = root(making);
  let right = left;
  for (let level = height(making); level > 1; level--) {
    left = child(left, 0);
    right = child(right, count(right) - 1);
  }
  base = first(left, 0);
  const reach = last(right, count(right) - 1) - base;
  // Their width is a power of two.
  const limit: u64 = 1 << (64 - clz<u64>(most));
  shift = 0;
  while (reach >> <u64>shift >= limit) shift += 1;
  bucketCount = <u32>(reach >> <u64>shift) + 1;
  rows = takeSpareFrames(tableBytes(n, rowBytes, bucketCount));
  if (rows == 0) return false;
  buckets = rows + (n + SPAN - 1) * rowBytes;
  row = rows;
  phase = GATHER;
  return true;
}

/** The node above the leaves that covers `key`; it ends at `high`. */
function parentOfLeaves(): u32 {
  let node = root(making);
  high = u64.MAX_VALUE;
  for (let level = height(making); level > 2; level--) {
    const slot = innerSlot(node, key);
    if (slot < count(node) - 1) high = pivot(node, slot);
    node = child(node, slot);
  }
  return node;
}

function countLeaves(): void {
  n += count(parentOfLeaves());
  key = high + 1;
  if (key != 0) return;
  if (!takeFrames(n << 1)) abandon();
}

function gatherLeaves(): void {
  const parent = parentOfLeaves();
  const children = count(parent);
  for (let slot: u32 = 0; slot < children; slot++) {
    setLeafRow(row, ordered(slot < children - 1 ? pivot(parent, slot) : high), child(parent, slot));
    row += LEAF_ROW;
  }
  key = high + 1;
  if (key == 0) endRows();
}

function gatherEntries(): void {
  const leaf = leafOf(root(making), height(making), ordered(key));
  const entries = count(leaf);
  for (let slot: u32 = 0; slot < entries; slot++) {
    setEntryRow(row, ordered(last(leaf, slot)), ordered(first(leaf, slot)), value(leaf, slot));
    row += ENTRY_ROW;
  }
  if (row == rows + n * ENTRY_ROW) endRows();
  else key = last(leaf, entries - 1) + 1;
}

function endRows(): void {
  for (let i: u32 = 0; i < SPAN - 1; i++) {
    if (rowBytes == ENTRY_ROW) setEntryRow(row, i64.MAX_VALUE, i64.MAX_VALUE, 0);
    else setLeafRow(row, i64.MAX_VALUE, 0);
    row += rowBytes;
  }
  row = rows;
  bucket = 0;
  missed = 0;
  phase = FILL;
}

function fillBuckets(): void {
  for (let i: u32 = 0; i < STEP; i++) {
    if (rowLast(row) < ordered(base + (<u64>bucket << <u64>shift))) {
      row += rowBytes;
    } else {
      if (bucket > 0) countMissed(row + rowBytes);
      store<u32>(buckets + (bucket << 2), row);
      from = row;
      bucket += 1;
      if (bucket == bucketCount) return finishRows();
    }
  }
}

// The rows from `from` on, up to `end`, reach into one bucket.
function countMissed(end: u32): void {
  if (end > from + SPAN * rowBytes) missed += (end - from) / rowBytes - SPAN;
}

function finishRows(): void {
  countMissed(rows + n * rowBytes);
  // Where more than half of the rows would be missed, lookups would ask in vain more often than not.
  if (missed <= n / 2) return finish();
  if (rowBytes == ENTRY_ROW) {
    giveFrames(rows, tableBytes(n, rowBytes, bucketCount));
    return beginLeaves();
  }
  const tree = making;
  abandon();
  refuseTable(tree);
}

function finish(): void {
  const tree = making;
  making = 0;
  setTable(tree, rows, rowBytes, buckets, bucketCount, base, shift);
}
