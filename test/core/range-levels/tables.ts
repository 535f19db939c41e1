// Sequences in which a store is read so much that a table is made beside it: what it answers, when it comes and goes, and that memory can do without it.

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { TreeExports } from '../../fuzz/tree/chunks.ts';
import { MAX, Pair } from './pair.ts';
import type { Sequence } from './sequences.ts';

/** Stores in shared memory have no tables; they answer the same. */
const hasTables = (core: TreeExports): boolean => !(typeof SharedArrayBuffer === 'function' && core.memory.buffer instanceof SharedArrayBuffer);

const tableBytes = (pair: Pair, handle = pair.handle): number => pair.core.treeTableBytes!(handle);

/** Entries of `length` indices, one every `pitch`. */
function evenly(pair: Pair, n: number, base: bigint, pitch: bigint, length: bigint): void {
  pair.bulk(Array.from({ length: n }, (_, i) => ({ first: base + BigInt(i) * pitch, last: base + BigInt(i) * pitch + length - 1n, value: i + 1 })));
}

/** Crowds of twelve entries, each a leaf's worth, far from one another: buckets for entries would miss most of them, buckets for leaves none. */
function crowds(pair: Pair, n: number): void {
  const at = (i: number): bigint => (BigInt(Math.floor(i / 12)) << 20n) + BigInt(i % 12) * 10n;
  pair.bulk(Array.from({ length: n }, (_, i) => ({ first: at(i), last: at(i) + 4n, value: i + 1 })));
}

/** Loads until there is a table, all the while checked; false when none came within three loads for each entry. */
function warm(pair: Pair): boolean {
  const n = pair.ref.count();
  for (let k = 0; k < 3 * n + 200; k++) {
    if (tableBytes(pair) > 0) return true;
    pair.load(pair.ref.at((k * 7919) % n).last);
  }
  return tableBytes(pair) > 0;
}

function warmed(pair: Pair): void {
  strictEqual(warm(pair), hasTables(pair.core), 'a table after many loads');
  pair.check('the table was made');
}

/** Looks up each border of each entry, and both ends. */
function borders(pair: Pair): void {
  pair.load(0n);
  pair.load(MAX);
  for (let slot = 0; slot < pair.ref.count(); slot++) {
    const { first, last } = pair.ref.at(slot);
    for (const index of [first - 1n, first, last, last + 1n]) if (index >= 0n && index <= MAX) pair.load(index);
  }
}

function even(n: number, base: bigint, pitch: bigint, length: bigint): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, n + 10);
    evenly(pair, n, base, pitch, length);
    warmed(pair);
    borders(pair);
    pair.clear();
    pair.empty();
  };
}

/** Ascending inserts, whose last leaf has one entry, then two, and so on. */
const ascending: Sequence = (core, driverPath) => {
  const pair = new Pair(core, driverPath, 100);
  for (let n = 1; n <= 40; n++) {
    pair.insert(BigInt(n) * 10n, BigInt(n) * 10n + 4n, n);
    if (n <= 12) continue;
    warmed(pair);
    borders(pair);
  }
};

/** Crowds that a table of leaves tells apart, and one of entries does not. */
const crowdedLeaves: Sequence = (core, driverPath) => {
  const pair = new Pair(core, driverPath, 1500);
  crowds(pair, 1200);
  warmed(pair);
  borders(pair);
};

/** As many entries as a table of entries takes, and one more. */
const most: Sequence = (core, driverPath) => {
  const pair = new Pair(core, driverPath, 65_600);
  evenly(pair, 65_536, 0n, 16n, 8n);
  warmed(pair);
  if (hasTables(core)) strictEqual(tableBytes(pair), 24 * (65_536 + 3) + 4 * 65_536, 'a row of 24 bytes for each entry and three that end them, a bucket of 4 for each');
  borders(pair);
  pair.insert(65_536n * 16n, 65_536n * 16n, 1);
  warmed(pair);
  if (hasTables(core)) ok(tableBytes(pair) < 4 * 65_536, `${tableBytes(pair)} bytes: a table of leaves`);
  borders(pair);
};

/** A third of the entries in a crowd, the rest far apart: some entries, or leaves, have no bucket that shows them. */
const crowd =
  (n: number): Sequence =>
  (core, driverPath) => {
    const pair = new Pair(core, driverPath, n * 3 + 100);
    const far = Array.from({ length: 2 * n }, (_, i) => ({ first: BigInt(i) << 40n, last: (BigInt(i) << 40n) + 9n, value: i + 1 }));
    const near = Array.from({ length: n }, (_, i) => ({ first: (BigInt(2 * n) << 40n) + BigInt(i * 2), last: (BigInt(2 * n) << 40n) + BigInt(i * 2), value: i + 1 }));
    pair.bulk([...far, ...near]);
    warmed(pair);
    borders(pair);
  };

