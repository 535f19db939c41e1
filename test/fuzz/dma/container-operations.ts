// Steps on a type1 container: MAP_DMA, UNMAP_DMA, DIRTY_PAGES, GET_INFO and the others, with arguments that are mostly right.

import * as uapi from '../../../src/uapi/index.ts';
import type { IovaRange } from '../../reference/iommu/iova-list.ts';
import type { Random } from '../random.ts';
import type { IoctlOperation, Place } from './operation.ts';
import { PAGE, iovaOf, memoryOf, pointedOf, rangeOf, sizeOf } from './pools.ts';
import type { Scene } from './pools.ts';

const U64 = (1n << 64n) - 1n;

interface Argument {
  readonly request: number;
  readonly bytes: Uint8Array;
  readonly pointers?: IoctlOperation['pointers'];
  readonly value?: number;
}

function call(by: number, { request, bytes, pointers = [], value }: Argument): IoctlOperation {
  return { kind: 'ioctl', by, file: 'container', request, bytes, pointers, ...(value !== undefined && { value }) };
}

/** An argument whose size is now and then wrong, or that ends too early. */
function spoiled(random: Random, bytes: Uint8Array): Uint8Array {
  if (!random.once(50)) return bytes;
  if (random.once(2)) return bytes.slice(0, random.below(bytes.length));
  new DataView(bytes.buffer).setUint32(0, random.pick([0, 8, 16, 23, 24, 31, 40, 47, 64, 0xffff_ffff]), true);
  return bytes;
}

function map(random: Random, by: number, ranges: readonly IovaRange[], isCoarse: boolean): IoctlOperation {
  const isVaddr = random.once(10);
  let [iova, size] = isVaddr ? rangeOf(random, ranges) : [iovaOf(random, ranges), sizeOf(random)];
  if (isCoarse && !isVaddr && !random.once(8)) [iova, size] = [iova & ~PAGE, (size + PAGE) & ~PAGE & U64];
  const flags = random.once(60) ? random.pick([0, 5, 6, 7, 8, 0x8000_0003]) : isVaddr ? 4 : random.pick([1, 2, 3, 3, 3]);
  const bytes = uapi.vfio_iommu_type1_dma_map.encode({ argsz: 32, flags, iova, size });
  if (random.once(50)) return call(by, { request: uapi.VFIO_IOMMU_MAP_DMA, bytes: uapi.vfio_iommu_type1_dma_map.encode({ vaddr: random.pick([0n, 0x1000n, 0xffff_ffff_ffff_f000n, 1n << 63n]) }, bytes) });
  return call(by, { request: uapi.VFIO_IOMMU_MAP_DMA, bytes: spoiled(random, bytes), pointers: [{ at: 8, to: memoryOf(random, size) }] });
}

/** The three words that describe a bitmap of a range, and the place that the third is to lead to. */
function bitmap(random: Random, size: bigint): { readonly pgsize: bigint; readonly size: bigint; readonly to: Place | undefined; readonly data: bigint } {
  const needed = 8n * ((size / PAGE + 63n) / 64n);
  const own = random.once(12) ? random.pick([0n, 8n, needed - 8n < 0n ? 0n : needed - 8n, 0x1000_0000n, 0x1000_0008n, 0xffff_ffff_ffff_fff8n]) : needed + BigInt(random.below(3) * 8);
  const pgsize = random.once(20) ? random.pick([0n, 0x1001n, 0x2000n, 0x800n, 0x20_0000n]) : random.once(4) ? 0x2000n : PAGE;
  const isBad = random.once(40);
  return { pgsize, size: own, to: isBad ? undefined : pointedOf(random), data: isBad ? random.pick([0n, 0xffff_8000_0000_0000n, 0xffff_ffff_ffff_fff8n]) : 0n };
}

