// vfio-pci: region and interrupt indexes, hot reset of a slot or bus, ioeventfds. And the indexes of vfio-ccw and vfio-ap.

import { struct } from './struct.ts';
import { flexible, s32, u16, u32, u64, u8 } from './field.ts';

// Region indexes of a PCI function

/** Region index of BAR 0. Source: linux/vfio.h */
export const VFIO_PCI_BAR0_REGION_INDEX = 0;
/** Region index of BAR 1. Source: linux/vfio.h */
export const VFIO_PCI_BAR1_REGION_INDEX = 1;
/** Region index of BAR 2. Source: linux/vfio.h */
export const VFIO_PCI_BAR2_REGION_INDEX = 2;
/** Region index of BAR 3. Source: linux/vfio.h */
export const VFIO_PCI_BAR3_REGION_INDEX = 3;
/** Region index of BAR 4. Source: linux/vfio.h */
export const VFIO_PCI_BAR4_REGION_INDEX = 4;
/** Region index of BAR 5. Source: linux/vfio.h */
export const VFIO_PCI_BAR5_REGION_INDEX = 5;
/** Region index of the expansion ROM. Source: linux/vfio.h */
export const VFIO_PCI_ROM_REGION_INDEX = 6;
/** Region index of config space, 256 or 4096 bytes. Source: linux/vfio.h */
export const VFIO_PCI_CONFIG_REGION_INDEX = 7;
/** Region index of the legacy VGA windows: 0xa0000, 0x3b0 and 0x3c0, at these offsets of the region. Source: linux/vfio.h */
export const VFIO_PCI_VGA_REGION_INDEX = 8;
/** Number of fixed region indexes; device-specific regions start here. Source: linux/vfio.h */
export const VFIO_PCI_NUM_REGIONS = 9;

// Interrupt indexes of a PCI function

/** Interrupt index of INTx. Source: linux/vfio.h */
export const VFIO_PCI_INTX_IRQ_INDEX = 0;
/** Interrupt index of MSI. Source: linux/vfio.h */
export const VFIO_PCI_MSI_IRQ_INDEX = 1;
/** Interrupt index of MSI-X. Source: linux/vfio.h */
export const VFIO_PCI_MSIX_IRQ_INDEX = 2;
/** Interrupt index of uncorrectable errors. Source: linux/vfio.h */
export const VFIO_PCI_ERR_IRQ_INDEX = 3;
/** Interrupt index by which the host asks for the device back. Source: linux/vfio.h */
export const VFIO_PCI_REQ_IRQ_INDEX = 4;
/** Number of interrupt indexes. Source: linux/vfio.h */
export const VFIO_PCI_NUM_IRQS = 5;

// Hot reset

/** ioctl 12 on a device: vfio_pci_hot_reset_info. Source: linux/vfio.h */
export const VFIO_DEVICE_GET_PCI_HOT_RESET_INFO = 0x3b70;
/** ioctl 13 on a device: vfio_pci_hot_reset. Source: linux/vfio.h */
export const VFIO_DEVICE_PCI_HOT_RESET = 0x3b71;

/** vfio_pci_hot_reset_info.flags: the devices are named by devid, not by group. Source: linux/vfio.h */
export const VFIO_PCI_HOT_RESET_FLAG_DEV_ID = 0x1;
/** vfio_pci_hot_reset_info.flags: the caller owns every device that the reset hits. Source: linux/vfio.h */
export const VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED = 0x2;
/** vfio_pci_dependent_device.devid: not bound, but in an IOMMU group that the caller owns. Source: linux/vfio.h */
export const VFIO_PCI_DEVID_OWNED = 0;
/** vfio_pci_dependent_device.devid: not the caller's (-1 in the C header, as the u32 field holds it here). Source: linux/vfio.h */
export const VFIO_PCI_DEVID_NOT_OWNED = 0xffffffff;

