// The map and its snapshots: how both are made, finding room, and taking many ranges at once.

import { shown } from '../webassembly/index.ts';
import { RangeArena, defaultArena } from './arena.ts';
import { indexColumn, lengthOf, runBatch, runBulk, valueColumn } from './batch.ts';
import { decode } from './bytes.ts';
import { areSorted, isOptions, rowsOf } from './entries.ts';
import type { RangeMapAllocation, RangeMapCyclicAllocation, RangeMapCyclicPlace, RangeMapOptions, RangeMapRow } from './entries.ts';
import { LAST_NUMBER, isNumberIndex, isValue, refuseIndex, refuseStatus, refuseValue } from './keys.ts';
import type { IndexColumn } from './keys.ts';
import { CELL_FIRST, ENOMEM, TREE_ERASE, TREE_INSERT, TREE_STORE } from './layout.generated.ts';
import { RangeReader, asked } from './range-reader.ts';
import type { RangeMapGapRequest } from './range-reader.ts';
import { RangeWriter } from './range-writer.ts';

function newTree(arena: RangeArena): number {
  const handle = arena.exports.treeCreate();
  return handle < 0 ? refuseStatus(handle, 'RangeMap', 'the arena has no memory for another map') : handle;
}

/**
 * A map from ranges of integers to numbers, with the manners of `Map`. Entries do not overlap; both ends belong to them; neighbours with the same value stay two.
 *
 * @example
 * ```ts
 * import { RangeMap } from 'maplebar/range-map';
 *
 * const map = new RangeMap([[0x1000, 0x1fff, 1]]);
 * map.set(0x1800, 0x2fff, 2); // cuts the first one
 * map.get(0x17ff); // 1
 * [...map]; // [[0x1000, 0x17ff, 1], [0x1800, 0x2fff, 2]]
 * map.allocate({ size: 0x1000, alignment: 0x1000, value: 3 }); // 0
 * ```
 */
export class RangeMap<Index extends number | bigint = number> extends RangeWriter<Index> {
  private readonly allocateF: (tree: number, size: number, alignment: number, first: number, last: number, value: number, fromTop: number) => number;

