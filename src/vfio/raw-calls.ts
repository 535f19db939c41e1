// The calls of a process with C's results: a number, negative errno, never an exception.

import type { U64 } from '../core/index.ts';
import { ERRNO, VfioError } from '../uapi/index.ts';
import { isModelError } from './model-error.ts';
import type { Process } from './process.ts';
import type { UserBuffer, UserPointer } from './user-memory.ts';

/** System calls as C sees them: the result, or -errno. They never throw. */
export interface RawCalls {
  /** A device node of the process's host, O_RDWR. */
  open(path: string): number;
  ioctl(fd: number, request: number, argument?: UserPointer): number;
  pread(fd: number, buffer: UserBuffer, offset: U64): number;
  pwrite(fd: number, buffer: UserBuffer, offset: U64): number;
  read(fd: number, buffer: UserBuffer): number;
  write(fd: number, buffer: UserBuffer): number;
  lseek(fd: number): number;
  poll(fd: number, events: number): number;
  dup(fd: number): number;
  close(fd: number): number;
  mmap(length: U64, protection: number, flags: number, fd?: number, offset?: U64): number;
  munmap(address: U64, length: U64): number;
}

/** @internal */
export function rawCalls(process: Process): RawCalls {
  return {
    open: (path) => raw(() => process.open(path)),
    ioctl: (fd, request, argument) => raw(() => process.ioctl(fd, request, argument)),
    pread: (fd, buffer, offset) => raw(() => process.pread(fd, buffer, offset)),
    pwrite: (fd, buffer, offset) => raw(() => process.pwrite(fd, buffer, offset)),
    read: (fd, buffer) => raw(() => process.read(fd, buffer)),
    write: (fd, buffer) => raw(() => process.write(fd, buffer)),
    lseek: (fd) => raw(() => process.lseek(fd)),
    poll: (fd, events) => raw(() => process.poll(fd, events)),
    dup: (fd) => raw(() => process.dup(fd)),
    close: (fd) => raw(() => (process.close(fd), 0)),
    mmap: (length, protection, flags, fd, offset) => raw(() => process.mmap(length, protection, flags, fd, offset)),
    munmap: (address, length) => raw(() => (process.munmap(address, length), 0)),
  };
}

/** The errno that a raw call answers for what the call has thrown. @internal */
export function errnoOf(error: unknown): number {
  if (error instanceof VfioError) return error.errno;
  // An argument that C could not have passed is a bad argument; anything else came out of a device model.
  const isArgument = (error instanceof TypeError || error instanceof RangeError) && !isModelError(error);
  return isArgument ? ERRNO.EINVAL : ERRNO.EIO;
}

function raw(call: () => number): number {
  try {
    return call();
  } catch (error) {
    return -errnoOf(error);
  }
}
