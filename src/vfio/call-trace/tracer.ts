// Watches the calls of a process: each one as a record and a line when it has ended.
//
//   process.ioctl(...) --> snapshot of the argument --> the call itself --> snapshot --> listeners(line, record)
//
// The process's own methods are covered, and uncovered again. Raw calls are made of the same methods, so they are seen too.
// Snapshots of memory behind an address are taken beside the address space: a device that is mapped there does not hear of them.

import type { U64 } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import { deviceFileOf } from '../cdev-file.ts';
import { VfioDevice } from '../device.ts';
import type { Process } from '../process.ts';
import { errnoOf } from '../raw-calls.ts';
import type { CallBuffer, CallFileKind, CallMemory, CallOutcome, PolledFd, SystemCall } from './call.ts';
import { callLine } from './decode.ts';
import type { CallLineOptions } from './decode.ts';
import { MOST_ARGUMENT_BYTES, argumentBytes } from './ioctl.ts';
import { maskOf } from './value-text.ts';

/** Hears of each call when it has ended. What it throws comes out of the call that it was told of. */
export type CallListener = (line: string, call: SystemCall) => void;

/** How calls are traced. */
export interface TraceCallsOptions extends CallLineOptions {
  /** How many bytes of what reads and writes move are kept. Default 32, as many as a line shows. */
  readonly bytes?: number;
}

interface Watcher {
  readonly listener: CallListener;
  readonly options: TraceCallsOptions;
}

/** What a call was given; how it is told when it has ended. */
type Begun = (outcome: CallOutcome, returned: unknown) => SystemCall;
type Recorder = (process: Process, given: readonly unknown[], bytes: number) => Begun;

