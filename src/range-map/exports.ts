// The exports of the range-map module as TypeScript sees them: u64 is bigint, u32 results come back signed, statuses are 0 or -errno. The `...F` forms take and give safe integers.

import type { WasmMemory } from '../webassembly/index.ts';

/** Raw exports. Only this room calls them. @internal */
export interface RangeMapExports {
  readonly memory: WasmMemory;

  readonly resultCells: () => number;
  readonly takeBuffer: (bytes: number) => number;
  readonly giveBuffer: (address: number, bytes: number) => void;
  readonly limitMemory: (bytes: number) => void;
  readonly liveCount: (what: number) => number;
  readonly nothing: () => void;

  readonly treeCreate: () => number;
  readonly treeDestroy: (tree: number) => number;
  readonly treeLoad: (tree: number, index: bigint) => number;
  readonly treeLoadF: (tree: number, index: number) => number;
  readonly treeRange: (tree: number, index: bigint) => number;
  readonly treeStore: (tree: number, first: bigint, last: bigint, value: number) => number;
  readonly treeStoreF: (tree: number, first: number, last: number, value: number) => number;
  readonly treeInsert: (tree: number, first: bigint, last: bigint, value: number) => number;
  readonly treeInsertF: (tree: number, first: number, last: number, value: number) => number;
  readonly treeErase: (tree: number, index: bigint) => number;
  readonly treeEraseF: (tree: number, index: number) => number;
  readonly treeFind: (tree: number, index: bigint, limit: bigint) => number;
  readonly treeFindF: (tree: number, index: number, limit: number) => number;
  readonly treeFindPrevious: (tree: number, index: bigint, limit: bigint) => number;
  readonly treeFindPreviousF: (tree: number, index: number, limit: number) => number;
  readonly treeNext: (tree: number, index: bigint, limit: bigint) => number;
  readonly treePrevious: (tree: number, index: bigint, limit: bigint) => number;
  readonly treeWalk: (tree: number, first: bigint, last: bigint, gaps: number, rows: number, capacity: number) => number;
  readonly treeWalkBack: (tree: number, first: bigint, last: bigint, gaps: number, rows: number, capacity: number) => number;
  readonly treeGap: (tree: number, size: bigint, alignment: bigint, first: bigint, last: bigint, fromTop: number) => number;
  readonly treeGapF: (tree: number, size: number, alignment: number, first: number, last: number, fromTop: number) => number;
  readonly treeAllocate: (tree: number, size: bigint, alignment: bigint, first: bigint, last: bigint, value: number, fromTop: number) => number;
  readonly treeAllocateF: (tree: number, size: number, alignment: number, first: number, last: number, value: number, fromTop: number) => number;
  readonly treeAllocateCyclic: (tree: number, size: bigint, alignment: bigint, first: bigint, last: bigint, next: bigint, value: number) => number;
  readonly treeBatch: (tree: number, operation: number, firsts: number, lasts: number, values: number, errnos: number, n: number, numbers: number) => number;
  readonly treeDuplicate: (source: number, target: number) => number;
  readonly treeSnapshot: (tree: number) => number;
  readonly treeClear: (tree: number) => number;
  readonly treeCount: (tree: number) => number;
  readonly treeValidate: (tree: number) => number;
  readonly treeTableBytes: (tree: number) => number;

  readonly cursorCreate: (tree: number, index: bigint) => number;
  readonly cursorDestroy: (cursor: number) => number;
  readonly cursorNext: (cursor: number, limit: bigint) => number;
  readonly cursorPrevious: (cursor: number, limit: bigint) => number;
  readonly cursorNextRange: (cursor: number, limit: bigint) => number;
  readonly cursorPreviousRange: (cursor: number, limit: bigint) => number;
}
