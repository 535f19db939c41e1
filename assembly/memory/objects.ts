// Objects: 128-byte records behind handles that go stale instead of dangling.
//
//   handle  31  30        20 19                 9 8           0
//          | 0 | generation |   chunk number     |   slot     |  never 0: generations start at 1; bit 31 is clear, so that no handle reads as an errno
//
//   record  0            4         8                                         128
//          | handle u32 | kind u8 | the kind's own fields ...                 |
//
// A record's first word is its live handle, or 0 when free, so that one comparison tells a good handle from a stale, foreign or invented one. A handle is checked at each entry of the core; inside, records are plain addresses.

import { COUNT_BACKING_BYTES } from '../layout.generated.ts';
import { takeFrames } from './arena.ts';
import { live as liveBlocks } from './slab.ts';

const RECORD_BYTES: u32 = 128;
const SLOTS: u32 = 512;
const MAX_CHUNKS: u32 = 2048;
const INDEX_MASK: u32 = 0xfffff;
const MAX_GENERATION: u32 = 0x7ff;

const directory = <u32>memory.data(8192);
let chunks: u32 = 0;
let freeList: u32 = 0;
let liveObjects: u32 = 0;
let backingBytes: u64 = 0;

// A free record: 0 in the handle word, then at 4 the index u32, at 8 the generation u32, at 12 the next free record u32.
function growObjects(): bool {
  if (chunks == MAX_CHUNKS) return false;
  const chunk = takeFrames(SLOTS * RECORD_BYTES);
  if (chunk == 0) return false;
  store<u32>(directory + (chunks << 2), chunk);
  for (let slot: u32 = SLOTS; slot > 0; slot--) {
    const record = chunk + (slot - 1) * RECORD_BYTES;
    freeRecord(record, chunks * SLOTS + slot - 1, 1);
  }
  chunks += 1;
  return true;
}

function freeRecord(record: u32, index: u32, generation: u32): void {
  store<u32>(record, 0);
  store<u32>(record, index, 4);
  store<u32>(record, generation, 8);
  store<u32>(record, freeList, 12);
  freeList = record;
}

/** A zeroed record of the kind; 0 when memory is full. */
export function newObject(kind: u32): u32 {
  if (freeList == 0 && !growObjects()) return 0;
  const record = freeList;
  freeList = load<u32>(record, 12);
  const handle = (load<u32>(record, 8) << 20) | load<u32>(record, 4);
  memory.fill(record, 0, RECORD_BYTES);
  store<u32>(record, handle);
  store<u8>(record, <u8>kind, 4);
  liveObjects += 1;
  return record;
}

/** Ends a record; its handle is stale from now on. */
export function deleteObject(record: u32): void {
  const handle = load<u32>(record);
  const generation = (handle >>> 20) + 1;
  freeRecord(record, handle & INDEX_MASK, generation > MAX_GENERATION ? 1 : generation);
  liveObjects -= 1;
}

/** The record of a live handle of this kind, else 0. */
export function resolve(handle: u32, kind: u32): u32 {
  const index = handle & INDEX_MASK;
  const chunk = load<u32>(directory + ((index >>> 9) << 2));
  if (chunk == 0 || handle == 0) return 0;
  const record = chunk + (index & (SLOTS - 1)) * RECORD_BYTES;
  return load<u32>(record) == handle && load<u8>(record, 4) == <u8>kind ? record : 0;
}

/** The handle of a record. */
export function handleOf(record: u32): u32 {
  return load<u32>(record);
}

/** Notes that contiguous backing memory came (positive) or went (negative), in bytes. */
export function countBacking(bytes: i64): void {
  backingBytes += bytes;
}

/** How many of one thing are live: see the COUNT_ numbers of layout.json. */
export function liveCount(what: u32): f64 {
  if (what == COUNT_BACKING_BYTES) return <f64>backingBytes;
  return what < 3 ? <f64>liveBlocks(what) : <f64>liveObjects;
}
