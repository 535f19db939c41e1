// A log of ranges up to 16 EiB takes memory for what was written only.
import { describe, expect, test } from '@jest/globals';
import { LAST, bitmapBytes, log, process, report, reported, start, world, useLoggedDevice } from './support.ts';

useLoggedDevice();

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
