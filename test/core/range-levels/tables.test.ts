// Tables against the sorted array: entries anywhere between evenly spread and crowded, and writes at any moment of a table's making.

import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { instantiateTree } from '../../fuzz/tree/chunks.ts';
import { buildPath, builtDriver } from '../../fuzz/tree/driver.ts';
import { MAX, Pair } from './pair.ts';

const driverPath = builtDriver();

// Steps from one entry to the next: their size decides how many leaves a bucket gets.
const step = fc.oneof(fc.bigInt(1n, 20n), fc.bigInt(1n, 20n), fc.nat({ max: 40 }).chain((bits) => fc.bigInt(1n, 1n << BigInt(bits))));
const entries = fc.array(fc.tuple(step, fc.bigInt(0n, 8n)), { minLength: 13, maxLength: 250, size: 'max' });
const rounds = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat(), fc.constantFrom('store', 'erase', 'none')), { maxLength: 4 });

describe.each(['range-map.wasm', 'range-map.simd.wasm'])('%s', (build) => {
  test('R-load the same with a table, without one and while it is made', () => {
    fc.assert(
      fc.property(entries, rounds, (steps, then) => {
        const pair = new Pair(instantiateTree(buildPath(build)), driverPath, 600);
        let at = 0n;
        for (const [gap, more] of steps) {
          pair.ref.insert(at + gap, at + gap + more, 1 + pair.ref.count());
          at += gap + more + 1n;
        }
        const copy = Array.from({ length: pair.ref.count() }, (_, i) => pair.ref.at(i));
        pair.ref.clear();
        pair.bulk(copy);
        for (const [loads, seed, write] of then) {
          for (let k = 0; k < loads; k++) {
            const { first, last } = pair.ref.at((seed + k * 31) % pair.ref.count());
            pair.load([first, last, first - 1n, last === MAX ? 0n : last + 1n][k % 4]! & MAX);
          }
          pair.check();
          const { first, last } = pair.ref.at(seed % pair.ref.count());
          if (write === 'store') pair.store(first, last + 1n, 5);
          if (write === 'erase' && pair.ref.count() > 13) pair.erase(first);
        }
      }),
      { numRuns: 150 },
    );
  });
});
