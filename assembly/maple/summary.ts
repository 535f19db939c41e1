// Gap summaries: what an inner node knows of the gaps below each child, kept exact after every change.

import { count, first, gap, setGap, setPivot } from './node.ts';
import { enterChild, pathHigh, pathLow, pathNode, pathSlot, putPathAside, takePathBack } from './path.ts';
import { innerGap, leafGap } from './search.ts';
import { own } from './version.ts';

export const HALF_OF_ALL: u64 = 0x8000000000000000;

/** The longest gap below the path's node at `level` is now `length`: tells its ancestors, as far up as that changes anything. */
export function noteGap(level: u32, length: u64): void {
  let at = level;
  let longest = length;
  while (at > 0) {
    at -= 1;
    const node = pathNode(at);
    const slot = pathSlot(at);
    const before = gap(node, slot);
    if (before == longest) return;
    setGap(node, slot, longest);
    if (at == 0) return;
    const known = gap(pathNode(at - 1), pathSlot(at - 1));
    // Two gaps cannot both hold half of all indices: one that does is the longest anywhere.
    if (longest < known && longest < HALF_OF_ALL) {
      // Another child has the longest gap, unless it was this one.
      if (before != known) return;
      longest = innerGap(node);
    }
  }
}

/** Looks at the path's leaf anew. */
export function refreshLeafGap(level: u32): void {
  if (level > 0) noteGap(level, leafGap(pathNode(level), pathLow(level), pathHigh(level)));
}

/** Looks at the path's inner node at `level` anew. */
export function refreshInnerGap(level: u32): void {
  noteGap(level, innerGap(pathNode(level)));
}

/**
 * The path's node at `level` now ends at `high`, lower than before: moves the pivot that says so, in the lowest ancestor that has one, and widens the first gap of the next leaf.
 * On the right edge the bound is 2^64-1 whatever the last entry is. Keeps the path; the ancestors are own.
 */
export function lowerBound(tree: u32, level: u32, high: u64, leafLevel: u32): void {
  let at = level;
  while (at > 0) {
    at -= 1;
    const node = pathNode(at);
    const slot = pathSlot(at);
    if (slot < count(node) - 1) {
      setPivot(node, slot, high);
      putPathAside();
      nextLeafBehind(at, slot, leafLevel);
      own(tree, leafLevel - 1);
      const free = first(pathNode(leafLevel), 0) - high - 1;
      if (free > gap(pathNode(leafLevel - 1), pathSlot(leafLevel - 1))) noteGap(leafLevel, free);
      takePathBack();
      return;
    }
  }
}

/** Moves the path to the left-most leaf below the child behind `slot` of the node at `level`. */
function nextLeafBehind(level: u32, slot: u32, leafLevel: u32): void {
  let at = level;
  let down = slot + 1;
  while (at < leafLevel) {
    enterChild(at, down);
    down = 0;
    at += 1;
  }
}
