// DEVICE_SET_IRQS: the eventfds that clients send, joined to those of the process that has the device open.
//
//   device --> VFIO: mask, level, vector --> eventfd of the process --> eventfd of the client
//
//   flags   DATA_   NONE 1   BOOL 2   EVENTFD 4       exactly one
//           ACTION_ MASK 8   UNMASK 10   TRIGGER 20   exactly one
//
//   EVENTFD | TRIGGER   as many fds as vectors: assigned         no fds: taken off
//   EVENTFD | UNMASK    INTx only: whenever the client signals it, as UNMASK; as KVM does when the guest has handled a level
//   NONE | TRIGGER      count 0: the index is turned off         else: fires now
//
// A client that sees no fds arrive takes vectors off when it means to assign them: without fds a transport has no interrupts.

import {
  VFIO_DEVICE_SET_IRQS,
  VFIO_IRQ_SET_ACTION_MASK,
  VFIO_IRQ_SET_ACTION_TRIGGER,
  VFIO_IRQ_SET_ACTION_TYPE_MASK,
  VFIO_IRQ_SET_ACTION_UNMASK,
  VFIO_IRQ_SET_DATA_BOOL,
  VFIO_IRQ_SET_DATA_EVENTFD,
  VFIO_IRQ_SET_DATA_NONE,
  VFIO_IRQ_SET_DATA_TYPE_MASK,
  VfioError,
  vfio_irq_set,
} from '../../../uapi/index.ts';
import type { PayloadOf } from '../codec/messages.ts';
import type { PassedFd } from '../transport/transport.ts';
import type { ServedDevice } from './served-device.ts';

const CALL = 'vfio-user DEVICE_SET_IRQS';
const HEAD = vfio_irq_set.size;
const ACTIONS: readonly number[] = [VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_ACTION_TRIGGER];
const KNOWN_FLAGS = VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK;

/** Stands for a vector's number. */
const UNMASK = 'unmask';
const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

type SetIrqs = PayloadOf<'DEVICE_SET_IRQS', 'request'>;

/** An eventfd of the client, and the one that it hears. */
interface Assigned {
  readonly own: number;
  readonly client: PassedFd;
}

function refuse(what: string): never {
  throw new VfioError('EINVAL', CALL, what);
}

function check({ argsz, flags, start, count, data }: SetIrqs, fds: number): void {
  const shown = `flags 0x${flags.toString(16)}`;
  const [type, action] = [flags & VFIO_IRQ_SET_DATA_TYPE_MASK, flags & VFIO_IRQ_SET_ACTION_TYPE_MASK];
  if (argsz < HEAD) refuse(`argsz ${argsz} is below ${HEAD}`);
  if ((flags & ~KNOWN_FLAGS) !== 0) refuse(`${shown} has bits beyond 0x${KNOWN_FLAGS.toString(16)}`);
  if (!ACTIONS.includes(action)) refuse(`${shown}: expected exactly one of MASK, UNMASK and TRIGGER`);
  if (type !== VFIO_IRQ_SET_DATA_NONE && type !== VFIO_IRQ_SET_DATA_BOOL && type !== VFIO_IRQ_SET_DATA_EVENTFD) refuse(`${shown}: expected exactly one of DATA_NONE, DATA_BOOL and DATA_EVENTFD`);
  if (count === 0 && (type !== VFIO_IRQ_SET_DATA_NONE || action !== VFIO_IRQ_SET_ACTION_TRIGGER)) refuse(`${shown}: count is 0, which only DATA_NONE and TRIGGER have`);
  if (count === 0 && start !== 0) refuse(`start is ${start} with count 0; expected 0`);
  const bools = type === VFIO_IRQ_SET_DATA_BOOL ? count : 0;
  if (data.length !== bools) refuse(`${data.length} bytes of data for ${count} vectors; expected ${bools}`);
  if (type === VFIO_IRQ_SET_DATA_EVENTFD ? fds !== 0 && fds !== count : fds !== 0) refuse(`${fds} fds for ${count} vectors; expected ${type === VFIO_IRQ_SET_DATA_EVENTFD ? `none or ${count}` : 'none'}`);
  if (type === VFIO_IRQ_SET_DATA_EVENTFD && action === VFIO_IRQ_SET_ACTION_MASK) refuse(`${shown}: eventfds do not mask`);
}

/** The interrupts of one client. */
export class SessionInterrupts {
  private readonly device: ServedDevice;
  private readonly told: () => void;
  private readonly assigned = new Map<string, Assigned>();

  /** @param told - An eventfd of the client was signalled. */
  constructor(device: ServedDevice, told: () => void) {
    this.device = device;
    this.told = told;
  }

