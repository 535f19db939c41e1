// Which pages a device has written: features DMA_LOGGING_START, STOP and REPORT, with the ranges and the bitmap in memory of the caller. Behaviour text, section 3.3, 6 to 8.
//
//   START    ranges --> pages of the caller --> control.ranges          REPORT   bitmap: bit i is page i from `iova` on
//                       unmapped when the call is over

import * as uapi from '../uapi/index.ts';
import { ask, end } from './calls.ts';
import type { VfioCalls } from './calls.ts';
import { FeatureClient } from './feature.ts';

const CONTROL = uapi.vfio_device_feature_dma_logging_control;
const RANGE = uapi.vfio_device_feature_dma_logging_range;
const REPORT = uapi.vfio_device_feature_dma_logging_report;
// asm-generic/mman-common.h
const PROT_READ_WRITE = 0x3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** Addresses that the device uses. */
export interface LoggedRange {
  readonly iova: bigint;
  /** Bytes. */
  readonly length: bigint;
}

/** Memory for as long as a call lasts. */
function withMemory<T>(calls: VfioCalls, bytes: number, use: (address: number) => T): T {
  const size = Math.max(1, bytes);
  const address = ask('mmap', () => calls.mmap(size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0n));
  try {
    return use(address);
  } finally {
    end('munmap', () => calls.munmap(address, size));
  }
}

/** Feature 6. */
export class DmaLoggingStartFeature extends FeatureClient {
  private readonly program: VfioCalls;

  /** @internal */
  constructor(calls: VfioCalls, fd: number) {
    super(calls, fd, uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START, 'DMA_LOGGING_START');
    this.program = calls;
  }

  /** Starts. `pageSize` in bytes; the page size that is used. VfioError EINVAL, E2BIG, EOVERFLOW. */
  set(ranges: readonly LoggedRange[], pageSize: bigint = 4096n): bigint {
    return withMemory(this.program, ranges.length * RANGE.size, (address) => {
      ranges.forEach((range, i) => this.program.memory.writeBytes(address + i * RANGE.size, RANGE.encode(range)));
      return CONTROL.decode(this.setBytes(CONTROL.encode({ page_size: pageSize, num_ranges: ranges.length, ranges: BigInt(address) }))).page_size;
    });
  }
}

/** Feature 8. */
export class DmaLoggingReportFeature extends FeatureClient {
  private readonly program: VfioCalls;

  /** @internal */
  constructor(calls: VfioCalls, fd: number) {
    super(calls, fd, uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, 'DMA_LOGGING_REPORT');
    this.program = calls;
  }

  /** What was written since the last report: a bitmap, bit i % 8 of byte i / 8 for page i of `pageSize` bytes from `iova` on. */
  get({ iova, length }: LoggedRange, pageSize: bigint = 4096n): Uint8Array {
    if (pageSize <= 0n) throw new RangeError(`get: pageSize is ${pageSize.toString()}; expected at least 1`);
    const pages = Number((length + pageSize - 1n) / pageSize);
    // Whole words of 64 bits, as the kernel writes them.
    const bytes = 8 * Math.ceil(pages / 64);
    return withMemory(this.program, bytes, (address) => {
      this.getBytes(REPORT.size, REPORT.encode({ iova, length, page_size: pageSize, bitmap: BigInt(address) }));
      const bitmap = new Uint8Array(Math.ceil(pages / 8));
      this.program.memory.readBytes(address, bitmap);
      return bitmap;
    });
  }
}

/** The log of a device's writes. */
export class DmaLoggingClient {
  private readonly startFeature: DmaLoggingStartFeature;
  private readonly reportFeature: DmaLoggingReportFeature;
  private readonly stopFeature: FeatureClient;

  /** @internal */
  constructor(features: { readonly dmaLoggingStart: DmaLoggingStartFeature; readonly dmaLoggingReport: DmaLoggingReportFeature; readonly dmaLoggingStop: FeatureClient }) {
    this.startFeature = features.dmaLoggingStart;
    this.reportFeature = features.dmaLoggingReport;
    this.stopFeature = features.dmaLoggingStop;
  }

  /**
   * Logs writes to 1 to 256 ranges, by pages of `pageSize` bytes or what the device can. The page size that is used.
   *
   * @throws VfioError ENOTTY for a device that cannot, EINVAL, E2BIG, EOVERFLOW for ranges that cannot be logged.
   * @example
   * ```ts
   * client.dmaLogging.start([{ iova: 0n, length: 1n << 24n }]);
   * client.dmaLogging.report({ iova: 0n, length: 1n << 24n }); // [5n]: page 5 was written
   * client.dmaLogging.stop();
   * ```
   */
  start(ranges: readonly LoggedRange[], pageSize: bigint = 4096n): bigint {
    return this.startFeature.set(ranges, pageSize);
  }

  /**
   * Numbers of the pages of a range that were written since they were asked for last, the first is 0.
   *
   * @param range - Addresses that the device uses, in bytes.
   * @param pageSize - Bytes, a power of two from 4096 on; RangeError below 1.
   * @throws VfioError ENOTTY for a device that cannot; EINVAL when nothing is logged, or for another page size; EOVERFLOW for a range that reaches 2^64-1; EBADF.
   * @example
   * ```ts
   * client.dmaLogging.start([{ iova: 0n, length: 0x10_0000n }]);
   * client.dmaLogging.report({ iova: 0x4000n, length: 0x1000n }); // []
   * ```
   */
  report(range: LoggedRange, pageSize: bigint = 4096n): bigint[] {
    const pages: bigint[] = [];
    this.reportFeature.get(range, pageSize).forEach((byte, at) => {
      for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) pages.push(BigInt(8 * at + bit));
    });
    return pages;
  }

  /** Ends the log, whether there is one or not. VfioError ENOTTY for a device that cannot; EBADF. */
  stop(): void {
    this.stopFeature.setBytes();
  }
}
