// Rules D one by one: numbers at both ends of the space, refusals, sizes, what is told of a fault.

import { describe, expect, test } from '@jest/globals';
import { IommuFault, createEngine, type IommuDomain, type Region } from '../../../src/core/index.ts';
import { expectEmpty } from '../adapter.ts';
import { ending } from './pair.ts';

const PAGE = 4096n;
const MAX = 2n ** 64n - 1n;
const BOTH = { readable: true, writable: true };

function bench(): { readonly engine: ReturnType<typeof createEngine>; readonly domain: IommuDomain; readonly ram: Region; readonly huge: Region } {
  const engine = createEngine();
  return { engine, domain: engine.iommuDomain('dma'), ram: engine.region({ kind: 'ram', size: 0x8000 }), huge: engine.region({ kind: 'demand', size: 2n ** 63n }) };
}

describe('D-map', () => {
  test('a range at 2^64-1 and one at 0 are neighbours of nothing', () => {
    const { domain, ram } = bench();
    domain.map(MAX, 1, { region: ram, position: 1, ...BOTH });
    domain.map(0, 1, { region: ram, position: 2, ...BOTH });
    expect(domain.translate(MAX)).toMatchObject({ first: MAX, last: MAX, position: 1n });
    expect(domain.translate(0)).toMatchObject({ first: 0n, last: 0n, position: 2n });
    expect([domain.count, domain.translate(1), domain.translate(MAX - 1n)]).toEqual([2, undefined, undefined]);
    expect([domain.unmap(1, MAX - 1n), domain.unmap(MAX, MAX), domain.unmap(0, 0)]).toEqual([0n, 1n, 1n]);
  });

  test('neighbours that lead to neighbouring bytes stay two ranges', () => {
    const { domain, ram } = bench();
    domain.map(0x1000, PAGE, { region: ram, position: 0, ...BOTH });
    domain.map(0x2000, PAGE, { region: ram, position: PAGE, ...BOTH });
    domain.mapPages(BigUint64Array.of(0x3000n, 0x4000n), BigUint64Array.of(2n * PAGE, 3n * PAGE), PAGE, { region: ram, ...BOTH });
    expect(Array.from(domain.walk(), ({ first, last }) => [first, last])).toEqual([1n, 2n, 3n, 4n].map((n) => [n * PAGE, n * PAGE + PAGE - 1n]));
  });

  test('what is refused changes nothing', () => {
    const { engine, domain, ram } = bench();
    const at = (first: bigint, bytes: bigint, position = 0n) => ending(() => domain.map(first, bytes, { region: ram, position, ...BOTH }));
    expect([at(MAX, 2n), at(0n, 0n)]).toEqual(['EINVAL', 'EINVAL']);
    expect(() => domain.map(0, 0x8001, { region: ram, position: 0, ...BOTH })).toThrow(RangeError);
    expect(() => domain.map(0, 1, { region: ram, position: 0x8000, ...BOTH })).toThrow(RangeError);
    expect(() => domain.map(-1, 1, { region: ram, position: 0, ...BOTH })).toThrow(RangeError);
    expect(() => domain.map(0, 1, { region: createEngine().region({ kind: 'ram', size: 1 }), position: 0, ...BOTH })).toThrow(TypeError);
    expect(() => domain.mapPages(new BigUint64Array(2), new BigUint64Array(1), PAGE, { region: ram, ...BOTH })).toThrow(RangeError);
    expect(() => domain.mapPages(BigUint64Array.of(0n), BigUint64Array.of(0x7001n), PAGE, { region: ram, ...BOTH })).toThrow('pass the end');
    expect(ending(() => domain.mapPages(BigUint64Array.of(0n, MAX), new BigUint64Array(2), PAGE, { region: ram, ...BOTH }))).toBe('EINVAL');
    expect(ending(() => domain.mapPages(BigUint64Array.of(0n, 0x800n), new BigUint64Array(2), PAGE, { region: ram, ...BOTH }))).toBe('EEXIST');
    domain.mapPages(new BigUint64Array(0), new BigUint64Array(0), PAGE, { region: ram, ...BOTH });
    expect(domain.count).toBe(0);
    domain.destroy();
    expect(engine.live().nodes).toBe(0);
  });

  test('a batch that meets a mapping maps none of its pages, wherever that lies', () => {
    for (const taken of [0n, 500n, 999n]) {
      const { domain, ram } = bench();
      domain.map((1n << 40n) + taken * PAGE + 0x10n, 1, { region: ram, position: 5, readable: true, writable: false });
      const iovas = BigUint64Array.from({ length: 1000 }, (_, i) => (1n << 40n) + BigInt((i * 617) % 1000) * PAGE);
      expect(ending(() => domain.mapPages(iovas, new BigUint64Array(1000), PAGE, { region: ram, ...BOTH }))).toBe('EEXIST');
      domain.validate();
      expect([domain.count, domain.translate((1n << 40n) + taken * PAGE + 0x10n)?.position]).toEqual([1, 5n]);
    }
  });
});

