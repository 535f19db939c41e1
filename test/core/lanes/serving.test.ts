// What a lane remembered in JavaScript serves, and what it leaves to the core: widths, masks, bounds, numbers that are no addresses. Rules A-width, A-cut, A-split.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import type { Space } from '../../../src/core/index.ts';
import { registerBank, registerMap, ro, rw, wo } from '../../../src/registers/index.ts';
import { Random } from '../../fuzz/random.ts';
import { LaneCalls } from '../../fuzz/lane-calls.ts';
import { World } from '../world/world.ts';
import { longWays, remember } from './remembered.ts';

function ram(start: number, bytes = 0x1000): { space: Space; view: () => Uint8Array } {
  const engine = createEngine();
  const space = engine.space();
  const region = engine.region({ kind: 'ram', size: bytes });
  space.map(start, region);
  region.bytes().forEach((_, i, all) => (all[i] = i * 29 + 3));
  return { space, view: () => region.bytes() };
}

const little = (bytes: Uint8Array, at: number, width: number): number => Array.from({ length: width }, (_, i) => bytes[at + i]! * 2 ** (8 * i)).reduce((a, b) => a + b);

describe('a remembered lane answers as the core does', () => {
  test.each([0x1000, 0xfebf_8000, 0x8_0000_0000, 2 ** 53 - 0x1000, 0])('A-cut all widths at every offset of RAM at %d', (start) => {
    const { space, view } = ram(start);
    remember(space, start + 0x800);
    for (const offset of [...Array(20).keys(), ...Array.from({ length: 20 }, (_, i) => 0xfff - i)]) {
      for (const [width, read, write] of [[1, 'read8', 'write8'], [2, 'read16', 'write16'], [4, 'read32', 'write32']] as const) {
        if (offset + width > 0x1000) continue;
        expect(space[read](start + offset)).toBe(little(view(), offset, width));
        const value = (0xdead_beef * (offset + 1)) % 256 ** width;
        const before = view().slice();
        space[write](start + offset, value);
        expect(little(view(), offset, width)).toBe(value);
        before.set(view().subarray(offset, offset + width), offset);
        expect(Buffer.compare(before, view())).toBe(0);
      }
    }
  });

  test('aligned accesses make no call, and neither do writes', () => {
    const { space } = ram(0x4000);
    remember(space, 0x4000);
    const all = (): void => {
      for (let at = 0x4000; at < 0x4100; at += 4) {
        space.write32(at, space.read32(at));
        space.write16(at + 2, space.read16(at));
        space.write8(at + 3, space.read8(at + 1));
      }
    };
    expect(longWays(space, all)).toBe(0);
  });

  test('B-read B-write registers are masked: what is not readable reads 0, what is not writable stays', () => {
    const engine = createEngine();
    const map = registerMap('masks', { bytes: 0x20 }, { R: { at: 0, count: 8, fields: { low: rw(7, 0, 0x11), fixed: ro(15, 8, 0x22), hidden: wo(31, 24, 0x44) } } });
    const bank = registerBank(engine, map);
    const space = engine.space();
    space.map(0x2000, bank.region);
    expect(remember(space, 0x2004)).toBe(0x2211);
    const writes = (): void => {
      space.write32(0x2004, 0xffff_ffff);
      space.write16(0x2008, 0xabcd);
      space.write8(0x200f, 0x99);
      space.write8(0x200d, 0x99);
    };
    expect(longWays(space, writes)).toBe(0);
    expect([1, 2, 3].map((i) => bank.regs.R[i]!.peek())).toEqual([0xff00_22ff, 0x4400_22cd, 0x9900_2211]);
    expect(longWays(space, () => expect([space.read32(0x2004), space.read16(0x2008), space.read8(0x2009), space.read8(0x200f)]).toEqual([0x22ff, 0x22cd, 0x22, 0]))).toBe(0);
  });

  test('B-width widths that a bank refuses are not served', () => {
    const engine = createEngine();
    const map = registerMap('words', { bytes: 0x20, access: [4] }, { R: { at: 0, count: 8, fields: { value: rw(31, 0, 0x1234_5678) } } });
    const bank = registerBank(engine, map);
    const space = engine.space();
    space.map(0x2000, bank.region);
    remember(space, 0x2000);
    space.write8(0x2000, 0);
    expect([space.read8(0x2000), space.read16(0x2002), space.read32(0x2000), bank.region.refused]).toEqual([0xff, 0xffff, 0x1234_5678, 3]);
  });

  test('A-cut the last bytes of a lane are its own, the next are not', () => {
    const { space } = ram(0x1000, 10);
    remember(space, 0x1000);
    expect(longWays(space, () => [space.read32(0x1004), space.read16(0x1008), space.read8(0x1009)])).toBe(0);
    expect([space.read32(0x1008) >>> 16, space.read16(0x100a), space.read8(0x100a), space.read8(0x0fff)]).toEqual([0xffff, 0xffff, 0xff, 0xff]);
  });

  test('addresses whose low 32 bits are those of a lane are not its own', () => {
    const { space } = ram(0x1000);
    remember(space, 0x1000);
    for (const far of [2 ** 32, 2 ** 33, 2 ** 52]) expect(space.read32(0x1000 + far)).toBe(0xffff_ffff);
    expect(space.unclaimed.reads).toBe(3);
  });
});

