// An iommufd that stands for a container: the container's ioctls on one of its address spaces. Behaviour text, section 6.7.
//
//   GET_INFO   argsz flags iova_pgsizes cap_offset pad | DMA_AVAIL ... pad4 | IOVA_RANGE ...
//              0     4     8            16         20  | 24        36        40
//
// Source: drivers/iommu/iommufd/vfio_compat.c

import {
  VFIO_API_VERSION,
  VFIO_CHECK_EXTENSION,
  VFIO_DMA_CC_IOMMU,
  VFIO_DMA_MAP_FLAG_READ,
  VFIO_DMA_MAP_FLAG_WRITE,
  VFIO_DMA_UNMAP_FLAG_ALL,
  VFIO_GET_API_VERSION,
  VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_INFO_CAPS,
  VFIO_IOMMU_INFO_PGSIZES,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
  VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
  VFIO_IOMMU_UNMAP_DMA,
  VFIO_NOIOMMU_IOMMU,
  VFIO_SET_IOMMU,
  VFIO_TYPE1_IOMMU,
  VFIO_TYPE1v2_IOMMU,
  VFIO_UNMAP_ALL,
  VfioError,
  ioctlName,
  vfio_iommu_type1_dma_map,
  vfio_iommu_type1_dma_unmap,
  vfio_iommu_type1_info,
  vfio_iommu_type1_info_cap_iova_range,
  vfio_iommu_type1_info_dma_avail,
  vfio_iova_range,
} from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import { PAGE_SIZE } from '../page.ts';
import type { UserMemory } from '../user-memory.ts';
import type { IommufdContext } from './context.ts';
import { unmapRange, userSlice } from './ioas-calls.ts';
import type { Ioas } from './ioas.ts';
import { LAST_IOVA } from './iova-space.ts';

const PAGE = BigInt(PAGE_SIZE);
const INFO_LEAST = 16;

function checkHeader(call: string, size: number, { argsz, flags }: { readonly argsz: number; readonly flags: number }, known: number): void {
  if (argsz < size) throw new VfioError('EINVAL', call, `argsz ${argsz} is below ${size}`);
  if ((flags & ~known) !== 0) throw new VfioError('EINVAL', call, `flags 0x${flags.toString(16)} has bits beyond 0x${known.toString(16)}`);
}

function checkExtension(context: IommufdContext, extension: bigint): number {
  switch (Number(extension)) {
    case VFIO_TYPE1_IOMMU:
    case VFIO_TYPE1v2_IOMMU:
    case VFIO_UNMAP_ALL:
      return context.isNoIommu ? 0 : 1;
    case VFIO_NOIOMMU_IOMMU:
      return 1;
    case VFIO_DMA_CC_IOMMU:
      return [...context.compatibleIoas('VFIO_CHECK_EXTENSION').filledTables].every(({ iommu }) => iommu.coherent) ? 1 : 0;
  }
  return 0;
}

function setIommu(context: IommufdContext, type: bigint, process: CallingProcess): number {
  const call = 'VFIO_SET_IOMMU';
  const wanted = Number(type);
  if (wanted === VFIO_NOIOMMU_IOMMU && context.isNoIommu) {
    if (!process.hasCapability('CAP_SYS_RAWIO')) throw new VfioError('EPERM', call, `${process.name} has no CAP_SYS_RAWIO`);
    return 0;
  }
  if ((wanted !== VFIO_TYPE1_IOMMU && wanted !== VFIO_TYPE1v2_IOMMU) || context.isNoIommu) throw new VfioError('EINVAL', call, `the IOMMU is ${type.toString()}; expected ${VFIO_TYPE1_IOMMU} or ${VFIO_TYPE1v2_IOMMU}`);
  const ioas = context.compatibleIoas(call);
  // What is mapped in large pages cannot be cut, as the first type may.
  if (wanted === VFIO_TYPE1_IOMMU) ioas.setLargePages(call, false);
  return 0;
}

function pageSizes(ioas: Ioas): bigint {
  let sizes = LAST_IOVA;
  for (const { iommu } of ioas.filledTables) sizes &= iommu.pageSizes;
  if (sizes % PAGE !== 0n) sizes = (sizes & ~(PAGE - 1n)) | PAGE;
  return sizes > ioas.alignment ? sizes : ioas.alignment;
}

