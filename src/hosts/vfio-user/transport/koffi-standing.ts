// Waiting in a thread that has nothing else to do, as a Worker does: it stands still in ppoll until an fd is ready, and libuv is told of no fd.
//
//   turn of the event loop --> ppoll: ready, or a timer of the clock is due, or `most` is over --> ready fds are told --> next turn
//
//   most   1 ms behind a message, twice as long after each wait in vain, up to 16 ms: as late a message of the parent, or a file, may be told
//
// A Worker may be terminated at any time. An fd that libuv watches for koffi would then end the whole program.

import { nextDue } from '../wall-clock.ts';
import { POLLIN, POLLOUT } from './koffi-calls.ts';
import type { SystemCalls } from './koffi-calls.ts';
import type { FdWatch, Readiness, Wanted } from './koffi-readiness.ts';

const POLLFD = 8;
const SHORTEST_US = 1000;
const LONGEST_US = 16_000;
const US_PER_S = 1_000_000;

interface Watched {
  readonly fd: number;
  readonly ready: (events: Wanted) => void;
  events: number;
}

/** What waits for fds in one thread. @internal */
export class StandingReadiness implements Readiness {
  private readonly calls: SystemCalls;
  private readonly watched = new Set<Watched>();
  private block!: ArrayBuffer;
  private view!: DataView;
  private address = 0;
  private most = SHORTEST_US;
  private isScheduled = false;

  constructor(calls: SystemCalls) {
    this.calls = calls;
    this.grow(16);
  }

  //   0 timespec   16 pollfd, pollfd ...
  private grow(count: number): void {
    this.block = new ArrayBuffer(16 + count * POLLFD);
    this.view = new DataView(this.block);
    this.address = this.calls.addressOf(this.block);
  }

  private poll(microseconds: number, list: readonly Pick<Watched, 'fd' | 'events'>[]): number {
    if (16 + list.length * POLLFD > this.block.byteLength) this.grow(list.length * 2);
    this.view.setUint32(0, Math.floor(microseconds / US_PER_S), true);
    this.view.setUint32(8, (microseconds % US_PER_S) * 1000, true);
    for (const [i, { fd, events }] of list.entries()) {
      this.view.setInt32(16 + i * POLLFD, fd, true);
      this.view.setUint32(16 + i * POLLFD + 4, events, true);
    }
    return this.calls.ppoll(this.address + 16, list.length, this.address);
  }

  watch(fd: number, what: Wanted, ready: (events: Wanted) => void): FdWatch {
    const one: Watched = { fd, ready, events: 0 };
    const start = ({ readable, writable }: Wanted): void => {
      one.events = (readable ? POLLIN : 0) | (writable ? POLLOUT : 0);
      this.watched.add(one);
      this.schedule();
    };
    const stop = (): void => void this.watched.delete(one);
    start(what);
    return { start, stop, close: stop };
  }

  isFull(fd: number): boolean {
    return this.poll(0, [{ fd, events: POLLOUT }]) <= 0;
  }

  /** Everything is always expected. */
  expect(): void {
    return;
  }

  forget(): void {
    return;
  }

  private schedule(): void {
    if (this.isScheduled || this.watched.size === 0) return;
    this.isScheduled = true;
    setImmediate(this.turn);
  }

  private readonly turn = (): void => {
    this.isScheduled = false;
    const list = [...this.watched];
    if (list.length === 0) return;
    const due = nextDue();
    const wait = due === undefined ? this.most : Math.max(0, Math.min(this.most, due));
    const count = this.poll(wait, list);
    this.most = count > 0 ? SHORTEST_US : Math.min(this.most * 2, LONGEST_US);
    // Before anybody is told: whatever that throws, the next turn comes.
    this.schedule();
    if (count <= 0) return;
    // Read first: who is told may come back to poll.
    const told = list.map((one, i) => [one, this.view.getUint16(16 + i * POLLFD + 6, true)] as const);
    for (const [one, events] of told) {
      if (events === 0 || !this.watched.has(one)) continue;
      one.ready({ readable: (events & ~POLLOUT) !== 0, writable: (events & POLLOUT) !== 0 });
    }
    this.schedule();
  };
}
