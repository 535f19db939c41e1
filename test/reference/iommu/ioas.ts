// An address space of an iommufd as the judge of DMA keeps it: an array of areas, what is reserved in it and what is allowed. Behaviour text, section 6.8.
//
//   area: first..last ---> byte `at` of user memory, through the pages of the call that mapped it, which copies of the area share
//   page tables of it: while there is one, areas are pinned

import { MAX, lowestBit, overlaps, without } from './iova-list.ts';
import type { IovaRange, ReferenceIommu } from './iova-list.ts';
import { PAGE } from './memory.ts';
import type { Answer, ReferenceProcess, ReferenceRun } from './memory.ts';
import type { Reachable } from './transfer.ts';
import type { Released } from './type1.ts';

const PAGE_BYTES = BigInt(PAGE);
const LARGEST_ALIGNMENT = 0x20_0000n;

/** The memory of one IOAS_MAP: pinned page by page while any area that shows it has a page table. */
export class ReferencePages {
  readonly process: ReferenceProcess;
  readonly writable: boolean;
  private readonly pins = new Map<bigint, { readonly run: ReferenceRun; count: number }>();

  constructor(process: ReferenceProcess, writable: boolean) {
    this.process = process;
    this.writable = writable;
  }

  /** Pins whole pages; undefined when not all are there. */
  pin(at: bigint, bytes: bigint): ReferenceRun[] | undefined {
    const runs: ReferenceRun[] = [];
    for (let page = at; page < at + bytes; page += PAGE_BYTES) {
      const known = this.pins.get(page);
      const run = known?.run ?? this.process.runs(page, PAGE_BYTES, this.writable)?.[0];
      if (run === undefined) {
        this.unpin(at, page - at);
        return undefined;
      }
      if (known === undefined) this.pins.set(page, { run, count: 1 });
      else known.count++;
      runs.push(run);
    }
    return runs;
  }

  unpin(at: bigint, bytes: bigint): void {
    for (let page = at; page < at + bytes; page += PAGE_BYTES) if (--this.pins.get(page)!.count === 0) this.pins.delete(page);
  }
}

/** One mapped range. */
export interface ReferenceArea extends IovaRange {
  readonly pages: ReferencePages;
  /** User address of its first byte. */
  readonly at: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
  runs: readonly ReferenceRun[] | undefined;
}

/** What becomes an area. */
export interface ReferencePart {
  readonly pages: ReferencePages;
  readonly at: bigint;
  readonly bytes: bigint;
}

/** A page table of an address space. */
export class ReferencePageTable {
  readonly ioas: ReferenceIoas;
  readonly iommu: ReferenceIommu;
  /** Made by an attachment, and gone with the last. */
  readonly isAutomatic: boolean;
  readonly mayTrack: boolean;
  tracks = false;
  /** Numbers of IOVA pages. */
  readonly dirty = new Set<bigint>();

  constructor(ioas: ReferenceIoas, iommu: ReferenceIommu, isAutomatic: boolean, mayTrack: boolean) {
    this.ioas = ioas;
    this.iommu = iommu;
    this.isAutomatic = isAutomatic;
    this.mayTrack = mayTrack;
  }

  wrote(first: bigint, last: bigint): void {
    if (this.tracks) for (let page = first / PAGE_BYTES; page <= last / PAGE_BYTES; page++) this.dirty.add(page);
  }

  forget({ first, last }: IovaRange): void {
    for (const page of this.dirty) if (page >= first / PAGE_BYTES && page <= last / PAGE_BYTES) this.dirty.delete(page);
  }
}

/** How areas are to be mapped. */
export interface ReferencePlacement {
  /** Undefined: where there is room. */
  readonly iova: bigint | undefined;
  readonly readable: boolean;
  readonly writable: boolean;
}

export class ReferenceIoas {
  /** Ascending. */
  areas: ReferenceArea[] = [];
  reserved: (IovaRange & { readonly owner: object })[] = [];
  allowed: readonly IovaRange[] = [];
  readonly tables: ReferencePageTable[] = [];
  private readonly released: Released;

  constructor(released: Released) {
    this.released = released;
  }

  get alignment(): bigint {
    return this.tables.reduce((most, { iommu }) => (lowestBit(iommu.pageSizes) > most ? lowestBit(iommu.pageSizes) : most), 1n);
  }

  /** What IOVA_RANGES tells. */
  get ranges(): readonly IovaRange[] {
    return this.reserved.reduce((left, one) => without(left, one), [{ first: 0n, last: MAX }] as IovaRange[]);
  }

  areaAt(iova: bigint): ReferenceArea | undefined {
    return this.areas.find(({ first, last }) => first <= iova && last >= iova);
  }

  /** Keeps a range free; false when it is used, or promised to the user. */
  reserve(range: IovaRange, owner: object): boolean {
    if (this.areas.some((area) => overlaps(area, range)) || this.allowed.some((one) => overlaps(one, range))) return false;
    this.reserved.push({ ...range, owner });
    return true;
  }

  unreserve(owner: object): void {
    this.reserved = this.reserved.filter((one) => one.owner !== owner);
  }

