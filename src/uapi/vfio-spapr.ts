// POWER: the sPAPR TCE IOMMU of a container, and EEH error handling. As data only: this library has no such IOMMU.

import { struct } from './struct.ts';
import { nested, u32, u64 } from './field.ts';

// ioctls of a container with a sPAPR TCE IOMMU

/** ioctl 12 on a sPAPR container: vfio_iommu_spapr_tce_info. Source: linux/vfio.h */
export const VFIO_IOMMU_SPAPR_TCE_GET_INFO = 0x3b70;
/** ioctl 15 on a sPAPR container: no argument; lets it be used. Source: linux/vfio.h */
export const VFIO_IOMMU_ENABLE = 0x3b73;
/** ioctl 16 on a sPAPR container: no argument; ends VFIO_IOMMU_ENABLE. Source: linux/vfio.h */
export const VFIO_IOMMU_DISABLE = 0x3b74;
/** ioctl 17 on a sPAPR v2 container: vfio_iommu_spapr_register_memory. Source: linux/vfio.h */
export const VFIO_IOMMU_SPAPR_REGISTER_MEMORY = 0x3b75;
/** ioctl 18 on a sPAPR v2 container: vfio_iommu_spapr_register_memory. Source: linux/vfio.h */
export const VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY = 0x3b76;
/** ioctl 19 on a sPAPR v2 container: vfio_iommu_spapr_tce_create. Source: linux/vfio.h */
export const VFIO_IOMMU_SPAPR_TCE_CREATE = 0x3b77;
/** ioctl 20 on a sPAPR v2 container: vfio_iommu_spapr_tce_remove. Source: linux/vfio.h */
export const VFIO_IOMMU_SPAPR_TCE_REMOVE = 0x3b78;
/** ioctl 21 on a sPAPR container: vfio_eeh_pe_op. Source: linux/vfio.h */
export const VFIO_EEH_PE_OP = 0x3b79;

/** vfio_iommu_spapr_tce_info.flags: `ddw` is valid, further windows can be made. Source: linux/vfio.h */
export const VFIO_IOMMU_SPAPR_INFO_DDW = 0x1;

/** Dynamic DMA windows, 16 bytes: bit n of pgsizes stands for pages of 2^n bytes. Source: linux/vfio.h */
export const vfio_iommu_spapr_tce_ddw_info = struct('vfio_iommu_spapr_tce_ddw_info', 16, {
  pgsizes: u64(0),
  max_dynamic_windows_supported: u32(8),
  levels: u32(12),
});

/** Argument of VFIO_IOMMU_SPAPR_TCE_GET_INFO, 32 bytes: the 32-bit DMA window, in bus addresses and bytes. Source: linux/vfio.h */
export const vfio_iommu_spapr_tce_info = struct('vfio_iommu_spapr_tce_info', 32, {
  argsz: u32(0),
  flags: u32(4),
  dma32_window_start: u32(8),
  dma32_window_size: u32(12),
  ddw: nested(16, vfio_iommu_spapr_tce_ddw_info),
});

/** Argument of VFIO_IOMMU_SPAPR_REGISTER_MEMORY and _UNREGISTER_MEMORY, 24 bytes. Source: linux/vfio.h */
export const vfio_iommu_spapr_register_memory = struct('vfio_iommu_spapr_register_memory', 24, {
  argsz: u32(0),
  flags: u32(4),
  vaddr: u64(8),
  size: u64(16),
});

/** Argument of VFIO_IOMMU_SPAPR_TCE_CREATE, 40 bytes; start_addr comes back. Source: linux/vfio.h */
export const vfio_iommu_spapr_tce_create = struct('vfio_iommu_spapr_tce_create', 40, {
  argsz: u32(0),
  flags: u32(4),
  page_shift: u32(8),
  __resv1: u32(12),
  window_size: u64(16),
  levels: u32(24),
  __resv2: u32(28),
  start_addr: u64(32),
});

/** Argument of VFIO_IOMMU_SPAPR_TCE_REMOVE, 16 bytes. Source: linux/vfio.h */
export const vfio_iommu_spapr_tce_remove = struct('vfio_iommu_spapr_tce_remove', 16, {
  argsz: u32(0),
  flags: u32(4),
  start_addr: u64(8),
});

// vfio_eeh_pe_op.op

/** vfio_eeh_pe_op.op: switch EEH off for the PE. Source: linux/vfio.h */
export const VFIO_EEH_PE_DISABLE = 0;
/** vfio_eeh_pe_op.op: switch EEH on for the PE. Source: linux/vfio.h */
export const VFIO_EEH_PE_ENABLE = 1;
/** vfio_eeh_pe_op.op: let a frozen PE do MMIO again. Source: linux/vfio.h */
export const VFIO_EEH_PE_UNFREEZE_IO = 2;
/** vfio_eeh_pe_op.op: let a frozen PE do DMA again. Source: linux/vfio.h */
export const VFIO_EEH_PE_UNFREEZE_DMA = 3;
/** vfio_eeh_pe_op.op: answer the PE's state. Source: linux/vfio.h */
export const VFIO_EEH_PE_GET_STATE = 4;
/** vfio_eeh_pe_op.op: end a reset. Source: linux/vfio.h */
export const VFIO_EEH_PE_RESET_DEACTIVATE = 5;
/** vfio_eeh_pe_op.op: start a hot reset. Source: linux/vfio.h */
export const VFIO_EEH_PE_RESET_HOT = 6;
/** vfio_eeh_pe_op.op: start a fundamental reset. Source: linux/vfio.h */
export const VFIO_EEH_PE_RESET_FUNDAMENTAL = 7;
/** vfio_eeh_pe_op.op: set up the PE's bridges again after a reset. Source: linux/vfio.h */
export const VFIO_EEH_PE_CONFIGURE = 8;
/** vfio_eeh_pe_op.op: inject the error that `err` describes. Source: linux/vfio.h */
export const VFIO_EEH_PE_INJECT_ERR = 9;

// What VFIO_EEH_PE_GET_STATE answers

/** PE state: at work. Source: linux/vfio.h */
export const VFIO_EEH_PE_STATE_NORMAL = 0;
/** PE state: in reset. Source: linux/vfio.h */
export const VFIO_EEH_PE_STATE_RESET = 1;
/** PE state: stopped, neither MMIO nor DMA. Source: linux/vfio.h */
export const VFIO_EEH_PE_STATE_STOPPED = 2;
/** PE state: stopped, MMIO works, DMA does not. Source: linux/vfio.h */
export const VFIO_EEH_PE_STATE_STOPPED_DMA = 4;
/** PE state: gone. Source: linux/vfio.h */
export const VFIO_EEH_PE_STATE_UNAVAIL = 5;

/** An error to inject, 24 bytes: its kind, and where. Source: linux/vfio.h */
export const vfio_eeh_pe_err = struct('vfio_eeh_pe_err', 24, {
  type: u32(0),
  func: u32(4),
  addr: u64(8),
  mask: u64(16),
});

/** Argument of VFIO_EEH_PE_OP, 40 bytes; `err` is for VFIO_EEH_PE_INJECT_ERR. Source: linux/vfio.h */
export const vfio_eeh_pe_op = struct('vfio_eeh_pe_op', 40, {
  argsz: u32(0),
  flags: u32(4),
  op: u32(8),
  err: nested(16, vfio_eeh_pe_err),
});
