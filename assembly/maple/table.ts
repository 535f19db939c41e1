// A table beside a tree that is read much and written little: from an index to its entry, or to its leaf, without the levels between.
//
//   (index - base) >> shift = b      bucket[b] -> a row      that row and the three behind it: which one reaches the index
//
//   the table of n rows and B buckets, one run of frames:
//   | row x n, and SPAN - 1 that end it | bucket u32 x B |
//
//   few entries, a row for each:      | last i64 | first i64 | value u32 | - |       flipped as in nodes
//   more of them, a row for a leaf:   | last i64 | leaf u32  | - |                   last: the last index of the leaf's last entry
//
// bucket[b] is the address of the first row that reaches into the bucket. The last leaf's row, and those that end a table, reach up to the highest index. An index
// behind four rows is looked up as if there were no table.
//
//   behind a tree's header:  56 rows u32, 0 without a table | 60 B u32 | 64 base u64 | 72 shift u32 | 76 bucket u32 | 80 bytes of a row u32
//                            84 loads since the last write i32 | 88 the next tree that has a table u32 | 92 the previous one u32
//
// A write ends the table before it begins, so a table always shows the tree as it is. Its frames are spare: they go back when memory is short. Where memory is
// shared there are no tables: readers cannot take frames.

import { giveFrames } from '../memory/arena.ts';
import { ordered } from './node.ts';

const ROWS: u32 = 56;
const BUCKETS: u32 = 60;
const BASE: u32 = 64;
const SHIFT: u32 = 72;
const BUCKET: u32 = 76;
const ROW_BYTES: u32 = 80;
const QUIET: u32 = 84;
const NEXT: u32 = 88;
const PREVIOUS: u32 = 92;

/** How many rows a bucket may need. */
export const SPAN: u32 = 4;

// A row.
export const ENTRY_ROW: u32 = 24;
export const LEAF_ROW: u32 = 16;
const ROW_LAST: u32 = 0;
const ROW_LEAF: u32 = 8;
const ROW_FIRST: u32 = 8;
const ROW_VALUE: u32 = 16;

let firstTree: u32 = 0;

export function hasTable(tree: u32): bool {
  return load<u32>(tree, ROWS) != 0;
}

/** Whether the tree's table has a row for each entry. */
export function isOfEntries(tree: u32): bool {
  return load<u32>(tree, ROW_BYTES) == ENTRY_ROW;
}

/** Bytes of a table of so many rows of a kind, and buckets. */
export function tableBytes(rows: u32, rowBytes: u32, buckets: u32): u64 {
  return (<u64>rows + (SPAN - 1)) * rowBytes + <u64>buckets * 4;
}

/** How many rows the tree's table has, without those that end it. */
export function tableRows(tree: u32): u32 {
  return (load<u32>(tree, BUCKET) - load<u32>(tree, ROWS)) / load<u32>(tree, ROW_BYTES) - (SPAN - 1);
}

/** Bytes of the tree's table. */
export function bytesOfTable(tree: u32): u64 {
  return tableBytes(tableRows(tree), load<u32>(tree, ROW_BYTES), tableBuckets(tree));
}

export function tableBuckets(tree: u32): u32 {
  return load<u32>(tree, BUCKETS);
}

/** The address of row `i`. */
export function tableRow(tree: u32, i: u32): u32 {
  return load<u32>(tree, ROWS) + i * load<u32>(tree, ROW_BYTES);
}

/** The address of the first row that reaches into bucket `b`. */
export function tableBucket(tree: u32, b: u32): u32 {
  return load<u32>(load<u32>(tree, BUCKET) + (b << 2));
}

/** The last index of a row, flipped. */
// @ts-expect-error: as in read.ts.
@inline
export function rowLast(row: u32): i64 {
  return load<i64>(row, ROW_LAST);
}

export function rowLeaf(row: u32): u32 {
  return load<u32>(row, ROW_LEAF);
}

export function rowFirst(row: u32): i64 {
  return load<i64>(row, ROW_FIRST);
}

export function rowValue(row: u32): u32 {
  return load<u32>(row, ROW_VALUE);
}

export function setEntryRow(row: u32, last: i64, first: i64, value: u32): void {
  store<i64>(row, last, ROW_LAST);
  store<i64>(row, first, ROW_FIRST);
  store<u32>(row, value, ROW_VALUE);
}

