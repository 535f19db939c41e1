// Two neighbours below one parent: moving content over their border, and joining them.

import { clearChildren, clearEntries, count, moveChildren, moveEntries, movePivots, pivot, setCount, setPivot } from './node.ts';

/** Moves entries over the border of two neighbours until the left one holds `keep`. */
export function shareEntries(left: u32, right: u32, keep: u32): void {
  const nl = count(left);
  const nr = count(right);
  if (keep > nl) {
    const moved = keep - nl;
    moveEntries(left, nl, right, 0, moved);
    moveEntries(right, 0, right, moved, nr - moved);
    clearEntries(right, nr - moved, nr);
  } else {
    const moved = nl - keep;
    moveEntries(right, moved, right, 0, nr);
    moveEntries(right, 0, left, keep, moved);
    clearEntries(left, keep, nl);
  }
  setCount(left, keep);
  setCount(right, nl + nr - keep);
}

/** Appends the entries of `right` to `left`; `right` stays as it is, an older version may still show it. */
export function joinEntries(left: u32, right: u32): void {
  const nl = count(left);
  moveEntries(left, nl, right, 0, count(right));
  setCount(left, nl + count(right));
}

/** The same for children. */
export function joinChildren(left: u32, right: u32, border: u64): void {
  const nl = count(left);
  const nr = count(right);
  moveChildren(left, nl, right, 0, nr);
  setPivot(left, nl - 1, border);
  movePivots(left, nl, right, 0, nr - 1);
  setCount(left, nl + nr);
}

/** `shareEntries` for children; `border` is the pivot between the two, the answer the one between them afterwards. */
export function shareChildren(left: u32, right: u32, keep: u32, border: u64): u64 {
  const nl = count(left);
  const nr = count(right);
  let between: u64;
  if (keep > nl) {
    const moved = keep - nl;
    moveChildren(left, nl, right, 0, moved);
    setPivot(left, nl - 1, border);
    movePivots(left, nl, right, 0, moved - 1);
    between = pivot(right, moved - 1);
    moveChildren(right, 0, right, moved, nr - moved);
    movePivots(right, 0, right, moved, nr - moved - 1);
    clearChildren(right, nr - moved, nr);
  } else {
    const moved = nl - keep;
    moveChildren(right, moved, right, 0, nr);
    movePivots(right, moved, right, 0, nr - 1);
    setPivot(right, moved - 1, border);
    moveChildren(right, 0, left, keep, moved);
    movePivots(right, 0, left, keep, moved - 1);
    between = pivot(left, keep - 1);
    clearChildren(left, keep, nl);
  }
  setCount(left, keep);
  setCount(right, nl + nr - keep);
  return between;
}

/** Removes child `slot` and one pivot: the one behind it, so that its right neighbour covers its range, or for the last child the one in front of it. */
export function removeChild(parent: u32, slot: u32): void {
  const n = count(parent);
  moveChildren(parent, slot, parent, slot + 1, n - slot - 1);
  if (slot < n - 1) movePivots(parent, slot, parent, slot + 1, n - slot - 2);
  clearChildren(parent, n - 1, n);
  setCount(parent, n - 1);
}

/** Removes child `slot`, not the first, and the pivot in front of it, so that its left neighbour covers its range. */
export function joinChild(parent: u32, slot: u32): void {
  const n = count(parent);
  moveChildren(parent, slot, parent, slot + 1, n - slot - 1);
  movePivots(parent, slot - 1, parent, slot, n - 1 - slot);
  clearChildren(parent, n - 1, n);
  setCount(parent, n - 1);
}
