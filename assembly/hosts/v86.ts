// v86's way to the cards' memory without JavaScript: a module of its own between v86.wasm and the core. It has the core's memory, and in it one buffer of three frames:
//
//   lanes, 64 rows of 128 bytes, by address       0 first address | 4 how many offsets of 1, 2, 4, 8 bytes lie in it, 4 fields | 20 where the first byte lies
//   (copies of the core's, lane.ts)              24 where closings of its kind are counted | 28 how many there had been
//                                                32 distance to the bits that can be read, twice that to those that can be written; 0: all can | 36 alignment
//                                                40 the run's row | 44 so many accesses more go the long way before the core is asked | 48 and so many after that
//                                                56 accesses since it was copied, a u64 each: reads of 8, 32 bits; writes of 8, 16, 32, 64 bits
//   runs, 64 rows of 64 bytes, from 8192 on       0 first address | 4 last address | 8 the host's number of it | 16 accesses, as above
//   (addresses that one card decodes)
//
//   v86.wasm -> read32 -> a lane: the bytes                              plain memory, plain registers
//                      -> a run: spaceRead of the core, its rules        registers that act, hooks, pages not there yet
//                      -> neither: v86's own handler, in JavaScript      everything that is not a card's
//
// Nothing here may throw into v86: what a hook threw, or what followed an access, is told to the host, and the guest reads all ones.

import { CELL_MASKED_CLOSINGS, CELL_PLAIN_CLOSINGS, LANE_BASE, LANE_DISTANCE, LANE_FIRST, LANE_LAST_CLOSING, LANE_OFFSETS } from '../layout.generated.ts';
import { failed, missRead32, missRead8, missWrite128, missWrite16, missWrite32, missWrite64, missWrite8, spaceLane, spaceRead, spaceWrite } from './linked.ts';

const LANE_BYTES: u32 = 128;
const LANES_BYTES: u32 = 8192;
const RUN_BYTES: u32 = 64;
const OFFSETS1: usize = 4;
const OFFSETS2: usize = 8;
const OFFSETS4: usize = 12;
const OFFSETS8: usize = 16;
const BASE: usize = 20;
const COUNTER: usize = 24;
const CLOSINGS: usize = 28;
const DISTANCE: usize = 32;
const ALIGNMENT: usize = 36;
const RUN: usize = 40;
const WAITS: usize = 44;
const PATIENCE: usize = 48;
const LANE_COUNTS: u32 = 56;
const RUN_LAST: usize = 4;
const RUN_NUMBER: usize = 8;
const RUN_COUNTS: u32 = 16;
const COUNTS_BYTES: u32 = 48;
// Offsets in counts.
const READS8: u32 = 0;
const READS32: u32 = 8;
const WRITES8: u32 = 16;
const WRITES16: u32 = 24;
const WRITES32: u32 = 32;
const WRITES64: u32 = 40;
const MASKED_ALIGNMENT: usize = 40;
// Where lanes come and go, only every so many accesses ask for one.
const MOST_PATIENT: u32 = 256;
const MOST_OFFSETS: u64 = 0x4000_0000;

let lanes: u32 = 0;
let cells: u32 = 0;
let space: u32 = 0;
let runs: u32 = 0;
let runsEnd: u32 = 0;
let met: u32 = 0;
/** 1 while an access is in the core, also one that a hook of another makes; 2 when the host has something to say of it: it sets that. */
export let inFlight: u32 = 0;

/** Gives the buffer of three frames, whose lanes remember nothing, and says where the core's cells lie. There are no runs until `show`. */
export function prepare(buffer: u32, resultCells: u32): void {
  lanes = buffer;
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

function laneOf(address: u32): u32 {
  return lanes + (((address >>> 5) ^ (address >>> 13)) & (LANES_BYTES - LANE_BYTES));
}

function isOpen(lane: u32): bool {
  return load<u32>(load<u32>(lane, COUNTER)) == load<u32>(lane, CLOSINGS);
}

function count(counts: u32, what: u32): void {
  store<u64>(counts + what, load<u64>(counts + what) + 1);
}

/** Adds what a lane counted to its run. */
function fold(lane: u32): void {
  const run = load<u32>(lane, RUN);
  if (run == 0) return;
  for (let what: u32 = 0; what < COUNTS_BYTES; what += 8) {
    store<u64>(run + RUN_COUNTS + what, load<u64>(run + RUN_COUNTS + what) + load<u64>(lane + LANE_COUNTS + what));
    store<u64>(lane + LANE_COUNTS + what, 0);
  }
}

/** Has the rows of runs hold all that was counted. */
export function collect(): void {
  for (let lane = lanes; lane < lanes + LANES_BYTES; lane += LANE_BYTES) fold(lane);
}

/** The run that holds all of an access, else 0. */
function runOf(address: u32, width: u32): u32 {
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
  }
  store<u32>(lane, <u32>from);
  store<u32>(lane, load<u32>(row, LANE_BASE) + <u32>skipped, BASE);
  store<u32>(lane, distance, DISTANCE);
  store<u32>(lane, distance == 0 ? 0 : load<u32>(row, MASKED_ALIGNMENT), ALIGNMENT);
  store<u32>(lane, counter, COUNTER);
  store<u32>(lane, closings, CLOSINGS);
  store<u32>(lane, run, RUN);
  return true;
}

