// An I/O address space (IOAS): areas of memory at I/O virtual addresses (IOVA), and the page tables and drivers that see them. Behaviour text, section 6.8.
//
//   IOAS --- areas --- pages of a process, pinned while a page table shows them or a driver holds them
//        +-- page tables: every area in each of them        (page-table.ts: DMA of devices)
//        +-- accesses: drivers that reach areas themselves  (access.ts: mediated devices)
//
// What leaves is unmapped from every page table before its pages are given back.
//
// Source: drivers/iommu/iommufd/io_pagetable.c, ioas.c

import { hex } from '../../core/index.ts';
import type { Engine, IommuDomain } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { Iommu } from '../host/options.ts';
import { atEnd } from '../model-error.ts';
import { PAGE_SIZE } from '../page.ts';
import { IovaSpace, LAST_IOVA } from './iova-space.ts';
import type { HeldPages, Pages } from './pages.ts';
import type { IommufdObject } from './object.ts';

const PAGE = BigInt(PAGE_SIZE);

/** Memory to be mapped: `length` bytes of `pages` from byte `start` on. */
export interface Slice {
  readonly pages: Pages;
  readonly start: bigint;
  readonly length: bigint;
}

/** Directions that devices may go. */
export interface Protection {
  readonly readable: boolean;
  readonly writable: boolean;
}

/** Memory at an IOVA. */
export interface Area extends Protection {
  readonly first: bigint;
  readonly last: bigint;
  readonly pages: Pages;
  /** The byte of `pages` that is at `first`. */
  readonly start: bigint;
  /** Its pages, while a page table shows them. */
  held: HeldPages | undefined;
  /** Pins of drivers in it. */
  pins: number;
  /** It is about to go: drivers get no more of it. */
  isLeaving: boolean;
}

/** A page table, as an address space fills it. */
export interface FilledTable {
  readonly domain: IommuDomain;
  readonly iommu: Iommu;
}

/** A driver's way to an address space, as the address space tells it what goes. */
export interface Listener {
  readonly unmapped: (iova: bigint, bytes: bigint) => void;
}

/** An IOAS object. */
export class Ioas implements IommufdObject {
  readonly kind = 'IOAS';
  readonly id: number;
  readonly space: IovaSpace;
  private readonly areas = new Map<number, Area>();
  private readonly tables = new Set<FilledTable>();
  private readonly listeners = new Set<Listener>();
  private nextArea = 1;
  private aligned = 1n;
  private small = false;

  constructor(engine: Engine, id: number) {
    this.id = id;
    this.space = new IovaSpace(engine);
  }

  get isUsed(): boolean {
    return this.tables.size + this.listeners.size > 0;
  }

  /** What IOVAs and lengths are multiples of. */
  get alignment(): bigint {
    return this.aligned;
  }

  get filledTables(): ReadonlySet<FilledTable> {
    return this.tables;
  }

  /** Every area, in no order. */
  get mapped(): Iterable<Area> {
    return this.areas.values();
  }

  /** How many areas there are. */
  get count(): number {
    return this.areas.size;
  }

  /** The first area that touches first..last. */
  areaIn(first: bigint, last: bigint): Area | undefined {
    const entry = this.space.area(first, last);
    return entry && this.areas.get(entry.value);
  }

  /** Areas of first..last as long as one begins where the other ends, the first of them at `first`; the last byte that they reach in it. */
  contiguous(first: bigint, last: bigint): { readonly areas: readonly Area[]; readonly end: bigint | undefined } {
    const areas: Area[] = [];
    let end: bigint | undefined;
    for (let at = first; ; ) {
      const area = this.areaIn(at, at);
      if (area === undefined) return { areas, end };
      areas.push(area);
      if (area.last >= last) return { areas, end: last };
      end = area.last;
      at = end + 1n;
    }
  }

  /**
   * Maps slices one after the other, each an area of its own; the first IOVA.
   *
   * @param iova - Undefined: wherever there is room.
   * @throws VfioError EINVAL, EOVERFLOW, EEXIST, ENOSPC, EPERM, EFAULT, ENOMEM; then nothing is mapped.
   */
  map(call: string, slices: readonly Slice[], iova: bigint | undefined, protection: Protection): bigint {
    const length = slices.reduce((sum, slice) => sum + slice.length, 0n);
    const { aligned } = this;
    if (length === 0n || length % aligned !== 0n) throw new VfioError('EINVAL', call, `length is ${hex(length)}; expected a multiple of ${aligned.toString()}, and not 0`);
    const [{ pages, start }] = slices as readonly [Slice];
    const first = iova ?? this.space.allocate(call, pages.source.start + start, length, aligned);
    if (iova !== undefined) this.space.check(call, iova, length, aligned);
    const made: [number, Area][] = [];
    try {
      let at = first;
      for (const slice of slices) {
        made.push(this.insert(call, at, slice, protection));
        at += slice.length;
      }
      if (this.tables.size > 0) for (const [, area] of made) this.fill(call, area, this.tables);
    } catch (error) {
      for (const [id, area] of made) {
        this.empty(area);
        this.forget(id, area);
      }
      throw error;
    }
    return first;
  }

