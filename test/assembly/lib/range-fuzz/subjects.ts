// The stores of a chunk: two that change and two snapshots, each a handle in the module under test and columns of the reference.

import * as columns from './columns.ts';
import * as core from './core.ts';

export const STORES: u32 = 2;
export const SUBJECTS: u32 = 4;
const ROWS: u32 = 8192;
const BATCH_ROWS: u32 = 64;
const BATCH_BYTES: u32 = 8 + 8 + 4 + 4;

let subjects: u32 = 0;
export let cells: u32 = 0;
/** Rows of walks and bulk loads. */
export let rows: u32 = 0;
/** Columns of a batch. */
export let batchFirsts: u32 = 0;
export let batchLasts: u32 = 0;
export let batchValues: u32 = 0;
export let batchErrnos: u32 = 0;

/** How many bytes prepare() needs for stores of so many entries. */
export function bytesNeeded(room: u32): u32 {
  columns.setRoom(room);
  return SUBJECTS * columns.storeBytes() + ROWS * 24 + BATCH_ROWS * BATCH_BYTES;
}

export function prepare(buffer: u32, resultCells: u32): void {
  cells = resultCells;
  subjects = buffer;
  rows = buffer + SUBJECTS * columns.storeBytes();
  batchFirsts = rows + ROWS * 24;
  batchLasts = batchFirsts + BATCH_ROWS * 8;
  batchValues = batchLasts + BATCH_ROWS * 8;
  batchErrnos = batchValues + BATCH_ROWS * 4;
}

export function subject(i: u32): u32 {
  return subjects + i * columns.storeBytes();
}

/** Empty stores, and no snapshots. */
export function create(): void {
  for (let i: u32 = 0; i < SUBJECTS; i++) {
    const s = subject(i);
    memory.fill(s, 0, columns.HEADER);
    if (i < STORES) columns.setHandle(s, core.treeCreate());
    else columns.setSnapshot(s, 1);
  }
}

export function destroy(): void {
  for (let i: u32 = 0; i < SUBJECTS; i++) if (columns.handleOf(subject(i)) != 0) core.treeDestroy(columns.handleOf(subject(i)));
}

/** 0 when every store is sound and holds what its reference holds; else 1 + subject, and 100 * the structural check's answer. */
export function faultInContent(): i32 {
  for (let i: u32 = 0; i < SUBJECTS; i++) {
    const s = subject(i);
    if (columns.handleOf(s) == 0) continue;
    const fault = core.treeValidate(columns.handleOf(s));
    if (fault != 0) return 100 * abs(fault) + i + 1;
    if (<u32>core.treeCount(columns.handleOf(s)) != columns.count(s) || !sameEntries(s)) return i + 1;
  }
  return 0;
}

function sameEntries(s: u32): bool {
  const n = columns.count(s);
  let slot: u32 = 0;
  let from: u64 = 0;
  while (slot < n) {
    const many = core.treeWalk(columns.handleOf(s), from, u64.MAX_VALUE, 0, rows, ROWS);
    if (many <= 0 || slot + many > n) return false;
    for (let i = 0; i < many; i++, slot++) {
      const row = rows + i * 24;
      if (load<u64>(row) != columns.first(s, slot) || load<u64>(row, 8) != columns.last(s, slot) || load<u32>(row, 16) != columns.value(s, slot)) return false;
    }
    from = load<u64>(rows + (many - 1) * 24, 8) + 1;
    if (from == 0) break;
  }
  return slot == n && (n > 0 || core.treeWalk(columns.handleOf(s), 0, u64.MAX_VALUE, 0, rows, 1) == 0);
}
