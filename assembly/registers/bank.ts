// Register banks: the table of a bank, and what is where in it. docs/registers.md has the rules.
//
//   table, one run of frames:
//   0        64            + 192 n       + 32 n    + 32 n       + 32 n    + 8 per entry
//   | header | registers   | actions     | FIFOs   | interrupts | values, readable, writable | FIFO entries | index u16 x extent |
//
//   header   0 registers u32 | 4 actions u32 | 8 FIFOs u32 | 12 interrupts u32 | 16 extent u32 (bytes that the index covers) | 20 flags u8 | 21 widths u8 (1 | 2 | 4 | 8)
//           24 table's bytes u32 | 28 first action u32 | 32 first FIFO u32 | 36 first interrupt u32 | 40 values u32 | 44 index u32 | 48 levels u64 | 56 changed u8
//           60 bytes u32 from the values to the readable bits, and from those to the writable ones
//
//   The index gives for each byte the number of its register plus one, 0 for a hole. A register's stored bits lie in `values` at its position; those of plain registers have
//   their masks at the same place in the other two, so that a run of them needs no register at all.
//
//   register  0 position u32 | 4 size u8 | 5 flags u8 | 6 hooks u8 | 7 tear u8 | 8 first action u16 | 10 actions u16 | 12 notify u8 | 13 latch state u8 | 16 readable | 24 writable
//            32 woclr | 40 woset | 48 wot | 56 wzc | 64 wzs | 72 wzt | 80 rclr | 88 rset | 96 pulse | 104 reset | 112 kept by a soft reset | 120 hooked | 128 tagged
//           136 expect mask | 144 expect value | 152 spent | 160 latch      u64 each | 168 reads u32 | 172 writes u32 | 176 tagged writes u32 | 180 violations u32
//
// The host writes header, registers, actions, FIFOs and interrupts as rows; the rest is made here.

import { ACTION_DATA_PORT, ACTION_FIELD_CLEAR, ACTION_FIELD_SET, ACTION_FIFO, ACTION_LOCK, ACTION_ONCE, BANK_BIG_ENDIAN, BANK_FIFO_BYTES, BANK_HEADER_BYTES, BANK_NO_REGISTER, BANK_REGISTER_BYTES, BANK_ROW_BYTES, EINVAL, ENOMEM, REGION_BANK } from '../layout.generated.ts';
import { giveFrames, takeFrames } from '../memory/arena.ts';
import { countBacking } from '../memory/objects.ts';

const MAX_ROWS: u32 = 65534;
const MAX_EXTENT: u32 = 1 << 20;

export const REGISTER_PLAIN: u8 = 1;
export const REGISTER_LOCKED: u8 = 2;
export const REGISTER_INTERRUPTS: u8 = 4;
export const REGISTER_DATA_PORT: u8 = 8;
export const REGISTER_FIFO_PORT: u8 = 16;

/** The table of a bank region. */
export function tableOf(region: u32): u32 {
  return load<u32>(region, 24);
}

export function isBank(region: u32): bool {
  return load<u8>(region, 5) == <u8>REGION_BANK;
}

export function registerCount(table: u32): u32 {
  return load<u32>(table);
}

export function extent(table: u32): u32 {
  return load<u32>(table, 16);
}

export function bankFlags(table: u32): u32 {
  return load<u8>(table, 20);
}

export function widths(table: u32): u32 {
  return load<u8>(table, 21);
}

export function fifoCount(table: u32): u32 {
  return load<u32>(table, 8);
}

export function interruptCount(table: u32): u32 {
  return load<u32>(table, 12);
}

export function actionAt(table: u32, i: u32): u32 {
  return load<u32>(table, 28) + i * BANK_ROW_BYTES;
}

export function fifoAt(table: u32, i: u32): u32 {
  return load<u32>(table, 32) + i * BANK_FIFO_BYTES;
}

export function interruptAt(table: u32, i: u32): u32 {
  return load<u32>(table, 36) + i * BANK_ROW_BYTES;
}

export function levels(table: u32): u64 {
  return load<u64>(table, 48);
}

export function setLevels(table: u32, lines: u64): void {
  store<u64>(table, lines, 48);
}

/** Whether something that interrupts depend on has changed since they were evaluated. */
export function hasChanged(table: u32): bool {
  return load<u8>(table, 56) != 0;
}

export function setChanged(table: u32, changed: bool): void {
  store<u8>(table, u8(changed), 56);
}

/** The register that holds the byte at a position below the extent; 0 in a hole. */
export function registerAt(table: u32, position: u32): u32 {
  const number = <u32>load<u16>(load<u32>(table, 44) + (position << 1));
  return number == 0 ? 0 : registerRow(table, number - 1);
}

