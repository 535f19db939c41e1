// Steps on an iommufd: address spaces, maps, copies, page tables and their dirty bits, with arguments that are mostly right.

import * as uapi from '../../../src/uapi/index.ts';
import type { Random } from '../random.ts';
import type { IoctlOperation } from './operation.ts';
import { PAGE, iovaOf, memoryOf, pointedOf, rangeOf, sizeOf } from './pools.ts';
import type { Scene } from './pools.ts';

const U64 = (1n << 64n) - 1n;
const IDS = 12;

interface Maker {
  readonly random: Random;
  readonly scene: Scene;
  readonly by: number;
}

/** With its size now and then smaller or larger than the struct, or its bytes too few. */
function call({ random, by }: Maker, request: number, struct: Uint8Array, more: Partial<Pick<IoctlOperation, 'pointers' | 'given'>> = {}): IoctlOperation {
  let bytes = struct;
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  if (random.once(40)) {
    const size = random.pick([0, 4, 7, 8, 12, 20, 24, 32, 40, 48, 56, 80]);
    bytes = new Uint8Array(Math.max(size, struct.length));
    bytes.set(struct);
    new DataView(bytes.buffer).setUint32(0, size, true);
    if (size > struct.length && random.once(2)) bytes[struct.length + random.below(size - struct.length)] = 1;
  } else if (random.once(80)) bytes = bytes.slice(0, random.below(bytes.length));
  return { kind: 'ioctl', by, file: 'iommufd', request, bytes, pointers: more.pointers ?? [], ...(more.given !== undefined && { given: more.given }) };
}

/** Mostly of the kind that is asked for. */
export function idOf({ random, scene, by }: Maker, kind: 'ioas' | 'table' | 'device'): number {
  const ids = scene.ids(by, kind);
  if (ids.length === 0 || random.once(16)) return random.once(4) ? random.pick([0xffff_ffff, 0x8000_0000]) : random.below(IDS);
  return random.pick(ids);
}

function reserved(random: Random): number {
  return random.once(80) ? random.pick([1, 0xffff]) : 0;
}

function map(maker: Maker): IoctlOperation {
  const { random, scene, by } = maker;
  const ioas_id = idOf(maker, 'ioas');
  const flags = random.once(60) ? random.pick([0, 1, 8, 15]) : random.pick([2, 4, 6, 6, 6]) | (random.once(3) ? 0 : 1);
  const length = random.once(20) ? random.pick([1n, 0x1234n, 0x1001n, U64 / 2n - 1n]) : sizeOf(random);
  const iova = iovaOf(random, scene.ranges(by, ioas_id));
  const struct = uapi.iommu_ioas_map.encode({ flags, ioas_id, __reserved: reserved(random), length, iova });
  const at = random.once(60) ? random.pick([0n, 0x1000n, U64 - 0xfffn, U64, 1n << 63n]) : undefined;
  if (at !== undefined) return call(maker, uapi.IOMMU_IOAS_MAP, uapi.iommu_ioas_map.encode({ user_va: at }, struct));
  return call(maker, uapi.IOMMU_IOAS_MAP, struct, { pointers: [{ at: 16, to: memoryOf(random, length) }] });
}

function unmap(maker: Maker): IoctlOperation {
  const { random, scene, by } = maker;
  const ioas_id = idOf(maker, 'ioas');
  const [iova, length] = random.once(24) ? [0n, U64] : rangeOf(random, scene.ranges(by, ioas_id));
  return call(maker, uapi.IOMMU_IOAS_UNMAP, uapi.iommu_ioas_unmap.encode({ ioas_id, iova, length }));
}

function copy(maker: Maker): IoctlOperation {
  const { random, scene, by } = maker;
  const [src_ioas_id, dst_ioas_id] = [idOf(maker, 'ioas'), idOf(maker, 'ioas')];
  const [src_iova, whole] = rangeOf(random, scene.ranges(by, src_ioas_id));
  const length = random.once(4) && whole > PAGE ? PAGE : whole;
  const flags = random.once(60) ? random.pick([0, 1, 8]) : random.pick([2, 4, 6, 6]) | (random.once(3) ? 0 : 1);
  return call(maker, uapi.IOMMU_IOAS_COPY, uapi.iommu_ioas_copy.encode({ flags, dst_ioas_id, src_ioas_id, length, dst_iova: iovaOf(random, scene.ranges(by, dst_ioas_id)), src_iova }));
}

function ranges(maker: Maker): IoctlOperation {
  const { random } = maker;
  const struct = uapi.iommu_ioas_iova_ranges.encode({ ioas_id: idOf(maker, 'ioas'), num_iovas: random.pick([0, 1, 2, 3, 4, 5, 8]), __reserved: reserved(random) });
  return call(maker, uapi.IOMMU_IOAS_IOVA_RANGES, struct, { pointers: [{ at: 16, to: pointedOf(random) }] });
}

