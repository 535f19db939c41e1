// Making a table (table.ts) a little with each load, so that no single load costs more than a few descents.
//
//   enough loads without a write -> count the leaves -> take frames -> gather pivots and leaves -> fill buckets -> there it is
//                                   30 a step                          30 a step                   64 a step
//
// One table is in the making at a time, and any tree's loads push it on; a write to its tree ends it.

import { giveFrames, takeSpareFrames, whenShort } from '../memory/arena.ts';
import { child, count, first, last, ordered, pivot } from './node.ts';
import { entryCount, height, root } from './path.ts';
import { innerSlot } from './search.ts';
import { SPAN, countAnew, discardTable, discardTables, hasTable, noteLoad, refuseTable, setTable, tableBytes } from './table.ts';

// A table costs about as much as a quarter as many lookups as there are entries.
const PATIENCE: u64 = 4;
const STEP: u32 = 64;

const COUNT: u32 = 0;
const GATHER: u32 = 1;
const FILL: u32 = 2;

// What is in the making: for which tree, 0 for none; what is done next; from which index on, and at which leaf and bucket.
let making: u32 = 0;
let phase: u32 = COUNT;
let key: u64 = 0;
let high: u64 = 0;
let at: u32 = 0;
let bucket: u32 = 0;
// Leaves that no bucket shows, and the first leaf of the bucket filled last.
let missed: u32 = 0;
let from: u32 = 0;

let n: u32 = 0;
let base: u64 = 0;
let shift: u32 = 0;
let bucketCount: u32 = 0;
let pivots: u32 = 0;
let buckets: u32 = 0;
let leaves: u32 = 0;

whenShort(giveUpTables);

/** Every table and the one in the making; whether that gave frames back. */
function giveUpTables(): bool {
  const one = making != 0 && phase != COUNT;
  if (making != 0) abandon();
  return discardTables() || one;
}

function abandon(): void {
  if (phase != COUNT) giveFrames(pivots, tableBytes(n, bucketCount));
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
  phase = COUNT;
  key = 0;
  n = 0;
}

function step(): void {
  if (phase == COUNT) countLeaves();
  else if (phase == GATHER) gatherLeaves();
  else fillBuckets();
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
  let left = root(making);
  let right = left;
  for (let level = height(making); level > 1; level--) {
    left = child(left, 0);
    right = child(right, count(right) - 1);
  }
  base = first(left, 0);
  const reach = last(right, count(right) - 1) - base;
  // One to four buckets for each leaf: their width is a power of two.
  const most: u64 = 1 << (65 - clz<u64>(n));
  shift = 0;
  while (reach >> <u64>shift >= most) shift += 1;
  bucketCount = <u32>(reach >> <u64>shift) + 1;
  pivots = takeSpareFrames(tableBytes(n, bucketCount));
  if (pivots == 0) {
    countAnew(making);
    making = 0;
    return;
  }
  buckets = pivots + ((n + SPAN - 1) << 3);
  leaves = buckets + (bucketCount << 2);
  at = 0;
  phase = GATHER;
}

function gatherLeaves(): void {
  const parent = parentOfLeaves();
  const children = count(parent);
  for (let slot: u32 = 0; slot < children; slot++) {
    store<i64>(pivots + (at << 3), ordered(slot < children - 1 ? pivot(parent, slot) : high));
    store<u32>(leaves + (at << 2), child(parent, slot));
    at += 1;
  }
  key = high + 1;
  if (key != 0) return;
  for (let i: u32 = 0; i < SPAN - 1; i++) store<i64>(pivots + ((n + i) << 3), i64.MAX_VALUE);
  at = 0;
  bucket = 0;
  missed = 0;
  phase = FILL;
}

function fillBuckets(): void {
  for (let i: u32 = 0; i < STEP; i++) {
    if (load<i64>(pivots + (at << 3)) < ordered(base + (<u64>bucket << <u64>shift))) {
      at += 1;
    } else {
      if (bucket > 0) countMissed(at + 1);
      store<u32>(buckets + (bucket << 2), at);
      from = at;
      bucket += 1;
      if (bucket == bucketCount) return finish();
    }
  }
}

// The leaves from `from` on, up to `end`, reach into one bucket.
function countMissed(end: u32): void {
  if (end > from + SPAN) missed += end - from - SPAN;
}

function finish(): void {
  countMissed(n);
  const tree = making;
  // Where more than half of the leaves would be missed, lookups would ask in vain more often than not.
  if (missed > n / 2) {
    abandon();
    refuseTable(tree);
    return;
  }
  making = 0;
  setTable(tree, pivots, buckets, bucketCount, leaves, base, shift);
}
