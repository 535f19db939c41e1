// Borrowing and joining in both directions, at both levels, seen through whole trees: every removal is followed by the structural check.

import { live } from '../../../assembly/memory/slab';
import { treeCheck } from '../../../assembly/maple/check';
import { height } from '../../../assembly/maple/path';
import { treeClear, treeErase, treeInsert } from '../../../assembly/maple/write';
import { treeLoad } from '../../../assembly/maple/read';
import { equal, truth } from '../lib/expect';

const tree = <u32>memory.data(16);

/** Entries of one index, 2 apart, in ascending order: full nodes but for the right edge. */
function grow(n: u32, downwards: bool): void {
  for (let i: u32 = 0; i < n; i++) {
    const at: u64 = 2 * <u64>(downwards ? n - 1 - i : i);
    equal(treeInsert(tree, at, at, 1 + <u32>at), 0, 'insert');
  }
  equal(treeCheck(tree), 0, 'grown');
}

function remove(i: u32): void {
  equal(treeErase(tree, 2 * <u64>i), 1 + 2 * i, 'erase');
  equal(treeCheck(tree), 0, 'after erase');
}

function empty(): void {
  treeClear(tree);
  equal(live(0) + live(1), 0, 'no node is left');
  equal(height(tree), 0);
}

export function share_a_leaf_borrows_from_the_right_then_joins(): void {
  grow(24, false);
  // The left leaf of two full ones sinks below 4: it takes half of both.
  for (let i: u32 = 0; i < 9; i++) remove(i);
  equal(live(0), 2, 'borrowed');
  for (let i: u32 = 9; i < 18; i++) remove(i);
  equal(live(0), 1, 'joined');
  equal(height(tree), 1, 'the root is a leaf again');
  empty();
}

export function share_a_leaf_borrows_from_the_left_then_joins(): void {
  grow(24, false);
  for (let i: u32 = 23; i > 14; i--) remove(i);
  equal(live(0), 2, 'borrowed');
  for (let i: u32 = 14; i > 5; i--) remove(i);
  equal(live(0), 1, 'joined');
  empty();
}

export function share_inner_nodes_borrow_from_both_sides(): void {
  grow(2000, false);
  equal(height(tree), 3);
  for (let i: u32 = 0; i < 1990; i++) remove(i);
  empty();
  grow(2000, false);
  for (let i: u32 = 2000; i > 10; i--) remove(i - 1);
  empty();
}

export function share_a_hole_from_the_middle_keeps_what_is_left(): void {
  grow(12000, true);
  equal(height(tree), 4);
  for (let i: u32 = 6000; i < 11900; i++) hollow(i);
  for (let i: u32 = 6000; i > 100; i--) hollow(i - 1);
  for (let i: u32 = 0; i < 100; i++) equal(treeLoad(tree, 2 * i), 1 + 2 * i, 'left');
  for (let i: u32 = 11900; i < 12000; i++) equal(treeLoad(tree, 2 * i), 1 + 2 * i, 'right');
  truth(height(tree) < 4, 'lower');
  empty();
}

/** `remove` with a check now and then: each one looks at the whole tree. */
function hollow(i: u32): void {
  equal(treeErase(tree, 2 * <u64>i), 1 + 2 * i, 'erase');
  if (i % 32 == 0) equal(treeCheck(tree), 0, 'after erase');
}
