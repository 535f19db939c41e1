// The short way of accessRegion: 1, 2 or 4 bytes of a region in one cycle, as a number.
//
//   index, position --> neither ROM, config nor VGA ? inside ? aligned ? beside the MSI-X table ? --> the device wakes, one cycle
//                           no to any of them --> accessRegion, which knows all rules

import type { VfioDevice } from './device.ts';
import { noteModelError } from './model-error.ts';
import { plainRegion } from './short-access.ts';
import type { PlainRegion } from './short-access.ts';

/** How many bytes one short access moves. */
export type ShortWidth = 1 | 2 | 4;

/** The regions of one device, for the host that is its bus. */
export class ShortBusAccess {
  private readonly device: VfioDevice;
  private readonly known: (PlainRegion | null | undefined)[] = [];

  /** @param device - Its regions are those that it has from the beginning. */
  constructor(device: VfioDevice) {
    this.device = device;
  }

  private find(index: number): PlainRegion | null {
    const region = this.device.region(index);
    return (this.known[index] = (region && plainRegion(region)) ?? null);
  }

  /** The region of an access that can go this way; null for any other. The device is awake then. */
  private reach(index: number, position: number, width: ShortWidth, writes: boolean): PlainRegion | null {
    const plain = this.known[index] ?? this.find(index);
    if (plain === null || (writes && !plain.writable) || position % width !== 0 || position + width > plain.size) return null;
    if (position < plain.tableTo && position + width > plain.tableFrom) return null;
    const { device } = this;
    if (device.isPulled) return null;
    device.lowPower.wake();
    return plain;
  }

  /**
   * Reads bytes as `accessRegion` does.
   *
   * @param index - Of a region, below the device's number of regions.
   * @param position - Bytes from its start, 0 to 2^53-1.
   * @returns the bytes, lowest first, as a number without sign; -1 when nothing was read, because it has to go the long way.
   * @throws what the device's own code throws.
   */
  read(index: number, position: number, width: ShortWidth): number {
    const plain = this.reach(index, position, width, false);
    if (plain === null) return -1;
    try {
      return plain.region.readAt(position, width);
    } catch (error) {
      noteModelError(error);
      throw error;
    }
  }

  /**
   * Writes bytes as `accessRegion` does.
   *
   * @param index - Of a region, below the device's number of regions.
   * @param position - Bytes from its start, 0 to 2^53-1.
   * @param value - The bytes, lowest first, as a number without sign.
   * @returns false when nothing was written, because it has to go the long way.
   * @throws what the device's own code throws.
   */
  write(index: number, position: number, width: ShortWidth, value: number): boolean {
    const plain = this.reach(index, position, width, true);
    if (plain === null) return false;
    try {
      if (width === 4) plain.region.write32(position, value);
      else if (width === 2) plain.region.write16(position, value);
      else plain.region.write8(position, value);
    } catch (error) {
      noteModelError(error);
      throw error;
    }
    return true;
  }
}
