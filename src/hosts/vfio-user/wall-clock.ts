// The machine's time for the timers of a device: for a server whose client runs in real time.

import type { DeviceClock } from '../../pci/index.ts';

const NS_PER_MS = 1e6;
/** The longest that a timer of Node's waits: longer ones are waited for in pieces. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Nanoseconds since now, and timers that come when it is time, or up to a millisecond later. Timers do not keep the program running.
 *
 * @example
 * ```ts
 * const device = serveDevice(engine, edu, { clock: wallClock() });
 * ```
 */
export function wallClock(): DeviceClock {
  const start = process.hrtime.bigint();
  const now = (): bigint => process.hrtime.bigint() - start;
  return {
    now,
    after(delay, run) {
      const due = now() + BigInt(delay);
      let timer: NodeJS.Timeout;
      const wait = (): void => {
        const left = Math.ceil(Number(due - now()) / NS_PER_MS);
        // Node's timers go by a clock of whole milliseconds, so they come up to one early.
        timer = setTimeout(() => (due > now() ? wait() : run()), Math.max(0, Math.min(left, LONGEST_MS))).unref();
      };
      wait();
      return () => clearTimeout(timer);
    },
  };
}
