// The state of a device as bytes, little-endian, one value behind the other: what a device writes, and reads again with every byte looked at.

import { VfioError } from '../../uapi/index.ts';

/**
 * Writes a state.
 *
 * @example
 * ```ts
 * const bytes = new StateWriter().u16(head).u16(tail).list(entries, (to, { id }) => to.u16(id)).bytes();
 * ```
 */
export class StateWriter {
  private data = new Uint8Array(256);
  private length = 0;

  private room(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.data.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.data);
      this.data = larger;
    }
    return at;
  }

  private view(count: number): DataView {
    const at = this.room(count);
    return new DataView(this.data.buffer, at, count);
  }

  u8(value: number): this {
    this.view(1).setUint8(0, value);
    return this;
  }

  flag(value: boolean): this {
    return this.u8(value ? 1 : 0);
  }

  u16(value: number): this {
    this.view(2).setUint16(0, value, true);
    return this;
  }

  u32(value: number): this {
    this.view(4).setUint32(0, value, true);
    return this;
  }

  u64(value: bigint): this {
    this.view(8).setBigUint64(0, value, true);
    return this;
  }

  /** Their number, then they. */
  block(bytes: Uint8Array): this {
    this.u32(bytes.length);
    const at = this.room(bytes.length);
    this.data.set(bytes, at);
    return this;
  }

  /** How many there are, then each. */
  list<Item>(items: Iterable<Item>, write: (to: this, item: Item) => unknown): this {
    const all = [...items];
    this.u32(all.length);
    for (const item of all) write(this, item);
    return this;
  }

  /** What was written. */
  bytes(): Uint8Array {
    return this.data.slice(0, this.length);
  }
}

/** Reads what a {@link StateWriter} wrote. VfioError EINVAL for everything else. */
export class StateReader {
  private readonly what: string;
  private readonly data: Uint8Array;
  private at = 0;

  /** @param what - whose state it is, for messages. */
  constructor(what: string, data: Uint8Array) {
    this.what = what;
    this.data = data;
  }

  /** Ends the reading: VfioError EINVAL. */
  refuse(why: string): never {
    throw new VfioError('EINVAL', `${this.what}: load`, why);
  }

  private view(count: number): DataView {
    const { at, data } = this;
    if (at + count > data.length) this.refuse(`the state ends after ${data.length} bytes, in the middle of a value of ${count}`);
    this.at += count;
    return new DataView(data.buffer, data.byteOffset + at, count);
  }

  private within(value: number, most: number): number {
    if (value > most) this.refuse(`the value before byte ${this.at} is ${value}; the most is ${most}`);
    return value;
  }

  u8(most = 0xff): number {
    return this.within(this.view(1).getUint8(0), most);
  }

  flag(): boolean {
    return this.u8(1) === 1;
  }

  u16(most = 0xffff): number {
    return this.within(this.view(2).getUint16(0, true), most);
  }

  u32(most = 0xffff_ffff): number {
    return this.within(this.view(4).getUint32(0, true), most);
  }

  u64(most = 0xffff_ffff_ffff_ffffn): bigint {
    const value = this.view(8).getBigUint64(0, true);
    if (value > most) this.refuse(`the value before byte ${this.at} is ${value}; the most is ${most}`);
    return value;
  }

  /** At most `most` bytes. */
  block(most: number): Uint8Array {
    const count = this.u32(most);
    const { buffer, byteOffset } = this.view(count);
    return new Uint8Array(buffer, byteOffset, count).slice();
  }

  /** At most `most` items. */
  list<Item>(most: number, read: (from: this) => Item): Item[] {
    const items: Item[] = [];
    for (let count = this.u32(most); count > 0; count--) items.push(read(this));
    return items;
  }

  /** That was all. */
  end(): void {
    if (this.at !== this.data.length) this.refuse(`${this.data.length - this.at} bytes follow the state`);
  }
}
