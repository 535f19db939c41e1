// The judge of configuration space against what the specifications say, register by register, in numbers worked out by hand.

import { describe, expect, test } from '@jest/globals';
import { ReferenceConfigSpace, type ReferenceFunction } from './index.ts';

/** A function of 256 or 4096 bytes with the dwords given. */
function made(dwords: Readonly<Record<number, number>>, more: Omit<ReferenceFunction, 'bytes'> = {}, size = 256): ReferenceConfigSpace {
  const bytes = Buffer.alloc(size);
  for (const [offset, value] of Object.entries(dwords)) bytes.writeUInt32LE(value, Number(offset));
  return new ReferenceConfigSpace({ bytes, ...more });
}

const dword = (one: ReferenceConfigSpace, offset: number): number => Buffer.from(one.bytes).readUInt32LE(offset);
const LIST = { 0x04: 0x0010_0000, 0x34: 0x40 };

describe('registers after all ones', () => {
  test.each<[string, Readonly<Record<number, number>>, number, number]>([
    ['ids', { 0x00: 0x1234_5678 }, 0x00, 0x1234_5678],
    ['COMMAND, and errors of STATUS cleared', { 0x04: 0xf9a0_0000 }, 0x04, 0x00a0_0547],
    ['cache line', {}, 0x0c, 0xff],
    ['interrupt line', { 0x3c: 0x0100 }, 0x3c, 0x01ff],
    ['PMCSR with PME', { ...LIST, 0x40: 0x0803_0001, 0x44: 0x8008 }, 0x44, 0x010b],
    ['PMCSR without', { ...LIST, 0x40: 0x0003_0001, 0x44: 0x8008 }, 0x44, 0x800b],
    ['MSI control', { ...LIST, 0x40: 0x018a_0005 }, 0x40, 0x01fb_0005],
    ['MSI, 32 bits, masks of 4: mask', { ...LIST, 0x40: 0x0104_0005 }, 0x4c, 0xf],
    ['MSI, 64 bits, masks of 32: mask', { ...LIST, 0x40: 0x018a_0005 }, 0x50, 0xffff_ffff],
    ['MSI, 64 bits: data', { ...LIST, 0x40: 0x0080_0005 }, 0x4c, 0xffff],
    ['MSI, 32 bits: data', { ...LIST, 0x40: 0x0005 }, 0x48, 0xffff],
    ['MSI-X control', { ...LIST, 0x40: 0x0007_0011 }, 0x40, 0xc007_0011],
    ['DEVCTL of an endpoint, DEVSTA', { ...LIST, 0x40: 0x0002_0010, 0x48: 0x003f_0000 }, 0x48, 0x0030_7cff],
    ['DEVCTL of an integrated endpoint', { ...LIST, 0x40: 0x0092_0010 }, 0x48, 0],
    ['AF', { ...LIST, 0x40: 0x0306_0013 }, 0x44, 0],
  ])('%s', (_, dwords, offset, expected) => {
    const one = made(dwords);
    one.write(offset, 4, 0xffff_ffff);
    expect(dword(one, offset)).toBe(expected);
  });

  test.each<[string, number, number, number]>([
    ['AER 1 mask', 0x0001_0001, 0x108, 0x001f_f030],
    ['AER 2 severity', 0x0002_0001, 0x10c, 0x07ff_f030],
    ['AER 2 correctable mask', 0x0002_0001, 0x114, 0xf1c1],
    ['AER enables', 0x0002_0001, 0x118, 0x07e0],
    ['ACS control', 0x0001_000d, 0x104, 0x0055_0055],
    ['ATS control', 0x0001_000f, 0x104, 0x801f_0055],
    ['LTR', 0x0001_0018, 0x104, 0x1fff_1fff],
  ])('%s', (_, head, offset, expected) => {
    const one = made({ 0x100: head, 0x104: head === 0x0001_0018 ? 0 : 0x55, 0x118: head === 0x0002_0001 ? 0x2a0 : 0 }, {}, 4096);
    one.write(offset, 4, 0xffff_ffff);
    expect(dword(one, offset)).toBe(expected);
  });
});

