// DMA_LOGGING_START, STOP and REPORT (section 3.3, 6 to 8; 7.4): bytes and errnos, in the kernel's order; then what a report's bitmap says.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_RESET, VfioError } from '../../src/uapi/index.ts';
import { DmaLog, type DmaLogModel, type DmaRange, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, hexOf, message, outcome } from './support.ts';

const [GET, SET, PROBE] = [0x10000, 0x20000, 0x40000];
const [START, STOP, REPORT] = [6, 7, 8];
const LAST = 0xffff_ffff_ffff_ffffn;

/** Where the ranges lie, up to the end of a page, and the bitmap of a report. */
const [RANGES, RANGES_END, BITMAP] = [0x20000n, 0x22000n, 0x40000n];
const BITMAP_PAGES = 4;

let world: World;
let log: DmaLog;
let device: VfioDevice;
let process: Process;
beforeEach(() => {
  world = new World();
  log = new DmaLog();
  make(log);
});
afterEach(() => world.end());

function make(dmaLogging: DmaLogModel): void {
  device = world.device({ 0: { region: world.ram(PAGE) } }, { reset: true, dmaLogging });
  process = world.open(device);
  process.memory.map(RANGES, world.region({ kind: 'ram', size: Number(RANGES_END - RANGES) }));
  process.memory.map(BITMAP, world.region({ kind: 'ram', size: BITMAP_PAGES * PAGE }));
}

/** argsz, flags and u64s. */
function request(flags: number, payload: readonly bigint[] = [], argsz = 8 + 8 * payload.length, length = 8 + 8 * payload.length): Uint8Array {
  const bytes = new Uint8Array(8 + 8 * payload.length);
  new Uint32Array(bytes.buffer, 0, 2).set([argsz, flags]);
  new BigUint64Array(bytes.buffer).set(payload, 1);
  return bytes.slice(0, length);
}

/** `num_ranges` with something in the reserved word. */
const words = (count: number): bigint => (0x5566_7788n << 32n) | BigInt(count);
const startRequest = (pageSize: bigint, count: number, ranges = RANGES): Uint8Array => request(SET | START, [pageSize, words(count), ranges]);
const ask = (bytes: Uint8Array): unknown => outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, bytes));

function put(ranges: readonly (readonly [iova: bigint, length: bigint])[], at = RANGES): void {
  process.memory.writeBytes(at, new Uint8Array(new BigUint64Array(ranges.flat()).buffer));
}

function start(pageSize: bigint, ...ranges: (readonly [bigint, bigint])[]): unknown {
  put(ranges);
  return ask(startRequest(pageSize, ranges.length));
}

const stop = (): unknown => ask(request(SET | STOP));
const report = (iova: bigint, length: bigint, pageSize = 0x1000n, bitmap = BITMAP): unknown => ask(request(GET | REPORT, [iova, length, pageSize, bitmap]));
const bitmapBytes = (bytes: number, at = BITMAP): Uint8Array => process.memory.readBytes(at, new Uint8Array(bytes));
const clearBitmap = (): void => process.memory.writeBytes(BITMAP, new Uint8Array(BITMAP_PAGES * PAGE));

/** A report's bits, in hexadecimal; the bitmap is zeroed first. */
function reported(iova: bigint, length: bigint, pageSize = 0x1000n, bytes = 8): string {
  clearBitmap();
  expect(report(iova, length, pageSize)).toBe(0);
  return hexOf(bitmapBytes(bytes));
}

