// ENOMEM: every operation that needs memory, with almost none left. It fails with this errno and has changed nothing, or it succeeds whole.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine, type Engine, type RangeStore } from '../../src/core/index.ts';
import { ReferenceRangeStore, type Entry } from '../reference/index.ts';
import { MAX, answer, expectEmpty, outcome } from './adapter.ts';
import { Pressure } from './pressure.ts';
import { range } from './range-steps.ts';
import { topology } from './world/arbitrary.ts';
import type { Op } from './world/op.ts';
import { World } from './world/world.ts';

const ENOMEM = -12;
const LIMIT = { memoryLimit: 2 ** 20 };

/** All rows, without the buffer that the façade's walk needs. */
function rows(engine: Engine, store: RangeStore): Entry[] {
  const { exports } = engine.core;
  const buffer = exports.stagingBuffer();
  const n = exports.treeWalk(store.handle, 0n, MAX, 0, buffer, 2730);
  const view = new DataView(exports.memory.buffer);
  return Array.from({ length: n }, (_, i) => buffer + i * 24).map((at) => ({ first: view.getBigUint64(at, true), last: view.getBigUint64(at + 8, true), value: view.getUint32(at + 16, true) }));
}

const relief = fc.option(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 4 })), { freq: 3 });

describe('R with no memory', () => {
  test.each([0, 12, 288, 1500])('R-store R-insert R-allocate change all or nothing, in a store of %i entries', (n) => {
    let [failed, done] = [0, 0];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), range, relief), { minLength: 20, maxLength: 60 }), (steps) => {
        const engine = createEngine(LIMIT);
        const [store, ref] = [engine.rangeStore(), new ReferenceRangeStore()];
        const entries = Array.from({ length: n }, (_, i) => ({ first: BigInt(i) * 9n, last: BigInt(i) * 9n + 6n, value: i + 1 }));
        // Full nodes: grown upwards by inserts.
        for (const { first, last, value } of entries) store.insert(first, last, value);
        ref.bulkLoad(entries);
        const pressure = new Pressure(engine);
        pressure.exhaust();
        for (const [kind, [first, last], free] of steps) {
          if (free !== null) pressure.relieve(...free);
          const request = { size: 3n, alignment: 1, first: 0n, last: MAX, value: 5, fromTop: first % 2n === 0n };
          const got = outcome(() => [() => store.store(first, last, 7), () => store.insert(first, last, 7), () => store.allocate(request)][kind]!());
          if (got === ENOMEM) failed++;
          else {
            const expected = [() => ref.store(first, last, 7), () => ref.insert(first, last, 7), () => ref.allocate(3n, 1n, 0n, MAX, 5, request.fromTop)][kind]!();
            expect(got).toEqual(answer<unknown>(expected));
            done++;
          }
          store.validate();
          expect(store.count).toBe(ref.count);
        }
        expect(rows(engine, store)).toEqual(ref.entries);
        pressure.relieveAll();
        store.store(5n, 6n, 1);
        store.destroy();
        expectEmpty(engine);
      }),
      { numRuns: 15 },
    );
    expect(failed).toBeGreaterThan(5);
    expect(done).toBeGreaterThan(5);
  });

  test('R-store in the middle of an entry needs two entries: both or none', () => {
    for (let spare = 0; spare < 8; spare++) {
      const engine = createEngine(LIMIT);
      const store = engine.rangeStore();
      for (let i = 0; i < 300; i++) store.insert(i * 16, i * 16 + 15, i + 1);
      const before = rows(engine, store);
      const pressure = new Pressure(engine);
      pressure.exhaust();
      pressure.relieve(0, spare);
      if (outcome(() => store.store(0x805, 0x806, 9)) === ENOMEM) expect(rows(engine, store)).toEqual(before);
      else expect(rows(engine, store).length).toBe(302);
      store.validate();
    }
  });

  test('R-bulk R-walk and new objects', () => {
    const engine = createEngine(LIMIT);
    const store = engine.rangeStore();
    const pressure = new Pressure(engine);
    pressure.exhaust();
    const before = engine.live();
    const entries = Array.from({ length: 600 }, (_, i) => ({ first: BigInt(i), last: BigInt(i), value: 1 }));
    const calls = [
      () => store.bulkLoad(entries), () => [...store.walk()], () => store.cursor(), () => engine.rangeStore(), () => engine.space(), () => engine.offsetTable('cookie'), () => engine.batch(1),
      () => engine.region({ kind: 'hook', size: 1 }), () => engine.region({ kind: 'ram', size: 1 }), () => engine.startTrace(128),
    ];
    for (const call of calls) expect(outcome<unknown>(call)).toBe(ENOMEM);
    expect(engine.live()).toEqual(before);
    pressure.relieveAll();
    store.bulkLoad(entries);
    expect([...store.walk()].length).toBe(600);
    store.destroy();
    expectEmpty(engine);
  });

  test('R-bulk needs rows, a work list and nodes: it fails whole at each of them', () => {
    for (let frames = 1; frames < 60; frames++) {
      const engine = createEngine(LIMIT);
      const store = engine.rangeStore();
      const pressure = new Pressure(engine);
      pressure.exhaust();
      pressure.relieve(0, frames);
      const got = outcome(() => store.bulkLoad(Array.from({ length: 2400 }, (_, i) => ({ first: BigInt(i), last: BigInt(i), value: 1 }))));
      expect([ENOMEM, undefined]).toContain(got);
      expect(store.count).toBe(got === ENOMEM ? 0 : 2400);
      store.validate();
      store.destroy();
      pressure.relieveAll();
      expectEmpty(engine);
    }
  });
});

