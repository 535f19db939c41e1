// A domain of an IOMMU: I/O virtual addresses (IOVA) that lead to bytes of regions, in the core. Rules D of docs/how-an-access-travels.md.

import { VfioError } from '../uapi/index.ts';
import type { U64 } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import type { Region } from './region.ts';

/** What a range of IOVAs leads to. */
export interface IommuTarget {
  readonly region: Region;
  /** Bytes from the region's start to the byte behind the first IOVA. */
  readonly position: U64;
  /** A device may read it. */
  readonly readable: boolean;
  readonly writable: boolean;
}

/** A range of IOVAs that is mapped as one, both ends included. */
export interface MappedRange {
  readonly first: bigint;
  readonly last: bigint;
  readonly region: Region;
  readonly position: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
}

/** A device's access that a domain does not let through. Not a byte was moved, unless a hook of a region unmapped what it was about to reach. */
export class IommuFault extends Error {
  readonly access: 'read' | 'write';
  /** The first IOVA of the access that cannot be reached. */
  readonly iova: bigint;
  /** `unmapped`: nothing is mapped there. `permission`: mapped, but not for this direction. `target`: what is behind it is destroyed, busy or refuses. */
  readonly reason: 'unmapped' | 'permission' | 'target';

  constructor(access: 'read' | 'write', iova: bigint, reason: IommuFault['reason'], domain: string) {
    super(`IOMMU fault: ${access} of 0x${iova.toString(16)} in ${domain}: ${reason}`);
    this.name = 'IommuFault';
    this.access = access;
    this.iova = iova;
    this.reason = reason;
  }
}

/** Made by {@link Engine.iommuDomain}. */
export class IommuDomain {
  readonly name: string;

  /** @internal */
  constructor(_core: Core, name: string) {
    this.name = name;
  }

  /** Maps first .. first + bytes - 1. VfioError EEXIST when something is mapped there, EINVAL when it passes 2^64-1, ENOMEM; then nothing has changed. */
  map(_first: U64, _bytes: U64, _to: IommuTarget): void {
    throw new VfioError('EINVAL', 'map', 'to be written');
  }

  /** Maps pages of one size, in any order, each onto `bytes` bytes of one region: all of them, or none. VfioError as {@link IommuDomain.map}. */
  mapPages(_iovas: BigUint64Array, _positions: BigUint64Array, _bytes: U64, _to: Omit<IommuTarget, 'position'>): void {
    throw new VfioError('EINVAL', 'map', 'to be written');
  }

  /** Unmaps first..last, and cuts what reaches beyond; bytes that were mapped there. Their dirty bits are gone. VfioError ENOMEM when a cut needs memory that there is not; then nothing has changed. */
  unmap(_first: U64, _last: U64): bigint {
    throw new VfioError('EINVAL', 'map', 'to be written');
  }

  /** The range that holds `iova`, as it was mapped or is left of it. */
  translate(_iova: U64): MappedRange | undefined {
    return undefined;
  }

  /** What is mapped in first..last, ascending, each range with its whole extent. */
  *walk(_first: U64 = 0n, _last: U64 = 0xffff_ffff_ffff_ffffn): Generator<MappedRange, void, undefined> {
    yield* [];
  }

  /** Fills `target` with the bytes from `iova` on, over any borders of ranges. IommuFault. */
  read(_iova: U64, _target: Uint8Array): void {
    throw new IommuFault('read', 0n, 'unmapped', this.name);
  }

  /** Writes all of `source`, and marks its pages dirty while that is tracked. IommuFault. */
  write(_iova: U64, _source: Uint8Array): void {
    throw new IommuFault('write', 0n, 'unmapped', this.name);
  }

  /** Copies bytes inside the domain as a device's copy engine does, without leaving the core: ranges that overlap end as if all was read first. IommuFault. */
  copy(_to: U64, _from: U64, _bytes: U64): void {
    throw new IommuFault('write', 0n, 'unmapped', this.name);
  }

  /** How many ranges are mapped. */
  get count(): number {
    return 0;
  }

  /** Whether writes mark pages of 4096 bytes dirty. */
  get tracksDirty(): boolean {
    return false;
  }

  /** Marks written pages from now on, none yet; or stops, and forgets all marks. */
  trackDirty(_on: boolean): void {
    throw new VfioError('EINVAL', 'map', 'to be written');
  }

  /** Marks the pages of first..last. Nothing happens while dirty pages are not tracked. VfioError ENOMEM. */
  markDirty(_first: U64, _last: U64): void {
    throw new VfioError('EINVAL', 'map', 'to be written');
  }

  /**
   * Sets bit n of `bitmap` (byte n>>3, bit n&7) when a page in first + n * pageBytes .. of `pageBytes` bytes is dirty; clears none.
   *
   * @param pageBytes a power of two of at least 4096.
   * @param bitmap at least one bit for each page of first..last.
   * @param clear whether the marks are taken away.
   */
  readDirty(_first: U64, _last: U64, _pageBytes: U64, _bitmap: Uint8Array, _clear: boolean): void {
    throw new VfioError('EINVAL', 'map', 'to be written');
  }

  /** Unmaps everything. */
  clear(): void {
    throw new VfioError('EINVAL', 'map', 'to be written');
  }

  /** Returns all memory. A second call does nothing. */
  destroy(): void {
    throw new VfioError('EINVAL', 'map', 'to be written');
  }
}
