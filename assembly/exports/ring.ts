// Exports: the event ring.

import * as ring from '../ring.ts';

export function ringOpen(records: u32): i32 {
  return ring.openRing(records);
}

export function ringOldest(): u32 {
  return ring.ringOldest();
}

export function ringRun(): u32 {
  return ring.ringRun();
}

export function ringTake(n: u32): void {
  ring.ringTake(n);
}

export function ringLost(): f64 {
  return ring.ringLost();
}
