// Domains of an IOMMU: which IOVAs lead where. Rules D of docs/how-an-access-travels.md.
//
//   IOVA -> maple tree -> record (records.ts) -> region, position = IOVA + delta
//
//   domain record   8 tree of mappings (16 bytes) | 24 records | 40 tree of dirty pages (16 bytes, dirty.ts) | 56 tracks u32 | 60 records
//                   64 table of the tree of mappings (40 bytes, maple/table.ts) | 104 records

import { CELL_FIRST, CELL_INDEX, CELL_LAST, CELL_POSITION, CELL_VALUE, EINVAL, ENOMEM, IOMMU_READABLE, IOMMU_WRITABLE, IOMMU_ROW_BYTES, IOMMU_ROW_FIRST, IOMMU_ROW_LAST, IOMMU_ROW_PERMISSIONS, IOMMU_ROW_POSITION, IOMMU_ROW_REGION, OBJECT_DOMAIN, OBJECT_REGION } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { count, first, last, value } from '../maple/node.ts';
import { descend, entryCount, nextLeaf, pathNode, pathSlot } from '../maple/path.ts';
import { treeFind, treeLoadOften } from '../maple/read.ts';
import { endTable } from '../maple/table-making.ts';
import { treeClear, treeFree, treeInsert } from '../maple/write.ts';
import { deleteObject, handleOf, newObject, resolve } from '../memory/objects.ts';
import { size } from '../region.ts';
import { dropMarks, forgetMarks } from './dirty.ts';
import { delta, dropRecords, giveRecord, newestChunk, permissions, regionHandle, reserveRecords, returnChunks, shareRecord, takeRecord } from './records.ts';

/** The tree from IOVAs to records. */
export function mappings(domain: u32): u32 {
  return domain + 8;
}

/** A new domain's handle, or -ENOMEM. */
export function createDomain(): i32 {
  const domain = newObject(OBJECT_DOMAIN);
  return domain == 0 ? -ENOMEM : handleOf(domain);
}

/** D-clear. */
export function clearDomain(domain: u32): void {
  endTable(mappings(domain));
  treeClear(mappings(domain));
  dropRecords(domain);
  dropMarks(domain);
}

/** D-gone. */
export function destroyDomain(domain: u32): void {
  clearDomain(domain);
  deleteObject(domain);
}

/** Whether `bytes` from a position on lie in a region. */
export function isInside(region: u32, position: u64, bytes: u64): bool {
  return bytes <= size(region) && position <= size(region) - bytes;
}

export function arePermissions(permission: u32): bool {
  return (permission & ~(IOMMU_READABLE | IOMMU_WRITABLE)) == 0;
}

/** D-map: 0, or a negative errno. */
export function mapRange(domain: u32, from: u64, bytes: u64, region: u32, position: u64, permission: u32): i32 {
  if (bytes == 0 || bytes - 1 > u64.MAX_VALUE - from || !isInside(region, position, bytes) || !arePermissions(permission)) return -EINVAL;
  const newest = newestChunk(domain);
  if (!reserveRecords(domain, 1)) return -ENOMEM;
  const tree = mappings(domain);
  endTable(tree);
  const record = takeRecord(domain, handleOf(region), permission, position - from);
  const status = treeInsert(tree, from, from + (bytes - 1), record);
  if (status != 0) {
    giveRecord(domain, record);
    returnChunks(domain, newest);
  }
  return status;
}

/** Where nothing is mapped, nothing is kept. */
function returnIfEmpty(domain: u32): void {
  if (entryCount(mappings(domain)) == 0) dropRecords(domain);
}

/** D-unmap: the bytes, modulo 2^64, in the cells at CELL_FIRST; 1 when something was mapped there, 0 when not, or -ENOMEM with nothing changed. */
export function unmapRange(domain: u32, from: u64, to: u64): i32 {
  store<u64>(cells, 0, CELL_FIRST);
  if (from > to) return -EINVAL;
  const tree = mappings(domain);
  const around = treeFind(tree, from, to);
  if (around == 0) {
    store<u64>(cells, 0, CELL_FIRST);
    return 0;
  }
  const cutsBoth = load<u64>(cells, CELL_FIRST) < from && load<u64>(cells, CELL_LAST) > to;
  endTable(tree);
  let bytes = to - from + 1;
  if (cutsBoth) {
    const status = treeFree(tree, from, to);
    if (status != 0) {
      store<u64>(cells, 0, CELL_FIRST);
      return status;
    }
    // Two rests lead through the record now.
    shareRecord(around);
  } else {
    bytes = giveCovered(domain, from, to);
    treeFree(tree, from, to);
  }
  forgetMarks(domain, from, to);
  returnIfEmpty(domain);
  store<u64>(cells, bytes, CELL_FIRST);
  return 1;
}

