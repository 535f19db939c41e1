// A domain of an IOMMU: I/O virtual addresses (IOVA) that lead to bytes of regions, in the core. Rules D of docs/how-an-access-travels.md.

import { VfioError } from '../uapi/index.ts';
import { bytesOf, hex, u64 } from '../webassembly/index.ts';
import type { U64 } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import type { CoreExports } from './exports.ts';
import { faultOf, lasting, moveBlock } from './iommu-block.ts';
import type { DomainPlace } from './iommu-block.ts';
import {
  CELL_FIRST,
  CELL_INDEX,
  CELL_LAST,
  CELL_POSITION,
  CELL_VALUE,
  EINVAL,
  IOMMU_READABLE,
  IOMMU_ROW_BYTES,
  IOMMU_ROW_FIRST,
  IOMMU_ROW_LAST,
  IOMMU_ROW_PERMISSIONS,
  IOMMU_ROW_POSITION,
  IOMMU_ROW_REGION,
  IOMMU_WRITABLE,
  PAGE_BYTES,
  STAGING_BYTES,
} from './layout.generated.ts';
import type { IommuTarget, MappedRange } from './iommu-range.ts';
import type { Region } from './region.ts';

const MAX = 0xffff_ffff_ffff_ffffn;
const WALK_ROWS = 256;
const PAGE = BigInt(PAGE_BYTES);
// Regions that are kept by their handles, before it is asked which of them are still mapped.
const KEPT_REGIONS = 64;

function isSafe(value: U64): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function permissionsOf(target: { readonly readable: boolean; readonly writable: boolean }): number {
  return (target.readable ? IOMMU_READABLE : 0) | (target.writable ? IOMMU_WRITABLE : 0);
}

/** Made by {@link Engine.iommuDomain}. */
export class IommuDomain {
  readonly name: string;
  private readonly core: Core;
  private readonly handle: number;
  private readonly place: DomainPlace;
  // What rows name by handle. The core does not tell when the last range of a region goes.
  private readonly regions = new Map<number, Region>();
  private keptRegions = KEPT_REGIONS;
  private tracking = false;
  private gone = false;
  // The region that was mapped last, and what is looked up among an instance's exports at each call.
  private known: Region | undefined;
  private readonly mapF: CoreExports['domainMapF'];
  private readonly locateF: CoreExports['domainLocateF'];

  /** @internal */
  constructor(core: Core, name: string) {
    this.name = name;
    this.core = core;
    this.handle = core.check(core.exports.domainCreate(), 'iommuDomain', () => 'the core has no memory for another domain') >>> 0;
    this.place = { core, handle: this.handle, name };
    this.mapF = core.exports.domainMapF;
    this.locateF = core.exports.domainLocateF;
  }

  private live(call: string): void {
    if (this.gone) throw new VfioError('EBADF', call, `${this.name} is destroyed`);
  }

  /** Says that a region can be met in this domain; throws when it cannot. */
  private keep(call: string, region: Region): void {
    if (region.core !== this.core) throw new TypeError(`${call}: ${region.name} belongs to another engine`);
    region.live(call);
    if (region === this.known) return;
    this.known = region;
    if (this.regions.size >= this.keptRegions && !this.regions.has(region.handle)) this.forgetRegions();
    this.regions.set(region.handle, region);
  }

  private forgetAll(): void {
    this.regions.clear();
    this.known = undefined;
  }

  private forgetRegions(): void {
    const met = new Set<number>();
    for (const row of this.rows(0n, MAX)) met.add(row.handle);
    for (const handle of this.regions.keys()) if (!met.has(handle)) this.regions.delete(handle);
    this.keptRegions = Math.max(KEPT_REGIONS, 2 * this.regions.size);
  }

  private checkInside(call: string, region: Region, position: bigint, bytes: bigint): void {
    if (bytes > 0n && position + bytes > region.size) {
      throw new RangeError(`${call}: ${hex(bytes)} bytes at position ${hex(position)} pass the end of ${region.name}, ${hex(region.size)} bytes`);
    }
  }

