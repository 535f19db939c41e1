// One stored register of the reference, bit by bit: what docs/registers.md says a read and a write make of each.

import type { FieldModel, RegisterModel } from '../../src/registers/index.ts';

export type Bit = 0 | 1;

/** The two tables of docs/registers.md, one bit at a time. `v` is stored, `d` is written. */
export function writtenBit(word: FieldModel['onWrite'], v: Bit, d: Bit): Bit {
  if (word === undefined) return d;
  if (word === 'woclr') return d === 1 ? 0 : v;
  if (word === 'woset') return d === 1 ? 1 : v;
  if (word === 'wot') return d === 1 ? not(v) : v;
  if (word === 'wzc') return d === 0 ? 0 : v;
  if (word === 'wzs') return d === 0 ? 1 : v;
  if (word === 'wzt') return d === 0 ? not(v) : v;
  return word === 'wclr' ? 0 : 1;
}

export function readBit(word: FieldModel['onRead'], v: Bit): Bit {
  if (word === 'rclr') return 0;
  if (word === 'rset') return 1;
  return v;
}

export function not(v: Bit): Bit {
  return v === 1 ? 0 : 1;
}

export function bitOf(value: bigint, i: number): Bit {
  return (value >> BigInt(i)) % 2n === 1n ? 1 : 0;
}

/** The numbers of the bits that a mask names, rising. */
export function bitsIn(mask: bigint): number[] {
  return Array.from({ length: 64 }, (_, i) => i).filter((i) => bitOf(mask, i) === 1);
}

/** Which half of a register of 64 bits these are, if they are one. */
export function halfOf(lanes: ReadonlySet<number>): 'low' | 'high' | undefined {
  if (lanes.size !== 32) return undefined;
  const lowest = Math.min(...lanes);
  return lowest === 0 ? 'low' : lowest === 32 ? 'high' : undefined;
}

export function touches(mask: bigint, lanes: ReadonlySet<number>): boolean {
  return bitsIn(mask).some((i) => lanes.has(i));
}

export function fromBits(bits: readonly Bit[]): bigint {
  return bits.reduce((sum, bit, i) => sum + BigInt(bit) * 2n ** BigInt(i), 0n);
}

export function fromSet(bits: ReadonlySet<number>): bigint {
  return [...bits].reduce((sum, i) => sum + 2n ** BigInt(i), 0n);
}

export class StoredRegister {
  readonly model: RegisterModel;
  readonly bits: Bit[];
  /** The fields that have had their only write. */
  readonly spent = new Set<FieldModel>();
  /** What was kept of a 64-bit register when one half was read, for the other one. */
  kept: Bit[] | undefined;
  /** A written half that waits for the other: which, and its bits. */
  waiting: { readonly high: boolean; readonly data: Bit[] } | undefined;
  tagged = 0;
  violations = 0;

  constructor(model: RegisterModel) {
    this.model = model;
    this.bits = Array.from({ length: model.bits }, () => 0);
  }

  get value(): bigint {
    return this.bits.reduce((sum, bit, i) => sum + BigInt(bit) * 2n ** BigInt(i), 0n);
  }

  /** The number in a field's bits, or in those of a mask. */
  number(mask: bigint): bigint {
    return bitsIn(mask).reduce((sum, i, k) => sum + BigInt(this.bits[i]!) * 2n ** BigInt(k), 0n);
  }

  /** Stores a number in the bits of a mask, the lowest first; what does not fit is cut off. */
  store(mask: bigint, number: bigint): void {
    bitsIn(mask).forEach((i, k) => {
      this.bits[i] = bitOf(number, k);
    });
  }

  fieldAt(i: number): FieldModel | undefined {
    return this.model.fields.find((field) => field.lsb <= i && i <= field.msb);
  }

  isReadable(i: number): boolean {
    return ['rw', 'r', 'rw1'].includes(this.fieldAt(i)?.sw ?? 'na');
  }
}
