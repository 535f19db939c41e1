// One piece of an access inside a region: cut into cycles by the region's width rule, each served by the backing (A-split, A-hook, A-nested).
//
//   piece    aaaaaaaa          1 to 8 bytes of one region
//   cycles   a|aa|aaaa|a       what the region sees
//
// A hook runs JavaScript, which may come back in: nothing static survives a cycle except `fault`, which each reader reads before the next cycle.

import { CELL_DATA, EDEADLK, EIO, ENOMEM, REGION_BANK, REGION_HOOK, REGION_REENTRANT, REGION_UNALIGNED } from './layout.generated.ts';
import { cells } from './cells.ts';
import { changeDepth, fault, hookDepth, setFault } from './flight.ts';
import { hookRead, hookWrite } from './host.ts';
import { closeLanes } from './lane.ts';
import { maskedGoOn, maskedWait } from './lane-closings.ts';
import { mask } from './number.ts';
import { bankRead, bankWrite } from './registers/access.ts';
import { handleOf } from './memory/objects.ts';
import { countTransaction } from './transactions.ts';
import { MAX_DEPTH, backing, base, countRefused, demandRead, demandWrite, flags, isBusy, isDemand, isRom, loadBytes, maxWidth, minWidth, setBusy, storeBytes } from './region.ts';

// A-split
export function cycleWidth(region: u32, position: u64, rest: u32): u32 {
  let width = min<u32>(rest, maxWidth(region));
  width = 1 << (31 - clz<u32>(width));
  if ((flags(region) & REGION_UNALIGNED) == 0) {
    while ((position & (width - 1)) != 0) width >>= 1;
  }
  return width;
}

// A-nested: decided when a piece reaches the region, before its first cycle.
export function isClosed(region: u32): bool {
  if (!isBusy(region) || (flags(region) & REGION_REENTRANT) != 0) return false;
  setFault(EDEADLK);
  return true;
}

/** A-hook: JavaScript is about to run for a region. */
export function enterHook(region: u32): void {
  setBusy(region, 1);
  changeDepth(1);
  if (hookDepth() == 1) maskedWait();
  // An access through a lane is not asked how deep it is.
  if (hookDepth() == MAX_DEPTH) closeLanes();
}

/** A-hook: it has run. */
export function leaveHook(region: u32, failed: bool): void {
  changeDepth(-1);
  if (hookDepth() == 0) maskedGoOn();
  setBusy(region, -1);
  setFault(failed ? EIO : 0);
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
  if (kind == REGION_BANK) return bankRead(region, position, width);
  return isDemand(region) ? demandRead(region, position, width) : loadBytes(base(region) + <u32>position, width);
}

export function writeCycle(region: u32, position: u64, width: u32, value: u64): void {
  const kind = backing(region);
  if (kind == REGION_HOOK) {
    enterHook(region);
    const cut = value & mask(width);
    const status = hookWrite(handleOf(region), <u32>position, <u32>(position >> 32), width, <u32>cut, <u32>(cut >> 32));
    leaveHook(region, status < 0);
  } else if (kind == REGION_BANK) {
    bankWrite(region, position, width, value);
  } else if (isDemand(region)) {
    if (!demandWrite(region, position, width, value)) setFault(ENOMEM);
  } else if (!isRom(region)) {
    storeBytes(base(region) + <u32>position, width, value);
  }
}

/** A piece of 1 to 8 bytes inside a region. */
export function readPiece(region: u32, position: u64, bytes: u32): u64 {
  if (isClosed(region)) return 0;
  let value: u64 = 0;
  let done: u32 = 0;
  while (done < bytes) {
    const at = position + done;
    const width = cycleWidth(region, at, bytes - done);
    let part = mask(width);
    if (width < minWidth(region)) countRefused(region);
    else {
      countTransaction(region, 0);
      part = readCycle(region, at, width);
    }
    if (fault != 0) return 0;
    value |= part << (<u64>done << 3);
    done += width;
  }
  return value;
}

export function writePiece(region: u32, position: u64, bytes: u32, value: u64): void {
  if (isClosed(region)) return;
  let done: u32 = 0;
  while (done < bytes) {
    const at = position + done;
    const width = cycleWidth(region, at, bytes - done);
    if (width < minWidth(region)) countRefused(region);
    else {
      countTransaction(region, 1);
      writeCycle(region, at, width, value >> (<u64>done << 3));
    }
    if (fault != 0) return;
    done += width;
  }
}
