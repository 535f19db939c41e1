// Nodes: moves within one node and between two, searches, and gap summaries.

import { reserve, take } from '../../../assembly/memory/slab';
import {
  child, count, first, gap, initInner, initLeaf, isInner, isLeaf, last, moveChildren, moveEntries, movePivots, pivot, setChild, setCount, setEntry, setGap, setPivot, value,
} from '../../../assembly/maple/node';
import { innerGap, innerSlot, leafGap, leafSlot } from '../../../assembly/maple/search';
import { equal, truth } from '../lib/expect';

/** Entries 10..14, 20..24, ... with values 1, 2, ... */
function leafOf(n: u32): u32 {
  reserve(0, 1);
  const leaf = take(0);
  memory.fill(leaf, 0xcc, 256);
  initLeaf(leaf);
  for (let i: u32 = 0; i < n; i++) setEntry(leaf, i, 10 * (i + 1), 10 * (i + 1) + 4, i + 1);
  setCount(leaf, n);
  return leaf;
}

function innerOf(n: u32): u32 {
  reserve(1, 1);
  const inner = take(1);
  memory.fill(inner, 0xcc, 512);
  initInner(inner);
  for (let i: u32 = 0; i < n; i++) {
    setChild(inner, i, 1000 + i);
    setGap(inner, i, 7 * i);
    if (i + 1 < n) setPivot(inner, i, 100 * (i + 1));
  }
  setCount(inner, n);
  return inner;
}

export function nodes_types_and_counts(): void {
  const leaf = leafOf(12);
  const inner = innerOf(24);
  truth(isLeaf(leaf) && !isInner(leaf) && isInner(inner) && !isLeaf(inner), 'types');
  equal(count(leaf), 12);
  equal(count(inner), 24);
  equal(last(leaf, 11), 124, 'the last entry fits');
  equal(value(leaf, 11), 12);
  equal(gap(inner, 23), 7 * 23, 'the last child fits');
  equal(child(inner, 23), 1023);
  equal(pivot(inner, 22), 2300);
}

export function nodes_entries_move_up_and_down_within_a_leaf(): void {
  const leaf = leafOf(5);
  moveEntries(leaf, 2, leaf, 1, 4);
  for (let i: u32 = 2; i < 6; i++) {
    equal(first(leaf, i), 10 * i, 'up');
    equal(last(leaf, i), 10 * i + 4, 'up');
    equal(value(leaf, i), i, 'up');
  }
  moveEntries(leaf, 0, leaf, 2, 4);
  for (let i: u32 = 0; i < 4; i++) equal(first(leaf, i), 10 * (i + 2), 'down');
}

export function nodes_children_and_pivots_move_within_a_node(): void {
  const inner = innerOf(6);
  moveChildren(inner, 1, inner, 0, 6);
  movePivots(inner, 1, inner, 0, 5);
  for (let i: u32 = 1; i < 7; i++) {
    equal(child(inner, i), 999 + i);
    equal(gap(inner, i), 7 * (i - 1));
    if (i < 6) equal(pivot(inner, i), 100 * i);
  }
}

export function nodes_searches_find_the_first_entry_that_does_not_end_below(): void {
  for (let n: u32 = 1; n <= 12; n++) {
    const leaf = leafOf(n);
    for (let index: u64 = 0; index < 140; index++) {
      let expected: u32 = 0;
      while (expected < n && last(leaf, expected) < index) expected++;
      equal(leafSlot(leaf, index), expected, 'leaf slot');
    }
    equal(leafSlot(leaf, u64.MAX_VALUE), n, 'above all');
  }
  for (let n: u32 = 2; n <= 24; n++) {
    const inner = innerOf(n);
    for (let index: u64 = 0; index < 2500; index += 50) {
      let expected: u32 = 0;
      while (expected < n - 1 && pivot(inner, expected) < index) expected++;
      equal(innerSlot(inner, index), expected, 'inner slot');
      equal(innerSlot(inner, index + 1), index % 100 == 0 && index > 0 && index / 100 <= n - 1 ? expected + 1 : expected, 'one above');
    }
  }
}

export function nodes_the_longest_gap_of_a_leaf(): void {
  const leaf = leafOf(3);
  equal(leafGap(leaf, 0, 34), 10, 'in front: 0..9');
  equal(leafGap(leaf, 8, 34), 5, 'between: 15..19');
  equal(leafGap(leaf, 8, 50), 16, 'behind: 35..50');
  equal(leafGap(leaf, 0, u64.MAX_VALUE), u64.MAX_VALUE - 34, 'up to the end');
  setEntry(leaf, 2, 15, u64.MAX_VALUE, 3);
  setEntry(leaf, 1, 15, 14, 2);
  equal(leafGap(leaf, 10, u64.MAX_VALUE), 0, 'no gap behind 2^64-1');
  setCount(leaf, 0);
  equal(leafGap(leaf, 0, 9), 0, 'an empty leaf waits to be joined');
}

export function nodes_the_longest_gap_below_an_inner_node(): void {
  const inner = innerOf(9);
  equal(innerGap(inner), 56);
  setGap(inner, 3, u64.MAX_VALUE);
  equal(innerGap(inner), u64.MAX_VALUE);
}