describe('S with no memory', () => {
  test.each([0, 40, 300])('S-map S-alias S-move S-unmap S-region-gone change all or nothing, among %i windows', (crowd) => {
    let [failed, done] = [0, 0];
    fc.assert(
      fc.property(fc.array(fc.tuple(topology, relief), { minLength: 10, maxLength: 40 }), (steps) => {
        const world = new World(steps.length % 2 === 0, createEngine(LIMIT));
        const ram = (size: bigint): Op => ({ do: 'region', shape: { kind: 'ram', size, minWidth: 1, maxWidth: 8, unaligned: true, reentrant: false, script: [] } });
        for (const op of [{ do: 'space' }, { do: 'space' }, ram(32n), ram(8192n)] as const) world.step(op);
        // Two bytes every three, under what the steps map over them; the reference looks at each window for each byte, so only the core looks often.
        for (let i = 0; i < crowd; i++) world.step({ do: 'map', space: 0, region: 0, start: 0x1000n + BigInt(i) * 3n, position: 0n, size: 2n, priority: 0 });
        const pressure = new Pressure(world.engine);
        pressure.exhaust();
        for (const [op, free] of steps) {
          if (free !== null) pressure.relieve(...free);
          if (world.stepUnlessFull(op)) failed++;
          else done++;
          for (const space of world.core.spaces) if (!space.gone) space.validate();
        }
        pressure.relieveAll();
        for (let address = 0xff0n; address < 0x1070n; address += 5n) {
          for (const space of [0, 1]) world.step({ do: 'look', space, address, bytes: 3n });
        }
        world.close();
      }),
      { numRuns: 20 },
    );
    expect(failed).toBeGreaterThan(10);
    expect(done).toBeGreaterThan(10);
  });
});

describe('S uncovering with no memory', () => {
  /** 60 windows side by side under one of another region, which an alias of that one covers too in a second space. */
  function covered() {
    const engine = createEngine(LIMIT);
    const [space, other] = [engine.space(), engine.space()];
    const [low, high] = [engine.region({ kind: 'ram', size: 16 }), engine.region({ kind: 'demand', size: 4096 })];
    for (let i = 0; i < 60; i++) for (const one of [space, other]) one.map(i * 16, low);
    const top = space.map(0, high, { priority: 1 });
    const alias = top.alias(other, 0);
    const hogs = engine.rangeStore();
    const pressure = new Pressure(engine);
    return { engine, space, other, low, high, top, alias, hogs, pressure };
  }

  test('S-unmap S-region-gone S-move: what cannot be shown is not uncovered; the same call succeeds later', () => {
    for (const end of ['unmap', 'move', 'region', 'space'] as const) {
      const { engine, space, other, low, high, top, alias, hogs, pressure } = covered();
      const call = { unmap: () => top.unmap(), move: () => top.move(0x10000), region: () => high.destroy(), space: () => space.destroy() }[end];
      pressure.exhaust();
      const before = engine.live();
      expect(outcome(call)).toBe(ENOMEM);
      expect([engine.live(), space.windowAt(5), other.windowAt(900), top.start]).toEqual([before, top, alias, 0n]);
      space.validate();
      other.validate();
      pressure.relieveAll();
      call();
      expect(other.windowAt(900)?.region).toBe(end === 'move' ? high : low);
      if (end !== 'space') expect(space.windowAt(5)?.region).toBe(low);
      other.validate();
      for (const one of [space, other, low, high, hogs]) one.destroy();
      expectEmpty(engine);
    }
  });

  test('nodes are there but no object: S-map, C-cookie and a region fail whole', () => {
    const { engine, space, low, hogs, pressure } = covered();
    const table = engine.offsetTable('cookie');
    for (let i = 0; i < 900; i++) hogs.insert(i * 2, i * 2, 1);
    pressure.exhaust();
    hogs.clear();
    const before = engine.live();
    for (const call of [() => space.map(0x8000, low), () => table.request(1, 4096)]) expect(outcome<unknown>(call)).toBe(ENOMEM);
    expect(engine.live()).toEqual(before);
    pressure.relieve(0, 2);
    for (let i = 0; i < 4; i++) expect(outcome(() => engine.region({ kind: 'ram', size: 1 }))).toBe(ENOMEM);
    expect(engine.live()).toEqual(before);
    pressure.relieveAll();
    expect(table.request(1, 4096)).toBe(4096n);
  });
});

