// When an fd is ready: the event loop tells, and between two messages of a busy client the thread stands still for a moment instead.
//
//   idle     libuv's epoll --> ready                    costs nothing, answers later
//   busy     message --> some steps of promises --> wait for `patience` --> message --> ...   as fast as a program that only waits
//                                                     nothing came: idle again
//
// The wait is a ppoll; that of one client with a patience of BLOCKING or more is the receive itself, which saves a system call for each message.
// After ROW messages timers and files have their turn of the event loop.

import { POLLIN, POLLOUT } from './koffi-calls.ts';
import type { SystemCalls } from './koffi-calls.ts';

/** Fds that are waited for together at most. */
const MAX_POLLED = 64;
const POLLFD = 8;
/** Microseconds from which on a receive can wait: the kernel counts those in ticks of its clock. */
export const BLOCKING = 4000;
/** Messages in a row before the event loop has its turn. */
const ROW = 64;
/** Steps of promises between two messages: what a message set off comes as far as its first wait for the client. */
const STEPS = 4;
const SETTLED = Promise.resolve();

/** What an fd is waited for. */
export interface Wanted {
  readonly readable: boolean;
  readonly writable: boolean;
}

/** A wait for one fd. */
export interface FdWatch {
  start(what: Wanted): void;
  stop(): void;
  close(): void;
}

/** An fd whose next message is expected. */
export interface Waiter {
  readonly fd: number;
  /** Microseconds that the next one is worth waiting for. */
  readonly patience: number;
  /** Takes what there is. */
  readable(): void;
  /** Waits for a message for `patience`, and takes it. */
  receive(): void;
}

/** What waits for fds in one thread. @internal */
export interface Readiness {
  /** Waits for an fd. Close the watch before the fd. */
  watch(fd: number, what: Wanted, ready: (events: Wanted) => void): FdWatch;
  /** Whether a write to an fd would have to wait. */
  isFull(fd: number): boolean;
  /** A message has come: the next one is likely to come soon. */
  expect(waiter: Waiter): void;
  /** Nothing more is expected. */
  forget(waiter: Waiter): void;
}

/** In the event loop of a program that does other things too. @internal */
export class LoopReadiness implements Readiness {
  private readonly calls: SystemCalls;
  private readonly view: DataView;
  private readonly list: number;
  private readonly timeout: number;
  /** Those of busy clients, each once. */
  private busy: Waiter[] = [];
  private isScheduled = false;
  private row = 0;
  private steps = 0;

  constructor(calls: SystemCalls) {
    this.calls = calls;
    const block = new ArrayBuffer(16 + MAX_POLLED * POLLFD);
    this.view = new DataView(block);
    this.timeout = calls.addressOf(block);
    this.list = this.timeout + 16;
  }

  watch(fd: number, what: Wanted, ready: (events: Wanted) => void): FdWatch {
    // An fd that epoll refuses is told by reading it.
    const told = (status: number, events: Wanted): void => this.told(ready, status === 0 ? events : { readable: true, writable: false });
    const watch = this.calls.watch(fd, what, told);
    return { start: (next) => watch.start(next, told), stop: () => watch.stop(), close: () => watch.close() };
  }

  /** What libuv calls: no promise runs behind it, and nobody would hear of an error, but for a turn of the event loop. */
  private told(ready: (events: Wanted) => void, events: Wanted): void {
    let error: unknown;
    let isBroken = false;
    // In front of what is scheduled below: between the two, promises run.
    setImmediate(() => {
      if (isBroken) throw error;
    });
    try {
      ready(events);
    } catch (thrown) {
      [error, isBroken] = [thrown, true];
    }
  }

  private poll(microseconds: number, waiters: readonly Waiter[], events: number): number {
    this.view.setUint32(0, Math.floor(microseconds / 1e6), true);
    this.view.setUint32(8, (microseconds % 1e6) * 1000, true);
    for (const [i, { fd }] of waiters.entries()) {
      this.view.setInt32(16 + i * POLLFD, fd, true);
      this.view.setUint32(16 + i * POLLFD + 4, events, true);
    }
    return this.calls.ppoll(this.list, waiters.length, this.timeout);
  }

  isFull(fd: number): boolean {
    this.view.setUint32(0, 0, true);
    this.view.setUint32(8, 0, true);
    this.view.setInt32(16, fd, true);
    this.view.setUint32(20, POLLOUT, true);
    return this.calls.ppoll(this.list, 1, this.timeout) <= 0;
  }

  /** A message has come: the next one is likely to come soon. */
  expect(waiter: Waiter): void {
    if (waiter.patience <= 0 || this.busy.length >= MAX_POLLED) return;
    if (!this.busy.includes(waiter)) this.busy.push(waiter);
    this.schedule();
  }

  forget(waiter: Waiter): void {
    this.busy = this.busy.filter((other) => other !== waiter);
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.row = ROW;
    // A turn later: what the message set off has had its promises before the thread stands still.
    setImmediate(this.linger);
  }

  private readonly linger = (): void => {
    try {
      this.wait();
    } finally {
      this.isScheduled = false;
      if (this.busy.length > 0) this.goOn();
    }
  };

  private goOn(): void {
    if (--this.row <= 0) {
      this.schedule();
      return;
    }
    this.isScheduled = true;
    this.steps = STEPS;
    void SETTLED.then(this.step);
  }

  private readonly step = (): void => {
    if (--this.steps > 0) {
      void SETTLED.then(this.step);
      return;
    }
    try {
      this.linger();
    } catch (error) {
      // Not the rejection of a promise that nobody has.
      setImmediate(() => {
        throw error;
      });
    }
  };

  /** Stands still until a message comes, and takes it. Who expects another one is among the busy then. */
  private wait(): void {
    if (this.busy.length === 1) {
      const waiter = this.busy.pop()!;
      if (waiter.patience >= BLOCKING) waiter.receive();
      else if (this.poll(waiter.patience, [waiter], POLLIN) > 0) waiter.readable();
      return;
    }
    const waiters = this.busy;
    this.busy = [];
    if (waiters.length === 0 || this.poll(Math.max(...waiters.map(({ patience }) => patience)), waiters, POLLIN) <= 0) return;
    // Read first: who is told may come back here.
    const ready = waiters.filter((_, i) => this.view.getUint16(16 + i * POLLFD + 6, true) !== 0);
    for (const waiter of ready) waiter.readable();
  }
}
