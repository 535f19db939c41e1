// What devices and callbacks throw: never into v86's processor, its timers or its reset, and never so that something stays behind.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { pciDevice } from '../../../src/pci/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { IDENTITY, lineCard, memoryCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

const CARD = 0x18;
const BAR = 0x9000_0000;
const fail = (what: string) => (): never => {
  throw new Error(what);
};

function place(fake: FakeEmulator, devfn = CARD, address = BAR): void {
  fake.configWrite(devfn, 0x10, 32, address);
  fake.configWrite(devfn, 4, 16, 6);
}

describe('a callback that throws is a mistake of the card', () => {
  test('onMistake itself', () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: { size: 0x1000, read: fail('model') } } }, host), { onMistake: fail('page') });
    place(fake);
    expect(fake.load(BAR, 32)).toBe(-1);
    expect(card.mistakes).toEqual({ count: 2, last: new Error('page') });
  });

  test('onStorm, from a timer', () => {
    const fake = new FakeEmulator();
    const clock = new ManualClock();
    const told: unknown[] = [];
    const card = attachV86(fake, lineCard, { clock, storm: { held: 1000 }, onStorm: fail('storm'), onMistake: (error) => void told.push(error) });
    place(fake);
    fake.store(BAR, 32, 1);
    clock.advance(2000);
    expect([fake.pci.lines, told, card.mistakes.count]).toEqual([['raise 18', 'lower 18'], [new Error('storm')], 1]);
  });

  test('onDmaFault: the device is told its EFAULT', async () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, memoryCard(16), { onDmaFault: fail('fault') });
    place(fake);
    await expect(card.device.dma.read(0x8000_0000, 4)).rejects.toThrow(expect.objectContaining({ code: 'EFAULT' }));
    expect(card.mistakes.last).toEqual(new Error('fault'));
  });

  test('onGuestError: the device goes on', () => {
    const fake = new FakeEmulator();
    let host: DeviceHost | undefined;
    const card = attachV86(fake, (engine, given) => memoryCard(16)(engine, (host = given)), { onGuestError: fail('guest') });
    host!.guestError!('a mistake of the driver');
    expect(card.mistakes.last).toEqual(new Error('guest'));
  });
});

test('a device whose reset throws stops neither the reset of the machine nor that of the next card', () => {
  const fake = new FakeEmulator();
  const [first, second] = ['00:05.0', '00:06.0'].map((slot, i) => {
    const card = attachV86(fake, memoryCard(0x1000), { slot });
    if (i === 0) card.device.function.onReset(fail('reset'));
    place(fake, 0x28 + 8 * i, BAR + i * 0x1000);
    return card;
  });
  fake.cpu.reboot_internal();
  expect([fake.cpu.reboots, first!.mistakes, second!.mistakes.count]).toEqual([1, { count: 1, last: new Error('reset') }, 0]);
  expect(fake.configRead(0x30, 0x10)).toBe(0);
});

test.each(['detach', 'unplug'] as const)('a device whose destroy throws is told by %s, and all is given back', (call) => {
  const fake = new FakeEmulator();
  const engine = createEngine();
  const before = fake.parts();
  const card = attachV86(fake, (made: Engine, host: DeviceHost) => {
    const device = memoryCard(0x1000)(made, host);
    return {
      function: device.function,
      destroy(): void {
        device.destroy();
        fail('destroy')();
      },
    };
  }, { engine });
  place(fake);
  expect(() => card[call]()).toThrow('destroy');
  card.detach();
  expect(fake.changedSince(before)).toBe(0);
  expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

test('v86 that throws while a card is shown to it has nothing of the card', () => {
  const fake = new FakeEmulator();
  const engine = createEngine();
  const before = fake.parts();
  Object.defineProperty(fake.cpu, 'run_hardware_timers', { value: () => 0, writable: false, configurable: true });
  expect(() => attachV86(fake, memoryCard(0x1000), { engine })).toThrow(TypeError);
  Reflect.deleteProperty(fake.cpu, 'run_hardware_timers');
  expect(fake.changedSince(before)).toBe(0);
  expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});
