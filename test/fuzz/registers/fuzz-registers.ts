// The register fuzzer: one random map after another, each with seeded operations on one build, until enough are done or one differs.

import { BankPair } from '../../registers/world/bank-pair.ts';
import { drive } from '../../registers/world/drive.ts';
import { randomMap } from '../../registers/world/random-map.ts';

/** Operations on one map. */
export const ON_ONE_MAP = 2000;
const BETWEEN_LOOKS = 8;

export interface RegisterReport {
  readonly seed: number;
  readonly operations: number;
  readonly maps: number;
  /** The map's seed, and how the core differs from the reference. */
  readonly difference?: { readonly map: number; readonly message: string };
}

/** Makes `operations` operations from `seed` on; `progress` hears of each map. */
export function fuzzRegisters(build: 'scalar' | 'simd', seed: number, operations: number, progress: (done: number) => void = () => undefined): RegisterReport {
  let done = 0;
  for (let maps = 0; done < operations; maps++) {
    const now = Math.min(ON_ONE_MAP, operations - done);
    // Both seeds are numbers from 1 on.
    const map = ((seed + maps * 0x9e37_79b1) >>> 0) || 1;
    try {
      const pair = new BankPair(randomMap(map), { build });
      drive(pair, map, now, BETWEEN_LOOKS);
      pair.close();
    } catch (error) {
      return { seed, operations: done + now, maps: maps + 1, difference: { map, message: (error as Error).message } };
    }
    done += now;
    progress(done);
  }
  return { seed, operations: done, maps: Math.ceil(done / ON_ONE_MAP) };
}
