// The loops over our range map called from JavaScript with columns: as many rows per call as the contender's name says.

import { RangeMap } from '../../src/range-map/index.ts';
import { fold } from './loops.ts';
import type { Loops } from './loops.ts';
import { arena, nodeBytes, valuesOf } from './structures/range-map.ts';
import { treeCount } from './workload.ts';
import type { Workload } from './workload.ts';

interface Columns {
  readonly firsts: Float64Array;
  readonly lasts: Float64Array;
  readonly values: Uint32Array;
}

/** Cuts columns into batches once: a program that has its rows in columns has them in batches. */
function batches({ firsts, lasts, values }: Columns, rows: number): Columns[] {
  const cut: Columns[] = [];
  for (let at = 0; at < firsts.length; at += rows) cut.push({ firsts: firsts.subarray(at, at + rows), lasts: lasts.subarray(at, at + rows), values: values.subarray(at, at + rows) });
  return cut;
}

/** Loops that hand over `rows` rows per call. */
export function batchLoops(rows: number, workload: Workload): Loops {
  const { n, firsts, lasts, insertOrder, eraseOrder, keys } = workload;
  const trees = treeCount(n);
  const values = valuesOf(n);
  const inOrder = (order: Uint32Array, shift: number): Columns => ({
    firsts: Float64Array.from(order, (i) => firsts[i]!),
    lasts: Float64Array.from(order, (i) => lasts[i]!),
    values: Uint32Array.from(order, (i) => i + 1 + shift),
  });
  const ascending = batches({ firsts, lasts, values }, rows);
  const random = batches(inOrder(insertOrder, 0), rows);
  const replaced = new Map([0, n].map((shift) => [shift, batches(inOrder(eraseOrder, shift), rows)]));
  const erased = replaced.get(0)!;
  const maps = Array.from({ length: trees }, () => new RangeMap({ arena }));
  const answers = new Uint32Array(rows);

  const insert = (all: readonly Columns[]): number => {
    let done = 0;
    for (const map of maps) for (const batch of all) done += map.insertMany(batch.firsts, batch.lasts, batch.values);
    return done;
  };
  return {
    trees,
    clear() {
      for (const map of maps) map.clear();
    },
    insertAscending: () => insert(ascending),
    insertRandom: () => insert(random),
    eraseRandom() {
      let sum = 0;
      for (const map of maps) {
        for (const batch of erased) {
          map.deleteMany(batch.firsts, answers);
          for (let i = 0; i < batch.firsts.length; i++) sum = (sum + answers[i]!) | 0;
        }
      }
      return sum >>> 0;
    },
    load(from, to) {
      const map = maps[0]!;
      let sum = 0;
      for (let at = from; at < to; at += rows) {
        const end = Math.min(to, at + rows);
        map.getMany(keys.subarray(at, end), answers);
        for (let i = 0; i < end - at; i++) sum = (sum + answers[i]!) | 0;
      }
      return sum >>> 0;
    },
    replace(shift) {
      for (const map of maps) for (const batch of replaced.get(shift)!) map.setMany(batch.firsts, batch.lasts, batch.values);
    },
    contents() {
      let hash = 0;
      for (const map of maps) map.forEach((value, [first]) => void (hash = fold(hash, first, value)));
      return hash;
    },
    bytes: nodeBytes,
  };
}
