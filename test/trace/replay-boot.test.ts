// Two recorded boots from power-on: every configuration read returns what was recorded, and the BARs end where the kernel says they are.
import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { ROM_INDEX } from '../../src/pci/index.ts';
import { BootReplay, type IomemRange, vendorRegisters } from '../../src/trace/index.ts';
import { type Recorded, RECORDED, blocksFrom, blocksOf, dumpsOf } from './recorded.ts';

const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };
const READS: Readonly<Record<Recorded, { all: number; present: number }>> = { nvme: { all: 10_376, present: 2010 }, e1000e: { all: 10_416, present: 2050 } };

/** The ranges that /proc/iomem gives to functions. */
function functionRanges(ranges: readonly IomemRange[]): { slot: string; start: bigint; size: bigint }[] {
  return ranges.flatMap(({ start, last, name, children }) => {
    const inside = functionRanges(children);
    return /^0000:..:..\..$/.test(name) ? [{ slot: name.slice(5), start, size: last - start + 1n }, ...inside] : inside;
  });
}

describe.each(RECORDED)('%s', (name) => {
  const dumps = dumpsOf(name);
  const blocks = blocksOf(name);
  const replay = (options: ConstructorParameters<typeof BootReplay>[2] = {}): BootReplay => {
    const boot = new BootReplay(createEngine(), dumps, options);
    for (const block of blocks) boot.run(block);
    return boot;
  };
  const boot = replay();
  const functions = boot.machine.functions;

  test('at power-on no BAR has an address and nothing is decoded', () => {
    const engine = createEngine();
    const before = new BootReplay(engine, dumps);
    for (const one of before.machine.functions) {
      expect(one.decoded).toEqual([null, null, null, null, null, null, null]);
      expect(one.peek(4, 2)).toBe(0);
      for (const { index, kind } of one.bars) expect(one.peek(0x10 + 4 * index)).toBe(kind === 'io' ? 1 : kind === 'mem64' ? 4 : 0);
      expect(one.peek(0x30)).toBe(0);
    }
    before.destroy();
    expect(engine.live()).toEqual(NOTHING);
  });

  test('every configuration read returns the recorded value', () => {
    const { reads, matched, present, mismatches } = boot.result();
    expect(mismatches).toEqual([]);
    expect({ all: reads, present: present.reads }).toEqual(READS[name]);
    expect({ all: matched, present: present.matched }).toEqual(READS[name]);
  });

  test('the BARs are where /proc/iomem and lspci say', () => {
    const expected = functionRanges(dumps.iomem);
    expect(expected.length).toBeGreaterThan(1);
    const held = functions.flatMap((one) => {
      const memory = one.bars.filter(({ kind }) => kind !== 'io').map(({ index, size }) => ({ slot: one.slot, start: BigInt(one.peek(0x10 + 4 * index) & ~0xf) & 0xffff_fff0n, size }));
      return one.rom === undefined ? memory : [{ slot: one.slot, start: BigInt(one.peek(0x30) & ~0x7ff) & 0xffff_f800n, size: one.rom.size }, ...memory];
    });
    expect(held).toEqual(expected);
    for (const one of functions) {
      const printed = dumps.lspciVerbose.find(({ slot }) => slot === one.slot)!;
      expect(one.decoded.flatMap((range, index) => (range === null ? [] : [[index, range.bus, range.start, range.size]]))).toEqual(
        printed.regions.map(({ index, kind, address, size }) => [index, kind === 'io' ? 'ports' : 'memory', address, size]),
      );
    }
  });

  test('the windows follow: what is visible at those addresses is the BARs', () => {
    for (const one of functions) {
      const shown = boot.shown.get(one)!;
      for (const { index, kind, region } of one.bars) {
        const { start } = one.decoded[index]!;
        expect(boot.machine.space(kind === 'io' ? 'ports' : 'memory').windowAt(start)!.region).toBe(region);
        expect(shown.window(index)!.start).toBe(start);
      }
      // The ROM was enabled while firmware copied it, and closed again.
      expect([one.decoded[ROM_INDEX], shown.window(ROM_INDEX)]).toEqual([null, undefined]);
      expect(one.refusals.count).toBe(0);
    }
    boot.machine.memory.validate();
  });

  test('the registers are the dump\'s, save what the guest did after lspci: it shut its devices down', () => {
    const differing = functions.flatMap((one) => {
      const { bytes } = dumps.lspciHex.find(({ slot }) => slot === one.slot)!;
      return [...bytes.keys()].filter((at) => one.peek(at, 1) !== bytes[at]).map((at) => [one.slot, one.registerAt(at)!.name, one.peek(at, 1), bytes[at]]);
    });
    expect(differing).toEqual([
      ['00:01.0', 'COMMAND', 0x03, 0x07],
      ['00:01.0', 'COMMAND', 0x01, 0x05],
      ['00:01.0', 'MSIX_FLAGS', 0x00, 0x80],
    ]);
  });

  test('without the chipset\'s own registers only those differ: less than 2 % of the reads', () => {
    const bare = replay({ registers: () => [] });
    const { reads, matched, mismatches } = bare.result();
    expect(reads - matched).toBe(47);
    expect((reads - matched) / reads).toBeLessThan(0.02);
    const named = mismatches.map(({ slot, offset }) => {
      const description = dumps.lspciHex.find((one) => one.slot === slot)!;
      return vendorRegisters({ slot, config: description.bytes }).findLast((field) => offset >= field.offset && offset < field.offset + field.bytes)?.name;
    });
    expect(new Set(named)).toEqual(new Set(['PAM0', 'PAM4', ...[...'ABCDEFGH'].map((pin) => `PIRQ${pin}_ROUT`), 'GEN_PMCON_1', 'PCS']));
    bare.destroy();
  });

  test('ends without a trace of it', () => {
    const engine = createEngine();
    const short = new BootReplay(engine, dumps);
    for (const block of blocks.slice(0, 1)) short.run(block);
    short.destroy();
    expect(engine.live()).toEqual(NOTHING);
  });
});

