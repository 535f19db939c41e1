// Mapping sorted pages into a domain that has not many more: everything is written out in order, and the tree built anew, from left to right.
//
//   leaves     | a c | e h |
//   pages      b d f               ->    columns  | a b c d e f h |    first u64 x n | last u64 x n | record u32 x n    ->    leaves  | a b c d | e f h |
//
// A tree's leaves lie all over memory, and most of a large batch's pages go into a leaf of their own: looking for each is waiting for each.

import { EEXIST, ENOMEM } from '../layout.generated.ts';
import { treeRebuild } from '../maple/bulk.ts';
import { count, first, last, writeEntries } from '../maple/node.ts';
import { descend, entryCount, nextLeaf, pathNode } from '../maple/path.ts';
import { treeFind } from '../maple/read.ts';
import { leafSlot } from '../maple/search.ts';
import { giveFrames, takeSpareFrames } from '../memory/arena.ts';
import { handleOf } from '../memory/objects.ts';
import { mappings } from './domain.ts';
import { giveRecord, takeRecord } from './records.ts';

// A page costs as much to look for as some sixteen ranges to write out.
const MOST_TO_ONE: u64 = 16;
const FEW_TO_ONE: u64 = 4;
// Fewer pages are inserted before all is known about them.
const MANY: u32 = 1024;
const SAMPLES: u32 = 16;

let firsts: u32 = 0;
let lasts: u32 = 0;
let values: u32 = 0;
let written: u32 = 0;
// Pages among what was written.
let pages: u32 = 0;

/** Whether this is the quicker way for `n` pages in ascending order. */
export function isWorthMerging(domain: u32, iovas: u32, n: u32): bool {
  const present = entryCount(mappings(domain));
  if (present * FEW_TO_ONE <= n) return true;
  return n >= MANY && present <= MOST_TO_ONE * n && isAmong(domain, iovas, n);
}

/** Whether ranges lie between the pages, and not the pages all behind one range or between two: there each is put beside the one before. */
function isAmong(domain: u32, iovas: u32, n: u32): bool {
  const stride = n / SAMPLES;
  let among: u32 = 0;
  for (let i: u32 = 0; i < SAMPLES; i++) {
    const at = iovas + ((i * stride) << 3);
    among += u32(treeFind(mappings(domain), load<u64>(at), load<u64>(at + 8)) != 0);
  }
  return among * FEW_TO_ONE >= SAMPLES;
}

/** D-map-pages of pages in ascending order, for which there are records: 0, -EEXIST or -ENOMEM with nothing changed. */
export function mergePages(domain: u32, iovas: u32, positions: u32, n: u32, bytes: u64, region: u32, permission: u32): i32 {
  const tree = mappings(domain);
  const total = entryCount(tree) + n;
  const columnBytes = total * 20;
  if (total > u32.MAX_VALUE) return -ENOMEM;
  firsts = takeSpareFrames(columnBytes);
  if (firsts == 0) return -ENOMEM;
  lasts = firsts + <u32>(total << 3);
  values = lasts + <u32>(total << 3);
  written = 0;
  pages = 0;
  const start = firsts;
  let status = merge(domain, iovas, positions, n, bytes, handleOf(region), permission) ? 0 : -EEXIST;
  if (status == 0) status = treeRebuild(tree, firsts, lasts, values, <u32>total);
  if (status != 0) giveRecords(domain, iovas);
  giveFrames(start, columnBytes);
  return status;
}

/** Writes out what is mapped and the pages, in order; false where two meet. */
function merge(domain: u32, iovas: u32, positions: u32, n: u32, bytes: u64, handle: u32, permission: u32): bool {
  const level = descend(mappings(domain), 0);
  if (level >= 0) {
    do {
      const leaf = pathNode(level);
      const entries = count(leaf);
      const end = last(leaf, entries - 1);
      let slot: u32 = 0;
      while (pages < n && row(iovas) <= end) {
        const iova = row(iovas);
        const behind = leafSlot(leaf, iova);
        if (first(leaf, behind) <= iova + (bytes - 1)) return false;
        writeRun(leaf, slot, behind);
        writePage(domain, iovas, positions, bytes, handle, permission);
        slot = behind;
      }
      writeRun(leaf, slot, entries);
    } while (nextLeaf(level));
  }
  while (pages < n) writePage(domain, iovas, positions, bytes, handle, permission);
  return true;
}

/** The next page's, of a column. */
function row(column: u32): u64 {
  return load<u64>(column + (pages << 3));
}

function writeRun(leaf: u32, slot: u32, end: u32): void {
  writeEntries(leaf, slot, end - slot, firsts + (written << 3), lasts + (written << 3), values + (written << 2));
  written += end - slot;
}

function writePage(domain: u32, iovas: u32, positions: u32, bytes: u64, handle: u32, permission: u32): void {
  const iova = row(iovas);
  store<u64>(firsts + (written << 3), iova);
  store<u64>(lasts + (written << 3), iova + (bytes - 1));
  store<u32>(values + (written << 2), takeRecord(domain, handle, permission, row(positions) - iova));
  written += 1;
  pages += 1;
}

/** Gives the records of the pages that were written. No range that was mapped begins where one of them does. */
function giveRecords(domain: u32, iovas: u32): void {
  let given: u32 = 0;
  for (let k: u32 = 0; given < pages; k++) {
    if (load<u64>(firsts + (k << 3)) != load<u64>(iovas + (given << 3))) continue;
    giveRecord(domain, load<u32>(values + (k << 2)));
    given += 1;
  }
}
