// Cards in v86 itself: its processor, its JIT, its interrupt controllers, with a guest of ours and no system.

import { afterEach, describe, expect, test } from '@jest/globals';
import { edu } from '../../../src/devices/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { pciDevice } from '../../../src/pci/index.ts';
import { RealMachine } from './real-machine.ts';

const { configRead, configWrite, place, controllers } = RealMachine;
const EDU = 0x28;
const BAR = 0xfe80_0000;
const VECTOR = 0x28 + 3; // line 11

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
    const card = attachV86(machine.emulator, (engine, host) => {
      const device = pciDevice(engine, {
        id: [0x1de5, 1], class: 0xff0000, pin: 'A',
        bars: { 0: { size: 0x1000, read: () => 0, write: (at) => device.interrupts.set(0, at === 0n || at === 0) } },
      }, host);
      return device;
    }, { slot: '00:05.0' });
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
