// Somebody else who puts himself over a taken block and asks our handlers for what he does not know, as we ask those that we found.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { memoryCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

const BLOCK = 0x9000_0000 >>> 17;
const THEIRS = 0x9001_0000;

/** A card, a neighbour over its block, and a second card that takes the block once more. */
function neighbours() {
  const fake = new FakeEmulator();
  const before = fake.parts();
  const attach = (slot: string, devfn: number, address: number) => {
    const card = attachV86(fake, memoryCard(0x1000), { slot });
    fake.configWrite(devfn, 0x10, 32, address);
    fake.configWrite(devfn, 4, 16, 2);
    fake.store(address, 32, devfn);
    return card;
  };
  const { cpu } = fake;
  const platform = cpu.memory_map_read32[BLOCK];
  const first = attach('00:05.0', 0x28, 0x9000_0000);
  const ours = cpu.memory_map_read32[BLOCK]!;
  const theirs = (address: number): number => (address >>> 0 === THEIRS ? 7 : ours(address));
  cpu.memory_map_read32[BLOCK] = theirs;
  const loads = (): number[] => [0x9000_0000, 0x9000_2000, THEIRS, 0x9000_8000].map((address) => fake.load(address, 32));
  return { fake, before, first, theirs, platform, loads, attachSecond: () => attach('00:06.0', 0x30, 0x9000_2000) };
}
const STRAY = 0x2222_2222;

test('a block taken once more asks the neighbour, who asks us: the end is what was there before, and no circle', () => {
  const { fake, loads, attachSecond } = neighbours();
  attachSecond();
  expect(loads()).toEqual([0x28, 0x30, 7, STRAY]);
  fake.cpu.stray.length = 0;
  fake.load(0x9000_8000, 8);
  fake.store(0x9000_8000, 32, 1);
  expect(fake.cpu.stray).toEqual([`r8 ${0x9000_8000 | 0}`, `w32 ${0x9000_8000 | 0} 1`]);
});

test('the neighbour stays when the cards go, and what he asks us is answered as before them', () => {
  const { fake, before, first, theirs, platform, loads, attachSecond } = neighbours();
  const second = attachSecond();
  first.detach();
  expect(loads()).toEqual([STRAY, 0x30, 7, STRAY]);
  second.detach();
  expect(fake.cpu.memory_map_read32[BLOCK]).toBe(theirs);
  expect(loads()).toEqual([STRAY, STRAY, 7, STRAY]);
  fake.cpu.memory_map_read32[BLOCK] = platform!;
  expect(fake.changedSince(before)).toBe(0);
});

test('a block of which the neighbour has a part is given back in the others', () => {
  const { fake, before, first, theirs, platform, loads } = neighbours();
  first.detach();
  expect(fake.cpu.memory_map_read32[BLOCK]).toBe(theirs);
  expect(loads()).toEqual([STRAY, STRAY, 7, STRAY]);
  fake.cpu.memory_map_read32[BLOCK] = platform!;
  expect(fake.changedSince(before)).toBe(0);
});

test('handlers that were there are asked with the processor\'s signed addresses', () => {
  const fake = new FakeEmulator();
  attachV86(fake, memoryCard(0x1000));
  fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
  fake.configWrite(0x18, 4, 16, 2);
  fake.cpu.stray.length = 0;
  fake.load(0x9000_0ffe, 32);
  fake.store(0x9000_0ffe, 32, 0);
  const at = 0x9000_1000 | 0;
  expect(fake.cpu.stray).toEqual([`r8 ${at}`, `r8 ${at + 1}`, `w8 ${at} 0`, `w8 ${at + 1} 0`]);
});

test('what the last card of an emulator leaves to its neighbour touches nothing of an engine that goes on', () => {
  const engine = createEngine();
  const left = [0, 1, 2].map(() => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, memoryCard(0x1000), { engine });
    fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
    fake.configWrite(0x18, 4, 16, 2);
    fake.store(0x9000_0000, 32, 5);
    const { memory_map_read32: reads, memory_map_write32: writes } = fake.cpu;
    const [read, write] = [reads[BLOCK]!, writes[BLOCK]!];
    reads[BLOCK] = (address) => read(address);
    writes[BLOCK] = (address, value) => write(address, value);
    card.detach();
    return fake;
  });
  const bytes = engine.region({ kind: 'ram', size: 0x4_0000 });
  bytes.writeBytes(0, new Uint8Array(0x4_0000).fill(0xff));
  for (const fake of left) {
    for (let i = 0; i < 0x1000; i += 4) {
      expect(fake.load(0x9000_0000 + i, 32)).toBe(STRAY);
      fake.store(0x9000_0000 + i, 32, 0);
    }
  }
  expect(bytes.readBytes(0, new Uint8Array(0x4_0000)).every((byte) => byte === 0xff)).toBe(true);
});
