// Which errnos a call may answer: by its request or feature, the kind of its file and of its device, and what its argument says. Behaviour text, sections 1 to 9.
//
//   fd not open                                   EBADF, and nothing else
//   request that no file of this kind knows       ENOTTY, and nothing else
//   EBADF of an open fd                           the file is not for that direction, or the argument names an fd that is not open

import * as uapi from '../../../src/uapi/index.ts';
import type { ErrnoName } from '../../../src/uapi/index.ts';
import { hasFeature, knowsRequest } from './facts.ts';
import type { Facts } from './facts.ts';

type Table = Readonly<Record<number | string, readonly ErrnoName[]>>;

/** A call that has ended with an errno, or `ok`. */
export interface Asked {
  readonly call: string;
  /** Of its fd; undefined when that was not open. */
  readonly facts: Facts | undefined;
  readonly request?: number;
  /** The argument as the call finds it, as far as it is there. */
  readonly given?: Uint8Array;
  readonly isOpen: (fd: number) => boolean;
}

const SIMPLE = ['EFAULT', 'EINVAL'] as const;
const FEATURE = uapi.VFIO_DEVICE_FEATURE;

/** By request. */
const IOCTLS: Table = {
  [uapi.VFIO_DEVICE_GET_INFO]: SIMPLE,
  [uapi.VFIO_DEVICE_GET_REGION_INFO]: SIMPLE,
  [uapi.VFIO_DEVICE_GET_IRQ_INFO]: SIMPLE,
  [uapi.VFIO_DEVICE_SET_IRQS]: [...SIMPLE, 'EBUSY', 'ENOSPC', 'ERANGE'],
  [uapi.VFIO_DEVICE_RESET]: [],
  [uapi.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO]: [...SIMPLE, 'ENODEV', 'ENOSPC'],
  [uapi.VFIO_DEVICE_PCI_HOT_RESET]: [...SIMPLE, 'ENODEV'],
  [uapi.VFIO_DEVICE_QUERY_GFX_PLANE]: [...SIMPLE, 'ENOMEM'],
  [uapi.VFIO_DEVICE_GET_GFX_DMABUF]: [...SIMPLE, 'ENOENT', 'EMFILE'],
  [uapi.VFIO_DEVICE_IOEVENTFD]: [...SIMPLE, 'EEXIST', 'ENODEV', 'ENOSPC'],
  [uapi.VFIO_DEVICE_BIND_IOMMUFD]: SIMPLE,
  [uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT]: [...SIMPLE, 'ENOENT'],
  [uapi.VFIO_DEVICE_DETACH_IOMMUFD_PT]: SIMPLE,
  // SET_REGION_FLAGS, SET_MMAP_ATTRS and, of another kind of file, VFIO_MIG_GET_PRECOPY_INFO.
  [uapi.VFIO_MIG_GET_PRECOPY_INFO]: SIMPLE,
  [uapi.VFIO_DEVICE_GET_REGION_CAPS]: SIMPLE,
  [uapi.VFIO_DEVICE_GET_REGION_MMAP]: SIMPLE,
};

/** By feature, besides EFAULT and EINVAL. */
const FEATURES: Table = {
  // What a device answers to an arc.
  [uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE]: ['EMFILE', 'EBUSY'],
  [uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START]: ['E2BIG', 'EOVERFLOW'],
  [uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT]: ['EOVERFLOW'],
};
const DMA_BUF: readonly ErrnoName[] = ['ENODEV', 'EOPNOTSUPP', 'EMFILE', 'ENOMEM'];

/** By call and the kind of its file. */
const CALLS: Table = {
  open: ['EMFILE'],
  openGroup: ['EMFILE'],
  eventfd: ['EMFILE'],
  dup: ['EMFILE'],
  close: [],
  munmap: ['EINVAL'],
  'lseek device': ['ESPIPE'], 'lseek group': ['ESPIPE'], 'lseek migration data': ['ESPIPE'], 'lseek eventfd': [], 'lseek dma-buf': [],
  'read eventfd': [...SIMPLE, 'EAGAIN'], 'write eventfd': [...SIMPLE, 'EAGAIN'], 'pread eventfd': [...SIMPLE, 'EAGAIN'], 'pwrite eventfd': [...SIMPLE, 'EAGAIN'],
  'read device': [...SIMPLE, 'EIO'], 'write device': [...SIMPLE, 'EIO'], 'pread device': [...SIMPLE, 'EIO'], 'pwrite device': [...SIMPLE, 'EIO'],
  'read group': ['EINVAL'], 'write group': ['EINVAL'], 'pread group': ['EINVAL'], 'pwrite group': ['EINVAL'],
  'read dma-buf': ['EINVAL'], 'write dma-buf': ['EINVAL'], 'pread dma-buf': ['EINVAL'], 'pwrite dma-buf': ['EINVAL'],
  'read migration data': ['EFAULT', 'ENOMSG', 'ENODEV'], 'write migration data': [...SIMPLE, 'ENODEV', 'ENOMEM'],
  'pread migration data': ['ESPIPE'], 'pwrite migration data': ['ESPIPE'],
  'mmap device': ['EINVAL', 'EACCES', 'EOVERFLOW'], 'mmap dma-buf': ['EINVAL', 'EOVERFLOW'],
  'mmap eventfd': ['EINVAL', 'ENODEV', 'EOVERFLOW'], 'mmap group': ['EINVAL', 'ENODEV', 'EOVERFLOW'], 'mmap migration data': ['EINVAL', 'ENODEV', 'EACCES', 'EOVERFLOW'],
};

