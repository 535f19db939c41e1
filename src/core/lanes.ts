// Lanes remembered in JavaScript: copies of the core's lanes (assembly/lane.ts), from which space-access.ts serves accesses by views of the core's memory, without a call.
//
//   address   | page, folded | ... |   -> one of 64 lanes of a space
//   lane      first address | how many offsets for each width | where the bytes lie | distance to their masks | closings
//
// The core opens lanes and closes them; a copy is good while the core's count of closings is the one that was read with it. Views of memory that has grown hold nothing, and no count.

import type { Core } from './core.ts';
import { CELL_MASKED_CLOSINGS, CELL_PLAIN_CLOSINGS, LANE_BASE, LANE_DISTANCE, LANE_FIRST, LANE_LAST_CLOSING, LANE_OFFSETS } from './layout.generated.ts';

// Offsets and places stay within the integers that V8 keeps unboxed, 31 bits at least.
const LONGEST = 2 ** 30;
// Asking costs as much as several accesses: where lanes come and go, only every so many accesses ask.
const MOST_PATIENT = 256;
// The core's memory is little-endian, its views have the host's order.
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Where bytes lie, by address. @internal */
export class Lane {
  /** NaN: none remembered yet, and a number that V8 does not take for a small integer. */
  first = NaN;
  /** How many offsets an access of 1, 2, 4 bytes may have. */
  offsets1 = 0;
  offsets2 = 0;
  offsets4 = 0;
  /** Where the bytes lie, and from there to the readable bits (0: no masks), in words of four bytes. */
  base = 0;
  distance = 0;
  /** The word in which its kind's closings are counted, and how many there had been: never 0. */
  counter = 0;
  closings = -1;
  /** So many accesses more go the long way before the core is asked, and so many after that. */
  waits = 1;
  patience = 1;

  /** Notes that an access from a space went the long way, and ended well. */
  missed(core: Core, space: number, address: number, width: 1 | 2 | 4): void {
    if (--this.waits > 0) return;
    // Where a lane had closed, the next may stay; where one was driven out, or there is none, so it will be again.
    const wasClosed = core.data().getUint32(this.counter * 4, true) !== this.closings;
    const found = this.remember(core, core.exports.spaceLane(space, BigInt(address), width) >>> 0, address);
    this.patience = found && wasClosed ? Math.max(1, this.patience >>> 1) : Math.min(MOST_PATIENT, this.patience << 1);
    this.waits = this.patience;
  }

  /** Copies the core's lane of an address; false when there is none to be copied. */
  private remember(core: Core, row: number, address: number): boolean {
    if (row === 0 || !IS_LITTLE_ENDIAN) return false;
    const view = core.data();
    const distance = view.getUint32(row + LANE_DISTANCE, true);
    const base = view.getUint32(row + LANE_BASE, true);
    const first = Number(view.getBigUint64(row + LANE_FIRST, true));
    // Offsets of a copy are aligned where places in memory are.
    const odd = -base & 7;
    const from = odd + Math.floor((address - first - odd) / LONGEST) * LONGEST;
    const counter = (core.cells + (distance === 0 ? CELL_PLAIN_CLOSINGS : CELL_MASKED_CLOSINGS)) >>> 2;
    const closings = view.getUint32(counter * 4, true);
    if (from < 0 || closings === LANE_LAST_CLOSING) return false;
    const most = Math.min(LONGEST, 2 ** 53 - first - from);
    const offsets = (field: number): number => Math.max(0, Math.min(most, view.getUint32(row + LANE_OFFSETS + field, true) + (distance === 0 ? 1 : 0) - from));
    this.first = first + from;
    this.offsets1 = offsets(0);
    this.offsets2 = offsets(4);
    this.offsets4 = offsets(8);
    this.base = (base + from) / 4;
    this.distance = distance >>> 2;
    this.counter = counter;
    this.closings = closings;
    return true;
  }
}