describe('6: START, its envelope', () => {
  test('page_size comes back as it is used, and all else as it was', () => {
    put([[0x10000n, 0x10000n]]);
    const bytes = startRequest(0x1000n, 1);
    expect(ask(bytes)).toBe(0);
    expect(hexOf(bytes)).toBe('2000000006000200' + '0010000000000000' + '0100000088776655' + '0000020000000000');
    expect(log.active).toBe(true);
  });

  test.each<[wanted: bigint, selected: bigint]>([
    [1n, 0x1000n], [0x200n, 0x1000n], [0x1000n, 0x1000n], [0x2000n, 0x2000n], [0x1_0000n, 0x1_0000n], [0x20_0000n, 0x20_0000n], [1n << 30n, 1n << 30n],
    [1n << 40n, 1n << 40n], [1n << 41n, 1n << 40n], [1n << 63n, 1n << 40n],
    // No power of two: the one below. 0x3000 tests bits 0 to 11 and 13.
    [0x3000n, 0x2000n], [0x1001n, 0x1000n],
  ])('page_size 0x%s', (wanted, selected) => {
    put([[0n, 1n << 63n]]);
    const bytes = startRequest(wanted, 1);
    expect(ask(bytes)).toBe(0);
    expect(hexOf(bytes.subarray(8, 16))).toBe(hexOf(new Uint8Array(new BigUint64Array([selected]).buffer)));
  });

  test.each<[string, Uint8Array, unknown]>([
    ['GET', request(GET | START, [0x1000n, words(1), RANGES]), 'EINVAL'],
    ['no operation', request(START, [0x1000n, words(1), RANGES]), 'EINVAL'],
    ['PROBE', request(PROBE | START), 0],
    ['PROBE and SET, without payload', request(PROBE | SET | START), 0],
    ['PROBE and GET', request(PROBE | GET | START), 'EINVAL'],
    ['argsz 31', request(SET | START, [0x1000n, words(1), RANGES], 31), 'EINVAL'],
    ['argsz 31 before 31 bytes', request(SET | START, [0x1000n, words(1), RANGES], 31, 31), 'EINVAL'],
    ['31 bytes are there', request(SET | START, [0x1000n, words(1), RANGES], 32, 31), 'EFAULT'],
  ])('%s', (_, bytes, expected) => {
    put([[0n, 0x1000n]]);
    const before = bytes.slice();
    expect(ask(bytes)).toBe(expected);
    expect([bytes, log.active]).toEqual([before, false]);
  });

  test('a device without a log has none of the three, whatever is asked', () => {
    process = world.open(world.device({}));
    for (const index of [START, STOP, REPORT]) for (const op of [0, GET, SET, PROBE]) expect(ask(request(op | index, [0n, 0n, 0n, 0n]))).toBe('ENOTTY');
  });
});

