// Random steps on a RangeMap with either kind of keys, run on the map and on the reference side by side.

import { deepStrictEqual } from 'node:assert/strict';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { RangeMap, type RangeArena, type RangeMapCursor, type RangeMapEntry, type RangeReader, type RangeSnapshot } from '../../src/range-map/index.ts';
import { answer, outcome } from '../core/adapter.ts';
import { U64_MAX, ReferenceRangeStore, smaller, valueOf, type Entry, type ReferenceCursor } from '../reference/index.ts';

type Index = number | bigint;
export type Keys = 'number' | 'bigint';

export const END = { number: 2n ** 53n - 1n, bigint: U64_MAX };

/** A map, a snapshot and their references, whatever the keys. */
type AnyMap = RangeMap<Index>;
type AnySnapshot = RangeSnapshot<Index>;

export interface World {
  readonly keys: Keys;
  readonly arena: RangeArena;
  map: AnyMap;
  ref: ReferenceRangeStore;
  cursors: [RangeMapCursor<Index>, ReferenceCursor] | undefined;
  /** Snapshots and copies that are alive, with what they must hold. */
  readonly held: [AnySnapshot | AnyMap, ReferenceRangeStore][];
}

export function newMap(keys: Keys, arena: RangeArena): AnyMap {
  return (keys === 'number' ? new RangeMap({ arena }) : new RangeMap({ keys: 'bigint', arena })) as unknown as AnyMap;
}

export function newWorld(keys: Keys, arena: RangeArena): World {
  return { keys, arena, map: newMap(keys, arena), ref: new ReferenceRangeStore(), cursors: undefined, held: [] };
}

/** Everything that the world holds is released. */
export function close(world: World): void {
  world.cursors?.[0].destroy();
  world.map.destroy();
  for (const [one] of world.held) one.destroy();
}

/** An index, and ranges, within the domain: crowded at its ends and around 2^32. */
function indices(keys: Keys): fc.Arbitrary<bigint> {
  const end = END[keys];
  return fc.oneof(
    { weight: 6, arbitrary: fc.bigInt(0n, 200n) },
    { weight: 4, arbitrary: fc.bigInt(0n, 200n).map((n) => end - n) },
    { weight: 2, arbitrary: fc.bigInt(0n, 400n).map((n) => 2n ** 32n - 200n + n) },
    { weight: 1, arbitrary: fc.bigInt(0n, end) },
  );
}

function ranges(keys: Keys): fc.Arbitrary<[bigint, bigint]> {
  const index = indices(keys);
  return fc.oneof(
    { weight: 8, arbitrary: fc.tuple(index, fc.bigInt(0n, 6n)).map(([first, more]): [bigint, bigint] => [first, smaller(first + more, END[keys])]) },
    { weight: 2, arbitrary: fc.tuple(index, index).map(([a, b]): [bigint, bigint] => (a < b ? [a, b] : [b, a])) },
    { weight: 1, arbitrary: fc.tuple(index, index) },
  );
}

export function steps(keys: Keys) {
  const index = indices(keys);
  const range = ranges(keys);
  const value = fc.integer({ min: 1, max: 0xffff_ffff });
  const size = fc.oneof(fc.bigInt(0n, 12n), fc.bigInt(0n, 10n).map((n) => 1n << (5n * n)), fc.constant(END[keys]));
  const alignment = fc.oneof(fc.nat({ max: 20 }).map((n) => 1n << BigInt(n)), fc.constantFrom(0n, 3n, 2n ** 52n));
  const rows = fc.array(fc.tuple(range, value), { maxLength: 30 });
  const at = fc.nat();
  return fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('set' as const), range, value }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('insert' as const), range, value }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('eraseRange' as const), range }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('erase' as const), index }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('look' as const), index, limit: index, on: at }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('walk' as const), range, gaps: fc.boolean(), reverse: fc.boolean(), on: at }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('gap' as const), size, alignment, range, value, fromTop: fc.boolean(), how: fc.constantFrom('look', 'allocate', 'cyclic'), next: index }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('cursor' as const), up: fc.boolean(), gaps: fc.boolean(), limit: fc.option(index), fresh: fc.option(index) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('batch' as const), rows, how: fc.constantFrom('insert', 'set', 'delete', 'get') }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('hold' as const), how: fc.constantFrom('snapshot', 'duplicate') }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), on: at }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('bytes' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
  );
}
export type Step = ReturnType<typeof steps> extends fc.Arbitrary<infer T> ? T : never;

