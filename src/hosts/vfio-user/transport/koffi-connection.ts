// A connection whose messages carry fds.
//
//   receive --> bytes, fds --> handler        one receive ends with the fds that it brings
//   send ----> socket, as far as there is room --> the rest waits, with copies of its fds --> socket

import { fstatSync } from 'node:fs';
import { VfioError } from '../../../uapi/index.ts';
import { KoffiBells } from './koffi-bells.ts';
import { F_DUPFD_CLOEXEC } from './koffi-calls.ts';
import type { SystemCalls } from './koffi-calls.ts';
import { LOST_FD, FdTable, KoffiFd } from './koffi-fds.ts';
import { MAX_FDS } from './koffi-messages.ts';
import type { MessageBlock } from './koffi-messages.ts';
import { BLOCKING } from './koffi-readiness.ts';
import type { FdWatch, Readiness, Waiter } from './koffi-readiness.ts';
import type { Connection, ConnectionHandler, PassedFd } from './transport.ts';

/** What connections of one thread share. @internal */
export interface KoffiThread {
  readonly calls: SystemCalls;
  readonly block: MessageBlock;
  readonly readiness: Readiness;
}

/** How a connection behaves. */
export interface KoffiConnectionOptions {
  /** Microseconds. */
  readonly patience: number;
  readonly isMapped: boolean;
}

/** Receives in a row before others have their turn. */
const ROW = 16;

interface Unsent {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
}

/** @internal */
export class KoffiConnection implements Connection, Waiter {
  readonly fd: number;
  private readonly thread: KoffiThread;
  private readonly options: KoffiConnectionOptions;
  private readonly table: FdTable;
  private readonly watch: FdWatch;
  private handler: ConnectionHandler | undefined;
  private queue: Unsent[] = [];
  private queued = 0;
  private readonly bellSets = new Set<KoffiBells>();
  private isPaused = true;
  private isEnding = false;
  private isOver = false;

  /** @param fd - A connected socket that does not wait; the connection's from now on. */
  constructor(thread: KoffiThread, fd: number, options: KoffiConnectionOptions) {
    this.thread = thread;
    this.fd = fd;
    this.options = options;
    this.table = new FdTable(thread.calls, thread.readiness, options.isMapped);
    this.watch = thread.readiness.watch(fd, { readable: false, writable: true }, (events) => this.ready(events));
    this.watch.stop();
    if (options.patience >= BLOCKING) thread.calls.receiveWaits(fd, options.patience);
  }

  get patience(): number {
    return this.options.patience;
  }

  /** Files of memory that are held. */
  get files(): number {
    return this.table.size;
  }

  /** Tells `handler` from now on. */
  start(handler: ConnectionHandler): void {
    this.handler = handler;
    this.resume();
  }

  private rewatch(): void {
    const [readable, writable] = [!this.isPaused && !this.isEnding, this.queue.length > 0];
    if (this.isOver) return;
    if (!readable) this.thread.readiness.forget(this);
    if (readable || writable) this.watch.start({ readable, writable });
    else this.watch.stop();
  }

  private ready({ readable, writable }: { readonly readable: boolean; readonly writable: boolean }): void {
    // Of a client that is gone libuv tells as of one to be read, whatever was waited for. Nothing is received while answers wait: only sending finds it out.
    if (writable || this.queue.length > 0) this.writable();
    if (readable || !writable) this.readable();
  }

  readable(): void {
    for (let row = 0; row < ROW && this.canReceive(); row++) {
      if (this.take(false) !== 'more') break;
    }
    if (this.canReceive()) this.thread.readiness.expect(this);
  }

  receive(): void {
    if (!this.canReceive()) return;
    const came = this.take(true);
    if (came === 'more') this.readable();
    else if (came === 'all' && this.canReceive()) this.thread.readiness.expect(this);
  }

  private canReceive(): boolean {
    return !this.isPaused && !this.isEnding && !this.isOver;
  }

  /** One receive, and what it brought is told. */
  private take(waits: boolean): 'nothing' | 'all' | 'more' {
    const { count, fds, isCut } = this.thread.block.receive(this.fd, waits);
    // EAGAIN.
    if (count === -11) return 'nothing';
    if (count <= 0) {
      this.closeAll(fds);
      this.end();
      return 'nothing';
    }
    this.tell(this.thread.block.received(count), fds, isCut);
    // A short piece is all there was.
    return count < 4096 && fds.length === 0 ? 'all' : 'more';
  }

  private tell(bytes: Uint8Array, numbers: readonly number[], isCut: boolean): void {
    const fds: PassedFd[] = numbers.map((number) => this.table.take(number));
    this.handler!.received(bytes, isCut ? [...fds, LOST_FD] : fds);
  }

