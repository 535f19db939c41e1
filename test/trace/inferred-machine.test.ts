// Machines inferred from the addresses that a trace uses: nothing is unclaimed, runs and grains, the end of the addresses, and values as one flat memory has them.
import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { type AccessBlock, InferredMachine, type Machine, Replay, accessesOf, spaceTarget, vfioTarget } from '../../src/trace/index.ts';
import { VfioError } from '../../src/uapi/index.ts';
import { ACCESSES, RECORDED, blocksFrom, blocksOf } from './recorded.ts';

const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };

function infer(blocks: readonly AccessBlock[], engine = createEngine()): Machine {
  const inferred = new InferredMachine();
  for (const block of blocks) inferred.add(block);
  return inferred.build(engine);
}

const hex = (machine: Machine): string[] => machine.regions.map(({ bus, name, window }) => `${bus} ${window.start.toString(16)}-${window.last.toString(16)} ${name}`);

/** Reads that return what was recorded, if every address holds a byte that starts as zero. */
function flatMatches(blocks: readonly AccessBlock[]): number {
  const bytes = new Map<string, number>();
  let matched = 0;
  for (const block of blocks) {
    for (const { op, space, size, address, value } of accessesOf(block)) {
      let seen = 0n;
      for (let i = 0; i < size; i++) {
        const key = `${space}${Number(address) + i}`;
        if (op === 'W') bytes.set(key, Number((value >> BigInt(8 * i)) & 0xffn));
        else seen |= BigInt(bytes.get(key) ?? 0) << BigInt(8 * i);
      }
      if (op === 'R' && seen === value) matched++;
    }
  }
  return matched;
}

describe.each(RECORDED)('%s', (name) => {
  const blocks = blocksOf(name);

  test('every access is claimed, by the name that the trace has for it, and reads what one flat memory holds', () => {
    const engine = createEngine();
    const machine = infer(blocks, engine);
    const run = new Replay(machine, spaceTarget(machine));
    for (const block of blocks) run.run(block);
    const result = run.result();
    expect(result.accesses).toBe(ACCESSES[name]);
    expect([machine.memory.unclaimed, machine.ports.unclaimed]).toEqual([{ reads: 0, writes: 0 }, { reads: 0, writes: 0 }]);
    expect(result.rows.filter((row) => row.name === 'unclaimed')).toEqual([]);
    expect(new Set(result.rows.map((row) => row.name))).toEqual(new Set(machine.regions.map((region) => region.name)));
    expect(result.matched).toBe(flatMatches(blocks));
    machine.destroy();
    expect(engine.live()).toEqual(NOTHING);
  });

  test('the same through device files', () => {
    const results = [spaceTarget, (machine: Machine) => vfioTarget(machine, { offsets: 'scattered' })].map((make) => {
      const machine = infer(blocks.slice(0, 6));
      const run = new Replay(machine, make(machine));
      for (const block of blocks.slice(0, 6)) run.run(block);
      return run.result();
    });
    expect(results[1]).toEqual(results[0]);
  });
});

describe('runs and grains', () => {
  test('memory goes by pages, ports by bytes; neighbours with one name are one region', () => {
    const machine = infer(blocksFrom(['R M 4 1ffe 0 a', 'R M 1 3000 0 a', 'R M 1 5fff 0 b', 'R P 2 60 0 k', 'R P 1 62 0 k', 'R P 1 63 0 l', 'R P 1 65 0 l']));
    expect(hex(machine)).toEqual(['memory 1000-3fff a', 'memory 5000-5fff b', 'ports 60-62 k', 'ports 63-63 l', 'ports 65-65 l']);
  });

  test('a page belongs to the name that touched it most, the earlier of two equals', () => {
    expect(hex(infer(blocksFrom(['R M 1 1000 0 a', 'R M 1 1001 0 b', 'R M 1 1002 0 b', 'W M 1 2000 0 c', 'W M 1 2001 0 d'])))).toEqual(['memory 1000-1fff b', 'memory 2000-2fff c']);
  });

  test('the last byte of both buses', () => {
    const blocks = blocksFrom(['W M 8 fffffffffffffff8 1122334455667788 a', 'R M 1 ffffffffffffffff 11 a', 'W P 1 ffffffffffffffff 7 b', 'R P 1 ffffffffffffffff 7 b', 'R M 4 0 0 a']);
    const machine = infer(blocks);
    expect(hex(machine)).toEqual(['memory 0-fff a', 'memory fffffffffffff000-ffffffffffffffff a', 'ports ffffffffffffffff-ffffffffffffffff b']);
    for (const make of [spaceTarget, vfioTarget]) {
      const run = new Replay(machine, make(machine));
      for (const block of blocks) run.run(block);
      expect(run.result()).toMatchObject({ reads: 3, matched: 3 });
    }
  });

  test('no accesses are an empty machine', () => {
    expect(infer([]).regions).toEqual([]);
  });

  test('names and addresses of ports and memory do not mix', () => {
    expect(hex(infer(blocksFrom(['R M 1 60 0 k', 'R P 1 60 0 k'])))).toEqual(['memory 0-fff k', 'ports 60-60 k']);
  });

  test('a core that is full leaves nothing', () => {
    const engine = createEngine({ memoryLimit: 2 ** 20 });
    const blocks = blocksFrom(Array.from({ length: 20_000 }, (_, i) => `R M 1 ${(i * 8192).toString(16)} 0 a`));
    expect(() => infer(blocks, engine)).toThrow(VfioError);
    expect(engine.live()).toEqual(NOTHING);
  });
});
