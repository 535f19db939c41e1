/// <reference lib="esnext.disposable" preserve="true" />
// What maps and snapshots have in common: every way of reading.

import { VfioError } from '../uapi/index.ts';
import { hex } from '../webassembly/index.ts';
import type { RangeArena } from './arena.ts';
import { runBatch } from './batch.ts';
import { encode } from './bytes.ts';
import { RangeMapCursor } from './cursor.ts';
import { LAST_BIGINT, LAST_NUMBER, fromWords, isBigintIndex, isNumberIndex, refuseIndex, refuseStatus, span, toU64 } from './keys.ts';
import type { IndexColumn } from './keys.ts';
import { CELL_FIRST, CELL_LAST, EBUSY, TREE_LOAD } from './layout.generated.ts';
import { RangeIterator, Rows } from './rows.ts';
import type { RowShape } from './rows.ts';

/** A stored range, both ends included; where gaps are asked for, `value` 0 is a gap. */
export interface RangeMapEntry<Index extends number | bigint = number> {
  /** The lowest index. */
  readonly first: Index;
  /** The highest index. */
  readonly last: Index;
  /** 1 to 2^32-1; 0 for a gap. */
  readonly value: number;
}

/** What a gap must hold. */
export interface RangeMapGapRequest<Index extends number | bigint = number> {
  /** How many indices, at least 1. */
  readonly size: Index;
  /** A power of two that divides the start. Default 1. */
  readonly alignment?: Index;
  /** The lowest index to use. Default 0. */
  readonly first?: Index;
  /** The highest index to use. Default: the last one that there is. */
  readonly last?: Index;
}

/** How a walk goes. */
export interface RangeMapWalkOptions {
  /** Whether gaps are rows too, with `value` 0. Default false. */
  readonly gaps?: boolean;
  /** Whether the walk goes from the highest row to the lowest. Default false. */
  readonly reverse?: boolean;
}

const FIRST = CELL_FIRST / 4;
const LAST = CELL_LAST / 4;

/** Every way of reading: what {@link RangeMap} and {@link RangeSnapshot} share. */
export abstract class RangeReader<Index extends number | bigint = number> {
  /** The memory that the nodes are in. */
  readonly arena: RangeArena;
  /** Whether keys are bigints. @internal */
  readonly wide: boolean;
  /** 0 once destroyed: never a handle. @internal */
  handle: number;
  /** Grows with every write, so that an iterator sees that there was one. @internal */
  version = 0;
  /** The end of `using map = new RangeMap()`: `destroy()`. */
  declare readonly [Symbol.dispose]: () => void;
  // Looking a name up among an instance's exports costs more than the call.
  private readonly loadF: (tree: number, index: number) => number;

  /** @internal */
  constructor(arena: RangeArena, wide: boolean, handle: number) {
    this.arena = arena;
    this.wide = wide;
    this.handle = handle;
    this.loadF = arena.exports.treeLoadF;
    arena.watch(this, handle);
  }

  /** Throws EBADF when the map is destroyed. @internal */
  alive(call: string): void {
    if (this.handle === 0) throw new VfioError('EBADF', `RangeMap.${call}`, 'the map is destroyed');
  }

  /** @internal */
  protected u64(what: string, index: unknown): bigint {
    return toU64(this.wide, `RangeMap.${what}`, index);
  }

  /** The last index of the domain. @internal */
  protected get end(): Index {
    return (this.wide ? LAST_BIGINT : LAST_NUMBER) as Index;
  }

  /** The index that a call left in the result cells. @internal */
  cell(offset: number): Index {
    const { cells } = this.arena;
    const words = this.arena.words();
    const [low, high] = [words[cells + offset]!, words[cells + offset + 1]!];
    return (this.wide ? (BigInt(high) << 32n) | BigInt(low) : fromWords(low, high)) as Index;
  }

