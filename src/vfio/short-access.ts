// The short way of pread and pwrite: 1, 2 or 4 bytes of a region in one cycle, without a bigint. Behaviour text, section 4.3.
//
//   offset --> (index, position) --> neither ROM, config nor VGA ? inside ? aligned ? beside the MSI-X table ? --> the device wakes, gate, one cycle
//                                          no to any of them --> region-access.ts, which knows all rules

import { VfioError } from '../uapi/index.ts';
import { readCycle, writeCycle } from './bus-cycle.ts';
import type { VfioRegion } from './device.ts';
import { askModel } from './model-error.ts';
import type { FileOffsets } from './proposals/file-offsets.ts';
import type { FileRegions } from './proposals/file-regions.ts';
import { checkGate, isGated } from './region-access.ts';

/** What there is to know of a region, in numbers. Bytes from `tableFrom` to `tableTo` - 1 are the MSI-X table's; without one they are none. */
interface PlainRegion {
  readonly region: VfioRegion['region'];
  readonly size: number;
  readonly writable: boolean;
  /** Whether it answers memory cycles only while the device does. */
  readonly gated: boolean;
  readonly tableFrom: number;
  readonly tableTo: number;
}

const KINDS: readonly VfioRegion['kind'][] = ['bar', 'device-specific', 'platform'];

function plainRegion(vfioRegion: VfioRegion): PlainRegion | undefined {
  const { kind, region, size, writable, msixTable, aliasOf } = vfioRegion;
  if (!KINDS.includes(kind) || aliasOf !== undefined) return undefined;
  const tableFrom = Number(msixTable?.offset ?? size);
  return { region, size: Number(size), writable, gated: isGated(vfioRegion), tableFrom, tableTo: tableFrom + Number(msixTable?.bytes ?? 0n) };
}

/** The regions of one open file. @internal */
export class ShortAccess {
  private readonly regions: FileRegions;
  private readonly offsets: FileOffsets;
  private readonly known = new Map<number, PlainRegion | null>();

  constructor(regions: FileRegions, offsets: FileOffsets) {
    this.regions = regions;
    this.offsets = offsets;
  }

  private plain(index: number): PlainRegion | null {
    const known = this.known.get(index);
    if (known !== undefined) return known;
    const region = this.regions.region(index);
    // A CDX device has no read and write.
    const plain = (this.regions.device.kind === 'cdx' ? undefined : region && plainRegion(region)) ?? null;
    this.known.set(index, plain);
    return plain;
  }

  /**
   * How many bytes were moved: all of them, or 0 when they have to go the long way.
   *
   * @throws VfioError EIO when the memory gate is closed, EFAULT when the buffer has gone meanwhile.
   */
  move(call: string, offset: number, bytes: Uint8Array, writes: boolean): number {
    const width = bytes.length;
    if (width !== 4 && width !== 2 && width !== 1) return 0;
    const index = this.offsets.findIndex(offset);
    if (index < 0) return 0;
    const plain = this.plain(index);
    if (plain === null || (writes && !plain.writable)) return 0;
    const position = this.offsets.foundPosition();
    if ((position & (width - 1)) !== 0 || position + width > plain.size) return 0;
    if (position < plain.tableTo && position + width > plain.tableFrom) return 0;
    const { device } = this.regions;
    device.lowPower.wake();
    if (plain.gated) checkGate(call, device);
    askModel(() => (writes ? writeCycle(plain.region, position, bytes) : readCycle(plain.region, position, bytes)));
    // A view of memory that the access made grow is no view any more.
    if (bytes.length !== width) throw new VfioError('EFAULT', call, `the buffer of ${width} bytes is gone`);
    return width;
  }
}
