// What a bus would count: which device a region belongs to, and how many transactions have reached it (W-same-device, W-count).
//
//   region record   100 device u32 | 104 reads u64 | 112 writes u64 | 120 counts u32
//
// A region that counts opens no lanes and is copied cycle by cycle, so that none is missed; one that does not pays a test per cycle.

import { closeLanes } from './lane.ts';

/** The number of the device that a region is part of; 0: the region is a device of its own. */
export function device(region: u32): u32 {
  return load<u32>(region, 100);
}

export function setDevice(region: u32, number: u32): void {
  store<u32>(region, number, 100);
  closeLanes();
}

/** W-same-device. */
export function isSameDevice(region: u32, other: u32): bool {
  return region == other || (device(region) != 0 && device(region) == device(other));
}

export function isCounted(region: u32): bool {
  return load<u32>(region, 120) != 0;
}

/** Starts counting from zero, or stops. */
export function setCounted(region: u32, counts: bool): void {
  store<u64>(region, 0, 104);
  store<u64>(region, 0, 112);
  store<u32>(region, counts ? 1 : 0, 120);
  closeLanes();
}

/** One more read (`writes` 0) or write (1), if the region counts. */
export function countTransaction(region: u32, writes: u32): void {
  if (!isCounted(region)) return;
  const at = region + (writes << 3);
  store<u64>(at, load<u64>(at, 104) + 1, 104);
}

export function transactions(region: u32, writes: u32): u64 {
  return load<u64>(region + (writes << 3), 104);
}