const ALLOWED: readonly (readonly [bigint, bigint])[] = [
  [0n, 0xfffn], [0x1000n, 0x4fffn], [0x4000n, 0x7fffn], [0x8000n, 0xffffn], [0xc000n, 0xc000n], [0x1_0800n, 0x1_9fffn], [0x2_0000n, 0x1000_0000n], [0xfee0_0000n, 0xfee0_0fffn], [0x9000n, 0x8000n], [1n << 40n, 1n << 41n],
  [0xf800n, 0x3_0000n],
];

function allow(maker: Maker): IoctlOperation {
  const { random } = maker;
  const list = Array.from({ length: random.once(3) ? 0 : random.once(4) ? 4 : 1 + random.below(2) }, () => random.pick(ALLOWED));
  const to = pointedOf(random);
  const bytes = new Uint8Array(16 * list.length);
  list.forEach(([start, last], i) => uapi.iommu_iova_range.encode({ start, last }, bytes, 16 * i));
  const struct = uapi.iommu_ioas_allow_iovas.encode({ ioas_id: idOf(maker, 'ioas'), num_iovas: list.length, __reserved: reserved(random) });
  return call(maker, uapi.IOMMU_IOAS_ALLOW_IOVAS, struct, { pointers: [{ at: 16, to }], given: { to, bytes } });
}

function others(maker: Maker): IoctlOperation {
  const { random } = maker;
  if (random.once(2)) {
    const option = { option_id: random.pick([0, 0, 1, 1, 2]), op: random.pick([0, 1, 1, 2]), __reserved: reserved(random), val64: random.pick([1n, 1n, 2n, 7n]) };
    const object_id = option.option_id === 1 || random.once(8) ? idOf(maker, 'ioas') : 0;
    return call(maker, uapi.IOMMU_OPTION, uapi.iommu_option.encode({ ...option, object_id }));
  }
  return call(maker, uapi.IOMMU_VFIO_IOAS, uapi.iommu_vfio_ioas.encode({ ioas_id: idOf(maker, 'ioas'), op: random.pick([0, 0, 1, 2, 3]), __reserved: reserved(random) }));
}

function pageTable(maker: Maker): IoctlOperation | undefined {
  const { random, scene, by } = maker;
  const tracked = scene.tracked(by);
  const kind = random.below(tracked === undefined ? 3 : 8);
  const [spaces, devices] = [scene.ids(by, 'ioas'), scene.ids(by, 'device')];
  if (kind === 0) {
    if (spaces.length === 0 || scene.ids(by, 'table').length > 6) return undefined;
    const struct = uapi.iommu_hwpt_alloc.encode({ flags: random.once(3) ? 0 : 2, dev_id: random.pick(devices), pt_id: random.pick(spaces) });
    return call(maker, uapi.IOMMU_HWPT_ALLOC, struct);
  }
  if (kind < 3 || tracked === undefined) {
    const struct = uapi.iommu_hwpt_set_dirty_tracking.encode({ flags: random.once(30) ? 2 : random.once(6) ? 0 : 1, hwpt_id: idOf(maker, 'table'), __reserved: reserved(random) });
    return call(maker, uapi.IOMMU_HWPT_SET_DIRTY_TRACKING, struct);
  }
  const { first, last } = tracked.ranges.length === 0 ? { first: 0n, last: 0n } : random.pick(tracked.ranges);
  if (last - first >= 1024n * PAGE || last === 0n) return undefined;
  const struct = uapi.iommu_hwpt_get_dirty_bitmap.encode({ hwpt_id: tracked.table, flags: random.once(3) ? 1 : 0, __reserved: reserved(random), iova: first, length: last - first + 1n, page_size: PAGE });
  const to = { block: 0, at: random.below(64) * 64 };
  return { ...call({ ...maker, random: NEVER }, uapi.IOMMU_HWPT_GET_DIRTY_BITMAP, struct, { pointers: [{ at: 40, to }], given: { to, bytes: new Uint8Array(192).fill(random.once(8) ? 0x10 : 0) } }) };
}

// What spoils nothing.
const NEVER = { once: () => false } as unknown as Random;

/** A step on a process's iommufd. */
export function iommufdCall(random: Random, scene: Scene, by: number): IoctlOperation {
  const maker = { random, scene, by };
  const kind = random.below(32);
  if (kind < 10) return map(maker);
  if (kind < 16) return unmap(maker);
  if (kind < 19) return copy(maker);
  if (kind === 19) return ranges(maker);
  if (kind === 20) return allow(maker);
  if (kind === 21) return call(maker, uapi.IOMMU_DESTROY, uapi.iommu_destroy.encode({ id: idOf(maker, random.pick(['ioas', 'table', 'device'] as const)) }));
  if (kind === 22) return others(maker);
  if (kind < 30) return pageTable(maker) ?? map(maker);
  if (scene.ids(by, 'ioas').length > 3 && !random.once(6)) return unmap(maker);
  return call(maker, uapi.IOMMU_IOAS_ALLOC, uapi.iommu_ioas_alloc.encode({ flags: reserved(random) }));
}
