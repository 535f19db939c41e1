// Names of ioctl numbers. One number means different things on different kinds of fd, so a name needs the kind.

import * as container from './vfio-container.ts';
import * as device from './vfio-device.ts';
import * as feature from './vfio-feature.ts';
import * as graphics from './vfio-graphics.ts';
import * as interrupt from './vfio-interrupt.ts';
import * as iommu from './vfio-iommu.ts';
import * as files from './iommufd-files.ts';
import * as iommufd from './iommufd.ts';
import * as migration from './vfio-migration.ts';
import * as pagetable from './iommufd-pagetable.ts';
import * as pci from './vfio-pci.ts';
import * as proposals from './vfio-proposals.ts';
import * as region from './vfio-region.ts';
import * as spapr from './vfio-spapr.ts';

/** The kinds of fd that take ioctls of this ABI. `migration` is the data fd that a migration state change makes. */
export type FdKind = 'container' | 'group' | 'device' | 'migration' | 'iommufd';

// What an iommufd answers when it stands in for a container.
const compatible = {
  VFIO_GET_API_VERSION: container.VFIO_GET_API_VERSION,
  VFIO_CHECK_EXTENSION: container.VFIO_CHECK_EXTENSION,
  VFIO_SET_IOMMU: container.VFIO_SET_IOMMU,
  VFIO_IOMMU_GET_INFO: iommu.VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_MAP_DMA: iommu.VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_UNMAP_DMA: iommu.VFIO_IOMMU_UNMAP_DMA,
  VFIO_IOMMU_DIRTY_PAGES: iommu.VFIO_IOMMU_DIRTY_PAGES,
};