function unmap(random: Random, by: number, ranges: readonly IovaRange[], tracksDirty: boolean): IoctlOperation {
  const request = uapi.VFIO_IOMMU_UNMAP_DMA;
  const bytes = new Uint8Array(48);
  if (random.once(24)) {
    const isClean = !random.once(6);
    const head = { argsz: 24, flags: random.once(3) ? 6 : 2, iova: isClean ? 0n : PAGE, size: isClean ? 0n : random.pick([0n, PAGE]) };
    return call(by, { request, bytes: spoiled(random, uapi.vfio_iommu_type1_dma_unmap.encode(head, bytes).slice(0, 24)) });
  }
  const [iova, size] = rangeOf(random, ranges);
  const wantsDirty = random.once(tracksDirty ? 3 : 20);
  const flags = random.once(60) ? random.pick([3, 5, 7, 8, 0x8000_0000]) : wantsDirty ? 1 : random.once(5) ? 4 : 0;
  uapi.vfio_iommu_type1_dma_unmap.encode({ argsz: (flags & 1) === 0 ? 24 : 48, flags, iova, size }, bytes);
  if ((flags & 1) === 0) return call(by, { request, bytes: spoiled(random, bytes.slice(0, 24)) });
  const { to, ...words } = bitmap(random, size);
  uapi.vfio_bitmap.encode(words, bytes, 24);
  return call(by, { request, bytes: spoiled(random, bytes), pointers: to === undefined ? [] : [{ at: 40, to }] });
}

function dirtyPages(random: Random, by: number, ranges: readonly IovaRange[], tracksDirty: boolean): IoctlOperation {
  const request = uapi.VFIO_IOMMU_DIRTY_PAGES;
  const bytes = new Uint8Array(48);
  const flags = random.once(30) ? random.pick([0, 3, 5, 6, 7, 8]) : tracksDirty ? (random.once(12) ? random.pick([1, 2]) : 4) : random.once(5) ? random.pick([2, 4]) : 1;
  uapi.vfio_iommu_type1_dirty_bitmap.encode({ argsz: flags === 4 ? 48 : 8, flags }, bytes);
  if (flags !== 4) return call(by, { request, bytes: spoiled(random, bytes.slice(0, 8)) });
  const [iova, size] = rangeOf(random, ranges);
  const { to, ...words } = bitmap(random, size);
  uapi.vfio_iommu_type1_dirty_bitmap_get.encode({ iova, size, bitmap: words }, bytes, 8);
  return call(by, { request, bytes: spoiled(random, bytes), pointers: to === undefined ? [] : [{ at: 40, to }] });
}

function others(random: Random, by: number): IoctlOperation {
  const kind = random.below(8);
  const empty = new Uint8Array(0);
  if (kind < 4) {
    const bytes = new Uint8Array(random.once(8) ? random.below(200) : 200).fill(0xa5);
    if (bytes.length >= 4) new DataView(bytes.buffer).setUint32(0, random.pick([0, 15, 16, 20, 23, 24, 71, 72, 87, 88, 103, 104, 119, 120, 136, 152, 200]), true);
    return call(by, { request: uapi.VFIO_IOMMU_GET_INFO, bytes });
  }
  if (kind === 4) return call(by, { request: uapi.VFIO_CHECK_EXTENSION, bytes: empty, value: random.below(13) });
  if (kind === 5) return call(by, { request: uapi.VFIO_SET_IOMMU, bytes: empty, value: random.pick([1, 3, 3, 2, 4, 6, 7, 8, 9, 10, 42]) });
  if (kind === 6) return call(by, { request: uapi.VFIO_GET_API_VERSION, bytes: empty });
  return call(by, { request: random.pick([0x3b73, 0x3b74, 0x3b76, 0x3b77, 0x3b78, 0x3b79, 0x3bff]), bytes: new Uint8Array(64) });
}

/** A step on a process's container. */
export function containerCall(random: Random, scene: Scene, by: number): IoctlOperation {
  if (!scene.hasIommu(by) && random.once(2)) return call(by, { request: uapi.VFIO_SET_IOMMU, bytes: new Uint8Array(0), value: random.once(4) ? random.pick([2, 9, 10]) : (scene.stage.processes[by]!.version ?? 3) });
  const ranges = scene.ranges(by);
  const kind = random.below(20);
  if (kind < 9) return map(random, by, ranges, scene.stage.processes[by]!.isCoarse === true);
  if (kind < 15) return unmap(random, by, ranges, scene.tracksDirty(by));
  return kind < 18 ? dirtyPages(random, by, ranges, scene.tracksDirty(by)) : others(random, by);
}
