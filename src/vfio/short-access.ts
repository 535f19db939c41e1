// The short way of pread and pwrite: 1, 2 or 4 bytes of a region in one cycle, without a bigint. Behaviour text, section 4.3.
//
//   offset --> (index, position) --> neither ROM, config nor VGA ? inside ? aligned ? beside the MSI-X table ? --> the device wakes, gate, one cycle
//                                          no to any of them --> region-access.ts, which knows all rules

import { VfioError } from '../uapi/index.ts';
import { putWord, writeCycle } from './bus-cycle.ts';
import type { VfioRegion } from './device.ts';
import { noteModelError } from './model-error.ts';
import type { FileOffsets } from './proposals/file-offsets.ts';
import type { FileRegions } from './proposals/file-regions.ts';
import type { QuickAccess } from './files/open-file.ts';
import { checkGate, isGated } from './region-access.ts';

/** What there is to know of a region, in numbers. @internal Bytes from `tableFrom` to `tableTo` - 1 are the MSI-X table's; without one they are none. */
export interface PlainRegion {
  readonly region: VfioRegion['region'];
  readonly size: number;
  readonly writable: boolean;
  /** Whether it answers memory cycles only while the device does. */
  readonly gated: boolean;
  readonly tableFrom: number;
  readonly tableTo: number;
}

const KINDS: readonly VfioRegion['kind'][] = ['bar', 'device-specific', 'platform'];

/** Undefined for one that only the long way knows. @internal */
export function plainRegion(vfioRegion: VfioRegion): PlainRegion | undefined {
  const { kind, region, size, writable, msixTable, aliasOf } = vfioRegion;
  if (!KINDS.includes(kind) || aliasOf !== undefined) return undefined;
  const [tableFrom, tableTo] = msixTable === undefined ? [0, 0] : [Number(msixTable.offset), Number(msixTable.offset + msixTable.bytes)];
  return { region, size: Number(size), writable, gated: isGated(vfioRegion), tableFrom, tableTo };
}

/** The regions of one open file. @internal */
export class ShortAccess implements QuickAccess {
  private readonly regions: FileRegions;
  private readonly offsets: FileOffsets;
  private readonly readOnly: boolean;
  private readonly known: (PlainRegion | null | undefined)[] = [];
  /** The region that was found last: its offset stays what it is for as long as the file is open. */
  private last: PlainRegion | null = null;
  private start = 0;
  private end = 0;

  /** @param readOnly - Whether the file was opened for reading only. */
  constructor(regions: FileRegions, offsets: FileOffsets, readOnly: boolean) {
    this.regions = regions;
    this.readOnly = readOnly;
    this.offsets = offsets;
  }

  private plain(index: number): PlainRegion | null {
    const known = this.known[index];
    if (known !== undefined) return known;
    const region = this.regions.region(index);
    // A CDX device has no read and write.
    const plain = (this.regions.device.kind === 'cdx' ? undefined : region && plainRegion(region)) ?? null;
    return (this.known[index] = plain);
  }

  /** By a walk of the tree. */
  private find(offset: number): PlainRegion | null {
    const index = this.offsets.findIndex(offset);
    this.last = index < 0 ? null : this.plain(index);
    this.start = offset - this.offsets.foundPosition;
    this.end = this.start + (this.last?.size ?? 0);
    return this.last;
  }

  /**
   * How many bytes were moved: all of them, or 0 when they have to go the long way.
   *
   * @throws VfioError EIO when the memory gate is closed, EFAULT when the buffer has gone meanwhile.
   */
  move(call: string, offset: number, bytes: Uint8Array, writes: boolean): number {
    const width = bytes.length;
    if (width !== 4 && width !== 2 && width !== 1) return 0;
    const { last } = this;
    const plain = last !== null && offset >= this.start && offset < this.end ? last : this.find(offset);
    if (plain === null || (writes && (this.readOnly || !plain.writable))) return 0;
    const position = offset - this.start;
    if ((position & (width - 1)) !== 0 || position + width > plain.size) return 0;
    if (position < plain.tableTo && position + width > plain.tableFrom) return 0;
    const { device } = this.regions;
    if (device.isPulled) return 0;
    device.lowPower.wake();
    if (plain.gated) checkGate(call, device);
    try {
      if (writes) writeCycle(plain.region, position, bytes);
      else putWord(bytes, plain.region.readAt(position, width));
    } catch (error) {
      noteModelError(error);
      throw error;
    }
    // A view of memory that the access made grow is no view any more.
    if (bytes.length !== width) throw new VfioError('EFAULT', call, `the buffer of ${width} bytes is gone`);
    return width;
  }
}
