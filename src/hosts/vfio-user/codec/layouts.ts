// What stands behind the header of each message, as C structs. Offsets count from the end of the header.
//
//   DMA_MAP     0        4        8                16               24               32
//               | argsz  | flags  |  offset in fd  |    address     |      size      |
//   DMA_UNMAP   | argsz  | flags  |    address     |      size      | 24   and, when dirty pages are asked for: page size, bytes of the bitmap, the bitmap
//   access      |     offset      | region | count  | 16  data                       REGION_READ, REGION_WRITE
//   DMA         |     address     |      count      | 16  data                       DMA_READ, DMA_WRITE
//   multi       |     entries     | 8   { offset, region, count, 8 bytes of data } ...
//   io fd       |     offset      |      size       | fd_index | type 20 | flags | padding 28 |  datamatch | 40          one of DEVICE_GET_REGION_IO_FDS
//   data        | argsz  |  size  | 8   data                                          MIG_DATA_READ, MIG_DATA_WRITE
//
// DEVICE_GET_REGION_INFO, GET_IRQ_INFO, SET_IRQS and DEVICE_FEATURE have the structs of the kernel's ioctls, without what those keep in the caller's memory.
//
// Source: QEMU docs/interop/vfio-user.rst

import { bytes, flexible, flexibleBytes, struct, u16, u32, u64 } from '../../../uapi/index.ts';

/** VERSION, 4 bytes; behind it JSON text with a NUL at its end, or nothing. */
export const vfio_user_version = struct('vfio_user_version', 4, { major: u16(0), minor: u16(2), data: flexibleBytes(4) });

/** DMA_MAP, 32 bytes. `offset` in the fd that came along, if one did. */
export const vfio_user_dma_map = struct('vfio_user_dma_map', 32, { argsz: u32(0), flags: u32(4), offset: u64(8), addr: u64(16), size: u64(24) });

/** DMA_UNMAP, 24 bytes. */
export const vfio_user_dma_unmap = struct('vfio_user_dma_unmap', 24, { argsz: u32(0), flags: u32(4), addr: u64(8), size: u64(16), data: flexibleBytes(24) });

/** Behind DMA_UNMAP when it asks for dirty pages, 16 bytes: bytes of a page, and of the bitmap. */
export const vfio_user_bitmap = struct('vfio_user_bitmap', 16, { pgsize: u64(0), size: u64(8) });

/** DEVICE_GET_INFO, 16 bytes: without the capabilities of the kernel's struct. */
export const vfio_user_device_info = struct('vfio_user_device_info', 16, { argsz: u32(0), flags: u32(4), num_regions: u32(8), num_irqs: u32(12) });

/** DEVICE_GET_REGION_INFO, 32 bytes, and capabilities behind it. */
export const vfio_user_region_info = struct('vfio_user_region_info', 32, { argsz: u32(0), flags: u32(4), index: u32(8), cap_offset: u32(12), size: u64(16), offset: u64(24), data: flexibleBytes(32) });

/** DEVICE_GET_REGION_IO_FDS, 16 bytes, and `count` parts of the region behind it. */
export const vfio_user_region_io_fds = struct('vfio_user_region_io_fds', 16, { argsz: u32(0), flags: u32(4), index: u32(8), count: u32(12), data: flexibleBytes(16) });

/** One place of DEVICE_GET_REGION_IO_FDS, 40 bytes: an ioeventfd. Of an ioregionfd the last field is its user_data. */
export const vfio_user_io_fd = struct('vfio_user_io_fd', 40, { offset: u64(0), size: u64(8), fd_index: u32(16), type: u32(20), flags: u32(24), padding: u32(28), datamatch: u64(32) });

/** DEVICE_GET_IRQ_INFO, 16 bytes. */
export const vfio_user_irq_info = struct('vfio_user_irq_info', 16, { argsz: u32(0), flags: u32(4), index: u32(8), count: u32(12) });

/** DEVICE_SET_IRQS, 20 bytes; behind it a byte for each vector with DATA_BOOL. Eventfds come along as fds. */
export const vfio_user_irq_set = struct('vfio_user_irq_set', 20, { argsz: u32(0), flags: u32(4), index: u32(8), start: u32(12), count: u32(16), data: flexibleBytes(20) });

/** REGION_READ and REGION_WRITE, 16 bytes, and the data. */
export const vfio_user_region_access = struct('vfio_user_region_access', 16, { offset: u64(0), region: u32(8), count: u32(12), data: flexibleBytes(16) });

/** DMA_READ and DMA_WRITE, 16 bytes, and the data. */
export const vfio_user_dma_access = struct('vfio_user_dma_access', 16, { addr: u64(0), count: u64(8), data: flexibleBytes(16) });

/** One write of REGION_WRITE_MULTI, 24 bytes: `count` up to 8 of the data. */
export const vfio_user_write_multi_entry = struct('vfio_user_write_multi_entry', 24, { offset: u64(0), region: u32(8), count: u32(12), data: bytes(16, 8) });

/** REGION_WRITE_MULTI, 8 bytes, and the writes; the reply says how many there were. */
export const vfio_user_write_multi = struct('vfio_user_write_multi', 8, { wr_cnt: u64(0), data: flexibleBytes(8) });

/** DEVICE_FEATURE, 8 bytes, and what the feature has. */
export const vfio_user_device_feature = struct('vfio_user_device_feature', 8, { argsz: u32(0), flags: u32(4), data: flexibleBytes(8) });

/** Feature DMA_LOGGING_START and STOP, 16 bytes, and the ranges; none stands for all there is. */
export const vfio_user_dma_logging_control = struct('vfio_user_dma_logging_control', 16, { page_size: u64(0), num_ranges: u32(8), reserved: u32(12) });

/** One range of DMA_LOGGING_START, 16 bytes. */
export const vfio_user_dma_logging_range = struct('vfio_user_dma_logging_range', 16, { iova: u64(0), length: u64(8) });

/** Feature DMA_LOGGING_REPORT, 24 bytes; the reply has the bitmap behind it. */
export const vfio_user_dma_logging_report = struct('vfio_user_dma_logging_report', 24, { iova: u64(0), length: u64(8), page_size: u64(16) });

/** MIG_DATA_READ and MIG_DATA_WRITE, 8 bytes, and the data. */
export const vfio_user_mig_data = struct('vfio_user_mig_data', 8, { argsz: u32(0), size: u32(4), data: flexibleBytes(8) });

/** The writes of a REGION_WRITE_MULTI as an array. */
export const vfio_user_write_multi_list = struct('vfio_user_write_multi_list', 0, { writes: flexible(0, vfio_user_write_multi_entry) });
