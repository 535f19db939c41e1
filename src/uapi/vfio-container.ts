// Containers and groups: API version, extensions, IOMMU models, and how a group is put into a container.
//
// An ioctl number is 0x3b00 | (100 + n): type byte ';' (0x3b), base 100 (0x64), no direction, no size. The first is
// 0x3b64; each number below says its n. Other kinds of fd use the same numbers for other calls: see `ioctlName`.

import { struct } from './struct.ts';
import { u32 } from './field.ts';

/** The VFIO API version that VFIO_GET_API_VERSION answers. Source: linux/vfio.h */
export const VFIO_API_VERSION = 0;
/** Type byte of every VFIO ioctl: ';'. Source: linux/vfio.h */
export const VFIO_TYPE = 0x3b;
/** Number of the first VFIO ioctl within its type. Source: linux/vfio.h */
export const VFIO_BASE = 100;

// Extensions and IOMMU models: the argument of VFIO_CHECK_EXTENSION; the models also of VFIO_SET_IOMMU.

/** IOMMU model: type1, the x86 and ARM model, first version. Source: linux/vfio.h */
export const VFIO_TYPE1_IOMMU = 1;
/** IOMMU model: POWER with TCE tables. Source: linux/vfio.h */
export const VFIO_SPAPR_TCE_IOMMU = 2;
/** IOMMU model: type1 whose unmap takes whole mappings only. Source: linux/vfio.h */
export const VFIO_TYPE1v2_IOMMU = 3;
/** Extension: DMA is cache coherent whatever the device asks for. Source: linux/vfio.h */
export const VFIO_DMA_CC_IOMMU = 4;
/** Extension: POWER error handling, VFIO_EEH_PE_OP. Source: linux/vfio.h */
export const VFIO_EEH = 5;
/** IOMMU model 6, type1 with nesting: retired, the number stays reserved. The name in v6.14. Source: linux/vfio.h */
export const __VFIO_RESERVED_TYPE1_NESTING_IOMMU = 6;
/** IOMMU model 6, type1 with nesting: the name that v6.12 and older have. Source: linux/vfio.h (6.12) */
export const VFIO_TYPE1_NESTING_IOMMU = 6;
/** IOMMU model: POWER with TCE tables, second version (memory is registered first). Source: linux/vfio.h */
export const VFIO_SPAPR_TCE_v2_IOMMU = 7;
/** IOMMU model: none at all; device access without isolation. Source: linux/vfio.h */
export const VFIO_NOIOMMU_IOMMU = 8;
/** Extension: VFIO_DMA_UNMAP_FLAG_ALL. Source: linux/vfio.h */
export const VFIO_UNMAP_ALL = 9;
/** Extension: VFIO_DMA_MAP_FLAG_VADDR and VFIO_DMA_UNMAP_FLAG_VADDR. Source: linux/vfio.h */
export const VFIO_UPDATE_VADDR = 10;

// ioctls of a container

/** ioctl 0 on a container: no argument, answers VFIO_API_VERSION. Source: linux/vfio.h */
export const VFIO_GET_API_VERSION = 0x3b64;
/** ioctl 1 on a container: the argument is an extension by value; answers 0 for no, a positive number for yes. Source: linux/vfio.h */
export const VFIO_CHECK_EXTENSION = 0x3b65;
/** ioctl 2 on a container that has a group: the argument is an IOMMU model by value. Source: linux/vfio.h */
export const VFIO_SET_IOMMU = 0x3b66;

// ioctls of a group

/** ioctl 3 on a group: vfio_group_status. Source: linux/vfio.h */
export const VFIO_GROUP_GET_STATUS = 0x3b67;
/** ioctl 4 on a group: pointer to an s32, the container's fd. Source: linux/vfio.h */
export const VFIO_GROUP_SET_CONTAINER = 0x3b68;
/** ioctl 5 on a group: no argument; takes the group out of its container. Source: linux/vfio.h */
export const VFIO_GROUP_UNSET_CONTAINER = 0x3b69;
/** ioctl 6 on a group: pointer to a NUL-terminated device name; answers a new device fd. Source: linux/vfio.h */
export const VFIO_GROUP_GET_DEVICE_FD = 0x3b6a;

/** vfio_group_status.flags: every device of the group has a VFIO driver or none. Source: linux/vfio.h */
export const VFIO_GROUP_FLAGS_VIABLE = 0x1;
/** vfio_group_status.flags: the group is in a container. Source: linux/vfio.h */
export const VFIO_GROUP_FLAGS_CONTAINER_SET = 0x2;

/** Argument of VFIO_GROUP_GET_STATUS, 8 bytes. Source: linux/vfio.h */
export const vfio_group_status = struct('vfio_group_status', 8, {
  argsz: u32(0),
  flags: u32(4),
});
