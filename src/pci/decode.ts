// A change of what a function decodes, as one transaction over everyone who follows it.
//
//   guest writes COMMAND or a BAR
//        |
//   new ranges  ->  prepare  ->  prepare  ->  prepare      every listener in turn; throwing refuses
//        |             |            x refuses
//        |          abort  <--------+                      who had prepared forgets it; the register holds what it held before
//        v
//     commit  ->  commit  ->  commit                       nobody has refused: all of them move
//
// Nobody has moved when one refuses, and a guest sees it where it looks: in the register that it reads back.

import type { Region } from '../core/index.ts';
import { DECODE_COUNT } from './bar-registers.ts';
import type { DecodeRange, Decodes } from './bar-registers.ts';

/** What one BAR decodes before and after. At least one of both is there, and they differ. */
export interface DecodeChange {
  /** 0..5 for a BAR, 6 for the expansion ROM. */
  readonly index: number;
  /** The bytes behind it. */
  readonly region: Region;
  readonly from: DecodeRange | null;
  readonly to: DecodeRange | null;
}

/**
 * Someone who follows what a function decodes: a bus, an IOMMU, a table of doorbells.
 *
 * `prepare` may throw to refuse the whole transaction, and must change nothing that others see. `commit` makes the change and should not fail: what it throws
 * reaches whoever made the access, after all other listeners have committed. `abort` takes back a `prepare` that went well when a later listener refused.
 */
export interface DecodeListener {
  prepare?(changes: readonly DecodeChange[]): void;
  commit(changes: readonly DecodeChange[]): void;
  abort?(changes: readonly DecodeChange[]): void;
}

const nothing: Decodes = Array.from({ length: DECODE_COUNT }, () => null);

function isSame(a: DecodeRange | null, b: DecodeRange | null): boolean {
  return a === b || (a !== null && b !== null && a.bus === b.bus && a.start === b.start && a.size === b.size);
}

/** Who follows a function, and what they have last been told. */
export class Decoder {
  private readonly listeners = new Set<DecodeListener>();
  private readonly regionOf: (index: number) => Region | undefined;
  private ranges: Decodes = nothing;
  private isChanging = false;
  /** Transactions that a listener refused. */
  refusals = 0;
  /** What the last one that refused threw. */
  lastRefusal: unknown;

  constructor(regionOf: (index: number) => Region | undefined) {
    this.regionOf = regionOf;
  }

  /** What is decoded now. */
  get current(): Decodes {
    return this.ranges;
  }

  private changes(from: Decodes, to: Decodes): DecodeChange[] {
    const found: DecodeChange[] = [];
    for (let index = 0; index < DECODE_COUNT; index++) {
      const [before, after] = [from[index]!, to[index]!];
      const region = this.regionOf(index);
      if (region !== undefined && !isSame(before, after)) found.push({ index, region, from: before, to: after });
    }
    return found;
  }

  /**
   * Adds a listener and tells it what is decoded already, as a transaction of its own. A refusal of that is thrown, and the listener is not added.
   *
   * @returns a function that removes it; the listener is not told about that.
   */
  add(listener: DecodeListener): () => void {
    const changes = this.changes(nothing, this.ranges);
    if (changes.length > 0) {
      listener.prepare?.(changes);
      listener.commit(changes);
    }
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Makes `next` what is decoded.
   *
   * @param mayRefuse false for what nobody can refuse, such as a reset: a refusal is counted and everyone moves.
   * @returns whether it was done; false when a listener refused, and then nobody has moved.
   * @throws Error when a listener changes the registers of the function that it is just being told about; what a `commit` threw.
   */
  change(next: Decodes, mayRefuse = true): boolean {
    const changes = this.changes(this.ranges, next);
    if (changes.length === 0) return true;
    if (this.isChanging) throw new Error('a listener changed what the function decodes while it was being told about a change');
    this.isChanging = true;
    try {
      if (!this.prepare(changes, mayRefuse)) return false;
      // A range that stays is the same object: `from` of a later change is the `to` of an earlier one.
      this.ranges = next.map((range, index) => (isSame(range, this.ranges[index]!) ? this.ranges[index]! : range));
      this.commit(changes);
      return true;
    } finally {
      this.isChanging = false;
    }
  }

  private prepare(changes: readonly DecodeChange[], mayRefuse: boolean): boolean {
    const prepared: DecodeListener[] = [];
    for (const listener of this.listeners) {
      try {
        listener.prepare?.(changes);
        prepared.push(listener);
      } catch (error) {
        this.refusals++;
        this.lastRefusal = error;
        if (!mayRefuse) continue;
        for (const one of prepared.reverse()) one.abort?.(changes);
        return false;
      }
    }
    return true;
  }

  private commit(changes: readonly DecodeChange[]): void {
    const failures: unknown[] = [];
    for (const listener of this.listeners) {
      try {
        listener.commit(changes);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
