// Stores through a write-combining window: into the line buffers, which drain when they are full or needed for other lines (W-merge, W-full, W-evict).
//
//   store      bbbb                at position 0x7e: cut at the border of a line
//   lines   ......bb | bb......

import { EDEADLK, LINE_BYTES } from '../layout.generated.ts';
import { fault, setFault } from '../flight.ts';
import { storeBytes } from '../region.ts';
import { draw, drainLine, drainSeed, pick, waiting, waitingLine } from './drain.ts';
import { age, bytesAt, findLine, freeLine, held, hold, isWaiting, openLine } from './lines.ts';

const OFFSET_MASK: u64 = LINE_BYTES - 1;
// A random order drains a line unasked after one store in eight.
const UNASKED_MASK: u32 = 7;

// W-evict: the line's buffer, opened if need be; 0 after a fault.
function lineFor(space: u32, window: u32, number: u64): u32 {
  let line = findLine(window, number);
  if (line != 0) return line;
  line = freeLine(window);
  if (line == 0) {
    const n = waiting(space, window, 0, u64.MAX_VALUE);
    if (n == 0) {
      setFault(EDEADLK);
      return 0;
    }
    line = waitingLine(space, window, 0, u64.MAX_VALUE, pick(space, n));
    drainLine(line);
    if (fault != 0) return 0;
    // A hook may have stored to this very line; no hook runs between the line's end and here, so the buffer is free.
    const found = findLine(window, number);
    if (found != 0) return found;
  }
  openLine(line, number);
  return line;
}

/** After bytes came into a line: W-full, and the drains that nobody asked for (W-order). */
function settleLine(space: u32, window: u32, line: u32): void {
  if (held(line) == u64.MAX_VALUE) {
    const opened = age(line);
    const inOrder = drainSeed(space) == 0;
    while (isWaiting(line) && age(line) == opened && fault == 0) {
      drainLine(inOrder ? waitingLine(space, window, 0, opened, 0) : line);
    }
  } else if (drainSeed(space) != 0 && (draw(space) & UNASKED_MASK) == 0) {
    const n = waiting(space, window, 0, u64.MAX_VALUE);
    drainLine(waitingLine(space, window, 0, u64.MAX_VALUE, pick(space, n)));
  }
}

/** 1 to 8 bytes at a position of the window's region. */
export function combineValue(space: u32, window: u32, position: u64, bytes: u32, value: u64): void {
  let done: u32 = 0;
  while (done < bytes && fault == 0) {
    const at = position + done;
    const first = <u32>(at & OFFSET_MASK);
    const n = min<u32>(bytes - done, LINE_BYTES - first);
    const line = lineFor(space, window, at / LINE_BYTES);
    if (line == 0) return;
    const rest = value >> (<u64>done << 3);
    if (popcnt<u32>(n) == 1) storeBytes(bytesAt(line) + first, n, rest);
    else for (let i: u32 = 0; i < n; i++) store<u8>(bytesAt(line) + first + i, <u8>(rest >> (<u64>i << 3)));
    hold(line, first, n);
    settleLine(space, window, line);
    done += n;
  }
}

/** A block, from memory that does not move. */
export function combineBlock(space: u32, window: u32, position: u64, from: u32, bytes: u64): void {
  let done: u64 = 0;
  while (done < bytes && fault == 0) {
    const at = position + done;
    const first = <u32>(at & OFFSET_MASK);
    const n = <u32>min<u64>(bytes - done, LINE_BYTES - first);
    const line = lineFor(space, window, at / LINE_BYTES);
    if (line == 0) return;
    memory.copy(bytesAt(line) + first, from + <u32>done, n);
    hold(line, first, n);
    settleLine(space, window, line);
    done += n;
  }
}
