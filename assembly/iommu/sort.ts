// Sorting two columns of u64 by the first: a radix sort of eleven bits at a time, only over bits that differ.
//
//   keys   | ........ same ........ | 11 bits | 11 bits | .. same .. |          least significant digit first; each pass keeps the order of the one before
//   data   goes along

import { giveFrames, takeSpareFrames } from '../memory/arena.ts';

const DIGIT: u64 = 11;
const DIGITS: u32 = 2048;
const DIGIT_MASK: u64 = 2047;
// Below this, a digit's counters are more work than the rows.
const FEW: u32 = 64;

const counters = <u32>memory.data(8192);

/** Whether each key is above the one before it, or the same. */
export function isAscending(keys: u32, n: u32): bool {
  for (let at = keys + 8; at < keys + (n << 3); at += 8) if (load<u64>(at) < load<u64>(at - 8)) return false;
  return true;
}

/** Sorts `n` rows, in place; false, with nothing changed, when there is no memory to do it in. */
export function sortColumns(keys: u32, data: u32, n: u32): bool {
  if (n <= FEW) {
    insertionSort(keys, data, n);
    return true;
  }
  const bytes = <u64>n * 16;
  const spare = takeSpareFrames(bytes);
  if (spare == 0) return false;
  let differing: u64 = 0;
  const one = load<u64>(keys);
  for (let at = keys; at < keys + (n << 3); at += 8) differing |= load<u64>(at) ^ one;
  let isThere = true;
  for (let shift = ctz<u64>(differing); shift < 64 && differing >> shift != 0; shift += DIGIT) {
    if (((differing >> shift) & DIGIT_MASK) == 0) continue;
    if (isThere) pass(keys, data, spare, spare + (n << 3), n, shift);
    else pass(spare, spare + (n << 3), keys, data, n, shift);
    isThere = !isThere;
  }
  if (!isThere) {
    memory.copy(keys, spare, n << 3);
    memory.copy(data, spare + (n << 3), n << 3);
  }
  giveFrames(spare, bytes);
  return true;
}

function insertionSort(keys: u32, data: u32, n: u32): void {
  for (let i: u32 = 1; i < n; i++) {
    const key = load<u64>(keys + (i << 3));
    const word = load<u64>(data + (i << 3));
    let at = i << 3;
    while (at > 0 && load<u64>(keys + at - 8) > key) {
      store<u64>(keys + at, load<u64>(keys + at - 8));
      store<u64>(data + at, load<u64>(data + at - 8));
      at -= 8;
    }
    store<u64>(keys + at, key);
    store<u64>(data + at, word);
  }
}

/** One digit: counts it, then puts each row behind the rows of lower digits. */
function pass(keys: u32, data: u32, toKeys: u32, toData: u32, n: u32, shift: u64): void {
  memory.fill(counters, 0, DIGITS << 2);
  const end = n << 3;
  for (let at: u32 = 0; at < end; at += 8) {
    const counter = counters + (<u32>((load<u64>(keys + at) >> shift) & DIGIT_MASK) << 2);
    store<u32>(counter, load<u32>(counter) + 8);
  }
  let before: u32 = 0;
  for (let counter = counters; counter < counters + (DIGITS << 2); counter += 4) {
    const rows = load<u32>(counter);
    store<u32>(counter, before);
    before += rows;
  }
  for (let at: u32 = 0; at < end; at += 8) {
    const key = load<u64>(keys + at);
    const counter = counters + (<u32>((key >> shift) & DIGIT_MASK) << 2);
    const to = load<u32>(counter);
    store<u32>(counter, to + 8);
    store<u64>(toKeys + to, key);
    store<u64>(toData + to, load<u64>(data + at));
  }
}
