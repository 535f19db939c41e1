// iommufd, v6.13 and v6.14: mapping memory by a file rather than by an address, and giving what is mapped to another process.

import { struct } from './struct.ts';
import { s32, u32, u64 } from './field.ts';

/** ioctl on an iommufd: iommu_ioas_map_file. Source: linux/iommufd.h */
export const IOMMU_IOAS_MAP_FILE = 0x3b8f;
/** ioctl on an iommufd: allocates a virtual IOMMU, for IOMMUs that have some. Source: linux/iommufd.h */
export const IOMMU_VIOMMU_ALLOC = 0x3b90;
/** ioctl on an iommufd: iommu_vdevice_alloc. Source: linux/iommufd.h */
export const IOMMU_VDEVICE_ALLOC = 0x3b91;
/** ioctl on an iommufd: iommu_ioas_change_process. Source: linux/iommufd.h */
export const IOMMU_IOAS_CHANGE_PROCESS = 0x3b92;

/** Argument of IOMMU_IOAS_MAP_FILE, 40 bytes: `length` bytes of a file from `start` on appear at `iova`. Flags as those of iommu_ioas_map. Source: linux/iommufd.h */
export const iommu_ioas_map_file = struct('iommu_ioas_map_file', 40, {
  size: u32(0),
  flags: u32(4),
  ioas_id: u32(8),
  fd: s32(12),
  start: u64(16),
  length: u64(24),
  iova: u64(32),
});

/** Argument of IOMMU_VDEVICE_ALLOC, 24 bytes: a device as a virtual IOMMU knows it. Source: linux/iommufd.h */
export const iommu_vdevice_alloc = struct('iommu_vdevice_alloc', 24, {
  size: u32(0),
  viommu_id: u32(4),
  dev_id: u32(8),
  out_vdevice_id: u32(12),
  virt_id: u64(16),
});

/** Argument of IOMMU_IOAS_CHANGE_PROCESS, 8 bytes: from now on the caller answers for what is pinned. Source: linux/iommufd.h */
export const iommu_ioas_change_process = struct('iommu_ioas_change_process', 8, {
  size: u32(0),
  __reserved: u32(4),
});
