// Exports: range stores and cursors. A tree's header stands at byte 8 of its record.

import { EBADF, EINVAL, ENOMEM, OBJECT_CURSOR, OBJECT_TREE, WALK_ROW_BYTES } from '../layout.generated.ts';
import { deleteObject, handleOf, newObject, resolve } from '../memory/objects.ts';
import { treeBulkLoad } from '../maple/bulk.ts';
import { treeCheck } from '../maple/check.ts';
import { cursorNext as stepNext, cursorPrevious as stepPrevious, cursorTree, initCursor } from '../maple/cursor.ts';
import { treeAllocate as allocateIn, treeGap as gapIn } from '../maple/gaps.ts';
import { entryCount } from '../maple/path.ts';
import * as read from '../maple/read.ts';
import * as write from '../maple/write.ts';
import { inMemory, whole } from './number.ts';

function treeOf(handle: u32): u32 {
  const record = resolve(handle, OBJECT_TREE);
  return record == 0 ? 0 : record + 8;
}

export function treeCreate(): i32 {
  const record = newObject(OBJECT_TREE);
  return record == 0 ? -ENOMEM : handleOf(record);
}

export function treeDestroy(handle: u32): i32 {
  const tree = treeOf(handle);
  if (tree == 0) return -EBADF;
  write.treeClear(tree);
  deleteObject(tree - 8);
  return 0;
}

export function treeLoad(handle: u32, index: u64): u32 {
  const tree = treeOf(handle);
  return tree == 0 ? 0 : read.treeLoad(tree, index);
}

export function treeLoadF(handle: u32, index: f64): u32 {
  return treeLoad(handle, whole(index));
}

export function treeStore(handle: u32, first: u64, last: u64, value: u32): i32 {
  const tree = treeOf(handle);
  return tree == 0 ? -EBADF : write.treeStore(tree, first, last, value);
}

export function treeInsert(handle: u32, first: u64, last: u64, value: u32): i32 {
  const tree = treeOf(handle);
  return tree == 0 ? -EBADF : write.treeInsert(tree, first, last, value);
}

export function treeErase(handle: u32, index: u64): u32 {
  const tree = treeOf(handle);
  return tree == 0 ? 0 : write.treeErase(tree, index);
}

export function treeFind(handle: u32, index: u64, limit: u64): u32 {
  const tree = treeOf(handle);
  return tree == 0 ? 0 : read.treeFind(tree, index, limit);
}

export function treeFindPrevious(handle: u32, index: u64, limit: u64): u32 {
  const tree = treeOf(handle);
  return tree == 0 ? 0 : read.treeFindPrevious(tree, index, limit);
}

export function treeNext(handle: u32, index: u64, limit: u64): u32 {
  const tree = treeOf(handle);
  return tree == 0 ? 0 : read.treeNext(tree, index, limit);
}

export function treePrevious(handle: u32, index: u64, limit: u64): u32 {
  const tree = treeOf(handle);
  return tree == 0 ? 0 : read.treePrevious(tree, index, limit);
}

export function treeWalk(handle: u32, first: u64, last: u64, gaps: u32, rows: u32, capacity: u32): i32 {
  const tree = treeOf(handle);
  if (tree == 0) return -EBADF;
  return first > last || !inMemory(rows, capacity, WALK_ROW_BYTES) ? -EINVAL : read.treeWalk(tree, first, last, gaps != 0, rows, capacity);
}

export function treeGap(handle: u32, size: u64, alignment: u64, first: u64, last: u64, fromTop: u32): i32 {
  const tree = treeOf(handle);
  return tree == 0 ? -EBADF : gapIn(tree, size, alignment, first, last, fromTop != 0);
}

export function treeAllocate(handle: u32, size: u64, alignment: u64, first: u64, last: u64, value: u32, fromTop: u32): i32 {
  const tree = treeOf(handle);
  return tree == 0 ? -EBADF : allocateIn(tree, size, alignment, first, last, value, fromTop != 0);
}

export function treeBulk(handle: u32, rows: u32, n: u32): i32 {
  const tree = treeOf(handle);
  if (tree == 0) return -EBADF;
  return inMemory(rows, n, WALK_ROW_BYTES) ? treeBulkLoad(tree, rows, n) : -EINVAL;
}

export function treeClear(handle: u32): i32 {
  const tree = treeOf(handle);
  if (tree == 0) return -EBADF;
  write.treeClear(tree);
  return 0;
}

export function treeCount(handle: u32): f64 {
  const tree = treeOf(handle);
  return tree == 0 ? -EBADF : <f64>entryCount(tree);
}

/** 0 when the tree is sound, the number of the broken rule in maple/check.ts, or -EBADF. */
export function treeValidate(handle: u32): i32 {
  const tree = treeOf(handle);
  return tree == 0 ? -EBADF : treeCheck(tree);
}

export function cursorCreate(treeHandle: u32, index: u64): i32 {
  if (treeOf(treeHandle) == 0) return -EBADF;
  const cursor = newObject(OBJECT_CURSOR);
  if (cursor == 0) return -ENOMEM;
  initCursor(cursor, treeHandle, index);
  return handleOf(cursor);
}

export function cursorDestroy(handle: u32): i32 {
  const cursor = resolve(handle, OBJECT_CURSOR);
  if (cursor == 0) return -EBADF;
  deleteObject(cursor);
  return 0;
}

export function cursorNext(handle: u32, limit: u64): u32 {
  const cursor = resolve(handle, OBJECT_CURSOR);
  const tree = cursor == 0 ? 0 : treeOf(cursorTree(cursor));
  return tree == 0 ? 0 : stepNext(cursor, tree, limit);
}

export function cursorPrevious(handle: u32, limit: u64): u32 {
  const cursor = resolve(handle, OBJECT_CURSOR);
  const tree = cursor == 0 ? 0 : treeOf(cursorTree(cursor));
  return tree == 0 ? 0 : stepPrevious(cursor, tree, limit);
}
