// Which errnos each request and call may answer, whatever it is given (behaviour text, sections 1 to 9). EBADF, of a closed fd, is everybody's.

import * as uapi from '../../../src/uapi/index.ts';
import type { ErrnoName } from '../../../src/uapi/index.ts';

type Table = Readonly<Record<number, readonly ErrnoName[]>>;

const SIMPLE = ['EFAULT', 'EINVAL'] as const;
// Offsets that are not index << 40 may be nobody's, or find no place.
const OFFSETS = ['ENXIO', 'ENOSPC', 'ENOMEM'] as const;

/** By request. What is not here is ENOTTY alone. */
const IOCTLS: Table = {
  [uapi.VFIO_DEVICE_GET_INFO]: SIMPLE,
  [uapi.VFIO_DEVICE_GET_REGION_INFO]: [...SIMPLE, ...OFFSETS],
  [uapi.VFIO_DEVICE_GET_IRQ_INFO]: SIMPLE,
  [uapi.VFIO_DEVICE_SET_IRQS]: [...SIMPLE, 'EBUSY', 'ENOSPC', 'ERANGE', 'ENODEV', 'ENOMEM'],
  [uapi.VFIO_DEVICE_RESET]: ['EINVAL', 'EAGAIN'],
  [uapi.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO]: [...SIMPLE, 'ENODEV', 'ENOSPC', 'EPERM'],
  [uapi.VFIO_DEVICE_PCI_HOT_RESET]: [...SIMPLE, 'ENODEV', 'EBUSY'],
  [uapi.VFIO_DEVICE_QUERY_GFX_PLANE]: [...SIMPLE, 'ENOMEM'],
  [uapi.VFIO_DEVICE_GET_GFX_DMABUF]: [...SIMPLE, 'ENOENT', 'EMFILE'],
  [uapi.VFIO_DEVICE_IOEVENTFD]: [...SIMPLE, ...OFFSETS, 'EEXIST', 'ENODEV', 'EBUSY'],
  // SET_REGION_FLAGS, SET_MMAP_ATTRS and VFIO_MIG_GET_PRECOPY_INFO have one number.
  [uapi.VFIO_MIG_GET_PRECOPY_INFO]: [...SIMPLE, ...OFFSETS, 'ENODEV'],
  [uapi.VFIO_DEVICE_GET_REGION_CAPS]: SIMPLE,
  [uapi.VFIO_DEVICE_GET_REGION_MMAP]: [...SIMPLE, ...OFFSETS],
};

const FEATURES: Table = {
  [uapi.VFIO_DEVICE_FEATURE_PCI_VF_TOKEN]: [],
  [uapi.VFIO_DEVICE_FEATURE_MIGRATION]: [],
  [uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE]: ['EMFILE', 'EBUSY', 'EIO'],
  [uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START]: ['E2BIG', 'EOVERFLOW', 'ENOMEM'],
  [uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT]: ['EOVERFLOW', 'ENOMEM'],
  [uapi.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE]: [],
  // ALIAS_REGION, or DMA_BUF.
  13: ['ENOSPC'],
  11: ['ENOSPC', 'ENODEV', 'EOVERFLOW', 'EOPNOTSUPP', 'EMFILE', 'ENOMEM'],
};

const CALLS: Readonly<Record<string, readonly ErrnoName[]>> = {
  open: ['EMFILE', 'EAGAIN', 'EINVAL', 'ENOSPC'],
  openGroup: ['EMFILE'],
  eventfd: ['EMFILE'],
  dup: ['EMFILE'],
  close: [],
  lseek: ['ESPIPE'],
  // An eventfd that is empty or full; a stream that ends for now, is over, or was refused.
  read: [...SIMPLE, 'EIO', 'EAGAIN', 'ENOMSG', 'ENODEV', 'ENXIO'],
  write: [...SIMPLE, 'EIO', 'EAGAIN', 'ENODEV', 'ENXIO', 'ENOMEM'],
  pread: [...SIMPLE, 'EIO', 'EAGAIN', 'ESPIPE', 'ENXIO'],
  pwrite: [...SIMPLE, 'EIO', 'EAGAIN', 'ESPIPE', 'ENXIO'],
  mmap: ['EINVAL', 'ENODEV', 'EACCES', 'EOVERFLOW', 'ENXIO', 'ENOMEM'],
  munmap: ['EINVAL'],
};

/** Whether the kernel knows an errno for a call; of an ioctl, for its request, and for a feature's number. */
export function isKnown(code: ErrnoName, call: string, request = 0, feature?: number): boolean {
  if (code === 'EBADF') return true;
  if (call !== 'ioctl') return CALLS[call]!.includes(code);
  if (code === 'ENOTTY') return true;
  if (request !== uapi.VFIO_DEVICE_FEATURE) return IOCTLS[request]?.includes(code) === true;
  return (SIMPLE as readonly string[]).includes(code) || (feature !== undefined && FEATURES[feature]?.includes(code) === true);
}
