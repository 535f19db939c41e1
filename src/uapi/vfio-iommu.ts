// The type1 IOMMU of a container: its capabilities, mapping and unmapping IOVA, dirty pages.

import { struct } from './struct.ts';
import { flexible, flexibleBytes, nested, u32, u64 } from './field.ts';
import { vfio_info_cap_header } from './vfio-device.ts';

// ioctls of a container with a type1 IOMMU

/** ioctl 12 on a container: vfio_iommu_type1_info. Source: linux/vfio.h */
export const VFIO_IOMMU_GET_INFO = 0x3b70;
/** ioctl 13 on a container: vfio_iommu_type1_dma_map. Source: linux/vfio.h */
export const VFIO_IOMMU_MAP_DMA = 0x3b71;
/** ioctl 14 on a container: vfio_iommu_type1_dma_unmap. Source: linux/vfio.h */
export const VFIO_IOMMU_UNMAP_DMA = 0x3b72;
/** ioctl 17 on a container: vfio_iommu_type1_dirty_bitmap. Source: linux/vfio.h */
export const VFIO_IOMMU_DIRTY_PAGES = 0x3b75;

// Information

/** vfio_iommu_type1_info.flags: iova_pgsizes is valid. Source: linux/vfio.h */
export const VFIO_IOMMU_INFO_PGSIZES = 0x1;
/** vfio_iommu_type1_info.flags: there are capabilities; cap_offset leads to them if argsz had room. Source: linux/vfio.h */
export const VFIO_IOMMU_INFO_CAPS = 0x2;

/** Argument of VFIO_IOMMU_GET_INFO, 24 bytes; bit n of iova_pgsizes stands for pages of 2^n bytes. Source: linux/vfio.h */
export const vfio_iommu_type1_info = struct('vfio_iommu_type1_info', 24, {
  argsz: u32(0),
  flags: u32(4),
  iova_pgsizes: u64(8),
  cap_offset: u32(16),
  pad: u32(20),
});

/** IOMMU info capability id 1: vfio_iommu_type1_info_cap_iova_range. Source: linux/vfio.h */
export const VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE = 1;
/** IOMMU info capability id 2: vfio_iommu_type1_info_cap_migration. Source: linux/vfio.h */
export const VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION = 2;
/** IOMMU info capability id 3: vfio_iommu_type1_info_dma_avail. Source: linux/vfio.h */
export const VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL = 3;

/** One range of usable IOVA, 16 bytes; `end` is the last byte. Source: linux/vfio.h */
export const vfio_iova_range = struct('vfio_iova_range', 16, {
  start: u64(0),
  end: u64(8),
});

/** Capability IOVA_RANGE, 16 bytes and the ranges: the IOVA that can be mapped. Source: linux/vfio.h */
export const vfio_iommu_type1_info_cap_iova_range = struct('vfio_iommu_type1_info_cap_iova_range', 16, {
  header: nested(0, vfio_info_cap_header),
  nr_iovas: u32(8),
  reserved: u32(12),
  iova_ranges: flexible(16, vfio_iova_range, 'nr_iovas'),
});

/** Capability MIGRATION, 32 bytes: page sizes of dirty tracking, and the largest bitmap in bytes. Source: linux/vfio.h */
export const vfio_iommu_type1_info_cap_migration = struct('vfio_iommu_type1_info_cap_migration', 32, {
  header: nested(0, vfio_info_cap_header),
  flags: u32(8),
  pgsize_bitmap: u64(16),
  max_dirty_bitmap_size: u64(24),
});

/** Capability DMA_AVAIL, 12 bytes: how many more mappings the container takes. Source: linux/vfio.h */
export const vfio_iommu_type1_info_dma_avail = struct('vfio_iommu_type1_info_dma_avail', 12, {
  header: nested(0, vfio_info_cap_header),
  avail: u32(8),
});

// Mapping

/** vfio_iommu_type1_dma_map.flags: the device may read. Source: linux/vfio.h */
export const VFIO_DMA_MAP_FLAG_READ = 0x1;
/** vfio_iommu_type1_dma_map.flags: the device may write. Source: linux/vfio.h */
export const VFIO_DMA_MAP_FLAG_WRITE = 0x2;
/** vfio_iommu_type1_dma_map.flags: give an existing mapping a new vaddr. Source: linux/vfio.h */
export const VFIO_DMA_MAP_FLAG_VADDR = 0x4;

/** Argument of VFIO_IOMMU_MAP_DMA, 32 bytes: `size` bytes of the caller's memory at `vaddr` appear at `iova`. Source: linux/vfio.h */
export const vfio_iommu_type1_dma_map = struct('vfio_iommu_type1_dma_map', 32, {
  argsz: u32(0),
  flags: u32(4),
  vaddr: u64(8),
  iova: u64(16),
  size: u64(24),
});

/** vfio_iommu_type1_dma_unmap.flags: data holds a vfio_bitmap, to be filled with the pages written. Source: linux/vfio.h */
export const VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP = 0x1;
/** vfio_iommu_type1_dma_unmap.flags: unmap everything; iova and size are zero. Source: linux/vfio.h */
export const VFIO_DMA_UNMAP_FLAG_ALL = 0x2;
/** vfio_iommu_type1_dma_unmap.flags: take away the vaddr, keep the mapping. Source: linux/vfio.h */
export const VFIO_DMA_UNMAP_FLAG_VADDR = 0x4;

/** Argument of VFIO_IOMMU_UNMAP_DMA, 24 bytes and perhaps a vfio_bitmap; `size` comes back as the bytes unmapped. Source: linux/vfio.h */
export const vfio_iommu_type1_dma_unmap = struct('vfio_iommu_type1_dma_unmap', 24, {
  argsz: u32(0),
  flags: u32(4),
  iova: u64(8),
  size: u64(16),
  data: flexibleBytes(24),
});

// Dirty pages

/** A dirty bitmap in the caller's memory, 24 bytes: `size` bytes at address `data`, one bit per `pgsize` bytes. Source: linux/vfio.h */
export const vfio_bitmap = struct('vfio_bitmap', 24, {
  pgsize: u64(0),
  size: u64(8),
  data: u64(16),
});

/** vfio_iommu_type1_dirty_bitmap.flags: start tracking. Source: linux/vfio.h */
export const VFIO_IOMMU_DIRTY_PAGES_FLAG_START = 0x1;
/** vfio_iommu_type1_dirty_bitmap.flags: stop tracking. Source: linux/vfio.h */
export const VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP = 0x2;
/** vfio_iommu_type1_dirty_bitmap.flags: data holds a vfio_iommu_type1_dirty_bitmap_get. Source: linux/vfio.h */
export const VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP = 0x4;

/** Argument of VFIO_IOMMU_DIRTY_PAGES, 8 bytes and data. Source: linux/vfio.h */
export const vfio_iommu_type1_dirty_bitmap = struct('vfio_iommu_type1_dirty_bitmap', 8, {
  argsz: u32(0),
  flags: u32(4),
  data: flexibleBytes(8),
});

/** Data of VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP, 40 bytes: the range asked for and where its bitmap goes. Source: linux/vfio.h */
export const vfio_iommu_type1_dirty_bitmap_get = struct('vfio_iommu_type1_dirty_bitmap_get', 40, {
  iova: u64(0),
  size: u64(8),
  bitmap: nested(16, vfio_bitmap),
});
