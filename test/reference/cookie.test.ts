// Device-file offsets: the three modes, one literal example or more per rule.

import { describe, expect, test } from '@jest/globals';
import { EINVAL, ENOSPC, ReferenceCookieTable, ReferenceXorshift, fail, ok, valueOf } from './index.ts';
import { show } from './notation.ts';

const PAGE = 4096n;
const LAST = 2n ** 53n - 1n;

function open(mode: 'index' | 'cookie' | 'scattered', sizes: bigint[], seed?: number): ReferenceCookieTable {
  return valueOf(ReferenceCookieTable.open(mode, sizes, seed));
}

describe('C-index', () => {
  test('C-index region i owns i << 40 .. (i << 40) + 2^40 - 1 from open on, whatever its size', () => {
    const table = open('index', [PAGE, 0n, 2n ** 40n]);
    expect([0, 1, 2].map((i) => table.request(i))).toEqual([ok(0n), ok(1n << 40n), ok(2n << 40n)]);
    expect(table.resolve(0n)).toEqual({ index: 0, position: 0n });
    expect(table.resolve((1n << 40n) - 1n)).toEqual({ index: 0, position: (1n << 40n) - 1n });
    expect(table.resolve(1n << 40n)).toEqual({ index: 1, position: 0n });
    expect(table.resolve((3n << 40n) - 1n)).toEqual({ index: 2, position: (1n << 40n) - 1n });
    expect(table.resolve(3n << 40n)).toBeUndefined();
    expect(table.resolve(2n ** 64n - 1n)).toBeUndefined();
  });

  test('C-index a region above 2^40 bytes is refused at open, in this mode only', () => {
    expect(ReferenceCookieTable.open('index', [PAGE, 2n ** 40n + 1n])).toEqual(fail(EINVAL));
    expect(open('cookie', [2n ** 40n + 1n]).request(0)).toEqual(ok(2n ** 30n));
  });
});

describe('C-cookie', () => {
  test('C-cookie the first request gives the lowest free aligned offset >= 4096, later ones the same', () => {
    const table = open('cookie', [1n, 0x3000n, PAGE, 0x2000n]);
    expect([1, 0, 2, 3, 1].map((i) => table.request(i))).toEqual([ok(0x4000n), ok(0x1000n), ok(0x2000n), ok(0x8000n), ok(0x4000n)]);
    expect(show(table.ranges.entries)).toBe('{4096-8191=1, 8192-12287=3, 16384-28671=2, 32768-40959=4}');
  });

  test('C-cookie the alignment is the length rounded up to a power of two, at most 2^30', () => {
    expect(open('cookie', [PAGE + 1n]).request(0)).toEqual(ok(0x2000n));
    expect(open('cookie', [2n ** 30n]).request(0)).toEqual(ok(2n ** 30n));
    expect(open('cookie', [2n ** 30n + 1n]).request(0)).toEqual(ok(2n ** 30n));
    expect(open('cookie', [2n ** 62n]).request(0)).toEqual(ok(2n ** 30n));
  });

  test('C-cookie nothing above 2^63-1: ENOSPC, again at the next request, and others still fit', () => {
    const table = open('cookie', [2n ** 62n, 2n ** 62n, 2n ** 63n, 2n ** 62n - 2n ** 30n, PAGE]);
    expect(table.request(0)).toEqual(ok(2n ** 30n));
    expect([1, 1, 2].map((i) => table.request(i))).toEqual([fail(ENOSPC), fail(ENOSPC), fail(ENOSPC)]);
    expect(table.request(3)).toEqual(ok(2n ** 62n + 2n ** 30n)); // ends at 2^63-1
    expect(table.request(4)).toEqual(ok(PAGE));
  });

  test('C-cookie an index without a region is EINVAL in every mode', () => {
    for (const mode of ['index', 'cookie', 'scattered'] as const) {
      expect([open(mode, [PAGE]).request(1), open(mode, []).request(0)]).toEqual([fail(EINVAL), fail(EINVAL)]);
    }
  });
});

