// Channel I/O on s390: the contents of the regions of a vfio-ccw device.

import { struct } from './struct.ts';
import { bytes, u32 } from './field.ts';

/** Bytes of an operation request block that ccw_io_region takes. Source: linux/vfio_ccw.h */
export const ORB_AREA_SIZE = 12;
/** Bytes of a subchannel status word. Source: linux/vfio_ccw.h */
export const SCSW_AREA_SIZE = 12;
/** Bytes of an interruption response block. Source: linux/vfio_ccw.h */
export const IRB_AREA_SIZE = 96;
/** Bytes of a subchannel information block. Source: linux/vfio_ccw.h */
export const SCHIB_AREA_SIZE = 52;

/** The I/O region, 124 bytes: a request goes in, a response and a return code come out. Source: linux/vfio_ccw.h */
export const ccw_io_region = struct('ccw_io_region', 124, {
  orb_area: bytes(0, ORB_AREA_SIZE),
  scsw_area: bytes(12, SCSW_AREA_SIZE),
  irb_area: bytes(24, IRB_AREA_SIZE),
  ret_code: u32(120),
});

/** ccw_cmd_region.command: halt the subchannel. Source: linux/vfio_ccw.h */
export const VFIO_CCW_ASYNC_CMD_HSCH = 0x1;
/** ccw_cmd_region.command: clear the subchannel. Source: linux/vfio_ccw.h */
export const VFIO_CCW_ASYNC_CMD_CSCH = 0x2;

/** The asynchronous command region, 8 bytes. Source: linux/vfio_ccw.h */
export const ccw_cmd_region = struct('ccw_cmd_region', 8, {
  command: u32(0),
  ret_code: u32(4),
});

/** The subchannel information region, 52 bytes. Source: linux/vfio_ccw.h */
export const ccw_schib_region = struct('ccw_schib_region', 52, {
  schib_area: bytes(0, SCHIB_AREA_SIZE),
});

/** The channel report word region, 8 bytes. Source: linux/vfio_ccw.h */
export const ccw_crw_region = struct('ccw_crw_region', 8, {
  crw: u32(0),
  pad: u32(4),
});
