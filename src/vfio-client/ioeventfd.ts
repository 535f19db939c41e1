// An ioeventfd: a value that the kernel writes to a BAR whenever an eventfd is signalled, with no call of the program's. Behaviour text, sections 1.11 and 5.6.
//
//   argsz flags offset data fd            flags: the width in bytes            fd -1: the entry with this offset, data and width goes
//   0     4     8      16   24

import { VFIO_DEVICE_IOEVENTFD, vfio_device_ioeventfd } from '../uapi/index.ts';
import { ask } from './calls.ts';
import type { VfioCalls } from './calls.ts';

const CALL = 'VFIO_DEVICE_IOEVENTFD';
const REMOVE = -1;
const MOST_FD = 0x7fff_ffff;

/** What is written, and when. */
export interface IoEventFdOptions {
  /** Bytes from the start of the BAR. It need not be a multiple of the width. */
  readonly at: number | bigint;
  /** Its lowest 8 * width bits are written. */
  readonly value: number | bigint;
  /** Bytes: 1, 2, 4 or 8. */
  readonly width: 1 | 2 | 4 | 8;
  /** An eventfd. One that is signalled already has the value written at once, and stays signalled. */
  readonly fd: number;
}

/** @internal */
export function checkIoEventFd({ value, width, fd }: IoEventFdOptions): void {
  if (![1, 2, 4, 8].includes(width)) throw new RangeError(`ioeventfd: the width is ${String(width)} bytes; expected 1, 2, 4 or 8`);
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw new TypeError(`ioeventfd: the value is ${String(value)}; expected a whole number`);
  // -1 would remove the entry.
  if (!Number.isSafeInteger(fd) || fd < 0 || fd > MOST_FD) throw new RangeError(`ioeventfd: fd is ${String(fd)}; expected 0 to 2^31-1`);
}

/**
 * Adds an entry; what removes it.
 *
 * @param offset - In the device file.
 * @internal
 */
export function addIoEventFd(calls: VfioCalls, device: number, offset: bigint, { value, width, fd }: IoEventFdOptions): () => void {
  // The kernel knows an entry by all 64 bits, and writes the lowest ones.
  const data = BigInt.asUintN(8 * width, BigInt(value));
  const set = (eventfd: number): void => {
    const bytes = vfio_device_ioeventfd.encode({ argsz: vfio_device_ioeventfd.size, flags: width, offset, data, fd: eventfd });
    ask(CALL, () => calls.ioctl(device, VFIO_DEVICE_IOEVENTFD, bytes));
  };
  set(fd);
  let isThere = true;
  return () => {
    if (!isThere) return;
    set(REMOVE);
    isThere = false;
  };
}
