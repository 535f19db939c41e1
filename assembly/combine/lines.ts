// The line buffers of write-combining windows: the records, and the list of those that wait.
//
//   window ---> line | line | line | line          four buffers, the window's own from map to unmap
//
//   waiting     oldest -> line -> line -> newest   lines of all windows that hold bytes, in the order in which they were opened
//
//   line record     8 window u32 | 12 next, 16 previous waiting u32 | 20 state u32 | 24 line's number (region position / 64) u64
//                  32 which bytes are held, bit k for byte k u64 | 40 age u64 | 64 the bytes
//   window record  88 four lines u32 | 104 next, 108 previous combining window of the space
//   space record   88 first combining window u32 | 92 state of the random policy u32, 0: in order

import { LINES_PER_WINDOW, LINE_BYTES, OBJECT_LINE, WINDOW_WRITE_COMBINING } from '../layout.generated.ts';
import { deleteObject, newObject } from '../memory/objects.ts';
import { windowSpace } from '../space.ts';

const FREE: u32 = 0;
const WAITING: u32 = 1;
const LEAVING: u32 = 2;

let oldest: u32 = 0;
let newest: u32 = 0;
let ages: u64 = 0;

export function isCombining(window: u32): bool {
  return (load<u32>(window, 44) & WINDOW_WRITE_COMBINING) != 0;
}

/** The space's first write-combining window, 0 when it has none: the one test of an access that meets none. */
export function firstCombining(space: u32): u32 {
  return load<u32>(space, 88);
}

export function nextCombining(window: u32): u32 {
  return load<u32>(window, 104);
}

export function lineOf(window: u32, i: u32): u32 {
  return load<u32>(window + (i << 2), 88);
}

function deleteLines(window: u32): void {
  for (let i: u32 = 0; i < LINES_PER_WINDOW; i++) {
    const line = lineOf(window, i);
    if (line == 0) return;
    if (isWaiting(line)) unlink(line);
    deleteObject(line);
  }
}

/** Gives a new window its buffers; false, with nothing changed, when memory is full. */
export function attachLines(window: u32): bool {
  for (let i: u32 = 0; i < LINES_PER_WINDOW; i++) {
    const line = newObject(OBJECT_LINE);
    if (line == 0) {
      deleteLines(window);
      return false;
    }
    store<u32>(line, window, 8);
    store<u32>(window + (i << 2), line, 88);
  }
  const space = windowSpace(window);
  const next = firstCombining(space);
  store<u32>(window, next, 104);
  if (next != 0) store<u32>(next, window, 108);
  store<u32>(space, window, 88);
  return true;
}

/** Takes the buffers of a window that goes; they are empty (W-unmap). */
export function detachLines(window: u32): void {
  deleteLines(window);
  const next = load<u32>(window, 104);
  const previous = load<u32>(window, 108);
  if (next != 0) store<u32>(next, previous, 108);
  if (previous != 0) store<u32>(previous, next, 104);
  else store<u32>(windowSpace(window), next, 88);
}

export function isWaiting(line: u32): bool {
  return load<u32>(line, 20) == WAITING;
}

export function windowOf(line: u32): u32 {
  return load<u32>(line, 8);
}

export function nextWaiting(line: u32): u32 {
  return load<u32>(line, 12);
}

/** Position in the region of the line's first byte. */
export function linePosition(line: u32): u64 {
  return load<u64>(line, 24) * LINE_BYTES;
}

/** Which bytes the line holds: bit k for byte k. */
export function held(line: u32): u64 {
  return load<u64>(line, 32);
}

export function age(line: u32): u64 {
  return load<u64>(line, 40);
}

/** Where the line's bytes are. */
export function bytesAt(line: u32): u32 {
  return line + 64;
}

/** The age of the line that was opened last: what waits now is at most this old. */
export function youngest(): u64 {
  return ages;
}

/** The line that has waited longest, of any window; 0 when none waits. */
export function oldestWaiting(): u32 {
  return oldest;
}

/** Bits `first` to `first + bytes - 1`. */
export function bits(first: u32, bytes: u32): u64 {
  return (u64.MAX_VALUE >> (64 - bytes)) << first;
}

/** Notes that the line holds these bytes too. */
export function hold(line: u32, first: u32, bytes: u32): void {
  store<u64>(line, held(line) | bits(first, bytes), 32);
}

/** The window's line with this number if it waits, else 0. */
export function findLine(window: u32, number: u64): u32 {
  for (let i: u32 = 0; i < LINES_PER_WINDOW; i++) {
    const line = lineOf(window, i);
    if (load<u64>(line, 24) == number && isWaiting(line)) return line;
  }
  return 0;
}

/** A buffer of the window that holds nothing and is not on its way out, else 0. */
export function freeLine(window: u32): u32 {
  for (let i: u32 = 0; i < LINES_PER_WINDOW; i++) {
    const line = lineOf(window, i);
    if (load<u32>(line, 20) == FREE) return line;
  }
  return 0;
}

/** A free buffer becomes the youngest line that waits, holding nothing yet. */
export function openLine(line: u32, number: u64): void {
  store<u32>(line, 0, 12);
  store<u32>(line, newest, 16);
  store<u32>(line, WAITING, 20);
  store<u64>(line, number, 24);
  store<u64>(line, 0, 32);
  store<u64>(line, ++ages, 40);
  if (newest != 0) store<u32>(newest, line, 12);
  else oldest = line;
  newest = line;
}

function unlink(line: u32): void {
  const next = load<u32>(line, 12);
  const previous = load<u32>(line, 16);
  if (next != 0) store<u32>(next, previous, 16);
  else newest = previous;
  if (previous != 0) store<u32>(previous, next, 12);
  else oldest = next;
}

/** A waiting line is on its way out: no store finds it, and its buffer is not free yet. */
export function startLeaving(line: u32): void {
  unlink(line);
  store<u32>(line, LEAVING, 20);
}

export function endLeaving(line: u32): void {
  store<u32>(line, FREE, 20);
}

/** How many bytes wait in the window's buffers. */
export function bufferedBytes(window: u32): u32 {
  let bytes: u32 = 0;
  if (!isCombining(window)) return 0;
  for (let i: u32 = 0; i < LINES_PER_WINDOW; i++) {
    const line = lineOf(window, i);
    if (isWaiting(line)) bytes += <u32>popcnt<u64>(held(line));
  }
  return bytes;
}
