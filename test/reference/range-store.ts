// The range store (R rules): a sorted array of entries, and a loop for every question.

import { ReferenceCursor } from './range-cursor.ts';
import { EBUSY, EEXIST, EINVAL, EROFS, U64_MAX, fail, isPowerOfTwo, larger, ok, roundDown, roundUp, smaller, type Result } from './result.ts';

/** Both ends included. In rows of a walk a gap is an entry with value 0. */
export interface Entry {
  readonly first: bigint;
  readonly last: bigint;
  readonly value: number;
}

export class ReferenceRangeStore {
  /** Ascending and disjoint; no value is 0. An entry object never changes: it is replaced. */
  entries: readonly Entry[] = [];
  /** R-cyclic: a block ended at 2^64-1, and no cyclic allocation has succeeded since. */
  private owesWrap = false;

  get count(): number {
    return this.entries.length;
  }

  /** R-load */
  load(i: bigint): number {
    return this.holder(i)?.value ?? 0;
  }

  /** R-store */
  store(first: bigint, last: bigint, value: number): Result<void> {
    if (first > last) return fail(EINVAL); // R-order
    const after: Entry[] = [];
    for (const entry of this.entries) {
      if (!touches(entry, first, last)) {
        after.push(entry);
        continue;
      }
      if (entry.first < first) after.push({ first: entry.first, last: first - 1n, value: entry.value });
      if (entry.last > last) after.push({ first: last + 1n, last: entry.last, value: entry.value });
    }
    if (value !== 0) after.push({ first, last, value });
    this.entries = after.sort(byFirst);
    return ok();
  }

  /** R-insert */
  insert(first: bigint, last: bigint, value: number): Result<void> {
    if (first > last) return fail(EINVAL); // R-order
    if (value === 0) return fail(EINVAL);
    if (this.entries.some((entry) => touches(entry, first, last))) return fail(EEXIST);
    this.entries = [...this.entries, { first, last, value }].sort(byFirst);
    return ok();
  }

  /** R-erase */
  erase(i: bigint): number {
    const erased = this.holder(i);
    this.entries = this.entries.filter((entry) => entry !== erased);
    return erased?.value ?? 0;
  }

  /** R-find: the lowest entry that does not end below `i` holds `i`, or is the next one above. */
  find(i: bigint, limit: bigint): Entry | undefined {
    const entry = this.entries.find((candidate) => candidate.last >= i);
    return entry !== undefined && entry.first <= limit ? entry : undefined;
  }

  /** R-find, going down: the highest entry that does not start above `i`. */
  findPrevious(i: bigint, limit: bigint): Entry | undefined {
    const entry = this.entries.findLast((candidate) => candidate.first <= i);
    return entry !== undefined && entry.last >= limit ? entry : undefined;
  }

  /** R-next */
  next(i: bigint, limit: bigint): Entry | undefined {
    const from = this.holder(i)?.last ?? i;
    const entry = this.entries.find((candidate) => candidate.first > from);
    return entry !== undefined && entry.first <= limit ? entry : undefined;
  }

  /** R-next, going down. */
  previous(i: bigint, limit: bigint): Entry | undefined {
    const from = this.holder(i)?.first ?? i;
    const entry = this.entries.findLast((candidate) => candidate.last < from);
    return entry !== undefined && entry.last >= limit ? entry : undefined;
  }

  /** R-walk */
  walk(first: bigint, last: bigint, { gaps = false }: { gaps?: boolean } = {}): Result<Entry[]> {
    if (first > last) return fail(EINVAL); // R-order
    const rows = gaps ? [...this.entries, ...this.gaps()].sort(byFirst) : this.entries;
    return ok(rows.filter((row) => touches(row, first, last)));
  }

  /** R-walk-back */
  walkBack(first: bigint, last: bigint, options: { gaps?: boolean } = {}): Result<Entry[]> {
    const rows = this.walk(first, last, options);
    return rows.ok ? ok(rows.value.reverse()) : rows;
  }

  /** R-range */
  range(i: bigint): Entry {
    return [...this.entries, ...this.gaps()].find((row) => touches(row, i, i))!;
  }

  /** R-cursor */
  cursor(i: bigint): ReferenceCursor {
    return new ReferenceCursor(this, i);
  }

  /** R-gap: in every gap, from the lowest up, the lowest aligned address of what the window leaves of it. */
  lowestGap(size: bigint, alignment: bigint, first: bigint, last: bigint): Result<bigint> {
    if (!isGapRequest(size, alignment, first, last)) return fail(EINVAL);
    for (const gap of this.gaps()) {
      const start = roundUp(larger(gap.first, first), alignment);
      const end = smaller(gap.last, last);
      if (start + size - 1n <= end) return ok(start);
    }
    return fail(EBUSY);
  }

