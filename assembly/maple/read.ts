// Reading the range store: load, find, next, previous, walk. Answers that are ranges land in the result cells.

import { CELL_FIRST, CELL_LAST, CELL_VALUE } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { FIRST, LEAF_BYTES, LEAF_CAPACITY, count, first, last, ordered, value } from './node.ts';
import { HEIGHT_MASK, descend, pathHigh, pathLow, pathNode, pathSlot, previousLeaf, top } from './path.ts';
import { leafOf, leafSlotOf } from './search.ts';
import { bucketOf, hasTable, isOfEntries, leafByTable, tableBuckets, valueByTable } from './table.ts';
import { loadWithoutTable } from './table-making.ts';

/** R-load. */
// @ts-expect-error: TypeScript has no decorators on functions; the compiler puts the lookup where it is asked for, a call would cost a fifth more.
@inline
export function treeLoad(tree: u32, index: u64): u32 {
  const word = top(tree);
  if (word == 0) return 0;
  const key = ordered(index);
  return valueIn(leafOf(word & ~HEIGHT_MASK, word & HEIGHT_MASK, key), key);
}

/** What a leaf holds at an index in the stored order. */
// @ts-expect-error: as above.
@inline
function valueIn(node: u32, key: i64): u32 {
  // The leaf's upper half, where the answer is, on its way while the lower half is searched: a tenth less where leaves come from the outer caches.
  load<u64>(node, LEAF_BYTES - 64);
  const slot = leafSlotOf(node, key);
  // An unused slot holds the highest index with value 0, so only the end of a full leaf needs a question. Two branches: a conjunction would be computed.
  if (slot < LEAF_CAPACITY) if (load<i64>(node + (slot << 3), FIRST) <= key) return value(node, slot);
  return 0;
}

/** R-load, with the tree's table where there is one. */
// @ts-expect-error: as above.
@inline
export function treeLoadOften(tree: u32, index: u64): u32 {
  if (ASC_FEATURE_THREADS) return treeLoad(tree, index);
  if (hasTable(tree)) {
    const b = bucketOf(tree, index);
    if (b < <u64>tableBuckets(tree)) {
      if (isOfEntries(tree)) {
        const v = valueByTable(tree, <u32>b, index);
        if (v >= 0) return <u32>v;
      } else {
        const leaf = leafByTable(tree, <u32>b, index);
        if (leaf != 0) return valueIn(leaf, ordered(index));
      }
    }
  } else {
    loadWithoutTable(tree);
  }
  return treeLoadApart(tree, index);
}

/** R-load by a call: kept out of the way of lookups that a table answers. */
export function treeLoadApart(tree: u32, index: u64): u32 {
  return treeLoad(tree, index);
}

function answer(leaf: u32, slot: u32): u32 {
  store<u64>(cells, first(leaf, slot), CELL_FIRST);
  store<u64>(cells, last(leaf, slot), CELL_LAST);
  store<u32>(cells, value(leaf, slot), CELL_VALUE);
  return value(leaf, slot);
}

/** R-find: the value, its range in the cells; 0 when there is none. */
export function treeFind(tree: u32, index: u64, limit: u64): u32 {
  const level = descend(tree, index);
  if (level < 0) return 0;
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  // Only the right-most leaf can end below an index that it covers, and nothing comes after it.
  if (slot == count(leaf) || first(leaf, slot) > limit) return 0;
  return answer(leaf, slot);
}

/** R-find, downwards. */
export function treeFindPrevious(tree: u32, index: u64, limit: u64): u32 {
  const level = descend(tree, index);
  if (level < 0) return 0;
  let leaf = pathNode(level);
  let slot = pathSlot(level);
  if (slot == count(leaf) || first(leaf, slot) > index) {
    if (slot > 0) {
      slot -= 1;
    } else {
      if (!previousLeaf(level)) return 0;
      leaf = pathNode(level);
      slot = pathSlot(level);
    }
  }
  if (last(leaf, slot) < limit) return 0;
  return answer(leaf, slot);
}

/** R-next. */
export function treeNext(tree: u32, index: u64, limit: u64): u32 {
  let from = index;
  if (treeFind(tree, index, index) != 0) from = load<u64>(cells, CELL_LAST);
  return from == u64.MAX_VALUE ? 0 : treeFind(tree, from + 1, limit);
}

/** R-next, downwards. */
export function treePrevious(tree: u32, index: u64, limit: u64): u32 {
  let from = index;
  if (treeFind(tree, index, index) != 0) from = load<u64>(cells, CELL_FIRST);
  return from == 0 ? 0 : treeFindPrevious(tree, from - 1, limit);
}

/** R-range: the value, 0 for a gap; the extent of the entry or gap in the cells. */
export function treeRange(tree: u32, index: u64): u32 {
  const level = descend(tree, index);
  if (level < 0) return gapAnswer(0, u64.MAX_VALUE);
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  if (slot < count(leaf) && first(leaf, slot) <= index) return answer(leaf, slot);
  const low = slot > 0 ? last(leaf, slot - 1) + 1 : pathLow(level);
  return gapAnswer(low, slot < count(leaf) ? first(leaf, slot) - 1 : pathHigh(level));
}

function gapAnswer(low: u64, high: u64): u32 {
  store<u64>(cells, low, CELL_FIRST);
  store<u64>(cells, high, CELL_LAST);
  store<u32>(cells, 0, CELL_VALUE);
  return 0;
}