  /** The entry that a call left in the result cells. @internal */
  entry(call: string, value: number): RangeMapEntry<Index> | undefined {
    if (value !== 0) return { first: this.cell(FIRST), last: this.cell(LAST), value: value >>> 0 };
    this.alive(call);
    return undefined;
  }

  /**
   * The value of the entry that holds `index` (rule R-load).
   *
   * @param index - 0 to 2^53-1, or a bigint 0 to 2^64-1, as the map's keys are.
   * @returns The value, 1 to 2^32-1; undefined when no entry holds the index.
   * @throws TypeError for the other kind of key, RangeError out of bounds, VfioError EBADF when destroyed.
   * @example
   * ```ts
   * import { RangeMap } from 'maplebar/range-map';
   *
   * const map = new RangeMap([[10, 19, 7]]);
   * map.get(15); // 7
   * map.get(20); // undefined
   * ```
   */
  get(index: Index): number | undefined {
    if (this.wide) return this.getWide(index);
    // The core holds nothing at a number that is no index: whether it is one is asked only then.
    if (typeof index !== 'number') refuseIndex(false, 'RangeMap.get: index', index);
    const value = this.loadF(this.handle, index);
    if (value !== 0) return value >>> 0;
    if (!isNumberIndex(index)) refuseIndex(false, 'RangeMap.get: index', index);
    this.alive('get');
    return undefined;
  }

  private getWide(index: unknown): number | undefined {
    if (!isBigintIndex(index)) refuseIndex(true, 'RangeMap.get: index', index);
    const value = this.arena.exports.treeLoad(this.handle, index);
    if (value !== 0) return value >>> 0;
    this.alive('get');
    return undefined;
  }

  /** Whether an entry holds `index` (rule R-load). Errors as {@link RangeReader.get}. */
  has(index: Index): boolean {
    return this.get(index) !== undefined;
  }

  /** Number of entries. VfioError EBADF when destroyed. */
  get size(): number {
    const n = this.arena.exports.treeCount(this.handle);
    if (n < 0) this.alive('size');
    return n;
  }

  /** The entry or the maximal gap (`value` 0) that holds `index`, with its whole extent (rule R-range). Errors as {@link RangeReader.get}. */
  at(index: Index): RangeMapEntry<Index> {
    const value = this.arena.exports.treeRange(this.handle, this.u64('at: index', index));
    if (value === 0) this.alive('at');
    return { first: this.cell(FIRST), last: this.cell(LAST), value: value >>> 0 };
  }

  /** The entry that holds `index`, else the next above, if it starts at or below `limit` (rule R-find). Errors as {@link RangeReader.get}. */
  find(index: Index, limit: Index = this.end): RangeMapEntry<Index> | undefined {
    if (!this.wide && isNumberIndex(index) && isNumberIndex(limit)) return this.entry('find', this.arena.exports.treeFindF(this.handle, index, limit));
    return this.entry('find', this.arena.exports.treeFind(this.handle, this.u64('find: index', index), this.u64('find: limit', limit)));
  }

  /** The entry that holds `index`, else the next below, if it ends at or above `limit` (rule R-find). Errors as {@link RangeReader.get}. */
  findPrevious(index: Index, limit?: Index): RangeMapEntry<Index> | undefined {
    const to = limit === undefined ? 0n : this.u64('findPrevious: limit', limit);
    return this.entry('findPrevious', this.arena.exports.treeFindPrevious(this.handle, this.u64('findPrevious: index', index), to));
  }

  /** The first entry above the one that holds `index`, if it starts at or below `limit` (rule R-next). Errors as {@link RangeReader.get}. */
  next(index: Index, limit: Index = this.end): RangeMapEntry<Index> | undefined {
    return this.entry('next', this.arena.exports.treeNext(this.handle, this.u64('next: index', index), this.u64('next: limit', limit)));
  }

  /** The first entry below the one that holds `index`, if it ends at or above `limit` (rule R-next). Errors as {@link RangeReader.get}. */
  previous(index: Index, limit?: Index): RangeMapEntry<Index> | undefined {
    const to = limit === undefined ? 0n : this.u64('previous: limit', limit);
    return this.entry('previous', this.arena.exports.treePrevious(this.handle, this.u64('previous: index', index), to));
  }