describe('Regions and tables with no memory', () => {
  test('A-full a demand page that cannot be made ends the access with ENOMEM; a cycle over a page border makes both pages or none', () => {
    const engine = createEngine(LIMIT);
    const demand = engine.region({ kind: 'demand', size: 2n ** 40n });
    const pressure = new Pressure(engine);
    // A leaf holds twelve pages: the thirteenth needs another one.
    for (let i = 0; i < 12; i++) demand.write8(i * 4096, i === 0 ? 7 : i);
    pressure.exhaust();
    // Pages come in chunks of 16, so some are left in the slab, but no node to find one by.
    expect([outcome(() => demand.write8(12 * 4096, 1)), engine.live().pages]).toEqual([ENOMEM, 12]);
    pressure.relieveNodes();
    let page = 12;
    while (outcome(() => demand.write8(page * 4096, page & 0xff)) === undefined) page++;
    const pages = engine.live().pages;
    expect(pages).toBe(page);
    const far = 2n ** 39n;
    for (const call of [() => demand.write8(far, 1), () => demand.write32(far + 4094n, 1), () => demand.writeBytes(far, new Uint8Array(9)), () => demand.write64((page + 9) * 4096 - 4, MAX)]) {
      expect(outcome(call)).toBe(ENOMEM);
      expect(engine.live().pages).toBe(pages);
    }
    expect([demand.read8(0), demand.read8(4096 * (page - 1)), demand.read32(page * 4096 - 4)]).toEqual([7, (page - 1) & 0xff, 0]);
    // One page free: the first half of a write over a border could be made, so it must be taken back.
    demand.dropPages();
    for (let i = 0; i < pages - 1; i++) demand.write8(i * 4096, 1);
    expect(outcome(() => demand.write32(far + 4094n, 0x01020304))).toBe(ENOMEM);
    expect(engine.live().pages).toBe(pages - 1);
    expect(demand.read32(far + 4094n)).toBe(0);
    demand.write8(far, 3);
    expect(demand.read8(far)).toBe(3);
    pressure.relieveAll();
    demand.write32(far + 4094n, 0x01020304);
    expect(demand.read32(far + 4094n)).toBe(0x01020304);
    demand.destroy();
    expectEmpty(engine);
  });

  test('C a request that fails for memory has given nothing out and drawn no random number', () => {
    const [engine, other] = [createEngine(LIMIT), createEngine()];
    const [table, twin] = [engine.offsetTable('scattered', 77), other.offsetTable('scattered', 77)];
    const pressure = new Pressure(engine);
    pressure.exhaust();
    for (let index = 0; index < 40; index++) {
      expect(outcome(() => table.request(index, 4096))).toBe(ENOMEM);
      pressure.relieve(index * 7, 1);
    }
    pressure.relieveAll();
    for (let index = 0; index < 40; index++) expect(table.request(index, 4096)).toBe(twin.request(index, 4096));
    table.destroy();
    expectEmpty(engine);
  });

  test('A-full a long or nested block without a buffer is ENOMEM before its first cycle', () => {
    const engine = createEngine(LIMIT);
    const seen: unknown[] = [];
    let cycles = 0;
    const ram = engine.region({ kind: 'ram', size: 0x20000 });
    const hook = engine.region({ kind: 'hook', size: 0x20000, read: () => (cycles++, seen.push(outcome(() => ram.readBytes(0, new Uint8Array(1)))), 0) });
    const pressure = new Pressure(engine);
    pressure.exhaust();
    expect(outcome(() => hook.readBytes(0, new Uint8Array(0x10001)))).toBe(ENOMEM);
    expect(cycles).toBe(0);
    hook.read8(0);
    expect(seen).toEqual([ENOMEM]);
  });
});