  /**
   * Maps first .. first + bytes - 1. VfioError EEXIST when something is mapped there, EINVAL when it passes 2^64-1 or is empty, ENOMEM; then nothing has changed.
   *
   * @throws RangeError when the target passes the region's end.
   */
  map(first: U64, bytes: U64, to: IommuTarget): void {
    this.live('IommuDomain.map');
    this.keep('IommuDomain.map', to.region);
    const { position } = to;
    const status =
      isSafe(first) && isSafe(bytes) && isSafe(position)
        ? this.mapF(this.handle, first, bytes, to.region.handle, position, permissionsOf(to))
        : this.core.exports.domainMap(this.handle, u64('IommuDomain.map: first', first), u64('IommuDomain.map: bytes', bytes), to.region.handle, u64('IommuDomain.map: position', position), permissionsOf(to));
    if (status === 0) return;
    this.checkInside('IommuDomain.map', to.region, BigInt(position), BigInt(bytes));
    this.core.check(status, 'IommuDomain.map', () => `${hex(bytes)} bytes at ${hex(first)} in ${this.name}`);
  }

  /** Maps pages of one size, in any order, each onto `bytes` bytes of one region: all of them, or none. VfioError as {@link IommuDomain.map}. */
  mapPages(iovas: BigUint64Array, positions: BigUint64Array, bytes: U64, to: Omit<IommuTarget, 'position'>): void {
    this.live('IommuDomain.mapPages');
    this.keep('IommuDomain.mapPages', to.region);
    const n = iovas.length;
    if (positions.length !== n) throw new RangeError(`IommuDomain.mapPages: ${n} IOVAs and ${positions.length} positions`);
    const size = u64('IommuDomain.mapPages: bytes', bytes);
    if (n === 0) return;
    const columns = Math.max(1, 16 * n);
    const [allIovas, allPositions] = [lasting(this.core, iovas), lasting(this.core, positions)];
    const buffer = this.core.exports.takeBuffer(columns);
    if (buffer === 0) throw new VfioError('ENOMEM', 'IommuDomain.mapPages', `no memory for ${n} rows of 16 bytes`);
    const at = buffer >>> 0;
    const memory = this.core.memory();
    memory.set(allIovas(), at);
    memory.set(allPositions(), at + 8 * n);
    const status = this.core.exports.domainMapPages(this.handle, at, at + 8 * n, n, size, to.region.handle, permissionsOf(to));
    this.core.exports.giveBuffer(buffer, columns);
    if (status === -EINVAL) for (const position of positions) this.checkInside('IommuDomain.mapPages', to.region, position, size);
    if (status < 0) this.core.check(status, 'IommuDomain.mapPages', () => `${n} pages of ${hex(size)} bytes in ${this.name}`);
  }

  /** Unmaps first..last, and cuts what reaches beyond; bytes that were mapped there. Their dirty bits are gone. VfioError ENOMEM when a cut needs memory that there is not; then nothing has changed. */
  unmap(first: U64, last: U64): bigint {
    this.live('IommuDomain.unmap');
    const [from, to] = [u64('IommuDomain.unmap: first', first), u64('IommuDomain.unmap: last', last)];
    const status = this.core.exports.domainUnmap(this.handle, from, to);
    if (status < 0) this.core.check(status, 'IommuDomain.unmap', () => `${hex(from)}..${hex(to)} in ${this.name}`);
    if (status === 0) return 0n;
    if (this.count === 0) this.forgetAll();
    const bytes = this.core.cellFirst();
    // Everything was mapped, and everything is one more than a cell can say.
    return bytes === 0n ? MAX + 1n : bytes;
  }

  /** The range that holds `iova`, as it was mapped or is left of it. */
  translate(iova: U64): MappedRange | undefined {
    this.live('IommuDomain.translate');
    const at = u64('IommuDomain.translate: iova', iova);
    if (this.core.exports.domainFind(this.handle, at, at) !== 1) return undefined;
    const { cells } = this.core;
    const view = this.core.data();
    return this.range(view, cells + CELL_FIRST, cells + CELL_LAST, cells + CELL_POSITION, cells + CELL_VALUE, cells + CELL_INDEX);
  }

  /**
   * The position in its region of the byte behind an IOVA, or -1 where a device gets no such access: {@link IommuDomain.translate} for hot paths. Which region that is, `located` says
   * until the next call of anything else.
   *
   * @throws RangeError when `iova` is no integer from 0 to 2^53-1, or the position is above 2^53-1.
   */
  locate(iova: number, access: 'read' | 'write'): number {
    if (!isSafe(iova)) throw new RangeError(`IommuDomain.locate: iova is ${String(iova)}; expected an integer from 0 to 2^53-1`);
    const position = this.locateF(this.handle, iova, access === 'read' ? IOMMU_READABLE : IOMMU_WRITABLE);
    if (position === -1) this.live('IommuDomain.locate');
    if (position === -2) throw new RangeError(`IommuDomain.locate: ${hex(iova)} leads to a position above 2^53-1`);
    return position;
  }