describe('6: START, its ranges in the order of the checks', () => {
  type Ranges = readonly (readonly [bigint, bigint])[];
  const many = (count: number): Ranges => Array.from({ length: count }, (_, i) => [BigInt(i) * 0x2000n, 0x1000n] as const);

  test.each<[string, pageSize: bigint, ranges: Ranges, count: number, expected: unknown]>([
    ['none', 0x1000n, [], 0, 'EINVAL'],
    ['256', 0x1000n, many(256), 256, 0],
    ['257', 0x1000n, many(257), 257, 'E2BIG'],
    ['2^32-1', 0x1000n, many(1), 0xffff_ffff, 'E2BIG'],
    ['257, of which the first is misaligned', 0x1000n, [[1n, 0x1000n]], 257, 'E2BIG'],
    ['iova misaligned', 0x1000n, [[0x800n, 0x1000n]], 1, 'EINVAL'],
    ['length misaligned', 0x1000n, [[0n, 0x1800n]], 1, 'EINVAL'],
    ['aligned to 4 KiB, not to page_size', 0x1_0000n, [[0x1000n, 0x1_0000n]], 1, 'EINVAL'],
    ['page_size 1 has no bit to test', 1n, [[0x123n, 0x45n]], 1, 0],
    ['page_size 0x3000 tests bits 0 to 11 and 13: bit 12 may be set', 0x3000n, [[0x1000n, 0x5000n]], 1, 0],
    ['page_size 0x3000 and bit 13', 0x3000n, [[0x2000n, 0x1000n]], 1, 'EINVAL'],
    ['page_size 0 tests all bits', 0n, [[0x1000n, 0x1000n]], 1, 'EINVAL'],
    ['page_size 0 and an empty range', 0n, [[0n, 0n]], 1, 'EINVAL'],
    ['empty', 0x1000n, [[0x1000n, 0n]], 1, 'EINVAL'],
    ['up to 2^64-1', 0x1000n, [[LAST - 0xfffn, 0x1000n]], 1, 'EOVERFLOW'],
    ['beyond 2^64', 0x1000n, [[LAST - 0xfffn, 0x2000n]], 1, 'EOVERFLOW'],
    ['up to 2^64-2', 1n, [[1n, LAST - 1n]], 1, 0],
    ['misaligned, and beyond 2^64', 0x1000n, [[LAST, 0x1000n]], 1, 'EINVAL'],
    ['beyond 2^64, and over another', 0x1000n, [[1n << 63n, 1n << 62n], [1n << 63n, 1n << 63n]], 2, 'EOVERFLOW'],
    ['side by side', 0x1000n, [[0x1000n, 0x1000n], [0x2000n, 0x1000n], [0n, 0x1000n]], 3, 0],
    ['the same twice', 0x1000n, [[0x1000n, 0x1000n], [0x1000n, 0x1000n]], 2, 'EINVAL'],
    ['the last page of another', 0x1000n, [[0x1000n, 0x3000n], [0x3000n, 0x3000n]], 2, 'EINVAL'],
    ['inside another', 0x1000n, [[0n, 0x5000n], [0x2000n, 0x1000n]], 2, 'EINVAL'],
    ['around another', 0x1000n, [[0x2000n, 0x1000n], [0n, 0x5000n]], 2, 'EINVAL'],
  ])('%s', (_, pageSize, ranges, count, expected) => {
    put(ranges);
    const bytes = startRequest(pageSize, count);
    const before = bytes.slice();
    expect(ask(bytes)).toBe(expected);
    if (expected !== 0) expect(bytes).toEqual(before);
    expect(log.active).toBe(expected === 0);
  });

  test.each<[string, ranges: Ranges, at: bigint, count: number, expected: unknown]>([
    ['NULL', [], 0n, 1, 'EFAULT'],
    ['an address that no process has', [], LAST - 7n, 1, 'EFAULT'],
    ['a range that is there by half', [], RANGES_END - 8n, 1, 'EFAULT'],
    ['the second is not there', [[0n, 0x1000n]], RANGES_END - 16n, 2, 'EFAULT'],
    ['the second is not there, and the first is wrong', [[1n, 0x1000n]], RANGES_END - 16n, 2, 'EINVAL'],
    ['the second is not there, and the first passes 2^64', [[LAST - 0xfffn, 0x1000n]], RANGES_END - 16n, 2, 'EOVERFLOW'],
    ['none at NULL', [], 0n, 0, 'EINVAL'],
    ['257 at NULL', [], 0n, 257, 'E2BIG'],
  ])('%s', (_, ranges, at, count, expected) => {
    if (ranges.length > 0) put(ranges, at);
    expect(ask(startRequest(0x1000n, count, at))).toBe(expected);
    expect(log.active).toBe(false);
  });

  test('already active is the last of the checks, and the log goes on as it was', () => {
    expect(start(0x1000n, [0x10000n, 0x4000n])).toBe(0);
    log.written(0x11000n, 1);
    expect(start(0x1000n, [0x20000n, 0x4000n])).toBe('EINVAL');
    expect(start(0x1000n, [LAST - 0xfffn, 0x1000n])).toBe('EOVERFLOW');
    expect(ask(startRequest(0x1000n, 257))).toBe('E2BIG');
    expect(ask(startRequest(0x1000n, 1, 0n))).toBe('EFAULT');
    expect(reported(0x10000n, 0x4000n)).toBe('0200000000000000');
  });

  test('an answer that cannot be written stops the log again', () => {
    const calls: string[] = [];
    make({
      start: (_, pageSize) => {
        calls.push('start');
        process.munmap(argument, PAGE);
        return pageSize;
      },
      stop: () => void calls.push('stop'),
      report: () => undefined,
    });
    const argument = process.allocate(PAGE);
    put([[0n, 0x1000n]]);
    process.memory.writeBytes(argument, startRequest(0x1000n, 1));
    expect(outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, argument))).toBe('EFAULT');
    process.close(3);
    expect(calls).toEqual(['start', 'stop']);
  });
});

