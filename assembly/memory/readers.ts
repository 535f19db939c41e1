// Readers of a shared memory: instances in other threads that look things up while one writer goes on, without locks.
//
// A reader announces the version it found when it enters its turn, and takes that back when it leaves. What the writer has replaced waits until
// every announced version is younger:
//
//   writer   v7 ----- replaces a, publishes v8 ------ replaces b, publishes v9 ---
//   reader        enter(7) .... may hold a, b ...............leave
//                                              a waits       a and b can go
//
//   reader record   8 version announced u64, 0 outside a turn | 16 next reader | 20 its frame
//   frames          0 result cells | 64 path (192 bytes) | 4096 its buffer, 8192 bytes

import { ENOMEM, OBJECT_READER, PAGE_BYTES } from '../layout.generated.ts';
import { useCellsAt } from '../cells.ts';
import { usePathAt } from '../maple/path.ts';
import { giveFrames, takeFrames } from './arena.ts';
import { observedClock } from './clock.ts';
import { deleteObject, handleOf, newObject } from './objects.ts';

const FRAME_PATH: u32 = 64;
const FRAMES: u32 = 3 * PAGE_BYTES;

// The writer's list of readers.
let readers: u32 = 0;
// In a reader's instance: its record.
let self: u32 = 0;

/** Whether this instance is a reader's. */
export function isReader(): bool {
  return self != 0;
}

/** The writer makes room for a reader: its handle, or -ENOMEM. */
export function openReader(): i32 {
  const reader = newObject(OBJECT_READER);
  if (reader == 0) return -ENOMEM;
  const frame = takeFrames(FRAMES);
  if (frame == 0) {
    deleteObject(reader);
    return -ENOMEM;
  }
  store<u32>(reader, readers, 16);
  store<u32>(reader, frame, 20);
  readers = reader;
  return handleOf(reader);
}

/** The writer ends a reader that will not call again. */
export function closeReader(reader: u32): void {
  let link: u32 = 0;
  for (let other = readers; other != reader; other = load<u32>(other, 16)) link = other;
  if (link == 0) readers = load<u32>(reader, 16);
  else store<u32>(link, load<u32>(reader, 16), 16);
  giveFrames(load<u32>(reader, 20), FRAMES);
  deleteObject(reader);
}

/** This instance is this reader's from now on: its answers go to its own frame, which is returned. */
export function becomeReader(reader: u32): u32 {
  self = reader;
  const frame = load<u32>(reader, 20);
  useCellsAt(frame);
  usePathAt(frame + FRAME_PATH);
  return frame;
}

/** Begins a turn: what is looked up from now on stays whole until `leave`. */
export function enter(): void {
  atomic.store<u64>(self, observedClock(), 8);
}

export function leave(): void {
  atomic.store<u64>(self, 0, 8);
}

/** The oldest version that any reader has announced; the highest number when none is in a turn. */
export function oldestAnnounced(): u64 {
  let oldest = u64.MAX_VALUE;
  for (let reader = readers; reader != 0; reader = load<u32>(reader, 16)) {
    const version = atomic.load<u64>(reader, 8);
    if (version != 0) oldest = min<u64>(oldest, version);
  }
  return oldest;
}
