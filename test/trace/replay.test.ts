// Replays: two recorded guests by address and through device files, counted against the traces' own lines; accesses at every border; what an access costs.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../src/core/index.ts';
import { type BusName, type Machine, type MachineDumps, Replay, type ReplayResult, type ReplayTarget, buildMachine, parseIomem, parseLspciHex, parseLspciVerbose, spaceTarget, vfioTarget } from '../../src/trace/index.ts';
import { VfioError } from '../../src/uapi/index.ts';
import { ACCESSES, RECORDED, type Recorded, blocksFrom, blocksOf, configBytes, dumpsOf, traceText } from './recorded.ts';

const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };
const TARGETS: Readonly<Record<string, (machine: Machine) => ReplayTarget>> = {
  space: spaceTarget,
  index: (machine) => vfioTarget(machine),
  cookie: (machine) => vfioTarget(machine, { offsets: 'cookie' }),
  scattered: (machine) => vfioTarget(machine, { offsets: 'scattered', seed: 7 }),
};

function replay(dumps: MachineDumps, blocks: ReturnType<typeof blocksOf>, target: string): ReplayResult {
  const engine = createEngine();
  const machine = buildMachine(engine, dumps);
  const through = TARGETS[target]!(machine);
  const run = new Replay(machine, through);
  for (const block of blocks) run.run(block);
  through.close();
  machine.destroy();
  expect(engine.live()).toEqual(NOTHING);
  return run.result();
}

/** Counts from the lines of a trace, each given to the smallest of the ranges that hold its address. */
function count(name: Recorded, rows: ReplayResult['rows']): Record<string, unknown>[] {
  const ranges = rows.map((row) => ({ bus: row.bus, first: Number(row.start ?? 0n), size: Number(row.size ?? Infinity), reads: 0, writes: 0, widths: { 1: 0, 2: 0, 4: 0, 8: 0 } as Record<number, number> }));
  const known = new Map<string, (typeof ranges)[number]>();
  for (const line of traceText(name).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [op, space, size, hex] = line.split(' ');
    const key = `${space} ${hex}`;
    let found = known.get(key);
    if (found === undefined) {
      const address = parseInt(hex!, 16);
      const bus = space === 'M' ? 'memory' : 'ports';
      [found] = ranges.filter((range) => range.bus === bus && address >= range.first && address < range.first + range.size).sort((a, b) => a.size - b.size);
      known.set(key, found!);
    }
    found!.widths[Number(size)]!++;
    if (op === 'R') found!.reads++;
    else found!.writes++;
  }
  return ranges.map(({ reads, writes, widths }) => ({ reads, writes, widths }));
}

describe.each(RECORDED)('%s', (name) => {
  const blocks = blocksOf(name);
  const byAddress = replay(dumpsOf(name), blocks, 'space');

  test('every access is counted once, in the row of what answers at its address', () => {
    expect(byAddress.accesses).toBe(ACCESSES[name]);
    expect(byAddress.rows.map(({ reads, writes, widths }) => ({ reads, writes, widths }))).toEqual(count(name, byAddress.rows));
  });

  test('reads and writes, widths and rows add up; the largest rows come first', () => {
    const { rows, reads, writes, matched } = byAddress;
    const sum = (of: (row: ReplayResult['rows'][number]) => number): number => rows.map(of).reduce((a, b) => a + b, 0);
    expect([sum((row) => row.reads), sum((row) => row.writes), sum((row) => row.matched)]).toEqual([reads, writes, matched]);
    for (const row of rows) {
      expect(row.widths[1] + row.widths[2] + row.widths[4] + row.widths[8]).toBe(row.reads + row.writes);
      expect(row.matched).toBeLessThanOrEqual(row.reads);
      expect(row.nsPerAccess).toBeUndefined();
    }
    const totals = rows.map((row) => row.reads + row.writes);
    expect(totals).toEqual(totals.toSorted((a, b) => b - a));
    expect(rows.find((row) => row.name === 'HPET 0')!.widths[8]).toBeGreaterThan(1000);
  });

  test('the guest finds its devices: what it asks of configuration space is as recorded', () => {
    const ports = byAddress.rows.find((row) => row.name === 'pci-conf')!;
    expect(ports.matched / ports.reads).toBeGreaterThan(0.99);
  });

  test.each(['index', 'cookie', 'scattered'])('through device files, offsets %s: the same in every row, and in every value read', (target) => {
    // Of the second machine the boot alone in two of the modes: what follows only takes time.
    const some = name === 'nvme' || target === 'scattered' ? blocks : blocks.slice(0, 6);
    expect(replay(dumpsOf(name), some, target)).toEqual(some === blocks ? byAddress : replay(dumpsOf(name), some, 'space'));
  });
});