  /** Adds a page table, filled. */
  addTable(table: ReferencePageTable): Answer {
    const page = lowestBit(table.iommu.pageSizes);
    const isAligned = ({ first, last, at }: ReferenceArea): boolean => (first | (last + 1n) | at) % page === 0n;
    if (!this.areas.every(isAligned)) return 'EADDRINUSE';
    const { lastAddress } = table.iommu;
    if (lastAddress < MAX && !this.reserve({ first: lastAddress + 1n, last: MAX }, table)) return 'EADDRINUSE';
    const filled: ReferenceArea[] = [];
    for (const area of this.areas) {
      if (area.runs !== undefined) continue;
      area.runs = area.pages.pin(area.at, area.last - area.first + 1n);
      if (area.runs === undefined) {
        for (const one of filled) this.unpin(one);
        this.unreserve(table);
        return 'EFAULT';
      }
      filled.push(area);
    }
    this.tables.push(table);
    return 'ok';
  }

  removeTable(table: ReferencePageTable): void {
    this.tables.splice(this.tables.indexOf(table), 1);
    this.unreserve(table);
    if (this.tables.length === 0) for (const area of this.areas) this.unpin(area);
  }

  private unpin(area: ReferenceArea): void {
    const { runs } = area;
    if (runs === undefined) return;
    area.runs = undefined;
    area.pages.unpin(area.at, area.last - area.first + 1n);
    this.released(runs);
  }

  /** First fit; undefined when there is none. */
  private room(bytes: bigint, alignment: bigint, offset: bigint): bigint | undefined {
    const [lowest, highest] = [PAGE_BYTES, MAX - PAGE_BYTES];
    // Allowed ranges that touch are one.
    let holes: IovaRange[] = this.allowed.reduce((left, range) => without(left, range), [{ first: 0n, last: MAX }] as IovaRange[]);
    holes = this.allowed.length === 0 ? [{ first: lowest, last: highest }] : holes.reduce((left, range) => without(left, range), [{ first: 0n, last: MAX }] as IovaRange[]);
    holes = holes.map(({ first, last }) => ({ first: first < lowest ? lowest : first, last: last > highest ? highest : last })).filter(({ first, last }) => first <= last);
    for (const used of [...this.reserved, ...this.areas]) holes = without(holes, used);
    for (const { first, last } of holes) {
      const iova = (((first + alignment - 1n) / alignment) * alignment) | offset;
      if (iova + bytes - 1n <= last) return iova;
    }
    return undefined;
  }

  /** Maps parts one behind the other: where, or what is wrong. */
  map(parts: readonly ReferencePart[], { iova: wanted, readable, writable }: ReferencePlacement): bigint | Answer {
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0n);
    const { alignment } = this;
    if (bytes % alignment !== 0n) return 'EINVAL';
    let iova = wanted;
    if (iova === undefined) {
      if (bytes >= MAX / 2n) return 'EOVERFLOW';
      const { at } = parts[0]!;
      let own = 1n;
      while (own < bytes) own *= 2n;
      if (at !== 0n && lowestBit(at) < own) own = lowestBit(at);
      if (own > LARGEST_ALIGNMENT) own = LARGEST_ALIGNMENT;
      if (own < alignment) return 'EINVAL';
      iova = this.room(bytes, own, at % PAGE_BYTES);
      if (iova === undefined) return 'ENOSPC';
    } else {
      const range = { first: iova, last: iova + bytes - 1n };
      if (iova % alignment !== 0n) return 'EINVAL';
      if (range.last > MAX) return 'EOVERFLOW';
      if (this.reserved.some((one) => overlaps(one, range))) return 'EINVAL';
      if (this.areas.some((one) => overlaps(one, range))) return 'EEXIST';
    }
    for (const { pages, at } of parts) {
      if (writable && !pages.writable) return 'EPERM';
      if ((at % PAGE_BYTES) % alignment !== 0n) return 'EINVAL';
    }
    return this.place(parts, iova, readable, writable);
  }

  private place(parts: readonly ReferencePart[], iova: bigint, readable: boolean, writable: boolean): bigint | Answer {
    const placed: ReferenceArea[] = [];
    let first = iova;
    for (const { pages, at, bytes } of parts) {
      const runs = this.tables.length === 0 ? undefined : pages.pin(at, bytes);
      if (this.tables.length > 0 && runs === undefined) {
        for (const area of placed) this.unpin(area);
        return 'EFAULT';
      }
      placed.push({ first, last: first + bytes - 1n, pages, at, readable, writable, runs });
      first += bytes;
    }
    this.areas.push(...placed);
    this.areas.sort((a, b) => (a.first < b.first ? -1 : 1));
    return iova;
  }

  /** What shows a range of it, piece by piece. */
  parts(iova: bigint, bytes: bigint): ReferencePart[] | undefined {
    const parts: ReferencePart[] = [];
    for (let at = iova; at < iova + bytes; ) {
      const area = this.areaAt(at);
      if (area === undefined) return undefined;
      const end = area.last + 1n < iova + bytes ? area.last + 1n : iova + bytes;
      parts.push({ pages: area.pages, at: area.at + (at - area.first), bytes: end - at });
      at = end;
    }
    return parts;
  }

  /** Unmaps whole areas of a range in their order, up to one that is cut; how many bytes, or ENOENT. */
  unmap(range: IovaRange): bigint | 'ENOENT' {
    let bytes = 0n;
    for (const area of this.areas.filter((one) => overlaps(one, range))) {
      if (area.first < range.first || area.last > range.last) return 'ENOENT';
      this.areas.splice(this.areas.indexOf(area), 1);
      for (const table of this.tables) table.forget(area);
      this.unpin(area);
      bytes += area.last - area.first + 1n;
    }
    return bytes === 0n ? 'ENOENT' : bytes;
  }

  /** What devices reach through its page tables. */
  get reachable(): readonly Reachable[] {
    return this.areas.flatMap((area) => (area.runs === undefined ? [] : [{ ...area, runs: area.runs }]));
  }
}