/** Crowds of a leaf's worth, and one of fifty leaves. */
const crowdOfLeaves: Sequence = (core, driverPath) => {
  const pair = new Pair(core, driverPath, 1600);
  const far = (i: number): bigint => (BigInt(Math.floor(i / 12)) << 20n) + BigInt(i % 12) * 10n;
  const apart = Array.from({ length: 900 }, (_, i) => ({ first: far(i), last: far(i) + 4n, value: i + 1 }));
  const near = Array.from({ length: 600 }, (_, i) => ({ first: (75n << 20n) + BigInt(i * 2), last: (75n << 20n) + BigInt(i * 2), value: i + 1 }));
  pair.bulk([...apart, ...near]);
  warmed(pair);
  if (hasTables(core)) ok(tableBytes(pair) < 24 * 1500, `${tableBytes(pair)} bytes: a table of leaves`);
  borders(pair);
};

/** One entry far above all others puts them all into one bucket: no table is kept, and none is tried again before the next write. */
const outlier: Sequence = (core, driverPath) => {
  const pair = new Pair(core, driverPath, 1100);
  evenly(pair, 1000, 0n, 4n, 2n);
  pair.insert(1n << 63n, MAX, 7);
  strictEqual(warm(pair), false, 'a table of one bucket');
  borders(pair);
  pair.erase(MAX);
  warmed(pair);
  borders(pair);
};

/** Every kind of write ends the table, is seen by the next load, and a table comes again. */
const writes: Sequence = (core, driverPath) => {
  const pair = new Pair(core, driverPath, 1100);
  evenly(pair, 600, 1000n, 10n, 5n);
  const all: readonly (() => unknown)[] = [
    () => pair.store(1000n, 1003n, 77),
    () => pair.store(2000n, 4000n, 0),
    () => pair.insert(2500n, 2600n, 78),
    () => pair.erase(2500n),
    () => pair.allocate(3n, 1n, 1000n, 6000n, 79, false),
    () => pair.cyclic(3n, 1000n, 6000n, 5000n, 80),
    () => {
      // Refused, and yet a write.
      pair.insert(5000n, 5000n, 1);
    },
    () => {
      pair.clear();
      evenly(pair, 500, 0n, 6n, 6n);
    },
  ];
  for (const write of all) {
    warmed(pair);
    write();
    strictEqual(tableBytes(pair), 0, 'the table ends with a write');
    borders(pair);
  }
};

/** A write after each number of loads around those that make a table; what is made of it then shows the write. */
const whileMade =
  (fill: (pair: Pair) => void, most: number): Sequence =>
  (core, driverPath) => {
    const pair = new Pair(core, driverPath, 1500);
    fill(pair);
    for (let loads = 220; loads < most; loads += 1 + (loads >> 6)) {
      for (let k = 0; k < loads; k++) pair.load(BigInt((k * 7919) % 9000));
      // Joins leaves, and parts them again.
      const { first } = pair.ref.at((loads % 50) * 16);
      const last = pair.ref.at((loads % 50) * 16 + 12).last;
      const kept = Array.from({ length: 13 }, (_, i) => pair.ref.at((loads % 50) * 16 + i));
      pair.store(first, last, 0);
      warmed(pair);
      borders(pair);
      for (const entry of kept) pair.insert(entry.first, entry.last, loads);
    }
  };

/** The loads of one store push on the table of another. */
const two: Sequence = (core, driverPath) => {
  const pair = new Pair(core, driverPath, 1500);
  const other = new Pair(core, driverPath, 1500);
  evenly(pair, 900, 0n, 10n, 5n);
  evenly(other, 900, 7n, 10n, 5n);
  for (let k = 0; k < 3000; k++) (k % 2 === 0 ? other : pair).load(BigInt((k * 7919) % 9000));
  strictEqual(tableBytes(pair) > 0 && tableBytes(other) > 0, hasTables(core), 'both have tables');
  borders(pair);
  borders(other);
};

/** A snapshot has a table of its own, and takes it along when it goes. */
const snapshots: Sequence = (core, driverPath) => {
  if (core.treeSnapshot === undefined) return;
  const pair = new Pair(core, driverPath, 1100);
  evenly(pair, 1000, 0n, 10n, 5n);
  const kept = core.treeSnapshot(pair.handle);
  warmed(pair);
  for (let k = 0; k < 3000; k++) strictEqual(core.treeLoad!(kept, BigInt((k % 1000) * 10)), (k % 1000) + 1);
  strictEqual(tableBytes(pair, kept) > 0, hasTables(core));
  for (let i = 0n; i < 1000n; i += 2n) pair.store(i * 10n, i * 10n + 4n, 0);
  for (let i = 0; i < 1000; i++) strictEqual(core.treeLoad!(kept, BigInt(i * 10 + 4)), i + 1);
  warmed(pair);
  borders(pair);
  strictEqual(core.treeDestroy!(kept), 0);
  borders(pair);
  strictEqual(core.treeDestroy!(pair.handle), 0);
  deepStrictEqual([0, 1, 3].map((what) => core.liveCount!(what)), [0, 0, 0]);
};