// A machine with a border of every kind: a ROM, an MSI-X table in the middle of a BAR and one in a BAR smaller than a page, ports over ports, windows in windows.
const rows = (config: Uint8Array): string => Array.from({ length: 16 }, (_, row) => `${(16 * row).toString(16).padStart(2, '0')}:${Array.from(config.subarray(16 * row, 16 * row + 16), (byte) => ` ${byte.toString(16).padStart(2, '0')}`).join('')}`).join('\n');
const msix = (bar: number, offset: number, vectors: number): Record<number, number> => ({ 0x04: 0x0010_0003, 0x34: 0x40, 0x40: ((vectors - 1) << 16) | 0x11, 0x44: offset | bar, 0x48: bar });
const BORDERS: MachineDumps = {
  iomem: parseIomem('00000000-00000fff : low\n00001000-00001002 : three\n00001004-00001fff : after a hole\nb0000000-b00fffff : PCI MMCONFIG 0000 [bus 00-00]\nfee00000-fee00fff : Local APIC\nfffffffffffffff0-ffffffffffffffff : top'),
  lspciHex: parseLspciHex(
    [
      `00:01.0 A: a\n${rows(configBytes({ ...msix(0, 0x1008, 3), 0x10: 0xfe00_0000, 0x14: 0x0000_0201, 0x30: 0xfe80_0001 }))}`,
      `00:02.0 B: b\n${rows(configBytes({ ...msix(1, 0x40, 2), 0x14: 0xfe00_2000, 0x18: 0x0000_03fd }))}`,
      // Its memory decode is off: windows and device files answer all the same.
      `00:03.0 C: c\n${rows(configBytes({ 0x04: 0, 0x10: 0xfe00_2100 }))}`,
    ].join('\n\n'),
  ),
  lspciVerbose: parseLspciVerbose(
    '00:01.0 A: a\n\tRegion 0: Memory at fe000000 (32-bit, non-prefetchable) [size=8K]\n\tRegion 1: I/O ports at 0200 [size=4]\n\tExpansion ROM at fe800000 [size=2K]\n\n' +
      '00:02.0 B: b\n\tRegion 1: Memory at fe002000 (32-bit, non-prefetchable) [size=256]\n\tRegion 2: I/O ports at 03fc [size=4]\n\n' +
      '00:03.0 C: c\n\tRegion 0: Memory at fe002100 (32-bit, non-prefetchable) [disabled] [size=16]\n',
  ),
};