export function registerRow(table: u32, number: u32): u32 {
  return table + BANK_HEADER_BYTES + number * BANK_REGISTER_BYTES;
}

export function registerNumber(table: u32, register: u32): u32 {
  return (register - table - BANK_HEADER_BYTES) / BANK_REGISTER_BYTES;
}

export function registerPosition(register: u32): u32 {
  return load<u32>(register);
}

export function registerBytes(register: u32): u32 {
  return load<u8>(register, 4);
}

export function registerFlags(register: u32): u8 {
  return load<u8>(register, 5);
}

/** The stored bits of the byte at position 0. */
export function valuesAt(table: u32): u32 {
  return load<u32>(table, 40);
}

/** How far behind the values the readable bits of plain registers lie; the writable ones twice as far. */
export function maskBytes(table: u32): u32 {
  return load<u32>(table, 60);
}

/** Where a register's stored bits lie. */
export function storedAt(table: u32, register: u32): u32 {
  return load<u32>(table, 40) + load<u32>(register);
}

/** A register's stored bits. */
export function stored(table: u32, register: u32): u64 {
  const at = storedAt(table, register);
  const bytes = registerBytes(register);
  if (bytes == 4) return load<u32>(at);
  if (bytes == 1) return load<u8>(at);
  if (bytes == 2) return load<u16>(at);
  return load<u64>(at);
}

/** Changes a register's stored bits, and notes it where interrupts depend on them. */
export function setStored(table: u32, register: u32, value: u64): void {
  const at = storedAt(table, register);
  const bytes = registerBytes(register);
  if (bytes == 4) store<u32>(at, <u32>value);
  else if (bytes == 1) store<u8>(at, <u8>value);
  else if (bytes == 2) store<u16>(at, <u16>value);
  else store<u64>(at, value);
  if ((registerFlags(register) & REGISTER_INTERRUPTS) != 0) setChanged(table, true);
}

