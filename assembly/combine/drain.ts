// Draining: which lines leave their buffers, in which order, and what the region sees of them (W-drain, W-order, W-partial, W-fence).
//
//   line       ..aaaa....bb......          runs, lowest first
//   region       aaaa |  bb                each one transaction, its bytes in cycles as A-split says
//
// A drain may run hooks, and those may store, fence and drain: no line, and no place in the list, is remembered across one.

import { begin, end, fault } from '../flight.ts';
import { cycleWidth, isClosed, writeCycle } from '../cycle.ts';
import { countRefused, loadBytes, minWidth } from '../region.ts';
import { windowRegion, windowSpace } from '../space.ts';
import { countTransaction, isSameDevice } from '../transactions.ts';
import { age, bits, bytesAt, endLeaving, firstCombining, held, isCombining, linePosition, nextCombining, nextWaiting, oldestWaiting, startLeaving, windowOf, youngest } from './lines.ts';

/** State of the space's random policy; 0 when lines leave in order. */
export function drainSeed(space: u32): u32 {
  return load<u32>(space, 92);
}

/** W-order: 0 is in order, everything else the seed of a random order. */
export function setDrainSeed(space: u32, seed: u32): void {
  store<u32>(space, seed, 92);
}

/** The next number of the space's generator: 32-bit xorshift (13, 17, 5), never 0. */
export function draw(space: u32): u32 {
  let x = drainSeed(space);
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  setDrainSeed(space, x);
  return x;
}

/** Which of `n` lines leaves first, counted from the oldest. */
export function pick(space: u32, n: u32): u32 {
  return drainSeed(space) == 0 ? 0 : draw(space) % n;
}

/** One run of bytes into a region: one transaction, however many cycles it is cut into. */
function drainRun(region: u32, position: u64, from: u32, bytes: u32): void {
  countTransaction(region, 1);
  let done: u32 = 0;
  while (done < bytes && fault == 0) {
    const width = cycleWidth(region, position + done, bytes - done);
    if (width < minWidth(region)) countRefused(region);
    else writeCycle(region, position + done, width, loadBytes(from + done, width));
    done += width;
  }
}

/** Empties one waiting line into its region. A closed region (A-nested) faults before the line leaves; later a fault loses the rest of the line. */
export function drainLine(line: u32): void {
  const region = windowRegion(windowOf(line));
  if (isClosed(region)) return;
  startLeaving(line);
  let rest = held(line);
  while (rest != 0 && fault == 0) {
    const first = <u32>ctz<u64>(rest);
    const bytes = <u32>ctz<u64>(~(rest >> first));
    drainRun(region, linePosition(line) + first, bytesAt(line) + first, bytes);
    rest &= ~bits(first, bytes);
  }
  endLeaving(line);
}

// What a drain takes: the lines of one window, or of all windows of a space onto one region's device, or of the whole space; none opened after it began.
function isTaken(line: u32, space: u32, window: u32, region: u32, limit: u64): bool {
  if (age(line) > limit) return false;
  const own = windowOf(line);
  if (window != 0) return own == window;
  return windowSpace(own) == space && (region == 0 || isSameDevice(windowRegion(own), region));
}

/** How many lines a drain would take. */
export function waiting(space: u32, window: u32, region: u32, limit: u64): u32 {
  let n: u32 = 0;
  for (let line = oldestWaiting(); line != 0; line = nextWaiting(line)) {
    if (isTaken(line, space, window, region, limit)) n += 1;
  }
  return n;
}

/** The `i`th of them, the oldest first. */
export function waitingLine(space: u32, window: u32, region: u32, limit: u64, i: u32): u32 {
  let line = oldestWaiting();
  let before = i;
  while (true) {
    if (isTaken(line, space, window, region, limit)) {
      if (before == 0) return line;
      before -= 1;
    }
    line = nextWaiting(line);
  }
}

function drainAll(space: u32, window: u32, region: u32): void {
  const limit = youngest();
  let left = waiting(space, window, region, limit);
  while (left != 0 && fault == 0) {
    drainLine(waitingLine(space, window, region, limit, pick(space, left)));
    left = waiting(space, window, region, limit);
  }
}

/** Before a piece goes past the buffers: W-read for a combining window, W-same-device for any other. */
export function drainBefore(space: u32, window: u32): void {
  if (oldestWaiting() == 0) return;
  if (isCombining(window)) drainAll(space, window, 0);
  else drainAll(space, 0, windowRegion(window));
}

/** W-fence. `fault` says how it ended. */
export function fence(space: u32): void {
  if (!begin(0, 1)) return;
  drainAll(space, 0, 0);
  end(0);
}

/** Whether a plain access to the region through this space would have to look at buffers first: then no lane may be opened for it. */
export function meetsCombining(space: u32, region: u32): bool {
  for (let window = firstCombining(space); window != 0; window = nextCombining(window)) {
    if (isSameDevice(windowRegion(window), region)) return true;
  }
  return false;
}
