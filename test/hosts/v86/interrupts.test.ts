// Interrupts of cards: when v86 may deliver, the cascade's repair, messages, caps, and pins that are led elsewhere.

import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import type { AttachOptions, InterruptStorm, StormCap } from '../../../src/hosts/v86/index.ts';
import { capability, pciDevice } from '../../../src/pci/index.ts';
import { IDENTITY, lineCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

const CARD = 0x18;
const IF = 0x200;

function lined(options: AttachOptions = {}, fake = new FakeEmulator()) {
  const card = attachV86(fake, lineCard, options);
  fake.configWrite(CARD, 0x10, 32, 0x9000_0000);
  fake.configWrite(CARD, 4, 16, 6);
  return { fake, card, set: (level: 0 | 1) => fake.store(0x9000_0000, 32, level) };
}

describe('the pin', () => {
  test('is raised and lowered once per change', () => {
    const { fake, card, set } = lined();
    for (const level of [1, 1, 0, 0, 1] as const) set(level);
    expect(fake.pci.lines).toEqual(['raise 18', 'lower 18', 'raise 18']);
    expect(card.interrupts).toEqual({ raised: 2, messages: 0, capped: 0, lost: 0 });
    card.detach();
    expect(fake.pci.lines.at(-1)).toBe('lower 18');
  });

  test('COMMAND keeps it in, and lets it out', () => {
    const { fake, set } = lined();
    fake.configWrite(CARD, 4, 16, 0x406);
    set(1);
    expect([fake.pci.lines, (fake.configRead(CARD, 4) >>> 19) & 1]).toEqual([[], 1]);
    fake.configWrite(CARD, 4, 16, 6);
    expect(fake.pci.lines).toEqual(['raise 18']);
  });

  test('is raised with interrupts off while the guest is inside an instruction, and as it is while the processor sleeps', () => {
    const { fake, set } = lined();
    const flags: number[] = [];
    const { raise_irq } = fake.pci;
    fake.pci.raise_irq = function (id) {
      flags.push(fake.cpu.flags[0]! & IF);
      raise_irq.call(this, id);
    };
    for (const [idle, enabled] of [[false, IF], [false, 0], [true, IF]] as const) {
      fake.v86.idle = idle;
      fake.cpu.flags[0] = 2 | enabled;
      set(1);
      expect(fake.cpu.flags[0]).toBe(2 | enabled);
      set(0);
    }
    expect(flags).toEqual([0, 0, IF]);
  });

  test('lowered, it takes the cascade\'s request back when nothing stands behind it', () => {
    const { fake, set } = lined();
    const [master, slave] = [fake.controller('master'), fake.controller('slave')];
    slave[0] = 0b0000_1000;
    for (const [requests, left] of [[0, 0b10], [0b0000_1000, 0b110], [0b0100_0000, 0b10]] as const) {
      set(1);
      [master[3], slave[3]] = [0b110, requests];
      set(0);
      expect(master[3]).toBe(left);
    }
  });

  test('follows when the guest leads pins elsewhere', () => {
    const { fake, set } = lined();
    fake.configWrite(8, 0x60, 8, 11);
    set(1);
    fake.configWrite(8, 0x60, 32, 0x0a0a_0a0a);
    fake.configWrite(8, 0x64, 8, 1);
    expect(fake.pci.lines).toEqual(['raise 18', 'lower 18', 'raise 18']);
  });
});

describe('messages', () => {
  const messaging = (address: number, acpi = true) => {
    const fake = new FakeEmulator({ acpi });
    const { card, set } = lined({}, fake);
    const at = fake.configRead(CARD, 0x34) & 0xff;
    fake.configWrite(CARD, at + 4, 32, address);
    fake.configWrite(CARD, at + 8, 32, 0);
    const is64 = (fake.configRead(CARD, at) >>> 23) & 1;
    fake.configWrite(CARD, at + (is64 === 1 ? 12 : 8), 16, 0x41);
    fake.configWrite(CARD, at + 2, 16, 1);
    return { fake, card, set };
  };

  test('are asked of the local APIC, which looks at once when the processor sleeps', () => {
    const { fake, card, set } = messaging(0xfee0_0000);
    set(1);
    expect([fake.requested(), fake.cpu.handled, fake.pci.lines]).toEqual([[0x41], 1, []]);
    set(0);
    fake.v86.idle = false;
    set(1);
    expect([fake.cpu.handled, card.interrupts.messages, card.interrupts.lost]).toEqual([1, 2, 0]);
  });

  test('are lost without ACPI, and counted', () => {
    const { fake, card, set } = messaging(0xfee0_0000, false);
    set(1);
    expect([fake.requested(), card.interrupts.lost]).toEqual([[], 1]);
  });

  test('to an address of memory are written there, if it is RAM', () => {
    const { fake, set } = messaging(0x10_0000);
    set(1);
    expect([...fake.read_memory(0x10_0000, 4)]).toEqual([0x41, 0, 0, 0]);
    const elsewhere = messaging(0x9000_0000);
    elsewhere.set(1);
    expect(elsewhere.fake.requested()).toEqual([]);
  });
});

describe('a storm', () => {
  const storming = (storm: StormCap) => {
    const clock = new ManualClock();
    const told: InterruptStorm[] = [];
    return { clock, told, ...lined({ clock, storm, onStorm: (one) => void told.push(one) }) };
  };
  const raises = (fake: FakeEmulator): number => fake.pci.lines.filter((line) => line.startsWith('raise')).length;

  test('of rises is a trickle, told once per window, and the level is right in the end', () => {
    const { fake, card, set, clock, told } = storming({ limit: 3, per: 1000 });
    for (let i = 0; i < 50; i++) {
      set(1);
      set(0);
    }
    set(1);
    expect([raises(fake), card.interrupts.raised, card.interrupts.capped, told]).toEqual([3, 51, 48, [{ slot: '00:03.0', kind: 'rate', total: 4 }]]);
    clock.advance(999);
    expect(raises(fake)).toBe(3);
    clock.advance(1);
    expect([raises(fake), fake.pci.lines.at(-1)]).toEqual([4, 'raise 18']);
    card.detach();
    expect(clock.waiting).toBe(0);
  });

  test('of messages lets each that waits go once', () => {
    const clock = new ManualClock();
    const fake = new FakeEmulator({ acpi: true });
    const card = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, capabilities: [capability.msi({ vectors: 4 })] }, host), { clock, storm: { limit: 2, per: 100 } });
    const at = fake.configRead(CARD, 0x34) & 0xff;
    fake.configWrite(CARD, at + 4, 32, 0xfee0_0000);
    fake.configWrite(CARD, at + 12, 16, 0x40);
    fake.configWrite(CARD, at + 2, 16, 0x21);
    fake.configWrite(CARD, 4, 16, 4);
    for (const line of [0, 0, 1, 1, 1, 2, 3]) card.device.interrupts.pulse(line);
    expect([fake.requested(), card.interrupts.capped]).toEqual([[0x40], 5]);
    clock.advance(100);
    expect(fake.requested()).toEqual([0x40, 0x41, 0x42]);
    clock.advance(100);
    expect(fake.requested()).toEqual([0x40, 0x41, 0x42, 0x43]);
  });

  test('of a level that nobody lowers is taken down until the card lowers it', () => {
    const { fake, card, set, clock, told } = storming({ held: 500 });
    set(1);
    clock.advance(499);
    expect(fake.pci.lines).toEqual(['raise 18']);
    clock.advance(1);
    expect([fake.pci.lines, told.map(({ kind }) => kind), card.interrupts.capped]).toEqual([['raise 18', 'lower 18'], ['held'], 1]);
    set(0);
    set(1);
    set(0);
    clock.advance(1000);
    expect(fake.pci.lines).toEqual(['raise 18', 'lower 18', 'raise 18', 'lower 18']);
  });
});
