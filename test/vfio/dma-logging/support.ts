// A device that logs what it writes, its user, and what both say in bytes.
import { afterEach, beforeEach, expect } from '@jest/globals';
import { VFIO_DEVICE_FEATURE } from '../../../src/uapi/index.ts';
import { DmaLog, type DmaLogModel, type Process, type VfioDevice } from '../../../src/vfio/index.ts';
import { PAGE, World, hexOf, outcome } from '../support.ts';

export const [GET, SET, PROBE] = [0x10000, 0x20000, 0x40000] as const;
export const [START, STOP, REPORT] = [6, 7, 8] as const;
export const LAST = 0xffff_ffff_ffff_ffffn;

/** Where the ranges lie, up to the end of a page, and the bitmap of a report. */
export const [RANGES, RANGES_END, BITMAP] = [0x20000n, 0x22000n, 0x40000n];
export const BITMAP_PAGES = 4;

export let world: World;
export let log: DmaLog;
export let device: VfioDevice;
export let process: Process;

/** Makes them anew for each test of a file. */
export function useLoggedDevice(): void {
  beforeEach(() => {
    world = new World();
    log = new DmaLog();
    make(log);
  });
  afterEach(() => world.end());
}

/** A device with one, its memory mapped. */
export function make(dmaLogging: DmaLogModel): void {
  device = world.device({ 0: { region: world.ram(PAGE) } }, { reset: true, dmaLogging });
  process = world.open(device);
  process.memory.map(RANGES, world.region({ kind: 'ram', size: Number(RANGES_END - RANGES) }));
  process.memory.map(BITMAP, world.region({ kind: 'ram', size: BITMAP_PAGES * PAGE }));
}

/** A device that has no log. */
export function makeWithout(): void {
  process = world.open(world.device({}));
}

/** argsz, flags and u64s. */
export function request(flags: number, payload: readonly bigint[] = [], argsz = 8 + 8 * payload.length, length = 8 + 8 * payload.length): Uint8Array {
  const bytes = new Uint8Array(8 + 8 * payload.length);
  new Uint32Array(bytes.buffer, 0, 2).set([argsz, flags]);
  new BigUint64Array(bytes.buffer).set(payload, 1);
  return bytes.slice(0, length);
}

/** `num_ranges` with something in the reserved word. */
export const words = (count: number): bigint => (0x5566_7788n << 32n) | BigInt(count);
export const startRequest = (pageSize: bigint, count: number, ranges = RANGES): Uint8Array => request(SET | START, [pageSize, words(count), ranges]);
export const ask = (bytes: Uint8Array): unknown => outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, bytes));

export function put(ranges: readonly (readonly [iova: bigint, length: bigint])[], at = RANGES): void {
  process.memory.writeBytes(at, new Uint8Array(new BigUint64Array(ranges.flat()).buffer));
}

export function start(pageSize: bigint, ...ranges: (readonly [bigint, bigint])[]): unknown {
  put(ranges);
  return ask(startRequest(pageSize, ranges.length));
}

export const stop = (): unknown => ask(request(SET | STOP));
export const report = (iova: bigint, length: bigint, pageSize = 0x1000n, bitmap = BITMAP): unknown => ask(request(GET | REPORT, [iova, length, pageSize, bitmap]));
export const bitmapBytes = (bytes: number, at = BITMAP): Uint8Array => process.memory.readBytes(at, new Uint8Array(bytes));
export const clearBitmap = (): void => process.memory.writeBytes(BITMAP, new Uint8Array(BITMAP_PAGES * PAGE));

/** A report's bits, in hexadecimal; the bitmap is zeroed first. */
export function reported(iova: bigint, length: bigint, pageSize = 0x1000n, bytes = 8): string {
  clearBitmap();
  expect(report(iova, length, pageSize)).toBe(0);
  return hexOf(bitmapBytes(bytes));
}
