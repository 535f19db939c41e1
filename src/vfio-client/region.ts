// One region of a device: what GET_REGION_INFO says of it, registers by pread and pwrite, mappings. Behaviour text, sections 1.5 and 4.

import { VFIO_DEVICE_GET_REGION_INFO, VFIO_REGION_INFO_FLAG_MMAP, VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE, readRegionInfoCapabilities, vfio_region_info } from '../uapi/index.ts';
import type { RegionInfoCapability } from '../uapi/index.ts';
import { VfioAnswerError, moved } from './calls.ts';
import type { VfioCalls } from './calls.ts';
import { REGION_FLAGS, flagNames } from './flag-names.ts';
import { askGrowing, decodeAnswer } from './growing-answer.ts';
import { addIoEventFd, checkIoEventFd } from './ioeventfd.ts';
import type { IoEventFdOptions } from './ioeventfd.ts';
import { MappingClient } from './mapping.ts';

const CALL = 'VFIO_DEVICE_GET_REGION_INFO';

/** Bytes of a region, counted from its start. */
export interface RegionArea {
  readonly offset: bigint;
  readonly size: bigint;
}

/**
 * A region of an open device. It is asked for once, when it is made: offsets stay what they are as long as the file is open.
 *
 * @example
 * ```ts
 * const bar = client.region(0);
 * bar.read32(0x10);        // a register of 4 bytes at 0x10
 * bar.write32(0x10, 1);
 * const mapping = bar.map(); // the whole of it
 * mapping.read32(0x10);
 * mapping.unmap();
 * ```
 */
export class RegionClient {
  readonly index: number;
  /** VFIO_REGION_INFO_FLAG_ bits. */
  readonly flags: number;
  /** Bytes; 0: the region is absent. */
  readonly size: bigint;
  /** Where the region starts in the device file. Opaque: never computed, only asked for. */
  readonly offset: bigint;
  /** In the order of the chain. */
  readonly capabilities: readonly RegionInfoCapability[];
  private readonly calls: VfioCalls;
  private readonly fd: number;

  /** @internal */
  constructor(calls: VfioCalls, fd: number, index: number) {
    const bytes = askGrowing(calls, fd, CALL, VFIO_DEVICE_GET_REGION_INFO, vfio_region_info.size, (argsz) => vfio_region_info.encode({ argsz, index }));
    const info = vfio_region_info.decode(bytes);
    if (info.index !== index) throw new VfioAnswerError(CALL, `region ${index} was asked for, and region ${info.index} answered`);
    this.calls = calls;
    this.fd = fd;
    this.index = index;
    this.flags = info.flags;
    this.size = info.size;
    this.offset = info.offset;
    this.capabilities = decodeAnswer(CALL, () => readRegionInfoCapabilities(bytes));
  }

  /** `READ`, `WRITE`, `MMAP`, `CAPS`; bits of proposals as numbers. */
  get flagNames(): readonly string[] {
    return flagNames(this.flags, REGION_FLAGS);
  }

  /** What can be mapped: the areas of SPARSE_MMAP, or all of it; nothing without the flag MMAP. */
  get areas(): readonly RegionArea[] {
    if ((this.flags & VFIO_REGION_INFO_FLAG_MMAP) === 0 || this.size === 0n) return [];
    const sparse = this.capabilities.find((capability) => capability.kind === 'SPARSE_MMAP');
    return sparse?.areas.filter(({ size }) => size > 0n) ?? [{ offset: 0n, size: this.size }];
  }

  /** RangeError when a register does not lie in the region. The kernel would move fewer bytes, or tell only an errno. */
  private place(what: string, at: number | bigint, length: number): bigint {
    if (typeof at !== 'bigint' && !Number.isSafeInteger(at)) throw new TypeError(`${what}: the position is ${String(at)}; expected a whole number of bytes`);
    const position = BigInt(at);
    if (position < 0n || position + BigInt(length) > this.size) {
      throw new RangeError(`${what}: ${length} bytes at 0x${position.toString(16)} are not in region ${this.index}, which has 0x${this.size.toString(16)} bytes`);
    }
    return this.offset + position;
  }

  private transfer(what: string, at: number | bigint, buffer: Uint8Array, call: 'pread' | 'pwrite'): void {
    const offset = this.place(what, at, buffer.length);
    const count = moved(call, buffer.length, () => this.calls[call](this.fd, buffer, offset));
    if (count < buffer.length) throw new VfioAnswerError(call, `${count} of ${buffer.length} bytes at 0x${at.toString(16)} of region ${this.index}`);
  }

  private read(what: string, at: number | bigint, width: number): DataView {
    const buffer = new Uint8Array(width);
    this.transfer(what, at, buffer, 'pread');
    return new DataView(buffer.buffer);
  }

  private write(what: string, at: number | bigint, width: number, set: (view: DataView) => void): void {
    const buffer = new Uint8Array(width);
    set(new DataView(buffer.buffer));
    this.transfer(what, at, buffer, 'pwrite');
  }

