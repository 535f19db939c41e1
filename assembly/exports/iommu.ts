// Exports: domains of an IOMMU. An access answers 0, an IOMMU_ number for why it faults, or a negative errno; where it faults is in the cells at CELL_FIRST, and at CELL_VALUE 0 for a read, 1 for a write.

import { CELL_FIRST, CELL_VALUE, EBADF, EINVAL, IOMMU_ROW_BYTES, OBJECT_DOMAIN, OBJECT_REGION } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import * as dirty from '../iommu/dirty.ts';
import * as domains from '../iommu/domain.ts';
import * as batch from '../iommu/map-pages.ts';
import * as copies from '../iommu/copy.ts';
import * as moves from '../iommu/move.ts';
import * as reached from '../iommu/reach.ts';
import { treeCheck } from '../maple/check.ts';
import { entryCount } from '../maple/path.ts';
import { tableCheck } from '../maple/table-check.ts';
import { resolve } from '../memory/objects.ts';
import { inMemory, lowered, raised, whole } from '../number.ts';

// The domain that was located in last: callers stay with one for many calls. A record's first word tells whether the handle is still good.
let knownHandle: u32 = 0;
let knownDomain: u32 = 0;

function known(handle: u32): u32 {
  if (handle == knownHandle) if (load<u32>(knownDomain) == handle) return knownDomain;
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return 0;
  knownHandle = handle;
  knownDomain = domain;
  return domain;
}

export function domainCreate(): i32 {
  return domains.createDomain();
}

export function domainDestroy(handle: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  domains.destroyDomain(domain);
  return 0;
}

export function domainClear(handle: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  domains.clearDomain(domain);
  return 0;
}

export function domainMap(handle: u32, first: u64, bytes: u64, regionHandle: u32, position: u64, permissions: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  const region = resolve(regionHandle, OBJECT_REGION);
  return domain == 0 || region == 0 ? -EBADF : domains.mapRange(domain, first, bytes, region, position, permissions);
}

export function domainMapF(handle: u32, first: f64, bytes: f64, regionHandle: u32, position: f64, permissions: u32): i32 {
  return domainMap(handle, whole(first), whole(bytes), regionHandle, whole(position), permissions);
}

/** Maps `n` ranges of `bytes` each: all or none. The columns are the caller's, and may be left in another order. */
export function domainMapPages(handle: u32, iovas: u32, positions: u32, n: u32, bytes: u64, regionHandle: u32, permissions: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  const region = resolve(regionHandle, OBJECT_REGION);
  if (domain == 0 || region == 0) return -EBADF;
  if (!inMemory(iovas, n, 8) || !inMemory(positions, n, 8)) return -EINVAL;
  return batch.mapPages(domain, iovas, positions, n, bytes, region, permissions);
}

/** 1 with the bytes that were mapped there, modulo 2^64, in the cells at CELL_FIRST; 0 when nothing was. */
export function domainUnmap(handle: u32, first: u64, last: u64): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  return domain == 0 ? -EBADF : domains.unmapRange(domain, first, last);
}

/** 1 with the first range that ends at or above `iova` and begins at or below `limit` in the cells: its ends, CELL_POSITION, the region's handle at CELL_VALUE, permissions at CELL_INDEX; or 0. */
export function domainFind(handle: u32, iova: u64, limit: u64): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  return domain == 0 ? -EBADF : domains.findRange(domain, iova, limit);
}

/** The position in its region that a device reaches at an IOVA, with the region's handle in the cells at CELL_VALUE; -1 where it reaches none, -2 where no f64 is exact. */
export function domainLocateF(handle: u32, iova: f64, permissions: u32): f64 {
  const domain = known(handle);
  if (domain == 0) return -1;
  const sum = raised(iova);
  const low = lowered(sum);
  const at = low >>> 52 == 0 ? low : whole(iova);
  const record = domains.locate(domain, at, permissions);
  if (record == 0) return -1;
  store<u32>(cells, domains.regionOf(record), CELL_VALUE);
  const position = domains.positionOf(record, at);
  return position >> 53 == 0 ? <f64>position : -2;
}