  private insert(call: string, first: bigint, { pages, start, length }: Slice, { readable, writable }: Protection): [number, Area] {
    if (writable && !pages.writable) throw new VfioError('EPERM', call, 'WRITEABLE of memory that was mapped without it');
    if ((start % PAGE) % this.aligned !== 0n) throw new VfioError('EINVAL', call, `the memory begins at byte ${(start % PAGE).toString()} of its page; expected a multiple of ${this.aligned.toString()}`);
    const area: Area = { first, last: first + length - 1n, pages, start, readable, writable, held: undefined, pins: 0, isLeaving: false };
    const id = this.freeArea();
    this.space.insert(area.first, area.last, id);
    this.areas.set(id, area);
    return [id, area];
  }

  private freeArea(): number {
    const id = this.nextArea;
    this.nextArea = id >= 0x7fff_ffff ? 1 : id + 1;
    return this.areas.has(id) ? this.freeArea() : id;
  }

  private forget(id: number, area: Area): void {
    this.space.erase(area.first);
    this.areas.delete(id);
  }

  /** Shows an area in page tables. Nothing of it is in any of them after a failure, and its pages are held only if they were. */
  private fill(call: string, area: Area, tables: Iterable<FilledTable>): void {
    const { pages, start, first, last, readable, writable } = area;
    const wasHeld = area.held !== undefined;
    const held = (area.held ??= pages.hold(call, start, start + (last - first)));
    const filled: FilledTable[] = [];
    try {
      for (const table of tables) {
        filled.push(table);
        let at = first;
        for (const { region, position, bytes } of pages.runs(held, start, start + (last - first))) {
          table.domain.map(at, bytes, { region, position, readable, writable });
          at += bytes;
        }
      }
    } catch (error) {
      for (const { domain } of filled) domain.unmap(first, last);
      if (!wasHeld) this.giveBack(area);
      throw error;
    }
  }

  /** Out of every page table, and only then are the pages nobody's. */
  private empty(area: Area): void {
    if (area.held === undefined) return;
    for (const { domain } of this.tables) domain.unmap(area.first, area.last);
    this.giveBack(area);
  }

  private giveBack(area: Area): void {
    const { held } = area;
    area.held = undefined;
    if (held !== undefined) area.pages.release(held);
  }

  /**
   * Unmaps the areas in first..last in their order.
   *
   * @returns bytes, and why it ended early: an area that reaches beyond (ENOENT), or that a driver does not give up (EBUSY).
   */
  unmap(call: string, first: bigint, last: bigint): { readonly bytes: bigint; readonly error: VfioError | undefined } {
    let bytes = 0n;
    for (let from = first; ; ) {
      const entry = this.space.area(from, last);
      if (entry === undefined) return { bytes, error: undefined };
      const area = this.areas.get(entry.value)!;
      if (area.first < first || area.last > last) {
        return { bytes, error: new VfioError('ENOENT', call, `${hex(first)} to ${hex(last)} cuts ${hex(area.first)} to ${hex(area.last)}`) };
      }
      if (area.pins > 0) {
        area.isLeaving = true;
        const { first: iova, last: end } = area;
        for (const listener of [...this.listeners]) listener.unmapped(iova, end - iova + 1n);
        if (this.areas.get(entry.value) !== area) continue;
        if (area.pins > 0) return { bytes, error: new VfioError('EBUSY', call, `a driver holds pages of ${hex(iova)} to ${hex(end)}`) };
      }
      this.empty(area);
      this.forget(entry.value, area);
      bytes += area.last - area.first + 1n;
      if (area.last === last) return { bytes, error: undefined };
      from = area.last + 1n;
    }
  }

