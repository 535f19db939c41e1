// A place in a map that survives any write between two steps: rule R-cursor.

import { VfioError } from '../uapi/index.ts';
import { LAST_BIGINT, LAST_NUMBER, refuseStatus, toU64 } from './keys.ts';
import { CELL_DATA, CELL_FIRST, CELL_LAST } from './layout.generated.ts';
import type { RangeMapEntry, RangeReader } from './range-reader.ts';

const LAST_NUMBER_U64 = BigInt(LAST_NUMBER);

/**
 * A place in a map. Made by `RangeMap.cursor`. It keeps only indices, so any write between two steps is allowed.
 *
 * @example
 * ```ts
 * import { RangeMap } from 'maplebar/range-map';
 *
 * const map = new RangeMap([[10, 19, 1]]);
 * const cursor = map.cursor();
 * cursor.nextRange(); // { first: 0, last: 9, value: 0 }
 * cursor.next(); // { first: 10, last: 19, value: 1 }
 * cursor.next(); // undefined: the cursor stays where it is
 * ```
 */
export class RangeMapCursor<Index extends number | bigint = number> {
  private readonly map: RangeReader<Index>;
  private handle: number;

  /** @internal */
  constructor(map: RangeReader<Index>, index: bigint) {
    this.map = map;
    const handle = map.arena.exports.cursorCreate(map.handle, index);
    if (handle < 0) refuseStatus(handle, 'RangeMap.cursor', 'the arena has no memory for another cursor');
    this.handle = handle;
    map.arena.watch(this, -handle);
  }

  private alive(call: string): void {
    this.map.alive(`cursor.${call}`);
    if (this.handle === 0) throw new VfioError('EBADF', `RangeMapCursor.${call}`, 'the cursor is destroyed');
  }

  private upper(call: string, limit: Index | undefined): bigint {
    this.alive(call);
    if (limit === undefined) return this.map.wide ? LAST_BIGINT : LAST_NUMBER_U64;
    return toU64(this.map.wide, `RangeMapCursor.${call}: limit`, limit);
  }

  private lower(call: string, limit: Index | undefined): bigint {
    this.alive(call);
    return limit === undefined ? 0n : toU64(this.map.wide, `RangeMapCursor.${call}: limit`, limit);
  }

  /** The range that a step reached, if it moved. */
  private range(value: number): RangeMapEntry<Index> | undefined {
    const { arena } = this.map;
    if (arena.words()[arena.cells + CELL_DATA / 4] === 0) return undefined;
    return { first: this.map.cell(CELL_FIRST / 4), last: this.map.cell(CELL_LAST / 4), value: value >>> 0 };
  }

  /** The next entry, if it starts at or below `limit`; else undefined, without moving. VfioError EBADF when cursor or map is destroyed. */
  next(limit?: Index): RangeMapEntry<Index> | undefined {
    const to = this.upper('next', limit);
    return this.map.entry('cursor.next', this.map.arena.exports.cursorNext(this.handle, to));
  }

  /** The previous entry, if it ends at or above `limit`; else undefined, without moving. */
  previous(limit?: Index): RangeMapEntry<Index> | undefined {
    const to = this.lower('previous', limit);
    return this.map.entry('cursor.previous', this.map.arena.exports.cursorPrevious(this.handle, to));
  }

  /** The next entry or gap (`value` 0), if it starts at or below `limit`; else undefined, without moving. */
  nextRange(limit?: Index): RangeMapEntry<Index> | undefined {
    const to = this.upper('nextRange', limit);
    return this.range(this.map.arena.exports.cursorNextRange(this.handle, to));
  }

  /** The previous entry or gap (`value` 0), if it ends at or above `limit`; else undefined, without moving. */
  previousRange(limit?: Index): RangeMapEntry<Index> | undefined {
    const to = this.lower('previousRange', limit);
    return this.range(this.map.arena.exports.cursorPreviousRange(this.handle, to));
  }

  /** Ends the cursor. A second call does nothing. */
  destroy(): void {
    if (this.handle === 0) return;
    const { arena } = this.map;
    arena.unwatch(this);
    arena.exports.cursorDestroy(this.handle);
    this.handle = 0;
  }
}
