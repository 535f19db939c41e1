// Attaching to an RP2040 and letting go of it: what is refused and leaves everything as it was, what other versions of rp2040js are told, what is there again afterwards.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RP2040 } from 'rp2040js';
import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { attachRp2040 } from '../../../src/hosts/rp2040js/index.ts';
import type { AttachableBank, Rp2040, Rp2040Options } from '../../../src/hosts/rp2040js/index.ts';
import { irq, registerBank, registerMap, rw } from '../../../src/registers/index.ts';
import { quietChip } from './thumb.ts';

const ADDRESS = 0x5040_0000;
const SLOT = 0x50400;
const UART0 = 0x4003_4000;
const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };

const map = registerMap('lamps', { bytes: 0x10, access: [4] }, {
  STATUS: { at: 0, fields: { A: rw(0), B: rw(1), C: rw(2), D: rw(3) } },
}, {
  irq: [
    irq('a', { line: 0, status: 'STATUS', fields: ['A'] }),
    irq('b', { line: 1, status: 'STATUS', fields: ['B'] }),
    irq('c', { line: 2, status: 'STATUS', fields: ['C'], edge: true }),
    irq('d', { line: 3, status: 'STATUS', fields: ['D'] }),
    irq('d_edge', { line: 3, status: 'STATUS', fields: ['D'], edge: true }),
  ],
});

let engine: Engine;
let mcu: RP2040;
let bank: AttachableBank & { destroy(): void };

beforeEach(() => {
  engine = createEngine();
  mcu = quietChip();
  bank = registerBank(engine, map);
});

afterEach(() => {
  bank.destroy();
  expect(engine.live()).toEqual(NOTHING);
});

const asOptions = (options: unknown): Rp2040Options => options as Rp2040Options;

