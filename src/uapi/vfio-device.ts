// The device fd: what a device is (VFIO_DEVICE_GET_INFO), its capabilities, reset, and binding to an iommufd.

import { struct } from './struct.ts';
import { nested, s32, u16, u32 } from './field.ts';

/** Head of every capability behind an info struct, 8 bytes; `next` counts from the start of the info struct. Source: linux/vfio.h */
export const vfio_info_cap_header = struct('vfio_info_cap_header', 8, {
  id: u16(0),
  version: u16(2),
  next: u32(4),
});

// ioctls of a device

/** ioctl 7 on a device: vfio_device_info. Source: linux/vfio.h */
export const VFIO_DEVICE_GET_INFO = 0x3b6b;
/** ioctl 11 on a device: no argument; resets the function. Source: linux/vfio.h */
export const VFIO_DEVICE_RESET = 0x3b6f;

// vfio_device_info.flags

/** vfio_device_info.flags: VFIO_DEVICE_RESET works. Source: linux/vfio.h */
export const VFIO_DEVICE_FLAGS_RESET = 0x1;
/** vfio_device_info.flags: a PCI function. Source: linux/vfio.h */
export const VFIO_DEVICE_FLAGS_PCI = 0x2;
/** vfio_device_info.flags: a platform device. Source: linux/vfio.h */
export const VFIO_DEVICE_FLAGS_PLATFORM = 0x4;
/** vfio_device_info.flags: an ARM AMBA device. Source: linux/vfio.h */
export const VFIO_DEVICE_FLAGS_AMBA = 0x8;
/** vfio_device_info.flags: an s390 channel device. Source: linux/vfio.h */
export const VFIO_DEVICE_FLAGS_CCW = 0x10;
/** vfio_device_info.flags: an s390 crypto adapter. Source: linux/vfio.h */
export const VFIO_DEVICE_FLAGS_AP = 0x20;
/** vfio_device_info.flags: a Freescale management-complex device. Source: linux/vfio.h */
export const VFIO_DEVICE_FLAGS_FSL_MC = 0x40;
/** vfio_device_info.flags: the device has info capabilities; cap_offset leads to them if argsz had room. Source: linux/vfio.h */
export const VFIO_DEVICE_FLAGS_CAPS = 0x80;
/** vfio_device_info.flags: an AMD CDX device. Source: linux/vfio.h */
export const VFIO_DEVICE_FLAGS_CDX = 0x100;

/** Argument of VFIO_DEVICE_GET_INFO, 24 bytes; the smallest accepted argsz is 16. Source: linux/vfio.h */
export const vfio_device_info = struct('vfio_device_info', 24, {
  argsz: u32(0),
  flags: u32(4),
  num_regions: u32(8),
  num_irqs: u32(12),
  cap_offset: u32(16),
  pad: u32(20),
});

// What a mediated device's device_api file says.

/** device_api of a PCI device. Source: linux/vfio.h */
export const VFIO_DEVICE_API_PCI_STRING = 'vfio-pci';
/** device_api of a platform device. Source: linux/vfio.h */
export const VFIO_DEVICE_API_PLATFORM_STRING = 'vfio-platform';
/** device_api of an AMBA device. Source: linux/vfio.h */
export const VFIO_DEVICE_API_AMBA_STRING = 'vfio-amba';
/** device_api of a channel device. Source: linux/vfio.h */
export const VFIO_DEVICE_API_CCW_STRING = 'vfio-ccw';
/** device_api of a crypto adapter. Source: linux/vfio.h */
export const VFIO_DEVICE_API_AP_STRING = 'vfio-ap';

// Device info capabilities

/** Device info capability id 1: vfio_device_info_cap_zpci_base. Source: linux/vfio.h */
export const VFIO_DEVICE_INFO_CAP_ZPCI_BASE = 1;
/** Device info capability id 2: vfio_device_info_cap_zpci_group. Source: linux/vfio.h */
export const VFIO_DEVICE_INFO_CAP_ZPCI_GROUP = 2;
/** Device info capability id 3: vfio_device_info_cap_zpci_util. Source: linux/vfio.h */
export const VFIO_DEVICE_INFO_CAP_ZPCI_UTIL = 3;
/** Device info capability id 4: vfio_device_info_cap_zpci_pfip. Source: linux/vfio.h */
export const VFIO_DEVICE_INFO_CAP_ZPCI_PFIP = 4;
/** Device info capability id 5: vfio_device_info_cap_pci_atomic_comp. Source: linux/vfio.h */
export const VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP = 5;

/** vfio_device_info_cap_pci_atomic_comp.flags: the root port completes 32-bit atomics. Source: linux/vfio.h */
export const VFIO_PCI_ATOMIC_COMP32 = 0x1;
/** vfio_device_info_cap_pci_atomic_comp.flags: the root port completes 64-bit atomics. Source: linux/vfio.h */
export const VFIO_PCI_ATOMIC_COMP64 = 0x2;
/** vfio_device_info_cap_pci_atomic_comp.flags: the root port completes 128-bit compare-and-swap. Source: linux/vfio.h */
export const VFIO_PCI_ATOMIC_COMP128 = 0x4;

/** Capability PCI_ATOMIC_COMP, 16 bytes: which atomics the path to memory completes. Source: linux/vfio.h */
export const vfio_device_info_cap_pci_atomic_comp = struct('vfio_device_info_cap_pci_atomic_comp', 16, {
  header: nested(0, vfio_info_cap_header),
  flags: u32(8),
  reserved: u32(12),
});

// Device files of their own (cdev), bound to an iommufd

/** ioctl 18 on a device file: vfio_device_bind_iommufd. Source: linux/vfio.h */
export const VFIO_DEVICE_BIND_IOMMUFD = 0x3b76;
/** ioctl 19 on a bound device file: vfio_device_attach_iommufd_pt. Source: linux/vfio.h */
export const VFIO_DEVICE_ATTACH_IOMMUFD_PT = 0x3b77;
/** ioctl 20 on a bound device file: vfio_device_detach_iommufd_pt. Source: linux/vfio.h */
export const VFIO_DEVICE_DETACH_IOMMUFD_PT = 0x3b78;

/** Argument of VFIO_DEVICE_BIND_IOMMUFD, 16 bytes; out_devid is the device's object id in that iommufd. Source: linux/vfio.h */
export const vfio_device_bind_iommufd = struct('vfio_device_bind_iommufd', 16, {
  argsz: u32(0),
  flags: u32(4),
  iommufd: s32(8),
  out_devid: u32(12),
});

/** Argument of VFIO_DEVICE_ATTACH_IOMMUFD_PT, 12 bytes; pt_id goes in as IOAS or page table and comes out as what was used. Source: linux/vfio.h */
export const vfio_device_attach_iommufd_pt = struct('vfio_device_attach_iommufd_pt', 12, {
  argsz: u32(0),
  flags: u32(4),
  pt_id: u32(8),
});

/** Argument of VFIO_DEVICE_DETACH_IOMMUFD_PT, 8 bytes. Source: linux/vfio.h */
export const vfio_device_detach_iommufd_pt = struct('vfio_device_detach_iommufd_pt', 8, {
  argsz: u32(0),
  flags: u32(4),
});