describe('D-unmap', () => {
  test('all 2^64 bytes of a domain', () => {
    const { domain, huge } = bench();
    domain.map(0, 2n ** 63n, { region: huge, position: 0, ...BOTH });
    domain.map(2n ** 63n, 2n ** 63n, { region: huge, position: 0, ...BOTH });
    expect(domain.unmap(0, MAX)).toBe(2n ** 64n);
    expect([domain.count, domain.unmap(0, MAX)]).toEqual([0, 0n]);
  });

  test('cuts in a full leaf, at every slot, leave two rests that lead where they led', () => {
    for (let cut = 0n; cut < 40n; cut++) {
      const { engine, domain, ram, huge } = bench();
      for (let n = 0n; n < 40n; n++) domain.map(n * 2n * PAGE, PAGE, { region: ram, position: (n % 8n) * PAGE, ...BOTH });
      expect(domain.unmap(cut * 2n * PAGE + 0x100n, cut * 2n * PAGE + 0x1ffn)).toBe(0x100n);
      domain.validate();
      expect(domain.translate(cut * 2n * PAGE)).toMatchObject({ last: cut * 2n * PAGE + 0xffn, position: (cut % 8n) * PAGE });
      expect(domain.translate(cut * 2n * PAGE + 0x200n)).toMatchObject({ first: cut * 2n * PAGE + 0x200n, position: (cut % 8n) * PAGE + 0x200n });
      expect([domain.count, domain.unmap(cut * 2n * PAGE, cut * 2n * PAGE + 0xffn), domain.unmap(cut * 2n * PAGE, cut * 2n * PAGE + PAGE - 1n)]).toEqual([41, 0x100n, 0xe00n]);
      domain.destroy();
      ram.destroy();
      huge.destroy();
      expectEmpty(engine);
    }
  });

  test('a range above itself is refused', () => {
    expect(ending(() => bench().domain.unmap(2, 1))).toBe('EINVAL');
  });
});

