// Cursors: a place in a tree kept as indices only, so that any write between two steps is allowed.
//
//   record  8 tree handle u32 | 12 standing u32 | 16 first u64 | 24 last u64
//
// Before the first step `standing` is 0 and `first` is the index to start from.

import { CELL_DATA, CELL_FIRST, CELL_LAST } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { treeFind, treeFindPrevious, treeRange } from './read.ts';

export function initCursor(cursor: u32, treeHandle: u32, index: u64): void {
  store<u32>(cursor, treeHandle, 8);
  store<u64>(cursor, index, 16);
}

export function cursorTree(cursor: u32): u32 {
  return load<u32>(cursor, 8);
}

function stand(cursor: u32, v: u32): u32 {
  return v == 0 ? stay() : move(cursor, v);
}

/** R-cursor: the next entry's value, its range in the cells; 0 at the limit. */
export function cursorNext(cursor: u32, tree: u32, limit: u64): u32 {
  if (load<u32>(cursor, 12) == 0) return stand(cursor, treeFind(tree, load<u64>(cursor, 16), limit));
  const at = load<u64>(cursor, 24);
  return at == u64.MAX_VALUE ? 0 : stand(cursor, treeFind(tree, at + 1, limit));
}

/** R-cursor, downwards. */
export function cursorPrevious(cursor: u32, tree: u32, limit: u64): u32 {
  const at = load<u64>(cursor, 16);
  if (load<u32>(cursor, 12) == 0) return stand(cursor, treeFindPrevious(tree, at, limit));
  return at == 0 ? 0 : stand(cursor, treeFindPrevious(tree, at - 1, limit));
}

/** R-cursor: the next entry or gap; its value, its extent in the cells, and at CELL_DATA whether the cursor moved. */
export function cursorNextRange(cursor: u32, tree: u32, limit: u64): u32 {
  const fresh = load<u32>(cursor, 12) == 0;
  const at = fresh ? load<u64>(cursor, 16) : load<u64>(cursor, 24) + 1;
  // Behind 2^64-1 there is nothing.
  if (!fresh && at == 0) return stay();
  const v = treeRange(tree, at);
  return load<u64>(cells, CELL_FIRST) > limit ? stay() : move(cursor, v);
}

/** R-cursor, downwards. */
export function cursorPreviousRange(cursor: u32, tree: u32, limit: u64): u32 {
  const fresh = load<u32>(cursor, 12) == 0;
  const at = load<u64>(cursor, 16);
  if (!fresh && at == 0) return stay();
  const v = treeRange(tree, fresh ? at : at - 1);
  return load<u64>(cells, CELL_LAST) < limit ? stay() : move(cursor, v);
}

/** At the limit. */
export function stay(): u32 {
  store<u64>(cells, 0, CELL_DATA);
  return 0;
}

function move(cursor: u32, v: u32): u32 {
  store<u64>(cells, 1, CELL_DATA);
  store<u32>(cursor, 1, 12);
  store<u64>(cursor, load<u64>(cells, CELL_FIRST), 16);
  store<u64>(cursor, load<u64>(cells, CELL_LAST), 24);
  return v;
}