const MOVES: readonly string[] = ['read', 'write', 'pread', 'pwrite'];
/** Calls that a kind of file refuses whatever they are given. */
const NEVER: readonly string[] = [
  'lseek device', 'lseek group', 'lseek migration data', 'mmap eventfd', 'mmap group', 'mmap migration data',
  ...MOVES.flatMap((call) => [`${call} group`, `${call} dma-buf`]), 'pread migration data', 'pwrite migration data',
];

/** A word of the argument; undefined where there is none. */
export function word(given: Uint8Array | undefined, at: number): number | undefined {
  return given === undefined || at + 4 > given.length ? undefined : new DataView(given.buffer, given.byteOffset, given.byteLength).getUint32(at, true);
}

/** The fds that an argument names. */
function named(request: number, given: Uint8Array | undefined): readonly number[] {
  const fds = (at: number, count: number): number[] => Array.from({ length: Math.min(count, 64) }, (_, i) => (word(given, at + 4 * i) ?? 0) | 0);
  const flags = word(given, 4) ?? 0;
  switch (request) {
    case uapi.VFIO_DEVICE_SET_IRQS:
      return (flags & 7) === uapi.VFIO_IRQ_SET_DATA_EVENTFD ? fds(20, word(given, 16) ?? 0).filter((fd) => fd >= 0) : [];
    case uapi.VFIO_DEVICE_PCI_HOT_RESET:
      return fds(12, word(given, 8) ?? 0);
    case uapi.VFIO_DEVICE_IOEVENTFD:
      return fds(24, 1).filter((fd) => fd >= 0);
    case FEATURE:
      return (flags & uapi.VFIO_DEVICE_FEATURE_MASK) === uapi.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP ? fds(8, 1).filter((fd) => fd >= 0) : [];
    default:
      return [];
  }
}

/** Section 5.2: the action is none or several, or none of the index. */
function isNoAction(given: Uint8Array | undefined): boolean {
  const [flags, index] = [word(given, 4) ?? 0, word(given, 8) ?? 0];
  const action = flags & uapi.VFIO_IRQ_SET_ACTION_TYPE_MASK;
  if (action === uapi.VFIO_IRQ_SET_ACTION_TRIGGER) return false;
  const isMaskByEventfd = action === uapi.VFIO_IRQ_SET_ACTION_MASK && (flags & uapi.VFIO_IRQ_SET_DATA_EVENTFD) !== 0;
  return index !== 0 || isMaskByEventfd || ![uapi.VFIO_IRQ_SET_ACTION_MASK, uapi.VFIO_IRQ_SET_ACTION_UNMASK].includes(action);
}

/** Section 3.1: what is looked at before the feature is. */
export function isEnvelope(given: Uint8Array | undefined): boolean {
  const [argsz, flags] = [word(given, 0), word(given, 4)];
  if (argsz === undefined || flags === undefined || argsz < 8 || flags >= 0x8_0000) return false;
  return (flags & 0x7_0000) !== 0x3_0000;
}

/** As long as this an argument has room for all that a request of fixed length reads and writes, its capabilities too. */
const ROOM = 160;

/** Whether the argument may end before what is read or written of it, or what it points to is not there. */
function mayFault(request: number, given: Uint8Array): boolean {
  if (given.length < ROOM) return true;
  switch (request) {
    case uapi.VFIO_DEVICE_PCI_HOT_RESET:
      return 12 + 4 * word(given, 8)! > given.length;
    case uapi.VFIO_DEVICE_SET_IRQS:
      return 20 + 4 * word(given, 16)! > given.length;
    case FEATURE: {
      const index = word(given, 4)! & uapi.VFIO_DEVICE_FEATURE_MASK;
      return index === uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START || (index === uapi.VFIO_DEVICE_FEATURE_DMA_BUF && 24 + 16 * word(given, 20)! > given.length);
    }
    default:
      return false;
  }
}

