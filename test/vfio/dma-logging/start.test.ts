// DMA_LOGGING_START (section 3.3, 6): bytes and errnos, in the kernel's order, and what the device is asked.
import { describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_FEATURE, VfioError } from '../../../src/uapi/index.ts';
import { DmaLog, type DmaLogModel, type DmaRange } from '../../../src/vfio/index.ts';
import { PAGE, hexOf, message, outcome } from '../support.ts';
import { GET, LAST, PROBE, RANGES, RANGES_END, REPORT, SET, START, STOP, ask, bitmapBytes, log, make, makeWithout, process, put, report, reported, request, start, startRequest, words, useLoggedDevice } from './support.ts';

useLoggedDevice();

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
    makeWithout();
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