describe('D-reach', () => {
  test('a fault says what the access was, where it was stopped, and why', () => {
    const { domain, ram } = bench();
    domain.map(0x1000, PAGE, { region: ram, position: 0, readable: true, writable: false });
    const fault = (() => {
      try {
        domain.write(0x1ff0, new Uint8Array(4));
      } catch (error) {
        return error;
      }
      return undefined;
    })();
    expect(fault).toBeInstanceOf(IommuFault);
    expect((fault as IommuFault).message).toBe('IOMMU fault: write of 0x1ff0 in dma: permission');
    expect(ending(() => domain.read(0x1ff0, new Uint8Array(17)))).toEqual({ access: 'read', iova: 0x2000n, reason: 'unmapped' });
    expect(ending(() => domain.read(MAX, new Uint8Array(2)))).toEqual({ access: 'read', iova: MAX, reason: 'unmapped' });
    ram.destroy();
    expect(ending(() => domain.read(0x1004, new Uint8Array(1)))).toEqual({ access: 'read', iova: 0x1004n, reason: 'target' });
    expect(domain.translate(0x1004)?.region).toBe(ram);
  });

  test('an access of no bytes is none', () => {
    const { domain } = bench();
    domain.read(5, new Uint8Array(0));
    domain.write(MAX, new Uint8Array(0));
    domain.copy(0, MAX, 0);
    expect(domain.count).toBe(0);
  });

  test('a copy names the side that stopped it', () => {
    const { domain, ram } = bench();
    domain.map(0x1000, PAGE, { region: ram, position: 0, readable: true, writable: false });
    expect(ending(() => domain.copy(0x1800, 0x1000, 16))).toEqual({ access: 'write', iova: 0x1800n, reason: 'permission' });
    expect(ending(() => domain.copy(0x1800, 0x1ff8, 16))).toEqual({ access: 'read', iova: 0x2000n, reason: 'unmapped' });
    expect(ending(() => domain.copy(0, 0, 2n ** 40n))).toBe('EINVAL');
  });
});

describe('D-dirty', () => {
  const dirty = (domain: IommuDomain, first: bigint, last: bigint, pageBytes = PAGE, clear = false): number[] => {
    const bitmap = new Uint8Array(Number((last - first) / pageBytes / 8n) + 1);
    domain.readDirty(first, last, pageBytes, bitmap, clear);
    return Array.from({ length: bitmap.length * 8 }, (_, n) => n).filter((n) => (bitmap[n >> 3]! & (1 << (n & 7))) !== 0);
  };

  test('the last page of all', () => {
    const { domain, ram } = bench();
    domain.map(MAX - PAGE + 1n, PAGE, { region: ram, position: 0, ...BOTH });
    domain.trackDirty(true);
    domain.write(MAX, Uint8Array.of(1));
    expect([dirty(domain, MAX - 4n * PAGE + 1n, MAX), dirty(domain, MAX - 4n * PAGE + 1n, MAX, 2n ** 63n)]).toEqual([[3], [0]]);
    expect(dirty(domain, 0n, MAX, 2n ** 62n, true)).toEqual([3]);
    expect(dirty(domain, MAX - 4n * PAGE + 1n, MAX)).toEqual([]);
  });

  test('bits that stand in the bitmap stay', () => {
    const { domain, ram } = bench();
    domain.map(0, 0x8000, { region: ram, position: 0, ...BOTH });
    domain.trackDirty(true);
    domain.write(0x2000, Uint8Array.of(1));
    const bitmap = Uint8Array.of(0b1001, 0xff);
    domain.readDirty(0, 0x7fff, PAGE, bitmap, true);
    expect(Array.from(bitmap)).toEqual([0b1101, 0xff]);
  });

  test('more bits than one buffer holds', () => {
    const { domain, huge } = bench();
    domain.map(0, 2n ** 40n, { region: huge, position: 0, ...BOTH });
    domain.trackDirty(true);
    const pages = [0n, 8n * 65536n - 1n, 8n * 65536n, 8n * 65536n + 9n, 2n * 8n * 65536n + 1n];
    for (const page of pages) domain.write(page * PAGE + 5n, Uint8Array.of(1));
    expect(dirty(domain, 0n, (pages[4]! + 1n) * PAGE - 1n)).toEqual(pages.map(Number));
  });

  test('marks of a huge range are ENOMEM and none is made; in what is not mapped they cost nothing', () => {
    const { engine, domain, huge } = bench();
    domain.trackDirty(true);
    domain.markDirty(0, MAX);
    expect(engine.live().pages).toBe(0);
    domain.map(0x1000, PAGE, { region: huge, position: 0, ...BOTH });
    domain.map(2n ** 32n, 2n ** 62n, { region: huge, position: 0, ...BOTH });
    expect(ending(() => domain.markDirty(0, MAX))).toBe('ENOMEM');
    expect([engine.live().pages, dirty(domain, 0n, 0xffffn)]).toEqual([0, []]);
    domain.markDirty(0, 0xffff);
    expect([engine.live().pages, dirty(domain, 0n, 0xffffn)]).toEqual([1, [1]]);
  });

  test('ends with all marks, and begins with none; beginning twice is beginning once', () => {
    const { engine, domain, ram } = bench();
    domain.map(0, 0x8000, { region: ram, position: 0, ...BOTH });
    domain.write(0, Uint8Array.of(1));
    domain.markDirty(0, 0x7fff);
    domain.trackDirty(true);
    expect(dirty(domain, 0n, 0x7fffn)).toEqual([]);
    domain.write(0x3fff, Uint8Array.of(1, 2));
    domain.trackDirty(true);
    expect([dirty(domain, 0n, 0x7fffn), domain.tracksDirty]).toEqual([[3, 4], true]);
    domain.trackDirty(false);
    expect([engine.live().pages, domain.tracksDirty]).toEqual([0, false]);
    domain.trackDirty(true);
    expect(dirty(domain, 0n, 0x7fffn)).toEqual([]);
  });

  test('numbers that are none', () => {
    const { domain } = bench();
    expect(() => domain.readDirty(0, 0xffff, 2048, new Uint8Array(9), false)).toThrow(RangeError);
    expect(() => domain.readDirty(0, 0xffff, 0x3000, new Uint8Array(9), false)).toThrow(RangeError);
    expect(() => domain.readDirty(0, 0x8000, 4096, new Uint8Array(1), false)).toThrow('9 bits are wanted');
    expect(ending(() => domain.readDirty(1, 0, 4096, new Uint8Array(1), false))).toBe('EINVAL');
  });
});

