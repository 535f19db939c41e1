// Ranges of I/O virtual addresses, and what they lead to.

import type { U64 } from '../webassembly/index.ts';
import type { Region } from './region.ts';

/** What a range of IOVAs leads to. */
export interface IommuTarget {
  readonly region: Region;
  /** Bytes from the region's start to the byte behind the first IOVA. */
  readonly position: U64;
  /** A device may read it. */
  readonly readable: boolean;
  readonly writable: boolean;
}

/** A range of IOVAs that is mapped as one, both ends included. */
export interface MappedRange {
  readonly first: bigint;
  readonly last: bigint;
  readonly region: Region;
  readonly position: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
}
