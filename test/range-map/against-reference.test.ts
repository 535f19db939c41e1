// RangeMap against the reference: rules R with both kinds of keys and both builds, the structural check after every step, and nothing left at the end.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RangeArena, RangeMap } from '../../src/range-map/index.ts';
import { valueOf } from '../reference/index.ts';
import { END, close, expectSame, newWorld, run, steps, type Keys, type World } from './steps.ts';

/** Without jest's words for what differs, which take seconds for so much. */
const same = (a: Uint8Array | Uint32Array, b: Uint8Array | Uint32Array) => a.length === b.length && a.every((element, i) => element === b[i]);

const NOTHING = { leaves: 0, innerNodes: 0, objects: 0 };
const kinds = (['number', 'bigint'] as const).flatMap((keys) => (['simd', 'scalar'] as const).map((build) => [keys, build] as const));

/** A world with `n` entries `stride` apart, from `base` on, loaded in bulk. */
function loaded(keys: Keys, arena: RangeArena, n: number, base: bigint, stride: bigint, length: bigint): World {
  const world = newWorld(keys, arena);
  const entries = Array.from({ length: n }, (_, i) => ({ first: base + BigInt(i) * stride, last: base + BigInt(i) * stride + length - 1n, value: i + 1 }));
  const row = (index: bigint) => (keys === 'number' ? Number(index) : index);
  world.map.bulkLoad(entries.map(({ first, last, value }) => [row(first), row(last), value]));
  valueOf(world.ref.bulkLoad(entries));
  world.map.validate();
  return world;
}

describe.each(kinds)('R any sequence of steps answers what the rules say: %s keys, %s', (keys, build) => {
  test('from an empty map', () => {
    fc.assert(
      fc.property(fc.array(steps(keys), { maxLength: 80, size: 'max' }), (list) => {
        const arena = new RangeArena({ build });
        const world = newWorld(keys, arena);
        for (const s of list) run(world, s);
        expectSame(world, world.map, world.ref);
        for (const [one, ref] of world.held) expectSame(world, one, ref);
        close(world);
        expect(arena.live()).toEqual(NOTHING);
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    ['two full levels', 150, 100n, 4n, 2n],
    ['three levels that touch', 400, 2n ** 32n - 400n, 2n, 2n],
    ['up against the end', 280, END[keys] - 279n, 1n, 1n],
  ])('from a map that holds entries: %s', (_what, n, base, stride, length) => {
    fc.assert(
      fc.property(fc.array(steps(keys), { maxLength: 40, size: 'max' }), (list) => {
        const arena = new RangeArena({ build });
        const world = loaded(keys, arena, n, base, stride, length);
        for (const s of list) run(world, s);
        expectSame(world, world.map, world.ref);
        for (const [one, ref] of world.held) expectSame(world, one, ref);
        close(world);
        expect(arena.live()).toEqual(NOTHING);
      }),
      { numRuns: 8 },
    );
  });
});

describe.each(kinds)('R-snapshot many alive at once: %s keys, %s', (keys, build) => {
  test('snapshots hold what was there while the map is written, and go in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1499 }), { minLength: 20, maxLength: 40 }), fc.infiniteStream(fc.nat()), (places, picks) => {
        const arena = new RangeArena({ build });
        const world = loaded(keys, arena, 1500, 0n, 4n, 3n);
        const key = (index: bigint) => (keys === 'number' ? Number(index) : index);
        places.forEach((place, i) => {
          if (i % 5 === 0) world.held.push([world.map.snapshot(), valueOf(world.ref.snapshot())]);
          const first = BigInt(place) * 4n;
          const last = first + BigInt(i % 3) * 200n;
          if (i % 2 === 0) world.map.eraseRange(key(first), key(last));
          else world.map.set(key(first), key(last), i + 1);
          valueOf(world.ref.store(first, last, i % 2 === 0 ? 0 : i + 1));
          world.map.validate();
        });
        world.map.destroy();
        while (world.held.length > 0) {
          const [[one, ref]] = world.held.splice(picks.next().value % world.held.length, 1) as [(typeof world.held)[0]];
          expectSame(world, one, ref);
          one.destroy();
        }
        expect(arena.live()).toEqual(NOTHING);
      }),
      { numRuns: 4 },
    );
  });
});

test('R-batch more rows than one piece takes', () => {
  const arena = new RangeArena();
  const n = 150_000;
  const firsts = Float64Array.from({ length: n }, (_, i) => i * 3);
  const lasts = firsts.map((first) => first + 1);
  const values = Uint32Array.from({ length: n }, (_, i) => i + 1);
  const map = new RangeMap({ arena });
  const errnos = new Uint8Array(n);
  expect(map.insertMany(firsts, lasts, values, errnos)).toBe(n);
  expect(map.insertMany(firsts, lasts, values, errnos)).toBe(0);
  expect(errnos.every((errno) => errno === 17)).toBe(true);
  map.validate();
  expect(same(map.getMany(firsts), values)).toBe(true);
  const sorted = RangeMap.fromSorted(firsts, lasts, values, { arena });
  expect(sorted.size).toBe(n);
  expect(same(sorted.toBytes(), map.toBytes())).toBe(true);
  expect(same(map.deleteMany(firsts), values)).toBe(true);
  expect(map.size).toBe(0);
  map.destroy();
  sorted.destroy();
  expect(arena.live()).toEqual(NOTHING);
});
