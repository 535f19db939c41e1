// Migration: device states, the payloads of the migration features, the data fd, and the first protocol (deprecated).

import { struct } from './struct.ts';
import { s32, u32, u64 } from './field.ts';

// vfio_device_feature_migration.flags

/** vfio_device_feature_migration.flags: the device can stop and copy. Source: linux/vfio.h */
export const VFIO_MIGRATION_STOP_COPY = 0x1;
/** vfio_device_feature_migration.flags: it also has the states that quiesce peer-to-peer DMA. Source: linux/vfio.h */
export const VFIO_MIGRATION_P2P = 0x2;
/** vfio_device_feature_migration.flags: it can copy while it runs. Source: linux/vfio.h */
export const VFIO_MIGRATION_PRE_COPY = 0x4;

/** Payload of feature MIGRATION, 8 bytes. Source: linux/vfio.h */
export const vfio_device_feature_migration = struct('vfio_device_feature_migration', 8, {
  flags: u64(0),
});

// vfio_device_feature_mig_state.device_state

/** Device state: failed; only a reset leaves it. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_ERROR = 0;
/** Device state: still, changes nothing, does no DMA. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_STOP = 1;
/** Device state: at work. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_RUNNING = 2;
/** Device state: still, and its state can be read from the data fd. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_STOP_COPY = 3;
/** Device state: still, and its state is being written to the data fd. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_RESUMING = 4;
/** Device state: at work, but starting no DMA to other devices. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_RUNNING_P2P = 5;
/** Device state: at work, and its state can already be read from the data fd. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_PRE_COPY = 6;
/** Device state: PRE_COPY and RUNNING_P2P together. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_PRE_COPY_P2P = 7;
/** Number of device states. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_NR = 8;

/** Payload of feature MIG_DEVICE_STATE, 8 bytes: the state, and the data fd that a change made, or -1. Source: linux/vfio.h */
export const vfio_device_feature_mig_state = struct('vfio_device_feature_mig_state', 8, {
  device_state: u32(0),
  data_fd: s32(4),
});

/** Payload of feature MIG_DATA_SIZE, 8 bytes: how many bytes STOP_COPY is expected to give. Source: linux/vfio.h */
export const vfio_device_feature_mig_data_size = struct('vfio_device_feature_mig_data_size', 8, {
  stop_copy_length: u64(0),
});

// The migration data fd

/** ioctl 21 on a migration data fd: vfio_precopy_info. Source: linux/vfio.h */
export const VFIO_MIG_GET_PRECOPY_INFO = 0x3b79;

/** Argument of VFIO_MIG_GET_PRECOPY_INFO, 24 bytes: bytes of the first pass still to read, and bytes dirtied since. Source: linux/vfio.h */
export const vfio_precopy_info = struct('vfio_precopy_info', 24, {
  argsz: u32(0),
  flags: u32(4),
  initial_bytes: u64(8),
  dirty_bytes: u64(16),
});

// The first protocol: a region, not features. Kernels no longer speak it; the names remain.

/** First protocol, device_state: stopped. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_V1_STOP = 0x0;
/** First protocol, device_state bit: at work. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_V1_RUNNING = 0x1;
/** First protocol, device_state bit: saving. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_V1_SAVING = 0x2;
/** First protocol, device_state bit: resuming. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_V1_RESUMING = 0x4;
/** First protocol, device_state: all of its bits. Source: linux/vfio.h */
export const VFIO_DEVICE_STATE_MASK = 0x7;

/** First protocol: start of the migration region, 32 bytes. Source: linux/vfio.h */
export const vfio_device_migration_info = struct('vfio_device_migration_info', 32, {
  device_state: u32(0),
  reserved: u32(4),
  pending_bytes: u64(8),
  data_offset: u64(16),
  data_size: u64(24),
});
