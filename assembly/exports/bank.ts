// Exports: register banks, and what the host is told of.

import { CELL_DATA, CELL_FIRST, CELL_LAST, EBADF, EINVAL, OBJECT_REGION } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { resolve } from '../memory/objects.ts';
import { inMemory } from '../number.ts';
import * as notices from '../notice.ts';
import { createBank } from '../region.ts';
import { fifoAt, fifoCount, holes, isBank, levels, stored, tableOf } from '../registers/bank.ts';
import { fifoLength, pop, push } from '../registers/fifo.ts';
import { evaluate } from '../registers/interrupts.ts';
import { numbered, poke, resetBank } from '../registers/reset.ts';

function bank(handle: u32): u32 {
  const region = resolve(handle, OBJECT_REGION);
  return region == 0 || !isBank(region) ? 0 : region;
}

export function bankCreate(size: u64, minWidth: u32, maxWidth: u32, flags: u32, rows: u32, bytes: u32): i32 {
  return inMemory(rows, bytes, 1) ? createBank(size, minWidth, maxWidth, flags, rows, bytes) : -EINVAL;
}

/** The stored bits of a register in the cells at CELL_DATA. */
export function bankPeek(handle: u32, register: u32): i32 {
  const region = bank(handle);
  if (region == 0) return -EBADF;
  const row = numbered(tableOf(region), register);
  if (row == 0) return -EINVAL;
  store<u64>(cells, stored(tableOf(region), row), CELL_DATA);
  return 0;
}

/** Changes the stored bits under `bits`. */
export function bankPoke(handle: u32, register: u32, bits: u64, value: u64): i32 {
  const region = bank(handle);
  if (region == 0) return -EBADF;
  const row = numbered(tableOf(region), register);
  if (row == 0) return -EINVAL;
  poke(region, tableOf(region), row, bits, value);
  return 0;
}

/** `bankPoke` with numbers for callers in JavaScript: bits and value in halves. */
export function bankPoke32(handle: u32, register: u32, bits: u32, value: u32): i32 {
  return bankPoke(handle, register, bits, value);
}

/** The lower half of a register's stored bits, for callers in JavaScript; -1 shifted out of its range for a bad handle or number. */
export function bankPeek32(handle: u32, register: u32): f64 {
  const region = bank(handle);
  if (region == 0) return -EBADF;
  const row = numbered(tableOf(region), register);
  return row == 0 ? -EINVAL : <f64>(<u32>stored(tableOf(region), row));
}

export function bankReset(handle: u32, soft: u32): i32 {
  const region = bank(handle);
  if (region == 0) return -EBADF;
  resetBank(region, tableOf(region), soft != 0);
  return 0;
}

/** The levels of all lines, one bit each, in the cells at CELL_DATA. */
export function bankLevels(handle: u32): i32 {
  const region = bank(handle);
  if (region == 0) return -EBADF;
  store<u64>(cells, levels(tableOf(region)), CELL_DATA);
  return 0;
}

/** Pieces of accesses that no register had. */
export function bankHoles(handle: u32): f64 {
  const region = bank(handle);
  return region == 0 ? -EBADF : <f64>holes(region);
}

/** What a register was used for, in the cells: reads u32 at CELL_FIRST, writes u32 behind it, writes to tagged bits u32 at CELL_LAST, violations u32 behind it. Plain registers do not count. */
export function bankCounts(handle: u32, register: u32): i32 {
  const region = bank(handle);
  if (region == 0) return -EBADF;
  const row = numbered(tableOf(region), register);
  if (row == 0) return -EINVAL;
  store<u64>(cells, load<u64>(row, 168), CELL_FIRST);
  store<u64>(cells, load<u64>(row, 176), CELL_LAST);
  return 0;
}

/** Adds an entry to a FIFO: 1, or 0 when it is full. */
export function bankFifoPush(handle: u32, fifo: u32, value: u64): i32 {
  const region = bank(handle);
  if (region == 0) return -EBADF;
  const table = tableOf(region);
  if (fifo >= fifoCount(table)) return -EINVAL;
  const added = push(table, fifoAt(table, fifo), value);
  evaluate(region, table);
  return added ? 1 : 0;
}

/** Takes the oldest entry of a FIFO into the cells at CELL_DATA: 1, or 0 when it is empty. */
export function bankFifoPop(handle: u32, fifo: u32): i32 {
  const region = bank(handle);
  if (region == 0) return -EBADF;
  const table = tableOf(region);
  if (fifo >= fifoCount(table)) return -EINVAL;
  if (fifoLength(fifoAt(table, fifo)) == 0) return 0;
  store<u64>(cells, pop(table, fifoAt(table, fifo)), CELL_DATA);
  evaluate(region, table);
  return 1;
}

/** How many entries a FIFO has. */
export function bankFifoLength(handle: u32, fifo: u32): i32 {
  const region = bank(handle);
  if (region == 0) return -EBADF;
  return fifo < fifoCount(tableOf(region)) ? fifoLength(fifoAt(tableOf(region), fifo)) : -EINVAL;
}

/** The address of the oldest notice that waits; 0 when none does. */
export function noticeOldest(): u32 {
  return notices.oldestNotice();
}

/** Forgets the oldest notice that waits. */
export function noticeTake(): void {
  notices.takeNotice();
}

/** How many doorbells were dropped since the last time this was asked. */
export function noticeDropped(): u32 {
  return notices.droppedNotices();
}
