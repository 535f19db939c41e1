// Random writes, resets and reads of one function, from a seed: always the same ones.

import { capabilityList, extendedCapabilityList } from '../../reference/index.ts';
import { Random } from '../../fuzz/random.ts';
import type { ConfigPair } from './config-pair.ts';
import { GuestWrites } from './guest-writes.ts';

/** Makes `writes` writes and compares after each. Throws at the first difference; `at` of what it is called with says which write that was. */
export function drive(pair: ConfigPair, seed: number, writes: number, progress: (done: number) => void = () => undefined): void {
  const random = new Random(seed);
  const { bytes } = pair.judge;
  const guest = new GuestWrites(random, pair.size, [...capabilityList(bytes), ...extendedCapabilityList(bytes)]);
  const BETWEEN_CHECKS = 1000;
  for (let done = 1; done <= writes; done++) {
    pair.write(guest.next());
    if (random.once(32)) {
      const width = random.pick([1, 2, 4] as const);
      guest.remember(pair.read(random.once(2) ? random.below(0x40) : random.below(pair.size - 3), width));
    }
    if (random.once(2000)) pair.reset(random.once(4) ? 'power-on' : 'function');
    if (random.once(256)) pair.checkWindows();
    if (done % BETWEEN_CHECKS === 0) {
      pair.checkAlive();
      progress(done);
    }
  }
}
