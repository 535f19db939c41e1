// Regions: size, offset and access of each part of a device (VFIO_DEVICE_GET_REGION_INFO), and their capabilities.

import { struct } from './struct.ts';
import { flexible, nested, u32, u64 } from './field.ts';
import { vfio_info_cap_header } from './vfio-device.ts';

/** ioctl 8 on a device: vfio_region_info. Source: linux/vfio.h */
export const VFIO_DEVICE_GET_REGION_INFO = 0x3b6c;

/** vfio_region_info.flags: the region can be read. Source: linux/vfio.h */
export const VFIO_REGION_INFO_FLAG_READ = 0x1;
/** vfio_region_info.flags: the region can be written. Source: linux/vfio.h */
export const VFIO_REGION_INFO_FLAG_WRITE = 0x2;
/** vfio_region_info.flags: the region, or the areas of its SPARSE_MMAP capability, can be mapped. Source: linux/vfio.h */
export const VFIO_REGION_INFO_FLAG_MMAP = 0x4;
/** vfio_region_info.flags: the region has capabilities; cap_offset leads to them if argsz had room. Source: linux/vfio.h */
export const VFIO_REGION_INFO_FLAG_CAPS = 0x8;

/** Argument of VFIO_DEVICE_GET_REGION_INFO, 32 bytes; `size` in bytes, `offset` is where the region starts in the device file. Source: linux/vfio.h */
export const vfio_region_info = struct('vfio_region_info', 32, {
  argsz: u32(0),
  flags: u32(4),
  index: u32(8),
  cap_offset: u32(12),
  size: u64(16),
  offset: u64(24),
});

// Region info capabilities

/** Region info capability id 1: vfio_region_info_cap_sparse_mmap. Source: linux/vfio.h */
export const VFIO_REGION_INFO_CAP_SPARSE_MMAP = 1;
/** Region info capability id 2: vfio_region_info_cap_type. Source: linux/vfio.h */
export const VFIO_REGION_INFO_CAP_TYPE = 2;
/** Region info capability id 3, a bare header: the MSI-X table's pages can be mapped too. Source: linux/vfio.h */
export const VFIO_REGION_INFO_CAP_MSIX_MAPPABLE = 3;
/** Region info capability id 4 (deprecated): vfio_region_info_cap_nvlink2_ssatgt. Source: linux/vfio.h */
export const VFIO_REGION_INFO_CAP_NVLINK2_SSATGT = 4;
/** Region info capability id 5 (deprecated): vfio_region_info_cap_nvlink2_lnkspd. Source: linux/vfio.h */
export const VFIO_REGION_INFO_CAP_NVLINK2_LNKSPD = 5;

/** One mappable area of a region, 16 bytes; both in bytes, `offset` from the start of the region. Source: linux/vfio.h */
export const vfio_region_sparse_mmap_area = struct('vfio_region_sparse_mmap_area', 16, {
  offset: u64(0),
  size: u64(8),
});

/** Capability SPARSE_MMAP, 16 bytes and its areas: only these can be mapped. Source: linux/vfio.h */
export const vfio_region_info_cap_sparse_mmap = struct('vfio_region_info_cap_sparse_mmap', 16, {
  header: nested(0, vfio_info_cap_header),
  nr_areas: u32(8),
  reserved: u32(12),
  areas: flexible(16, vfio_region_sparse_mmap_area, 'nr_areas'),
});

/** Capability TYPE, 16 bytes: what a device-specific region is. Source: linux/vfio.h */
export const vfio_region_info_cap_type = struct('vfio_region_info_cap_type', 16, {
  header: nested(0, vfio_info_cap_header),
  type: u32(8),
  subtype: u32(12),
});

/** Capability NVLINK2_SSATGT, 16 bytes: the address that link translation targets. Source: linux/vfio.h */
export const vfio_region_info_cap_nvlink2_ssatgt = struct('vfio_region_info_cap_nvlink2_ssatgt', 16, {
  header: nested(0, vfio_info_cap_header),
  tgt: u64(8),
});

/** Capability NVLINK2_LNKSPD, 16 bytes: the link's speed as the device tree has it. Source: linux/vfio.h */
export const vfio_region_info_cap_nvlink2_lnkspd = struct('vfio_region_info_cap_nvlink2_lnkspd', 16, {
  header: nested(0, vfio_info_cap_header),
  link_speed: u32(8),
  __pad: u32(12),
});

// vfio_region_info_cap_type.type

/** Region type: this bit, and the PCI vendor id in the low half; the subtype belongs to the vendor. Source: linux/vfio.h */
export const VFIO_REGION_TYPE_PCI_VENDOR_TYPE = 0x80000000;
/** Region type: where the PCI vendor id is. Source: linux/vfio.h */
export const VFIO_REGION_TYPE_PCI_VENDOR_MASK = 0xffff;
/** Region type: graphics. Source: linux/vfio.h */
export const VFIO_REGION_TYPE_GFX = 1;
/** Region type: s390 channel I/O. Source: linux/vfio.h */
export const VFIO_REGION_TYPE_CCW = 2;
/** Region type: the first migration protocol, no longer used. Source: linux/vfio.h */
export const VFIO_REGION_TYPE_MIGRATION_DEPRECATED = 3;

// vfio_region_info_cap_type.subtype, by type

/** Subtype of vendor 0x8086: the graphics firmware's OpRegion. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION = 1;
/** Subtype of vendor 0x8086: config space of the host bridge. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_INTEL_IGD_HOST_CFG = 2;
/** Subtype of vendor 0x8086: config space of the LPC bridge. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_INTEL_IGD_LPC_CFG = 3;
/** Subtype of vendor 0x10de: memory behind NVLink2. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_NVIDIA_NVLINK2_RAM = 1;
/** Subtype of vendor 0x1014: address translation shootdown registers of NVLink2. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_IBM_NVLINK2_ATSD = 1;
/** Subtype of VFIO_REGION_TYPE_GFX: vfio_region_gfx_edid. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_GFX_EDID = 1;
/** Subtype of VFIO_REGION_TYPE_CCW: ccw_cmd_region. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_CCW_ASYNC_CMD = 1;
/** Subtype of VFIO_REGION_TYPE_CCW: ccw_schib_region. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_CCW_SCHIB = 2;
/** Subtype of VFIO_REGION_TYPE_CCW: ccw_crw_region. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_CCW_CRW = 3;
/** Subtype of VFIO_REGION_TYPE_MIGRATION_DEPRECATED: vfio_device_migration_info. Source: linux/vfio.h */
export const VFIO_REGION_SUBTYPE_MIGRATION_DEPRECATED = 1;
