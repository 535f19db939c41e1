// iommufd: objects and address spaces. Every argument starts with its own size in bytes, as argsz does in VFIO.

import { struct } from './struct.ts';
import { u16, u32, u64 } from './field.ts';

/** Type byte of every iommufd ioctl: ';', VFIO's own. Source: linux/iommufd.h */
export const IOMMUFD_TYPE = 0x3b;

// Command numbers: the low byte of the ioctls below

/** First iommufd command number. Source: linux/iommufd.h */
export const IOMMUFD_CMD_BASE = 0x80;
/** Command number of IOMMU_DESTROY. Source: linux/iommufd.h */
export const IOMMUFD_CMD_DESTROY = 0x80;
/** Command number of IOMMU_IOAS_ALLOC. Source: linux/iommufd.h */
export const IOMMUFD_CMD_IOAS_ALLOC = 0x81;
/** Command number of IOMMU_IOAS_ALLOW_IOVAS. Source: linux/iommufd.h */
export const IOMMUFD_CMD_IOAS_ALLOW_IOVAS = 0x82;
/** Command number of IOMMU_IOAS_COPY. Source: linux/iommufd.h */
export const IOMMUFD_CMD_IOAS_COPY = 0x83;
/** Command number of IOMMU_IOAS_IOVA_RANGES. Source: linux/iommufd.h */
export const IOMMUFD_CMD_IOAS_IOVA_RANGES = 0x84;
/** Command number of IOMMU_IOAS_MAP. Source: linux/iommufd.h */
export const IOMMUFD_CMD_IOAS_MAP = 0x85;
/** Command number of IOMMU_IOAS_UNMAP. Source: linux/iommufd.h */
export const IOMMUFD_CMD_IOAS_UNMAP = 0x86;
/** Command number of IOMMU_OPTION. Source: linux/iommufd.h */
export const IOMMUFD_CMD_OPTION = 0x87;
/** Command number of IOMMU_VFIO_IOAS. Source: linux/iommufd.h */
export const IOMMUFD_CMD_VFIO_IOAS = 0x88;
/** Command number of IOMMU_HWPT_ALLOC. Source: linux/iommufd.h */
export const IOMMUFD_CMD_HWPT_ALLOC = 0x89;
/** Command number of IOMMU_GET_HW_INFO. Source: linux/iommufd.h */
export const IOMMUFD_CMD_GET_HW_INFO = 0x8a;
/** Command number of IOMMU_HWPT_SET_DIRTY_TRACKING. Source: linux/iommufd.h */
export const IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING = 0x8b;
/** Command number of IOMMU_HWPT_GET_DIRTY_BITMAP. Source: linux/iommufd.h */
export const IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP = 0x8c;
/** Command number of IOMMU_HWPT_INVALIDATE. Source: linux/iommufd.h */
export const IOMMUFD_CMD_HWPT_INVALIDATE = 0x8d;
/** Command number of IOMMU_FAULT_QUEUE_ALLOC. Source: linux/iommufd.h */
export const IOMMUFD_CMD_FAULT_QUEUE_ALLOC = 0x8e;

// ioctls: 0x3b00 | command number. Those of page tables and devices are in iommufd-pagetable.ts.

/** ioctl on an iommufd: iommu_destroy. Source: linux/iommufd.h */
export const IOMMU_DESTROY = 0x3b80;
/** ioctl on an iommufd: iommu_ioas_alloc. Source: linux/iommufd.h */
export const IOMMU_IOAS_ALLOC = 0x3b81;
/** ioctl on an iommufd: iommu_ioas_allow_iovas. Source: linux/iommufd.h */
export const IOMMU_IOAS_ALLOW_IOVAS = 0x3b82;
/** ioctl on an iommufd: iommu_ioas_copy. Source: linux/iommufd.h */
export const IOMMU_IOAS_COPY = 0x3b83;
/** ioctl on an iommufd: iommu_ioas_iova_ranges. Source: linux/iommufd.h */
export const IOMMU_IOAS_IOVA_RANGES = 0x3b84;
/** ioctl on an iommufd: iommu_ioas_map. Source: linux/iommufd.h */
export const IOMMU_IOAS_MAP = 0x3b85;
/** ioctl on an iommufd: iommu_ioas_unmap. Source: linux/iommufd.h */
export const IOMMU_IOAS_UNMAP = 0x3b86;
/** ioctl on an iommufd: iommu_option. Source: linux/iommufd.h */
export const IOMMU_OPTION = 0x3b87;
/** ioctl on an iommufd: iommu_vfio_ioas. Source: linux/iommufd.h */
export const IOMMU_VFIO_IOAS = 0x3b88;

/** Argument of IOMMU_DESTROY, 8 bytes: the object to destroy. Source: linux/iommufd.h */
export const iommu_destroy = struct('iommu_destroy', 8, {
  size: u32(0),
  id: u32(4),
});