/** Capabilities are written as far as each of them fits, whether or not the chain is announced. */
function getInfo(context: IommufdContext, user: UserMemory): number {
  const call = 'VFIO_IOMMU_GET_INFO';
  const { fields, size } = vfio_iommu_type1_info;
  const argsz = new DataView(user.copyIn(0, INFO_LEAST).buffer).getUint32(fields.argsz.offset, true);
  if (argsz < INFO_LEAST) throw new VfioError('EINVAL', call, `argsz ${argsz} is below ${INFO_LEAST}`);
  const ioas = context.compatibleIoas(call);
  const { usable } = ioas.space;
  const availAt = size;
  const rangesAt = availAt + 16;
  const { size: availBytes } = vfio_iommu_type1_info_dma_avail;
  const { size: headBytes } = vfio_iommu_type1_info_cap_iova_range;
  const { size: rangeBytes } = vfio_iova_range;
  const total = rangesAt + headBytes + rangeBytes * usable.length;
  if (argsz >= availAt + availBytes) {
    user.copyOut(availAt, vfio_iommu_type1_info_dma_avail.encode({ header: { id: VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, version: 1 }, avail: 0xffff_ffff }));
  }
  usable.forEach(({ first, last }, i) => {
    const at = rangesAt + headBytes + rangeBytes * i;
    if (argsz >= at + rangeBytes) user.copyOut(at, vfio_iova_range.encode({ start: first, end: last }));
  });
  if (argsz >= total) user.copyOut(rangesAt, vfio_iommu_type1_info_cap_iova_range.encode({ header: { id: VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, version: 1 }, nr_iovas: usable.length }));
  if (argsz >= rangesAt) user.copyOut(availAt + vfio_iommu_type1_info_dma_avail.fields.header.offset + 4, new Uint8Array(new Uint32Array([rangesAt]).buffer));
  const info = { argsz: total, flags: VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS, iova_pgsizes: pageSizes(ioas), cap_offset: argsz >= total ? size : 0 };
  user.copyOut(0, vfio_iommu_type1_info.encode(info).subarray(0, Math.min(argsz, size)));
  return 0;
}

function mapDma(context: IommufdContext, user: UserMemory, process: CallingProcess): number {
  const call = 'VFIO_IOMMU_MAP_DMA';
  const { size } = vfio_iommu_type1_dma_map;
  const request = vfio_iommu_type1_dma_map.decode(user.copyIn(0, size));
  checkHeader(call, size, request, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
  const [readable, writable] = [(request.flags & VFIO_DMA_MAP_FLAG_READ) !== 0, (request.flags & VFIO_DMA_MAP_FLAG_WRITE) !== 0];
  const ioas = context.compatibleIoas(call);
  ioas.map(call, [userSlice(context, call, process, { address: request.vaddr, length: request.size, writable })], request.iova, { readable, writable });
  return 0;
}

function unmapDma(context: IommufdContext, user: UserMemory): number {
  const call = 'VFIO_IOMMU_UNMAP_DMA';
  const { size, fields } = vfio_iommu_type1_dma_unmap;
  const request = vfio_iommu_type1_dma_unmap.decodeHead(user.copyIn(0, size));
  checkHeader(call, size, request, VFIO_DMA_UNMAP_FLAG_ALL);
  const ioas = context.compatibleIoas(call);
  const { iova, size: length } = request;
  const isAll = (request.flags & VFIO_DMA_UNMAP_FLAG_ALL) !== 0;
  if (isAll && (iova !== 0n || length !== 0n)) throw new VfioError('EINVAL', call, 'ALL with an iova or a size');
  if (!isAll && !ioas.largePages) {
    ioas.cut(call, (iova + length - 1n) & LAST_IOVA);
    if (iova !== 0n) ioas.cut(call, iova - 1n);
  }
  const { bytes, error } = isAll ? ioas.unmap(call, 0n, LAST_IOVA) : unmapOrRefuse(call, ioas, iova, length);
  // Whatever went is told, also with an error.
  user.copyOut(fields.size.offset, new Uint8Array(new BigUint64Array([bytes]).buffer));
  if (error !== undefined) throw error;
  return 0;
}

function unmapOrRefuse(call: string, ioas: Ioas, iova: bigint, length: bigint): ReturnType<Ioas['unmap']> {
  try {
    return unmapRange(call, ioas, iova, length);
  } catch (error) {
    if (!(error instanceof VfioError)) throw error;
    return { bytes: 0n, error };
  }
}

/** An ioctl that no number of an iommufd's own has. VfioError ENOTTY, ENODEV, and as the container's call. */
export function containerCall(context: IommufdContext, request: number, user: UserMemory, process: CallingProcess): number {
  switch (request) {
    case VFIO_GET_API_VERSION:
      return VFIO_API_VERSION;
    case VFIO_CHECK_EXTENSION:
      return checkExtension(context, user.argument);
    case VFIO_SET_IOMMU:
      return setIommu(context, user.argument, process);
    case VFIO_IOMMU_GET_INFO:
      return getInfo(context, user);
    case VFIO_IOMMU_MAP_DMA:
      return mapDma(context, user, process);
    case VFIO_IOMMU_UNMAP_DMA:
      return unmapDma(context, user);
  }
  throw new VfioError('ENOTTY', ioctlName(request, 'iommufd') ?? `ioctl 0x${request.toString(16)}`, 'no request of an iommufd');
}
