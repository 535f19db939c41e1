// Loops that change all trees. Each write ends like the core's own: where memory is shared it is published.

import { CELL_FIRST } from '../../../assembly/layout.generated.ts';
import { cells } from '../../../assembly/cells.ts';
import { treeBulkLoad } from '../../../assembly/maple/bulk.ts';
import { treeDuplicate } from '../../../assembly/maple/copy.ts';
import { treeAllocate } from '../../../assembly/maple/gaps.ts';
import { publish } from '../../../assembly/maple/publish.ts';
import { treeErase, treeInsert, treeStore } from '../../../assembly/maple/write.ts';
import { copyAt, eraseOrder, firsts, insertOrder, lasts, ranges, rows, treeAt, trees, u32At, u64At } from './trees.ts';

const PAGE_SHIFT: u64 = 12;

/** How many inserts were done. */
export function insertAscending(): u32 {
  let done: u32 = 0;
  for (let t: u32 = 0; t < trees; t++) {
    const tree = treeAt(t);
    for (let i: u32 = 0; i < ranges; i++) {
      if (treeInsert(tree, u64At(firsts, i), u64At(lasts, i), i + 1) == 0) done++;
      publish(tree);
    }
  }
  return done;
}

export function insertRandom(): u32 {
  let done: u32 = 0;
  for (let t: u32 = 0; t < trees; t++) {
    const tree = treeAt(t);
    for (let k: u32 = 0; k < ranges; k++) {
      const i = u32At(insertOrder, k);
      if (treeInsert(tree, u64At(firsts, i), u64At(lasts, i), i + 1) == 0) done++;
      publish(tree);
    }
  }
  return done;
}

export function eraseRandom(): u32 {
  let sum: u32 = 0;
  for (let t: u32 = 0; t < trees; t++) {
    const tree = treeAt(t);
    for (let k: u32 = 0; k < ranges; k++) {
      sum += treeErase(tree, u64At(firsts, u32At(eraseOrder, k)));
      publish(tree);
    }
  }
  return sum;
}

export function replaceAll(shift: u32): void {
  for (let t: u32 = 0; t < trees; t++) {
    const tree = treeAt(t);
    for (let k: u32 = 0; k < ranges; k++) {
      const i = u32At(eraseOrder, k);
      treeStore(tree, u64At(firsts, i), u64At(lasts, i), i + 1 + shift);
      publish(tree);
    }
  }
}

export function splitRestore(): void {
  for (let t: u32 = 0; t < trees; t++) {
    const tree = treeAt(t);
    for (let k: u32 = 0; k < ranges; k++) {
      const i = u32At(eraseOrder, k);
      const from = u64At(firsts, i);
      treeStore(tree, from + 1024, from + 2047, i + 1 + ranges);
      publish(tree);
      treeStore(tree, from, u64At(lasts, i), i + 1);
      publish(tree);
    }
  }
}

/** Allocates above a range and erases again; the sum of the addresses in pages, or -1 when something was not there. */
export function allocateErase(pairRanges: u32, pairSizes: u32, n: u32, limit: u64): f64 {
  const tree = treeAt(0);
  let sum: u64 = 0;
  for (let p: u32 = 0; p < n; p++) {
    treeAllocate(tree, u64At(pairSizes, p), 1, u64At(firsts, u32At(pairRanges, p)), limit, ranges + 1, false);
    publish(tree);
    const at = load<u64>(cells, CELL_FIRST);
    if (treeErase(tree, at) != ranges + 1) return -1;
    publish(tree);
    sum += at >> PAGE_SHIFT;
  }
  return <f64>sum;
}

export function fill(sizes: u32, n: u32, base: u64, limit: u64): f64 {
  let sum: u64 = 0;
  for (let t: u32 = 0; t < trees; t++) {
    const tree = treeAt(t);
    for (let k: u32 = 0; k < n; k++) {
      treeAllocate(tree, u64At(sizes, k), 1, base, limit, ranges + 1 + k, false);
      publish(tree);
      sum += load<u64>(cells, CELL_FIRST) >> PAGE_SHIFT;
    }
  }
  return <f64>sum;
}

export function bulk(): void {
  for (let t: u32 = 0; t < trees; t++) {
    treeBulkLoad(treeAt(t), rows, ranges);
    publish(treeAt(t));
  }
}

export function duplicate(): void {
  for (let t: u32 = 0; t < trees; t++) {
    treeDuplicate(treeAt(t), copyAt(t));
    publish(copyAt(t));
  }
}
