// Time that moves when it is told to: the clock of a testbench.

import { integer } from '../../core/index.ts';
import type { DeviceClock } from '../../pci/index.ts';

interface Timer {
  readonly due: bigint;
  readonly order: number;
  readonly run: () => void;
}

/**
 * A clock that stands still until {@link ManualClock.advance}.
 *
 * @example
 * ```ts
 * const clock = new ManualClock();
 * clock.after(1000, () => console.log('due'));
 * clock.advance(1000); // due
 * ```
 */
export class ManualClock implements DeviceClock {
  private time = 0n;
  private order = 0;
  private readonly timers = new Set<Timer>();

  now(): bigint {
    return this.time;
  }

  after(delay: number, run: () => void): () => void {
    const timer = { due: this.time + BigInt(integer('clock.after: delay', delay, 0, Number.MAX_SAFE_INTEGER)), order: this.order++, run };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.timers.size;
  }

  /** When the next timer is due, in ns; null when none waits. */
  get next(): bigint | null {
    return this.first()?.due ?? null;
  }

  private first(): Timer | undefined {
    let found: Timer | undefined;
    for (const timer of this.timers) if (found === undefined || timer.due < found.due || (timer.due === found.due && timer.order < found.order)) found = timer;
    return found;
  }

  /**
   * Moves time on. Timers are called in the order in which they are due, each at its own time, and those that they set as well.
   *
   * @param ns 0 to 2^53-1.
   * @throws what a timer throws; time stands where it was due then.
   */
  advance(ns: number): void {
    const until = this.time + BigInt(integer('clock.advance: ns', ns, 0, Number.MAX_SAFE_INTEGER));
    for (let timer = this.first(); timer !== undefined && timer.due <= until; timer = this.first()) {
      this.timers.delete(timer);
      this.time = timer.due > this.time ? timer.due : this.time;
      timer.run();
    }
    this.time = until;
  }
}
