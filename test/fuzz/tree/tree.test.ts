// The tree fuzzer in short, and its reference against the one that the rules are written in.

import { describe, expect, test } from '@jest/globals';
import { ReferenceRangeStore, type Entry, type Result } from '../../reference/index.ts';
import { Random } from '../random.ts';
import { createReference, type ArrayReference } from './array-reference.ts';
import { buildPath, builtDriver } from './driver.ts';
import { fuzzTree } from './fuzz-tree.ts';

const MAX = 2n ** 64n - 1n;
const driverPath = builtDriver();

test.each(['core.wasm', 'core.simd.wasm', 'range-map.wasm', 'range-map.simd.wasm'])('the range store of %s answers 200,000 operations as a sorted array does', (build) => {
  expect(fuzzTree(buildPath(build), driverPath, 7, 200_000).difference).toBeUndefined();
});

/** Indices crowd at both ends and around 2^32. */
function index(random: Random): bigint {
  const near = BigInt(random.below(120));
  return [near, MAX - near, 2n ** 32n - 60n + near, 1n << BigInt(random.below(64)), random.u64()][random.below(5)]!;
}

function range(random: Random): [bigint, bigint] {
  const first = index(random);
  const last = random.once(4) ? index(random) : first + BigInt(random.below(6));
  return [first, last > MAX ? MAX : last];
}

const status = (result: Result<unknown>): number => (result.ok ? 0 : result.errno);
const start = (result: Result<bigint>): bigint | number => (result.ok ? result.value : result.errno);

function compare(array: ArrayReference, ref: ReferenceRangeStore, random: Random): void {
  const [first, last] = range(random);
  const at = index(random);
  const value = random.below(50);
  switch (random.below(9)) {
    case 0:
      return expect(array.store(first, last, value)).toBe(status(ref.store(first, last, value)));
    case 1:
    case 2:
      return expect(array.insert(first, last, value)).toBe(status(ref.insert(first, last, value)));
    case 3:
      return expect(array.erase(at)).toBe(ref.erase(at));
    case 4:
      expect(array.load(at)).toBe(ref.load(at));
      expect(array.find(at, last)).toEqual(ref.find(at, last));
      return expect(array.findPrevious(at, first)).toEqual(ref.findPrevious(at, first));
    case 5:
      expect(array.next(at, last)).toEqual(ref.next(at, last));
      return expect(array.previous(at, first)).toEqual(ref.previous(at, first));
    case 6: {
      const rows = ref.walk(at, at, { gaps: true });
      return expect(array.range(at)).toEqual(rows.ok ? rows.value[0] : undefined);
    }
    default: {
      const size = random.once(3) ? 1n << BigInt(random.below(64)) : BigInt(random.below(12));
      const alignment = random.once(9) ? BigInt(random.below(8)) : 1n << BigInt(random.below(random.once(4) ? 64 : 6));
      const fromTop = random.once(2);
      if (random.once(2)) return expect(array.allocate(size, alignment, first, last, value, fromTop)).toBe(start(ref.allocate(size, alignment, first, last, value, fromTop)));
      return expect(array.gap(size, alignment, first, last, fromTop)).toBe(start(fromTop ? ref.highestGap(size, alignment, first, last) : ref.lowestGap(size, alignment, first, last)));
    }
  }
}

describe('the fuzzer\'s sorted array', () => {
  test('answers what the reference engine answers', () => {
    const random = new Random(20261121);
    for (let round = 0; round < 40; round++) {
      const array = createReference(driverPath, 1000);
      const ref = new ReferenceRangeStore();
      for (let i = 0; i < 300; i++) compare(array, ref, random);
      expect(array.entries()).toEqual(ref.entries);
    }
  });

  test('loads in bulk all rows or none', () => {
    const rows = (...list: number[][]): Entry[] => list.map(([first, last, value]) => ({ first: BigInt(first!), last: BigInt(last!), value: value! }));
    for (const entries of [rows(), rows([1, 2, 3]), rows([1, 2, 3], [3, 3, 1]), rows([1, 2, 3], [2, 3, 1]), rows([2, 1, 3]), rows([1, 2, 0]), rows([5, 6, 1], [1, 2, 1])]) {
      const array = createReference(driverPath, 100);
      const ref = new ReferenceRangeStore();
      expect(array.bulk(entries)).toBe(status(ref.bulkLoad(entries)));
      expect(array.entries()).toEqual(ref.entries);
    }
  });
});