function isSize(bytes: u32): bool {
  return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

/** Whether the rows of a description can be a bank of `size` bytes: what the host checks by name, checked by number. */
function isSound(rows: u32, bytes: u32, size: u64): bool {
  if (bytes < BANK_HEADER_BYTES) return false;
  const registers = load<u32>(rows);
  const actions = load<u32>(rows, 4);
  const fifos = load<u32>(rows, 8);
  const interrupts = load<u32>(rows, 12);
  const covered = load<u32>(rows, 16);
  if (registers > MAX_ROWS || actions > MAX_ROWS || fifos > MAX_ROWS || interrupts > MAX_ROWS || covered > MAX_EXTENT || covered > size) return false;
  const first = BANK_HEADER_BYTES + registers * BANK_REGISTER_BYTES;
  if (bytes != first + (actions + interrupts) * BANK_ROW_BYTES + fifos * BANK_FIFO_BYTES) return false;
  let end: u32 = 0;
  for (let i: u32 = 0; i < registers; i++) {
    const row = rows + BANK_HEADER_BYTES + i * BANK_REGISTER_BYTES;
    const position = load<u32>(row);
    const width = <u32>load<u8>(row, 4);
    // In rising order and without overlap, so that the index can be made in one pass.
    if (!isSize(width) || position < end || position > covered || covered - position < width) return false;
    if (<u32>load<u16>(row, 8) + load<u16>(row, 10) > actions) return false;
    end = position + width;
  }
  for (let i: u32 = 0; i < actions; i++) if (!isSoundAction(rows + first + i * BANK_ROW_BYTES, registers, fifos, covered)) return false;
  for (let i: u32 = 0; i < fifos; i++) {
    const row = rows + first + actions * BANK_ROW_BYTES + i * BANK_FIFO_BYTES;
    const capacity = load<u32>(row);
    const level = <u32>load<u16>(row, 20);
    if (capacity == 0 || capacity > MAX_ROWS || (level != BANK_NO_REGISTER && level >= registers) || load<u8>(row, 22) > 63) return false;
  }
  for (let i: u32 = 0; i < interrupts; i++) {
    const row = rows + first + actions * BANK_ROW_BYTES + fifos * BANK_FIFO_BYTES + i * BANK_ROW_BYTES;
    const enable = <u32>load<u16>(row, 2);
    if (load<u16>(row) >= <u16>registers || (enable != BANK_NO_REGISTER && enable >= registers) || load<u16>(row, 4) > 63) return false;
  }
  return true;
}

function isSoundAction(row: u32, registers: u32, fifos: u32, covered: u32): bool {
  const operation = <u32>load<u8>(row);
  const target = <u32>load<u16>(row, 4);
  if (operation < ACTION_LOCK || operation > ACTION_DATA_PORT) return false;
  if (operation == ACTION_FIFO) return target < fifos;
  if (operation == ACTION_ONCE || operation == ACTION_FIELD_CLEAR || operation == ACTION_FIELD_SET) return true;
  if (operation == ACTION_DATA_PORT) {
    const from = load<u64>(row, 16);
    const stride = load<u64>(row, 24) & 0xffffffff;
    const count = load<u64>(row, 24) >>> 32;
    return target < registers && count != 0 && from <= covered && count <= 0xffff && stride <= covered && from + stride * (count - 1) < covered;
  }
  return target < registers;
}

/** Puts a plain register's masks beside its stored bits. */
function showMasks(table: u32, register: u32): void {
  const at = storedAt(table, register);
  const distance = maskBytes(table);
  for (let byte: u32 = 0; byte < registerBytes(register); byte++) {
    store<u8>(at + distance + byte, load<u8>(register + byte, 16));
    store<u8>(at + 2 * distance + byte, load<u8>(register + byte, 24));
  }
}

/** Gives a new region its bank; 0, or -EINVAL for rows that can be none, -ENOMEM. The rows are in the order of the picture. */
export function makeBank(region: u32, rows: u32, bytes: u32, size: u64): i32 {
  if (!isSound(rows, bytes, size)) return -EINVAL;
  const registers = load<u32>(rows);
  const actions = load<u32>(rows, 4);
  const fifos = load<u32>(rows, 8);
  const covered = load<u32>(rows, 16);
  const firstAction = BANK_HEADER_BYTES + registers * BANK_REGISTER_BYTES;
  const firstFifo = firstAction + actions * BANK_ROW_BYTES;
  let entries: u64 = 0;
  for (let i: u32 = 0; i < fifos; i++) entries += load<u32>(rows + firstFifo + i * BANK_FIFO_BYTES);
  const values = (bytes + 7) & ~7;
  const plane = (covered + 15) & ~7;
  const queues = <u64>values + 3 * <u64>plane;
  const index = queues + entries * 8;
  const total = index + <u64>covered * 2;
  const table = takeFrames(total);
  if (table == 0) return -ENOMEM;
  countBacking(<i64>total);
  memory.copy(table, rows, bytes);
  store<u32>(table, <u32>total, 24);
  store<u32>(table, table + firstAction, 28);
  store<u32>(table, table + firstFifo, 32);
  store<u32>(table, table + firstFifo + fifos * BANK_FIFO_BYTES, 36);
  store<u32>(table, table + values, 40);
  store<u32>(table, table + <u32>index, 44);
  store<u64>(table, 0, 48);
  store<u32>(table, 0, 56);
  store<u32>(table, plane, 60);
  let queue = table + <u32>queues;
  for (let i: u32 = 0; i < fifos; i++) {
    store<u32>(fifoAt(table, i), queue, 8);
    store<u32>(fifoAt(table, i), 0, 12);
    store<u32>(fifoAt(table, i), 0, 16);
    store<u64>(fifoAt(table, i), 0, 24);
    queue += load<u32>(fifoAt(table, i)) * 8;
  }
  for (let i: u32 = 0; i < registers; i++) {
    const register = registerRow(table, i);
    const at = load<u32>(table, 44) + (registerPosition(register) << 1);
    // What a host may have left in the fields that are only used here, and a short way that does not know of byte order.
    store<u64>(register, 0, 152);
    store<u64>(register, 0, 160);
    store<u64>(register, 0, 168);
    store<u64>(register, 0, 176);
    store<u64>(register, 0, 184);
    store<u8>(register, 0, 13);
    if ((bankFlags(table) & BANK_BIG_ENDIAN) != 0) store<u8>(register, load<u8>(register, 5) & ~REGISTER_PLAIN, 5);
    if ((registerFlags(register) & REGISTER_PLAIN) != 0) showMasks(table, register);
    for (let byte: u32 = 0; byte < registerBytes(register); byte++) store<u16>(at + (byte << 1), <u16>(i + 1));
  }
  store<u32>(region, table, 24);
  return 0;
}

/** Returns a bank's memory. */
export function releaseBank(region: u32): void {
  const table = tableOf(region);
  if (table == 0) return;
  const total = load<u32>(table, 24);
  giveFrames(table, total);
  countBacking(-(<i64>total));
  store<u32>(region, 0, 24);
}

/** Counts a piece of an access that no register has (B-hole). */
export function countHole(region: u32): void {
  store<u64>(region, load<u64>(region, 64) + 1, 64);
}

export function holes(region: u32): u64 {
  return load<u64>(region, 64);
}
