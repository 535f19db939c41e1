// VFIO_DEVICE_SET_IRQS: the checks that come before any index is looked at, in the kernel's order. Behaviour text, sections 5.1 and 5.2.
//
//   argsz flags index start count | data: nothing, a u8 or an s32 for each of count vectors from start on
//   0     4     8     12    16      20

import {
  VFIO_IRQ_SET_ACTION_MASK,
  VFIO_IRQ_SET_ACTION_TRIGGER,
  VFIO_IRQ_SET_ACTION_TYPE_MASK,
  VFIO_IRQ_SET_ACTION_UNMASK,
  VFIO_IRQ_SET_DATA_BOOL,
  VFIO_IRQ_SET_DATA_EVENTFD,
  VFIO_IRQ_SET_DATA_NONE,
  VFIO_IRQ_SET_DATA_TYPE_MASK,
  VFIO_PCI_ERR_IRQ_INDEX,
  VFIO_PCI_NUM_IRQS,
  VfioError,
  vfio_irq_set,
} from '../../uapi/index.ts';
import { irqCount } from '../device-info.ts';
import type { VfioDevice } from '../device.ts';
import type { EventFd } from '../files/eventfd.ts';
import type { UserMemory } from '../user-memory.ts';

const CALL = 'VFIO_DEVICE_SET_IRQS';
const HEADER = 20;

/** What the data are: nothing, a byte or an fd for each vector. */
export type IrqData = { readonly kind: 'none' } | { readonly kind: 'bool'; readonly bytes: Uint8Array } | { readonly kind: 'eventfd'; readonly fds: readonly number[] };

/** A request that has passed the common checks. @internal */
export interface IrqRequest {
  readonly index: number;
  readonly action: 'mask' | 'unmask' | 'trigger';
  readonly start: number;
  readonly count: number;
  readonly data: IrqData;
  /** The eventfd behind an fd of the caller. VfioError EBADF, EINVAL. */
  readonly eventfd: (fd: number) => EventFd;
}

/** Refuses the request with an errno. */
export function refuse(code: 'EINVAL' | 'ENOTTY' | 'EBUSY' | 'ENODEV' | 'ERANGE' | 'ENOSPC', what: string): never {
  throw new VfioError(code, CALL, what);
}

const ACTIONS: Readonly<Record<number, IrqRequest['action']>> = { [VFIO_IRQ_SET_ACTION_MASK]: 'mask', [VFIO_IRQ_SET_ACTION_UNMASK]: 'unmask', [VFIO_IRQ_SET_ACTION_TRIGGER]: 'trigger' };

function checkHeader(device: VfioDevice, { argsz, flags, index, start, count }: ReturnType<typeof vfio_irq_set.decode>): void {
  if (argsz < HEADER) refuse('EINVAL', `argsz ${argsz} is below ${HEADER}`);
  if (device.kind !== 'pci' || index >= VFIO_PCI_NUM_IRQS) refuse('EINVAL', `index ${index} is not below num_irqs ${device.kind === 'pci' ? VFIO_PCI_NUM_IRQS : 0}`);
  if (count >= 0xffff_ffff - start) refuse('EINVAL', `start ${start} and count ${count} pass 2^32-1`);
  if ((flags & ~(VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK)) !== 0) refuse('EINVAL', `flags 0x${flags.toString(16)} has bits beyond 0x3f`);
  const vectors = irqCount(device, index);
  // Also where count is 0: an index without vectors cannot even be turned off.
  if (start >= vectors || start + count > vectors) refuse('EINVAL', `vectors ${start} to ${start + count} of index ${index}, which has ${vectors}`);
}

function readData(flags: number, argsz: number, count: number, user: UserMemory): IrqData {
  const type = flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
  if (type === VFIO_IRQ_SET_DATA_NONE) return { kind: 'none' };
  if (type !== VFIO_IRQ_SET_DATA_BOOL && type !== VFIO_IRQ_SET_DATA_EVENTFD) refuse('EINVAL', `flags 0x${flags.toString(16)}: expected one of DATA_NONE, DATA_BOOL and DATA_EVENTFD`);
  const width = type === VFIO_IRQ_SET_DATA_BOOL ? 1 : 4;
  if (argsz - HEADER < width * count) refuse('EINVAL', `argsz ${argsz} has no room for ${count} data of ${width} bytes`);
  const bytes = count === 0 ? new Uint8Array(0) : user.copyIn(HEADER, width * count);
  if (width === 1) return { kind: 'bool', bytes };
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { kind: 'eventfd', fds: Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true)) };
}

/**
 * VFIO_DEVICE_SET_IRQS. Nothing is written back.
 *
 * @param eventfd finds the caller's eventfds: VfioError EBADF, EINVAL.
 * @returns 0, or how many vectors could be had when fewer than asked for are there.
 */
export function setIrqs(device: VfioDevice, user: UserMemory, eventfd: (fd: number) => EventFd): number {
  const set = vfio_irq_set.decode(user.copyIn(0, HEADER));
  checkHeader(device, set);
  const { argsz, flags, index, start, count } = set;
  const data = readData(flags, argsz, count, user);
  const action = ACTIONS[flags & VFIO_IRQ_SET_ACTION_TYPE_MASK];
  if (action === undefined) refuse('ENOTTY', `flags 0x${flags.toString(16)}: expected one of ACTION_MASK, ACTION_UNMASK and ACTION_TRIGGER`);
  if (index !== 0 && action !== 'trigger') refuse('ENOTTY', `index ${index} has no action ${action}`);
  if (index === VFIO_PCI_ERR_IRQ_INDEX && device.description.interrupts?.express !== true) refuse('ENOTTY', `${device.name} is no PCI Express device`);
  return device.interrupts.set({ index, action, start, count, data, eventfd });
}
