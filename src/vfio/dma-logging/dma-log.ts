// A log of what a device writes to memory: kept by frames of 4 KiB, marked by pages of the size that was asked for.
//
//   begin(address, bytes) --> under way --- landed, or ended ---> marked
//                                 |
//   report  ... is marked <-------+  unless its host tells the moment: it may have reached memory already
//
//   A page is marked where it lies in a range that is logged. A report forgets the frames that it covers as a whole, so a page larger than a frame may be asked for piece by piece.

import { VfioError } from '../../uapi/index.ts';
import { DirtyFrames } from './dirty-frames.ts';
import type { DmaLogModel, DmaRange } from './model.ts';

const FRAME = 4096n;
/** The largest page: a mark is at most as many steps as this has pieces of 128 MiB. */
const LARGEST = 1n << 40n;

/** One write of a device on its way to memory. */
export interface DmaLanding {
  /** Memory holds it now. May be called more than once. */
  landed(): void;
  /** It did not get there: nothing was written. Does nothing once it has landed. */
  failed(): void;
}

interface UnderWay {
  readonly address: bigint;
  readonly bytes: number;
}

/** Frames first..end-1. */
interface Tracked {
  readonly first: number;
  readonly end: number;
}

function frameOf(address: bigint): number {
  return Number(address / FRAME);
}

function roundedUp(address: bigint): number {
  return Number((address + FRAME - 1n) / FRAME);
}

/** The largest power of two up to the size asked for, from 4 KiB to 1 TiB. */
function pageSizeFor(wanted: bigint): bigint {
  if (wanted <= FRAME) return FRAME;
  return wanted >= LARGEST ? LARGEST : 1n << BigInt(wanted.toString(2).length - 1);
}

/**
 * A log that is ready to use: the device's writes are told to it, and it answers the features DMA_LOGGING_START, STOP and REPORT.
 *
 * @example
 * ```ts
 * const log = new DmaLog();
 * const device = new VfioDevice({ name: '0000:00:01.0', regions, dmaLogging: log });
 * memory.writeBytes(address, bytes);
 * log.written(address, bytes.length);
 * ```
 */
export class DmaLog implements DmaLogModel {
  /** By ascending frame; undefined while it does not log. */
  private ranges: readonly Tracked[] | undefined;
  /** Frames of a page. */
  private page = 1;
  private readonly dirty = new DirtyFrames();
  private readonly underWay = new Set<UnderWay>();

  /** Whether it logs. */
  get active(): boolean {
    return this.ranges !== undefined;
  }

  /** How many pieces of 128 MiB have something that was written: what memory the log takes grows with that, 4 KiB each. */
  get chunks(): number {
    return this.dirty.size;
  }

  start(ranges: readonly DmaRange[], pageSize: bigint): bigint {
    if (this.ranges !== undefined) throw new VfioError('EINVAL', 'DMA logging', 'it was started before');
    const selected = pageSizeFor(pageSize);
    this.page = Number(selected / FRAME);
    this.ranges = ranges.map(({ iova, length }) => ({ first: frameOf(iova), end: roundedUp(iova + length) })).sort((a, b) => a.first - b.first);
    return selected;
  }

  stop(): void {
    this.ranges = undefined;
    this.dirty.clear();
  }

  report(iova: bigint, length: bigint, dirty: (frame: number, frames: number) => void): void {
    if (this.ranges === undefined) throw new VfioError('EINVAL', 'DMA logging', 'it was not started');
    // Nothing to tell, whatever was asked for.
    if (length === 0n || this.dirty.size + this.underWay.size === 0) return;
    for (const { address, bytes } of this.underWay) this.written(address, bytes);
    const end = iova + length;
    this.dirty.runs(frameOf(iova), roundedUp(end), dirty);
    this.dirty.remove(roundedUp(iova), frameOf(end));
  }

  /** The device has written `bytes` bytes from `address` on. */
  written(address: bigint, bytes: number): void {
    const { ranges, page } = this;
    if (ranges === undefined || bytes === 0) return;
    const [first, last] = [frameOf(address), frameOf(address + BigInt(bytes) - 1n)];
    const [from, end] = [first - (first % page), last - (last % page) + page];
    for (const range of ranges) {
      if (range.first > last) break;
      if (range.end > first) this.dirty.add(Math.max(from, range.first), Math.min(end, range.end));
    }
  }

  /**
   * The device begins to write, and memory is reached later.
   *
   * @param isTold whether `landed` is called the moment that memory is reached. Otherwise the write counts in each report from now on until it has landed.
   */
  begin(address: bigint, bytes: number, isTold: boolean): DmaLanding {
    const write = { address, bytes };
    let isOver = false;
    if (!isTold) this.underWay.add(write);
    const end = (): boolean => {
      const ends = !isOver;
      isOver = true;
      this.underWay.delete(write);
      return ends;
    };
    return {
      landed: () => {
        if (end()) this.written(address, bytes);
      },
      failed: () => void end(),
    };
  }
}
