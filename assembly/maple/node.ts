// Node formats of the range store, and nothing that walks them.
//
//   leaf, 256 bytes: up to 12 entries, no slot is spent on a gap
//   0          16               112               208               256
//   | header    | last  x 12     | first x 12      | value u32 x 12  |
//
//   inner node, 640 bytes: up to 30 children
//   0          16               256               376   384               624      640
//   | header    | pivot x 30     | child u32 x 30  |     | gap x 30        | unused |
//
//   header:  0 count u16 | 2 type u8 (1 leaf, 2 inner) | 4 next retired node u32 | 8 stamp u64: the version that made the node
//
// pivot[i] is the last index of the last entry below child[i], so the gap in front of an entry always lies in that entry's leaf, and the gap behind the very
// last entry in the right-most leaf. gap[i] is the exact length of the longest gap below child[i]; exact, not rounded, so that a search never
// descends in vain.
//
// last, first, pivot and gap are u64 with the top bit flipped: then a signed comparison orders them, which is the only one that vectors have. Slots that are not used, and the
// pivot of the last child, hold the highest index, value 0 and gap 0: a search compares them all and need not know the count.

export const LEAF_CAPACITY: u32 = 12;
export const INNER_CAPACITY: u32 = 30;
// Below a third, a node borrows from a sibling or joins it; the distance to one half keeps a node from flapping.
export const LEAF_MINIMUM: u32 = 4;
export const INNER_MINIMUM: u32 = 10;

export const LEAF_BYTES: u32 = 256;
export const INNER_BYTES: u32 = 640;

const TYPE_LEAF: u8 = 1;
const TYPE_INNER: u8 = 2;

export const LAST: u32 = 16;
export const FIRST: u32 = 112;
export const VALUE: u32 = 208;
export const PIVOT: u32 = 16;
export const CHILD: u32 = 256;
export const GAP: u32 = 384;

const FLIP: u64 = 0x8000000000000000;
const HIGHEST: u64 = 0x7fffffffffffffff;

/** An index as nodes store it. */
export function ordered(index: u64): i64 {
  return <i64>(index ^ FLIP);
}

/** Makes a block a leaf without entries; its slots are still to be filled or cleared. */
export function setLeafType(node: u32): void {
  store<u32>(node, <u32>TYPE_LEAF << 16);
}

export function initLeaf(node: u32): void {
  setLeafType(node);
  clearEntries(node, 0, LEAF_CAPACITY);
}

export function initInner(node: u32): void {
  store<u32>(node, <u32>TYPE_INNER << 16);
  clearChildren(node, 0, INNER_CAPACITY);
}

export function isLeaf(node: u32): bool {
  return load<u8>(node, 2) == TYPE_LEAF;
}

export function isInner(node: u32): bool {
  return load<u8>(node, 2) == TYPE_INNER;
}

export function nodeBytes(node: u32): u32 {
  return isLeaf(node) ? LEAF_BYTES : INNER_BYTES;
}

export function count(node: u32): u32 {
  return load<u16>(node);
}

export function setCount(node: u32, n: u32): void {
  store<u16>(node, <u16>n);
}

export function nextRetired(node: u32): u32 {
  return load<u32>(node, 4);
}

export function setNextRetired(node: u32, next: u32): void {
  store<u32>(node, next, 4);
}

export function stamp(node: u32): u64 {
  return load<u64>(node, 8);
}

export function setStamp(node: u32, version: u64): void {
  store<u64>(node, version, 8);
}

export function last(leaf: u32, slot: u32): u64 {
  return load<u64>(leaf + (slot << 3), LAST) ^ FLIP;
}

export function first(leaf: u32, slot: u32): u64 {
  return load<u64>(leaf + (slot << 3), FIRST) ^ FLIP;
}

export function value(leaf: u32, slot: u32): u32 {
  return load<u32>(leaf + (slot << 2), VALUE);
}

export function setLast(leaf: u32, slot: u32, index: u64): void {
  store<u64>(leaf + (slot << 3), index ^ FLIP, LAST);
}

export function setFirst(leaf: u32, slot: u32, index: u64): void {
  store<u64>(leaf + (slot << 3), index ^ FLIP, FIRST);
}

export function setValue(leaf: u32, slot: u32, v: u32): void {
  store<u32>(leaf + (slot << 2), v, VALUE);
}

export function setEntry(leaf: u32, slot: u32, from: u64, to: u64, v: u32): void {
  setFirst(leaf, slot, from);
  setLast(leaf, slot, to);
  setValue(leaf, slot, v);
}