describe('C-scattered', () => {
  test('C-scattered draws: xorshift 13, 17, 5; 20 bits of one draw above 32 of the next', () => {
    const random = new ReferenceXorshift(1);
    expect([random.next(), random.next(), random.next()]).toEqual([0x00042021, 0x04080601, 0x9dcca8c5]);
    expect(new ReferenceXorshift(1).next52()).toBe(0x42021_04080601n);
    expect(() => new ReferenceXorshift(0)).toThrow(RangeError);
  });

  test('C-scattered with seed 1 starts at 0x4202104080601, rounded down to the alignment', () => {
    expect(open('scattered', [PAGE], 1).request(0)).toEqual(ok(0x42021_04080000n));
    expect(open('scattered', [0x5000n], 1).request(0)).toEqual(ok(0x42021_04080000n));
    expect(open('scattered', [2n ** 40n], 1).request(0)).toEqual(ok(0x42021_00000000n));
  });

  test('C-scattered gives the same at later requests, which draw nothing', () => {
    const table = open('scattered', [PAGE, PAGE], 7);
    const first = table.request(0);
    expect(table.request(0)).toEqual(first);
    const random = new ReferenceXorshift(7);
    random.next52();
    const start = random.next52();
    expect(table.request(1)).toEqual(ok(start - (start % PAGE)));
  });

  test('C-scattered searches upward from a start that is taken', () => {
    const table = open('scattered', [PAGE], 1);
    table.ranges.store(0x42021_04080000n, 0x42021_04082fffn, 9);
    expect(table.request(0)).toEqual(ok(0x42021_04083000n));
  });

  test('C-scattered wraps around once, down to 4096; then ENOSPC', () => {
    const wrapping = open('scattered', [PAGE], 1);
    wrapping.ranges.store(0x3000n, LAST, 9);
    expect(wrapping.request(0)).toEqual(ok(0x1000n));
    const full = open('scattered', [PAGE, 2n ** 53n], 1);
    full.ranges.store(0x1000n, LAST, 9);
    expect([full.request(0), full.request(1)]).toEqual([fail(ENOSPC), fail(ENOSPC)]);
  });

  test('C-scattered a length above all that lies between the start and 2^53 is no error: the search wraps', () => {
    const table = open('scattered', [2n ** 53n - 2n ** 30n], 1);
    expect(table.request(0)).toEqual(ok(2n ** 30n));
    expect(table.resolve(LAST)).toEqual({ index: 0, position: 2n ** 53n - 2n ** 30n - 1n });
  });

  test('C-scattered never gives i << 40 for its own i, though it may for another', () => {
    const around = (i: number) => {
      const table = open('scattered', [PAGE, PAGE, PAGE], 1);
      table.ranges.store(0x1000n, LAST, 9);
      table.ranges.store(1n << 40n, (1n << 40n) + 0x1fffn, 0);
      return table.request(i);
    };
    expect(around(1)).toEqual(ok((1n << 40n) + 0x1000n));
    expect(around(2)).toEqual(ok(1n << 40n));
  });

  test('C-scattered when only i << 40 is free, region i finds no place', () => {
    const table = open('scattered', [PAGE, PAGE], 1);
    table.ranges.store(0x1000n, LAST, 9);
    table.ranges.store(1n << 40n, (1n << 40n) + 0xfffn, 0);
    expect(table.request(1)).toEqual(fail(ENOSPC));
  });

  test('C-scattered a start drawn below 4096 becomes the first multiple of the alignment', () => {
    expect(new ReferenceXorshift(2062200).next52()).toBe(0x2ef31778n); // rounded down to a multiple of 2^30: 0
    expect(open('scattered', [PAGE, 2n ** 30n], 2062200).request(1)).toEqual(ok(2n ** 30n));
  });

  test('C-scattered all offsets stay below 2^53, are aligned and disjoint, for many seeds', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const table = open('scattered', [PAGE, 0x3000n, 2n ** 20n, 2n ** 31n, 2n ** 52n], seed);
      const offsets = [0, 1, 2, 3, 4].map((i) => table.request(i)).filter((offset) => offset.ok);
      expect(offsets.length).toBeGreaterThanOrEqual(4);
      expect(table.ranges.count).toBe(offsets.length);
      for (const { first, last } of table.ranges.entries) {
        expect(first % PAGE).toBe(0n);
        expect(last <= LAST).toBe(true);
      }
    }
  });
});

describe('C-empty, C-resolve', () => {
  test('C-empty a region of size 0 gets offset 0 and owns nothing; it draws nothing', () => {
    for (const mode of ['cookie', 'scattered'] as const) {
      const table = open(mode, [0n, PAGE], 1);
      expect([table.request(0), table.request(0)]).toEqual([ok(0n), ok(0n)]);
      expect(table.ranges.count).toBe(0);
      expect(table.resolve(0n)).toBeUndefined();
      expect(table.request(1)).toEqual(ok(mode === 'cookie' ? PAGE : 0x42021_04080000n));
    }
  });

  test('C-resolve gives index and position up to the rounded length, and nothing before the first request', () => {
    const table = open('cookie', [PAGE + 1n]);
    expect(table.resolve(0x2000n)).toBeUndefined();
    table.request(0);
    expect(table.resolve(0x1fffn)).toBeUndefined();
    expect(table.resolve(0x2000n)).toEqual({ index: 0, position: 0n });
    expect(table.resolve(0x3fffn)).toEqual({ index: 0, position: 0x1fffn });
    expect(table.resolve(0x4000n)).toBeUndefined();
    expect(table.resolve(2n ** 64n - 1n)).toBeUndefined();
  });
});