/** Notes that an access went the long way, and ended well. */
function missed(address: u32, width: u32): void {
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

/** Whether the access that has just come out of the core ended well; if not, the host has heard of it. `outer` is what was in flight when it began. */
function ended(outer: u32, run: u32, status: i32, address: u32, width: u32, writes: u32): bool {
  const isWell = inFlight == 1 && status >= 0;
  inFlight = outer;
  if (isWell) missed(address, width);
  else failed(run, status, address, width, writes);
  return isWell;
}

function readLong(run: u32, address: u32, width: u32): u32 {
  // The access may take the run away.
  const number = load<u32>(run, RUN_NUMBER);
  const outer = inFlight;
  count(run + RUN_COUNTS, width == 1 ? READS8 : READS32);
  inFlight = 1;
  const value = spaceRead(space, address, width);
  return ended(outer, number, value < 0 ? <i32>value : 0, address, width, 0) ? <u32>(<u64>value) : -1 >>> (32 - 8 * width);
}

function writeLong(run: u32, what: u32, address: u32, width: u32, value: u64): void {
  const number = load<u32>(run, RUN_NUMBER);
  const outer = inFlight;
  count(run + RUN_COUNTS, what);
  inFlight = 1;
  ended(outer, number, spaceWrite(space, address, width, value), address, width, 1);
}

function otherRead8(address: u32): u32 {
  const run = runOf(address, 1);
  return run == 0 ? missRead8(address) : readLong(run, address, 1);
}

/** `env.mmap_read8` */
export function read8(address: u32): u32 {
  const lane = laneOf(address);
  const offset = address - load<u32>(lane);
  if (offset >= load<u32>(lane, OFFSETS1)) return otherRead8(address);
  if (!isOpen(lane)) return otherRead8(address);
  const at = load<u32>(lane, BASE) + offset;
  const distance = load<u32>(lane, DISTANCE);
  if (distance == 0) {
    count(lane + LANE_COUNTS, READS8);
    return load<u8>(at);
  }
  count(lane + LANE_COUNTS, READS8);
  return load<u8>(at) & load<u8>(at + distance);
}

function otherRead32(address: u32): u32 {
  const run = runOf(address, 4);
  return run == 0 ? missRead32(address) : readLong(run, address, 4);
}

/** `env.mmap_read32` */
export function read32(address: u32): u32 {
  const lane = laneOf(address);
  const offset = address - load<u32>(lane);
  if (offset >= load<u32>(lane, OFFSETS4)) return otherRead32(address);
  if (!isOpen(lane)) return otherRead32(address);
  const at = load<u32>(lane, BASE) + offset;
  const distance = load<u32>(lane, DISTANCE);
  if (distance == 0) {
    count(lane + LANE_COUNTS, READS32);
    return load<u32>(at);
  }
  if ((offset & 3 & load<u32>(lane, ALIGNMENT)) != 0) return otherRead32(address);
  count(lane + LANE_COUNTS, READS32);
  return load<u32>(at) & load<u32>(at + distance);
}

function otherWrite8(address: u32, value: u32): void {
  const run = runOf(address, 1);
  if (run == 0) missWrite8(address, value);
  else writeLong(run, WRITES8, address, 1, value & 0xff);
}

/** `env.mmap_write8` */
export function write8(address: u32, value: u32): void {
  const lane = laneOf(address);
  const offset = address - load<u32>(lane);
  if (offset >= load<u32>(lane, OFFSETS1)) {
    otherWrite8(address, value);
    return;
  }
  if (!isOpen(lane)) {
    otherWrite8(address, value);
    return;
  }
  const at = load<u32>(lane, BASE) + offset;
  const distance = load<u32>(lane, DISTANCE);
  if (distance == 0) {
    count(lane + LANE_COUNTS, WRITES8);
    store<u8>(at, <u8>value);
    return;
  }
  count(lane + LANE_COUNTS, WRITES8);
  const writable = load<u8>(at + 2 * distance);
  store<u8>(at, (load<u8>(at) & ~writable) | (<u8>value & writable));
}

function otherWrite16(address: u32, value: u32): void {
  const run = runOf(address, 2);
  if (run == 0) missWrite16(address, value);
  else writeLong(run, WRITES16, address, 2, value & 0xffff);
}

/** `env.mmap_write16` */
export function write16(address: u32, value: u32): void {
  const lane = laneOf(address);
  const offset = address - load<u32>(lane);
  if (offset >= load<u32>(lane, OFFSETS2)) {
    otherWrite16(address, value);
    return;
  }
  if (!isOpen(lane)) {
    otherWrite16(address, value);
    return;
  }
  const at = load<u32>(lane, BASE) + offset;
  const distance = load<u32>(lane, DISTANCE);
  if (distance == 0) {
    count(lane + LANE_COUNTS, WRITES16);
    store<u16>(at, <u16>value);
    return;
  }
  if ((offset & 1 & load<u32>(lane, ALIGNMENT)) != 0) {
    otherWrite16(address, value);
    return;
  }
  count(lane + LANE_COUNTS, WRITES16);
  const writable = load<u16>(at + 2 * distance);
  store<u16>(at, (load<u16>(at) & ~writable) | (<u16>value & writable));
}

function otherWrite32(address: u32, value: u32): void {
  const run = runOf(address, 4);
  if (run == 0) missWrite32(address, value);
  else writeLong(run, WRITES32, address, 4, value);
}

/** `env.mmap_write32` */
export function write32(address: u32, value: u32): void {
  const lane = laneOf(address);
  const offset = address - load<u32>(lane);
  if (offset >= load<u32>(lane, OFFSETS4)) {
    otherWrite32(address, value);
    return;
  }
  if (!isOpen(lane)) {
    otherWrite32(address, value);
    return;
  }
  const at = load<u32>(lane, BASE) + offset;
  const distance = load<u32>(lane, DISTANCE);
  if (distance == 0) {
    count(lane + LANE_COUNTS, WRITES32);
    store<u32>(at, value);
    return;
  }
  if ((offset & 3 & load<u32>(lane, ALIGNMENT)) != 0) {
    otherWrite32(address, value);
    return;
  }
  count(lane + LANE_COUNTS, WRITES32);
  const writable = load<u32>(at + 2 * distance);
  store<u32>(at, (load<u32>(at) & ~writable) | (value & writable));
}

function otherWrite64(address: u32, low: u32, high: u32): void {
  const run = runOf(address, 8);
  if (run == 0) missWrite64(address, low, high);
  else writeLong(run, WRITES64, address, 8, (<u64>high << 32) | low);
}

/** `env.mmap_write64` */
export function write64(address: u32, low: u32, high: u32): void {
  const lane = laneOf(address);
  const offset = address - load<u32>(lane);
  if (offset >= load<u32>(lane, OFFSETS8)) {
    otherWrite64(address, low, high);
    return;
  }
  if (!isOpen(lane)) {
    otherWrite64(address, low, high);
    return;
  }
  const value = (<u64>high << 32) | low;
  const at = load<u32>(lane, BASE) + offset;
  const distance = load<u32>(lane, DISTANCE);
  if (distance == 0) {
    count(lane + LANE_COUNTS, WRITES64);
    store<u64>(at, value);
    return;
  }
  if ((offset & 7 & load<u32>(lane, ALIGNMENT)) != 0) {
    otherWrite64(address, low, high);
    return;
  }
  count(lane + LANE_COUNTS, WRITES64);
  const writable = load<u64>(at + 2 * distance);
  store<u64>(at, (load<u64>(at) & ~writable) | (value & writable));
}

/** `env.mmap_write128`: two writes of 64 bits, the widest cycle there is. */
export function write128(address: u32, a: u32, b: u32, c: u32, d: u32): void {
  if (runOf(address, 16) == 0) {
    missWrite128(address, a, b, c, d);
    return;
  }
  write64(address, a, b);
  write64(address + 8, c, d);
}
