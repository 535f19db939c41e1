// Features DMA_LOGGING_START, STOP and REPORT: which pages a device has written. Behaviour text, section 3.3, 6 to 8.
//
//   START    page_size num_ranges reserved ranges -->  { iova, length } * num_ranges
//            0         8          12       16          0     8
//   REPORT   iova length page_size bitmap -->  bits, at address `bitmap` of the caller
//            0    8      16        24
//
// Source: drivers/vfio/vfio_main.c vfio_ioctl_device_feature_logging_start, _stop, _report

import { hex } from '../../core/index.ts';
import {
  VFIO_DEVICE_FEATURE_GET,
  VFIO_DEVICE_FEATURE_SET,
  VfioError,
  vfio_device_feature_dma_logging_control,
  vfio_device_feature_dma_logging_range,
  vfio_device_feature_dma_logging_report,
} from '../../uapi/index.ts';
import type { DmaRange } from '../dma-logging/model.ts';
import type { UserMemory } from '../user-memory.ts';
import type { Feature } from './feature.ts';

const CONTROL = vfio_device_feature_dma_logging_control;
const RANGE = vfio_device_feature_dma_logging_range;
const REPORT = vfio_device_feature_dma_logging_report;
const END = 1n << 64n;
const SMALLEST_PAGE = 4096n;
/** As many as fit into a page. */
const MAX_RANGES = 4096 / RANGE.size;
const isThere: Feature['isThere'] = ({ dmaLogging }) => dmaLogging !== undefined;

/** The ranges, each looked at before the next one is read. */
function rangesOf(call: string, user: UserMemory, count: number, pageSize: bigint): DmaRange[] {
  // Tests the bits below a power of two. The kernel does not ask for one: others test what bits they have less 1, and 0 tests all.
  const mask = BigInt.asUintN(64, pageSize - 1n);
  const ranges: DmaRange[] = [];
  for (let i = 0; i < count; i++) {
    const { iova, length } = RANGE.decode(user.copyIn(i * RANGE.size, RANGE.size));
    const what = `range ${i}, ${hex(length)} bytes from ${hex(iova)}`;
    if (((iova | length) & mask) !== 0n) throw new VfioError('EINVAL', call, `${what}: expected multiples of page_size, ${hex(pageSize)}`);
    if (iova + length >= END) throw new VfioError('EOVERFLOW', call, `${what}: it reaches 2^64-1 or further`);
    if (length === 0n) throw new VfioError('EINVAL', call, `${what}: it is empty`);
    const other = ranges.findIndex((range) => iova < range.iova + range.length && range.iova < iova + length);
    if (other >= 0) throw new VfioError('EINVAL', call, `${what}: it overlaps range ${other}`);
    ranges.push({ iova, length });
  }
  return ranges;
}

/** 6, SET: the ranges to log; page_size comes back as it is used. */
export const dmaLoggingStart: Feature = {
  ops: VFIO_DEVICE_FEATURE_SET,
  bytes: CONTROL.size,
  isThere,
  run({ dmaLogging }, { call, data, process }) {
    const control = CONTROL.decode(data.copyIn(0, CONTROL.size));
    const { num_ranges: count, page_size: wanted } = control;
    if (count === 0) throw new VfioError('EINVAL', call, 'num_ranges is 0');
    if (count > MAX_RANGES) throw new VfioError('E2BIG', call, `num_ranges is ${count}; expected at most ${MAX_RANGES}`);
    const page_size = dmaLogging!.start(rangesOf(call, process.memoryAt(control.ranges), count, wanted), wanted);
    try {
      data.copyOut(0, CONTROL.encode({ ...control, page_size }));
    } catch (error) {
      dmaLogging!.stop();
      throw error;
    }
    return 0;
  },
};

/** 7, SET without payload. */
export const dmaLoggingStop: Feature = {
  ops: VFIO_DEVICE_FEATURE_SET,
  bytes: 0,
  isThere,
  run({ dmaLogging }) {
    dmaLogging!.stop();
    return 0;
  },
};

/** 8, GET: bits for pages written since the last report are set. The payload itself is only read. */
export const dmaLoggingReport: Feature = {
  ops: VFIO_DEVICE_FEATURE_GET,
  bytes: REPORT.size,
  isThere,
  run({ dmaLogging }, { call, data, process }) {
    const report = REPORT.decode(data.copyIn(0, REPORT.size));
    const { iova, length, page_size: pageSize } = report;
    if (pageSize < SMALLEST_PAGE || (pageSize & (pageSize - 1n)) !== 0n) throw new VfioError('EINVAL', call, `page_size is ${hex(pageSize)}; expected a power of two from 0x1000 on`);
    if (iova + length >= END) throw new VfioError('EOVERFLOW', call, `${hex(length)} bytes from ${hex(iova)} reach 2^64-1 or further`);
    dmaLogging!.report(report, process.pages);
    return 0;
  },
};
