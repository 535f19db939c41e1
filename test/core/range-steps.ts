// Random steps on a range store, run on the core and on the reference side by side. Used by the R tests.

import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { RangeCursor, RangeStore } from '../../src/core/index.ts';
import type { ReferenceCursor, ReferenceRangeStore } from '../reference/index.ts';
import { MAX, answer, outcome } from './adapter.ts';

/** Indices crowd near 0, near 2^64-1 and around 2^32; a few lie anywhere. */
export const index: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 5, arbitrary: fc.bigInt(0n, 300n) },
  { weight: 5, arbitrary: fc.bigInt(0n, 300n).map((n) => MAX - n) },
  { weight: 3, arbitrary: fc.bigInt(0n, 40_000n).map((n) => 2n ** 32n - 20_000n + n) },
  { weight: 1, arbitrary: fc.bigInt(0n, MAX) },
);

/** Usually short ranges, some long, a few backwards. */
export const range: fc.Arbitrary<[bigint, bigint]> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(index, fc.bigInt(0n, 6n)).map(([first, more]): [bigint, bigint] => [first, first + more > MAX ? MAX : first + more]) },
  { weight: 3, arbitrary: fc.tuple(index, index).map(([a, b]): [bigint, bigint] => (a < b ? [a, b] : [b, a])) },
  { weight: 1, arbitrary: fc.tuple(index, index) },
);

const value = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 0xffff_ffff }) }, { weight: 1, arbitrary: fc.constant(0) });
const size = fc.oneof(fc.bigInt(0n, 12n), fc.bigInt(0n, 12n).map((n) => 1n << (5n * n)), fc.constant(MAX));
const alignment = fc.oneof(fc.nat({ max: 20 }).map((n) => 1n << BigInt(n)), fc.constantFrom(0n, 3n, 6n, 2n ** 63n, MAX));

export const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('store' as const), range, value }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('insert' as const), range, value }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('erase' as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('look' as const), index, limit: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('walk' as const), range, gaps: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('gap' as const), size, alignment, range, value, fromTop: fc.boolean(), allocate: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cursor' as const), up: fc.boolean(), limit: fc.oneof(fc.constant(undefined), index), fresh: fc.option(index) }) },
);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A store, its reference, and one cursor on each. */
export interface Pair {
  readonly store: RangeStore;
  readonly ref: ReferenceRangeStore;
  cursors: [RangeCursor, ReferenceCursor] | undefined;
}

export function run(pair: Pair, s: Step): void {
  const { store, ref } = pair;
  switch (s.do) {
    case 'store':
      expect(outcome(() => store.store(...s.range, s.value))).toEqual(answer(ref.store(...s.range, s.value)));
      break;
    case 'insert':
      expect(outcome(() => store.insert(...s.range, s.value))).toEqual(answer(ref.insert(...s.range, s.value)));
      break;
    case 'erase':
      expect(store.erase(s.index)).toBe(ref.erase(s.index));
      break;
    case 'look':
      expect(store.load(s.index)).toBe(ref.load(s.index));
      expect(store.find(s.index, s.limit)).toEqual(ref.find(s.index, s.limit));
      expect(store.findPrevious(s.index, s.limit)).toEqual(ref.findPrevious(s.index, s.limit));
      expect(store.next(s.index, s.limit)).toEqual(ref.next(s.index, s.limit));
      expect(store.previous(s.index, s.limit)).toEqual(ref.previous(s.index, s.limit));
      break;
    case 'walk':
      expect(outcome(() => [...store.walk(...s.range, { gaps: s.gaps })])).toEqual(answer(ref.walk(...s.range, { gaps: s.gaps })));
      break;
    case 'gap': {
      const [first, last] = s.range;
      const request = { size: s.size, alignment: s.alignment, first, last };
      if (s.allocate) {
        const got = outcome(() => store.allocate({ ...request, value: s.value, fromTop: s.fromTop }));
        expect(got).toEqual(answer(ref.allocate(s.size, s.alignment, first, last, s.value, s.fromTop)));
      } else {
        expect(outcome(() => store.lowestGap(request))).toEqual(answer(ref.lowestGap(s.size, s.alignment, first, last)));
        expect(outcome(() => store.highestGap(request))).toEqual(answer(ref.highestGap(s.size, s.alignment, first, last)));
      }
      break;
    }
    case 'cursor': {
      if (pair.cursors === undefined || s.fresh !== null) {
        pair.cursors?.[0].destroy();
        pair.cursors = [store.cursor(s.fresh ?? 0n), ref.cursor(s.fresh ?? 0n)];
      }
      const [cursor, refCursor] = pair.cursors;
      if (s.up) expect(cursor.next(s.limit)).toEqual(refCursor.next(s.limit ?? MAX));
      else expect(cursor.previous(s.limit)).toEqual(refCursor.previous(s.limit ?? 0n));
      break;
    }
  }
  store.validate();
  expect(store.count).toBe(ref.count);
}

/** Every row and every gap is the same. */
export function expectSame({ store, ref }: Pair): void {
  expect([...store.walk(0n, MAX, { gaps: true })]).toEqual(answer(ref.walk(0n, MAX, { gaps: true })));
}
