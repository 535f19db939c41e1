// Runs of plain registers: positions where an access needs masks only, whatever register it meets.

import { maxWidth, minWidth } from '../region.ts';
import { REGISTER_PLAIN, bankFlags, extent, registerAt, registerFlags, tableOf, widths } from './bank.ts';

/** Where the run begins and ends that `plainRun` found. */
export let plainFirst: u64 = 0;
export let plainLast: u64 = 0;

// Longer runs are several: nobody should pay for a look at a megabyte.
const FARTHEST: u32 = 4096;

function isPlain(table: u32, position: u32): bool {
  if (position >= extent(table)) return false;
  const register = registerAt(table, position);
  return register != 0 && (registerFlags(register) & REGISTER_PLAIN) != 0;
}

/** Finds the run around a position, from a multiple of eight on; false when there is none, or when sizes are legal that are not all of those between two. */
export function plainRun(region: u32, position: u64): bool {
  const table = tableOf(region);
  // 1, 2, 4 and 8 are their own bits: from the narrowest to the widest.
  const legal = (maxWidth(region) << 1) - minWidth(region);
  if (bankFlags(table) != 0 || (widths(table) & legal) != legal || position >= extent(table) || !isPlain(table, <u32>position)) return false;
  let first = <u32>position;
  let last = <u32>position;
  while (first > 0 && position - first < FARTHEST && isPlain(table, first - 1)) first -= 1;
  while (last - position < FARTHEST && isPlain(table, last + 1)) last += 1;
  first = (first + 7) & ~7;
  plainFirst = first;
  plainLast = last;
  return first <= <u32>position;
}
