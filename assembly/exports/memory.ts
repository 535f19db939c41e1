// Exports: memory, buffers, live counts.

import { COUNT_OBJECTS, STAGING_BYTES } from '../layout.generated.ts';
import { cells } from '../cells.ts';
import { giveFrames, setMemoryLimit, takeFrames } from '../memory/arena.ts';
import { liveCount as countLive } from '../memory/objects.ts';
import { isReader } from '../memory/readers.ts';

let staging: u32 = 0;

/** Where answers land that do not fit one return value. */
export function resultCells(): u32 {
  return cells;
}

/** The address of a 64 KiB buffer for blocks; 0 when memory is full. */
export function stagingBuffer(): u32 {
  if (staging == 0) staging = takeFrames(STAGING_BYTES);
  return staging;
}

/** A zeroed buffer of whole frames for `bytes`; 0 when memory is full, or this instance is a reader's. */
export function takeBuffer(bytes: u32): u32 {
  return ASC_FEATURE_THREADS && isReader() ? 0 : takeFrames(bytes);
}

/** Returns a buffer taken with the same `bytes`. */
export function giveBuffer(address: u32, bytes: u32): void {
  if (!ASC_FEATURE_THREADS || !isReader()) giveFrames(address, bytes);
}

export function limitMemory(bytes: f64): void {
  setMemoryLimit(<u64>bytes);
}

/** How many of one thing are live: the COUNT_ numbers of layout.json. */
export function liveCount(what: u32): f64 {
  return what > COUNT_OBJECTS + 1 ? -1 : countLive(what);
}

/** An empty call, to measure what crossing the border costs. */
export function nothing(): void {}
