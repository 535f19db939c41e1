// Which IOVAs a container's groups can use: the apertures of all their IOMMUs, less what these reserve. Behaviour text, section 6.1.
//
//   aperture   0 ............................................ 0x7fffffffff
//   reserved              fee00000-feefffff
//   usable     0 ---- fedfffff          fef00000 ---- 7fffffffff
//
// Source: drivers/vfio/vfio_iommu_type1.c vfio_iommu_aper_resize, vfio_iommu_resv_exclude, vfio_update_pgsize_bitmap

import type { Iommu } from '../host/options.ts';
import { PAGE_SIZE } from '../page.ts';

/** IOVAs from `start` to `end`, both included. */
export interface IovaRange {
  readonly start: bigint;
  readonly end: bigint;
}

const PAGE = BigInt(PAGE_SIZE);
const ALL_PAGE_SIZES = 0xffff_ffff_ffff_ffffn & ~(PAGE - 1n);

/** What an IOMMU keeps for itself, or for a device: firmware's relaxable mappings are no obstacle. */
export function obstacles({ reserved }: Iommu): readonly IovaRange[] {
  return reserved.filter(({ kind }) => kind !== 'relaxable').map(({ first, last }) => ({ start: first, end: last }));
}

function without(ranges: readonly IovaRange[], { start, end }: IovaRange): IovaRange[] {
  return ranges.flatMap((range) => {
    if (end < range.start || start > range.end) return [range];
    const rests: IovaRange[] = [];
    if (range.start < start) rests.push({ start: range.start, end: start - 1n });
    if (range.end > end) rests.push({ start: end + 1n, end: range.end });
    return rests;
  });
}

/** Ascending and disjoint. None of no IOMMU: then nothing is refused. */
export function usableIovas(iommus: readonly Iommu[]): readonly IovaRange[] {
  if (iommus.length === 0) return [];
  const end = iommus.map(({ lastAddress }) => lastAddress).reduce((a, b) => (a < b ? a : b));
  return iommus.flatMap(obstacles).reduce<readonly IovaRange[]>(without, [{ start: 0n, end }]);
}

/** iova_pgsizes: sizes that all IOMMUs have, one bit each; what is smaller than a page of the processor is told as one. */
export function pageSizes(iommus: readonly Iommu[]): bigint {
  const common = iommus.map((iommu) => iommu.pageSizes).reduce((a, b) => a & b, 0xffff_ffff_ffff_ffffn);
  return (common & (PAGE - 1n)) === 0n ? common : (common & ALL_PAGE_SIZES) | PAGE;
}

/** The smallest of them, in bytes. */
export function smallestPage(sizes: bigint): bigint {
  return sizes === 0n ? PAGE : sizes & -sizes;
}
