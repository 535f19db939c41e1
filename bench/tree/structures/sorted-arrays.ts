// Plain JavaScript: three typed arrays in ascending order, binary search, and moving what lies behind. Trusts its caller: no index is checked.

import type { Structure, Visit } from '../structure.ts';
import { storeOver } from './store-over.ts';

const FIRST_CAPACITY = 16;

export class SortedArrays implements Structure {
  readonly orderless = true;
  foundFirst = 0;
  foundLast = 0;
  foundValue = 0;
  private found = 0;
  private count = 0;
  private firsts = new Float64Array(FIRST_CAPACITY);
  private lasts = new Float64Array(FIRST_CAPACITY);
  private values = new Uint32Array(FIRST_CAPACITY);

  clear(): void {
    this.count = 0;
    this.firsts = new Float64Array(FIRST_CAPACITY);
    this.lasts = new Float64Array(FIRST_CAPACITY);
    this.values = new Uint32Array(FIRST_CAPACITY);
  }

  /** The lowest range that ends at or above `index`. */
  private slot(index: number): number {
    const { lasts } = this;
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (lasts[middle]! < index) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  load(index: number): number {
    const at = this.slot(index);
    return at < this.count && this.firsts[at]! <= index ? this.values[at]! : 0;
  }

  walk(index: number): number {
    const at = this.slot(index);
    if (at === this.count || this.firsts[at]! > index) return 0;
    this.foundFirst = this.firsts[at]!;
    this.foundLast = this.lasts[at]!;
    return this.values[at]!;
  }

  insert(first: number, last: number, value: number): boolean {
    const { count } = this;
    // Ascending input needs no search.
    const at = count > 0 && this.lasts[count - 1]! < first ? count : this.slot(first);
    if (at < count && this.firsts[at]! <= last) return false;
    if (count === this.firsts.length) this.grow();
    if (at < count) {
      this.firsts.copyWithin(at + 1, at, count);
      this.lasts.copyWithin(at + 1, at, count);
      this.values.copyWithin(at + 1, at, count);
    }
    this.firsts[at] = first;
    this.lasts[at] = last;
    this.values[at] = value;
    this.count = count + 1;
    return true;
  }

  private grow(): void {
    const capacity = this.firsts.length * 2;
    const firsts = new Float64Array(capacity);
    const lasts = new Float64Array(capacity);
    const values = new Uint32Array(capacity);
    firsts.set(this.firsts);
    lasts.set(this.lasts);
    values.set(this.values);
    this.firsts = firsts;
    this.lasts = lasts;
    this.values = values;
  }

  erase(index: number): number {
    const at = this.slot(index);
    if (at === this.count || this.firsts[at]! > index) return 0;
    const value = this.values[at]!;
    this.firsts.copyWithin(at, at + 1, this.count);
    this.lasts.copyWithin(at, at + 1, this.count);
    this.values.copyWithin(at, at + 1, this.count);
    this.count--;
    return value;
  }

  below(index: number): boolean {
    let at = this.slot(index);
    if (at === this.count || this.firsts[at]! > index) at--;
    if (at < 0) return false;
    this.found = at;
    this.foundFirst = this.firsts[at]!;
    this.foundLast = this.lasts[at]!;
    this.foundValue = this.values[at]!;
    return true;
  }

  shortenFound(last: number): void {
    this.lasts[this.found] = last;
  }

  setFoundValue(value: number): void {
    this.values[this.found] = value;
  }

  store(first: number, last: number, value: number): void {
    storeOver(this, first, last, value);
  }

  total(): number {
    const { firsts, lasts, values, count } = this;
    let sum = 0;
    let lengths = 0;
    for (let i = 0; i < count; i++) {
      sum += values[i]!;
      lengths += lasts[i]! - firsts[i]!;
    }
    return (sum + (lengths + count) / 4096) % 2 ** 32;
  }

  visit(visit: Visit): void {
    for (let i = 0; i < this.count; i++) visit(this.firsts[i]!, this.lasts[i]!, this.values[i]!);
  }

  bulk(firsts: Float64Array, lasts: Float64Array): void {
    this.count = firsts.length;
    this.firsts = firsts.slice();
    this.lasts = lasts.slice();
    this.values = new Uint32Array(firsts.length);
    for (let i = 0; i < firsts.length; i++) this.values[i] = i + 1;
  }

  duplicate(): SortedArrays {
    const copy = new SortedArrays();
    copy.count = this.count;
    copy.firsts = this.firsts.slice();
    copy.lasts = this.lasts.slice();
    copy.values = this.values.slice();
    return copy;
  }
}