describe('what is refused leaves chip and engine as they were', () => {
  const good = { address: ADDRESS };
  test.each<[string, (parts: { bank: AttachableBank }) => unknown, typeof TypeError, string]>([
    ['no options', () => undefined, TypeError, 'options is undefined; expected { address, bank }'],
    ['an address that is no number', () => ({ address: '0x50400000' }), TypeError, 'address is "0x50400000"; expected a number'],
    ['a fraction', () => ({ address: 0.5 }), RangeError, 'address is 0.5; expected an integer from 0 to 4294950912'],
    ['beyond 32 bits', () => ({ address: 2 ** 32 }), RangeError, 'address is 4294967296'],
    ['inside a slot', () => ({ address: ADDRESS + 0x1000 }), RangeError, 'address is 0x50401000; expected a multiple of 0x4000'],
    ['the boot ROM', () => ({ address: 0 }), RangeError, 'address is 0x0, where the boot ROM is: 0x0 to 0x3fff'],
    ['flash', () => ({ address: 0x13ff_c000 }), RangeError, 'where flash is'],
    ['the end of SRAM, in the middle of a slot', () => ({ address: 0x2004_0000 }), RangeError, 'address is 0x20040000, where SRAM is: 0x20000000 to 0x20041fff'],
    ['memory of the USB controller', () => ({ address: 0x5010_0000 }), RangeError, 'where the memory of the USB controller is'],
    ['SIO', () => ({ address: 0xdfff_c000 }), RangeError, 'where SIO is'],
    ['the processor\'s own registers', () => ({ address: 0xe000_c000 }), RangeError, 'where the processor itself is'],
    ['neither bank nor region', () => good, TypeError, 'neither bank nor region given; expected one of them'],
    ['both', (parts) => ({ ...good, bank: parts.bank, region: parts.bank.region }), TypeError, 'both bank and region given'],
    ['a map instead of a bank', () => ({ ...good, bank: map }), TypeError, 'expected what registerBank() answers'],
    ['null for a bank', () => ({ ...good, bank: null }), TypeError, 'bank is null; expected what registerBank() answers'],
    ['a text for a region', () => ({ ...good, region: 'BAR 0' }), TypeError, 'region is "BAR 0"; expected a region of an engine'],
    ['interrupts of a region', (parts) => ({ ...good, region: parts.bank.region, interrupts: {} }), TypeError, 'interrupts given for a region'],
    ['interrupts that are no object', (parts) => ({ ...good, bank: parts.bank, interrupts: 17 }), TypeError, 'interrupts is 17; expected an object'],
    ['a line that the map has not', (parts) => ({ ...good, bank: parts.bank, interrupts: { 4: 17 } }), RangeError, 'interrupts names line "4"; lamps has lines 0, 1, 2, 3'],
    ['a name for a line', (parts) => ({ ...good, bank: parts.bank, interrupts: { a: 17 } }), RangeError, 'interrupts names line "a"'],
    ['a level at a spare interrupt', (parts) => ({ ...good, bank: parts.bank, interrupts: { 0: 26 } }), RangeError, 'interrupts[0], for the level of a, is 26; expected an integer from 0 to 25'],
    ['edges at a wired one', (parts) => ({ ...good, bank: parts.bank, interrupts: { 2: 25 } }), RangeError, 'interrupts[2], for the edges of c, is 25; expected an integer from 26 to 31'],
    ['a line that is both', (parts) => ({ ...good, bank: parts.bank, interrupts: { 3: 26 } }), RangeError, 'interrupts[3], for the level of d, is 26'],
    ['an interrupt that is no number', (parts) => ({ ...good, bank: parts.bank, interrupts: { 0: 'RTC' } }), TypeError, 'is "RTC"; expected a number'],
    ['a position behind the end', (parts) => ({ ...good, bank: parts.bank, position: 0x10 }), RangeError, 'position is 0x10; lamps has 0x10 bytes'],
    ['a negative position', (parts) => ({ ...good, bank: parts.bank, position: -1 }), RangeError, 'position is -1'],
  ])('%s', (_what, make, kind, message) => {
    const before = new Map(Object.entries(mcu.peripherals));
    const live = engine.live();
    let thrown: unknown;
    try {
      attachRp2040(mcu, asOptions(make({ bank })));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(kind);
    expect((thrown as Error).message).toContain(message);
    expect((thrown as Error).message.startsWith('attachRp2040: ')).toBe(true);
    const after = Object.entries(mcu.peripherals);
    // By identity: what differs is named, and not compared to its depth, which is the whole chip.
    expect(after.filter(([slot, one]) => before.get(slot) !== one).map(([slot]) => slot)).toEqual([]);
    expect(after.length).toBe(before.size);
    expect(engine.live()).toEqual(live);
  });

  test('a region that is destroyed', () => {
    const region = engine.region({ kind: 'ram', size: 16 });
    region.destroy();
    const live = engine.live();
    expect(() => attachRp2040(mcu, { address: ADDRESS, region })).toThrow('EBADF');
    expect(engine.live()).toEqual(live);
    expect(SLOT in mcu.peripherals).toBe(false);
  });

  test('a second attachment at the same address, until the first has gone', () => {
    const first = attachRp2040(mcu, { address: ADDRESS, bank });
    expect(() => attachRp2040(mcu, { address: ADDRESS, region: bank.region })).toThrow(new RangeError('attachRp2040: address is 0x50400000, where something is attached; detach it first'));
    first.detach();
    attachRp2040(mcu, { address: ADDRESS, region: bank.region }).detach();
  });
});

describe('other versions are told what is missing', () => {
  test.each<[unknown, string]>([
    [undefined, 'attachRp2040: mcu is undefined; expected an RP2040 of rp2040js'],
    [2040, 'attachRp2040: mcu is 2040; expected an RP2040 of rp2040js'],
    [{}, 'attachRp2040: mcu has no peripherals, no setInterrupt(), no readUint32(), no writeUint32(), no writeUint8(); expected an RP2040 of rp2040js 1.4, which of a Simulator is its rp2040'],
  ])('%p', (value, message) => {
    expect(() => attachRp2040(value as Rp2040, { address: ADDRESS, bank })).toThrow(new TypeError(message));
  });

  test.each(['peripherals', 'setInterrupt', 'readUint32', 'writeUint32', 'writeUint8'])('without %s', (name) => {
    const old = Object.create(mcu, { [name]: { value: undefined } }) as Rp2040;
    expect(() => attachRp2040(old, { address: ADDRESS, bank })).toThrow(`attachRp2040: mcu has no ${name}`);
  });

  test.each<[string, PropertyDescriptorMap, string]>([
    ['that numbers peripherals otherwise', { findPeripheral: { value: () => undefined } }, 'heard "nothing"; expected "read 0x8"'],
    ['that knows no aliases', { writeUint32: { value: (address: number, value: number) => mcu.peripherals[SLOT]!.writeUint32(address & 0x3fff, value) } }, 'heard "plain write 0x4"; expected "write 0x4 = 0x80000001 type 0"'],
    ['that does not repeat bytes', { writeUint8: { value: (address: number, value: number) => mcu.peripherals[SLOT]!.writeUint32Atomic(address & 0xffc, value, 3) } }, 'heard "write 0x4 = 0xa5 type 3"; expected "write 0x4 = 0xa5a5a5a5 type 3"'],
  ])('%s', (_what, changes, message) => {
    const live = engine.live();
    expect(() => attachRp2040(Object.create(mcu, changes) as Rp2040, { address: ADDRESS, bank })).toThrow(`attachRp2040: peripherals[0x50400] of this mcu ${message}`);
    expect(SLOT in mcu.peripherals).toBe(false);
    expect(engine.live()).toEqual(live);
  });
});

describe('detach', () => {
  test('puts the chip\'s own peripheral back, and lets the bank be', () => {
    const uart = mcu.peripherals[0x40034];
    const attachment = attachRp2040(mcu, { address: UART0, bank });
    mcu.writeUint32(UART0, 5);
    expect(mcu.readUint32(UART0)).toBe(5);
    attachment.detach();
    attachment.detach();
    expect(mcu.peripherals[0x40034] === uart).toBe(true);
    expect(bank.region.read32(0)).toBe(5);
    expect(attachment.space.gone).toBe(true);
  });

  test('leaves no key where none was', () => {
    const before = Object.keys(mcu.peripherals);
    attachRp2040(mcu, { address: ADDRESS, bank }).detach();
    expect(Object.keys(mcu.peripherals)).toEqual(before);
  });

  test('leaves who took its place in the meantime, and answers whoever kept the old peripheral', () => {
    const { detach } = attachRp2040(mcu, { address: ADDRESS, bank });
    const ours = mcu.peripherals[SLOT]!;
    const theirs = { ...ours };
    mcu.peripherals[SLOT] = theirs;
    detach();
    expect(mcu.peripherals[SLOT] === theirs).toBe(true);
    expect(mcu.readUint32(ADDRESS)).toBe(0xffff_ffff);
    mcu.writeUint32(ADDRESS, 7);
    expect(bank.region.read32(0)).toBe(0);
  });

  test('from inside a hook: a write of an alias ends with its read', () => {
    const region = engine.region({ kind: 'hook', size: 4, read: () => (detach(), 1), write: () => writes++ });
    let writes = 0;
    const { detach } = attachRp2040(mcu, { address: ADDRESS, region });
    mcu.writeUint32(ADDRESS + 0x2000, 2);
    expect([writes, SLOT in mcu.peripherals]).toEqual([0, false]);
    region.destroy();
  });

  test('lets go of interrupts, also of a bank that is destroyed', () => {
    const { detach } = attachRp2040(mcu, { address: ADDRESS, bank, interrupts: { 0: 17, 1: 20 } });
    bank.region.write32(0, 3);
    expect(mcu.core.pendingInterrupts).toBe((1 << 17) | (1 << 20));
    bank.destroy();
    expect(mcu.readUint32(ADDRESS)).toBe(0xffff_ffff);
    detach();
    expect(mcu.core.pendingInterrupts).toBe(0);
  });
});

describe('interrupts', () => {
  test('a line that is high already is raised at once', () => {
    bank.region.write32(0, 1);
    const { detach } = attachRp2040(mcu, { address: ADDRESS, bank, interrupts: { 0: 17 } });
    expect(mcu.core.pendingInterrupts).toBe(1 << 17);
    detach();
    bank.region.write32(0, 0);
    bank.region.write32(0, 1);
    expect(mcu.core.pendingInterrupts).toBe(0);
  });

  test('lines that share an interrupt, of one bank and of two, are or\'ed', () => {
    const other = registerBank(engine, map);
    const one = attachRp2040(mcu, { address: ADDRESS, bank, interrupts: { 0: 17, 1: 17 } });
    const two = attachRp2040(mcu, { address: ADDRESS + 0x4000, bank: other, interrupts: { 0: 17 } });
    const pending = (first: number, second: number): number => {
      mcu.writeUint32(ADDRESS, first);
      mcu.writeUint32(ADDRESS + 0x4000, second);
      return mcu.core.pendingInterrupts >>> 17;
    };
    expect([pending(1, 0), pending(3, 0), pending(2, 0), pending(0, 1), pending(1, 1), pending(1, 0), pending(0, 0)]).toEqual([1, 1, 1, 1, 1, 1, 0]);
    pending(0, 1);
    one.detach();
    expect(mcu.core.pendingInterrupts).toBe(1 << 17);
    two.detach();
    expect(mcu.core.pendingInterrupts).toBe(0);
    other.destroy();
  });

  test('lines that are left out go nowhere', () => {
    const { detach } = attachRp2040(mcu, { address: ADDRESS, bank, interrupts: { 1: 17 } });
    mcu.writeUint32(ADDRESS, 0xd);
    expect(mcu.core.pendingInterrupts).toBe(0);
    detach();
  });

  test('who made the bank hears of them as well', () => {
    const heard: unknown[] = [];
    const own = registerBank(engine, map, { level: (line, high) => void heard.push([line, high]) });
    const { detach } = attachRp2040(mcu, { address: ADDRESS, bank: own, interrupts: { 0: 17 } });
    mcu.writeUint32(ADDRESS, 1);
    expect([heard, mcu.core.pendingInterrupts]).toEqual([[[0, true]], 1 << 17]);
    detach();
    own.destroy();
  });
});

describe('a region', () => {
  test('is seen from `position` on, for 4096 bytes, and its aliases change it', () => {
    const region = engine.region({ kind: 'ram', size: 0x3000 });
    region.write32(0x1ffc, 0xf0);
    region.write32(0x2ffc, 0x11);
    const { detach, space } = attachRp2040(mcu, { address: ADDRESS, region, position: 0x1000 });
    mcu.writeUint32(ADDRESS + 0x2ffc, 0x0f);
    expect([mcu.readUint32(ADDRESS + 0xffc), region.read32(0x1ffc), region.read32(0x2ffc)]).toEqual([0xff, 0xff, 0x11]);
    expect(space.windowAt(ADDRESS + 0x1000)).toBeUndefined();
    detach();
    region.destroy();
  });

  test('that ends inside a word reads ones behind its end', () => {
    const region = engine.region({ kind: 'ram', size: 6 });
    const { detach } = attachRp2040(mcu, { address: ADDRESS, region });
    mcu.writeUint32(ADDRESS + 4, 0);
    expect(mcu.readUint32(ADDRESS + 4)).toBe(0xffff_0000);
    detach();
    region.destroy();
  });

  test('is traced at the program\'s addresses, an alias as a read and a write', () => {
    const { detach } = attachRp2040(mcu, { address: ADDRESS, bank });
    const trace = engine.startTrace(8);
    mcu.writeUint32(ADDRESS + 0x2004, 1);
    expect(trace.take().map(({ operation, address, width }) => [operation, address, width])).toEqual([['read', BigInt(ADDRESS + 4), 4], ['write', BigInt(ADDRESS + 4), 4]]);
    trace.stop();
    detach();
  });
});
