// Writing ranges one by one: what a map offers over its memory, besides what reads it.

import { hex } from '../webassembly/index.ts';
import type { RangeArena } from './arena.ts';
import { isBigintIndex, isIndex, isNumberIndex, isValue, refuseIndex, refuseStatus, refuseValue, span } from './keys.ts';
import { EEXIST, ENOMEM } from './layout.generated.ts';
import { RangeReader } from './range-reader.ts';

/** Every way of writing one range: what {@link RangeMap} adds to {@link RangeReader}, before it finds room and takes many. */
export abstract class RangeWriter<Index extends number | bigint = number> extends RangeReader<Index> {
  private readonly storeF: (tree: number, first: number, last: number, value: number) => number;
  private readonly insertF: (tree: number, first: number, last: number, value: number) => number;
  private readonly eraseF: (tree: number, index: number) => number;

  /** @internal */
  constructor(arena: RangeArena, wide: boolean, handle: number) {
    super(arena, wide, handle);
    const { exports } = arena;
    this.storeF = exports.treeStoreF;
    this.insertF = exports.treeInsertF;
    this.eraseF = exports.treeEraseF;
  }

  /** @internal */
  protected wrote(): void {
    this.version = (this.version + 1) | 0;
  }

  /** Throws for the arguments of a write, of which one at least is wrong. */
  private refuse(call: string, first: unknown, last: unknown, value: unknown): never {
    if (!isIndex(this.wide, first)) refuseIndex(this.wide, `RangeMap.${call}: first`, first);
    if (!isIndex(this.wide, last)) refuseIndex(this.wide, `RangeMap.${call}: last`, last);
    return refuseValue(`RangeMap.${call}: value`, value);
  }

  /** Throws what a write answered. @internal */
  protected failed(call: string, status: number, first: Index, last: Index, value: number): never {
    this.alive(call);
    const met = status === -EEXIST ? this.find(first, last) : undefined;
    const other = met === undefined ? '' : ` meets ${span(met.first, met.last)} = ${met.value}`;
    const order = first > last ? ': first is above last' : other;
    return refuseStatus(status, `RangeMap.${call}`, `${span(first, last)} = ${value}${order}`);
  }

  /**
   * Stores a value at one index, or at first..last: overwrites what is there and cuts what sticks out (rule R-store).
   *
   * @param value - 1 to 2^32-1.
   * @throws VfioError EINVAL when first > last, ENOMEM when the arena is full, EBADF when destroyed; TypeError and RangeError for what is no index or value.
   * @example
   * ```ts
   * import { RangeMap } from 'maplebar/range-map';
   *
   * const map = new RangeMap().set(7, 1).set(10, 19, 2);
   * map.size; // 2
   * ```
   */
  set(index: Index, value: number): this;
  set(first: Index, last: Index, value: number): this;
  set(first: Index, second: Index | number, third?: number): this {
    // Two arguments, not three of which the last is undefined: that is a mistake to be told.
    const single = third === undefined && arguments.length < 3;
    const last = single ? first : (second as Index);
    const value = single ? (second as number) : third!;
    if (this.wide) {
      if (!isBigintIndex(first) || !isBigintIndex(last) || !isValue(value)) return this.refuse('set', first, last, value);
      const status = this.arena.exports.treeStore(this.handle, first, last, value);
      if (status !== 0) this.failed('set', status, first, last, value);
    } else {
      if (!isNumberIndex(first) || !isNumberIndex(last) || !isValue(value)) return this.refuse('set', first, last, value);
      const status = this.storeF(this.handle, first, last, value);
      if (status !== 0) this.failed('set', status, first, last, value);
    }
    this.version = (this.version + 1) | 0;
    return this;
  }

  /**
   * Stores `value` at first..last if nothing is there (rule R-insert).
   *
   * @throws VfioError EEXIST, naming the entry met, when any index of the range has a value; the others as `set()`.
   */
  insert(first: Index, last: Index, value: number): this {
    if (this.wide) {
      if (!isBigintIndex(first) || !isBigintIndex(last) || !isValue(value)) return this.refuse('insert', first, last, value);
      const status = this.arena.exports.treeInsert(this.handle, first, last, value);
      if (status !== 0) this.failed('insert', status, first, last, value);
    } else {
      if (!isNumberIndex(first) || !isNumberIndex(last) || !isValue(value)) return this.refuse('insert', first, last, value);
      const status = this.insertF(this.handle, first, last, value);
      if (status !== 0) this.failed('insert', status, first, last, value);
    }
    this.version = (this.version + 1) | 0;
    return this;
  }

  /** As `set()` with a range; `value` 0 erases exactly first..last (rule R-store). */
  store(first: Index, last: Index, value: number): this {
    if (value === 0) return this.eraseRange(first, last);
    return this.set(first, last, value);
  }

  /** Erases exactly first..last: entries that stick out keep their rests (rule R-store). Errors as `set()`. */
  eraseRange(first: Index, last: Index): this {
    if (!isIndex(this.wide, first) || !isIndex(this.wide, last)) return this.refuse('eraseRange', first, last, 0);
    const { exports } = this.arena;
    const status = this.wide ? exports.treeStore(this.handle, first as bigint, last as bigint, 0) : exports.treeStoreF(this.handle, first as number, last as number, 0);
    if (status !== 0) this.failed('eraseRange', status, first, last, 0);
    this.wrote();
    return this;
  }

  /** Removes the whole entry that holds `index` (rule R-erase); its value, or undefined when there is none. VfioError ENOMEM when a snapshot shares its nodes and the arena is full. */
  erase(index: Index): number | undefined {
    let value: number;
    if (this.wide) {
      if (!isBigintIndex(index)) refuseIndex(true, 'RangeMap.erase: index', index);
      value = this.arena.exports.treeErase(this.handle, index);
    } else {
      if (!isNumberIndex(index)) refuseIndex(false, 'RangeMap.erase: index', index);
      value = this.eraseF(this.handle, index);
    }
    if (value === 0) {
      this.notErased(index);
      return undefined;
    }
    this.version = (this.version + 1) | 0;
    return value >>> 0;
  }

  /** Nothing was there; or its nodes belong to a snapshot too, and there was no memory for copies. */
  private notErased(index: Index): void {
    if (this.get(index) !== undefined) refuseStatus(-ENOMEM, 'RangeMap.erase', `no memory to copy what a snapshot holds at ${hex(index)}`);
  }

  /** Removes the whole entry that holds `index` (rule R-erase); whether there was one. Errors as `erase()`. */
  delete(index: Index): boolean {
    return this.erase(index) !== undefined;
  }

  /** Removes every entry (rule R-clear). */
  clear(): void {
    const status = this.arena.exports.treeClear(this.handle);
    if (status !== 0) this.failed('clear', status, 0 as Index, this.end, 0);
    this.wrote();
  }
}
