// What the generated texts share: numbers, and what a field's access is called.

import type { FieldModel, RegisterModel } from '../model.ts';

/** A number in hexadecimal with at least so many digits. @internal */
export function hexText(value: number | bigint, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** Bits as documents show them: `7:4`, `0`. */
export function rangeText({ msb, lsb }: FieldModel): string {
  return msb === lsb ? `${msb}` : `${msb}:${lsb}`;
}

/** A field's access in a few words: `rw`, `rw woclr`, `r rclr`, `reserved`. */
export function accessText(field: FieldModel): string {
  if (field.reserved !== undefined) return field.reserved === 'keep' ? 'reserved, keep' : 'reserved';
  const words = [field.constant ? 'constant' : field.sw, field.onRead, field.onWrite, field.pulse && 'pulse', field.sticky && 'sticky', field.tag && 'tag'];
  return words.filter((word) => word !== undefined && word !== false).join(' ');
}

/** Registers that the map describes once, each with all of its places: an array's elements together. */
export function entriesOf(registers: readonly RegisterModel[]): { first: RegisterModel; all: RegisterModel[] }[] {
  const entries = new Map<string, { first: RegisterModel; all: RegisterModel[] }>();
  for (const register of registers) {
    const entry = entries.get(register.entry);
    if (entry === undefined) entries.set(register.entry, { first: register, all: [register] });
    else entry.all.push(register);
  }
  return [...entries.values()];
}

/** Bytes from one element to the next in each array around a register, the outermost first. @internal */
export function stridesOf(all: readonly RegisterModel[]): number[] {
  const first = all[0]!;
  return first.indices.map((_, k) => {
    const next = all.find((other) => other.indices.every((index, i) => index === (i === k ? 1 : 0)));
    return next === undefined ? 0 : next.position - first.position;
  });
}

/** How many elements each array around a register has. @internal */
export function countsOf(all: readonly RegisterModel[]): number[] {
  return all[0]!.indices.map((_, k) => Math.max(...all.map((register) => register.indices[k]!)) + 1);
}

/** A text that XML and SVG can hold. @internal */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
