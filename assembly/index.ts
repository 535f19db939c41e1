// What the core exports, and nothing else. Every handle is checked here; inside, records are plain addresses.
//
// Two forms of one signature list: u64 arguments as i64, for other Wasm modules that link these exports as their imports and for BigInts that exist already; and
// `...F` forms that take a safe integer as f64, for JavaScript's hot paths. Status results are 0 or a negative errno.

import {
  CELL_DATA,
  COUNT_OBJECTS,
  EBADF,
  EBUSY,
  EINVAL,
  ENOMEM,
  OBJECT_COOKIE_TABLE,
  OBJECT_CURSOR,
  OBJECT_REGION,
  OBJECT_SPACE,
  OBJECT_TREE,
  OBJECT_WINDOW,
  STAGING_BYTES,
} from './layout.generated.ts';
import * as access from './access.ts';
import { runRows } from './batch.ts';
import { cells } from './cells.ts';
import * as cookies from './cookie.ts';
import { laneAt, laneRun } from './lane.ts';
import { giveFrames, setMemoryLimit, takeFrames } from './memory/arena.ts';
import { deleteObject, handleOf, liveCount as countLive, newObject, resolve } from './memory/objects.ts';
import { treeBulkLoad } from './maple/bulk.ts';
import { treeCheck } from './maple/check.ts';
import { cursorNext as stepNext, cursorPrevious as stepPrevious, cursorTree, initCursor } from './maple/cursor.ts';
import { treeAllocate as allocateIn, treeGap as gapIn } from './maple/gaps.ts';
import { entryCount } from './maple/path.ts';
import * as read from './maple/read.ts';
import * as write from './maple/write.ts';
import * as regions from './region.ts';
import * as ring from './ring.ts';
import * as spaces from './space.ts';

// Memory

let staging: u32 = 0;

/** Where answers land that do not fit one return value. */
export function resultCells(): u32 {
  return cells;
}

/** The address of a 64 KiB buffer for blocks; 0 when memory is full. */
export function stagingBuffer(): u32 {
  if (staging == 0) staging = takeFrames(STAGING_BYTES);
  return staging;
}

/** A zeroed buffer of whole frames for `bytes`; 0 when memory is full. */
export function takeBuffer(bytes: u32): u32 {
  return takeFrames(bytes);
}

/** Returns a buffer taken with the same `bytes`. */
export function giveBuffer(address: u32, bytes: u32): void {
  giveFrames(address, bytes);
}

export function limitMemory(bytes: f64): void {
  setMemoryLimit(<u64>bytes);
}

/** How many of one thing are live: the COUNT_ numbers of layout.json. */
export function liveCount(what: u32): f64 {
  return what > COUNT_OBJECTS + 1 ? -1 : countLive(what);
}

/** An empty call, to measure what crossing the border costs. */
export function nothing(): void {}

// Range store. A tree's header stands at byte 8 of its record.

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
  return first > last ? -EINVAL : read.treeWalk(tree, first, last, gaps != 0, rows, capacity);
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
  return tree == 0 ? -EBADF : treeBulkLoad(tree, rows, n);
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

// Regions

export function regionCreate(kind: u32, size: u64, minWidth: u32, maxWidth: u32, flags: u32): i32 {
  return regions.createRegion(kind, size, minWidth, maxWidth, flags);
}

export function regionDestroy(handle: u32): i32 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  if (access.inAccess()) return -EBUSY;
  const status = spaces.unmapRegion(region);
  if (status == 0) regions.releaseRegion(region);
  return status;
}

/** The address of a RAM or ROM region's first byte; 0 for other kinds and bad handles. */
export function regionBase(handle: u32): u32 {
  const region = resolve(handle, OBJECT_REGION);
  return region == 0 ? 0 : regions.base(region);
}

export function regionRefused(handle: u32): f64 {
  const region = resolve(handle, OBJECT_REGION);
  return region == 0 ? -EBADF : <f64>regions.refusedCycles(region);
}

/** Forgets every page of a demand region, which reads zero again. */
export function regionDropPages(handle: u32): i32 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  if (!regions.isDemand(region)) return -EINVAL;
  regions.dropPages(region);
  return 0;
}

// Spaces

export function spaceCreate(): i32 {
  return spaces.createSpace();
}

export function spaceDestroy(handle: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  return access.inAccess() ? -EBUSY : spaces.destroySpace(space);
}