  /** One byte. VfioError as section 4 of the behaviour text says: EIO while memory is off; RangeError outside the region. */
  read8(at: number | bigint): number {
    return this.read('read8', at, 1).getUint8(0);
  }

  /** Two bytes, little-endian: one cycle where `at` is even. Throws as read8. */
  read16(at: number | bigint): number {
    return this.read('read16', at, 2).getUint16(0, true);
  }

  /** Four bytes, little-endian: one cycle where `at` is a multiple of 4. Throws as read8. */
  read32(at: number | bigint): number {
    return this.read('read32', at, 4).getUint32(0, true);
  }

  /** Eight bytes, little-endian: one cycle where `at` is a multiple of 8. Throws as read8. */
  read64(at: number | bigint): bigint {
    return this.read('read64', at, 8).getBigUint64(0, true);
  }

  /** The lowest 8 bits of `value`. Throws as read8; EINVAL where the region cannot be written. */
  write8(at: number | bigint, value: number): void {
    this.write('write8', at, 1, (view) => view.setUint8(0, value));
  }

  /** The lowest 16 bits of `value`. Throws as write8. */
  write16(at: number | bigint, value: number): void {
    this.write('write16', at, 2, (view) => view.setUint16(0, value, true));
  }

  /** The lowest 32 bits of `value`. Throws as write8. */
  write32(at: number | bigint, value: number): void {
    this.write('write32', at, 4, (view) => view.setUint32(0, value, true));
  }

  /** The lowest 64 bits of `value`. Throws as write8. */
  write64(at: number | bigint, value: bigint): void {
    this.write('write64', at, 8, (view) => view.setBigUint64(0, value, true));
  }

  /**
   * `length` bytes from `at` on, in one pread. Throws as read8.
   *
   * @example
   * ```ts
   * client.region(0).readBytes(0x10, 4); // Uint8Array.of(0x10, 0x11, 0x12, 0x13)
   * ```
   */
  readBytes(at: number | bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.transfer('readBytes', at, bytes, 'pread');
    return bytes;
  }

  /**
   * All of `bytes` from `at` on, in one pwrite. Throws as write8.
   *
   * @example
   * ```ts
   * client.region(0).writeBytes(0x10, Uint8Array.of(1, 2, 3, 4));
   * client.region(0).read32(0x10); // 0x0403_0201
   * ```
   */
  writeBytes(at: number | bigint, bytes: Uint8Array): void {
    this.transfer('writeBytes', at, bytes, 'pwrite');
  }

  /**
   * Has the kernel write a value to a BAR whenever an eventfd is signalled, also while the program is somewhere else. A memory BAR that is turned off loses the write. One write at a
   * place of a BAR is known by its value and width: there is one eventfd for it, and up to 1000 of them for a device.
   *
   * @returns What ends it; a second call does nothing. VfioError ENODEV when it has ended already, EBADF when the device file is closed. The last close of the device ends all.
   * @throws VfioError ENOTTY for other devices than PCI functions; EINVAL for a region that is no BAR, a place in the MSI-X table, an fd that is no eventfd's; EEXIST when the same is
   *   written for an eventfd already, ENOSPC when there are 1000, EBADF, EBUSY, ENOMEM.
   * @throws RangeError outside the region, for a width that is none and an fd below 0; TypeError for a place or value that is no whole number.
   * @example
   * ```ts
   * const doorbell = process.eventfd();
   * const remove = client.region(0).ioeventfd({ at: 0x10, value: 7, width: 4, fd: doorbell });
   * process.write(doorbell, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
   * client.region(0).read32(0x10); // 7
   * remove();
   * ```
   */
  ioeventfd(options: IoEventFdOptions): () => void {
    checkIoEventFd(options);
    return addIoEventFd(this.calls, this.fd, this.place('ioeventfd', options.at, options.width), options);
  }

  /**
   * Maps the region, or a part of it, shared; for reading and writing as far as the region's flags go.
   *
   * @param area - Bytes from the start of the region; the offset a multiple of 4096. Default: the whole region.
   * @throws TypeError when the region can be mapped in more than one part and no part is given: see {@link RegionClient.areas}.
   * @throws VfioError EINVAL where it cannot be mapped; ENOMEM, EBADF.
   * @example
   * ```ts
   * const mapping = client.region(0).map({ offset: 0x1000n, size: 0x1000n });
   * mapping.read8(5); // 5
   * mapping.unmap();
   * ```
   */
  map(area?: RegionArea): MappingClient {
    const { areas } = this;
    if (area === undefined && areas.length > 1) throw new TypeError(`map: region ${this.index} can be mapped in ${areas.length} parts; give one of its areas`);
    const { offset, size } = area ?? areas[0] ?? { offset: 0n, size: this.size };
    return new MappingClient(this.calls, this.fd, {
      offset: this.offset + offset,
      size,
      readable: (this.flags & VFIO_REGION_INFO_FLAG_READ) !== 0,
      writable: (this.flags & VFIO_REGION_INFO_FLAG_WRITE) !== 0,
    });
  }
}
