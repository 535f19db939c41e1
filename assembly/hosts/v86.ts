// v86's way to the cards' memory without JavaScript: a module of its own between v86.wasm and the core. It has the core's memory, and in it lanes and runs (lanes.ts).
//
//   v86.wasm -> read32 -> the latest lane, or the address's: the bytes   plain memory, plain registers
//                      -> a run: spaceRead of the core, its rules        registers that act, hooks, pages not there yet
//                      -> neither: v86's own handler, in JavaScript      everything that is not a card's
//
// Nothing here may throw into v86: what a hook threw, or what followed an access, is told to the host, and the guest reads all ones.

import {
  ALIGNMENT, BASE, DISTANCE, LANE_COUNTS, OFFSETS1, OFFSETS2, OFFSETS4, OFFSETS8, READS32, READS8, RUN_COUNTS, RUN_NUMBER, WRITES16, WRITES32, WRITES64, WRITES8,
  collect, count, isOpen, latest, missed, prepare, runOf, show, space, turn,
} from './lanes.ts';
import { failed, missRead32, missRead8, missWrite128, missWrite16, missWrite32, missWrite64, missWrite8, spaceRead, spaceWrite } from './linked.ts';

// The compiler does not take the two in one: it adds an ending of its own.
export { collect, prepare, show };

/** 1 while an access is in the core, also one that a hook of another makes; 2 when the host has something to say of it: it sets that. */
export let inFlight: u32 = 0;

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
  if (turn(address, 0)) return read8(address);
  const run = runOf(address, 1);
  return run == 0 ? missRead8(address) : readLong(run, address, 1);
}

/** `env.mmap_read8` */
export function read8(address: u32): u32 {
  const lane = latest;
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
  if (turn(address, 2)) return read32(address);
  const run = runOf(address, 4);
  return run == 0 ? missRead32(address) : readLong(run, address, 4);
}

/** `env.mmap_read32` */
export function read32(address: u32): u32 {
  const lane = latest;
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
  if (turn(address, 0)) {
    write8(address, value);
    return;
  }
  const run = runOf(address, 1);
  if (run == 0) missWrite8(address, value);
  else writeLong(run, WRITES8, address, 1, value & 0xff);
}

/** `env.mmap_write8` */
export function write8(address: u32, value: u32): void {
  const lane = latest;
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
  if (turn(address, 1)) {
    write16(address, value);
    return;
  }
  const run = runOf(address, 2);
  if (run == 0) missWrite16(address, value);
  else writeLong(run, WRITES16, address, 2, value & 0xffff);
}

/** `env.mmap_write16` */
export function write16(address: u32, value: u32): void {
  const lane = latest;
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
  if (turn(address, 2)) {
    write32(address, value);
    return;
  }
  const run = runOf(address, 4);
  if (run == 0) missWrite32(address, value);
  else writeLong(run, WRITES32, address, 4, value);
}

/** `env.mmap_write32` */
export function write32(address: u32, value: u32): void {
  const lane = latest;
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
  if (turn(address, 3)) {
    write64(address, low, high);
    return;
  }
  const run = runOf(address, 8);
  if (run == 0) missWrite64(address, low, high);
  else writeLong(run, WRITES64, address, 8, (<u64>high << 32) | low);
}

/** `env.mmap_write64` */
export function write64(address: u32, low: u32, high: u32): void {
  const lane = latest;
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
