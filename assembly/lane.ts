// Lanes: where plain bytes lie, remembered by address, so that most accesses need no window, no region and no rule.
//
//   address  63       44 43           12 11         0
//            |          | page, times k |           |   -> one of 256 lanes
//
//   lane, 64 bytes:   0 first address u64 | 8 space handle in the upper half of a u64 | 16 where the bytes lie u32
//                    24 highest offset at which 1 byte lies in the lane, 28 2 bytes, 32 4 bytes, 36 8 bytes, u32 each
//
// A lane is a run of one visible range that is RAM, or the part of it in one page of a demand region. It is opened by the first access that finds such bytes
// the long way, and all lanes close when that could stop being the whole story: windows change, pages are dropped, tracing starts, hooks nest as deep as
// they may. So an open lane needs no further question: its space is live, the access is within bounds, nothing is owed to it but the bytes.

import { PAGE_BYTES } from './layout.generated.ts';
import { plainClosed } from './lane-closings.ts';
import { closeMaskedLanes } from './registers/masked-lane.ts';

// The multiplier of Fibonacci hashing: pages of one device, and the same page of many devices, come to different lanes.
const SPREAD: u32 = 0x9e3779b1;
const LANE_BYTES: u32 = 64;
const LANES_BYTES: u32 = 16384;
const LANE_MASK: u32 = LANES_BYTES - LANE_BYTES;
const SMALLEST: u64 = 8;
const lanes = <u32>memory.data(16384);
let anyOpen: bool = true;

/** The lane that an address would have. */
export function laneOf(address: u64): u32 {
  return lanes + (((<u32>(address >> 12) * SPREAD) >>> 18) & LANE_MASK);
}

export function laneFirst(lane: u32): u64 {
  return load<u64>(lane);
}

/** The space's handle above 32 zero bits. */
export function laneKey(lane: u32): u64 {
  return load<u64>(lane, 8);
}

export function laneBase(lane: u32): u32 {
  return load<u32>(lane, 16);
}

/** The highest offset from the lane's first address at which an access of this width lies in it. */
export function laneLimit1(lane: u32): u64 {
  return load<u32>(lane, 24);
}

export function laneLimit2(lane: u32): u64 {
  return load<u32>(lane, 28);
}

export function laneLimit4(lane: u32): u64 {
  return load<u32>(lane, 32);
}

export function laneLimit8(lane: u32): u64 {
  return load<u32>(lane, 36);
}

/** Where `bytes` bytes at an address lie if a lane holds them all, else 0. Any handle may be asked for. */
export function laneRun(space: u32, address: u64, bytes: u64): u32 {
  const lane = laneOf(address);
  const offset = address - laneFirst(lane);
  if (load<u32>(lane, 12) != space || bytes - 1 > laneLimit1(lane) || offset > laneLimit1(lane) - (bytes - 1)) return 0;
  return laneBase(lane) + <u32>offset;
}

/** `laneRun` for a width: any width up to 8 may be asked for, because no lane is shorter. */
export function laneAt(space: u32, address: u64, width: u32): u32 {
  const lane = laneOf(address);
  const offset = address - laneFirst(lane);
  return load<u32>(lane, 12) == space && offset <= laneLimit8(lane) + 8 - width ? laneBase(lane) + <u32>offset : 0;
}

// A closed lane is all zero: it holds bytes from address 0 on, and addresses of page 0 come to the first lane only, where a closed lane begins at page 1. So
// nobody who comes to a closed lane by its own addresses is among them, whatever handle and width they name.
export function closeLanes(): void {
  closeMaskedLanes();
  if (!anyOpen) return;
  memory.fill(lanes, 0, LANES_BYTES);
  store<u64>(lanes, PAGE_BYTES);
  anyOpen = false;
  plainClosed();
}

/** Opens the lane of `address`: `bytes` from `first` on lie at `at`. Runs of less than eight bytes go the long way. */
export function openLane(space: u32, address: u64, first: u64, bytes: u64, at: u32): void {
  if (bytes < SMALLEST) return;
  const lane = laneOf(address);
  store<u64>(lane, first);
  store<u64>(lane, <u64>space << 32, 8);
  store<u32>(lane, at, 16);
  store<u32>(lane, <u32>(bytes - 1), 24);
  store<u32>(lane, <u32>(bytes - 2), 28);
  store<u32>(lane, <u32>(bytes - 4), 32);
  store<u32>(lane, <u32>(bytes - 8), 36);
  anyOpen = true;
}

closeLanes();
