// Many accesses in one call, so that a replay or a sweep does not cross the border once per access.
//
//   row, 24 bytes:  0 address u64 | 8 value u64 | 16 operation u8 | 17 width u8 | 18 errno u8 | 19 differs u8 | 20 space u32
//
// A read stores what it read into the row's value; a compare leaves the value and notes in `differs` whether what it read was another one.

import {
  BATCH_ADDRESS,
  BATCH_COMPARE,
  BATCH_DIFFERS,
  BATCH_ERRNO,
  BATCH_OPERATION,
  BATCH_READ,
  BATCH_ROW_BYTES,
  BATCH_SPACE,
  BATCH_VALUE,
  BATCH_WIDTH,
  BATCH_WRITE,
  EBADF,
  EINVAL,
  OBJECT_SPACE,
} from './layout.generated.ts';
import { spaceRead, spaceWrite } from './access.ts';
import { fault } from './flight.ts';
import { laneBase, laneFirst, laneKey, laneLimit1, laneLimit2, laneLimit4, laneLimit8, laneOf } from './lane.ts';
import { runMaskedRows } from './registers/masked-rows.ts';
import { resolve } from './memory/objects.ts';

// Operation and width as they lie in a row whose errno and `differs` are clear.
const READ_1: u64 = BATCH_READ | (1 << 8);
const READ_2: u64 = BATCH_READ | (2 << 8);
const READ_4: u64 = BATCH_READ | (4 << 8);
const READ_8: u64 = BATCH_READ | (8 << 8);
const WRITE_1: u64 = BATCH_WRITE | (1 << 8);
const WRITE_2: u64 = BATCH_WRITE | (2 << 8);
const WRITE_4: u64 = BATCH_WRITE | (4 << 8);
const WRITE_8: u64 = BATCH_WRITE | (8 << 8);
const COMPARE_1: u64 = BATCH_COMPARE | (1 << 8);
const COMPARE_2: u64 = BATCH_COMPARE | (2 << 8);
const COMPARE_4: u64 = BATCH_COMPARE | (4 << 8);
const COMPARE_8: u64 = BATCH_COMPARE | (8 << 8);

let exceptions: u32 = 0;

/** Runs `n` rows in order; answers how many ended with an errno or, for a compare, with another value. */
export function runRows(rows: u32, n: u32): u32 {
  // A hook may run a batch of its own: what was counted so far is kept aside.
  const outer = exceptions;
  exceptions = 0;
  const end = rows + n * BATCH_ROW_BYTES;
  let row = runLanes(rows, end);
  while (row != end) {
    const after = runMaskedRows(row, end);
    if (after != row) {
      row = runLanes(after, end);
      continue;
    }
    const space = resolve(load<u32>(row, BATCH_SPACE), OBJECT_SPACE);
    exceptions += space == 0 ? refuse(row, EBADF) : runRow(row, space);
    row = runLanes(row + BATCH_ROW_BYTES, end);
  }
  const counted = exceptions;
  exceptions = outer;
  return counted;
}

/** Runs rows while lanes serve them; answers the first row that none does. No call leaves this loop, so that everything stays in registers. */
function runLanes(from: u32, end: u32): u32 {
  let differing: u32 = 0;
  let row = from;
  while (row != end) {
    const address = load<u64>(row, BATCH_ADDRESS);
    const lane = laneOf(address);
    const offset = address - laneFirst(lane);
    const at = laneBase(lane) + <u32>offset;
    // Operation, width, errno, differs and, above them, the space, which becomes 0 where it is the lane's: one number says what to do and that it may be done.
    const what = load<u64>(row, BATCH_OPERATION) ^ laneKey(lane);
    if (what == WRITE_4) {
      if (offset > laneLimit4(lane)) break;
      store<u32>(at, load<u32>(row, BATCH_VALUE));
    } else if (what == COMPARE_4) {
      if (offset > laneLimit4(lane)) break;
      if (load<u32>(at) != load<u64>(row, BATCH_VALUE)) differing += noteDifference(row);
    } else if (what == READ_4) {
      if (offset > laneLimit4(lane)) break;
      store<u64>(row, load<u32>(at), BATCH_VALUE);
    } else if (what >> 32 != 0) {
      // Another space's lane, or none.
      break;
    } else if (what == WRITE_8) {
      if (offset > laneLimit8(lane)) break;
      store<u64>(at, load<u64>(row, BATCH_VALUE));
    } else if (what == COMPARE_8) {
      if (offset > laneLimit8(lane)) break;
      if (load<u64>(at) != load<u64>(row, BATCH_VALUE)) differing += noteDifference(row);
    } else if (what == READ_8) {
      if (offset > laneLimit8(lane)) break;
      store<u64>(row, load<u64>(at), BATCH_VALUE);
    } else if (what == WRITE_1) {
      if (offset > laneLimit1(lane)) break;
      store<u8>(at, load<u8>(row, BATCH_VALUE));
    } else if (what == COMPARE_1) {
      if (offset > laneLimit1(lane)) break;
      if (load<u8>(at) != load<u64>(row, BATCH_VALUE)) differing += noteDifference(row);
    } else if (what == READ_1) {
      if (offset > laneLimit1(lane)) break;
      store<u64>(row, load<u8>(at), BATCH_VALUE);
    } else if (what == WRITE_2) {
      if (offset > laneLimit2(lane)) break;
      store<u16>(at, load<u16>(row, BATCH_VALUE));
    } else if (what == COMPARE_2) {
      if (offset > laneLimit2(lane)) break;
      if (load<u16>(at) != load<u64>(row, BATCH_VALUE)) differing += noteDifference(row);
    } else if (what == READ_2) {
      if (offset > laneLimit2(lane)) break;
      store<u64>(row, load<u16>(at), BATCH_VALUE);
    } else if (what >> 16 != 0) {
      // What an earlier run left in the row: cleared, and the row looked at again.
      store<u16>(row, 0, BATCH_ERRNO);
      continue;
    } else {
      break;
    }
    row += BATCH_ROW_BYTES;
  }
  exceptions += differing;
  return row;
}

function noteDifference(row: u32): u32 {
  store<u8>(row, 1, BATCH_DIFFERS);
  return 1;
}

function refuse(row: u32, errno: i32): u32 {
  store<u8>(row, <u8>errno, BATCH_ERRNO);
  store<u8>(row, 0, BATCH_DIFFERS);
  return 1;
}

function runRow(row: u32, space: u32): u32 {
  const operation = load<u8>(row, BATCH_OPERATION);
  const width = <u32>load<u8>(row, BATCH_WIDTH);
  const address = load<u64>(row, BATCH_ADDRESS);
  if (operation == BATCH_WRITE) {
    spaceWrite(space, address, width, load<u64>(row, BATCH_VALUE));
    if (fault != 0) return refuse(row, fault);
    store<u16>(row, 0, BATCH_ERRNO);
    return 0;
  }
  if (operation > BATCH_COMPARE) return refuse(row, EINVAL);
  const value = spaceRead(space, address, width);
  if (fault != 0) return refuse(row, fault);
  store<u16>(row, 0, BATCH_ERRNO);
  if (operation == BATCH_READ) {
    store<u64>(row, value, BATCH_VALUE);
    return 0;
  }
  if (value == load<u64>(row, BATCH_VALUE)) return 0;
  store<u8>(row, 1, BATCH_DIFFERS);
  return 1;
}
