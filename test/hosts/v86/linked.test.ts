// The linked path is the JavaScript path without JavaScript: what guests read, what devices see, counts, mistakes and what reaches the platform are the same.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { attachV86, wasmFn } from '../../../src/hosts/v86/index.ts';
import type { AttachOptions, AttachableDevice, V86Card } from '../../../src/hosts/v86/index.ts';
import { pciDevice, registerBar } from '../../../src/pci/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { irq, registerMap, ro, rw, w1c } from '../../../src/registers/index.ts';
import { IDENTITY, memoryCard, notingCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';
import { LinkedEmulator, processorModule } from './linked-emulator.ts';

// Blocks around 2 GiB, where addresses turn negative.
const FIRST = 0x7ffe_0000;
const SPAN = 0x6_0000;
const CARDS = 3;

const map = registerMap('mixed', { bytes: 64, access: [1, 2, 4] }, {
  A: { at: 0, fields: { value: rw(31, 0) } },
  B: { at: 4, fields: { low: rw(11, 4), high: ro(31, 16, { reset: 0xabc }) } },
  C: { at: 8, fields: { bits: w1c(7, 0, { reset: 0xff }) } },
  D: { at: 12, fields: { value: rw(31, 0) } },
}, {});

interface Reach {
  readonly command: (value: number) => void;
  readonly load: (address: number) => number;
}

/** Registers of all kinds, memory of two, and a function that throws, reaches itself and other cards, and has its card moved. */
const mixedCard = (seen: string[], { command, load }: Reach) => (engine: Engine, host: DeviceHost) => {
  const card: AttachableDevice = pciDevice(engine, { ...IDENTITY, bars: {
    0: { memory: 0x1000 },
    1: registerBar(map, { hooks: { D: { afterWrite: ({ value }) => {
      seen.push(`D ${value}`);
      if (value % 5 === 1) throw new Error(`D has ${value}`);
    } } } }),
    2: { size: 0x100, read: (at, width) => {
      seen.push(`r${width} ${at}`);
      if (Number(at) % 32 === 3) throw new Error(`no reading of ${at}`);
      if (Number(at) % 32 === 4) return card.function.bars[2]!.region.read8(0);
      if (Number(at) % 32 === 6) return load(FIRST + 8 * Number(at));
      return 3 * Number(at);
    }, write: (at, width, value) => {
      seen.push(`w${width} ${at} ${value}`);
      // In the middle of an access: everything of the card disappears when that has ended, or comes again.
      if (Number(at) === 16) command(Number(value) & 2);
      if (Number(at) % 32 === 5) throw new Error(`no writing of ${at}`);
    } },
  } }, host);
  return card;
};

type Action =
  | { readonly kind: 'plug' | 'pull'; readonly card: number }
  | { readonly kind: 'place'; readonly card: number; readonly bar: number; readonly address: number }
  | { readonly kind: 'command'; readonly card: number; readonly value: number }
  | { readonly kind: 'load'; readonly address: number; readonly bits: 8 | 32; readonly times: number }
  | { readonly kind: 'store'; readonly address: number; readonly bits: 8 | 16 | 32 | 64 | 128; readonly words: readonly number[]; readonly times: number };

const card = fc.nat(CARDS - 1);
// Few places, so that cards lie over one another and accesses find them.
const place = fc.constantFrom(0, 0x1000, 0x1_0000, 0x1_f000, 0x2_0000, 0x2_0100, 0x2_0140, 0x3_fff0, 0x4_0000).map((at) => FIRST + at);
const address = fc.oneof(fc.integer({ min: -16, max: SPAN }).map((at) => FIRST + at), fc.record({ from: place, at: fc.integer({ min: -4, max: 40 }) }).map(({ from, at }) => from + at));
const times = fc.constantFrom(1, 1, 2, 5);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('plug' as const), card }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pull' as const), card }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('place' as const), card, bar: fc.nat(2), address: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('command' as const), card, value: fc.constantFrom(0, 2, 2, 2) }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('load' as const), address, bits: fc.constantFrom(8 as const, 32 as const), times }) },
  { weight: 10, arbitrary: fc.record({
    kind: fc.constant('store' as const), address, bits: fc.constantFrom(8 as const, 16 as const, 32 as const, 64 as const, 128 as const),
    words: fc.array(fc.oneof(fc.nat(40), fc.integer()), { minLength: 4, maxLength: 4 }), times,
  }) },
);

/** One machine with its cards, and all that can be told of what happened in it. */
class Run {
  readonly seen: string[] = [];
  private readonly cards: (V86Card | null)[] = Array.from({ length: CARDS }, () => null);
  private readonly fake: FakeEmulator;
  private readonly options: AttachOptions;