export function pivot(inner: u32, slot: u32): u64 {
  return load<u64>(inner + (slot << 3), PIVOT) ^ FLIP;
}

export function setPivot(inner: u32, slot: u32, index: u64): void {
  store<u64>(inner + (slot << 3), index ^ FLIP, PIVOT);
}

export function child(inner: u32, slot: u32): u32 {
  return load<u32>(inner + (slot << 2), CHILD);
}

export function setChild(inner: u32, slot: u32, node: u32): void {
  store<u32>(inner + (slot << 2), node, CHILD);
}

export function gap(inner: u32, slot: u32): u64 {
  return load<u64>(inner + (slot << 3), GAP) ^ FLIP;
}

export function setGap(inner: u32, slot: u32, length: u64): void {
  store<u64>(inner + (slot << 3), length ^ FLIP, GAP);
}

/** Makes slots from..to-1 unused ones. */
export function clearEntries(leaf: u32, from: u32, to: u32): void {
  for (let slot = from; slot < to; slot++) {
    store<u64>(leaf + (slot << 3), HIGHEST, LAST);
    store<u64>(leaf + (slot << 3), HIGHEST, FIRST);
    store<u32>(leaf + (slot << 2), 0, VALUE);
  }
}

/** Makes children from..to-1 unused ones, and the pivots in front of them. */
export function clearChildren(inner: u32, from: u32, to: u32): void {
  for (let slot = from; slot < to; slot++) {
    store<u64>(inner + (slot << 3), HIGHEST, PIVOT);
    store<u64>(inner + (slot << 3), FLIP, GAP);
    store<u32>(inner + (slot << 2), 0, CHILD);
  }
  if (from > 0) store<u64>(inner + ((from - 1) << 3), HIGHEST, PIVOT);
}

// Loops, because a call of memory.copy costs more than the few moves that there are.

/** Copies `n` entries between leaves, or within one; the ranges may overlap. */
export function moveEntries(to: u32, toSlot: u32, from: u32, fromSlot: u32, n: u32): void {
  const target = to + (toSlot << 3);
  const source = from + (fromSlot << 3);
  moveLongs(target + LAST, source + LAST, n);
  moveLongs(target + FIRST, source + FIRST, n);
  moveWords(to + (toSlot << 2) + VALUE, from + (fromSlot << 2) + VALUE, n);
}

function moveLongs(to: u32, from: u32, n: u32): void {
  const bytes = n << 3;
  if (to <= from) {
    for (let at: u32 = 0; at < bytes; at += 8) store<u64>(to + at, load<u64>(from + at));
  } else {
    for (let at = bytes; at > 0; at -= 8) store<u64>(to + at - 8, load<u64>(from + at - 8));
  }
}

function moveWords(to: u32, from: u32, n: u32): void {
  const bytes = n << 2;
  if (to <= from) {
    for (let at: u32 = 0; at < bytes; at += 4) store<u32>(to + at, load<u32>(from + at));
  } else {
    for (let at = bytes; at > 0; at -= 4) store<u32>(to + at - 4, load<u32>(from + at - 4));
  }
}

// With vectors two entries go at once. When their number is odd one more goes along: the loop has one end, and who calls writes over what that one was moved onto.

/** Moves the entries from `slot` on by one, towards higher slots; the leaf has room. What `slot` holds then is still to be written. */
export function openSlot(leaf: u32, slot: u32, n: u32): void {
  let at = leaf + (n << 3);
  let values = leaf + (n << 2);
  const end = leaf + (slot << 3);
  if (ASC_FEATURE_SIMD) {
    while (at > end) {
      at -= 16;
      values -= 8;
      v128.store(at, v128.load(at, LAST), LAST + 8);
      v128.store(at, v128.load(at, FIRST), FIRST + 8);
      store<u64>(values, load<u64>(values, VALUE), VALUE + 4);
    }
    return;
  }
  while (at > end) {
    at -= 8;
    values -= 4;
    store<u64>(at, load<u64>(at, LAST), LAST + 8);
    store<u64>(at, load<u64>(at, FIRST), FIRST + 8);
    store<u32>(values, load<u32>(values, VALUE), VALUE + 4);
  }
}