export function spaceMap(handle: u32, start: u64, size: u64, regionHandle: u32, position: u64, priority: i32, attributes: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  const region = resolve(regionHandle, OBJECT_REGION);
  if (space == 0 || region == 0) return -EBADF;
  return access.inAccess() ? -EBUSY : spaces.mapWindow(space, start, size, region, position, priority, attributes, 0);
}

export function windowAlias(handle: u32, offset: u64, size: u64, spaceHandle: u32, start: u64, priority: i32, attributes: u32): i32 {
  const window = resolve(handle, OBJECT_WINDOW);
  const space = resolve(spaceHandle, OBJECT_SPACE);
  if (space == 0 || window == 0) return -EBADF;
  return access.inAccess() ? -EBUSY : spaces.aliasWindow(window, offset, size, space, start, priority, attributes);
}

export function windowUnmap(handle: u32): i32 {
  const window = resolve(handle, OBJECT_WINDOW);
  if (window == 0) return -EBADF;
  return access.inAccess() ? -EBUSY : spaces.unmapWindow(window);
}

export function windowMove(handle: u32, start: u64): i32 {
  const window = resolve(handle, OBJECT_WINDOW);
  if (window == 0) return -EBADF;
  return access.inAccess() ? -EBUSY : spaces.moveWindow(window, start);
}

/** The handle of the window visible at an address, 0 when nothing claims it. */
export function spaceWindowAt(handle: u32, address: u64): u32 {
  const space = resolve(handle, OBJECT_SPACE);
  const window = space == 0 ? 0 : spaces.windowAt(space, address);
  return window == 0 ? 0 : handleOf(window);
}

/** How many pieces nothing claimed: of reads (`writes` 0) or of writes (1). */
export function spaceUnclaimed(handle: u32, writes: u32): f64 {
  const space = resolve(handle, OBJECT_SPACE);
  return space == 0 ? -EBADF : <f64>spaces.unclaimed(space, writes & 1);
}

/** 1 when some window is visible at every address of the range, 0 when not, or a negative errno. */
export function spaceIsClaimed(handle: u32, address: u64, bytes: u64): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  if (bytes == 0 || bytes - 1 > u64.MAX_VALUE - address) return -EINVAL;
  return access.isClaimed(space, address, bytes) ? 1 : 0;
}

/** The structural check of a space's visible ranges. */
export function spaceValidate(handle: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  return space == 0 ? -EBADF : treeCheck(spaces.spaceTree(space));
}

// Accesses. A read of up to four bytes answers the value or a negative errno; an eight-byte read answers a status, its value is in the cells at CELL_DATA.

function narrow(value: u64): f64 {
  return access.fault == 0 ? <f64>(<u32>value) : <f64>-access.fault;
}

function wide(value: u64): i32 {
  store<u64>(cells, value, CELL_DATA);
  return -access.fault;
}

// A JavaScript number as an address: the signed conversion is one instruction, and the façade hands over nothing below 0 or above 2^53.
function whole(number: f64): u64 {
  return <u64>(<i64>number);
}

export function spaceRead(handle: u32, address: u64, width: u32): f64 {
  const at = laneAt(handle, address, width);
  if (at != 0) {
    if (width == 4) return load<u32>(at);
    if (width == 1) return load<u8>(at);
    if (width == 2) return load<u16>(at);
  }
  return readSlowly(handle, address, width);
}

function readSlowly(handle: u32, address: u64, width: u32): f64 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  return width > 4 ? -EINVAL : narrow(access.spaceRead(space, address, width));
}

export function spaceReadF(handle: u32, address: f64, width: u32): f64 {
  return spaceRead(handle, whole(address), width);
}

export function spaceRead64(handle: u32, address: u64): i32 {
  const at = laneAt(handle, address, 8);
  if (at != 0) {
    store<u64>(cells, load<u64>(at), CELL_DATA);
    return 0;
  }
  const space = resolve(handle, OBJECT_SPACE);
  return space == 0 ? -EBADF : wide(access.spaceRead(space, address, 8));
}

export function spaceRead64F(handle: u32, address: f64): i32 {
  return spaceRead64(handle, whole(address));
}

export function spaceWrite(handle: u32, address: u64, width: u32, value: u64): i32 {
  const at = laneAt(handle, address, width);
  return at != 0 && writePlain(at, width, value) ? 0 : writeSlowly(handle, address, width, value);
}

