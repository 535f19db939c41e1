// The core's exports as TypeScript sees them: u64 is bigint, u32 results come back signed, statuses are 0 or -errno.

import type { WasmMemory } from '../webassembly/index.ts';

/** Raw exports of the core. Only this room calls them. @internal */
export interface CoreExports {
  readonly memory: WasmMemory;

  resultCells(): number;
  stagingBuffer(): number;
  takeBuffer(bytes: number): number;
  giveBuffer(address: number, bytes: number): void;
  limitMemory(bytes: number): void;
  liveCount(what: number): number;
  nothing(): void;

  treeCreate(): number;
  treeDestroy(tree: number): number;
  treeLoad(tree: number, index: bigint): number;
  treeLoadF(tree: number, index: number): number;
  treeStore(tree: number, first: bigint, last: bigint, value: number): number;
  treeInsert(tree: number, first: bigint, last: bigint, value: number): number;
  treeErase(tree: number, index: bigint): number;
  treeFind(tree: number, index: bigint, limit: bigint): number;
  treeFindPrevious(tree: number, index: bigint, limit: bigint): number;
  treeNext(tree: number, index: bigint, limit: bigint): number;
  treePrevious(tree: number, index: bigint, limit: bigint): number;
  treeWalk(tree: number, first: bigint, last: bigint, gaps: number, rows: number, capacity: number): number;
  treeGap(tree: number, size: bigint, alignment: bigint, first: bigint, last: bigint, fromTop: number): number;
  treeAllocate(tree: number, size: bigint, alignment: bigint, first: bigint, last: bigint, value: number, fromTop: number): number;
  treeBulk(tree: number, rows: number, n: number): number;
  treeClear(tree: number): number;
  treeCount(tree: number): number;
  treeValidate(tree: number): number;
  treeTableBytes(tree: number): number;
  cursorCreate(tree: number, index: bigint): number;
  cursorDestroy(cursor: number): number;
  cursorNext(cursor: number, limit: bigint): number;
  cursorPrevious(cursor: number, limit: bigint): number;

  regionCreate(kind: number, size: bigint, minWidth: number, maxWidth: number, flags: number): number;
  regionDestroy(region: number): number;
  regionBase(region: number): number;
  regionRefused(region: number): number;
  regionDropPages(region: number): number;

  spaceCreate(): number;
  spaceDestroy(space: number): number;
  spaceMap(space: number, start: bigint, size: bigint, region: number, position: bigint, priority: number, attributes: number): number;
  windowAlias(window: number, offset: bigint, size: bigint, space: number, start: bigint, priority: number, attributes: number): number;
  windowUnmap(window: number): number;
  windowMove(window: number, start: bigint): number;
  spaceWindowAt(space: number, address: bigint): number;
  spaceUnclaimed(space: number, writes: number): number;
  spaceIsClaimed(space: number, address: bigint, bytes: bigint): number;
  spaceValidate(space: number): number;

  spaceRead(space: number, address: bigint, width: number): number;
  readonly spaceReadF: (space: number, address: number, width: number) => number;
  spaceRead64(space: number, address: bigint): number;
  spaceRead64F(space: number, address: number): number;
  spaceWrite(space: number, address: bigint, width: number, value: bigint): number;
  readonly spaceWriteF: (space: number, address: number, width: number, low: number, high: number) => number;
  spacePlain(space: number, address: bigint, bytes: number): number;
  spaceLane(space: number, address: bigint, width: number): number;
  spaceBlock(space: number, address: bigint, buffer: number, bytes: number, writes: number): number;
  regionRead(region: number, position: bigint, width: number): number;
  readonly regionReadF: (region: number, position: number, width: number) => number;
  regionRead64(region: number, position: bigint): number;
  regionRead64F(region: number, position: number): number;
  regionWrite(region: number, position: bigint, width: number, value: bigint): number;
  readonly regionWriteF: (region: number, position: number, width: number, low: number, high: number) => number;
  regionBlock(region: number, position: bigint, buffer: number, bytes: number, writes: number): number;
  batchRun(rows: number, n: number): number;
  accessInFlight(): number;
  accessSettleLater(): void;

  spaceFence(space: number): number;
  spaceDrainPolicy(space: number, seed: number): number;
  windowBuffered(window: number): number;
  regionSetDevice(region: number, device: number): number;
  regionCountTransactions(region: number, on: number): number;
  regionTransactions(region: number, writes: number): number;

  ringOpen(records: number): number;
  ringOldest(): number;
  ringRun(): number;
  ringTake(n: number): void;
  ringLost(): number;

  bankCreate(size: bigint, minWidth: number, maxWidth: number, flags: number, rows: number, bytes: number): number;
  bankPeek(region: number, register: number): number;
  bankPeek32(region: number, register: number): number;
  bankPoke(region: number, register: number, bits: bigint, value: bigint): number;
  bankPoke32(region: number, register: number, bits: number, value: number): number;
  bankReset(region: number, soft: number): number;
  bankLevels(region: number): number;
  bankHoles(region: number): number;
  bankCounts(region: number, register: number): number;
  bankFifoPush(region: number, fifo: number, value: bigint): number;
  bankFifoPop(region: number, fifo: number): number;
  bankFifoLength(region: number, fifo: number): number;
  noticeOldest(): number;
  noticeTake(): void;
  noticeDropped(): number;

  cookieTableCreate(mode: number, seed: number): number;
  cookieTableDestroy(table: number): number;
  cookieRequest(table: number, index: number, bytes: bigint): number;
  cookieResolve(table: number, offset: bigint): number;
  readonly cookieResolveF: (table: number, offset: number) => number;

  domainCreate(): number;
  domainDestroy(domain: number): number;
  domainClear(domain: number): number;
  domainMap(domain: number, first: bigint, bytes: bigint, region: number, position: bigint, permissions: number): number;
  readonly domainMapF: (domain: number, first: number, bytes: number, region: number, position: number, permissions: number) => number;
  domainMapPages(domain: number, iovas: number, positions: number, n: number, bytes: bigint, region: number, permissions: number): number;
  domainUnmap(domain: number, first: bigint, last: bigint): number;
  domainFind(domain: number, iova: bigint, limit: bigint): number;
  readonly domainLocateF: (domain: number, iova: number, permissions: number) => number;
  domainLocateAll(domain: number, iovas: number, positions: number, regions: number, n: number, permissions: number): number;
  domainWalk(domain: number, first: bigint, last: bigint, rows: number, capacity: number): number;
  domainBlock(domain: number, iova: bigint, buffer: number, bytes: number, writes: number): number;
  domainReach(domain: number, iova: bigint, bytes: bigint, writes: number): number;
  domainCopy(domain: number, to: bigint, from: bigint, bytes: bigint): number;
  domainCount(domain: number): number;
  domainTrack(domain: number, on: number): number;
  domainMark(domain: number, first: bigint, last: bigint): number;
  domainReadDirty(domain: number, origin: bigint, first: bigint, last: bigint, shift: number, bits: number, bytes: number): number;
  domainClearDirty(domain: number, first: bigint, last: bigint): number;
  domainValidate(domain: number): number;
}
