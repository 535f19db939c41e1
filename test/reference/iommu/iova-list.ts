// Which IOVAs can be mapped: what IOMMUs translate, without what they keep for themselves. Behaviour text, section 6.1.

/** Both ends included. */
export interface IovaRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** What the judge knows of an IOMMU. */
export interface ReferenceIommu {
  readonly pageSizes: bigint;
  readonly lastAddress: bigint;
  readonly reserved: readonly (IovaRange & { readonly kind: string })[];
}

export const MAX = 0xffff_ffff_ffff_ffffn;

export const overlaps = (a: IovaRange, b: IovaRange): boolean => a.first <= b.last && b.first <= a.last;

/** What is left of ranges, ascending, without one. */
export function without(ranges: readonly IovaRange[], taken: IovaRange): IovaRange[] {
  const left: IovaRange[] = [];
  for (const range of ranges) {
    if (!overlaps(range, taken)) left.push(range);
    else {
      if (range.first < taken.first) left.push({ first: range.first, last: taken.first - 1n });
      if (range.last > taken.last) left.push({ first: taken.last + 1n, last: range.last });
    }
  }
  return left;
}

/** Reserved addresses that are in the way. */
export function obstacles({ reserved }: ReferenceIommu): readonly IovaRange[] {
  return reserved.filter(({ kind }) => kind !== 'relaxable');
}

/** What is above the highest address that is translated; undefined when there is nothing. */
export function beyond({ lastAddress }: ReferenceIommu): IovaRange | undefined {
  return lastAddress === MAX ? undefined : { first: lastAddress + 1n, last: MAX };
}

/** The usable IOVAs behind all of the IOMMUs. */
export function usable(iommus: readonly ReferenceIommu[]): readonly IovaRange[] {
  let ranges: IovaRange[] = [{ first: 0n, last: MAX }];
  for (const iommu of iommus) {
    const above = beyond(iommu);
    for (const taken of [...obstacles(iommu), ...(above === undefined ? [] : [above])]) ranges = without(ranges, taken);
  }
  return ranges;
}

/** iova_pgsizes: sizes that all have; PAGE_SIZE stands for those below it. */
export function commonPageSizes(iommus: readonly ReferenceIommu[]): bigint {
  const common = iommus.reduce((sizes, { pageSizes }) => sizes & pageSizes, MAX);
  return (common & 0xfffn) === 0n ? common : (common & ~0xfffn) | 0x1000n;
}

export const lowestBit = (value: bigint): bigint => value & -value;
