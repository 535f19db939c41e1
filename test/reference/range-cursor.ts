// A cursor over a range store (R-cursor): two indices, and no memory of the entries themselves.

import type { Entry, ReferenceRangeStore } from './range-store.ts';

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

  /** "At a limit it answers nothing and does not move." */
  private standOn(entry: Entry | undefined): Entry | undefined {
    if (entry !== undefined) {
      this.above = entry.last + 1n;
      this.below = entry.first - 1n;
    }
    return entry;
  }
}
