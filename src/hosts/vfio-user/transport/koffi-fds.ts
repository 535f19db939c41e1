// Fds that a client has passed: events that are signalled, memory that is read and written. Each is closed exactly once.
//
//   512 mappings, each with its own fd of one memfd --> one fd, 512 holders      told apart by device, inode and how it was opened
//   eventfd --> counter + 1        anything else --> refused by whoever wanted memory or an event

import { fstatSync, readSync, readlinkSync, writeSync } from 'node:fs';
import { VfioError, errnoName } from '../../../uapi/index.ts';
import { F_GETFL, F_GET_SEALS, F_SEAL_SHRINK, O_ACCMODE, O_NONBLOCK, PROT_READ, PROT_WRITE } from './koffi-calls.ts';
import type { SystemCalls } from './koffi-calls.ts';
import type { FdWatch, Readiness } from './koffi-readiness.ts';
import type { PassedFd } from './transport.ts';

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);
/** A single read or write of Linux ends below 2 GiB. */
const MOST = 1 << 30;
const O_RDONLY = 0;
const O_RDWR = 2;

function fileError(call: string, error: unknown): VfioError {
  const { errno = -5, message } = error as NodeJS.ErrnoException;
  // Node's own have no number that Linux knows.
  return new VfioError(errnoName(-errno) ?? 'EIO', call, message);
}

/** What an fd shares with others of the same file. */
class OpenFile {
  readonly number: number;
  holders = 1;
  private readonly gone: () => void;
  private readonly calls: SystemCalls;
  private readonly access: number;
  private size: number;
  private counter: ArrayBuffer | undefined;
  private mapped: { readonly address: number; readonly bytes: Uint8Array } | undefined;

  constructor(calls: SystemCalls, number: number, access: number, size: number, gone: () => void) {
    this.calls = calls;
    this.number = number;
    this.access = access;
    this.size = size;
    this.gone = gone;
  }

  /** Whether a range ends inside the file: a write behind its end would make it longer. */
  holds(end: number): boolean {
    if (end > this.size) ({ size: this.size } = fstatSync(this.number));
    return end <= this.size;
  }

  /** Maps the whole file where nothing can take its pages away: reading a page that is gone would end the program. */
  map(): void {
    const { size } = this;
    if ((this.access !== O_RDWR && this.access !== O_RDONLY) || size === 0) return;
    try {
      if ((this.calls.fcntl(this.number, F_GET_SEALS) & F_SEAL_SHRINK) === 0) return;
      const address = this.calls.mmap(size, this.access === O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ, this.number, 0);
      this.mapped = { address, bytes: new Uint8Array(this.calls.view(address, size)) };
    } catch {
      // No seals, or no room for it: it is read and written instead.
      return;
    }
  }

  /** The mapped bytes of a range; undefined where they are read and written. */
  window(offset: number, count: number, writes: boolean): Uint8Array | undefined {
    if (this.mapped === undefined || offset + count > this.mapped.bytes.length || (writes && this.access !== O_RDWR)) return undefined;
    return this.mapped.bytes.subarray(offset, offset + count);
  }

  /** Reads an eventfd's counter without waiting, whatever flags it has by now: the other side has the same one. Whether there was something to be read. */
  empty(): boolean {
    this.counter ??= new ArrayBuffer(8);
    const count = this.calls.readNow(this.number, this.calls.addressOf(this.counter), 8);
    if (count !== undefined) return count > 0;
    try {
      return readSync(this.number, new Uint8Array(8)) > 0;
    } catch {
      // Somebody else has read it.
      return false;
    }
  }

  release(): void {
    this.holders--;
    if (this.holders > 0) return;
    this.gone();
    const { mapped } = this;
    this.mapped = undefined;
    if (mapped !== undefined) this.calls.munmap(mapped.address, mapped.bytes.length);
    this.calls.close(this.number);
  }
}

function position(call: string, offset: bigint): number {
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new VfioError('EINVAL', call, `offset 0x${offset.toString(16)} is above 2^53`);
  return Number(offset);
}

/** An fd of a client. @internal */
export class KoffiFd implements PassedFd {
  readonly kind: 'event' | 'memory' | 'other';
  /** Only of an eventfd that does not wait: its other reader may be faster, and this program would stand still. */
  readonly onSignal?: (told: () => void) => void;
  private readonly file: OpenFile;
  private readonly readiness: Readiness;
  private watch: FdWatch | undefined;
  private isClosed = false;

  constructor(file: OpenFile, kind: KoffiFd['kind'], waits: boolean, readiness: Readiness) {
    this.file = file;
    this.kind = kind;
    this.readiness = readiness;
    if (kind === 'event' && !waits) this.onSignal = (told) => this.hear(told);
  }

