// Operations that read: each asks the module and the reference, and folds both answers.

import { handleOf } from './columns.ts';
import * as core from './core.ts';
import { both } from './fold.ts';
import * as keys from './keys.ts';
import { below, once } from './random.ts';
import * as ref from './reference-read.ts';
import { cells, rows } from './subjects.ts';

const MAX: u64 = u64.MAX_VALUE;
const SAFE: u64 = (1 << 53) - 1;

/** Whether the number forms can say it; then half of the calls use them. */
export function asNumber(index: u64): bool {
  return index <= SAFE;
}

/** A value, and where it lies when there is one. */
export function foldFound(answer: u32, should: u32): void {
  both(answer, should);
  if (answer != 0 && should != 0) foldExtent();
}

function foldExtent(): void {
  both(load<u64>(cells), ref.foundFirst);
  both(load<u64>(cells, 8), ref.foundLast);
}

export function lookUp(s: u32, numbers: bool): void {
  const at = keys.index(s);
  both(numbers && asNumber(at) && once(2) ? core.treeLoadF(handleOf(s), <f64>at) : core.treeLoad(handleOf(s), at), ref.refLoad(s, at));
}

function limit(s: u32, open: u64): u64 {
  return once(2) ? open : keys.index(s);
}

export function find(s: u32, numbers: bool): void {
  const at = keys.index(s);
  const to = limit(s, MAX);
  const answer = numbers && asNumber(at) && asNumber(to) ? core.treeFindF(handleOf(s), <f64>at, <f64>to) : core.treeFind(handleOf(s), at, to);
  foldFound(answer, ref.refFind(s, at, to));
}

export function findPrevious(s: u32, numbers: bool): void {
  const at = keys.index(s);
  const to = limit(s, 0);
  const answer = numbers && asNumber(at) && asNumber(to) && once(2) ? core.treeFindPreviousF(handleOf(s), <f64>at, <f64>to) : core.treeFindPrevious(handleOf(s), at, to);
  foldFound(answer, ref.refFindPrevious(s, at, to));
}

export function next(s: u32): void {
  const at = keys.index(s);
  const to = limit(s, MAX);
  foldFound(core.treeNext(handleOf(s), at, to), ref.refNext(s, at, to));
}

export function previous(s: u32): void {
  const at = keys.index(s);
  const to = limit(s, 0);
  foldFound(core.treePrevious(handleOf(s), at, to), ref.refPrevious(s, at, to));
}

export function range(s: u32): void {
  const at = keys.index(s);
  both(core.treeRange(handleOf(s), at), ref.refRange(s, at));
  foldExtent();
}

export function gap(s: u32, numbers: bool): void {
  const size = keys.size();
  const alignment = keys.alignment();
  keys.chooseRange(s, true);
  const wide = once(2);
  const from: u64 = wide ? 0 : keys.rangeFirst;
  const to = wide && once(2) ? MAX : keys.rangeLast;
  const fromTop = once(2);
  const should = ref.refGap(s, size, alignment, from, to, fromTop);
  if (numbers && asNumber(size) && asNumber(alignment) && asNumber(from) && asNumber(to)) {
    both(<u64><i64>core.treeGapF(handleOf(s), <f64>size, <f64>alignment, <f64>from, <f64>to, u32(fromTop)), should < 0 ? <u64>should : ref.foundFirst);
    return;
  }
  const answer = core.treeGap(handleOf(s), size, alignment, from, to, u32(fromTop));
  both(answer, should);
  if (answer == 0 && should == 0) both(load<u64>(cells), ref.foundFirst);
}

/** Some rows of a window, upwards or downwards, with gaps or without; the reference steps from range to range. */
export function walk(s: u32, back: bool): void {
  const capacity = below(24);
  const gaps = once(2);
  keys.chooseRange(s, true);
  const from = keys.rangeFirst;
  const to = keys.rangeLast;
  const many = back ? core.treeWalkBack(handleOf(s), from, to, u32(gaps), rows, capacity) : core.treeWalk(handleOf(s), from, to, u32(gaps), rows, capacity);
  if (from > to) {
    both(many, -22);
    return;
  }
  let at = back ? to : from;
  let row: u32 = 0;
  while (row < capacity) {
    const holder = ref.refRange(s, at);
    if (holder != 0 || gaps) {
      if (<i32>row < many) {
        both(load<u64>(rows + row * 24), ref.foundFirst);
        both(load<u64>(rows + row * 24, 8), ref.foundLast);
        both(load<u32>(rows + row * 24, 16), holder);
      }
      row++;
    }
    if (back ? ref.foundFirst <= from : ref.foundLast >= to) break;
    at = back ? ref.foundFirst - 1 : ref.foundLast + 1;
  }
  both(many, row);
}