  /** R-gap, from above: in every gap, from the highest down, the highest aligned address. */
  highestGap(size: bigint, alignment: bigint, first: bigint, last: bigint): Result<bigint> {
    if (!isGapRequest(size, alignment, first, last)) return fail(EINVAL);
    for (const gap of this.gaps().reverse()) {
      const start = larger(gap.first, first);
      const end = smaller(gap.last, last);
      if (start + size - 1n > end) continue; // no room even unaligned
      const highest = roundDown(end - size + 1n, alignment);
      if (highest >= start) return ok(highest);
    }
    return fail(EBUSY);
  }

  /** R-allocate */
  allocate(size: bigint, alignment: bigint, first: bigint, last: bigint, value: number, fromTop: boolean): Result<bigint> {
    if (value === 0) return fail(EINVAL);
    const gap = fromTop ? this.highestGap(size, alignment, first, last) : this.lowestGap(size, alignment, first, last);
    if (gap.ok) this.insert(gap.value, gap.value + size - 1n, value);
    return gap;
  }

  /** R-cyclic */
  allocateCyclic(size: bigint, alignment: bigint, first: bigint, last: bigint, next: bigint, value: number): Result<{ start: bigint; wrapped: boolean }> {
    if (value === 0 || !isGapRequest(size, alignment, first, last)) return fail(EINVAL);
    const above = this.lowestGap(size, alignment, larger(first, next), last); // EINVAL when that window is too small
    const gap = above.ok || next <= first ? above : this.lowestGap(size, alignment, first, last);
    if (!gap.ok) return gap;
    this.insert(gap.value, gap.value + size - 1n, value);
    const wrapped = !above.ok || this.owesWrap;
    this.owesWrap = gap.value + size - 1n === U64_MAX;
    return ok({ start: gap.value, wrapped });
  }

  /** R-duplicate */
  duplicate(target: ReferenceRangeStore): Result<void> {
    if (target === this || target.count > 0) return fail(EINVAL);
    target.entries = this.entries;
    return ok();
  }

  /** R-snapshot */
  snapshot(): Result<ReferenceRangeStore> {
    const snapshot = new ReferenceSnapshot();
    snapshot.entries = this.entries;
    return ok(snapshot);
  }

  /** R-bulk */
  bulkLoad(entries: readonly Entry[]): Result<void> {
    if (this.count > 0) return fail(EEXIST);
    let lastBefore = -1n;
    for (const { first, last, value } of entries) {
      if (first > last || value === 0 || first <= lastBefore) return fail(EINVAL);
      lastBefore = last;
    }
    this.entries = entries.map(({ first, last, value }) => ({ first, last, value }));
    return ok();
  }

  /** R-clear */
  clear(): Result<void> {
    this.entries = [];
    return ok();
  }

  private holder(i: bigint): Entry | undefined {
    return this.entries.find((entry) => entry.first <= i && i <= entry.last);
  }

  /** The maximal gaps, ascending: what lies before, between and after the entries. */
  private gaps(): Entry[] {
    const gaps: Entry[] = [];
    let free = 0n;
    for (const entry of this.entries) {
      if (free < entry.first) gaps.push({ first: free, last: entry.first - 1n, value: 0 });
      free = entry.last + 1n;
    }
    if (free <= U64_MAX) gaps.push({ first: free, last: U64_MAX, value: 0 });
    return gaps;
  }
}

/** A store that only reads: every write is EROFS, whatever else would be wrong with it. */
class ReferenceSnapshot extends ReferenceRangeStore {
  override store(): Result<void> {
    return fail(EROFS);
  }

  override insert(): Result<void> {
    return fail(EROFS);
  }

  override erase(): number {
    return 0;
  }

  override allocate(): Result<bigint> {
    return fail(EROFS);
  }

  override allocateCyclic(): Result<{ start: bigint; wrapped: boolean }> {
    return fail(EROFS);
  }

  override bulkLoad(): Result<void> {
    return fail(EROFS);
  }

  override clear(): Result<void> {
    return fail(EROFS);
  }

  override snapshot(): Result<ReferenceRangeStore> {
    return fail(EROFS);
  }
}

function touches(row: Entry, first: bigint, last: bigint): boolean {
  return row.first <= last && row.last >= first;
}

function byFirst(a: Entry, b: Entry): number {
  return a.first < b.first ? -1 : 1;
}

/** The EINVALs of R-gap. */
function isGapRequest(size: bigint, alignment: bigint, first: bigint, last: bigint): boolean {
  return first <= last && size > 0n && isPowerOfTwo(alignment) && size <= last - first + 1n;
}
