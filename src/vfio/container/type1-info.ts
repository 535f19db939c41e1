// VFIO_IOMMU_GET_INFO of a type1 container. Behaviour text, sections 2.4, 2.5 and 6.2.
//
//   0      4      8             16          20    24
//   +------+------+-------------+-----------+-----+-----------+-----------+------------+
//   |argsz |flags | iova_pgsizes|cap_offset | pad | MIGRATION | DMA_AVAIL | IOVA_RANGE |     with the proposal MSI_RESV, whose id is IOVA_RANGE's, is there instead of it
//   +------+------+-------------+-----------+-----+-----------+-----------+------------+
//    16 bytes are read                             24          56          72
//
// Source: drivers/vfio/vfio_iommu_type1.c vfio_iommu_type1_get_info

import { VFIO_IOMMU_INFO_CAPS, VFIO_IOMMU_INFO_PGSIZES, VfioError, buildCapabilityChain, encodeIommuInfoCapability, vfio_iommu_type1_info } from '../../uapi/index.ts';
import type { Capability, CapabilityInput, IommuInfoCapability } from '../../uapi/index.ts';
import type { UserMemory } from '../user-memory.ts';
import type { Type1 } from './type1.ts';

const { size: SIZE, fields } = vfio_iommu_type1_info;
const LEAST = fields.iova_pgsizes.end;

/** The largest bitmap of dirty pages, in bytes: of 2^31 pages. */
export const MAX_BITMAP_BYTES = 0x1000_0000n;

function capabilities({ host, usableIovas, pageSize, available }: Type1): readonly Capability[] {
  const { messageWindow } = host.settings;
  const list: CapabilityInput<IommuInfoCapability>[] = [
    { kind: 'MIGRATION', flags: 0, pgsize_bitmap: pageSize, max_dirty_bitmap_size: MAX_BITMAP_BYTES },
    { kind: 'DMA_AVAIL', avail: available },
  ];
  if (messageWindow !== undefined) list.push({ kind: 'MSI_RESV', ...messageWindow });
  else if (usableIovas.length > 0) list.push({ kind: 'IOVA_RANGE', iova_ranges: usableIovas });
  return list.map((one) => encodeIommuInfoCapability(one));
}

/** VfioError EFAULT, EINVAL. */
export function getIommuInfo(container: Type1, user: UserMemory): number {
  const argsz = new DataView(user.copyIn(0, LEAST).buffer).getUint32(0, true);
  if (argsz < LEAST) throw new VfioError('EINVAL', 'VFIO_IOMMU_GET_INFO', `argsz ${argsz} is below ${LEAST}`);
  const chain = buildCapabilityChain(SIZE, capabilities(container));
  const hasRoom = argsz >= chain.argsz;
  if (hasRoom) user.copyOut(SIZE, chain.bytes);
  const info = vfio_iommu_type1_info.encode({
    argsz: hasRoom ? argsz : chain.argsz,
    flags: VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
    iova_pgsizes: container.iovaPageSizes,
    cap_offset: hasRoom ? SIZE : 0,
  });
  user.copyOut(0, info.subarray(0, Math.min(argsz, SIZE)));
  return 0;
}
