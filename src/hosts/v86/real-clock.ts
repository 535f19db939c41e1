// Time as it passes: what cards go by in a machine that a person looks at.

import { integer } from '../../core/index.ts';
import type { DeviceClock } from '../../pci/index.ts';

const NS_PER_MS = 1_000_000;
/** The longest that a timer of JavaScript waits. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * A clock of real time, from 0 on. It does not slow down with the emulator, nor stop with it: v86's own timers do not either.
 *
 * @example
 * ```ts
 * const clock = realClock();
 * clock.after(5_000_000, () => console.log('5 ms later'));
 * ```
 */
export function realClock(): DeviceClock {
  const began = performance.now();
  let last = 0n;
  const now = (): bigint => {
    const at = BigInt(Math.round((performance.now() - began) * NS_PER_MS));
    // Rounding of the machine's clock must not show as time that runs back.
    if (at > last) last = at;
    return last;
  };
  return {
    now,
    after(delay, run) {
      const due = performance.now() + integer('clock.after: delay', delay, 0, Number.MAX_SAFE_INTEGER) / NS_PER_MS;
      let timer: ReturnType<typeof setTimeout>;
      const wait = (): void => {
        const left = due - performance.now();
        timer = setTimeout(() => {
          if (due - performance.now() > 0) wait();
          else run();
        }, Math.min(Math.max(0, Math.ceil(left)), LONGEST_MS));
      };
      wait();
      return () => clearTimeout(timer);
    },
  };
}