  constructor(fake: FakeEmulator, options: AttachOptions = {}) {
    this.fake = fake;
    this.options = options;
  }

  private devfn(n: number): number {
    return (4 + n) << 3;
  }

  do(one: Action): void {
    const { fake, cards, seen } = this;
    if (one.kind === 'plug') {
      if (cards[one.card] !== null) return;
      const make = mixedCard(seen, { command: (value) => fake.configWrite(this.devfn(one.card), 4, 16, value), load: (at) => fake.load(at, 8) });
      cards[one.card] = attachV86(fake, make, {
        slot: `00:0${4 + one.card}.0`, onMistake: (error) => seen.push(`mistake ${String(error)}`), ...this.options,
      });
      fake.configWrite(this.devfn(one.card), 4, 16, 2);
    } else if (one.kind === 'pull') {
      cards[one.card]?.unplug();
      cards[one.card] = null;
    } else if (one.kind === 'command' || one.kind === 'place') {
      if (cards[one.card] === null) return;
      if (one.kind === 'command') fake.configWrite(this.devfn(one.card), 4, 16, one.value);
      else fake.configWrite(this.devfn(one.card), 0x10 + 4 * one.bar, 32, one.address);
    } else if (one.kind === 'load' || one.kind === 'store') {
      for (let i = 0; i < one.times; i++) this.access(one);
    }
    seen.push(...fake.cpu.stray.splice(0));
  }

  private access(one: Action): void {
    if (one.kind === 'load') {
      const at = one.bits === 32 && (one.address & 0xfff) > 0xffc ? one.address & ~3 : one.address;
      this.seen.push(`${this.fake.load(at, one.bits) >>> 0}`);
    } else if (one.kind === 'store') {
      // Those that v86 lets a page have.
      const at = (one.address & 0xfff) + one.bits / 8 > 0x1000 ? one.address & ~15 : one.address;
      const words = one.bits < 32 ? [one.words[0]! & (2 ** one.bits - 1)] : one.words.slice(0, one.bits / 32);
      this.fake.store(at, one.bits, ...words);
    }
  }

  /** Counts and contents, and then the end of all cards. */
  finish(): void {
    for (const one of this.cards) {
      if (one === null) continue;
      this.seen.push(JSON.stringify(one.regions(), (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)));
      this.seen.push(`${one.mistakes.count}`, Buffer.from(one.device.function.bars[0]!.region.readBytes(0, new Uint8Array(0x1000))).toString('base64'));
    }
    for (const one of this.cards) one?.detach();
  }
}

test('whatever guests do, linked is as through the tables, and as with a trace, which is JavaScript all the way', async () => {
  // One link for all programs: cards come and go, and leave nothing.
  const linked = await LinkedEmulator.make(createEngine());
  const engine = createEngine();
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const runs = [new Run(new FakeEmulator(), { engine }), new Run(linked), new Run(new FakeEmulator(), { engine, trace: () => undefined }), new Run(linked, { trace: () => undefined })];
      const [plain, ...others] = runs.map((run) => {
        try {
          for (const one of actions) run.do(one);
        } finally {
          run.finish();
        }
        return run.seen;
      });
      for (const other of others) expect(other).toEqual(plain);
    }),
    { numRuns: 150 },
  );
});