/** Tables, made or half made, of stores and of snapshots, come and go without growing the memory. `gathering`: loads after which rows are gathered. */
const frames =
  (fill: (pair: Pair) => void, gathering: number, enough: number): Sequence =>
  (core, driverPath) => {
    const pair = new Pair(core, driverPath, 5100);
    fill(pair);
    warmed(pair);
    const load = (handle: number, times: number): void => {
      for (let k = 0; k < times; k++) core.treeLoad!(handle, BigInt(k));
    };
    pair.store(0n, 0n, 1);
    let made = 0;
    while (made < enough && tableBytes(pair) === 0) {
      load(pair.handle, 1);
      made++;
    }
    const before = core.memory.buffer.byteLength;
    for (let round = 0; round < 200; round++) {
      pair.store(0n, 0n, 1 + (round % 2));
      // Enough to take frames, not to have all of their rows, or all of their buckets.
      load(pair.handle, round < 100 ? gathering : made - 3);
      strictEqual(tableBytes(pair), 0, `round ${round}`);
    }
    for (let round = 0; round < 50; round++) {
      pair.store(0n, 0n, 1 + (round % 2));
      load(pair.handle, enough);
      strictEqual(tableBytes(pair) > 0, hasTables(core), `made ${round}`);
      if (core.treeSnapshot === undefined) continue;
      const kept: number = core.treeSnapshot(pair.handle);
      load(kept, enough);
      strictEqual(tableBytes(pair, kept) > 0, hasTables(core), `snapshot ${round}`);
      core.treeDestroy!(kept);
    }
    strictEqual(core.memory.buffer.byteLength, before);
  };

/** What a write may use does not depend on tables: as many inserts fit beside some as without. */
const shortage: Sequence = (core, driverPath) => {
  // Tables of leaves are small: it takes several of them to make room for a write.
  const stores = [0, 1, 2, 3, 4].map(() => new Pair(core, driverPath, 1300));
  for (const pair of stores) crowds(pair, 1200);
  core.limitMemory!(2 ** 21);
  const fill = (withTable: boolean): number => {
    const written = core.treeCreate!();
    if (withTable) for (const pair of stores) warmed(pair);
    let done = 0;
    while (core.treeInsert!(written, BigInt(done) * 2n, BigInt(done) * 2n, 1) === 0) done++;
    for (const pair of stores) strictEqual(tableBytes(pair), 0, 'the tables went');
    borders(stores[0]!);
    core.treeClear!(written);
    core.treeDestroy!(written);
    return done;
  };
  // Nodes keep their memory: had a table kept frames from the first fill, the second one would get further.
  const beside = fill(true);
  ok(beside > 1000);
  strictEqual(fill(false), beside);
};

export const tableSequences: readonly (readonly [string, Sequence])[] = [
  ['a table over 13 entries, two leaves', even(13, 100n, 10n, 5n)],
  ['a table whose last leaf has one entry and more', ascending],
  ['a table over 331 entries', even(331, 0n, 8n, 8n)],
  ['a table over 5,000 entries without gaps', even(5000, 1n << 32n, 1n << 20n, 1n << 20n)],
  ['a table over 12,100 entries, four levels', even(12_100, 5n, 10n, 5n)],
  ['a table over all indices', even(4096, 0n, 1n << 52n, 1n << 52n)],
  ['a table up to the last index', even(700, MAX - 6999n, 10n, 10n)],
  ['a table with a crowd', crowd(330)],
  ['a table with a crowd of many', crowd(1600)],
  ['a table of leaves with a crowd', crowdOfLeaves],
  ['a table of leaves where entries crowd', crowdedLeaves],
  ['a table of as many entries as it takes, and one more', most],
  ['a table for a crowd and an outlier is not kept', outlier],
  ['each write ends the table', writes],
  ['a write while a table of entries is made', whileMade((pair) => evenly(pair, 900, 0n, 10n, 5n), 340)],
  ['a write while a table of leaves is made', whileMade((pair) => crowds(pair, 900), 420)],
  ['tables of two stores', two],
  ['tables of snapshots', snapshots],
  ['tables of entries give their frames back', frames((pair) => evenly(pair, 4000, 0n, 10n, 5n), 1001 + 20, 2400)],
  ['tables of leaves where entries crowd give their frames back', frames((pair) => crowds(pair, 1200), 301 + 20, 1200)],
  ['tables go when memory is short', shortage],
];
