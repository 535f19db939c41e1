// What the client is written against: whatever answers ioctls, reads, writes and mappings by bytes, and a call's failure as an error with the request's name.
//
//   a client's method --> bytes of a request --> calls.ioctl(fd, request, bytes) --> bytes of the answer --> a record
//                                                 result < 0, or a VfioError        --> VfioError: errno, the request's name
//                                                 an answer that cannot be true     --> VfioAnswerError: the request's name, the numbers

import { VfioError, errnoName } from '../uapi/index.ts';

/** Memory of the program that calls, as its own loads and stores reach it. Addresses and lengths in bytes. */
export interface VfioMemory {
  read8(address: number): number;
  read16(address: number): number;
  read32(address: number): number;
  read64(address: number): bigint;
  write8(address: number, value: number): void;
  write16(address: number, value: number): void;
  write32(address: number, value: number): void;
  write64(address: number, value: bigint): void;
  /** Fills `target` with what is there. */
  readBytes(address: number, target: Uint8Array): unknown;
  writeBytes(address: number, bytes: Uint8Array): void;
}

/**
 * System calls on VFIO files. A `Process` is one as it is; so is anything else that hands bytes to a VFIO implementation.
 *
 * A call fails by throwing a VfioError, or by answering -errno; each is the same to the client.
 *
 * @example
 * ```ts
 * const calls: VfioCalls = new Process(engine);
 * const client = new VfioClient(calls, 3);
 * ```
 */
export interface VfioCalls {
  /** The argument is changed in place. The result: 0, or a positive number where the request has one. */
  ioctl(fd: number, request: number, argument?: Uint8Array): number;
  /** How many bytes; fewer than the buffer has at the end of a region. */
  pread(fd: number, buffer: Uint8Array, offset: bigint): number;
  pwrite(fd: number, buffer: Uint8Array, offset: bigint): number;
  /** Of a stream: a migration's data file. How many bytes. */
  read(fd: number, buffer: Uint8Array): number;
  write(fd: number, buffer: Uint8Array): number;
  /** The address. PROT_ and MAP_ numbers as on Linux. */
  mmap(length: number | bigint, protection: number, flags: number, fd: number, offset: bigint): number;
  munmap(address: number, length: number | bigint): unknown;
  close(fd: number): unknown;
  readonly memory: VfioMemory;
}

/** The answer to a call cannot be true: a capability chain that closes a cycle, a count with no room behind it, fewer bytes than a register has. */
export class VfioAnswerError extends Error {
  /** Always `'VfioAnswerError'`. */
  override readonly name: string = 'VfioAnswerError';
  /** The request, or `pread`, `mmap`, ... */
  readonly call: string;

  /**
   * @param call - The request that was answered.
   * @param detail - What the answer says and what would bound it, with the numbers.
   */
  constructor(call: string, detail: string, options?: ErrorOptions) {
    super(`${call}: ${detail}`, options);
    this.call = call;
  }
}

/** The same error under the request's name: a file that did not get as far as the request knows less of it. */
function named(error: unknown, call: string): unknown {
  if (!(error instanceof VfioError) || error.call.startsWith(call)) return error;
  const detail = error.message.replace(`${error.code}: `, '');
  const known = call.startsWith(error.call) ? detail.slice(error.call.length + 2) : detail;
  const again = known === '' ? new VfioError(error.code, call) : new VfioError(error.code, call, known);
  again.cause = error;
  return again;
}

/**
 * Makes a call and gives its failure the request's name.
 *
 * @internal
 */
export function ask(call: string, make: () => number): number {
  let result: unknown;
  try {
    result = make();
  } catch (error) {
    throw named(error, call);
  }
  if (typeof result !== 'number' || !Number.isSafeInteger(result)) throw new VfioAnswerError(call, `the result is ${String(result)}; expected a whole number`);
  if (result >= 0) return result;
  if (errnoName(-result) === undefined) throw new VfioAnswerError(call, `the result is ${result}, which is no errno`);
  throw new VfioError(-result, call);
}

/** What a C int can be. */
const MOST_FD = 0x7fff_ffff;

/**
 * A call whose result is a new fd, beside `open`, which is open already.
 *
 * @internal
 */
export function newFd(call: string, open: number, make: () => number): number {
  const fd = ask(call, make);
  if (fd > MOST_FD) throw new VfioAnswerError(call, `the new fd is ${fd}; expected at most ${MOST_FD}`);
  if (fd === open) throw new VfioAnswerError(call, `the new fd is ${fd}, and that is the device's own`);
  return fd;
}

/**
 * A call whose result says nothing but whether it failed.
 *
 * @internal
 */
export function end(call: string, make: () => unknown): void {
  ask(call, () => {
    const result = make();
    return typeof result === 'number' ? result : 0;
  });
}

/**
 * A read or write of `length` bytes: how many were moved, never more.
 *
 * @internal
 */
export function moved(call: string, length: number, make: () => number): number {
  const count = ask(call, make);
  if (count > length) throw new VfioAnswerError(call, `${count} bytes of ${length}`);
  return count;
}
