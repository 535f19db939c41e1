// Configuration cycles, memory and ports as the processor makes them: widths, shared blocks, what falls through, and guests that write anything anywhere.

import { describe, expect, test } from '@jest/globals';
import { edu } from '../../../src/devices/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import type { V86Access } from '../../../src/hosts/v86/index.ts';
import { pciDevice } from '../../../src/pci/index.ts';
import { IDENTITY, lineCard, memoryCard, notingCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

const CARD = 0x18;

function placed(fake: FakeEmulator, address: number, devfn = CARD): void {
  fake.configWrite(devfn, 0x10, 32, address);
  fake.configWrite(devfn, 4, 16, 7);
}

describe('configuration space', () => {
  test('BARs are sized, 64-bit ones in both halves, and COMMAND opens and closes them', () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: { memory: 0x2000, kind: 'mem64', prefetchable: true }, 2: { size: 8, kind: 'io' } } }, host));
    for (const offset of [0x10, 0x14, 0x18]) fake.configWrite(CARD, offset, 32, 0xffff_ffff);
    expect([0x10, 0x14, 0x18].map((offset) => fake.configRead(CARD, offset).toString(16))).toEqual(['ffffe00c', 'ffffffff', 'fffffff9']);
    for (const [offset, value] of [[0x10, 0xa000_0000], [0x14, 0], [0x18, 0xc000]] as const) fake.configWrite(CARD, offset, 32, value);
    const addresses = (): (bigint | null)[] => card.regions().map(({ address }) => address);
    expect(addresses()).toEqual([null, null]);
    fake.configWrite(CARD, 4, 16, 2);
    expect(addresses()).toEqual([0xa000_0000n, null]);
    fake.configWrite(CARD, 4, 8, 1);
    expect(addresses()).toEqual([null, 0xc000n]);
  });

  test('a BAR above 4 GiB is decoded where no processor of v86 comes', () => {
    const fake = new FakeEmulator();
    const before = [...fake.cpu.memory_map_read8];
    attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: { memory: 0x2000, kind: 'mem64' } } }, host));
    fake.configWrite(CARD, 0x14, 32, 1);
    fake.configWrite(CARD, 4, 16, 2);
    expect(fake.cpu.memory_map_read8).toEqual(before);
  });

  test('a status bit that changes is seen by the next read, also without another address', () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, lineCard);
    expect((fake.configRead(CARD, 4) >>> 16) & 8).toBe(0);
    card.device.interrupts.set(0, true);
    expect((fake.cpu.io.port_read32(0xcfc) >>> 16) & 8).toBe(8);
    expect(fake.cpu.io.port_read8(0xcfe) & 8).toBe(8);
    expect(fake.cpu.io.port_read16(0xcfe) & 8).toBe(8);
    // What was written is there to be read, too.
    fake.cpu.io.port_write16(0xcfc, 0x0407);
    expect(fake.cpu.io.port_read32(0xcfc) & 0xffff).toBe(0x0407);
  });

  test('writes to a function that is not there, or no more, are dropped', () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, memoryCard(16), { slot: '00:06.0' });
    attachV86(fake, memoryCard(16));
    card.detach();
    for (const devfn of [0x30, 0x55, 0x1234]) for (const bits of [8, 16, 32] as const) fake.configWrite(devfn, 4, bits, 0);
    expect(fake.configRead(0x30, 0)).toBe(0xffff_ffff);
  });

  test('other functions are v86\'s as before', () => {
    const fake = new FakeEmulator();
    attachV86(fake, edu);
    fake.configWrite(8, 0x40, 8, 0x5a);
    fake.configWrite(8, 0x42, 16, 0x1234);
    fake.configWrite(8, 0x44, 32, 0x89ab_cdef);
    expect([0x40, 0x44].map((offset) => fake.configRead(8, offset).toString(16))).toEqual(['1234005a', '89abcdef']);
  });

  test('garbage in every register of every card does no harm', () => {
    const fake = new FakeEmulator();
    const cards = [edu, lineCard, memoryCard(0x10_0000), notingCard([])].map((make) => attachV86(fake, make as typeof edu));
    let seed = 1;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0);
    for (let i = 0; i < 4000; i++) {
      const bits = ([8, 16, 32] as const)[random() % 3]!;
      fake.configWrite(CARD + 8 * (random() % 4), (random() % 256) & -(bits / 8), bits, bits === 32 ? random() : random() % 2 ** bits);
    }
    for (const card of cards) card.detach();
    expect(fake.configRead(CARD, 0)).toBe(0xffff_ffff);
  });
});

