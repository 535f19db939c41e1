// Cards in v86 itself: its processor, its JIT, its interrupt controllers, with a guest of ours and no system.

import { afterEach, describe, expect, test } from '@jest/globals';
import { edu } from '../../../src/devices/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { capability, pciDevice } from '../../../src/pci/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { memoryCard, notingCard } from './cards.ts';
import { RealMachine } from './real-machine.ts';
import type { Step } from './real-machine.ts';

const { configRead, configWrite, place, controllers } = RealMachine;
const EDU = 0x28;
const BAR = 0xfe80_0000;
const VECTOR = 0x28 + 3; // line 11

/** A card whose line is up after a write to its first register, and down after one to the second. */
const levelCard = (engine: Engine, host: DeviceHost) => {
  const device = pciDevice(engine, {
    id: [0x1de5, 1], class: 0xff0000, pin: 'A',
    bars: { 0: { size: 0x1000, read: () => 0, write: (at) => device.interrupts.set(0, Number(at) === 0) } },
  }, host);
  return device;
};

let machine: RealMachine;
afterEach(() => machine.destroy());

test('the guest sizes a BAR, places it, and reads its registers; moved, it is at the new address only', async () => {
  machine = await RealMachine.make();
  const card = attachV86(machine.emulator, edu, { slot: '00:05.0' });
  const answers = await machine.run(
    ...configRead(EDU, 0),
    ...configWrite(EDU, 0x10, 0xffff_ffff), ...configRead(EDU, 0x10),
    ...place(EDU, 0, BAR), ['read32', BAR], ['write32', BAR + 4, 0x1234_5678], ['read32', BAR + 4],
    ...configWrite(EDU, 0x10, 0x9000_0000), ['read32', BAR], ['read32', 0x9000_0000],
    ...configWrite(EDU, 4, 0, 16), ['read32', 0x9000_0000],
  );
  expect(answers.map((value) => value.toString(16))).toEqual(['11e81234', 'fff00000', '10000ed', 'edcba987', 'ffffffff', '10000ed', 'ffffffff']);
  expect(card.regions()).toEqual([{ index: 0, bus: 'memory', size: 0x10_0000n, address: null, manner: 'trapped', counts: { reads: 3, writes: 1, bytes: 16 } }]);
  card.detach();
});

test('every width arrives whole, but loads of 16 bits', async () => {
  machine = await RealMachine.make();
  const seen: string[] = [];
  attachV86(machine.emulator, (engine, host) => pciDevice(engine, {
    id: [0x1de5, 1], class: 0xff0000,
    bars: { 0: { size: 0x1000, read: (at, width) => { seen.push(`r${width} ${at}`); return 0; }, write: (at, width, value) => void seen.push(`w${width} ${at} ${value.toString(16)}`) } },
  }, host), { slot: '00:05.0' });
  await machine.run(
    ...place(EDU, 0, 0x8000_0000),
    ['read8', 0x8000_0001], ['read16', 0x8000_0002], ['read32', 0x8000_0004],
    ['write8', 0x8000_0003, 0xab], ['write16', 0x8000_0002, 0xabcd], ['write32', 0x8000_0008, 0x89ab_cdef],
    ['write64', 0x8000_0010, 0, [0x1111_1111, 0x8222_2222]], ['write128', 0x8000_0020, 0, [1, 2, 3, 4]],
  );
  expect(seen).toEqual(['r1 1', 'r1 2', 'r1 3', 'r4 4', 'w1 3 ab', 'w2 2 abcd', 'w4 8 89abcdef', 'w8 16 8222222211111111', 'w8 32 200000001', 'w8 40 400000003']);
});

describe('interrupts', () => {
  test('of 2000 raised by stores that were compiled, the guest takes 2000', async () => {
    machine = await RealMachine.make();
    const card = attachV86(machine.emulator, levelCard, { slot: '00:05.0' });
    machine.acknowledge(BAR + 4, 0);
    await machine.run(...controllers(), ...place(EDU, 0, BAR), ['sti']);
    for (let i = 0; i < 20; i++) {
      const steps = Array.from({ length: 100 }, (_, n): ['write32' | 'waitFor', number, number][] => [['write32', BAR, 1], ['waitFor', 0x3000 + 4 * VECTOR, 100 * i + n + 1]]).flat();
      await machine.run(...steps);
    }
    expect(machine.taken(VECTOR)).toBe(2000);
    expect(card.interrupts).toEqual({ raised: 2000, messages: 0, capped: 0, lost: 0 });
  });
});

