// Exports: accesses. A read of up to four bytes answers the value or a negative errno; an eight-byte read answers a status, its value is in the cells at CELL_DATA.

import { BATCH_ROW_BYTES, CELL_DATA, EBADF, EINVAL, OBJECT_REGION, OBJECT_SPACE } from '../layout.generated.ts';
import * as flight from '../flight.ts';
import * as access from '../access.ts';
import * as block from '../block.ts';
import { runRows } from '../batch.ts';
import { cells } from '../cells.ts';
import { laneAt, laneOf, laneRun } from '../lane.ts';
import { maskDistance, maskedBase, maskedFirst, maskedLane, readMasked, writeMasked } from '../registers/masked-lane.ts';
import { resolve } from '../memory/objects.ts';
import { inMemory, whole } from '../number.ts';

function narrow(value: u64): f64 {
  return flight.fault == 0 ? <f64>(<u32>value) : <f64>-flight.fault;
}

function wide(value: u64): i32 {
  store<u64>(cells, value, CELL_DATA);
  return -flight.fault;
}

export function spaceRead(handle: u32, address: u64, width: u32): f64 {
  const at = laneAt(handle, address, width);
  if (at != 0) {
    if (width == 4) return load<u32>(at);
    if (width == 1) return load<u8>(at);
    if (width == 2) return load<u16>(at);
  }
  const lane = maskedLane(handle, address, width);
  if (lane != 0 && width <= 4) return <f64>(<u32>readMasked(maskedBase(lane) + <u32>(address - maskedFirst(lane)), maskDistance(lane), width));
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
  if (at != 0 && writePlain(at, width, value)) return 0;
  const lane = maskedLane(handle, address, width);
  if (lane == 0) return writeSlowly(handle, address, width, value);
  writeMasked(maskedBase(lane) + <u32>(address - maskedFirst(lane)), maskDistance(lane), width, value);
  return 0;
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
  return -flight.fault;
}

export function spaceWriteF(handle: u32, address: f64, width: u32, low: u32, high: u32): i32 {
  return spaceWrite(handle, whole(address), width, (<u64>high << 32) | low);
}

export function spaceBlock(handle: u32, address: u64, buffer: u32, bytes: u32, writes: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  if (!inMemory(buffer, bytes, 1)) return -EINVAL;
  block.spaceBlock(space, address, buffer, bytes, writes & 1);
  return -flight.fault;
}

/** Where a block of plain bytes lies that a lane holds whole, so that the host can copy it itself; 0 when it has to go the long way. */
export function spacePlain(handle: u32, address: u64, bytes: u32): u32 {
  return laneRun(handle, address, bytes);
}

/** The lane that serves an access from a space, for a host that remembers it; 0 when none does. Good while the closings of its kind, in the cells, stay as they are. */
export function spaceLane(handle: u32, address: u64, width: u32): u32 {
  if (!flight.isWidth(width)) return 0;
  return laneAt(handle, address, width) != 0 ? laneOf(address) : maskedLane(handle, address, width);
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
  return -flight.fault;
}

export function regionWriteF(handle: u32, position: f64, width: u32, low: u32, high: u32): i32 {
  return regionWrite(handle, whole(position), width, (<u64>high << 32) | low);
}

export function regionBlock(handle: u32, position: u64, buffer: u32, bytes: u32, writes: u32): i32 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  if (!inMemory(buffer, bytes, 1)) return -EINVAL;
  block.regionBlock(region, position, buffer, bytes, writes & 1);
  return -flight.fault;
}

/** Runs `n` batch rows; answers how many ended with an errno or another value than the one to compare with. Rows outside linear memory all failed. */
export function batchRun(rows: u32, n: u32): u32 {
  return inMemory(rows, n, BATCH_ROW_BYTES) ? runRows(rows, n) : n;
}

export function accessInFlight(): u32 {
  return flight.inAccess() ? 1 : 0;
}

export function accessSettleLater(): void {
  flight.requestSettle();
}
