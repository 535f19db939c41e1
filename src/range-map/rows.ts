// Stepping through the rows of a map. Rows are fetched in batches; a write to the map between two steps drops the rest of the batch, and the walk goes on behind the last row delivered.

import { WALK_ROWS } from './arena.ts';
import { LAST_BIGINT, fromWords, refuseStatus, span } from './keys.ts';
import { WALK_ROW_BYTES } from './layout.generated.ts';
import type { RangeReader } from './range-reader.ts';

const ROW_WORDS = WALK_ROW_BYTES / 4;
const HIGH = 0x1_0000_0000;
// The first batch, and the one after a write, is a short one: loops often end early, or write at every step.
const FEW_ROWS = 16;

/** What the steps of an iterator deliver. @internal */
export type RowShape = 'entries' | 'keys' | 'values' | 'rows';

/** One pass over the rows that touch a window. @internal */
export class Rows<Index extends number | bigint> {
  /** The row that the last step reached. */
  first!: Index;
  last!: Index;
  value = 0;
  private readonly reader: RangeReader<Index>;
  private readonly gaps: number;
  private readonly reverse: boolean;
  private from: bigint;
  private to: bigint;
  private words = new Uint32Array(FEW_ROWS * ROW_WORDS);
  private at = 0;
  private count = 0;
  private version = -1;
  private started = false;
  private whole = false;
  private finished = false;

  constructor(reader: RangeReader<Index>, from: bigint, to: bigint, gaps: boolean, reverse: boolean) {
    this.reader = reader;
    this.from = from;
    this.to = to;
    this.gaps = gaps ? 1 : 0;
    this.reverse = reverse;
  }

  /** Goes to the next row; false behind the last one, for good. */
  advance(): boolean {
    if (this.finished) return false;
    if ((this.at === this.count || this.version !== this.reader.version) && !this.refill()) {
      this.finished = true;
      return false;
    }
    const { words } = this;
    const row = this.at * ROW_WORDS;
    this.at++;
    if (this.reader.wide) {
      this.first = (BigInt(words[row + 1]!) * BigInt(HIGH) + BigInt(words[row]!)) as Index;
      this.last = (BigInt(words[row + 3]!) * BigInt(HIGH) + BigInt(words[row + 2]!)) as Index;
    } else {
      this.first = fromWords(words[row]!, words[row + 1]!) as Index;
      this.last = fromWords(words[row + 2]!, words[row + 3]!) as Index;
    }
    this.value = words[row + 4]!;
    return true;
  }

  /** Ends the pass. */
  end(): void {
    this.finished = true;
  }

  /** Leaves what was delivered out of the window; false when nothing is left of it. */
  private cut(): boolean {
    if (!this.started) return true;
    if (this.reverse) {
      const first = BigInt(this.first);
      if (first <= this.from) return false;
      this.to = first - 1n;
    } else {
      const last = BigInt(this.last);
      if (last >= this.to) return false;
      this.from = last + 1n;
    }
    return true;
  }

  private refill(): boolean {
    const { reader } = this;
    reader.alive('walk');
    const unchanged = this.version === reader.version;
    if (unchanged && this.whole) return false;
    if (!this.cut()) return false;
    const capacity = unchanged ? WALK_ROWS : FEW_ROWS;
    const { arena, handle } = reader;
    const buffer = arena.rows('RangeMap.walk');
    const walk = this.reverse ? arena.exports.treeWalkBack : arena.exports.treeWalk;
    const n = walk(handle, this.from, this.to, this.gaps, buffer, capacity);
    if (n < 0) refuseStatus(n, 'RangeMap.walk', span(this.from, this.to));
    if (this.words.length < n * ROW_WORDS) this.words = new Uint32Array(WALK_ROWS * ROW_WORDS);
    const start = buffer >>> 2;
    this.words.set(arena.words(buffer + capacity * WALK_ROW_BYTES).subarray(start, start + n * ROW_WORDS));
    this.at = 0;
    this.count = n;
    this.version = reader.version;
    this.whole = n < capacity;
    this.started = true;
    return n > 0;
  }
}

/** An iterator as `Map` has them: it is its own iterable, and once it has ended it stays so. */
export class RangeIterator<T> implements IterableIterator<T> {
  private readonly rows: Rows<number | bigint>;
  private readonly shape: RowShape;

  /** @internal */
  constructor(rows: Rows<number | bigint>, shape: RowShape) {
    this.rows = rows;
    this.shape = shape;
  }

  /** The next row, or the end. */
  next(): IteratorResult<T, undefined> {
    const { rows } = this;
    if (!rows.advance()) return { done: true, value: undefined };
    return { done: false, value: this.row() as T };
  }

  private row(): unknown {
    const { first, last, value } = this.rows;
    switch (this.shape) {
      case 'entries':
        return [first, last, value];
      case 'keys':
        return [first, last];
      case 'values':
        return value;
      case 'rows':
        return { first, last, value };
    }
  }

  /** Ends the iteration. */
  return(): IteratorResult<T, undefined> {
    this.rows.end();
    return { done: true, value: undefined };
  }

  /** The iterator itself. */
  [Symbol.iterator](): this {
    return this;
  }

  /** `'RangeMap Iterator'`. */
  get [Symbol.toStringTag](): string {
    return 'RangeMap Iterator';
  }
}

/** Every row there can be, whatever the kind of keys. @internal */
export const EVERYTHING: readonly [bigint, bigint] = [0n, LAST_BIGINT];
