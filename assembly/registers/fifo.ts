// FIFOs of a bank (B-fifo): entries of up to 64 bits in a ring.
//
//   row   0 capacity u32 | 8 entries' address u32 | 12 oldest u32 | 16 how many u32 | 20 level register u16, 0xffff: none | 22 level's lowest bit u8 | 23 level's bits u8
//        24 dropped u32 | 28 taken while empty u32

import { BANK_NO_REGISTER } from '../layout.generated.ts';
import { fifoAt, fifoCount, registerRow, setStored, stored } from './bank.ts';

export function fifoLength(fifo: u32): u32 {
  return load<u32>(fifo, 16);
}

function entryAt(fifo: u32, i: u32): u32 {
  return load<u32>(fifo, 8) + ((i % load<u32>(fifo)) << 3);
}

/** Writes how many entries there are into the level field, as much of the number as the field holds. */
function showLevel(table: u32, fifo: u32): void {
  const number = <u32>load<u16>(fifo, 20);
  if (number == BANK_NO_REGISTER) return;
  const bits = <u64>load<u8>(fifo, 23);
  const field = (bits >= 64 ? u64.MAX_VALUE : ((<u64>1) << bits) - 1) << <u64>load<u8>(fifo, 22);
  const register = registerRow(table, number);
  setStored(table, register, (stored(table, register) & ~field) | ((<u64>fifoLength(fifo) << <u64>load<u8>(fifo, 22)) & field));
}

/** Adds an entry; false, and counted, when the FIFO is full. */
export function push(table: u32, fifo: u32, value: u64): bool {
  const n = fifoLength(fifo);
  if (n == load<u32>(fifo)) {
    store<u32>(fifo, load<u32>(fifo, 24) + 1, 24);
    return false;
  }
  store<u64>(entryAt(fifo, load<u32>(fifo, 12) + n), value);
  store<u32>(fifo, n + 1, 16);
  showLevel(table, fifo);
  return true;
}

/** Takes the oldest entry; 0, and counted, when there is none. */
export function pop(table: u32, fifo: u32): u64 {
  const n = fifoLength(fifo);
  if (n == 0) {
    store<u32>(fifo, load<u32>(fifo, 28) + 1, 28);
    return 0;
  }
  const oldest = load<u32>(fifo, 12);
  const value = load<u64>(entryAt(fifo, oldest));
  store<u32>(fifo, (oldest + 1) % load<u32>(fifo), 12);
  store<u32>(fifo, n - 1, 16);
  showLevel(table, fifo);
  return value;
}

/** Empties every FIFO. */
export function emptyFifos(table: u32): void {
  for (let i: u32 = 0; i < fifoCount(table); i++) {
    const fifo = fifoAt(table, i);
    store<u32>(fifo, 0, 12);
    store<u32>(fifo, 0, 16);
    showLevel(table, fifo);
  }
}
