// Sequences that split, share and join nodes on every level: at both ends of the index space, in every order.

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { ReferenceXorshift } from '../../reference/index.ts';
import { MAX, Pair } from './pair.ts';
import type { Sequence } from './sequences.ts';

/** More than a leaf holds, and more entries than two levels of full nodes. */
const LEAF = 12n;

/** Index i of a sequence, from 0 up or from 2^64-1 down. */
const places = { 'from 0 up': (i: bigint) => i, 'from 2^64-1 down': (i: bigint) => MAX - i };

export function shuffled(n: number, seed: number): number[] {
  const random = new ReferenceXorshift(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.next() % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function insideOut(n: number): number[] {
  const middle = n >> 1;
  return Array.from({ length: n }, (_, i) => middle + (i % 2 === 0 ? i / 2 : -(i + 1) / 2)).filter((i) => i >= 0 && i < n);
}

export const orders: Readonly<Record<string, (n: number) => number[]>> = {
  ascending: (n) => Array.from({ length: n }, (_, i) => i),
  descending: (n) => Array.from({ length: n }, (_, i) => n - 1 - i),
  alternating: (n) => Array.from({ length: n }, (_, i) => (i % 2 === 0 ? i / 2 : n - (i + 1) / 2)),
  random: (n) => shuffled(n, 77),
  'inside out': (n) => insideOut(n),
};

function splitAtEachSlot(place: (i: bigint) => bigint): Sequence {
  return (core, driverPath) => {
    for (let slot = 0n; slot <= LEAF; slot++) {
      for (const entries of [LEAF, LEAF * 2n, LEAF * 4n]) {
        const pair = new Pair(core, driverPath, 1000);
        for (let i = 0n; i < entries; i++) pair.insert(place(4n * i + 2n), place(4n * i + 2n), Number(i) + 1);
        pair.insert(place(4n * slot), place(4n * slot), 99);
        pair.insert(place(4n * slot + 1n), place(4n * slot + 1n), 98);
        pair.same();
        for (let i = 0n; i < entries; i++) pair.erase(place(4n * i + 2n));
        pair.erase(place(4n * slot));
        pair.erase(place(4n * slot + 1n));
        pair.empty();
        core.treeDestroy!(pair.handle);
      }
    }
  };
}

/** Grows in one order, shrinks in another to nothing; the check after every write is of a tree of three levels. */
function growAndShrink(n: number, grow: string, shrink: string, place: (i: bigint) => bigint, checkEvery: number): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, n + 100);
    pair.checkEvery = checkEvery;
    const range = (i: number): [bigint, bigint] => {
      const [a, b] = [place(3n * BigInt(i)), place(3n * BigInt(i) + 1n)];
      return a < b ? [a, b] : [b, a];
    };
    for (const i of orders[grow]!(n)) strictEqual(pair.insert(...range(i), i + 1), 0);
    pair.same();
    for (const i of orders[shrink]!(n)) strictEqual(pair.erase(range(i)[0]), i + 1);
    pair.empty();
    core.treeDestroy!(pair.handle);
  };
}

/** Numbers of entries that need at least five levels: half-full nodes after a descending or random start, full ones after an ascending one. */
function tall(order: string, n: number, shrink: string): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, n + 100);
    pair.checkEvery = 20_011;
    for (const i of orders[order]!(n)) pair.insert(2n * BigInt(i), 2n * BigInt(i), i + 1);
    pair.same();
    // Joins that go up to the root: everything but a few entries goes.
    ok(pair.innerNodes() > 100);
    for (const i of orders[shrink]!(n)) if (i % 97 !== 0) pair.erase(2n * BigInt(i));
    pair.same();
    pair.checkEvery = 1;
    for (let i = 0; i < n; i += 97) pair.erase(2n * BigInt(i));
    pair.empty();
    core.treeDestroy!(pair.handle);
  };
}

function clearGivesEverythingBack(): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, 4000);
    for (const n of [1, 12, 13, 300, 4000]) {
      pair.bulk(Array.from({ length: n }, (_, i) => ({ first: BigInt(i) * 5n, last: BigInt(i) * 5n + 3n, value: i + 1 })));
      pair.same();
      pair.clear();
      pair.empty();
    }
    core.treeDestroy!(pair.handle);
    deepStrictEqual([0, 1, 3].map((what) => core.liveCount!(what)), [0, 0, 0]);
  };
}

export const growAndShrinkSequences: readonly (readonly [string, Sequence])[] = [
  ...Object.entries(places).map(([name, place]) => [`a full leaf splits at each slot, ${name}`, splitAtEachSlot(place)] as const),
  ...Object.entries(places).flatMap(([name, place]) =>
    Object.keys(orders).flatMap((grow) => Object.keys(orders).map((shrink) => [`${grow} in, ${shrink} out, ${name}`, growAndShrink(700, grow, shrink, place, 3)] as const)),
  ),
  ['clear gives every node back', clearGivesEverythingBack()],
];

export const tallSequences: readonly (readonly [string, Sequence])[] = [
  ['30,000 descending', tall('descending', 30_000, 'inside out')],
  ['30,000 in random order', tall('random', 30_000, 'random')],
  ['150,000 ascending', tall('ascending', 150_000, 'descending')],
];
