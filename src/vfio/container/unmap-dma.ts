// VFIO_IOMMU_UNMAP_DMA: mappings of a range go, or lose their vaddr; their dirty pages can be asked for with that. Behaviour text, section 6.4.
//
//   0      4      8        16       24       32       40       48
//   +------+------+--------+--------+--------+--------+--------+       flags: 1 GET_DIRTY_BITMAP: the three behind byte 24 are there; 2 ALL; 4 VADDR
//   |argsz |flags | iova   | size   | pgsize | size   | data   |       size: bytes that were unmapped come back
//   +------+------+--------+--------+--------+--------+--------+
//
// Source: drivers/vfio/vfio_iommu_type1.c vfio_iommu_type1_unmap_dma, vfio_dma_do_unmap

import {
  VFIO_DMA_UNMAP_FLAG_ALL as ALL,
  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP as GET_DIRTY,
  VFIO_DMA_UNMAP_FLAG_VADDR as VADDR,
  VfioError,
  vfio_bitmap,
  vfio_iommu_type1_dma_unmap,
} from '../../uapi/index.ts';
import type { ErrnoName } from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { UserMemory } from '../user-memory.ts';
import { checkBitmap } from './dirty-bitmap.ts';
import type { Bitmap } from './dirty-bitmap.ts';
import type { Mapping } from './mapping.ts';
import type { Type1 } from './type1.ts';

const CALL = 'VFIO_IOMMU_UNMAP_DMA';
const { size: SIZE } = vfio_iommu_type1_dma_unmap;
const END = 1n << 64n;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function refuse(code: ErrnoName, what: string): never {
  throw new VfioError(code, CALL, what);
}

interface UnmapRequest {
  readonly flags: number;
  readonly iova: bigint;
  readonly size: bigint;
}

/** VfioError EFAULT, EINVAL. */
function readRequest(container: Type1, user: UserMemory): { readonly request: UnmapRequest; readonly bitmap: Bitmap | undefined } {
  const request = vfio_iommu_type1_dma_unmap.decodeHead(user.copyIn(0, SIZE));
  const { argsz, flags, size } = request;
  if (argsz < SIZE) refuse('EINVAL', `argsz ${argsz} is below ${SIZE}`);
  const known = container.host.settings.messageWindow === undefined ? GET_DIRTY | ALL | VADDR : GET_DIRTY | ALL;
  if ((flags & ~known) !== 0) refuse('EINVAL', `flags 0x${flags.toString(16)} has bits beyond 0x${known.toString(16)}`);
  if ((flags & GET_DIRTY) === 0) return { request, bitmap: undefined };
  if ((flags & (ALL | VADDR)) !== 0) refuse('EINVAL', `flags 0x${flags.toString(16)}: GET_DIRTY_BITMAP goes with no other`);
  const whole = SIZE + vfio_bitmap.size;
  if (argsz < whole) refuse('EINVAL', `argsz ${argsz} is below ${whole}`);
  const bitmap = vfio_bitmap.decode(user.copyIn(SIZE, vfio_bitmap.size));
  checkBitmap(CALL, size, bitmap);
  return { request, bitmap };
}

function checkRange({ pageSize }: Type1, { flags, iova, size }: UnmapRequest): void {
  if ((iova & (pageSize - 1n)) !== 0n) refuse('EINVAL', `iova ${hex(iova)} is no multiple of ${hex(pageSize)}`);
  if ((flags & ALL) !== 0) {
    if (iova !== 0n || size !== 0n) refuse('EINVAL', `iova ${hex(iova)} and size ${hex(size)} are to be 0 with ALL`);
    return;
  }
  if (size === 0n || (size & (pageSize - 1n)) !== 0n) refuse('EINVAL', `size ${hex(size)} is no multiple of ${hex(pageSize)}, or 0`);
  if (iova + size > END) refuse('EINVAL', `${hex(size)} bytes from ${hex(iova)} pass 2^64`);
}

