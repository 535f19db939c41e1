// ioctl numbers have names per kind of fd.

import { describe, test, expect } from '@jest/globals';
import { constants, ioctlName } from '../../src/uapi/index.ts';
import type { FdKind } from '../../src/uapi/index.ts';

// n, kind, name: the number space as the behaviour text lists it.
const space: [number, FdKind, string][] = [
  [0, 'container', 'VFIO_GET_API_VERSION'], [1, 'container', 'VFIO_CHECK_EXTENSION'], [2, 'container', 'VFIO_SET_IOMMU'],
  [0, 'iommufd', 'VFIO_GET_API_VERSION'], [1, 'iommufd', 'VFIO_CHECK_EXTENSION'], [2, 'iommufd', 'VFIO_SET_IOMMU'],
  [3, 'group', 'VFIO_GROUP_GET_STATUS'], [4, 'group', 'VFIO_GROUP_SET_CONTAINER'], [5, 'group', 'VFIO_GROUP_UNSET_CONTAINER'],
  [6, 'group', 'VFIO_GROUP_GET_DEVICE_FD'], [7, 'device', 'VFIO_DEVICE_GET_INFO'], [8, 'device', 'VFIO_DEVICE_GET_REGION_INFO'],
  [9, 'device', 'VFIO_DEVICE_GET_IRQ_INFO'], [10, 'device', 'VFIO_DEVICE_SET_IRQS'], [11, 'device', 'VFIO_DEVICE_RESET'],
  [12, 'device', 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO'], [12, 'container', 'VFIO_IOMMU_GET_INFO'], [12, 'iommufd', 'VFIO_IOMMU_GET_INFO'],
  [13, 'device', 'VFIO_DEVICE_PCI_HOT_RESET'], [13, 'container', 'VFIO_IOMMU_MAP_DMA'], [13, 'iommufd', 'VFIO_IOMMU_MAP_DMA'],
  [14, 'device', 'VFIO_DEVICE_QUERY_GFX_PLANE'], [14, 'container', 'VFIO_IOMMU_UNMAP_DMA'], [14, 'iommufd', 'VFIO_IOMMU_UNMAP_DMA'],
  [15, 'device', 'VFIO_DEVICE_GET_GFX_DMABUF'], [15, 'container', 'VFIO_IOMMU_ENABLE'],
  [16, 'device', 'VFIO_DEVICE_IOEVENTFD'], [16, 'container', 'VFIO_IOMMU_DISABLE'],
  [17, 'device', 'VFIO_DEVICE_FEATURE'], [17, 'container', 'VFIO_IOMMU_DIRTY_PAGES'], [17, 'iommufd', 'VFIO_IOMMU_DIRTY_PAGES'],
  [18, 'device', 'VFIO_DEVICE_BIND_IOMMUFD'], [18, 'container', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY'],
  [19, 'device', 'VFIO_DEVICE_ATTACH_IOMMUFD_PT'], [19, 'container', 'VFIO_IOMMU_SPAPR_TCE_CREATE'],
  [20, 'device', 'VFIO_DEVICE_DETACH_IOMMUFD_PT'], [20, 'container', 'VFIO_IOMMU_SPAPR_TCE_REMOVE'],
  [21, 'migration', 'VFIO_MIG_GET_PRECOPY_INFO'], [21, 'container', 'VFIO_EEH_PE_OP'], [21, 'device', 'VFIO_DEVICE_SET_MMAP_ATTRS'], [22, 'device', 'VFIO_DEVICE_GET_REGION_CAPS'], [23, 'device', 'VFIO_DEVICE_GET_REGION_MMAP'],
];
const kinds: FdKind[] = ['container', 'group', 'device', 'migration', 'iommufd'];

describe('ioctlName', () => {
  test.each(space)('n = %d on a %s is %s', (n, kind, name) => {
    expect(ioctlName(0x3b64 + n, kind)).toBe(name);
  });

  test('and nothing else below the iommufd commands', () => {
    for (const kind of kinds) {
      for (let n = -100; n < 28; n++) {
        const listed = space.find(([number, of]) => number === n && of === kind);
        expect([n, kind, ioctlName(0x3b64 + n, kind)]).toEqual([n, kind, listed?.[2]]);
      }
    }
  });

  test('every iommufd command has its name on an iommufd, and on nothing else', () => {
    const commands = Object.entries(constants).filter(([name, value]) => name.startsWith('IOMMU_') && value >= 0x3b80 && value <= 0x3bff);
    expect(commands).toHaveLength(19);
    for (const [name, value] of commands) {
      expect(kinds.map((kind) => ioctlName(value, kind))).toEqual([undefined, undefined, undefined, undefined, name]);
    }
    expect(ioctlName(0x3b93, 'iommufd')).toBeUndefined();
  });

  test('every name is a constant with that number', () => {
    for (const kind of kinds) {
      for (let request = 0x3b00; request < 0x3c00; request++) {
        const name = ioctlName(request, kind);
        if (name !== undefined) expect(constants[name]).toBe(request);
      }
    }
  });
});
