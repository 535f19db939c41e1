// Range maps in shared memory. A second instance in this thread is the reader here, so that each step is in a known order; the soak has real threads.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { RangeMap, SharedRangeArena, SharedRangeReader, type RangeReaderSeat, type SharedRangeView } from '../../src/range-map/shared.ts';
import { compile } from '../../src/webassembly/index.ts';

const NOTHING = { leaves: 0, innerNodes: 0, objects: 0 };
const builds = ['simd', 'scalar'] as const;
const errno = (code: string) => expect.objectContaining({ code });

/** An arena with a map of `n` rows, and a reader of it. */
function scene(n = 0) {
  const arena = new SharedRangeArena();
  const map = new RangeMap({ arena });
  for (let i = 0; i < n; i++) map.set(10 * i, 10 * i + 4, i + 1);
  const seat = arena.openReader();
  const reader = new SharedRangeReader(seat);
  const view = reader.map(arena.share(map));
  return { arena, map, seat, reader, view };
}

/** How many of the `n` rows of a scene a view does not show. */
function missing(view: SharedRangeView, n: number): number {
  let wrong = 0;
  for (let i = 0; i < n; i++) if (view.get(10 * i + 4) !== i + 1) wrong++;
  return wrong;
}

describe.each(builds)('in threads: %s', (build) => {
  test('two readers get no wrong answer beside a writer, and nothing is left', () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(__dirname, '../../scripts/soak.mjs'), '--lookups', '200000', '--writes', '4000', '--ranges', '512', '--build', build, '--json'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    const { lookups, writes, faults } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(lookups).toBeGreaterThanOrEqual(200_000);
    expect([writes, faults]).toEqual([4000, []]);
  }, 120_000);
});

describe('what a reader sees', () => {
  test('each write, in every way of asking', () => {
    const { map, view } = scene();
    expect(view.get(5)).toBeUndefined();
    map.set(0, 9, 1).set(20, 29, 2);
    expect([view.get(5), view.has(15), view.size]).toEqual([1, false, 2]);
    expect([...view]).toEqual([[0, 9, 1], [20, 29, 2]]);
    expect(view.find(10)).toEqual({ first: 20, last: 29, value: 2 });
    expect(view.previous(20)).toEqual({ first: 0, last: 9, value: 1 });
    expect(view.at(12)).toEqual({ first: 10, last: 19, value: 0 });
    expect(view.lowestGap({ size: 10 })).toBe(10);
    expect([...view.getMany(Float64Array.of(0, 10, 20))]).toEqual([1, 0, 2]);
    expect([...view.getMany(new Float64Array(1000).fill(3))]).toEqual(new Array(1000).fill(1));
    expect(view.toBytes()).toEqual(map.toBytes());
    map.erase(3);
    expect(view.get(5)).toBeUndefined();
    map.clear();
    expect([...view]).toEqual([]);
    map.bulkLoad([[1, 2, 3]]);
    expect(view.get(2)).toBe(3);
  });

  test('bigint keys', () => {
    const { arena, reader } = scene();
    const map = new RangeMap([[2n ** 63n, 2n ** 64n - 1n, 7]], { keys: 'bigint', arena });
    expect(reader.map(arena.share(map)).find(0n)).toEqual({ first: 2n ** 63n, last: 2n ** 64n - 1n, value: 7 });
  });

  test('a snapshot as it was, until it is destroyed', () => {
    const { arena, map, reader, view } = scene(500);
    const snapshot = map.snapshot();
    const old = reader.map(arena.share(snapshot));
    map.clear();
    for (let i = 0; i < 500; i++) map.set(7 * i, 7 * i + 6, 9);
    reader.renew();
    expect([missing(old, 500), old.size, view.get(5)]).toEqual([0, 500, 9]);
    snapshot.destroy();
    expect(old.get(4)).toBeUndefined();
    expect(() => [...old]).toThrow(errno('EBADF'));
  });

  test('a map that is destroyed: nothing, and no other map under its handle', () => {
    const { arena, map, reader, view } = scene(100);
    map.destroy();
    const others = Array.from({ length: 50 }, () => new RangeMap([[0, 2000, 77]], { arena }));
    expect(view.get(5)).toBeUndefined();
    expect(() => [...view]).toThrow(errno('EBADF'));
    reader.renew();
    arena.collect();
    others.push(new RangeMap([[0, 2000, 77]], { arena }));
    expect(view.get(5)).toBeUndefined();
    expect(() => arena.share(map)).toThrow(errno('EBADF'));
  });

  test('a record is not used again while a reader is in its turn', () => {
    const { arena, map, reader } = scene(1);
    const index = (handle: number) => handle & 0xfffff;
    const ended = index(arena.share(map).handle);
    map.destroy();
    expect(index(arena.share(new RangeMap({ arena })).handle)).not.toBe(ended);
    reader.renew();
    arena.collect();
    expect(index(arena.share(new RangeMap({ arena })).handle)).toBe(ended);
  });
});

