// MSI or MSI-X through VFIO: vectors, each with an eventfd or none. Behaviour text, section 5.4.
//
//   enable: start + count vectors are allocated; fewer there --> that number is the ioctl's result
//   set:    each vector is released first; fd < 0 leaves it so; the first failure leaves all from start to it without an eventfd

import type { EventFd } from '../files/eventfd.ts';
import { afterFailure, askModel, atEnd } from '../model-error.ts';
import type { InterruptHardware } from './hardware.ts';
import { refuse } from './irq-set.ts';
import type { IrqRequest } from './irq-set.ts';

/** What a kind of message interrupt can do. */
export interface MessageLimits {
  readonly kind: 'msi' | 'msix';
  /** Vectors that the system has left for the device. */
  readonly available: number;
  /** Whether vectors can be added while others are in use. */
  readonly isDynamic: boolean;
}

/** The vectors of one kind. */
export class VfioMessages {
  private readonly hardware: InterruptHardware | undefined;
  private readonly limits: MessageLimits;
  private readonly eventfds = new Map<number, EventFd>();
  private allocated = 0;
  private last = 1;
  private active = false;
  private disconnect: (() => void) | undefined;

  constructor(hardware: InterruptHardware | undefined, limits: MessageLimits) {
    this.hardware = hardware;
    this.limits = limits;
  }

  get isActive(): boolean {
    return this.active;
  }

  /** Vectors that are allocated; 0 while it is off. */
  get vectors(): number {
    return this.allocated;
  }

  /** Vectors that were allocated when it was last turned on; 1 before that. */
  get lastAllocated(): number {
    return this.last;
  }

  disable(): void {
    this.active = false;
    this.allocated = 0;
    atEnd([() => this.giveBack(), ...[...this.eventfds.keys()].map((vector) => () => this.unassign(vector))]);
  }

  private unassign(vector: number): void {
    this.eventfds.get(vector)?.release();
    this.eventfds.delete(vector);
  }

  private deliver(vector: number): void {
    this.eventfds.get(vector)?.signal();
  }

  /** One request that passed the common checks. */
  set(request: IrqRequest, otherActive: boolean): number {
    const { start, count, data } = request;
    if (this.active && count === 0 && data.kind === 'none') {
      this.disable();
      return 0;
    }
    if (otherActive) refuse('EINVAL', 'another kind of interrupt is active: disable it first');
    if (data.kind === 'eventfd') return this.assignAll(request, data.fds);
    if (!this.active) refuse('EINVAL', `${this.limits.kind.toUpperCase()} is not active`);
    for (let i = 0; i < count; i++) if (data.kind === 'none' || data.bytes[i] !== 0) this.deliver(start + i);
    return 0;
  }

  private assignAll({ start, count, eventfd }: IrqRequest, fds: readonly number[]): number {
    if (this.active) {
      this.assign(start, fds, eventfd);
      return 0;
    }
    const wanted = start + count;
    const { available } = this.limits;
    if (wanted === 0) refuse('ERANGE', 'no vector is asked for');
    if (available < 1) refuse('ENOSPC', 'the system has no vector left');
    if (available < wanted) return available;
    this.active = true;
    this.allocated = wanted;
    this.last = wanted;
    try {
      this.connect(wanted);
      this.assign(start, fds, eventfd);
    } catch (error) {
      afterFailure(error, [() => this.disable()]);
    }
    return 0;
  }

  private assign(start: number, fds: readonly number[], eventfd: (fd: number) => EventFd): void {
    for (const [i, fd] of fds.entries()) {
      try {
        this.assignOne(start + i, fd, eventfd);
      } catch (error) {
        for (let vector = start; vector <= start + i; vector++) this.unassign(vector);
        throw error;
      }
    }
  }

  private assignOne(vector: number, fd: number, eventfd: (fd: number) => EventFd): void {
    this.unassign(vector);
    if (fd < 0) return;
    if (vector >= this.allocated) {
      if (!this.limits.isDynamic) refuse('EINVAL', `vector ${vector} was not allocated when ${this.allocated} were: disable, then enable with more`);
      if (vector >= this.limits.available) refuse('ENOSPC', `vector ${vector}: the system has ${this.limits.available}`);
      this.grow(vector + 1);
    }
    this.eventfds.set(vector, eventfd(fd).hold());
  }

  private connect(count: number): void {
    this.disconnect = askModel(() => this.hardware?.connectMessages(this.limits.kind, count, (vector) => this.deliver(vector)));
  }

  private giveBack(): void {
    const { disconnect } = this;
    this.disconnect = undefined;
    askModel(() => disconnect?.());
  }

  private grow(count: number): void {
    this.giveBack();
    try {
      this.connect(count);
    } catch (error) {
      afterFailure(error, [() => this.connect(this.allocated)]);
    }
    this.allocated = count;
  }
}