  /** @internal Called through {@link RangeMapConstructor}. */
  constructor(entries?: Iterable<RangeMapRow<Index>> | RangeMapOptions | null, options?: RangeMapOptions) {
    const { arena = defaultArena(), keys = 'number' } = options ?? (isOptions(entries) ? entries : {});
    if (!['number', 'bigint'].includes(keys)) throw new RangeError(`RangeMap: keys is ${shown(keys)}; expected 'number' or 'bigint'`);
    if (!(arena instanceof RangeArena)) throw new TypeError('RangeMap: arena is no RangeArena');
    const wide = keys === 'bigint';
    const rows = entries === undefined || entries === null || isOptions(entries) ? [] : rowsOf('', entries, wide);
    super(arena, wide, newTree(arena));
    this.allocateF = arena.exports.treeAllocateF;
    try {
      if (areSorted(rows)) this.load('constructor', rows);
      else for (const [first, last, value] of rows) this.set(first as Index, last as Index, value);
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /** `'RangeMap'`. */
  get [Symbol.toStringTag](): string {
    return 'RangeMap';
  }

  /**
   * Finds room and stores `value` there (rule R-allocate).
   *
   * @returns The lowest index of the block.
   * @throws VfioError EBUSY when nothing fits, EINVAL for a request that could never be met (see {@link RangeReader.lowestGap}), ENOMEM when the arena is full.
   */
  allocate(request: RangeMapAllocation<Index>): Index {
    const { size, value } = request;
    if (this.wide) return this.allocateWide(request);
    const alignment = request.alignment ?? 1;
    const first = request.first ?? 0;
    const last = request.last ?? LAST_NUMBER;
    if (!isNumberIndex(size)) refuseIndex(false, 'RangeMap.allocate: size', size);
    if (!isNumberIndex(alignment)) refuseIndex(false, 'RangeMap.allocate: alignment', alignment);
    if (!isNumberIndex(first)) refuseIndex(false, 'RangeMap.allocate: first', first);
    if (!isNumberIndex(last)) refuseIndex(false, 'RangeMap.allocate: last', last);
    if (!isValue(value)) refuseValue('RangeMap.allocate: value', value);
    const start = this.allocateF(this.handle, size, alignment, first, last, value, request.fromTop === true ? 1 : 0);
    if (start < 0) this.unmet('allocate', start, request);
    this.version = (this.version + 1) | 0;
    return start as Index;
  }

  private unmet(call: string, status: number, request: RangeMapGapRequest<Index>): never {
    this.alive(call);
    return refuseStatus(status, `RangeMap.${call}`, asked(request, this.end));
  }

  private allocateWide(request: RangeMapAllocation<Index>): Index {
    const [size, alignment, first, last] = this.window('allocate', request);
    const status = this.arena.exports.treeAllocate(this.handle, size, alignment, first, last, request.value, request.fromTop === true ? 1 : 0);
    if (status < 0) this.unmet('allocate', status, request);
    this.wrote();
    return this.cell(CELL_FIRST / 4);
  }

  private window(call: string, request: RangeMapAllocation<Index>): [size: bigint, alignment: bigint, first: bigint, last: bigint] {
    const { size, alignment, first, last = this.end, value } = request;
    if (!isValue(value)) refuseValue(`RangeMap.${call}: value`, value);
    return [
      this.u64(`${call}: size`, size),
      alignment === undefined ? 1n : this.u64(`${call}: alignment`, alignment),
      first === undefined ? 0n : this.u64(`${call}: first`, first),
      this.u64(`${call}: last`, last),
    ];
  }

  /**
   * Finds room at or above `next`, else from the bottom, and stores `value` there (rule R-cyclic): numbers are not given out again soon after they came back.
   *
   * @throws As `allocate()`.
   * @example
   * ```ts
   * import { RangeMap } from 'maplebar/range-map';
   *
   * const ids = new RangeMap();
   * const { first, next } = ids.allocateCyclic({ size: 1, first: 1, last: 99, value: 7 }); // 1, 2
   * ids.delete(first);
   * ids.allocateCyclic({ size: 1, first: 1, last: 99, next, value: 7 }).first; // 2
   * ```
   */
  allocateCyclic(request: RangeMapCyclicAllocation<Index>): RangeMapCyclicPlace<Index> {
    const [size, alignment, first, last] = this.window('allocateCyclic', request);
    const { next } = request;
    // One behind the last number: where the call before ended at the very top.
    const from = next === undefined ? first : next === LAST_NUMBER + 1 && !this.wide ? BigInt(next) : this.u64('allocateCyclic: next', next);
    const status = this.arena.exports.treeAllocateCyclic(this.handle, size, alignment, first, last, from, request.value);
    if (status < 0) this.unmet('allocateCyclic', status, request);
    this.wrote();
    const start = this.cell(CELL_FIRST / 4);
    const behind = this.wide ? BigInt.asUintN(64, (start as bigint) + size) : (start as number) + Number(size);
    return { first: start, next: behind as Index, wrapped: status === 1 };
  }

  /**
   * Fills an empty map with ascending, disjoint entries, faster than one by one (rule R-bulk): all or nothing.
   *
   * @throws VfioError EEXIST when the map is not empty, EINVAL when the entries are not in order, ENOMEM when the arena is full.
   */
  bulkLoad(entries: Iterable<RangeMapRow<Index>>): this {
    this.alive('bulkLoad');
    this.load('bulkLoad', rowsOf('.bulkLoad', entries, this.wide));
    return this;
  }

  private load(call: string, rows: readonly RangeMapRow<number | bigint>[]): void {
    if (rows.length === 0 && this.size === 0) return;
    this.fill(call, rows.length, (i) => rows[i]!);
  }

  private fill(call: string, n: number, row: (i: number) => RangeMapRow<number | bigint>): void {
    runBulk(this as unknown as RangeMap, call, n, (firsts, lasts, values) => {
      for (let i = 0; i < n; i++) [firsts[i], lasts[i], values[i]] = row(i);
    });
    this.wrote();
  }

  /**
   * Inserts many ranges in one call (rule R-batch): each row for itself, in order.
   *
   * @param firsts - A Float64Array, or a BigUint64Array when keys are bigints. `lasts` and `values` are at least as long.
   * @param errnos - Where each row's errno goes, 0 when it went in: EEXIST (17), EINVAL (22) when first > last, ENOMEM (12).
   * @returns How many rows went in.
   * @throws TypeError for other arrays, RangeError for short ones and for what is no index or value; then nothing has happened.
   * @example
   * ```ts
   * import { RangeMap } from 'maplebar/range-map';
   *
   * const map = new RangeMap();
   * map.insertMany(Float64Array.of(0, 5), Float64Array.of(9, 14), Uint32Array.of(1, 2)); // 1: the second meets the first
   * ```
   */
  insertMany(firsts: IndexColumn<Index>, lasts: IndexColumn<Index>, values: Uint32Array, errnos?: Uint8Array): number {
    return this.writeMany('insertMany', TREE_INSERT, firsts, lasts, values, errnos);
  }

  /** Stores many ranges in one call, as `set()` would (rule R-batch); arguments, answer and errors as `insertMany()`. */
  setMany(firsts: IndexColumn<Index>, lasts: IndexColumn<Index>, values: Uint32Array, errnos?: Uint8Array): number {
    return this.writeMany('setMany', TREE_STORE, firsts, lasts, values, errnos);
  }

  private writeMany(call: string, operation: number, firsts: IndexColumn<Index>, lasts: IndexColumn<Index>, values: Uint32Array, errnos: Uint8Array | undefined): number {
    this.alive(call);
    this.wrote();
    return firsts.length - runBatch(this, call, operation, { firsts, lasts, values, errnos }).failed;
  }

  /**
   * Removes the whole entries that hold many indices (rule R-batch).
   *
   * @returns `values`: what each index's entry held, 0 where there was none.
   * @throws As {@link RangeReader.getMany}; VfioError ENOMEM, after the last row, when a snapshot shares nodes and the arena was full for some row.
   */
  deleteMany(indices: IndexColumn<Index>, values?: Uint32Array): Uint32Array {
    this.alive('deleteMany');
    this.wrote();
    const errnos = new Uint8Array(lengthOf(this.wide, 'deleteMany: indices', indices));
    const { results } = runBatch(this, 'deleteMany', TREE_ERASE, { firsts: indices, results: values, errnos });
    const full = errnos.indexOf(ENOMEM);
    if (full >= 0) refuseStatus(-ENOMEM, 'RangeMap.deleteMany', `no memory to copy what a snapshot holds, first for row ${full}`);
    return results;
  }

  /** An independent copy in the same arena (rule R-duplicate). VfioError ENOMEM when the arena is full. */
  duplicate(): RangeMap<Index> {
    return duplicateOf(this, 'duplicate');
  }

  /**
   * A read-only map that holds for good what this one holds now; made in the same time however many entries there are (rule R-snapshot).
   * The two share nodes until one of them goes. VfioError ENOMEM when the arena is full.
   *
   * @example
   * ```ts
   * import { RangeMap } from 'maplebar/range-map';
   *
   * const map = new RangeMap([[0, 9, 1]]);
   * const before = map.snapshot();
   * map.set(5, 2);
   * before.get(5); // 1
   * before.destroy();
   * ```
   */
  snapshot(): RangeSnapshot<Index> {
    this.alive('snapshot');
    const handle = this.arena.exports.treeSnapshot(this.handle);
    if (handle < 0) refuseStatus(handle, 'RangeMap.snapshot', 'the arena has no memory for a snapshot');
    return new RangeSnapshot(this.arena, this.wide, handle);
  }

  /** @internal See {@link RangeMapConstructor}. */
  static fromSorted(firsts: Float64Array | BigUint64Array, lasts: Float64Array | BigUint64Array, values: Uint32Array, options: RangeMapOptions = {}): RangeMap<number | bigint> {
    const wide = Object.prototype.toString.call(firsts) === '[object BigUint64Array]';
    const keys = wide ? 'bigint' : 'number';
    if (options.keys !== undefined && options.keys !== keys) throw new TypeError(`RangeMap.fromSorted: keys is ${shown(options.keys)}, but the columns hold ${keys}s`);
    const n = lengthOf(wide, 'fromSorted: firsts', firsts);
    const columns = { firsts: indexColumn(wide, 'fromSorted: firsts', firsts, n), lasts: indexColumn(wide, 'fromSorted: lasts', lasts, n), values: valueColumn('fromSorted: values', values, n) };
    return RangeMap.filled({ ...options, keys }, (map) => {
      if (n === 0) return;
      runBulk(map as unknown as RangeMap, 'fromSorted', n, (first, last, value) => {
        (first as Float64Array).set(columns.firsts.subarray(0, n) as Float64Array);
        (last as Float64Array).set(columns.lasts.subarray(0, n) as Float64Array);
        value.set(columns.values.subarray(0, n));
      });
    });
  }

  /** @internal See {@link RangeMapConstructor}. */
  static fromBytes(bytes: Uint8Array, options: RangeMapOptions = {}): RangeMap<number | bigint> {
    const wide = options.keys === 'bigint';
    const rows = decode(bytes, wide);
    return RangeMap.filled(options, (map) => {
      if (rows.n === 0) return;
      map.fill('fromBytes', rows.n, (i) => (wide ? [rows.first(i), rows.last(i), rows.value(i)] : [Number(rows.first(i)), Number(rows.last(i)), rows.value(i)]));
    });
  }

  /** A new map that `fill` fills, or none. */
  private static filled(options: RangeMapOptions, fill: (map: RangeMap<number | bigint>) => void): RangeMap<number | bigint> {
    const map = new RangeMap<number | bigint>(undefined, options);
    try {
      fill(map);
      return map;
    } catch (error) {
      map.destroy();
      throw error;
    }
  }
}

function duplicateOf<Index extends number | bigint>(source: RangeReader<Index>, call: string): RangeMap<Index> {
  source.alive(call);
  const copy = new RangeMap<Index>(undefined, { arena: source.arena, keys: source.wide ? 'bigint' : 'number' });
  const status = source.arena.exports.treeDuplicate(source.handle, copy.handle);
  if (status !== 0) {
    copy.destroy();
    refuseStatus(status, `RangeMap.${call}`, `${source.size} entries`);
  }
  return copy;
}

/** What a map held when `snapshot()` was called, for good. It outlives the map; `destroy()` returns the nodes that nothing else holds. */
export class RangeSnapshot<Index extends number | bigint = number> extends RangeReader<Index> {
  /** `'RangeSnapshot'`. */
  get [Symbol.toStringTag](): string {
    return 'RangeSnapshot';
  }

  /** A map of its own that starts with what the snapshot holds (rule R-duplicate). VfioError ENOMEM when the arena is full. */
  duplicate(): RangeMap<Index> {
    return duplicateOf(this, 'duplicate');
  }
}
