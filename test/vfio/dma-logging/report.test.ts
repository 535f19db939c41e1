// DMA_LOGGING_REPORT (section 3.3, 8): bytes, errnos, and what the bits of the bitmap say.
import { describe, expect, test } from '@jest/globals';
import { PAGE, hexOf } from '../support.ts';
import { BITMAP, GET, LAST, PROBE, REPORT, SET, ask, bitmapBytes, device, log, process, report, reported, request, start, world, useLoggedDevice } from './support.ts';

useLoggedDevice();

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
