// Device-file offsets: which range of one open file's offsets is which region (by its index) of the device.
//
//   index       | region 0 ........ 2^40 | region 1 ........ 2^40 | ...       offset = index << 40
//   cookie      |page| r2 | r0      | r7| ...                                 packed in the order of the first requests
//   scattered   ..........| r0      |...............| r2 |.......             seeded random places
//
//   table record    8 offsets tree (16 bytes), offset range -> cookie | 32 index tree (16 bytes), index -> cookie | 56 mode u32 | 60 random state u32
//   cookie record   8 start u64 | 16 index u32

import {
  CELL_FIRST,
  CELL_INDEX,
  CELL_POSITION,
  EINVAL,
  ENOMEM,
  ENOSPC,
  ENXIO,
  OBJECT_COOKIE,
  OBJECT_COOKIE_TABLE,
  OFFSETS_INDEX,
  OFFSETS_SCATTERED,
  PAGE_BYTES,
} from './layout.generated.ts';
import { cells } from './cells.ts';
import { deleteObject, handleOf, newObject } from './memory/objects.ts';
import { reserveChanges } from './maple/grow.ts';
import { treeGap } from './maple/gaps.ts';
import { treeFind, treeLoad } from './maple/read.ts';
import { treeClear, treeInsert } from './maple/write.ts';

const SLOT_SHIFT: u64 = 40;
const SLOT_BYTES: u64 = 1 << 40;
const PAGE: u64 = PAGE_BYTES;
const MAX_ALIGNMENT: u64 = 1 << 30;
const COOKIE_END: u64 = i64.MAX_VALUE;
// A scattered offset stays a safe integer in JavaScript.
const SCATTER_END: u64 = (1 << 53) - 1;
const MAX_INDEX: u32 = 1 << 22;

function offsetsTree(table: u32): u32 {
  return table + 8;
}

function indexTree(table: u32): u32 {
  return table + 32;
}

/** A new table's handle, or a negative errno. `seed` is not 0 in mode `scattered`. */
export function createCookieTable(mode: u32, seed: u32): i32 {
  if (mode > OFFSETS_SCATTERED || (mode == OFFSETS_SCATTERED && seed == 0)) return -EINVAL;
  const table = newObject(OBJECT_COOKIE_TABLE);
  if (table == 0) return -ENOMEM;
  store<u32>(table, mode, 56);
  store<u32>(table, seed, 60);
  return handleOf(table);
}

export function destroyCookieTable(table: u32): void {
  let cookie = treeFind(indexTree(table), 0, u64.MAX_VALUE);
  while (cookie != 0) {
    const index = load<u64>(cells, CELL_FIRST);
    deleteObject(cookie);
    cookie = treeFind(indexTree(table), index + 1, u64.MAX_VALUE);
  }
  treeClear(offsetsTree(table));
  treeClear(indexTree(table));
  deleteObject(table);
}

// xorshift32, the generator that the reference engine uses as well.
function random(table: u32): u32 {
  let x = load<u32>(table, 60);
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  store<u32>(table, x, 60);
  return x;
}

/** C-scattered: a free place from a random start on, once around, never index << 40. */
function scatter(table: u32, index: u32, length: u64, alignment: u64): bool {
  const high = <u64>(random(table) & 0x000fffff);
  const low = <u64>random(table);
  const lowest = max<u64>(PAGE, alignment);
  const start = max<u64>(((high << 32) | low) & ~(alignment - 1), lowest);
  return placeFrom(table, index, length, alignment, start) || placeFrom(table, index, length, alignment, lowest);
}

function placeFrom(table: u32, index: u32, length: u64, alignment: u64, from: u64): bool {
  const tree = offsetsTree(table);
  if (treeGap(tree, length, alignment, from, SCATTER_END, false) != 0) return false;
  const own = <u64>index << SLOT_SHIFT;
  if (load<u64>(cells, CELL_FIRST) != own) return true;
  return treeGap(tree, length, alignment, own + alignment, SCATTER_END, false) == 0;
}

/** C-cookie: the alignment for a length in whole pages. */
function alignmentFor(length: u64): u64 {
  const power: u64 = length > MAX_ALIGNMENT ? MAX_ALIGNMENT : (<u64>1) << (64 - clz<u64>(length - 1));
  return max<u64>(power, PAGE);
}

/** The offset at which region `index` of `bytes` starts, placed now if it was not: 0 with the offset in the cells, or a negative errno. */
export function requestCookie(table: u32, index: u32, bytes: u64): i32 {
  if (index >= MAX_INDEX) return -EINVAL;
  const present = treeLoad(indexTree(table), index);
  if (present != 0) {
    store<u64>(cells, load<u64>(present, 8), CELL_FIRST);
    return 0;
  }
  const mode = load<u32>(table, 56);
  if (mode == OFFSETS_INDEX) {
    if (bytes > SLOT_BYTES) return -EINVAL;
  } else if (bytes == 0) {
    // C-empty
    store<u64>(cells, 0, CELL_FIRST);
    return 0;
  }
  // All memory is there before a random number is drawn and a tree changes: from here on only a place can be missing.
  if (!reserveChanges(offsetsTree(table), 2) || !reserveChanges(indexTree(table), 2)) return -ENOMEM;
  const cookie = newObject(OBJECT_COOKIE);
  if (cookie == 0) return -ENOMEM;
  const length = mode == OFFSETS_INDEX ? SLOT_BYTES : (bytes + (PAGE - 1)) & ~(PAGE - 1);
  if (!findPlace(table, mode, index, length)) {
    deleteObject(cookie);
    return -ENOSPC;
  }
  place(table, index, cookie, load<u64>(cells, CELL_FIRST), length);
  return 0;
}

/** Leaves the offset for a new range in the cells. */
function findPlace(table: u32, mode: u32, index: u32, length: u64): bool {
  if (mode == OFFSETS_INDEX) {
    store<u64>(cells, <u64>index << SLOT_SHIFT, CELL_FIRST);
    return true;
  }
  const alignment = alignmentFor(length);
  if (mode == OFFSETS_SCATTERED) return scatter(table, index, length, alignment);
  return treeGap(offsetsTree(table), length, alignment, PAGE, COOKIE_END, false) == 0;
}

function place(table: u32, index: u32, cookie: u32, start: u64, length: u64): void {
  store<u64>(cookie, start, 8);
  store<u32>(cookie, index, 16);
  treeInsert(offsetsTree(table), start, start + (length - 1), cookie);
  treeInsert(indexTree(table), index, index, cookie);
}

/** C-resolve: 0 with index and position in the cells, or -ENXIO. */
export function resolveCookie(table: u32, offset: u64): i32 {
  const cookie = treeLoad(offsetsTree(table), offset);
  if (cookie == 0) return -ENXIO;
  store<u32>(cells, load<u32>(cookie, 16), CELL_INDEX);
  store<u64>(cells, offset - load<u64>(cookie, 8), CELL_POSITION);
  return 0;
}