/** Argument of IOMMU_IOAS_ALLOC, 12 bytes; the new address space's id comes back. Source: linux/iommufd.h */
export const iommu_ioas_alloc = struct('iommu_ioas_alloc', 12, {
  size: u32(0),
  flags: u32(4),
  out_ioas_id: u32(8),
});

/** A range of IOVA, 16 bytes; `last` is the last byte. Source: linux/iommufd.h */
export const iommu_iova_range = struct('iommu_iova_range', 16, {
  start: u64(0),
  last: u64(8),
});

/** Argument of IOMMU_IOAS_IOVA_RANGES, 32 bytes: a pointer to room for num_iovas ranges; their number and the alignment come back. Source: linux/iommufd.h */
export const iommu_ioas_iova_ranges = struct('iommu_ioas_iova_ranges', 32, {
  size: u32(0),
  ioas_id: u32(4),
  num_iovas: u32(8),
  __reserved: u32(12),
  allowed_iovas: u64(16),
  out_iova_alignment: u64(24),
});

/** Argument of IOMMU_IOAS_ALLOW_IOVAS, 24 bytes: a pointer to num_iovas ranges, outside which nothing is placed. Source: linux/iommufd.h */
export const iommu_ioas_allow_iovas = struct('iommu_ioas_allow_iovas', 24, {
  size: u32(0),
  ioas_id: u32(4),
  num_iovas: u32(8),
  __reserved: u32(12),
  allowed_iovas: u64(16),
});

/** iommu_ioas_map.flags and iommu_ioas_copy.flags: the caller chooses the IOVA. Source: linux/iommufd.h */
export const IOMMU_IOAS_MAP_FIXED_IOVA = 0x1;
/** iommu_ioas_map.flags and iommu_ioas_copy.flags: devices may write. Source: linux/iommufd.h */
export const IOMMU_IOAS_MAP_WRITEABLE = 0x2;
/** iommu_ioas_map.flags and iommu_ioas_copy.flags: devices may read. Source: linux/iommufd.h */
export const IOMMU_IOAS_MAP_READABLE = 0x4;

/** Argument of IOMMU_IOAS_MAP, 40 bytes: `length` bytes of the caller's memory at `user_va` appear at `iova`. Source: linux/iommufd.h */
export const iommu_ioas_map = struct('iommu_ioas_map', 40, {
  size: u32(0),
  flags: u32(4),
  ioas_id: u32(8),
  __reserved: u32(12),
  user_va: u64(16),
  length: u64(24),
  iova: u64(32),
});

/** Argument of IOMMU_IOAS_COPY, 40 bytes: what one address space maps appears in another too. Source: linux/iommufd.h */
export const iommu_ioas_copy = struct('iommu_ioas_copy', 40, {
  size: u32(0),
  flags: u32(4),
  dst_ioas_id: u32(8),
  src_ioas_id: u32(12),
  length: u64(16),
  dst_iova: u64(24),
  src_iova: u64(32),
});

/** Argument of IOMMU_IOAS_UNMAP, 24 bytes; `length` comes back as the bytes unmapped. Source: linux/iommufd.h */
export const iommu_ioas_unmap = struct('iommu_ioas_unmap', 24, {
  size: u32(0),
  ioas_id: u32(4),
  iova: u64(8),
  length: u64(16),
});

/** iommu_option.option_id: whether pinned memory counts per user (0) or per process (1). Source: linux/iommufd.h */
export const IOMMU_OPTION_RLIMIT_MODE = 0;
/** iommu_option.option_id: whether an address space may use large pages. Source: linux/iommufd.h */
export const IOMMU_OPTION_HUGE_PAGES = 1;
/** iommu_option.op: set the option to val64. Source: linux/iommufd.h */
export const IOMMU_OPTION_OP_SET = 0;
/** iommu_option.op: read the option into val64. Source: linux/iommufd.h */
export const IOMMU_OPTION_OP_GET = 1;

/** Argument of IOMMU_OPTION, 24 bytes. Source: linux/iommufd.h */
export const iommu_option = struct('iommu_option', 24, {
  size: u32(0),
  option_id: u32(4),
  op: u16(8),
  __reserved: u16(10),
  object_id: u32(12),
  val64: u64(16),
});

/** iommu_vfio_ioas.op: which address space the container ioctls work on. Source: linux/iommufd.h */
export const IOMMU_VFIO_IOAS_GET = 0;
/** iommu_vfio_ioas.op: let the container ioctls work on ioas_id. Source: linux/iommufd.h */
export const IOMMU_VFIO_IOAS_SET = 1;
/** iommu_vfio_ioas.op: let them work on none. Source: linux/iommufd.h */
export const IOMMU_VFIO_IOAS_CLEAR = 2;

/** Argument of IOMMU_VFIO_IOAS, 12 bytes. Source: linux/iommufd.h */
export const iommu_vfio_ioas = struct('iommu_vfio_ioas', 12, {
  size: u32(0),
  ioas_id: u32(4),
  op: u16(8),
  __reserved: u16(10),
});
