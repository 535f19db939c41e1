// The addresses of an address space: which are taken, which are reserved, and where a mapping goes that names none. Behaviour text, section 6.8.
//
//   0 ......... 4095 | allowed ranges, or all up to 2^64-1-4096 ...............
//                       ### area ###        === reserved ===      first hole that the length fits into, from its start aligned on
//
//   alignment wanted = lowest of: the length's next power of two, the lowest bit of the memory's address, 2 MiB
//   address          = (start of the hole, aligned up) | (address of the memory % 4096)
//
// Source: drivers/iommu/iommufd/io_pagetable.c iopt_alloc_iova, iopt_check_iova, iopt_reserve_iova, iopt_set_allow_iova

import { hex } from '../../core/index.ts';
import type { Engine, RangeStore } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import { PAGE_SIZE } from '../page.ts';

export const LAST_IOVA = 0xffff_ffff_ffff_ffffn;
const PAGE = BigInt(PAGE_SIZE);
const HUGE_PAGE = 0x20_0000n;
const HALF = 0x7fff_ffff_ffff_ffffn;
const RESERVED = 0xffff_ffff;

/** Addresses, both ends included. */
export interface IovaRange {
  readonly first: bigint;
  readonly last: bigint;
}

interface ReservedRange extends IovaRange {
  readonly owner: object;
}

const byFirst = (a: IovaRange, b: IovaRange): number => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0);
const overlaps = (a: IovaRange, first: bigint, last: bigint): boolean => a.first <= last && a.last >= first;

/** Sorted, and what touches as one. */
function merged(ranges: readonly IovaRange[]): IovaRange[] {
  const out: { first: bigint; last: bigint }[] = [];
  for (const { first, last } of [...ranges].sort(byFirst)) {
    const end = out.at(-1);
    if (end !== undefined && first <= end.last + 1n) end.last = last > end.last ? last : end.last;
    else out.push({ first, last });
  }
  return out;
}

function alignUp(value: bigint, alignment: bigint): bigint {
  return (value + alignment - 1n) & ~(alignment - 1n);
}

/** The alignment that memory at `address` wants for `length` bytes. */
function wantedAlignment(address: bigint, length: bigint): bigint {
  const power = 1n << BigInt((length - 1n).toString(2).length * Number(length > 1n));
  const lowest = address === 0n ? power : address & -address;
  return [power, lowest, HUGE_PAGE].reduce((a, b) => (a < b ? a : b));
}

/** Areas and reserved ranges in one tree: neither ever touches the other. */
export class IovaSpace {
  private readonly store: RangeStore;
  private reserved: readonly ReservedRange[] = [];
  private shown: readonly IovaRange[] = [];
  private allowed: readonly IovaRange[] = [];

  constructor(engine: Engine) {
    this.store = engine.rangeStore();
  }

  /** The first area that touches first..last; its number, and where it is. */
  area(first: bigint, last: bigint): { readonly first: bigint; readonly last: bigint; readonly value: number } | undefined {
    let entry = this.store.find(first, last);
    while (entry?.value === RESERVED) entry = entry.last === LAST_IOVA || entry.last >= last ? undefined : this.store.find(entry.last + 1n, last);
    return entry;
  }

  insert(first: bigint, last: bigint, area: number): void {
    this.store.insert(first, last, area);
  }

  erase(first: bigint): void {
    this.store.erase(first);
  }

  /** VfioError EINVAL, EOVERFLOW, EEXIST. */
  check(call: string, iova: bigint, length: bigint, alignment: bigint): void {
    if (iova % alignment !== 0n) throw new VfioError('EINVAL', call, `iova ${hex(iova)} is no multiple of ${alignment.toString()}`);
    const last = iova + length - 1n;
    if (last > LAST_IOVA) throw new VfioError('EOVERFLOW', call, `${hex(length)} bytes at iova ${hex(iova)} pass 2^64-1`);
    const met = this.reserved.find((range) => overlaps(range, iova, last));
    if (met !== undefined) throw new VfioError('EINVAL', call, `iova ${hex(iova)} to ${hex(last)} meets what is reserved, ${hex(met.first)} to ${hex(met.last)}`);
    const area = this.area(iova, last);
    if (area !== undefined) throw new VfioError('EEXIST', call, `iova ${hex(iova)} to ${hex(last)} meets ${hex(area.first)} to ${hex(area.last)}, which is mapped`);
  }

