// Exports: range stores. A tree's header stands at byte 8 of its record, of a store or of a snapshot
// (maple/publish.ts has the picture).

import { CELL_FIRST, CELL_INDEX, EBADF, EINVAL, ENOMEM, EROFS, OBJECT_SNAPSHOT, OBJECT_TREE, TREE_BULK, TREE_ERASE, TREE_LOAD, WALK_ROW_BYTES } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { tick } from '../memory/clock.ts';
import { handleOf, newObject, resolve } from '../memory/objects.ts';
import { isReader } from '../memory/readers.ts';
import { treeBulkLoad } from '../maple/bulk.ts';
import { treeCheck } from '../maple/check.ts';
import { treeBatch as batchOn } from '../maple/columns.ts';
import { treeDuplicate as duplicateInto } from '../maple/copy.ts';
import { treeAllocate as allocateIn, treeAllocateCyclic as allocateCyclicIn, treeGap as gapIn } from '../maple/gaps.ts';
import { entryCount } from '../maple/path.ts';
import * as read from '../maple/read.ts';
import { publish, visibleTree, withdraw } from '../maple/publish.ts';
import { collect, retireRecord } from '../maple/retire.ts';
import { endHistory, releaseSnapshot, treeSnapshot as snapshotOf } from '../maple/version.ts';
import { bytesOfTable, hasTable } from '../maple/table.ts';
import { tableCheck } from '../maple/table-check.ts';
import { endTable } from '../maple/table-making.ts';
import { treeWalk as walkUp, treeWalkBack as walkDown } from '../maple/walk.ts';
import * as write from '../maple/write.ts';
import { inMemory, isExact, lowered, raised, whole } from '../number.ts';

// The handle that was looked up last, its record and its tree: callers stay with one store for many calls. A record's first word tells whether the handle is still good.
let knownHandle: u32 = 0;
let knownRecord: u32 = 0;
let knownTree: u32 = 0;

/** The tree behind a handle, to read: of a store or of a snapshot. */
// @ts-expect-error: as in maple/read.ts.
@inline
export function readable(handle: u32): u32 {
  // Two branches: a conjunction would be computed.
  if (handle == knownHandle) if (load<u32>(knownRecord) == handle) return knownTree;
  return findReadable(handle);
}

function findReadable(handle: u32): u32 {
  const record = resolve(handle, OBJECT_TREE);
  const found = record == 0 ? resolve(handle, OBJECT_SNAPSHOT) : record;
  if (found == 0) return 0;
  knownHandle = handle;
  knownRecord = found;
  knownTree = record == 0 ? found + 8 : visibleTree(record);
  return knownTree;
}

/** The tree of a store, to write. Its table ends. */
export function writable(handle: u32): u32 {
  if (ASC_FEATURE_THREADS && isReader()) return 0;
  const record = resolve(handle, OBJECT_TREE);
  if (record == 0) return 0;
  if (!ASC_FEATURE_THREADS) endTable(record + 8);
  return record + 8;
}

/** Why there is no writable tree behind a handle. */
export function refusal(handle: u32): i32 {
  if (ASC_FEATURE_THREADS && isReader()) return -EROFS;
  return resolve(handle, OBJECT_SNAPSHOT) == 0 ? -EBADF : -EROFS;
}

export function treeCreate(): i32 {
  if (ASC_FEATURE_THREADS && isReader()) return -EROFS;
  const record = newObject(OBJECT_TREE);
  return record == 0 ? -ENOMEM : handleOf(record);
}

export function treeDestroy(handle: u32): i32 {
  const tree = writable(handle);
  if (tree != 0) {
    write.treeClear(tree);
    endHistory(tree);
    retireRecord(tree - 8);
    withdraw(tree);
    return 0;
  }
  const snapshot = resolve(handle, OBJECT_SNAPSHOT);
  if (snapshot == 0 || (ASC_FEATURE_THREADS && isReader())) return refusal(handle);
  if (!ASC_FEATURE_THREADS) endTable(snapshot + 8);
  releaseSnapshot(snapshot);
  if (ASC_FEATURE_THREADS) {
    tick();
    collect();
  }
  return 0;
}

