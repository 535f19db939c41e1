// Corner cases of the interface, each named after the rule that decides it, and short sequences at both ends of the index space.

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { MAX, Pair } from './pair.ts';
import type { Sequence } from './sequences.ts';

const [EINVAL, EBUSY, EEXIST] = [-22, -16, -17];

function on(run: (pair: Pair) => void): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, 2000);
    run(pair);
    pair.same();
    core.treeDestroy!(pair.handle);
  };
}

/** A layout as a program's memory map has it: text, data, a heap, libraries packed below a stack, and a page at the very top. */
const mapping: readonly (readonly [number, number])[] = [
  [0x40_0000, 0x47_3fff], [0x67_2000, 0x67_3fff], [0x67_4000, 0x67_9fff], [0x1a3_0000, 0x1a5_1fff], [0x7f10_2000, 0x7f10_afff], [0x7f10_c000, 0x7f12_bfff],
  [0x7f12_c000, 0x7f14_3fff], [0x7f14_6000, 0x7f15_0fff], [0x7f15_1000, 0x7f15_1fff], [0x7ffe_0000, 0x7fff_ffff],
];

/** No number but an index finds anything, even where every index holds something. */
const noIndices: Sequence = (core, driverPath) => {
  const pair = new Pair(core, driverPath, 10);
  pair.insert(0n, MAX, 7);
  for (const number of [0, 1, 2 ** 51, 2 ** 52 - 1, 2 ** 52, 2 ** 52 + 1, 2 ** 53 - 1]) strictEqual(core.treeLoadF!(pair.handle, number), 7, String(number));
  for (const number of [0.5, 1.25, 2 ** 51 + 0.5, 2 ** 52 - 0.5, -0.25, -0.5, -1, -(2 ** 52), 2 ** 53, 2 ** 63, 2 ** 64, NaN, Infinity, -Infinity]) strictEqual(core.treeLoadF!(pair.handle, number), 0, String(number));
};

/** Numbers of 53 bits through a bulk load of several leaves, up to the last one that a double can tell from its neighbour. */
const farNumbers: Sequence = (core, driverPath) => {
  for (const base of [2n ** 52n - 400n, 2n ** 53n - 400n]) {
    const pair = new Pair(core, driverPath, 50);
    pair.bulk(Array.from({ length: 40 }, (_, i) => ({ first: base + BigInt(i) * 10n, last: base + BigInt(i) * 10n + 9n, value: i + 1 })), 'numbers');
    pair.same();
    pair.clear();
  }
};

