// INTx through VFIO: a level interrupt that masks itself each time it fires. Behaviour text, section 5.3.
//
//   pin high, not masked, INTX_DISABLE 0 --> masked, eventfd + 1
//   unmask:  pin still high --> eventfd + 1, masked as before        pin low --> not masked
//   INTX_DISABLE 0 -> 1: masked       1 -> 0: as unmask

import type { EventFd } from '../files/eventfd.ts';
import { afterFailure, askModel, atEnd } from '../model-error.ts';
import type { InterruptHardware } from './hardware.ts';
import { refuse } from './irq-set.ts';
import type { IrqRequest } from './irq-set.ts';

/** INTx of one device. */
export class VfioIntx {
  private readonly hardware: InterruptHardware | undefined;
  private readonly isDisabled: () => boolean;
  private active = false;
  private trigger: EventFd | null = null;
  private masked = false;
  private disabled = false;
  private irqfd: (() => void) | undefined;
  private disconnect: (() => void) | undefined;

  constructor(hardware: InterruptHardware | undefined, isDisabled: () => boolean) {
    this.hardware = hardware;
    this.isDisabled = isDisabled;
  }

  get isActive(): boolean {
    return this.active;
  }

  private enable(trigger: EventFd | null): void {
    this.active = true;
    this.trigger = trigger?.hold() ?? null;
    try {
      this.disabled = this.isDisabled();
      this.masked = this.disabled;
      this.disconnect = askModel(() => this.hardware?.connectIntx(() => this.changed()));
      this.fire();
    } catch (error) {
      afterFailure(error, [() => this.disable()]);
    }
  }

  /** Turns it off: trigger, irqfd and mask are forgotten. */
  disable(): void {
    const { disconnect, trigger } = this;
    this.active = this.masked = this.disabled = false;
    this.disconnect = undefined;
    this.trigger = null;
    this.removeIrqfd();
    atEnd([() => askModel(() => disconnect?.()), () => trigger?.release()]);
  }

  private isAsserted(): boolean {
    return askModel(() => this.hardware?.intxAsserted()) ?? false;
  }

  /** COMMAND.INTX_DISABLE may be another. */
  disableChanged(): void {
    if (this.active) this.changed();
  }

  private changed(): void {
    const disabled = this.isDisabled();
    if (disabled && !this.disabled) {
      this.disabled = true;
      this.masked = true;
    } else if (!disabled && this.disabled) {
      this.disabled = false;
      this.unmask();
    }
    this.fire();
  }

  private fire(): void {
    if (!this.isAsserted() || this.masked || this.disabled) return;
    this.masked = true;
    this.trigger?.signal();
  }

  private unmask(): void {
    if (!this.masked || this.disabled) return;
    if (this.isAsserted()) this.trigger?.signal();
    else this.masked = false;
  }

  private removeIrqfd(): void {
    this.irqfd?.();
    this.irqfd = undefined;
  }

  private installIrqfd(event: EventFd): void {
    if (this.irqfd !== undefined) refuse('EBUSY', 'an eventfd that unmasks INTx is installed already: remove it first');
    const stop = event.onSignal(
      () => {
        event.consume();
        this.unmask();
      },
      () => this.removeIrqfd(),
    );
    this.irqfd = stop;
    // What is there already unmasks once, and stays.
    if (event.count > 0n) this.unmask();
  }

  /** One request for index 0 that passed the common checks. */
  set(request: IrqRequest, otherActive: boolean): number {
    if (request.action === 'trigger') this.setTrigger(request, otherActive);
    else this.setMask(request, request.action);
    return 0;
  }

  private setMask({ start, count, data, eventfd }: IrqRequest, action: 'mask' | 'unmask'): void {
    if (!this.active || start !== 0 || count !== 1) refuse('EINVAL', `${action} of INTx: ${this.active ? `start ${start}, count ${count}; expected 0 and 1` : 'it is not active'}`);
    if (data.kind === 'eventfd') {
      if (action === 'mask') refuse('ENOTTY', 'INTx cannot be masked by an eventfd');
      const fd = data.fds[0]!;
      if (fd < 0) this.removeIrqfd();
      else this.installIrqfd(eventfd(fd));
      return;
    }
    if (data.kind === 'bool' && data.bytes[0] === 0) return;
    if (action === 'mask') this.masked = true;
    else this.unmask();
  }

  private setTrigger({ start, count, data, eventfd }: IrqRequest, otherActive: boolean): void {
    if (this.active && count === 0 && data.kind === 'none') {
      this.disable();
      return;
    }
    if (otherActive) refuse('EINVAL', 'MSI or MSI-X is active: disable it first');
    if (start !== 0 || count !== 1) refuse('EINVAL', `trigger of INTx: start ${start}, count ${count}; expected 0 and 1`);
    if (data.kind === 'eventfd') {
      const fd = data.fds[0]!;
      const trigger = fd < 0 ? null : eventfd(fd);
      if (!this.active) {
        this.enable(trigger);
        return;
      }
      trigger?.hold();
      this.trigger?.release();
      this.trigger = trigger;
      return;
    }
    if (!this.active) refuse('EINVAL', 'INTx is not active');
    // A loopback asks neither the mask nor the pin.
    if (!this.disabled && (data.kind === 'none' || data.bytes[0] !== 0)) this.trigger?.signal();
  }
}
