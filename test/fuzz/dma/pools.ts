// The numbers that steps are made from: few, so that ranges meet, and those at the ends of what there is.

import type { IovaRange } from '../../reference/iommu/iova-list.ts';
import type { Random } from '../random.ts';
import type { Place } from './operation.ts';
import type { Stage } from './stages.ts';
import { BLOCKS, READ_ONLY } from './twin.ts';

/** What a generator asks of the run. */
export interface Scene {
  readonly stage: Stage;
  /** What is mapped for a process's devices, in the address space with an id where there are several. */
  readonly ranges: (by: number, ioas?: number) => readonly IovaRange[];
  /** Ids of a process's iommufd. */
  readonly ids: (by: number, kind: 'ioas' | 'table' | 'device') => readonly number[];
  /** A page table that tracks, and what is mapped in it. */
  readonly tracked: (by: number) => { readonly table: number; readonly ranges: readonly IovaRange[] } | undefined;
  readonly tracksDirty: (by: number) => boolean;
  /** A container that has its IOMMU. */
  readonly hasIommu: (by: number) => boolean;
}

export const PAGE = 0x1000n;
const U64 = (1n << 64n) - 1n;
/** Where IOVAs begin that are no small ones: reserved addresses, ends of apertures, the end of all. */
const FAR: readonly bigint[] = [
  0xfedf_e000n, 0xfedf_f000n, 0xfee0_0000n, 0xfeef_f000n, 0xfef0_0000n, 0x3fff_f000n, 0x4000_0000n, 0x7f_ffff_e000n, 0x7f_ffff_f000n, 0x80_0000_0000n,
  1n << 63n, U64 - 0x2fffn, U64 - 0x1fffn, U64 - 0xfffn, U64 - 0x7ffn, U64 - 1n, U64, 0x7ff_f000n, 0x810_0000n,
];
const SLOTS = 20;

const cut = (value: bigint): bigint => BigInt.asUintN(64, value);

/** An IOVA at which something may begin. */
export function iovaOf(random: Random, ranges: readonly IovaRange[]): bigint {
  if (ranges.length > 0 && random.once(4)) {
    const { first, last } = random.pick(ranges);
    return cut(random.pick([first, last + 1n, first - PAGE, last - 0xfffn]));
  }
  if (random.once(12)) return random.pick(FAR);
  if (random.once(60)) return random.u64();
  const iova = BigInt(random.below(SLOTS)) * PAGE;
  return random.once(50) ? iova + BigInt(random.pick([1, 0x800, 0xfff])) : iova;
}

/** Bytes of a range. */
export function sizeOf(random: Random): bigint {
  if (random.once(40)) return random.pick([0n, 1n, 0x800n, 0x1800n, U64, U64 - 0xfffn, U64 - 1n, 1n << 63n, 1n << 40n, (1n << 63n) - 1n, 1n << 45n, random.u64()]);
  if (random.once(16)) return random.pick([512n, 8n, 256n, 64n]) * PAGE;
  return BigInt(1 + random.below(random.once(3) ? 6 : 2)) * PAGE;
}

/** A range, of what is mapped or near it. */
export function rangeOf(random: Random, ranges: readonly IovaRange[]): [iova: bigint, bytes: bigint] {
  if (ranges.length === 0 || random.once(3)) return [iovaOf(random, ranges), sizeOf(random)];
  const [from, to] = [random.pick(ranges), random.once(3) ? random.pick(ranges) : undefined];
  const last = to === undefined || to.last < from.first ? from.last : to.last;
  const [iova, bytes] = [from.first, cut(last - from.first + 1n)];
  if (!random.once(6)) return [iova, bytes];
  return random.pick([[cut(iova - PAGE), cut(bytes + PAGE)], [iova, cut(bytes - PAGE)], [cut(iova + PAGE), cut(bytes - PAGE)], [iova, cut(bytes + PAGE)]] as [bigint, bigint][]);
}

/** Where memory to be mapped is, mostly all of it there. */
export function memoryOf(random: Random, bytes: bigint): Place {
  const pages = bytes / PAGE > 500n ? 500 : Number(bytes / PAGE);
  const fitting = [1, 2, 3, 4, 5].filter((block) => BLOCKS[block]! >= pages);
  const unit = pages % 2 === 0 && !random.once(8) ? 2 : 1;
  const block = random.once(8) || fitting.length === 0 ? 1 + random.below(5) : random.pick(pages < 8 && fitting.length > 1 ? fitting.slice(0, -1) : fitting);
  const page = random.below(Math.max(1, BLOCKS[block]! - pages + (random.once(12) ? 2 : 1)));
  return { block, at: (page - (page % unit)) * 4096 + (random.once(60) ? random.pick([1, 0x800, 0xff8]) : 0) };
}

/** Where an argument may point to: room for 2048 bytes, but for now and then. */
export function pointedOf(random: Random): Place {
  if (random.once(24)) return random.pick([{ block: 0, at: BLOCKS[0]! * 4096 - 8 }, { block: READ_ONLY, at: 0 }, { block: 0, at: BLOCKS[0]! * 4096 }]);
  return { block: 0, at: random.below(64) * 64 + (random.once(20) ? 8 : 0) };
}

/** A transfer of a device: where, and how many bytes. */
export function transferOf(random: Random, ranges: readonly IovaRange[]): [iova: bigint, length: number] {
  const length = random.once(12) ? 1 + random.below(3 * 4096) : random.pick([1, 2, 4, 4, 8, 16, 64, 100]);
  if (ranges.length === 0 || random.once(8)) return [cut(iovaOf(random, ranges) + BigInt(random.below(64))), length];
  const { first, last } = random.pick(ranges);
  const bytes = last - first + 1n;
  const within = bytes > 0x8000n ? BigInt(random.below(0x8000)) : BigInt(random.below(Number(bytes)));
  return [random.once(3) ? cut(last - BigInt(random.below(length + 8))) : random.once(3) ? first + (within & ~3n) : first + within, length];
}
