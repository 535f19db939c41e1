// Loops that only read the first tree: lookups, iteration, gaps.

import { CELL_FIRST, CELL_LAST } from '../../../assembly/layout.generated.ts';
import { cells } from '../../../assembly/cells.ts';
import { treeGap } from '../../../assembly/maple/gaps.ts';
import { count, first, last, value } from '../../../assembly/maple/node.ts';
import { descend, height, nextLeaf, pathNode } from '../../../assembly/maple/path.ts';
import { treeFind, treeLoad, treeLoadOften } from '../../../assembly/maple/read.ts';
import { copyAt, firsts, lasts, treeAt, trees, u32At, u64At } from './trees.ts';

const PAGE_SHIFT: u64 = 12;

export function loadAll(keys: u32, from: u32, to: u32): u32 {
  const tree = treeAt(0);
  let sum: u32 = 0;
  for (let q = from; q < to; q++) sum += treeLoad(tree, u64At(keys, q));
  return sum;
}

/** The same by the table that a tree gets which is read and not written. */
export function loadOften(keys: u32, from: u32, to: u32): u32 {
  const tree = treeAt(0);
  let sum: u32 = 0;
  for (let q = from; q < to; q++) sum += treeLoadOften(tree, u64At(keys, q));
  return sum;
}

export function loadDependent(keys: u32, from: u32, to: u32): u32 {
  const tree = treeAt(0);
  let sum: u32 = 0;
  let before: u32 = 0;
  for (let q = from; q < to; q++) {
    // Adds nothing: values are below 2^31. But the key is known only when the answer before it is.
    before = treeLoad(tree, u64At(keys, q + (before >>> 31)));
    sum += before;
  }
  return sum;
}

export function walkAll(keys: u32, from: u32, to: u32): u32 {
  const tree = treeAt(0);
  let sum: u32 = 0;
  let lengths: u64 = 0;
  for (let q = from; q < to; q++) {
    const key = u64At(keys, q);
    sum += treeFind(tree, key, key);
    lengths += load<u64>(cells, CELL_LAST) - load<u64>(cells, CELL_FIRST) + 1;
  }
  return sum + <u32>(lengths >> PAGE_SHIFT);
}

function totalOf(tree: u32): u32 {
  if (height(tree) == 0) return 0;
  const level = descend(tree, 0);
  let sum: u32 = 0;
  let lengths: u64 = 0;
  do {
    const leaf = pathNode(level);
    const n = count(leaf);
    for (let slot: u32 = 0; slot < n; slot++) {
      sum += value(leaf, slot);
      lengths += last(leaf, slot) - first(leaf, slot) + 1;
    }
  } while (nextLeaf(level));
  return sum + <u32>(lengths >> PAGE_SHIFT);
}

export function iterate(times: u32): u32 {
  const tree = treeAt(0);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < times; i++) sum += totalOf(tree);
  return sum;
}

/** `hash` and a tree's ranges in order. */
export function foldTree(tree: u32, hash: u32): u32 {
  if (height(tree) == 0) return hash;
  const level = descend(tree, 0);
  let folded = hash;
  do {
    const leaf = pathNode(level);
    const n = count(leaf);
    for (let slot: u32 = 0; slot < n; slot++) folded = folded * 31 + <u32>(first(leaf, slot) >> 10) * 7 + value(leaf, slot);
  } while (nextLeaf(level));
  return folded;
}

/** A number that depends on all ranges of all trees and on their order. */
export function contents(copies: bool): u32 {
  let hash: u32 = 0;
  for (let t: u32 = 0; t < trees; t++) hash = foldTree(copies ? copyAt(t) : treeAt(t), hash);
  return hash;
}

/** The sum, in pages, of the lowest addresses at or above the ranges' first indices. */
export function gapsUp(pairRanges: u32, pairSizes: u32, n: u32, limit: u64): f64 {
  const tree = treeAt(0);
  let sum: u64 = 0;
  for (let p: u32 = 0; p < n; p++) {
    treeGap(tree, u64At(pairSizes, p), 1, u64At(firsts, u32At(pairRanges, p)), limit, false);
    sum += load<u64>(cells, CELL_FIRST) >> PAGE_SHIFT;
  }
  return <f64>sum;
}

export function gapsDown(pairRanges: u32, pairSizes: u32, n: u32): f64 {
  const tree = treeAt(0);
  let sum: u64 = 0;
  for (let p: u32 = 0; p < n; p++) {
    treeGap(tree, u64At(pairSizes, p), 1, 0, u64At(lasts, u32At(pairRanges, p)), true);
    sum += load<u64>(cells, CELL_FIRST) >> PAGE_SHIFT;
  }
  return <f64>sum;
}

export function gapsTail(size: u64, base: u64, limit: u64, times: u32): f64 {
  const tree = treeAt(0);
  let sum: u64 = 0;
  for (let p: u32 = 0; p < times; p++) {
    treeGap(tree, size, 1, base, limit, false);
    sum += load<u64>(cells, CELL_FIRST) >> PAGE_SHIFT;
  }
  return <f64>sum;
}