describe('6: what a device is asked', () => {
  test.each<[string, DmaLogModel['start'], unknown]>([
    ['an errno of its own', () => { throw new VfioError('EOPNOTSUPP', 'start', 'too much'); }, 'EOPNOTSUPP'],
    ['what it throws', () => { throw new Error('broken'); }, 'Error'],
    ['an answer that is no page size', () => 4096 as never, 'TypeError'],
  ])('%s comes out of the call', (_, begin, expected) => {
    const calls: unknown[] = [];
    make({ start: begin, stop: () => void calls.push('stop'), report: () => undefined });
    expect(start(0x1000n, [0n, 0x1000n])).toBe(expected);
    put([[0n, 0x1000n]]);
    expect(process.raw.ioctl(3, VFIO_DEVICE_FEATURE, startRequest(0x1000n, 1))).toBe(expected === 'EOPNOTSUPP' ? -95 : -5);
    calls.length = 0;
    process.close(3);
    expect(calls).toEqual([]);
  });

  test('ranges in the order in which they were given, and page_size as wanted', () => {
    const seen: unknown[] = [];
    make({ start: (ranges: readonly DmaRange[], pageSize) => (seen.push(ranges, pageSize), 0x2000n), stop: () => undefined, report: (iova, length) => void seen.push(iova, length) });
    expect(start(0x3000n, [0x10000n, 0x1000n], [0n, 0x1000n])).toBe(0);
    expect(report(5n, 7n)).toBe(0);
    expect(seen).toEqual([[{ iova: 0x10000n, length: 0x1000n }, { iova: 0n, length: 0x1000n }], 0x3000n, 5n, 7n]);
  });

  test.each(['start', 'stop', 'report'])('a model without %s is none', (method) => {
    expect(message(() => make(Object.assign(new DmaLog(), { [method]: 1 })))).toBe(`0000:00:01.0: dmaLogging.${method} is no function`);
  });

  test('EIO of a tracker that has failed; what it told before is there', () => {
    make({ start: (_, pageSize) => pageSize, stop: () => undefined, report: (_iova, _length, dirty) => { dirty(1, 1); throw new VfioError('EIO', 'report', 'lost'); } });
    start(0x1000n, [0n, 0x10000n]);
    expect([report(0n, 0x8000n), hexOf(bitmapBytes(1))]).toEqual(['EIO', '02']);
  });

  test('what a model tells beyond what was asked is left out', () => {
    make({ start: (_, pageSize) => pageSize, stop: () => undefined, report: (_iova, _length, dirty) => dirty(0, 2 ** 52) });
    start(0x1000n, [0n, 0x10000n]);
    expect(reported(0x3000n, 0x5000n)).toBe('1f00000000000000');
    expect(reported(0x3000n, 0n)).toBe('0000000000000000');
  });
});

describe('7: STOP', () => {
  test.each<[string, Uint8Array, unknown]>([
    ['SET', request(SET | STOP), 0],
    ['GET', request(GET | STOP), 'EINVAL'],
    ['PROBE and SET', request(PROBE | SET | STOP), 0],
    ['no operation', request(STOP), 'EINVAL'],
    ['argsz 7', request(SET | STOP, [], 7), 'EINVAL'],
  ])('%s, started or not', (_, bytes, expected) => {
    expect(ask(bytes)).toBe(expected);
    start(0x1000n, [0n, 0x1000n]);
    expect(ask(bytes)).toBe(expected);
    expect(log.active).toBe(expected !== 0 || hexOf(bytes).endsWith('0600'));
  });

  test('what was logged is forgotten', () => {
    start(0x1000n, [0n, 0x10000n]);
    log.written(0x3000n, 1);
    stop();
    expect([report(0n, 0x10000n), log.chunks]).toEqual(['EINVAL', 0]);
    start(0x1000n, [0n, 0x10000n]);
    expect(reported(0n, 0x10000n)).toBe('0000000000000000');
  });

  test('7.4: the last close stops it, not one before; a reset of the function does not', () => {
    const other = world.open(device);
    start(0x1000n, [0n, 0x10000n]);
    log.written(0x3000n, 1);
    other.close(3);
    expect(process.ioctl(3, VFIO_DEVICE_RESET)).toBe(0);
    expect(reported(0n, 0x10000n)).toBe('0800000000000000');
    process.close(3);
    expect(log.active).toBe(false);
    process.open(device);
    expect([report(0n, 0x10000n), start(0x1000n, [0n, 0x10000n])]).toEqual(['EINVAL', 0]);
  });
});

