// A table beside a tree that is read much and written little: from an index to its entry, or to its leaf, without the levels between.
//
//   few entries, a table of entries:     (index - base) >> shift = b      bucket[b] -> the first entry that reaches into the bucket: leaf | slot
//   more of them, a table of leaves:     (index - base) >> shift = b      bucket[b] -> i      pivot[i .. i+3] -> which of leaf[i .. i+3]
//
//   the table of B buckets and n leaves, one run of frames:
//   | bucket u32 x B |          | pivot u64 x (n + 3) | bucket u32 x B | leaf u32 x n |
//
// bucket[b] is the first entry, or leaf, that reaches into the bucket. pivot[i] is the last index of the last entry of leaf[i], flipped as in nodes; the last
// leaf's, and the three behind it, are the highest index. An index behind the entry, or behind four pivots, is looked up as if there were no table.
//
//   behind a tree's header:  56 bucket u32, 0 without a table | 60 B u32 | 64 base u64 | 72 shift u32 | 76 pivot u32, 0 in a table of entries | 80 leaf u32
//                            84 loads since the last write i32 | 88 the next tree that has a table u32 | 92 the previous one u32
//
// A write ends the table before it begins, so a table always shows the tree as it is. Its frames are spare: they go back when memory is short. Where memory is
// shared there are no tables: readers cannot take frames.

import { giveFrames } from '../memory/arena.ts';
import { FIRST, LAST, ordered, value } from './node.ts';

const BUCKET: u32 = 56;
const BUCKETS: u32 = 60;
const BASE: u32 = 64;
const SHIFT: u32 = 72;
const PIVOT: u32 = 76;
const LEAF: u32 = 80;
const QUIET: u32 = 84;
const NEXT: u32 = 88;
const PREVIOUS: u32 = 92;

/** How many pivots a bucket may need. */
export const SPAN: u32 = 4;
// Leaves lie at multiples of their size.
const SLOT_MASK: u32 = 0x3f;

let firstTree: u32 = 0;

export function hasTable(tree: u32): bool {
  return load<u32>(tree, BUCKET) != 0;
}

/** Whether the tree's table leads to entries. */
export function isOfEntries(tree: u32): bool {
  return load<u32>(tree, PIVOT) == 0;
}

/** Bytes of a table of so many leaves, 0 for one of entries, and buckets. */
export function tableBytes(leaves: u32, buckets: u32): u64 {
  return leaves == 0 ? <u64>buckets * 4 : (<u64>leaves + (SPAN - 1)) * 8 + <u64>buckets * 4 + <u64>leaves * 4;
}

/** How many leaves the tree's table has; 0 for one of entries. */
export function tableLeaves(tree: u32): u32 {
  return isOfEntries(tree) ? 0 : ((load<u32>(tree, BUCKET) - load<u32>(tree, PIVOT)) >>> 3) - (SPAN - 1);
}

export function tableBuckets(tree: u32): u32 {
  return load<u32>(tree, BUCKETS);
}

export function tablePivot(tree: u32, i: u32): i64 {
  return load<i64>(load<u32>(tree, PIVOT) + (i << 3));
}

export function tableLeaf(tree: u32, i: u32): u32 {
  return load<u32>(load<u32>(tree, LEAF) + (i << 2));
}

/** The first leaf, or the place of the first entry, that reaches into bucket `b`. */
export function tableBucket(tree: u32, b: u32): u32 {
  return load<u32>(load<u32>(tree, BUCKET) + (b << 2));
}

/** Where an entry lies, in a bucket of a table of entries. */
export function placeOf(leaf: u32, slot: u32): u32 {
  return leaf | slot;
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

/** What the tree holds at an index of bucket `b`, which is there; -1 when the table, one of entries, cannot tell. */
// @ts-expect-error: as in read.ts.
@inline
export function valueByTable(tree: u32, b: u32, index: u64): i64 {
  const place = tableBucket(tree, b);
  const leaf = place & ~SLOT_MASK;
  const slot = place & SLOT_MASK;
  const key = ordered(index);
  if (load<i64>(leaf + (slot << 3), LAST) < key) return -1;
  // A branch: half of the reads would be in vain.
  if (load<i64>(leaf + (slot << 3), FIRST) > key) return 0;
  return <i64>(<u64>value(leaf, slot));
}

/** The leaf where an index of bucket `b`, which is there, would be; 0 when the table, one of leaves, cannot tell. */
// @ts-expect-error: as in read.ts.
@inline
export function leafByTable(tree: u32, b: u32, index: u64): u32 {
  const i = tableBucket(tree, b);
  const pivots = load<u32>(tree, PIVOT) + (i << 3);
  const key = ordered(index);
  let below: u32;
  if (ASC_FEATURE_SIMD) {
    const k = i64x2.splat(key);
    const two = i64x2.add(i64x2.gt_s(k, v128.load(pivots)), i64x2.gt_s(k, v128.load(pivots, 16)));
    below = <u32>-i32x4.extract_lane(i64x2.add(two, i8x16.shuffle(two, two, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)), 0);
  } else {
    below = u32(load<i64>(pivots) < key) + u32(load<i64>(pivots, 8) < key) + u32(load<i64>(pivots, 16) < key) + u32(load<i64>(pivots, 24) < key);
  }
  return below == SPAN ? 0 : load<u32>(load<u32>(tree, LEAF) + ((i + below) << 2));
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

/** Gives the tree a table: its parts stand at these addresses, `pivots` and `leaves` at 0 in one of entries. */
export function setTable(tree: u32, pivots: u32, buckets: u32, bucketCount: u32, leaves: u32, base: u64, shift: u32): void {
  store<u32>(tree, buckets, BUCKET);
  store<u32>(tree, bucketCount, BUCKETS);
  store<u64>(tree, base, BASE);
  store<u32>(tree, shift, SHIFT);
  store<u32>(tree, pivots, PIVOT);
  store<u32>(tree, leaves, LEAF);
  store<u32>(tree, firstTree, NEXT);
  store<u32>(tree, 0, PREVIOUS);
  if (firstTree != 0) store<u32>(firstTree, tree, PREVIOUS);
  firstTree = tree;
}

/** Ends the tree's table. */
export function discardTable(tree: u32): void {
  giveFrames(isOfEntries(tree) ? load<u32>(tree, BUCKET) : load<u32>(tree, PIVOT), tableBytes(tableLeaves(tree), tableBuckets(tree)));
  store<u32>(tree, 0, BUCKET);
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
