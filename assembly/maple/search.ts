// Searching inside one node: which slot, which child, which child has room. One text, two builds: vectors where the build has them, else selects.
//
//   how many of 12 keys lie below k, with vectors (6 compares, no branch):     [k>a k>b][k>c k>d] ...  each true lane is -1: add up, negate
//   without:  one half, then one half of that, then three compares             12 -> 6 -> 3 -> 0..3, each step a select
//
// No step branches on the keys, so a search in one node is never mispredicted and several lookups overlap.

import { CHILD, FIRST, GAP, INNER_CAPACITY, LAST, LEAF_CAPACITY, PIVOT, ordered } from './node.ts';

/** Keys below the one in both lanes of `k` among the twelve at `keys`. */
function countBelowVector(keys: u32, k: v128): u32 {
  let below = i64x2.gt_s(k, v128.load(keys));
  below = i64x2.add(below, i64x2.gt_s(k, v128.load(keys, 16)));
  let more = i64x2.gt_s(k, v128.load(keys, 32));
  more = i64x2.add(more, i64x2.gt_s(k, v128.load(keys, 48)));
  below = i64x2.add(below, i64x2.gt_s(k, v128.load(keys, 64)));
  more = i64x2.add(more, i64x2.gt_s(k, v128.load(keys, 80)));
  below = i64x2.add(below, more);
  // Adding the halves while they are vectors costs less than taking both out.
  below = i64x2.add(below, i8x16.shuffle(below, below, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return <u32>-(<i32>i64x2.extract_lane(below, 0));
}

/** Keys below `key` among the twelve at `keys`. */
function countBelow(keys: u32, key: i64): u32 {
  if (ASC_FEATURE_SIMD) return countBelowVector(keys, i64x2.splat(key));
  const half = select<u32>(keys + 48, keys, load<i64>(keys, 40) < key);
  const quarter = select<u32>(half + 24, half, load<i64>(half, 16) < key);
  return ((quarter - keys) >>> 3) + u32(load<i64>(quarter) < key) + u32(load<i64>(quarter, 8) < key) + u32(load<i64>(quarter, 16) < key);
}

/** `leafSlot` for an index in the stored order. */
export function leafSlotOf(leaf: u32, key: i64): u32 {
  return countBelow(leaf + LAST, key);
}

/** Where the twelve pivots begin among which the search goes on, in bytes from the first: 0 or 96. Half of that is where their children begin. */
function upperHalf(inner: u32, key: i64): u32 {
  return select<u32>(96, 0, load<i64>(inner, PIVOT + 88) < key);
}

/** The leaf below `node`, `levels` levels high, in which `key`, an index in the stored order, lies. */
export function leafOf(node: u32, levels: u32, key: i64): u32 {
  let at = node;
  let rest = levels;
  if (ASC_FEATURE_SIMD) {
    // The key goes into a vector once, not on each level.
    const k = i64x2.splat(key);
    while (rest > 1) {
      const half = upperHalf(at, key);
      at = load<u32>(at + (half >>> 1) + (countBelowVector(at + half + PIVOT, k) << 2), CHILD);
      rest -= 1;
    }
    return at;
  }
  while (rest > 1) {
    const half = upperHalf(at, key);
    at = load<u32>(at + (half >>> 1) + (countBelow(at + half + PIVOT, key) << 2), CHILD);
    rest -= 1;
  }
  return at;
}

/** The slot of a leaf that holds `index`, or the one behind the gap it lies in. */
export function leafSlot(leaf: u32, index: u64): u32 {
  return countBelow(leaf + LAST, ordered(index));
}

/** The slot of the child that covers `index`. */
export function innerSlot(inner: u32, index: u64): u32 {
  const key = ordered(index);
  const half = upperHalf(inner, key);
  return (half >>> 3) + countBelow(inner + half + PIVOT, key);
}

/** One bit for each child below which a gap is at least `length` long. */
function roomy(inner: u32, length: u64): u32 {
  const wanted = ordered(length);
  let bits: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    const w = i64x2.splat(wanted);
    for (let slot: u32 = 0; slot < INNER_CAPACITY; slot += 8) {
      const gaps = inner + (slot << 3);
      const four = i64x2.bitmask(i64x2.ge_s(v128.load(gaps, GAP), w)) | (i64x2.bitmask(i64x2.ge_s(v128.load(gaps, GAP + 16), w)) << 2);
      const more = i64x2.bitmask(i64x2.ge_s(v128.load(gaps, GAP + 32), w)) | (i64x2.bitmask(i64x2.ge_s(v128.load(gaps, GAP + 48), w)) << 2);
      bits |= <u32>(four | (more << 4)) << slot;
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

/** The longest gap below an inner node. */
export function innerGap(inner: u32): u64 {
  if (ASC_FEATURE_SIMD) {
    let longest = v128.load(inner, GAP);
    for (let at = inner + 16; at < inner + (INNER_CAPACITY << 3); at += 16) {
      const gaps = v128.load(at, GAP);
      longest = v128.bitselect(gaps, longest, i64x2.gt_s(gaps, longest));
    }
    return ordered(max<i64>(i64x2.extract_lane(longest, 0), i64x2.extract_lane(longest, 1)));
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

// Two gaps at a time: entries i, i+1 against entries i-1, i, which lie eight bytes lower. What is behind the n-th entry is masked out.
function longestBefore(leaf: u32, n: u32, low: u64): u64 {
  const one = i64x2.splat(1);
  const flip = i64x2.splat(i64.MIN_VALUE);
  const limit = i64x2.splat(<i64>n);
  const two = i64x2.splat(2);
  let slots = i64x2(0, 1);
  let longest = flip;
  // In front of the first entry lies not an entry but the leaf's bound.
  let before = i64x2.replace_lane(v128.load(leaf, LAST - 8), 0, ordered(low - 1));
  for (let at = leaf; at < leaf + LEAF_CAPACITY * 8; at += 16) {
    const gaps = i64x2.sub(i64x2.sub(v128.load(at, FIRST), before), one);
    const flipped = v128.xor(v128.and(gaps, i64x2.gt_s(limit, slots)), flip);
    longest = v128.bitselect(flipped, longest, i64x2.gt_s(flipped, longest));
    slots = i64x2.add(slots, two);
    before = v128.load(at, LAST + 8);
  }
  return ordered(max<i64>(i64x2.extract_lane(longest, 0), i64x2.extract_lane(longest, 1)));
}
