// A reader's side of a shared memory: looks things up in the maps of a writer in another thread.
//
// The writer leaves what a reader may hold alone until the reader says that it holds nothing: at the end of a turn. A turn begins with the reader, and `renew` ends it and
// begins the next one. While no turn runs (after `pause`) nothing can be looked up.

import { VfioError } from '../uapi/index.ts';
import { shown } from '../webassembly/index.ts';
import { RangeArena, WALK_ROWS } from './arena.ts';
import { refuseStatus } from './keys.ts';
import { WALK_ROW_BYTES } from './layout.generated.ts';
import { RangeReader } from './range-reader.ts';
import { instantiateShared } from './shared-arena.ts';
import type { RangeReaderSeat, SharedExports, SharedRangeMap } from './shared-arena.ts';

/** Where a reader's buffer begins in its frames. */
const BUFFER = 4096;
/** Rows of a batch that fit the buffer, 21 bytes each; a multiple of 8 keeps columns aligned. */
const BATCH_ROWS = 384;

/** What a reader has in place of an arena: its buffers are its own, and it never takes or gives memory. */
class ReaderArena extends RangeArena {
  private readonly buffer: number;

  constructor(exports: SharedExports, frame: number) {
    super({ exports });
    this.buffer = frame + BUFFER;
    this.columnRows = BATCH_ROWS;
  }

  override get batchRows(): number {
    return BATCH_ROWS;
  }

  override rows(): number {
    this.words(this.buffer + WALK_ROWS * WALK_ROW_BYTES);
    return this.buffer;
  }

  override columns(): number {
    return this.buffer;
  }

  // A view's handle is the writer's to destroy.
  override watch(): void {}

  override unwatch(): void {}
}

/** A map, or a snapshot, of a writer in another thread: every way of reading but cursors, which are the writer's (VfioError EROFS). */
export class SharedRangeView<Index extends number | bigint = number> extends RangeReader<Index> {
  private shown: number;
  private readonly isPaused: () => boolean;
  private readonly forget: (view: object) => void;

  /** @internal */
  constructor(arena: RangeArena, wide: boolean, handle: number, isPaused: () => boolean, forget: (view: object) => void) {
    super(arena, wide, handle);
    this.shown = handle;
    this.isPaused = isPaused;
    this.forget = forget;
  }

  /** @internal */
  override alive(call: string): void {
    if (this.handle !== 0) return;
    const paused = this.shown !== 0 && this.isPaused();
    throw new VfioError(paused ? 'EBUSY' : 'EBADF', `SharedRangeView.${call}`, paused ? 'the reader is paused; renew() begins a turn' : 'the view is destroyed');
  }

  /** @internal */
  suspend(): void {
    this.handle = 0;
  }

  /** @internal */
  resume(): void {
    this.handle = this.shown;
    // Rows that an iterator fetched belong to the turn before.
    this.version = (this.version + 1) | 0;
  }

  /** Ends the view; the map is the writer's and stays. */
  override destroy(): void {
    this.shown = 0;
    this.handle = 0;
    this.forget(this);
  }
}

/**
 * A reader in this thread, in a seat that the writer opened. Its first turn begins at once.
 *
 * @example
 * ```ts
 * import { SharedRangeReader } from 'maplebar/range-map/shared';
 * import type { RangeReaderSeat, SharedRangeMap } from 'maplebar/range-map/shared';
 *
 * export function work(message: { seat: RangeReaderSeat; map: SharedRangeMap }, indices: number[]): number {
 *   const reader = new SharedRangeReader(message.seat);
 *   const map = reader.map(message.map);
 *   let hits = 0;
 *   for (const index of indices) if (map.has(index)) hits++;
 *   reader.pause(); // until there is something to do again: reader.renew()
 *   return hits;
 * }
 * ```
 */
export class SharedRangeReader {
  private readonly exports: SharedExports;
  private readonly arena: ReaderArena;
  private readonly views = new Set<SharedRangeView | SharedRangeView<bigint>>();
  private paused = false;
  private readonly forget = (view: object): void => void this.views.delete(view as SharedRangeView);

  /** @throws VfioError EBADF when the seat is closed; TypeError when it is no seat. */
  constructor(seat: RangeReaderSeat) {
    if (typeof (seat as Partial<RangeReaderSeat> | null)?.reader !== 'number') throw new TypeError(`SharedRangeReader: seat is ${shown(seat)}; expected what SharedRangeArena.openReader() answers`);
    this.exports = instantiateShared(seat.module, seat.memory);
    const frame = this.exports.readerAttach(seat.reader);
    if (frame < 0) refuseStatus(frame, 'SharedRangeReader', 'the seat is closed');
    this.arena = new ReaderArena(this.exports, frame);
    this.exports.readerEnter();
  }

  /** A view of a map that the writer shared. It always shows the newest state; a snapshot's view shows the snapshot. */
  map<Index extends number | bigint = number>(shared: SharedRangeMap<Index>): SharedRangeView<Index> {
    const view = new SharedRangeView<Index>(this.arena, shared.keys === 'bigint', shared.handle, () => this.paused, this.forget);
    this.views.add(view as unknown as SharedRangeView);
    if (this.paused) view.suspend();
    return view;
  }

  /** Ends the turn and begins the next: the writer may use again what was replaced before. Call it now and then, at least once for each event; an iterator goes on behind its last row. */
  renew(): void {
    this.exports.readerLeave();
    this.exports.readerEnter();
    for (const view of this.views) view.resume();
    this.paused = false;
  }

  /** Ends the turn, and nothing can be looked up (EBUSY) until `renew`: before a thread goes to sleep. */
  pause(): void {
    this.paused = true;
    for (const view of this.views) view.suspend();
    this.exports.readerLeave();
  }
}
