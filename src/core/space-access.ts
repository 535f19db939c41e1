// Accesses of a space up to four bytes: from a remembered lane where one holds them (lanes.ts), else the long way, through the core.
//
//   distance   address - first           exact in a lane; NaN where none is remembered
//   offset     its bits 29..0 that an aligned access may have: the distance itself, or the access is not the lane's
//
// Each width is written out: V8 inlines these into the caller's loop, and what they share would be asked for again in each.

import { integer } from '../webassembly/index.ts';
import type { U64 } from '../webassembly/index.ts';
import { Lane } from './lanes.ts';
import type { MemoryViews } from './memory-views.ts';

/** What every space can be asked for in one call. */
export abstract class SpaceAccess {
  private readonly views: MemoryViews;
  private readonly lanes: readonly Lane[] = Array.from({ length: 64 }, () => new Lane());

  /** @internal */
  protected constructor(views: MemoryViews) {
    this.views = views;
  }

  /** @internal */
  protected abstract readLong(address: U64, width: 1 | 2 | 4): number;

  /** @internal */
  protected abstract writeLong(call: string, address: U64, width: 1 | 2 | 4, value: number): void;

  /** @internal The lane that an address would have. */
  protected laneOf(address: number): Lane {
    return this.lanes[((address >>> 12) ^ (address >>> 20)) & 63]!;
  }

  /** One byte. Unclaimed addresses read all ones. */
  read8(address: U64): number {
    if (typeof address !== 'number') return this.readLong(address, 1);
    const lane = this.laneOf(address);
    const distance = address - lane.first;
    const offset = distance & 0x3fff_ffff;
    const { words, bytes } = this.views;
    if (offset === distance && offset < lane.offsets1 && (words[lane.counter]! | 0) === lane.closings) {
      const at = 4 * lane.base + offset;
      return lane.distance === 0 ? bytes[at]! : bytes[at]! & bytes[at + 4 * lane.distance]!;
    }
    return this.readLong(address, 1);
  }

  /** Two bytes, little-endian, unsigned. */
  read16(address: U64): number {
    if (typeof address !== 'number') return this.readLong(address, 2);
    const lane = this.laneOf(address);
    const distance = address - lane.first;
    const offset = distance & 0x3fff_fffe;
    const { words, halves } = this.views;
    if (offset === distance && offset < lane.offsets2 && (words[lane.counter]! | 0) === lane.closings) {
      const at = 2 * lane.base + (offset >> 1);
      return lane.distance === 0 ? halves[at]! : halves[at]! & halves[at + 2 * lane.distance]!;
    }
    return this.readLong(address, 2);
  }

  /**
   * Four bytes, little-endian, unsigned.
   *
   * @throws RangeError when `address` is no address or the access passes 2^64-1; what a hook threw; VfioError EDEADLK or ELOOP (rule A-nested), EBADF after `destroy`.
   */
  read32(address: U64): number {
    if (typeof address !== 'number') return this.readLong(address, 4);
    const lane = this.laneOf(address);
    const distance = address - lane.first;
    const offset = distance & 0x3fff_fffc;
    const { words } = this.views;
    if (offset === distance && offset < lane.offsets4 && (words[lane.counter]! | 0) === lane.closings) {
      const at = lane.base + (offset >> 2);
      return lane.distance === 0 ? words[at]! : (words[at]! & words[at + lane.distance]!) >>> 0;
    }
    return this.readLong(address, 4);
  }

  write8(address: U64, value: number): void {
    if (typeof address === 'number' && typeof value === 'number' && (value & 0xff) === value) {
      const lane = this.laneOf(address);
      const distance = address - lane.first;
      const offset = distance & 0x3fff_ffff;
      const { words, bytes } = this.views;
      if (offset === distance && offset < lane.offsets1 && (words[lane.counter]! | 0) === lane.closings) {
        const at = 4 * lane.base + offset;
        if (lane.distance === 0) {
          bytes[at] = value;
        } else {
          const writable = bytes[at + 8 * lane.distance]!;
          bytes[at] = (bytes[at]! & ~writable) | (value & writable);
        }
        return;
      }
    }
    this.writeLong('Space.write8', address, 1, integer('Space.write8: value', value, 0, 0xff));
  }

  write16(address: U64, value: number): void {
    if (typeof address === 'number' && typeof value === 'number' && (value & 0xffff) === value) {
      const lane = this.laneOf(address);
      const distance = address - lane.first;
      const offset = distance & 0x3fff_fffe;
      const { words, halves } = this.views;
      if (offset === distance && offset < lane.offsets2 && (words[lane.counter]! | 0) === lane.closings) {
        const at = 2 * lane.base + (offset >> 1);
        if (lane.distance === 0) {
          halves[at] = value;
        } else {
          const writable = halves[at + 4 * lane.distance]!;
          halves[at] = (halves[at]! & ~writable) | (value & writable);
        }
        return;
      }
    }
    this.writeLong('Space.write16', address, 2, integer('Space.write16: value', value, 0, 0xffff));
  }

  /** Writes four bytes; unclaimed addresses drop them. Throws as {@link Space.read32}; VfioError ENOMEM when a demand page cannot be made. */
  write32(address: U64, value: number): void {
    if (typeof address === 'number' && typeof value === 'number' && value >>> 0 === value) {
      const lane = this.laneOf(address);
      const distance = address - lane.first;
      const offset = distance & 0x3fff_fffc;
      const { words } = this.views;
      if (offset === distance && offset < lane.offsets4 && (words[lane.counter]! | 0) === lane.closings) {
        const at = lane.base + (offset >> 2);
        if (lane.distance === 0) {
          words[at] = value;
        } else {
          const writable = words[at + 2 * lane.distance]!;
          words[at] = (words[at]! & ~writable) | (value & writable);
        }
        return;
      }
    }
    this.writeLong('Space.write32', address, 4, integer('Space.write32: value', value, 0, 0xffff_ffff));
  }
}
