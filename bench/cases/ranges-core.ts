// The core's range store through the public interface.

import { createEngine } from '../../src/core/index.ts';
import type { Side } from '../comparison.ts';
import { createRangeSide } from './ranges.ts';
import type { RangeOperation } from './ranges.ts';

export function createSide(operation: RangeOperation, n: number): Side {
  return createRangeSide(createEngine().rangeStore(), operation, n);
}