/** One function that a hot reset hits, 8 bytes; group_id and devid are one union. Source: linux/vfio.h */
export const vfio_pci_dependent_device = struct('vfio_pci_dependent_device', 8, {
  group_id: u32(0),
  devid: u32(0),
  segment: u16(4),
  bus: u8(6),
  devfn: u8(7),
});

/** Argument of VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, 12 bytes and the devices. Source: linux/vfio.h */
export const vfio_pci_hot_reset_info = struct('vfio_pci_hot_reset_info', 12, {
  argsz: u32(0),
  flags: u32(4),
  count: u32(8),
  devices: flexible(12, vfio_pci_dependent_device, 'count'),
});

/** Argument of VFIO_DEVICE_PCI_HOT_RESET, 12 bytes and the fds of the groups that the caller owns. Source: linux/vfio.h */
export const vfio_pci_hot_reset = struct('vfio_pci_hot_reset', 12, {
  argsz: u32(0),
  flags: u32(4),
  count: u32(8),
  group_fds: flexible(12, s32, 'count'),
});

// ioeventfds

/** ioctl 16 on a device: vfio_device_ioeventfd. Source: linux/vfio.h */
export const VFIO_DEVICE_IOEVENTFD = 0x3b74;
/** vfio_device_ioeventfd.flags: an 8-bit write. Source: linux/vfio.h */
export const VFIO_DEVICE_IOEVENTFD_8 = 0x1;
/** vfio_device_ioeventfd.flags: a 16-bit write. Source: linux/vfio.h */
export const VFIO_DEVICE_IOEVENTFD_16 = 0x2;
/** vfio_device_ioeventfd.flags: a 32-bit write. Source: linux/vfio.h */
export const VFIO_DEVICE_IOEVENTFD_32 = 0x4;
/** vfio_device_ioeventfd.flags: a 64-bit write. Source: linux/vfio.h */
export const VFIO_DEVICE_IOEVENTFD_64 = 0x8;
/** The width bits of vfio_device_ioeventfd.flags, of which one is set. Source: linux/vfio.h */
export const VFIO_DEVICE_IOEVENTFD_SIZE_MASK = 0xf;

/**
 * Argument of VFIO_DEVICE_IOEVENTFD, 32 bytes of which the first 28 are used: when `fd` is signalled, `data` is written
 * at `offset` of the device file; fd -1 ends it. Source: linux/vfio.h
 */
export const vfio_device_ioeventfd = struct('vfio_device_ioeventfd', 32, {
  argsz: u32(0),
  flags: u32(4),
  offset: u64(8),
  data: u64(16),
  fd: s32(24),
  reserved: u32(28),
});

// Indexes of the s390 drivers

/** Region index of vfio-ccw's ccw_io_region. Source: linux/vfio.h */
export const VFIO_CCW_CONFIG_REGION_INDEX = 0;
/** Number of fixed region indexes of vfio-ccw. Source: linux/vfio.h */
export const VFIO_CCW_NUM_REGIONS = 1;
/** Interrupt index of vfio-ccw: an I/O interrupt is ready. Source: linux/vfio.h */
export const VFIO_CCW_IO_IRQ_INDEX = 0;
/** Interrupt index of vfio-ccw: a channel report word is ready. Source: linux/vfio.h */
export const VFIO_CCW_CRW_IRQ_INDEX = 1;
/** Interrupt index of vfio-ccw: the host asks for the device back. Source: linux/vfio.h */
export const VFIO_CCW_REQ_IRQ_INDEX = 2;
/** Number of interrupt indexes of vfio-ccw. Source: linux/vfio.h */
export const VFIO_CCW_NUM_IRQS = 3;
/** Interrupt index of vfio-ap: the host asks for the device back. Source: linux/vfio.h */
export const VFIO_AP_REQ_IRQ_INDEX = 0;
/** Number of interrupt indexes of vfio-ap. Source: linux/vfio.h */
export const VFIO_AP_NUM_IRQS = 1;
