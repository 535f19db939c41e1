// One cycle of a register bank: which registers it touches, and what becomes of each (B-width, B-lanes, B-hole, B-read, B-write, B-tear).
//
//   cycle      aaaaaaaa
//   registers  [ R0 ][R1][  hole  ]      pieces from the lowest byte up
//
// A hook runs JavaScript, which may poke: what is stored is read anew after each.

import {
  ACTION_DATA_PORT,
  BANK_BIG_ENDIAN,
  BANK_ROW_BYTES,
  BANK_WHOLE_REGISTERS,
  CELL_DATA,
  CELL_FIRST,
  CELL_LAST,
  HOOK_AFTER_READ,
  HOOK_AFTER_WRITE,
  HOOK_BEFORE_READ,
  HOOK_BEFORE_WRITE,
  NOTICE_DOORBELL,
} from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { enterHook, leaveHook } from '../cycle.ts';
import { fault } from '../flight.ts';
import { registerHook } from '../host.ts';
import { handleOf } from '../memory/objects.ts';
import { notice } from '../notice.ts';
import { mask } from '../number.ts';
import { countRefused } from '../region.ts';
import { fieldsWritten, lockedBits, runActions, takeFromFifos } from './actions.ts';
import {
  REGISTER_DATA_PORT,
  REGISTER_FIFO_PORT,
  REGISTER_LOCKED,
  REGISTER_PLAIN,
  actionAt,
  bankFlags,
  countHole,
  extent,
  registerAt,
  registerBytes,
  registerFlags,
  registerNumber,
  registerPosition,
  registerRow,
  setStored,
  stored,
  tableOf,
  widths,
} from './bank.ts';
import { evaluate } from './interrupts.ts';
import { tornRead, tornWrite, waits } from './tear.ts';

/** The low `bytes` bytes of a number from the order of memory to that of the bank's registers, or back. */
function inOrder(table: u32, value: u64, bytes: u32): u64 {
  return (bankFlags(table) & BANK_BIG_ENDIAN) != 0 ? bswap<u64>(value) >> (64 - (<u64>bytes << 3)) : value;
}

/** The register that holds all `width` bytes at a position, and is plain; 0 for all others. */
function plainAt(table: u32, position: u64, width: u32): u32 {
  if (position >= extent(table)) return 0;
  const register = registerAt(table, <u32>position);
  if (register == 0 || (registerFlags(register) & REGISTER_PLAIN) == 0) return 0;
  return <u32>position - registerPosition(register) + width <= registerBytes(register) ? register : 0;
}

/** Whether a cycle of this size may be made at all. */
function isRefused(region: u32, table: u32, position: u64, width: u32): bool {
  let legal = (widths(table) & width) != 0;
  if (legal && (bankFlags(table) & BANK_WHOLE_REGISTERS) != 0) {
    const register = registerOrHole(table, position);
    legal = register == 0 ? holeBytes(table, position, width) == width : <u64>registerPosition(register) == position && registerBytes(register) == width;
  }
  if (!legal) countRefused(region);
  return !legal;
}

export function bankRead(region: u32, position: u64, width: u32): u64 {
  const table = tableOf(region);
  if (isRefused(region, table, position, width)) return mask(width);
  const plain = plainAt(table, position, width);
  if (plain != 0) return ((stored(table, plain) & load<u64>(plain, 16)) >> ((position - registerPosition(plain)) << 3)) & mask(width);
  const value = readPieces(region, table, position, width, false);
  evaluate(region, table);
  return value;
}

export function bankWrite(region: u32, position: u64, width: u32, value: u64): void {
  const table = tableOf(region);
  if (isRefused(region, table, position, width)) return;
  const plain = plainAt(table, position, width);
  if (plain != 0) {
    const shift = (position - registerPosition(plain)) << 3;
    const bits = (mask(width) << shift) & load<u64>(plain, 24);
    setStored(table, plain, (stored(table, plain) & ~bits) | ((value << shift) & bits));
    return;
  }
  writePieces(region, table, position, width, value, false);
  evaluate(region, table);
}

/** The register at a byte of an access; 0 in a hole and beyond the extent. */
function registerOrHole(table: u32, position: u64): u32 {
  return position < extent(table) ? registerAt(table, <u32>position) : 0;
}

