// Transactions of what a function decodes: against a slow model of the registers, with listeners that refuse, fail or interfere, inside accesses.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../src/core/index.ts';
import { type DecodeChange, type DecodeListener, type DecodeRange, PciFunction } from '../../src/pci/index.ts';
import { VfioError } from '../../src/uapi/index.ts';
import { Process } from '../../src/vfio/index.ts';
import { configBytes } from '../trace/recorded.ts';

const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };
// BAR 0: 4 KiB. BAR 1 and 2: 16 KiB, 64-bit. BAR 3: 32 ports. ROM: 64 KiB.
const description = {
  slot: '00:05.0',
  config: configBytes({ 0x04: 0, 0x14: 0x4, 0x1c: 0x1 }),
  sizes: { bars: [0x1000, 0x4000, 0, 0x20, 0, 0], rom: 0x1_0000 },
};

/** What the registers decode, from their definition and nothing else. */
function model(read: (at: number) => number, written: readonly number[]): (DecodeRange | null)[] {
  const command = read(4) & 3;
  const memory = (start: bigint, size: bigint, isOn: boolean, sized: boolean): DecodeRange | null =>
    isOn && !sized && start !== 0n && start + size !== 1n << 32n && start + size !== 1n << 64n ? { bus: 'memory', start, size } : null;
  const ones = (index: number, mask: number): boolean => ((written[index]! | ~mask) >>> 0) === 0xffff_ffff;
  const big = (value: number): bigint => BigInt(value >>> 0);
  const isOn = (command & 2) !== 0;
  const port = big(read(0x1c) & ~3);
  return [
    memory(big(read(0x10) & ~0xf), 0x1000n, isOn, ones(0, 0xffff_fff0)),
    memory((big(read(0x18)) << 32n) | big(read(0x14) & ~0xf), 0x4000n, isOn, ones(1, 0xffff_fff0) || ones(2, 0xffff_ffff)),
    null,
    (command & 1) !== 0 && port !== 0n && port + 0x20n !== 1n << 32n && !ones(3, 0xffff_fff0) ? { bus: 'ports', start: port, size: 0x20n } : null,
    null,
    null,
    memory(big(read(0x30) & ~0x7ff), 0x1_0000n, isOn && (read(0x30) & 1) === 1, ones(6, 0xffff_f800)),
  ];
}

const REGISTERS = [0x10, 0x14, 0x18, 0x1c, 0x30];
const index = (at: number): number => (at === 0x30 ? 6 : (at - 0x10) / 4);

describe('against a model', () => {
  const values = fc.oneof(
    fc.constantFrom(0, 0xffff_ffff, 0xffff_fff0, 0xffff_f800, 0xffff_fffe, 0xfe00_0000, 0xfe00_1000, 0xfe00_4000, 0xc001, 0xfffe_0001, 0xffff_f000, 0xffff_c000, 1),
    fc.integer({ min: 0, max: 0xffff_ffff }),
  );
  const step = fc.oneof(
    fc.record({ at: fc.constantFrom(...REGISTERS), lane: fc.nat(3), width: fc.constantFrom(1, 2, 4), value: values }),
    fc.record({ at: fc.constant(4), lane: fc.constant(0), width: fc.constantFrom(1, 2, 4), value: fc.nat(7) }),
  );

  test.each([false, true])('ranges, registers and windows after any writes; listeners that refuse: %p', (refuses) => {
    const engine = createEngine();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const one = new PciFunction(engine, description);
        const memory = engine.space('memory');
        const ports = engine.space('ports');
        const shown = one.mapInto({ memory, ports });
        const isRefused = (to: DecodeRange | null): boolean => refuses && to !== null && to.start % 0x2000n >= 0x1000n;
        if (refuses) {
          one.onDecode({
            prepare: (changes) => {
              if (changes.some(({ to }) => isRefused(to))) throw new Error('odd page');
            },
            commit: () => undefined,
          });
        }
        const written = [0, 4, 0, 1, 0, 0, 0];
        for (const { at, lane, width, value } of steps) {
          const first = width === 4 ? 0 : width === 2 ? lane & 2 : lane;
          const lanes = (width === 4 ? 0xffff_ffff : ((1 << (8 * width)) - 1) << (8 * first)) >>> 0;
          const before = { registers: REGISTERS.map((register) => one.peek(register)), command: one.peek(4), decoded: one.decoded, refusals: one.refusals.count, written: written.slice() };
          const cut = (value & (2 ** (8 * width) - 1)) >>> 0;
          if (width === 1) one.config.write8(at + first, cut);
          else if (width === 2) one.config.write16(at + first, cut);
          else one.config.write32(at, cut);
          if (at !== 4) written[index(at)] = (written[index(at)]! & ~lanes) | ((cut << (8 * first)) & lanes);
          if (one.refusals.count > before.refusals) {
            // Refused: as if it had not been written.
            expect(one.decoded).toEqual(before.decoded);
            expect([REGISTERS.map((register) => one.peek(register)), one.peek(4)]).toEqual([before.registers, before.command]);
            written.splice(0, 7, ...before.written);
          } else {
            expect(one.decoded).toEqual(model((register) => one.peek(register), written));
            expect(one.decoded.some(isRefused)).toBe(false);
          }
          for (const [which, range] of one.decoded.entries()) {
            expect(shown.window(which)?.start).toBe(range?.start);
            if (range !== null) expect((range.bus === 'memory' ? memory : ports).isClaimed(range.start, range.size)).toBe(true);
          }
        }
        memory.validate();
        one.destroy();
        memory.destroy();
        ports.destroy();
        expect(engine.live()).toEqual(NOTHING);
      }),
      { numRuns: 200 },
    );
  });
});

