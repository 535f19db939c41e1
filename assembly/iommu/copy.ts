// Copying inside a domain, as a device's copy engine does: it ends as if all was read before the first byte was written. Rule D-copy.
//
//   plain bytes that lie apart:   run by run, from where they lie to where they go      a run ends where a range of either side does
//   else:                         all read into a buffer, then all written
//
// Two IOVAs may lead to the same byte, so what lies apart is asked of linear memory: of the stretches in which all bytes of a side lie, else of the pages behind them, one bit each.

import { EINVAL, ENOMEM, IOMMU_UNMAPPED, OBJECT_DOMAIN, PAGE_BYTES } from '../layout.generated.ts';
import { giveFrames, takeFrames, takeSpareFrames } from '../memory/arena.ts';
import { handleOf, resolve } from '../memory/objects.ts';
import { base, isDemand, isRom, pageAt, touchPage } from '../region.ts';
import { markPages, tracks } from './dirty.ts';
import { canBegin, ended, move, stopped } from './move.ts';
import { PLACE_BYTES, enter, goOn, highest, isPlain, keepPlace, lowest, planNothing, position, rangeLast, reach, region, reservePlan, takePlace } from './reach.ts';

// Less than this is copied by way of one buffer.
const LARGE: u64 = 65536;

/** D-copy: 0, an IOMMU_ number, or a negative errno. */
export function copyBlock(domain: u32, to: u64, from: u64, bytes: u64): i32 {
  if (bytes == 0) return 0;
  if (bytes > <u64>u32.MAX_VALUE - PAGE_BYTES) return -EINVAL;
  let status = canBegin(from, bytes);
  if (status != 0) return ended(status, 0);
  status = canBegin(to, bytes);
  if (status != 0) return ended(status, 1);
  status = reach(domain, from, from + (bytes - 1), 0);
  if (status != 0) return ended(status, 0);
  let plain = isPlain;
  const readLowest = lowest;
  const readHighest = highest;
  planNothing();
  status = reach(domain, to, to + (bytes - 1), 1);
  if (status != 0) return ended(status, 1);
  plain = plain && isPlain;
  if (!reservePlan()) return ended(-ENOMEM, 1);
  if (plain && bytes > LARGE && (readHighest < lowest || highest < readLowest || areApart(domain, to, from, bytes))) {
    copyRuns(domain, to, from, <u32>bytes);
    return ended(0, 1);
  }
  return copyWhole(domain, to, from, <u32>bytes, plain);
}

// One side of a copy run by run. It is walked a stretch at a time, so that lookups wait for memory together and not each behind a copy.
//
//   0 place of its walk (reach.ts) | 32 IOVA behind the stretch u64 | 40 IOVA of the place's position u64 | 48 bytes behind the stretch u32 | 52 next run u32 | 56 end of runs u32
//   64 run | run | ...        a run:  0 address u32, 0 where nothing is written | 4 bytes u32
const RUNS: u32 = 64;
const RUN_BYTES: u32 = 8;
const FIRST_RUN: u32 = PLACE_BYTES + 32;
const source = <u32>memory.data(576);
const target = <u32>memory.data(576);
// What a page that was never written holds.
const zeros = <u32>memory.data(4096);

/** All of it is plain, reachable, reserved, and no byte is on both sides. */
function copyRuns(domain: u32, to: u64, from: u64, bytes: u32): void {
  if (tracks(domain)) markPages(domain, to, to + (bytes - 1));
  beginSide(source, domain, from, bytes, 0);
  beginSide(target, domain, to, bytes, 1);
  let left = bytes;
  let fromBytes: u32 = 0;
  let toBytes: u32 = 0;
  let fromAt: u32 = 0;
  let toAt: u32 = 0;
  while (true) {
    if (fromBytes == 0) {
      const run = nextRun(source, domain, 0);
      fromAt = load<u32>(run);
      fromBytes = load<u32>(run, 4);
    }
    if (toBytes == 0) {
      const run = nextRun(target, domain, 1);
      toAt = load<u32>(run);
      toBytes = load<u32>(run, 4);
    }
    const n = min<u32>(fromBytes, toBytes);
    if (toAt != 0) {
      memory.copy(toAt, fromAt, n);
      toAt += n;
    }
    fromAt += n;
    fromBytes -= n;
    toBytes -= n;
    left -= n;
    if (left == 0) return;
  }
}

function beginSide(side: u32, domain: u32, iova: u64, bytes: u32, writes: u32): void {
  enter(domain, iova, writes);
  keepPlace(side);
  store<u64>(side, iova, 32);
  store<u64>(side, iova, 40);
  store<u32>(side, bytes, 48);
  store<u32>(side, 0, 52);
  store<u32>(side, 0, 56);
}

