// VFIO_IOMMU_DIRTY_PAGES: starts and stops the tracking of dirty pages, and reports them. Behaviour text, section 6.5.
//
//   0      4      8        16       24       32       40       48
//   +------+------+--------+--------+--------+--------+--------+       flags, one of: 1 START, 2 STOP, 4 GET_BITMAP: what is behind byte 8 is there
//   |argsz |flags | iova   | size   | pgsize | size   | data   |
//   +------+------+--------+--------+--------+--------+--------+
//
// Source: drivers/vfio/vfio_iommu_type1.c vfio_iommu_type1_dirty_pages, vfio_iova_dirty_bitmap

import {
  VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP as GET_BITMAP,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_START as START,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP as STOP,
  VfioError,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dirty_bitmap_get,
} from '../../uapi/index.ts';
import type { ErrnoName } from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { UserMemory } from '../user-memory.ts';
import { checkBitmap } from './dirty-bitmap.ts';
import type { Type1 } from './type1.ts';
import { checkWhole } from './unmap-dma.ts';

const CALL = 'VFIO_IOMMU_DIRTY_PAGES';
const { size: SIZE } = vfio_iommu_type1_dirty_bitmap;
const END = 1n << 64n;

function refuse(code: ErrnoName, what: string): never {
  throw new VfioError(code, CALL, what);
}

/** DIRTY_PAGES. Nothing but the bitmap is written. VfioError EACCES of v1, EFAULT, EINVAL. */
export function dirtyPages(container: Type1, user: UserMemory, process: CallingProcess): number {
  if (!container.isV2) refuse('EACCES', 'a container of type1 v1 tracks no dirty pages');
  const { argsz, flags } = vfio_iommu_type1_dirty_bitmap.decodeHead(user.copyIn(0, SIZE));
  if (argsz < SIZE) refuse('EINVAL', `argsz ${argsz} is below ${SIZE}`);
  if (![START, STOP, GET_BITMAP].includes(flags)) refuse('EINVAL', `flags 0x${flags.toString(16)}; expected one of START, STOP and GET_BITMAP`);
  if (flags === START) container.dirty.start(CALL, container.pageSize);
  else if (flags === STOP) container.dirty.stop();
  else report(container, argsz, user, process);
  return 0;
}

function report(container: Type1, argsz: number, user: UserMemory, process: CallingProcess): void {
  const whole = SIZE + vfio_iommu_type1_dirty_bitmap_get.size;
  if (argsz < whole) refuse('EINVAL', `argsz ${argsz} is below ${whole}`);
  const { iova, size, bitmap } = vfio_iommu_type1_dirty_bitmap_get.decode(user.copyIn(SIZE, vfio_iommu_type1_dirty_bitmap_get.size));
  const { pageSize } = container;
  const last = iova + size - 1n;
  if (iova + size >= END) refuse('EINVAL', `0x${size.toString(16)} bytes from 0x${iova.toString(16)} reach 2^64`);
  checkBitmap(CALL, size, bitmap);
  if (bitmap.pgsize !== pageSize) refuse('EINVAL', `pgsize 0x${bitmap.pgsize.toString(16)} is not the smallest, 0x${pageSize.toString(16)}`);
  if ((iova & (pageSize - 1n)) !== 0n) refuse('EINVAL', `iova 0x${iova.toString(16)} is no multiple of 0x${pageSize.toString(16)}`);
  if (size === 0n || (size & (pageSize - 1n)) !== 0n) refuse('EINVAL', `size 0x${size.toString(16)} is no multiple of 0x${pageSize.toString(16)}, or 0`);
  if (!container.dirty.isOn) refuse('EINVAL', 'dirty pages are not tracked');
  checkWhole(CALL, container, iova, last);
  for (const mapping of container.mappings.walk(iova, last)) {
    if (mapping.isMessageWindow) continue;
    container.dirty.report({ mapping, base: iova, bitmap, process, isAll: container.hasPhysical });
    container.dirty.beginAnew(mapping);
  }
}
