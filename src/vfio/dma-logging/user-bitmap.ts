// The bitmap of a report in its caller's memory: bits are set, page of the memory by page, and a page that is not there loses its own.
//
//   bit b of the bitmap = byte b / 8, bit b % 8    covers page_size bytes from iova + b * page_size on
//
//   run of frames --> bits --> page of memory (read once, changed, written back when the next one is begun, or at the end)
//                       +----> no page, or none that a device could write: the bits are lost, as is the rest of the logged page that they are of
//
// Source: drivers/vfio/iova_bitmap.c iova_bitmap_set (the pages are pinned when a bit of theirs is to be set; nobody is told that this failed)

import { VfioError } from '../../uapi/index.ts';
import type { UserPages } from '../files/open-file.ts';

const FRAME = 4096;
const FRAME_BYTES = 4096n;
const BITS = FRAME * 8;

/** What is reported. */
export interface ReportedRange {
  readonly iova: bigint;
  /** Bytes, at least 1. */
  readonly length: bigint;
  /** Bytes that a bit stands for: a power of two from 4096 on. */
  readonly pageSize: bigint;
  /** Frames of a page as it is logged. */
  readonly loggedFrames: number;
}

/** @internal */
export class UserBitmap {
  private readonly memory: UserPages;
  /** The first page that holds bits, and which of its bits is bit 0 of the bitmap. */
  private readonly firstPage: bigint;
  private readonly firstBit: number;
  /** The frame of iova, and 1 when iova lies behind its beginning. */
  private readonly frame: number;
  private readonly skew: 0 | 1;
  private readonly framesPerBit: number;
  private readonly loggedFrames: number;
  private readonly lastBit: number;
  /** The page at hand: its number, and its bytes; null when it is not there. */
  private page = -1;
  private bytes: Uint8Array | null = null;
  /** Bytes of it that were changed. */
  private low = FRAME;
  private high = -1;

  constructor(memory: UserPages, address: bigint, { iova, length, pageSize, loggedFrames }: ReportedRange) {
    this.memory = memory;
    this.firstPage = address / FRAME_BYTES;
    this.firstBit = Number(address % FRAME_BYTES) * 8;
    this.frame = Number(iova / FRAME_BYTES);
    this.skew = iova % FRAME_BYTES === 0n ? 0 : 1;
    this.framesPerBit = Number(pageSize / FRAME_BYTES);
    this.loggedFrames = loggedFrames;
    this.lastBit = Number((length - 1n) / pageSize);
  }

  /** The frames from `frame` on hold something written: sets the bits that they touch. */
  set(frame: number, frames: number): void {
    const last = Math.min(this.lastBit, Math.floor((frame + frames - 1 - this.frame) / this.framesPerBit));
    let bit = this.bitOf(frame);
    while (bit <= last) {
      const at = this.firstBit + bit;
      const inPage = at % BITS;
      if (!this.turnTo((at - inPage) / BITS)) {
        bit = this.behind(bit + BITS - inPage);
        continue;
      }
      const count = Math.min(BITS - inPage, last - bit + 1);
      this.fill(inPage, inPage + count);
      bit += count;
    }
  }

  /** The bit of the first byte of a frame, or of iova when that lies in it. */
  private bitOf(frame: number): number {
    return Math.max(0, Math.floor((frame - this.frame - this.skew) / this.framesPerBit));
  }

  /** The bit with which the first logged page begins that begins at `bit` or behind it. */
  private behind(bit: number): number {
    if (this.loggedFrames <= this.framesPerBit) return bit;
    const frame = this.frame + bit * this.framesPerBit;
    return Math.max(bit, this.bitOf(Math.ceil(frame / this.loggedFrames) * this.loggedFrames));
  }

  private fill(from: number, end: number): void {
    const bytes = this.bytes!;
    const [first, last] = [from >> 3, (end - 1) >> 3];
    const [head, tail] = [0xff << (from & 7), 0xff >> (7 - ((end - 1) & 7))];
    if (first === last) bytes[first]! |= head & tail;
    else {
      bytes[first]! |= head;
      bytes.fill(0xff, first + 1, last);
      bytes[last]! |= tail;
    }
    this.low = Math.min(this.low, first);
    this.high = Math.max(this.high, last);
  }

  /** Whether the page is there. */
  private turnTo(page: number): boolean {
    if (page === this.page) return this.bytes !== null;
    this.flush();
    this.page = page;
    this.bytes = this.quietly(() => this.memory.read(this.firstPage + BigInt(page)));
    return this.bytes !== null;
  }

  /** What was changed and not written yet. */
  flush(): void {
    const { bytes, low, high, page } = this;
    this.low = FRAME;
    this.high = -1;
    if (bytes !== null && high >= low) this.quietly(() => this.memory.write(this.firstPage + BigInt(page), low, bytes.subarray(low, high + 1)));
  }

  private quietly<T>(reach: () => T): T | null {
    try {
      return reach();
    } catch (error) {
      if (error instanceof VfioError) return null;
      throw error;
    }
  }
}
