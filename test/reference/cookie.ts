// The table of one open device file (C rules): which ranges of its offsets are which region.

import { ReferenceRangeStore } from './range-store.ts';
import { EINVAL, ENOSPC, fail, larger, ok, roundDown, roundUp, smaller, type Result } from './result.ts';
import { ReferenceXorshift } from './xorshift.ts';

export type CookieMode = 'index' | 'cookie' | 'scattered';

const PAGE_SIZE = 4096n;
const INDEX_SHIFT = 40n;
const INDEX_SIZE = 1n << INDEX_SHIFT;
const MAX_ALIGNMENT = 2n ** 30n;
const COOKIE_LAST = 2n ** 63n - 1n;
const SCATTERED_LAST = 2n ** 53n - 1n;

export class ReferenceCookieTable {
  /** The owned ranges; the value is index + 1. */
  readonly ranges = new ReferenceRangeStore();
  private readonly mode: CookieMode;
  private readonly sizes: readonly bigint[];
  private readonly random: ReferenceXorshift;
  /** What was given out, by index. */
  private readonly given = new Map<number, bigint>();

  /** `sizes[i]` is the size of region `i`; the seed, a u32 and not 0, matters in the mode `scattered` only. */
  static open(mode: CookieMode, sizes: readonly bigint[], seed = 1): Result<ReferenceCookieTable> {
    if (mode === 'index' && sizes.some((size) => size > INDEX_SIZE)) return fail(EINVAL);
    return ok(new ReferenceCookieTable(mode, sizes, seed));
  }

  private constructor(mode: CookieMode, sizes: readonly bigint[], seed: number) {
    this.mode = mode;
    this.sizes = sizes;
    this.random = new ReferenceXorshift(seed);
    if (mode === 'index') {
      sizes.forEach((_, index) => this.own(index, indexOffset(index), INDEX_SIZE)); // C-index
    }
  }

  /** The offset of region `index`: placed at the first request, the same ever after. */
  request(index: number): Result<bigint> {
    const size = this.sizes[index];
    if (size === undefined) return fail(EINVAL);
    const given = this.given.get(index);
    if (given !== undefined) return ok(given);
    if (size === 0n) return ok(0n); // C-empty
    const length = roundUp(size, PAGE_SIZE);
    const alignment = alignmentOf(length);
    const offset = this.mode === 'scattered' ? this.scattered(index, length, alignment) : this.lowest(length, alignment, PAGE_SIZE, COOKIE_LAST);
    if (offset === undefined) return fail(ENOSPC);
    this.own(index, offset, length);
    return ok(offset);
  }

  /** C-resolve */
  resolve(offset: bigint): { index: number; position: bigint } | undefined {
    const range = this.ranges.find(offset, offset);
    return range && { index: range.value - 1, position: offset - range.first };
  }

  /** C-scattered: from a random start up, then from the bottom. */
  private scattered(index: number, length: bigint, alignment: bigint): bigint | undefined {
    const drawn = roundDown(this.random.next52(), alignment);
    const start = drawn < PAGE_SIZE ? roundUp(PAGE_SIZE, alignment) : drawn;
    return this.lowestBut(index, length, alignment, start) ?? this.lowestBut(index, length, alignment, PAGE_SIZE);
  }

  /** The lowest free offset from `first` on that is not the region's own `index << 40`. */
  private lowestBut(index: number, length: bigint, alignment: bigint, first: bigint): bigint | undefined {
    const offset = this.lowest(length, alignment, first, SCATTERED_LAST);
    return offset === indexOffset(index) ? this.lowest(length, alignment, offset + alignment, SCATTERED_LAST) : offset;
  }

  /** For a table any failure is the same: nothing is free there, even if the window is smaller than the length. */
  private lowest(length: bigint, alignment: bigint, first: bigint, last: bigint): bigint | undefined {
    const gap = this.ranges.lowestGap(length, alignment, first, last);
    return gap.ok ? gap.value : undefined;
  }

  private own(index: number, offset: bigint, length: bigint): void {
    this.ranges.insert(offset, offset + length - 1n, index + 1);
    this.given.set(index, offset);
  }
}

function indexOffset(index: number): bigint {
  return BigInt(index) << INDEX_SHIFT;
}

/** C-cookie: `length` rounded up to a power of two, within 4096..2^30. */
function alignmentOf(length: bigint): bigint {
  let power = 1n;
  while (power < length) power *= 2n;
  return smaller(larger(power, PAGE_SIZE), MAX_ALIGNMENT);
}
