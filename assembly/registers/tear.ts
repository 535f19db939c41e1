// B-tear: a 64-bit register that a bus reaches in halves of 32 bits.
//
//   latch-low    read low: the upper half is kept       then read high: what was kept
//   either       write one half: it waits               then write the other: both become the value
//
//   register  7 tear u8: 0 none, 1 latch-low, 2 latch-high | 13 state u8 | 160 latch u64: what waits to be written
//             184 u32: what was kept for a read

const LATCH_LOW: u8 = 1;

const KEPT: u8 = 1;
const LOW_WAITS: u8 = 2;
const HIGH_WAITS: u8 = 4;

const HALF: u64 = 0xffffffff;

function tear(register: u32): u8 {
  return load<u8>(register, 7);
}

function state(register: u32): u8 {
  return load<u8>(register, 13);
}

function setState(register: u32, bits: u8): void {
  store<u8>(register, bits, 13);
}

function isHalf(shift: u64, bytes: u32): bool {
  return bytes == 4 && (shift == 0 || shift == 32);
}

/** The value that a read of `bytes` at `shift` bits sees, in place. */
export function tornRead(register: u32, shift: u64, bytes: u32, value: u64): u64 {
  if (tear(register) == 0) return value;
  if (!isHalf(shift, bytes)) {
    setState(register, state(register) & ~KEPT);
    return value;
  }
  const low = shift == 0;
  if (low == (tear(register) == LATCH_LOW)) {
    store<u32>(register, <u32>(low ? value >> 32 : value), 184);
    setState(register, state(register) | KEPT);
    return value;
  }
  if ((state(register) & KEPT) == 0) return value;
  setState(register, state(register) & ~KEPT);
  const kept = <u64>load<u32>(register, 184);
  return low ? (value & ~HALF) | kept : (value & HALF) | (kept << 32);
}

/** Whether a write of `bytes`, its data in place, is the first half of a value and waits for the other. */
export function waits(register: u32, shift: u64, bytes: u32, data: u64): bool {
  if (tear(register) == 0) return false;
  if (!isHalf(shift, bytes)) {
    setState(register, state(register) & KEPT);
    return false;
  }
  const low = shift == 0;
  const other = low ? HIGH_WAITS : LOW_WAITS;
  const latch = load<u64>(register, 160);
  store<u64>(register, low ? (latch & ~HALF) | data : (latch & HALF) | data, 160);
  if ((state(register) & other) != 0) return false;
  setState(register, state(register) | (low ? LOW_WAITS : HIGH_WAITS));
  return true;
}

/** Whether a write of `bytes` completes a value: both halves are in the latch, and no half waits any longer. */
export function tornWrite(register: u32, shift: u64, bytes: u32): bool {
  if (tear(register) == 0 || !isHalf(shift, bytes)) return false;
  setState(register, state(register) & KEPT);
  return true;
}

/** Forgets what was kept and what waits. */
export function forgetHalves(register: u32): void {
  setState(register, 0);
}
