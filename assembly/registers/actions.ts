// Table-driven effects of a register's reads and writes, in the order of the map.
//
//   row   0 operation u8 | 1 when u8: 1 after a read, 2 after a write | 2 flags u16 | 4 register, FIFO or index register u16 | 8 own bits u64: those that must be touched | 16 a u64 | 24 b u64
//
//   lock            own bits are writable while (register & a) == b
//   once            own bits are read-only when a write touched one of them
//   field clear,    own bits become 0, or 1, when a write touches one of them
//   field set
//   set, clear      register |= a, or &= ~a; with flag 1 only when a written own bit is 1
//   copy            the bits a of register become own bits, lowest to lowest
//   count           the field a of register changes by b (signed); wraps inside the field, or with flag 2 stops at its ends; flag 1 as above
//   FIFO            a write adds own bits to the FIFO; a read took its oldest entry before
//   data port       (port.ts)

import {
  ACTION_AFTER_READ,
  ACTION_AFTER_WRITE,
  ACTION_CLEAR,
  ACTION_COPY,
  ACTION_COUNT,
  ACTION_FIELD_CLEAR,
  ACTION_FIELD_SET,
  ACTION_FIFO,
  ACTION_LOCK,
  ACTION_ONCE,
  ACTION_SATURATES,
  ACTION_SET,
  ACTION_WHEN_ONE,
  BANK_ROW_BYTES,
} from '../layout.generated.ts';
import { actionAt, fifoAt, registerRow, setStored, stored } from './bank.ts';
import { pop, push } from './fifo.ts';

function firstAction(table: u32, register: u32): u32 {
  return actionAt(table, load<u16>(register, 8));
}

function actionsEnd(table: u32, register: u32): u32 {
  return actionAt(table, <u32>load<u16>(register, 8) + load<u16>(register, 10));
}

function own(row: u32): u64 {
  return load<u64>(row, 8);
}

function target(table: u32, row: u32): u32 {
  return registerRow(table, load<u16>(row, 4));
}

/** The bits of a register that locks close. */
export function lockedBits(table: u32, register: u32): u64 {
  let bits: u64 = 0;
  const end = actionsEnd(table, register);
  for (let row = firstAction(table, register); row != end; row += BANK_ROW_BYTES) {
    if (load<u8>(row) == ACTION_LOCK && (stored(table, target(table, row)) & load<u64>(row, 16)) != load<u64>(row, 24)) bits |= own(row);
  }
  return bits;
}

/** What whole-field words make of a value whose `lanes` were written: only `allowed` bits change. */
export function fieldsWritten(table: u32, register: u32, lanes: u64, allowed: u64, value: u64): u64 {
  let result = value;
  const end = actionsEnd(table, register);
  for (let row = firstAction(table, register); row != end; row += BANK_ROW_BYTES) {
    const operation = <u32>load<u8>(row);
    const bits = own(row) & allowed;
    if ((own(row) & lanes) == 0) continue;
    if (operation == ACTION_FIELD_CLEAR) result &= ~bits;
    else if (operation == ACTION_FIELD_SET) result |= bits;
    else if (operation == ACTION_ONCE) store<u64>(register, load<u64>(register, 152) | bits, 152);
  }
  return result;
}

/** Puts the oldest entries of FIFOs that a read takes from into the register. */
export function takeFromFifos(table: u32, register: u32, lanes: u64): void {
  const end = actionsEnd(table, register);
  for (let row = firstAction(table, register); row != end; row += BANK_ROW_BYTES) {
    if (load<u8>(row) != ACTION_FIFO || (load<u8>(row, 1) & ACTION_AFTER_READ) == 0 || (own(row) & lanes) == 0) continue;
    const entry = pop(table, fifoAt(table, load<u16>(row, 4)));
    setStored(table, register, (stored(table, register) & ~own(row)) | ((entry << ctz<u64>(own(row))) & own(row)));
  }
}

/** The field `bits` of a number. */
function fieldOf(value: u64, bits: u64): u64 {
  return bits == 0 ? 0 : (value & bits) >> ctz<u64>(bits);
}

function count(table: u32, row: u32): void {
  const bits = load<u64>(row, 16);
  if (bits == 0) return;
  const register = target(table, row);
  const value = stored(table, register);
  const highest = bits >> ctz<u64>(bits);
  const step = load<i64>(row, 24);
  const size = step < 0 ? <u64>-step : <u64>step;
  const now = fieldOf(value, bits);
  let next = step < 0 ? now - size : now + size;
  if ((load<u16>(row, 2) & ACTION_SATURATES) != 0) {
    if (step < 0) next = now < size ? 0 : next;
    else next = highest - now < size ? highest : next;
  }
  setStored(table, register, (value & ~bits) | ((next << ctz<u64>(bits)) & bits));
}

/** Runs what follows a read or a write that touched `lanes`; `data` is what was written, 0 for a read. */
export function runActions(table: u32, register: u32, writes: bool, lanes: u64, data: u64): void {
  const when = writes ? ACTION_AFTER_WRITE : ACTION_AFTER_READ;
  const end = actionsEnd(table, register);
  for (let row = firstAction(table, register); row != end; row += BANK_ROW_BYTES) {
    const operation = <u32>load<u8>(row);
    if (operation < ACTION_SET || operation > ACTION_FIFO || (load<u8>(row, 1) & when) == 0 || (own(row) & lanes) == 0) continue;
    if ((load<u16>(row, 2) & ACTION_WHEN_ONE) != 0 && (data & own(row) & lanes) == 0) continue;
    if (operation == ACTION_FIFO) {
      if (writes) push(table, fifoAt(table, load<u16>(row, 4)), fieldOf(data, own(row)));
      continue;
    }
    if (operation == ACTION_COUNT) {
      count(table, row);
      continue;
    }
    const other = target(table, row);
    const bits = load<u64>(row, 16);
    if (operation == ACTION_SET) setStored(table, other, stored(table, other) | bits);
    else if (operation == ACTION_CLEAR) setStored(table, other, stored(table, other) & ~bits);
    else if (operation == ACTION_COPY && bits != 0) setStored(table, other, (stored(table, other) & ~bits) | ((fieldOf(stored(table, register), own(row)) << ctz<u64>(bits)) & bits));
  }
}
