// An open file as the system calls see it: what it answers to a call that its kind does not have, and how long it lives.
//
//   fd --+
//   fd --+--> open file (position, references) --> what is behind it
//   mapping --+
//
// Source: fs/read_write.c, mm/mmap.c; Behaviour text, section 4.1

import type { Region } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { DeviceBinding, GroupBackend } from '../groups/group-backend.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { LockedMemory } from '../locked-memory.ts';
import type { DeviceFileOptions } from '../proposals/options.ts';
import type { UserMemory } from '../user-memory.ts';
import type { EventFd } from './eventfd.ts';
import type { MappedRange } from './mapped-range.ts';
import { DEFAULT_POLLMASK } from './poll.ts';

/** What kind of file an fd is of. A call that wants another kind says so by its errno. */
export type FileKind = 'device' | 'eventfd' | 'group' | 'container' | 'iommufd' | 'dma-buf' | 'migration data' | 'page faults';

/** Memory by pages of 4096 bytes, as a driver pins them: VfioError for a page that is not there, or that it could not write. The number is the address divided by 4096. */
export interface UserPages {
  /** A copy of a page. */
  read(page: bigint): Uint8Array;
  /** Changes bytes of a page, from its byte `at` on. */
  write(page: bigint, at: number, bytes: Uint8Array): void;
}

/** A privilege of a process, by its name in capabilities(7). */
export type Capability = 'CAP_IPC_LOCK' | 'CAP_SYS_RAWIO' | 'CAP_SYS_RESOURCE';

/** Memory of a process that stays where it is, whatever the process unmaps, until it is released. */
export interface PinnedMemory {
  /** Where its bytes are, in the order of the addresses; together all of them. */
  readonly runs: readonly PinnedRun[];
  /** Called once. */
  release(): void;
}

/** Consecutive bytes of pinned memory. */
export interface PinnedRun {
  readonly region: Region;
  readonly position: bigint;
  readonly bytes: bigint;
  /** Pages of a device's BAR: nobody holds them, and they count for no limit. */
  readonly isDevice: boolean;
}

/** What a call may need of the process that makes it, besides its argument. */
export interface CallingProcess {
  /** For messages. */
  readonly name: string;
  /** Stands for its memory: two calls of one process have the same. */
  readonly identity: object;
  readonly locked: LockedMemory;
  /** How it opens devices where nothing else is said: the kernel that it runs on. */
  readonly opens: DeviceFileOptions;
  hasCapability(capability: Capability): boolean;
  /** The fd that a file would get now: asked before something happens for an fd that there is not. VfioError EMFILE. */
  lowestFreeFd(call: string): number;
  /** The open file behind an fd. VfioError EBADF. */
  file(call: string, fd: number): OpenFile;
  /**
   * Pins whole pages.
   *
   * @param address, bytes - multiples of 4096.
   * @param options - `writes`: devices will write there; `devices`: mappings of BARs will do.
   * @throws VfioError EFAULT when not all is mapped, or may not be written or read by the process itself; then nothing is pinned.
   */
  pin(call: string, address: bigint, bytes: bigint, options: { readonly writes: boolean; readonly devices: boolean }): PinnedMemory;
  /** Its memory from an address on. */
  memoryAt(address: bigint): UserMemory;
  readonly pages: UserPages;
  /** The eventfd behind an fd. VfioError EBADF when it is not open, EINVAL when it is another kind of file. */
  eventfd(call: string, fd: number): EventFd;
  /** The IOMMU group behind an fd. VfioError EBADF when it is not open, EINVAL when it is another kind of file. */
  group(call: string, fd: number): number;
  /** Gives a file the lowest free fd. VfioError EMFILE: then the file is closed. */
  install(call: string, file: OpenFile): number;
  /** Takes back an fd that its caller has not been told of. */
  uninstall(fd: number): void;
}

/** A short way for what can go it. */
export interface QuickAccess {
  /**
   * How many bytes were moved: all of them, or 0 when nothing has happened yet and `access` is to be asked.
   *
   * @param offset 0 to 2^53-1.
   */
  move(call: string, offset: number, bytes: Uint8Array, writes: boolean): number;
}

/** One open file. File descriptors and mappings hold references; the last one gone closes it. */
export abstract class OpenFile {
  abstract readonly kind: FileKind;
  /** Opened for reading only. */
  readonly readOnly: boolean = false;
  /** Opened for writing only. */
  readonly writeOnly: boolean = false;
  /** Without offsets: pread and pwrite are ESPIPE. */
  readonly isStream: boolean = false;
  /** Where read and write without an offset go on. */
  position = 0n;
  private references = 0;

  hold(): this {
    this.references++;
    return this;
  }

  release(): void {
    if (--this.references === 0) this.closed();
  }

  /** The last reference is gone. */
  protected closed(): void {
    return undefined;
  }

  /** The result of an ioctl. A kind of file without one answers ENOTTY to all. */
  ioctl?(request: number, user: UserMemory, process: CallingProcess): number;

  /** Moves bytes at an offset; how many. */
  abstract access(call: string, offset: bigint, length: number, user: UserMemory, writes: boolean): number;

  /** A way ahead of `access`, for files that have one. */
  readonly quick?: QuickAccess;

  /** What poll tells of it: POLL bits. */
  poll(): number {
    return DEFAULT_POLLMASK;
  }

  /** lseek: the new position. */
  seek(): number {
    throw new VfioError('ESPIPE', 'lseek', `a ${this.kind} file has no seek operation`);
  }

  /** SET_CONTAINER: what the group is set to. A kind of file that is neither a container nor an iommufd is EBADFD. */
  attachGroup?(call: string, group: IommuGroup, process: CallingProcess): GroupBackend;

  /** BIND_IOMMUFD of a function's character device. A kind of file that is no iommufd is EBADFD. */
  bindDevice?(call: string, one: HostFunction): DeviceBinding;

  /** Checks a mapping of `length` bytes at `offset`. A kind of file without one is ENODEV. */
  map?(offset: bigint, length: bigint, isShared: boolean): MappedRange;
}
