// What a file answers to mmap: where the mapped bytes are.

import type { MemoryType } from '../../core/index.ts';
import type { VfioRegion } from '../device.ts';

/** A part of a region that a mapping shows. @internal */
export interface MappedRange {
  readonly region: VfioRegion;
  readonly position: bigint;
  readonly memoryType: MemoryType;
}
