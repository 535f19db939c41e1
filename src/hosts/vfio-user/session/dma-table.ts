// What a client has mapped for DMA: IOVA ranges that do not overlap, by ascending address.
//
//   0          c0000        100000                     10000000
//   | fd 7, rw | no fd, r   | fd 7 at 100000, rw       |
//
//   a transfer --> check() --> part(), part() .. in one range each; a byte that is in none, or may not be reached so, refuses all of it

import { VfioError } from '../../../uapi/index.ts';
import { hex } from '../../../core/index.ts';
import { DMA_MAP_FILE_IO, DMA_MAP_MMAP, DMA_MAP_READABLE, DMA_MAP_WRITEABLE } from '../codec/commands.ts';
import type { PassedFd } from '../transport/transport.ts';

/** One mapping. */
export interface DmaMapping {
  readonly address: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** Where it begins in the fd. */
  readonly offset: bigint;
  /** DMA_MAP_ flags. */
  readonly flags: number;
  /** What its bytes are in; without one they are reached by messages. */
  readonly fd: PassedFd | undefined;
}

/** A part of a transfer that lies in one mapping. */
export interface DmaPart {
  readonly mapping: DmaMapping;
  readonly address: bigint;
  readonly bytes: number;
}

const END = 1n << 64n;
/** Larger than any machine: 8 TiB. */
const LARGEST = 1n << 43n;
const KNOWN_FLAGS = DMA_MAP_READABLE | DMA_MAP_WRITEABLE | DMA_MAP_MMAP | DMA_MAP_FILE_IO;

function text(address: bigint, size: bigint): string {
  return `${hex(size)} bytes at ${hex(address)}`;
}

/** The mappings of one client. */
export class DmaTable {
  private readonly mappings: DmaMapping[] = [];
  private readonly maxMaps: number;

  constructor(maxMaps: number) {
    this.maxMaps = maxMaps;
  }

  get size(): number {
    return this.mappings.length;
  }

  /** Index of the first mapping that ends behind `address`. */
  private firstBehind(address: bigint): number {
    let [low, high] = [0, this.mappings.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { address: start, size } = this.mappings[middle]!;
      if (start + size > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * Adds a mapping, whose fd is the table's from then on. The same mapping again takes the place of the first.
   *
   * @throws VfioError EINVAL for no bytes, bytes beyond 2^64, unknown flags and one mapping too many; ENOSPC for more than 8 TiB; EEXIST where another mapping is.
   */
  map(mapping: DmaMapping): void {
    const call = 'vfio-user DMA_MAP';
    const { address, size, flags, offset, fd } = mapping;
    if (fd?.kind !== undefined && fd.kind !== 'memory') throw new VfioError('EINVAL', call, 'the fd is no file of memory');
    if (size === 0n) throw new VfioError('EINVAL', call, 'size is 0');
    if (address + size > END) throw new VfioError('EINVAL', call, `${text(address, size)} pass 2^64`);
    if (offset + size > END) throw new VfioError('EINVAL', call, `${text(offset, size)} of the fd pass 2^64`);
    if ((flags & ~KNOWN_FLAGS) !== 0) throw new VfioError('EINVAL', call, `flags 0x${flags.toString(16)} has bits beyond 0x${KNOWN_FLAGS.toString(16)}`);
    if (size > LARGEST) throw new VfioError('ENOSPC', call, `size ${hex(size)} is above ${hex(LARGEST)}`);
    const at = this.firstBehind(address);
    const other = this.mappings[at];
    if (other !== undefined && other.address < address + size) {
      const isSame = other.address === address && other.size === size && other.flags === flags && other.offset === offset && (other.fd === undefined) === (mapping.fd === undefined);
      if (!isSame) throw new VfioError('EEXIST', call, `${text(address, size)} meet the mapping of ${text(other.address, other.size)}`);
      this.mappings[at] = mapping;
      other.fd?.close();
      return;
    }
    if (this.mappings.length >= this.maxMaps) throw new VfioError('EINVAL', call, `there are ${this.mappings.length} mappings; expected at most ${this.maxMaps}`);
    this.mappings.splice(at, 0, mapping);
  }

  /**
   * Which mappings an unmap takes away: those that lie in its range.
   *
   * @throws VfioError ENOENT when none does, EINVAL when the range cuts one.
   */
  inside(call: string, address: bigint, size: bigint): readonly DmaMapping[] {
    if (address + size > END) throw new VfioError('EINVAL', call, `${text(address, size)} pass 2^64`);
    const end = address + size;
    const found: DmaMapping[] = [];
    for (let at = this.firstBehind(address); at < this.mappings.length && this.mappings[at]!.address < end; at++) found.push(this.mappings[at]!);
    if (found.length === 0) throw new VfioError('ENOENT', call, `${text(address, size)} hold no mapping`);
    for (const one of found) if (one.address < address || one.address + one.size > end) throw new VfioError('EINVAL', call, `${text(address, size)} cut the mapping of ${text(one.address, one.size)}`);
    return found;
  }

  /** Takes mappings away that {@link DmaTable.inside} has found; their fds are closed. */
  remove(found: readonly DmaMapping[]): void {
    if (found.length === 0) return;
    const gone = this.mappings.splice(this.mappings.indexOf(found[0]!), found.length);
    for (const { fd } of gone) fd?.close();
  }

  /** The mapping that holds `address`, or undefined. */
  find(address: bigint): DmaMapping | undefined {
    const found = this.mappings[this.firstBehind(address)];
    return found !== undefined && found.address <= address ? found : undefined;
  }

  /** The first part of a transfer. VfioError EFAULT where nothing is mapped for it. */
  part(call: string, address: bigint, bytes: number, writes: boolean): DmaPart {
    const mapping = this.find(address);
    if (mapping === undefined) throw new VfioError('EFAULT', call, `nothing is mapped at ${hex(address)}`);
    if ((mapping.flags & (writes ? DMA_MAP_WRITEABLE : DMA_MAP_READABLE)) === 0) throw new VfioError('EFAULT', call, `${text(mapping.address, mapping.size)} are not mapped to be ${writes ? 'written' : 'read'}`);
    const left = mapping.address + mapping.size - address;
    return { mapping, address, bytes: left < BigInt(bytes) ? Number(left) : bytes };
  }

  /** VfioError EFAULT when not all of a transfer is mapped for it. */
  check(call: string, address: bigint, bytes: number, writes: boolean): void {
    for (let at = 0; at < bytes; ) at += this.part(call, address + BigInt(at), bytes - at, writes).bytes;
  }

  /** Takes everything away. */
  clear(): void {
    for (const { fd } of this.mappings.splice(0)) fd?.close();
  }
}