// Per kind of fd, name -> number. Of two names for one number the first is given: type1's before sPAPR's.
const requests: Readonly<Record<FdKind, Readonly<Record<string, number>>>> = {
  container: {
    ...compatible,
    VFIO_IOMMU_ENABLE: spapr.VFIO_IOMMU_ENABLE,
    VFIO_IOMMU_DISABLE: spapr.VFIO_IOMMU_DISABLE,
    VFIO_IOMMU_SPAPR_TCE_GET_INFO: spapr.VFIO_IOMMU_SPAPR_TCE_GET_INFO,
    VFIO_IOMMU_SPAPR_REGISTER_MEMORY: spapr.VFIO_IOMMU_SPAPR_REGISTER_MEMORY,
    VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY: spapr.VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY,
    VFIO_IOMMU_SPAPR_TCE_CREATE: spapr.VFIO_IOMMU_SPAPR_TCE_CREATE,
    VFIO_IOMMU_SPAPR_TCE_REMOVE: spapr.VFIO_IOMMU_SPAPR_TCE_REMOVE,
    VFIO_EEH_PE_OP: spapr.VFIO_EEH_PE_OP,
  },
  group: {
    VFIO_GROUP_GET_STATUS: container.VFIO_GROUP_GET_STATUS,
    VFIO_GROUP_SET_CONTAINER: container.VFIO_GROUP_SET_CONTAINER,
    VFIO_GROUP_UNSET_CONTAINER: container.VFIO_GROUP_UNSET_CONTAINER,
    VFIO_GROUP_GET_DEVICE_FD: container.VFIO_GROUP_GET_DEVICE_FD,
  },
  device: {
    VFIO_DEVICE_GET_INFO: device.VFIO_DEVICE_GET_INFO,
    VFIO_DEVICE_GET_REGION_INFO: region.VFIO_DEVICE_GET_REGION_INFO,
    VFIO_DEVICE_GET_IRQ_INFO: interrupt.VFIO_DEVICE_GET_IRQ_INFO,
    VFIO_DEVICE_SET_IRQS: interrupt.VFIO_DEVICE_SET_IRQS,
    VFIO_DEVICE_RESET: device.VFIO_DEVICE_RESET,
    VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: pci.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
    VFIO_DEVICE_PCI_HOT_RESET: pci.VFIO_DEVICE_PCI_HOT_RESET,
    VFIO_DEVICE_QUERY_GFX_PLANE: graphics.VFIO_DEVICE_QUERY_GFX_PLANE,
    VFIO_DEVICE_GET_GFX_DMABUF: graphics.VFIO_DEVICE_GET_GFX_DMABUF,
    VFIO_DEVICE_IOEVENTFD: pci.VFIO_DEVICE_IOEVENTFD,
    VFIO_DEVICE_FEATURE: feature.VFIO_DEVICE_FEATURE,
    VFIO_DEVICE_BIND_IOMMUFD: device.VFIO_DEVICE_BIND_IOMMUFD,
    VFIO_DEVICE_ATTACH_IOMMUFD_PT: device.VFIO_DEVICE_ATTACH_IOMMUFD_PT,
    VFIO_DEVICE_DETACH_IOMMUFD_PT: device.VFIO_DEVICE_DETACH_IOMMUFD_PT,
    VFIO_DEVICE_SET_MMAP_ATTRS: proposals.VFIO_DEVICE_SET_MMAP_ATTRS,
    VFIO_DEVICE_GET_REGION_CAPS: proposals.VFIO_DEVICE_GET_REGION_CAPS,
    VFIO_DEVICE_GET_REGION_MMAP: proposals.VFIO_DEVICE_GET_REGION_MMAP,
  },
  migration: {
    VFIO_MIG_GET_PRECOPY_INFO: migration.VFIO_MIG_GET_PRECOPY_INFO,
  },
  iommufd: {
    ...compatible,
    IOMMU_DESTROY: iommufd.IOMMU_DESTROY,
    IOMMU_IOAS_ALLOC: iommufd.IOMMU_IOAS_ALLOC,
    IOMMU_IOAS_ALLOW_IOVAS: iommufd.IOMMU_IOAS_ALLOW_IOVAS,
    IOMMU_IOAS_COPY: iommufd.IOMMU_IOAS_COPY,
    IOMMU_IOAS_IOVA_RANGES: iommufd.IOMMU_IOAS_IOVA_RANGES,
    IOMMU_IOAS_MAP: iommufd.IOMMU_IOAS_MAP,
    IOMMU_IOAS_UNMAP: iommufd.IOMMU_IOAS_UNMAP,
    IOMMU_OPTION: iommufd.IOMMU_OPTION,
    IOMMU_VFIO_IOAS: iommufd.IOMMU_VFIO_IOAS,
    IOMMU_HWPT_ALLOC: pagetable.IOMMU_HWPT_ALLOC,
    IOMMU_GET_HW_INFO: pagetable.IOMMU_GET_HW_INFO,
    IOMMU_HWPT_SET_DIRTY_TRACKING: pagetable.IOMMU_HWPT_SET_DIRTY_TRACKING,
    IOMMU_HWPT_GET_DIRTY_BITMAP: pagetable.IOMMU_HWPT_GET_DIRTY_BITMAP,
    IOMMU_HWPT_INVALIDATE: pagetable.IOMMU_HWPT_INVALIDATE,
    IOMMU_FAULT_QUEUE_ALLOC: pagetable.IOMMU_FAULT_QUEUE_ALLOC,
    IOMMU_IOAS_MAP_FILE: files.IOMMU_IOAS_MAP_FILE,
    IOMMU_VIOMMU_ALLOC: files.IOMMU_VIOMMU_ALLOC,
    IOMMU_VDEVICE_ALLOC: files.IOMMU_VDEVICE_ALLOC,
    IOMMU_IOAS_CHANGE_PROCESS: files.IOMMU_IOAS_CHANGE_PROCESS,
  },
};

function byNumber(kind: FdKind): ReadonlyMap<number, string> {
  return new Map(Object.entries(requests[kind]).reverse().map(([name, number]) => [number, name]));
}

const names: Readonly<Record<FdKind, ReadonlyMap<number, string>>> = {
  container: byNumber('container'),
  group: byNumber('group'),
  device: byNumber('device'),
  migration: byNumber('migration'),
  iommufd: byNumber('iommufd'),
};

/**
 * The name of an ioctl. Naming says nothing about support: sPAPR calls and the proposed VFIO_DEVICE_SET_MMAP_ATTRS
 * have names too. Where a container's number is both type1's and sPAPR's, type1's name is given.
 *
 * @param request - The ioctl number: 0x3b6c.
 * @param kind - The kind of fd it was sent to.
 * @returns The name, or undefined when this kind of fd has no such ioctl.
 * @example
 * ```ts
 * ioctlName(0x3b70, 'device'); // 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO'
 * ioctlName(0x3b70, 'container'); // 'VFIO_IOMMU_GET_INFO'
 * ```
 *
 * Source: linux/vfio.h, linux/iommufd.h; behaviour text, section 1.0.
 */
export function ioctlName(request: number, kind: FdKind): string | undefined {
  return names[kind].get(request);
}
