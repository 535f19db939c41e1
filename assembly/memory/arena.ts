// The linear memory: hands out runs of whole 4 KiB frames and takes them back.
//
//   0            __heap_base (rounded up)                        memory.size()
//   | static data | used | free extent | used | free extent | used |
//                          |
//                          +- next u32, bytes u32 in its first words; extents are
//                             linked by ascending address and never touch
//
// Only region backings, slab chunks and buffers come from here, so the list of free extents stays short; first fit keeps the
// low memory busy and lets the top be reused. What lies above `highWater` was never handed out and is still zero.

import { PAGE_BYTES } from '../layout.generated.ts';

const WASM_PAGE: u64 = 65536;
// One Wasm page short of 4 GiB: the end of memory must be a u32 as well.
const MAX_BYTES: u64 = 65535 * 65536;

let firstExtent: u32 = 0;
let managedEnd: u32 = 0;
let highWater: u32 = 0;
let limitBytes: u64 = MAX_BYTES;
let giveSpare: () => bool = (): bool => false;

function roundUp(bytes: u64): u64 {
  return (bytes + (PAGE_BYTES - 1)) & ~(<u64>(PAGE_BYTES - 1));
}

function nextExtent(extent: u32): u32 {
  return load<u32>(extent);
}

function extentBytes(extent: u32): u32 {
  return load<u32>(extent, 4);
}

function setExtent(extent: u32, next: u32, bytes: u32): void {
  store<u32>(extent, next);
  store<u32>(extent, bytes, 4);
}

/** Refuses growth beyond `bytes` of linear memory from now on; what is in use stays. */
export function setMemoryLimit(bytes: u64): void {
  limitBytes = min<u64>(bytes, MAX_BYTES);
}

/** Makes at least `bytes` more frames at the end of memory free. */
function growBy(bytes: u64): bool {
  if (managedEnd == 0) {
    managedEnd = <u32>roundUp(__heap_base);
    highWater = managedEnd;
  }
  const target = <u64>managedEnd + bytes;
  if (target > limitBytes) return false;
  const present = <u64>(<u32>memory.size()) * WASM_PAGE;
  if (target > present) {
    const pages = (target - present + (WASM_PAGE - 1)) / WASM_PAGE;
    // Each growth makes JavaScript's views anew, and its collector count: an eighth more is untouched, and so costs nothing.
    const more = min<u64>(max<u64>(pages, present / (8 * WASM_PAGE)), (MAX_BYTES - present) / WASM_PAGE);
    if (memory.grow(<i32>more) < 0 && memory.grow(<i32>pages) < 0) return false;
  }
  const start = managedEnd;
  managedEnd = <u32>target;
  giveFrames(start, <u32>bytes);
  return true;
}

/** The run of free frames that ends where managed memory ends, in bytes. */
function freeTail(): u32 {
  let extent = firstExtent;
  while (extent != 0) {
    if (extent + extentBytes(extent) == managedEnd) return extentBytes(extent);
    extent = nextExtent(extent);
  }
  return 0;
}

function takeFirstFit(bytes: u32): u32 {
  let previous: u32 = 0;
  let extent = firstExtent;
  while (extent != 0 && extentBytes(extent) < bytes) {
    previous = extent;
    extent = nextExtent(extent);
  }
  if (extent == 0) return 0;
  const rest = extentBytes(extent) - bytes;
  let next = nextExtent(extent);
  if (rest != 0) {
    // The low end is taken: zeroing stops at highWater, and low frames keep it low.
    setExtent(extent + bytes, next, rest);
    next = extent + bytes;
  }
  if (previous == 0) firstExtent = next;
  else store<u32>(previous, next);
  return extent;
}

/** Says who can give frames back when memory is short; it answers whether it did. */
export function whenShort(give: () => bool): void {
  giveSpare = give;
}

function findFrames(wanted: u32): u32 {
  const start = takeFirstFit(wanted);
  if (start != 0) return start;
  return growBy(wanted - freeTail()) ? takeFirstFit(wanted) : 0;
}

/** `bytes` rounded up to whole frames, all zero; 0 when memory is full. */
export function takeFrames(bytes: u64): u32 {
  const wanted = roundUp(bytes);
  if (wanted == 0 || wanted > MAX_BYTES) return 0;
  let start = findFrames(<u32>wanted);
  if (start == 0 && giveSpare()) start = findFrames(<u32>wanted);
  if (start == 0) return 0;
  const end = start + <u32>wanted;
  const dirtyEnd = min<u32>(end, max<u32>(highWater, start + 8));
  // Even never-used frames carry an extent header in their first eight bytes.
  memory.fill(start, 0, dirtyEnd - start);
  if (end > highWater) {
    highWater = end;
  }
  return start;
}

/** `bytes` rounded up to whole frames, their content undefined, for what can be done without; 0 when memory is full. */
export function takeSpareFrames(bytes: u64): u32 {
  const wanted = roundUp(bytes);
  const start = wanted > MAX_BYTES ? 0 : findFrames(<u32>wanted);
  if (start != 0) highWater = max<u32>(highWater, start + <u32>wanted);
  return start;
}

/** Returns frames taken with the same `bytes`. */
export function giveFrames(start: u32, bytes: u64): void {
  const size = <u32>roundUp(bytes);
  let previous: u32 = 0;
  let next = firstExtent;
  while (next != 0 && next < start) {
    previous = next;
    next = nextExtent(next);
  }
  let extent = start;
  let total = size;
  if (next != 0 && start + size == next) {
    total += extentBytes(next);
    next = nextExtent(next);
  }
  if (previous != 0 && previous + extentBytes(previous) == start) {
    total += extentBytes(previous);
    extent = previous;
  } else if (previous == 0) {
    firstExtent = extent;
  } else {
    store<u32>(previous, extent);
  }
  setExtent(extent, next, total);
}
