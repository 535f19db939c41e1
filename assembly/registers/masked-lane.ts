// Masked lanes: where plain registers lie, remembered by address, so that most accesses to them need no window, no region and no register.
//
//   values    | v v v v v v |       a read: v & readable
//   readable  | r r r r r r |  distance behind       a write: v & ~writable | data & writable
//   writable  | w w w w w w |  twice the distance
//
//   lane, 64 bytes:   0 first address u64 | 8 space handle in the upper half of a u64 | 16 where the values lie u32 | 20 distance u32
//                    24 how many offsets an access of 1 byte may have, 28 2 bytes, 32 4 bytes, 36 8 bytes, u32 each: 0 where the width is not legal
//                    40 7 where misaligned accesses are not legal, else 0, u32
//
// They are opened and closed with the lanes of plain bytes (lane.ts), and not asked while a hook runs, which may be one of the same bank.

import { hookDepth } from '../flight.ts';
import { maskedClosed } from '../lane-closings.ts';
import { loadBytes, storeBytes } from '../region.ts';

const SPREAD: u32 = 0x9e3779b1;
const LANE_BYTES: u32 = 64;
const LANES_BYTES: u32 = 4096;
const LANE_MASK: u32 = LANES_BYTES - LANE_BYTES;
const lanes = <u32>memory.data(4096);
let anyOpen: bool = false;

/** The masked lane that an address would have. */
export function maskedLaneOf(address: u64): u32 {
  return lanes + (((<u32>(address >> 12) * SPREAD) >>> 20) & LANE_MASK);
}

export function maskedFirst(lane: u32): u64 {
  return load<u64>(lane);
}

/** The space's handle above 32 zero bits. */
export function maskedKey(lane: u32): u64 {
  return load<u64>(lane, 8);
}

export function maskedBase(lane: u32): u32 {
  return load<u32>(lane, 16);
}

export function maskDistance(lane: u32): u32 {
  return load<u32>(lane, 20);
}

/** How many offsets an access of 4 bytes may have. */
export function offsets4(lane: u32): u64 {
  return load<u32>(lane, 32);
}

/** 7 where misaligned accesses are not legal, else 0. */
export function alignment(lane: u32): u32 {
  return load<u32>(lane, 40);
}

/** Whether an access may be made at an offset. */
export function holds(lane: u32, offset: u64, width: u32): bool {
  const legal = width == 4 ? load<u32>(lane, 32) : width == 1 ? load<u32>(lane, 24) : width == 2 ? load<u32>(lane, 28) : width == 8 ? load<u32>(lane, 36) : 0;
  return offset < legal && (<u32>offset & (width - 1) & load<u32>(lane, 40)) == 0;
}

/** The masked lane of a space that serves an access, else 0. */
export function maskedLane(space: u32, address: u64, width: u32): u32 {
  const lane = maskedLaneOf(address);
  return load<u32>(lane, 12) == space && holds(lane, address - maskedFirst(lane), width) && hookDepth() == 0 ? lane : 0;
}

export function readMasked(at: u32, distance: u32, width: u32): u64 {
  return loadBytes(at, width) & loadBytes(at + distance, width);
}

export function writeMasked(at: u32, distance: u32, width: u32, value: u64): void {
  const writable = loadBytes(at + 2 * distance, width);
  storeBytes(at, width, (loadBytes(at, width) & ~writable) | (value & writable));
}

export function closeMaskedLanes(): void {
  if (!anyOpen) return;
  memory.fill(lanes, 0, LANES_BYTES);
  anyOpen = false;
  maskedClosed();
}

/** Opens the lane of `address`: `bytes` from `first` on lie at `at`. `narrowest` and `widest` are the legal widths. */
export function openMaskedLane(space: u32, address: u64, first: u64, bytes: u32, at: u32, distance: u32, narrowest: u32, widest: u32, aligned: bool): void {
  const lane = maskedLaneOf(address);
  store<u64>(lane, first);
  store<u64>(lane, <u64>space << 32, 8);
  store<u32>(lane, at, 16);
  store<u32>(lane, distance, 20);
  for (let width: u32 = 1, field = lane + 24; width <= 8; width <<= 1, field += 4) {
    store<u32>(field, width < narrowest || width > widest || width > bytes ? 0 : bytes - width + 1);
  }
  store<u32>(lane, aligned ? 7 : 0, 40);
  anyOpen = true;
}
