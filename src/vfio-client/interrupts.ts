// The interrupts of a device: how many vectors each index has, and where they go. Behaviour text, sections 1.6 and 5.
//
//   enable    DATA_EVENTFD | ACTION_TRIGGER   from vector `start` on
//   disable   DATA_NONE    | ACTION_TRIGGER   0 vectors from 0 on
//   trigger   DATA_NONE    | ACTION_TRIGGER   some vectors: as if the device had raised them
//   mask      DATA_NONE    | ACTION_MASK
//   unmask    DATA_NONE    | ACTION_UNMASK    or DATA_EVENTFD: whenever that is signalled

import {
  VFIO_DEVICE_GET_IRQ_INFO,
  VFIO_DEVICE_SET_IRQS,
  VFIO_IRQ_SET_ACTION_MASK,
  VFIO_IRQ_SET_ACTION_TRIGGER,
  VFIO_IRQ_SET_ACTION_UNMASK,
  VFIO_IRQ_SET_DATA_EVENTFD,
  VFIO_IRQ_SET_DATA_NONE,
  VFIO_PCI_ERR_IRQ_INDEX,
  VFIO_PCI_INTX_IRQ_INDEX,
  VFIO_PCI_MSIX_IRQ_INDEX,
  VFIO_PCI_MSI_IRQ_INDEX,
  VFIO_PCI_REQ_IRQ_INDEX,
  vfio_irq_info,
  vfio_irq_set,
} from '../uapi/index.ts';
import { VfioAnswerError, ask } from './calls.ts';
import type { VfioCalls } from './calls.ts';
import { IRQ_FLAGS, flagNames } from './flag-names.ts';

const GET = 'VFIO_DEVICE_GET_IRQ_INFO';
const SET = 'VFIO_DEVICE_SET_IRQS';

/** What GET_IRQ_INFO says of an index. */
export interface IrqInfo {
  readonly index: number;
  /** VFIO_IRQ_INFO_ bits. */
  readonly flags: number;
  /** `EVENTFD`, `MASKABLE`, `AUTOMASKED`, `NORESIZE`. */
  readonly flagNames: readonly string[];
  /** Vectors; 0: the device has no such interrupt. */
  readonly count: number;
}

/** Fewer vectors could be had than were asked for. None of them is enabled. */
export class TooFewVectorsError extends Error {
  /** Always `'TooFewVectorsError'`. */
  override readonly name: string = 'TooFewVectorsError';
  /** `start` and the eventfds from there on: the kernel allocates vectors from 0. */
  readonly asked: number;
  /** How many vectors from 0 on can be had, at least 1: `start` + eventfds of the next question. */
  readonly available: number;

  /** @internal */
  constructor(index: number, asked: number, available: number) {
    super(`${SET}: ${asked} vectors of index ${index} were asked for, and ${available} can be had`);
    this.asked = asked;
    this.available = available;
  }
}

/** One interrupt index: INTx, MSI, MSI-X, ERR or REQ of a PCI function. */
export class InterruptClient {
  readonly index: number;
  private readonly calls: VfioCalls;
  private readonly fd: number;

  /** @internal */
  constructor(calls: VfioCalls, fd: number, index: number) {
    this.calls = calls;
    this.fd = fd;
    this.index = index;
  }

  /**
   * How many vectors, and what can be done with them.
   *
   * @throws VfioError EINVAL for an index that the device does not have; EBADF.
   * @example
   * ```ts
   * client.interrupts.msi.info(); // { index: 1, flags: 9, flagNames: ['EVENTFD', 'NORESIZE'], count: 4 }
   * ```
   */
  info(): IrqInfo {
    const { index } = this;
    const bytes = vfio_irq_info.encode({ argsz: vfio_irq_info.size, index });
    ask(GET, () => this.calls.ioctl(this.fd, VFIO_DEVICE_GET_IRQ_INFO, bytes));
    const { flags, count } = vfio_irq_info.decode(bytes);
    return { index, flags, flagNames: flagNames(flags, IRQ_FLAGS), count };
  }

  private set(flags: number, start: number, count: number, data: Uint8Array = new Uint8Array(0)): number {
    const request = vfio_irq_set.encode({ argsz: vfio_irq_set.size + data.length, flags, index: this.index, start, count, data });
    return ask(SET, () => this.calls.ioctl(this.fd, VFIO_DEVICE_SET_IRQS, request));
  }

