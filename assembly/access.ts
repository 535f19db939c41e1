// One access: resolve -> lanes -> target. The only way to the bytes of a region. The rules are those of docs/how-an-access-travels.md.
//
//   access   aaaaaaaa          one access, 1 to 8 bytes or a block
//   pieces   aaa|aaaaa         cut where the visible window changes        (A-cut)
//   cycles   a|aa|aaaa|a       cut by the region's width rule              (A-split)
//
// A hook runs JavaScript, which may come back in: nothing static survives a cycle except `fault`, which each reader reads before the next cycle.

import { CELL_DATA, EDEADLK, EINVAL, EIO, ELOOP, ENOMEM, PAGE_BYTES, REGION_HOOK, REGION_REENTRANT, REGION_UNALIGNED } from './layout.generated.ts';
import { cells } from './cells.ts';
import { hookRead, hookWrite, settle } from './host.ts';
import { closeLanes, openLane } from './lane.ts';
import { handleOf } from './memory/objects.ts';
import {
  MAX_DEPTH,
  backing,
  base,
  countRefused,
  demandRead,
  demandWrite,
  flags,
  isBusy,
  isDemand,
  isPassive,
  isRom,
  loadBytes,
  maxWidth,
  minWidth,
  pageAt,
  setBusy,
  size,
  storeBytes,
  touchPage,
} from './region.ts';
import { isTracing, trace } from './ring.ts';
import { countUnclaimed, unclaimedLast, visibleFirst, visibleLast, windowAt, windowPosition, windowRegion, windowStart } from './space.ts';

let depth: u32 = 0;
let changesWait: bool = false;

/** The errno of the access that ended last, 0 when it ended well. */
export let fault: i32 = 0;

/** True while a hook runs: the topology stays as it is. */
export function inAccess(): bool {
  return depth != 0;
}

/** The host has changes of the topology to make once the outermost access has ended. */
export function requestSettle(): void {
  changesWait = true;
}

/** Ends an access: lets waiting changes in, and answers the value, or 0 after a fault. */
function end(value: u64): u64 {
  const ended = fault;
  if (changesWait && depth == 0) {
    changesWait = false;
    settle();
    // What settled may have made accesses of its own.
    fault = ended;
  }
  return ended == 0 ? value : 0;
}

function mask(width: u32): u64 {
  return u64.MAX_VALUE >> (64 - (<u64>width << 3));
}

// A-split
function cycleWidth(region: u32, position: u64, rest: u32): u32 {
  let width = min<u32>(rest, maxWidth(region));
  width = 1 << (31 - clz<u32>(width));
  if ((flags(region) & REGION_UNALIGNED) == 0) {
    while ((position & (width - 1)) != 0) width >>= 1;
  }
  return width;
}

// A-nested: decided when a piece reaches the region, before its first cycle.
function isClosed(region: u32): bool {
  if (!isBusy(region) || (flags(region) & REGION_REENTRANT) != 0) return false;
  fault = EDEADLK;
  return true;
}

// A-hook
function enterHook(region: u32): void {
  setBusy(region, 1);
  depth += 1;
  // An access through a lane is not asked how deep it is.
  if (depth == MAX_DEPTH) closeLanes();
}

function leaveHook(region: u32, failed: bool): void {
  depth -= 1;
  setBusy(region, -1);
  fault = failed ? EIO : 0;
}

function readCycle(region: u32, position: u64, width: u32): u64 {
  const kind = backing(region);
  if (kind == REGION_HOOK) {
    enterHook(region);
    const answer = hookRead(handleOf(region), <u32>position, <u32>(position >> 32), width);
    const value = width == 8 ? load<u64>(cells, CELL_DATA) : <u64>answer & mask(width);
    leaveHook(region, answer < 0);
    return value;
  }
  return isDemand(region) ? demandRead(region, position, width) : loadBytes(base(region) + <u32>position, width);
}

function writeCycle(region: u32, position: u64, width: u32, value: u64): void {
  const kind = backing(region);
  if (kind == REGION_HOOK) {
    enterHook(region);
    const cut = value & mask(width);
    const status = hookWrite(handleOf(region), <u32>position, <u32>(position >> 32), width, <u32>cut, <u32>(cut >> 32));
    leaveHook(region, status < 0);
  } else if (isDemand(region)) {
    if (!demandWrite(region, position, width, value)) fault = ENOMEM;
  } else if (!isRom(region)) {
    storeBytes(base(region) + <u32>position, width, value);
  }
}

/** A piece of 1 to 8 bytes inside a region. */
function readPiece(region: u32, position: u64, bytes: u32): u64 {
  if (isClosed(region)) return 0;
  let value: u64 = 0;
  let done: u32 = 0;
  while (done < bytes) {
    const at = position + done;
    const width = cycleWidth(region, at, bytes - done);
    let part = mask(width);
    if (width < minWidth(region)) countRefused(region);
    else part = readCycle(region, at, width);
    if (fault != 0) return 0;
    value |= part << (<u64>done << 3);
    done += width;
  }
  return value;
}

