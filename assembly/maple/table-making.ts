// Making a table (table.ts) a little with each load, so that no single load costs more than a few descents.
//
//   enough loads without a write -> few entries: take frames -> put entries in buckets, 64 a step -> there it is
//                                                                 | they crowd
//                                   count the leaves, 30 a step <-+
//                                   take frames -> gather pivots and leaves, 30 a step -> put leaves in buckets, 64 a step -> there it is
//
// One table is in the making at a time, and any tree's loads push it on; a write to its tree ends it.

import { giveFrames, takeSpareFrames, whenShort } from '../memory/arena.ts';
import { child, count, first, last, ordered, pivot } from './node.ts';
import { entryCount, height, root } from './path.ts';
import { innerSlot, leafOf } from './search.ts';
import { SPAN, countAnew, discardTable, discardTables, hasTable, noteLoad, placeOf, refuseTable, setTable, tableBytes } from './table.ts';

// A table costs about as much as a quarter as many lookups as there are entries.
const PATIENCE: u64 = 4;
const STEP: u32 = 64;

// Beyond so many, buckets for all of them would not stay in the processor's first caches.
const MOST_ENTRIES: u64 = 4096;

const COUNT: u32 = 0;
const GATHER: u32 = 1;
const FILL: u32 = 2;
const PLACE: u32 = 3;

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
// Entries that a bucket shows, and whether the one at hand is one of them.
let shown: u32 = 0;
let isShown: bool = false;

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
  if (phase == PLACE) giveFrames(buckets, tableBytes(0, bucketCount));
  else if (phase != COUNT) giveFrames(pivots, tableBytes(n, bucketCount));
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
  key = 0;
  const entries = entryCount(tree);
  // Four to eight buckets for each entry: most begin in the entry, or in front of it, that an index of theirs asks for.
  if (entries <= MOST_ENTRIES && layBuckets(<u32>entries << 3, 0)) {
    phase = PLACE;
    at = 0;
    shown = 0;
    isShown = false;
  } else {
    phase = COUNT;
    n = 0;
  }
}

function step(): void {
  if (phase == COUNT) countLeaves();
  else if (phase == GATHER) gatherLeaves();
  else if (phase == FILL) fillBuckets();
  else placeEntries();
}

/** Takes frames for a table of `n` leaves, 0 for one of entries, and less than 2^k buckets over all entries, where 2^k is `most` or next above; false when there are none. */
function layBuckets(most: u32, n: u32): bool {
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
  const frames = takeSpareFrames(tableBytes(n, bucketCount));
  pivots = n == 0 ? 0 : frames;
  buckets = n == 0 ? frames : pivots + ((n + SPAN - 1) << 3);
  leaves = n == 0 ? 0 : buckets + (bucketCount << 2);
  bucket = 0;
  return frames != 0;
}

function placeEntries(): void {
  const leaf = leafOf(root(making), height(making), ordered(key));
  for (let i: u32 = 0; i < STEP; i++) {
    if (last(leaf, at) < base + (<u64>bucket << <u64>shift)) {
      at += 1;
      isShown = false;
      if (at == count(leaf)) {
        key = last(leaf, at - 1) + 1;
        at = 0;
        return;
      }
    } else {
      if (!isShown) shown += 1;
      isShown = true;
      store<u32>(buckets + (bucket << 2), placeOf(leaf, at));
      bucket += 1;
      if (bucket == bucketCount) return finishEntries();
    }
  }
}

function finishEntries(): void {
  if (<u64>shown < entryCount(making) / 2) {
    giveFrames(buckets, tableBytes(0, bucketCount));
    phase = COUNT;
    key = 0;
    n = 0;
    return;
  }
  finish();
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
  if (!layBuckets(n << 1, n)) {
    countAnew(making);
    making = 0;
    return;
  }
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
      if (bucket == bucketCount) return finishLeaves();
    }
  }
}

// The leaves from `from` on, up to `end`, reach into one bucket.
function countMissed(end: u32): void {
  if (end > from + SPAN) missed += end - from - SPAN;
}

function finishLeaves(): void {
  countMissed(n);
  // Where more than half of the leaves would be missed, lookups would ask in vain more often than not.
  if (missed <= n / 2) return finish();
  const tree = making;
  abandon();
  refuseTable(tree);
}

function finish(): void {
  const tree = making;
  making = 0;
  setTable(tree, pivots, buckets, bucketCount, leaves, base, shift);
}
