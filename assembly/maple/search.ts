// Searching inside one node: which slot, which child, which child has room. One text, two builds: vectors where the build has them, else selects.
//
//   a leaf, how many of 12 keys lie below k:       [k>a k>b][k>c k>d] ...                 two to a vector; each true lane is -1: add up, negate
//   an inner node, the same of 30 pivots:          | 0 ... 13 | 14 15 | 16 ... 29 |       pivot 13 tells whether to count in 0..15 or in 14..29
//   without vectors:                               12 -> 6 -> 3 -> 0..3, 16 -> 8 -> 4 -> 2 -> 0..1, each step a select
//
// No step branches on the keys, so a search in one node is never mispredicted and several lookups overlap.

import { FIRST, GAP, INNER_CAPACITY, LAST, PIVOT, child, ordered } from './node.ts';

/** What vectors of compared keys count, all lanes together. */
function added(lanes: v128): u32 {
  // Adding the halves while they are vectors costs less than taking both out.
  return <u32>-i32x4.extract_lane(i64x2.add(lanes, i8x16.shuffle(lanes, lanes, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)), 0);
}

/** Keys below the one in both lanes of `k` among the twelve at `keys`. */
function countOfTwelve(keys: u32, k: v128): u32 {
  let below = i64x2.gt_s(k, v128.load(keys));
  below = i64x2.add(below, i64x2.gt_s(k, v128.load(keys, 16)));
  let more = i64x2.gt_s(k, v128.load(keys, 32));
  more = i64x2.add(more, i64x2.gt_s(k, v128.load(keys, 48)));
  below = i64x2.add(below, i64x2.gt_s(k, v128.load(keys, 64)));
  more = i64x2.add(more, i64x2.gt_s(k, v128.load(keys, 80)));
  return added(i64x2.add(below, more));
}

/** Keys below the one in both lanes of `k` among the sixteen at `keys`. */
function countOfSixteen(keys: u32, k: v128): u32 {
  let below = i64x2.gt_s(k, v128.load(keys));
  let more = i64x2.gt_s(k, v128.load(keys, 16));
  below = i64x2.add(below, i64x2.gt_s(k, v128.load(keys, 32)));
  more = i64x2.add(more, i64x2.gt_s(k, v128.load(keys, 48)));
  let third = i64x2.gt_s(k, v128.load(keys, 64));
  let fourth = i64x2.gt_s(k, v128.load(keys, 80));
  third = i64x2.add(third, i64x2.gt_s(k, v128.load(keys, 96)));
  fourth = i64x2.add(fourth, i64x2.gt_s(k, v128.load(keys, 112)));
  return added(i64x2.add(i64x2.add(below, more), i64x2.add(third, fourth)));
}

/** `from`, or the address `bytes` behind it when the key that ends there is below `key`. */
function step(from: u32, bytes: u32, key: i64): u32 {
  return select<u32>(from + bytes, from, load<i64>(from + bytes - 8) < key);
}

/** `leafSlot` for an index in the stored order. */
export function leafSlotOf(leaf: u32, key: i64): u32 {
  const keys = leaf + LAST;
  if (ASC_FEATURE_SIMD) return countOfTwelve(keys, i64x2.splat(key));
  const three = step(step(keys, 48, key), 24, key);
  return ((three - keys) >>> 3) + u32(load<i64>(three) < key) + u32(load<i64>(three, 8) < key) + u32(load<i64>(three, 16) < key);
}

// The sixteen keys of the upper half overlap those of the lower one: fourteen are left behind, and vectors stay aligned.

/** The slot among an inner node's pivots from which on to count: 0 or 14. */
function upperHalf(inner: u32, key: i64): u32 {
  return select<u32>(14, 0, load<i64>(inner, PIVOT + 104) < key);
}

/** `innerSlot` for an index in the stored order, which is also in both lanes of `k`. */
function innerSlotVector(inner: u32, key: i64, k: v128): u32 {
  const half = upperHalf(inner, key);
  return half + countOfSixteen(inner + (half << 3) + PIVOT, k);
}

/** The same without vectors. */
function innerSlotScalar(inner: u32, key: i64): u32 {
  const half = upperHalf(inner, key);
  const keys = inner + (half << 3) + PIVOT;
  const two = step(step(step(keys, 64, key), 32, key), 16, key);
  // Of sixteen never all are below the key: behind the lower fourteen the search went up, and the last pivot of all is the highest index.
  return half + ((two - keys) >>> 3) + u32(load<i64>(two) < key);
}

/** The leaf below `node`, `levels` levels high, in which `key`, an index in the stored order, lies. */
// @ts-expect-error: as in read.ts.
@inline
export function leafOf(node: u32, levels: u32, key: i64): u32 {
  let at = node;
  let rest = levels;
  if (ASC_FEATURE_SIMD) {
    // The key goes into a vector once, not on each level.
    const k = i64x2.splat(key);
    while (rest > 1) {
      at = child(at, innerSlotVector(at, key, k));
      rest -= 1;
    }
    return at;
  }
  while (rest > 1) {
    at = child(at, innerSlotScalar(at, key));
    rest -= 1;
  }
  return at;
}

/** The slot of a leaf that holds `index`, or the one behind the gap it lies in. */
export function leafSlot(leaf: u32, index: u64): u32 {
  return leafSlotOf(leaf, ordered(index));
}

/** The slot of the child that covers `index`. */
export function innerSlot(inner: u32, index: u64): u32 {
  const key = ordered(index);
  return ASC_FEATURE_SIMD ? innerSlotVector(inner, key, i64x2.splat(key)) : innerSlotScalar(inner, key);
}