/** A range may not begin or end inside a mapping: v2, and whoever asks for dirty pages. VfioError EINVAL. */
export function checkWhole(call: string, { mappings }: Type1, first: bigint, last: bigint): void {
  const [lowest, highest] = [mappings.at(first), mappings.at(last)];
  if (lowest !== undefined && lowest.iova !== first) throw new VfioError('EINVAL', call, `${hex(first)} lies inside the mapping at ${hex(lowest.iova)}`);
  if (highest !== undefined && highest.last !== last) throw new VfioError('EINVAL', call, `${hex(last)} lies inside the mapping at ${hex(highest.iova)}, which ends at ${hex(highest.last)}`);
}

/** UNMAP_DMA. VfioError EFAULT, EINVAL, EBUSY; then nothing is written back. */
export function unmapDma(container: Type1, user: UserMemory, process: CallingProcess): number {
  const { request, bitmap } = readRequest(container, user);
  const { flags, iova } = request;
  const isAll = (flags & ALL) !== 0;
  if ((flags & VADDR) !== 0 && container.hasEmulated) refuse('EBUSY', 'drivers of emulated functions need the vaddr');
  checkRange(container, request);
  if (bitmap !== undefined && (!container.dirty.isOn || bitmap.pgsize !== container.pageSize)) {
    refuse('EINVAL', container.dirty.isOn ? `pgsize ${hex(bitmap.pgsize)} is not the smallest, ${hex(container.pageSize)}` : 'dirty pages are not tracked');
  }
  const last = isAll ? END - 1n : iova + request.size - 1n;
  if (container.isV2 && !isAll) {
    checkWhole(CALL, container, iova, last);
    // The proposal's window stays.
    const window = container.messageWindow;
    if (window !== undefined && window.first <= last && window.last >= iova) refuse('EINVAL', `the window for messages at ${hex(window.first)} cannot be unmapped`);
  }
  // The end of a range that reaches 2^64 is 0 to the kernel's loop, and nothing lies below that.
  const isNothing = !isAll && iova + request.size === END;
  const size = isNothing ? 0n : (flags & VADDR) !== 0 ? invalidate(container, iova, last) : remove(container, { iova, last, bitmap, process });
  user.copyOut(0, vfio_iommu_type1_dma_unmap.encode({ size }, user.copyIn(0, SIZE)));
  return 0;
}

/** Those that v1 and v2 find in a range: v1 stops at one that begins before it. */
function first({ mappings, isV2 }: Type1, iova: bigint, last: bigint): Mapping | undefined {
  const found = mappings.find(iova, last);
  return found !== undefined && !isV2 && found.iova < iova ? undefined : found;
}

/** Takes the vaddr of all, or of none; their bytes. */
function invalidate(container: Type1, iova: bigint, last: bigint): bigint {
  const beginning = first(container, iova, last);
  const found = beginning === undefined ? [] : [...container.mappings.walk(beginning.iova, last)];
  const invalid = found.find(({ isVaddrInvalid }) => isVaddrInvalid);
  if (invalid !== undefined) refuse('EINVAL', `the mapping at ${hex(invalid.iova)} has no vaddr already`);
  for (const mapping of found) mapping.isVaddrInvalid = true;
  container.invalidVaddrs += found.length;
  return found.reduce((sum, { size }) => sum + size, 0n);
}

interface Removal {
  readonly iova: bigint;
  readonly last: bigint;
  readonly bitmap: Bitmap | undefined;
  readonly process: CallingProcess;
}

/** Removes them in their order; their bytes. A mapping that begins in the range goes whole. VfioError EFAULT of the bitmap: those before are gone. */
function remove(container: Type1, { iova, last, bitmap, process }: Removal): bigint {
  let bytes = 0n;
  let mapping = first(container, iova, last);
  while (mapping !== undefined) {
    const { size, last: end } = mapping;
    if (!mapping.isMessageWindow) {
      if (mapping.pins.size > 0) container.reclaim(mapping);
      // A driver that was told may have unmapped it.
      if (container.mappings.at(mapping.iova) === mapping) {
        if (bitmap !== undefined) container.dirty.report({ mapping, base: iova, bitmap, process, isAll: container.hasPhysical });
        container.remove(mapping);
        bytes += size;
      }
    }
    mapping = end >= last ? undefined : container.mappings.find(end + 1n, last);
  }
  return bytes;
}