describe('A-width what is no address or no value is refused as on the long way', () => {
  const odd = [NaN, -4, 4096.5, 0x1000 + 2 ** -20, Infinity, -Infinity, 2 ** 53, 2 ** 64, '4096', undefined, null, {}, true];

  test.each(odd)('%p as an address', (address) => {
    const message = (space: Space, act: (space: Space) => unknown): string => {
      try {
        return `answers ${String(act(space))}`;
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`;
      }
    };
    const [fresh, warm] = [ram(0x1000).space, ram(0x1000).space];
    remember(warm, 0x1000);
    for (const act of [(s: Space) => s.read8(address as number), (s: Space) => s.read16(address as number), (s: Space) => s.read32(address as number), (s: Space) => s.write32(address as number, 1), (s: Space) => s.write8(address as number, 256)]) {
      expect(message(warm, act)).toBe(message(fresh, act));
      expect(message(warm, act)).toMatch(/^(Range|Type)Error: Space\./);
    }
  });

  test.each([[-1, RangeError], [0.5, RangeError], [NaN, RangeError], [2 ** 32, RangeError], ['1', TypeError], [1n, TypeError], [undefined, TypeError]] as const)('%p as a value changes nothing', (value, error) => {
    const { space } = ram(0x1000);
    const before = remember(space, 0x1000);
    expect(() => space.write32(0x1000, value as number)).toThrow(error);
    expect(() => space.write16(0x1000, value as number)).toThrow(error);
    expect(() => space.write8(0x1000, value as number)).toThrow(error);
    expect(() => space.write8(0x1000, 0x100)).toThrow(RangeError);
    expect(() => space.write16(0x1000, 0x1_0000)).toThrow(RangeError);
    expect(space.read32(0x1000)).toBe(before);
  });

  test('minus zero is zero, as an address and as a value', () => {
    const { space } = ram(0);
    remember(space, 0);
    space.write32(-0, -0);
    expect(Object.is(space.read32(-0), 0)).toBe(true);
  });
});

test.each([1, 2, 3, 4, 5, 6])('any history of accesses and changes answers like the reference, often from lanes: seed %i', (seed) => {
  const random = new Random(seed);
  for (let worlds = 0; worlds < 4; worlds++) {
    const world = new World(false);
    const calls = new LaneCalls();
    for (let n = 0; n < 400; n++) world.step(calls.call(random, n));
    world.close();
  }
});