function isAddress(value: unknown): value is U64 {
  if (typeof value === 'bigint') return value >= 0n && value < 1n << 64n;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A copy of at most `length` bytes behind a pointer: none where there is no memory of the process's own. */
function snapshot(process: Process, pointer: unknown, length: number): Uint8Array {
  if (ArrayBuffer.isView(pointer)) return new Uint8Array(pointer.buffer, pointer.byteOffset, Math.min(pointer.byteLength, length)).slice();
  if (!isAddress(pointer)) return new Uint8Array(0);
  try {
    return process.peek(pointer, length);
  } catch (error) {
    // Inside of a hook, at the depth where no access is possible any more.
    if (error instanceof VfioError) return new Uint8Array(0);
    throw error;
  }
}

function withAddress(pointer: unknown, memory: CallMemory): CallMemory {
  return isAddress(pointer) ? { address: pointer, ...memory } : memory;
}

const KINDS: Readonly<Record<string, CallFileKind>> = { 'migration data': 'migration' };

const ioctl: Recorder = (process, [fd, request, argument]) => {
  const file = process.fileOf(fd as number);
  const kind = file === undefined ? undefined : (KINDS[file.kind] ?? file.kind);
  const device = deviceFileOf(file);
  const number = maskOf(request) ?? -1;
  const before = argumentBytes(number, kind, (length) => snapshot(process, argument, Math.min(length, MOST_ARGUMENT_BYTES)));
  const about = {
    call: 'ioctl',
    fd: fd as number,
    request: request as number,
    ...(kind !== undefined && { kind }),
    ...(device?.device.kind === 'platform' && { bus: 'platform' as const }),
    ...(device?.uapi === 'v7.2' && { uapi: device.uapi }),
  } as const;
  const isMemory = ArrayBuffer.isView(argument) || (isAddress(argument) && before.length > 0);
  return (outcome) => {
    if (!isMemory) return { ...about, ...(isAddress(argument) && { argument }), ...outcome };
    return { ...about, argument: withAddress(argument, { before, after: snapshot(process, argument, before.length) }), ...outcome };
  };
};

function bufferOf(given: unknown): { readonly pointer: unknown; readonly length: number } {
  if (ArrayBuffer.isView(given)) return { pointer: given, length: given.byteLength };
  const { address, length } = (typeof given === 'object' && given !== null ? given : {}) as { readonly address?: unknown; readonly length?: unknown };
  return { pointer: address, length: typeof length === 'number' ? length : 0 };
}

function transfer(call: 'read' | 'write' | 'pread' | 'pwrite'): Recorder {
  return (process, [fd, buffer, offset], bytes) => {
    const { pointer, length } = bufferOf(buffer);
    const most = Math.max(0, Math.min(bytes, length));
    const isWrite = call === 'write' || call === 'pwrite';
    const before = isWrite ? snapshot(process, pointer, most) : undefined;
    return (outcome) => {
      const memory = before === undefined ? { after: snapshot(process, pointer, most) } : { before };
      const about = { fd: fd as number, buffer: { ...withAddress(pointer, memory), length } satisfies CallBuffer, ...outcome };
      return call === 'read' || call === 'write' ? { call, ...about } : { call, offset: offset as U64, ...about };
    };
  };
}

const byFd = (call: 'close' | 'dup' | 'lseek'): Recorder => (_, [fd]) => (outcome) => ({ call, fd: fd as number, ...outcome });

function opened(path: (given: unknown) => string): Recorder {
  return (_, [given, options]) => {
    const readOnly = (options as { readonly readOnly?: unknown } | undefined)?.readOnly === true;
    return (outcome) => ({ call: 'open', path: path(given), flags: readOnly ? 0 : 2, ...outcome });
  };
}

/** By the process's method. One that this process does not have is not covered. */
const RECORDERS: Readonly<Record<string, Recorder>> = {
  open: opened((device) => (device instanceof VfioDevice ? device.name : typeof device === 'string' ? device : '')),
  openGroup: opened((id) => `/dev/vfio/${String(id)}`),
  close: byFd('close'),
  dup: byFd('dup'),
  lseek: byFd('lseek'),
  ioctl,
  pread: transfer('pread'),
  pwrite: transfer('pwrite'),
  read: transfer('read'),
  write: transfer('write'),
  mmap: (_, [length, protection, flags, fd = -1, offset = 0]) => (outcome) => ({
    call: 'mmap',
    length: length as U64,
    protection: protection as number,
    flags: flags as number,
    fd: fd as number,
    offset: offset as U64,
    ...outcome,
  }),
  munmap: (_, [address, length]) => (outcome) => ({ call: 'munmap', address: address as U64, length: length as U64, ...outcome }),
  eventfd: (_, [initial = 0, flags = 0]) => (outcome) => ({ call: 'eventfd', initial: initial as number, flags: flags as number, ...outcome }),
  poll: (_, [fd, events]) => (outcome, returned) => {
    const revents = typeof returned === 'number' ? returned : 0;
    const polled: PolledFd = { fd: fd as number, events: events as number, revents };
    return { call: 'poll', fds: [polled], timeout: 0, ...outcome, ...(outcome.result !== undefined && (outcome.result as number) >= 0 && { result: revents === 0 ? 0 : 1 }) };
  },
  exit: () => () => ({ call: 'exit', status: 0 }),
};

function outcomeOf(returned: unknown): CallOutcome {
  // What answers nothing is 0 in C.
  return { result: typeof returned === 'number' || typeof returned === 'bigint' ? returned : 0 };
}

function failureOf(error: unknown): CallOutcome {
  return { result: -errnoOf(error), why: error instanceof Error ? error.message : String(error) };
}

type Method = (this: Process, ...given: unknown[]) => unknown;

const watchers = new WeakMap<Process, Set<Watcher>>();

function cover(process: Process, watching: ReadonlySet<Watcher>): void {
  const methods = process as unknown as Record<string, unknown>;
  for (const [name, record] of Object.entries(RECORDERS)) {
    const method = methods[name];
    if (typeof method !== 'function') continue;
    methods[name] = (...given: unknown[]): unknown => {
      const most = Math.max(...[...watching].map(({ options }) => options.bytes ?? 32));
      const ended = record(process, given, most);
      const tell = (outcome: CallOutcome, returned?: unknown): void => {
        const call = ended(outcome, returned);
        for (const { listener, options } of [...watching]) listener(callLine(call, options), call);
      };
      let returned: unknown;
      try {
        returned = (method as Method).apply(process, given);
      } catch (error) {
        tell(failureOf(error));
        throw error;
      }
      tell(outcomeOf(returned), returned);
      return returned;
    };
  }
}

function uncover(process: Process): void {
  for (const name of Object.keys(RECORDERS)) Reflect.deleteProperty(process, name);
}

/**
 * Tells of every call that a process makes, also of its raw calls, as `strace` does of a program: when the call has ended, one line and the record that
 * it was made of. The process notices nothing: results, errors, bytes and fds stay as they are. What a call does inside of another, in an interrupt's
 * listener for example, is told first.
 *
 * @param listener - Hears of each call.
 * @returns What ends it.
 * @throws TypeError when `listener` is no function; RangeError when `options.bytes` is negative or no integer.
 * @example
 * ```ts
 * const stop = traceCalls(process, (line) => console.log(line));
 * const fd = process.open(device); // open("0000:00:01.0", O_RDWR) = 3
 * process.raw.ioctl(fd, VFIO_DEVICE_RESET); // ioctl(3, VFIO_DEVICE_RESET) = -1 EINVAL (Invalid argument)
 * stop();
 * ```
 */
export function traceCalls(process: Process, listener: CallListener, options: TraceCallsOptions = {}): () => void {
  if (typeof (listener as unknown) !== 'function') throw new TypeError(`traceCalls: listener is of type ${typeof listener}; expected a function`);
  const { bytes = 32 } = options;
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`traceCalls: bytes is ${String(bytes)}; expected 0 or more`);
  const watcher = { listener, options };
  const watching = watchers.get(process);
  if (watching === undefined) {
    const fresh = new Set([watcher]);
    watchers.set(process, fresh);
    cover(process, fresh);
  } else watching.add(watcher);
  return () => {
    const left = watchers.get(process);
    if (left?.delete(watcher) !== true || left.size > 0) return;
    watchers.delete(process);
    uncover(process);
  };
}
