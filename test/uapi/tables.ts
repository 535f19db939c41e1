// The ABI tables of the C compiler, read from the fixtures, and our layouts in the same flat form.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { structs } from '../../src/uapi/index.ts';
import type { AnyStructLayout } from '../../src/uapi/index.ts';

export interface FlatField {
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly size: number;
}

interface TableField extends FlatField {
  readonly array?: string;
}

interface Header {
  readonly constants: Record<string, number>;
  readonly strings: Record<string, string>;
  readonly structs: Record<string, { size: number; fields: TableField[] }>;
}

function headers(file: string): [string, Header][] {
  const table = JSON.parse(readFileSync(join(__dirname, '../fixtures/abi', file), 'utf8')) as Record<string, Header | string>;
  return Object.entries(table).filter((entry): entry is [string, Header] => typeof entry[1] !== 'string');
}

const all = [...headers('linux-6.12.json'), ...headers('linux-7.2.json'), ...headers('rfc.json')];

/** [header, name, value] of each constant; bit patterns as unsigned. */
export const tableConstants = all.flatMap(([header, { constants }]) =>
  Object.entries(constants).map(([name, value]) => [header, name, value < 0 ? value >>> 0 : value] as const),
);

/** [header, name, value] of each string. */
export const tableStrings = all.flatMap(([header, { strings }]) => Object.entries(strings).map(([name, value]) => [header, name, value] as const));

const shortType: Readonly<Record<string, string>> = { __u8: 'u8', __u16: 'u16', __u32: 'u32', __s32: 's32', __u64: 'u64', '__u64 *': 'u64' };

function short(type: string): string {
  if (type.startsWith('struct ')) return type.slice('struct '.length);
  const known = shortType[type];
  if (known === undefined) throw new Error(`the tables have a C type ${type} that this test does not know`);
  return known;
}

/** [header, name, size, fields] of each struct, the fields' types in our short form. */
export const tableStructs = all.flatMap(([header, { structs }]) =>
  Object.entries(structs).map(([name, { size, fields }]) => {
    const flat = fields.map(({ name, type, array, offset, size }): FlatField => ({ name, type: short(type) + (array ?? ''), offset, size }));
    return [header, name, size, flat] as const;
  }),
);

/** A layout's fields with those of nested structs in place, as the tables list them. */
export function flatten(layout: AnyStructLayout, base = 0): FlatField[] {
  return Object.entries(layout.fields).flatMap(([name, { type, offset, size }]) => {
    const inner = structs[type];
    return inner ? flatten(inner, base + offset) : [{ name, type, offset: base + offset, size }];
  });
}

/** The values of a record in the order of `flatten`. */
export function flatValues(layout: AnyStructLayout, record: Record<string, unknown>): unknown[] {
  return Object.entries(layout.fields).flatMap(([name, { type }]) => {
    const inner = structs[type];
    return inner ? flatValues(inner, record[name] as Record<string, unknown>) : [record[name]];
  });
}