describe('memory', () => {
  test('widths arrive whole, at signed addresses, with counts and a trace', () => {
    const fake = new FakeEmulator();
    const seen: string[] = [];
    const trace: V86Access[] = [];
    const card = attachV86(fake, notingCard(seen), { trace: (access) => void trace.push(access) });
    placed(fake, 0xfebf_0000);
    fake.store(0xfebf_0001, 8, 0xfe);
    fake.store(0xfebf_0002, 16, 0xfedc);
    fake.store(0xfebf_0004, 32, 0xfedc_ba98);
    fake.store(0xfebf_0008, 64, 0xfedc_ba98, 0x8000_0000);
    fake.store(0xfebf_0010, 128, 1, 2, 3, 4);
    expect([fake.load(0xfebf_0004, 8), fake.load(0xfebf_0010, 32)]).toEqual([4, 16]);
    expect(seen).toEqual(['bar0 w1 1 fe', 'bar0 w2 2 fedc', 'bar0 w4 4 fedcba98', 'bar0 w8 8 80000000fedcba98', 'bar0 w8 16 200000001', 'bar0 w8 24 400000003', 'bar0 r1 4', 'bar0 r4 16']);
    expect(card.regions()[0]).toMatchObject({ index: 0, counts: { reads: 2, writes: 6, bytes: 36 } });
    expect(trace[3]).toEqual({ slot: '00:03.0', bar: 0, operation: 'write', offset: 8, width: 8, value: 0xfedc_ba98, high: 0x8000_0000 });
    expect(trace).toHaveLength(8);
  });

  test('two cards and the platform share one block of 128 KiB', () => {
    const fake = new FakeEmulator();
    const seen: string[][] = [[], []];
    const cards = seen.map((one) => attachV86(fake, notingCard(one)));
    placed(fake, 0x9000_0000);
    placed(fake, 0x9000_1000, 0x20);
    fake.store(0x9000_0000, 32, 1);
    fake.store(0x9000_1000, 32, 2);
    fake.store(0x9000_2000, 32, 3);
    expect([seen, fake.cpu.stray]).toEqual([[['bar0 w4 0 1'], ['bar0 w4 0 2']], [`w32 ${0x9000_2000 | 0} 3`]]);
    expect([fake.load(0x9000_2000, 8), fake.load(0x9000_2000, 32)]).toEqual([0x11, 0x2222_2222]);
    cards[0]!.detach();
    expect(fake.load(0x9000_0000, 32)).toBe(0x2222_2222);
    expect(fake.load(0x9000_1004, 32)).toBe(4);
  });

  test('an access across the end of a BAR is each byte\'s own', () => {
    const fake = new FakeEmulator();
    attachV86(fake, memoryCard(0x1000));
    placed(fake, 0x9000_0000);
    fake.store(0x9000_0ffc, 32, 0x4433_2211);
    expect(fake.load(0x9000_0ffe, 32)).toBe(0x1111_4433);
    fake.store(0x9000_0fff, 16, 0xbbaa);
    fake.store(0x9000_0ffc, 64, 0x8877_6655, 0x12);
    expect(fake.load(0x9000_0ffc, 32) >>> 0).toBe(0x8877_6655);
    expect(fake.cpu.stray.filter((one) => one.startsWith('w'))).toEqual([`w8 ${0x9000_1000 | 0} 187`, `w32 ${0x9000_1000 | 0} 18`]);
  });

  test('RAM and VGA memory are never taken, whatever a BAR says', () => {
    const fake = new FakeEmulator();
    const before = [...fake.cpu.memory_map_read8];
    attachV86(fake, memoryCard(0x1000));
    for (const address of [0x1000, 0xa_0000, 0x1f_0000]) placed(fake, address);
    expect(fake.cpu.memory_map_read8).toEqual(before);
  });

  test('of two BARs at one address the newer answers, and uncovers the older', () => {
    const fake = new FakeEmulator();
    const cards = [1, 2].map((id) => attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: { size: 0x1000, read: () => id } } }, host)));
    placed(fake, 0x9000_0000);
    expect(fake.load(0x9000_0000, 32)).toBe(1);
    placed(fake, 0x9000_0000, 0x20);
    expect(fake.load(0x9000_0000, 32)).toBe(2);
    expect(cards.map((card) => card.regions()[0]!.counts.reads)).toEqual([1, 1]);
    cards[1]!.detach();
    expect(fake.load(0x9000_0000, 32)).toBe(1);
  });

  test('whoever registers memory over a card later has it, until a card comes after it; each gives back what was there', () => {
    const fake = new FakeEmulator();
    const { cpu } = fake;
    const block = 0x9000_0000 >>> 17;
    const platform = cpu.memory_map_write32[block];
    const first = attachV86(fake, memoryCard(0x1000));
    placed(fake, 0x9000_0000);
    const theirs = (): number => 0x77;
    cpu.memory_map_read8[block] = theirs;
    expect(fake.load(0x9000_0000, 8)).toBe(0x77);
    const second = attachV86(fake, memoryCard(0x1000));
    placed(fake, 0x9000_1000, 0x20);
    expect([fake.load(0x9000_0000, 8), fake.load(0x9000_1000, 8), fake.load(0x9000_2000, 8)]).toEqual([0, 0, 0x77]);
    fake.store(0x9000_2000, 32, 5);
    expect(cpu.stray).toEqual([`w32 ${0x9000_2000 | 0} 5`]);
    first.detach();
    second.detach();
    expect([cpu.memory_map_read8[block], cpu.memory_map_write32[block]]).toEqual([theirs, platform]);
  });

  test('a hook that throws reads all ones, and the guest goes on', () => {
    const fake = new FakeEmulator();
    const told: unknown[] = [];
    const broken = (): never => { throw new Error('broken'); };
    const card = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: { size: 16, read: broken, write: broken } } }, host), {
      onMistake: (error) => void told.push((error as Error).message),
      trace: broken,
    });
    placed(fake, 0x9000_0000);
    expect([fake.load(0x9000_0000, 8), fake.load(0x9000_0000, 32)]).toEqual([0xff, -1]);
    fake.store(0x9000_0000, 16, 1);
    expect(card.mistakes.count).toBe(6);
    expect(told).toEqual(Array.from({ length: 6 }, () => 'broken'));
  });
});

