// An fd that a client passes: memory that may be reached only inside the mapping that came with it, and only while that is there.
//
//   memory of the fd    |......[ mapped: offset, size, directions ]......|
//                          ^ an access here, or after the close, is a difference

import type { PassedFd } from '../../../src/hosts/vfio-user/index.ts';
import { Broken } from '../broken.ts';

/** What a DMA_MAP said of its fd. */
export interface Window {
  readonly address: bigint;
  readonly size: bigint;
  readonly offset: bigint;
  readonly isReadable: boolean;
  readonly isWritable: boolean;
}

/** How often memory was reached, over all fds. */
export interface Reached {
  reads: number;
  writes: number;
}

export class WitnessFd implements PassedFd {
  /** Undefined for one that came with another command: its memory is nobody's to reach. */
  window: Window | undefined;
  closes = 0;
  signals = 0;
  private readonly reached: Reached;

  constructor(reached: Reached) {
    this.reached = reached;
  }

  private check(what: string, offset: bigint, bytes: number, isAllowed: (window: Window) => boolean): void {
    const { window } = this;
    if (this.closes > 0) throw new Broken(`${what} of ${bytes} bytes at ${offset} of an fd that was closed`);
    if (window === undefined) throw new Broken(`${what} of ${bytes} bytes at ${offset} of an fd that came with no mapping`);
    if (offset < window.offset || offset + BigInt(bytes) > window.offset + window.size) throw new Broken(`${what} of ${bytes} bytes at ${offset}; mapped are ${window.size} at ${window.offset}`);
    if (!isAllowed(window)) throw new Broken(`${what} of ${bytes} bytes that are not mapped for it`);
  }

  signal(): void {
    if (this.closes > 0) throw new Broken('an fd was signalled that was closed');
    this.signals++;
  }

  read(offset: bigint, target: Uint8Array): void {
    this.check('a read', offset, target.length, ({ isReadable }) => isReadable);
    this.reached.reads++;
    target.fill(0x5a);
  }

  write(offset: bigint, source: Uint8Array): void {
    this.check('a write', offset, source.length, ({ isWritable }) => isWritable);
    this.reached.writes++;
  }

  close(): void {
    this.closes++;
    if (this.closes > 1) throw new Broken('an fd was closed twice');
  }
}
