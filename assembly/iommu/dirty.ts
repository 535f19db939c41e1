// Dirty pages of a domain: one bit for each page of 4096 bytes, by IOVA.
//
//   IOVA     | group, 37 bits | page in it, 15 bits | byte, 12 bits |
//                  |                  |
//        tree: group -> bitmap page   bit of 32,768                   a bitmap page is made when a page of its group is first marked, and goes with its last mark
//
//   domain record   40 tree of groups (16 bytes) | 56 tracks u32

import { CELL_FIRST, CELL_LAST, COUNT_PAGES, ENOMEM, PAGE_BYTES } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { reserveChanges } from '../maple/grow.ts';
import { root } from '../maple/path.ts';
import { treeFind, treeLoad } from '../maple/read.ts';
import { treeClear, treeErase, treeInsert } from '../maple/write.ts';
import { give, reserve, take } from '../memory/slab.ts';

const PAGE_SHIFT: u64 = 12;
const GROUP_SHIFT: u64 = 27;
const PAGES_IN_GROUP: u64 = 32768;
// More bitmap pages than memory can hold.
const TOO_MANY: u64 = 1 << 20;

/** The tree from groups to bitmap pages. */
export function marks(domain: u32): u32 {
  return domain + 40;
}

function mappings(domain: u32): u32 {
  return domain + 8;
}

/** Whether writes mark pages. */
export function tracks(domain: u32): bool {
  return load<u32>(domain, 56) != 0;
}

/** D-dirty: begins or ends. */
export function setTracks(domain: u32, on: bool): void {
  if (!on) dropMarks(domain);
  store<u32>(domain, u32(on), 56);
}

/** Forgets all marks. */
export function dropMarks(domain: u32): void {
  const tree = marks(domain);
  let bitmap = treeFind(tree, 0, u64.MAX_VALUE);
  while (bitmap != 0) {
    give(COUNT_PAGES, bitmap);
    bitmap = treeFind(tree, load<u64>(cells, CELL_FIRST) + 1, u64.MAX_VALUE);
  }
  treeClear(tree);
}

/** How many bitmap pages marks in groups first..last would have to make. */
export function missingBitmaps(domain: u32, first: u64, last: u64): u64 {
  // Groups are looked at one by one: of more than memory could hold, only that there are too many.
  if (last - first >= TOO_MANY) return TOO_MANY;
  let n: u64 = 0;
  for (let group = first; group <= last; group++) n += u64(treeLoad(marks(domain), group) == 0);
  return n;
}

export function groupOf(iova: u64): u64 {
  return iova >> GROUP_SHIFT;
}

/** The bits of a bitmap page's word from bit `low` to bit `high` of the page. */
function bitsOfWord(word: u32, low: u32, high: u32): u64 {
  const start = word << 6;
  let bits = u64.MAX_VALUE;
  if (low > start) bits <<= <u64>(low - start);
  if (high < start + 63) bits &= u64.MAX_VALUE >> <u64>(start + 63 - high);
  return bits;
}

/** Marks the pages of from..to; false when memory is full, which it is not where bitmaps are reserved. */
export function markPages(domain: u32, from: u64, to: u64): bool {
  const lastPage = to >> PAGE_SHIFT;
  let page = from >> PAGE_SHIFT;
  while (page <= lastPage) {
    const group = page / PAGES_IN_GROUP;
    const bitmap = touchBitmap(domain, group);
    if (bitmap == 0) return false;
    const high = min<u64>(lastPage, group * PAGES_IN_GROUP + (PAGES_IN_GROUP - 1));
    const lowBit = <u32>(page % PAGES_IN_GROUP);
    const highBit = <u32>(high % PAGES_IN_GROUP);
    for (let word = lowBit >>> 6; word <= highBit >>> 6; word++) {
      const at = bitmap + (word << 3);
      store<u64>(at, load<u64>(at) | bitsOfWord(word, lowBit, highBit));
    }
    page = high + 1;
  }
  return true;
}

function touchBitmap(domain: u32, group: u64): u32 {
  const tree = marks(domain);
  let bitmap = treeLoad(tree, group);
  if (bitmap != 0) return bitmap;
  if (!reserve(COUNT_PAGES, 1)) return 0;
  bitmap = take(COUNT_PAGES);
  if (treeInsert(tree, group, group, bitmap) != 0) {
    give(COUNT_PAGES, bitmap);
    return 0;
  }
  memory.fill(bitmap, 0, PAGE_BYTES);
  return bitmap;
}

