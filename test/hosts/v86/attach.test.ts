// Attaching and detaching: what is refused, that nothing of it stays, and that v86 is as it was after the last card.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { edu } from '../../../src/devices/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { pciDevice } from '../../../src/pci/index.ts';
import { memoryCard, notingCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };

describe('what is used of v86 and not there is named, and v86 is untouched', () => {
  const removals: [string, (fake: FakeEmulator) => object][] = [
    ['v86', (fake) => fake],
    ['v86.cpu.mmap_write16', (fake) => fake.cpu],
    ['v86.cpu.memory_map_read32', (fake) => fake.cpu],
    ['v86.cpu.flags', (fake) => fake.cpu],
    ['v86.cpu.reboot_internal', (fake) => fake.cpu],
    ['v86.cpu.get_apic_addr', (fake) => fake.cpu],
    ['v86.cpu.io.ports', (fake) => fake.cpu.io],
    ['v86.cpu.devices.pci.pci_query', (fake) => fake.pci],
    ['v86.cpu.devices.pci.raise_irq', (fake) => fake.pci],
    ['v86.cpu.devices.pci.device_spaces', (fake) => fake.pci],
  ];
  test.each(removals)('%s', (path, holder) => {
    const fake = new FakeEmulator();
    Object.defineProperty(holder(fake), path.split('.').at(-1)!, { value: undefined, configurable: true });
    let made = 0;
    expect(() => attachV86(fake, (engine, host) => { made++; return edu(engine, host); })).toThrow(`attachV86: emulator.${path} is undefined; expected`);
    expect(made).toBe(0);
  });

  test.each([[undefined], [null], [1]])('an emulator that is %s', (emulator) => {
    expect(() => attachV86(emulator as never, edu)).toThrow('attachV86: the emulator is');
  });
});

describe('is refused, and leaves nothing', () => {
  const cases: [string, Parameters<typeof attachV86>[1] | undefined, object, string][] = [
    ['what is no maker', undefined, {}, 'undefined given; expected what makes a device'],
    ['what makes no device', (() => ({ destroy: () => undefined })) as never, {}, 'what was made is no device'],
    ['a slot that is none', edu, { slot: '5' }, 'slot "5" is no address on bus 0'],
    ['a slot on another bus', edu, { slot: '01:05.0' }, 'is no address on bus 0'],
    ['a slot that is taken', edu, { slot: '00:01.0' }, 'slot 00:01.0 is taken by "bridge"'],
    ['a trace that is none', edu, { trace: 1 }, 'trace is a number; expected a function'],
    ['a cap that is none', edu, { storm: { limit: 0 } }, 'storm.limit'],
    ['a direct BAR of registers', edu, { direct: { 0: 0x10_0000 } }, 'BAR 0 is a bank region; only plain memory can lie in RAM'],
    ['a direct BAR that is not there', edu, { direct: { 3: 0x10_0000 } }, 'there is no BAR 3'],
    ['a direct BAR outside RAM', memoryCard(0x1000), { direct: { 0: 0x8000_0000 } }, 'are not all RAM'],
    ['a direct BAR in VGA memory', memoryCard(0x1000), { direct: { 0: 0xa_0000 } }, 'are not all RAM'],
    ['a direct BAR that is not aligned', memoryCard(0x2000), { direct: { 0: 0x10_1000 } }, 'is no multiple'],
  ];
  test.each(cases)('%s', (_what, make, options, message) => {
    const fake = new FakeEmulator();
    const engine = createEngine();
    const before = fake.parts();
    expect(() => attachV86(fake, make as typeof edu, { engine, ...options })).toThrow(message);
    expect(fake.changedSince(before)).toBe(0);
    expect(engine.live()).toEqual(NOTHING);
  });

  test('a card of another engine than the first', () => {
    const fake = new FakeEmulator();
    attachV86(fake, edu, { engine: createEngine() });
    expect(() => attachV86(fake, edu, { engine: createEngine() })).toThrow('cards of one emulator share one');
  });

  test('a maker that throws', () => {
    const fake = new FakeEmulator();
    const before = fake.parts();
    expect(() => attachV86(fake, () => { throw new Error('no parts'); })).toThrow('no parts');
    expect(fake.changedSince(before)).toBe(0);
  });

  test('a 30th card: all slots are taken', () => {
    const fake = new FakeEmulator();
    for (let i = 3; i < 32; i++) attachV86(fake, memoryCard(16));
    expect(() => attachV86(fake, memoryCard(16))).toThrow('all of slots 00:03.0 to 00:1f.0 are taken');
  });
});