describe('a link', () => {
  test('lets everything through to the platform before the first card and after the last', async () => {
    const engine = createEngine();
    const fake = await LinkedEmulator.make(engine);
    expect([fake.load(0x8000_0000, 8), fake.load(-1, 32)]).toEqual([0x11, 0x2222_2222]);
    const live = engine.live();
    const one = attachV86(fake, memoryCard(0x1000));
    fake.configWrite(0x18, 0x10, 32, 0x8000_0000);
    fake.configWrite(0x18, 4, 16, 2);
    fake.store(0x8000_0004, 32, 0x1234_5678);
    expect(fake.load(0x8000_0004, 32)).toBe(0x1234_5678);
    one.detach();
    expect(fake.load(0x8000_0004, 32)).toBe(0x2222_2222);
    expect(engine.live()).toEqual(live);
    fake.store(0x8000_0000, 128, 1, 2, 3, 4);
    expect(fake.cpu.stray.slice(-4)).toEqual([1, 2, 3, 4].map((word, i) => `w32 ${(0x8000_0000 | 0) + 4 * i} ${word}`));
  });

  test('has its engine for all cards, and refuses another', async () => {
    const engine = createEngine();
    const fake = await LinkedEmulator.make(engine);
    expect(() => attachV86(fake, memoryCard(0x1000), { engine: createEngine() })).toThrow(TypeError);
    let used: Engine | undefined;
    attachV86(fake, (given, host) => {
      used = given;
      return memoryCard(0x1000)(given, host);
    }).detach();
    expect(used).toBe(engine);
  });

  test('serves two emulators from one engine', async () => {
    const engine = createEngine();
    const fakes = [await LinkedEmulator.make(engine), await LinkedEmulator.make(engine)];
    for (const [i, fake] of fakes.entries()) {
      attachV86(fake, memoryCard(0x1000));
      fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
      fake.configWrite(0x18, 4, 16, 2);
      fake.store(0x9000_0000, 32, i + 7);
    }
    expect(fakes.map((fake) => fake.load(0x9000_0000, 32))).toEqual([7, 8]);
  });

  test.each([['tables', async () => new FakeEmulator()], ['imports', () => LinkedEmulator.make(createEngine())]] as const)('in the %s bears accesses that a hook makes', async (_, make) => {
    const fake = await make();
    const memory = attachV86(fake, memoryCard(0x1000), { slot: '00:04.0' });
    const asking = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: {
      size: 0x1000,
      // Of a third card, which is not there: the platform's.
      read: (at) => (Number(at) < 8 ? fake.load(0x9000_0000 + Number(at), 8) + fake.load(0x9002_0000, 8) : fake.load(0x9001_0000, 8)),
    } } }, host), { slot: '00:05.0' });
    for (const [devfn, address] of [[0x20, 0x9000_0000], [0x28, 0x9001_0000]] as const) {
      fake.configWrite(devfn, 0x10, 32, address);
      fake.configWrite(devfn, 4, 16, 2);
    }
    fake.store(0x9000_0004, 8, 0x30);
    for (let i = 0; i < 3; i++) expect(fake.load(0x9001_0004, 8)).toBe(0x41);
    // A hook that reaches itself is told so, and the access around it ends.
    expect(fake.load(0x9001_0008, 8)).toBe(0xff);
    expect([memory.mistakes.count, asking.mistakes.count]).toEqual([0, 1]);
    expect([memory, asking].map((card) => card.regions()[0]!.counts)).toEqual([{ reads: 3, writes: 1, bytes: 4 }, { reads: 5, writes: 0, bytes: 5 }]);
  });

  test.each([['tables', async () => new FakeEmulator()], ['imports', () => LinkedEmulator.make(createEngine())]] as const)('in the %s serves plain bytes wherever they lie, and not one beyond', async (_, make) => {
    // Six plain bytes, and two that act.
    const edge = registerMap('edge', { bytes: 8, access: [1, 2, 4] }, {
      A: { at: 0, fields: { low: rw(15, 0), high: ro(31, 16, { reset: 0x5a5a }) } },
      B: { at: 4, bits: 16, fields: { value: rw(15, 0) } },
      C: { at: 6, bits: 16, fields: { bits: w1c(15, 0, { reset: 0xffff }) } },
    });
    const told: unknown[] = [];
    for (const trace of [undefined, () => undefined]) {
      const fake = await make();
      const one = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: registerBar(edge), 1: { memory: 0x1000 } } }, host), { slot: '00:03.0', ...(trace && { trace }) });
      for (const [bar, at] of [[0, 0x9000_0000], [1, 0x9001_0000]] as const) fake.configWrite(0x18, 0x10 + 4 * bar, 32, at);
      fake.configWrite(0x18, 4, 16, 2);
      const read: number[] = [];
      for (let round = 0; round < 3; round++) {
        for (const bits of [8, 16, 32, 64] as const) {
          for (let at = 0; at < 9; at++) {
            const value = 0x0102_0304 * (round + at + 1);
            for (const bar of [0x9000_0000, 0x9001_0000, 0x9001_0ff0]) {
              fake.store(bar + at, bits, bits === 8 ? value & 0xff : bits === 16 ? value & 0xffff : value, ~value);
              read.push(fake.load(bar + at, 8), fake.load(bar + at, 32) >>> 0, fake.load(bar + at + 4, 32) >>> 0);
            }
          }
        }
      }
      told.push([read, one.regions()[0]!.counts, one.regions()[1]!.counts, one.mistakes.count]);
      one.detach();
    }
    expect(told[0]).toEqual(told[1]);
  });

  test('leaves bits that are only read as they are, in stores of each width', async () => {
    const striped = registerMap('striped', { bytes: 16, access: [1, 2, 4, 8] }, {
      A: { at: 0, bits: 64, fields: { a: rw(2, 0), b: ro(9, 3, { reset: 0x55 }), c: rw(20, 10), d: ro(36, 21, { reset: 0xa5c3 }), e: rw(50, 37), f: ro(63, 51, { reset: 0x1a5a }) } },
      B: { at: 8, bits: 64, fields: { all: rw(63, 0) } },
    });
    const writable = 0x0007_ffe0_001f_fc07n;
    const fake = await LinkedEmulator.make(createEngine());
    const card = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: registerBar(striped) } }, host), { slot: '00:03.0' });
    fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
    fake.configWrite(0x18, 4, 16, 2);
    let held = (0x1a5an << 51n) | (0xa5c3n << 21n) | (0x55n << 3n);
    for (let round = 1; round < 12; round++) {
      for (const bits of [8, 16, 32, 64] as const) {
        for (let at = 0; at < 8; at += bits / 8) {
          const value = BigInt.asUintN(bits, 0xc396_5a0f_e1d2_b478n * BigInt(round * 17 + at));
          const mask = (writable >> BigInt(8 * at)) & ((1n << BigInt(bits)) - 1n);
          held = (held & ~(mask << BigInt(8 * at))) | ((value & mask) << BigInt(8 * at));
          fake.store(0x9000_0000 + at, bits, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
          expect([fake.load(0x9000_0000, 32), fake.load(0x9000_0004, 32)].map((word) => (word >>> 0).toString(16))).toEqual([held & 0xffff_ffffn, held >> 32n].map((word) => word.toString(16)));
        }
      }
    }
    expect(card.mistakes.count).toBe(0);
  });

  test('throws nothing into the processor that comes after an access: a line that fails is a mistake, and the guest reads ones', async () => {
    const levels = registerMap('levels', { bytes: 16, access: [4] }, { STATUS: { at: 0, fields: { up: w1c(0, 0) } }, MASK: { at: 4, fields: { up: rw(0, 0) } } }, {
      irq: [irq('up', { line: 0, status: 'STATUS', mask: 'MASK' })],
    });
    const mistakes: unknown[] = [];
    const fake = await LinkedEmulator.make(createEngine());
    const broken = new Error('the line is broken');
    const one = attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, pin: 'A', bars: { 0: registerBar(levels) } }, {
      ...host, interrupts: { setLevel: () => { throw broken; } },
    } as unknown as DeviceHost), { slot: '00:03.0', onMistake: (error) => mistakes.push(error) });
    fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
    fake.configWrite(0x18, 4, 16, 2);
    (one.device as unknown as { bar(index: 0): { regs: { STATUS: { poke(value: number): void } } } }).bar(0).regs.STATUS.poke(1);
    expect(() => fake.store(0x9000_0004, 32, 1)).not.toThrow();
    expect(mistakes).toEqual([broken]);
  });
});

