// The short way of accessRegion: 1, 2 or 4 bytes of a region in one cycle, without a bigint.
//
//   index, position --> neither ROM, config nor VGA ? inside ? aligned ? beside the MSI-X table ? --> the device wakes, one cycle
//                           no to any of them --> accessRegion, which knows all rules

import { putWord, writeCycle } from './bus-cycle.ts';
import type { VfioDevice } from './device.ts';
import { noteModelError } from './model-error.ts';
import { plainRegion } from './short-access.ts';
import type { PlainRegion } from './short-access.ts';

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

  /**
   * Reads or writes bytes as `accessRegion` does.
   *
   * @param index - Of a region, below the device's number of regions.
   * @param position - Bytes from its start, 0 to 2^53-1.
   * @returns false when nothing was moved, because it has to go the long way.
   * @throws what the device's own code throws.
   */
  move(index: number, position: number, bytes: Uint8Array, writes: boolean): boolean {
    const width = bytes.length;
    if (width !== 4 && width !== 2 && width !== 1) return false;
    const plain = this.known[index] ?? this.find(index);
    if (plain === null || (writes && !plain.writable) || position % width !== 0 || position + width > plain.size) return false;
    if (position < plain.tableTo && position + width > plain.tableFrom) return false;
    const { device } = this;
    if (device.isPulled) return false;
    device.lowPower.wake();
    try {
      if (writes) writeCycle(plain.region, position, bytes);
      else putWord(bytes, plain.region.readAt(position, width));
    } catch (error) {
      noteModelError(error);
      throw error;
    }
    return true;
  }
}