export const cornerSequences: readonly (readonly [string, Sequence])[] = [
  ['lookups at numbers that are no indices', noIndices],
  ['a bulk load of numbers from 2^52 on', farNumbers],
  ['R-insert refuses nothing as a value, also over the only entry, which stays', on((p) => {
    strictEqual(p.insert(5n, 9n, 0), EINVAL);
    p.insert(5n, 9n, 1);
    strictEqual(p.insert(5n, 9n, 0), EINVAL);
    strictEqual(p.load(7n), 1);
  })],
  ['R-gap the last index is usable; a size beyond the window is EINVAL, beyond every gap EBUSY', on((p) => {
    p.insert(4n, 5n, 1);
    strictEqual(p.gap(10n, 1n, 0n, 9n, false), EBUSY);
    strictEqual(p.gap(11n, 1n, 0n, 9n, false), EINVAL);
    strictEqual(p.gap(4n, 1n, 0n, 9n, true), 6n);
    strictEqual(p.gap(4n, 1n, 0n, 8n, true), 0n);
    strictEqual(p.gap(0n, 1n, 0n, 9n, true), EINVAL);
    strictEqual(p.gap(1n, 3n, 0n, 9n, true), EINVAL);
    strictEqual(p.gap(1n, 1n, 9n, 0n, true), EINVAL);
    strictEqual(p.gap(1n, 1n, MAX, MAX, false), MAX);
    strictEqual(p.gap(MAX - 5n, 1n, 0n, MAX, false), 6n);
  })],
  ['R-insert a range that only touches an entry in its last index is EEXIST and writes nothing', on((p) => {
    p.insert(10n, 19n, 1);
    strictEqual(p.insert(5n, 10n, 2), EEXIST);
    strictEqual(p.insert(19n, 25n, 2), EEXIST);
    strictEqual(p.insert(0n, MAX, 2), EEXIST);
    deepStrictEqual([5n, 9n, 20n].map((i) => p.load(i)), [0, 0, 0]);
  })],
  ['R-erase in a gap answers 0 and changes nothing', on((p) => {
    strictEqual(p.erase(3n), 0);
    p.insert(10n, 19n, 1);
    strictEqual(p.erase(9n), 0);
    strictEqual(p.erase(20n), 0);
    strictEqual(p.erase(MAX), 0);
    strictEqual(p.load(10n), 1);
  })],
  ['R-store the pieces of a cut are entries of their own', on((p) => {
    p.insert(10n, 19n, 1);
    p.store(13n, 15n, 2);
    deepStrictEqual(p.ref.entries(), [{ first: 10n, last: 12n, value: 1 }, { first: 13n, last: 15n, value: 2 }, { first: 16n, last: 19n, value: 1 }]);
    strictEqual(p.erase(18n), 1);
    deepStrictEqual([10n, 13n, 16n].map((i) => p.load(i)), [1, 2, 0]);
  })],
  ['R-store nothing erases exactly the range and leaves both rests', on((p) => {
    p.insert(13n, 15n, 2);
    p.insert(20n, 29n, 1);
    p.store(14n, 24n, 0);
    deepStrictEqual(p.ref.entries(), [{ first: 13n, last: 13n, value: 2 }, { first: 25n, last: 29n, value: 1 }]);
  })],
  ['R-allocate with index 0 taken starts at 1', on((p) => {
    p.insert(0n, 0n, 1);
    strictEqual(p.allocate(1n, 1n, 0n, 100n, 2, false), 1n);
  })],
  ['R-store neighbours with one value are not fused', on((p) => {
    p.store(0n, 4n, 7);
    p.store(5n, 9n, 7);
    deepStrictEqual(p.find(6n), { first: 5n, last: 9n, value: 7 });
    strictEqual(p.erase(9n), 7);
    strictEqual(p.load(4n), 7);
  })],
  ['R-find a limit is met by the part of an entry that reaches it', on((p) => {
    p.insert(10n, 19n, 1);
    p.insert(30n, 39n, 2);
    strictEqual(p.find(20n, 29n), undefined);
    strictEqual(p.find(20n, 30n)?.value, 2);
    strictEqual(p.next(15n, 29n), undefined);
    strictEqual(p.next(15n, 30n)?.value, 2);
    strictEqual(p.previous(35n, 20n), undefined);
    strictEqual(p.previous(35n, 19n)?.value, 1);
    strictEqual(p.findPrevious(29n, 20n), undefined);
    strictEqual(p.findPrevious(29n, 19n)?.value, 1);
  })],
  ['R-next R-find over every border, upwards and downwards, with limits', on((p) => {
    for (let i = 0n; i < 600n; i++) p.insert(i * 5n, i * 5n + 2n, Number(i) + 1);
    for (let i = 0n; i < 600n; i++) {
      for (const at of [i * 5n, i * 5n + 2n, i * 5n + 3n, i * 5n + 4n]) {
        for (const limit of [at, i * 5n + 5n, i * 5n + 4n]) {
          p.next(at, limit);
          p.find(at, limit);
        }
        for (const limit of [at, i * 5n - 3n, i * 5n - 2n]) {
          if (limit < 0n) continue;
          p.previous(at, limit);
          p.findPrevious(at, limit);
        }
      }
    }
  })],
  ['R-gap exact addresses in a layout like a memory map, from the bottom and from the top', on((p) => {
    mapping.forEach(([first, last], i) => p.insert(BigInt(first), BigInt(last), i + 1));
    const [low, high] = [0x1_0000n, 0x7fff_ffffn];
    strictEqual(p.gap(0x1000n, 0x1000n, low, high, false), 0x1_0000n);
    strictEqual(p.gap(0x1000n, 1n, 0x40_0000n, high, false), 0x47_4000n);
    strictEqual(p.gap(0x1000n, 1n, low, high, true), 0x7ffd_f000n);
    strictEqual(p.gap(0x1000n, 1n, low, 0x7f15_1fffn, true), 0x7f14_5000n);
    strictEqual(p.gap(0x3000n, 1n, low, 0x7f15_1fffn, true), 0x7f0f_f000n);
    strictEqual(p.gap(0x2000n, 0x4000n, low, 0x7f15_1fffn, true), 0x7f14_4000n);
    strictEqual(p.gap(0x7d6b_0000n, 1n, low, high, true), 0x1a5_2000n);
    strictEqual(p.gap(0x7d6b_0001n, 1n, low, high, false), EBUSY);
    strictEqual(p.allocate(0x2000n, 1n, low, 0x7f15_1fffn, 90, true), 0x7f14_4000n);
    strictEqual(p.allocate(0x2000n, 1n, low, 0x7f15_1fffn, 91, true), 0x7f10_0000n);
    strictEqual(p.allocate(0x2000n, 1n, 0x7f10_0000n, 0x7ffd_ffffn, 92, false), 0x7f15_2000n);
    strictEqual(p.erase(0x7f10_0000n), 91);
    strictEqual(p.allocate(0x2000n, 1n, low, 0x7f15_1fffn, 93, true), 0x7f10_0000n);
  })],
  ['R-allocate fills until EBUSY, then the two holes that open, in the order asked for', on((p) => {
    for (const fromTop of [false, true]) {
      for (let i = 0n; i < 800n; i++) strictEqual(p.allocate(16n, 16n, 0n, 800n * 16n - 1n, 5, fromTop), (fromTop ? 799n - i : i) * 16n);
      strictEqual(p.allocate(1n, 1n, 0n, 800n * 16n - 1n, 5, fromTop), EBUSY);
      p.erase(100n * 16n);
      p.erase(600n * 16n);
      strictEqual(p.allocate(16n, 1n, 0n, 800n * 16n - 1n, 6, fromTop), (fromTop ? 600n : 100n) * 16n);
      strictEqual(p.allocate(16n, 1n, 0n, 800n * 16n - 1n, 6, fromTop), (fromTop ? 100n : 600n) * 16n);
      p.clear();
    }
  })],
  ['R-gap a window cuts the gaps at both of its edges', on((p) => {
    p.insert(100n, 199n, 1);
    p.insert(300n, 399n, 2);
    strictEqual(p.gap(50n, 1n, 250n, 299n, false), 250n);
    strictEqual(p.gap(50n, 1n, 251n, 300n, false), EBUSY);
    strictEqual(p.gap(50n, 1n, 200n, 249n, true), 200n);
    strictEqual(p.gap(50n, 64n, 150n, 350n, true), EBUSY);
  })],
  ['R-cyclic ids follow one another, wrap once, and fill what was freed', on((p) => {
    if (p.core.treeAllocateCyclic === undefined) return;
    for (let i = 0n; i < 50n; i++) deepStrictEqual(p.cyclic(1n, 1n, 50n, i + 1n, Number(i) + 1), [i + 1n, false]);
    strictEqual(p.cyclic(1n, 1n, 50n, 51n, 9), EBUSY);
    p.erase(20n);
    p.erase(30n);
    deepStrictEqual(p.cyclic(1n, 1n, 50n, 25n, 9), [30n, false]);
    deepStrictEqual(p.cyclic(1n, 1n, 50n, 31n, 9), [20n, true]);
    strictEqual(p.cyclic(1n, 1n, 50n, 21n, 9), EBUSY);
  })],
  ['R-cyclic a block that ends at 2^64-1 makes the next success a wrap', on((p) => {
    if (p.core.treeAllocateCyclic === undefined) return;
    deepStrictEqual(p.cyclic(1n, 5n, MAX, MAX, 1), [MAX, false]);
    deepStrictEqual(p.cyclic(1n, 5n, MAX, 0n, 2), [5n, true]);
    deepStrictEqual(p.cyclic(1n, 5n, MAX, 6n, 3), [6n, false]);
  })],
  ['short sequences at 0 and at 2^64-1', on((p) => {
    for (const at of [0n, 1n, MAX - 1n, MAX]) {
      for (const value of [1, 0]) {
        p.store(at, at, value);
        p.insert(at, MAX, 2);
        p.store(0n, at, value);
        p.erase(at);
        p.store(at, MAX, 3);
        p.store(0n, MAX, value);
        p.insert(0n, at, 4);
        p.find(0n);
        p.findPrevious(MAX);
        p.next(0n);
        p.previous(MAX);
        p.next(MAX);
        p.previous(0n);
        p.gap(1n, 1n, 0n, MAX, true);
        p.gap(MAX, 1n, 0n, MAX, false);
      }
      p.store(0n, MAX, 0);
      p.empty();
    }
    p.insert(0n, MAX, 6);
    strictEqual(p.gap(1n, 1n, 0n, MAX, false), EBUSY);
    for (let i = 0n; i < 40n; i++) {
      p.store(i * 2n, i * 2n, 7);
      p.store(MAX - i * 2n, MAX - i * 2n, 8);
    }
    p.same();
    for (let i = 0n; i < 90n; i++) {
      p.erase(i);
      p.erase(MAX - i);
    }
    p.empty();
  })],
];