test('a level that falls before the guest takes it leaves the other lines of its controller alive', async () => {
  machine = await RealMachine.make();
  attachV86(machine.emulator, levelCard, { slot: '00:05.0' });
  machine.acknowledge(BAR + 4, 0);
  // Up and down with interrupts off, then on: nothing is to be taken, and the next one is.
  await machine.run(...controllers(), ...place(EDU, 0, BAR), ['cli'], ['write32', BAR, 1], ['write32', BAR + 4, 0], ['sti'], ['read32', BAR]);
  expect(machine.taken(VECTOR)).toBe(0);
  await machine.run(['write32', BAR, 1], ['waitFor', 0x3000 + 4 * VECTOR, 1], ['write32', BAR, 1], ['waitFor', 0x3000 + 4 * VECTOR, 2]);
  expect(machine.taken(VECTOR)).toBe(2);
});

test('messages arrive at their vector', async () => {
  machine = await RealMachine.make({ acpi: true });
  const card = attachV86(machine.emulator, (engine, host) => {
    const device = pciDevice(engine, {
      id: [0x1de5, 1], class: 0xff0000, capabilities: [capability.msi({ vectors: 2 })],
      bars: { 0: { size: 0x1000, read: () => 0, write: (_, __, value) => device.interrupts.pulse(Number(value)) } },
    }, host);
    return device;
  }, { slot: '00:05.0' });
  const at = card.device.function.peek(0x34, 1);
  const is64 = (card.device.function.peek(at + 2, 2) & 0x80) !== 0;
  await machine.run(
    ...place(EDU, 0, BAR), ['write32', 0xfee0_00f0, 0x1ff],
    ...configWrite(EDU, at + 4, 0xfee0_0000), ...configWrite(EDU, at + (is64 ? 12 : 8), 0x50, 16), ...configWrite(EDU, at, 0x0011_0005, 16), ...configWrite(EDU, at + 2, 0x11, 16),
    ['sti'], ...Array.from({ length: 50 }, (_, i): Step[] => [['write32', BAR, i % 2], ['waitFor', 0x3000 + 4 * (0x50 + (i % 2)), Math.floor(i / 2) + 1]]).flat(),
  );
  // From outside, to a processor that sleeps.
  const asleep = machine.run(['halt'], ['halt']);
  const pulse = setInterval(() => card.device.interrupts.pulse(0), 5);
  await asleep;
  clearInterval(pulse);
  expect(machine.taken(0x51)).toBe(25);
  expect(machine.taken(0x50)).toBeGreaterThanOrEqual(26);
  expect(card.interrupts.lost).toBe(0);
});

test('compiled loops reach a card a hundred thousand times, with every access counted', async () => {
  machine = await RealMachine.make();
  const card = attachV86(machine.emulator, memoryCard(0x1000), { slot: '00:05.0' });
  await machine.run(...place(EDU, 0, BAR), ['storeMany', BAR + 8, 100_000]);
  expect(await machine.run(['loadMany', BAR + 8, 100_000])).toEqual([100_000]);
  expect(card.regions()[0]!.counts).toEqual({ reads: 100_000, writes: 100_000, bytes: 800_000 });
});

test('ports are placed and moved by the guest', async () => {
  machine = await RealMachine.make();
  const seen: string[] = [];
  attachV86(machine.emulator, notingCard(seen), { slot: '00:05.0' });
  const answers = await machine.run(
    ...configWrite(EDU, 0x18, 0xffff_ffff), ...configRead(EDU, 0x18), ...configWrite(EDU, 0x18, 0xc000), ...configWrite(EDU, 4, 1, 16),
    ['out8', 0xc001, 0xab], ['out16', 0xc002, 0xabcd], ['out32', 0xc004, 0x89ab_cdef], ['in8', 0xc007], ['in16', 0xc006], ['in32', 0xc004],
    ...configWrite(EDU, 0x18, 0xd000), ['in8', 0xc007], ['in8', 0xd007],
  );
  expect(answers).toEqual([0xffff_fff9, 7, 6, 4, 0xff, 7]);
  expect(seen.slice(0, 3)).toEqual(['bar2 w1 1 ab', 'bar2 w2 2 abcd', 'bar2 w4 4 89abcdef']);
});

