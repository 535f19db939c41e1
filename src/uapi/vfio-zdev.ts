// zPCI: the device info capabilities of PCI functions on s390.

import { struct } from './struct.ts';
import { flexibleBytes, nested, u16, u32, u64, u8 } from './field.ts';
import { vfio_info_cap_header } from './vfio-device.ts';

/**
 * Capability ZPCI_BASE, 40 bytes: the function's DMA range and identity. Version 1 ends behind `gid`, at byte 32;
 * version 2 has `fh`. Source: linux/vfio_zdev.h
 */
export const vfio_device_info_cap_zpci_base = struct('vfio_device_info_cap_zpci_base', 40, {
  header: nested(0, vfio_info_cap_header),
  start_dma: u64(8),
  end_dma: u64(16),
  pchid: u16(24),
  vfn: u16(26),
  fmb_length: u16(28),
  pft: u8(30),
  gid: u8(31),
  fh: u32(32),
});

/** vfio_device_info_cap_zpci_group.flags: the guest must refresh translations itself. Source: linux/vfio_zdev.h */
export const VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH = 0x1;

/**
 * Capability ZPCI_GROUP, 48 bytes: what the functions of one group share. `version` is the group's own, not the
 * capability's. Version 1 ends at byte 40; version 2 has `imaxstbl`. Source: linux/vfio_zdev.h
 */
export const vfio_device_info_cap_zpci_group = struct('vfio_device_info_cap_zpci_group', 48, {
  header: nested(0, vfio_info_cap_header),
  dasm: u64(8),
  msi_addr: u64(16),
  flags: u64(24),
  mui: u16(32),
  noi: u16(34),
  maxstbl: u16(36),
  version: u8(38),
  reserved: u8(39),
  imaxstbl: u16(40),
});

/** Capability ZPCI_UTIL, 12 bytes and `size` bytes: the utility string, in EBCDIC. Source: linux/vfio_zdev.h */
export const vfio_device_info_cap_zpci_util = struct('vfio_device_info_cap_zpci_util', 12, {
  header: nested(0, vfio_info_cap_header),
  size: u32(8),
  util_str: flexibleBytes(12, 'size'),
});

/** Capability ZPCI_PFIP, 12 bytes and `size` bytes: the path to the function. Source: linux/vfio_zdev.h */
export const vfio_device_info_cap_zpci_pfip = struct('vfio_device_info_cap_zpci_pfip', 12, {
  header: nested(0, vfio_info_cap_header),
  size: u32(8),
  pfip: flexibleBytes(12, 'size'),
});