/** One bit for each child below which a gap is at least `length` long. */
function roomy(inner: u32, length: u64): u32 {
  const wanted = ordered(length);
  let bits: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    const w = i64x2.splat(wanted);
    for (let slot: u32 = 0; slot < INNER_CAPACITY; slot += 6) {
      const gaps = inner + (slot << 3);
      const four = i64x2.bitmask(i64x2.ge_s(v128.load(gaps, GAP), w)) | (i64x2.bitmask(i64x2.ge_s(v128.load(gaps, GAP + 16), w)) << 2);
      bits |= <u32>(four | (i64x2.bitmask(i64x2.ge_s(v128.load(gaps, GAP + 32), w)) << 4)) << slot;
    }
    return bits;
  }
  for (let slot: u32 = 0; slot < INNER_CAPACITY; slot++) bits |= u32(load<i64>(inner + (slot << 3), GAP) >= wanted) << slot;
  return bits;
}

/** The first child from `from` on with a gap of `length` below it; INNER_CAPACITY or more when there is none. */
export function nextRoomy(inner: u32, from: u32, length: u64): u32 {
  if (from >= INNER_CAPACITY) return INNER_CAPACITY;
  return ctz<u32>(roomy(inner, length) & (u32.MAX_VALUE << from));
}

/** One more than the last child before `before` with a gap of `length` below it; 0 when there is none. */
export function previousRoomy(inner: u32, before: u32, length: u64): u32 {
  return 32 - clz<u32>(roomy(inner, length) & ((1 << before) - 1));
}

/** The longer one of two flipped gaps, lane by lane. */
function longer(a: v128, b: v128): v128 {
  return v128.bitselect(a, b, i64x2.gt_s(a, b));
}

function longestLane(gaps: v128): u64 {
  return ordered(max<i64>(i64x2.extract_lane(gaps, 0), i64x2.extract_lane(gaps, 1)));
}

/** The longest gap below an inner node. */
export function innerGap(inner: u32): u64 {
  if (ASC_FEATURE_SIMD) {
    // Three chains of comparisons, because one would wait for itself.
    let a = v128.load(inner, GAP);
    let b = v128.load(inner, GAP + 16);
    let c = v128.load(inner, GAP + 32);
    for (let at = inner + 48; at < inner + (INNER_CAPACITY << 3); at += 48) {
      a = longer(a, v128.load(at, GAP));
      b = longer(b, v128.load(at, GAP + 16));
      c = longer(c, v128.load(at, GAP + 32));
    }
    return longestLane(longer(longer(a, b), c));
  }
  let longest = load<i64>(inner, GAP);
  for (let at = inner + 8; at < inner + (INNER_CAPACITY << 3); at += 8) longest = max<i64>(longest, load<i64>(at, GAP));
  return ordered(longest);
}

/** The longest gap of a leaf that covers low..high. */
export function leafGap(leaf: u32, low: u64, high: u64): u64 {
  const n = <u32>load<u16>(leaf);
  if (n == 0) return 0;
  const longest = ASC_FEATURE_SIMD ? longestBefore(leaf, n, low) : longestBeforeScalar(leaf, n, low);
  // Behind the last entry there is a gap on the right edge only.
  return max<u64>(longest, high - ordered(load<u64>(leaf + ((n - 1) << 3), LAST)));
}

/** The longest gap in front of one of the `n` entries. Differences of flipped numbers are those of the numbers; to be compared they are flipped again. */
function longestBeforeScalar(leaf: u32, n: u32, low: u64): u64 {
  let longest = ordered(0);
  let free = ordered(low);
  for (let at = leaf; at < leaf + (n << 3); at += 8) {
    longest = max<i64>(longest, ordered(load<i64>(at, FIRST) - free));
    free = load<i64>(at, LAST) + 1;
  }
  return ordered(longest);
}

/** The flipped gaps between the two entries at `firsts` and the ones whose last indices are `before`; 0 for those that are not `used`. */
function gapsOf(firsts: u32, before: v128, used: v128): v128 {
  const free = i64x2.sub(i64x2.sub(v128.load(firsts), before), i64x2.splat(1));
  return v128.xor(v128.and(free, used), i64x2.splat(i64.MIN_VALUE));
}

// Two gaps at a time: entries i, i+1 against entries i-1, i, which lie eight bytes lower. Without a loop: its constants would be made anew in every turn.
function longestBefore(leaf: u32, n: u32, low: u64): u64 {
  const end = i64x2.splat(<i64>n);
  const firsts = leaf + FIRST;
  const lasts = leaf + LAST;
  // In front of the first entry lies not an entry but the leaf's bound.
  const a = gapsOf(firsts, i64x2.replace_lane(v128.load(lasts - 8), 0, ordered(low - 1)), i64x2.gt_s(end, i64x2(0, 1)));
  const b = gapsOf(firsts + 16, v128.load(lasts, 8), i64x2.gt_s(end, i64x2(2, 3)));
  const c = gapsOf(firsts + 32, v128.load(lasts, 24), i64x2.gt_s(end, i64x2(4, 5)));
  const d = gapsOf(firsts + 48, v128.load(lasts, 40), i64x2.gt_s(end, i64x2(6, 7)));
  const e = gapsOf(firsts + 64, v128.load(lasts, 56), i64x2.gt_s(end, i64x2(8, 9)));
  const f = gapsOf(firsts + 80, v128.load(lasts, 72), i64x2.gt_s(end, i64x2(10, 11)));
  return longestLane(longer(longer(longer(a, b), longer(c, d)), longer(e, f)));
}