describe('detach', () => {
  test('gives everything back with the last card, and the core has nothing left', () => {
    const fake = new FakeEmulator({ acpi: true });
    const engine = createEngine();
    const before = fake.parts();
    const first = attachV86(fake, notingCard([]), { engine });
    const second = attachV86(fake, edu);
    for (const devfn of [0x18, 0x20]) {
      fake.configWrite(devfn, 0x10, 32, 0x9000_0000 + devfn * 0x1_0000);
      fake.configWrite(devfn, 0x18, 32, 0xc000);
      fake.configWrite(devfn, 4, 16, 7);
    }
    expect(fake.changedSince(before)).toBeGreaterThan(0);
    first.detach();
    expect(fake.configRead(0x18, 0)).toBe(0xffff_ffff);
    expect(fake.configRead(0x20, 0)).toBe(0x11e8_1234);
    second.detach();
    second.detach();
    expect([first.isGone, second.isGone]).toEqual([true, true]);
    expect(fake.changedSince(before)).toBe(0);
    expect(engine.live()).toEqual(NOTHING);
  });

  test('after unplug, v86 stays as cards need it, until one is detached', () => {
    const fake = new FakeEmulator();
    const engine = createEngine();
    const before = fake.parts();
    const card = attachV86(fake, memoryCard(16), { engine });
    card.unplug();
    expect(card.isGone).toBe(true);
    fake.configWrite(0x18, 4, 16, 2);
    expect(fake.configRead(0x18, 0)).toBe(0xffff_ffff);
    expect(() => attachV86(fake, () => { throw new Error('no parts'); })).toThrow('no parts');
    fake.configWrite(0x18, 4, 8, 2);
    attachV86(fake, memoryCard(16)).unplug();
    card.detach();
    expect(fake.changedSince(before)).toBe(0);
    expect(engine.live()).toEqual(NOTHING);
    attachV86(fake, memoryCard(16), { engine: createEngine() }).detach();
    card.detach();
    expect(fake.changedSince(before)).toBe(0);
  });

  test('a slot is free again, and a card plugged anew is found without a place', () => {
    const fake = new FakeEmulator();
    for (let i = 0; i < 3; i++) {
      const card = attachV86(fake, memoryCard(0x1000), { slot: '00:05.0' });
      expect(fake.configRead(0x28, 0x10)).toBe(0);
      fake.configWrite(0x28, 0x10, 32, 0x9000_0000);
      fake.configWrite(0x28, 4, 16, 2);
      fake.store(0x9000_0000, 32, i);
      expect(card.regions()[0]!.address).toBe(0x9000_0000n);
      card.detach();
      expect(fake.load(0x9000_0000, 32)).toBe(0x2222_2222);
    }
  });

  test('whoever has overridden after us stays', () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, memoryCard(16));
    const ours = fake.cpu.mmap_write16;
    const theirs = (address: number, value: number): void => ours(address, value);
    fake.cpu.mmap_write16 = theirs;
    card.detach();
    expect(fake.cpu.mmap_write16).toBe(theirs);
    fake.store(0x9000_0000, 16, 0x1234);
    expect(fake.cpu.stray).toEqual([`w8 ${0x9000_0000 | 0} 52`, `w8 ${(0x9000_0001 | 0)} 18`]);
  });

  test('in the middle of an access to the card', () => {
    const fake = new FakeEmulator();
    const engine = createEngine();
    const card = attachV86(fake, (made, host) => pciDevice(made, { id: [1, 2], class: 0, bars: { 0: { size: 16, write: () => card.detach() } } }, host), { engine });
    fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
    fake.configWrite(0x18, 4, 16, 2);
    fake.store(0x9000_0000, 32, 1);
    expect(fake.load(0x9000_0000, 32)).toBe(0x2222_2222);
    expect(engine.live()).toEqual(NOTHING);
  });

  test('calls after it are EBADF', () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, memoryCard(16));
    const state = card.save();
    card.detach();
    for (const call of [() => card.save(), () => card.load(state), () => card.sync()]) expect(call).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });
});
