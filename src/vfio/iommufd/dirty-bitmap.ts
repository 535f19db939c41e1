// HWPT_GET_DIRTY_BITMAP: the dirty marks of a page table as bits in its caller's memory. Behaviour text, section 6.8.
//
//   bit n (byte n / 8, bit n % 8) = page_size bytes from iova + n * page_size on        bits are set, none is cleared
//
// A hole ends the report, and bits whose memory is not there are lost: nobody is told of either.
//
// Source: drivers/iommu/iommufd/io_pagetable.c iommufd_check_iova_range, iommu_read_and_clear_dirty; iova_bitmap.c

import { hex } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import { UserBitmap } from '../dma-logging/user-bitmap.ts';
import type { UserPages } from '../files/open-file.ts';
import { PAGE_SIZE } from '../page.ts';
import { LAST_IOVA } from './iova-space.ts';
import type { PageTable } from './page-table.ts';

/** What is asked for. */
export interface DirtyRange {
  readonly iova: bigint;
  readonly length: bigint;
  readonly pageSize: bigint;
}

const FRAME = BigInt(PAGE_SIZE);
// 32 KiB of bits at a time: 1 GiB of IOVA in pages of 4096.
const BLOCK_BITS = 0x4_0000n;

/** VfioError EOVERFLOW, EINVAL. */
export function checkDirtyRange(call: string, { iova, length, pageSize }: DirtyRange, alignment: bigint): void {
  const last = iova + ((length - 1n) & LAST_IOVA);
  if (last > LAST_IOVA) throw new VfioError('EOVERFLOW', call, `${hex(length)} bytes at iova ${hex(iova)} pass 2^64-1`);
  const isAligned = (to: bigint): boolean => (iova & (to - 1n)) === 0n && ((last + 1n) & (to - 1n)) === 0n;
  if (!isAligned(alignment)) throw new VfioError('EINVAL', call, `iova ${hex(iova)} to ${hex(last)} is not aligned to ${alignment.toString()}`);
  if (pageSize === 0n) throw new VfioError('EINVAL', call, 'page_size is 0');
  if (!isAligned(pageSize)) throw new VfioError('EINVAL', call, `iova ${hex(iova)} to ${hex(last)} is not aligned to page_size ${hex(pageSize)}`);
}

/** Sets bits first..last of a bitmap. */
type SetBits = (first: number, last: number) => void;

/** The runs of ones in `bits`. */
function eachRun(bits: Uint8Array, count: number, run: SetBits): void {
  let first = -1;
  for (let bit = 0; bit < count; bit++) {
    // Eight at a time where nothing changes.
    if ((bit & 7) === 0 && count - bit >= 8 && bits[bit >> 3] === (first < 0 ? 0 : 0xff)) bit += 7;
    else if (((bits[bit >> 3]! >> (bit & 7)) & 1) === 1) first = first < 0 ? bit : first;
    else if (first >= 0) {
      run(first, bit - 1);
      first = -1;
    }
  }
  if (first >= 0) run(first, count - 1);
}

/** Reports what is dirty in a range that was checked. Nothing, while dirty pages are not tracked. */
export function reportDirty(table: PageTable, { iova, length, pageSize }: DirtyRange, to: { readonly pages: UserPages; readonly address: bigint; readonly clears: boolean }): void {
  const { domain, ioas } = table;
  if (!domain.tracksDirty || length === 0n) return;
  const { end } = ioas.contiguous(iova, iova + length - 1n);
  if (end === undefined) return;
  // What is no power of two counts by its lowest bit.
  const step = pageSize & -pageSize;
  const unit = step > FRAME ? step : FRAME;
  const bitsPerUnit = unit / step;
  const user = new UserBitmap(to.pages, to.address, { iova: 0n, length: (length / step) * FRAME, pageSize: FRAME, loggedFrames: 1 });
  for (let from = iova; from <= end; from += unit * BLOCK_BITS) {
    const last = from + unit * BLOCK_BITS - 1n < end ? from + unit * BLOCK_BITS - 1n : end;
    const count = Number((last - from) / unit + 1n);
    const bits = new Uint8Array(Math.ceil(count / 8));
    domain.readDirty(from, last, unit, bits, to.clears);
    const base = Number((from - iova) / step);
    eachRun(bits, count, (first, end) => user.set(base + first * Number(bitsPerUnit), (end - first + 1) * Number(bitsPerUnit)));
  }
  user.flush();
}
