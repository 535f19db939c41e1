// What a file answers to mmap: where the mapped bytes are.

import type { MemoryType, Region } from '../../core/index.ts';
import type { VfioRegion } from '../device.ts';

/** A part of a region that a mapping shows. */
export interface MappedRange {
  readonly bytes: Region;
  /** Which region of the device that is, in a device file. */
  readonly region: VfioRegion | undefined;
  readonly position: bigint;
  readonly memoryType: MemoryType;
}
