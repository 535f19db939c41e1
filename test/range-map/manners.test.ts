// What Map promises, and what RangeMap therefore does; writes while an iteration is under way; the life of maps and arenas.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { RangeArena, RangeMap, RangeSnapshot } from '../../src/range-map/index.ts';

const rows = [[10, 19, 1], [20, 29, 2], [40, 49, 3]] as const;

describe('as Map', () => {
  test('the example of the documentation', () => {
    const map = new RangeMap([[0x1000, 0x1fff, 1]]);
    map.set(0x1800, 0x2fff, 2);
    expect(map.get(0x17ff)).toBe(1);
    expect([...map]).toEqual([[0x1000, 0x17ff, 1], [0x1800, 0x2fff, 2]]);
    expect(map.allocate({ size: 0x1000, alignment: 0x1000, value: 3 })).toBe(0);
    const before = map.snapshot();
    expect(map.delete(0x2000)).toBe(true);
    expect([map.get(0x2000), before.get(0x2000)]).toEqual([undefined, 2]);
    before.destroy();
  });

  test('get, has, set, delete, size, clear', () => {
    const map = new RangeMap();
    expect(map.set(5, 1).set(10, 19, 0xffff_ffff)).toBe(map);
    expect([map.get(5), map.get(15), map.get(6)]).toEqual([1, 0xffff_ffff, undefined]);
    expect([map.has(5), map.has(6), map.size]).toEqual([true, false, 2]);
    expect([map.delete(12), map.delete(12), map.size]).toEqual([true, false, 1]);
    map.clear();
    expect([map.size, [...map]]).toEqual([0, []]);
  });

  test('entries, keys, values and the map itself are iterables, in ascending order', () => {
    const map = new RangeMap(rows);
    expect([...map.entries()]).toEqual(rows);
    expect([...map]).toEqual(rows);
    expect([...map.keys()]).toEqual(rows.map(([first, last]) => [first, last]));
    expect([...map.values()]).toEqual([1, 2, 3]);
    expect(new Map(Array.from(map, ([first, , value]) => [first, value])).get(20)).toBe(2);
    expect(Object.prototype.toString.call(map)).toBe('[object RangeMap]');
    expect(Object.prototype.toString.call(map.entries())).toBe('[object RangeMap Iterator]');
    expect(Object.prototype.toString.call(map.snapshot())).toBe('[object RangeSnapshot]');
    expect(map.constructor.name).toBe('RangeMap');
  });

  test('an iterator that has ended stays so, by itself or by return', () => {
    const map = new RangeMap(rows);
    const iterator = map.values();
    expect([...iterator]).toEqual([1, 2, 3]);
    map.set(100, 9);
    expect(iterator.next()).toEqual({ done: true, value: undefined });
    const broken = map.values();
    for (const value of broken) if (value === 1) break;
    expect(broken.next().done).toBe(true);
  });

  test('forEach hands over value, range and map, with the given this', () => {
    const map = new RangeMap(rows);
    const seen: unknown[] = [];
    map.forEach(function (this: unknown, value, range, of) {
      seen.push([value, range, of === map, this]);
    }, 'me');
    expect(seen).toEqual(rows.map(([first, last, value]) => [value, [first, last], true, 'me']));
  });

  test('what is written while an iteration is under way is seen, and what is gone is not', () => {
    const map = new RangeMap();
    for (let i = 0; i < 1000; i++) map.set(i * 10, i * 10 + 3, i + 1);
    const seen: number[] = [];
    for (const [first] of map) {
      seen.push(first);
      map.delete(first);
      if (first === 50) map.eraseRange(60, 9_899).set(70, 7);
      if (first === 9_990) map.set(20_000, 1);
    }
    expect(seen).toEqual([0, 10, 20, 30, 40, 50, 70, ...Array.from({ length: 10 }, (_, i) => 9_900 + i * 10), 20_000]);
    expect(map.size).toBe(0);
  });

  test('a reverse walk goes on before the last row delivered', () => {
    const map = new RangeMap(rows);
    const seen: number[] = [];
    for (const { first } of map.walk(0, 100, { reverse: true })) {
      seen.push(first);
      if (first === 40) map.set(5, 9).eraseRange(20, 25);
    }
    expect(seen).toEqual([40, 26, 10, 5]);
  });

  test('entries that are not in order are stored one after another', () => {
    expect([...new RangeMap([[10, 19, 1], [5, 12, 2], [30, 30, 3]])]).toEqual([[5, 12, 2], [13, 19, 1], [30, 30, 3]]);
    expect([...new RangeMap(new RangeMap(rows))]).toEqual(rows);
    expect([...new RangeMap(null)]).toEqual([]);
  });
});

