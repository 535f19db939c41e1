// Interrupts of a function: the pin behind its gates, MSI with masks, MSI-X with a table in a BAR.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Engine, type Space, createEngine } from '../../src/core/index.ts';
import { PciFunction, type PciFunctionDescription } from '../../src/pci/index.ts';
import { configBytes } from '../trace/recorded.ts';

const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };
const BAR = 0xfe00_0000;
const [TABLE, PBA] = [0x1000, 0x1800];
const MSI = 0x50;
const MSIX = 0x70;

let engine: Engine;
let memory: Space;
let one: PciFunction;
let seen: (string | boolean)[];

function make(change: Partial<PciFunctionDescription> = {}, msiFlags = 0x0184): void {
  const config = configBytes({ 0x04: 0x0010_0000, 0x34: 0x40, 0x40: 0x0003_5001, 0x44: 8, [MSI]: (msiFlags << 16) | (MSIX << 8) | 0x05, [MSIX]: (69 << 16) | 0x11, 0x74: TABLE, 0x78: PBA, 0x3c: 0x0100, 0x10: 0 });
  one = new PciFunction(engine, {
    slot: '00:02.0',
    config,
    sizes: { bars: [0x2000] },
    interrupts: { setLevel: (level) => void seen.push(level), message: (address, data) => void seen.push(`${address.toString(16)}=${data.toString(16)}`) },
    ...change,
  });
  one.resetToPowerOn();
  one.mapInto({ memory });
  one.config.write32(0x10, BAR);
  one.config.write16(4, 0x6);
}

const news = (): (string | boolean)[] => seen.splice(0);

beforeEach(() => {
  engine = createEngine();
  memory = engine.space('memory');
  seen = [];
});

afterEach(() => {
  one.destroy();
  memory.destroy();
  expect(engine.live()).toEqual(NOTHING);
});

describe('INTx', () => {
  test('STATUS shows what the device asserts, COMMAND what comes out', () => {
    make();
    const { intx } = one;
    expect(intx!.pin).toBe(1);
    intx!.set(true);
    intx!.set(true);
    expect([news(), one.config.read16(6)]).toEqual([[true], 0x18]);
    one.config.write16(4, 0x406);
    expect([news(), one.config.read16(6), intx!.level]).toEqual([[false], 0x18, false]);
    one.config.write16(6, 0xffff);
    expect(one.config.read16(6)).toBe(0x18);
    one.config.write16(4, 0x6);
    intx!.set(false);
    expect([news(), one.config.read16(6)]).toEqual([[true, false], 0x10]);
  });

  test('MSI, MSI-X, D3hot and a reset take the line down', () => {
    make();
    one.intx!.set(true);
    one.config.write16(MSI + 2, 1);
    one.config.write16(MSI + 2, 0);
    one.config.write16(MSIX + 2, 0x8000);
    one.config.write16(MSIX + 2, 0);
    one.config.write8(0x44, 3);
    one.config.write8(0x44, 0);
    expect(news()).toEqual([true, false, true, false, true, false, true]);
    one.resetFunction();
    expect([news(), one.config.read16(6)]).toEqual([[false], 0x10]);
  });

  test('nobody to tell, or no pin: no line', () => {
    make({ interrupts: {} });
    one.intx!.set(true);
    expect([news(), one.intx!.level]).toEqual([[], true]);
    one.destroy();
    make({ config: configBytes({}), sizes: {} });
    expect([one.intx, one.msi, one.msixVectors]).toEqual([null, null, null]);
    one.destroy();
    const described = one.description;
    one = new PciFunction(engine, { slot: described.slot, config: configBytes({ 0x3c: 0x0100 }) });
    expect(one.intx).toBeNull();
  });
});

