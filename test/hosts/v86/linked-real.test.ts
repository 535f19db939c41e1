// The linked path in v86 itself: its processor's imports are the link's functions.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { memoryCard, notingCard } from './cards.ts';
import { RealMachine } from './real-machine.ts';
import type { Step } from './real-machine.ts';

const BAR = 0xfe80_0000;
const DEVFN = 0x28;
const { place, configWrite, configRead } = RealMachine;

/** A program that is the same each time: accesses of all widths in and around a page of the card. */
function program(): Step[] {
  let state = 0x1234_5678;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const kinds = ['read8', 'read16', 'read32', 'write8', 'write16', 'write32', 'write64', 'write128'] as const;
  return Array.from({ length: 400 }, (): Step => {
    const kind = kinds[next() % kinds.length]!;
    const at = BAR - 32 + (next() % 96);
    const wide = kind === 'write64' ? [next(), next()] : kind === 'write128' ? [next(), next(), next(), next()] : [];
    return [kind, at, next(), wide];
  });
}

test('a program of all widths reads, and has devices see, what it does through JavaScript', async () => {
  const [through, linked] = await Promise.all([undefined, createEngine()].map(async (engine) => {
    const machine = await RealMachine.make(engine === undefined ? {} : { engine });
    const seen: string[] = [];
    const memory = attachV86(machine.emulator, memoryCard(0x1000), { slot: '00:05.0' });
    const before = await machine.run(...place(DEVFN, 0, BAR), ...program());
    const contents = Buffer.from(memory.device.function.bars[0]!.region.readBytes(0, new Uint8Array(0x1000))).toString('hex');
    memory.unplug();
    const noting = attachV86(machine.emulator, notingCard(seen), { slot: '00:05.0' });
    const after = await machine.run(...configRead(DEVFN, 0), ...place(DEVFN, 0, BAR), ...program(), ...configWrite(DEVFN, 4, 0, 16), ...program());
    const counts = noting.regions().map((region) => region.counts);
    noting.detach();
    const gone = await machine.run(['read32', BAR]);
    await machine.destroy();
    return { before, contents, after, counts, gone, seen };
  }));
  expect(linked).toEqual(through);
  expect(linked!.gone).toEqual([0xffff_ffff]);
  expect(linked!.seen.length).toBeGreaterThan(200);
});

test('compiled loops reach a card a hundred thousand times without its blocks being asked, with every access counted', async () => {
  const machine = await RealMachine.make({ engine: createEngine() });
  const card = attachV86(machine.emulator, memoryCard(0x1000), { slot: '00:05.0' });
  await machine.run(...place(DEVFN, 0, BAR));
  machine.emulator.v86.cpu.memory_map_read32[BAR >>> 17] = () => {
    throw new Error('JavaScript was asked');
  };
  await machine.run(['storeMany', BAR + 8, 100_000]);
  expect(await machine.run(['loadMany', BAR + 8, 100_000])).toEqual([100_000]);
  expect(card.regions()[0]!.counts).toEqual({ reads: 100_000, writes: 100_000, bytes: 800_000 });
  await machine.destroy();
});
