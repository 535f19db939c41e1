// Steps as lines that a person can do again.

import * as uapi from '../../../src/uapi/index.ts';
import type { Calls, Operation, Place } from './operation.ts';

interface Layout {
  readonly size: number;
  readonly decode: (bytes: Uint8Array) => Record<string, unknown>;
}

const layouts = new Map<number, Layout>([
  [uapi.VFIO_IOMMU_MAP_DMA, uapi.vfio_iommu_type1_dma_map],
  [uapi.IOMMU_DESTROY, uapi.iommu_destroy],
  [uapi.IOMMU_IOAS_ALLOC, uapi.iommu_ioas_alloc],
  [uapi.IOMMU_IOAS_ALLOW_IOVAS, uapi.iommu_ioas_allow_iovas],
  [uapi.IOMMU_IOAS_COPY, uapi.iommu_ioas_copy],
  [uapi.IOMMU_IOAS_IOVA_RANGES, uapi.iommu_ioas_iova_ranges],
  [uapi.IOMMU_IOAS_MAP, uapi.iommu_ioas_map],
  [uapi.IOMMU_IOAS_UNMAP, uapi.iommu_ioas_unmap],
  [uapi.IOMMU_OPTION, uapi.iommu_option],
  [uapi.IOMMU_VFIO_IOAS, uapi.iommu_vfio_ioas],
  [uapi.IOMMU_HWPT_ALLOC, uapi.iommu_hwpt_alloc],
  [uapi.IOMMU_HWPT_SET_DIRTY_TRACKING, uapi.iommu_hwpt_set_dirty_tracking],
  [uapi.IOMMU_HWPT_GET_DIRTY_BITMAP, uapi.iommu_hwpt_get_dirty_bitmap],
]);

/** The name of a request. */
export function nameOf(request: number): string {
  return uapi.ioctlName(request, 'container') ?? uapi.ioctlName(request, 'iommufd') ?? `ioctl 0x${request.toString(16)}`;
}

const hex = (value: unknown): string => (typeof value === 'bigint' || (typeof value === 'number' && value > 9) ? `0x${value.toString(16)}` : String(value));
const fieldsOf = (record: Record<string, unknown>): string => Object.entries(record).map(([name, value]) => `${name} ${hex(value)}`).join(', ');
const placed = ({ block, at }: Place): string => `block ${block} + 0x${at.toString(16)}`;

function argumentOf(request: number, bytes: Uint8Array): string {
  const layout = layouts.get(request);
  if (layout !== undefined && bytes.length >= layout.size) return `${fieldsOf(layout.decode(bytes))}${bytes.length > layout.size ? ', and more' : ''}`;
  if (request === uapi.VFIO_IOMMU_UNMAP_DMA && bytes.length >= 24) {
    const head = fieldsOf(uapi.vfio_iommu_type1_dma_unmap.decodeHead(bytes));
    return bytes.length < 48 ? head : `${head}, ${fieldsOf(uapi.vfio_bitmap.decode(bytes, 24))}`;
  }
  if (request === uapi.VFIO_IOMMU_DIRTY_PAGES && bytes.length >= 8) {
    const head = fieldsOf(uapi.vfio_iommu_type1_dirty_bitmap.decodeHead(bytes));
    return bytes.length < 48 ? head : `${head}, iova ${hex(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(8, true))}, size ${hex(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(16, true))}, ${fieldsOf(uapi.vfio_bitmap.decode(bytes, 24))}`;
  }
  return `${bytes.length} bytes ${Buffer.from(bytes.subarray(0, 16)).toString('hex')}`;
}

function called(operation: Calls): string {
  switch (operation.kind) {
    case 'ioctl': {
      const { by, caller = by, request, bytes, pointers, value } = operation;
      const argument = value === undefined ? argumentOf(request, bytes) : String(value);
      return `process ${caller}${caller === by ? '' : `, file of process ${by}`}: ${nameOf(request)}(${argument})${pointers.map(({ at, to }) => `, at ${at} a pointer to ${placed(to)}`).join('')}`;
    }
    case 'join':
    case 'leave':
    case 'detach':
      return `device ${operation.device}: ${operation.kind}`;
    case 'attach':
      return `device ${operation.device}: attach to ${operation.id}`;
    case 'mmap':
      return `process ${operation.by}: mmap block ${operation.block}`;
    case 'munmap':
      return `process ${operation.by}: munmap ${operation.pages} pages at page ${operation.page} of block ${operation.block}`;
    case 'store':
      return `process ${operation.by}: store ${operation.length} bytes at ${placed(operation.to)}`;
  }
}

/** A step as a line. */
export function describe(operation: Operation): string {
  if (operation.kind !== 'dma') return called(operation);
  const { device, access, iova, length, meanwhile } = operation;
  return `device ${device}: DMA ${access} of ${length} bytes at 0x${iova.toString(16)}${meanwhile === undefined ? '' : `, begun ahead of the call before`}`;
}
