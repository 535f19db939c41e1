// One cursor in the module under test and two indices in the reference: where the next step up and down starts to look.

import { handleOf } from './columns.ts';
import * as core from './core.ts';
import { both } from './fold.ts';
import * as keys from './keys.ts';
import { once } from './random.ts';
import * as ref from './reference-read.ts';
import { cells } from './subjects.ts';
import { foldFound } from './look.ts';

let handle: u32 = 0;
let owner: u32 = 0;
let above: u64 = 0;
let below: u64 = 0;
/** Past 2^64-1, and in front of 0. */
let pastTop: bool = false;
let pastBottom: bool = false;

export function forget(): void {
  if (handle != 0) core.cursorDestroy(handle);
  handle = 0;
  owner = 0;
}

function place(s: u32): void {
  forget();
  owner = s;
  above = keys.index(s);
  below = above;
  pastTop = false;
  pastBottom = false;
  handle = core.cursorCreate(handleOf(s), above);
}

function standOnFound(): void {
  above = ref.foundLast + 1;
  pastTop = above == 0;
  pastBottom = ref.foundFirst == 0;
  below = ref.foundFirst - 1;
}

export function step(s: u32, ranges: bool): void {
  if (owner != s || once(20)) place(s);
  const up = once(2);
  const limit: u64 = once(3) ? keys.index(s) : up ? u64.MAX_VALUE : 0;
  if (ranges && once(2)) stepRange(s, up, limit);
  else stepEntry(s, up, limit);
}

function stepEntry(s: u32, up: bool, limit: u64): void {
  const past = up ? pastTop : pastBottom;
  const should = past ? 0 : up ? ref.refFind(s, above, limit) : ref.refFindPrevious(s, below, limit);
  foldFound(up ? core.cursorNext(handle, limit) : core.cursorPrevious(handle, limit), should);
  if (should != 0) standOnFound();
}

function stepRange(s: u32, up: bool, limit: u64): void {
  let should: u32 = 0;
  let moves = false;
  if (!(up ? pastTop : pastBottom)) {
    should = ref.refRange(s, up ? above : below);
    moves = up ? ref.foundFirst <= limit : ref.foundLast >= limit;
  }
  const answer = up ? core.cursorNextRange(handle, limit) : core.cursorPreviousRange(handle, limit);
  both(answer, moves ? should : 0);
  both(load<u64>(cells, 24), u64(moves));
  if (!moves) return;
  both(load<u64>(cells), ref.foundFirst);
  both(load<u64>(cells, 8), ref.foundLast);
  standOnFound();
}