  /**
   * The entries that touch first..last, each with its own whole extent (rules R-walk, R-walk-back). Writes between two steps are allowed: the walk goes on behind the last row delivered.
   *
   * @param first - The window's lowest index. Default 0.
   * @param last - The window's highest index. Default: the last one that there is.
   * @throws VfioError EINVAL when first > last, EBADF when destroyed, ENOMEM when the arena has no buffer for rows; TypeError and RangeError as {@link RangeReader.get}.
   * @example
   * ```ts
   * import { RangeMap } from 'maplebar/range-map';
   *
   * const map = new RangeMap([[10, 19, 1], [30, 39, 2]]);
   * [...map.walk(15, 35, { gaps: true })]; // 10..19 = 1, 20..29 = 0, 30..39 = 2
   * ```
   */
  walk(first?: Index, last: Index = this.end, options: RangeMapWalkOptions = {}): RangeIterator<RangeMapEntry<Index>> {
    this.alive('walk');
    const from = first === undefined ? 0n : this.u64('walk: first', first);
    const to = this.u64('walk: last', last);
    if (from > to) throw new VfioError('EINVAL', 'RangeMap.walk', `first ${hex(from)} is above last ${hex(to)}`);
    return new RangeIterator(new Rows(this, from, to, options.gaps === true, options.reverse === true), 'rows');
  }

  /** @internal */
  protected everything(call: string): Rows<Index> {
    this.alive(call);
    return new Rows(this, 0n, BigInt(this.end), false, false);
  }

  private iterate<T>(shape: RowShape): RangeIterator<T> {
    return new RangeIterator(this.everything(shape), shape);
  }

  /** Every entry as `[first, last, value]`, ascending; writes in between as in {@link RangeReader.walk}. */
  entries(): RangeIterator<[first: Index, last: Index, value: number]> {
    return this.iterate('entries');
  }

  /** Every entry's range as `[first, last]`, ascending. */
  keys(): RangeIterator<[first: Index, last: Index]> {
    return this.iterate('keys');
  }

  /** Every entry's value, ascending by range. */
  values(): RangeIterator<number> {
    return this.iterate('values');
  }

  /** The same as {@link RangeReader.entries}. */
  [Symbol.iterator](): RangeIterator<[first: Index, last: Index, value: number]> {
    return this.entries();
  }

  /** Calls `visit` with every value, its range and this map, ascending. TypeError when `visit` is no function. */
  forEach(visit: (value: number, range: [first: Index, last: Index], map: this) => void, thisArg?: unknown): void {
    if (typeof visit !== 'function') throw new TypeError(`RangeMap.forEach: visit is ${String(visit)}; expected a function`);
    const rows = this.everything('forEach');
    while (rows.advance()) visit.call(thisArg, rows.value, [rows.first, rows.last], this);
  }

  /** A cursor that starts at `index`, by default 0 (rule R-cursor). VfioError EBADF when destroyed, ENOMEM when the arena is full. */
  cursor(index?: Index): RangeMapCursor<Index> {
    this.alive('cursor');
    return new RangeMapCursor(this, index === undefined ? 0n : this.u64('cursor: index', index));
  }

