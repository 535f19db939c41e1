// Random calls on range stores and tables of device-file offsets, compared with the reference call by call.

import { deepStrictEqual } from 'node:assert/strict';
import type { Engine, OffsetTable, RangeCursor, RangeStore } from '../../src/core/index.ts';
import { MAX, answer, outcome } from '../core/adapter.ts';
import { ReferenceCookieTable, ReferenceRangeStore, valueOf, type CookieMode, type ReferenceCursor } from '../reference/index.ts';
import type { Random } from './random.ts';

/** One range store and its reference. It drifts between empty and a few hundred entries. */
export class StoreFuzz {
  private readonly store: RangeStore;
  private readonly ref = new ReferenceRangeStore();
  private cursor: RangeCursor;
  private refCursor: ReferenceCursor;
  private readonly limit: number;

  constructor(engine: Engine, random: Random) {
    this.store = engine.rangeStore();
    this.cursor = this.store.cursor(0n);
    this.refCursor = this.ref.cursor(0n);
    this.limit = 20 + random.below(300);
  }

  private index(random: Random): bigint {
    const kind = random.below(10);
    if (kind < 5) return BigInt(random.below(1200));
    if (kind < 8) return MAX - BigInt(random.below(900));
    return kind < 9 ? random.u64() : 2n ** 40n * BigInt(random.below(64));
  }

  private range(random: Random): [bigint, bigint] {
    const first = this.index(random);
    if (random.once(20)) return [first, this.index(random)];
    const last = first + BigInt(random.below(5));
    return [first, last > MAX ? MAX : last];
  }

  call(random: Random): void {
    const { store, ref } = this;
    const [first, last] = this.range(random);
    const value = random.once(12) ? 0 : 1 + (random.next() >>> 1);
    switch (random.below(14)) {
      case 0:
      case 1:
      case 2:
      case 3:
        if (ref.count > this.limit) deepStrictEqual(store.erase(first), ref.erase(first));
        else deepStrictEqual(outcome(() => store.insert(first, last, value)), answer(ref.insert(first, last, value)));
        break;
      case 4:
      case 5:
        deepStrictEqual(outcome(() => store.store(first, last, value)), answer(ref.store(first, last, value)));
        break;
      case 6:
      case 7:
        deepStrictEqual(store.erase(first), ref.erase(first));
        break;
      case 8:
        deepStrictEqual([store.load(first), store.find(first, last), store.next(first), store.previous(last)], [ref.load(first), ref.find(first, last), ref.next(first, MAX), ref.previous(last, 0n)]);
        deepStrictEqual(store.findPrevious(last, first), ref.findPrevious(last, first));
        break;
      case 9:
        this.gap(random);
        break;
      case 10:
        deepStrictEqual(outcome(() => [...store.walk(first, last, { gaps: true })]), answer(ref.walk(first, last, { gaps: true })));
        break;
      case 11:
      case 12:
        this.step(random, first);
        break;
      default:
        this.rare(random);
    }
    deepStrictEqual(store.count, ref.count);
  }

  private gap(random: Random): void {
    const size = random.once(10) ? random.u64() : BigInt(random.below(20));
    const alignment = random.once(10) ? BigInt(random.below(9)) : 1n << BigInt(random.below(8));
    const [first, last] = random.once(2) ? [0n, MAX] : [this.index(random), this.index(random)];
    const request = { size, alignment, first, last };
    if (random.once(2)) {
      deepStrictEqual(outcome(() => this.store.lowestGap(request)), answer(this.ref.lowestGap(size, alignment, first, last)));
      deepStrictEqual(outcome(() => this.store.highestGap(request)), answer(this.ref.highestGap(size, alignment, first, last)));
      return;
    }
    const [value, fromTop] = [random.below(5), random.once(2)];
    deepStrictEqual(outcome(() => this.store.allocate({ ...request, value, fromTop })), answer(this.ref.allocate(size, alignment, first, last, value, fromTop)));
  }

  private step(random: Random, from: bigint): void {
    if (random.once(10)) {
      this.cursor.destroy();
      this.cursor = this.store.cursor(from);
      this.refCursor = this.ref.cursor(from);
    }
    if (random.once(2)) deepStrictEqual(this.cursor.next(), this.refCursor.next(MAX));
    else deepStrictEqual(this.cursor.previous(from), this.refCursor.previous(from));
  }

  private rare(random: Random): void {
    if (random.once(40)) {
      const rows = [...this.store.walk()];
      if (random.once(2)) {
        this.store.clear();
        this.ref.clear();
      }
      deepStrictEqual(outcome(() => this.store.bulkLoad(rows)), answer(this.ref.bulkLoad(rows)));
    } else if (random.once(3)) {
      const [a, b] = [this.index(random), this.index(random)];
      const [first, last] = a < b ? [a, b] : [b, a];
      deepStrictEqual(outcome(() => this.store.store(first, last, 0)), answer(this.ref.store(first, last, 0)));
    }
    this.store.validate();
  }

  close(): void {
    this.store.validate();
    deepStrictEqual([...this.store.walk(0n, MAX, { gaps: true })], answer(this.ref.walk(0n, MAX, { gaps: true })));
    this.cursor.destroy();
    this.store.destroy();
  }
}

/** One table of offsets and its reference. */
export class OffsetsFuzz {
  private readonly table: OffsetTable;
  private readonly ref: ReferenceCookieTable;
  private readonly sizes: bigint[];
  private readonly given: bigint[] = [0n];

  constructor(engine: Engine, random: Random) {
    const mode = random.pick<CookieMode>(['index', 'cookie', 'scattered']);
    const seed = 1 + random.below(1000);
    const bits = (): bigint => BigInt(random.below(mode === 'index' ? 41 : 50));
    this.sizes = Array.from({ length: 1 + random.below(24) }, () => (random.once(6) ? 0n : (1n << bits()) - (random.once(2) ? 1n : 0n)));
    this.table = engine.offsetTable(mode, seed);
    this.ref = valueOf(ReferenceCookieTable.open(mode, this.sizes, seed));
    if (mode === 'index') this.sizes.forEach((size, index) => this.table.request(index, size));
  }

  call(random: Random): void {
    const index = random.below(this.sizes.length);
    if (random.once(2)) {
      const got = outcome(() => this.table.request(index, this.sizes[index]!));
      deepStrictEqual(got, answer(this.ref.request(index)));
      if (typeof got === 'bigint') this.given.push(got);
    } else {
      const at = random.once(8) ? random.u64() : random.pick(this.given) + BigInt(random.below(6)) * 0x1000n;
      deepStrictEqual(this.table.resolve(random.once(2) && at < 2n ** 53n ? Number(at) : at), this.ref.resolve(at));
    }
  }

  close(): void {
    this.table.destroy();
  }
}