  /** An fd that the client has broken is its own loss: the device goes on. */
  private signal(client: PassedFd): void {
    try {
      client.signal();
    } catch {
      return;
    }
    this.told();
  }

  /** Eventfds of the client that are held. */
  get held(): number {
    return this.assigned.size;
  }

  /**
   * Does what a client asks.
   *
   * @param take takes the fds over, once the request is known to be good.
   * @throws VfioError EINVAL; then everything is as it was, and the fds are the caller's.
   */
  set(request: SetIrqs, fds: readonly PassedFd[], take: () => void): void {
    check(request, fds.length);
    for (const [i, { kind = 'event' }] of fds.entries()) if (kind !== 'event') refuse(`fd ${i} is no eventfd`);
    const { flags, index, start, count, data } = request;
    if ((flags & VFIO_IRQ_SET_DATA_EVENTFD) !== 0) {
      if ((flags & VFIO_IRQ_SET_ACTION_UNMASK) !== 0) this.assignUnmask(request, fds, take);
      else this.assign(request, fds, take);
      return;
    }
    const isOff = count === 0;
    // Who turns off what is off has what it wants.
    if (isOff && this.isOff(index)) return;
    this.ask(flags, index, start, count, data);
    if (isOff) this.drop((key) => key.startsWith(`${index}:`));
  }

  private isOff(index: number): boolean {
    const { active } = this.device.vfio.interrupts;
    if (index > 2) return !this.assigned.has(`${index}:0`) && index < this.device.numIrqs;
    return (['intx', 'msi', 'msix'] as const)[index] !== active;
  }

  private assign({ flags, index, start, count }: SetIrqs, fds: readonly PassedFd[], take: () => void): void {
    const { process } = this.device;
    // A range that the device does not have costs no fds.
    if (count > 2048) refuse(`count ${count} is above 2048`);
    const own = fds.map(() => process.eventfd());
    const numbers = Int32Array.from({ length: count }, (_, i) => own[i] ?? -1);
    try {
      this.ask(flags, index, start, count, new Uint8Array(numbers.buffer));
    } catch (error) {
      for (const fd of own) process.close(fd);
      throw error;
    }
    take();
    this.drop((key) => {
      const [at, vector] = key.split(':').map(Number);
      return at === index && vector! >= start && vector! < start + count;
    });
    for (const [i, client] of fds.entries()) {
      process.onEvent(own[i]!, () => this.signal(client));
      this.assigned.set(`${index}:${start + i}`, { own: own[i]!, client });
      // What came between the request and here, as a level that is high already.
      if (this.fired(own[i]!)) this.signal(client);
    }
  }

  /** The client's eventfd is heard, and what hears it is one of the process. */
  private assignUnmask({ flags, index, start, count }: SetIrqs, fds: readonly PassedFd[], take: () => void): void {
    const { process } = this.device;
    const [client] = fds;
    if (client !== undefined && client.onSignal === undefined) refuse('an eventfd that unmasks must not wait (EFD_NONBLOCK)');
    const own = client === undefined ? -1 : process.eventfd();
    try {
      this.ask(flags, index, start, count, new Uint8Array(Int32Array.of(own).buffer));
    } catch (error) {
      if (own >= 0) process.close(own);
      throw error;
    }
    take();
    const key = `${index}:${UNMASK}`;
    this.drop((other) => other === key);
    if (client === undefined) return;
    this.assigned.set(key, { own, client });
    client.onSignal!(() => void process.raw.write(own, ONE));
  }

  private fired(own: number): boolean {
    return this.device.process.raw.read(own, new Uint8Array(8)) === 8;
  }

  private ask(flags: number, index: number, start: number, count: number, data: Uint8Array): void {
    const bytes = vfio_irq_set.encode({ argsz: HEAD + data.length, flags, index, start, count, data });
    let result: number;
    try {
      result = this.device.process.ioctl(this.device.fd, VFIO_DEVICE_SET_IRQS, bytes);
    } catch (error) {
      // An action that an index does not have is a bad request here.
      if (error instanceof VfioError && error.code === 'ENOTTY') refuse(error.message);
      throw error;
    }
    if (result > 0) refuse(`${count} vectors from ${start} on: there are ${result}`);
  }

  private drop(isMeant: (key: string) => boolean): void {
    for (const [key, { own, client }] of this.assigned) {
      if (!isMeant(key)) continue;
      this.assigned.delete(key);
      this.device.process.close(own);
      client.close();
    }
  }

  /** The client is gone. */
  close(): void {
    this.drop(() => true);
  }
}
