// VFIO_IOMMU_MAP_DMA: memory of the caller appears at IOVAs; with VADDR a mapping gets a new address of its memory. Behaviour text, sections 2.5 and 6.3.
//
//   0      4      8        16       24       32
//   +------+------+--------+--------+--------+       flags: 1 READ, 2 WRITE by devices; 4 VADDR, or with the proposal the window for messages
//   |argsz |flags | vaddr  | iova   | size   |
//   +------+------+--------+--------+--------+
//
// Source: drivers/vfio/vfio_iommu_type1.c vfio_iommu_type1_map_dma, vfio_dma_do_map

import { VFIO_DMA_MAP_FLAG_READ as READ, VFIO_DMA_MAP_FLAG_VADDR as VADDR, VFIO_DMA_MAP_FLAG_WRITE as WRITE, VfioError, vfio_iommu_type1_dma_map } from '../../uapi/index.ts';
import type { ErrnoName } from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { UserMemory } from '../user-memory.ts';
import { Mapping } from './mapping.ts';
import type { Type1 } from './type1.ts';

const CALL = 'VFIO_IOMMU_MAP_DMA';
const END = 1n << 64n;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function refuse(code: ErrnoName, what: string): never {
  throw new VfioError(code, CALL, what);
}

interface MapRequest {
  readonly flags: number;
  readonly vaddr: bigint;
  readonly iova: bigint;
  readonly size: bigint;
}

/** VfioError EFAULT, EINVAL. */
function readRequest(user: UserMemory): MapRequest {
  const { size } = vfio_iommu_type1_dma_map;
  const request = vfio_iommu_type1_dma_map.decode(user.copyIn(0, size));
  const { argsz, flags } = request;
  if (argsz < size) refuse('EINVAL', `argsz ${argsz} is below ${size}`);
  // VADDR and the proposal's flag are one bit.
  if ((flags & ~(READ | WRITE | VADDR)) !== 0) refuse('EINVAL', `flags 0x${flags.toString(16)} has bits beyond READ, WRITE and 4`);
  if (((flags & (READ | WRITE)) !== 0) === ((flags & VADDR) !== 0)) refuse('EINVAL', `flags 0x${flags.toString(16)}: expected READ, WRITE or both, or 4 alone`);
  return request;
}

/** `starts`: what has to lie at multiples of the smallest page. */
function checkRange({ iova, size }: MapRequest, starts: bigint, pageSize: bigint): void {
  if (size === 0n || ((size | starts) & (pageSize - 1n)) !== 0n) refuse('EINVAL', `iova ${hex(iova)}, size ${hex(size)} and vaddr are to be multiples of ${hex(pageSize)}, and size not 0`);
  if (iova + size > END) refuse('EINVAL', `${hex(size)} bytes from iova ${hex(iova)} pass 2^64`);
}

/** MAP_DMA. Nothing is written back. VfioError EFAULT, EINVAL, ENOENT, EEXIST, ENOSPC, ENOMEM. */
export function mapDma(container: Type1, user: UserMemory, process: CallingProcess): number {
  const request = readRequest(user);
  const { flags, vaddr, iova, size } = request;
  if ((flags & VADDR) !== 0 && container.host.settings.messageWindow !== undefined) return registerWindow(container, request, process);
  checkRange(request, iova | vaddr, container.pageSize);
  if (vaddr + size > END) refuse('EINVAL', `${hex(size)} bytes from vaddr ${hex(vaddr)} pass 2^64`);
  const there = container.mappings.find(iova, iova + size - 1n);
  if ((flags & VADDR) !== 0) return changeVaddr(container, request, there, process);
  if (there !== undefined) refuse('EEXIST', `${hex(iova)} to ${hex(iova + size - 1n)} meets the mapping at ${hex(there.iova)}`);
  checkRoom(container, request);
  container.add(CALL, new Mapping({ iova, size, vaddr, readable: (flags & READ) !== 0, writable: (flags & WRITE) !== 0, process, isMessageWindow: false }));
  return 0;
}

/** VfioError ENOSPC, EINVAL. */
function checkRoom({ available, usableIovas }: Type1, { iova, size }: MapRequest): void {
  if (available <= 0) refuse('ENOSPC', 'dma_entry_limit is reached');
  const last = iova + size - 1n;
  if (usableIovas.length > 0 && !usableIovas.some(({ start, end }) => start <= iova && last <= end)) refuse('EINVAL', `${hex(iova)} to ${hex(last)} lies in no one of the usable IOVA ranges`);
}

function changeVaddr(container: Type1, { iova, size, vaddr }: MapRequest, there: Mapping | undefined, process: CallingProcess): number {
  if (there === undefined) refuse('ENOENT', `nothing is mapped in ${hex(iova)} to ${hex(iova + size - 1n)}`);
  if (!there.isVaddrInvalid) refuse('EINVAL', `the mapping at ${hex(there.iova)} has a vaddr`);
  if (there.iova !== iova || there.size !== size) refuse('EINVAL', `the mapping is ${hex(there.size)} bytes at ${hex(there.iova)}; not ${hex(size)} at ${hex(iova)}`);
  there.moveTo(CALL, vaddr, process);
  container.invalidVaddrs--;
  return 0;
}

/** The proposal's window: it lies among the mappings, nothing is behind it, and it stays until the container is closed. */
function registerWindow(container: Type1, request: MapRequest, process: CallingProcess): number {
  const { iova, size } = request;
  const { size: least, alignment } = container.host.settings.messageWindow!;
  checkRange(request, iova, container.pageSize);
  if ((iova & (alignment - 1n)) !== 0n) refuse('EINVAL', `the window's iova ${hex(iova)} is no multiple of ${hex(alignment)}`);
  if (size < least) refuse('EINVAL', `the window's ${hex(size)} bytes are below ${hex(least)}`);
  if (container.mappings.find(iova, iova + size - 1n) !== undefined) refuse('EEXIST', `something is mapped in ${hex(iova)} to ${hex(iova + size - 1n)}`);
  if (container.messageWindow !== undefined) refuse('EBUSY', `there is a window at ${hex(container.messageWindow.first)}`);
  checkRoom(container, request);
  container.add(CALL, new Mapping({ iova, size, vaddr: 0n, readable: false, writable: false, process, isMessageWindow: true }));
  return 0;
}
