// The driver's reference, a sorted array inside Wasm, as an object: fast enough to follow trees of hundreds of thousands of entries.

import { readFileSync } from 'node:fs';
import type { Entry } from '../../reference/index.ts';
import { WebAssembly } from './webassembly.ts';

interface ReferenceExports {
  bytesNeeded(room: number): number;
  refLoad(s: number, index: bigint): number;
  refFind(s: number, index: bigint, limit: bigint): number;
  refFindPrevious(s: number, index: bigint, limit: bigint): number;
  refNext(s: number, index: bigint, limit: bigint): number;
  refPrevious(s: number, index: bigint, limit: bigint): number;
  refRange(s: number, index: bigint): number;
  refGap(s: number, size: bigint, alignment: bigint, first: bigint, last: bigint, fromTop: number): number;
  refStore(s: number, first: bigint, last: bigint, value: number): number;
  refInsert(s: number, first: bigint, last: bigint, value: number): number;
  refErase(s: number, index: bigint): number;
  refClear(s: number): void;
  refAllocate(s: number, size: bigint, alignment: bigint, first: bigint, last: bigint, value: number, fromTop: number): number;
  refAllocateCyclic(s: number, size: bigint, alignment: bigint, first: bigint, last: bigint, next: bigint, value: number): number;
  refBulk(s: number, rows: number, n: number): number;
  count(s: number): number;
  first(s: number, slot: number): bigint;
  last(s: number, slot: number): bigint;
  value(s: number, slot: number): number;
  readonly foundFirst: { readonly value: bigint };
  readonly foundLast: { readonly value: bigint };
}

const PAGE = 65536;
const ROW_BYTES = 24;
const unsigned = (index: bigint): bigint => BigInt.asUintN(64, index);

export type ArrayReference = ReturnType<typeof createReference>;

/** An empty reference with room for so many entries. */
export function createReference(driverPath: string, room: number) {
  const module = new WebAssembly.Module(readFileSync(driverPath));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const imports: Record<string, Record<string, unknown>> = { env: { memory } };
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) if (kind === 'function') (imports[from] ??= {})[name] = () => 0;
  const driver = new WebAssembly.Instance(module, imports).exports as unknown as ReferenceExports;
  const s = PAGE;
  const rows = s + Math.ceil(driver.bytesNeeded(room) / PAGE) * PAGE;
  memory.grow(rows / PAGE + Math.ceil((room * ROW_BYTES) / PAGE));

  const found = (value: number): Entry | undefined => (value === 0 ? undefined : { first: unsigned(driver.foundFirst.value), last: unsigned(driver.foundLast.value), value: value >>> 0 });
  const started = (status: number): bigint | number => (status < 0 ? status : unsigned(driver.foundFirst.value));
  return {
    load: (index: bigint): number => driver.refLoad(s, index) >>> 0,
    find: (index: bigint, limit = -1n) => found(driver.refFind(s, index, limit)),
    findPrevious: (index: bigint, limit = 0n) => found(driver.refFindPrevious(s, index, limit)),
    next: (index: bigint, limit = -1n) => found(driver.refNext(s, index, limit)),
    previous: (index: bigint, limit = 0n) => found(driver.refPrevious(s, index, limit)),
    range(index: bigint): Entry {
      const value = driver.refRange(s, index) >>> 0;
      return { first: unsigned(driver.foundFirst.value), last: unsigned(driver.foundLast.value), value };
    },
    gap: (size: bigint, alignment: bigint, first: bigint, last: bigint, fromTop: boolean) => started(driver.refGap(s, size, alignment, first, last, Number(fromTop))),
    store: (first: bigint, last: bigint, value: number): number => driver.refStore(s, first, last, value),
    insert: (first: bigint, last: bigint, value: number): number => driver.refInsert(s, first, last, value),
    erase: (index: bigint): number => driver.refErase(s, index) >>> 0,
    clear: (): void => driver.refClear(s),
    allocate: (size: bigint, alignment: bigint, first: bigint, last: bigint, value: number, fromTop: boolean) =>
      started(driver.refAllocate(s, size, alignment, first, last, value, Number(fromTop))),
    bulk(entries: readonly Entry[]): number {
      const view = new DataView(memory.buffer, rows);
      entries.forEach(({ first, last, value }, i) => {
        view.setBigUint64(i * ROW_BYTES, first, true);
        view.setBigUint64(i * ROW_BYTES + 8, last, true);
        view.setUint32(i * ROW_BYTES + 16, value, true);
      });
      return driver.refBulk(s, rows, entries.length);
    },
    count: (): number => driver.count(s),
    /** The entry in a slot of the array. */
    at: (slot: number): Entry => ({ first: unsigned(driver.first(s, slot)), last: unsigned(driver.last(s, slot)), value: driver.value(s, slot) >>> 0 }),
    entries(): Entry[] {
      return Array.from({ length: driver.count(s) }, (_, slot) => this.at(slot));
    },
  };
}