function writePiece(region: u32, position: u64, bytes: u32, value: u64): void {
  if (isClosed(region)) return;
  let done: u32 = 0;
  while (done < bytes) {
    const at = position + done;
    const width = cycleWidth(region, at, bytes - done);
    if (width < minWidth(region)) countRefused(region);
    else writeCycle(region, at, width, value >> (<u64>done << 3));
    if (fault != 0) return;
    done += width;
  }
}

function isWidth(width: u32): bool {
  return width - 1 < 8 && popcnt<u32>(width) == 1;
}

/** Checks that belong to no region; false leaves `fault` set. */
function begin(address: u64, bytes: u64): bool {
  if (bytes - 1 > u64.MAX_VALUE - address) {
    fault = EINVAL;
    return false;
  }
  if (depth >= MAX_DEPTH) {
    fault = ELOOP;
    return false;
  }
  fault = 0;
  return true;
}

/** After an access that one window served: opens a lane if what it met is plain bytes. */
function remember(space: u32, address: u64, region: u32, position: u64): void {
  if (isTracing() || !isPassive(region) || isRom(region)) return;
  let before = address - visibleFirst(space);
  let after = visibleLast(space) - address;
  let at = base(region) + <u32>position;
  if (isDemand(region)) {
    const page = pageAt(region, position);
    if (page == 0) return;
    const inPage = position & (PAGE_BYTES - 1);
    before = min<u64>(before, inPage);
    after = min<u64>(after, PAGE_BYTES - 1 - inPage);
    at = page + <u32>inPage;
  }
  openLane(handleOf(space), address, address - before, before + after + 1, at - <u32>before);
}

/** An access of 1, 2, 4 or 8 bytes at an address. `fault` says how it ended; after a fault the value is 0. */
export function spaceRead(space: u32, address: u64, width: u32): u64 {
  if (!isWidth(width) || !begin(address, width)) {
    if (!isWidth(width)) fault = EINVAL;
    return 0;
  }
  const window = windowAt(space, address);
  let value: u64;
  if (window != 0 && visibleLast(space) - address >= width - 1) {
    const region = windowRegion(window);
    const position = address - windowStart(window) + windowPosition(window);
    value = readPiece(region, position, width);
    if (fault == 0) remember(space, address, region, position);
  } else {
    value = readCut(space, address, width);
  }
  if (fault == 0 && isTracing()) trace(0, width, handleOf(space), address, value);
  return end(value);
}

/** How many of `bytes` from `address` on are served by one window, or by none. */
function pieceBytes(space: u32, address: u64, window: u32, bytes: u64): u64 {
  const last = window != 0 ? visibleLast(space) : unclaimedLast(space, address);
  return last - address < bytes - 1 ? last - address + 1 : bytes;
}

function readCut(space: u32, address: u64, width: u32): u64 {
  let value: u64 = 0;
  let done: u32 = 0;
  while (done < width) {
    const at = address + done;
    const window = windowAt(space, at);
    const bytes = <u32>pieceBytes(space, at, window, width - done);
    let part = mask(bytes);
    if (window == 0) countUnclaimed(space, 0);
    else part = readPiece(windowRegion(window), at - windowStart(window) + windowPosition(window), bytes);
    if (fault != 0) return 0;
    value |= part << (<u64>done << 3);
    done += bytes;
  }
  return value;
}

export function spaceWrite(space: u32, address: u64, width: u32, value: u64): void {
  if (!isWidth(width) || !begin(address, width)) {
    if (!isWidth(width)) fault = EINVAL;
    return;
  }
  const window = windowAt(space, address);
  if (window != 0 && visibleLast(space) - address >= width - 1) {
    const region = windowRegion(window);
    const position = address - windowStart(window) + windowPosition(window);
    writePiece(region, position, width, value);
    if (fault == 0) remember(space, address, region, position);
  } else {
    writeCut(space, address, width, value);
  }
  if (fault == 0 && isTracing()) trace(1, width, handleOf(space), address, value & mask(width));
  end(0);
}

function writeCut(space: u32, address: u64, width: u32, value: u64): void {
  let done: u32 = 0;
  while (done < width) {
    const at = address + done;
    const window = windowAt(space, at);
    const bytes = <u32>pieceBytes(space, at, window, width - done);
    if (window == 0) countUnclaimed(space, 1);
    else writePiece(windowRegion(window), at - windowStart(window) + windowPosition(window), bytes, value >> (<u64>done << 3));
    if (fault != 0) return;
    done += bytes;
  }
}

// A-region

function beginRegion(region: u32, position: u64, bytes: u64): bool {
  if (bytes > size(region) || position > size(region) - bytes) {
    fault = EINVAL;
    return false;
  }
  return begin(position, bytes);
}

