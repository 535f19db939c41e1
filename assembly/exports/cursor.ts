// Exports: cursors in range stores and snapshots.

import { EBADF, ENOMEM, EROFS, OBJECT_CURSOR } from '../layout.generated.ts';
import { deleteObject, handleOf, newObject, resolve } from '../memory/objects.ts';
import * as step from '../maple/cursor.ts';
import { isReader } from '../memory/readers.ts';
import { readable } from './range-store.ts';

export function cursorCreate(treeHandle: u32, index: u64): i32 {
  if (readable(treeHandle) == 0) return -EBADF;
  if (ASC_FEATURE_THREADS && isReader()) return -EROFS;
  const cursor = newObject(OBJECT_CURSOR);
  if (cursor == 0) return -ENOMEM;
  step.initCursor(cursor, treeHandle, index);
  return handleOf(cursor);
}

export function cursorDestroy(handle: u32): i32 {
  const cursor = resolve(handle, OBJECT_CURSOR);
  if (cursor == 0) return -EBADF;
  deleteObject(cursor);
  return 0;
}

function treeUnder(cursor: u32): u32 {
  return cursor == 0 ? 0 : readable(step.cursorTree(cursor));
}

export function cursorNext(handle: u32, limit: u64): u32 {
  const cursor = resolve(handle, OBJECT_CURSOR);
  const tree = treeUnder(cursor);
  return tree == 0 ? 0 : step.cursorNext(cursor, tree, limit);
}

export function cursorPrevious(handle: u32, limit: u64): u32 {
  const cursor = resolve(handle, OBJECT_CURSOR);
  const tree = treeUnder(cursor);
  return tree == 0 ? 0 : step.cursorPrevious(cursor, tree, limit);
}

export function cursorNextRange(handle: u32, limit: u64): u32 {
  const cursor = resolve(handle, OBJECT_CURSOR);
  const tree = treeUnder(cursor);
  return tree == 0 ? step.stay() : step.cursorNextRange(cursor, tree, limit);
}

export function cursorPreviousRange(handle: u32, limit: u64): u32 {
  const cursor = resolve(handle, OBJECT_CURSOR);
  const tree = treeUnder(cursor);
  return tree == 0 ? step.stay() : step.cursorPreviousRange(cursor, tree, limit);
}
