// Moving bytes between a domain and a buffer: a device reads or writes. Rules D-reach, D-plain, D-cycles.
//
//   all plain:   reach -> run, run, run                   nobody can come in between
//   else:        reach -> look, cycle, look, cycle ...     each cycle may run a hook, which may unmap what is next: it is looked at anew

import { EDEADLK, ELOOP, ENOMEM, IOMMU_CYCLES, IOMMU_TARGET, IOMMU_UNMAPPED, OBJECT_DOMAIN } from '../layout.generated.ts';
import { isWhole, readRun, writeRun } from '../block.ts';
import { cycleWidth, readPiece, writePiece } from '../cycle.ts';
import { end, fault, hookDepth, setFault } from '../flight.ts';
import { handleOf, resolve } from '../memory/objects.ts';
import { MAX_DEPTH, loadBytes, storeBytes } from '../region.ts';
import { markPages, tracks } from './dirty.ts';
import { enter, faultAt, goOn, isPlain, planNothing, position, rangeLast, reach, region, reservePlan, setFaultAt } from './reach.ts';

/** Which way the access went that was stopped: 0 a read, 1 a write. */
export let faultWrites: u32 = 0;

/** How an access ended: 0, an IOMMU_ number, or a negative errno. Lets waiting changes in, and keeps what is to be told of the access. */
export function ended(status: i32, writes: u32): i32 {
  const at = faultAt;
  end(0);
  setFaultAt(at);
  faultWrites = writes;
  return status;
}

/** Notes where an access was stopped. */
export function stopped(reason: i32, iova: u64): i32 {
  setFaultAt(iova);
  return reason;
}

/** What ended a cycle. A hook threw (EIO), a page could not be made (ENOMEM), or the target refuses. */
function cycleStatus(iova: u64): i32 {
  if (fault == 0) return 0;
  if (fault == EDEADLK || fault == ELOOP) return stopped(IOMMU_TARGET, iova);
  return -fault;
}

/** Checks that belong to no range. */
export function canBegin(iova: u64, bytes: u64): i32 {
  setFault(0);
  if (bytes - 1 > u64.MAX_VALUE - iova) return stopped(IOMMU_UNMAPPED, iova);
  return hookDepth() >= MAX_DEPTH ? stopped(IOMMU_TARGET, iova) : 0;
}

/** D-read, D-write: between a domain and `buffer`. */
export function moveBlock(domain: u32, iova: u64, buffer: u32, bytes: u32, writes: u32): i32 {
  if (bytes == 0) return 0;
  let status = canBegin(iova, bytes);
  if (status == 0) {
    planNothing();
    status = reach(domain, iova, iova + (bytes - 1), writes);
    if (status == 0) status = reservePlan() ? move(domain, iova, buffer, bytes, writes, isPlain) : -ENOMEM;
  }
  return ended(status, writes);
}

/** The bytes of an access that was looked at. */
export function move(domain: u32, iova: u64, buffer: u32, bytes: u32, writes: u32, plain: bool): i32 {
  if (!plain) return moveByCycles(handleOf(domain), iova, buffer, bytes, writes);
  moveRuns(domain, iova, buffer, bytes, writes);
  return cycleStatus(iova);
}

/** All of it is plain, reachable and reserved. */
function moveRuns(domain: u32, iova: u64, buffer: u32, bytes: u32, writes: u32): void {
  if (writes != 0 && tracks(domain)) markPages(domain, iova, iova + (bytes - 1));
  enter(domain, iova, writes);
  let done: u32 = 0;
  while (true) {
    const rest = bytes - done;
    const left = rangeLast - (iova + done);
    const run = left < <u64>rest ? <u32>left + 1 : rest;
    if (writes == 0) readRun(region, position, buffer + done, run);
    else writeRun(region, position, buffer + done, run);
    done += run;
    if (done == bytes) return;
    goOn(domain, writes);
  }
}

/** Nothing static survives a cycle: the domain itself may be gone. */
function moveByCycles(handle: u32, iova: u64, buffer: u32, bytes: u32, writes: u32): i32 {
  let done: u32 = 0;
  while (done < bytes) {
    const at = iova + done;
    const domain = resolve(handle, OBJECT_DOMAIN);
    if (domain == 0) return stopped(IOMMU_UNMAPPED, at);
    const reason = enter(domain, at, writes);
    if (reason != 0) return reason;
    const left = rangeLast - at;
    let run = left < <u64>(bytes - done) ? <u32>left + 1 : bytes - done;
    const whole = isWhole(region);
    if (!whole) run = cycleWidth(region, position, min<u32>(run, 8));
    // Before the cycle: a hook that unmaps the page takes its mark along.
    if (writes != 0 && tracks(domain) && !markPages(domain, at, at + (run - 1))) return -ENOMEM;
    if (whole) {
      if (writes == 0) readRun(region, position, buffer + done, run);
      else writeRun(region, position, buffer + done, run);
    } else if (writes == 0) {
      storeBytes(buffer + done, run, readPiece(region, position, run));
    } else {
      writePiece(region, position, run, loadBytes(buffer + done, run));
    }
    const status = cycleStatus(at);
    if (status != 0) return status;
    done += run;
  }
  return 0;
}

/** D-reach: whether all of a range can be reached, before it is moved in parts: 0 where it is plain, and then what a write will have to make is reserved; IOMMU_CYCLES where cycles have to be run. */
export function canReach(domain: u32, iova: u64, bytes: u64, writes: u32): i32 {
  if (bytes == 0) return 0;
  faultWrites = writes;
  let status = canBegin(iova, bytes);
  if (status != 0) return status;
  planNothing();
  status = reach(domain, iova, iova + (bytes - 1), writes);
  if (status != 0) return status;
  if (!isPlain) return IOMMU_CYCLES;
  return reservePlan() ? 0 : -ENOMEM;
}
