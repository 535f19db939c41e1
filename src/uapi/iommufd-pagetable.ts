// iommufd: hardware page tables, dirty tracking, device information, page faults, and the Intel VT-d data of these.

import { struct } from './struct.ts';
import { bytes, u32, u64, u8 } from './field.ts';

// ioctls: 0x3b00 | command number

/** ioctl on an iommufd: iommu_hwpt_alloc. Source: linux/iommufd.h */
export const IOMMU_HWPT_ALLOC = 0x3b89;
/** ioctl on an iommufd: iommu_hw_info. Source: linux/iommufd.h */
export const IOMMU_GET_HW_INFO = 0x3b8a;
/** ioctl on an iommufd: iommu_hwpt_set_dirty_tracking. Source: linux/iommufd.h */
export const IOMMU_HWPT_SET_DIRTY_TRACKING = 0x3b8b;
/** ioctl on an iommufd: iommu_hwpt_get_dirty_bitmap. Source: linux/iommufd.h */
export const IOMMU_HWPT_GET_DIRTY_BITMAP = 0x3b8c;
/** ioctl on an iommufd: iommu_hwpt_invalidate. Source: linux/iommufd.h */
export const IOMMU_HWPT_INVALIDATE = 0x3b8d;
/** ioctl on an iommufd: iommu_fault_alloc. Source: linux/iommufd.h */
export const IOMMU_FAULT_QUEUE_ALLOC = 0x3b8e;

// Page tables

/** iommu_hwpt_alloc.flags: the page table can be the parent of nested ones. Source: linux/iommufd.h */
export const IOMMU_HWPT_ALLOC_NEST_PARENT = 0x1;
/** iommu_hwpt_alloc.flags: only for devices whose IOMMU tracks dirty pages. Source: linux/iommufd.h */
export const IOMMU_HWPT_ALLOC_DIRTY_TRACKING = 0x2;
/** iommu_hwpt_alloc.flags: fault_id names a fault queue. Source: linux/iommufd.h */
export const IOMMU_HWPT_FAULT_ID_VALID = 0x4;

/** iommu_hwpt_alloc.data_type: no data. Source: linux/iommufd.h */
export const IOMMU_HWPT_DATA_NONE = 0;
/** iommu_hwpt_alloc.data_type: iommu_hwpt_vtd_s1. Source: linux/iommufd.h */
export const IOMMU_HWPT_DATA_VTD_S1 = 1;

/** Argument of IOMMU_HWPT_ALLOC, 48 bytes; the smallest accepted size is 24. Source: linux/iommufd.h */
export const iommu_hwpt_alloc = struct('iommu_hwpt_alloc', 48, {
  size: u32(0),
  flags: u32(4),
  dev_id: u32(8),
  pt_id: u32(12),
  out_hwpt_id: u32(16),
  __reserved: u32(20),
  data_type: u32(24),
  data_len: u32(28),
  data_uptr: u64(32),
  fault_id: u32(40),
  __reserved2: u32(44),
});

/** iommu_hwpt_vtd_s1.flags: supervisor requests are allowed. Source: linux/iommufd.h */
export const IOMMU_VTD_S1_SRE = 0x1;
/** iommu_hwpt_vtd_s1.flags: extended accessed bits are kept. Source: linux/iommufd.h */
export const IOMMU_VTD_S1_EAFE = 0x2;
/** iommu_hwpt_vtd_s1.flags: write protection holds for supervisors too. Source: linux/iommufd.h */
export const IOMMU_VTD_S1_WPE = 0x4;

/** A guest's first-level VT-d page table, 24 bytes. Source: linux/iommufd.h */
export const iommu_hwpt_vtd_s1 = struct('iommu_hwpt_vtd_s1', 24, {
  flags: u64(0),
  pgtbl_addr: u64(8),
  addr_width: u32(16),
  __reserved: u32(20),
});

/** iommu_hwpt_invalidate.data_type: entries are iommu_hwpt_vtd_s1_invalidate. Source: linux/iommufd.h */
export const IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 = 0;
/** iommu_hwpt_vtd_s1_invalidate.flags: only leaf entries changed. Source: linux/iommufd.h */
export const IOMMU_VTD_INV_FLAGS_LEAF = 0x1;

/** Argument of IOMMU_HWPT_INVALIDATE, 32 bytes: a pointer to entry_num entries of entry_len bytes. Source: linux/iommufd.h */
export const iommu_hwpt_invalidate = struct('iommu_hwpt_invalidate', 32, {
  size: u32(0),
  hwpt_id: u32(4),
  data_uptr: u64(8),
  data_type: u32(16),
  entry_len: u32(20),
  entry_num: u32(24),
  __reserved: u32(28),
});

/** One VT-d invalidation, 24 bytes: `npages` pages of 4 KiB from `addr` on. Source: linux/iommufd.h */
export const iommu_hwpt_vtd_s1_invalidate = struct('iommu_hwpt_vtd_s1_invalidate', 24, {
  addr: u64(0),
  npages: u64(8),
  flags: u32(16),
  __reserved: u32(20),
});

// Dirty tracking

/** iommu_hwpt_set_dirty_tracking.flags: switch on; without it, off. Source: linux/iommufd.h */
export const IOMMU_HWPT_DIRTY_TRACKING_ENABLE = 0x1;
/** iommu_hwpt_get_dirty_bitmap.flags: leave the dirty bits set. Source: linux/iommufd.h */
export const IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 0x1;

