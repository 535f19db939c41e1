// What Linux has defined between v6.14 and 7.2 and this library knows: dma-bufs of BARs, precopy information of a second batch. Off unless a file is opened for it.

import { struct } from './struct.ts';
import { flexible, u32, u64 } from './field.ts';

/** Feature 11, GET, Linux 7.2: vfio_device_feature_dma_buf; the call answers the fd of a dma-buf. Source: linux/vfio.h of 7.2 */
export const VFIO_DEVICE_FEATURE_DMA_BUF = 11;
/** Feature 12, SET without payload, Linux 7.2: vfio_precopy_info.flags are the kernel's from now on. Source: linux/vfio.h of 7.2 */
export const VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 = 12;

/** vfio_precopy_info.flags, Linux 7.2: there is a new batch of initial data. Source: linux/vfio.h of 7.2 */
export const VFIO_PRECOPY_INFO_REINIT = 0x1;

/** A part of a region, 16 bytes: `length` bytes from `offset` on, whole pages. Source: linux/vfio.h of 7.2 */
export const vfio_region_dma_range = struct('vfio_region_dma_range', 16, {
  offset: u64(0),
  length: u64(8),
});

/** Payload of feature DMA_BUF, 16 bytes and nr_ranges ranges: which parts of which BAR the dma-buf is made of. Source: linux/vfio.h of 7.2 */
export const vfio_device_feature_dma_buf = struct('vfio_device_feature_dma_buf', 16, {
  region_index: u32(0),
  open_flags: u32(4),
  flags: u32(8),
  nr_ranges: u32(12),
  dma_ranges: flexible(16, vfio_region_dma_range),
});
