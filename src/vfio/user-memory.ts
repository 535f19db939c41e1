// How a call reaches its caller's memory: copies in and out, with EFAULT where the kernel gives it.

import type { Space, U64 } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';

/**
 * A pointer argument: an address in the calling process's memory, or a Uint8Array that stands for memory that holds just these bytes. Undefined is NULL.
 */
export type UserPointer = U64 | Uint8Array | undefined;

/** A buffer argument of read and write: bytes, or an address with a length. */
export type UserBuffer = Uint8Array | { readonly address: U64; readonly length: number };

/** Memory as one call sees it. @internal */
export interface UserMemory {
  /** Copies `length` bytes from `offset` bytes behind the pointer. VfioError EFAULT when they are not all there. */
  copyIn(offset: number, length: number): Uint8Array;
  /** Copies bytes to `offset` bytes behind the pointer. VfioError EFAULT when there is no room for them all; then nothing is copied. */
  copyOut(offset: number, bytes: Uint8Array): void;
}

function fault(call: string, what: string): never {
  throw new VfioError('EFAULT', call, what);
}

/** @internal */
export function userMemory(call: string, space: Space, pointer: unknown): UserMemory {
  if (ArrayBuffer.isView(pointer)) return bytesAsMemory(call, new Uint8Array(pointer.buffer, pointer.byteOffset, pointer.byteLength));
  const isAddress = (typeof pointer === 'number' && Number.isSafeInteger(pointer) && pointer >= 0) || (typeof pointer === 'bigint' && pointer >= 0n && pointer < 1n << 64n);
  const start = isAddress ? BigInt(pointer) : 0n;
  const check = (offset: number, length: number): bigint => {
    const at = start + BigInt(offset);
    if (!isAddress || (length > 0 && !space.isClaimed(at & 0xffff_ffff_ffff_ffffn, length))) {
      fault(call, `${length} bytes at ${isAddress ? `0x${at.toString(16)}` : String(pointer)} are not all mapped`);
    }
    return at;
  };
  return {
    copyIn: (offset, length) => space.readBytes(check(offset, length), new Uint8Array(length)),
    copyOut: (offset, bytes) => space.writeBytes(check(offset, bytes.length), bytes),
  };
}

function bytesAsMemory(call: string, memory: Uint8Array): UserMemory {
  const check = (offset: number, length: number): void => {
    if (offset + length > memory.length) fault(call, `bytes ${offset} to ${offset + length - 1} of an argument of ${memory.length} bytes`);
  };
  return {
    copyIn(offset, length) {
      check(offset, length);
      return memory.slice(offset, offset + length);
    },
    copyOut(offset, bytes) {
      check(offset, bytes.length);
      memory.set(bytes, offset);
    },
  };
}
