// Slabs: fixed-size blocks in three classes, each with a free list and a count of live blocks.
//
//   chunk of 64 KiB:  | block | block | block | ... | rest |        a free block's first word links to the next free one
//
// Blocks keep their class for life and chunks are never given back, so that a stale reader always meets a well-formed block.
// Callers reserve before they change anything: a take after a reserve cannot fail.

import { COUNT_INNER_NODES, COUNT_LEAVES } from '../layout.generated.ts';
import { takeFrames } from './arena.ts';

const CHUNK_BYTES: u32 = 65536;
const CLASSES: u32 = 3;

// Per class: free list u32, live blocks u32, free blocks u32, bump u32, bump end u32.
const CLASS_BYTES: u32 = 20;
const state = <u32>memory.data(60);

function classOf(kind: u32): u32 {
  return state + kind * CLASS_BYTES;
}

function blockBytes(kind: u32): u32 {
  if (kind == COUNT_LEAVES) return 256;
  if (kind == COUNT_INNER_NODES) return 640;
  return 4096;
}

/** Makes sure that the next `blocks` takes of this class succeed; false, with nothing changed, when memory is full. */
export function reserve(kind: u32, blocks: u32): bool {
  const slab = classOf(kind);
  while (load<u32>(slab, 8) < blocks) {
    const chunk = takeFrames(CHUNK_BYTES);
    if (chunk == 0) return false;
    const bytes = blockBytes(kind);
    // The unfinished part of the last chunk goes to the free list, then the new chunk is handed out from its start.
    let bump = load<u32>(slab, 12);
    const end = load<u32>(slab, 16);
    while (bump < end) {
      store<u32>(bump, load<u32>(slab));
      store<u32>(slab, bump);
      bump += bytes;
    }
    store<u32>(slab, chunk, 12);
    const more = CHUNK_BYTES / bytes;
    store<u32>(slab, chunk + more * bytes, 16);
    store<u32>(slab, load<u32>(slab, 8) + more, 8);
  }
  return true;
}

/** One block, its content undefined. Only after `reserve`. */
export function take(kind: u32): u32 {
  const slab = classOf(kind);
  let block = load<u32>(slab);
  if (block != 0) {
    store<u32>(slab, load<u32>(block));
  } else {
    block = load<u32>(slab, 12);
    store<u32>(slab, block + blockBytes(kind), 12);
  }
  store<u32>(slab, load<u32>(slab, 4) + 1, 4);
  store<u32>(slab, load<u32>(slab, 8) - 1, 8);
  return block;
}

/** Returns a block to its class. */
export function give(kind: u32, block: u32): void {
  const slab = classOf(kind);
  store<u32>(block, load<u32>(slab));
  store<u32>(slab, block);
  store<u32>(slab, load<u32>(slab, 4) - 1, 4);
  store<u32>(slab, load<u32>(slab, 8) + 1, 8);
}

/** Blocks of the class in use. */
export function live(kind: u32): u32 {
  return kind < CLASSES ? load<u32>(classOf(kind), 4) : 0;
}
