// The range store as JavaScript sees it: rules R of docs/how-an-access-travels.md over the core's maple tree.

import { VfioError } from '../uapi/index.ts';
import { hex, integer, u64 } from '../webassembly/index.ts';
import type { U64 } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import { WALK_FIRST, WALK_LAST, WALK_ROW_BYTES, WALK_VALUE } from './layout.generated.ts';

/** A stored range, both ends included; in a walk with gaps, `value` 0 is a gap. */
export interface RangeEntry {
  readonly first: bigint;
  readonly last: bigint;
  /** 1 to 2^32-1. */
  readonly value: number;
}

/** What a gap must hold. */
export interface GapRequest {
  /** Bytes (indices) needed, at least 1. */
  readonly size: U64;
  /** A power of two that divides the start. Default 1. */
  readonly alignment?: U64;
  /** Lowest usable index. Default 0. */
  readonly first?: U64;
  /** Highest usable index. Default 2^64-1. */
  readonly last?: U64;
}

const MAX = 0xffff_ffff_ffff_ffffn;
// 8 KiB of rows: one call fetches 341 of them.
const WALK_ROWS = 341;

function valueOf(call: string, value: number): number {
  return integer(`${call}: value`, value, 0, 0xffff_ffff);
}

/**
 * A map from unsigned 64-bit ranges to numbers. Made by {@link Engine.rangeStore}.
 *
 * @example
 * ```ts
 * const store = engine.rangeStore();
 * store.insert(0x1000, 0x1fff, 7);
 * store.load(0x1800); // 7
 * store.lowestGap({ size: 0x1000 }); // 0n
 * ```
 */
export class RangeStore {
  /** @internal */
  readonly core: Core;
  /** @internal */
  readonly handle: number;
  private gone = false;

  /** @internal */
  constructor(core: Core) {
    this.core = core;
    this.handle = core.check(core.exports.treeCreate(), 'rangeStore', () => 'the core has no memory for another store') >>> 0;
  }

  /** @internal */
  live(call: string): void {
    if (this.gone) throw new VfioError('EBADF', call, 'the store is destroyed');
  }

  private run(call: string, status: number, detail: () => string): number {
    this.live(call);
    return this.core.check(status, call, detail);
  }

  /** @internal The entry that a read left in the result cells. */
  entry(value: number): RangeEntry | undefined {
    return value === 0 ? undefined : { first: this.core.cellFirst(), last: this.core.cellLast(), value: value >>> 0 };
  }

  /** The value of the entry that holds `index`, or 0 (rule R-load). */
  load(index: U64): number {
    this.live('RangeStore.load');
    const { exports } = this.core;
    if (typeof index === 'number' && Number.isSafeInteger(index) && index >= 0) return exports.treeLoadF(this.handle, index) >>> 0;
    return exports.treeLoad(this.handle, u64('RangeStore.load: index', index)) >>> 0;
  }

  /** Overwrites first..last with `value`; 0 erases it (rule R-store). VfioError EINVAL when first > last, ENOMEM when the core is full. */
  store(first: U64, last: U64, value: number): void {
    const [from, to] = [u64('RangeStore.store: first', first), u64('RangeStore.store: last', last)];
    const status = this.core.exports.treeStore(this.handle, from, to, valueOf('RangeStore.store', value));
    this.run('RangeStore.store', status, () => `${hex(from)}..${hex(to)}`);
  }

  /** Stores `value` at first..last if nothing is there (rule R-insert). VfioError EINVAL when first > last or value is 0, EEXIST when something is there. */
  insert(first: U64, last: U64, value: number): void {
    const [from, to] = [u64('RangeStore.insert: first', first), u64('RangeStore.insert: last', last)];
    const status = this.core.exports.treeInsert(this.handle, from, to, valueOf('RangeStore.insert', value));
    this.run('RangeStore.insert', status, () => {
      const other = from <= to ? this.find(from, to) : undefined;
      const met = other === undefined ? '' : ` meets ${hex(other.first)}..${hex(other.last)} = ${other.value}`;
      return `${hex(from)}..${hex(to)} = ${value}${met}`;
    });
  }

  /** Removes the whole entry that holds `index`; its value, or 0 (rule R-erase). */
  erase(index: U64): number {
    this.live('RangeStore.erase');
    return this.core.exports.treeErase(this.handle, u64('RangeStore.erase: index', index)) >>> 0;
  }

