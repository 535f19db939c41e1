// How software reaches a register with the accesses that a map allows, and what a write makes of its fields.

import type { BankModel, FieldModel, RegisterModel } from './model.ts';
import { isOnce, isWritable } from './words.ts';

/** One access. @internal */
export interface Access {
  readonly position: number;
  readonly width: number;
}

/** The lowest bit of the register's byte at a position in the bank. */
function laneAt(map: BankModel, { position, bytes }: RegisterModel, at: number): bigint {
  return 8n * BigInt(map.endian === 'big' ? bytes - 1 - (at - position) : at - position);
}

/** The positions of an access that lie in a register. */
function inside({ position, bytes }: RegisterModel, access: Access): number[] {
  return Array.from({ length: access.width }, (_, k) => access.position + k).filter((at) => at >= position && at < position + bytes);
}

/** The bits of a register that an access touches. @internal */
export function lanesOf(map: BankModel, register: RegisterModel, access: Access): bigint {
  return inside(register, access).reduce((lanes, at) => lanes | (0xffn << laneAt(map, register, at)), 0n);
}

/** What an access writes for a register to get this data; zeroes for what else it touches. @internal */
export function valueFor(map: BankModel, register: RegisterModel, access: Access, data: bigint): bigint {
  return inside(register, access).reduce((value, at) => value | (((data >> laneAt(map, register, at)) & 0xffn) << (8n * BigInt(at - access.position))), 0n);
}

/** The bits of a register in what an access read. @internal */
export function dataIn(map: BankModel, register: RegisterModel, access: Access, value: bigint): bigint {
  return inside(register, access).reduce((data, at) => data | (((value >> (8n * BigInt(at - access.position))) & 0xffn) << laneAt(map, register, at)), 0n);
}

/** The legal accesses that lie in a register and are as aligned in it as they are wide. @internal */
export function accessesIn(map: BankModel, { position, bytes }: RegisterModel): Access[] {
  const sizes = map.access.filter((size) => (map.split === 'fault' ? size === bytes : size <= bytes));
  return sizes.flatMap((width) => Array.from({ length: bytes / width }, (_, k) => ({ position: position + k * width, width })));
}

/** The fewest legal accesses that together touch all of a register; none when there are none. @internal */
export function coverOf(map: BankModel, register: RegisterModel): Access[] {
  const within = accessesIn(map, register);
  const widest = Math.max(0, ...within.map((access) => access.width));
  if (widest > 0) return within.filter((access) => access.width === widest);
  const width = map.split === 'lanes' ? map.access.find((size) => size > register.bytes) : undefined;
  if (width === undefined) return [];
  const position = Math.min(register.position - (register.position % width), map.bytes - width);
  return position >= 0 && position + width >= register.position + register.bytes ? [{ position, width }] : [];
}

/** The steps in which a write of a whole register reaches it: the lanes of each access, or all at once where halves wait for each other. @internal */
export function stepsOf(map: BankModel, register: RegisterModel, accesses: readonly Access[]): bigint[] {
  const lanes = accesses.map((access) => lanesOf(map, register, access));
  return register.tear !== 'none' && accesses[0]?.width === 4 ? [lanes.reduce((all, one) => all | one, 0n)] : lanes;
}

/** What one write in the lanes `e` makes of the field's stored bits, in place: `v` before, `d` the data (the table of docs/registers.md). @internal */
export function writtenField({ mask, sw, onWrite, pulse }: FieldModel, v: bigint, d: bigint, e: bigint): bigint {
  const lanes = mask & e;
  if (lanes === 0n || !isWritable(sw)) return v;
  if (pulse) return 0n;
  const ones = d & lanes;
  const zeros = ~d & lanes;
  switch (onWrite) {
    case undefined:
      return (v & ~lanes) | ones;
    case 'woclr':
      return v & ~ones;
    case 'woset':
      return v | ones;
    case 'wot':
      return v ^ ones;
    case 'wzc':
      return v & ~zeros;
    case 'wzs':
      return v | zeros;
    case 'wzt':
      return v ^ zeros;
    case 'wclr':
      return 0n;
    case 'wset':
      return mask;
  }
}

/** What writes in several steps make of a field: after the first that touches it, a write-once field stays. @internal */
export function writtenInSteps(field: FieldModel, v: bigint, d: bigint, steps: readonly bigint[]): bigint {
  let stored = v;
  for (const lanes of steps) {
    if ((field.mask & lanes) === 0n) continue;
    stored = writtenField(field, stored, d, lanes);
    if (isOnce(field.sw)) break;
  }
  return stored;
}
