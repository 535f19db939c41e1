// What a linked processor remembers, in one buffer of three frames in the core's memory: lanes, and the runs that they are parts of.
//
//   lanes, 64 rows of 128 bytes, by address       0 first address | 4 how many offsets of 1, 2, 4, 8 bytes lie in it, 4 fields | 20 where the first byte lies
//   (copies of the core's, lane.ts)              24 where closings of its kind are counted | 28 how many there had been
//                                                32 distance to the bits that can be read, twice that to those that can be written; 0: all can | 36 alignment
//                                                40 the run's row | 44 so many accesses more go the long way before the core is asked | 48 and so many after that
//                                                52 how many multiples of 2, 4, 8 bytes lie in it, 3 fields
//                                                64 accesses since it was copied, a u64 each: reads of 8, 32 bits; writes of 8, 16, 32, 64 bits
//                                                112 bits that can be written whatever the distance leads to: all where it is 0, else none
//   runs, 64 rows of 64 bytes, from 8192 on       0 first address | 4 last address | 8 the host's number of it | 16 accesses, as above
//   (addresses that one card decodes)

import { CELL_MASKED_CLOSINGS, CELL_PLAIN_CLOSINGS, LANE_BASE, LANE_DISTANCE, LANE_FIRST, LANE_LAST_CLOSING, LANE_OFFSETS } from '../layout.generated.ts';
import { spaceLane } from './linked.ts';

const LANE_BYTES: u32 = 128;
const LANES_BYTES: u32 = 8192;
const RUN_BYTES: u32 = 64;
export const OFFSETS1: usize = 4;
export const BASE: usize = 20;
const COUNTER: usize = 24;
const CLOSINGS: usize = 28;
export const DISTANCE: usize = 32;
const ALIGNMENT: usize = 36;
const RUN: usize = 40;
const WAITS: usize = 44;
const PATIENCE: usize = 48;
export const MULTIPLES2: usize = 52;
export const MULTIPLES4: usize = 56;
export const MULTIPLES8: usize = 60;
export const LANE_COUNTS: usize = 64;
export const WRITABLE: usize = 112;
const RUN_LAST: usize = 4;
export const RUN_NUMBER: usize = 8;
export const RUN_COUNTS: usize = 16;
const COUNTS_BYTES: u32 = 48;
// Offsets in counts.
export const READS8: u32 = 0;
export const READS32: u32 = 8;
export const WRITES8: u32 = 16;
export const WRITES16: u32 = 24;
export const WRITES32: u32 = 32;
export const WRITES64: u32 = 40;
const MASKED_ALIGNMENT: usize = 40;
// Where lanes come and go, only every so many accesses ask for one.
const MOST_PATIENT: u32 = 256;
const MOST_OFFSETS: u64 = 0x4000_0000;

let lanes: u32 = 0;
/** The lane that was met last: asked before an address is looked up, because most accesses go where the last one went. */
export let latest: u32 = 0;
let cells: u32 = 0;
export let space: u32 = 0;
let runs: u32 = 0;
let runsEnd: u32 = 0;
let met: u32 = 0;

/** Gives the buffer of three frames, whose lanes remember nothing, and says where the core's cells lie. There are no runs until `show`. */
export function prepare(buffer: u32, resultCells: u32): void {
  lanes = buffer;
  latest = buffer;
  cells = resultCells;
  runs = buffer + LANES_BYTES;
  runsEnd = runs;
  met = 0;
}

/** The first `n` rows of runs, which the host has written, are those of a space from now on. Lanes are forgotten. */
export function show(spaceHandle: u32, n: u32): void {
  memory.fill(lanes, 0, LANES_BYTES);
  space = spaceHandle;
  runsEnd = runs + n * RUN_BYTES;
  met = 0;
}

export function laneOf(address: u32): u32 {
  return lanes + (((address >>> 5) ^ (address >>> 13)) & (LANES_BYTES - LANE_BYTES));
}

export function isOpen(lane: u32): bool {
  return load<u32>(load<u32>(lane, COUNTER)) == load<u32>(lane, CLOSINGS);
}

