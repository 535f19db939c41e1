// VFIO_DEVICE_FEATURE: the envelope, the features, and the payload of each that is not about migration.

import { struct } from './struct.ts';
import { flexibleBytes, s32, u32, u64 } from './field.ts';

/** ioctl 17 on a device: vfio_device_feature. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE = 0x3b75;

/** vfio_device_feature.flags: where the feature's number is. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_MASK = 0xffff;
/** vfio_device_feature.flags: read the feature into data. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_GET = 0x10000;
/** vfio_device_feature.flags: write the feature from data. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_SET = 0x20000;
/** vfio_device_feature.flags: do not act, answer whether the GET and SET bits given would be supported. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_PROBE = 0x40000;

/** Argument of VFIO_DEVICE_FEATURE, 8 bytes and the feature's payload. Source: linux/vfio.h */
export const vfio_device_feature = struct('vfio_device_feature', 8, {
  argsz: u32(0),
  flags: u32(4),
  data: flexibleBytes(8),
});

// Features

/** Feature 0, SET: 16 bytes, the UUID that users of the virtual functions must present. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_PCI_VF_TOKEN = 0;
/** Feature 1, GET: vfio_device_feature_migration. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_MIGRATION = 1;
/** Feature 2, GET and SET: vfio_device_feature_mig_state. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE = 2;
/** Feature 3, SET without payload: let the device go into a low-power state. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY = 3;
/** Feature 4, SET: vfio_device_low_power_entry_with_wakeup. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP = 4;
/** Feature 5, SET without payload: leave the low-power state. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_LOW_POWER_EXIT = 5;
/** Feature 6, SET: vfio_device_feature_dma_logging_control. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_DMA_LOGGING_START = 6;
/** Feature 7, SET without payload: stop DMA logging. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP = 7;
/** Feature 8, GET: vfio_device_feature_dma_logging_report. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT = 8;
/** Feature 9, GET: vfio_device_feature_mig_data_size. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_MIG_DATA_SIZE = 9;
/** Feature 10, SET: vfio_device_feature_bus_master. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_BUS_MASTER = 10;

// Payloads

/** Payload of feature LOW_POWER_ENTRY_WITH_WAKEUP, 8 bytes: the eventfd to signal when the device wakes. Source: linux/vfio.h */
export const vfio_device_low_power_entry_with_wakeup = struct('vfio_device_low_power_entry_with_wakeup', 8, {
  wakeup_eventfd: s32(0),
  reserved: u32(4),
});

/** vfio_device_feature_bus_master.op: switch bus mastering off. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_CLEAR_MASTER = 0;
/** vfio_device_feature_bus_master.op: switch bus mastering on. Source: linux/vfio.h */
export const VFIO_DEVICE_FEATURE_SET_MASTER = 1;

/** Payload of feature BUS_MASTER, 4 bytes. Source: linux/vfio.h */
export const vfio_device_feature_bus_master = struct('vfio_device_feature_bus_master', 4, {
  op: u32(0),
});

/** Payload of feature DMA_LOGGING_START, 24 bytes: the page size wanted and used, and a pointer to num_ranges ranges. Source: linux/vfio.h */
export const vfio_device_feature_dma_logging_control = struct('vfio_device_feature_dma_logging_control', 24, {
  page_size: u64(0),
  num_ranges: u32(8),
  __reserved: u32(12),
  ranges: u64(16),
});

/** One range to log, 16 bytes: `length` bytes from `iova` on. Source: linux/vfio.h */
export const vfio_device_feature_dma_logging_range = struct('vfio_device_feature_dma_logging_range', 16, {
  iova: u64(0),
  length: u64(8),
});

/** Payload of feature DMA_LOGGING_REPORT, 32 bytes: the range asked for and a pointer to its bitmap, one bit per page. Source: linux/vfio.h */
export const vfio_device_feature_dma_logging_report = struct('vfio_device_feature_dma_logging_report', 32, {
  iova: u64(0),
  length: u64(8),
  page_size: u64(16),
  bitmap: u64(24),
});
