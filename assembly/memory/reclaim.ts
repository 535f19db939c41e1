// Giving back nodes that no version of a tree uses any more: at once, or where memory is shared, when no reader can hold them.

import { give } from './slab.ts';

export function reclaim(node: u32, kind: u32): void {
  give(kind, node);
}
