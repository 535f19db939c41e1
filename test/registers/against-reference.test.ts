// The core's register banks against the reference: random maps, random operations, everything that can be seen compared after each.

import { describe, expect, test } from '@jest/globals';
import { BankPair } from './world/bank-pair.ts';
import { drive } from './world/drive.ts';
import { randomMap } from './world/random-map.ts';

describe.each(['scalar', 'simd'] as const)('%s: a bank answers like the reference', (build) => {
  test.each(Array.from({ length: 20 }, (_, i) => i))('maps %i', (part) => {
    let maps = 0;
    for (let seed = 1 + part * 15; seed <= (part + 1) * 15; seed++) {
      const pair = new BankPair(randomMap(seed), { build });
      try {
        drive(pair, seed * 7919, 120);
        pair.close();
        maps++;
      } catch (error) {
        throw new Error(`map of seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    expect(maps).toBe(15);
  });
});