/** D-mark: marks what is mapped of from..to: 0, or -ENOMEM with nothing changed. */
export function markMapped(domain: u32, from: u64, to: u64): i32 {
  if (!tracks(domain)) return 0;
  // From which group on nothing is counted yet.
  let fresh: u64 = 0;
  let missing: u64 = 0;
  let at = from;
  let more = treeFind(mappings(domain), at, to) != 0;
  while (more) {
    const first = max<u64>(groupOf(max<u64>(load<u64>(cells, CELL_FIRST), from)), fresh);
    const end = min<u64>(load<u64>(cells, CELL_LAST), to);
    if (first <= groupOf(end)) missing += missingBitmaps(domain, first, groupOf(end));
    if (missing >= TOO_MANY) return -ENOMEM;
    fresh = groupOf(end) + 1;
    at = end + 1;
    more = end < to && treeFind(mappings(domain), at, to) != 0;
  }
  if (!reserve(COUNT_PAGES, <u32>missing) || !reserveChanges(marks(domain), <u32>missing)) return -ENOMEM;
  at = from;
  more = treeFind(mappings(domain), at, to) != 0;
  while (more) {
    const end = min<u64>(load<u64>(cells, CELL_LAST), to);
    markPages(domain, max<u64>(load<u64>(cells, CELL_FIRST), from), end);
    at = end + 1;
    more = end < to && treeFind(mappings(domain), at, to) != 0;
  }
  return 0;
}

/** Something was unmapped in from..to: pages in which nothing is mapped any more lose their marks. */
export function forgetMarks(domain: u32, from: u64, to: u64): void {
  if (root(marks(domain)) == 0) return;
  let first = from >> PAGE_SHIFT;
  let last = to >> PAGE_SHIFT;
  const isLastShared = isUsed(domain, last);
  if (isUsed(domain, first)) {
    if (first == last) return;
    first += 1;
  }
  if (isLastShared) {
    if (first == last) return;
    last -= 1;
  }
  clearMarks(domain, first, last);
}

function isUsed(domain: u32, page: u64): bool {
  return treeFind(mappings(domain), page << PAGE_SHIFT, (page << PAGE_SHIFT) + (PAGE_BYTES - 1)) != 0;
}

/** Takes the marks of pages first..last away. */
export function clearMarks(domain: u32, first: u64, last: u64): void {
  const tree = marks(domain);
  const lastGroup = last / PAGES_IN_GROUP;
  let bitmap = treeFind(tree, first / PAGES_IN_GROUP, lastGroup);
  while (bitmap != 0) {
    const group = load<u64>(cells, CELL_FIRST);
    const start = group * PAGES_IN_GROUP;
    const lowBit = <u32>(max<u64>(first, start) - start);
    const highBit = <u32>(min<u64>(last, start + (PAGES_IN_GROUP - 1)) - start);
    for (let word = lowBit >>> 6; word <= highBit >>> 6; word++) {
      const at = bitmap + (word << 3);
      store<u64>(at, load<u64>(at) & ~bitsOfWord(word, lowBit, highBit));
    }
    if (isClear(bitmap)) {
      treeErase(tree, group);
      give(COUNT_PAGES, bitmap);
    }
    bitmap = group < lastGroup ? treeFind(tree, group + 1, lastGroup) : 0;
  }
}

function isClear(bitmap: u32): bool {
  for (let at = bitmap; at < bitmap + PAGE_BYTES; at += 8) if (load<u64>(at) != 0) return false;
  return true;
}

/** D-read: takes the marks of all pages that first..last touches away. */
export function clearRange(domain: u32, first: u64, last: u64): void {
  clearMarks(domain, first >> PAGE_SHIFT, last >> PAGE_SHIFT);
}

/** D-read: sets bit n of `bits` for each n = (IOVA - origin) >> shift that a marked page holds within first..last. */
export function readMarks(domain: u32, origin: u64, first: u64, last: u64, shift: u64, bits: u32): void {
  const tree = marks(domain);
  const lastGroup = groupOf(last);
  let bitmap = treeFind(tree, groupOf(first), lastGroup);
  while (bitmap != 0) {
    const group = load<u64>(cells, CELL_FIRST);
    const start = group * PAGES_IN_GROUP;
    const lowBit = <u32>(max<u64>(first >> PAGE_SHIFT, start) - start);
    const highBit = <u32>(min<u64>(last >> PAGE_SHIFT, start + (PAGES_IN_GROUP - 1)) - start);
    for (let word = lowBit >>> 6; word <= highBit >>> 6; word++) {
      let dirty = load<u64>(bitmap + (word << 3)) & bitsOfWord(word, lowBit, highBit);
      while (dirty != 0) {
        noteDirty(start + (word << 6) + ctz<u64>(dirty), origin, first, last, shift, bits);
        dirty &= dirty - 1;
      }
    }
    bitmap = group < lastGroup ? treeFind(tree, group + 1, lastGroup) : 0;
  }
}

/** A page that `origin` cuts lies in two of its pages. */
function noteDirty(page: u64, origin: u64, first: u64, last: u64, shift: u64, bits: u32): void {
  const start = page << PAGE_SHIFT;
  const low = (max<u64>(start, first) - origin) >> shift;
  const high = (min<u64>(start + (PAGE_BYTES - 1), last) - origin) >> shift;
  for (let n = low; n <= high; n++) {
    const at = bits + <u32>(n >> 3);
    store<u8>(at, <u8>(<u32>load<u8>(at) | (<u32>1 << (<u32>n & 7))));
  }
}