/** The same for `n` IOVAs: positions and region handles, handle 0 for none; how many were none. The column of handles lies apart from the others. */
export function domainLocateAll(handle: u32, iovas: u32, positions: u32, regions: u32, n: u32, permissions: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  if (!inMemory(iovas, n, 8) || !inMemory(positions, n, 8) || !inMemory(regions, n, 4)) return -EINVAL;
  // Records stand there for a while: nothing else may be written over them.
  const isApart = (regions + (n << 2) <= iovas || iovas + (n << 3) <= regions) && (regions + (n << 2) <= positions || positions + (n << 3) <= regions);
  if (!isApart) return -EINVAL;
  return domains.locateAll(domain, iovas, positions, regions, n, permissions);
}

/** Fills up to `capacity` rows (the IOMMU_ROW_ numbers) with the ranges that touch first..last; how many. */
export function domainWalk(handle: u32, first: u64, last: u64, rows: u32, capacity: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  return first > last || !inMemory(rows, capacity, IOMMU_ROW_BYTES) ? -EINVAL : domains.walkRanges(domain, first, last, rows, capacity);
}

function told(status: i32): i32 {
  if (status > 0) {
    store<u64>(cells, reached.faultAt, CELL_FIRST);
    store<u32>(cells, moves.faultWrites, CELL_VALUE);
  }
  return status;
}

export function domainBlock(handle: u32, iova: u64, buffer: u32, bytes: u32, writes: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  if (!inMemory(buffer, bytes, 1)) return -EINVAL;
  return told(moves.moveBlock(domain, iova, buffer, bytes, writes & 1));
}

/** Whether all of a range can be reached, and as plain bytes, for a host that moves it in parts: 0, IOMMU_CYCLES, or why not. What a write will need is then reserved until the next call of anything else. */
export function domainReach(handle: u32, iova: u64, bytes: u64, writes: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  return domain == 0 ? -EBADF : told(moves.canReach(domain, iova, bytes, writes & 1));
}

export function domainCopy(handle: u32, to: u64, from: u64, bytes: u64): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  return domain == 0 ? -EBADF : told(copies.copyBlock(domain, to, from, bytes));
}

/** Number of ranges. */
export function domainCount(handle: u32): f64 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  return domain == 0 ? -EBADF : <f64>entryCount(domains.mappings(domain));
}

export function domainTrack(handle: u32, on: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  dirty.setTracks(domain, on != 0);
  return 0;
}

export function domainMark(handle: u32, first: u64, last: u64): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  return first > last ? -EINVAL : dirty.markMapped(domain, first, last);
}

/** Sets bit (IOVA - origin) >> shift of `bits` for each byte of first..last in a dirty page; origin is at most first, and all bits lie in `bytes` bytes. */
export function domainReadDirty(handle: u32, origin: u64, first: u64, last: u64, shift: u32, bits: u32, bytes: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  if (first > last || origin > first || shift > 63 || !inMemory(bits, bytes, 1) || ((last - origin) >> <u64>shift) >> 3 >= <u64>bytes) return -EINVAL;
  dirty.readMarks(domain, origin, first, last, shift, bits);
  return 0;
}

/** Takes the marks of all pages that first..last touches away. */
export function domainClearDirty(handle: u32, first: u64, last: u64): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  if (first > last) return -EINVAL;
  dirty.clearRange(domain, first, last);
  return 0;
}

/** 0 when both trees of a domain are sound, else the number of the broken rule, as treeValidate. */
export function domainValidate(handle: u32): i32 {
  const domain = resolve(handle, OBJECT_DOMAIN);
  if (domain == 0) return -EBADF;
  const tree = domains.mappings(domain);
  let broken = treeCheck(tree);
  if (broken == 0) broken = tableCheck(tree);
  return broken != 0 ? broken : treeCheck(dirty.marks(domain));
}
