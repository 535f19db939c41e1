// Copying inside a domain, as a device's copy engine does: it ends as if all was read before the first byte was written. Rule D-copy.
//
//   plain bytes that lie apart:   run by run, from where they lie to where they go      a run ends where a range of either side does
//   else:                         all read into a buffer, then all written
//
// Two IOVAs may lead to the same byte, so what lies apart is asked of the pages of linear memory behind them, one bit each.

import { EINVAL, ENOMEM, IOMMU_UNMAPPED, OBJECT_DOMAIN, PAGE_BYTES } from '../layout.generated.ts';
import { writeRun } from '../block.ts';
import { giveFrames, takeFrames, takeSpareFrames } from '../memory/arena.ts';
import { handleOf, resolve } from '../memory/objects.ts';
import { base, isDemand, isRom, pageAt, touchPage } from '../region.ts';
import { mark, tracks } from './dirty.ts';
import { canBegin, ended, move, stopped } from './move.ts';
import { enter, goOn, isPlain, keepPlace, planNothing, position, rangeLast, reach, region, reservePlan, takePlace } from './reach.ts';

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
  planNothing();
  status = reach(domain, to, to + (bytes - 1), 1);
  if (status != 0) return ended(status, 1);
  plain = plain && isPlain;
  if (!reservePlan()) return ended(-ENOMEM, 1);
  if (plain && bytes > LARGE && areApart(domain, to, from, bytes)) {
    copyRuns(domain, to, from, <u32>bytes);
    return ended(0, 1);
  }
  return copyWhole(domain, to, from, <u32>bytes, plain);
}

// Where both walks stand.
const source = <u32>memory.data(32);
const target = <u32>memory.data(32);

/** All of it is plain, reachable, reserved, and no byte is on both sides. */
function copyRuns(domain: u32, to: u64, from: u64, bytes: u32): void {
  if (tracks(domain)) mark(domain, to, to + (bytes - 1));
  enter(domain, from, 0);
  keepPlace(source);
  let read = region;
  let readAt = position;
  let readLast = rangeLast;
  enter(domain, to, 1);
  keepPlace(target);
  let written = region;
  let writtenAt = position;
  let writtenLast = rangeLast;
  let done: u32 = 0;
  while (true) {
    const left = min<u64>(min<u64>(readLast - (from + done), writtenLast - (to + done)), bytes - done - 1);
    const run = <u32>left + 1;
    copyRun(read, readAt, written, writtenAt, run);
    done += run;
    if (done == bytes) return;
    readAt += run;
    writtenAt += run;
    if (readLast < from + done) {
      takePlace(source);
      goOn(domain, 0);
      keepPlace(source);
      read = region;
      readAt = position;
      readLast = rangeLast;
    }
    if (writtenLast < to + done) {
      takePlace(target);
      goOn(domain, 1);
      keepPlace(target);
      written = region;
      writtenAt = position;
      writtenLast = rangeLast;
    }
  }
}

/** Bytes of two regions that are plain. */
function copyRun(from: u32, position: u64, to: u32, toPosition: u64, bytes: u32): void {
  if (isRom(to)) return;
  if (!isDemand(from)) {
    writeRun(to, toPosition, base(from) + <u32>position, bytes);
    return;
  }
  let done: u32 = 0;
  while (done < bytes) {
    const at = position + done;
    const inPage = <u32>at & (PAGE_BYTES - 1);
    const run = min<u32>(bytes - done, PAGE_BYTES - inPage);
    const page = pageAt(from, at);
    writeRun(to, toPosition + done, page == 0 ? zeros : page + inPage, run);
    done += run;
  }
}

// What a page that was never written holds.
const zeros = <u32>memory.data(4096);

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