function feature(code: string, facts: Facts, given: Uint8Array | undefined): boolean {
  const index = (word(given, 4) ?? 0) & uapi.VFIO_DEVICE_FEATURE_MASK;
  if (!isEnvelope(given)) return code === (word(given, 4) === undefined ? 'EFAULT' : 'EINVAL');
  if (!hasFeature(facts, index)) return code === 'ENOTTY';
  if (code === 'ok' || (SIMPLE as readonly string[]).includes(code)) return true;
  const { alias } = facts.opening!;
  const own = alias?.feature === index ? (alias.mode === 'strict' ? (['ENOSPC'] as const) : []) : index === uapi.VFIO_DEVICE_FEATURE_DMA_BUF ? DMA_BUF : FEATURES[index];
  return own?.includes(code as ErrnoName) === true;
}

/** What offsets that are not index << 40 add. */
function ofOffsets(call: string, request: number, { opening }: Facts): readonly string[] {
  if (opening === undefined || opening.offsets === 'index') return [];
  if (call !== 'ioctl') return call === 'mmap' || MOVES.includes(call) ? ['ENXIO'] : [];
  if (request === uapi.VFIO_DEVICE_IOEVENTFD) return ['ENXIO'];
  const gives = request === uapi.VFIO_DEVICE_GET_REGION_INFO || request === uapi.VFIO_DEVICE_GET_REGION_MMAP;
  return gives && opening.offsets === 'cookie' ? ['ENOSPC'] : [];
}

function ioctl(code: string, facts: Facts, request: number, given: Uint8Array | undefined): boolean {
  if (!knowsRequest(facts, request)) return code === 'ENOTTY';
  // Nothing is looked at before the argument is there; a reset has none.
  if (given?.length === 0 && request !== uapi.VFIO_DEVICE_RESET) return code === 'EFAULT';
  if (code === 'EFAULT' && !mayFault(request, given ?? new Uint8Array())) return false;
  if (request === FEATURE) return feature(code, facts, given);
  if (code === 'ENOTTY') return request === uapi.VFIO_DEVICE_SET_IRQS && isNoAction(given);
  if (code === 'ok') return request !== uapi.VFIO_DEVICE_BIND_IOMMUFD && request !== uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT;
  if (request === uapi.VFIO_DEVICE_RESET) return facts.device!.description.reset === true ? code === 'EAGAIN' && facts.device!.description.resetBusy !== undefined : code === 'EINVAL';
  if (request === uapi.VFIO_MIG_GET_PRECOPY_INFO && facts.kind === 'migration data' && code === 'ENODEV') return true;
  return IOCTLS[request]!.includes(code as ErrnoName) || ofOffsets('ioctl', request, facts).includes(code);
}

/** How a device stands before it is opened. */
export interface Openness {
  /** Its host may hold its lock. */
  readonly isLockable: boolean;
  /** It is to be opened through its character device, and somebody has it open; or through its group, and it is bound to an iommufd. */
  readonly isTaken: boolean;
}

export function mayOpen(code: string, isEnded: boolean, { isLockable, isTaken }: Openness): boolean {
  if (isEnded) return code === 'EBADF';
  return code === 'ok' || CALLS['open']!.includes(code as ErrnoName) || (isLockable && code === 'EAGAIN') || (isTaken && ['EINVAL', 'EBUSY'].includes(code));
}

/** Whether the kernel can answer that. */
export function mayAnswer(code: string, { call, facts, request = 0, given, isOpen }: Asked): boolean {
  // Of mmap the offset is looked at first.
  if (facts === undefined) return code === 'EBADF' || (call === 'mmap' && code === 'EINVAL');
  if (code === 'EBADF') {
    if (call === 'ioctl') return knowsRequest(facts, request) && named(request, given).some((fd) => !isOpen(fd));
    // Of a stream pread and pwrite are ESPIPE before that.
    const isHere = call === 'read' || call === 'write' || facts.kind !== 'migration data';
    return isHere && ((facts.writeOnly && ['read', 'pread'].includes(call)) || (facts.readOnly && ['write', 'pwrite'].includes(call)));
  }
  if (call === 'ioctl') return ioctl(code, facts, request, given);
  if (code === 'ok') return !NEVER.includes(`${call} ${facts.kind}`) && !(facts.device?.kind === 'cdx' && MOVES.includes(call));
  if (code === 'EACCES' && facts.kind === 'dma-buf') return call === 'mmap' && (facts.readOnly || facts.writeOnly);
  const known = CALLS[call] ?? CALLS[`${call} ${facts.kind}`]!;
  return known.includes(code as ErrnoName) || ofOffsets(call, request, facts).includes(code);
}

/** Calls of a process itself. */
export function mayDo(code: string, call: string, isEnded: boolean): boolean {
  return isEnded ? code === 'EBADF' : code === 'ok' || CALLS[call]!.includes(code as ErrnoName);
}
