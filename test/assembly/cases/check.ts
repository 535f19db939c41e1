// The structural check finds each rule that it has a number for: a sound tree is broken by hand, one field at a time.

import { clearEntries, setChild, setCount, setEntry, setGap, setLast, setPivot, setValue, child, count, first, gap, last, pivot } from '../../../assembly/maple/node';
import { changeCount, root, setTop } from '../../../assembly/maple/path';
import { treeCheck } from '../../../assembly/maple/check';
import { treeInsert } from '../../../assembly/maple/write';
import { equal } from '../lib/expect';

const tree = <u32>memory.data(16);

// What the type byte of a node says.
const LEAF: u8 = 1;
const INNER: u8 = 2;

function setType(node: u32, type: u8): void {
  store<u8>(node, type, 2);
}

function grow(n: u32): u32 {
  for (let i: u32 = 0; i < n; i++) treeInsert(tree, 10 * <u64>i, 10 * <u64>i + 3, i + 1);
  equal(treeCheck(tree), 0, 'sound');
  return root(tree);
}

export function check_the_header(): void {
  equal(treeCheck(tree), 0, 'empty');
  setTop(tree, 4096, 0);
  equal(treeCheck(tree), 1, 'a root without a height');
  setTop(tree, 0, 0);
  changeCount(tree, 1);
  equal(treeCheck(tree), 1, 'a count without a height');
  changeCount(tree, -1);
  grow(5);
  changeCount(tree, 1);
  equal(treeCheck(tree), 3, 'a wrong count');
  changeCount(tree, -1);
  setTop(tree, root(tree), 13);
  equal(treeCheck(tree), 2, 'too high');
}

export function check_a_leaf(): void {
  const leaf = grow(5);
  setType(leaf, INNER);
  equal(treeCheck(tree), 10, 'type');
  setType(leaf, LEAF);
  setCount(leaf, 0);
  equal(treeCheck(tree), 11, 'no entries');
  setCount(leaf, 13);
  equal(treeCheck(tree), 11, 'too many');
  setCount(leaf, 5);
  setLast(leaf, 1, 20);
  equal(treeCheck(tree), 14, 'overlap');
  setLast(leaf, 1, 9);
  equal(treeCheck(tree), 15, 'backwards');
  setLast(leaf, 1, 13);
  setValue(leaf, 2, 0);
  equal(treeCheck(tree), 16, 'no value');
  setValue(leaf, 2, 3);
  setValue(leaf, 5, 1);
  equal(treeCheck(tree), 19, 'an unused slot with a value');
  clearEntries(leaf, 5, 6);
  setLast(leaf, 5, 99);
  equal(treeCheck(tree), 19, 'an unused slot with an index');
  clearEntries(leaf, 5, 6);
  setLast(leaf, 3, u64.MAX_VALUE);
  equal(treeCheck(tree), 13, 'behind 2^64-1');
  setLast(leaf, 3, 33);
  equal(treeCheck(tree), 0, 'mended');
}

export function check_borders_and_fill(): void {
  const top = grow(40);
  const leaf = child(top, 0);
  const n = count(leaf);
  const end = last(leaf, n - 1);
  setLast(leaf, n - 1, end + 1);
  equal(treeCheck(tree), 17, 'beyond the pivot');
  setLast(leaf, n - 1, end - 1);
  equal(treeCheck(tree), 18, 'before the pivot');
  setLast(leaf, n - 1, end);
  setCount(leaf, 3);
  equal(treeCheck(tree), 12, 'underfull off the right edge');
  setCount(leaf, n);
  const longest = gap(top, 1);
  setGap(top, 1, longest + 1);
  equal(treeCheck(tree), 24, 'a gap that is not there');
  setGap(top, 1, longest);
  const border = pivot(top, 1);
  setPivot(top, 1, pivot(top, 0) - 5);
  equal(treeCheck(tree), 23, 'pivots out of order');
  setPivot(top, 1, border);
  equal(treeCheck(tree), 0, 'mended');
}

export function check_an_inner_node(): void {
  const top = grow(900);
  const inner = child(top, 0);
  const n = count(inner);
  setType(inner, LEAF);
  equal(treeCheck(tree), 20, 'type');
  setType(inner, INNER);
  setCount(inner, 1);
  equal(treeCheck(tree), 21, 'one child');
  setCount(inner, 31);
  equal(treeCheck(tree), 21, 'too many');
  setCount(inner, 9);
  equal(treeCheck(tree), 22, 'underfull off the right edge');
  setCount(inner, n);
  const behind = pivot(inner, n - 1);
  setPivot(inner, n - 1, behind - 1);
  equal(treeCheck(tree), 25, 'a pivot behind the last child');
  setPivot(inner, n - 1, behind);
  equal(treeCheck(tree), 0, 'mended');
  equal(first(child(inner, 0), 0), 0);
  setEntry(child(inner, 0), 0, 9, 9, 1);
  equal(treeCheck(tree), 24, 'the gap in front of it is not noted');
  setChild(inner, 0, top);
  equal(treeCheck(tree), 10, 'an inner node where a leaf should be');
}
