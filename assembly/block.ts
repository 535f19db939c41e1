// Blocks: one access of any length between a space or a region and a buffer in linear memory.
//
// Where nobody can see into how many cycles a block was cut, its bytes are copied as a whole. `buffer` must not move while hooks run: it belongs to the caller.

import { ENOMEM, PAGE_BYTES } from './layout.generated.ts';
import { beginRegion, pieceBytes, remember } from './access.ts';
import { drainBefore } from './combine/drain.ts';
import { firstCombining, isCombining } from './combine/lines.ts';
import { combineBlock } from './combine/store.ts';
import { cycleWidth, readPiece, writePiece } from './cycle.ts';
import { begin, end, fault, setFault } from './flight.ts';
import { handleOf } from './memory/objects.ts';
import { base, isDemand, isPassive, isRom, loadBytes, pageAt, storeBytes, touchPage } from './region.ts';
import { isTracing, trace } from './ring.ts';
import { countUnclaimed, windowAt, windowPosition, windowRegion, windowStart } from './space.ts';
import { isCounted } from './transactions.ts';

/** Whether bytes may be copied as a whole: nobody sees or counts the cycles. */
export function isWhole(region: u32): bool {
  return isPassive(region) && !isCounted(region);
}

/** `bytes` at a position of a region into `buffer`. */
export function readRun(region: u32, position: u64, buffer: u32, bytes: u64): void {
  if (isWhole(region) && !isDemand(region)) {
    memory.copy(buffer, base(region) + <u32>position, <u32>bytes);
    return;
  }
  let done: u64 = 0;
  while (done < bytes && fault == 0) {
    const at = position + done;
    const to = buffer + <u32>done;
    if (isWhole(region)) {
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

/** The same from `buffer`. */
export function writeRun(region: u32, position: u64, buffer: u32, bytes: u64): void {
  if (isWhole(region) && !isDemand(region)) {
    if (!isRom(region)) memory.copy(base(region) + <u32>position, buffer, <u32>bytes);
    return;
  }
  let done: u64 = 0;
  while (done < bytes && fault == 0) {
    const at = position + done;
    const from = buffer + <u32>done;
    if (isWhole(region)) {
      const inPage = <u32>at & (PAGE_BYTES - 1);
      const run = min<u64>(bytes - done, PAGE_BYTES - inPage);
      const page = touchPage(region, at);
      if (page == 0) setFault(ENOMEM);
      else memory.copy(page + inPage, from, <u32>run);
      done += run;
    } else {
      const width = cycleWidth(region, at, <u32>min<u64>(bytes - done, 8));
      writePiece(region, at, width, loadBytes(from, width));
      done += width;
    }
  }
}

/** A run through a window. In a space that combines writes, buffers come first. */
function blockThrough(space: u32, window: u32, position: u64, buffer: u32, bytes: u64, writes: u32): void {
  if (firstCombining(space) != 0) {
    if (writes != 0 && isCombining(window)) {
      combineBlock(space, window, position, buffer, bytes);
      return;
    }
    drainBefore(space, window);
    if (fault != 0) return;
  }
  if (writes == 0) readRun(windowRegion(window), position, buffer, bytes);
  else writeRun(windowRegion(window), position, buffer, bytes);
}

/** A block through a space: `writes` 0 fills `buffer`, 1 empties it. `fault` says how it ended. */
export function spaceBlock(space: u32, address: u64, buffer: u32, bytes: u64, writes: u32): void {
  setFault(0);
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
      blockThrough(space, window, position, memoryAt, run, writes);
      if (run == bytes && fault == 0) remember(space, address, region, position);
    }
    done += run;
  }
  if (fault == 0 && isTracing()) trace(writes, 0, handleOf(space), address, bytes);
  end(0);
}

/** A block of one region. */
export function regionBlock(region: u32, position: u64, buffer: u32, bytes: u64, writes: u32): void {
  setFault(0);
  if (bytes == 0 || !beginRegion(region, position, bytes)) return;
  if (writes == 0) readRun(region, position, buffer, bytes);
  else writeRun(region, position, buffer, bytes);
  if (fault == 0 && isTracing()) trace(writes, 0, handleOf(region), position, bytes);
  end(0);
}
