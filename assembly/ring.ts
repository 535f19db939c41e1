// The event ring: fixed-size records that the core appends and JavaScript drains later. Time is a counter.
//
//   records   | taken | taken | waiting | waiting | free | free |      head and tail count records ever written and taken;
//                             ^ tail              ^ head               their difference is at most the capacity
//
// See the RING_ offsets of layout.json for one record.

import {
  EINVAL,
  ENOMEM,
  RING_ADDRESS,
  RING_KIND,
  RING_KIND_TRACE,
  RING_OPERATION,
  RING_RECORD_BYTES,
  RING_SEQUENCE,
  RING_TARGET,
  RING_VALUE,
  RING_WIDTH,
} from './layout.generated.ts';
import { closeLanes } from './lane.ts';
import { giveFrames, takeFrames } from './memory/arena.ts';
import { countBacking } from './memory/objects.ts';

const MAX_RECORDS: u32 = 1 << 24;

let records: u32 = 0;
let capacity: u32 = 0;
let head: u64 = 0;
let tail: u64 = 0;
let lost: u64 = 0;
let sequence: u64 = 0;

/** Starts tracing into a ring of `n` records (a power of two, up to 2^24), or stops it with 0. What waited is dropped; the sequence starts at 0. */
export function openRing(n: u32): i32 {
  if (n > MAX_RECORDS || (n & (n - 1)) != 0) return -EINVAL;
  const frames = n == 0 ? 0 : takeFrames(<u64>n * RING_RECORD_BYTES);
  if (n != 0 && frames == 0) return -ENOMEM;
  if (records != 0) giveFrames(records, <u64>capacity * RING_RECORD_BYTES);
  countBacking(<i64>(<u64>n * RING_RECORD_BYTES) - <i64>(<u64>capacity * RING_RECORD_BYTES));
  // A lane leaves no record.
  closeLanes();
  records = frames;
  capacity = n;
  head = 0;
  tail = 0;
  lost = 0;
  sequence = 0;
  return 0;
}

export function isTracing(): bool {
  return capacity != 0;
}

/** A-trace. */
export function trace(operation: u32, width: u32, target: u32, address: u64, value: u64): void {
  const number = sequence;
  sequence = number + 1;
  if (head - tail == capacity) {
    lost += 1;
    return;
  }
  const record = records + (<u32>head & (capacity - 1)) * RING_RECORD_BYTES;
  store<f64>(record, <f64>number, RING_SEQUENCE);
  store<u64>(record, address, RING_ADDRESS);
  store<u64>(record, value, RING_VALUE);
  store<u32>(record, target, RING_TARGET);
  store<u8>(record, <u8>operation, RING_OPERATION);
  store<u8>(record, <u8>width, RING_WIDTH);
  store<u8>(record, <u8>RING_KIND_TRACE, RING_KIND);
  head += 1;
}

/** How many records wait. */
export function ringWaiting(): u32 {
  return <u32>(head - tail);
}

/** The address of the oldest waiting record. Records that wait may go on at the start of the ring: `ringRun` says how many do not. */
export function ringOldest(): u32 {
  return records + (<u32>tail & (capacity - 1)) * RING_RECORD_BYTES;
}

/** How many waiting records lie in one run from the oldest. */
export function ringRun(): u32 {
  return capacity == 0 ? 0 : min<u32>(ringWaiting(), capacity - (<u32>tail & (capacity - 1)));
}

/** Takes the `n` oldest records away; more than wait takes all. */
export function ringTake(n: u32): void {
  tail += min<u32>(n, ringWaiting());
}

/** How many records found the ring full. */
export function ringLost(): f64 {
  return <f64>lost;
}