  /** The region to which the last `locate` led. */
  get located(): Region | undefined {
    return this.regions.get(this.core.data().getUint32(this.core.cells + CELL_VALUE, true));
  }

  private range(view: DataView, first: number, last: number, position: number, region: number, permissions: number): MappedRange {
    const allowed = view.getUint32(permissions, true);
    return {
      first: view.getBigUint64(first, true),
      last: view.getBigUint64(last, true),
      region: this.regions.get(view.getUint32(region, true))!,
      position: view.getBigUint64(position, true),
      readable: (allowed & IOMMU_READABLE) !== 0,
      writable: (allowed & IOMMU_WRITABLE) !== 0,
    };
  }

  private *rows(first: bigint, last: bigint): Generator<{ readonly range: MappedRange; readonly handle: number }, void, undefined> {
    const bytes = WALK_ROWS * IOMMU_ROW_BYTES;
    let from = first;
    for (let more = from <= last; more; ) {
      const buffer = this.core.exports.takeBuffer(bytes);
      if (buffer === 0) throw new VfioError('ENOMEM', 'IommuDomain.walk', `no ${bytes} bytes for a batch of rows`);
      const rows = [];
      const n = this.core.exports.domainWalk(this.handle, from, last, buffer, WALK_ROWS);
      const view = this.core.data();
      for (let i = 0; i < n; i++) {
        const at = (buffer >>> 0) + i * IOMMU_ROW_BYTES;
        const range = this.range(view, at + IOMMU_ROW_FIRST, at + IOMMU_ROW_LAST, at + IOMMU_ROW_POSITION, at + IOMMU_ROW_REGION, at + IOMMU_ROW_PERMISSIONS);
        rows.push({ range, handle: view.getUint32(at + IOMMU_ROW_REGION, true) });
      }
      this.core.exports.giveBuffer(buffer, bytes);
      yield* rows;
      const end = rows.at(-1)?.range.last ?? last;
      more = n === WALK_ROWS && end < last;
      from = end + 1n;
    }
  }

  /** What is mapped in first..last, ascending, each range with its whole extent. Reads in batches: changes between two steps are allowed, and the walk goes on behind the last range of its batch. */
  *walk(first: U64 = 0n, last: U64 = MAX): Generator<MappedRange, void, undefined> {
    this.live('IommuDomain.walk');
    const [from, to] = [u64('IommuDomain.walk: first', first), u64('IommuDomain.walk: last', last)];
    for (const { range } of this.rows(from, to)) {
      yield range;
      this.live('IommuDomain.walk');
    }
  }

  /** Fills `target` with the bytes from `iova` on, over any borders of ranges. IommuFault. */
  read(iova: U64, target: Uint8Array): void {
    this.live('IommuDomain.read');
    moveBlock(this.place, 'IommuDomain.read', u64('IommuDomain.read: iova', iova), bytesOf('IommuDomain.read: target', target), 0);
  }

  /** Writes all of `source`, and marks its pages dirty while that is tracked. IommuFault; VfioError ENOMEM when a demand page or a mark has no memory, with nothing written. */
  write(iova: U64, source: Uint8Array): void {
    this.live('IommuDomain.write');
    moveBlock(this.place, 'IommuDomain.write', u64('IommuDomain.write: iova', iova), bytesOf('IommuDomain.write: source', source), 1);
  }

  /** Copies bytes inside the domain as a device's copy engine does, without leaving the core: ranges that overlap end as if all was read first. IommuFault. */
  copy(to: U64, from: U64, bytes: U64): void {
    this.live('IommuDomain.copy');
    const [target, source, size] = [u64('IommuDomain.copy: to', to), u64('IommuDomain.copy: from', from), u64('IommuDomain.copy: bytes', bytes)];
    const status = this.core.exports.domainCopy(this.handle, target, source, size);
    if (status > 0) throw faultOf(this.place, status);
    if (status < 0) throw this.core.failure(-status, 'IommuDomain.copy', `${hex(size)} bytes from ${hex(source)} to ${hex(target)} in ${this.name}`);
  }

