// Rows of a batch that are accesses to plain registers.
//
// Neighbouring rows are mostly of one bank: its lane is looked up once and its fields stay in registers until a row is not its own.

import { BATCH_ADDRESS, BATCH_ERRNO, BATCH_OPERATION, BATCH_READ, BATCH_ROW_BYTES, BATCH_SPACE, BATCH_VALUE, BATCH_WIDTH, BATCH_WRITE } from '../layout.generated.ts';
import { hookDepth, isWidth } from '../flight.ts';
import { alignment, maskDistance, maskedBase, maskedFirst, maskedKey, maskedLane, maskedLaneOf, offsets4, readMasked, writeMasked } from './masked-lane.ts';

// As in batch.ts: operation and width of a row whose errno and `differs` are clear.
const READ_4: u64 = BATCH_READ | (4 << 8);
const WRITE_4: u64 = BATCH_WRITE | (4 << 8);

/** Runs rows while masked lanes serve them; answers the first row that none does. */
export function runMaskedRows(from: u32, end: u32): u32 {
  if (hookDepth() != 0) return from;
  let row = from;
  while (row != end) {
    const before = row;
    row = runLane(maskedLaneOf(load<u64>(row, BATCH_ADDRESS)), row, end);
    if (row != before) continue;
    if (!runRow(row)) break;
    row += BATCH_ROW_BYTES;
  }
  return row;
}

/** Runs rows of four bytes while this lane serves them. */
function runLane(lane: u32, from: u32, end: u32): u32 {
  const first = maskedFirst(lane);
  const key = maskedKey(lane);
  const offsets = offsets4(lane);
  const odd = <u64>(alignment(lane) & 3);
  const values = maskedBase(lane);
  const readable = values + maskDistance(lane);
  const writable = readable + maskDistance(lane);
  let row = from;
  while (row != end) {
    const offset = load<u64>(row, BATCH_ADDRESS) - first;
    if (offset >= offsets || (offset & odd) != 0) break;
    const what = load<u64>(row, BATCH_OPERATION) ^ key;
    if (what == READ_4) {
      store<u64>(row, load<u32>(values + <u32>offset) & load<u32>(readable + <u32>offset), BATCH_VALUE);
    } else if (what == WRITE_4) {
      const stored = load<u32>(values + <u32>offset);
      store<u32>(values + <u32>offset, stored ^ ((stored ^ load<u32>(row, BATCH_VALUE)) & load<u32>(writable + <u32>offset)));
    } else {
      break;
    }
    row += BATCH_ROW_BYTES;
  }
  return row;
}

/** Runs a row of another width; false, and nothing has happened, when its bytes are not plain registers. */
function runRow(row: u32): bool {
  const address = load<u64>(row, BATCH_ADDRESS);
  const width = <u32>load<u8>(row, BATCH_WIDTH);
  const operation = load<u8>(row, BATCH_OPERATION);
  // Errno and `differs` as an earlier run left them: the long way clears them.
  if (load<u16>(row, BATCH_ERRNO) != 0 || !isWidth(width) || operation > BATCH_WRITE) return false;
  const lane = maskedLane(load<u32>(row, BATCH_SPACE), address, width);
  if (lane == 0) return false;
  const at = maskedBase(lane) + <u32>(address - maskedFirst(lane));
  if (operation == BATCH_WRITE) writeMasked(at, maskDistance(lane), width, load<u64>(row, BATCH_VALUE));
  else store<u64>(row, readMasked(at, maskDistance(lane), width), BATCH_VALUE);
  return true;
}
