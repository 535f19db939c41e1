// Eventfds that this program makes for the other side to signal: all of one connection in one list, so that whether any was signalled costs one system call.
//
//   0          16       24
//   | timespec | pollfd | pollfd | ...      take(): ppoll of the list, without waiting --> those that are readable are read: 0 again

import { POLLIN } from './koffi-calls.ts';
import type { SystemCalls } from './koffi-calls.ts';
import type { KoffiFd } from './koffi-fds.ts';
import type { FdWatch, Readiness } from './koffi-readiness.ts';
import type { Bells, PassedFd } from './transport.ts';

const POLLFD = 8;
const LIST = 16;
const READABLE = { readable: true, writable: false };

/** @internal */
export class KoffiBells implements Bells {
  private readonly calls: SystemCalls;
  private readonly watches: readonly FdWatch[];
  private readonly own: readonly KoffiFd[];
  private readonly closed: () => void;
  private readonly view: DataView;
  private readonly address: number;
  private isWatched = true;
  private isClosed = false;

  /**
   * @param own - Eventfds, its own from now on.
   * @param rung - Is called in the event loop when one of them was signalled.
   * @param closed - Is called once, by `close`.
   */
  constructor(calls: SystemCalls, readiness: Readiness, own: readonly KoffiFd[], rung: () => void, closed: () => void) {
    this.calls = calls;
    this.own = own;
    this.closed = closed;
    const block = new ArrayBuffer(LIST + own.length * POLLFD);
    this.view = new DataView(block);
    this.address = calls.addressOf(block);
    for (const [i, { number }] of own.entries()) {
      this.view.setInt32(LIST + i * POLLFD, number, true);
      this.view.setUint16(LIST + i * POLLFD + 4, POLLIN, true);
    }
    const told = (): void => {
      if (this.isWatched) rung();
    };
    this.watches = own.map(({ number }) => readiness.watch(number, READABLE, told));
  }

  get fds(): readonly PassedFd[] {
    return this.own;
  }

  take(): readonly number[] {
    if (this.isClosed || this.calls.ppoll(this.address + LIST, this.own.length, this.address) <= 0) return [];
    const rung: number[] = [];
    for (const [i, fd] of this.own.entries()) if ((this.view.getUint16(LIST + i * POLLFD + 6, true) & POLLIN) !== 0 && fd.empty()) rung.push(i);
    return rung;
  }

  /** Nobody is told until `resume`. */
  pause(): void {
    if (!this.isWatched || this.isClosed) return;
    this.isWatched = false;
    for (const watch of this.watches) watch.stop();
  }

  resume(): void {
    if (this.isWatched || this.isClosed) return;
    this.isWatched = true;
    for (const watch of this.watches) watch.start(READABLE);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const watch of this.watches) watch.close();
    for (const fd of this.own) fd.close();
    this.closed();
  }
}
