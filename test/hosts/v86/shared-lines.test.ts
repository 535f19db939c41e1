// Cards on one interrupt line: it is up while one of them holds it, and nobody's request is forgotten.

import { expect, test } from '@jest/globals';
import type { Engine } from '../../../src/core/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { pciDevice } from '../../../src/pci/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { IDENTITY, lineCard, memoryCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

const BRIDGE = 8;

/** An emulator whose lines are known, with cards at slots; `routes` are the lines of the four PIRQs. */
function machine(slots: readonly string[], routes = [11, 11, 11, 11]) {
  const fake = new FakeEmulator();
  const up = new Set<number>();
  const lineOf = (devfn: number): number => {
    const pin = (fake.pci.device_spaces[devfn]![15]! >> 8) & 0xff;
    return new Uint8Array(fake.pci.device_spaces[BRIDGE]!.buffer)[0x60 + ((pin - 1 + ((devfn >> 3) - 1)) & 3)]!;
  };
  fake.pci.raise_irq = (devfn) => void up.add(lineOf(devfn));
  fake.pci.lower_irq = (devfn) => void up.delete(lineOf(devfn));
  const stock = fake.pci.lower_irq;
  routes.forEach((line, i) => fake.configWrite(BRIDGE, 0x60 + i, 8, line));
  const cards = slots.map((slot, i) => {
    const card = attachV86(fake, lineCard, { slot });
    const devfn = Number.parseInt(slot.slice(3, 5), 16) << 3;
    fake.configWrite(devfn, 0x10, 32, 0x9000_0000 + i * 0x10_0000);
    fake.configWrite(devfn, 4, 16, 6);
    return { card, set: (level: 0 | 1) => fake.store(0x9000_0000 + i * 0x10_0000, 32, level) };
  });
  return { fake, cards, stock, lines: () => [...up].sort((a, b) => a - b) };
}

test.each([[['00:05.0', '00:09.0']], [['00:05.0', '00:06.0']]])('a line stays up until the last of the cards %j lowers it', (slots) => {
  const { cards: [a, b], lines } = machine(slots);
  b!.set(1);
  a!.set(1);
  a!.set(0);
  expect(lines()).toEqual([11]);
  b!.set(0);
  expect(lines()).toEqual([]);
});

test('cards on different lines lower their own', () => {
  const { cards: [a, b], lines } = machine(['00:05.0', '00:06.0'], [10, 11, 12, 13]);
  a!.set(1);
  b!.set(1);
  const both = lines();
  a!.set(0);
  expect(lines()).toHaveLength(1);
  a!.set(1);
  b!.set(0);
  expect([both.length, lines().length]).toEqual([2, 1]);
});

test('a card that is pulled leaves the line to the other', () => {
  const { cards: [a, b], lines } = machine(['00:05.0', '00:09.0']);
  a!.set(1);
  b!.set(1);
  a!.card.detach();
  expect(lines()).toEqual([11]);
  b!.card.detach();
  expect(lines()).toEqual([]);
});

test('a function of v86\'s own that lowers its pin leaves the line to the card', () => {
  const { fake, cards: [a], lines, stock } = machine(['00:05.0']);
  a!.set(1);
  fake.pci.lower_irq(BRIDGE);
  expect(lines()).toEqual([11]);
  a!.set(0);
  expect(lines()).toEqual([]);
  a!.card.detach();
  expect(fake.pci.lower_irq).toBe(stock);
});

test('pins that are led elsewhere leave nothing behind', () => {
  const { fake, cards: [a, b], lines } = machine(['00:05.0', '00:09.0']);
  a!.set(1);
  b!.set(1);
  for (let pirq = 0; pirq < 4; pirq++) fake.configWrite(BRIDGE, 0x60 + pirq, 8, 5);
  expect(lines()).toEqual([5]);
  a!.set(0);
  expect(lines()).toEqual([5]);
  b!.set(0);
  expect(lines()).toEqual([]);
});

test('load lowers the line of nobody else: not of a card without a pin, not of a pin that was down', () => {
  const { fake, cards: [a], lines } = machine(['00:05.0']);
  const pinned = (engine: Engine, host: DeviceHost) => pciDevice(engine, { ...IDENTITY, pin: 'A', bars: { 0: { memory: 0x1000 } } }, host);
  for (const make of [memoryCard(0x1000), pinned]) {
    const card = attachV86(fake, make, { slot: '00:09.0' });
    const state = card.save();
    // First v86's own function holds the line, then a card.
    fake.pci.raise_irq(BRIDGE);
    card.load(state);
    expect(lines()).toEqual([11]);
    a!.set(1);
    card.load(state);
    expect(lines()).toEqual([11]);
    a!.set(0);
    card.unplug();
  }
});
