// Large blocks and copies: they go other ways than small ones, and end as those.

import { describe, expect, test } from '@jest/globals';
import { createEngine, type IommuDomain, type Region } from '../../../src/core/index.ts';
import { expectEmpty } from '../adapter.ts';
import { ending } from './pair.ts';

const PAGE = 4096;
const BOTH = { readable: true, writable: true };
const BYTES = 50 * PAGE;

const pattern = (n: number, seed: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (i * 13 + (i >> 9) * 7 + seed) & 0xff);

/** Maps 50 pages from `first` on, in an order that no run goes on from one to the next. */
function scatter(domain: IommuDomain, first: number, region: Region): void {
  const order = Array.from({ length: 50 }, (_, i) => (i * 17) % 50);
  domain.mapPages(BigUint64Array.from(order, (_, i) => BigInt(first + i * PAGE)), BigUint64Array.from(order, (page) => BigInt(page * PAGE)), PAGE, { region, ...BOTH });
}

function bytesOf(domain: IommuDomain, first: number, n: number): Uint8Array {
  const all = new Uint8Array(n);
  for (let at = 0; at < n; at += 512) domain.read(first + at, all.subarray(at, Math.min(n, at + 512)));
  return all;
}

describe.each(['scalar', 'simd'] as const)('D on the %s build', (build) => {
  for (const from of ['ram', 'demand'] as const) {
    for (const to of ['ram', 'demand'] as const) {
      test(`D-copy from ${from} to ${to}, borders of both sides apart`, () => {
        const engine = createEngine({ build });
        const domain = engine.iommuDomain();
        const [source, target] = [engine.region({ kind: from, size: BYTES }), engine.region({ kind: to, size: BYTES })];
        scatter(domain, 0x10_0000, source);
        scatter(domain, 0x50_0000, target);
        // The demand region's pages from 20 on stay untouched: they read zero.
        const contents = pattern(BYTES, 3);
        contents.fill(0, 20 * PAGE, 30 * PAGE);
        domain.write(0x10_0000, contents.subarray(0, 20 * PAGE));
        domain.write(0x10_0000 + 30 * PAGE, contents.subarray(30 * PAGE));
        domain.write(0x50_0000, pattern(BYTES, 99));
        domain.trackDirty(true);
        domain.copy(0x50_0000 + 77, 0x10_0000 + 5, BYTES - 200);
        const expected = pattern(BYTES, 99);
        expected.set(contents.subarray(5, BYTES - 195), 77);
        expect(Buffer.compare(bytesOf(domain, 0x50_0000, BYTES), expected)).toBe(0);
        expect(Buffer.compare(bytesOf(domain, 0x10_0000, BYTES), contents)).toBe(0);
        const bitmap = new Uint8Array(16);
        domain.readDirty(0x50_0000, 0x50_0000 + 128 * PAGE - 1, PAGE, bitmap, false);
        expect(Array.from(bitmap).reduce((n, byte) => n + byte.toString(2).replaceAll('0', '').length, 0)).toBe(50);
        for (const part of [source, target, domain]) part.destroy();
        expectEmpty(engine);
      });
    }
  }

  test('D-copy over many pages, of which neither side has as many as the other', () => {
    const engine = createEngine({ build });
    const domain = engine.iommuDomain();
    const n = 300;
    const [source, target] = [engine.region({ kind: 'ram', size: n * PAGE }), engine.region({ kind: 'demand', size: n * PAGE })];
    const order = Array.from({ length: n }, (_, i) => (i * 77) % n);
    domain.mapPages(BigUint64Array.from(order, (_, i) => BigInt(i * PAGE)), BigUint64Array.from(order, (page) => BigInt(page * PAGE)), PAGE, { region: source, ...BOTH });
    domain.mapPages(BigUint64Array.from({ length: 2 * n }, (_, i) => BigInt(0x100_0000 + (i * PAGE) / 2)), BigUint64Array.from({ length: 2 * n }, (_, i) => BigInt((((i * 7) % (2 * n)) * PAGE) / 2)), PAGE / 2, { region: target, ...BOTH });
    source.bytes().set(pattern(n * PAGE, 9));
    const contents = bytesOf(domain, 0, n * PAGE);
    domain.copy(0x100_0000 + 300, 100, n * PAGE - 1000);
    const expected = new Uint8Array(n * PAGE);
    expected.set(contents.subarray(100, n * PAGE - 900), 300);
    expect(Buffer.compare(bytesOf(domain, 0x100_0000, n * PAGE), expected)).toBe(0);
  });

  test('D-copy of bytes that two IOVAs lead to ends as if all was read first', () => {
    for (const kind of ['ram', 'demand'] as const) {
      for (const shift of [-3 * PAGE - 9, -1, 1, 9 * PAGE]) {
        const engine = createEngine({ build });
        const domain = engine.iommuDomain();
        const region = engine.region({ kind, size: BYTES });
        domain.map(0x10_0000, BYTES, { region, position: 0, ...BOTH });
        domain.map(0x50_0000, BYTES, { region, position: 0, ...BOTH });
        const contents = pattern(BYTES, 1);
        domain.write(0x10_0000, contents);
        const start = 10 * PAGE;
        domain.copy(0x50_0000 + start + shift, 0x10_0000 + start, 30 * PAGE);
        const expected = contents.slice();
        expected.set(contents.subarray(start, start + 30 * PAGE), start + shift);
        expect(Buffer.compare(bytesOf(domain, 0x10_0000, BYTES), expected)).toBe(0);
      }
    }
  });

  test('D-plain large blocks, also into the memory of the core itself', () => {
    const engine = createEngine({ build });
    const domain = engine.iommuDomain();
    const region = engine.region({ kind: 'demand', size: BYTES });
    const own = engine.region({ kind: 'ram', size: BYTES });
    scatter(domain, 0x10_0000, region);
    own.bytes().set(pattern(BYTES, 5));
    domain.write(0x10_0000, own.bytes());
    expect(Buffer.compare(bytesOf(domain, 0x10_0000, BYTES), pattern(BYTES, 5))).toBe(0);
    own.bytes().fill(0);
    domain.read(0x10_0000 + 1, own.bytes().subarray(0, BYTES - 1));
    expect(Buffer.compare(own.bytes().subarray(0, BYTES - 1), pattern(BYTES, 5).subarray(1))).toBe(0);
    domain.unmap(0x10_0000 + 40 * PAGE, 0x10_0000 + 41 * PAGE - 1);
    const target = new Uint8Array(BYTES).fill(0xee);
    expect(ending(() => domain.read(0x10_0000, target))).toEqual({ access: 'read', iova: BigInt(0x10_0000 + 40 * PAGE), reason: 'unmapped' });
    expect(ending(() => domain.write(0x10_0000, target))).toEqual({ access: 'write', iova: BigInt(0x10_0000 + 40 * PAGE), reason: 'unmapped' });
    expect([target.every((byte) => byte === 0xee), bytesOf(domain, 0x10_0000, PAGE)[0]]).toEqual([true, 5]);
  });

  test('D-cycles a large block over a device', () => {
    const engine = createEngine({ build });
    const domain = engine.iommuDomain();
    const seen: number[] = [];
    const ram = engine.region({ kind: 'ram', size: BYTES });
    domain.map(0x10_0000, BYTES, { region: ram, position: 0, ...BOTH });
    domain.map(0x10_0000 + BYTES, PAGE, { region: engine.region({ kind: 'hook', size: PAGE, write: (position) => void seen.push(Number(position)) }), position: 0, ...BOTH });
    domain.write(0x10_0000, pattern(BYTES + 16, 4));
    expect([seen, Buffer.compare(ram.bytes(), pattern(BYTES, 4))]).toEqual([[0, 8], 0]);
  });

  test('D-locate what translate says, as a number', () => {
    const engine = createEngine({ build });
    const domain = engine.iommuDomain();
    const [ram, huge] = [engine.region({ kind: 'ram', size: BYTES }), engine.region({ kind: 'demand', size: 2n ** 63n })];
    scatter(domain, 0x10_0000, ram);
    domain.map(0x90_0000, PAGE, { region: huge, position: 2n ** 60n, readable: true, writable: false });
    // Often enough for a table to be made on the way.
    for (let i = 0; i < 400; i++) {
      const at = 0x10_0000 + ((i * 37) % 50) * PAGE + i;
      const range = domain.translate(at)!;
      expect([domain.locate(at, 'read'), domain.located]).toEqual([Number(range.position + BigInt(at) - range.first), ram]);
    }
    expect([domain.locate(0xf_ffff, 'read'), domain.locate(0x90_0000, 'write')]).toEqual([-1, -1]);
    expect(() => domain.locate(0x90_0000, 'read')).toThrow('above 2^53-1');
    expect(() => domain.locate(-1, 'read')).toThrow(RangeError);
    domain.unmap(0x10_0000, 0x10_0fff);
    expect(domain.locate(0x10_0000, 'read')).toBe(-1);
    domain.validate();
    ram.destroy();
    expect(domain.locate(0x10_1000, 'read')).toBe(-1);
    domain.destroy();
    expect(ending(() => domain.locate(0, 'read'))).toBe('EBADF');
  });
});