/** Bytes from a position on, at most `rest`, that no register has. */
function holeBytes(table: u32, position: u64, rest: u32): u32 {
  let bytes: u32 = 1;
  while (bytes < rest && registerOrHole(table, position + bytes) == 0) bytes += 1;
  return bytes;
}

// Where in a register a piece lies, in bits: a big-endian register's first byte is its highest.
function shiftOf(table: u32, register: u32, offset: u32, bytes: u32): u64 {
  const low = (bankFlags(table) & BANK_BIG_ENDIAN) != 0 ? registerBytes(register) - offset - bytes : offset;
  return <u64>low << 3;
}

function readPieces(region: u32, table: u32, position: u64, width: u32, throughPort: bool): u64 {
  let value: u64 = 0;
  let done: u32 = 0;
  while (done < width) {
    const at = position + done;
    const register = registerOrHole(table, at);
    let bytes = width - done;
    if (register == 0) {
      bytes = holeBytes(table, at, bytes);
      countHole(region);
    } else {
      const offset = <u32>at - registerPosition(register);
      bytes = min<u32>(bytes, registerBytes(register) - offset);
      const part = readRegister(region, table, register, offset, bytes, throughPort);
      if (fault != 0) return 0;
      value |= inOrder(table, part, bytes) << (<u64>done << 3);
    }
    done += bytes;
  }
  return value;
}

function writePieces(region: u32, table: u32, position: u64, width: u32, value: u64, throughPort: bool): void {
  let done: u32 = 0;
  while (done < width) {
    const at = position + done;
    const register = registerOrHole(table, at);
    let bytes = width - done;
    if (register == 0) {
      bytes = holeBytes(table, at, bytes);
      countHole(region);
    } else {
      const offset = <u32>at - registerPosition(register);
      bytes = min<u32>(bytes, registerBytes(register) - offset);
      const part = (value >> (<u64>done << 3)) & mask(bytes);
      writeRegister(region, table, register, offset, bytes, inOrder(table, part, bytes), throughPort);
      if (fault != 0) return;
    }
    done += bytes;
  }
}

/** Calls a register's hook and answers the data that it leaves. */
function runHook(region: u32, table: u32, register: u32, when: u32, lanes: u64, before: u64, data: u64): u64 {
  store<u64>(cells, lanes, CELL_FIRST);
  store<u64>(cells, before, CELL_LAST);
  store<u64>(cells, data, CELL_DATA);
  enterHook(region);
  const status = registerHook(handleOf(region), registerNumber(table, register), when);
  const left = load<u64>(cells, CELL_DATA);
  leaveHook(region, status < 0);
  return left;
}

function hasHook(register: u32, when: u32): bool {
  return (load<u8>(register, 6) & when) != 0;
}

/** Where a data port leads now: position plus one, or 0 when its index is beyond the window. */
function portTarget(table: u32, register: u32): u64 {
  const row = actionAt(table, load<u16>(register, 8));
  const end = row + <u32>load<u16>(register, 10) * BANK_ROW_BYTES;
  for (let at = row; at != end; at += BANK_ROW_BYTES) {
    if (<u32>load<u8>(at) != ACTION_DATA_PORT) continue;
    const bits = load<u64>(at, 8);
    const index = (stored(table, registerRow(table, load<u16>(at, 4))) & bits) >> ctz<u64>(bits);
    return index >= load<u64>(at, 24) >> 32 ? 0 : load<u64>(at, 16) + index * (load<u64>(at, 24) & 0xffffffff) + 1;
  }
  return 0;
}

