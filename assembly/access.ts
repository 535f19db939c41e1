// One access: resolve -> lanes -> target. The only way to the bytes of a region. The rules are those of docs/how-an-access-travels.md.
//
//   access   aaaaaaaa          one access, 1 to 8 bytes (a block: block.ts)
//   pieces   aaa|aaaaa         cut where the visible window changes        (A-cut)
//   cycles   a|aa|aaaa|a       cut by the region's width rule              (cycle.ts)

import { EINVAL, PAGE_BYTES, REGION_UNALIGNED } from './layout.generated.ts';
import { drainBefore, meetsCombining } from './combine/drain.ts';
import { firstCombining, isCombining } from './combine/lines.ts';
import { combineValue } from './combine/store.ts';
import { readPiece, writePiece } from './cycle.ts';
import { begin, end, fault, hookDepth, isWidth, setFault } from './flight.ts';
import { openLane } from './lane.ts';
import { handleOf } from './memory/objects.ts';
import { mask } from './number.ts';
import { MAX_DEPTH, base, flags, isDemand, isPassive, isRom, maxWidth, minWidth, pageAt, size } from './region.ts';
import { isBank, maskBytes, tableOf, valuesAt } from './registers/bank.ts';
import { openMaskedLane } from './registers/masked-lane.ts';
import { plainFirst, plainLast, plainRun } from './registers/plain.ts';
import { isTracing, trace } from './ring.ts';
import { countUnclaimed, unclaimedLast, visibleFirst, visibleLast, windowAt, windowPosition, windowRegion, windowStart } from './space.ts';
import { isCounted } from './transactions.ts';

/** After an access that one window served: opens a lane if what it met is plain bytes. */
export function remember(space: u32, address: u64, region: u32, position: u64): void {
  if (isTracing() || isCounted(region) || meetsCombining(space, region)) return;
  if (isBank(region)) rememberRegisters(space, address, region, position);
  if (!isPassive(region) || isRom(region)) return;
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

/** The same for plain registers of a bank. */
function rememberRegisters(space: u32, address: u64, region: u32, position: u64): void {
  if (!plainRun(region, position)) return;
  // From a multiple of eight on: offsets in a lane are aligned where positions are.
  const from = (max<u64>(plainFirst, position - (address - visibleFirst(space))) + 7) & ~7;
  if (from > position) return;
  const before = position - from;
  const after = min<u64>(visibleLast(space) - address, plainLast - position);
  const table = tableOf(region);
  const at = valuesAt(table) + <u32>from;
  openMaskedLane(handleOf(space), address, address - before, <u32>(before + after + 1), at, maskBytes(table), minWidth(region), maxWidth(region), (flags(region) & REGION_UNALIGNED) == 0);
}

/** How many of `bytes` from `address` on are served by one window, or by none. */
export function pieceBytes(space: u32, address: u64, window: u32, bytes: u64): u64 {
  const last = window != 0 ? visibleLast(space) : unclaimedLast(space, address);
  return last - address < bytes - 1 ? last - address + 1 : bytes;
}

/** A piece through a window. In a space that combines writes, buffers come first. */
function readThrough(space: u32, window: u32, position: u64, bytes: u32): u64 {
  if (firstCombining(space) != 0) {
    drainBefore(space, window);
    if (fault != 0) return 0;
  }
  return readPiece(windowRegion(window), position, bytes);
}

function writeThrough(space: u32, window: u32, position: u64, bytes: u32, value: u64): void {
  if (firstCombining(space) != 0) {
    if (isCombining(window)) {
      combineValue(space, window, position, bytes, value);
      return;
    }
    drainBefore(space, window);
    if (fault != 0) return;
  }
  writePiece(windowRegion(window), position, bytes, value);
}

/** An access of 1, 2, 4 or 8 bytes at an address. `fault` says how it ended; after a fault the value is 0. */
export function spaceRead(space: u32, address: u64, width: u32): u64 {
  if (!isWidth(width) || !begin(address, width)) {
    if (!isWidth(width)) setFault(EINVAL);
    return 0;
  }
  const window = windowAt(space, address);
  let value: u64;
  if (window != 0 && visibleLast(space) - address >= width - 1) {
    const region = windowRegion(window);
    const position = address - windowStart(window) + windowPosition(window);
    value = readThrough(space, window, position, width);
    if (fault == 0) remember(space, address, region, position);
  } else {
    value = readCut(space, address, width);
  }
  if (fault == 0 && isTracing()) trace(0, width, handleOf(space), address, value);
  return end(value);
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
    else part = readThrough(space, window, at - windowStart(window) + windowPosition(window), bytes);
    if (fault != 0) return 0;
    value |= part << (<u64>done << 3);
    done += bytes;
  }
  return value;
}

export function spaceWrite(space: u32, address: u64, width: u32, value: u64): void {
  if (!isWidth(width) || !begin(address, width)) {
    if (!isWidth(width)) setFault(EINVAL);
    return;
  }
  const window = windowAt(space, address);
  if (window != 0 && visibleLast(space) - address >= width - 1) {
    const region = windowRegion(window);
    const position = address - windowStart(window) + windowPosition(window);
    writeThrough(space, window, position, width, value);
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
    else writeThrough(space, window, at - windowStart(window) + windowPosition(window), bytes, value >> (<u64>done << 3));
    if (fault != 0) return;
    done += bytes;
  }
}

// A-region

export function beginRegion(region: u32, position: u64, bytes: u64): bool {
  if (bytes > size(region) || position > size(region) - bytes) {
    setFault(EINVAL);
    return false;
  }
  return begin(position, bytes);
}

/** Where the `width` bytes at a position of a region lie when nothing is to be done but to move them, else 0. Any width up to 8 may be asked for. */
export function regionPlain(region: u32, position: u64, width: u32, writes: bool): u32 {
  const first = base(region);
  if (first == 0 || isTracing() || hookDepth() >= MAX_DEPTH || minWidth(region) != 1 || isCounted(region) || (writes && isRom(region))) return 0;
  return size(region) >= width && position <= size(region) - width ? first + <u32>position : 0;
}

export function regionRead(region: u32, position: u64, width: u32): u64 {
  if (!isWidth(width) || !beginRegion(region, position, width)) {
    if (!isWidth(width)) setFault(EINVAL);
    return 0;
  }
  const value = readPiece(region, position, width);
  if (fault == 0 && isTracing()) trace(0, width, handleOf(region), position, value);
  return end(value);
}

export function regionWrite(region: u32, position: u64, width: u32, value: u64): void {
  if (!isWidth(width) || !beginRegion(region, position, width)) {
    if (!isWidth(width)) setFault(EINVAL);
    return;
  }
  writePiece(region, position, width, value);
  if (fault == 0 && isTracing()) trace(1, width, handleOf(region), position, value & mask(width));
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
