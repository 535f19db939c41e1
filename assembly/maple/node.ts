// Node formats of the range store, and nothing that walks them.
//
//   leaf, 256 bytes: up to 12 entries, no slot is spent on a gap
//   0          16               112               208               256
//   | header    | last u64 x 12  | first u64 x 12  | value u32 x 12  |
//
//   inner node, 512 bytes: up to 24 children
//   0          16               200               296               488     512
//   | header    | pivot u64 x 23 | child u32 x 24  | gap u64 x 24    | unused |
//
//   header: 0 count u32, 4 type u8 (1 leaf, 2 inner)
//
// pivot[i] is the last index of the last entry below child[i], so the gap in front of an entry always lies in that entry's leaf, and the gap behind the very
// last entry in the right-most leaf. gap[i] is the exact length of the longest gap below child[i]; exact, not rounded, so that a search never
// descends in vain.

export const LEAF_CAPACITY: u32 = 12;
export const INNER_CAPACITY: u32 = 24;
// Below a third, a node borrows from a sibling or joins it; the distance to one half keeps a node from flapping.
export const LEAF_MINIMUM: u32 = 4;
export const INNER_MINIMUM: u32 = 8;

const TYPE_LEAF: u8 = 1;
const TYPE_INNER: u8 = 2;

const LAST = 16;
const FIRST = 112;
const VALUE = 208;
const PIVOT = 16;
const CHILD = 200;
const GAP = 296;

export function initLeaf(node: u32): void {
  store<u32>(node, 0);
  store<u8>(node, TYPE_LEAF, 4);
}

export function initInner(node: u32): void {
  store<u32>(node, 0);
  store<u8>(node, TYPE_INNER, 4);
}

export function isLeaf(node: u32): bool {
  return load<u8>(node, 4) == TYPE_LEAF;
}

export function isInner(node: u32): bool {
  return load<u8>(node, 4) == TYPE_INNER;
}

export function count(node: u32): u32 {
  return load<u32>(node);
}

export function setCount(node: u32, n: u32): void {
  store<u32>(node, n);
}

export function last(leaf: u32, slot: u32): u64 {
  return load<u64>(leaf + (slot << 3), LAST);
}

export function first(leaf: u32, slot: u32): u64 {
  return load<u64>(leaf + (slot << 3), FIRST);
}

export function value(leaf: u32, slot: u32): u32 {
  return load<u32>(leaf + (slot << 2), VALUE);
}

export function setLast(leaf: u32, slot: u32, index: u64): void {
  store<u64>(leaf + (slot << 3), index, LAST);
}

export function setFirst(leaf: u32, slot: u32, index: u64): void {
  store<u64>(leaf + (slot << 3), index, FIRST);
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
  return load<u64>(inner + (slot << 3), PIVOT);
}

export function setPivot(inner: u32, slot: u32, index: u64): void {
  store<u64>(inner + (slot << 3), index, PIVOT);
}

export function child(inner: u32, slot: u32): u32 {
  return load<u32>(inner + (slot << 2), CHILD);
}

export function setChild(inner: u32, slot: u32, node: u32): void {
  store<u32>(inner + (slot << 2), node, CHILD);
}

export function gap(inner: u32, slot: u32): u64 {
  return load<u64>(inner + (slot << 3), GAP);
}

export function setGap(inner: u32, slot: u32, length: u64): void {
  store<u64>(inner + (slot << 3), length, GAP);
}

/** Copies `n` entries between leaves, or within one; the ranges may overlap. */
export function moveEntries(to: u32, toSlot: u32, from: u32, fromSlot: u32, n: u32): void {
  memory.copy(to + LAST + (toSlot << 3), from + LAST + (fromSlot << 3), n << 3);
  memory.copy(to + FIRST + (toSlot << 3), from + FIRST + (fromSlot << 3), n << 3);
  memory.copy(to + VALUE + (toSlot << 2), from + VALUE + (fromSlot << 2), n << 2);
}

/** Copies `n` children with their gaps; pivots go separately, there is one fewer of them. */
export function moveChildren(to: u32, toSlot: u32, from: u32, fromSlot: u32, n: u32): void {
  memory.copy(to + CHILD + (toSlot << 2), from + CHILD + (fromSlot << 2), n << 2);
  memory.copy(to + GAP + (toSlot << 3), from + GAP + (fromSlot << 3), n << 3);
}

export function movePivots(to: u32, toSlot: u32, from: u32, fromSlot: u32, n: u32): void {
  memory.copy(to + PIVOT + (toSlot << 3), from + PIVOT + (fromSlot << 3), n << 3);
}

/** How many of a leaf's entries end below `index`: the slot that holds it, or the one after the gap it lies in. */
export function leafSlot(leaf: u32, index: u64): u32 {
  return countBelow(leaf + LAST, count(leaf), index);
}

/** The child that covers `index`. */
export function innerSlot(inner: u32, index: u64): u32 {
  return countBelow(inner + PIVOT, count(inner) - 1, index);
}

// A binary search whose steps are selects: the path through it does not depend on the data, so nothing is mispredicted.
function countBelow(keys: u32, n: u32, index: u64): u32 {
  let base = keys;
  let rest = n;
  while (rest > 1) {
    const half = rest >>> 1;
    const middle = base + (half << 3);
    base = select<u32>(middle, base, load<u64>(middle - 8) < index);
    rest -= half;
  }
  const slot = (base - keys) >>> 3;
  return rest == 1 && load<u64>(base) < index ? slot + 1 : slot;
}

/** The longest gap of a leaf that covers low..high. */
export function leafGap(leaf: u32, low: u64, high: u64): u64 {
  const n = count(leaf);
  let longest: u64 = 0;
  let free = low;
  for (let slot: u32 = 0; slot < n; slot++) {
    longest = max<u64>(longest, first(leaf, slot) - free);
    free = last(leaf, slot) + 1;
  }
  // Behind an entry that ends at 2^64-1 `free` has wrapped to 0 and there is no gap.
  if (n > 0 && last(leaf, n - 1) < high) longest = max<u64>(longest, high - free + 1);
  return longest;
}

/** The longest gap below an inner node. */
export function innerGap(inner: u32): u64 {
  const n = count(inner);
  let longest: u64 = 0;
  for (let slot: u32 = 0; slot < n; slot++) longest = max<u64>(longest, gap(inner, slot));
  return longest;
}
