// A connection whose messages carry fds.
//
//   receive --> desk: what the handler deals with there --> the rest as bytes, fds --> handler        one receive ends with the fds that it brings
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

/** What a receive found: whether there may be more at once. */
type Came = typeof NOTHING | typeof ALL | typeof MORE;
const [NOTHING, ALL, MORE] = [0, 1, 2] as const;

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
  private over: (() => void) | undefined;
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

  /** Tells `handler` from now on, and `over` when it has been told the last. */
  start(handler: ConnectionHandler, over?: () => void): void {
    this.handler = handler;
    this.over = over;
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
      if (this.take(false) !== MORE) break;
    }
    if (this.canReceive()) this.thread.readiness.expect(this);
  }

  receive(): void {
    if (!this.canReceive()) return;
    const came = this.take(true);
    if (came === MORE) this.readable();
    else if (came === ALL && this.canReceive()) this.thread.readiness.expect(this);
  }

  private canReceive(): boolean {
    return !this.isPaused && !this.isEnding && !this.isOver;
  }

  /** One receive, and what it brought is told. */
  private take(waits: boolean): Came {
    const { block } = this.thread;
    const count = block.receive(this.fd, waits);
    // EAGAIN.
    if (count === -11) return NOTHING;
    if (count <= 0) {
      if (count === 0) this.closeAll(block.receivedFds());
      this.end();
      return NOTHING;
    }
    if (block.cameWithFds) {
      this.tell(count);
      return MORE;
    }
    const { handler } = this;
    const done = handler!.shown === undefined ? 0 : handler!.shown(block.desk, count);
    if (done < count) handler!.received(block.received(done, count - done), NO_FDS);
    // A short piece is all there was.
    return count < 4096 ? ALL : MORE;
  }

  private tell(count: number): void {
    const { block } = this.thread;
    const fds: PassedFd[] = block.receivedFds().map((number) => this.table.take(number));
    this.handler!.received(block.received(0, count), block.isCut ? [...fds, LOST_FD] : fds);
  }

  sendShown(count: number): void {
    if (this.isOver || this.isEnding) return;
    const { block } = this.thread;
    const sent = this.queue.length > 0 ? -11 : block.sendReply(this.fd, count);
    if (sent !== count) this.keep(block.reply(count), NO_NUMBERS, sent);
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
    if (sent !== message.length) this.keep(message, numbers, sent);
  }

  /** What of a message was not sent. */
  private keep(message: Uint8Array, numbers: readonly number[], sent: number): void {
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
    setImmediate(() => {
      try {
        this.handler?.closed();
      } finally {
        this.over?.();
      }
    });
  }
}

const NO_NUMBERS: readonly number[] = [];
const NO_FDS: readonly PassedFd[] = [];

function numberOf(fd: PassedFd): number {
  if (!(fd instanceof KoffiFd)) throw new VfioError('EBADF', 'sendmsg', 'the fd is not one of this transport');
  return fd.number;
}