describe('8: REPORT, bytes and errnos', () => {
  test.each<[string, Uint8Array, isActive: boolean, unknown]>([
    ['of a clean page', request(GET | REPORT, [0n, 0x1000n, 0x1000n, BITMAP]), true, 0],
    ['not started', request(GET | REPORT, [0n, 0x1000n, 0x1000n, BITMAP]), false, 'EINVAL'],
    ['nothing, not started', request(GET | REPORT, [0n, 0n, 0x1000n, BITMAP]), false, 'EINVAL'],
    ['nothing', request(GET | REPORT, [1n, 0n, 0x1000n, 0n]), true, 0],
    ['page_size 2048', request(GET | REPORT, [0n, 0x1000n, 0x800n, BITMAP]), true, 'EINVAL'],
    ['page_size 0', request(GET | REPORT, [0n, 0x1000n, 0n, BITMAP]), true, 'EINVAL'],
    ['page_size 0x1800', request(GET | REPORT, [0n, 0x1000n, 0x1800n, BITMAP]), true, 'EINVAL'],
    ['page_size 2^63', request(GET | REPORT, [0n, 0x1000n, 1n << 63n, BITMAP]), true, 0],
    ['page_size 2^63+1', request(GET | REPORT, [0n, 0x1000n, (1n << 63n) + 1n, BITMAP]), true, 'EINVAL'],
    ['up to 2^64-1', request(GET | REPORT, [LAST, 1n, 0x1000n, BITMAP]), true, 'EOVERFLOW'],
    ['up to 2^64-1, not started', request(GET | REPORT, [LAST, 1n, 0x1000n, BITMAP]), false, 'EOVERFLOW'],
    ['up to 2^64-1, with a wrong page_size', request(GET | REPORT, [LAST, 1n, 0x800n, BITMAP]), true, 'EINVAL'],
    ['up to 2^64-2', request(GET | REPORT, [0n, LAST, 0x1000n, BITMAP]), true, 0],
    ['SET', request(SET | REPORT, [0n, 0x1000n, 0x1000n, BITMAP]), true, 'EINVAL'],
    ['PROBE and GET', request(PROBE | GET | REPORT), false, 0],
    ['argsz 39', request(GET | REPORT, [0n, 0x1000n, 0x1000n, BITMAP], 39), true, 'EINVAL'],
    ['39 bytes are there', request(GET | REPORT, [0n, 0x1000n, 0x1000n, BITMAP], 40, 39), true, 'EFAULT'],
  ])('%s', (_, bytes, isActive, expected) => {
    if (isActive) start(0x1000n, [0n, 0x1000n]);
    const before = bytes.slice();
    expect(ask(bytes)).toBe(expected);
    expect(bytes).toEqual(before);
    expect(bitmapBytes(16)).toEqual(new Uint8Array(16));
  });

  test('bits are added to those of the caller, and only there', () => {
    start(0x1000n, [0x10000n, 0x20000n]);
    log.written(0x12000n, 1);
    log.written(0x1a000n, 0x3000);
    process.memory.writeBytes(BITMAP, Uint8Array.of(0x81, 0x10, 0x03, 0x55, 0xaa));
    expect(report(0x10000n, 0x20000n, 0x1000n, BITMAP + 1n)).toBe(0);
    expect(hexOf(bitmapBytes(6))).toBe('81141f55aa00');
  });
});

