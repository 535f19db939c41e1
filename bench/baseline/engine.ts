// The JavaScript engine that the core is measured against: the same address space, windows, regions and rules, written for V8 as well as we can.
//
// Addresses are exact: a high and a low half of 32 bits, never a BigInt and never a float on the way of an access. What an access passes:
//
//   lane      direct-mapped by address, as in the core: a run of plain bytes, so that an access is two compares, an addition and a DataView call
//   ranges    last range met, else binary search over sorted typed arrays                                     (a miss, a hook, a cut)
//   cycles    the region's width rule, then RAM, demand page, ROM or hook
//
// The code is one closure that is made once per process: V8 then takes its arrays as constants and drops most bounds checks.

import { PAGE_BYTES, createRegions } from './regions.ts';
import { createRanges } from './ranges.ts';
import type { BaselineWindow } from './ranges.ts';

export const READ = 0;
export const WRITE = 1;
export const COMPARE = 2;

const READ_4 = READ | (4 << 8);
const WRITE_4 = WRITE | (4 << 8);
const COMPARE_4 = COMPARE | (4 << 8);
const READ_8 = READ | (8 << 8);
const WRITE_8 = WRITE | (8 << 8);
const COMPARE_8 = COMPARE | (8 << 8);
const READ_1 = READ | (1 << 8);
const WRITE_1 = WRITE | (1 << 8);
const COMPARE_1 = COMPARE | (1 << 8);
const READ_2 = READ | (2 << 8);
const WRITE_2 = WRITE | (2 << 8);
const COMPARE_2 = COMPARE | (2 << 8);

const EINVAL = 22;
const ELOOP = 40;
const MAX_DEPTH = 16;
const LANES = 64;
const DIFFERS = 0x100;

/** Accesses as typed arrays, one element of each per access. */
export interface Rows {
  readonly length: number;
  /** Operation in the low byte, width in the high one. */
  readonly head: Uint16Array;
  readonly addressHigh: Uint32Array;
  readonly addressLow: Uint32Array;
  /** What to write or compare with; a read puts what it read here. */
  readonly valueHigh: Uint32Array;
  readonly valueLow: Uint32Array;
  /** Errno in the low byte, in the high one 1 when a compare found another value. */
  readonly status: Uint16Array;
}

export type BaselineEngine = ReturnType<typeof createBaselineEngine>;

