// A RangeMap in shared memory against the reference, and after every step what a reader sees of it: the map, and each snapshot and copy that is alive.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SharedRangeArena, SharedRangeReader, type RangeMap } from '../../src/range-map/shared.ts';
import { valueOf } from '../reference/index.ts';
import { close, expectSame, newWorld, run, steps, type World } from './steps.ts';

const kinds = (['number', 'bigint'] as const).flatMap((keys) => (['simd', 'scalar'] as const).map((build) => [keys, build] as const));

/** A reader sees what the reference holds. */
function expectSeen(world: World, arena: SharedRangeArena, reader: SharedRangeReader): void {
  for (const [one, ref] of [[world.map, world.ref] as const, ...world.held]) {
    const view = reader.map(arena.share(one as RangeMap<number | bigint>));
    expectSame(world, view, ref);
    view.destroy();
  }
}

describe.each(kinds)('a reader sees every step: %s keys, %s', (keys, build) => {
  test.each([
    ['from an empty map', 0],
    ['from a map of three levels', 1500],
  ])('%s', (_what, n) => {
    fc.assert(
      fc.property(fc.array(steps(keys), { maxLength: 30, size: 'max' }), fc.infiniteStream(fc.nat({ max: 3 })), (list, turns) => {
        const arena = new SharedRangeArena({ build, memoryLimit: 2 ** 25 });
        const seats = [arena.openReader(), arena.openReader()] as const;
        const [reader, sleeper] = seats.map((seat) => new SharedRangeReader(seat)) as [SharedRangeReader, SharedRangeReader];
        const world = newWorld(keys, arena);
        if (n > 0) {
          const entries = Array.from({ length: n }, (_, i) => ({ first: BigInt(4 * i), last: BigInt(4 * i + 2), value: i + 1 }));
          const key = (index: bigint) => (keys === 'number' ? Number(index) : index);
          world.map.bulkLoad(entries.map(({ first, last, value }) => [key(first), key(last), value]));
          valueOf(world.ref.bulkLoad(entries));
        }
        list.forEach((s, i) => {
          run(world, s);
          if (n === 0 || i % 6 === 0) expectSeen(world, arena, reader);
          if (turns.next().value === 0) reader.renew();
          if (turns.next().value === 0) sleeper.renew();
        });
        expectSeen(world, arena, sleeper);
        close(world);
        for (const seat of seats) arena.closeReader(seat);
        expect([arena.collect(), arena.live()]).toEqual([0, { leaves: 0, innerNodes: 0, objects: 0 }]);
      }),
      { numRuns: n === 0 ? 25 : 4 },
    );
  });
});
