// An eventfd: a 64-bit counter that interrupts add to and programs read.
//
//   signal, write(n) --> counter += n --> whoever listens (irqfd, ioeventfd, the program's own callback)
//   read             --> counter, then 0; with EFD_SEMAPHORE 1, then one less; nothing there: EAGAIN
//
// Nothing here can block, so a file without EFD_NONBLOCK answers EAGAIN as well where a real call would wait.
//
// Source: eventfd(2), fs/eventfd.c

import { VfioError } from '../../uapi/index.ts';
import { atEnd } from '../model-error.ts';
import type { UserMemory } from '../user-memory.ts';
import { OpenFile } from './open-file.ts';
import { POLLERR, POLLIN, POLLOUT } from './poll.ts';

/** Each read takes one. Source: linux/eventfd.h */
export const EFD_SEMAPHORE = 0x1;
/** Reads and writes never wait. Source: linux/eventfd.h */
export const EFD_NONBLOCK = 0x800;
/** Closed by exec. Source: linux/eventfd.h */
export const EFD_CLOEXEC = 0x8_0000;

const BYTES = 8;
const MAX = 0xffff_ffff_ffff_ffffn;

/** The file behind an eventfd. */
export class EventFd extends OpenFile {
  readonly kind = 'eventfd';
  private counter: bigint;
  private readonly isSemaphore: boolean;
  private readonly listeners = new Set<() => void>();
  private readonly closers = new Set<() => void>();

  /** @internal */
  constructor(counter: bigint, isSemaphore: boolean) {
    super();
    this.counter = counter;
    this.isSemaphore = isSemaphore;
  }

  /** What a read would find. */
  get count(): bigint {
    return this.counter;
  }

  /** Adds one, as an interrupt does: it stops at 2^64-1 and never waits. */
  signal(): void {
    if (this.counter < MAX) this.counter++;
    this.tell();
  }

  /** Takes what a read would: all of the counter, or one of a semaphore. */
  consume(): bigint {
    const value = this.isSemaphore && this.counter > 0n ? 1n : this.counter;
    this.counter -= value;
    return value;
  }

  /** Calls `listener` after each signal and write. Returns what ends that. */
  onSignal(listener: () => void, onClose?: () => void): () => void {
    // Two listeners may be one function.
    const own = (): void => listener();
    this.listeners.add(own);
    if (onClose !== undefined) this.closers.add(onClose);
    return () => {
      this.listeners.delete(own);
      if (onClose !== undefined) this.closers.delete(onClose);
    };
  }

  private tell(): void {
    atEnd([...this.listeners]);
  }

  access(call: string, _offset: bigint, length: number, user: UserMemory, writes: boolean): number {
    if (length < BYTES) throw new VfioError('EINVAL', call, `${length} bytes; an eventfd moves ${BYTES}`);
    if (writes) this.add(call, user);
    else this.take(call, user);
    return BYTES;
  }

  private add(call: string, user: UserMemory): void {
    const value = new DataView(user.copyIn(0, BYTES).buffer).getBigUint64(0, true);
    if (value === MAX) throw new VfioError('EINVAL', call, 'the value 2^64-1 is none that an eventfd can add');
    if (this.counter + value >= MAX) throw new VfioError('EAGAIN', call, `${value.toString()} more would pass 2^64-2`);
    this.counter += value;
    this.tell();
  }

  private take(call: string, user: UserMemory): void {
    if (this.counter === 0n) throw new VfioError('EAGAIN', call, 'the counter is 0');
    const value = this.consume();
    const bytes = new Uint8Array(BYTES);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    user.copyOut(0, bytes);
  }

  override poll(): number {
    return (this.counter > 0n ? POLLIN : 0) | (this.counter === MAX ? POLLERR : 0) | (this.counter < MAX - 1n ? POLLOUT : 0);
  }

  /** An eventfd has a seek operation that does nothing. */
  override seek(): number {
    return 0;
  }

  protected override closed(): void {
    atEnd([...this.closers, () => this.closers.clear(), () => this.listeners.clear()]);
  }
}
