// Searching gaps in the range store: literal examples, and the definition itself tried address by address.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EBUSY, EEXIST, EINVAL, ReferenceRangeStore, U64_MAX, errnoOf, fail, ok, type Result } from './index.ts';
import { show, storeOf } from './notation.ts';

const MAX = U64_MAX;

describe('R-gap', () => {
  const store = storeOf('{10-19=1, 30-39=2}');

  test.each([
    [5n, 1n, 0n, MAX, 0n, 'the first gap'],
    [11n, 1n, 0n, MAX, 40n, 'too big for 0-9 and 20-29'],
    [10n, 1n, 0n, MAX, 0n, 'fits 0-9 exactly'],
    [4n, 1n, 8n, MAX, 20n, 'the window starts inside 0-9 and leaves too little of it'],
    [8n, 8n, 1n, MAX, 40n, 'neither 8-15 nor 24-31 is free'],
    [6n, 8n, 1n, MAX, 24n, '24-29 is'],
    [10n, 1n, 15n, 29n, 20n, 'the last index of the window is usable'],
  ])('R-gap lowestGap(%s, %s, %s, %s) in {10-19=1, 30-39=2} is %s: %s', (size, alignment, first, last, start) => {
    expect(store.lowestGap(size, alignment, first, last)).toEqual(ok(start));
  });

  test.each([
    [5n, 1n, 0n, 49n, 45n, 'the top of the highest gap, cut at the window'],
    [11n, 1n, 0n, MAX, MAX - 10n, 'the end of the line'],
    [10n, 1n, 0n, 45n, 20n, 'fits 20-29 exactly'],
    [4n, 16n, 0n, 45n, 0n, 'not 32, which is taken, nor 16'],
    [4n, 8n, 0n, 41n, 24n, '40-41 is too small'],
    [1n, 2n ** 63n, 0n, MAX, 2n ** 63n, 'the largest alignment'],
  ])('R-gap highestGap(%s, %s, %s, %s) in {10-19=1, 30-39=2} is %s: %s', (size, alignment, first, last, start) => {
    expect(store.highestGap(size, alignment, first, last)).toEqual(ok(start));
  });

  test.each([
    [0n, 1n, 0n, MAX, 'size 0'],
    [1n, 0n, 0n, MAX, 'alignment 0'],
    [1n, 3n, 0n, MAX, 'alignment 3'],
    [1n, MAX, 0n, MAX, 'alignment 2^64-1'],
    [1n, 1n, 5n, 4n, 'first > last'],
    [11n, 1n, 10n, 19n, 'larger than the window, although that is taken too'],
    [MAX, 1n, 2n, MAX, 'larger than a window up to 2^64-1'],
  ])('R-gap (%s, %s, %s, %s) is EINVAL: %s', (size, alignment, first, last) => {
    expect(errnoOf(store.lowestGap(size, alignment, first, last))).toBe(EINVAL);
    expect(errnoOf(store.highestGap(size, alignment, first, last))).toBe(EINVAL);
  });

  test.each([
    [1n, 1n, 10n, 19n, 'the window is taken'],
    [10n, 1n, 10n, 19n, 'as large as the window, which is taken'],
    [1n, 32n, 1n, 31n, 'no multiple of 32 in the window'],
    [10n, 16n, 20n, 31n, '16 is below the window, 32 above'],
    [2n, 2n ** 63n, 2n ** 63n + 1n, MAX, 'the next multiple would be 2^64'],
  ])('R-gap (%s, %s, %s, %s) in {10-19=1, 30-39=2} is EBUSY: %s', (size, alignment, first, last) => {
    expect(errnoOf(store.lowestGap(size, alignment, first, last))).toBe(EBUSY);
    expect(errnoOf(store.highestGap(size, alignment, first, last))).toBe(EBUSY);
  });

  test('R-gap at 0 and 2^64-1: nearly the whole line, its two ends, and a full line', () => {
    const empty = storeOf('{}');
    expect(empty.lowestGap(MAX, 1n, 0n, MAX)).toEqual(ok(0n));
    expect(empty.highestGap(MAX, 1n, 0n, MAX)).toEqual(ok(1n));
    expect(empty.highestGap(1n, 1n, 0n, MAX)).toEqual(ok(MAX));
    expect(empty.lowestGap(1n, 1n, MAX, MAX)).toEqual(ok(MAX));
    expect(storeOf('{0-0=1}').lowestGap(1n, 1n, 0n, MAX)).toEqual(ok(1n));
    expect(storeOf(`{${MAX}-${MAX}=1}`).highestGap(1n, 1n, 0n, MAX)).toEqual(ok(MAX - 1n));
    expect(storeOf(`{0-${MAX}=1}`).lowestGap(1n, 1n, 0n, MAX)).toEqual(fail(EBUSY));
    expect(storeOf(`{1-${MAX}=1}`).highestGap(1n, 2n ** 63n, 0n, MAX)).toEqual(ok(0n));
  });

  test('R-gap is what its definition says: the lowest and the highest address that pass, tried one by one', () => {
    const index = fc.bigInt({ min: 0n, max: 40n });
    const write = fc.tuple(index, index, fc.nat({ max: 2 }));
    const alignment = fc.constantFrom(1n, 2n, 4n, 8n, 16n, 32n);
    fc.assert(
      fc.property(fc.array(write, { maxLength: 8 }), fc.bigInt({ min: 1n, max: 12n }), alignment, index, index, (writes, size, unit, first, last) => {
        const store = new ReferenceRangeStore();
        for (const [from, to, value] of writes) store.store(from, to, value);
        if (first > last || size > last - first + 1n) return;
        const passing: bigint[] = [];
        for (let a = first; a + size - 1n <= last; a++) {
          let free = a % unit === 0n;
          for (let i = a; i < a + size; i++) free &&= store.load(i) === 0;
          if (free) passing.push(a);
        }
        const answer = (start: bigint | undefined): Result<bigint> => (start === undefined ? fail(EBUSY) : ok(start));
        expect(store.lowestGap(size, unit, first, last)).toEqual(answer(passing[0]));
        expect(store.highestGap(size, unit, first, last)).toEqual(answer(passing.at(-1)));
      }),
    );
  });
});