  /** How many ranges are mapped. */
  get count(): number {
    return Math.max(0, this.core.exports.domainCount(this.handle));
  }

  /** Whether writes mark pages of 4096 bytes dirty. */
  get tracksDirty(): boolean {
    return this.tracking;
  }

  /** Marks written pages from now on, none yet; or stops, and forgets all marks. Does nothing when that is so already. */
  trackDirty(on: boolean): void {
    this.live('IommuDomain.trackDirty');
    this.tracking = on;
    this.core.exports.domainTrack(this.handle, on ? 1 : 0);
  }

  /** Marks the pages of first..last in which something is mapped. Nothing happens while dirty pages are not tracked. VfioError ENOMEM, then no page is marked. */
  markDirty(first: U64, last: U64): void {
    this.live('IommuDomain.markDirty');
    const [from, to] = [u64('IommuDomain.markDirty: first', first), u64('IommuDomain.markDirty: last', last)];
    this.core.check(this.core.exports.domainMark(this.handle, from, to), 'IommuDomain.markDirty', () => `pages of ${hex(from)}..${hex(to)} in ${this.name}`);
  }

  /**
   * Sets bit n of `bitmap` (byte n>>3, bit n&7) when a page in first + n * pageBytes .. of `pageBytes` bytes is dirty; clears none.
   *
   * @param pageBytes a power of two of at least 4096.
   * @param bitmap at least one bit for each page of first..last.
   * @param clear whether the marks are taken away.
   * @throws RangeError when `pageBytes` or the length of `bitmap` is not so; VfioError EINVAL when `first` is above `last`.
   */
  readDirty(first: U64, last: U64, pageBytes: U64, bitmap: Uint8Array, clear: boolean): void {
    const call = 'IommuDomain.readDirty';
    this.live(call);
    const [from, to, size, bits] = [u64(`${call}: first`, first), u64(`${call}: last`, last), u64(`${call}: pageBytes`, pageBytes), bytesOf(`${call}: bitmap`, bitmap)];
    if (size < PAGE || (size & (size - 1n)) !== 0n) throw new RangeError(`${call}: pageBytes is ${size.toString()}; expected a power of two of at least ${PAGE_BYTES}`);
    if (from > to) throw new VfioError('EINVAL', call, `first ${hex(from)} is above last ${hex(to)}`);
    const wanted = (to - from) / size + 1n;
    if (BigInt(bits.length) * 8n < wanted) throw new RangeError(`${call}: bitmap has ${bits.length} bytes; ${wanted.toString()} bits are wanted`);
    const target = lasting(this.core, bits);
    const step = 8n * BigInt(STAGING_BYTES) * size;
    const buffer = this.core.exports.takeBuffer(STAGING_BYTES) >>> 0;
    if (buffer === 0) throw new VfioError('ENOMEM', call, `no memory for ${STAGING_BYTES} bytes of bits`);
    for (let [at, offset] = [from, 0]; at <= to; at += step, offset += STAGING_BYTES) {
      const end = at + step - 1n < to ? at + step - 1n : to;
      const length = Number((end - at) / size / 8n) + 1;
      this.core.memory().fill(0, buffer, buffer + length);
      this.core.exports.domainReadDirty(this.handle, at, at, end, size.toString(2).length - 1, buffer, length);
      const found = this.core.memory().subarray(buffer, buffer + length);
      const into = target();
      for (let i = 0; i < length; i++) if (found[i] !== 0) into[offset + i]! |= found[i]!;
    }
    this.core.exports.giveBuffer(buffer, STAGING_BYTES);
    if (clear) this.core.exports.domainClearDirty(this.handle, from, to);
  }

  /** Unmaps everything, and forgets all marks. */
  clear(): void {
    this.live('IommuDomain.clear');
    this.core.exports.domainClear(this.handle);
    this.forgetAll();
  }

  /** Checks the structure of the domain's trees node by node; Error with the number of the broken rule in `assembly/maple/check.ts`. For tests. */
  validate(): void {
    this.live('IommuDomain.validate');
    const broken = this.core.exports.domainValidate(this.handle);
    if (broken > 0) throw new Error(`${this.name}: structural rule ${broken} is broken`);
  }

  /** Returns all memory. A second call does nothing. */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.core.exports.domainDestroy(this.handle);
    this.forgetAll();
  }
}
