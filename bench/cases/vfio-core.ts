// System calls of a VFIO program through the library.

import { createEngine } from '../../src/core/index.ts';
import type { OffsetMode, Region } from '../../src/core/index.ts';
import {
  VFIO_DEVICE_FEATURE,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
  VFIO_DEVICE_FEATURE_GET,
  VFIO_DEVICE_FEATURE_SET,
  VFIO_DEVICE_GET_REGION_INFO,
  VFIO_PCI_NUM_REGIONS,
  vfio_device_feature,
  vfio_device_feature_dma_logging_control,
  vfio_device_feature_dma_logging_range,
  vfio_device_feature_dma_logging_report,
  vfio_region_info,
} from '../../src/uapi/index.ts';
import { DmaLog, Process, VfioDevice } from '../../src/vfio/index.ts';
import type { Side } from '../comparison.ts';
import { BITMAP_BYTES, OPERATIONS, REGION_BYTES, positionsOf, randomNumbers } from './vfio.ts';

const BARS = 6;
const GIBIBYTE = 1n << 30n;
const PAGE = 4096n;

/** A device with BARs and, behind the fixed indices, device-specific regions: `count` of both. BAR 0 has an MSI-X table behind the bytes that are read. */
function machine(mode: OffsetMode, count = BARS) {
  const engine = createEngine();
  const regions: Record<number, { region: Region }> = {};
  for (let i = 0; i < count; i++) regions[i < BARS ? i : i - BARS + VFIO_PCI_NUM_REGIONS] = { region: engine.region({ kind: 'ram', size: 2 * REGION_BYTES }) };
  const device = new VfioDevice({ name: '0000:00:01.0', regions, msix: { bar: 0, offset: REGION_BYTES, count: 16 }, dmaLogging: new DmaLog() });
  const process = new Process(engine);
  const fd = process.open(device, { offsets: mode });
  const info = new Uint8Array(vfio_region_info.size);
  const offsets = Object.keys(regions).map((index) => {
    process.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, vfio_region_info.encode({ argsz: info.length, index: Number(index) }, info));
    return Number(vfio_region_info.decode(info).offset);
  });
  return { process, fd, offsets, bar: regions[0]!.region };
}

/** VFIO_DEVICE_GET_REGION_INFO of any index, the argument being bytes. */
export function regionInfo(): Side {
  const { process, fd } = machine('index');
  const info = new Uint8Array(vfio_region_info.size);
  let indices: Uint32Array = new Uint32Array(0);
  return {
    operations: OPERATIONS,
    prepare: (round) => (indices = randomNumbers(round, VFIO_PCI_NUM_REGIONS - 1)),
    run() {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) {
        info[0] = info.length;
        info[8] = indices[i]!;
        process.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info);
        sum += info[4]!;
      }
      return sum;
    },
  };
}

const little = (bytes: Uint8Array): number => bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24);

function filled(bar: Region): void {
  bar.bytes().forEach((_, i, all) => (all[i] = i * 7));
}

/** Region.read32 of BAR 0: the same bytes as the pread's. */
export function direct(): Side {
  const { bar } = machine('index');
  filled(bar);
  let positions: Uint32Array = new Uint32Array(0);
  let sum = 0;
  return {
    operations: OPERATIONS,
    prepare: (round) => (positions = positionsOf(round)),
    run() {
      sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + bar.read32(positions[i]!)) | 0;
      return sum;
    },
    digest: () => sum,
  };
}

/** pread of 4 bytes of BAR 0. The offset is a number, or a bigint as GET_REGION_INFO gives it. */
export function pread(mode: OffsetMode, asBigint = false): Side {
  const { process, fd, offsets, bar } = machine(mode);
  filled(bar);
  const buffer = new Uint8Array(4);
  const start = offsets[0]!;
  let at: ArrayLike<number | bigint> = [];
  let sum = 0;
  return {
    operations: OPERATIONS,
    prepare(round) {
      const offsets = Float64Array.from(positionsOf(round), (position) => start + position);
      at = asBigint ? BigUint64Array.from(offsets, BigInt) : offsets;
    },
    run() {
      sum = 0;
      for (let i = 0; i < OPERATIONS; i++) {
        process.pread(fd, buffer, at[i]!);
        sum = (sum + little(buffer)) | 0;
      }
      return sum;
    },
    digest: () => sum,
  };
}

/** pread of 4 bytes of any of the first `regions` regions of a file that has `cookies` of them in its tree. */
export function preadAmong(cookies: number, regionCount: number): Side {
  const { process, fd, offsets } = machine('cookie', cookies);
  const buffer = new Uint8Array(4);
  let at = new Float64Array(0);
  return {
    operations: OPERATIONS,
    prepare(round) {
      const regions = randomNumbers(round, regionCount);
      // The first registers of each: their bytes shall not be what is waited for.
      at = Float64Array.from(positionsOf(round + 1), (position, i) => offsets[regions[i]!]! + (position % 64));
    },
    run() {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum += process.pread(fd, buffer, at[i]!);
      return sum;
    },
  };
}

/** VFIO_DEVICE_FEATURE, DMA_LOGGING_REPORT of 1 GiB in which nothing was written, the bitmap in the process's memory. */
export function cleanReport(): Side {
  const { process, fd } = machine('index');
  const head = vfio_device_feature.size;
  const address = process.allocate(2 * BITMAP_BYTES);
  const bitmap = BigInt(address + BITMAP_BYTES);
  process.memory.writeBytes(address, vfio_device_feature_dma_logging_range.encode({ iova: 0n, length: GIBIBYTE }));
  const call = (flags: number, payload: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(head + payload.length);
    vfio_device_feature.encode({ argsz: bytes.length, flags }, bytes);
    bytes.set(payload, head);
    return bytes;
  };
  const start = vfio_device_feature_dma_logging_control.encode({ page_size: PAGE, num_ranges: 1, ranges: BigInt(address) });
  process.ioctl(fd, VFIO_DEVICE_FEATURE, call(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START, start));
  const report = call(
    VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
    vfio_device_feature_dma_logging_report.encode({ iova: 0n, length: GIBIBYTE, page_size: PAGE, bitmap }),
  );
  return {
    operations: OPERATIONS,
    prepare: () => undefined,
    run() {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum += process.ioctl(fd, VFIO_DEVICE_FEATURE, report);
      return sum;
    },
  };
}
