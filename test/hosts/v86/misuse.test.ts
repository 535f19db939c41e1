// What is asked for wrongly: options, places that overlap, states of other kinds, cards attached in the making of another.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { edu } from '../../../src/devices/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { crc32, pciDevice } from '../../../src/pci/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { IDENTITY, lineCard, memoryCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };
const twoBars = (engine: Engine, host: DeviceHost) => pciDevice(engine, { ...IDENTITY, bars: { 0: { memory: 0x1000 }, 1: { memory: 0x2000 } } }, host);

describe('an option that is none is refused before the device is made', () => {
  test.each([
    [{ slott: '00:05.0' }, 'there is no option "slott"'],
    [{ slot: 5 }, 'slot is a number'],
    [{ slot: null }, 'slot is null'],
    [{ engine: {} }, 'engine is no engine'],
    [{ engine: null }, 'engine is no engine'],
    [{ clock: 5 }, 'clock is no clock'],
    [{ clock: null }, 'clock is no clock'],
    [{ clock: { now: () => 0n } }, 'clock is no clock'],
    [{ direct: null }, 'direct is null'],
    [{ direct: 5 }, 'direct is a number'],
    [null, 'the options are null'],
  ])('%j', (options, message) => {
    const fake = new FakeEmulator();
    const before = fake.parts();
    let made = 0;
    const attach = (): unknown => attachV86(fake, (engine, host) => { made++; return edu(engine, host); }, options as never);
    expect(attach).toThrow(TypeError);
    expect(attach).toThrow(`attachV86: ${message}`);
    expect([made, fake.changedSince(before)]).toEqual([0, 0]);
  });
});

describe('direct BARs do not lie over each other', () => {
  test('of one card', () => {
    const fake = new FakeEmulator();
    const engine = createEngine();
    expect(() => attachV86(fake, twoBars, { engine, direct: { 0: 0x10_1000, 1: 0x10_0000 } })).toThrow('direct[1]: 0x2000 bytes at 0x100000 meet BAR 0 of 00:03.0 at 0x101000');
    expect(engine.live()).toEqual(NOTHING);
    attachV86(fake, twoBars, { engine, direct: { 0: 0x10_2000, 1: 0x10_0000 } });
  });

  test('of two; and the place of a card that is gone is free', () => {
    const fake = new FakeEmulator();
    const first = attachV86(fake, memoryCard(0x2000), { direct: { 0: 0x10_0000 } });
    const second = (): unknown => attachV86(fake, memoryCard(0x1000), { direct: { 0: 0x10_1000 } });
    expect(second).toThrow('meet BAR 0 of 00:03.0 at 0x100000');
    first.unplug();
    second();
  });
});

describe('a card attached while another is made', () => {
  test('gets a slot of its own, and no slot that was asked for', () => {
    const fake = new FakeEmulator();
    let inner: { readonly slot: string } | undefined;
    const outer = attachV86(fake, (engine, host) => {
      inner = attachV86(fake, memoryCard(16));
      expect(() => attachV86(fake, memoryCard(16), { slot: '00:03.0' })).toThrow('slot 00:03.0 is taken');
      return memoryCard(16)(engine, host);
    });
    expect([outer.slot, inner!.slot]).toEqual(['00:03.0', '00:04.0']);
    expect(attachV86(fake, memoryCard(16)).slot).toBe('00:05.0');
  });

  test('and not made does not end what the other is made for', () => {
    const fake = new FakeEmulator();
    const engine = createEngine();
    const before = fake.parts();
    const card = attachV86(fake, (made, host) => {
      expect(() => attachV86(fake, () => { throw new Error('no parts'); })).toThrow('no parts');
      return memoryCard(0x1000)(made, host);
    }, { engine });
    fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
    fake.configWrite(0x18, 4, 16, 2);
    fake.store(0x9000_0000, 32, 7);
    expect(fake.load(0x9000_0000, 32)).toBe(7);
    card.detach();
    expect(fake.changedSince(before)).toBe(0);
    expect(engine.live()).toEqual(NOTHING);
  });
});

