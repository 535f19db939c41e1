// Regions: what lies behind an address. Creation, destruction, and one cycle of each backing kind.
//
//   record   5 backing u8 | 6 minWidth u8 | 7 maxWidth u8 | 8 flags u32 | 12 base u32 | 16 size u64
//           24 page tree (16 bytes) | 48 first window u32 | 52 busy u32 | 56 refused cycles u64
//           64 last page's index u64 | 72 last page u32 | from 100 on: transactions.ts          a bank: 24 table u32 | 64 accesses to holes u64
//
// RAM and ROM are one run of frames at `base`. A demand region keeps page index -> page address in a range store and remembers the last page it met.

import {
  COUNT_PAGES,
  EINVAL,
  ENOMEM,
  MAX_NESTED_ACCESSES,
  OBJECT_REGION,
  PAGE_BYTES,
  REGION_BANK,
  REGION_DEMAND,
  REGION_HOOK,
  REGION_RAM,
  REGION_REENTRANT,
  REGION_ROM,
  REGION_UNALIGNED,
} from './layout.generated.ts';
import { closeLanes } from './lane.ts';
import { giveFrames, takeFrames } from './memory/arena.ts';
import { countBacking, deleteObject, handleOf, newObject } from './memory/objects.ts';
import { give, reserve, take } from './memory/slab.ts';
import { openNotices } from './notice.ts';
import { isBank, makeBank, releaseBank, tableOf } from './registers/bank.ts';
import { resetBank } from './registers/reset.ts';
import { treeFind, treeLoad } from './maple/read.ts';
import { treeClear, treeErase, treeInsert } from './maple/write.ts';
import { cells } from './cells.ts';
import { CELL_FIRST } from './layout.generated.ts';

const MAX_SIZE: u64 = 1 << 63;
const PAGE_SHIFT: u64 = 12;
const PAGE_MASK: u64 = PAGE_BYTES - 1;
// 4 GiB.
const MANY_PAGES: u64 = 1 << 20;

export function backing(region: u32): u32 {
  return load<u8>(region, 5);
}

export function minWidth(region: u32): u32 {
  return load<u8>(region, 6);
}

export function maxWidth(region: u32): u32 {
  return load<u8>(region, 7);
}

export function flags(region: u32): u32 {
  return load<u32>(region, 8);
}

export function base(region: u32): u32 {
  return load<u32>(region, 12);
}

export function size(region: u32): u64 {
  return load<u64>(region, 16);
}

/** The tree from page indices to pages of a demand region. */
export function pageTree(region: u32): u32 {
  return region + 24;
}

export function firstWindow(region: u32): u32 {
  return load<u32>(region, 48);
}

export function setFirstWindow(region: u32, window: u32): void {
  store<u32>(region, window, 48);
}

export function isBusy(region: u32): bool {
  return load<u32>(region, 52) != 0;
}

export function setBusy(region: u32, by: i32): void {
  store<u32>(region, load<u32>(region, 52) + by, 52);
}

export function refusedCycles(region: u32): u64 {
  return load<u64>(region, 56);
}

export function countRefused(region: u32): void {
  store<u64>(region, load<u64>(region, 56) + 1, 56);
}

function isWidth(width: u32): bool {
  return width == 1 || width == 2 || width == 4 || width == 8;
}

/** A new register bank's handle, or a negative errno: `rows` describe it (registers/bank.ts). Its registers hold their reset values. */
export function createBank(bytes: u64, narrowest: u32, widest: u32, regionFlags: u32, rows: u32, rowBytes: u32): i32 {
  if (bytes == 0 || bytes > MAX_SIZE || !isWidth(narrowest) || !isWidth(widest) || narrowest > widest) return -EINVAL;
  if ((regionFlags & ~(REGION_UNALIGNED | REGION_REENTRANT)) != 0) return -EINVAL;
  if (!openNotices()) return -ENOMEM;
  const region = newObject(OBJECT_REGION);
  if (region == 0) return -ENOMEM;
  const status = makeBank(region, rows, rowBytes, bytes);
  if (status != 0) {
    deleteObject(region);
    return status;
  }
  describe(region, REGION_BANK, bytes, narrowest, widest, regionFlags);
  resetBank(region, tableOf(region), false);
  return handleOf(region);
}

function describe(region: u32, kind: u32, bytes: u64, narrowest: u32, widest: u32, regionFlags: u32): void {
  store<u8>(region, <u8>kind, 5);
  store<u8>(region, <u8>narrowest, 6);
  store<u8>(region, <u8>widest, 7);
  store<u32>(region, regionFlags, 8);
  store<u64>(region, bytes, 16);
}

/** A new region's handle, or a negative errno. */
export function createRegion(kind: u32, bytes: u64, narrowest: u32, widest: u32, regionFlags: u32): i32 {
  if (kind < REGION_RAM || kind > REGION_HOOK || bytes == 0 || bytes > MAX_SIZE) return -EINVAL;
  if (!isWidth(narrowest) || !isWidth(widest) || narrowest > widest) return -EINVAL;
  if ((regionFlags & ~(REGION_UNALIGNED | REGION_REENTRANT)) != 0) return -EINVAL;
  let frames: u32 = 0;
  if (kind == REGION_RAM || kind == REGION_ROM) {
    frames = takeFrames(bytes);
    if (frames == 0) return -ENOMEM;
  }
  const region = newObject(OBJECT_REGION);
  if (region == 0) {
    if (frames != 0) giveFrames(frames, bytes);
    return -ENOMEM;
  }
  if (frames != 0) countBacking(<i64>bytes);
  describe(region, kind, bytes, narrowest, widest, regionFlags);
  store<u32>(region, frames, 12);
  return handleOf(region);
}

