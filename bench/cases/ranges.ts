// Range maps at a given number of ranges: load, build in random order, replace at random.

import type { Side } from '../comparison.ts';
import { createRandom, shuffled } from '../random.ts';

/** What the range maps have in common. Indices are numbers: all of them take numbers up to 2^53-1. */
export interface RangeMap {
  load(index: number): number;
  insert(first: number, last: number, value: number): void;
  erase(index: number): number;
  clear(): void;
}

export type RangeOperation = 'load' | 'insert' | 'replace';

const SLOT_BYTES = 0x2000;
const BASE = 0x10_0000_0000;
const LOADS = 1024;
const BLOCKS = 64;

/** A side that does `operation` on a map of `n` ranges. */
export function createRangeSide(map: RangeMap, operation: RangeOperation, n: number): Side {
  const firsts = new Float64Array(n);
  const lasts = new Float64Array(n);
  const random = createRandom(n);
  for (let i = 0; i < n; i++) {
    firsts[i] = BASE + i * SLOT_BYTES + (random() % 0x1000);
    lasts[i] = firsts[i]! + (random() % 0x1000);
  }
  const fill = (): void => {
    map.clear();
    for (const i of shuffled(n, random)) map.insert(firsts[i]!, lasts[i]!, i + 1);
  };
  const digest = (): unknown => {
    fill();
    let sum = 0;
    for (let i = 0; i < n; i += 3) sum = (sum * 31 + map.erase(firsts[i]!)) | 0;
    for (let i = 0; i < n; i++) for (const index of [firsts[i]! - 1, firsts[i]!, lasts[i]!, lasts[i]! + 1]) sum = (sum * 31 + map.load(index)) | 0;
    fill();
    return sum;
  };
  fill();

  if (operation === 'load') {
    const keys = new Float64Array(LOADS * BLOCKS);
    let block = 0;
    return {
      operations: LOADS,
      digest,
      prepare(round) {
        const drawn = createRandom(round);
        for (let k = 0; k < keys.length; k++) {
          const i = drawn() % n;
          keys[k] = firsts[i]! + (drawn() % (lasts[i]! - firsts[i]! + 1));
        }
      },
      run() {
        block = (block + 1) % BLOCKS;
        let sum = 0;
        for (let k = block * LOADS; k < (block + 1) * LOADS; k++) sum = (sum + map.load(keys[k]!)) | 0;
        return sum;
      },
    };
  }

  // Several orders, so that small maps are not built in one that the branch predictor has learnt.
  const orders: Uint32Array[] = [];
  let next = 0;
  const renew = (round: number): void => {
    const drawn = createRandom(round);
    const count = Math.max(1, Math.floor(65536 / n));
    for (let i = 0; i < count; i++) orders[i] = shuffled(n, drawn);
  };
  const takeOrder = (): Uint32Array => orders[next++ % orders.length]!;
  if (operation === 'insert') {
    return {
      operations: n,
      digest,
      prepare: renew,
      run() {
        const order = takeOrder();
        map.clear();
        for (let k = 0; k < n; k++) map.insert(firsts[order[k]!]!, lasts[order[k]!]!, k + 1);
        return map.load(firsts[order[0]!]!);
      },
    };
  }
  const replaced = Math.min(n, LOADS);
  return {
    operations: replaced,
    digest,
    prepare: renew,
    run() {
      const order = takeOrder();
      let sum = 0;
      for (let k = 0; k < replaced; k++) {
        const i = order[k]!;
        sum = (sum + map.erase(lasts[i]!)) | 0;
        map.insert(firsts[i]!, lasts[i]!, k + 1);
      }
      return sum;
    },
  };
}
