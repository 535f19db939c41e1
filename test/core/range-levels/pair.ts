// A range store by its raw exports and a sorted array beside it. Every write is made on both, answered the same, and followed by the structural check.

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { createReference, type ArrayReference } from '../../fuzz/tree/array-reference.ts';
import type { TreeExports } from '../../fuzz/tree/chunks.ts';
import type { Entry } from '../../reference/index.ts';

export const MAX = 2n ** 64n - 1n;
const ROW_BYTES = 24;
const ROWS = 2730;
const TREE_BULK = 4;

/** How a bulk load gets its entries. */
export type BulkForm = 'rows' | 'integers' | 'numbers';

const unsigned = (index: bigint): bigint => BigInt.asUintN(64, index);

export class Pair {
  readonly core: TreeExports;
  readonly ref: ArrayReference;
  readonly handle: number;
  private readonly cells: number;
  private readonly rows: number;
  private steps = 0;
  /** The structural check and the live entries after each so many writes. */
  checkEvery = 1;

  constructor(core: TreeExports, driverPath: string, room = 20_000) {
    this.core = core;
    this.ref = createReference(driverPath, room);
    this.handle = core.treeCreate!();
    this.cells = core.resultCells!() >>> 0;
    this.rows = core.takeBuffer!(ROWS * ROW_BYTES) >>> 0;
  }

  private written(answer: number, should: number, what: string): void {
    strictEqual(answer, should, what);
    if (++this.steps % this.checkEvery === 0) this.check(what);
  }

  check(what = 'check'): void {
    strictEqual(this.core.treeValidate!(this.handle), 0, `structural check after ${what}`);
    strictEqual(this.core.treeCount!(this.handle), this.ref.count(), `count after ${what}`);
  }

  private view(at: number): DataView {
    return new DataView(this.core.memory.buffer, at);
  }

  /** The range that the last call left in the cells. */
  private cell(offset: number): bigint {
    return this.view(this.cells).getBigUint64(offset, true);
  }

  store(first: bigint, last: bigint, value: number): void {
    this.written(this.core.treeStore!(this.handle, first, last, value), this.ref.store(first, last, value), `store ${first}..${last} = ${value}`);
  }

  insert(first: bigint, last: bigint, value: number): number {
    const should = this.ref.insert(first, last, value);
    this.written(this.core.treeInsert!(this.handle, first, last, value), should, `insert ${first}..${last} = ${value}`);
    return should;
  }

  erase(index: bigint): number {
    const should = this.ref.erase(index);
    this.written(this.core.treeErase!(this.handle, index) >>> 0, should, `erase ${index}`);
    return should;
  }

  /** The start, or a negative errno. */
  gap(size: bigint, alignment: bigint, first: bigint, last: bigint, fromTop: boolean): bigint | number {
    const status = this.core.treeGap!(this.handle, size, alignment, first, last, Number(fromTop));
    const answer = status < 0 ? status : this.cell(0);
    strictEqual(answer, this.ref.gap(size, alignment, first, last, fromTop), `gap of ${size} in ${first}..${last}`);
    return answer;
  }

  allocate(size: bigint, alignment: bigint, first: bigint, last: bigint, value: number, fromTop: boolean): bigint | number {
    const status = this.core.treeAllocate!(this.handle, size, alignment, first, last, value, Number(fromTop));
    const answer = status < 0 ? status : this.cell(0);
    strictEqual(answer, this.ref.allocate(size, alignment, first, last, value, fromTop), `allocate ${size} in ${first}..${last}`);
    this.written(0, 0, `allocate ${size}`);
    return answer;
  }

  /** The start and whether it wrapped, or a negative errno. */
  cyclic(size: bigint, first: bigint, last: bigint, next: bigint, value: number): [bigint, boolean] | number {
    const status = this.core.treeAllocateCyclic!(this.handle, size, 1n, first, last, next, value);
    if (status < 0) return status;
    const start = this.cell(0);
    strictEqual(this.ref.insert(start, start + size - 1n, value), 0, 'a cyclic block lies in a gap');
    this.written(0, 0, 'allocate cyclic');
    return [start, status === 1];
  }

