// Golden values: the addresses that gap searches and allocations find on the benchmark's workload, for which another implementation's sums are known.

import { expect, test } from '@jest/globals';
import { BASE, CHECK_VALUES, LAST_INDICES, LIMIT, PAGE, SIZES, addressSum, createWorkload } from '../../../bench/tree/workload.ts';
import { instantiateTree } from '../../fuzz/tree/chunks.ts';
import { buildPath } from '../../fuzz/tree/driver.ts';

const BUILDS = ['range-map.wasm', 'range-map.simd.wasm'];
/** The largest size is left to the benchmark, which checks it too. */
const MEASURED = SIZES.filter((n) => n <= 65536);

test.each(BUILDS.flatMap((build) => MEASURED.map((n) => [build, n] as const)))('%s: the sums of %i ranges', (build, n) => {
  const core = instantiateTree(buildPath(build));
  const at = SIZES.indexOf(n);
  const load = createWorkload(n);
  expect(load.lasts[n - 1]).toBe(LAST_INDICES[at]);
  const tree = core.treeCreate!();
  const cells = core.resultCells!() >>> 0;
  // In pages, so that sums stay exact. An expect() for each of so many calls takes longer than the calls.
  const start = (status: number): number => {
    if (status !== 0) throw new Error(`status ${status}`);
    return Number(new DataView(core.memory.buffer).getBigUint64(cells, true)) / PAGE;
  };
  for (const i of load.insertOrder) core.treeInsert!(tree, BigInt(load.firsts[i]!), BigInt(load.lasts[i]!), i + 1);
  expect(core.treeValidate!(tree)).toBe(0);

  let found = 0;
  for (const key of load.keys) found = (found + core.treeLoadF!(tree, key)) >>> 0;
  expect(found).toBe(CHECK_VALUES.load![at]);

  let [upwards, downwards, filled] = [0, 0, 0];
  load.pairRanges.forEach((i, p) => {
    const size = BigInt(load.pairSizes[p]!);
    upwards += start(core.treeGap!(tree, size, 1n, BigInt(load.firsts[i]!), BigInt(LIMIT), 0));
    downwards += start(core.treeGap!(tree, size, 1n, 0n, BigInt(load.lasts[i]!), 1));
  });
  for (const size of load.fillSizes) filled += start(core.treeAllocate!(tree, BigInt(size), 1n, BigInt(BASE), BigInt(LIMIT), 1, 0));
  expect([upwards, downwards, filled].map(addressSum)).toEqual([CHECK_VALUES.gap_rnd![at], CHECK_VALUES.gap_rev![at], CHECK_VALUES.alloc_fill![at]]);
  expect(core.treeValidate!(tree)).toBe(0);
  for (const i of load.eraseOrder) core.treeErase!(tree, BigInt(load.firsts[i]!));
  core.treeDestroy!(tree);
  expect([0, 1, 3].map((what) => core.liveCount!(what))).toEqual([0, 0, 0]);
});