/** A key of the world's kind. */
function key(world: World, index: bigint): Index {
  return world.keys === 'number' ? Number(index) : index;
}

/** An entry of the reference as the map shows it: its keys' kind, cut at the end of the domain. */
function shown(world: World, entry: Entry | undefined): RangeMapEntry<Index> | undefined {
  return entry && { first: key(world, entry.first), last: key(world, smaller(entry.last, END[world.keys])), value: entry.value };
}

function columns(world: World, rows: readonly [[bigint, bigint], number][]) {
  const column = (pick: (range: [bigint, bigint]) => bigint) =>
    world.keys === 'number' ? Float64Array.from(rows, ([range]) => Number(pick(range))) : BigUint64Array.from(rows, ([range]) => pick(range));
  return { firsts: column(([first]) => first) as BigUint64Array, lasts: column(([, last]) => last) as BigUint64Array, values: Uint32Array.from(rows, ([, value]) => value) };
}

export function run(world: World, s: Step): void {
  const { map, ref, held } = world;
  const k = (index: bigint) => key(world, index);
  // Reading steps go to a snapshot or copy at times.
  const target = (on: number): [RangeReader<Index>, ReferenceRangeStore] => [[map, ref] as const, ...held][on % (held.length + 1)] as [RangeReader<Index>, ReferenceRangeStore];
  switch (s.do) {
    case 'set': {
      const [first, last] = s.range;
      const got = outcome(() => (first === last ? map.set(k(first), s.value) : map.set(k(first), k(last), s.value)));
      expect(got === map ? undefined : got).toEqual(answer(ref.store(first, last, s.value)));
      break;
    }
    case 'insert': {
      const got = outcome(() => map.insert(k(s.range[0]), k(s.range[1]), s.value));
      expect(got === map ? undefined : got).toEqual(answer(ref.insert(...s.range, s.value)));
      break;
    }
    case 'eraseRange': {
      const got = outcome(() => map.store(k(s.range[0]), k(s.range[1]), 0));
      expect(got === map ? undefined : got).toEqual(answer(ref.store(...s.range, 0)));
      break;
    }
    case 'erase':
      expect(map.erase(k(s.index)) ?? 0).toBe(ref.erase(s.index));
      break;
    case 'look': {
      const [one, its] = target(s.on);
      const [i, limit] = [k(s.index), k(s.limit)];
      expect(one.get(i) ?? 0).toBe(its.load(s.index));
      expect(one.has(i)).toBe(its.load(s.index) !== 0);
      expect(one.at(i)).toEqual(shown(world, its.range(s.index)));
      expect(one.find(i, limit)).toEqual(shown(world, its.find(s.index, s.limit)));
      expect(one.find(i)).toEqual(shown(world, its.find(s.index, END[world.keys])));
      expect(one.findPrevious(i, limit)).toEqual(shown(world, its.findPrevious(s.index, s.limit)));
      expect(one.next(i, limit)).toEqual(shown(world, its.next(s.index, s.limit)));
      expect(one.previous(i, limit)).toEqual(shown(world, its.previous(s.index, s.limit)));
      break;
    }
    case 'walk': {
      const [one, its] = target(s.on);
      const expected = answer(s.reverse ? its.walkBack(...s.range, { gaps: s.gaps }) : its.walk(...s.range, { gaps: s.gaps }));
      const got = outcome(() => [...one.walk(k(s.range[0]), k(s.range[1]), { gaps: s.gaps, reverse: s.reverse })]);
      expect(got).toEqual(typeof expected === 'number' ? expected : expected.map((row) => shown(world, row)));
      break;
    }
    case 'gap': {
      const [first, last] = s.range;
      const request = { size: k(s.size), alignment: k(s.alignment), first: k(first), last: k(last) };
      const asked = [s.size, s.alignment, first, last] as const;
      const expected = (start: bigint | number) => (typeof start === 'number' ? start : k(start));
      if (s.how === 'look') {
        const absent = (start: bigint | number) => (start === -16 ? undefined : expected(start));
        expect(outcome(() => map.lowestGap(request))).toEqual(absent(answer(ref.lowestGap(...asked))));
        expect(outcome(() => map.highestGap(request))).toEqual(absent(answer(ref.highestGap(...asked))));
      } else if (s.how === 'allocate') {
        expect(outcome(() => map.allocate({ ...request, value: s.value, fromTop: s.fromTop }))).toEqual(expected(answer(ref.allocate(...asked, s.value, s.fromTop))));
      } else {
        const place = answer(ref.allocateCyclic(...asked, s.next, s.value));
        const next = (start: bigint) => (world.keys === 'number' ? Number(start + s.size) : BigInt.asUintN(64, start + s.size));
        expect(outcome(() => map.allocateCyclic({ ...request, next: k(s.next), value: s.value }))).toEqual(typeof place === 'number' ? place : { first: k(place.start), next: next(place.start), wrapped: place.wrapped });
      }
      break;
    }
    case 'cursor': {
      if (world.cursors === undefined || s.fresh !== null) {
        world.cursors?.[0].destroy();
        world.cursors = [map.cursor(s.fresh === null ? undefined : k(s.fresh)), ref.cursor(s.fresh ?? 0n)];
      }
      const [cursor, its] = world.cursors;
      const limit = s.limit === null ? undefined : k(s.limit);
      if (s.up) expect(s.gaps ? cursor.nextRange(limit) : cursor.next(limit)).toEqual(shown(world, s.gaps ? its.nextRange(s.limit ?? END[world.keys]) : its.next(s.limit ?? END[world.keys])));
      else expect(s.gaps ? cursor.previousRange(limit) : cursor.previous(limit)).toEqual(shown(world, s.gaps ? its.previousRange(s.limit ?? 0n) : its.previous(s.limit ?? 0n)));
      break;
    }
    case 'batch': {
      const { firsts, lasts, values } = columns(world, s.rows);
      // The columns' type depends on the keys, which the types of a world leave open.
      const many = map as unknown as RangeMap<bigint>;
      if (s.how === 'get') {
        expect([...many.getMany(firsts)]).toEqual(s.rows.map(([[first]]) => ref.load(first)));
      } else if (s.how === 'delete') {
        expect([...many.deleteMany(firsts)]).toEqual(s.rows.map(([[first]]) => ref.erase(first)));
      } else {
        const errnos = new Uint8Array(s.rows.length).fill(99);
        const went = s.how === 'insert' ? many.insertMany(firsts, lasts, values, errnos) : many.setMany(firsts, lasts, values, errnos);
        const expected = s.rows.map(([range, value]) => (s.how === 'insert' ? ref.insert(...range, value) : ref.store(...range, value))).map((result) => (result.ok ? 0 : -result.errno));
        expect([...errnos]).toEqual(expected);
        expect(went).toBe(expected.filter((errno) => errno === 0).length);
      }
      break;
    }
    case 'hold':
      if (s.how === 'snapshot') {
        held.push([map.snapshot(), valueOf(ref.snapshot())]);
      } else {
        const copy = new ReferenceRangeStore();
        valueOf(ref.duplicate(copy));
        held.push([map.duplicate(), copy]);
      }
      break;
    case 'release':
      for (const [one, its] of held.splice(s.on % Math.max(1, held.length), 1)) {
        expectSame(world, one, its);
        one.destroy();
      }
      break;
    case 'bytes': {
      const bytes = map.toBytes();
      const copy = (world.keys === 'number' ? RangeMap.fromBytes(bytes, { arena: world.arena }) : RangeMap.fromBytes(bytes, { keys: 'bigint', arena: world.arena })) as unknown as AnyMap;
      expectSame(world, copy, ref);
      expect(copy.toBytes()).toEqual(bytes);
      // A copy takes the map's place: what was loaded in bulk is written to from now on.
      world.cursors?.[0].destroy();
      world.cursors = undefined;
      map.destroy();
      world.map = copy;
      // What a store remembers of cyclic allocations is no entry.
      const fresh = new ReferenceRangeStore();
      valueOf(ref.duplicate(fresh));
      world.ref = fresh;
      break;
    }
    case 'clear':
      map.clear();
      ref.clear();
      break;
  }
  world.map.validate();
  expect(world.map.size).toBe(world.ref.count);
}

/** Every row and every gap is the same, both ways, and the structure is sound. */
export function expectSame(world: World, map: RangeReader<Index>, ref: ReferenceRangeStore): void {
  map.validate();
  const rows = valueOf(ref.walk(0n, END[world.keys], { gaps: true })).map((row) => shown(world, row)!);
  deepStrictEqual([...map.walk(undefined, undefined, { gaps: true })], rows);
  deepStrictEqual([...map.walk(undefined, undefined, { gaps: true, reverse: true })], rows.reverse());
  deepStrictEqual([...map], ref.entries.map(({ first, last, value }) => [key(world, first), key(world, last), value]));
  expect(map.size).toBe(ref.count);
}
