// The raw exports, which other Wasm modules may call without a façade in front: their own EINVAL, EBADF and EBUSY, and handles that go stale.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { expectEmpty } from './adapter.ts';

const MAX_SIGNED = -1n; // 2^64-1 as an i64
const [EBADF, EBUSY, EINVAL] = [-9, -16, -22];

describe('handles', () => {
  test('a handle is never negative, however often its place was used before, and goes stale at once', () => {
    const { core } = createEngine();
    const { exports } = core;
    const seen = new Set<number>();
    for (let i = 0; i < 5000; i++) {
      const handle = exports.spaceCreate();
      expect(handle).toBeGreaterThan(0);
      if (i < 2047) expect(seen.has(handle)).toBe(false);
      seen.add(handle);
      expect(exports.spaceDestroy(handle)).toBe(0);
      expect(exports.spaceDestroy(handle)).toBe(EBADF);
    }
  });

  test('a handle of another kind is EBADF', () => {
    const engine = createEngine();
    const { exports } = engine.core;
    const [space, region, tree, table] = [engine.space().handle, engine.region({ kind: 'ram', size: 8 }).handle, engine.rangeStore().handle, exports.cookieTableCreate(1, 1)];
    for (const wrong of [region, tree, table]) expect([exports.spaceDestroy(wrong), exports.spaceRead(wrong, 0n, 1), exports.spaceMap(wrong, 0n, 1n, region, 0n, 0, 0)]).toEqual([EBADF, EBADF, EBADF]);
    for (const wrong of [space, tree, table]) expect([exports.regionDestroy(wrong), exports.regionRead(wrong, 0n, 1), exports.spaceMap(space, 0n, 1n, wrong, 0n, 0, 0)]).toEqual([EBADF, EBADF, EBADF]);
    for (const wrong of [space, region, table]) expect([exports.treeDestroy(wrong), exports.treeCount(wrong), exports.cursorCreate(wrong, 0n), exports.windowMove(wrong, 0n)]).toEqual([EBADF, EBADF, EBADF, EBADF]);
    expect(engine.live().objects).toBe(4);
  });

  test('R-cursor a cursor whose store has ended answers nothing', () => {
    const { exports } = createEngine().core;
    const tree = exports.treeCreate();
    exports.treeStore(tree, 5n, 6n, 7);
    const cursor = exports.cursorCreate(tree, 0n);
    expect(exports.cursorNext(cursor, MAX_SIGNED)).toBe(7);
    exports.treeDestroy(tree);
    expect([exports.cursorNext(cursor, MAX_SIGNED), exports.cursorPrevious(cursor, 0n), exports.cursorDestroy(cursor), exports.cursorDestroy(cursor)]).toEqual([0, 0, 0, EBADF]);
  });
});

describe('EINVAL', () => {
  test('regionCreate checks kind, size, widths and flags', () => {
    const engine = createEngine();
    const { exports } = engine.core;
    for (const [kind, size, min, max, flags] of [[0, 1n, 1, 8, 0], [5, 1n, 1, 8, 0], [1, 0n, 1, 8, 0], [2, -(2n ** 63n) + 1n, 1, 8, 0], [1, 8n, 3, 8, 0], [1, 8n, 1, 6, 0], [1, 8n, 0, 8, 0], [1, 8n, 8, 4, 0], [1, 8n, 1, 8, 4]] as const) {
      expect(exports.regionCreate(kind, size, min, max, flags)).toBe(EINVAL);
    }
    expectEmpty(engine);
  });

  test('S-map S-alias S-move R-order A-width C: the core checks what the façade checks', () => {
    const engine = createEngine();
    const { exports } = engine.core;
    const space = engine.space();
    const region = engine.region({ kind: 'ram', size: 16 });
    const window = space.map(0x1000, region).handle;
    for (const [start, size, position] of [[0n, 0n, 0n], [MAX_SIGNED, 2n, 0n], [0n, 17n, 0n], [0n, 16n, 1n], [0n, MAX_SIGNED, MAX_SIGNED], [0n, 1n, 16n]] as const) {
      expect(exports.spaceMap(space.handle, start, size, region.handle, position, 0, 0)).toBe(EINVAL);
      expect(exports.windowAlias(window, position, size, space.handle, start, 0, 0)).toBe(EINVAL);
    }
    expect(exports.windowMove(window, -15n)).toBe(EINVAL);
    expect([exports.spaceIsClaimed(space.handle, 0n, 0n), exports.spaceIsClaimed(space.handle, MAX_SIGNED, 2n), exports.spaceIsClaimed(space.handle, 0x1000n, 16n)]).toEqual([EINVAL, EINVAL, 1]);
    for (const width of [0, 3, 5, 8, 9, 0x8000_0000, -1]) expect([exports.spaceRead(space.handle, 0x1000n, width), exports.regionRead(region.handle, 0n, width)]).toEqual([EINVAL, EINVAL]);
    for (const width of [0, 3, 5, 9, 0x8000_0000, -1]) expect([exports.spaceWrite(space.handle, 0x1000n, width, 1n), exports.regionWrite(region.handle, 0n, width, 1n)]).toEqual([EINVAL, EINVAL]);
    expect([exports.cookieTableCreate(3, 1), exports.cookieTableCreate(2, 0), exports.ringOpen(3), exports.ringOpen(2 ** 25), exports.regionDropPages(region.handle), exports.liveCount(5), exports.liveCount(99)]).toEqual([EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, -1, -1]);
    const table = exports.cookieTableCreate(0, 0);
    expect([exports.cookieRequest(table, 2 ** 22, 1n), exports.cookieResolve(table, 0n)]).toEqual([EINVAL, -6]);
    const tree = exports.treeCreate();
    expect([exports.treeWalk(tree, 2n, 1n, 0, 0, 0), exports.treeStore(tree, 2n, 1n, 1), exports.treeInsert(tree, 2n, 1n, 1), exports.treeInsert(tree, 1n, 1n, 0), exports.treeAllocate(tree, 1n, 1n, 0n, 9n, 0, 0)]).toEqual([EINVAL, EINVAL, EINVAL, EINVAL, EINVAL]);
    expect([space.unclaimed, exports.spaceUnclaimed(space.handle, 3), exports.takeBuffer(0)]).toEqual([{ reads: 0, writes: 0 }, 0, 0]);
  });

  test('numbers that are no integers do not trap where an export takes an f64', () => {
    const engine = createEngine();
    const { exports } = engine.core;
    const space = engine.space().handle;
    const region = engine.region({ kind: 'ram', size: 8 }).handle;
    const tree = exports.treeCreate();
    for (const value of [Number.NaN, -1, 0.5, 1e300, Infinity, -Infinity]) {
      for (const call of [() => exports.spaceReadF(space, value, 1), () => exports.spaceRead64F(space, value), () => exports.spaceWriteF(space, value, 1, 0, 0), () => exports.regionReadF(region, value, 1), () => exports.regionRead64F(region, value), () => exports.regionWriteF(region, value, 1, 0, 0), () => exports.treeLoadF(tree, value), () => exports.cookieResolveF(0, value)]) {
        expect(call).not.toThrow();
      }
    }
    createEngine().core.exports.limitMemory(Number.NaN);
  });
});