describe('ranges', () => {
  const bars = [0x1000n, 0n, 0x20n, 0x1_0000_0000n, 0n, 0n];
  const one = (): ReferenceConfigSpace => {
    const found = made({ 0x18: 1, 0x1c: 4 }, { bars, rom: 0x800n });
    for (const [at, value] of [[0x10, 0xfe00_0fff], [0x18, 0xc05f], [0x1c, 0], [0x20, 0x11], [0x30, 0xfd00_0fff], [0x04, 3]] as const) found.write(at, 4, value);
    return found;
  };

  test('are where the registers say', () => {
    expect([0x10, 0x14, 0x18, 0x1c, 0x20, 0x30].map((at) => dword(one(), at))).toEqual([0xfe00_0000, 0, 0xc041, 4, 0x11, 0xfd00_0801]);
    expect(one().decoded).toEqual([
      { bus: 'memory', start: 0xfe00_0000n, size: 0x1000n }, null, { bus: 'ports', start: 0xc040n, size: 0x20n },
      { bus: 'memory', start: 0x11_0000_0000n, size: 0x1_0000_0000n }, null, null, { bus: 'memory', start: 0xfd00_0800n, size: 0x800n },
    ]);
  });

  test('the topmost slot of all addresses is nobody\'s, also when its register was not written with all ones', () => {
    const large = made({ 0x10: 4 }, { bars: [0x2_0000_0000n] });
    large.write(0x04, 2, 2);
    const starts = [0xffff_fffc, 0xffff_fffe].map((high) => {
      large.write(0x14, 4, high);
      return large.decoded[0]?.start;
    });
    expect(starts).toEqual([0xffff_fffc_0000_0000n, undefined]);
  });

  test.each<[string, number, 1 | 2 | 4, number, number[]]>([
    ['COMMAND without memory', 0x04, 2, 1, [2]],
    ['COMMAND without ports', 0x04, 1, 2, [0, 3, 6]],
    ['a BAR that is being sized', 0x10, 4, 0xffff_fff0, [2, 3, 6]],
    ['an upper half that is being sized', 0x20, 4, 0xffff_ffff, [0, 2, 6]],
    ['the topmost slot below 4 GiB', 0x10, 4, 0xffff_f000, [2, 3, 6]],
    ['the slot below it', 0x10, 4, 0xffff_e000, [0, 2, 3, 6]],
    ['address 0', 0x18, 4, 0x1f, [0, 3, 6]],
    ['a ROM that is not enabled', 0x30, 1, 0, [0, 2, 3]],
    ['a ROM that is being sized', 0x30, 4, 0xffff_f801, [0, 2, 3]],
  ])('%s', (_, offset, width, value, expected) => {
    const found = one();
    found.write(offset, width, value);
    expect(found.decoded.flatMap((range, index) => (range === null ? [] : [index]))).toEqual(expected);
  });
});

describe('power and resets', () => {
  const DEVICE = { ...LIST, 0x40: 0x0a03_5001, 0x50: 0x0002_0010, 0x54: 0x1000_0000 };

  test('states that are there, to D0 or deeper', () => {
    const one = made(DEVICE);
    const entered = [2, 1, 2, 3, 1, 0].map((state) => {
      one.write(0x44, 1, state);
      return one.powerState;
    });
    expect(entered).toEqual([0, 1, 1, 3, 3, 0]);
  });

  test('leaving D3hot resets what is not sticky, unless nothing is lost', () => {
    for (const [control, line] of [[0, 0], [8, 0x0b]] as const) {
      const one = made({ ...DEVICE, 0x44: control });
      for (const [at, value] of [[0x3c, 0x0b], [0x44, 0x0103], [0x44, 0x0100]] as const) one.write(at, 2, value);
      expect([dword(one, 0x3c), dword(one, 0x44)]).toEqual([line, 0x0100 | control]);
    }
  });

  test('FLR leaves the payload size, and its bit reads 0', () => {
    const one = made(DEVICE);
    one.write(0x04, 2, 0x0547);
    one.write(0x58, 2, 0x80ff);
    expect([dword(one, 0x04), dword(one, 0x58)]).toEqual([0x0010_0000, 0x28f0]);
    one.reset('power-on');
    expect(dword(one, 0x58)).toBe(0x2810);
  });

  test('a write that is not aligned is several cycles: the second one follows the reset of the first', () => {
    const one = made(DEVICE);
    one.write(0x44, 1, 3);
    one.write(0x43, 4, 0x0000_0000);
    expect(one.powerState).toBe(0);
    one.write(0x57, 4, 0x0b80_0000 >>> 0);
    // FLR in the byte at 59; what follows at 5a is after it.
    expect(dword(one, 0x58) & 0xffff).toBe(0x2810);
  });
});