// B-read, for the piece of one register
function readRegister(region: u32, table: u32, register: u32, offset: u32, bytes: u32, throughPort: bool): u64 {
  const flags = registerFlags(register);
  if ((flags & REGISTER_DATA_PORT) != 0) {
    const target = throughPort ? 0 : portTarget(table, register);
    // What comes back is in the order of memory already.
    if (target != 0) return inOrder(table, readPieces(region, table, target - 1 + offset, bytes, true), bytes);
    countHole(region);
    return 0;
  }
  const shift = shiftOf(table, register, offset, bytes);
  const lanes = mask(bytes) << shift;
  if (hasHook(register, HOOK_BEFORE_READ)) {
    const now = stored(table, register);
    runHook(region, table, register, HOOK_BEFORE_READ, lanes, now, now);
    if (fault != 0) return 0;
  }
  if ((flags & REGISTER_FIFO_PORT) != 0) takeFromFifos(table, register, lanes);
  const before = stored(table, register);
  const value = (tornRead(register, shift, bytes, before & load<u64>(register, 16)) >> shift) & mask(bytes);
  const cleared = load<u64>(register, 80) & lanes;
  const set = load<u64>(register, 88) & lanes;
  if ((cleared | set) != 0) setStored(table, register, (before & ~cleared) | set);
  store<u32>(register, load<u32>(register, 168) + 1, 168);
  if (load<u16>(register, 10) != 0) runActions(table, register, false, lanes, 0);
  if (hasHook(register, HOOK_AFTER_READ)) runHook(region, table, register, HOOK_AFTER_READ, lanes, before, value << shift);
  return value;
}

/** What the masks make of stored bits `v` when `d` is written: only `e` bits may change. */
function masked(register: u32, v: u64, d: u64, e: u64): u64 {
  const ones = d & e;
  const zeros = ~d & e;
  const w = load<u64>(register, 24);
  let n = (v & ~(w & e)) | (w & ones);
  n &= ~(load<u64>(register, 32) & ones);
  n |= load<u64>(register, 40) & ones;
  n ^= load<u64>(register, 48) & ones;
  n &= ~(load<u64>(register, 56) & zeros);
  n |= load<u64>(register, 64) & zeros;
  return n ^ (load<u64>(register, 72) & zeros);
}

// B-write, for the piece of one register
function writeRegister(region: u32, table: u32, register: u32, offset: u32, bytes: u32, part: u64, throughPort: bool): void {
  const flags = registerFlags(register);
  if ((flags & REGISTER_DATA_PORT) != 0) {
    const target = throughPort ? 0 : portTarget(table, register);
    if (target != 0) writePieces(region, table, target - 1 + offset, bytes, inOrder(table, part, bytes), true);
    else countHole(region);
    return;
  }
  const shift = shiftOf(table, register, offset, bytes);
  let lanes = mask(bytes) << shift;
  let data = part << shift;
  if (waits(register, shift, bytes, data)) return;
  let at = registerPosition(register) + offset;
  let record = part;
  let recorded = bytes;
  if (tornWrite(register, shift, bytes)) {
    lanes = u64.MAX_VALUE;
    data = load<u64>(register, 160);
    at = registerPosition(register);
    record = data;
    recorded = 8;
  }
  if (hasHook(register, HOOK_BEFORE_WRITE)) {
    data = runHook(region, table, register, HOOK_BEFORE_WRITE, lanes, stored(table, register), data) & lanes;
    if (fault != 0) return;
  }
  const before = stored(table, register);
  let allowed = ~load<u64>(register, 152);
  if ((flags & REGISTER_LOCKED) != 0) allowed &= ~lockedBits(table, register);
  let value = masked(register, before, data, lanes & allowed);
  const acts = load<u16>(register, 10) != 0;
  if (acts) value = fieldsWritten(table, register, lanes, allowed, value);
  setStored(table, register, value);
  noteWrite(register, lanes, data);
  if (acts) runActions(table, register, true, lanes & allowed, data);
  if (load<u8>(register, 12) != 0) notice(NOTICE_DOORBELL, handleOf(region), at, recorded, record);
  if (hasHook(register, HOOK_AFTER_WRITE) && (load<u64>(register, 120) & lanes) != 0) runHook(region, table, register, HOOK_AFTER_WRITE, lanes, before, stored(table, register));
  const pulses = load<u64>(register, 96);
  if (pulses != 0) setStored(table, register, stored(table, register) & ~pulses);
}

/** Counts the write, and what it did to bits that are not modelled or reserved. */
function noteWrite(register: u32, lanes: u64, data: u64): void {
  store<u32>(register, load<u32>(register, 172) + 1, 172);
  if ((load<u64>(register, 128) & lanes) != 0) store<u32>(register, load<u32>(register, 176) + 1, 176);
  if (((data ^ load<u64>(register, 144)) & load<u64>(register, 136) & lanes) != 0) store<u32>(register, load<u32>(register, 180) + 1, 180);
}