describe('S-deferred EBUSY', () => {
  test('the core refuses every change of the topology while a hook runs', () => {
    const engine = createEngine();
    const { exports } = engine.core;
    const [space, ram] = [engine.space(), engine.region({ kind: 'ram', size: 8 })];
    const window = space.map(0x100, ram).handle;
    let answers: number[] = [];
    const hook = engine.region({
      kind: 'hook',
      size: 1,
      read: () => {
        answers = [
          exports.spaceMap(space.handle, 0n, 1n, ram.handle, 0n, 0, 0), exports.windowAlias(window, 0n, 1n, space.handle, 0n, 0, 0), exports.windowMove(window, 0n), exports.windowUnmap(window),
          exports.regionDestroy(ram.handle), exports.spaceDestroy(space.handle), exports.accessInFlight(),
        ];
        return 0;
      },
    });
    hook.read8(0);
    expect(answers).toEqual([EBUSY, EBUSY, EBUSY, EBUSY, EBUSY, EBUSY, 1]);
    expect([exports.accessInFlight(), exports.windowUnmap(window), exports.spaceWindowAt(space.handle, 0x100n)]).toEqual([0, 0, 0]);
    exports.nothing();
  });
});

describe('demand pages', () => {
  test('dropPages forgets every page and gives it back; the region reads zero again', () => {
    const engine = createEngine();
    const demand = engine.region({ kind: 'demand', size: 2n ** 63n });
    for (let i = 0; i < 40; i++) demand.write64(BigInt(i) * 2n ** 50n + 4092n, 2n ** 64n - 1n);
    expect(engine.live().pages).toBe(80);
    demand.dropPages();
    expect([engine.live().pages, engine.live().nodes, demand.read64(4092)]).toEqual([0, 0, 0n]);
    demand.write8(0, 1);
    expect(demand.read64(0)).toBe(1n);
    // The same through a window, where the page was met before.
    const space = engine.space();
    space.map(0, demand);
    space.write8(1, 2);
    expect([space.read16(0), space.read16(0)]).toEqual([0x0201, 0x0201]);
    demand.dropPages();
    expect(space.read16(0)).toBe(0);
    space.destroy();
    demand.destroy();
    expectEmpty(engine);
  });
});

test('a buffer outside linear memory is refused, not a trap', () => {
  const engine = createEngine();
  const { exports } = engine.core;
  const space = engine.space();
  const region = engine.region({ kind: 'ram', size: 64 });
  space.map(0, region);
  const tree = exports.treeCreate();
  const end = exports.memory.buffer.byteLength;
  for (const [address, over] of [[end, 1], [end - 8, 9], [0xffff_fff8, 8], [0xffff_ffff, 0xffff_ffff], [-1, 1]] as const) {
    for (const writes of [0, 1]) expect([exports.spaceBlock(space.handle, 0n, address, over, writes), exports.regionBlock(region.handle, 0n, address, Math.min(over, 64), writes)]).toEqual([EINVAL, EINVAL]);
    expect([exports.treeWalk(tree, 0n, MAX_SIGNED, 1, address, 1), exports.treeBulk(tree, address, 1), exports.batchRun(address, 1)]).toEqual([EINVAL, EINVAL, 1]);
  }
  expect(exports.spaceBlock(space.handle, 0n, end - 8, 8, 0)).toBe(0);
  expect(exports.treeCount(tree)).toBe(0);
});

test('something that is no region or space is named, not dereferenced', () => {
  const engine = createEngine();
  const space = engine.space();
  const window = space.map(0, engine.region({ kind: 'ram', size: 64 }));
  for (const nothing of [undefined, null, 5, 'bar', {}]) {
    expect(() => space.map(0, nothing as never)).toThrow(/^Space\.map: .* expected a region or space/);
    expect(() => window.alias(nothing as never, 0)).toThrow(/^Window\.alias: .* expected a region or space/);
  }
});
