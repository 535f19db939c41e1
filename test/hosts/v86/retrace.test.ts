// Who hears of a card's accesses can change while the card is there: nothing else does, and a linked processor is linked while nobody hears.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import type { V86Access } from '../../../src/hosts/v86/index.ts';
import { memoryCard, notingCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';
import { LinkedEmulator } from './linked-emulator.ts';

const AT = 0x9000_0000;
const DEVFN = 0x18;

function place(fake: FakeEmulator): void {
  fake.configWrite(DEVFN, 0x10, 32, AT);
  fake.configWrite(DEVFN, 4, 16, 2);
}

test.each([['through JavaScript', () => Promise.resolve(new FakeEmulator())], ['linked', () => LinkedEmulator.make(createEngine())]])('a trace begins, ends and passes to another: %s', async (_, make) => {
  const fake = await make();
  const card = attachV86(fake, memoryCard(0x1000), { slot: '00:03.0' });
  place(fake);
  const heard: V86Access[] = [];
  const others: V86Access[] = [];
  fake.store(AT, 32, 1);
  card.trace((access) => heard.push(access));
  fake.store(AT + 4, 32, 2);
  expect(fake.load(AT + 4, 32)).toBe(2);
  card.trace((access) => others.push(access));
  fake.store(AT + 8, 8, 3);
  card.trace(undefined);
  fake.store(AT + 12, 32, 4);
  expect(heard.map(({ operation, offset, value }) => [operation, offset, value])).toEqual([['write', 4, 2], ['read', 4, 2]]);
  expect(others.map(({ operation, offset, value }) => [operation, offset, value])).toEqual([['write', 8, 3]]);
  expect(card.regions()[0]!.counts).toEqual({ reads: 1, writes: 4, bytes: 17 });
});

test('a region that is placed or moved later is told to whoever hears then', () => {
  const fake = new FakeEmulator();
  const heard: number[] = [];
  const card = attachV86(fake, memoryCard(0x1000), { slot: '00:03.0', trace: () => heard.push(0) });
  card.trace(({ offset }) => heard.push(offset));
  place(fake);
  fake.store(AT + 4, 32, 1);
  fake.configWrite(DEVFN, 0x10, 32, AT + 0x10_0000);
  fake.store(AT + 0x10_0008, 32, 1);
  expect(heard).toEqual([4, 8]);
});

test('while nobody hears, a linked processor asks no JavaScript: its handlers are not called', async () => {
  const fake = await LinkedEmulator.make(createEngine());
  const card = attachV86(fake, memoryCard(0x1000), { slot: '00:03.0', trace: () => undefined });
  place(fake);
  const asked: number[] = [];
  const { cpu } = fake;
  const ours = cpu.memory_map_write32[AT >>> 17]!;
  card.trace(undefined);
  fake.store(AT, 32, 1);
  cpu.mmap_write16 = ((original) => (address: number, value: number) => {
    asked.push(address >>> 0);
    original.call(cpu, address, value);
  })(cpu.mmap_write16);
  fake.store(AT, 16, 2);
  expect(asked).toEqual([]);
  card.trace(() => undefined);
  fake.store(AT, 16, 3);
  expect(asked).toEqual([AT]);
  expect(cpu.memory_map_write32[AT >>> 17]).toBe(ours);
});

test('a sink that throws is a mistake of the page, and the guest goes on', () => {
  const fake = new FakeEmulator();
  const mistakes: unknown[] = [];
  const card = attachV86(fake, notingCard([]), { slot: '00:03.0', onMistake: (error) => mistakes.push(error) });
  place(fake);
  const broken = new Error('the sink is broken');
  card.trace(() => {
    throw broken;
  });
  expect(fake.load(AT + 8, 8)).toBe(8);
  expect(mistakes).toEqual([broken]);
});

test('no function, and a card that is pulled, are refused', () => {
  const card = attachV86(new FakeEmulator(), memoryCard(0x1000), { slot: '00:03.0' });
  expect(() => card.trace(5 as never)).toThrow('00:03.0: trace: the sink is a number; expected a function, or undefined for none');
  expect(() => card.trace(null as never)).toThrow('00:03.0: trace: the sink is null');
  card.unplug();
  expect(() => card.trace(undefined)).toThrow('EBADF: 00:03.0: trace');
});