export function treeLoad(handle: u32, index: u64): u32 {
  const tree = readable(handle);
  return tree == 0 ? 0 : read.treeLoadOften(tree, index);
}

/** Answers 0 for what is no integer from 0 to 2^53-1: who calls looks at the number only when there is nothing. */
export function treeLoadF(handle: u32, index: f64): u32 {
  const tree = readable(handle);
  if (tree == 0) return 0;
  const sum = raised(index);
  const address = lowered(sum);
  if (address >>> 52 == 0) {
    return isExact(sum, index) ? read.treeLoadOften(tree, address) : 0;
  }
  // Half a step below 2^52 the sum is rounded up to twice that.
  return index > 0 && index <= 9007199254740991 && floor<f64>(index) == index ? read.treeLoadApart(tree, <u64>index) : 0;
}

export function treeStore(handle: u32, first: u64, last: u64, value: u32): i32 {
  const tree = writable(handle);
  return tree == 0 ? refusal(handle) : done(tree, write.treeStore(tree, first, last, value));
}

export function treeStoreF(handle: u32, first: f64, last: f64, value: u32): i32 {
  return treeStore(handle, whole(first), whole(last), value);
}

export function treeInsert(handle: u32, first: u64, last: u64, value: u32): i32 {
  const tree = writable(handle);
  return tree == 0 ? refusal(handle) : done(tree, write.treeInsert(tree, first, last, value));
}

export function treeInsertF(handle: u32, first: f64, last: f64, value: u32): i32 {
  return treeInsert(handle, whole(first), whole(last), value);
}

/** Answers 0 also when it failed; the errno, or 0, is in the cells at CELL_INDEX whenever it answers 0. */
export function treeErase(handle: u32, index: u64): u32 {
  const tree = writable(handle);
  const status = tree == 0 ? refusal(handle) : write.canErase(tree) ? 0 : -ENOMEM;
  const value = status == 0 ? write.treeErase(tree, index) : 0;
  if (value == 0) store<u32>(cells, <u32>-status, CELL_INDEX);
  else publish(tree);
  return value;
}

export function treeEraseF(handle: u32, index: f64): u32 {
  return treeErase(handle, whole(index));
}

export function treeFind(handle: u32, index: u64, limit: u64): u32 {
  const tree = readable(handle);
  return tree == 0 ? 0 : read.treeFind(tree, index, limit);
}

export function treeFindF(handle: u32, index: f64, limit: f64): u32 {
  return treeFind(handle, whole(index), whole(limit));
}

export function treeFindPrevious(handle: u32, index: u64, limit: u64): u32 {
  const tree = readable(handle);
  return tree == 0 ? 0 : read.treeFindPrevious(tree, index, limit);
}

export function treeFindPreviousF(handle: u32, index: f64, limit: f64): u32 {
  return treeFindPrevious(handle, whole(index), whole(limit));
}

export function treeNext(handle: u32, index: u64, limit: u64): u32 {
  const tree = readable(handle);
  return tree == 0 ? 0 : read.treeNext(tree, index, limit);
}

export function treePrevious(handle: u32, index: u64, limit: u64): u32 {
  const tree = readable(handle);
  return tree == 0 ? 0 : read.treePrevious(tree, index, limit);
}

export function treeRange(handle: u32, index: u64): u32 {
  const tree = readable(handle);
  return tree == 0 ? 0 : read.treeRange(tree, index);
}

export function treeWalk(handle: u32, first: u64, last: u64, gaps: u32, rows: u32, capacity: u32): i32 {
  const tree = readable(handle);
  if (tree == 0) return -EBADF;
  return first > last || !inMemory(rows, capacity, WALK_ROW_BYTES) ? -EINVAL : walkUp(tree, first, last, gaps != 0, rows, capacity);
}

export function treeWalkBack(handle: u32, first: u64, last: u64, gaps: u32, rows: u32, capacity: u32): i32 {
  const tree = readable(handle);
  if (tree == 0) return -EBADF;
  return first > last || !inMemory(rows, capacity, WALK_ROW_BYTES) ? -EINVAL : walkDown(tree, first, last, gaps != 0, rows, capacity);
}

