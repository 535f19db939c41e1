// Device-file offsets: rules C, against the reference and case by case.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../src/core/index.ts';
import { ReferenceCookieTable, ReferenceXorshift, valueOf, type CookieMode } from '../reference/index.ts';
import { answer, expectEmpty, outcome } from './adapter.ts';

const size = fc.oneof(fc.constantFrom(0n, 1n, 4095n, 4096n, 4097n), fc.nat({ max: 62 }).map((n) => 1n << BigInt(n)), fc.bigInt(0n, 2n ** 34n), fc.constant(2n ** 63n));
const small = fc.oneof(fc.constant(0n), fc.bigInt(1n, 2n ** 40n));

describe('C any requests in any order', () => {
  test.each<[CookieMode, fc.Arbitrary<bigint>]>([['index', small], ['cookie', size], ['scattered', size]])('%s', (mode, sizes) => {
    fc.assert(
      fc.property(fc.array(sizes, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 0xffff_ffff }), fc.array(fc.tuple(fc.nat(), fc.bigInt(-4096n, 8192n)), { maxLength: 30 }), (bytes, seed, requests) => {
        const engine = createEngine();
        const table = engine.offsetTable(mode, seed);
        const ref = valueOf(ReferenceCookieTable.open(mode, bytes, seed));
        if (mode === 'index') bytes.forEach((n, i) => table.request(i, n));
        for (const [n, delta] of requests) {
          const index = n % bytes.length;
          const got = outcome(() => table.request(index, bytes[index]!));
          expect(got).toEqual(answer(ref.request(index)));
          const at = typeof got === 'bigint' && got + delta >= 0n ? got + delta : BigInt(n);
          expect(table.resolve(at)).toEqual(ref.resolve(at));
        }
        table.destroy();
        expectEmpty(engine);
      }),
      { numRuns: 150 },
    );
  });
});

describe('C', () => {
  test('C-index a region above 2^40 bytes is EINVAL', () => {
    const table = createEngine().offsetTable('index');
    expect(outcome(() => table.request(0, 2n ** 40n + 1n))).toBe(-22);
    expect(table.resolve(0)).toBeUndefined();
    expect(table.request(7, 2n ** 40n)).toBe(7n << 40n);
    expect(table.resolve((8n << 40n) - 1n)).toEqual({ index: 7, position: 2n ** 40n - 1n });
    expect(table.resolve(8n << 40n)).toBeUndefined();
  });

  test('C-cookie nothing above 2^63-1: ENOSPC, and room for others stays', () => {
    const table = createEngine().offsetTable('cookie');
    expect(outcome(() => table.request(0, 2n ** 63n - 4096n))).toBe(-28);
    expect(table.request(1, 2n ** 62n)).toBe(2n ** 30n);
    expect(outcome(() => table.request(2, 2n ** 62n))).toBe(-28);
    expect(outcome(() => table.request(3, 2n ** 64n - 1n))).toBe(-28);
    expect(table.request(4, 1)).toBe(4096n);
  });

  test('C-scattered the own place of mainline is never given, nor anything above 2^53', () => {
    const engine = createEngine();
    for (let seed = 1; seed < 60; seed++) {
      const table = engine.offsetTable('scattered', seed);
      for (let index = 0; index < 40; index++) {
        const at = table.request(index, 2n ** 30n);
        expect(at).not.toBe(BigInt(index) << 40n);
        expect(at + 2n ** 30n).toBeLessThanOrEqual(2n ** 53n);
      }
      table.destroy();
    }
    expectEmpty(engine);
  });

  test('C-scattered the lowest free place is passed over when it is the own place of mainline', () => {
    // A seed whose first place is a multiple of 2^40: behind a region of 2^52 bytes there lies the own place of some region.
    let seed = 1;
    while (new ReferenceXorshift(seed).next52() % 2n ** 40n >= 2n ** 30n) seed++;
    const own = (new ReferenceXorshift(seed).next52() >> 40n) + 2n ** 12n;
    const table = createEngine().offsetTable('scattered', seed);
    const start = table.request(0, 2n ** 52n);
    expect(start + 2n ** 52n).toBe(own << 40n);
    let behind = 0;
    for (let index = Number(own); index < Number(own) + 1; index++) {
      const at = table.request(index, 4096);
      expect(at).not.toBe(BigInt(index) << 40n);
      if (at === (BigInt(index) << 40n) + 4096n) behind++;
    }
    const sizes: bigint[] = [];
    sizes[0] = 2n ** 52n;
    for (let index = 1; index <= Number(own); index++) sizes[index] = 4096n;
    const ref = valueOf(ReferenceCookieTable.open('scattered', sizes, seed));
    ref.request(0);
    expect(answer(ref.request(Number(own)))).toBe(table.request(Number(own), 4096));
    expect(behind).toBe(1);
  });

  test('C-scattered when everything is taken there is no place', () => {
    const sizes = [1n, 2n ** 52n, 2n ** 52n, 2n ** 51n, 2n ** 50n];
    const table = createEngine().offsetTable('scattered', 5);
    const ref = valueOf(ReferenceCookieTable.open('scattered', sizes, 5));
    for (const [index, bytes] of sizes.entries()) expect(outcome(() => table.request(index, bytes))).toEqual(answer(ref.request(index)));
  });

  test('C-empty a region of size 0 owns nothing in the modes cookie and scattered', () => {
    for (const mode of ['cookie', 'scattered'] as const) {
      const table = createEngine().offsetTable(mode);
      expect([table.request(3, 0), table.resolve(0)]).toEqual([0n, undefined]);
    }
  });

  test('C-resolve the position may lie beyond the size; offsets as number and as bigint', () => {
    const table = createEngine().offsetTable('cookie');
    table.request(2, 5000);
    expect([table.resolve(0x2000), table.resolve(0x2000n), table.resolve(0x3fff), table.resolve(0x4000)]).toEqual([{ index: 2, position: 0n }, { index: 2, position: 0n }, { index: 2, position: 0x1fffn }, undefined]);
    table.destroy();
    expect(outcome(() => table.resolve(0x2000))).toBe(-9);
    expect(outcome(() => table.request(2, 5000))).toBe(-9);
  });
});