/** The lane that serves an access of 2 ** `n` bytes, which is the latest then; else 0. */
export function serving(address: u32, n: u32): u32 {
  const lane = laneOf(address);
  const offset = address - load<u32>(lane);
  if (offset >= load<u32>(lane + n * 4, OFFSETS1) || (offset & ((1 << n) - 1) & load<u32>(lane, ALIGNMENT)) != 0 || !isOpen(lane)) return 0;
  latest = lane;
  return lane;
}

/** Adds what a lane counted to its run. */
function fold(lane: u32): void {
  const run = load<u32>(lane, RUN);
  if (run == 0) return;
  for (let what: u32 = 0; what < COUNTS_BYTES; what += 8) {
    store<u64>(run + what, load<u64>(run + what, RUN_COUNTS) + load<u64>(lane + what, LANE_COUNTS), RUN_COUNTS);
    store<u64>(lane + what, 0, LANE_COUNTS);
  }
}

/** Has the rows of runs hold all that was counted. */
export function collect(): void {
  for (let lane = lanes; lane < lanes + LANES_BYTES; lane += LANE_BYTES) fold(lane);
}

/** The run that holds all of an access, else 0. */
export function runOf(address: u32, width: u32): u32 {
  const last = address + (width - 1);
  if (last < address) return 0;
  if (met != 0 && address >= load<u32>(met) && last <= load<u32>(met, RUN_LAST)) return met;
  for (let run = runs; run < runsEnd; run += RUN_BYTES) {
    if (address < load<u32>(run) || last > load<u32>(run, RUN_LAST)) continue;
    met = run;
    return run;
  }
  return 0;
}

/** Copies the core's lane of an address, as far as it lies in the run; false when there is none to be copied. */
function remember(lane: u32, address: u32, width: u32): bool {
  const run = runOf(address, width);
  const row = run == 0 ? 0 : spaceLane(space, address, width);
  if (row == 0) return false;
  const distance = load<u32>(row, LANE_DISTANCE);
  const counter = cells + (distance == 0 ? CELL_PLAIN_CLOSINGS : CELL_MASKED_CLOSINGS);
  const closings = load<u32>(counter);
  const first = load<u64>(row, LANE_FIRST);
  const from = max<u64>(first, load<u32>(run));
  const skipped = from - first;
  // Legal positions are told from the lane's first address.
  if (closings == LANE_LAST_CLOSING || (skipped & 7) != 0) return false;
  const bytes = <u64>load<u32>(run, RUN_LAST) - from + 1;
  fold(lane);
  for (let n: u32 = 0; n < 4; n++) {
    const lanesOwn = <u64>load<u32>(row + n * 4, LANE_OFFSETS) + (distance == 0 ? 1 : 0);
    const runsOwn = bytes >= 1 << n ? bytes - ((1 << n) - 1) : 0;
    const offsets = lanesOwn > skipped ? <u32>min<u64>(min<u64>(lanesOwn - skipped, runsOwn), MOST_OFFSETS) : 0;
    store<u32>(lane + n * 4, offsets, OFFSETS1);
    if (n > 0) store<u32>(lane + n * 4, (offsets + ((1 << n) - 1)) >>> n, MULTIPLES2 - 4);
  }
  store<u32>(lane, <u32>from);
  store<u32>(lane, load<u32>(row, LANE_BASE) + <u32>skipped, BASE);
  store<u32>(lane, distance, DISTANCE);
  store<u32>(lane, distance == 0 ? -1 : 0, WRITABLE);
  store<u32>(lane, distance == 0 ? 0 : load<u32>(row, MASKED_ALIGNMENT), ALIGNMENT);
  store<u32>(lane, counter, COUNTER);
  store<u32>(lane, closings, CLOSINGS);
  store<u32>(lane, run, RUN);
  return true;
}

/** Notes that an access went the long way, and ended well. */
export function missed(address: u32, width: u32): void {
  const lane = laneOf(address);
  const waits = load<u32>(lane, WAITS);
  if (waits > 0) {
    store<u32>(lane, waits - 1, WAITS);
    return;
  }
  const wasClosed = load<u32>(lane, RUN) == 0 || !isOpen(lane);
  const patience = load<u32>(lane, PATIENCE);
  const next = remember(lane, address, width) && wasClosed ? patience >>> 1 : min<u32>(MOST_PATIENT, patience * 2 + 1);
  store<u32>(lane, next, PATIENCE);
  store<u32>(lane, next, WAITS);
}
