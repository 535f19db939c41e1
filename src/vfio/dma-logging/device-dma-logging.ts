// The DMA logging of one device, shared by all of its open files: what its model is asked, and that the last close stops it. Behaviour text, section 3.3, 6 to 8, and 7.4.

import type { UserPages } from '../files/open-file.ts';
import { askModel } from '../model-error.ts';
import type { DmaLogModel, DmaRange } from './model.ts';
import { UserBitmap } from './user-bitmap.ts';

const FRAME = 4096n;

/** What a report is of, and where it goes. */
export interface DmaReport {
  readonly iova: bigint;
  readonly length: bigint;
  readonly page_size: bigint;
  /** Address of the bitmap. */
  readonly bitmap: bigint;
}

/** @internal */
export class DeviceDmaLogging {
  private readonly name: string;
  private readonly model: DmaLogModel;
  /** Bytes of a page, of a log that was started and not stopped. */
  private pageSize: bigint | undefined;

  /** @throws TypeError for what is no model. */
  constructor(name: string, model: DmaLogModel) {
    for (const method of ['start', 'stop', 'report'] as const) if (typeof model[method] !== 'function') throw new TypeError(`${name}: dmaLogging.${method} is no function`);
    this.name = name;
    this.model = model;
  }

  /** The page size that is used. VfioError: what the device answers. */
  start(ranges: readonly DmaRange[], wanted: bigint): bigint {
    return askModel(() => {
      const selected: unknown = this.model.start(ranges, wanted);
      this.pageSize = wanted;
      if (typeof selected !== 'bigint' || selected < 0n || selected >= 1n << 64n) {
        this.stop();
        throw new TypeError(`${this.name}: dmaLogging.start answered ${String(selected)}; expected bytes of a page, a bigint`);
      }
      return (this.pageSize = selected);
    });
  }

  stop(): void {
    this.pageSize = undefined;
    askModel(() => this.model.stop());
  }

  /** Sets the bits of what was written, in the caller's bitmap as far as that is there. */
  report({ iova, length, page_size: pageSize, bitmap }: DmaReport, memory: UserPages): void {
    // Made with the first bit: mostly there is none.
    let bits: UserBitmap | undefined;
    const dirty = (frame: number, frames: number): void => {
      if (length === 0n) return;
      bits ??= new UserBitmap(memory, bitmap, { iova, length, pageSize, loggedFrames: this.pageSize === undefined ? 1 : Math.max(1, Number(this.pageSize / FRAME)) });
      bits.set(frame, frames);
    };
    try {
      askModel(() => this.model.report(iova, length, dirty));
    } finally {
      bits?.flush();
    }
  }

  /** The last file was closed. */
  close(): void {
    if (this.pageSize !== undefined) this.stop();
  }
}