  send(message: Uint8Array, fds: readonly PassedFd[] = []): void {
    if (this.isOver || this.isEnding) return;
    if (fds.length > MAX_FDS) throw new VfioError('EINVAL', 'sendmsg', `${fds.length} fds; Linux passes at most ${MAX_FDS} with one message`);
    const numbers = fds.length === 0 ? NO_NUMBERS : fds.map(numberOf);
    if (this.queue.length > 0) {
      this.enqueue(message, numbers);
      return;
    }
    const sent = this.thread.block.send(this.fd, message, numbers);
    if (sent === message.length) return;
    // EAGAIN.
    if (sent >= 0) this.enqueue(message.subarray(sent), sent === 0 ? numbers : NO_NUMBERS);
    else if (sent === -11) this.enqueue(message, numbers);
    else this.fail();
  }

  private enqueue(bytes: Uint8Array, fds: readonly number[]): void {
    const { calls } = this.thread;
    // Whoever sent them may close them before there is room.
    this.queue.push({ bytes: bytes.slice(), fds: fds.map((fd) => calls.fcntl(fd, F_DUPFD_CLOEXEC)) });
    this.queued += bytes.length;
    if (this.queue.length === 1) this.rewatch();
  }

  writable(): void {
    for (let first = this.queue[0]; first !== undefined && !this.isOver; first = this.queue[0]) {
      const sent = this.thread.block.send(this.fd, first.bytes, first.fds);
      if (sent === -11) return;
      if (sent < 0) {
        this.fail();
        return;
      }
      this.closeAll(first.fds);
      this.queued -= sent;
      if (sent === first.bytes.length) this.queue.shift();
      else this.queue[0] = { bytes: first.bytes.subarray(sent), fds: NO_NUMBERS };
    }
    if (this.isOver) return;
    if (this.isEnding) {
      this.end();
      return;
    }
    this.rewatch();
    this.handler?.drained();
  }

  twin(handler: ConnectionHandler): { readonly connection: Connection; readonly fd: PassedFd } {
    const [own, other] = this.thread.calls.socketpair();
    const connection = new KoffiConnection(this.thread, own, this.options);
    connection.start(handler);
    return { connection, fd: this.table.take(other) };
  }

  adopt(fd: PassedFd, handler: ConnectionHandler): Connection {
    if (!(fd instanceof KoffiFd) || !fstatSync(fd.number).isSocket()) throw new VfioError('ENOTSOCK', 'adopt', 'the fd is no socket');
    const connection = new KoffiConnection(this.thread, fd.surrender(), this.options);
    connection.start(handler);
    return connection;
  }

  bells(count: number, rung: () => void): KoffiBells {
    const own: KoffiFd[] = [];
    try {
      while (own.length < count) own.push(this.table.take(this.thread.calls.eventfd()));
    } catch (error) {
      for (const fd of own) fd.close();
      throw error;
    }
    const told = (): void => {
      // What was sent before they were signalled comes first.
      this.readable();
      if (this.canReceive()) rung();
    };
    const bells: KoffiBells = new KoffiBells(this.thread.calls, this.thread.readiness, own, told, () => void this.bellSets.delete(bells));
    this.bellSets.add(bells);
    if (this.isPaused) bells.pause();
    return bells;
  }

  get unsent(): number {
    return this.queued;
  }

  pause(): void {
    this.isPaused = true;
    for (const bells of this.bellSets) bells.pause();
    this.rewatch();
  }

  resume(): void {
    this.isPaused = false;
    for (const bells of this.bellSets) bells.resume();
    this.rewatch();
  }

  close(): void {
    if (this.isEnding || this.isOver) return;
    this.isEnding = true;
    if (this.queue.length === 0) this.end();
    else this.rewatch();
  }

  /** Ends it at once: what waits to be sent is lost. */
  destroy(): void {
    this.end();
  }

  /** The other side is gone: what it sent before is still to be read. */
  private fail(): void {
    this.closeAll(this.queue.flatMap(({ fds }) => fds));
    this.queue = [];
    this.queued = 0;
    if (this.isEnding || this.isPaused) this.end();
    else this.rewatch();
  }

  private closeAll(fds: readonly number[]): void {
    for (const fd of fds) this.thread.calls.close(fd);
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.thread.readiness.forget(this);
    this.closeAll(this.queue.flatMap(({ fds }) => fds));
    this.queue = [];
    this.queued = 0;
    this.watch.close();
    this.thread.calls.close(this.fd);
    // Later: whoever has closed it is not told in the middle of that.
    setImmediate(() => this.handler?.closed());
  }
}

const NO_NUMBERS: readonly number[] = [];

function numberOf(fd: PassedFd): number {
  if (!(fd instanceof KoffiFd)) throw new VfioError('EBADF', 'sendmsg', 'the fd is not one of this transport');
  return fd.number;
}
