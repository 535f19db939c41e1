// v86's way to the cards' memory without JavaScript: a module of its own between v86.wasm and the core. It has the core's memory, and in it lanes and runs (lanes.ts).
//
//   v86.wasm -> read32 -> the latest lane, or the address's: the bytes   plain memory, plain registers
//                      -> a run: spaceRead of the core, its rules        registers that act, hooks, pages not there yet
//                      -> neither: v86's own handler, in JavaScript      everything that is not a card's
//
// What the latest lane serves is written out for each kind of access, in one piece, and everything that can be in its way is left by `break` to what stands behind it: engines
// keep that order, so an access that finds its lane takes no jump. An `else`, an `&&` or a `return` on the way costs as much as the masks of a register do.
// Stores take no branch for plain memory either, and read what they replace: a store alone, of 8 or 16 bits, was slower than that in about every third process, by up to half.
//
// Nothing here may throw into v86: what a hook threw, or what followed an access, is told to the host, and the guest reads all ones.

import {
  BASE, DISTANCE, LANE_COUNTS, MULTIPLES2, MULTIPLES4, MULTIPLES8, OFFSETS1, READS32, READS8, RUN_COUNTS, RUN_NUMBER, WRITABLE, WRITES16, WRITES32, WRITES64, WRITES8,
  collect, isOpen, latest, missed, prepare, runOf, serving, show, space,
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

function count(run: u32, what: u32): void {
  store<u64>(run + what, load<u64>(run + what, RUN_COUNTS) + 1, RUN_COUNTS);
}

function readLong(run: u32, address: u32, width: u32): u32 {
  // The access may take the run away.
  const number = load<u32>(run, RUN_NUMBER);
  const outer = inFlight;
  count(run, width == 1 ? READS8 : READS32);
  inFlight = 1;
  const value = spaceRead(space, address, width);
  return ended(outer, number, value < 0 ? <i32>value : 0, address, width, 0) ? <u32>(<u64>value) : -1 >>> (32 - 8 * width);
}

function writeLong(run: u32, what: u32, address: u32, width: u32, value: u64): void {
  const number = load<u32>(run, RUN_NUMBER);
  const outer = inFlight;
  count(run, what);
  inFlight = 1;
  ended(outer, number, spaceWrite(space, address, width, value), address, width, 1);
}

// @ts-expect-error: as in maple/read.ts.
@inline
function read8At(lane: u32, offset: u32): u32 {
  store<u64>(lane, load<u64>(lane, LANE_COUNTS + READS8) + 1, LANE_COUNTS + READS8);
  const at = load<u32>(lane, BASE) + offset;
  return load<u8>(at) & load<u8>(at + load<u32>(lane, DISTANCE));
}

function otherRead8(address: u32): u32 {
  const lane = serving(address, 0);
  if (lane != 0) return read8At(lane, address - load<u32>(lane));
  const run = runOf(address, 1);
  return run == 0 ? missRead8(address) : readLong(run, address, 1);
}

/** `env.mmap_read8` */
export function read8(address: u32): u32 {
  const lane = latest;
  const offset = address - load<u32>(lane);
  while (true) {
    if (offset >= load<u32>(lane, OFFSETS1)) break;
    if (!isOpen(lane)) break;
    return read8At(lane, offset);
  }
  return otherRead8(address);
}

// @ts-expect-error: as in maple/read.ts.
@inline
function read32At(lane: u32, offset: u32): u32 {
  store<u64>(lane, load<u64>(lane, LANE_COUNTS + READS32) + 1, LANE_COUNTS + READS32);
  const at = load<u32>(lane, BASE) + offset;
  return load<u32>(at) & load<u32>(at + load<u32>(lane, DISTANCE));
}

function otherRead32(address: u32): u32 {
  const lane = serving(address, 2);
  if (lane != 0) return read32At(lane, address - load<u32>(lane));
  const run = runOf(address, 4);
  return run == 0 ? missRead32(address) : readLong(run, address, 4);
}

/** `env.mmap_read32` */
export function read32(address: u32): u32 {
  const lane = latest;
  const offset = address - load<u32>(lane);
  while (true) {
    if (rotr<u32>(offset, 2) >= load<u32>(lane, MULTIPLES4)) break;
    if (!isOpen(lane)) break;
    return read32At(lane, offset);
  }
  return otherRead32(address);
}

// @ts-expect-error: as in maple/read.ts.
@inline
function write8At(lane: u32, offset: u32, value: u32): void {
  store<u64>(lane, load<u64>(lane, LANE_COUNTS + WRITES8) + 1, LANE_COUNTS + WRITES8);
  const at = load<u32>(lane, BASE) + offset;
  const taken = load<u8>(at + 2 * load<u32>(lane, DISTANCE)) | load<u32>(lane, WRITABLE);
  const stored = load<u8>(at);
  store<u8>(at, <u8>(stored ^ ((stored ^ value) & taken)));
}

function otherWrite8(address: u32, value: u32): void {
  const lane = serving(address, 0);
  if (lane != 0) {
    write8At(lane, address - load<u32>(lane), value);
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
  while (true) {
    if (offset >= load<u32>(lane, OFFSETS1)) break;
    if (!isOpen(lane)) break;
    write8At(lane, offset, value);
    return;
  }
  otherWrite8(address, value);
}

// @ts-expect-error: as in maple/read.ts.
@inline
function write16At(lane: u32, offset: u32, value: u32): void {
  store<u64>(lane, load<u64>(lane, LANE_COUNTS + WRITES16) + 1, LANE_COUNTS + WRITES16);
  const at = load<u32>(lane, BASE) + offset;
  const taken = load<u16>(at + 2 * load<u32>(lane, DISTANCE)) | load<u32>(lane, WRITABLE);
  const stored = load<u16>(at);
  store<u16>(at, <u16>(stored ^ ((stored ^ value) & taken)));
}

function otherWrite16(address: u32, value: u32): void {
  const lane = serving(address, 1);
  if (lane != 0) {
    write16At(lane, address - load<u32>(lane), value);
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
  while (true) {
    if (rotr<u32>(offset, 1) >= load<u32>(lane, MULTIPLES2)) break;
    if (!isOpen(lane)) break;
    write16At(lane, offset, value);
    return;
  }
  otherWrite16(address, value);
}

// @ts-expect-error: as in maple/read.ts.
@inline
function write32At(lane: u32, offset: u32, value: u32): void {
  store<u64>(lane, load<u64>(lane, LANE_COUNTS + WRITES32) + 1, LANE_COUNTS + WRITES32);
  const at = load<u32>(lane, BASE) + offset;
  const taken = load<u32>(at + 2 * load<u32>(lane, DISTANCE)) | load<u32>(lane, WRITABLE);
  const stored = load<u32>(at);
  store<u32>(at, stored ^ ((stored ^ value) & taken));
}

function otherWrite32(address: u32, value: u32): void {
  const lane = serving(address, 2);
  if (lane != 0) {
    write32At(lane, address - load<u32>(lane), value);
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
  while (true) {
    if (rotr<u32>(offset, 2) >= load<u32>(lane, MULTIPLES4)) break;
    if (!isOpen(lane)) break;
    write32At(lane, offset, value);
    return;
  }
  otherWrite32(address, value);
}

// @ts-expect-error: as in maple/read.ts.
@inline
function write64At(lane: u32, offset: u32, value: u64): void {
  store<u64>(lane, load<u64>(lane, LANE_COUNTS + WRITES64) + 1, LANE_COUNTS + WRITES64);
  const at = load<u32>(lane, BASE) + offset;
  const taken = load<u64>(at + 2 * load<u32>(lane, DISTANCE)) | <u64>(<i64>load<i32>(lane, WRITABLE));
  const stored = load<u64>(at);
  store<u64>(at, stored ^ ((stored ^ value) & taken));
}

function otherWrite64(address: u32, low: u32, high: u32): void {
  const lane = serving(address, 3);
  if (lane != 0) {
    write64At(lane, address - load<u32>(lane), (<u64>high << 32) | low);
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
  while (true) {
    if (rotr<u32>(offset, 3) >= load<u32>(lane, MULTIPLES8)) break;
    if (!isOpen(lane)) break;
    write64At(lane, offset, (<u64>high << 32) | low);
    return;
  }
  otherWrite64(address, low, high);
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
