// The order in which line buffers of write-combining windows drain: rule W-order of docs/how-an-access-travels.md.

import { integer } from '../webassembly/index.ts';

/**
 * `in-order`: the lines of a window leave in the order in which they were opened. `seed` (1 to 2^32-1): in a random order, and now and then unasked; the same seed
 * and the same accesses give the same order.
 */
export type DrainPolicy = 'in-order' | { readonly seed: number };

/**
 * The core's form of a policy.
 *
 * @throws TypeError for what is no policy, RangeError for a seed outside 1 to 2^32-1.
 * @internal
 */
export function drainSeed(call: string, policy: DrainPolicy): number {
  if (policy === 'in-order') return 0;
  if (typeof policy !== 'object' || (policy as unknown) === null || !('seed' in policy)) throw new TypeError(`${call}: expected 'in-order' or { seed }, not ${JSON.stringify(policy)}`);
  return integer(`${call}: seed`, policy.seed, 1, 0xffff_ffff);
}
