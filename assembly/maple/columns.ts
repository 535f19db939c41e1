// R-batch: many operations in one call, their arguments in columns, as typed arrays lie in memory.
//
//   firsts  u64 or f64 x n      lasts  the same      values  u32 x n      errnos  u8 x n, or none
//
// Each row is an operation of its own. A load or an erase looks at `firsts` and writes `values`.

import { EEXIST, ENOMEM, TREE_BULK, TREE_ERASE, TREE_INSERT, TREE_LOAD, WALK_FIRST, WALK_LAST, WALK_ROW_BYTES, WALK_VALUE } from '../layout.generated.ts';
import { giveFrames, takeFrames } from '../memory/arena.ts';
import { treeBulkLoad } from './bulk.ts';
import { root } from './path.ts';
import { treeLoad } from './read.ts';
import { canErase, treeErase, treeInsert, treeStore } from './write.ts';

/** Row `i` of a column of addresses. */
function at(column: u32, i: u32, numbers: bool): u64 {
  return numbers ? <u64>(<i64>load<f64>(column + (i << 3))) : load<u64>(column + (i << 3));
}

/** How many rows failed, or for a load or an erase held nothing; a bulk load answers a status. */
export function treeBatch(tree: u32, operation: u32, firsts: u32, lasts: u32, values: u32, errnos: u32, n: u32, numbers: bool): i32 {
  if (operation == TREE_LOAD) return loadAll(tree, firsts, values, n, numbers);
  if (operation == TREE_BULK) return bulkAll(tree, firsts, lasts, values, n, numbers);
  let failed: i32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const value = values + (i << 2);
    const first = at(firsts, i, numbers);
    let status: i32;
    if (operation == TREE_ERASE) {
      status = canErase(tree) ? 0 : -ENOMEM;
      const erased = status == 0 ? treeErase(tree, first) : 0;
      store<u32>(value, erased);
      failed += i32(erased == 0);
    } else {
      const last = at(lasts, i, numbers);
      status = operation == TREE_INSERT ? treeInsert(tree, first, last, load<u32>(value)) : treeStore(tree, first, last, load<u32>(value));
      failed += i32(status != 0);
    }
    if (errnos != 0) store<u8>(errnos + i, <u8>-status);
  }
  return failed;
}

function loadAll(tree: u32, firsts: u32, values: u32, n: u32, numbers: bool): i32 {
  let missed: i32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const v = treeLoad(tree, at(firsts, i, numbers));
    store<u32>(values + (i << 2), v);
    missed += i32(v == 0);
  }
  return missed;
}

function bulkAll(tree: u32, firsts: u32, lasts: u32, values: u32, n: u32, numbers: bool): i32 {
  if (root(tree) != 0) return -EEXIST;
  const bytes = <u64>n * WALK_ROW_BYTES;
  if (n == 0) return 0;
  const rows = takeFrames(bytes);
  if (rows == 0) return -ENOMEM;
  for (let i: u32 = 0; i < n; i++) {
    const row = rows + i * WALK_ROW_BYTES;
    store<u64>(row, at(firsts, i, numbers), WALK_FIRST);
    store<u64>(row, at(lasts, i, numbers), WALK_LAST);
    store<u32>(row, load<u32>(values + (i << 2)), WALK_VALUE);
  }
  const status = treeBulkLoad(tree, rows, n);
  giveFrames(rows, bytes);
  return status;
}