describe('listeners', () => {
  const made = (): PciFunction => {
    const one = new PciFunction(createEngine(), description);
    one.config.write32(0x10, 0xfe00_0000);
    return one;
  };
  const on = (one: PciFunction): void => one.config.write16(4, 2);

  test('prepare everyone, then commit everyone, in the order in which they came', () => {
    const one = made();
    const log: string[] = [];
    const listener = (name: string): DecodeListener => ({ prepare: () => void log.push(`prepare ${name}`), commit: () => void log.push(`commit ${name}`) });
    one.onDecode(listener('a'));
    const end = one.onDecode(listener('b'));
    on(one);
    expect(log.splice(0)).toEqual(['prepare a', 'prepare b', 'commit a', 'commit b']);
    end();
    end();
    one.config.write16(4, 0);
    expect(log).toEqual(['prepare a', 'commit a']);
  });

  test('who had prepared is told to forget it, in reverse order', () => {
    const one = made();
    const log: string[] = [];
    const listener = (name: string): DecodeListener => ({ prepare: () => void log.push(`prepare ${name}`), commit: () => void log.push(`commit ${name}`), abort: () => void log.push(`abort ${name}`) });
    one.onDecode(listener('a'));
    one.onDecode(listener('b'));
    const no = new Error('no');
    one.onDecode({
      prepare: () => {
        throw no;
      },
      commit: () => void log.push('commit c'),
    });
    one.onDecode(listener('d'));
    on(one);
    expect(log).toEqual(['prepare a', 'prepare b', 'abort b', 'abort a']);
    expect([one.refusals, one.peek(4, 2)]).toEqual([{ count: 1, last: no }, 0]);
  });

  test('a refused COMMAND does not take back what the same write cleared in STATUS', () => {
    const one = made();
    one.poke(6, 2, 0x8000);
    one.onDecode({
      prepare: () => {
        throw new Error('no');
      },
      commit: () => undefined,
    });
    one.config.write32(4, 0x8000_0006);
    expect(one.peek(4)).toBe(0);
  });

  test('a change says which bytes, from where and to where', () => {
    const one = made();
    const seen: DecodeChange[] = [];
    one.onDecode({ commit: (changes) => void seen.push(...changes) });
    on(one);
    one.config.write32(0x10, 0xfd00_0000);
    const { region } = one.bars[0]!;
    const [first, second] = [0xfe00_0000n, 0xfd00_0000n].map((start) => ({ bus: 'memory' as const, start, size: 0x1000n }));
    expect(seen).toEqual([{ index: 0, region, from: null, to: first }, { index: 0, region, from: first, to: second }]);
    expect(seen[1]!.from).toBe(seen[0]!.to);
  });

  test('a listener that comes late is told what is decoded, and is not added when it refuses that', () => {
    const one = made();
    on(one);
    const seen: number[] = [];
    one.onDecode({ commit: (changes) => void seen.push(changes.length) });
    const refuse = (): never => {
      throw new Error('too late');
    };
    expect(() => one.onDecode({ prepare: refuse, commit: refuse })).toThrow('too late');
    one.config.write16(4, 0);
    expect([seen, one.decoded[0], one.refusals.count]).toEqual([[1, 1], null, 0]);
  });

  test('a commit that fails reaches who made the access; the others have committed', () => {
    const one = made();
    const seen: string[] = [];
    one.onDecode({
      commit: () => {
        throw new Error('broken');
      },
    });
    one.onDecode({ commit: () => void seen.push('committed') });
    expect(() => on(one)).toThrow('broken');
    expect([seen, one.peek(4, 2), one.decoded[0]!.start]).toEqual([['committed'], 2, 0xfe00_0000n]);
  });

  test('a listener that turns to the registers of the same function', () => {
    const one = made();
    const errors: unknown[] = [];
    one.onDecode({
      commit: () => {
        for (const call of [() => one.config.write16(4, 0), () => one.resetFunction()]) {
          try {
            call();
          } catch (error) {
            errors.push(error);
          }
        }
        expect(one.peek(4, 2) & 2).toBe(0);
      },
    });
    on(one);
    expect(errors.map(String)).toEqual([expect.stringContaining('EDEADLK'), expect.stringContaining('while it was being told')]);
    expect(errors[0]).toBeInstanceOf(VfioError);
  });
});