  /** The entry that holds `index`, else the next above, if it starts at or below `limit` (rule R-find). */
  find(index: U64, limit: U64 = MAX): RangeEntry | undefined {
    this.live('RangeStore.find');
    return this.entry(this.core.exports.treeFind(this.handle, u64('RangeStore.find: index', index), u64('RangeStore.find: limit', limit)));
  }

  /** The entry that holds `index`, else the next below, if it ends at or above `limit` (rule R-find). */
  findPrevious(index: U64, limit: U64 = 0n): RangeEntry | undefined {
    this.live('RangeStore.findPrevious');
    return this.entry(this.core.exports.treeFindPrevious(this.handle, u64('RangeStore.findPrevious: index', index), u64('RangeStore.findPrevious: limit', limit)));
  }

  /** The first entry above the one that holds `index` (rule R-next). */
  next(index: U64, limit: U64 = MAX): RangeEntry | undefined {
    this.live('RangeStore.next');
    return this.entry(this.core.exports.treeNext(this.handle, u64('RangeStore.next: index', index), u64('RangeStore.next: limit', limit)));
  }

  /** The first entry below the one that holds `index` (rule R-next). */
  previous(index: U64, limit: U64 = 0n): RangeEntry | undefined {
    this.live('RangeStore.previous');
    return this.entry(this.core.exports.treePrevious(this.handle, u64('RangeStore.previous: index', index), u64('RangeStore.previous: limit', limit)));
  }

  /**
   * The entries that touch first..last, ascending, each with its own whole extent; with `gaps`, also the gaps (rule R-walk).
   * Reads in batches: writes between two steps are allowed, and the walk goes on behind the last row delivered.
   */
  *walk(first: U64 = 0n, last: U64 = MAX, options: { readonly gaps?: boolean } = {}): Generator<RangeEntry, void, undefined> {
    let from = u64('RangeStore.walk: first', first);
    const to = u64('RangeStore.walk: last', last);
    const bytes = WALK_ROWS * WALK_ROW_BYTES;
    for (let more = true; more; ) {
      this.live('RangeStore.walk');
      const rows: RangeEntry[] = [];
      const buffer = this.core.exports.takeBuffer(bytes);
      if (buffer === 0) throw new VfioError('ENOMEM', 'RangeStore.walk', `no ${bytes} bytes for a batch of rows`);
      const n = this.core.exports.treeWalk(this.handle, from, to, options.gaps === true ? 1 : 0, buffer, WALK_ROWS);
      const view = this.core.data();
      for (let i = 0; i < n; i++) {
        const at = (buffer >>> 0) + i * WALK_ROW_BYTES;
        rows.push({ first: view.getBigUint64(at + WALK_FIRST, true), last: view.getBigUint64(at + WALK_LAST, true), value: view.getUint32(at + WALK_VALUE, true) });
      }
      this.core.exports.giveBuffer(buffer, bytes);
      this.run('RangeStore.walk', n, () => `${hex(from)}..${hex(to)}`);
      yield* rows;
      const end = rows.at(-1)?.last ?? to;
      more = n === WALK_ROWS && end < to;
      from = end + 1n;
    }
  }

  private gap(call: string, request: GapRequest, run: (size: bigint, alignment: bigint, first: bigint, last: bigint) => number): bigint {
    const size = u64(`${call}: size`, request.size);
    const alignment = u64(`${call}: alignment`, request.alignment ?? 1);
    const first = u64(`${call}: first`, request.first ?? 0);
    const last = u64(`${call}: last`, request.last ?? MAX);
    this.run(call, run(size, alignment, first, last), () => `${hex(size)} indices aligned to ${hex(alignment)} in ${hex(first)}..${hex(last)}`);
    return this.core.cellFirst();
  }

  /** The lowest free start (rule R-gap). VfioError EINVAL for an impossible request, EBUSY when nothing fits. */
  lowestGap(request: GapRequest): bigint {
    return this.gap('RangeStore.lowestGap', request, (size, alignment, first, last) => this.core.exports.treeGap(this.handle, size, alignment, first, last, 0));
  }

  /** The highest free start (rule R-gap). */
  highestGap(request: GapRequest): bigint {
    return this.gap('RangeStore.highestGap', request, (size, alignment, first, last) => this.core.exports.treeGap(this.handle, size, alignment, first, last, 1));
  }