test('a direct BAR is the guest\'s RAM, and costs no access', async () => {
  machine = await RealMachine.make();
  const card = attachV86(machine.emulator, memoryCard(0x1_0000), { slot: '00:05.0', direct: { 0: 0x20_0000 } });
  const [bar] = await machine.run(...configWrite(EDU, 4, 6, 16), ...configRead(EDU, 0x10));
  expect(bar).toBe(0x20_0000);
  expect(await machine.run(['write32', bar! + 0x1234, 0xcafe_f00d], ['read32', bar! + 0x1234])).toEqual([0xcafe_f00d]);
  card.sync();
  expect(card.device.function.bars[0]!.region.read32(0x1234)).toBe(0xcafe_f00d);
  expect(card.regions()[0]!.counts.bytes).toBe(0);
});

test('pulled and plugged again while the guest runs, reset, and back from a saved state', async () => {
  machine = await RealMachine.make();
  const before = [...machine.emulator.v86.cpu.memory_map_read8];
  const first = attachV86(machine.emulator, memoryCard(0x1000), { slot: '00:05.0' });
  await machine.run(...place(EDU, 0, BAR), ['write32', BAR, 1]);
  first.unplug();
  // The last of these stops v86 alone for good.
  expect(await machine.run(['read32', BAR], ...configRead(EDU, 0), ...configWrite(EDU, 4, 0, 16))).toEqual([0xffff_ffff, 0xffff_ffff]);
  expect(machine.emulator.v86.cpu.memory_map_read8).toEqual(before);

  const second = attachV86(machine.emulator, memoryCard(0x1000), { slot: '00:05.0' });
  await machine.run(...place(EDU, 0, 0x9000_0000), ['write32', 0x9000_0010, 0x42], ['write32', 0x5000, 0x43]);
  // As a BIOS does: v86 cannot restore its IDE controller with BARs that nobody has written to.
  await machine.run(...[0x10, 0x14, 0x18, 0x1c].flatMap((bar) => configWrite(0xf0, bar, 0)));
  const [state, card] = [await machine.emulator.save_state(), second.save()];
  await machine.run(...configWrite(EDU, 0x10, 0xa000_0000), ['write32', 0xa000_0010, 0], ['write32', 0x5000, 0]);
  await machine.emulator.restore_state(state);
  second.load(card);
  expect(await machine.run(['read32', 0x9000_0010], ['read32', 0x5000], ['read32', 0xa000_0010], ...configRead(EDU, 0x10))).toEqual([0x42, 0x43, 0xffff_ffff, 0x9000_0000]);

  machine.emulator.restart();
  expect(await machine.run(['read32', 0x9000_0010], ...configRead(EDU, 0x10), ...configRead(EDU, 4))).toEqual([0xffff_ffff, 0, 0]);
});

test('a card computes, interrupts, and copies memory', async () => {
  machine = await RealMachine.make();
  const clock = new ManualClock();
  const card = attachV86(machine.emulator, edu, { slot: '00:05.0', clock });
  machine.acknowledge(BAR + 0x64, 0xffff_ffff);
  machine.poke(0x10_0000, 0xcafe_f00d);
  await machine.run(
    ...controllers(), ...place(EDU, 0, BAR), ['sti'],
    ['write32', BAR + 0x20, 0x80], ['write32', BAR + 8, 10],
  );
  clock.advance(0);
  expect(await machine.run(['read32', BAR + 8])).toEqual([3_628_800]);
  expect(machine.taken(VECTOR)).toBe(1);
  await machine.run(['write32', BAR + 0x80, 0x10_0000], ['write32', BAR + 0x88, 0x4_0000], ['write32', BAR + 0x90, 4], ['write32', BAR + 0x98, 5]);
  clock.advance(100_000_000);
  await new Promise((resolve) => setTimeout(resolve, 0));
  await machine.run(['write32', BAR + 0x80, 0x4_0000], ['write32', BAR + 0x88, 0x10_0100], ['write32', BAR + 0x98, 7]);
  clock.advance(100_000_000);
  await new Promise((resolve) => setTimeout(resolve, 0));
  await machine.run();
  expect(machine.dword(0x10_0100)).toBe(0xcafe_f00d);
  expect(machine.taken(VECTOR)).toBe(3);
  expect(card.mistakes.count).toBe(0);
});
