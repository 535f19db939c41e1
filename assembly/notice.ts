// Notices: what the host is told of when the access in flight has ended, or when it asks: levels and edges of interrupt lines, doorbells.
//
//   | told | told | waiting | waiting | free |      a ring of 4,096 rows
//
//   row, 32 bytes:  0 address or line u64 | 8 value u64 | 16 the region's handle u32 | 20 kind u8 | 21 width u8
//
// When the ring is full the newest doorbell is counted and dropped: its register still shows what was written. Levels are never lost, the bank knows them.

import { NOTICE_DOORBELL, NOTICE_ROWS, NOTICE_ROW_BYTES } from './layout.generated.ts';
import { requestSettle } from './flight.ts';
import { takeFrames } from './memory/arena.ts';

let rows: u32 = 0;
let head: u32 = 0;
let tail: u32 = 0;
let dropped: u32 = 0;

/** Makes room for notices: once, before the first bank; false when memory is full. */
export function openNotices(): bool {
  if (rows == 0) rows = takeFrames(NOTICE_ROWS * NOTICE_ROW_BYTES);
  return rows != 0;
}

export function notice(kind: u32, target: u32, address: u64, width: u32, value: u64): void {
  // Interrupts cannot wait until somebody asks.
  if (kind != NOTICE_DOORBELL) requestSettle();
  if (head - tail == NOTICE_ROWS) {
    dropped += 1;
    return;
  }
  const row = rows + (head % NOTICE_ROWS) * NOTICE_ROW_BYTES;
  store<u64>(row, address);
  store<u64>(row, value, 8);
  store<u32>(row, target, 16);
  store<u32>(row, kind | (width << 8), 20);
  head += 1;
}

/** The address of the oldest waiting row; 0 when none waits. */
export function oldestNotice(): u32 {
  return head == tail ? 0 : rows + (tail % NOTICE_ROWS) * NOTICE_ROW_BYTES;
}

/** Forgets the oldest waiting row. */
export function takeNotice(): void {
  if (head != tail) tail += 1;
}

/** How many were dropped since the last time this was asked. */
export function droppedNotices(): u32 {
  const n = dropped;
  dropped = 0;
  return n;
}
