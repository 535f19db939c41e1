// What the core exports, and nothing else: exports/ checks every handle; inside, records are plain addresses.
//
// Two forms of one signature list: u64 arguments as i64, for other Wasm modules that link these exports as their imports and for BigInts that exist already; and
// `...F` forms that take a safe integer as f64, for JavaScript's hot paths. Status results are 0 or a negative errno.
// (The compiler resolves a re-export with the extension .ts to .ts.ts; here, and only here, it is left out.)

export * from './range-map';
export { stagingBuffer } from './exports/memory';
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
  spaceLane,
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
export {
  bankCreate,
  bankPeek,
  bankPeek32,
  bankPoke,
  bankPoke32,
  bankReset,
  bankLevels,
  bankHoles,
  bankCounts,
  bankFifoPush,
  bankFifoPop,
  bankFifoLength,
  noticeOldest,
  noticeTake,
  noticeDropped,
} from './exports/bank';
export {
  domainCreate,
  domainDestroy,
  domainClear,
  domainMap,
  domainMapF,
  domainMapPages,
  domainUnmap,
  domainFind,
  domainLocateF,
  domainLocateAll,
  domainWalk,
  domainBlock,
  domainReach,
  domainCopy,
  domainCount,
  domainTrack,
  domainMark,
  domainReadDirty,
  domainClearDirty,
  domainValidate,
} from './exports/iommu';