describe('ports', () => {
  test('all widths, moved, closed, and given back', () => {
    const fake = new FakeEmulator();
    const seen: string[] = [];
    const card = attachV86(fake, notingCard(seen));
    const before = fake.cpu.io.ports[0xc004];
    fake.configWrite(CARD, 0x18, 32, 0xc000);
    fake.configWrite(CARD, 4, 16, 1);
    const { io } = fake.cpu;
    io.port_write8(0xc001, 0xab);
    io.port_write16(0xc002, 0xabcd);
    io.port_write32(0xc004, 0x89ab_cdef | 0);
    expect([io.port_read8(0xc003), io.port_read16(0xc004), io.port_read32(0xc004)]).toEqual([3, 4, 4]);
    expect(seen).toEqual(['bar2 w1 1 ab', 'bar2 w2 2 abcd', 'bar2 w4 4 89abcdef', 'bar2 r1 3', 'bar2 r2 4', 'bar2 r4 4']);
    expect(card.regions()[1]).toMatchObject({ index: 2, bus: 'ports', address: 0xc000n, counts: { reads: 3, writes: 3, bytes: 14 } });
    fake.configWrite(CARD, 0x18, 32, 0xd000);
    expect(fake.cpu.io.ports[0xc004]).toBe(before);
    expect(io.port_read8(0xd005)).toBe(5);
    fake.configWrite(CARD, 4, 16, 0);
    expect(io.port_read8(0xd005)).toBe(0xff);
  });

  test('an access across the end is each port\'s own', () => {
    const fake = new FakeEmulator();
    const seen: string[] = [];
    attachV86(fake, notingCard(seen));
    fake.configWrite(CARD, 0x18, 32, 0xfff8);
    fake.configWrite(CARD, 4, 16, 1);
    expect(fake.cpu.io.port_read32(0xfffe) >>> 0).toBe(0xffff_0706);
    fake.cpu.io.port_write16(0xffff, 0x1234);
    expect(seen).toEqual(['bar2 r1 6', 'bar2 r1 7', 'bar2 w1 7 34']);
  });

  test('the platform\'s ports stay the platform\'s', () => {
    const fake = new FakeEmulator();
    attachV86(fake, notingCard([]));
    const before = [...fake.cpu.io.ports];
    fake.configWrite(CARD, 0x18, 32, 0xcf8);
    fake.configWrite(CARD, 4, 16, 1);
    expect(fake.cpu.io.ports).toEqual(before);
  });

  test('with ACPI, the hot-plug controller that is not there reads 0', () => {
    const fake = new FakeEmulator({ acpi: true });
    const card = attachV86(fake, memoryCard(16));
    expect([fake.cpu.io.port_read32(0xae00), fake.cpu.io.port_read16(0xae04), fake.cpu.io.port_read8(0xae1f)]).toEqual([0, 0, 0]);
    card.detach();
    expect(fake.cpu.io.port_read32(0xae00)).toBe(-1);
  });
});

test('a reset of the machine resets cards, before v86 registers its BIOS anew', () => {
  const fake = new FakeEmulator();
  const resets: number[] = [];
  const card = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: { memory: 0x1000 } }, onReset: () => void resets.push(fake.cpu.reboots) }, host));
  placed(fake, 0x9000_0000);
  resets.length = 0;
  fake.cpu.reboot_internal();
  expect([resets, fake.cpu.reboots, card.regions()[0]!.address]).toEqual([[0], 1, null]);
  expect(fake.configRead(CARD, 0x10)).toBe(0);
  expect(fake.load(0x9000_0000, 32)).toBe(0x2222_2222);
});
