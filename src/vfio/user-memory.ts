// How a call reaches its caller's memory: copies in and out, with EFAULT where the kernel gives it.

import { bytesOf, integer } from '../core/index.ts';
import type { Space, U64 } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import { isGuard } from './mapping-guard.ts';
import { VfioFault } from './vfio-fault.ts';

/**
 * A pointer argument: an address in the calling process's memory, or a Uint8Array that stands for memory that holds just these bytes. Undefined is NULL.
 */
export type UserPointer = U64 | Uint8Array | undefined;

/** A buffer argument of read and write: bytes, or an address with a length. */
export type UserBuffer = Uint8Array | { readonly address: U64; readonly length: number };

/** Memory as one call sees it. */
export interface UserMemory {
  /** The argument itself, for calls that take a number and no pointer: bytes that stand for memory lie at no address, and are 0. */
  readonly argument: bigint;
  /** Whether `length` bytes from `offset` bytes behind the pointer are all there, and nothing is asked before they are reached. */
  holds(offset: number, length: number): boolean;
  /** Copies `length` bytes from `offset` bytes behind the pointer. VfioError EFAULT when they are not all there. */
  copyIn(offset: number, length: number): Uint8Array;
  /** Copies bytes to `offset` bytes behind the pointer. VfioError EFAULT when there is no room for them all; then nothing is copied. */
  copyOut(offset: number, bytes: Uint8Array): void;
}

const END = 1n << 64n;

function fault(call: string, what: string): never {
  throw new VfioError('EFAULT', call, what);
}

/** A signal to a program is an errno to a call that reaches its memory for it. */
function faults<T>(call: string, copy: () => T): T {
  try {
    return copy();
  } catch (error) {
    if (error instanceof VfioFault) fault(call, error.message);
    throw error;
  }
}

/** Memory behind a pointer argument, whatever was passed as one. @internal */
export function userMemory(call: string, space: Space, pointer: unknown): UserMemory {
  if (pointer instanceof Uint8Array) return new BytesMemory(call, pointer);
  if (ArrayBuffer.isView(pointer)) return new BytesMemory(call, new Uint8Array(pointer.buffer, pointer.byteOffset, pointer.byteLength));
  const isAddress = (typeof pointer === 'number' && Number.isSafeInteger(pointer) && pointer >= 0) || (typeof pointer === 'bigint' && pointer >= 0n && pointer < END);
  const start = isAddress ? BigInt(pointer) : 0n;
  const isThere = (offset: number, length: number): boolean => {
    const at = start + BigInt(offset);
    return isAddress && (length === 0 || (at < END && space.isClaimed(at, length)));
  };
  const isGuarded = (at: bigint, length: number): boolean => {
    const end = at + BigInt(length);
    for (let next = at; next < end; ) {
      const window = space.windowAt(next);
      if (window === undefined || isGuard(window.region)) return true;
      next = window.last + 1n;
    }
    return false;
  };
  const check = (offset: number, length: number): bigint => {
    const at = start + BigInt(offset);
    if (!isThere(offset, length)) fault(call, `${length} bytes at ${isAddress ? `0x${at.toString(16)}` : String(pointer)} are not all mapped`);
    return at;
  };
  return {
    argument: start,
    holds: (offset, length) => isThere(offset, length) && !isGuarded(start + BigInt(offset), length),
    copyIn: (offset, length) => faults(call, () => space.readBytes(check(offset, length), new Uint8Array(length))),
    copyOut: (offset, bytes) => faults(call, () => space.writeBytes(check(offset, bytes.length), bytes)),
  };
}

/** A buffer of read or write: its memory and its length. TypeError for what is none. */
export function userBuffer(call: string, space: Space, buffer: unknown): { readonly user: UserMemory; readonly length: number } {
  if (typeof buffer === 'object' && buffer !== null && !Array.isArray(buffer) && !ArrayBuffer.isView(buffer)) {
    const { address, length } = buffer as { readonly address?: unknown; readonly length?: unknown };
    return { user: userMemory(call, space, address), length: integer(`${call}: length`, length, 0, Number.MAX_SAFE_INTEGER) };
  }
  const bytes = bytesOf(`${call}: buffer`, buffer);
  return { user: userMemory(call, space, bytes), length: bytes.length };
}

/** Memory that holds just these bytes, for a caller that has no address space. @internal */
export function bytesAsMemory(call: string, bytes: Uint8Array): UserMemory {
  return new BytesMemory(call, bytes);
}

/** Memory that holds just these bytes. */
class BytesMemory implements UserMemory {
  readonly argument = 0n;
  private readonly call: string;
  private readonly bytes: Uint8Array;

  constructor(call: string, bytes: Uint8Array) {
    this.call = call;
    this.bytes = bytes;
  }

  holds(offset: number, length: number): boolean {
    return offset + length <= this.bytes.length;
  }

  private check(offset: number, length: number): void {
    if (!this.holds(offset, length)) fault(this.call, `bytes ${offset} to ${offset + length - 1} of an argument of ${this.bytes.length} bytes`);
  }

  copyIn(offset: number, length: number): Uint8Array {
    this.check(offset, length);
    return Uint8Array.prototype.slice.call(this.bytes, offset, offset + length);
  }

  copyOut(offset: number, bytes: Uint8Array): void {
    this.check(offset, bytes.length);
    this.bytes.set(bytes, offset);
  }
}

/** Memory behind the first bytes of an argument. @internal */
export class BehindMemory implements UserMemory {
  readonly argument: bigint;
  private readonly user: UserMemory;
  private readonly start: number;

  constructor(user: UserMemory, start: number) {
    this.user = user;
    this.start = start;
    this.argument = user.argument + BigInt(start);
  }

  holds(offset: number, length: number): boolean {
    return this.user.holds(this.start + offset, length);
  }

  copyIn(offset: number, length: number): Uint8Array {
    return this.user.copyIn(this.start + offset, length);
  }

  copyOut(offset: number, bytes: Uint8Array): void {
    this.user.copyOut(this.start + offset, bytes);
  }
}