  private hear(told: () => void): void {
    const { number } = this;
    this.watch?.close();
    this.watch = this.readiness.watch(number, { readable: true, writable: false }, () => {
      if (this.empty()) told();
    });
  }

  /** Of an eventfd: reads its counter without waiting. Whether there was something to be read. */
  empty(): boolean {
    return !this.isClosed && this.file.empty();
  }

  /** Gives its number away: as close, and whoever asked closes it. */
  surrender(): number {
    const { number } = this;
    this.isClosed = true;
    this.watch?.close();
    return number;
  }

  /** Its number in this program. VfioError EBADF once it is closed. */
  get number(): number {
    if (this.isClosed) throw new VfioError('EBADF', 'fd', 'it is closed');
    return this.file.number;
  }

  signal(): void {
    const { number } = this;
    // A counter that is full stays so, as the kernel leaves it: waiting for its reader would stop the device. Asked each time: whether a write waits is a flag
    // of what both sides have, and the other one may set it at any time.
    if (this.readiness.isFull(number)) return;
    try {
      writeSync(number, ONE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw fileError('write', error);
    }
  }

  read(offset: bigint, target: Uint8Array): void {
    const { number } = this;
    const start = position('pread', offset);
    const window = this.file.window(start, target.length, false);
    if (window !== undefined) {
      target.set(window);
      return;
    }
    for (let at = 0; at < target.length; ) {
      const count = this.attempt('pread', () => readSync(number, target, at, Math.min(target.length - at, MOST), start + at));
      if (count === 0) throw new VfioError('EFAULT', 'pread', `the fd ends at 0x${(start + at).toString(16)}, ${target.length - at} bytes too early`);
      at += count;
    }
  }

  write(offset: bigint, source: Uint8Array): void {
    const { number } = this;
    const start = position('pwrite', offset);
    const window = this.file.window(start, source.length, true);
    if (window !== undefined) {
      window.set(source);
      return;
    }
    if (!this.file.holds(start + source.length)) throw new VfioError('EFAULT', 'pwrite', `${source.length} bytes at 0x${start.toString(16)} pass the end of the fd`);
    for (let at = 0; at < source.length; ) {
      const count = this.attempt('pwrite', () => writeSync(number, source, at, Math.min(source.length - at, MOST), start + at));
      if (count === 0) throw new VfioError('EFAULT', 'pwrite', `no room at 0x${(start + at).toString(16)} of the fd`);
      at += count;
    }
  }

  private attempt(call: string, move: () => number): number {
    try {
      return move();
    } catch (error) {
      throw fileError(call, error);
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.watch?.close();
    this.file.release();
  }
}

/** What a connection's fds become when they arrive. @internal */
export class FdTable {
  private readonly calls: SystemCalls;
  private readonly isMapped: boolean;
  private readonly readiness: Readiness;
  private readonly files = new Map<string, OpenFile>();

  constructor(calls: SystemCalls, readiness: Readiness, isMapped: boolean) {
    this.calls = calls;
    this.isMapped = isMapped;
    this.readiness = readiness;
  }

  /** Files that are held. */
  get size(): number {
    return this.files.size;
  }

  /** An fd has come; its number is the table's from now on. */
  take(number: number): KoffiFd {
    const { dev, ino, mode, size } = fstatSync(number, { bigint: true });
    const isRegular = (mode & 0o170000n) === 0o100000n;
    const flags = this.calls.fcntl(number, F_GETFL);
    if (isRegular) return this.memory(number, `${dev.toString()}:${ino.toString()}:${flags & O_ACCMODE}`, flags & O_ACCMODE, Number(size));
    const kind = isEvent(number) ? 'event' : 'other';
    return new KoffiFd(new OpenFile(this.calls, number, O_RDWR, 0, () => undefined), kind, (flags & O_NONBLOCK) === 0, this.readiness);
  }

  private memory(number: number, key: string, access: number, size: number): KoffiFd {
    let file = this.files.get(key);
    if (file === undefined) {
      file = new OpenFile(this.calls, number, access, size, () => void this.files.delete(key));
      if (this.isMapped) file.map();
      this.files.set(key, file);
    } else {
      file.holders++;
      this.calls.close(number);
    }
    return new KoffiFd(file, 'memory', false, this.readiness);
  }
}

function isEvent(number: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${number}`) === 'anon_inode:[eventfd]';
  } catch {
    // Without /proc nobody can tell: what is no eventfd refuses to be written to.
    return true;
  }
}

/** Stands for fds that did not arrive, because this program has too many open: good for nothing, so that what it came with is refused. */
export const LOST_FD: PassedFd = {
  kind: 'other',
  signal: lost,
  read: lost,
  write: lost,
  close: () => undefined,
};

function lost(): never {
  throw new VfioError('EMFILE', 'recvmsg', 'the fd did not arrive: this program has too many open');
}
