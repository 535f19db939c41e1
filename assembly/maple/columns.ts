// R-batch: many operations in one call, their arguments in columns, as typed arrays lie in memory.
//
//   firsts  u64 or f64 x n      lasts  the same      values  u32 x n      errnos  u8 x n, or none
//
// Each row is an operation of its own. A load or an erase looks at `firsts` and writes `values`.

import { ENOMEM, TREE_BULK, TREE_ERASE, TREE_INSERT, TREE_LOAD } from '../layout.generated.ts';
import { whole } from '../number.ts';
import { treeBulkColumns } from './bulk.ts';
import { treeLoadOften } from './read.ts';
import { canErase, treeErase, treeInsert, treeStore } from './write.ts';

/** Row `i` of a column of addresses. */
function at(column: u32, i: u32, numbers: bool): u64 {
  return numbers ? whole(load<f64>(column + (i << 3))) : load<u64>(column + (i << 3));
}

/** How many rows failed, or for a load or an erase held nothing; a bulk load answers a status. */
export function treeBatch(tree: u32, operation: u32, firsts: u32, lasts: u32, values: u32, errnos: u32, n: u32, numbers: bool): i32 {
  if (operation == TREE_LOAD) return loadAll(tree, firsts, values, n, numbers);
  if (operation == TREE_BULK) return treeBulkColumns(tree, firsts, lasts, values, n, numbers);
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
    const v = treeLoadOften(tree, at(firsts, i, numbers));
    store<u32>(values + (i << 2), v);
    missed += i32(v == 0);
  }
  return missed;
}