  private gap(call: string, request: RangeMapGapRequest<Index>, fromTop: 0 | 1): Index | undefined {
    const { exports } = this.arena;
    const { size, alignment, first, last = this.end } = request;
    let status: number;
    if (this.wide) {
      const [from, unit] = [first === undefined ? 0n : this.u64(`${call}: first`, first), alignment === undefined ? 1n : this.u64(`${call}: alignment`, alignment)];
      status = exports.treeGap(this.handle, this.u64(`${call}: size`, size), unit, from, this.u64(`${call}: last`, last), fromTop);
      if (status >= 0) return this.cell(FIRST);
    } else {
      const [from, unit] = [first ?? 0, alignment ?? 1];
      if (!isNumberIndex(size)) refuseIndex(false, `RangeMap.${call}: size`, size);
      if (!isNumberIndex(unit)) refuseIndex(false, `RangeMap.${call}: alignment`, unit);
      if (!isNumberIndex(from)) refuseIndex(false, `RangeMap.${call}: first`, from);
      if (!isNumberIndex(last)) refuseIndex(false, `RangeMap.${call}: last`, last);
      status = exports.treeGapF(this.handle, size, unit, from, last, fromTop);
      if (status >= 0) return status as Index;
    }
    if (status === -EBUSY) return undefined;
    this.alive(call);
    return refuseStatus(status, `RangeMap.${call}`, asked(request, this.end));
  }

  /**
   * The lowest free start for `size` indices (rule R-gap).
   *
   * @returns The start; undefined when nothing fits.
   * @throws VfioError EINVAL for a request that could never be met: size 0, an alignment that is no power of two, first > last, or a size larger than the window.
   * @example
   * ```ts
   * import { RangeMap } from 'maplebar/range-map';
   *
   * const map = new RangeMap([[0, 0x17ff, 1]]);
   * map.lowestGap({ size: 0x1000, alignment: 0x1000 }); // 0x2000
   * map.lowestGap({ size: 0x1000, last: 0x1fff }); // undefined
   * ```
   */
  lowestGap(request: RangeMapGapRequest<Index>): Index | undefined {
    return this.gap('lowestGap', request, 0);
  }

  /** The highest free start for `size` indices (rule R-gap); answers and errors as {@link RangeReader.lowestGap}. */
  highestGap(request: RangeMapGapRequest<Index>): Index | undefined {
    return this.gap('highestGap', request, 1);
  }

  /**
   * The values of many indices in one call (rule R-batch).
   *
   * @param indices - A Float64Array, or a BigUint64Array when keys are bigints.
   * @param values - Where the values go, at least as long as `indices`. Default: a new array.
   * @returns `values`: 0 where no entry holds the index.
   * @throws RangeError when `values` is too short or an index out of bounds, TypeError for other arrays; nothing is written then.
   */
  getMany(indices: IndexColumn<Index>, values?: Uint32Array): Uint32Array {
    this.alive('getMany');
    return runBatch(this, 'getMany', TREE_LOAD, { firsts: indices, results: values }).results;
  }

  /**
   * The entries as bytes, in the format that `src/range-map/bytes.ts` draws; `RangeMap.fromBytes` reads them.
   *
   * @throws VfioError EBADF when destroyed.
   */
  toBytes(): Uint8Array {
    return encode(this.size, this.everything('toBytes'));
  }

  /** Checks the structure node by node; Error with the number of the broken rule in `assembly/maple/check.ts`. For tests. */
  validate(): void {
    this.alive('validate');
    const fault = this.arena.exports.treeValidate(this.handle);
    if (fault > 0) throw new Error(`RangeMap: structural rule ${fault} is broken`);
  }

  /** Returns every node that nothing else holds. A second call does nothing. */
  destroy(): void {
    if (this.handle === 0) return;
    const { handle } = this;
    this.handle = 0;
    this.version = (this.version + 1) | 0;
    this.arena.unwatch(this);
    this.arena.exports.treeDestroy(handle);
  }
}

/** A request for messages. @internal */
export function asked(request: RangeMapGapRequest<number | bigint>, end: number | bigint): string {
  const { size, alignment = 1, first = 0, last = end } = request;
  return `${hex(size)} indices aligned to ${hex(alignment)} in ${span(first, last)}`;
}

// Engines without explicit resource management have no name for it.
const { dispose } = Symbol as { readonly dispose?: symbol };
if (dispose !== undefined) {
  Object.defineProperty(RangeReader.prototype, dispose, {
    configurable: true,
    writable: true,
    value(this: RangeReader): void {
      this.destroy();
    },
  });
}
