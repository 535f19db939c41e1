// Which pages of a container's mappings are dirty, while that is tracked. Behaviour text, section 6.5.
//
//   START         all clean, but for pages that drivers hold
//   write, pin    dirty
//   report        told, then clean, but for pages that drivers hold
//
// Source: drivers/vfio/vfio_iommu_type1.c vfio_dma_bitmap_alloc_all, vfio_dma_populate_bitmap, update_user_bitmap

import { VfioError } from '../../uapi/index.ts';
import { DirtyFrames } from '../dma-logging/dirty-frames.ts';
import { PAGE_SIZE } from '../page.ts';
import type { DirtyReport } from './dirty-bitmap.ts';
import { reportDirty } from './dirty-bitmap.ts';
import type { MappingStore } from './mapping-store.ts';
import type { Mapping } from './mapping.ts';

const FRAME = BigInt(PAGE_SIZE);
const MAX_PAGES = 0x7fff_ffffn;

/** @internal */
export class DirtyTracking {
  private readonly mappings: MappingStore;
  /** The smallest page when it began, 0 while it is off. */
  private pageSize = 0n;

  constructor(mappings: MappingStore) {
    this.mappings = mappings;
  }

  get isOn(): boolean {
    return this.pageSize !== 0n;
  }

  /** VfioError EINVAL for a mapping that no bitmap can hold; then it is off as before. */
  start(call: string, pageSize: bigint): void {
    if (this.isOn) return;
    for (const mapping of this.mappings.walk()) checkPages(call, mapping, pageSize);
    this.pageSize = pageSize;
    for (const mapping of this.mappings.walk()) this.beginAnew(mapping);
  }

  stop(): void {
    this.pageSize = 0n;
    for (const mapping of this.mappings.walk()) mapping.dirty = undefined;
  }

  /** A new mapping is clean. VfioError EINVAL for one that no bitmap can hold. */
  begin(call: string, mapping: Mapping): void {
    if (!this.isOn) return;
    checkPages(call, mapping, this.pageSize);
    this.beginAnew(mapping);
  }

  /** Clean from now on, but for pages that drivers hold. */
  beginAnew(mapping: Mapping): void {
    mapping.dirty ??= new DirtyFrames();
    mapping.dirty.clear();
    for (const page of mapping.pins.keys()) mapping.dirty.add(Number(page), Number(page) + 1);
  }

  /** Everything is dirty: what was not seen was written to. */
  addAll(): void {
    if (!this.isOn) return;
    for (const { dirty, size } of this.mappings.walk()) dirty?.add(0, Number(size / FRAME));
  }

  /** Writes a mapping's pages into its caller's bitmap. VfioError EFAULT. */
  report(report: DirtyReport): void {
    reportDirty(report);
  }
}

function checkPages(call: string, { iova, size, isMessageWindow }: Mapping, pageSize: bigint): void {
  if (!isMessageWindow && size / pageSize > MAX_PAGES) throw new VfioError('EINVAL', call, `the mapping at 0x${iova.toString(16)} has ${(size / pageSize).toString()} pages, above 2^31-1`);
}

/** Bytes `at` to `at + bytes` - 1 of a mapping were written. */
export function markWritten({ dirty }: Mapping, at: bigint, bytes: bigint): void {
  dirty?.add(Number(at / FRAME), Number((at + bytes - 1n) / FRAME) + 1);
}