/** An engine with `capacity` bytes for everything that RAM, ROM and demand pages need. */
export function createBaselineEngine(capacity: number, length: number) {
  const head = new Uint16Array(length);
  const addressHigh = new Uint32Array(length);
  const addressLow = new Uint32Array(length);
  const valueHigh = new Uint32Array(length);
  const valueLow = new Uint32Array(length);
  const status = new Uint16Array(length);
  const rows: Rows = { length, head, addressHigh, addressLow, valueHigh, valueLow, status };

  const { view, regions, scratch, state, create, piece, hookRead } = createRegions(capacity);
  const scratchView = new DataView(scratch.buffer);
  const { firstHigh, firstLow, lastHigh, lastLow, positionHigh, positionLow, regionOf, count, find, show } = createRanges();

  // A lane: where `laneSize` bytes (0: closed) from an address on lie. It never crosses a multiple of 2^32. An array per field is faster here than one for all.
  const laneHigh = new Uint32Array(LANES);
  const laneLow = new Uint32Array(LANES);
  const laneSize = new Uint32Array(LANES);
  const laneAt = new Uint32Array(LANES);

  let exceptions = 0;
  let tracing = false;
  const traced: number[] = [];
  let unclaimedReads = 0;
  let unclaimedWrites = 0;

  // A closed lane holds eight bytes of a page that belongs to another lane, so that no address finds itself in it and one comparison says all.
  function closeLanes(): void {
    laneSize.fill(8);
    laneHigh.fill(0);
    laneLow.fill(0);
    laneLow[0] = PAGE_BYTES;
  }

  function map(window: BaselineWindow): void {
    show(window);
    closeLanes();
  }

  /** Notes in a lane what of the range around an address is plain bytes. */
  function openLane(range: number, addressHigh: number, addressLow: number): void {
    const target = regions[regionOf[range]!]!;
    if (target.narrowest !== 1 || tracing || (target.kind !== 'ram' && target.kind !== 'demand')) return;
    // Positions of these kinds are below 2^32.
    let low = firstHigh[range]! === addressHigh ? firstLow[range]! : 0;
    let last = lastHigh[range]! === addressHigh ? lastLow[range]! : 0xffff_ffff;
    const position = (positionLow[range]! + addressLow - firstLow[range]!) >>> 0;
    let at = target.base + position;
    if (target.kind === 'demand') {
      const page = target.pages[position >>> 12]!;
      if (page === 0) return;
      const inPage = position & (PAGE_BYTES - 1);
      at = page + inPage;
      low = Math.max(low, addressLow - inPage);
      last = Math.min(last, addressLow - inPage + PAGE_BYTES - 1);
    }
    if (last - low < 7) return;
    const lane = ((addressLow >>> 12) ^ (addressLow >>> 20)) & (LANES - 1);
    laneHigh[lane] = addressHigh;
    laneLow[lane] = low;
    laneSize[lane] = Math.min(last - low + 1, 0xffff_ffff);
    laneAt[lane] = at - (addressLow - low);
  }

  /** Any access that no lane serves. The value is in the scratch bytes; answers the errno. */
  function slow(writes: boolean, addressHigh: number, addressLow: number, width: number): number {
    if (width !== 4 && width !== 1 && width !== 8 && width !== 2) return EINVAL;
    if (addressHigh === 0xffff_ffff && addressLow > 0x1_0000_0000 - width) return EINVAL;
    if (state.depth >= MAX_DEPTH) return ELOOP;
    state.fault = 0;
    for (let done = 0; done < width && state.fault === 0; ) {
      const low = (addressLow + done) >>> 0;
      const upper = low < addressLow ? addressHigh + 1 : addressHigh;
      const found = find(upper, low);
      const range = found < 0 ? ~found : found;
      // Bytes up to the border: to the range's last byte, or for a gap to the byte before the next range.
      let rest: number = width - done;
      if (found >= 0) {
        if (lastHigh[range] === upper || lastHigh[range] === upper + 1) rest = Math.min(rest, (lastHigh[range]! - upper) * 0x1_0000_0000 + lastLow[range]! - low + 1);
      } else if (range < count() && (firstHigh[range] === upper || firstHigh[range] === upper + 1)) {
        rest = Math.min(rest, (firstHigh[range]! - upper) * 0x1_0000_0000 + firstLow[range]! - low);
      }
      if (found < 0) {
        if (writes) unclaimedWrites++;
        else unclaimedReads++;
        if (!writes) scratch.fill(0xff, done, done + rest);
      } else {
        const inLow = positionLow[range]! + (low - firstLow[range]!);
        const inHigh = positionHigh[range]! + upper - firstHigh[range]! + Math.floor(inLow / 0x1_0000_0000);
        piece(regions[regionOf[range]!]!, inHigh, inLow >>> 0, rest, done, writes);
        if (rest === width && state.fault === 0) openLane(range, addressHigh, addressLow);
      }
      done += rest;
    }
    if (tracing && state.fault === 0) traced.push(writes ? 1 : 0, width, addressHigh, addressLow, scratchView.getUint32(4, true), scratchView.getUint32(0, true));
    return state.fault;
  }

  /** Runs rows from `from` on while lanes serve them; answers the first row that none does. A function of its own without a call in it: V8 then keeps all in registers. */
  function runLanes(from: number): number {
    let differing = 0;
    let i = from | 0;
    for (; i < length; i++) {
      const low = addressLow[i]!;
      const lane = ((low >>> 12) ^ (low >>> 20)) & (LANES - 1);
      const offset = (low - laneLow[lane]!) >>> 0;
      const size = laneSize[lane]!;
      const kind = head[i]!;
      const width = kind >>> 8;
      if (laneHigh[lane]! !== addressHigh[i]! || offset > ((size - width) >>> 0)) break;
      const at = (laneAt[lane]! + offset) | 0;
      let differs = 0;
      if (kind === WRITE_4) {
        view.setUint32(at, valueLow[i]!, true);
        status[i] = 0;
        continue;
      }
      if (kind === COMPARE_4) {
        if (view.getUint32(at, true) !== valueLow[i]! || valueHigh[i]! !== 0) differs = 1;
      } else if (kind === WRITE_8) {
        view.setUint32(at, valueLow[i]!, true);
        view.setUint32((at + 4) | 0, valueHigh[i]!, true);
      } else if (kind === COMPARE_8) {
        if (view.getUint32(at, true) !== valueLow[i]! || view.getUint32((at + 4) | 0, true) !== valueHigh[i]!) differs = 1;
      } else if (kind === READ_4) {
        valueLow[i] = view.getUint32(at, true);
        valueHigh[i] = 0;
      } else if (kind === READ_8) {
        valueLow[i] = view.getUint32(at, true);
        valueHigh[i] = view.getUint32((at + 4) | 0, true);
      } else if (kind === WRITE_1) view.setUint8(at, valueLow[i]!);
      else if (kind === COMPARE_1) {
        if (view.getUint8(at) !== valueLow[i]! || valueHigh[i]! !== 0) differs = 1;
      } else if (kind === READ_1) {
        valueLow[i] = view.getUint8(at);
        valueHigh[i] = 0;
      } else if (kind === WRITE_2) view.setUint16(at, valueLow[i]!, true);
      else if (kind === COMPARE_2) {
        if (view.getUint16(at, true) !== valueLow[i]! || valueHigh[i]! !== 0) differs = 1;
      } else if (kind === READ_2) {
        valueLow[i] = view.getUint16(at, true);
        valueHigh[i] = 0;
      } else break;
      status[i] = differs << 8;
      differing = (differing + differs) | 0;
    }
    exceptions += differing;
    return i;
  }

  /** Runs all rows in order; answers how many ended with an errno or, for a compare, with another value. */
  function run(): number {
    exceptions = 0;
    for (let i = runLanes(0); i < length; i = runLanes(i + 1)) exceptions += oddRow(i);
    return exceptions;
  }

  function oddRow(i: number): number {
    const kind = head[i]!;
    const operation = kind & 0xff;
    if (operation === WRITE) {
      scratchView.setUint32(0, valueLow[i]!, true);
      scratchView.setUint32(4, valueHigh[i]!, true);
    } else scratch.fill(0);
    const errno = operation > COMPARE ? EINVAL : slow(operation === WRITE, addressHigh[i]!, addressLow[i]!, kind >>> 8);
    status[i] = errno;
    if (errno !== 0) return 1;
    if (operation === WRITE) return 0;
    const low = scratchView.getUint32(0, true);
    const high = scratchView.getUint32(4, true);
    if (operation === READ) {
      valueLow[i] = low;
      valueHigh[i] = high;
      return 0;
    }
    if (low === valueLow[i]! && high === valueHigh[i]!) return 0;
    status[i] = DIFFERS;
    return 1;
  }

  // One access from JavaScript, addresses as numbers up to 2^53-1 or as bigints.

  function checked(address: number): number {
    if (!Number.isSafeInteger(address) || address < 0) throw new RangeError(`address is ${address}; expected 0 to 2^53-1`);
    return address;
  }

  function read32(address: number): number {
    const low = checked(address) >>> 0;
    return read32At(((address - low) * 2 ** -32) >>> 0, low);
  }

  function read32Big(address: bigint): number {
    if (address < 0n || address > 0xffff_ffff_ffff_ffffn) throw new RangeError(`address is ${address}; expected 0 to 2^64-1`);
    return read32At(Number(BigInt.asUintN(32, address >> 32n)), Number(BigInt.asUintN(32, address)));
  }

  function read32At(upper: number, low: number): number {
    const lane = ((low >>> 12) ^ (low >>> 20)) & (LANES - 1);
    const offset = (low - laneLow[lane]!) >>> 0;
    if (laneHigh[lane]! === upper && offset <= ((laneSize[lane]! - 4) >>> 0)) return view.getUint32((laneAt[lane]! + offset) | 0, true);
    return read32Slowly(upper, low);
  }

  function read32Slowly(upper: number, low: number): number {
    // A hook in one cycle: no scratch bytes.
    const range = find(upper, low);
    const target = range < 0 ? undefined : regions[regionOf[range]!]!;
    if (target?.kind === 'hook' && !target.busy && !tracing && state.depth < MAX_DEPTH && target.narrowest <= 4 && target.widest >= 4 && !target.aligned) {
      const inside = lastHigh[range]! === upper && lastLow[range]! - low >= 3 && firstHigh[range]! === upper;
      const position = positionLow[range]! + (low - firstLow[range]!);
      if (inside && position <= 0xffff_ffff) {
        state.fault = 0;
        const value = hookRead(target, positionHigh[range]!, position, 4) >>> 0;
        if (state.fault !== 0) throw new Error(`errno ${state.fault}`);
        return value;
      }
    }
    const errno = slow(false, upper, low, 4);
    if (errno !== 0) throw new Error(`errno ${errno}`);
    return scratchView.getUint32(0, true);
  }

  function read64(address: number): bigint {
    const low = checked(address) >>> 0;
    const upper = ((address - low) * 2 ** -32) >>> 0;
    const lane = ((low >>> 12) ^ (low >>> 20)) & (LANES - 1);
    const offset = (low - laneLow[lane]!) >>> 0;
    if (laneHigh[lane]! === upper && offset <= ((laneSize[lane]! - 8) >>> 0)) return view.getBigUint64((laneAt[lane]! + offset) | 0, true);
    const errno = slow(false, upper, low, 8);
    if (errno !== 0) throw new Error(`errno ${errno}`);
    return scratchView.getBigUint64(0, true);
  }

  function write32(address: number, value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new RangeError(`value is ${value}; expected 0 to 2^32-1`);
    const low = checked(address) >>> 0;
    const upper = ((address - low) * 2 ** -32) >>> 0;
    const lane = ((low >>> 12) ^ (low >>> 20)) & (LANES - 1);
    const offset = (low - laneLow[lane]!) >>> 0;
    if (laneHigh[lane]! === upper && offset <= ((laneSize[lane]! - 4) >>> 0)) {
      view.setUint32((laneAt[lane]! + offset) | 0, value, true);
      return;
    }
    scratchView.setUint32(0, value, true);
    const errno = slow(true, upper, low, 4);
    if (errno !== 0) throw new Error(`errno ${errno}`);
  }

  function regionRead32(region: number, position: number): number {
    const target = regions[region]!;
    if (!Number.isSafeInteger(position) || position < 0 || position > target.size - 4) throw new RangeError(`position is ${position}; expected 0 to ${target.size - 4}`);
    if (target.kind === 'ram' && target.narrowest === 1 && !tracing) return view.getUint32(target.base + position, true);
    state.fault = 0;
    piece(target, 0, position, 4, 0, false);
    return scratchView.getUint32(0, true);
  }

  return {
    rows,
    region: create,
    map,
    run,
    read32,
    read32Big,
    read64,
    write32,
    regionRead32,
    /** Every access that is made from now on is noted. */
    trace: () => {
      tracing = true;
      closeLanes();
      return traced;
    },
    unclaimed: () => ({ reads: unclaimedReads, writes: unclaimedWrites }),
  };
}
