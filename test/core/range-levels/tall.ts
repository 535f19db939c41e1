// Sequences on trees of four levels: bulk loads of every size, and inner nodes that share children below a parent that has ancestors.

import { strictEqual } from 'node:assert/strict';
import { ReferenceXorshift } from '../../reference/index.ts';
import { Pair } from './pair.ts';
import type { Sequence } from './sequences.ts';

/** Entry i of a bulk load; every gap has another length, so that one of them is the longest anywhere and is known by its length. */
const PITCH = 100_000n;
const entry = (i: number) => ({ first: BigInt(i) * PITCH + 20_000n + BigInt((i * 7919) % 60_000), last: BigInt(i + 1) * PITCH - 1n, value: i + 1 });

/** Single indices into the gaps of three neighbouring inner nodes' worth of entries, the longest gaps first. */
function children(snapshot: boolean, from: number): Sequence {
  return (core, driverPath) => {
    if (snapshot && core.treeSnapshot === undefined) return;
    const random = new ReferenceXorshift(11 + from);
    const [many, region] = [12_000, 900];
    const pair = new Pair(core, driverPath, many + 9000);
    pair.bulk(Array.from({ length: many }, (_, i) => entry(i)));
    pair.checkEvery = 3;
    for (let round = 0; round < 5; round++) {
      const kept = snapshot ? core.treeSnapshot!(pair.handle) : 0;
      const before = pair.ref.count();
      for (let k = 0; k < 900; k++) {
        const { first } = entry(from + (random.next() % region));
        // The middle of the gap in front of an entry, then the middles of its halves.
        const previous = pair.ref.findPrevious(first - 1n)?.last ?? 0n;
        const at = previous + (first - previous) / 2n;
        pair.insert(at, at, 7);
      }
      if (snapshot) {
        strictEqual(core.treeValidate!(kept), 0, 'structural check of a snapshot');
        strictEqual(core.treeCount!(kept), before);
        core.treeDestroy!(kept);
      }
      pair.same();
    }
    // All of it in descending order, so that each node in turn has the longest gap that goes.
    for (let i = from + region; i > from; i--) pair.erase(entry(i).first);
    pair.clear();
    pair.empty();
    core.treeDestroy!(pair.handle);
  };
}

/** Only one inner node's neighbourhood has gaps, and every insert cuts the longest of them in halves: each time all ancestors must hear of it. */
function longestGapFirst(from: number): Sequence {
  return (core, driverPath) => {
    const [many, region] = [12_000, 700];
    const pair = new Pair(core, driverPath, many + 6000);
    const all = Array.from({ length: many }, (_, i) => (i >= from && i < from + region ? entry(i) : { ...entry(i), first: BigInt(i) * PITCH }));
    pair.bulk(all);
    const gaps = all.slice(from, from + region).map(({ first }, i) => ({ first: BigInt(from + i) * PITCH, last: first - 1n }));
    for (let k = 0; k < 3500; k++) {
      let longest = 0;
      for (let i = 1; i < gaps.length; i++) if (gaps[i]!.last - gaps[i]!.first > gaps[longest]!.last - gaps[longest]!.first) longest = i;
      const { first, last } = gaps[longest]!;
      const at = first + (last - first) / 2n;
      pair.insert(at, at, 7);
      gaps[longest] = { first, last: at - 1n };
      gaps.push({ first: at + 1n, last });
    }
    pair.same();
    core.treeDestroy!(pair.handle);
  };
}

/** Any number of entries makes a sound tree. */
function everySize(sizes: readonly number[]): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, 12_000);
    const all = Array.from({ length: Math.max(...sizes) }, (_, i) => entry(i));
    for (const n of sizes) {
      pair.bulk(all.slice(0, n));
      pair.store(0n, 0n, 9);
      pair.clear();
    }
    pair.empty();
    core.treeDestroy!(pair.handle);
  };
}

/** One entry more or less than so many full leaves. */
const beside = (leaf: number, leaves: readonly number[]): number[] => leaves.flatMap((n) => [leaf * n - 1, leaf * n, leaf * n + 1]);
const wholeNodes = [1, 2, 28, 29, 30, 31, 56, 58, 59, 60, 61, 90, 91, 840, 841, 870, 899, 900, 901, 930, 931];

export const tallTreeSequences: readonly (readonly [string, Sequence])[] = [
  ['bulk loads of 1 to 320 entries', everySize(Array.from({ length: 320 }, (_, i) => i + 1))],
  ['bulk loads that just fill leaves and inner nodes', everySize([...beside(11, wholeNodes), ...beside(12, wholeNodes)])],
  ['inner nodes share children in a tree of four levels', children(false, 5000)],
  ['inner nodes at the left edge share children in a tree of four levels', children(false, 0)],
  ['inner nodes share children while the longest gap is cut', longestGapFirst(2000)],
  ['inner nodes share children below snapshots', children(true, 3000)],
];
