// A device's way to its client's memory: what its `host.dma` is, whoever is connected, and nobody at times.
//
//   device --> port --> the session that is open --> parts of the transfer --> fd: read or written at once
//                                                                          +-> no fd: DMA_READ and DMA_WRITE messages
//
// A transfer never begins inside the access that caused it: the client waits for the reply to that access, and would answer no message before it has come.

import type { DmaTarget } from '../../../pci/index.ts';
import { VfioError } from '../../../uapi/index.ts';

/** What moves bytes for a client. */
export interface DmaRoute {
  read(address: bigint, target: Uint8Array): Promise<void>;
  write(address: bigint, source: Uint8Array): Promise<void>;
}

/** The way to memory of one device. It outlives clients. */
export class DmaPort implements DmaTarget {
  readonly tellsLanding = true;
  private route: DmaRoute | undefined;

  /** From now on a client's memory is reached; undefined: nobody's. */
  connect(route: DmaRoute | undefined): void {
    this.route = route;
  }

  private reach(call: string): DmaRoute {
    if (this.route === undefined) throw new VfioError('EFAULT', `DMA ${call}`, 'no client is connected');
    return this.route;
  }

  async read(address: bigint, target: Uint8Array): Promise<void> {
    await Promise.resolve();
    await this.reach('read').read(address, target);
  }

  async write(address: bigint, source: Uint8Array, landed?: () => void): Promise<void> {
    await Promise.resolve();
    await this.reach('write').write(address, source);
    landed?.();
  }
}