/** Argument of IOMMU_HWPT_SET_DIRTY_TRACKING, 16 bytes. Source: linux/iommufd.h */
export const iommu_hwpt_set_dirty_tracking = struct('iommu_hwpt_set_dirty_tracking', 16, {
  size: u32(0),
  flags: u32(4),
  hwpt_id: u32(8),
  __reserved: u32(12),
});

/** Argument of IOMMU_HWPT_GET_DIRTY_BITMAP, 48 bytes: one bit per page_size bytes, at address `data`. Source: linux/iommufd.h */
export const iommu_hwpt_get_dirty_bitmap = struct('iommu_hwpt_get_dirty_bitmap', 48, {
  size: u32(0),
  hwpt_id: u32(4),
  flags: u32(8),
  __reserved: u32(12),
  iova: u64(16),
  length: u64(24),
  page_size: u64(32),
  data: u64(40),
});

// Device information

/** iommu_hw_info.out_data_type: no data. Source: linux/iommufd.h */
export const IOMMU_HW_INFO_TYPE_NONE = 0;
/** iommu_hw_info.out_data_type: iommu_hw_info_vtd. Source: linux/iommufd.h */
export const IOMMU_HW_INFO_TYPE_INTEL_VTD = 1;
/** iommu_hw_info.out_capabilities: dirty tracking works. Source: linux/iommufd.h */
export const IOMMU_HW_CAP_DIRTY_TRACKING = 0x1;
/** iommu_hw_info.out_capabilities: the device's PASIDs may ask to execute. Source: linux/iommufd.h */
export const IOMMU_HW_CAP_PCI_PASID_EXEC = 0x2;
/** iommu_hw_info.out_capabilities: the device's PASIDs may be privileged. Source: linux/iommufd.h */
export const IOMMU_HW_CAP_PCI_PASID_PRIV = 0x4;

/** Argument of IOMMU_GET_HW_INFO, 40 bytes: the IOMMU in front of dev_id, data_len bytes of it at address data_uptr. Source: linux/iommufd.h */
export const iommu_hw_info = struct('iommu_hw_info', 40, {
  size: u32(0),
  flags: u32(4),
  dev_id: u32(8),
  data_len: u32(12),
  data_uptr: u64(16),
  out_data_type: u32(24),
  out_max_pasid_log2: u8(28),
  __reserved: bytes(29, 3),
  out_capabilities: u64(32),
});

/** iommu_hw_info_vtd.flags: the IOMMU has erratum 772415 (writes through read-only nested mappings). Source: linux/iommufd.h */
export const IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 = 0x1;

/** What VT-d says of itself, 24 bytes: its capability registers. Source: linux/iommufd.h */
export const iommu_hw_info_vtd = struct('iommu_hw_info_vtd', 24, {
  flags: u32(0),
  __reserved: u32(4),
  cap_reg: u64(8),
  ecap_reg: u64(16),
});

// Page faults

/** Argument of IOMMU_FAULT_QUEUE_ALLOC, 16 bytes; the queue's id and its fd come back. Source: linux/iommufd.h */
export const iommu_fault_alloc = struct('iommu_fault_alloc', 16, {
  size: u32(0),
  flags: u32(4),
  out_fault_id: u32(8),
  out_fault_fd: u32(12),
});

/** iommu_hwpt_pgfault.flags: pasid is valid. Source: linux/iommufd.h */
export const IOMMU_PGFAULT_FLAGS_PASID_VALID = 0x1;
/** iommu_hwpt_pgfault.flags: the last fault of its group. Source: linux/iommufd.h */
export const IOMMU_PGFAULT_FLAGS_LAST_PAGE = 0x2;
/** iommu_hwpt_pgfault.perm: wanted to read. Source: linux/iommufd.h */
export const IOMMU_PGFAULT_PERM_READ = 0x1;
/** iommu_hwpt_pgfault.perm: wanted to write. Source: linux/iommufd.h */
export const IOMMU_PGFAULT_PERM_WRITE = 0x2;
/** iommu_hwpt_pgfault.perm: wanted to execute. Source: linux/iommufd.h */
export const IOMMU_PGFAULT_PERM_EXEC = 0x4;
/** iommu_hwpt_pgfault.perm: was privileged. Source: linux/iommufd.h */
export const IOMMU_PGFAULT_PERM_PRIV = 0x8;

/** One page fault, read from a fault queue's fd, 40 bytes. Source: linux/iommufd.h */
export const iommu_hwpt_pgfault = struct('iommu_hwpt_pgfault', 40, {
  flags: u32(0),
  dev_id: u32(4),
  pasid: u32(8),
  grpid: u32(12),
  perm: u32(16),
  __reserved: u32(20),
  addr: u64(24),
  length: u32(32),
  cookie: u32(36),
});

/** iommu_hwpt_page_response.code: the page is there, try again. Source: linux/iommufd.h */
export const IOMMUFD_PAGE_RESP_SUCCESS = 0;
/** iommu_hwpt_page_response.code: there is no such page. Source: linux/iommufd.h */
export const IOMMUFD_PAGE_RESP_INVALID = 1;

/** The answer to a page fault, written to a fault queue's fd, 8 bytes. Source: linux/iommufd.h */
export const iommu_hwpt_page_response = struct('iommu_hwpt_page_response', 8, {
  cookie: u32(0),
  code: u32(4),
});
