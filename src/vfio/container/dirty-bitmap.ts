// The bitmap of dirty pages in its caller's memory. Behaviour text, sections 6.4 and 6.5.
//
//   bit n of the bitmap = page base + n * pgsize
//
//   mapping --- its first page is bit 70 --> words from number 1 on: |xxxxxx|m m m m ...|  word by word; bits below the first stay what they were,
//                                            bit 64                  70      those behind the last are written 0
//
// Source: drivers/vfio/vfio_iommu_type1.c verify_bitmap_size, update_user_bitmap

import { VfioError } from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import { PAGE_SIZE } from '../page.ts';
import { TASK_SIZE } from '../process-memory.ts';
import type { UserMemory } from '../user-memory.ts';
import type { Mapping } from './mapping.ts';
import { MAX_BITMAP_BYTES } from './type1-info.ts';

const WORD = 64n;
const FRAME = BigInt(PAGE_SIZE);

/** vfio_bitmap: `size` bytes at `data`. */
export interface Bitmap {
  readonly pgsize: bigint;
  readonly size: bigint;
  readonly data: bigint;
}

/** Bytes of the words that hold so many bits. */
function bytesOfBits(bits: bigint): bigint {
  return ((bits + WORD - 1n) / WORD) * 8n;
}

/** Whether a bitmap has room for the pages of `bytes` bytes. VfioError EINVAL. */
export function checkBitmap(call: string, bytes: bigint, { pgsize, size, data }: Bitmap): void {
  const refuse = (what: string): never => {
    throw new VfioError('EINVAL', call, what);
  };
  if (data + size > TASK_SIZE) refuse(`${size.toString()} bytes at 0x${data.toString(16)} lie not in a process's memory`);
  // What is shifted by is the lowest bit, though there may be more.
  const pages = pgsize === 0n ? 0n : bytes / (pgsize & -pgsize);
  if (pages === 0n) refuse(`pgsize 0x${pgsize.toString(16)} leaves no page of 0x${bytes.toString(16)} bytes`);
  if (size === 0n || size > MAX_BITMAP_BYTES || size < bytesOfBits(pages)) refuse(`a bitmap of ${size.toString()} bytes for ${pages.toString()} pages; expected ${bytesOfBits(pages).toString()} to 0x10000000`);
}

/** What is told of one mapping. */
export interface DirtyReport {
  readonly mapping: Mapping;
  /** The IOVA of bit 0. */
  readonly base: bigint;
  readonly bitmap: Bitmap;
  readonly process: CallingProcess;
  /** All pages that an IOMMU leads to, as nobody sees what functions write. */
  readonly isAll: boolean;
}

// A block ends where a page of the caller's memory does: what lies before one that is not there is written.
function blockAt(user: UserMemory, address: bigint, at: number, end: number): number {
  const wide = Math.min(0x1_0000, end - at);
  return user.holds(at, wide) ? wide : Math.min(end - at, PAGE_SIZE - Number((address + BigInt(at)) % FRAME));
}

/** Sets bits from..end-1. */
function fill(bytes: Uint8Array, from: number, end: number): void {
  for (let bit = from; bit < end; ) {
    if ((bit & 7) === 0 && end - bit >= 8) {
      const whole = (end - bit) >> 3;
      bytes.fill(0xff, bit >> 3, (bit >> 3) + whole);
      bit += whole * 8;
    } else {
      bytes[bit >> 3]! |= 1 << (bit & 7);
      bit++;
    }
  }
}

/** VfioError EFAULT where the caller's memory ends: what lies before that is written. */
export function reportDirty({ mapping, base, bitmap, process, isAll }: DirtyReport): void {
  const { iova, size, runs, dirty } = mapping;
  const { pgsize, data } = bitmap;
  const bits = Number(size / pgsize);
  const framesPerBit = Number(pgsize / FRAME);
  const firstBit = (iova - base) / pgsize;
  const shift = Number(firstBit % WORD);
  const address = data + (firstBit / WORD) * 8n;
  const user = process.memoryAt(address);
  const end = Number(bytesOfBits(BigInt(bits + shift)));
  const kept = shift === 0 ? new Uint8Array(8) : user.copyIn(0, 8);
  fill(kept, shift, 64);
  for (let at = 0; at < end; ) {
    const bytes = new Uint8Array(blockAt(user, address, at, end));
    const [from, to] = [Math.max(0, at * 8 - shift), Math.min(bits, (at + bytes.length) * 8 - shift)];
    const set = (first: number, behind: number): void => fill(bytes, Math.max(from, first) + shift - at * 8, Math.min(to, behind) + shift - at * 8);
    if (isAll && runs !== undefined) set(from, to);
    else dirty?.runs(from * framesPerBit, to * framesPerBit, (frame, frames) => set(Math.floor(frame / framesPerBit), Math.floor((frame + frames - 1) / framesPerBit) + 1));
    // Bits below the first are the caller's.
    if (at === 0) keep(bytes, kept, shift);
    user.copyOut(at, bytes);
    at += bytes.length;
  }
}

function keep(bytes: Uint8Array, kept: Uint8Array, shift: number): void {
  for (let bit = 0; bit < shift; bit++) bytes[bit >> 3]! |= kept[bit >> 3]! & (1 << (bit & 7));
}