  load(index: bigint): number {
    const answer = this.core.treeLoad!(this.handle, index) >>> 0;
    strictEqual(answer, this.ref.load(index), `load ${index}`);
    return answer;
  }

  private found(value: number, should: Entry | undefined, what: string): Entry | undefined {
    const answer = value === 0 ? undefined : { first: this.cell(0), last: this.cell(8), value: value >>> 0 };
    deepStrictEqual(answer, should, what);
    return answer;
  }

  find = (index: bigint, limit = MAX) => this.found(this.core.treeFind!(this.handle, index, limit), this.ref.find(index, limit), `find ${index}`);
  findPrevious = (index: bigint, limit = 0n) => this.found(this.core.treeFindPrevious!(this.handle, index, limit), this.ref.findPrevious(index, limit), `findPrevious ${index}`);
  next = (index: bigint, limit = MAX) => this.found(this.core.treeNext!(this.handle, index, limit), this.ref.next(index, limit), `next ${index}`);
  previous = (index: bigint, limit = 0n) => this.found(this.core.treePrevious!(this.handle, index, limit), this.ref.previous(index, limit), `previous ${index}`);

  /** Entry for entry the same, read in windows. */
  same(): void {
    this.check();
    let slot = 0;
    for (let from = 0n; slot < this.ref.count() && from <= MAX; ) {
      const many = this.core.treeWalk!(this.handle, from, MAX, 0, this.rows, ROWS);
      const view = this.view(this.rows);
      for (let i = 0; i < many; i++, slot++) {
        const row = i * ROW_BYTES;
        deepStrictEqual({ first: unsigned(view.getBigUint64(row, true)), last: unsigned(view.getBigUint64(row + 8, true)), value: view.getUint32(row + 16, true) }, this.ref.at(slot));
        from = view.getBigUint64(row + 8, true) + 1n;
      }
      if (many <= 0) break;
    }
    strictEqual(slot, this.ref.count(), 'rows of a whole walk');
  }

  /** Loads entries in bulk: as rows, or as columns of u64 or of f64 and u32. */
  bulk(entries: readonly Entry[], form: BulkForm = 'rows'): void {
    const n = entries.length;
    const bytes = Math.max(1, n) * ROW_BYTES;
    const buffer = this.core.takeBuffer!(bytes) >>> 0;
    const view = this.view(buffer);
    const [lasts, values, step, valueStep] = form === 'rows' ? [8, 16, ROW_BYTES, ROW_BYTES] : [n * 8, n * 16, 8, 4];
    const setIndex = (at: number, index: bigint) => (form === 'numbers' ? view.setFloat64(at, Number(index), true) : view.setBigUint64(at, index, true));
    entries.forEach(({ first, last, value }, i) => {
      setIndex(i * step, first);
      setIndex(lasts + i * step, last);
      view.setUint32(values + i * valueStep, value, true);
    });
    const status = form === 'rows' ? this.core.treeBulk!(this.handle, buffer, n) : this.core.treeBatch!(this.handle, TREE_BULK, buffer, buffer + lasts, buffer + values, 0, n, form === 'numbers' ? 1 : 0);
    this.written(status, this.ref.bulk(entries), `bulk of ${n} ${form}`);
    this.core.giveBuffer!(buffer, bytes);
  }

  clear(): void {
    this.ref.clear();
    this.written(this.core.treeClear!(this.handle), 0, 'clear');
  }

  leaves(): number {
    return this.core.liveCount!(0);
  }

  innerNodes(): number {
    return this.core.liveCount!(1);
  }

  /** The store is empty and holds no node. */
  empty(): void {
    this.same();
    deepStrictEqual([this.core.treeCount!(this.handle), this.leaves(), this.innerNodes()], [0, 0, 0], 'nothing is left');
  }
}