export function setLeafRow(row: u32, last: i64, leaf: u32): void {
  store<i64>(row, last, ROW_LAST);
  store<u32>(row, leaf, ROW_LEAF);
}

/** Where bucket `b` begins, flipped. */
export function bucketStart(tree: u32, b: u32): i64 {
  return ordered(load<u64>(tree, BASE) + (<u64>b << <u64>load<u32>(tree, SHIFT)));
}

/** The bucket of an index; as many as there are, or more, when it is in none. */
// @ts-expect-error: as in read.ts.
@inline
export function bucketOf(tree: u32, index: u64): u64 {
  // An index below the base lies behind the last bucket, or in it, and then in front of all entries: whatever is looked at holds nothing.
  return (index - load<u64>(tree, BASE)) >> <u64>load<u32>(tree, SHIFT);
}

/** How many of four rows end below an index in the stored order: computed, for a branch would keep the next lookup waiting for these rows. */
// @ts-expect-error: as in read.ts.
@inline
function rowsBelow(row: u32, rowBytes: u32, key: i64): u32 {
  return u32(rowLast(row) < key) + u32(rowLast(row + rowBytes) < key) + u32(rowLast(row + 2 * rowBytes) < key) + u32(rowLast(row + 3 * rowBytes) < key);
}

/** What the tree holds at an index of bucket `b`, which is there; -1 when the table, one of entries, cannot tell. */
// @ts-expect-error: as in read.ts.
@inline
export function valueByTable(tree: u32, b: u32, index: u64): i64 {
  let row = tableBucket(tree, b);
  const key = ordered(index);
  const below = rowsBelow(row, ENTRY_ROW, key);
  if (below == SPAN) return -1;
  row += below * ENTRY_ROW;
  return load<i64>(row, ROW_FIRST) > key ? 0 : <i64>(<u64>load<u32>(row, ROW_VALUE));
}

/** The leaf where an index of bucket `b`, which is there, would be; 0 when the table, one of leaves, cannot tell. */
// @ts-expect-error: as in read.ts.
@inline
export function leafByTable(tree: u32, b: u32, index: u64): u32 {
  const row = tableBucket(tree, b);
  const below = rowsBelow(row, LEAF_ROW, ordered(index));
  return below == SPAN ? 0 : load<u32>(row + below * LEAF_ROW, ROW_LEAF);
}

/** One load more without a write; how many there were. Negative: a table is not worth its bytes. */
export function noteLoad(tree: u32): i32 {
  const quiet = load<i32>(tree, QUIET) + 1;
  store<i32>(tree, quiet, QUIET);
  return quiet;
}

/** No table until the next write, or for two thousand million loads. */
export function refuseTable(tree: u32): void {
  store<i32>(tree, i32.MIN_VALUE, QUIET);
}

/** Begins to count the loads anew. */
export function countAnew(tree: u32): void {
  store<i32>(tree, 0, QUIET);
}

/** Gives the tree a table: its parts stand at these addresses. */
export function setTable(tree: u32, rows: u32, rowBytes: u32, buckets: u32, bucketCount: u32, base: u64, shift: u32): void {
  store<u32>(tree, rows, ROWS);
  store<u32>(tree, rowBytes, ROW_BYTES);
  store<u32>(tree, buckets, BUCKET);
  store<u32>(tree, bucketCount, BUCKETS);
  store<u64>(tree, base, BASE);
  store<u32>(tree, shift, SHIFT);
  store<u32>(tree, firstTree, NEXT);
  store<u32>(tree, 0, PREVIOUS);
  if (firstTree != 0) store<u32>(firstTree, tree, PREVIOUS);
  firstTree = tree;
}

/** Ends the tree's table. */
export function discardTable(tree: u32): void {
  giveFrames(load<u32>(tree, ROWS), bytesOfTable(tree));
  store<u32>(tree, 0, ROWS);
  const next = load<u32>(tree, NEXT);
  const previous = load<u32>(tree, PREVIOUS);
  if (previous == 0) firstTree = next;
  else store<u32>(previous, next, NEXT);
  if (next != 0) store<u32>(next, previous, PREVIOUS);
}

/** Ends every table; whether there was one. */
export function discardTables(): bool {
  if (firstTree == 0) return false;
  while (firstTree != 0) discardTable(firstTree);
  return true;
}
