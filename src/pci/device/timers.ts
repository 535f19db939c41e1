// The timers of a device on the clock of its host. Paused, they keep what is left of their time.

import { integer } from '../../core/index.ts';
import type { DeviceClock } from './host.ts';

interface Timer {
  readonly run: () => void;
  /** While it runs: when it is due, and what takes it back from the clock. */
  due: bigint;
  stop: (() => void) | undefined;
  /** While it is paused. */
  left: number;
}

/** The timers of one device. */
export class DeviceTimers {
  private readonly clock: (call: string) => DeviceClock;
  /** By what takes them back, in the order in which they were set. */
  private readonly timers = new Map<() => void, Timer>();
  private paused = false;

  /** @param clock - the host's; throws when it has none. */
  constructor(clock: (call: string) => DeviceClock) {
    this.clock = clock;
  }

  get isPaused(): boolean {
    return this.paused;
  }

  /** Calls `run` once, `delay` ns from now. Returns what takes it back. */
  after(delay: number, run: () => void): () => void {
    this.clock('after');
    const timer: Timer = { run, due: 0n, stop: undefined, left: integer('after: delay', delay, 0, Number.MAX_SAFE_INTEGER) };
    const cancel = (): void => {
      this.timers.delete(cancel);
      timer.stop?.();
    };
    if (!this.paused) this.start(cancel, timer);
    this.timers.set(cancel, timer);
    return cancel;
  }

  private start(cancel: () => void, timer: Timer): void {
    const clock = this.clock('after');
    timer.due = clock.now() + BigInt(timer.left);
    timer.stop = clock.after(timer.left, () => {
      this.timers.delete(cancel);
      timer.run();
    });
  }

  private left({ due, left }: Timer): number {
    const rest = this.paused ? left : Number(due - this.clock('now').now());
    return Math.max(0, rest);
  }

  /** Nanoseconds until a timer is due; undefined when it is none, or no longer. */
  timeLeft(cancel: () => void): number | undefined {
    const timer = this.timers.get(cancel);
    return timer && this.left(timer);
  }

  /** Time stands still. */
  pause(): void {
    for (const timer of this.timers.values()) {
      timer.left = this.left(timer);
      timer.stop?.();
      timer.stop = undefined;
    }
    this.paused = true;
  }

  /** Time goes on. */
  goOn(): void {
    this.paused = false;
    for (const [cancel, timer] of [...this.timers]) this.start(cancel, timer);
  }

  /** There are none. */
  clear(): void {
    for (const cancel of [...this.timers.keys()]) cancel();
  }
}
