// Operations that write: each asks the module and the reference, and folds both answers.

import { count, handleOf, nextCyclic, setNextCyclic } from './columns.ts';
import * as core from './core.ts';
import { both } from './fold.ts';
import * as keys from './keys.ts';
import { asNumber } from './look.ts';
import { below, once } from './random.ts';
import { foundFirst, refLoad } from './reference-read.ts';
import * as ref from './reference-write.ts';
import { batchErrnos, batchFirsts, batchLasts, batchValues, cells, rows } from './subjects.ts';

const MAX: u64 = u64.MAX_VALUE;
const TREE_INSERT: u32 = 1;
const TREE_STORE: u32 = 2;
const TREE_ERASE: u32 = 3;

export function write(s: u32, numbers: bool, v: u32): void {
  keys.chooseRange(s, true);
  const from = keys.rangeFirst;
  const to = keys.rangeLast;
  const answer = numbers && asNumber(from) && asNumber(to) && once(2) ? core.treeStoreF(handleOf(s), <f64>from, <f64>to, v) : core.treeStore(handleOf(s), from, to, v);
  both(answer, ref.refStore(s, from, to, v));
}

export function insert(s: u32, numbers: bool): void {
  keys.chooseRange(s, true);
  const from = keys.rangeFirst;
  const to = keys.rangeLast;
  const v = once(100) ? 0 : keys.value();
  const answer = numbers && asNumber(from) && asNumber(to) && once(2) ? core.treeInsertF(handleOf(s), <f64>from, <f64>to, v) : core.treeInsert(handleOf(s), from, to, v);
  both(answer, ref.refInsert(s, from, to, v));
}

export function erase(s: u32, numbers: bool): void {
  const at = keys.index(s);
  both(numbers && asNumber(at) && once(2) ? core.treeEraseF(handleOf(s), <f64>at) : core.treeErase(handleOf(s), at), ref.refErase(s, at));
}

export function allocate(s: u32, numbers: bool): void {
  const size = keys.size();
  const alignment = keys.alignment();
  keys.chooseRange(s, true);
  const wide = once(2);
  const from: u64 = wide ? 0 : keys.rangeFirst;
  const to = wide && once(2) ? MAX : keys.rangeLast;
  const v = once(100) ? 0 : keys.value();
  const fromTop = once(2);
  const should = ref.refAllocate(s, size, alignment, from, to, v, fromTop);
  if (numbers && asNumber(size) && asNumber(alignment) && asNumber(from) && asNumber(to)) {
    both(<u64><i64>core.treeAllocateF(handleOf(s), <f64>size, <f64>alignment, <f64>from, <f64>to, v, u32(fromTop)), should < 0 ? <u64>should : foundFirst);
    return;
  }
  const answer = core.treeAllocate(handleOf(s), size, alignment, from, to, v, u32(fromTop));
  both(answer, should);
  if (answer == 0 && should == 0) both(load<u64>(cells), foundFirst);
}

/** Mostly with the `next` that a caller would carry on. */
export function allocateCyclic(s: u32): void {
  const size = once(3) ? keys.size() : 1;
  const alignment = once(3) ? keys.alignment() : 1;
  keys.chooseRange(s, true);
  const wide = once(2);
  const from: u64 = wide ? 0 : keys.rangeFirst;
  const to = wide && once(2) ? MAX : keys.rangeLast;
  const next = once(4) ? keys.index(s) : nextCyclic(s);
  const v = once(100) ? 0 : keys.value();
  const answer = core.treeAllocateCyclic(handleOf(s), size, alignment, from, to, next, v);
  const should = ref.refAllocateCyclic(s, size, alignment, from, to, next, v);
  both(answer, should);
  if (should < 0) return;
  both(load<u64>(cells), foundFirst);
  setNextCyclic(s, foundFirst + size);
}

