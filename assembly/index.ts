// What the core exports, and nothing else: exports/ checks every handle; inside, records are plain addresses.
//
// Two forms of one signature list: u64 arguments as i64, for other Wasm modules that link these exports as their imports and for BigInts that exist already; and
// `...F` forms that take a safe integer as f64, for JavaScript's hot paths. Status results are 0 or a negative errno.
// (The compiler resolves a re-export with the extension .ts to .ts.ts; here, and only here, it is left out.)

export {
  resultCells,
  stagingBuffer,
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
  treeStoreF,
  treeInsert,
  treeInsertF,
  treeErase,
  treeEraseF,
  treeFind,
  treeFindF,
  treeFindPrevious,
  treeFindPreviousF,
  treeNext,
  treePrevious,
  treeRange,
  treeWalk,
  treeWalkBack,
  treeGap,
  treeGapF,
  treeAllocate,
  treeAllocateF,
  treeAllocateCyclic,
  treeBulk,
  treeBatch,
  treeDuplicate,
  treeSnapshot,
  treeClear,
  treeCount,
  treeValidate,
} from './exports/range-store';
export {
  cursorCreate,
  cursorDestroy,
  cursorNext,
  cursorPrevious,
  cursorNextRange,
  cursorPreviousRange,
} from './exports/cursor';
export {
  regionCreate,
  regionDestroy,
  regionBase,
  regionRefused,
  regionDropPages,
} from './exports/region';
export {
  spaceCreate,
  spaceDestroy,
  spaceMap,
  windowAlias,
  windowUnmap,
  windowMove,
  spaceWindowAt,
  spaceUnclaimed,
  spaceIsClaimed,
  spaceValidate,
} from './exports/space';
export {
  spaceRead,
  spaceReadF,
  spaceRead64,
  spaceRead64F,
  spaceWrite,
  spaceWriteF,
  spaceBlock,
  spacePlain,
  regionRead,
  regionReadF,
  regionRead64,
  regionRead64F,
  regionWrite,
  regionWriteF,
  regionBlock,
  batchRun,
  accessInFlight,
  accessSettleLater,
} from './exports/access';
export {
  spaceFence,
  spaceDrainPolicy,
  windowBuffered,
  regionSetDevice,
  regionCountTransactions,
  regionTransactions,
} from './exports/combine';
export {
  ringOpen,
  ringOldest,
  ringRun,
  ringTake,
  ringLost,
} from './exports/ring';
export {
  cookieTableCreate,
  cookieTableDestroy,
  cookieRequest,
  cookieResolve,
  cookieResolveF,
} from './exports/cookie';
