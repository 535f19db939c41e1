// The loops inside Wasm, over memory of their own or shared memory: puts the workload into linear memory and hands each loop to the compiled module.

import { readFileSync } from 'node:fs';
import type { Loops } from './loops.ts';
import { BASE, LIMIT, PAIRS, TAIL_SIZE, treeCount } from './workload.ts';
import type { Workload } from './workload.ts';

interface LoopExports {
  readonly memory: Memory;
  takeColumn(bytes: number): number;
  makeTrees(n: number, trees: number, firsts: number, lasts: number, insertOrder: number, eraseOrder: number, rows: number): void;
  clearTrees(): void;
  clearCopies(): void;
  nodeBytes(): number;
  loadAll(keys: number, from: number, to: number): number;
  loadDependent(keys: number, from: number, to: number): number;
  loadOften(keys: number, from: number, to: number): number;
  walkAll(keys: number, from: number, to: number): number;
  iterate(times: number): number;
  contents(copies: number): number;
  gapsUp(pairRanges: number, pairSizes: number, n: number, limit: bigint): number;
  gapsDown(pairRanges: number, pairSizes: number, n: number): number;
  gapsTail(size: bigint, base: bigint, limit: bigint, times: number): number;
  insertAscending(): number;
  insertRandom(): number;
  eraseRandom(): number;
  replaceAll(shift: number): void;
  splitRestore(): void;
  allocateErase(pairRanges: number, pairSizes: number, n: number, limit: bigint): number;
  fill(sizes: number, n: number, base: bigint, limit: bigint): number;
  bulk(): void;
  duplicate(): void;
  snapshotRelease(times: number): number;
  holdSnapshots(): number;
  releaseSnapshots(): void;
  heldContents(): number;
  exchange(pairs: number, shift: number): number;
}

interface Memory {
  readonly buffer: ArrayBuffer;
}

const ROW_BYTES = 24;

// Node has it; the types of Node 20 do not.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object, imports?: object) => { readonly exports: unknown };
    Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => Memory;
  };
};

/** What a module of the shared build imports: scripts/bench-tree.mjs compiles it with the same numbers. */
function sharedMemory(): object {
  return { env: { memory: new WebAssembly.Memory({ initial: 2, maximum: 65536, shared: true }) } };
}

/** Loops of the module at `file`, over one workload. */
export function wasmLoops(file: URL, workload: Workload, shared = false): Loops {
  const core = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), shared ? sharedMemory() : {}).exports as LoopExports;
  const { n, firsts, lasts } = workload;
  const trees = treeCount(n);

  // Columns first and views afterwards: taking memory detaches views.
  const column = (bytes: number): number => core.takeColumn(bytes) >>> 0;
  const u64s = [firsts, lasts, workload.keys, workload.fillSizes, workload.pairSizes].map((from) => ({ from, at: column(from.length * 8) }));
  const u32s = [workload.insertOrder, workload.eraseOrder, workload.pairRanges].map((from) => ({ from, at: column(from.length * 4) }));
  const rows = column(n * ROW_BYTES);
  for (const { from, at } of u64s) {
    const to = new BigUint64Array(core.memory.buffer, at, from.length);
    for (let i = 0; i < from.length; i++) to[i] = BigInt(from[i]!);
  }
  for (const { from, at } of u32s) new Uint32Array(core.memory.buffer, at, from.length).set(from);
  const view = new DataView(core.memory.buffer, rows);
  for (let i = 0; i < n; i++) {
    view.setBigUint64(i * ROW_BYTES, BigInt(firsts[i]!), true);
    view.setBigUint64(i * ROW_BYTES + 8, BigInt(lasts[i]!), true);
    view.setUint32(i * ROW_BYTES + 16, i + 1, true);
  }
  const [firstColumn, lastColumn, keys, fillSizes, pairSizes] = u64s.map(({ at }) => at) as [number, number, number, number, number];
  const [insertOrder, eraseOrder, pairRanges] = u32s.map(({ at }) => at) as [number, number, number];
  core.makeTrees(n, trees, firstColumn, lastColumn, insertOrder, eraseOrder, rows);

  const limit = BigInt(LIMIT);
  const base = BigInt(BASE);
  return {
    trees,
    clear: () => core.clearTrees(),
    insertAscending: () => core.insertAscending(),
    insertRandom: () => core.insertRandom(),
    eraseRandom: () => core.eraseRandom() >>> 0,
    load: (from, to) => core.loadAll(keys, from, to) >>> 0,
    loadDependent: (from, to) => core.loadDependent(keys, from, to) >>> 0,
    loadOften: (from, to) => core.loadOften(keys, from, to) >>> 0,
    walk: (from, to) => core.walkAll(keys, from, to) >>> 0,
    replace: (shift) => core.replaceAll(shift),
    splitRestore: () => core.splitRestore(),
    gapsUp: () => core.gapsUp(pairRanges, pairSizes, PAIRS, limit),
    gapsDown: () => core.gapsDown(pairRanges, pairSizes, PAIRS),
    gapsTail: (times) => core.gapsTail(BigInt(TAIL_SIZE), base, limit, times),
    allocateErase: () => core.allocateErase(pairRanges, pairSizes, PAIRS, limit),
    fill: () => core.fill(fillSizes, workload.fillSizes.length, base, limit),
    iterate: (times) => core.iterate(times) >>> 0,
    bulk: () => core.bulk(),
    contents: () => core.contents(0) >>> 0,
    bytes: () => core.nodeBytes(),
    duplicate: () => core.duplicate(),
    dropCopies: () => core.clearCopies(),
    copiedContents: () => core.contents(1) >>> 0,
    ...(!shared && {
      snapshotRelease: (times) => core.snapshotRelease(times),
      holdSnapshots: () => core.holdSnapshots(),
      releaseSnapshots: () => core.releaseSnapshots(),
      heldContents: () => core.heldContents() >>> 0,
      exchange: (pairs, shift) => core.exchange(pairs, shift),
    }),
  };
}