  /** A place for `length` bytes, at least 1, of memory at `address`. VfioError EOVERFLOW, EINVAL, ENOSPC. */
  allocate(call: string, address: bigint, length: bigint, alignment: bigint): bigint {
    if (length >= HALF) throw new VfioError('EOVERFLOW', call, `${hex(length)} bytes; expected fewer than ${hex(HALF)}`);
    const wanted = wantedAlignment(address, length);
    if (wanted < alignment) throw new VfioError('EINVAL', call, `memory at ${hex(address)} wants its iova aligned to ${wanted.toString()}; the address space wants ${alignment.toString()}`);
    const spans = this.allowed.length === 0 ? [{ first: PAGE, last: LAST_IOVA - PAGE }] : merged(this.allowed);
    for (const span of spans) {
      const [first, last] = [span.first > PAGE ? span.first : PAGE, span.last < LAST_IOVA - PAGE ? span.last : LAST_IOVA - PAGE];
      const found = this.fit(first, last, length, wanted, address % PAGE);
      if (found !== undefined) return found;
    }
    throw new VfioError('ENOSPC', call, `no room for ${hex(length)} bytes aligned to ${wanted.toString()}`);
  }

  private fit(first: bigint, last: bigint, length: bigint, alignment: bigint, offset: bigint): bigint | undefined {
    let from = alignUp(first, alignment) | offset;
    while (from <= last && last - from >= length - 1n) {
      // Without an offset the place is a multiple of the alignment, which the tree looks for itself.
      const hole = this.hole(from, last, length, offset === 0n ? alignment : 1n);
      if (hole === undefined) return undefined;
      const at = alignUp(hole, alignment) | offset;
      const end = at + length - 1n;
      if (end <= last && this.store.find(hole, end) === undefined) return at;
      const next = this.store.find(hole, last);
      if (next === undefined || next.last === LAST_IOVA) return undefined;
      from = next.last + 1n;
    }
    return undefined;
  }

  private hole(first: bigint, last: bigint, size: bigint, alignment: bigint): bigint | undefined {
    try {
      return this.store.lowestGap({ size, alignment, first, last });
    } catch (error) {
      if (error instanceof VfioError && error.code === 'EBUSY') return undefined;
      throw error;
    }
  }

  /** Keeps first..last free for `owner`'s sake. VfioError EADDRINUSE when an area or an allowed range is there. */
  reserve(call: string, first: bigint, last: bigint, owner: object): void {
    const area = this.area(first, last);
    const met = area ?? this.allowed.find((range) => overlaps(range, first, last));
    if (met !== undefined) {
      throw new VfioError('EADDRINUSE', call, `${hex(first)} to ${hex(last)} is to be reserved; ${hex(met.first)} to ${hex(met.last)} is ${area === undefined ? 'allowed' : 'mapped'}`);
    }
    this.setReserved([...this.reserved, { first, last, owner }]);
  }

  unreserve(owner: object): void {
    if (this.reserved.some((range) => range.owner === owner)) this.setReserved(this.reserved.filter((range) => range.owner !== owner));
  }

  private setReserved(reserved: readonly ReservedRange[]): void {
    this.reserved = reserved;
    for (const { first } of this.shown) this.store.erase(first);
    this.shown = merged(reserved);
    for (const { first, last } of this.shown) this.store.insert(first, last, RESERVED);
  }

  /** What can be mapped. */
  get usable(): IovaRange[] {
    const ranges: IovaRange[] = [];
    let next = 0n;
    for (const { first, last } of this.shown) {
      if (first > next) ranges.push({ first: next, last: first - 1n });
      next = last + 1n;
    }
    if (next <= LAST_IOVA) ranges.push({ first: next, last: LAST_IOVA });
    return ranges;
  }

  /** Where mappings that name no place may go; none: anywhere. VfioError EADDRINUSE when something of it is reserved. */
  allow(call: string, ranges: readonly IovaRange[]): void {
    for (const { first, last } of ranges) {
      const met = this.reserved.find((range) => overlaps(range, first, last));
      if (met !== undefined) throw new VfioError('EADDRINUSE', call, `${hex(first)} to ${hex(last)} meets what is reserved, ${hex(met.first)} to ${hex(met.last)}`);
    }
    this.allowed = ranges;
  }

  destroy(): void {
    this.store.destroy();
  }
}
