// The machine's time for the timers of a device: for a server whose client runs in real time.

import type { DeviceClock } from '../../pci/index.ts';

const NS_PER_MS = 1e6;
/** The longest that a timer of Node's waits: longer ones are waited for in pieces. */
const LONGEST_MS = 2 ** 31 - 1;

/** When the timers of this thread are due, by `process.hrtime`. */
const dues = new Set<{ readonly at: bigint }>();

/** Microseconds until the next timer of any {@link wallClock} of this thread is due, 0 or less when it is; undefined without one. @internal */
export function nextDue(): number | undefined {
  if (dues.size === 0) return undefined;
  let first: bigint | undefined;
  for (const { at } of dues) if (first === undefined || at < first) first = at;
  return Math.ceil(Number(first! - process.hrtime.bigint()) / 1000);
}

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
      const entry = { at: start + due };
      dues.add(entry);
      let timer: NodeJS.Timeout;
      const fire = (): void => {
        dues.delete(entry);
        run();
      };
      const wait = (): void => {
        const left = Math.ceil(Number(due - now()) / NS_PER_MS);
        // Node's timers go by a clock of whole milliseconds, so they come up to one early.
        timer = setTimeout(() => (due > now() ? wait() : fire()), Math.max(0, Math.min(left, LONGEST_MS))).unref();
      };
      wait();
      return () => {
        dues.delete(entry);
        clearTimeout(timer);
      };
    },
  };
}
