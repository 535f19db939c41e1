// What only mailing-list proposals define: alias regions, region flags, mmap attributes, cookies per attribute, reserved MSI windows.
//
// None of this is in a released kernel, and some numbers mean something else there: capability id 1 is IOVA_RANGE,
// map flag 4 is VADDR, feature 11 and ioctl 21 were given to others later. Nothing here is on unless it is asked for.

import { struct } from './struct.ts';
import { nested, u32, u64 } from './field.ts';
import { vfio_info_cap_header } from './vfio-device.ts';

// Alias regions (2025): a second way to map a BAR, with other attributes

/** vfio_region_info.flags, proposal: the region is an alias of another. Source: alias region proposal */
export const VFIO_REGION_INFO_FLAG_ALIAS = 0x10;
/** vfio_region_info.flags, proposal: mappings of the region combine writes. Source: alias region proposal */
export const VFIO_REGION_INFO_FLAG_WC = 0x20;
/** Feature 11, proposal, SET: vfio_device_feature_alias_region. Source: alias region proposal */
export const VFIO_DEVICE_FEATURE_ALIAS_REGION = 11;

/** Payload of feature ALIAS_REGION, 24 bytes: the region and the flags wanted go in, the alias' region index comes out. Source: alias region proposal */
export const vfio_device_feature_alias_region = struct('vfio_device_feature_alias_region', 24, {
  flags: u32(0),
  index: u32(4),
  alias_index: u32(8),
  _resv1: u32(12),
  _resv2: u64(16),
});

// What an alias is of, as the alias region proposal's review asks; number and layout are this library's.

/** Region info capability id 6, of no mail: vfio_region_info_cap_alias. Source: behaviour text, section 8.10 */
export const VFIO_REGION_INFO_CAP_ALIAS = 6;
/** vfio_region_info_cap_alias.flags, of no mail: mappings of the region combine writes. Source: behaviour text, section 8.10 */
export const VFIO_REGION_ALIAS_WRITE_COMBINE = 0x1;

/** Capability ALIAS, 16 bytes: which region the alias is of, and what its mappings are. Source: behaviour text, section 8.10 */
export const vfio_region_info_cap_alias = struct('vfio_region_info_cap_alias', 16, {
  header: nested(0, vfio_info_cap_header),
  region_index: u32(8),
  flags: u32(12),
});

// Region flags (2024): attributes for the later mappings of one BAR, of all open files

/** ioctl 21 on a device, proposal: vfio_region_flags. Source: region flags proposal */
export const VFIO_DEVICE_SET_REGION_FLAGS = 0x3b79;
/** vfio_region_flags.flags, proposal: combine writes. Source: region flags proposal */
export const VFIO_REGION_FLAG_WRITE_COMBINE = 0x1;
/** vfio_region_info.flags, proposal: the BAR is prefetchable. Source: region flags proposal */
export const VFIO_REGION_INFO_FLAG_PREFETCH = 0x10;

/** Argument of VFIO_DEVICE_SET_REGION_FLAGS, 8 bytes. Source: region flags proposal */
export const vfio_region_flags = struct('vfio_region_flags', 8, {
  index: u32(0),
  flags: u32(4),
});

// mmap attributes (2025): attributes for the mappings of one offset

/** ioctl 21 on a device, proposal: vfio_mmap_attrs. Source: mmap attributes proposal */
export const VFIO_DEVICE_SET_MMAP_ATTRS = 0x3b79;
/** vfio_mmap_attrs.attrs, proposal: combine writes. Source: mmap attributes proposal */
export const VFIO_MMAP_ATTR_WRITE_COMBINE = 0x1;

/** Argument of VFIO_DEVICE_SET_MMAP_ATTRS, 16 bytes of which the last 4 are padding. Source: mmap attributes proposal */
export const vfio_mmap_attrs = struct('vfio_mmap_attrs', 16, {
  offset: u64(0),
  attrs: u32(8),
});

// Cookies per attribute (2025, review of the mmap attributes): one offset for each region and its mapping flags. The ioctl numbers are this library's.

/** ioctl 22 on a device, proposal with a number of no mail: vfio_region_caps. Source: review of the mmap attributes proposal */
export const VFIO_DEVICE_GET_REGION_CAPS = 0x3b7a;
/** ioctl 23 on a device, proposal with a number of no mail: vfio_region_mmap. Source: review of the mmap attributes proposal */
export const VFIO_DEVICE_GET_REGION_MMAP = 0x3b7b;
/** vfio_region_mmap.mmap_flags, proposal with a value of no mail: combine writes. Source: review of the mmap attributes proposal */
export const VFIO_REGION_MMAP_WRITE_COMBINE = 0x1;

/** Argument of VFIO_DEVICE_GET_REGION_CAPS, 32 bytes and the capabilities. Source: review of the mmap attributes proposal */
export const vfio_region_caps = struct('vfio_region_caps', 32, {
  argsz: u32(0),
  region_index: u32(4),
  region_flags: u32(8),
  region_size: u64(16),
  cap_offset: u32(24),
});

/** Argument of VFIO_DEVICE_GET_REGION_MMAP, 32 bytes: the region and the flags wanted go in, the offset to map comes out. Source: review of the mmap attributes proposal */
export const vfio_region_mmap = struct('vfio_region_mmap', 32, {
  argsz: u32(0),
  region_index: u32(4),
  mmap_flags: u32(8),
  region_size: u64(16),
  fd_offset: u64(24),
});

// Reserved MSI windows (2016): user space says where in IOVA space the host puts its MSI doorbells

/** IOMMU info capability id 1, proposal: vfio_iommu_type1_info_cap_msi_resv. Source: reserved MSI window proposal */
export const VFIO_IOMMU_TYPE1_INFO_CAP_MSI_RESV = 1;
/** vfio_iommu_type1_dma_map.flags, proposal: the range is the window for MSI doorbells. Source: reserved MSI window proposal */
export const VFIO_DMA_MAP_FLAG_RESERVED_MSI_IOVA = 0x4;

/** Capability MSI_RESV, 24 bytes: size and alignment, in bytes, of the window wanted. Source: reserved MSI window proposal */
export const vfio_iommu_type1_info_cap_msi_resv = struct('vfio_iommu_type1_info_cap_msi_resv', 24, {
  header: nested(0, vfio_info_cap_header),
  size: u64(8),
  alignment: u64(16),
});
