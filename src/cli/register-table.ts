// The registers of a BAR as rows of a table: position, name, bits, access, value after a reset.

import { accessText, entriesOf, rangeText } from '../registers/index.ts';
import type { BankModel } from '../registers/index.ts';
import { table } from './terminal.ts';

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** An array's elements are one row: `QUEUE[0..63].TAIL`. */
function nameOf(entry: string, indices: readonly (readonly number[])[]): string {
  const last = indices.at(-1) ?? [];
  let at = 0;
  return entry.replace(/\[\]/g, () => `[0..${last[at++] ?? 0}]`);
}

/** All registers and fields of a bank. */
export function registerTable(map: BankModel): string {
  const rows = entriesOf(map.registers).flatMap(({ first, all }) => {
    const head = [`  ${hex(first.position)}`, nameOf(first.entry, all.map(({ indices }) => indices)), String(first.bits)];
    const lone = first.fields.length === 1 && first.fields[0]!.lsb === 0 && first.fields[0]!.msb === first.bits - 1;
    if (lone) return [[...head, accessText(first.fields[0]!), hex(first.reset), first.doc ?? '']];
    const fields = first.fields.map((field) => ['', `  ${field.name}`, rangeText(field), accessText(field), hex(field.reset), field.doc ?? '']);
    return [[...head, '', hex(first.reset), first.doc ?? ''], ...fields];
  });
  return table(['  at', 'register', 'bits', 'access', 'reset', ''], rows, ['at', 'reset']);
}