  /** Finds a gap and inserts `value` there (rule R-allocate); the start. */
  allocate(request: GapRequest & { readonly value: number; readonly fromTop?: boolean }): bigint {
    const value = valueOf('RangeStore.allocate', request.value);
    return this.gap('RangeStore.allocate', request, (size, alignment, first, last) =>
      this.core.exports.treeAllocate(this.handle, size, alignment, first, last, value, request.fromTop === true ? 1 : 0),
    );
  }

  /** Fills an empty store with ascending, disjoint entries (rule R-bulk). VfioError EEXIST when the store is not empty, EINVAL when the entries are not in order. */
  bulkLoad(entries: Iterable<{ readonly first: U64; readonly last: U64; readonly value: number }>): void {
    this.live('RangeStore.bulkLoad');
    if (typeof (entries as Partial<typeof entries>)[Symbol.iterator] !== 'function') throw new TypeError('RangeStore.bulkLoad: entries is not iterable');
    const rows = Array.from(entries, (entry, i) => ({
      first: u64(`RangeStore.bulkLoad: entry ${i}: first`, entry.first),
      last: u64(`RangeStore.bulkLoad: entry ${i}: last`, entry.last),
      value: valueOf(`RangeStore.bulkLoad: entry ${i}`, entry.value),
    }));
    const bytes = Math.max(1, rows.length * WALK_ROW_BYTES);
    const buffer = this.core.exports.takeBuffer(bytes);
    if (buffer === 0) throw new VfioError('ENOMEM', 'RangeStore.bulkLoad', `no ${bytes} bytes for ${rows.length} rows`);
    const view = this.core.data();
    rows.forEach((row, i) => {
      const at = (buffer >>> 0) + i * WALK_ROW_BYTES;
      view.setBigUint64(at + WALK_FIRST, row.first, true);
      view.setBigUint64(at + WALK_LAST, row.last, true);
      view.setUint32(at + WALK_VALUE, row.value, true);
    });
    const status = this.core.exports.treeBulk(this.handle, buffer, rows.length);
    this.core.exports.giveBuffer(buffer, bytes);
    this.run('RangeStore.bulkLoad', status, () => `${rows.length} entries`);
  }

  /** A cursor that starts at `index` (rule R-cursor). */
  cursor(index: U64 = 0n): RangeCursor {
    this.live('RangeStore.cursor');
    return new RangeCursor(this, u64('RangeStore.cursor: index', index));
  }

  /** Removes everything. */
  clear(): void {
    this.run('RangeStore.clear', this.core.exports.treeClear(this.handle), () => '');
  }

  /** Number of entries. */
  get count(): number {
    return Math.max(0, this.core.exports.treeCount(this.handle));
  }

  /** Checks the structure node by node; Error with the number of the broken rule in `assembly/maple/check.ts`. For tests. */
  validate(): void {
    this.live('RangeStore.validate');
    const fault = this.core.exports.treeValidate(this.handle);
    if (fault > 0) throw new Error(`range store: structural rule ${fault} is broken`);
  }

  /** Returns every node. A second call does nothing. */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.core.exports.treeDestroy(this.handle);
  }
}

/** A place in a store that survives any write between two steps (rule R-cursor). */
export class RangeCursor {
  private readonly store: RangeStore;
  private readonly handle: number;
  private gone = false;

  /** @internal */
  constructor(store: RangeStore, index: bigint) {
    this.store = store;
    this.handle = store.core.check(store.core.exports.cursorCreate(store.handle, index), 'RangeStore.cursor', () => 'the core has no memory for another cursor') >>> 0;
  }

  private live(call: string): void {
    this.store.live(call);
    if (this.gone) throw new VfioError('EBADF', call, 'the cursor is destroyed');
  }

  /** The next entry that starts at or below `limit`, or undefined without moving. */
  next(limit: U64 = MAX): RangeEntry | undefined {
    this.live('RangeCursor.next');
    return this.store.entry(this.store.core.exports.cursorNext(this.handle, u64('RangeCursor.next: limit', limit)));
  }

  /** The previous entry that ends at or above `limit`, or undefined without moving. */
  previous(limit: U64 = 0n): RangeEntry | undefined {
    this.live('RangeCursor.previous');
    return this.store.entry(this.store.core.exports.cursorPrevious(this.handle, u64('RangeCursor.previous: limit', limit)));
  }

  /** Ends the cursor. A second call does nothing. */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.store.core.exports.cursorDestroy(this.handle);
  }
}
