// Bits as names: what flags of VFIO structs say.

import * as uapi from '../uapi/index.ts';

/** Flags of a device, lowest bit first. */
export const DEVICE_FLAGS = {
  RESET: uapi.VFIO_DEVICE_FLAGS_RESET,
  PCI: uapi.VFIO_DEVICE_FLAGS_PCI,
  PLATFORM: uapi.VFIO_DEVICE_FLAGS_PLATFORM,
  AMBA: uapi.VFIO_DEVICE_FLAGS_AMBA,
  CCW: uapi.VFIO_DEVICE_FLAGS_CCW,
  AP: uapi.VFIO_DEVICE_FLAGS_AP,
  FSL_MC: uapi.VFIO_DEVICE_FLAGS_FSL_MC,
  CAPS: uapi.VFIO_DEVICE_FLAGS_CAPS,
  CDX: uapi.VFIO_DEVICE_FLAGS_CDX,
} as const;

/** Flags of a region in v6.14, lowest bit first. */
export const REGION_FLAGS = {
  READ: uapi.VFIO_REGION_INFO_FLAG_READ,
  WRITE: uapi.VFIO_REGION_INFO_FLAG_WRITE,
  MMAP: uapi.VFIO_REGION_INFO_FLAG_MMAP,
  CAPS: uapi.VFIO_REGION_INFO_FLAG_CAPS,
} as const;

/** Flags of an interrupt index, lowest bit first. */
export const IRQ_FLAGS = {
  EVENTFD: uapi.VFIO_IRQ_INFO_EVENTFD,
  MASKABLE: uapi.VFIO_IRQ_INFO_MASKABLE,
  AUTOMASKED: uapi.VFIO_IRQ_INFO_AUTOMASKED,
  NORESIZE: uapi.VFIO_IRQ_INFO_NORESIZE,
} as const;

/** What a device's migration can do, lowest bit first. */
export const MIGRATION_FLAGS = {
  STOP_COPY: uapi.VFIO_MIGRATION_STOP_COPY,
  P2P: uapi.VFIO_MIGRATION_P2P,
  PRE_COPY: uapi.VFIO_MIGRATION_PRE_COPY,
} as const;

/** Widths of atomic operations, lowest bit first. */
export const ATOMIC_FLAGS = {
  COMP32: uapi.VFIO_PCI_ATOMIC_COMP32,
  COMP64: uapi.VFIO_PCI_ATOMIC_COMP64,
  COMP128: uapi.VFIO_PCI_ATOMIC_COMP128,
} as const;

/**
 * The names of the bits that are set; bits without a name come last, as one hexadecimal number.
 *
 * @example
 * ```ts
 * flagNames(0x17, REGION_FLAGS); // ['READ', 'WRITE', 'MMAP', '0x10']
 * ```
 */
export function flagNames(flags: number, names: Readonly<Record<string, number>>): string[] {
  const known = Object.entries(names).filter(([, bit]) => (flags & bit) !== 0);
  const rest = known.reduce((left, [, bit]) => left & ~bit, flags) >>> 0;
  return [...known.map(([name]) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])];
}