/** Returns a region's pages or frames and ends it. Its windows are gone already, and none of its hooks runs. */
export function releaseRegion(region: u32): void {
  if (base(region) != 0) {
    giveFrames(base(region), size(region));
    countBacking(-(<i64>size(region)));
  }
  if (isBank(region)) {
    closeLanes();
    releaseBank(region);
  } else {
    dropPages(region);
  }
  deleteObject(region);
}

/** Returns every page of a demand region: it reads zero again. */
export function dropPages(region: u32): void {
  closeLanes();
  const tree = pageTree(region);
  let page = treeFind(tree, 0, u64.MAX_VALUE);
  while (page != 0) {
    const index = load<u64>(cells, CELL_FIRST);
    give(COUNT_PAGES, page);
    page = treeFind(tree, index + 1, u64.MAX_VALUE);
  }
  treeClear(tree);
  store<u32>(region, 0, 72);
}

/** The page that holds `position`, or 0 when it was never written. */
export function pageAt(region: u32, position: u64): u32 {
  const index = position >> PAGE_SHIFT;
  if (load<u32>(region, 72) != 0 && load<u64>(region, 64) == index) return load<u32>(region, 72);
  const page = treeLoad(pageTree(region), index);
  if (page != 0) rememberPage(region, index, page);
  return page;
}

function rememberPage(region: u32, index: u64, page: u32): void {
  store<u64>(region, index, 64);
  store<u32>(region, page, 72);
}

/** The page that holds `position`, made and zeroed if it is not there; 0 when memory is full. */
export function touchPage(region: u32, position: u64): u32 {
  let page = pageAt(region, position);
  if (page != 0) return page;
  if (!reserve(COUNT_PAGES, 1)) return 0;
  const index = position >> PAGE_SHIFT;
  page = take(COUNT_PAGES);
  if (treeInsert(pageTree(region), index, index, page) != 0) {
    give(COUNT_PAGES, page);
    return 0;
  }
  memory.fill(page, 0, PAGE_BYTES);
  rememberPage(region, index, page);
  return page;
}

/** How many pages first..last of a demand region lack; of more than memory could hold, only that there are too many. */
export function missingPages(region: u32, first: u64, last: u64): u64 {
  const end = last >> PAGE_SHIFT;
  let index = first >> PAGE_SHIFT;
  if (end - index >= MANY_PAGES) return MANY_PAGES;
  let missing: u64 = 0;
  for (; index <= end; index++) missing += u64(treeLoad(pageTree(region), index) == 0);
  return missing;
}

function dropPage(region: u32, position: u64): void {
  give(COUNT_PAGES, treeErase(pageTree(region), position >> PAGE_SHIFT));
  store<u32>(region, 0, 72);
}

/** `width` bytes (1, 2, 4 or 8) in memory as a number. */
export function loadBytes(address: u32, width: u32): u64 {
  if (width == 4) return load<u32>(address);
  if (width == 1) return load<u8>(address);
  if (width == 8) return load<u64>(address);
  return load<u16>(address);
}

/** The low `width` bytes (1, 2, 4 or 8) of a number into memory. */
export function storeBytes(address: u32, width: u32, value: u64): void {
  if (width == 4) store<u32>(address, <u32>value);
  else if (width == 1) store<u8>(address, <u8>value);
  else if (width == 8) store<u64>(address, value);
  else store<u16>(address, <u16>value);
}

/** One cycle of a demand region. */
export function demandRead(region: u32, position: u64, width: u32): u64 {
  const inPage = <u32>(position & PAGE_MASK);
  if (inPage + width <= PAGE_BYTES) {
    const page = pageAt(region, position);
    return page == 0 ? 0 : loadBytes(page + inPage, width);
  }
  let value: u64 = 0;
  for (let i: u32 = 0; i < width; i++) value |= demandRead(region, position + i, 1) << (<u64>i << 3);
  return value;
}

/** One cycle of a demand region; false when memory is full. A cycle over a page border makes both pages or changes nothing. */
export function demandWrite(region: u32, position: u64, width: u32, value: u64): bool {
  const inPage = <u32>(position & PAGE_MASK);
  const present = pageAt(region, position) != 0;
  const page = touchPage(region, position);
  if (page == 0) return false;
  if (inPage + width <= PAGE_BYTES) {
    storeBytes(page + inPage, width, value);
    return true;
  }
  if (touchPage(region, position + width - 1) == 0) {
    if (!present) dropPage(region, position);
    return false;
  }
  for (let i: u32 = 0; i < width; i++) demandWrite(region, position + i, 1, value >> (<u64>i << 3));
  return true;
}

/** How deep hooks may nest before an access is refused. */
export const MAX_DEPTH: u32 = MAX_NESTED_ACCESSES;

/** True when the backing has no side effects, so that nobody can see into how many cycles an access was cut. */
export function isPassive(region: u32): bool {
  return backing(region) < REGION_HOOK && minWidth(region) == 1;
}

export function isDemand(region: u32): bool {
  return backing(region) == REGION_DEMAND;
}

export function isRom(region: u32): bool {
  return backing(region) == REGION_ROM;
}
