// Building a tree from sorted rows, level by level, left to right.
//
//   rows:    [e e e e e e e e e e e][e e e ...        leaves take 11 of 12; what is left over is spread, one entry to a leaf
//   level 1: [ leaf leaf ... x 30 ][ ...              leaves have room for one more each, so that the first inserts split nothing; inner nodes are full
//
// One work list, reused for each level, holds what the level above needs to know of a node: node u32 @0, its last index u64 @8, its longest gap u64 @16.

import { COUNT_INNER_NODES, COUNT_LEAVES, EEXIST, EINVAL, ENOMEM } from '../layout.generated.ts';
import { giveFrames, takeFrames } from '../memory/arena.ts';
import { give, reserve } from '../memory/slab.ts';
import { fillLeaf, gapBefore, readColumns, readRows } from './bulk-rows.ts';
import { LEAF_CAPACITY, first, last, setChild, setCount, setGap, setPivot } from './node.ts';
import { changeCount, entryCount, root, setTop } from './path.ts';
import { innerGap } from './search.ts';
import { newInner, takeLeaf } from './version.ts';
import { treeClear } from './write.ts';

const LEAF_FILL: u32 = 11;
const INNER_FILL: u32 = 30;
const WORK_BYTES: u32 = 24;

/** R-bulk from `n` rows of the walk's form; 0, or a negative errno. */
export function treeBulkLoad(tree: u32, rows: u32, n: u32): i32 {
  readRows(rows);
  return build(tree, n, false);
}

/** R-bulk from columns of `n` u64, or f64 when `numbers`, and u32; 0, or a negative errno. */
export function treeBulkColumns(tree: u32, firstColumn: u32, lastColumn: u32, valueColumn: u32, n: u32, numbers: bool): i32 {
  readColumns(firstColumn, lastColumn, valueColumn, numbers);
  return build(tree, n, false);
}

/** A tree's entries anew, `n` of them, at least as many as before, from columns known to be entries in order and disjoint: 0, or -ENOMEM with nothing changed. Not for a tree of which there are versions. */
export function treeRebuild(tree: u32, firstColumn: u32, lastColumn: u32, valueColumn: u32, n: u32): i32 {
  readColumns(firstColumn, lastColumn, valueColumn, false);
  return build(tree, n, true);
}

function build(tree: u32, n: u32, anew: bool): i32 {
  if (root(tree) != 0 && !anew) return -EEXIST;
  if (n == 0) return 0;
  // So many as are filled, unless there is more left over than each of them can take.
  const filled = n / LEAF_FILL;
  const leaves = n - filled * LEAF_FILL > filled ? filled + 1 : filled;
  // Full leaves are the fewest that can come free.
  const present = min<u32>(<u32>(entryCount(tree) / LEAF_CAPACITY), leaves);
  // Each level has at most a half of the nodes below it, and at least one node.
  const workBytes = <u64>leaves * WORK_BYTES;
  const work = takeFrames(workBytes);
  if (work == 0) return -ENOMEM;
  if (!reserve(COUNT_LEAVES, leaves - present) || !reserve(COUNT_INNER_NODES, leaves / 8 + 12)) {
    giveFrames(work, workBytes);
    return -ENOMEM;
  }
  if (anew) treeClear(tree);
  const built = buildLeaves(n, work, leaves);
  if (built < leaves) {
    for (let i: u32 = 0; i <= built; i++) give(COUNT_LEAVES, load<u32>(work + i * WORK_BYTES));
    giveFrames(work, workBytes);
    return -EINVAL;
  }
  let nodes = leaves;
  let levels: u32 = 1;
  while (nodes > 1) {
    nodes = buildInner(work, nodes);
    levels += 1;
  }
  setTop(tree, load<u32>(work), levels);
  changeCount(tree, n);
  giveFrames(work, workBytes);
  return 0;
}

/** Fills the leaves and looks at each row on the way; answers how many are good, less than `leaves` at the first one with a row that is not (it is noted too). */
function buildLeaves(n: u32, work: u32, leaves: u32): u32 {
  let rest = n;
  let low: u64 = 0;
  for (let i: u32 = 0; i < leaves; i++) {
    const leaf = takeLeaf();
    const entries = rest > (leaves - i) * LEAF_FILL ? LEAF_CAPACITY : min<u32>(LEAF_FILL, rest);
    const good = fillLeaf(leaf, entries, rest, low);
    rest -= entries;
    const end = last(leaf, entries - 1);
    const high = rest == 0 ? u64.MAX_VALUE : end;
    note(work, i, leaf, high, max<u64>(gapBefore, high - end));
    // After an entry that ends at 2^64-1 `low` is 0 again, and nothing can follow.
    if (!good || first(leaf, 0) < low || (i > 0 && low == 0)) return i;
    low = end + 1;
  }
  return leaves;
}

function note(work: u32, i: u32, node: u32, high: u64, longest: u64): void {
  const at = work + i * WORK_BYTES;
  store<u32>(at, node);
  store<u64>(at, high, 8);
  store<u64>(at, longest, 16);
}

/** Groups `n` nodes of the work list under inner nodes, which replace them there; answers how many. */
function buildInner(work: u32, n: u32): u32 {
  let made: u32 = 0;
  let used: u32 = 0;
  while (used < n) {
    const rest = n - used;
    // A lone last child would be an inner node with one child: the node before it gives one up.
    const children = rest == INNER_FILL + 1 ? INNER_FILL - 1 : min<u32>(rest, INNER_FILL);
    const inner = newInner();
    for (let slot: u32 = 0; slot < children; slot++) {
      const at = work + (used + slot) * WORK_BYTES;
      setChild(inner, slot, load<u32>(at));
      if (slot < children - 1) setPivot(inner, slot, load<u64>(at, 8));
      setGap(inner, slot, load<u64>(at, 16));
    }
    setCount(inner, children);
    used += children;
    note(work, made, inner, load<u64>(work + (used - 1) * WORK_BYTES, 8), innerGap(inner));
    made += 1;
  }
  return made;
}