describe('cards of another engine', () => {
  test('may come when all others are pulled, and whoever has a handle gives v86 back', () => {
    const fake = new FakeEmulator();
    const before = fake.parts();
    const [one, other] = [createEngine(), createEngine()];
    const first = attachV86(fake, memoryCard(16), { engine: one });
    expect(() => attachV86(fake, memoryCard(16), { engine: other })).toThrow('share one');
    first.unplug();
    const second = attachV86(fake, memoryCard(16), { engine: other });
    expect(one.live()).toEqual(NOTHING);
    first.detach();
    expect(fake.configRead(0x18, 0)).toBe(0x0001_1de5);
    second.unplug();
    first.detach();
    expect(fake.changedSince(before)).toBe(0);
    expect(other.live()).toEqual(NOTHING);
  });

  test('that cannot be made leave v86 safe from drivers of pulled ones', () => {
    const fake = new FakeEmulator();
    const before = fake.parts();
    const engine = createEngine();
    const first = attachV86(fake, memoryCard(16));
    first.unplug();
    expect(() => attachV86(fake, () => { throw new Error('no parts'); }, { engine })).toThrow('no parts');
    fake.configWrite(0x18, 4, 8, 2);
    first.detach();
    expect(fake.changedSince(before)).toBe(0);
    expect(engine.live()).toEqual(NOTHING);
  });
});

describe('a state', () => {
  test('is a Uint8Array and no other view', () => {
    const card = attachV86(new FakeEmulator(), memoryCard(0x1000));
    const state = card.save();
    const { buffer } = new Uint8Array([...state, 0].slice(0, state.length & ~1));
    for (const view of [new DataView(state.slice().buffer), new Uint16Array(buffer), state.slice().buffer, [...state]]) expect(() => card.load(view as never)).toThrow(TypeError);
    card.load(state);
  });

  test('that names a BAR twice is refused', () => {
    const card = attachV86(new FakeEmulator(), (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: { memory: 0x1000 }, 1: { memory: 0x1000 } } }, host));
    const state = card.save();
    // Of each BAR: index, size of 8 bytes, no pages; the checksum is behind the last.
    const view = new DataView(state.buffer);
    const second = state.findLastIndex((byte, at) => byte === 1 && view.getUint8(at + 1) === 0 && view.getUint8(at + 2) === 0x10);
    state[second] = 0;
    view.setUint32(state.length - 4, crc32(state.subarray(0, state.length - 4)), true);
    expect(() => card.load(state)).toThrow('has BAR 0 twice');
  });

  test('of a BAR that no guest has addresses for is ENOTSUP at once', () => {
    const card = attachV86(new FakeEmulator(), (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: { memory: 2 ** 36, kind: 'mem64' } } }, host));
    expect(() => card.save()).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
  });
});

test('resync tells v86 a pin that is up, after its own state was restored', () => {
  const fake = new FakeEmulator();
  const card = attachV86(fake, lineCard);
  const plain = attachV86(fake, memoryCard(16));
  fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
  fake.configWrite(0x18, 4, 16, 6);
  fake.store(0x9000_0000, 32, 1);
  const space = [...fake.pci.device_spaces[0x18]!];
  fake.pci.device_spaces[0x18]!.fill(0);
  card.resync();
  plain.resync();
  expect(fake.pci.lines).toEqual(['raise 18', 'raise 18']);
  // STATUS says by now that the interrupt is up.
  expect([...fake.pci.device_spaces[0x18]!].map((dword, i) => dword ^ space[i]!).filter((differs) => differs !== 0)).toEqual([1 << 19]);
  fake.store(0x9000_0000, 32, 0);
  card.resync();
  expect(fake.pci.lines.slice(2)).toEqual(['lower 18', 'lower 18']);
  card.detach();
  expect(() => card.resync()).toThrow(expect.objectContaining({ code: 'EBADF' }));
});
