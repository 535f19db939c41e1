// The commands of vfio-user by number, and the numbers that every implementation shares.
//
// Source: QEMU docs/interop/vfio-user.rst

export const VFIO_USER_VERSION = 1;
export const VFIO_USER_DMA_MAP = 2;
export const VFIO_USER_DMA_UNMAP = 3;
export const VFIO_USER_DEVICE_GET_INFO = 4;
export const VFIO_USER_DEVICE_GET_REGION_INFO = 5;
export const VFIO_USER_DEVICE_GET_REGION_IO_FDS = 6;
export const VFIO_USER_DEVICE_GET_IRQ_INFO = 7;
export const VFIO_USER_DEVICE_SET_IRQS = 8;
export const VFIO_USER_REGION_READ = 9;
export const VFIO_USER_REGION_WRITE = 10;
export const VFIO_USER_DMA_READ = 11;
export const VFIO_USER_DMA_WRITE = 12;
export const VFIO_USER_DEVICE_RESET = 13;
export const VFIO_USER_REGION_WRITE_MULTI = 15;
export const VFIO_USER_DEVICE_FEATURE = 16;
export const VFIO_USER_MIG_DATA_READ = 17;
export const VFIO_USER_MIG_DATA_WRITE = 18;

/** Command numbers by name. Number 14 was DIRTY_PAGES; it is retired and stays free. */
export const COMMANDS = {
  VERSION: VFIO_USER_VERSION,
  DMA_MAP: VFIO_USER_DMA_MAP,
  DMA_UNMAP: VFIO_USER_DMA_UNMAP,
  DEVICE_GET_INFO: VFIO_USER_DEVICE_GET_INFO,
  DEVICE_GET_REGION_INFO: VFIO_USER_DEVICE_GET_REGION_INFO,
  DEVICE_GET_REGION_IO_FDS: VFIO_USER_DEVICE_GET_REGION_IO_FDS,
  DEVICE_GET_IRQ_INFO: VFIO_USER_DEVICE_GET_IRQ_INFO,
  DEVICE_SET_IRQS: VFIO_USER_DEVICE_SET_IRQS,
  REGION_READ: VFIO_USER_REGION_READ,
  REGION_WRITE: VFIO_USER_REGION_WRITE,
  DMA_READ: VFIO_USER_DMA_READ,
  DMA_WRITE: VFIO_USER_DMA_WRITE,
  DEVICE_RESET: VFIO_USER_DEVICE_RESET,
  REGION_WRITE_MULTI: VFIO_USER_REGION_WRITE_MULTI,
  DEVICE_FEATURE: VFIO_USER_DEVICE_FEATURE,
  MIG_DATA_READ: VFIO_USER_MIG_DATA_READ,
  MIG_DATA_WRITE: VFIO_USER_MIG_DATA_WRITE,
} as const;

/** The name of a command: a key of {@link COMMANDS}. */
export type CommandName = keyof typeof COMMANDS;

const names = new Map<number, CommandName>(Object.entries(COMMANDS).map(([name, number]) => [number, name as CommandName]));

/** The name of a command number; undefined when there is no such command. */
export function commandName(command: number): CommandName | undefined {
  return names.get(command);
}

/** A command as messages name it: its name, or its number where it has none. */
export function commandText(command: number): string {
  return names.get(command) ?? `command ${command}`;
}

/** Version that is spoken here: major and highest minor. */
export const VERSION_MAJOR = 0;
export const VERSION_MINOR = 2;

/** Bytes of data that one message carries at most unless less is agreed on: REGION_READ and REGION_WRITE, DMA_READ and DMA_WRITE, MIG_DATA_READ and MIG_DATA_WRITE. */
export const DEFAULT_MAX_DATA_XFER_SIZE = 1 << 20;
/** Mappings that a client may have at a time unless another number is agreed on. */
export const DEFAULT_MAX_DMA_MAPS = 65535;
/** Bytes of the longest message: the data, 16 bytes that say where they belong, and the header. A longer one ends the connection. */
export const MAX_MESSAGE_SIZE = DEFAULT_MAX_DATA_XFER_SIZE + 32;

/** GET_REGION_IO_FDS: a place whose writes signal an eventfd. */
export const IO_FD_TYPE_IOEVENTFD = 0;
/** GET_REGION_IO_FDS: a place whose accesses are messages on an fd of their own. */
export const IO_FD_TYPE_IOREGIONFD = 1;
/** Of an ioeventfd: only a write of the value rings. KVM_IOEVENTFD_FLAG_DATAMATCH. */
export const IO_FD_DATAMATCH = 0x1;
/** Of an ioeventfd: a place among I/O ports. KVM_IOEVENTFD_FLAG_PIO. */
export const IO_FD_PIO = 0x2;
/** DMA_MAP: the device may read. */
export const DMA_MAP_READABLE = 0x1;
/** DMA_MAP: the device may write. */
export const DMA_MAP_WRITEABLE = 0x2;
/** DMA_MAP: the fd is to be mapped (libvfio-user). */
export const DMA_MAP_MMAP = 0x4;
/** DMA_MAP: the fd is to be read and written (libvfio-user). */
export const DMA_MAP_FILE_IO = 0x8;
/** DMA_UNMAP: the reply tells which pages were written. */
export const DMA_UNMAP_DIRTY_BITMAP = 0x1;
/** DMA_UNMAP: everything goes; address and size are 0. */
export const DMA_UNMAP_ALL = 0x2;
