// The offsets of one open file: which belongs to which region, with which mapping attributes. Behaviour text, sections 8.4, 8.5 and 8.10 B.
//
//   entry of the table    what for                                          made by
//   index                 the region, attributes as set                     GET_REGION_INFO, GET_REGION_MMAP with flags 0; open in mode index
//   2^20 + index          the region, mapped write-combining, for ever      GET_REGION_MMAP with WRITE_COMBINE
//
//   mode index     index << 40                   (2^20 + index) << 40: above 64 << 40, where no region of a device is
//   mode cookie    lowest free place             lowest free place

import type { Engine, MemoryType, OffsetTable } from '../../core/index.ts';
import { VFIO_MMAP_ATTR_WRITE_COMBINE, VfioError, vfio_mmap_attrs } from '../../uapi/index.ts';
import { roundUpToPage } from '../device.ts';
import type { VfioRegion } from '../device.ts';
import type { UserMemory } from '../user-memory.ts';
import type { FileRegions } from './file-regions.ts';
import type { DeviceFileSettings } from './options.ts';

const COMBINING = 1 << 20;

/** What an offset means. The position may lie beyond the region's size. @internal */
export interface FileOffset {
  readonly index: number;
  readonly region: VfioRegion | undefined;
  readonly position: bigint;
  /** How mmap of it is; undefined as long as nobody was told of the offset. */
  readonly memoryType: MemoryType | undefined;
}

/** @internal */
export class FileOffsets {
  private readonly regions: FileRegions;
  private readonly settings: DeviceFileSettings;
  private readonly table: OffsetTable;
  /** The first offset that nobody owns, rounded to what a number can be. */
  private readonly offsetEnd: number;
  /** Entries that the user was told of. */
  private readonly announced = new Map<number, { readonly offset: bigint; readonly memoryType: MemoryType }>();

  /** VfioError EINVAL when mode `index` has no room for a region. */
  constructor(engine: Engine, regions: FileRegions, settings: DeviceFileSettings) {
    this.regions = regions;
    this.settings = settings;
    this.offsetEnd = Number(settings.offsetLimit);
    this.table = engine.offsetTable(settings.mode, settings.seed);
    try {
      // C-index: every slot is known from the start, as if offsets were computed.
      if (settings.mode === 'index') for (let index = 0; index < regions.numRegions; index++) this.place(index, regions.region(index)?.size ?? 0n);
    } catch (error) {
      this.table.destroy();
      throw error;
    }
  }

  destroy(): void {
    this.table.destroy();
  }

  /** The offset of an entry, found now if it has none. VfioError ENOSPC. */
  place(entry: number, size: bigint): bigint {
    const offset = this.table.request(entry, size);
    if (this.settings.mode === 'cookie' && offset + roundUpToPage(size) > this.settings.offsetLimit) {
      throw new VfioError('ENOSPC', 'offsets', `0x${size.toString(16)} bytes find no place below offset 0x${this.settings.offsetLimit.toString(16)}`);
    }
    return offset;
  }

  /** The offset of a region, to be told to the user. An entry that is there stays what it is; a region of size 0 has none. */
  announce(index: number, size: bigint, combines = false): bigint {
    const entry = combines ? COMBINING + index : index;
    const known = this.announced.get(entry);
    if (known !== undefined) return known.offset;
    const offset = this.place(entry, size);
    if (size > 0n) this.announced.set(entry, { offset, memoryType: combines ? 'write-combining' : 'uncached' });
    return offset;
  }

  private find(offset: bigint): { entry: number; position: bigint } | undefined {
    let found = this.table.resolve(offset);
    if (found === undefined && this.settings.mode === 'index') {
      // An alias that has come since.
      const index = Number(offset >> 40n);
      const region = index < this.regions.numRegions ? this.regions.region(index) : undefined;
      if (region === undefined) return undefined;
      this.place(index, region.size);
      found = this.table.resolve(offset);
    }
    if (found === undefined || offset >= this.settings.offsetLimit) return undefined;
    return { entry: found.index, position: found.position };
  }

  /** The index of the region that owns an offset from 0 to 2^53-1; -1 when it has none yet, or is mapped write-combining for ever. */
  findIndex(offset: number): number {
    const entry = offset < this.offsetEnd ? this.table.find(offset) : -1;
    return entry < COMBINING ? entry : -1;
  }

  /** Where in its region the offset lies that `findIndex` found last. */
  get foundPosition(): number {
    return this.table.foundPosition;
  }

  /** What an offset means. VfioError as `unknownOffset` says when it means nothing. */
  resolve(call: string, offset: bigint): FileOffset {
    const found = this.find(offset);
    if (found === undefined) throw new VfioError(this.settings.unknownOffset, call, `no region of this file owns offset 0x${offset.toString(16)}${this.mistake(offset)}`);
    const index = found.entry % COMBINING;
    return { index, region: this.regions.region(index), position: found.position, memoryType: this.announced.get(found.entry)?.memoryType };
  }

  /** What a caller with an offset of nobody's may have done. */
  private mistake(offset: bigint): string {
    const index = Number(offset >> 40n);
    if (this.table.mode === 'index' || index >= this.regions.numRegions) return '';
    const right = this.announced.get(index);
    const hint = right === undefined ? '' : `: 0x${right.offset.toString(16)} for region ${index}`;
    return `: it looks computed as index << 40; offsets are what VFIO_DEVICE_GET_REGION_INFO of this file answers${hint}`;
  }

  /** VFIO_DEVICE_SET_MMAP_ATTRS. Nothing is written back. */
  setAttributes(user: UserMemory): number {
    const call = 'VFIO_DEVICE_SET_MMAP_ATTRS';
    const { offset, attrs } = vfio_mmap_attrs.decode(user.copyIn(0, vfio_mmap_attrs.size));
    if ((attrs & ~VFIO_MMAP_ATTR_WRITE_COMBINE) !== 0) throw new VfioError('EINVAL', call, `attrs 0x${attrs.toString(16)} has bits beyond WRITE_COMBINE`);
    const { entry, position } = this.find(offset) ?? { entry: -1, position: 0n };
    const region = this.regions.region(entry % COMBINING);
    const known = this.announced.get(entry);
    // An entry is as long as the region's pages, also where the whole slot is the region's.
    if (known === undefined || position >= roundUpToPage(region?.size ?? 0n)) {
      throw new VfioError('EINVAL', call, `offset 0x${offset.toString(16)} was not given out by GET_REGION_INFO of this file${entry === -1 ? this.mistake(offset) : ''}`);
    }
    if (entry >= COMBINING || region?.aliasOf !== undefined) throw new VfioError('EINVAL', call, `what offset 0x${offset.toString(16)} maps as is settled`);
    if (region?.mmap !== true) throw new VfioError('EINVAL', call, `region ${entry} cannot be mapped`);
    this.announced.set(entry, { offset: known.offset, memoryType: attrs === 0 ? 'uncached' : 'write-combining' });
    return 0;
  }
}
