// The dma-bufs that one device's BARs have been given out as, shared by all of its open files: they come and go together.

import { atEnd } from '../model-error.ts';
import type { VfioDmaBuf } from './bar-buffer.ts';

/** @internal */
export class DeviceDmaBufs {
  private readonly open = new Set<VfioDmaBuf>();
  private readonly isReachable: () => boolean;

  /** @param isReachable whether the device answers memory accesses now. */
  constructor(isReachable: () => boolean) {
    this.isReachable = isReachable;
  }

  /** How many are open. */
  get count(): number {
    return this.open.size;
  }

  /** Adds one. Returns what takes it away. */
  add(buffer: VfioDmaBuf): () => void {
    this.open.add(buffer);
    return () => void this.open.delete(buffer);
  }

  /** The pages of all BARs are taken away. */
  revoke(): void {
    atEnd([...this.open].map((buffer) => () => buffer.move(true)));
  }

  /** Something has happened after which the device may answer again. */
  settle(): void {
    // An importer that is told may close the gate again.
    atEnd([...this.open].map((buffer) => () => this.isReachable() && buffer.move(false)));
  }

  /** The last file of the device was closed. Those that are open stay revoked. */
  release(): void {
    const buffers = [...this.open];
    this.open.clear();
    atEnd(buffers.map((buffer) => () => buffer.end()));
  }
}
