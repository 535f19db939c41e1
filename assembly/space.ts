// Address spaces: windows onto regions. The visible windows lie side by side in one range store, so that an access needs one lookup however many
// windows overlap.
//
//   windows:   C       [ccccc]                    priority 2
//              B   [bbbbbbb]                      priority 1
//              A [aaaaaaaaaaaaaaaaa]              priority 0
//   visible:     |a|bbb|ccccc|aaaaa|
//
//   space  record   8 tree (16 bytes) | 32 first window u32 | 36 overlapped u32 | 40 unclaimed reads u64 | 48 unclaimed writes u64
//                  56 cached first u64 | 64 cached last u64 | 72 cached window u32 | 76 windows u32 | 80 plan's number u32 | 84 planned inserts u32
//                  from 88 on: combine/lines.ts
//   window record   8 region u32 | 12 space u32 | 16 start u64 | 24 last u64 | 32 position u64 | 40 priority i32 | 44 attributes u32
//                  48 age u64 | 56 next, 60 previous in the space | 64 next, 68 previous of the region
//                  72 target | 76 first alias | 80 next, 84 previous alias of the same target | from 88 on: combine/lines.ts
//
// `overlapped` is set when two windows first meet and cleared when the space is empty: while it is clear, taking a window away uncovers nothing.

import { CELL_FIRST } from './layout.generated.ts';
import { cells } from './cells.ts';
import { closeLanes } from './lane.ts';
import { LEAF_CAPACITY, first, last, ordered, value } from './maple/node.ts';
import { height, root } from './maple/path.ts';
import { treeFind } from './maple/read.ts';
import { leafOf, leafSlotOf } from './maple/search.ts';

export function spaceTree(space: u32): u32 {
  return space + 8;
}

export function windowRegion(window: u32): u32 {
  return load<u32>(window, 8);
}

export function windowSpace(window: u32): u32 {
  return load<u32>(window, 12);
}

export function windowStart(window: u32): u64 {
  return load<u64>(window, 16);
}

export function windowLast(window: u32): u64 {
  return load<u64>(window, 24);
}

export function windowPosition(window: u32): u64 {
  return load<u64>(window, 32);
}

export function priority(window: u32): i32 {
  return load<i32>(window, 40);
}

export function age(window: u32): u64 {
  return load<u64>(window, 48);
}

export function firstInSpace(space: u32): u32 {
  return load<u32>(space, 32);
}

export function nextInSpace(window: u32): u32 {
  return load<u32>(window, 56);
}

export function firstAlias(window: u32): u32 {
  return load<u32>(window, 76);
}

export function unclaimed(space: u32, writes: u32): u64 {
  return load<u64>(space + (writes << 3), 40);
}

export function countUnclaimed(space: u32, writes: u32): void {
  const at = space + (writes << 3);
  store<u64>(at, load<u64>(at, 40) + 1, 40);
}

export function forgetCached(space: u32): void {
  store<u32>(space, 0, 72);
  closeLanes();
}

/** The visible window at an address, its visible range in the space's cache; 0 when nothing claims the address. */
export function windowAt(space: u32, address: u64): u32 {
  const cached = load<u32>(space, 72);
  if (cached != 0 && address >= load<u64>(space, 56) && address <= load<u64>(space, 64)) return cached;
  return findWindow(space, address);
}

/** `windowAt` by the tree: the walk of `treeLoad`, which leaves no path, ending in the cache. */
function findWindow(space: u32, address: u64): u32 {
  const tree = spaceTree(space);
  if (root(tree) == 0) return 0;
  const key = ordered(address);
  const node = leafOf(root(tree), height(tree), key);
  const slot = leafSlotOf(node, key);
  if (slot == LEAF_CAPACITY || first(node, slot) > address) return 0;
  const window = value(node, slot);
  if (window == 0) return 0;
  store<u64>(space, first(node, slot), 56);
  store<u64>(space, last(node, slot), 64);
  store<u32>(space, window, 72);
  return window;
}

/** The first address of the visible range that the last successful `windowAt` found. */
export function visibleFirst(space: u32): u64 {
  return load<u64>(space, 56);
}

/** The last address of the visible range that the last successful `windowAt` found. */
export function visibleLast(space: u32): u64 {
  return load<u64>(space, 64);
}

/** The last address of the unclaimed range that holds `address`. */
export function unclaimedLast(space: u32, address: u64): u64 {
  return treeFind(spaceTree(space), address, u64.MAX_VALUE) == 0 ? u64.MAX_VALUE : load<u64>(cells, CELL_FIRST) - 1;
}
