// The workload of the range-store benchmark: the same ranges, orders, queries and requests for every contender, in whatever language it is written.
//
// bench/native/workload.rs draws the same numbers in the same order; the check values below hold for both.

/** Numbers of ranges that are measured. */
export const SIZES: readonly number[] = [16, 256, 4096, 65536, 1048576];

export const PAGE = 4096;
export const BASE = 2 ** 32;
export const LIMIT = Number.MAX_SAFE_INTEGER;
export const QUERIES = 2 ** 20;
export const PAIRS = 2 ** 16;
/** Write metrics do at least this many operations: over this / N trees where N is smaller. */
export const LEAST_WRITES = 65536;
/** Bigger than every gap between two ranges. */
export const TAIL_SIZE = 17 * PAGE;
export const MODULUS = 1_000_000_007;

const SEED = 0x9e37_79b9;
const MOST_GAP_PAGES = 16;
const MOST_RANGE_PAGES = 64;

export interface Workload {
  readonly n: number;
  /** Range i is firsts[i]..lasts[i], its value i + 1. */
  readonly firsts: Float64Array;
  readonly lasts: Float64Array;
  /** The order of random inserts, and the one of erases and replacements. */
  readonly insertOrder: Uint32Array;
  readonly eraseOrder: Uint32Array;
  /** Indices to look up: each lies in a range. */
  readonly keys: Float64Array;
  /** Sizes in bytes for filling with allocations. */
  readonly fillSizes: Float64Array;
  /** Requests for gaps: a range to start from, and a size in bytes. */
  readonly pairRanges: Uint32Array;
  readonly pairSizes: Float64Array;
}

/** xorshift32. */
function createDraw(): () => number {
  let x = SEED;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

function permutation(n: number, draw: () => number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = draw() % (i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}

/** How many trees a write metric works on. */
export function treeCount(n: number): number {
  return Math.max(1, Math.floor(LEAST_WRITES / n));
}

/** Draws the workload of `n` ranges. The order of the draws is part of it. */
export function createWorkload(n: number): Workload {
  const draw = createDraw();
  const firsts = new Float64Array(n);
  const lasts = new Float64Array(n);
  let position = BASE;
  for (let i = 0; i < n; i++) {
    const gap = 1 + (draw() % MOST_GAP_PAGES);
    const pages = 1 + (draw() % MOST_RANGE_PAGES);
    firsts[i] = position + gap * PAGE;
    lasts[i] = firsts[i]! + pages * PAGE - 1;
    position = lasts[i]! + 1;
  }
  const insertOrder = permutation(n, draw);
  const eraseOrder = permutation(n, draw);
  const keys = new Float64Array(QUERIES);
  for (let q = 0; q < QUERIES; q++) {
    const j = draw() % n;
    keys[q] = firsts[j]! + (draw() % (lasts[j]! - firsts[j]! + 1));
  }
  const fillSizes = Float64Array.from({ length: Math.max(8, n >>> 2) }, () => (1 + (draw() % 16)) * PAGE);
  const pairRanges = new Uint32Array(PAIRS);
  const pairSizes = new Float64Array(PAIRS);
  for (let p = 0; p < PAIRS; p++) {
    pairRanges[p] = draw() % n;
    pairSizes[p] = (1 + (draw() % 8)) * PAGE;
  }
  return { n, firsts, lasts, insertOrder, eraseOrder, keys, fillSizes, pairRanges, pairSizes };
}

/** A sum of page-aligned addresses, given in pages, as the check values have it. */
export function addressSum(pages: number): number {
  return Number((BigInt(pages) * BigInt(PAGE)) % BigInt(MODULUS));
}

/** What every contender must answer, per metric, in the order of SIZES. */
export const CHECK_VALUES: Readonly<Record<string, readonly number[]>> = {
  load: [8912580, 134687485, 2145420336, 4262287335, 3943535291],
  load_dep: [8912580, 134687485, 2145420336, 4262287335, 3943535291],
  load_table: [8912580, 134687485, 2145420336, 4262287335, 3943535291],
  gap_rnd: [315636624, 990551116, 823045152, 418729360, 194158077],
  gap_rev: [295032327, 978459836, 837299344, 248802816, 86023789],
  alloc_fill: [366070546, 200354427, 894940053, 515702636, 865912567],
};

/** The last index of the last range, in the order of SIZES. */
export const LAST_INDICES: readonly number[] = [4298510335, 4342325247, 4993253375, 15319162879, 180255219711];
