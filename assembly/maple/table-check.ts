// The check of a table against its tree: every leaf in its order with its pivot, every bucket at the first leaf, or entry, that reaches into it.

import { count, last, ordered } from './node.ts';
import { descend, nextLeaf, onRightEdge, pathNode } from './path.ts';
import { SPAN, bucketStart, hasTable, isOfEntries, placeOf, tableBucket, tableBuckets, tableLeaf, tableLeaves, tablePivot } from './table.ts';

/** 0 when the tree has no table or a sound one, else the number of the first rule found broken. */
export function tableCheck(tree: u32): i32 {
  if (!hasTable(tree)) return 0;
  const level = descend(tree, 0);
  if (level < 1) return 30;
  if (isOfEntries(tree)) return checkEntries(tree, level);
  const leaves = tableLeaves(tree);
  for (let i: u32 = 0; i < leaves; i++) {
    const leaf = pathNode(level);
    if (tableLeaf(tree, i) != leaf) return 31;
    const pivot = onRightEdge(level) ? i64.MAX_VALUE : ordered(last(leaf, count(leaf) - 1));
    if (tablePivot(tree, i) != pivot) return 32;
    if (nextLeaf(level) != (i < leaves - 1)) return 33;
  }
  for (let i = leaves; i < leaves + SPAN - 1; i++) if (tablePivot(tree, i) != i64.MAX_VALUE) return 34;
  for (let b: u32 = 0; b < tableBuckets(tree); b++) {
    const at = tableBucket(tree, b);
    if (at >= leaves || tablePivot(tree, at) < bucketStart(tree, b)) return 35;
    if (at > 0 && tablePivot(tree, at - 1) >= bucketStart(tree, b)) return 36;
  }
  return 0;
}

/** The path stands at the tree's first leaf, on `level`. */
function checkEntries(tree: u32, level: i32): i32 {
  let slot: u32 = 0;
  for (let b: u32 = 0; b < tableBuckets(tree); b++) {
    let leaf = pathNode(level);
    while (ordered(last(leaf, slot)) < bucketStart(tree, b)) {
      slot += 1;
      if (slot < count(leaf)) continue;
      if (!nextLeaf(level)) return 37;
      leaf = pathNode(level);
      slot = 0;
    }
    if (tableBucket(tree, b) != placeOf(leaf, slot)) return 38;
  }
  // The last bucket begins in the last entry, or in front of it, and no further one would.
  const beyond = bucketStart(tree, tableBuckets(tree));
  while (slot < count(pathNode(level)) || nextLeaf(level)) {
    const leaf = pathNode(level);
    if (slot == count(leaf)) slot = 0;
    if (ordered(last(leaf, slot)) >= beyond && beyond > bucketStart(tree, 0)) return 39;
    slot += 1;
  }
  return 0;
}