/** Gives the records of ranges that go as a whole; how many bytes of all are in from..to, modulo 2^64. */
function giveCovered(domain: u32, from: u64, to: u64): u64 {
  let bytes: u64 = 0;
  const level = descend(mappings(domain), from);
  let slot = pathSlot(level);
  do {
    const leaf = pathNode(level);
    const n = count(leaf);
    while (slot < n) {
      const start = first(leaf, slot);
      const end = last(leaf, slot);
      if (start > to) return bytes;
      bytes += min<u64>(end, to) - max<u64>(start, from) + 1;
      if (start >= from && end <= to) giveRecord(domain, value(leaf, slot));
      slot += 1;
    }
    slot = 0;
  } while (nextLeaf(level));
  return bytes;
}

/** D-translate: the first range that ends at or behind an IOVA, if it begins at or before `limit`, in the cells: 1; or 0. */
export function findRange(domain: u32, iova: u64, limit: u64): i32 {
  const record = treeFind(mappings(domain), iova, limit);
  if (record == 0) return 0;
  store<u64>(cells, load<u64>(cells, CELL_FIRST) + delta(record), CELL_POSITION);
  store<u32>(cells, regionHandle(record), CELL_VALUE);
  store<u32>(cells, permissions(record), CELL_INDEX);
  return 1;
}

// The region that was found alive last, by its handle: a record's first word tells whether the handle is still good, and neighbours mostly lead to one region.
let knownHandle: u32 = 0;
let knownRegion: u32 = 0;

function isAlive(handle: u32): bool {
  if (handle == knownHandle) if (load<u32>(knownRegion) == handle) return true;
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return false;
  knownHandle = handle;
  knownRegion = region;
  return true;
}

/** Whether a device with these permissions goes through a record. */
// @ts-expect-error: as in maple/read.ts.
@inline
function leads(record: u32, permission: u32): bool {
  return (permissions(record) & permission) == permission && isAlive(regionHandle(record));
}

/** D-locate: the record through which a device with these permissions goes; 0 where it does not get through. */
// @ts-expect-error: as in maple/read.ts.
@inline
export function locate(domain: u32, iova: u64, permission: u32): u32 {
  const record = treeLoadOften(mappings(domain), iova);
  if (record == 0) return 0;
  return leads(record, permission) ? record : 0;
}

export function regionOf(record: u32): u32 {
  return regionHandle(record);
}

export function positionOf(record: u32, iova: u64): u64 {
  return iova + delta(record);
}

/** D-locate, for columns of `n` IOVAs; how many lead nowhere. */
export function locateAll(domain: u32, iovas: u32, positions: u32, regions: u32, n: u32, permission: u32): u32 {
  // Records first, all of them, then what they say: lookups that do not look into their answers wait for memory together.
  const tree = mappings(domain);
  for (let i: u32 = 0; i < n; i++) store<u32>(regions + (i << 2), treeLoadOften(tree, load<u64>(iovas + (i << 3))));
  let missed: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const record = load<u32>(regions + (i << 2));
    const goes = record != 0 && leads(record, permission);
    missed += u32(!goes);
    store<u64>(positions + (i << 3), goes ? load<u64>(iovas + (i << 3)) + delta(record) : 0);
    store<u32>(regions + (i << 2), goes ? regionHandle(record) : 0);
  }
  return missed;
}

/** D-walk: fills up to `capacity` rows with ranges that touch from..to and answers how many. */
export function walkRanges(domain: u32, from: u64, to: u64, rows: u32, capacity: u32): u32 {
  let filled: u32 = 0;
  const level = descend(mappings(domain), from);
  if (level < 0) return 0;
  let slot = pathSlot(level);
  do {
    const leaf = pathNode(level);
    const n = count(leaf);
    while (slot < n && filled < capacity) {
      const start = first(leaf, slot);
      if (start > to) return filled;
      const record = value(leaf, slot);
      const row = rows + filled * IOMMU_ROW_BYTES;
      store<u64>(row, start, IOMMU_ROW_FIRST);
      store<u64>(row, last(leaf, slot), IOMMU_ROW_LAST);
      store<u64>(row, start + delta(record), IOMMU_ROW_POSITION);
      store<u32>(row, regionHandle(record), IOMMU_ROW_REGION);
      store<u32>(row, permissions(record), IOMMU_ROW_PERMISSIONS);
      filled += 1;
      slot += 1;
    }
    slot = 0;
  } while (filled < capacity && nextLeaf(level));
  return filled;
}