function nextRun(side: u32, domain: u32, writes: u32): u32 {
  if (load<u32>(side, 52) == load<u32>(side, 56)) walkSide(side, domain, writes);
  const run = load<u32>(side, 52);
  store<u32>(side, run + RUN_BYTES, 52);
  return run;
}

/** Notes the runs of the next stretch: there is one. */
function walkSide(side: u32, domain: u32, writes: u32): void {
  takePlace(side);
  let iova = load<u64>(side, 32);
  let placed = load<u64>(side, 40);
  let left = load<u32>(side, 48);
  let run = side + FIRST_RUN;
  store<u32>(side, run, 52);
  while (left != 0 && run < side + FIRST_RUN + RUNS * RUN_BYTES) {
    const at = position + (iova - placed);
    let bytes = <u32>min<u64>(rangeLast - iova, left - 1) + 1;
    if (isDemand(region)) bytes = min<u32>(bytes, PAGE_BYTES - (<u32>at & (PAGE_BYTES - 1)));
    store<u32>(run, writes != 0 ? addressToWrite(at) : addressToRead(at));
    store<u32>(run, bytes, 4);
    run += RUN_BYTES;
    left -= bytes;
    const isRangeDone = rangeLast - iova < bytes;
    iova += bytes;
    if (left != 0 && isRangeDone) {
      goOn(domain, writes);
      placed = iova;
    }
  }
  keepPlace(side);
  store<u64>(side, iova, 32);
  store<u64>(side, placed, 40);
  store<u32>(side, left, 48);
  store<u32>(side, run, 56);
}

function addressToRead(at: u64): u32 {
  if (!isDemand(region)) return base(region) + <u32>at;
  const page = pageAt(region, at);
  return page == 0 ? zeros : page + (<u32>at & (PAGE_BYTES - 1));
}

function addressToWrite(at: u64): u32 {
  if (isRom(region)) return 0;
  return isDemand(region) ? touchPage(region, at) + (<u32>at & (PAGE_BYTES - 1)) : base(region) + <u32>at;
}

function copyWhole(domain: u32, to: u64, from: u64, bytes: u32, plain: bool): i32 {
  const buffer = takeSpareFrames(bytes);
  if (buffer == 0) return ended(-ENOMEM, 1);
  const handle = handleOf(domain);
  let writes: u32 = 0;
  let status = move(domain, from, buffer, bytes, 0, plain);
  if (status == 0) {
    writes = 1;
    // A hook that was read may have ended the domain.
    const still = resolve(handle, OBJECT_DOMAIN);
    status = still == 0 ? stopped(IOMMU_UNMAPPED, to) : move(still, to, buffer, bytes, 1, plain);
  }
  giveFrames(buffer, bytes);
  return ended(status, writes);
}

// One bit for each page of linear memory that will be written.
let pagesWritten: u32 = 0;

/** Whether no page of linear memory that is read is one that is written. All is plain and reserved. */
function areApart(domain: u32, to: u64, from: u64, bytes: u64): bool {
  const bits = <u64>(<u32>memory.size()) * 2;
  pagesWritten = takeFrames(bits);
  if (pagesWritten == 0) return false;
  notePages(domain, to, bytes, 1);
  const apart = notePages(domain, from, bytes, 0);
  giveFrames(pagesWritten, bits);
  return apart;
}

/** Notes the pages of all runs (`writes` 1), or says whether none of them is noted (0). */
function notePages(domain: u32, iova: u64, bytes: u64, writes: u32): bool {
  const last = iova + (bytes - 1);
  let at = iova;
  enter(domain, at, writes);
  while (true) {
    const end = min<u64>(rangeLast, last);
    if (!noteRun(<u32>(end - at) + 1, writes)) return false;
    if (end == last) return true;
    at = end + 1;
    goOn(domain, writes);
  }
}

function noteRun(bytes: u32, writes: u32): bool {
  if (isRom(region) && writes != 0) return true;
  if (!isDemand(region)) return noteFrames(base(region) + <u32>position, bytes, writes);
  const lastPosition = position + (bytes - 1);
  let at = position & ~(<u64>PAGE_BYTES - 1);
  while (true) {
    // What is to be written is there when all of it is noted, so a page that is not there then holds nothing but zeros.
    const page = writes != 0 ? touchPage(region, at) : pageAt(region, at);
    if (page != 0 && !noteFrames(page, PAGE_BYTES, writes)) return false;
    if (lastPosition - at < PAGE_BYTES) return true;
    at += PAGE_BYTES;
  }
}

function noteFrames(address: u32, bytes: u32, writes: u32): bool {
  const last = (address + (bytes - 1)) >>> 12;
  for (let page = address >>> 12; page <= last; page++) {
    const at = pagesWritten + (page >>> 3);
    const bit = <u32>1 << (page & 7);
    const bits = <u32>load<u8>(at);
    if (writes != 0) store<u8>(at, <u8>(bits | bit));
    else if ((bits & bit) != 0) return false;
  }
  return true;
}
