// A struct of the ABI out of bytes: every field that is asked for and there, read by its layout.

import type { AnyStructLayout } from '../../uapi/index.ts';
import { fieldText } from './field-names.ts';
import type { NameContext } from './field-names.ts';
import { listOf } from './shown.ts';
import type { Shown, ShownStruct } from './shown.ts';
import { quotedBytes } from './value-text.ts';

const PADDING = /^_|^pad$|^reserved\d*$/;

/** Padding and reserved fields: shown only where they are not zero. */
export function isPadding(field: string): boolean {
  return PADDING.test(field);
}

function isZero(value: unknown): boolean {
  return value instanceof Uint8Array ? value.every((byte) => byte === 0) : value === 0 || value === 0n;
}

/**
 * A decoded value as text, list or struct.
 *
 * @param type the struct's name, when the value is a record or records: its fields are named by it.
 */
export function valueOf(struct: string, field: string, value: unknown, context: NameContext, type = field): Shown {
  if (value instanceof Uint8Array) return quotedBytes(value);
  if (Array.isArray(value)) return listOf(value, (one: unknown) => valueOf(struct, field, one, context, type));
  return typeof value === 'object' && value !== null ? recordOf(type, value, context) : fieldText(struct, field, value, context);
}

/** A record as uapi decodes it. */
export function recordOf(struct: string, record: object, context: NameContext): ShownStruct {
  const entries = Object.entries(record).filter(([key, value]: [string, unknown]) => !isPadding(key) || !isZero(value));
  return { fields: entries.map(([key, value]: [string, unknown]) => [key, valueOf(struct, key, value, context)] as const) };
}

/** Which part of which bytes is a struct. */
export interface StructPlace {
  readonly bytes: Uint8Array;
  /** Where it starts. Default 0. */
  readonly at?: number;
  /** How many bytes of it count: what it says of its own size. Default: all. */
  readonly size?: number;
}

/**
 * A struct's fields.
 *
 * @param fields which, in this order; padding among them only where it is not zero.
 * @returns those that lie in the bytes; `more` when some do not.
 */
export function structOf(layout: AnyStructLayout, fields: readonly string[], { bytes, at = 0, size = layout.size }: StructPlace, context: NameContext): ShownStruct & { readonly more: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shown: [string, Shown][] = [];
  let more = false;
  for (const name of fields) {
    const field = layout.fields[name];
    if (field === undefined || at + field.end > bytes.length || field.end > size) {
      more = true;
      continue;
    }
    const value = field.get(view, at);
    if (isPadding(name) && isZero(value)) continue;
    shown.push([name, valueOf(layout.name, name, value, context, field.type)]);
  }
  return { fields: shown, more };
}

/** The fields that a struct has by itself: all but a flexible array. */
export function fixedFields(layout: AnyStructLayout): string[] {
  return Object.entries(layout.fields)
    .filter(([, { size }]) => size > 0)
    .map(([name]) => name);
}

/** A number of the struct; undefined when the bytes end before it. */
export function numberAt(layout: AnyStructLayout, field: string, bytes: Uint8Array): number | undefined {
  const place = layout.fields[field];
  if (place === undefined || place.end > bytes.length) return undefined;
  const value = place.get(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
  return typeof value === 'number' ? value : undefined;
}