describe('D-gone', () => {
  test('a destroyed domain answers EBADF, and a second destroy nothing', () => {
    const { engine, domain, ram, huge } = bench();
    domain.trackDirty(true);
    domain.mapPages(BigUint64Array.from({ length: 5000 }, (_, i) => BigInt(i) * PAGE), new BigUint64Array(5000), PAGE, { region: ram, ...BOTH });
    domain.markDirty(0, MAX);
    domain.destroy();
    domain.destroy();
    expect(engine.live()).toMatchObject({ nodes: 0, pages: 0, objects: 2, backingBytes: 0x8000 });
    for (const call of [() => domain.unmap(0, 1), () => domain.translate(0), () => domain.read(0, new Uint8Array(1)), () => domain.copy(0, 1, 1), () => Array.from(domain.walk()), () => domain.clear(), () => domain.trackDirty(true), () => domain.markDirty(0, 1)]) expect(ending(call)).toBe('EBADF');
    expect(domain.count).toBe(0);
    ram.destroy();
    huge.destroy();
    expectEmpty(engine);
  });

  test('regions of ranges that went are not kept for ever', () => {
    const { engine, domain } = bench();
    for (let n = 0; n < 300; n++) {
      const region = engine.region({ kind: 'demand', size: PAGE });
      domain.map(0x1000, PAGE, { region, position: 0, ...BOTH });
      expect(domain.translate(0x1000)?.region).toBe(region);
      domain.map(0x10_0000n + BigInt(n) * PAGE, PAGE, { region, position: 0, ...BOTH });
      domain.unmap(0x1000, 0x1fff);
      if (n >= 10) domain.unmap(0x10_0000n + BigInt(n - 10) * PAGE, 0x10_0000n + BigInt(n - 10) * PAGE + PAGE - 1n);
    }
    expect(Array.from(domain.walk(), ({ region }) => region.kind)).toEqual(Array.from({ length: 10 }, () => 'demand'));
    expect((domain as unknown as { regions: Map<number, Region> }).regions.size).toBeLessThan(130);
  });
});