  /**
   * Has vectors signal eventfds.
   *
   * @param eventfds - One for each vector from `start` on; -1: that vector has none.
   * @param start - The first vector, 0 to 2^32-1.
   * @throws TooFewVectorsError when an index is enabled and the system has fewer than start + eventfds left; none is enabled then. ENOSPC when it has none.
   * @throws VfioError EINVAL, EBADF, EBUSY, ENOSPC as section 5 of the behaviour text says.
   * @example
   * ```ts
   * const fd = process.eventfd();
   * client.interrupts.msi.enable([fd]);
   * process.onEvent(fd, () => console.log('interrupt'));
   * ```
   */
  enable(eventfds: readonly number[], start = 0): void {
    if (eventfds.length === 0) throw new RangeError('enable: there are no eventfds; disable() is another call');
    const data = new Uint8Array(Int32Array.from(eventfds).buffer);
    const available = this.set(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, start, eventfds.length, data);
    // What the kernel allocates, and answers the number of, are vectors from 0 on.
    const asked = start + eventfds.length;
    if (available >= asked) throw new VfioAnswerError(SET, `${asked} vectors were asked for, and refused because ${available} can be had`);
    if (available > 0) throw new TooFewVectorsError(this.index, asked, available);
  }

  /**
   * Takes all eventfds off, and the interrupt with them.
   *
   * @throws VfioError EINVAL when it is not enabled; EBADF.
   * @example
   * ```ts
   * client.interrupts.msi.enable([process.eventfd()]);
   * client.interrupts.msi.disable();
   * ```
   */
  disable(): void {
    this.set(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0);
  }

  /**
   * Signals the eventfds of `count` vectors, as if the device had raised them.
   *
   * @param start - The first vector.
   * @param count - At least 1; RangeError below.
   * @throws VfioError EINVAL when it is not enabled, or the index has fewer vectors; EBADF.
   * @example
   * ```ts
   * client.interrupts.msi.enable([process.eventfd(), process.eventfd()]);
   * client.interrupts.msi.trigger(0, 2);
   * ```
   */
  trigger(start = 0, count = 1): void {
    // 0 vectors would disable them all.
    if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`trigger: ${String(count)} vectors; expected at least 1`);
    this.set(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, start, count);
  }

  /**
   * Keeps it quiet: INTx only.
   *
   * @throws VfioError ENOTTY for the others; EINVAL when it is not enabled; EBADF.
   * @example
   * ```ts
   * client.interrupts.intx.enable([process.eventfd()]);
   * client.interrupts.intx.mask();
   * client.interrupts.intx.unmask();
   * ```
   */
  mask(): void {
    this.set(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, 0, 1);
  }

  /**
   * Lets it through again: INTx only.
   *
   * @param eventfd - Whenever it is signalled, rather than now; -1 ends that.
   * @throws VfioError ENOTTY for the others; EINVAL when it is not enabled, or for what is no eventfd; EBUSY for a second one; EBADF.
   * @example
   * ```ts
   * client.interrupts.intx.enable([process.eventfd()]);
   * client.interrupts.intx.unmask(process.eventfd());
   * ```
   */
  unmask(eventfd?: number): void {
    if (eventfd === undefined) this.set(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1);
    else this.set(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, new Uint8Array(Int32Array.of(eventfd).buffer));
  }
}

/** The interrupts of a PCI function by name. */
export class InterruptsClient {
  readonly intx: InterruptClient;
  readonly msi: InterruptClient;
  readonly msix: InterruptClient;
  /** Uncorrectable errors. PCI Express only. */
  readonly err: InterruptClient;
  /** The host asks for the device back. */
  readonly req: InterruptClient;
  private readonly calls: VfioCalls;
  private readonly fd: number;

  /** @internal */
  constructor(calls: VfioCalls, fd: number) {
    this.calls = calls;
    this.fd = fd;
    this.intx = this.at(VFIO_PCI_INTX_IRQ_INDEX);
    this.msi = this.at(VFIO_PCI_MSI_IRQ_INDEX);
    this.msix = this.at(VFIO_PCI_MSIX_IRQ_INDEX);
    this.err = this.at(VFIO_PCI_ERR_IRQ_INDEX);
    this.req = this.at(VFIO_PCI_REQ_IRQ_INDEX);
  }

  /** An index by its number. Nothing is asked yet. */
  at(index: number): InterruptClient {
    return new InterruptClient(this.calls, this.fd, index);
  }
}
