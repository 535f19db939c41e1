// Property: whatever guests do with BARs and COMMAND, every byte of a load or store is the one card's that came to its address last, or the platform's. The judge is an array.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import type { V86Card } from '../../../src/hosts/v86/index.ts';
import { pciDevice } from '../../../src/pci/index.ts';
import { IDENTITY } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

// Three blocks of 128 KiB around 2 GiB, where addresses turn negative.
const FIRST = 0x7ffe_0000;
const SPAN = 0x6_0000;
const SIZES = [0x1000, 0x10, 0x2_0000] as const;
const CARDS = 3;

interface ModelBar {
  readonly bytes: Uint8Array;
  address: number;
}

/** The judge: BARs that are decoded, the one that came last first. */
class Model {
  readonly cards: (ModelBar[] | null)[] = Array.from({ length: CARDS }, () => null);
  shown: ModelBar[] = [];

  show(bar: ModelBar, isShown: boolean): void {
    this.shown = this.shown.filter((one) => one !== bar);
    if (isShown) this.shown.unshift(bar);
  }

  at(address: number): ModelBar | undefined {
    return this.shown.find((bar) => address >= bar.address && address < bar.address + bar.bytes.length);
  }

  load(address: number, bytes: number): number {
    const owners = Array.from({ length: bytes }, (_, i) => this.at(address + i));
    const platform = owners.every((owner) => owner === undefined) ? 0x22 : 0x11;
    return owners.reduce((value, owner, i) => value + (owner === undefined ? (bytes === 1 ? 0x11 : platform) : owner.bytes[address + i - owner.address]!) * 2 ** (8 * i), 0);
  }

  store(address: number, bytes: readonly number[]): void {
    for (const [i, byte] of bytes.entries()) {
      const owner = this.at(address + i);
      if (owner !== undefined) owner.bytes[address + i - owner.address] = byte;
    }
  }
}

type Action =
  | { readonly kind: 'plug'; readonly card: number }
  | { readonly kind: 'pull'; readonly card: number }
  | { readonly kind: 'place'; readonly card: number; readonly bar: number; readonly address: number }
  | { readonly kind: 'command'; readonly card: number; readonly isOpen: boolean }
  | { readonly kind: 'load'; readonly address: number; readonly bits: 8 | 32 }
  | { readonly kind: 'store'; readonly address: number; readonly bits: 8 | 16 | 32 | 64; readonly seed: number };

const card = fc.nat(CARDS - 1);
const address = fc.oneof(fc.integer({ min: 0, max: SPAN - 8 }), fc.constantFrom(0xffc, 0xffe, 0x1000, 0x1ffff, 0x2_0000, 0x2_0ffd).map((at) => at)).map((at) => FIRST + at);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('plug' as const), card }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pull' as const), card }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('place' as const), card, bar: fc.nat(2), address }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('command' as const), card, isOpen: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('load' as const), address, bits: fc.constantFrom(8 as const, 32 as const) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('store' as const), address, bits: fc.constantFrom(8 as const, 16 as const, 32 as const, 64 as const), seed: fc.nat(0xff) }) },
);

test('relocation and demultiplexing are those of a flat model', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const fake = new FakeEmulator();
      const before = [...fake.cpu.memory_map_read8];
      const model = new Model();
      const cards: (V86Card | null)[] = Array.from({ length: CARDS }, () => null);
      const open = [false, false, false];
      for (const one of actions) {
        if (one.kind === 'load') {
          // A processor's load within a page; v86 takes others apart itself.
          const at = one.bits === 32 && (one.address & 0xfff) > 0xffc ? (one.address & ~3) >>> 0 : one.address;
          expect(fake.load(at, one.bits) >>> 0).toBe(model.load(at, one.bits / 8));
        } else if (one.kind === 'store') {
          const bytes = Array.from({ length: one.bits / 8 }, (_, i) => (one.seed + 37 * i) & 0xff);
          const at = (one.address & 0xfff) + bytes.length > 0x1000 ? (one.address & ~7) >>> 0 : one.address;
          const words = Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) => bytes.slice(4 * i, 4 * i + 4).reduce((sum, byte, n) => sum + byte * 2 ** (8 * n), 0));
          fake.store(at, one.bits, ...words);
          model.store(at, bytes);
        } else if (one.kind === 'plug') {
          if (cards[one.card] !== null) continue;
          const [size0, size1, size2] = SIZES;
          cards[one.card] = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: { memory: size0 }, 1: { memory: size1 }, 2: { memory: size2 } } }, host), { slot: `00:0${4 + one.card}.0` });
          model.cards[one.card] = SIZES.map((size) => ({ bytes: new Uint8Array(size), address: 0 }));
          open[one.card] = false;
        } else if (cards[one.card] === null) {
          continue;
        } else if (one.kind === 'pull') {
          cards[one.card]!.unplug();
          cards[one.card] = null;
          for (const bar of model.cards[one.card]!) model.show(bar, false);
        } else if (one.kind === 'command') {
          fake.configWrite((4 + one.card) << 3, 4, 16, one.isOpen ? 2 : 0);
          if (open[one.card] !== one.isOpen) for (const bar of model.cards[one.card]!) model.show(bar, one.isOpen);
          open[one.card] = one.isOpen;
        } else if (one.kind === 'place') {
          const bar = model.cards[one.card]![one.bar]!;
          const to = one.address - (one.address % bar.bytes.length);
          fake.configWrite((4 + one.card) << 3, 0x10 + 4 * one.bar, 32, one.address);
          if (to !== bar.address && open[one.card]) model.show(bar, true);
          bar.address = to;
        }
      }
      for (const one of cards) one?.detach();
      expect(before.every((handler, block) => handler === fake.cpu.memory_map_read8[block])).toBe(true);
    }),
    { numRuns: 300 },
  );
});
