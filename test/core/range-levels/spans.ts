// Sequences of stores that span leaves: over k of them, beginning and ending at each slot, with a value or with nothing, touching entries or with gaps.

import { strictEqual } from 'node:assert/strict';
import { MAX, Pair } from './pair.ts';
import type { Sequence } from './sequences.ts';

const PITCH = 8n;

/** Entries of six indices every eight, from `base` on. */
function loaded(pair: Pair, n: number, base: bigint, length: bigint): void {
  pair.bulk(Array.from({ length: n }, (_, i) => ({ first: base + BigInt(i) * PITCH, last: base + BigInt(i) * PITCH + length - 1n, value: i + 1 })));
}

/** Spans of any width at any slot; the store is put back to what it was by clearing and loading anew. */
function spans(n: number, base: bigint, length: bigint, value: number, starts: readonly number[], widths: readonly number[]): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, n + 10);
    for (const start of starts) {
      for (const width of widths) {
        if (start + width >= n) continue;
        // Beginning in an entry, at its first index, or in the gap before it; ending likewise.
        for (const [from, to] of [[0n, length - 1n], [2n, 2n], [-1n, length], [length - 1n, 0n]] as const) {
          const first = base + BigInt(start) * PITCH + from;
          const last = base + BigInt(start + width) * PITCH + to;
          if (first < 0n || last > MAX || first > last) continue;
          pair.clear();
          loaded(pair, n, base, length);
          pair.store(first, last, value);
          pair.load(first);
          pair.find(first);
          pair.findPrevious(last);
          if (first > 0n) pair.previous(first);
          pair.next(last);
          pair.gap(PITCH - length + 1n, 1n, base, base + BigInt(n) * PITCH > MAX ? MAX : base + BigInt(n) * PITCH, false);
          pair.gap(PITCH - length + 1n, 1n, base, base + BigInt(n) * PITCH > MAX ? MAX : base + BigInt(n) * PITCH, true);
        }
      }
    }
    pair.same();
    pair.clear();
    pair.empty();
    core.treeDestroy!(pair.handle);
  };
}

const slots = Array.from({ length: 13 }, (_, i) => i);
const leaves = [0, 1, 2, 10, 11, 12, 13, 21, 22, 23, 24, 33, 45, 100];
const levels = [241, 242, 243, 263, 264, 265, 300];
const ends = { 'at 0': () => 0n, 'at 2^32': () => 2n ** 32n, 'at 2^64-1': (n: number, length: bigint) => MAX - BigInt(n - 1) * PITCH - (length - 1n) };

/** The end of one full leaf and the start of the next, overwritten by a range that leaves both rests. */
function threeWay(base: bigint): Sequence {
  return (core, driverPath) => {
    for (let border = 8n; border < 40n; border++) {
      const pair = new Pair(core, driverPath, 400);
      for (let i = 0n; i < 120n; i++) pair.insert(base + i * 10n, base + i * 10n + 9n, Number(i) + 1);
      pair.store(base + border * 10n + 5n, base + border * 10n + 14n, 500);
      pair.store(base + border * 10n + 7n, base + border * 10n + 7n, 501);
      pair.store(base + border * 10n + 11n, base + border * 10n + 12n, 0);
      pair.same();
      core.treeDestroy!(pair.handle);
    }
  };
}

/** NULL stores of growing width from every leaf on, until nothing is left. */
function wipe(base: bigint): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, 4000);
    loaded(pair, 3000, base, PITCH);
    let from = base + 4n;
    for (let width = 1n; pair.ref.count() > 0; width += 7n) {
      pair.store(from, from + width * PITCH > MAX ? MAX : from + width * PITCH, 0);
      from += (width + 3n) * PITCH;
      if (from > base + 3000n * PITCH || from > MAX - 100n) from = base;
    }
    pair.empty();
    core.treeDestroy!(pair.handle);
  };
}

/** Erases at leaf borders make gaps that reach over them; both searches find the joined gap. */
function gapsJoin(base: bigint): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, 1000);
    const n = 400;
    for (let start = 0; start < n - 4; start += 1) {
      if (start % 50 === 0) {
        pair.clear();
        pair.bulk(Array.from({ length: n }, (_, i) => ({ first: base + BigInt(i) * 4n, last: base + BigInt(i) * 4n + 3n, value: i + 1 })));
      }
      const end = base + BigInt(n) * 4n - 1n;
      const at = base + BigInt(start) * 4n;
      for (const i of [0n, 2n, 1n]) pair.erase(at + i * 4n);
      strictEqual(pair.gap(12n, 1n, base, end, false), at);
      strictEqual(pair.gap(12n, 1n, base, end, true), at);
      strictEqual(pair.gap(13n, 1n, base, end, false), -16);
      for (const i of [1n, 0n, 2n]) pair.insert(at + i * 4n, at + i * 4n + 3n, 7);
      strictEqual(pair.gap(1n, 1n, base, end, true), -16);
    }
    core.treeDestroy!(pair.handle);
  };
}

/** Full inner nodes that are not on the right edge split in halves, also for their last child: pieces of entries grow the leaves beside each likely border, upwards or downwards. */
function bordersSplit(mirror: boolean): Sequence {
  return (core, driverPath) => {
    // Where the first or second inner node of a bulk load may end.
    for (const border of [22 * 11, 24 * 11, 24 * 12, 2 * 24 * 11, 2 * 24 * 12]) {
      const pair = new Pair(core, driverPath, 5000);
      pair.bulk(Array.from({ length: 2000 }, (_, i) => ({ first: 64n + 64n * BigInt(i), last: 64n + 64n * BigInt(i) + 59n, value: i + 1 })));
      for (let j = 0; j < 36; j++) {
        const first = 64n + 64n * BigInt(mirror ? border + 36 - j : border - 36 + j);
        for (let k = 0n; k < 60n; k += 3n) pair.store(first + (mirror ? 57n - k : k), first + (mirror ? 57n - k : k) + 1n, 5);
      }
      pair.same();
      core.treeDestroy!(pair.handle);
    }
  };
}

export const spanSequences: readonly (readonly [string, Sequence])[] = [
  ...Object.entries(ends).flatMap(([where, base]) =>
    [0, 9].flatMap((value) =>
      [6n, PITCH].flatMap((length) => [
        [`stores of ${value} over leaves ${where}, entries of ${length} in ${PITCH}`, spans(140, base(140, length), length, value, slots, leaves)] as const,
        [`stores of ${value} over levels ${where}, entries of ${length} in ${PITCH}`, spans(620, base(620, length), length, value, [0, 11, 235, 242, 250], levels)] as const,
      ]),
    ),
  ),
  ['a range over the border of two full leaves, at 0', threeWay(0n)],
  ['a range over the border of two full leaves, at 2^64-1', threeWay(MAX - 1199n)],
  ['stores of nothing wipe leaf after leaf, at 0', wipe(0n)],
  ['stores of nothing wipe leaf after leaf, at 2^64-1', wipe(MAX - 3000n * PITCH + 1n)],
  ['inner nodes off the right edge split at their last child', bordersSplit(false)],
  ['inner nodes split at their first child, downwards', bordersSplit(true)],
  ['gaps join across the borders of leaves, at 0', gapsJoin(0n)],
  ['gaps join across the borders of leaves, at 2^64-1', gapsJoin(MAX - 1599n)],
];