describe('borders', () => {
  const line = (write: boolean, bus: BusName, address: bigint, size: number, value: bigint): string =>
    `${write ? 'W' : 'R'} ${bus === 'memory' ? 'M' : 'P'} ${size} ${address.toString(16)} ${BigInt.asUintN(8 * size, value).toString(16)} x`;

  test('an access that reaches from part to part, or into nothing, is the same in every target', () => {
    const engine = createEngine();
    const machines = Object.values(TARGETS).map((make) => {
      const machine = buildMachine(engine, BORDERS);
      return { machine, target: make(machine) };
    });
    const borders = machines[0]!.machine.regions.flatMap(({ bus, window }) => [window.start, window.last + 1n].map((at) => ({ bus, at })));
    borders.push(...[0xfe00_1008n, 0xfe00_1038n, 0xfe00_2040n, 0xfe00_2060n].map((at) => ({ bus: 'memory' as const, at })));
    const step = fc.record({ border: fc.constantFrom(...borders), back: fc.integer({ min: -2, max: 9 }), size: fc.constantFrom(1, 2, 4, 8), write: fc.option(fc.bigInt(0n, (1n << 64n) - 1n), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        const lines = steps
          .map(({ border, back, size, write }) => ({ bus: border.bus, address: border.at - BigInt(back), size, write }))
          .filter(({ address, size }) => address >= 0n && address + BigInt(size) <= 1n << 64n)
          .flatMap(({ bus, address, size, write }) => [...(write === undefined ? [] : [line(true, bus, address, size, write)]), line(false, bus, address, size, write ?? 0n)]);
        const blocks = blocksFrom(['# steps', ...lines]);
        const [first, ...others] = machines.map(({ machine, target }) => {
          const run = new Replay(machine, target);
          for (const block of blocks) run.run(block);
          return run.result();
        });
        for (const other of others) expect(other).toEqual(first);
      }),
      { numRuns: 300 },
    );
    for (const { machine, target } of machines) {
      target.close();
      machine.destroy();
    }
    expect(engine.live()).toEqual(NOTHING);
  });

  test.each(Object.keys(TARGETS))('what is written to the MSI-X table is read back, what is written to a ROM is not: %s', (target) => {
    const blocks = blocksFrom([
      'W M 8 fe001004 1122334455667788 x', 'R M 8 fe001004 1122334455667788 x', 'W M 4 fe002040 cafe x', 'R M 4 fe002040 cafe x', 'W M 4 fe002100 1 x', 'R M 4 fe002100 1 x',
      'W M 4 fe800000 1 x', 'R M 4 fe800000 0 x', 'R M 8 2000 ffffffffffffffff x', 'R M 8 fffffffffffffff8 0 x', 'R P 4 cfe ffffffff x',
    ]);
    const result = replay(BORDERS, blocks, target);
    expect([result.reads, result.matched]).toEqual([7, 7]);
    expect(result.rows.find(({ bus, name }) => bus === 'memory' && name === 'unclaimed')).toMatchObject({ reads: 1, start: undefined, size: undefined });
  });

  test('a target that cannot be opened leaves nothing open', () => {
    const engine = createEngine();
    const machine = buildMachine(engine, { iomem: parseIomem('100000000-2ffffffffff : System RAM') });
    const before = engine.live();
    expect(() => vfioTarget(machine)).toThrow(VfioError);
    expect(engine.live()).toEqual(before);
    vfioTarget(machine, { offsets: 'cookie' }).close();
    expect(engine.live()).toEqual(before);
  });
});

describe('measure', () => {
  const blocks = blocksOf('nvme');
  test.each(['space', 'cookie'])('a number for every row, and the same counts: %s', (target) => {
    const machine = buildMachine(createEngine(), dumpsOf('nvme'));
    const through = TARGETS[target]!(machine);
    const run = new Replay(machine, through);
    for (const block of blocks.slice(0, 4)) run.run(block);
    const before = run.result();
    const counts = before.rows.map((row) => ({ ...row }));
    run.measure(() => performance.now(), 0.05, 1);
    const after = run.result();
    for (const row of after.rows) expect(row.nsPerAccess).toBeGreaterThan(0);
    expect(after.rows.map((row) => ({ ...row, nsPerAccess: undefined }))).toEqual(counts);
    expect(after.checksum).toBe(before.checksum);
  });

  test('is the median of rounds by the clock that is given', () => {
    const machine = buildMachine(createEngine(), {});
    const run = new Replay(machine, spaceTarget(machine));
    for (const block of blocksFrom(['R P 1 70 0 x', 'W P 1 71 0 x', 'R P 1 64 0 x'])) run.run(block);
    let now = 0;
    run.measure(() => now++, 2);
    expect(run.result().rows.map(({ name, nsPerAccess }) => [name, nsPerAccess])).toEqual([['rtc', 500_000], ['keyboard command', 1_000_000]]);
  });
});