/** Moves the entries behind `slot` onto it; the last of `n` becomes unused. */
export function closeSlot(leaf: u32, slot: u32, n: u32): void {
  let at = leaf + (slot << 3);
  let values = leaf + (slot << 2);
  const end = leaf + ((n - 1) << 3);
  if (ASC_FEATURE_SIMD) {
    while (at < end) {
      v128.store(at, v128.load(at, LAST + 8), LAST);
      v128.store(at, v128.load(at, FIRST + 8), FIRST);
      store<u64>(values, load<u64>(values, VALUE + 4), VALUE);
      at += 16;
      values += 8;
    }
  } else {
    while (at < end) {
      store<u64>(at, load<u64>(at, LAST + 8), LAST);
      store<u64>(at, load<u64>(at, FIRST + 8), FIRST);
      store<u32>(values, load<u32>(values, VALUE + 4), VALUE);
      at += 8;
      values += 4;
    }
  }
  setEntry(leaf, n - 1, u64.MAX_VALUE, u64.MAX_VALUE, 0);
}

/** Moves the upper half of a full leaf into a fresh one; the upper halves of both are then unused. */
export function halveEntries(left: u32, right: u32): void {
  if (ASC_FEATURE_SIMD) {
    halveLongs(left + LAST, right + LAST);
    halveLongs(left + FIRST, right + FIRST);
    v128.store(right, v128.load(left, VALUE + 24), VALUE);
    store<u64>(right, load<u64>(left, VALUE + 40), VALUE + 16);
    store<u64>(left, 0, VALUE + 24);
    v128.store(left, i64x2.splat(0), VALUE + 32);
    store<u64>(right, 0, VALUE + 24);
    v128.store(right, i64x2.splat(0), VALUE + 32);
    return;
  }
  const half = LEAF_CAPACITY / 2;
  moveEntries(right, 0, left, half, half);
  clearEntries(left, half, LEAF_CAPACITY);
  clearEntries(right, half, LEAF_CAPACITY);
}

function halveLongs(left: u32, right: u32): void {
  const unused = i64x2.splat(HIGHEST);
  v128.store(right, v128.load(left, 48));
  v128.store(right, v128.load(left, 64), 16);
  v128.store(right, v128.load(left, 80), 32);
  v128.store(right, unused, 48);
  v128.store(right, unused, 64);
  v128.store(right, unused, 80);
  v128.store(left, unused, 48);
  v128.store(left, unused, 64);
  v128.store(left, unused, 80);
}

/** Writes out `n` entries from `slot` on as columns of indices and values. */
export function writeEntries(leaf: u32, slot: u32, n: u32, firsts: u32, lasts: u32, values: u32): void {
  const from = leaf + (slot << 3);
  const valuesFrom = leaf + (slot << 2);
  const end = n << 3;
  let at: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    const flip = i64x2.splat(FLIP);
    for (; at + 16 <= end; at += 16) {
      v128.store(firsts + at, v128.xor(v128.load(from + at, FIRST), flip));
      v128.store(lasts + at, v128.xor(v128.load(from + at, LAST), flip));
      store<u64>(values + (at >> 1), load<u64>(valuesFrom + (at >> 1), VALUE));
    }
  }
  for (; at < end; at += 8) {
    store<u64>(firsts + at, load<u64>(from + at, FIRST) ^ FLIP);
    store<u64>(lasts + at, load<u64>(from + at, LAST) ^ FLIP);
    store<u32>(values + (at >> 1), load<u32>(valuesFrom + (at >> 1), VALUE));
  }
}

/** Moves the children behind `slot`, and the pivots from `slot` on, by one, towards higher slots; the node has room. What child `slot` + 1, the gaps and the pivot beside it hold then is still to be written. */
export function openChild(inner: u32, slot: u32, n: u32): void {
  if (ASC_FEATURE_SIMD) {
    let at = inner + (n << 3);
    let children = inner + (n << 2);
    const end = inner + ((slot + 1) << 3);
    while (at > end) {
      at -= 16;
      children -= 8;
      v128.store(at, v128.load(at, PIVOT - 8), PIVOT);
      v128.store(at, v128.load(at, GAP), GAP + 8);
      store<u64>(children, load<u64>(children, CHILD), CHILD + 4);
    }
    return;
  }
  moveChildren(inner, slot + 2, inner, slot + 1, n - slot - 1);
  movePivots(inner, slot + 1, inner, slot, n - 1 - slot);
}

/** Copies `n` children with their gaps; pivots go separately, there is one fewer of them. */
export function moveChildren(to: u32, toSlot: u32, from: u32, fromSlot: u32, n: u32): void {
  moveWords(to + (toSlot << 2) + CHILD, from + (fromSlot << 2) + CHILD, n);
  moveLongs(to + (toSlot << 3) + GAP, from + (fromSlot << 3) + GAP, n);
}

export function movePivots(to: u32, toSlot: u32, from: u32, fromSlot: u32, n: u32): void {
  moveLongs(to + (toSlot << 3) + PIVOT, from + (fromSlot << 3) + PIVOT, n);
}
