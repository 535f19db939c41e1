// The rows of a bulk load on their way into leaves, and whether they are entries, in order and disjoint.
//
//   walk rows:   | first u64 | last u64 | value u32 | unused | ...         two rows to two vectors: (first last)(first last) -> (first first)(last last)
//   columns:     | first x n |   | last x n |   | value x n |               u64, or f64 which become u64 by an addition
//
// With vectors a leaf takes twelve rows at once, also where it keeps eleven: the next leaf reads the twelfth again. The last rows of all go one by one.

import { WALK_FIRST, WALK_LAST, WALK_ROW_BYTES, WALK_VALUE } from '../layout.generated.ts';
import { whole } from '../number.ts';
import { FIRST, LAST, LEAF_CAPACITY, VALUE, clearEntries, last, ordered, setCount, setEntry } from './node.ts';
import { leafGap } from './search.ts';

// Where the next row is read, and in which of the three forms.
let firsts: u32 = 0;
let lasts: u32 = 0;
let values: u32 = 0;
let form: u32 = 0;

const ROWS: u32 = 0;
const INTEGERS: u32 = 1;
const NUMBERS: u32 = 2;

const GOOD: i32 = 1;
const WRONG: i32 = -1;
// A number that an addition does not turn into an index.
const FAR: i32 = 0;

/** Reads rows of the walk's form from now on. */
export function readRows(rows: u32): void {
  firsts = rows + WALK_FIRST;
  lasts = rows + WALK_LAST;
  values = rows + WALK_VALUE;
  form = ROWS;
}

/** Reads columns of u64, or f64 when `numbers`, and u32 from now on. */
export function readColumns(firstColumn: u32, lastColumn: u32, valueColumn: u32, numbers: bool): void {
  firsts = firstColumn;
  lasts = lastColumn;
  values = valueColumn;
  form = numbers ? NUMBERS : INTEGERS;
}

/** The longest gap in front of an entry of the leaf that was filled last. */
export let gapBefore: u64 = 0;

/** Takes the next `entries` of `rest` rows into a leaf that begins at index `low`; whether they are entries, in order and disjoint. */
export function fillLeaf(leaf: u32, entries: u32, rest: u32, low: u64): bool {
  let good = FAR;
  // A leaf that keeps twelve of the last twelve rows, or eleven of twelve: none is read that is not there.
  if (ASC_FEATURE_SIMD && rest >= LEAF_CAPACITY) {
    good = form == NUMBERS ? takeTwelve(leaf, entries, low, NUMBERS, 8, 4) : form == INTEGERS ? takeTwelve(leaf, entries, low, INTEGERS, 8, 4) : takeTwelve(leaf, entries, low, ROWS, WALK_ROW_BYTES, WALK_ROW_BYTES);
  }
  const isOneByOne = good == FAR;
  if (isOneByOne) {
    good = form == NUMBERS ? fill(leaf, entries, true, 8, 4) : form == INTEGERS ? fill(leaf, entries, false, 8, 4) : fill(leaf, entries, false, WALK_ROW_BYTES, WALK_ROW_BYTES);
  }
  clearEntries(leaf, entries, LEAF_CAPACITY);
  setCount(leaf, entries);
  if (isOneByOne) gapBefore = leafGap(leaf, low, last(leaf, entries - 1));
  return good == GOOD;
}

/** Takes rows one by one. */
// @ts-expect-error: TypeScript has no decorators on functions; one loop for each form of a row, in which the form is no question.
@inline
function fill(leaf: u32, entries: u32, numbers: bool, step: u32, valueStep: u32): i32 {
  let wrong: u32 = 0;
  let to: u64 = 0;
  let firstAt = firsts;
  let lastAt = lasts;
  let valueAt = values;
  for (let slot: u32 = 0; slot < entries; slot++) {
    const before = to;
    const from = numbers ? whole(load<f64>(firstAt)) : load<u64>(firstAt);
    to = numbers ? whole(load<f64>(lastAt)) : load<u64>(lastAt);
    const v = load<u32>(valueAt);
    setEntry(leaf, slot, from, to, v);
    wrong |= u32(to < from) | u32(v == 0) | (u32(from <= before) & u32(slot > 0));
    firstAt += step;
    lastAt += step;
    valueAt += valueStep;
  }
  firsts = firstAt;
  lasts = lastAt;
  values = valueAt;
  return wrong == 0 ? GOOD : WRONG;
}

/** Takes twelve rows at once. What is compared never comes back from the leaf: a vector that was written in parts is waited for. */
// @ts-expect-error: as above.
@inline
function takeTwelve(leaf: u32, entries: u32, low: u64, rowForm: u32, step: u32, valueStep: u32): i32 {
  const flip = i64x2.splat(i64.MIN_VALUE);
  // In front of the first entry lies not an entry but the leaf's bound, and what is in front of that is looked at elsewhere.
  let before = i64x2.splat(ordered(low - 1));
  let isEntry = i64x2(0, -1);
  let wrong = i64x2.splat(0);
  let far = i64x2.splat(0);
  let longest = flip;
  for (let slot: u32 = 0; slot < LEAF_CAPACITY; slot += 2) {
    let from: v128;
    let to: v128;
    if (rowForm == ROWS) {
      const row = firsts + slot * WALK_ROW_BYTES;
      const one = v128.load(row);
      const other = v128.load(row + WALK_ROW_BYTES);
      from = i8x16.shuffle(one, other, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
      to = i8x16.shuffle(one, other, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    } else {
      from = v128.load(firsts + (slot << 3));
      to = v128.load(lasts + (slot << 3));
      if (rowForm == NUMBERS) {
        from = wholes(from);
        to = wholes(to);
        far = v128.or(far, v128.or(from, to));
      }
    }
    from = v128.xor(from, flip);
    to = v128.xor(to, flip);
    v128.store(leaf + (slot << 3), from, FIRST);
    v128.store(leaf + (slot << 3), to, LAST);
    const value = <u64>load<u32>(values + slot * valueStep);
    const next = <u64>load<u32>(values + (slot + 1) * valueStep);
    store<u64>(leaf + (slot << 2), value | (next << 32), VALUE);
    before = i8x16.shuffle(before, to, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
    const order = v128.or(i64x2.gt_s(from, to), v128.and(i64x2.ge_s(before, from), isEntry));
    wrong = v128.or(wrong, v128.or(order, i64x2.eq(i64x2(<i64>value, <i64>next), i64x2.splat(0))));
    let gap = v128.xor(i64x2.sub(i64x2.sub(from, before), i64x2.splat(1)), flip);
    // The twelfth row belongs to the next leaf where this one keeps eleven.
    if (slot + 2 > entries) gap = i64x2.replace_lane(gap, 1, i64.MIN_VALUE);
    longest = v128.bitselect(gap, longest, i64x2.gt_s(gap, longest));
    before = to;
    isEntry = i64x2.splat(-1);
  }
  if (rowForm == NUMBERS && v128.any_true(i64x2.shr_u(far, 52))) return FAR;
  gapBefore = ordered(max<i64>(i64x2.extract_lane(longest, 0), i64x2.extract_lane(longest, 1)));
  firsts += entries * step;
  lasts += entries * step;
  values += entries * valueStep;
  return v128.any_true(wrong) ? WRONG : GOOD;
}

/** As `whole` in number.ts, two at a time; bits from 52 up for what needs more. */
function wholes(numbers: v128): v128 {
  return v128.xor(f64x2.add(numbers, f64x2.splat(4503599627370496.0)), i64x2.splat(0x4330000000000000));
}
