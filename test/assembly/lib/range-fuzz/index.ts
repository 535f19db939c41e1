// A chunk of random operations on a range store and on a sorted array, inside Wasm. Chunks start from nothing, so each can be run again alone.

import * as change from './change.ts';
import * as columns from './columns.ts';
import * as core from './core.ts';
import * as cursor from './cursor.ts';
import * as fold from './fold.ts';
import * as keys from './keys.ts';
import * as look from './look.ts';
import { below, once, seed } from './random.ts';
import * as subjects from './subjects.ts';

export { bytesNeeded, faultInContent, prepare } from './subjects';
export { answered, expected, lastAnswer, lastExpected } from './fold';
export { rangeFirst, rangeLast } from './keys';
export {
  foundFirst,
  foundLast,
  refFind,
  refFindPrevious,
  refGap,
  refLoad,
  refNext,
  refPrevious,
  refRange,
} from './reference-read';
export { refAllocate, refAllocateCyclic, refBulk, refClear, refErase, refInsert, refStore } from './reference-write';
export { count, first, last, value } from './columns';

/** Whether the build has the newer exports: ranges, reverse walks, cyclic, duplicates, snapshots, batches, number forms. */
let complete: bool = true;
let room: u32 = 0;
/** Entries to grow to, and whether the chunk grows or shrinks right now. */
let target: u32 = 0;
let growing: bool = true;

export let operation: u32 = 0;

export function start(from: u64, withAll: bool, entriesRoom: u32): void {
  seed(from);
  fold.restart();
  complete = withAll;
  room = entriesRoom;
  subjects.create();
  chooseTarget();
}

function chooseTarget(): void {
  const kind = below(16);
  target = kind < 4 ? 1 + below(12) : kind < 9 ? 1 + below(60) : kind < 13 ? 1 + below(300) : kind < 15 ? 1 + below(1000) : 1 + below(room >>> 1);
  keys.chooseNeighbourhood(target);
  growing = true;
}

/** Ends a chunk: nothing is left behind. */
export function finish(): void {
  cursor.forget();
  subjects.destroy();
}

export function run(operations: u32): void {
  for (let i: u32 = 0; i < operations; i++) step();
}

function step(): void {
  const which = below(64);
  const s = subjects.subject(which < 50 ? 0 : which < 58 ? 1 : complete ? 2 + (which & 1) : 0);
  if (columns.isSnapshot(s)) {
    snapshotStep(s);
    return;
  }
  const n = columns.count(s);
  if (growing ? n >= target : n == 0) {
    growing = !growing;
    if (growing) chooseTarget();
  }
  operation = below(128);
  if (operation < 56) readStep(s, operation);
  else if (columns.count(s) + 40 > room) change.bulk(s, 0);
  else writeStep(s, operation - 56);
}

function readStep(s: u32, which: u32): void {
  if (which < 14) look.lookUp(s, complete);
  else if (which < 20) look.find(s, complete);
  else if (which < 26) look.findPrevious(s, complete);
  else if (which < 30) look.next(s);
  else if (which < 34) look.previous(s);
  else if (which < 38 && complete) look.range(s);
  else if (which < 42) look.walk(s, false);
  else if (which < 44 && complete) look.walk(s, true);
  else if (which < 50) look.gap(s, complete);
  else if (s == subjects.subject(0)) cursor.step(s, complete);
}

/** Growing, twice as many inserts as erases; shrinking, the other way round, and wide erases too. */
function writeStep(s: u32, which: u32): void {
  if (which < 24) {
    if (growing) change.insert(s, complete);
    else change.erase(s, complete);
  } else if (which < 32) change.erase(s, complete);
  else if (which < 40) change.insert(s, complete);
  else if (which < 52) change.write(s, complete, keys.value());
  else if (which < 56) change.write(s, complete, growing ? keys.value() : 0);
  else if (which < 58) change.write(s, complete, 0);
  else if (which < 64) change.allocate(s, complete);
  else if (which < 66 && complete) change.allocateCyclic(s);
  else if (which < 68 && complete) change.batch(s);
  else if (which == 68) {
    if (once(40)) bulkOrTall(s);
  } else if (which == 69 && complete && once(4)) copy(s);
  else if (which == 70 && complete && once(4)) takeSnapshot(s);
  else change.insert(s, complete);
}

/** What the store remembers of a block at 2^64-1 has no rule for clearing and copying. */
function bulkOrTall(s: u32): void {
  if (columns.wrapped(s) == 0) change.bulk(s, once(8) ? below(room - 64) : below(400));
}

function copy(s: u32): void {
  const other = subjects.subject(s == subjects.subject(0) ? 1 : 0);
  if (columns.wrapped(s) == 0 && columns.wrapped(other) == 0) change.duplicate(s, other);
}

function takeSnapshot(s: u32): void {
  const kept = subjects.subject(2 + below(2));
  if (columns.handleOf(kept) != 0) core.treeDestroy(columns.handleOf(kept));
  const handle = core.treeSnapshot(columns.handleOf(s));
  fold.both(u64(handle > 0), 1);
  columns.setHandle(kept, handle > 0 ? handle : 0);
  columns.copyEntries(kept, s);
}

function snapshotStep(s: u32): void {
  operation = 200;
  if (columns.handleOf(s) == 0) return;
  if (once(500)) {
    fold.both(core.treeDestroy(columns.handleOf(s)), 0);
    columns.setHandle(s, 0);
    return;
  }
  const which = below(60);
  if (which < 50) readStep(s, which);
  else if (columns.wrapped(subjects.subject(1)) == 0) change.refusedWrite(s, subjects.subject(1));
}