export function treeGap(handle: u32, size: u64, alignment: u64, first: u64, last: u64, fromTop: u32): i32 {
  const tree = readable(handle);
  return tree == 0 ? -EBADF : gapIn(tree, size, alignment, first, last, fromTop != 0);
}

/** The start itself, or a negative errno. */
export function treeGapF(handle: u32, size: f64, alignment: f64, first: f64, last: f64, fromTop: u32): f64 {
  return startOr(treeGap(handle, whole(size), whole(alignment), whole(first), whole(last), fromTop));
}

export function treeAllocate(handle: u32, size: u64, alignment: u64, first: u64, last: u64, value: u32, fromTop: u32): i32 {
  const tree = writable(handle);
  return tree == 0 ? refusal(handle) : done(tree, allocateIn(tree, size, alignment, first, last, value, fromTop != 0));
}

/** The start itself, or a negative errno. */
export function treeAllocateF(handle: u32, size: f64, alignment: f64, first: f64, last: f64, value: u32, fromTop: u32): f64 {
  return startOr(treeAllocate(handle, whole(size), whole(alignment), whole(first), whole(last), value, fromTop));
}

/** Ends an operation that may have written: readers of a shared memory see it from now on. */
function done(tree: u32, answer: i32): i32 {
  publish(tree);
  return answer;
}

function startOr(status: i32): f64 {
  return status < 0 ? <f64>status : <f64>load<u64>(cells, CELL_FIRST);
}

export function treeAllocateCyclic(handle: u32, size: u64, alignment: u64, first: u64, last: u64, next: u64, value: u32): i32 {
  const tree = writable(handle);
  return tree == 0 ? refusal(handle) : done(tree, allocateCyclicIn(tree, size, alignment, first, last, next, value, tree + 16));
}

export function treeBulk(handle: u32, rows: u32, n: u32): i32 {
  const tree = writable(handle);
  if (tree == 0) return refusal(handle);
  return inMemory(rows, n, WALK_ROW_BYTES) ? done(tree, treeBulkLoad(tree, rows, n)) : -EINVAL;
}

export function treeBatch(handle: u32, operation: u32, firsts: u32, lasts: u32, values: u32, errnos: u32, n: u32, numbers: u32): i32 {
  const reads = operation == TREE_LOAD;
  const tree = reads ? readable(handle) : writable(handle);
  if (tree == 0) return reads ? -EBADF : refusal(handle);
  const oneColumn = reads || operation == TREE_ERASE;
  const inside = inMemory(firsts, n, 8) && (oneColumn || inMemory(lasts, n, 8)) && inMemory(values, n, 4) && inMemory(errnos, n, 1);
  if (!inside || operation > TREE_BULK) return -EINVAL;
  const failed = batchOn(tree, operation, firsts, lasts, values, errnos, n, numbers != 0);
  return reads ? failed : done(tree, failed);
}

export function treeDuplicate(source: u32, target: u32): i32 {
  const from = readable(source);
  const to = writable(target);
  if (from == 0) return -EBADF;
  return to == 0 ? refusal(target) : done(to, duplicateInto(from, to));
}

export function treeSnapshot(handle: u32): i32 {
  const tree = writable(handle);
  return tree == 0 ? refusal(handle) : snapshotOf(tree);
}

export function treeClear(handle: u32): i32 {
  const tree = writable(handle);
  if (tree == 0) return refusal(handle);
  write.treeClear(tree);
  return done(tree, 0);
}

export function treeCount(handle: u32): f64 {
  const tree = readable(handle);
  return tree == 0 ? -EBADF : <f64>entryCount(tree);
}

/** 0 when the tree is sound, the number of the broken rule in maple/check.ts or table-check.ts, or -EBADF. */
export function treeValidate(handle: u32): i32 {
  const tree = readable(handle);
  if (tree == 0) return -EBADF;
  const fault = treeCheck(tree);
  return fault != 0 || ASC_FEATURE_THREADS ? fault : tableCheck(tree);
}

/** Bytes of the table that stands beside the tree (maple/table.ts), 0 without one. */
export function treeTableBytes(handle: u32): f64 {
  const tree = readable(handle);
  if (tree == 0) return -EBADF;
  return ASC_FEATURE_THREADS || !hasTable(tree) ? 0 : <f64>bytesOfTable(tree);
}
