// Display devices: the guest's screen as a plane (VFIO_DEVICE_QUERY_GFX_PLANE), and the monitor it sees (the EDID region).

import { struct } from './struct.ts';
import { u32, u64 } from './field.ts';

/** ioctl 14 on a device: vfio_device_gfx_plane_info. Source: linux/vfio.h */
export const VFIO_DEVICE_QUERY_GFX_PLANE = 0x3b72;
/** ioctl 15 on a device: pointer to a u32, a dmabuf_id; answers a new dma-buf fd. Source: linux/vfio.h */
export const VFIO_DEVICE_GET_GFX_DMABUF = 0x3b73;

/** vfio_device_gfx_plane_info.flags: only ask whether the kind of plane named by the other bit is supported. Source: linux/vfio.h */
export const VFIO_GFX_PLANE_TYPE_PROBE = 0x1;
/** vfio_device_gfx_plane_info.flags: the plane is a dma-buf. Source: linux/vfio.h */
export const VFIO_GFX_PLANE_TYPE_DMABUF = 0x2;
/** vfio_device_gfx_plane_info.flags: the plane is a region of the device. Source: linux/vfio.h */
export const VFIO_GFX_PLANE_TYPE_REGION = 0x4;

/**
 * Argument of VFIO_DEVICE_QUERY_GFX_PLANE, 64 bytes of which the first 60 are used. `stride` and `size` in bytes, the
 * others in pixels; region_index and dmabuf_id are one union. Source: linux/vfio.h
 */
export const vfio_device_gfx_plane_info = struct('vfio_device_gfx_plane_info', 64, {
  argsz: u32(0),
  flags: u32(4),
  drm_plane_type: u32(8),
  drm_format: u32(12),
  drm_format_mod: u64(16),
  width: u32(24),
  height: u32(28),
  stride: u32(32),
  size: u32(36),
  x_pos: u32(40),
  y_pos: u32(44),
  x_hot: u32(48),
  y_hot: u32(52),
  region_index: u32(56),
  dmabuf_id: u32(56),
  reserved: u32(60),
});

/** vfio_region_gfx_edid.link_state: a monitor is connected. Source: linux/vfio.h */
export const VFIO_DEVICE_GFX_LINK_STATE_UP = 1;
/** vfio_region_gfx_edid.link_state: no monitor. Source: linux/vfio.h */
export const VFIO_DEVICE_GFX_LINK_STATE_DOWN = 2;

/** Start of the EDID region, 24 bytes: where in the region the blob goes, its size limits in bytes, the largest mode. Source: linux/vfio.h */
export const vfio_region_gfx_edid = struct('vfio_region_gfx_edid', 24, {
  edid_offset: u32(0),
  edid_max_size: u32(4),
  edid_size: u32(8),
  max_xres: u32(12),
  max_yres: u32(16),
  link_state: u32(20),
});