/** Empties a store and loads it in bulk; at times rows that are refused, or into a store that is not empty. */
export function bulk(s: u32, entries: u32): void {
  if (!once(8)) {
    both(core.treeClear(handleOf(s)), 0);
    ref.refClear(s);
  }
  const stride = 1 + below(3);
  let at: u64 = once(2) ? keys.freshIndex() : 0;
  let n: u32 = 0;
  while (n < entries) {
    const row = rows + n * 24;
    const end = at + below(stride * 2);
    if (end < at) break;
    store<u64>(row, at);
    store<u64>(row, end, 8);
    store<u32>(row, keys.value(), 16);
    n++;
    at = end + 1 + (once(2) ? <u64>below(stride) : 0);
    if (at <= end) break;
  }
  if (once(8) && n > 0) {
    const row = rows + below(n) * 24;
    const spoil = below(3);
    if (spoil == 0) store<u32>(row, 0, 16);
    else if (spoil == 1) store<u64>(row, load<u64>(row, 8) + 1);
    else store<u64>(row, load<u64>(row, 8) + 9, 8);
  }
  both(core.treeBulk(handleOf(s), rows, n), ref.refBulk(s, rows, n));
}

/** A batch of loads, inserts, stores or erases: its rows one after another. */
export function batch(s: u32): void {
  const operation = below(4);
  const n = below(17);
  const wantsNumbers = once(2);
  let numbers: u32 = u32(wantsNumbers);
  for (let i: u32 = 0; i < n; i++) {
    keys.chooseRange(s, true);
    store<u64>(batchFirsts + (i << 3), keys.rangeFirst);
    store<u64>(batchLasts + (i << 3), keys.rangeLast);
    store<u32>(batchValues + (i << 2), once(20) ? 0 : keys.value());
    if (!asNumber(keys.rangeFirst) || !asNumber(keys.rangeLast)) numbers = 0;
  }
  let failed: u32 = 0;
  // The reference goes first, and leaves what each row should answer behind the module's rows.
  for (let i: u32 = 0; i < n; i++) {
    const should = referenceRow(s, operation, load<u64>(batchFirsts + (i << 3)), load<u64>(batchLasts + (i << 3)), load<u32>(batchValues + (i << 2)));
    store<i32>(rows + (i << 2), should);
    if (operation == TREE_INSERT || operation == TREE_STORE ? should != 0 : should == 0) failed++;
  }
  if (numbers != 0) {
    for (let i: u32 = 0; i < n; i++) {
      store<f64>(batchFirsts + (i << 3), <f64>load<u64>(batchFirsts + (i << 3)));
      store<f64>(batchLasts + (i << 3), <f64>load<u64>(batchLasts + (i << 3)));
    }
  }
  memory.fill(batchErrnos, 0xff, n);
  both(core.treeBatch(handleOf(s), operation, batchFirsts, batchLasts, batchValues, batchErrnos, n, numbers), failed);
  for (let i: u32 = 0; i < n; i++) {
    const should = load<i32>(rows + (i << 2));
    if (operation == TREE_INSERT || operation == TREE_STORE) both(load<u8>(batchErrnos + i), -should);
    else both(load<u32>(batchValues + (i << 2)), <u32>should);
  }
}

function referenceRow(s: u32, operation: u32, from: u64, to: u64, v: u32): i32 {
  if (operation == TREE_INSERT) return ref.refInsert(s, from, to, v);
  if (operation == TREE_STORE) return ref.refStore(s, from, to, v);
  return operation == TREE_ERASE ? ref.refErase(s, from) : refLoad(s, from);
}

/** A copy over another store, which is emptied first, mostly. */
export function duplicate(s: u32, target: u32): void {
  if (!once(6)) {
    both(core.treeClear(handleOf(target)), 0);
    ref.refClear(target);
  }
  const should = ref.refDuplicate(s, target);
  both(core.treeDuplicate(handleOf(s), handleOf(target)), should);
}

/** A write to a snapshot is EROFS; an erase answers 0. */
export function refusedWrite(s: u32, other: u32): void {
  const kind = below(6);
  const at = keys.freshIndex();
  const handle = handleOf(s);
  if (kind == 0) both(core.treeStore(handle, at, at, 7), -30);
  else if (kind == 1) both(core.treeInsert(handle, at, at, 7), -30);
  else if (kind == 2) both(core.treeErase(handle, keys.index(s)), 0);
  else if (kind == 3) both(core.treeAllocate(handle, 1, 1, 0, MAX, 7, 0), -30);
  else if (kind == 4) both(core.treeSnapshot(handle), -30);
  else both(core.treeDuplicate(handle, handleOf(other)), count(other) > 0 ? -22 : ref.refDuplicate(s, other));
}