describe('8: REPORT, what the bits say', () => {
  test('what was written since the last report, by whatever file', () => {
    start(0x1000n, [0x10000n, 0x40000n]);
    const other = world.process();
    other.open(device);
    log.written(0x10fffn, 2);
    log.written(0x4ffffn, 1);
    expect(reported(0x10000n, 0x40000n)).toBe('0300000000000080');
    expect(reported(0x10000n, 0x40000n)).toBe('0000000000000000');
    log.written(0x10000n, 0x40000);
    expect(reported(0x18000n, 0x10000n)).toBe('ffff000000000000');
    expect(reported(0x10000n, 0x40000n)).toBe('ff0000ffffffffff');
  });

  test.each<[string, address: bigint, bytes: number, expected: string]>([
    ['before all ranges', 0xffffn, 1, '0000'],
    ['into the first page', 0xffffn, 2, '0100'],
    ['between two', 0x12000n, 0x2000, '0000'],
    ['from one into the gap', 0x11fffn, 2, '0200'],
    ['over both', 0x8000n, 0x20000, 'f300'],
    ['behind all', 0x18000n, 0x1000, '0000'],
    ['the last byte', 0x17fffn, 1, '8000'],
    ['nothing', 0x10000n, 0, '0000'],
    ['up to 2^64-1', LAST - 0xfffn, 0x1000, '0000'],
  ])('only what lies in a range: %s', (_, address, bytes, expected) => {
    start(0x1000n, [0x14000n, 0x4000n], [0x10000n, 0x2000n]);
    log.written(address, bytes);
    expect(reported(0x10000n, 0x10000n, 0x1000n, 2)).toBe(expected);
  });

  // Pages 0x10, 0x15, 0x16 and 0x2f of 4 KiB were written.
  test.each<[string, logged: bigint, pageSize: bigint, iova: bigint, length: bigint, expected: string]>([
    ['as logged', 0x1000n, 0x1000n, 0x10000n, 0x20000n, '6100008000000000'],
    ['merged by two', 0x1000n, 0x2000n, 0x10000n, 0x20000n, '0d80000000000000'],
    ['merged by sixteen', 0x1000n, 0x1_0000n, 0x10000n, 0x20000n, '0300000000000000'],
    ['merged into one', 0x1000n, 0x20_0000n, 0x10000n, 0x20000n, '0100000000000000'],
    ['replicated by two', 0x2000n, 0x1000n, 0x10000n, 0x20000n, 'f30000c000000000'],
    ['replicated by sixteen', 0x1_0000n, 0x1000n, 0x10000n, 0x20000n, 'ffffffff00000000'],
    ['replicated and cut', 0x1_0000n, 0x1000n, 0x1c000n, 0x7000n, '7f00000000000000'],
    ['logged by 64 KiB, reported by 8 KiB', 0x1_0000n, 0x2000n, 0x10000n, 0x20000n, 'ffff000000000000'],
    ['bit 0 is iova, wherever that is', 0x1000n, 0x2000n, 0x15000n, 0x2000n, '0100000000000000'],
    ['merged from an odd page on', 0x1000n, 0x2000n, 0x14000n, 0x2000n, '0100000000000000'],
    ['from the middle of a page', 0x1000n, 0x1000n, 0x14800n, 0x2000n, '0300000000000000'],
    ['from the middle of a page, pages of 8 KiB', 0x1000n, 0x2000n, 0x10800n, 0x6000n, '0500000000000000'],
    ['less than a page', 0x1000n, 0x1000n, 0x15010n, 1n, '0100000000000000'],
    ['a length that ends in a page', 0x1000n, 0x1000n, 0x14000n, 0x1001n, '0200000000000000'],
  ])('%s', (_, logged, pageSize, iova, length, expected) => {
    start(logged, [0n, 0x10_0000n]);
    for (const page of [0x10, 0x15, 0x16, 0x2f]) log.written(BigInt(page) * 0x1000n + 0x123n, 8);
    expect(reported(iova, length, pageSize)).toBe(expected);
  });

  test('a page larger than 4 KiB may be asked for in pieces: each is told once', () => {
    start(0x1_0000n, [0n, 0x4_0000n]);
    log.written(0x1_2345n, 1);
    expect(reported(0x1_0000n, 0x4000n)).toBe('0f00000000000000');
    expect(reported(0x1_0000n, 0x8000n)).toBe('f000000000000000');
    expect(reported(0n, 0x4_0000n)).toBe('000000ff00000000');
    expect([reported(0n, 0x4_0000n), log.chunks]).toEqual(['0000000000000000', 0]);
  });

  test('4 KiB that were asked for in part stay written', () => {
    start(0x1000n, [0n, 0x10000n]);
    log.written(0x2000n, 0x3000);
    expect(reported(0x2800n, 0x1900n)).toBe('0300000000000000');
    expect(reported(0n, 0x10000n)).toBe('1400000000000000');
  });
});

