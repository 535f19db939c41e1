// The check of a table against its tree: every row in its order, every bucket at the first row that reaches into it.

import { count, first, last, ordered, value } from './node.ts';
import { descend, nextLeaf, onRightEdge, pathNode } from './path.ts';
import { SPAN, bucketStart, hasTable, isOfEntries, rowFirst, rowLast, rowLeaf, rowValue, tableBucket, tableBuckets, tableRow, tableRows } from './table.ts';

/** 0 when the tree has no table or a sound one, else the number of the first rule found broken. */
export function tableCheck(tree: u32): i32 {
  if (!hasTable(tree)) return 0;
  const level = descend(tree, 0);
  if (level < 1) return 30;
  const broken = isOfEntries(tree) ? checkEntries(tree, level) : checkLeaves(tree, level);
  if (broken != 0) return broken;
  const rows = tableRows(tree);
  for (let i = rows; i < rows + SPAN - 1; i++) if (rowLast(tableRow(tree, i)) != i64.MAX_VALUE) return 34;
  let i: u32 = 0;
  for (let b: u32 = 0; b < tableBuckets(tree); b++) {
    while (i < rows && rowLast(tableRow(tree, i)) < bucketStart(tree, b)) i += 1;
    if (i == rows) return 35;
    if (tableBucket(tree, b) != tableRow(tree, i)) return 36;
  }
  // The last bucket ends behind the last entry.
  const beyond = bucketStart(tree, tableBuckets(tree));
  if (isOfEntries(tree) && beyond > bucketStart(tree, 0) && rowLast(tableRow(tree, rows - 1)) >= beyond) return 37;
  return 0;
}

/** The path stands at the tree's first leaf, on `level`. */
function checkLeaves(tree: u32, level: i32): i32 {
  const rows = tableRows(tree);
  for (let i: u32 = 0; i < rows; i++) {
    const leaf = pathNode(level);
    const row = tableRow(tree, i);
    if (rowLeaf(row) != leaf) return 31;
    if (rowLast(row) != (onRightEdge(level) ? i64.MAX_VALUE : ordered(last(leaf, count(leaf) - 1)))) return 32;
    if (nextLeaf(level) != (i < rows - 1)) return 33;
  }
  return 0;
}

/** The same for entries. */
function checkEntries(tree: u32, level: i32): i32 {
  const rows = tableRows(tree);
  let slot: u32 = 0;
  for (let i: u32 = 0; i < rows; i++) {
    const leaf = pathNode(level);
    const row = tableRow(tree, i);
    if (rowLast(row) != ordered(last(leaf, slot)) || rowFirst(row) != ordered(first(leaf, slot)) || rowValue(row) != value(leaf, slot)) return 38;
    slot += 1;
    if (slot < count(leaf)) continue;
    slot = 0;
    if (nextLeaf(level) != (i < rows - 1)) return 39;
  }
  return 0;
}
