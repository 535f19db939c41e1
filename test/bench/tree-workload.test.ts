// The range-store benchmark's workload is the one that its check values were taken from, and its answers are right.

import { describe, expect, it } from '@jest/globals';
import { Sampler } from '../../bench/tree/sampler.ts';
import { structureLoops } from '../../bench/tree/structure-loops.ts';
import { SortedArrays } from '../../bench/tree/structures/sorted-arrays.ts';
import { TypedBTree } from '../../bench/tree/structures/typed-btree.ts';
import type { Structure } from '../../bench/tree/structure.ts';
import { CHECK_VALUES, LAST_INDICES, PAGE, SIZES, addressSum, createWorkload } from '../../bench/tree/workload.ts';

describe('workload', () => {
  it.each(SIZES.map((n, i) => [n, i]))('of %d ranges has the check values', (n, i) => {
    const { firsts, lasts, keys } = createWorkload(n);
    expect(lasts[n - 1]).toBe(LAST_INDICES[i]);
    let sum = 0;
    let at = 0;
    for (const key of keys) {
      // The range with the highest first index at or below the key.
      let [low, high] = [0, n];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (firsts[middle]! <= key) low = middle + 1;
        else high = middle;
      }
      at = low - 1;
      sum = (sum + at + 1) >>> 0;
    }
    expect(keys.length).toBe(2 ** 20);
    expect(lasts[at]! >= keys[keys.length - 1]!).toBe(true);
    expect(sum).toBe(CHECK_VALUES.load![i]);
  });

  it('draws whole pages, a gap in front of each range, and permutations', () => {
    const { n, firsts, lasts, insertOrder, eraseOrder, fillSizes, pairRanges, pairSizes } = createWorkload(256);
    for (let i = 0; i < n; i++) {
      const gap = firsts[i]! - (i === 0 ? 2 ** 32 : lasts[i - 1]! + 1);
      expect([gap % PAGE, (lasts[i]! + 1) % PAGE]).toEqual([0, 0]);
      expect(gap >= PAGE && gap <= 16 * PAGE).toBe(true);
    }
    for (const order of [insertOrder, eraseOrder]) expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
    expect([fillSizes.length, pairRanges.length, pairSizes.length]).toEqual([64, 65536, 65536]);
  });

  it('sums addresses as the check values do', () => {
    expect(addressSum(2 ** 20)).toBe(Number((2n ** 32n) % 1_000_000_007n));
  });
});

describe('contenders in plain JavaScript', () => {
  const n = 256;
  const workload = createWorkload(n);
  const makers: readonly (readonly [string, () => Structure])[] = [
    ['sorted arrays', () => new SortedArrays()],
    ['B+ tree in typed arrays', () => new TypedBTree()],
  ];

  it.each(makers)('%s answers the check values', (_name, make) => {
    const sampler = new Sampler(structureLoops(make, workload), workload);
    expect(sampler.sample('load').digest).toBe(CHECK_VALUES.load![SIZES.indexOf(n)]);
    expect(sampler.sample('load_dep').digest).toBe(CHECK_VALUES.load_dep![SIZES.indexOf(n)]);
  });

  it('agree on every metric that both have', () => {
    const [arrays, tree] = makers.map(([, make]) => new Sampler(structureLoops(make, workload), workload)) as [Sampler, Sampler];
    const metrics = arrays.measured().filter((metric) => tree.measured().includes(metric) && !metric.startsWith('bytes'));
    expect(metrics).toContain('split_restore');
    for (const metric of metrics) expect([metric, tree.sample(metric).digest]).toEqual([metric, arrays.sample(metric).digest]);
  });
});