describe('8: REPORT, a bitmap that is not there', () => {
  // Two pages of bitmap: 256 MiB.
  const LENGTH = 1n << 28n;
  const bitsAround = (): void => {
    for (const page of [0, 0x7fff, 0x8000, 0xffff]) log.written(BigInt(page) * 0x1000n, 1);
  };

  test.each<[string, () => bigint]>([
    ['NULL', () => 0n],
    ['unmapped', () => 0x1234_5000n],
    ['no address of a process', () => LAST - 0xfffn],
    ['the last byte of all', () => LAST],
    ['a mapping that may only be read', () => BigInt(process.mmap(PAGE, 1, 0x22))],
    ['a mapping of a device', () => BigInt(process.mmap(PAGE, 3, 1, 3, 0))],
  ])('%s: the bits are lost, and nobody is told', (_, at) => {
    start(0x1000n, [0n, LENGTH]);
    bitsAround();
    const before = [...device.region(0)!.region.bytes()];
    expect(report(0n, LENGTH, 0x1000n, at())).toBe(0);
    expect([...device.region(0)!.region.bytes()]).toEqual(before);
    expect(reported(0n, LENGTH, 0x1000n, 2 * PAGE)).toBe('00'.repeat(2 * PAGE));
  });

  test('by page of the memory that holds it', () => {
    const at = BigInt(process.allocate(3 * PAGE));
    process.munmap(at + BigInt(PAGE), PAGE);
    start(0x1000n, [0n, 2n * LENGTH]);
    for (const page of [0, 0x7fff, 0x8000, 0xffff, 0x10000, 0x17fff]) log.written(BigInt(page) * 0x1000n, 1);
    expect(report(0n, 2n * LENGTH, 0x1000n, at)).toBe(0);
    for (const page of [at, at + 2n * BigInt(PAGE)]) {
      const bytes = bitmapBytes(PAGE, page);
      expect([bytes[0], bytes[PAGE - 1], bytes.reduce((sum, byte) => sum + byte)]).toEqual([1, 0x80, 0x81]);
    }
  });

  test('bits of one logged page over two pages of memory, the first of which is not there, are lost together', () => {
    const at = BigInt(process.allocate(2 * PAGE));
    process.munmap(at, PAGE);
    start(1n << 24n, [0n, LENGTH]);
    log.written(0n, 1);
    log.written(1n << 24n, 1);
    // 4096 bits a page; the bitmap begins 1024 bits before the end of the first page of memory.
    expect(report(0n, LENGTH, 0x1000n, at + BigInt(PAGE) - 128n)).toBe(0);
    const bytes = bitmapBytes(PAGE, at + BigInt(PAGE));
    expect([bytes.findIndex((byte) => byte !== 0), bytes.lastIndexOf(0xff)]).toEqual([512 - 128, 1024 - 128 - 1]);
  });

  test('a bitmap over the end of its memory: what is there is right', () => {
    const at = BigInt(process.allocate(PAGE));
    start(0x1000n, [0n, LENGTH]);
    bitsAround();
    expect(report(0n, LENGTH, 0x1000n, at + BigInt(PAGE) - 1n)).toBe(0);
    expect(hexOf(bitmapBytes(2, at + BigInt(PAGE) - 2n))).toBe('0001');
  });

  test('a run without end over a bad pointer ends', () => {
    start(1n << 63n, [0n, 1n << 63n]);
    log.written(0n, 1);
    expect(report(0n, LAST, 0x1000n, 0n)).toBe(0);
  });
});

describe('a log of large ranges', () => {
  test('1 TiB takes memory for what was written, and its report is right', () => {
    const TIB = 1n << 40n;
    start(0x1000n, [TIB, TIB]);
    const at = BigInt(process.allocate(32 << 20));
    for (const address of [TIB, TIB + (TIB >> 1n) + 0x5000n, 2n * TIB - 1n]) log.written(address, 1);
    expect(log.chunks).toBe(3);
    const before = world.engine.live().pages;
    expect(report(TIB, TIB, 0x1000n, at)).toBe(0);
    // Three pages of the bitmap were touched.
    expect(world.engine.live().pages - before).toBeLessThanOrEqual(3);
    const bytes = (byte: number): number => bitmapBytes(1, at + BigInt(byte))[0]!;
    expect([bytes(0), bytes(16 << 20), bytes((32 << 20) - 1)]).toEqual([1, 0x20, 0x80]);
    expect(log.chunks).toBe(0);
  });

  test('all of 16 EiB but the last byte', () => {
    start(1n, [0n, LAST]);
    log.written(LAST - 1n, 1);
    log.written(1n << 50n, 1);
    expect(reported(LAST - 0x1000n, 0x1000n)).toBe('0100000000000000');
    expect(reported(0n, LAST, 1n << 60n)).toBe('0180000000000000');
  });

  test('a page of 1 TiB that was written once', () => {
    start(1n << 40n, [0n, 1n << 42n]);
    log.written((1n << 40n) + 5n, 1);
    expect(reported(0n, 1n << 42n, 1n << 39n)).toBe('0c00000000000000');
    expect(log.chunks).toBe(0);
  });
});

