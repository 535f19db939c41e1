// Random reads, writes and aliases of random register maps through the bus of an RP2040, beside the reference engine: values, stored bits, interrupts, what a hook threw.

import { deepStrictEqual } from 'node:assert/strict';
import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import { attachRp2040 } from '../../../src/hosts/rp2040js/index.ts';
import { flatHooks, registerBank, registerMap, rc, rw, w1c, wo } from '../../../src/registers/index.ts';
import type { RegisterBank, RegisterMap } from '../../../src/registers/index.ts';
import { ReferenceEngine, ReferenceRegisterBank, errnoOf, valueOf } from '../../reference/index.ts';
import type { Width } from '../../reference/index.ts';
import { randomMap } from '../../registers/world/random-map.ts';
import { quietChip } from './thumb.ts';

const ADDRESS = 0x5040_0000;
const HOOK_THREW = 'a hook of the test';

interface Step {
  readonly write: boolean;
  readonly width: 1 | 2 | 4;
  readonly alias: 0 | 1 | 2 | 3;
  readonly offset: number;
  readonly value: number;
}

/** The same bank twice: behind the chip, and in the reference engine, mapped at the same address. */
class Twins {
  readonly mcu = quietChip();
  readonly bank: RegisterBank;
  private readonly engine = createEngine();
  private readonly reference: ReferenceRegisterBank;
  private readonly referenceEngine = new ReferenceEngine();
  private readonly space = this.referenceEngine.createSpace();
  private readonly wires: ReadonlyMap<number, number>;
  private readonly attachment;
  private edges = 0;

  constructor(map: RegisterMap, hooks?: () => object) {
    const { access, interrupts } = map;
    this.bank = registerBank(this.engine, map, { hooks: (hooks?.() ?? {}) as never }) as unknown as RegisterBank;
    this.reference = new ReferenceRegisterBank(map, hooks === undefined ? undefined : flatHooks(map, hooks() as never));
    // What a bank refuses is a hook's to answer here: only what is cut before it is the engine's.
    const failing = (result: { readonly ok: boolean }): void => {
      if (!result.ok) throw new Error(HOOK_THREW);
    };
    const region = valueOf(
      this.referenceEngine.createRegion({
        kind: 'hook',
        size: BigInt(map.bytes),
        minWidth: access[0]!,
        maxWidth: access.at(-1)!,
        hooks: {
          read: (position: bigint, width: Width) => {
            const result = this.reference.read(Number(position), width);
            failing(result);
            return valueOf(result);
          },
          write: (position: bigint, width: Width, value: bigint) => failing(this.reference.write(Number(position), width, value)),
        },
      }),
    );
    valueOf(this.space.map(region, { start: BigInt(ADDRESS), position: 0n, size: BigInt(Math.min(map.bytes, 0x1000)) }));
    const kinds = new Map(interrupts.map(({ line }) => [line, new Set(interrupts.filter((one) => one.line === line).map(({ edge }) => edge))]));
    // Every second line shares its interrupt with another. A line that is both has no interrupt that could be both.
    this.wires = new Map([...kinds].filter(([, both]) => both.size === 1).map(([line, both]) => [line, both.has(true) ? 26 + (line >> 1) : 10 + (line >> 1)]));
    // Edges of the banks' first reset: nobody is there to hear them. Levels are asked for.
    this.engine.pump();
    this.attachment = attachRp2040(this.mcu, { address: ADDRESS, bank: this.bank, interrupts: Object.fromEntries(this.wires) });
    this.edges = this.reference.interrupts.events.length;
    this.compare();
  }

  private readWord(at: bigint): number | 'threw' {
    const result = this.space.read(at, 4);
    return errnoOf(result) === 0 ? Number(valueOf(result)) : 'threw';
  }

  private writeWord(at: bigint, value: number): 'threw' | undefined {
    return errnoOf(this.space.write(at, 4, BigInt(value >>> 0))) === 0 ? undefined : 'threw';
  }

  /** What the datasheet says: a read of the word, and lanes of it; a write of the word, bytes repeated, after a read if the alias is not the plain one. */
  private expected({ write, width, alias, offset, value }: Step): number | 'threw' | undefined {
    const at = BigInt(ADDRESS + Math.floor(offset / 4) * 4);
    if (!write) {
      const word = this.readWord(at);
      if (word === 'threw' || width === 4) return word;
      return Math.floor(word / 2 ** (8 * (offset % 4))) % 2 ** (8 * width);
    }
    const bits = width === 4 ? value >>> 0 : Number(BigInt(`0x${(value % 2 ** (8 * width)).toString(16).padStart(2 * width, '0').repeat(4 / width)}`));
    if (alias === 0) return this.writeWord(at, bits);
    const before = this.readWord(at);
    if (before === 'threw') return 'threw';
    return this.writeWord(at, alias === 1 ? before ^ bits : alias === 2 ? before | bits : before & ~bits);
  }