describe('together', () => {
  test('none of it while it runs, all of it afterwards, also what was written before a throw', () => {
    const { arena, map, view } = scene();
    expect(arena.together(map, () => (map.set(0, 1, 1).set(5, 6, 2), view.size))).toBe(0);
    expect(view.size).toBe(2);
    expect(() => arena.together(map, () => (map.set(8, 9, 3), JSON.parse('{')))).toThrow(SyntaxError);
    expect(view.get(8)).toBe(3);
  });

  test('inside another of the same map it is a part of that; of another map EBUSY', () => {
    const { arena, map, view } = scene();
    const other = new RangeMap({ arena });
    arena.together(map, () => {
      map.set(0, 1, 1);
      arena.together(map, () => map.set(5, 6, 2));
      expect(() => arena.together(other, () => 0)).toThrow(errno('EBUSY'));
      expect(view.size).toBe(0);
    });
    expect(view.size).toBe(2);
    expect(arena.together(other, () => 1)).toBe(1);
  });

  const beside: [string, (arena: SharedRangeArena, held: { destroy(): void }) => void][] = [
    ['another map is written', (arena) => void new RangeMap([[1, 2, 3]], { arena })],
    ['another map is destroyed', (arena) => new RangeMap([[1, 2, 3]], { arena }).destroy()],
    ['the snapshot that held its nodes is destroyed', (_arena, snapshot) => snapshot.destroy()],
  ];
  test.each(beside)('what readers still see is not used again when %s', (_what, change) => {
    const { arena, map, reader, view } = scene(2000);
    const snapshot = map.snapshot();
    if (!_what.includes('snapshot')) snapshot.destroy();
    const other = new RangeMap({ arena });
    arena.together(map, () => {
      map.clear();
      change(arena, snapshot);
      // A turn that begins now finds the map as it was.
      reader.renew();
      for (let i = 0; i < 3000; i++) other.set(7 * i, 7 * i + 3, 0xdead);
      arena.collect();
      expect(missing(view, 2000)).toBe(0);
      view.validate();
    });
    expect(view.size).toBe(0);
    reader.renew();
    expect(arena.collect()).toBe(0);
    map.destroy();
    other.destroy();
  });

  test('a map that is destroyed in it takes nothing with it', () => {
    const { arena, map, reader, view } = scene(500);
    arena.together(map, () => {
      map.eraseRange(0, 2000);
      new RangeMap([[1, 2, 3]], { arena }).destroy();
      reader.renew();
      map.destroy();
    });
    expect(view.get(3000)).toBeUndefined();
    expect(arena.collect()).toBeGreaterThan(0);
    reader.renew();
    expect(arena.collect()).toBe(0);
  });
});

describe('turns', () => {
  test('a reader that does not renew keeps nodes waiting; renewing, pausing and closing let them go', () => {
    const { arena, map, seat, reader, view } = scene();
    const churn = () => {
      for (let i = 0; i < 200; i++) map.set(i, i + 3, i + 1);
      return arena.collect();
    };
    expect(churn()).toBeGreaterThan(100);
    reader.renew();
    expect(arena.collect()).toBe(0);
    expect(churn()).toBeGreaterThan(100);
    reader.pause();
    expect(arena.collect()).toBe(0);
    expect(churn()).toBe(0);
    expect(() => view.get(1)).toThrow(errno('EBUSY'));
    expect(() => reader.map(arena.share(map)).get(1)).toThrow(errno('EBUSY'));
    reader.renew();
    expect(view.get(1)).toBe(2);
    expect(churn()).toBeGreaterThan(100);
    arena.closeReader(seat);
    expect(arena.collect()).toBe(0);
  });

  test('an iterator goes on behind its last row after renewing', () => {
    const { map, reader, view } = scene(100);
    const rows = view.keys();
    expect(rows.next().value).toEqual([0, 4]);
    map.eraseRange(10, 499);
    reader.renew();
    expect(rows.next().value).toEqual([500, 504]);
  });

  test('a view that is destroyed is EBADF, and renewing does not bring it back', () => {
    const { reader, view } = scene(1);
    view.destroy();
    reader.renew();
    expect(() => view.get(0)).toThrow(errno('EBADF'));
  });
});