describe('R-allocate', () => {
  test('R-allocate takes the lowest gap, or the highest from the top', () => {
    const store = storeOf('{10-19=1, 30-39=2}');
    expect(store.allocate(4n, 4n, 1n, 49n, 3, false)).toEqual(ok(4n));
    expect(store.allocate(4n, 4n, 1n, 49n, 4, true)).toEqual(ok(44n));
    expect(show(store.entries)).toBe('{4-7=3, 10-19=1, 30-39=2, 44-47=4}');
  });

  test('R-allocate of value 0 is EINVAL, also when nothing would fit', () => {
    const store = storeOf(`{0-${MAX}=1}`);
    expect(errnoOf(store.allocate(1n, 1n, 0n, MAX, 0, false))).toBe(EINVAL);
    expect(errnoOf(store.allocate(1n, 1n, 0n, MAX, 0, true))).toBe(EINVAL);
  });

  test('R-allocate that fails writes nothing: EBUSY, EINVAL', () => {
    const store = storeOf('{10-19=1}');
    expect(errnoOf(store.allocate(1n, 1n, 10n, 19n, 2, false))).toBe(EBUSY);
    expect(errnoOf(store.allocate(11n, 1n, 10n, 19n, 2, true))).toBe(EINVAL);
    expect(show(store.entries)).toBe('{10-19=1}');
  });

  test('R-allocate above an entry at 0 starts at 1', () => {
    expect(storeOf('{0-0=1}').allocate(10n, 1n, 0n, MAX, 2, false)).toEqual(ok(1n));
  });

  test('R-allocate up to 2^64-1', () => {
    const store = storeOf('{}');
    expect(store.allocate(4096n, 4096n, 0n, MAX, 1, true)).toEqual(ok(MAX - 4095n));
    expect(errnoOf(store.insert(MAX, MAX, 2))).toBe(EEXIST);
    expect(store.allocate(1n, 1n, MAX - 4096n, MAX, 2, false)).toEqual(ok(MAX - 4096n));
    expect(store.allocate(1n, 1n, MAX - 4096n, MAX, 3, false)).toEqual(fail(EBUSY));
  });
});

describe('R-cyclic', () => {
  const place = (start: bigint, wrapped: boolean) => ok({ start, wrapped });

  test('R-cyclic starts at next and wraps to first when nothing is left above', () => {
    const store = storeOf('{4-4=9}');
    expect(store.allocateCyclic(1n, 1n, 3n, 6n, 0n, 1)).toEqual(place(3n, false));
    expect(store.allocateCyclic(1n, 1n, 3n, 6n, 4n, 1)).toEqual(place(5n, false));
    store.erase(3n);
    expect(store.allocateCyclic(1n, 1n, 3n, 6n, 6n, 1)).toEqual(place(6n, false));
    expect(store.allocateCyclic(1n, 1n, 3n, 6n, 7n, 1)).toEqual(place(3n, true));
    expect(store.allocateCyclic(1n, 1n, 3n, 6n, 4n, 1)).toEqual(fail(EBUSY));
  });

  test('R-cyclic a window above that is smaller than the block is a wrap, not an error', () => {
    expect(storeOf('{}').allocateCyclic(4n, 1n, 0n, 9n, 7n, 1)).toEqual(place(0n, true));
  });

  test('R-cyclic the checks are those of R-gap on first..last', () => {
    const store = storeOf('{}');
    for (const [size, alignment, first, last, value] of [[0n, 1n, 0n, 9n, 1], [1n, 3n, 0n, 9n, 1], [1n, 1n, 9n, 0n, 1], [11n, 1n, 0n, 9n, 1], [1n, 1n, 0n, 9n, 0]] as const) {
      expect(store.allocateCyclic(size, alignment, first, last, 5n, value)).toEqual(fail(EINVAL));
    }
  });

  test('R-cyclic a block that ends at 2^64-1 makes the following allocation that succeeds a wrap', () => {
    const store = storeOf('{}');
    expect(store.allocateCyclic(1n, 1n, 0n, MAX, MAX, 1)).toEqual(place(MAX, false));
    expect(store.allocateCyclic(1n, 1n, MAX, MAX, 0n, 1)).toEqual(fail(EBUSY));
    expect(store.allocateCyclic(1n, 1n, 0n, MAX, 0n, 1)).toEqual(place(0n, true));
    expect(store.allocateCyclic(1n, 1n, 0n, MAX, 1n, 1)).toEqual(place(1n, false));
  });
});