describe('the two kinds of keys', () => {
  test('numbers end at 2^53-1: gaps are cut there', () => {
    const end = Number.MAX_SAFE_INTEGER;
    const map = new RangeMap();
    expect(map.at(7)).toEqual({ first: 0, last: end, value: 0 });
    expect(map.highestGap({ size: 1 })).toBe(end);
    expect(map.allocateCyclic({ size: 1, next: end, value: 1 })).toEqual({ first: end, next: end + 1, wrapped: false });
    expect(map.allocateCyclic({ size: 1, next: end + 1, value: 1 })).toEqual({ first: 0, next: 1, wrapped: true });
    expect([...map.walk(0, end, { gaps: true })].at(-1)).toEqual({ first: end, last: end, value: 1 });
    expect(map.cursor(end).nextRange()).toEqual({ first: end, last: end, value: 1 });
  });

  test('bigints end at 2^64-1', () => {
    const end = 2n ** 64n - 1n;
    const map = new RangeMap({ keys: 'bigint' });
    expect(map.at(7n)).toEqual({ first: 0n, last: end, value: 0 });
    expect(map.allocate({ size: 0x10n, value: 5, fromTop: true })).toBe(end - 15n);
    expect(map.get(end)).toBe(5);
    map.clear();
    expect(map.allocateCyclic({ size: 1n, next: end, value: 1 })).toEqual({ first: end, next: 0n, wrapped: false });
    expect(map.allocateCyclic({ size: 1n, next: 0n, value: 1 })).toEqual({ first: 0n, next: 1n, wrapped: true });
    expect([...RangeMap.fromSorted(BigUint64Array.of(1n), BigUint64Array.of(end), Uint32Array.of(3))]).toEqual([[1n, end, 3]]);
    expect([...new RangeMap([[1n, 2n, 3]], { keys: 'bigint' })]).toEqual([[1n, 2n, 3]]);
  });
});

describe('the life of maps', () => {
  test('maps without an arena share one; destroy returns everything, twice is once', () => {
    expect(new RangeMap().arena).toBe(new RangeMap().arena);
    const arena = new RangeArena({ memoryLimit: 2 ** 22 });
    const map = new RangeMap(rows, { arena });
    const snapshot = map.snapshot();
    expect(snapshot).toBeInstanceOf(RangeSnapshot);
    const cursor = map.cursor();
    expect(arena.live()).toEqual({ leaves: 1, innerNodes: 0, objects: expect.any(Number) });
    expect(arena.memoryBytes).toBeGreaterThan(0);
    cursor.destroy();
    cursor.destroy();
    map.destroy();
    map.destroy();
    expect([...snapshot.duplicate()]).toEqual(rows);
    expect([...snapshot]).toEqual(rows);
    snapshot.destroy();
  });

  test('explicit resource management ends a map', () => {
    const map = new RangeMap(rows);
    map[Symbol.dispose]();
    expect(() => map.size).toThrow('EBADF: RangeMap.size: the map is destroyed');
  });

  test('a map, a snapshot and a cursor that nothing refers to are returned by the garbage collector', () => {
    // In a process of its own, where nothing but the program holds on to what it made.
    const program = `
      import { RangeArena, RangeMap } from ${JSON.stringify(pathToFileURL(join(__dirname, '../../dist/esm/range-map/index.js')).href)};
      const arena = new RangeArena();
      function drop() {
        const map = new RangeMap([[10, 19, 1]], { arena });
        map.cursor().next();
        map.snapshot();
      }
      drop();
      const before = arena.live().objects;
      for (let turn = 0; turn < 2000 && arena.live().objects > 0; turn++) {
        gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
      console.log(JSON.stringify([before > 2, arena.live()]));
    `;
    const printed = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual([true, { leaves: 0, innerNodes: 0, objects: 0 }]);
  });

  test('views of memory that has grown are taken anew', () => {
    const arena = new RangeArena();
    const map = new RangeMap({ arena });
    map.set(1, 2, 3);
    const bytes = arena.memoryBytes;
    for (let i = 0; arena.memoryBytes === bytes; i++) map.set(10 + 2 * i, 1);
    expect(map.find(0)).toEqual({ first: 1, last: 2, value: 3 });
    expect(map.values().next().value).toBe(3);
  });
});

describe('a full arena', () => {
  const fill = (map: RangeMap, from: number) => {
    for (let i = from; ; i++) {
      try {
        map.insert(i * 2, i * 2, 1);
      } catch (error) {
        expect(String(error)).toMatch(/ENOMEM: RangeMap.insert: 0x[0-9a-f]+\.\.0x[0-9a-f]+ = 1/);
        return i;
      }
    }
  };

  test('ENOMEM leaves a map as it was', () => {
    const arena = new RangeArena({ memoryLimit: 2 ** 20 });
    const map = new RangeMap({ arena });
    const n = fill(map, 0);
    map.validate();
    expect(map.size).toBe(n);
    expect(() => map.duplicate()).toThrow('ENOMEM');
    expect(() => RangeMap.fromSorted(new Float64Array(60_000).map((_, i) => i * 2), new Float64Array(60_000).map((_, i) => i * 2), new Uint32Array(60_000).fill(1), { arena })).toThrow('ENOMEM');
    expect(map.size).toBe(n);
    map.destroy();
    expect(arena.live()).toEqual({ leaves: 0, innerNodes: 0, objects: 0 });
  });

  test('R-snapshot a write to nodes that a snapshot holds too is ENOMEM when there are none for copies, an erase also', () => {
    const arena = new RangeArena({ memoryLimit: 2 ** 20 });
    const map = new RangeMap({ arena });
    for (let i = 0; i < 2000; i++) map.set(i * 10, i + 1);
    const snapshot = map.snapshot();
    const hog = new RangeMap({ arena });
    const taken = fill(hog, 0);
    expect(taken).toBeGreaterThan(0);
    expect(() => map.set(5, 1)).toThrow('ENOMEM: RangeMap.set');
    expect(() => map.delete(10_000)).toThrow('ENOMEM: RangeMap.erase');
    expect(map.delete(10_001)).toBe(false);
    hog.destroy();
    expect(map.delete(10_000)).toBe(true);
    expect([...map.deleteMany(Float64Array.of(20, 21))]).toEqual([3, 0]);
    expect(snapshot.size).toBe(2000);
    snapshot.validate();
    map.validate();
    map.destroy();
    snapshot.destroy();
    expect(arena.live()).toEqual({ leaves: 0, innerNodes: 0, objects: 0 });
  });
});
