// What the range store alone exports: a module without imports, for maplebar/range-map and for other Wasm modules that need ranges and no registers.
// (As in index.ts, the extension is left out here.)

export {
  resultCells,
  takeBuffer,
  giveBuffer,
  limitMemory,
  liveCount,
  nothing,
} from './exports/memory';
export {
  treeCreate,
  treeDestroy,
  treeLoad,
  treeLoadF,
  treeStore,
  treeInsert,
  treeErase,
  treeFind,
  treeFindPrevious,
  treeNext,
  treePrevious,
  treeWalk,
  treeGap,
  treeAllocate,
  treeBulk,
  treeClear,
  treeCount,
  treeValidate,
  cursorCreate,
  cursorDestroy,
  cursorNext,
  cursorPrevious,
} from './exports/range-store';
