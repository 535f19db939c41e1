// A cursor over a range store (R-cursor): two indices, and no memory of the entries themselves.

import type { Entry, ReferenceRangeStore } from './range-store.ts';
import { U64_MAX } from './result.ts';

export class ReferenceCursor {
  private readonly store: ReferenceRangeStore;
  /** Where the next step up starts to look: 2^64 behind the very last index. */
  private above: bigint;
  /** Where the next step down starts to look: -1 before the very first index. */
  private below: bigint;

  constructor(store: ReferenceRangeStore, i: bigint) {
    this.store = store;
    this.above = i;
    this.below = i;
  }

  next(limit: bigint): Entry | undefined {
    return this.standOn(this.store.find(this.above, limit));
  }

  previous(limit: bigint): Entry | undefined {
    return this.standOn(this.store.findPrevious(this.below, limit));
  }

  /** The entry or gap that holds the index above, if it starts at or below `limit`. */
  nextRange(limit: bigint): Entry | undefined {
    if (this.above > U64_MAX) return undefined;
    const row = this.store.range(this.above);
    return this.standOn(row.first <= limit ? row : undefined);
  }

  /** The same, going down. */
  previousRange(limit: bigint): Entry | undefined {
    if (this.below < 0n) return undefined;
    const row = this.store.range(this.below);
    return this.standOn(row.last >= limit ? row : undefined);
  }

  /** "At a limit it answers nothing and does not move." */
  private standOn(entry: Entry | undefined): Entry | undefined {
    if (entry !== undefined) {
      this.above = entry.last + 1n;
      this.below = entry.first - 1n;
    }
    return entry;
  }
}
