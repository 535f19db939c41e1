// Features DMA_LOGGING_START, STOP and REPORT, and the dirty pages of DMA_UNMAP: which pages the device has written.
//
//   START    page_size num_ranges 0 | { iova, length } ...   no ranges: all there is
//            0         8         12   16
//   REPORT   iova length page_size | bits, one for a page, in words of 8 bytes, cleared by reading
//            0    8      16          24

import { hex } from '../../../core/index.ts';
import { VfioError } from '../../../uapi/index.ts';
import type { DmaLogModel, DmaRange } from '../../../vfio/index.ts';
import { vfio_user_dma_logging_control as CONTROL, vfio_user_dma_logging_range as RANGE, vfio_user_dma_logging_report as REPORT } from '../codec/layouts.ts';
import type { DmaMapping } from './dma-table.ts';
import type { DmaTable } from './dma-table.ts';

const END = 1n << 64n;
const FRAME = 4096n;
/** As the kernel has it: as many as fit into a page. */
const MAX_RANGES = 256;

const isPowerOfTwo = (n: bigint): boolean => n > 0n && (n & (n - 1n)) === 0n;

/** Bytes of a bitmap of `length` bytes of memory: whole words of 8. */
export function bitmapBytes(length: bigint, pageSize: bigint): bigint {
  const bits = (length + pageSize - 1n) / pageSize;
  return ((bits + 63n) / 64n) * 8n;
}

/** What a client has logged. */
export class DirtyLog {
  private readonly model: DmaLogModel;
  private readonly dma: DmaTable;
  /** Bytes of a page as the client asked for them, while it logs. */
  private pageSize: bigint | undefined;

  constructor(model: DmaLogModel, dma: DmaTable) {
    this.model = model;
    this.dma = dma;
  }

  get isActive(): boolean {
    return this.pageSize !== undefined;
  }

  private ranges(call: string, data: Uint8Array, count: number, pageSize: bigint): DmaRange[] {
    if (count === 0) return [{ iova: 0n, length: END - pageSize }];
    const ranges: DmaRange[] = [];
    for (let i = 0; i < count; i++) {
      const { iova, length } = RANGE.decode(data, CONTROL.size + i * RANGE.size);
      const what = `range ${i}, ${hex(length)} bytes from ${hex(iova)}`;
      if (length === 0n || (iova | length) % pageSize !== 0n) throw new VfioError('EINVAL', call, `${what}: expected pages of ${hex(pageSize)}, and at least one`);
      if (iova + length >= END) throw new VfioError('EOVERFLOW', call, `${what}: it reaches 2^64-1 or further`);
      if (ranges.some((other) => iova < other.iova + other.length && other.iova < iova + length)) throw new VfioError('EINVAL', call, `${what}: it overlaps one before it`);
      ranges.push({ iova, length });
    }
    return ranges;
  }

  /** Begins to log. To ask for the same pages again changes nothing. VfioError EINVAL, E2BIG, EOVERFLOW. */
  start(data: Uint8Array): void {
    const call = 'vfio-user DEVICE_FEATURE DMA_LOGGING_START';
    if (data.length < CONTROL.size) throw new VfioError('EINVAL', call, `${data.length} bytes of data; expected at least ${CONTROL.size}`);
    const { page_size: pageSize, num_ranges: count } = CONTROL.decode(data);
    if (!isPowerOfTwo(pageSize) || pageSize > 1n << 40n) throw new VfioError('EINVAL', call, `page_size is ${hex(pageSize)}; expected a power of two up to 2^40`);
    if (count > MAX_RANGES) throw new VfioError('E2BIG', call, `num_ranges is ${count}; expected at most ${MAX_RANGES}`);
    if (data.length !== CONTROL.size + count * RANGE.size) throw new VfioError('EINVAL', call, `${data.length} bytes of data for ${count} ranges; expected ${CONTROL.size + count * RANGE.size}`);
    if (this.pageSize !== undefined) {
      if (this.pageSize !== pageSize) throw new VfioError('EINVAL', call, `page_size is ${hex(pageSize)}, and pages of ${hex(this.pageSize)} are logged`);
      return;
    }
    this.model.start(this.ranges(call, data, count, pageSize), pageSize);
    this.pageSize = pageSize;
  }

  /** Logs no more. Also when it does not log now. */
  stop(): void {
    this.pageSize = undefined;
    this.model.stop();
  }

  /**
   * The bits of one mapping.
   *
   * @param room - Bytes that the client has for the whole answer.
   * @returns the data of the answer: the request's, and the bitmap.
   * @throws VfioError EINVAL when it does not log, for a page size that cannot be, and for too little room; ENOENT where nothing is mapped; ENOTSUP for a part of a mapping.
   */
  report(data: Uint8Array, room: number): Uint8Array {
    const call = 'vfio-user DEVICE_FEATURE DMA_LOGGING_REPORT';
    if (data.length < REPORT.size) throw new VfioError('EINVAL', call, `${data.length} bytes of data; expected ${REPORT.size}`);
    const { iova, length, page_size: pageSize } = REPORT.decode(data);
    if (!this.isActive) throw new VfioError('EINVAL', call, 'nothing is logged');
    const mapping = this.dma.find(iova);
    if (mapping === undefined) throw new VfioError('ENOENT', call, `nothing is mapped at ${hex(iova)}`);
    if (mapping.address !== iova || mapping.size !== length) throw new VfioError('ENOTSUP', call, `${hex(length)} bytes at ${hex(iova)} are not the mapping of ${hex(mapping.size)} at ${hex(mapping.address)}`);
    if (!isPowerOfTwo(pageSize) || pageSize > length) throw new VfioError('EINVAL', call, `page_size is ${hex(pageSize)}; expected a power of two up to ${hex(length)}`);
    const bytes = bitmapBytes(length, pageSize);
    if (BigInt(room) < BigInt(REPORT.size) + bytes) throw new VfioError('EINVAL', call, `argsz has room for ${room} bytes of data; expected ${(BigInt(REPORT.size) + bytes).toString()}`);
    const answer = new Uint8Array(REPORT.size + Number(bytes));
    answer.set(data.subarray(0, REPORT.size));
    answer.set(this.bits(mapping, pageSize), REPORT.size);
    return answer;
  }

  /** Bits of the pages of a mapping that were written since they were told before. */
  bits({ address, size }: Pick<DmaMapping, 'address' | 'size'>, pageSize: bigint): Uint8Array {
    const bitmap = new Uint8Array(Number(bitmapBytes(size, pageSize)));
    this.model.report(address, size, (frame, frames) => {
      const first = BigInt(frame) * FRAME - address;
      const last = first + BigInt(frames) * FRAME - 1n;
      const from = first < 0n ? 0 : Number(first / pageSize);
      const to = Number((last < size ? last : size - 1n) / pageSize);
      for (let bit = from; bit <= to; bit++) bitmap[bit >> 3]! |= 1 << (bit & 7);
    });
    return bitmap;
  }
}