describe('refusals', () => {
  test("writes and cursors through a reader's instance are EROFS", () => {
    const { arena, map, view } = scene(3);
    expect(() => view.cursor()).toThrow(errno('EROFS'));
    const { exports } = (view as unknown as { arena: { exports: Record<string, (...args: unknown[]) => number> } }).arena;
    const { handle } = arena.share(map);
    const before = [...map];
    const EROFS = -30;
    const calls: Record<string, unknown[]> = {
      treeStore: [handle, 0n, 1n, 1], treeInsert: [handle, 100n, 101n, 1], treeClear: [handle], treeDestroy: [handle], treeSnapshot: [handle], treeCreate: [], treeHold: [handle], treeRelease: [handle], readerOpen: [], readerClose: [1], treeAllocate: [handle, 1n, 1n, 0n, 9n, 1, 0],
    };
    for (const [name, args] of Object.entries(calls)) expect([name, exports[name]!(...args)]).toEqual([name, EROFS]);
    expect([exports.treeErase!(handle, 0n), exports.takeBuffer!(100)]).toEqual([0, 0]);
    expect([...map]).toEqual(before);
  });

  test('closed seats are EBADF, of another arena too; what is no seat is a TypeError', () => {
    const { arena, seat } = scene();
    arena.closeReader(seat);
    expect(() => arena.closeReader(seat)).toThrow(errno('EBADF'));
    expect(() => new SharedRangeReader(seat)).toThrow(errno('EBADF'));
    expect(() => new SharedRangeArena().closeReader(arena.openReader())).toThrow(errno('EBADF'));
    for (const bad of [undefined, null, 5, {}, { reader: 1 }, { ...seat, reader: '1' }]) expect(() => new SharedRangeReader(bad as RangeReaderSeat)).toThrow(TypeError);
  });

  test('what is of another arena, or no map, is not shared', () => {
    const { arena } = scene();
    expect(() => arena.share(new RangeMap({ arena: new SharedRangeArena() }))).toThrow(RangeError);
    expect(() => arena.share({} as RangeMap)).toThrow(TypeError);
    expect(() => new SharedRangeArena({ memoryLimit: 1 })).toThrow(RangeError);
    expect(() => new SharedRangeArena({ module: compile(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) })).toThrow(TypeError);
  });

  test('memory that is full is ENOMEM, with nothing half done', () => {
    const arena = new SharedRangeArena({ memoryLimit: 2 ** 20 });
    const map = new RangeMap({ arena });
    const seat = arena.openReader();
    const reader = new SharedRangeReader(seat);
    const view = reader.map(arena.share(map));
    let n = 0;
    expect(() => {
      for (; ; n++) map.set(10 * n, 10 * n + 4, n + 1);
    }).toThrow(errno('ENOMEM'));
    expect(n).toBeGreaterThan(100);
    map.validate();
    view.validate();
    expect([map.size, view.size, missing(view, n)]).toEqual([n, n, 0]);
    // The nodes that the reader's first turn kept are what is missing.
    expect(arena.collect()).toBeGreaterThan(0);
    reader.renew();
    expect(arena.collect()).toBe(0);
    map.set(10 * n, 10 * n + 4, n + 1);
    expect(view.get(10 * n)).toBe(n + 1);
    expect(() => {
      for (;;) arena.openReader();
    }).toThrow(errno('ENOMEM'));
    map.validate();
  });
});

test('everything destroyed and every seat closed: nothing is alive', () => {
  const { arena, map, seat, reader, view } = scene(1000);
  const snapshots = Array.from({ length: 5 }, (_, i) => (map.set(i, 1000 * i + 3, 7), map.snapshot()));
  arena.together(map, () => map.eraseRange(100, 5000));
  reader.renew();
  for (const one of [snapshots[2]!, map, snapshots[4]!, snapshots[0]!, snapshots[1]!, snapshots[3]!]) one.destroy();
  view.destroy();
  expect(arena.collect()).toBeGreaterThan(0);
  arena.closeReader(seat);
  expect(arena.collect()).toBe(0);
  expect(arena.live()).toEqual(NOTHING);
});