  private made({ write, width, alias, offset, value }: Step): number | 'threw' | undefined {
    const at = ADDRESS + 0x1000 * alias + offset;
    const { mcu } = this;
    try {
      if (!write) return width === 4 ? mcu.readUint32(at) : width === 2 ? mcu.readUint16(at) : mcu.readUint8(at);
      if (width === 4) mcu.writeUint32(at, value);
      else if (width === 2) mcu.writeUint16(at, value);
      else mcu.writeUint8(at, value);
      return undefined;
    } catch (error) {
      if ((error as Error).message !== HOOK_THREW) throw error;
      return 'threw';
    }
  }

  step(step: Step): void {
    deepStrictEqual([step, this.made(step)], [step, this.expected(step)]);
    this.compare();
  }

  private compare(): void {
    const { registers } = this.bank.map;
    deepStrictEqual(registers.map(({ path, number }) => [path, this.bank.peek(number)]), registers.map(({ path, number }) => [path, this.reference.peek(number)]));
    const { events, up } = this.reference.interrupts;
    let wanted = 0;
    for (const [line, irq] of this.wires) if (up.has(line)) wanted |= 1 << irq;
    for (const event of events.slice(this.edges)) if (event.kind === 'edge' && this.wires.has(event.line)) wanted |= 1 << this.wires.get(event.line)!;
    this.edges = events.length;
    deepStrictEqual(['pending', this.mcu.core.pendingInterrupts >>> 0], ['pending', wanted >>> 0]);
    // As if a handler had begun: edges are pending until then.
    this.mcu.core.pendingInterrupts &= 0x3ff_ffff;
  }

  close(): void {
    this.attachment.detach();
    deepStrictEqual(this.mcu.core.pendingInterrupts, 0);
    this.bank.destroy();
    deepStrictEqual(this.engine.live(), { nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  }
}

function steps(bytes: number): fc.Arbitrary<Step[]> {
  const value = fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff, 0x8000_0000), fc.integer({ min: 0, max: 0xffff_ffff }));
  const offset = fc.oneof({ weight: 6, arbitrary: fc.nat(bytes + 7) }, { weight: 1, arbitrary: fc.nat(0xfff) });
  // Words are not aligned either: the two low bits of an offset count for nothing. Halves and bytes lie where a processor can have them.
  return fc.array(
    fc.record({ write: fc.boolean(), width: fc.constantFrom(1, 2, 4), alias: fc.constantFrom(0, 1, 2, 3), offset, value }).map((step) => ({ ...step, offset: (step.width === 2 ? step.offset & ~1 : step.offset) & 0xfff })) as fc.Arbitrary<Step>,
    { minLength: 1, maxLength: 50 },
  );
}

describe('through the bus', () => {
  test('random maps do what the reference does', () => {
    const seeded = fc.integer({ min: 1, max: 0xffff_ffff }).chain((seed) => fc.tuple(fc.constant(seed), steps(randomMap(seed).bytes)));
    fc.assert(
      fc.property(seeded, ([seed, list]) => {
        const twins = new Twins(randomMap(seed));
        for (const step of list) twins.step(step);
        twins.close();
      }),
      { numRuns: 60, seed: 2040 },
    );
  });

  test('a hook that throws ends the access where it is, and the write of an alias with it', () => {
    const map = registerMap('thrower', { bytes: 0x10, access: [4] }, {
      READ: { at: 0, fields: { value: rc(31, 0, 0xff) } },
      WRITE: { at: 4, fields: { value: rw(31, 0) } },
      PLAIN: { at: 8, fields: { status: w1c(15, 0, 0xaaaa), secret: wo(31, 16) } },
    });
    const hooks = (): object => {
      let calls = 0;
      const sometimes = (): void => {
        if (calls++ % 3 === 0) throw new Error(HOOK_THREW);
      };
      return { READ: { beforeRead: sometimes }, WRITE: { beforeWrite: () => sometimes(), afterRead: sometimes } };
    };
    fc.assert(
      fc.property(steps(map.bytes), (list) => {
        const twins = new Twins(map as unknown as RegisterMap, hooks);
        for (const step of list) twins.step(step);
        twins.close();
      }),
      { numRuns: 40, seed: 2040 },
    );
  });
});