  /** Makes two areas of one: `iova` is the last of the first. VfioError EBUSY, EINVAL. */
  cut(call: string, iova: bigint): void {
    const entry = this.space.area(iova, iova);
    if (entry === undefined) return;
    const area = this.areas.get(entry.value)!;
    const { first, last, pages, start, held } = area;
    if (iova === first || iova === last) return;
    if (area.isLeaving) throw new VfioError('EBUSY', call, `${hex(first)} to ${hex(last)} is about to go`);
    const from = iova + 1n;
    const at = start + (from - first);
    if (from % this.aligned !== 0n || at % this.aligned !== 0n) throw new VfioError('EINVAL', call, `${hex(from)} is no multiple of ${this.aligned.toString()}`);
    if (area.pins > 0) throw new VfioError('EINVAL', call, `a driver holds pages of ${hex(first)} to ${hex(last)}`);
    if (held !== undefined && !this.small) throw new VfioError('EINVAL', call, `${hex(first)} to ${hex(last)} may be a large page`);
    const parts = held && pages.split(held, at / PAGE);
    this.forget(entry.value, area);
    const put = (part: Pick<Area, 'first' | 'last' | 'start'>, own: HeldPages | undefined): void => {
      const id = this.freeArea();
      this.areas.set(id, { ...area, ...part, held: own });
      this.space.insert(part.first, part.last, id);
    };
    put({ first, last: iova, start }, parts?.[0]);
    put({ first: from, last, start: at }, parts?.[1]);
  }

  /** VfioError EADDRINUSE when an area is not aligned so. */
  private checkAlignment(call: string, alignment: bigint): void {
    for (const { first, last, start } of this.areas.values()) {
      if (first % alignment === 0n && (last + 1n - first) % alignment === 0n && (start % PAGE) % alignment === 0n) continue;
      throw new VfioError('EADDRINUSE', call, `${hex(first)} to ${hex(last)} is not aligned to ${alignment.toString()}`);
    }
  }

  /** What is needed now. VfioError EADDRINUSE when that is more than an area has. */
  private settleAlignment(call: string): void {
    let alignment = this.small || this.listeners.size > 0 ? PAGE : 1n;
    for (const { iommu } of this.tables) alignment = largest(alignment, iommu.pageSizes & -iommu.pageSizes);
    if (alignment > this.aligned) this.checkAlignment(call, alignment);
    this.aligned = alignment;
  }

  /** Fills a page table with all areas, and keeps it filled. VfioError EINVAL, EADDRINUSE, EFAULT, ENOMEM; then it is empty. */
  addTable(call: string, table: FilledTable): void {
    const { pageSizes, lastAddress } = table.iommu;
    const alignment = largest(pageSizes & -pageSizes, this.aligned);
    if (alignment > PAGE) throw new VfioError('EINVAL', call, `the smallest page of the IOMMU has ${alignment.toString()} bytes; expected at most ${PAGE_SIZE}`);
    if (alignment !== this.aligned) this.checkAlignment(call, alignment);
    if (lastAddress !== LAST_IOVA) this.space.reserve(call, lastAddress + 1n, LAST_IOVA, table);
    const held = [...this.areas.values()].filter((area) => area.held === undefined);
    try {
      for (let area = this.areaIn(0n, LAST_IOVA); area !== undefined; area = area.last === LAST_IOVA ? undefined : this.areaIn(area.last + 1n, LAST_IOVA)) this.fill(call, area, [table]);
    } catch (error) {
      table.domain.clear();
      for (const area of held) this.giveBack(area);
      this.space.unreserve(table);
      throw error;
    }
    this.aligned = alignment;
    this.tables.add(table);
  }

  removeTable(table: FilledTable): void {
    this.tables.delete(table);
    table.domain.clear();
    if (this.tables.size === 0) for (const area of this.areas.values()) this.giveBack(area);
    this.space.unreserve(table);
    this.settleAlignment('detach');
  }

  /** VfioError EADDRINUSE when an area is not made of whole pages. */
  addListener(call: string, listener: Listener): void {
    this.listeners.add(listener);
    try {
      this.settleAlignment(call);
    } catch (error) {
      this.listeners.delete(listener);
      throw error;
    }
  }

  removeListener(listener: Listener): void {
    this.listeners.delete(listener);
    this.settleAlignment('detach');
  }

  /** Whether areas may be shown as large pages, which cannot be cut. */
  get largePages(): boolean {
    return !this.small;
  }

  /** VfioError EINVAL while a page table shows areas, EADDRINUSE. */
  setLargePages(call: string, allowed: boolean): void {
    if (allowed !== this.small) return;
    if (!allowed && this.tables.size > 0 && this.areas.size > 0) throw new VfioError('EINVAL', call, 'a page table shows areas already');
    this.small = !allowed;
    try {
      this.settleAlignment(call);
    } catch (error) {
      this.small = allowed;
      throw error;
    }
  }

  destroy(): void {
    atEnd([...[...this.areas.values()].map((area) => () => this.giveBack(area)), () => this.areas.clear(), () => this.space.destroy()]);
  }
}

function largest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