describe('MSI', () => {
  const enable = (log2 = 0): void => {
    one.config.write32(MSI + 4, 0xfee0_1007);
    one.config.write32(MSI + 8, 0x1);
    one.config.write16(MSI + 12, 0x4020);
    one.config.write16(MSI + 2, 1 | (log2 << 4));
  };

  test('64-bit address, the vector in the low bits of the data', () => {
    make();
    expect([one.msi!.count, one.msi!.trigger(0), one.msi!.enabled]).toEqual([4, false, false]);
    enable(2);
    expect([0, 3].map((vector) => one.msi!.trigger(vector))).toEqual([true, true]);
    expect(news()).toEqual(['1fee01004=4020', '1fee01004=4023']);
    enable(1);
    one.msi!.trigger(3);
    expect([news(), one.msi!.inUse]).toEqual([['1fee01004=4021'], 2]);
    enable(7);
    expect(one.msi!.inUse).toBe(4);
  });

  test('masked vectors wait; unmasking sends them once', () => {
    make();
    enable(2);
    one.config.write32(MSI + 16, 0xffff_ffff);
    expect(one.config.read32(MSI + 16)).toBe(0xf);
    expect([one.msi!.trigger(1), one.msi!.trigger(2), one.msi!.trigger(2)]).toEqual([false, false, false]);
    one.config.write32(MSI + 20, 0);
    expect([one.config.read32(MSI + 20), one.msi!.pending]).toEqual([6, 6]);
    one.msi!.withdraw(1);
    one.config.write32(MSI + 16, 0);
    one.config.write32(MSI + 16, 0);
    expect([news(), one.msi!.pending]).toEqual([['1fee01004=4022'], 0]);
  });

  test('a 32-bit address without masks', () => {
    make({}, 0x0000);
    one.config.write32(MSI + 4, 0xfee0_0000);
    one.config.write16(MSI + 8, 0x31);
    one.config.write16(MSI + 2, 1);
    one.msi!.trigger(0);
    expect([news(), one.msi!.pending]).toEqual([['fee00000=31'], 0]);
  });

  test('without MASTER, in D3hot or switched off nothing is sent', () => {
    make();
    enable();
    one.config.write16(4, 0x2);
    expect(one.msi!.trigger(0)).toBe(false);
    one.config.write16(4, 0x6);
    one.config.write8(0x44, 3);
    expect(one.msi!.trigger(0)).toBe(false);
    one.config.write8(0x44, 0);
    expect([one.msi!.trigger(0), news().length]).toEqual([true, 1]);
  });

  test.each([[0x000c, 'asks for 2^6 messages; the bound is 2^5']])('flags %p are refused', (flags, message) => {
    make();
    expect(() => new PciFunction(engine, { slot: '00:02.0', config: configBytes({ 0x04: 0x0010_0000, 0x34: 0x40, 0x40: (flags << 16) | 0x05 }) })).toThrow(message);
    expect(() => new PciFunction(engine, { slot: '00:02.0', config: configBytes({ 0x04: 0x0010_0000, 0x34: 0xf0, 0xf0: 0x0180_0005 }) })).toThrow('MSI at 0xf0 ends at 0x108; the bound is 0x100');
    expect(() => one.msi!.trigger(4)).toThrow(new RangeError('MSI vector 4 is outside 0..3'));
  });
});

