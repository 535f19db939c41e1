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
import { fault, spaceRead, spaceWrite } from './access.ts';
import { resolve } from './memory/objects.ts';

/** Runs `n` rows in order; answers how many ended with an errno or, for a compare, with another value. */
export function runRows(rows: u32, n: u32): u32 {
  let exceptions: u32 = 0;
  let handle: u32 = 0;
  let space: u32 = 0;
  const end = rows + n * BATCH_ROW_BYTES;
  for (let row = rows; row < end; row += BATCH_ROW_BYTES) {
    const wanted = load<u32>(row, BATCH_SPACE);
    // A space cannot end within a batch: changes of the topology wait, or come between two rows from `settle`, so the handle is checked again then.
    if (wanted != handle || space == 0) {
      handle = wanted;
      space = resolve(handle, OBJECT_SPACE);
    } else if (load<u32>(space) != handle) {
      space = 0;
    }
    exceptions += space == 0 ? refuse(row, EBADF) : runRow(row, space);
  }
  return exceptions;
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
