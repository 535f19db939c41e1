// Clocks of recorded devices: time stands still between inputs, and a timer that is due is an input.

import type { DeviceClock } from '../../../pci/index.ts';
import type { SessionLog } from './events.ts';

/** A clock that shows the time of the last input; its timers are those of `clock`. */
export function loggedClock(clock: DeviceClock, log: SessionLog): DeviceClock {
  let timers = 0;
  return {
    now: () => BigInt(log.time),
    after(delay, run) {
      const timer = timers++;
      return clock.after(delay, () => {
        log.input({ kind: 'timer', timer });
        run();
      });
    },
  };
}

/** The clock of a replay: timers come when they are told to. */
export class ReplayClock implements DeviceClock {
  private readonly log: SessionLog;
  private readonly waiting = new Map<number, () => void>();
  private timers = 0;

  constructor(log: SessionLog) {
    this.log = log;
  }

  now(): bigint {
    return BigInt(this.log.time);
  }

  after(_delay: number, run: () => void): () => void {
    const timer = this.timers++;
    this.waiting.set(timer, run);
    return () => void this.waiting.delete(timer);
  }

  /** A timer is due. False when the device has not set it, or has taken it back. */
  fire(timer: number): boolean {
    const run = this.waiting.get(timer);
    if (run === undefined) return false;
    this.waiting.delete(timer);
    this.log.input({ kind: 'timer', timer });
    run();
    return true;
  }
}