describe('MSI-X', () => {
  const program = (vector: number, data: number, control: number): void => {
    for (const [field, value] of [[0, 0xfee0_2003], [4, 0], [8, data], [12, control]] as const) memory.write32(BAR + TABLE + 16 * vector + field, value);
  };

  test('the table in the guest\'s memory: reserved bits, and bytes that the BAR has', () => {
    make();
    program(3, 0x55, 0xffff_ffff);
    const read = [0, 4, 8, 12].map((field) => memory.read32(BAR + TABLE + 48 + field));
    expect(read).toEqual([0xfee0_2000, 0, 0x55, 1]);
    expect(one.bars[0]!.region.read32(TABLE + 56)).toBe(0x55);
    memory.write8(BAR + TABLE + 57, 0x12);
    expect([memory.read16(BAR + TABLE + 56), memory.read64(BAR + TABLE + 56)]).toEqual([0x1255, 0x1_0000_1255n]);
    memory.write32(BAR + PBA, 0xffff_ffff);
    expect(memory.read64(BAR + PBA)).toBe(0n);
    memory.write32(BAR + 0x10, 7);
    expect(one.bars[0]!.region.read32(0x10)).toBe(7);
  });

  test('after a reset every vector is masked', () => {
    make();
    expect([0, 69].map((vector) => one.msixVectors!.isMasked(vector))).toEqual([true, true]);
    program(0, 1, 0);
    one.resetFunction();
    expect([one.msixVectors!.isMasked(0), one.bars[0]!.region.read32(TABLE + 8)]).toEqual([true, 0]);
  });

  test('pending bits go when the entry, the function or the capability is unmasked', () => {
    make();
    const { msixVectors } = one;
    program(0, 0x10, 0);
    program(69, 0x20, 1);
    expect(msixVectors!.trigger(0)).toBe(false);
    one.config.write16(MSIX + 2, 0xc000);
    expect([msixVectors!.trigger(0), msixVectors!.trigger(69), memory.read64(BAR + PBA), memory.read64(BAR + PBA + 8)]).toEqual([false, false, 1n, 0x20n]);
    one.config.write16(MSIX + 2, 0x8000);
    expect([news(), msixVectors!.isPending(0), msixVectors!.isPending(69)]).toEqual([['fee02000=10'], false, true]);
    memory.write32(BAR + TABLE + 16 * 69 + 12, 0);
    expect([news(), msixVectors!.isPending(69)]).toEqual([['fee02000=20'], false]);
    expect([msixVectors!.trigger(69), news()]).toEqual([true, ['fee02000=20']]);
  });

  test('the table moves with its BAR, and goes when memory decoding goes', () => {
    make();
    program(1, 0x77, 1);
    one.config.write32(0x10, 0xfd00_0000);
    expect([memory.read32(BAR + TABLE + 24), memory.read32(0xfd00_0000 + TABLE + 24)]).toEqual([0xffff_ffff, 0x77]);
    one.config.write16(4, 0);
    expect(memory.read32(0xfd00_0000 + TABLE + 24)).toBe(0xffff_ffff);
  });

  test('what is written where the rules are not looked at is delivered when asked', () => {
    make();
    one.config.write16(MSIX + 2, 0x8000);
    one.msixVectors!.trigger(2);
    one.bars[0]!.region.write32(TABLE + 32 + 12, 0);
    expect(news()).toEqual([]);
    one.msixVectors!.deliver();
    expect(news()).toEqual(['0=0']);
    one.msixVectors!.trigger(2);
    one.msixVectors!.withdraw(2);
    expect(() => one.msixVectors!.trigger(70)).toThrow(new RangeError('MSI-X vector 70 is outside 0..69'));
  });

  test.each([
    ['a table behind the end of its BAR', { 0x74: 0x1c00 }, 'MSI-X table: 1120 bytes at 0x1c00 pass the end of BAR 0, 0x2000 bytes'],
    ['pending bits behind the end', { 0x78: 0x1ff8 }, 'MSI-X pending bits: 16 bytes at 0x1ff8 pass the end of BAR 0, 0x2000 bytes'],
    ['pending bits inside the table', { 0x78: 0x1010 }, 'MSI-X pending bits at 0x1010 lie in the table, 1120 bytes at 0x1000 of BAR 0'],
    ['a BAR that cannot be', { 0x74: 0x1006 }, 'MSI-X table in BAR 6; expected 0 to 5'],
  ])('%s is refused', (_, fields, message) => {
    make();
    const config = one.description.config.slice();
    for (const [at, value] of Object.entries(fields)) new DataView(config.buffer).setUint32(Number(at), value, true);
    expect(() => new PciFunction(engine, { ...one.description, config })).toThrow(`PciFunction 00:02.0: ${message}`);
  });
});
