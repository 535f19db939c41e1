// The two interrupts that no device raises by itself: ERR, an uncorrectable error was reported, and REQ, the host wants the device back. Behaviour text, section 5.5.

import type { EventFd } from '../files/eventfd.ts';
import { refuse } from './irq-set.ts';
import type { IrqRequest } from './irq-set.ts';

/** One of them: an eventfd, or none. */
export class VfioNotification {
  private readonly name: 'ERR' | 'REQ';
  private trigger: EventFd | null = null;

  constructor(name: 'ERR' | 'REQ') {
    this.name = name;
  }

  /** Tells the user, if it asked to be told. Returns whether it did. */
  signal(): boolean {
    this.trigger?.signal();
    return this.trigger !== null;
  }

  /** Forgets the eventfd. */
  disable(): void {
    this.trigger?.release();
    this.trigger = null;
  }

  /** @internal One SET_IRQS request of it. */
  set({ start, count, data, eventfd }: IrqRequest): number {
    if (start !== 0 || count > 1) refuse('EINVAL', `${this.name}: start ${start}, count ${count}; expected 0 and at most 1`);
    if (data.kind === 'none') {
      if (this.trigger === null) refuse('EINVAL', `${this.name} has no eventfd`);
      if (count === 0) this.disable();
      else this.trigger.signal();
      return 0;
    }
    if (count === 0) refuse('EINVAL', `${this.name}: count is 0 with data`);
    if (data.kind === 'bool') {
      if (data.bytes[0] !== 0) this.trigger?.signal();
      return 0;
    }
    const fd = data.fds[0]!;
    if (fd < -1) refuse('EINVAL', `${this.name}: fd ${fd}; expected -1 or an eventfd`);
    const trigger = fd === -1 ? null : eventfd(fd).hold();
    this.disable();
    this.trigger = trigger;
    return 0;
  }
}