describe('memory that somebody else registers', () => {
  test('over a card that is linked is theirs', async () => {
    const fake = await LinkedEmulator.make(createEngine());
    Object.assign(fake.cpu.io, { mmap_register: (at: number) => {
      fake.cpu.memory_map_read8[at >>> 17] = () => 0x77;
    } });
    attachV86(fake, notingCard([]), { slot: '00:03.0' });
    fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
    fake.configWrite(0x18, 4, 16, 2);
    expect(fake.load(0x9000_0001, 8)).toBe(1);
    (fake.cpu.io as unknown as { mmap_register(at: number): void }).mmap_register(0x9000_0000);
    expect(fake.load(0x9000_0001, 8)).toBe(0x77);
  });
});

describe('wasmFn refuses', () => {
  const none = Object.fromEntries(['read8', 'read32', 'write8', 'write16', 'write32', 'write64', 'write128'].map((name) => [`mmap_${name}`, () => 0]));

  test('what is no engine, no module, and imports that it does not know', async () => {
    expect(() => wasmFn({} as Engine, processorModule())).toThrow('wasmFn: object given; expected an engine');
    await expect(wasmFn(createEngine(), 5 as never)({ env: none })).rejects.toThrow('wasmFn: number given; expected a WebAssembly.Module, its bytes, or a Response');
    for (const imports of [undefined, null, {}, { env: null }]) await expect(wasmFn(createEngine(), processorModule())(imports as never)).rejects.toThrow(/^wasmFn: imports\.env is (undefined|null); expected an object, as v86 gives it$/);
    await expect(wasmFn(createEngine(), processorModule())({ env: { ...none, mmap_write64: undefined } })).rejects.toThrow('wasmFn: imports.env.mmap_write64 is undefined; expected a function');
    await expect(wasmFn(createEngine(), Uint8Array.of(1, 2, 3))({ env: none })).rejects.toThrow();
    await expect(wasmFn(createEngine(), Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))({ env: none })).rejects.toThrow('wasmFn: the module exports a memory that is undefined; expected v86.wasm');
  });

  test('not the ways in which a module comes', async () => {
    const bytes = processorModule();
    for (const source of [bytes, bytes.buffer as ArrayBuffer, { arrayBuffer: () => Promise.resolve(bytes.buffer as ArrayBuffer) }, Promise.resolve(bytes)]) {
      expect(Object.keys(await wasmFn(createEngine(), source)({ env: none }))).toContain('write128');
    }
  });
});