/** Where the `width` bytes at a position of a region lie when nothing is to be done but to move them, else 0. Any width up to 8 may be asked for. */
export function regionPlain(region: u32, position: u64, width: u32, writes: bool): u32 {
  const first = base(region);
  if (first == 0 || isTracing() || depth >= MAX_DEPTH || minWidth(region) != 1 || (writes && isRom(region))) return 0;
  return size(region) >= width && position <= size(region) - width ? first + <u32>position : 0;
}

export function regionRead(region: u32, position: u64, width: u32): u64 {
  if (!isWidth(width) || !beginRegion(region, position, width)) {
    if (!isWidth(width)) fault = EINVAL;
    return 0;
  }
  const value = readPiece(region, position, width);
  if (fault == 0 && isTracing()) trace(0, width, handleOf(region), position, value);
  return end(value);
}

export function regionWrite(region: u32, position: u64, width: u32, value: u64): void {
  if (!isWidth(width) || !beginRegion(region, position, width)) {
    if (!isWidth(width)) fault = EINVAL;
    return;
  }
  writePiece(region, position, width, value);
  if (fault == 0 && isTracing()) trace(1, width, handleOf(region), position, value & mask(width));
  end(0);
}

// Blocks: bytes between a region and `buffer` in linear memory. `buffer` must not move while hooks run: it belongs to the caller.

function readRun(region: u32, position: u64, buffer: u32, bytes: u64): void {
  if (isPassive(region) && !isDemand(region)) {
    memory.copy(buffer, base(region) + <u32>position, <u32>bytes);
    return;
  }
  let done: u64 = 0;
  while (done < bytes && fault == 0) {
    const at = position + done;
    const to = buffer + <u32>done;
    if (isPassive(region)) {
      const inPage = <u32>at & (PAGE_BYTES - 1);
      const run = min<u64>(bytes - done, PAGE_BYTES - inPage);
      const page = pageAt(region, at);
      if (page == 0) memory.fill(to, 0, <u32>run);
      else memory.copy(to, page + inPage, <u32>run);
      done += run;
    } else {
      const width = cycleWidth(region, at, <u32>min<u64>(bytes - done, 8));
      storeBytes(to, width, readPiece(region, at, width));
      done += width;
    }
  }
}

function writeRun(region: u32, position: u64, buffer: u32, bytes: u64): void {
  if (isPassive(region) && !isDemand(region)) {
    if (!isRom(region)) memory.copy(base(region) + <u32>position, buffer, <u32>bytes);
    return;
  }
  let done: u64 = 0;
  while (done < bytes && fault == 0) {
    const at = position + done;
    const from = buffer + <u32>done;
    if (isPassive(region)) {
      const inPage = <u32>at & (PAGE_BYTES - 1);
      const run = min<u64>(bytes - done, PAGE_BYTES - inPage);
      const page = touchPage(region, at);
      if (page == 0) fault = ENOMEM;
      else memory.copy(page + inPage, from, <u32>run);
      done += run;
    } else {
      const width = cycleWidth(region, at, <u32>min<u64>(bytes - done, 8));
      writePiece(region, at, width, loadBytes(from, width));
      done += width;
    }
  }
}

/** A block through a space: `writes` 0 fills `buffer`, 1 empties it. `fault` says how it ended. */
export function spaceBlock(space: u32, address: u64, buffer: u32, bytes: u64, writes: u32): void {
  fault = 0;
  if (bytes == 0 || !begin(address, bytes)) return;
  let done: u64 = 0;
  while (done < bytes && fault == 0) {
    const at = address + done;
    const window = windowAt(space, at);
    const run = pieceBytes(space, at, window, bytes - done);
    const memoryAt = buffer + <u32>done;
    if (window == 0) {
      countUnclaimed(space, writes);
      if (writes == 0) memory.fill(memoryAt, 0xff, <u32>run);
    } else {
      const region = windowRegion(window);
      const position = at - windowStart(window) + windowPosition(window);
      if (writes == 0) readRun(region, position, memoryAt, run);
      else writeRun(region, position, memoryAt, run);
      if (run == bytes && fault == 0) remember(space, address, region, position);
    }
    done += run;
  }
  if (fault == 0 && isTracing()) trace(writes, 0, handleOf(space), address, bytes);
  end(0);
}

/** A block of one region. */
export function regionBlock(region: u32, position: u64, buffer: u32, bytes: u64, writes: u32): void {
  fault = 0;
  if (bytes == 0 || !beginRegion(region, position, bytes)) return;
  if (writes == 0) readRun(region, position, buffer, bytes);
  else writeRun(region, position, buffer, bytes);
  if (fault == 0 && isTracing()) trace(writes, 0, handleOf(region), position, bytes);
  end(0);
}

/** True when every address of the range lies in some window. */
export function isClaimed(space: u32, address: u64, bytes: u64): bool {
  let at = address;
  const last = address + (bytes - 1);
  let claimed = windowAt(space, at) != 0;
  while (claimed && visibleLast(space) < last) {
    at = visibleLast(space) + 1;
    claimed = windowAt(space, at) != 0;
  }
  return claimed;
}
