// A system call as data: what went in, what came out, and the memory that it was given, before and after.
//
//   call, fd, request, argument ... | before -> after | result: what C sees, negative is -errno

import type { U64 } from '../../core/index.ts';
import type { FdKind } from '../../uapi/index.ts';

/** Memory that a call was given. What is not known is left out. */
export interface CallMemory {
  /** Where it was in the process's memory. */
  readonly address?: U64;
  /** What stood there when the call was made. */
  readonly before?: Uint8Array;
  /** What stood there when it had ended. */
  readonly after?: Uint8Array;
}

/** The buffer of a read or write. `before` and `after` may hold only the start of it. */
export interface CallBuffer extends CallMemory {
  /** Its length in bytes, the argument of the call. */
  readonly length: number;
}

/** One fd that poll was asked about. Bits are POLLIN and the like. */
export interface PolledFd {
  readonly fd: number;
  readonly events: number;
  /** What was answered. */
  readonly revents?: number;
}

/** How a call ended. */
export interface CallOutcome {
  /** The result as raw calls give it: negative is -errno. Undefined: the call did not return. */
  readonly result?: U64;
  /** Why it failed, in the words of the library. Linux does not tell. */
  readonly why?: string;
}

/** The kind of file that an fd is of: those with ioctls of the ABI, a container with POWER's IOMMU, or another. */
export type CallFileKind = FdKind | 'spapr-container' | (string & {});

/** An ioctl. */
export interface IoctlCall extends CallOutcome {
  readonly call: 'ioctl';
  readonly fd: number;
  readonly request: number;
  /** Memory behind the pointer; or the number that was passed, an address of unknown memory or a value. Undefined: none. */
  readonly argument?: U64 | CallMemory;
  /** What kind of file the fd is of: the same number is another request elsewhere. Without it the line names all. */
  readonly kind?: CallFileKind;
  /** Region and interrupt indexes of a platform device are numbers without names. Default `pci`. */
  readonly bus?: 'pci' | 'platform';
  /** The release whose features the file knows: 11 is DMA_BUF in v7.2. Default `v6.14`. */
  readonly uapi?: 'v6.14' | 'v7.2';
}

/** A system call and its outcome: what {@link callLine} prints. */
export type SystemCall =
  | IoctlCall
  | ({ readonly call: 'open'; readonly path: string; readonly flags: number } & CallOutcome)
  | ({ readonly call: 'close' | 'dup' | 'lseek'; readonly fd: number } & CallOutcome)
  | ({ readonly call: 'read' | 'write'; readonly fd: number; readonly buffer: CallBuffer } & CallOutcome)
  | ({ readonly call: 'pread' | 'pwrite'; readonly fd: number; readonly buffer: CallBuffer; readonly offset: U64 } & CallOutcome)
  | ({ readonly call: 'mmap'; readonly length: U64; readonly protection: number; readonly flags: number; readonly fd: number; readonly offset: U64 } & CallOutcome)
  | ({ readonly call: 'munmap'; readonly address: U64; readonly length: U64 } & CallOutcome)
  | ({ readonly call: 'eventfd'; readonly initial: number; readonly flags: number } & CallOutcome)
  | ({ readonly call: 'poll'; readonly fds: readonly PolledFd[]; readonly timeout: number } & CallOutcome)
  | ({ readonly call: 'exit'; readonly status: number } & CallOutcome);