/** Writes plain bytes; false for what is no width. */
function writePlain(at: u32, width: u32, value: u64): bool {
  if (width == 4) store<u32>(at, <u32>value);
  else if (width == 8) store<u64>(at, value);
  else if (width == 1) store<u8>(at, <u8>value);
  else if (width == 2) store<u16>(at, <u16>value);
  else return false;
  return true;
}

function writeSlowly(handle: u32, address: u64, width: u32, value: u64): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  access.spaceWrite(space, address, width, value);
  return -access.fault;
}

export function spaceWriteF(handle: u32, address: f64, width: u32, low: u32, high: u32): i32 {
  return spaceWrite(handle, whole(address), width, (<u64>high << 32) | low);
}

export function spaceBlock(handle: u32, address: u64, buffer: u32, bytes: u32, writes: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  access.spaceBlock(space, address, buffer, bytes, writes & 1);
  return -access.fault;
}

/** Where a block of plain bytes lies that a lane holds whole, so that the host can copy it itself; 0 when it has to go the long way. */
export function spacePlain(handle: u32, address: u64, bytes: u32): u32 {
  return laneRun(handle, address, bytes);
}

export function regionRead(handle: u32, position: u64, width: u32): f64 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  const at = access.regionPlain(region, position, width, false);
  if (at != 0) {
    if (width == 4) return load<u32>(at);
    if (width == 1) return load<u8>(at);
    if (width == 2) return load<u16>(at);
  }
  return width > 4 ? -EINVAL : narrow(access.regionRead(region, position, width));
}

export function regionReadF(handle: u32, position: f64, width: u32): f64 {
  return regionRead(handle, whole(position), width);
}

export function regionRead64(handle: u32, position: u64): i32 {
  const region = resolve(handle, OBJECT_REGION);
  return region == 0 ? -EBADF : wide(access.regionRead(region, position, 8));
}

export function regionRead64F(handle: u32, position: f64): i32 {
  return regionRead64(handle, whole(position));
}

export function regionWrite(handle: u32, position: u64, width: u32, value: u64): i32 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  const at = access.regionPlain(region, position, width, true);
  if (at != 0 && writePlain(at, width, value)) return 0;
  access.regionWrite(region, position, width, value);
  return -access.fault;
}

export function regionWriteF(handle: u32, position: f64, width: u32, low: u32, high: u32): i32 {
  return regionWrite(handle, whole(position), width, (<u64>high << 32) | low);
}

export function regionBlock(handle: u32, position: u64, buffer: u32, bytes: u32, writes: u32): i32 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  access.regionBlock(region, position, buffer, bytes, writes & 1);
  return -access.fault;
}

/** Runs `n` batch rows; answers how many ended with an errno or another value than the one to compare with. */
export function batchRun(rows: u32, n: u32): u32 {
  return runRows(rows, n);
}

export function accessInFlight(): u32 {
  return access.inAccess() ? 1 : 0;
}

export function accessSettleLater(): void {
  access.requestSettle();
}

// Event ring

export function ringOpen(records: u32): i32 {
  return ring.openRing(records);
}

export function ringOldest(): u32 {
  return ring.ringOldest();
}

export function ringRun(): u32 {
  return ring.ringRun();
}

export function ringTake(n: u32): void {
  ring.ringTake(n);
}

export function ringLost(): f64 {
  return ring.ringLost();
}

// Cookies

export function cookieTableCreate(mode: u32, seed: u32): i32 {
  return cookies.createCookieTable(mode, seed);
}

export function cookieTableDestroy(handle: u32): i32 {
  const table = resolve(handle, OBJECT_COOKIE_TABLE);
  if (table == 0) return -EBADF;
  cookies.destroyCookieTable(table);
  return 0;
}

export function cookieRequest(handle: u32, index: u32, bytes: u64): i32 {
  const table = resolve(handle, OBJECT_COOKIE_TABLE);
  return table == 0 ? -EBADF : cookies.requestCookie(table, index, bytes);
}

export function cookieResolve(handle: u32, offset: u64): i32 {
  const table = resolve(handle, OBJECT_COOKIE_TABLE);
  return table == 0 ? -EBADF : cookies.resolveCookie(table, offset);
}

export function cookieResolveF(handle: u32, offset: f64): i32 {
  return cookieResolve(handle, whole(offset));
}