describe('a log beside a naive one', () => {
  /** Frames that hold something written. */
  class Naive {
    readonly frames = new Set<number>();
    readonly ranges: readonly (readonly [first: number, end: number])[];
    readonly page: number;

    constructor(ranges: readonly (readonly [number, number])[], page: number) {
      this.ranges = ranges;
      this.page = page;
    }

    written(address: number, bytes: number): void {
      const page = this.page * PAGE;
      for (let first = address - (address % page); first < address + bytes; first += page) {
        for (let frame = first / PAGE; frame < (first + page) / PAGE; frame++) if (this.ranges.some(([from, end]) => frame >= from && frame < end)) this.frames.add(frame);
      }
    }

    /** Sets bits, and forgets whole frames. */
    report(bitmap: Uint8Array, iova: number, length: number, page: number): void {
      for (let bit = 0; bit * page < length; bit++) {
        const [from, end] = [iova + bit * page, Math.min(iova + (bit + 1) * page, iova + length)];
        for (let frame = Math.floor(from / PAGE); frame * PAGE < end; frame++) if (this.frames.has(frame)) bitmap[bit >> 3]! |= 1 << (bit & 7);
      }
      for (const frame of this.frames) if (frame * PAGE >= iova && (frame + 1) * PAGE <= iova + length) this.frames.delete(frame);
    }
  }

  const SPAN = 4096;
  const address = fc.integer({ min: 0, max: SPAN * PAGE - 1 });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), address, bytes: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 1 << 20 })) }),
    fc.record({ kind: fc.constant('report' as const), iova: fc.oneof(address, address.map((at) => at - (at % PAGE))), length: fc.integer({ min: 0, max: SPAN * PAGE }), page: fc.integer({ min: 0, max: 11 }), skip: fc.nat(40) }),
  );
  // Each range as the pages of the log that it has, and the gap before it.
  const ranges = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 6 });
  const base = fc.constantFrom(0n, (1n << 27n) - (1n << 23n), 1n << 40n, LAST - (1n << 29n) + 1n);

  test('any writes, any reports', () => {
    fc.assert(
      fc.property(base, ranges, fc.integer({ min: 0, max: 8 }), fc.array(step, { maxLength: 25 }), (from, wanted, shift, steps) => {
        const page = 1 << shift;
        let at = 0;
        const frames = wanted.map(([gap, pages]) => {
          const first = at + gap * page;
          at = first + pages * page;
          return [first, at] as const;
        });
        stop();
        expect(start(BigInt(page * PAGE), ...frames.map(([first, end]) => [from + BigInt(first * PAGE), BigInt((end - first) * PAGE)] as const))).toBe(0);
        const naive = new Naive(frames, page);
        for (const one of steps) {
          if (one.kind === 'write') {
            log.written(from + BigInt(one.address), one.bytes);
            naive.written(one.address, one.bytes);
            continue;
          }
          const expected = Uint8Array.from({ length: 1024 }, (_, i) => (i * 37) & (i * 91) & 0xff);
          const where = BITMAP + BigInt(PAGE - 20 + one.skip);
          process.memory.writeBytes(where, expected);
          expect(report(from + BigInt(one.iova), BigInt(one.length), BigInt(PAGE << one.page), where)).toBe(0);
          naive.report(expected, one.iova, one.length, PAGE << one.page);
          expect(hexOf(bitmapBytes(1024, where))).toBe(hexOf(expected));
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('any bytes are an errno or 0', () => {
  const u64 = fc.oneof(fc.bigInt({ min: 0n, max: LAST }), fc.nat(8).map(BigInt), fc.nat(63).map((shift) => 1n << BigInt(shift)), fc.constantFrom(RANGES, BITMAP, LAST));
  put([[0n, 0x1000n], [0x10000n, 0x10000n], [1n << 40n, 1n << 40n]]);
  fc.assert(
    fc.property(fc.constantFrom(START, STOP, REPORT), fc.nat(7), fc.array(u64, { minLength: 0, maxLength: 4 }), fc.nat(40), (index, ops, payload, argsz) => {
      log.written(0x10000n, 0x3000);
      expect(process.raw.ioctl(3, VFIO_DEVICE_FEATURE, request((ops << 16) | index, payload, argsz))).toBeLessThanOrEqual(0);
    }),
    { numRuns: 1000 },
  );
});
