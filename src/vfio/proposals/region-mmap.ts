// VFIO_DEVICE_GET_REGION_MMAP and GET_REGION_CAPS: what GET_REGION_INFO says, in two, and an offset for each way of mapping. Behaviour text, sections 8.5 and 8.10 B.
//
//   GET_REGION_MMAP   argsz region_index mmap_flags pad region_size fd_offset         in: the first three; out: the last two
//   GET_REGION_CAPS   argsz region_index region_flags pad region_size cap_offset pad  in: the first two; out: the others, and the capabilities
//                     0     4            8          12  16          24         28  32
//
//   (region_index, mmap_flags) --- first time: an offset is found ---> fd_offset: the same for the life of the file

import { VFIO_REGION_MMAP_WRITE_COMBINE, VfioError, vfio_region_caps, vfio_region_mmap } from '../../uapi/index.ts';
import { checkRegionIndex, regionAnswer } from '../device-info.ts';
import type { UserMemory } from '../user-memory.ts';
import type { FileOffsets } from './file-offsets.ts';
import type { FileRegions } from './file-regions.ts';

/** VFIO_DEVICE_GET_REGION_MMAP. Writes 32 bytes, the padding as it was. @internal */
export function getRegionMmap(regions: FileRegions, offsets: FileOffsets, user: UserMemory): number {
  const call = 'VFIO_DEVICE_GET_REGION_MMAP';
  const bytes = user.copyIn(0, vfio_region_mmap.size);
  const { argsz, region_index: index, mmap_flags: flags } = vfio_region_mmap.decode(bytes);
  const region = checkRegionIndex(call, regions, argsz, index);
  if ((flags & ~VFIO_REGION_MMAP_WRITE_COMBINE) !== 0) throw new VfioError('EINVAL', call, `mmap_flags 0x${flags.toString(16)} has bits beyond WRITE_COMBINE`);
  if (region?.mmap !== true) throw new VfioError('EINVAL', call, `region ${index} cannot be mapped`);
  const fd_offset = offsets.announce(index, region.size, flags !== 0);
  user.copyOut(0, vfio_region_mmap.encode({ region_size: region.size, fd_offset }, bytes));
  return 0;
}

/** VFIO_DEVICE_GET_REGION_CAPS. Writes 32 bytes; argsz, cap_offset and capabilities are as GET_REGION_INFO has them. @internal */
export function getRegionCaps(regions: FileRegions, user: UserMemory): number {
  const bytes = user.copyIn(0, vfio_region_caps.size);
  const { argsz, region_index: index } = vfio_region_caps.decode(bytes);
  const region = checkRegionIndex('VFIO_DEVICE_GET_REGION_CAPS', regions, argsz, index);
  const { flags: region_flags, size: region_size, ...chain } = regionAnswer(regions, region, argsz, user);
  user.copyOut(0, vfio_region_caps.encode({ region_flags, region_size, ...chain }, bytes));
  return 0;
}