describe('what is counted', () => {
  test('a mismatch names the function, the register and both values', () => {
    const boot = new BootReplay(createEngine(), dumpsOf('nvme'));
    const read = (recorded: string): string[] => ['W P 4 cf8 80000804 x', `R P 4 cfc ${recorded} x`];
    for (const block of blocksFrom([...read('100000'), ...read('100007'), ...read('100005'), 'R M 1 b0008e00 1 x', 'R M 8 b0008000 0 x', 'R M 4 c0000000 0 x', 'R P 2 cf8 0 x'])) boot.run(block);
    expect(boot.result()).toEqual({
      reads: 4,
      writes: 0,
      matched: 1,
      present: { reads: 4, matched: 1 },
      mismatches: [
        { slot: '00:01.0', offset: 4, width: 4, name: 'COMMAND', reads: 2, recorded: 0x10_0007, seen: 0x10_0000 },
        { slot: '00:01.0', offset: 0xe00, width: 1, name: undefined, reads: 1, recorded: 1, seen: 0 },
      ],
    });
  });

  test('functions that are not there read all ones, and a disabled address port reaches nothing', () => {
    const boot = new BootReplay(createEngine(), { lspciHex: dumpsOf('nvme').lspciHex });
    for (const block of blocksFrom(['W P 4 cf8 80001000 x', 'R P 4 cfc ffffffff x', 'R P 2 cfe ffff x', 'W P 4 cf8 800 x', 'R P 4 cfc 0 x', 'R M 4 b0008000 0 x'])) boot.run(block);
    expect(boot.result()).toMatchObject({ reads: 2, matched: 2, present: { reads: 0 } });
  });

  test('dumps that contradict each other leave nothing behind', () => {
    const engine = createEngine();
    expect(() => new BootReplay(engine, { lspciHex: dumpsOf('nvme').lspciHex, lspciVerbose: dumpsOf('e1000e').lspciVerbose })).toThrow(RangeError);
    expect(engine.live()).toEqual(NOTHING);
  });
});