describe('spaces', () => {
  test('a BAR that moves itself away moves when the access has ended', () => {
    const engine = createEngine();
    const one = new PciFunction(engine, description);
    const memory = engine.space('memory');
    const seen: (bigint | undefined)[] = [];
    const mover = engine.region({
      kind: 'hook',
      size: 4096,
      write: () => {
        one.config.write32(0x10, 0xfd00_0000);
        seen.push(memory.windowAt(0xfe00_0000)?.start, memory.windowAt(0xfd00_0000)?.start);
      },
    });
    memory.map(0x1000, mover);
    const shown = one.mapInto({ memory });
    one.config.write32(0x10, 0xfe00_0000);
    one.config.write16(4, 2);
    memory.write32(0x1000, 0);
    // Inside the access the old topology holds; the register is new at once.
    expect(seen).toEqual([0xfe00_0000n, undefined]);
    expect([memory.windowAt(0xfe00_0000), memory.windowAt(0xfd00_0000)]).toEqual([undefined, shown.window(0)]);
  });

  test('two functions at one address, and a window that is closed', () => {
    const engine = createEngine();
    const [a, b] = ['00:05.0', '00:06.0'].map((slot) => new PciFunction(engine, { ...description, slot }));
    const memory = engine.space('memory');
    const [first, second] = [a!.mapInto({ memory }), b!.mapInto({ memory }, { priority: 1 })];
    for (const one of [b!, a!]) {
      one.config.write32(0x10, 0xfe00_0000);
      one.config.write16(4, 3);
      one.config.write32(0x1c, 0xc000);
    }
    expect(memory.windowAt(0xfe00_0000)).toBe(second.window(0));
    second.close();
    second.close();
    expect([memory.windowAt(0xfe00_0000), second.window(0)]).toEqual([first.window(0), undefined]);
    b!.config.write32(0x10, 0xfd00_0000);
    expect(memory.windowAt(0xfd00_0000)).toBeUndefined();
    // Ports have no space here: decoded, not shown.
    expect([a!.decoded[3]!.start, first.window(3)]).toEqual([0xc000n, undefined]);
  });

  test('a core that is full says so to who made the access', () => {
    const engine = createEngine({ memoryLimit: 2 ** 20 });
    const one = new PciFunction(engine, description);
    const memory = engine.space('memory');
    one.mapInto({ memory });
    const ram = engine.region({ kind: 'demand', size: 2n ** 40n });
    expect(() => {
      for (let at = 0; ; at += 8192) memory.map(at, ram, { size: 4096 });
    }).toThrow(VfioError);
    one.config.write32(0x10, 0xfe00_0800);
    expect(() => one.config.write16(4, 2)).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
    memory.validate();
    // The registers say what the guest wrote; with room again, the next change shows it.
    ram.destroy();
    one.config.write32(0x10, 0xfd00_0000);
    expect(memory.windowAt(0xfd00_0fff)!.region).toBe(one.bars[0]!.region);
  });

  test('a window that someone has removed comes back with the next move', () => {
    const engine = createEngine();
    const one = new PciFunction(engine, description);
    const memory = engine.space('memory');
    const shown = one.mapInto({ memory });
    one.config.write32(0x10, 0xfe00_0000);
    one.config.write16(4, 2);
    shown.window(0)!.unmap();
    one.config.write32(0x10, 0xfd00_0000);
    expect(memory.windowAt(0xfd00_0000)).toBe(shown.window(0));
  });

  test('through a device file: COMMAND opens the gate, D1 and D2 do not close it', () => {
    const engine = createEngine();
    const one = new PciFunction(engine, { ...description, config: configBytes({ 0x04: 0x0010_0000, 0x34: 0x40, 0x40: 0x0603_0001, 0x44: 8 }), sizes: { bars: [0x1000] } });
    const process = new Process(engine);
    one.config.write32(0x10, 0xfe00_0000);
    const fd = process.open(one.device);
    const code = (): string => (process.raw.pread(fd, new Uint8Array(4), 0n) < 0 ? 'closed' : 'open');
    const seen = [code()];
    process.pwrite(fd, new Uint8Array([0]), (7n << 40n) + 4n);
    seen.push(code());
    process.pwrite(fd, new Uint8Array([2]), (7n << 40n) + 4n);
    for (const state of [0, 1, 2, 3, 0]) {
      one.config.write8(0x44, state);
      seen.push(`${one.powerState} ${code()} ${one.decoded[0] === null ? 'nothing' : 'decoded'}`);
    }
    expect(seen).toEqual(['open', 'closed', '0 open decoded', '1 open nothing', '2 open nothing', '3 closed nothing', '0 open decoded']);
  });
});
