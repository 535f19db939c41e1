// Random writes and reports: a log beside a naive one, and any bytes at all.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VFIO_DEVICE_FEATURE } from '../../../src/uapi/index.ts';
import { PAGE, expectAnswer, hexOf } from '../support.ts';
import { BITMAP, LAST, RANGES, REPORT, START, STOP, bitmapBytes, log, process, put, report, request, start, stop, useLoggedDevice } from './support.ts';

useLoggedDevice();

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
      expectAnswer(() => process.ioctl(3, VFIO_DEVICE_FEATURE, request((ops << 16) | index, payload, argsz)), ['EFAULT', 'EINVAL', 'E2BIG', 'EOVERFLOW']);
    }),
    { numRuns: 1000 },
  );
});
