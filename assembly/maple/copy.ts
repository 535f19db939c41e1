// R-duplicate: a copy of a tree, node by node.

import { COUNT_INNER_NODES, COUNT_LEAVES, EINVAL, ENOMEM } from '../layout.generated.ts';
import { clock } from '../memory/clock.ts';
import { reserve, take } from '../memory/slab.ts';
import { INNER_BYTES, LEAF_BYTES, child, count, setChild, setStamp } from './node.ts';
import { changeCount, entryCount, height, root, setTop } from './path.ts';

let leaves: u32 = 0;
let inner: u32 = 0;

/** 0, or a negative errno. */
export function treeDuplicate(source: u32, target: u32): i32 {
  if (source == target || root(target) != 0) return -EINVAL;
  if (root(source) == 0) return 0;
  leaves = 0;
  inner = 0;
  countNodes(root(source), height(source));
  if (!reserve(COUNT_LEAVES, leaves) || !reserve(COUNT_INNER_NODES, inner)) return -ENOMEM;
  setTop(target, copyNode(root(source), height(source)), height(source));
  changeCount(target, entryCount(source));
  return 0;
}

function countNodes(node: u32, levels: u32): void {
  if (levels == 1) {
    leaves += 1;
    return;
  }
  inner += 1;
  if (levels == 2) leaves += count(node);
  else for (let slot: u32 = 0; slot < count(node); slot++) countNodes(child(node, slot), levels - 1);
}

function copyNode(node: u32, levels: u32): u32 {
  const copy = take(levels == 1 ? COUNT_LEAVES : COUNT_INNER_NODES);
  memory.copy(copy, node, levels == 1 ? LEAF_BYTES : INNER_BYTES);
  setStamp(copy, clock());
  if (levels > 1) for (let slot: u32 = 0; slot < count(node); slot++) setChild(copy, slot, copyNode(child(node, slot), levels - 1));
  return copy;
}
