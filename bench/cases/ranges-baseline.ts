// The range maps in JavaScript.

import { createRangeArray } from '../baseline/range-array.ts';
import { createRangeBTree } from '../baseline/range-btree.ts';
import type { Side } from '../comparison.ts';
import { createRangeSide } from './ranges.ts';
import type { RangeOperation } from './ranges.ts';

export function createBTreeSide(operation: RangeOperation, n: number): Side {
  return createRangeSide(createRangeBTree(), operation, n);
}

export function createArraySide(operation: RangeOperation, n: number): Side {
  return createRangeSide(createRangeArray(n), operation, n);
}
