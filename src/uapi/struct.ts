// Struct layouts: a C struct described once, from which its record type, its decoder and its encoder follow.
//
//   struct('vfio_region_info', 32, {      byte 0        4        8       12       16
//     argsz: u32(0),                           +--------+--------+--------+--------+
//     flags: u32(4),                         0 | argsz  | flags  | index  |cap_off |
//     index: u32(8),                           +--------+--------+--------+--------+
//     cap_offset: u32(12),                  16 |      size       |     offset      |
//     size: u64(16),                           +-----------------+-----------------+
//     offset: u64(24),                      32
//   })
//
//   Padding is what no field covers. Members of a union are fields at the same offset. A flexible array starts at or
//   before the size, is the last field and adds nothing to the size:
//
//     struct vfio_pci_hot_reset        0        4        8       12       16
//                                      +--------+--------+--------+--------+- -
//                                      | argsz  | flags  | count  | fds[0] | ...
//                                      +--------+--------+--------+--------+- -
//                                                          size 12^

import { kindError } from './field.ts';
import type { Codec, ElementType, FieldSpec, FlexibleSpec } from './field.ts';

/** What the fields of a struct may be. */
export type FieldSpecs = Readonly<Record<string, FieldSpec<unknown, never>>>;

/** The record that decoding gives: every field, u64 and s64 as bigint, the others as number, records and arrays. */
export type RecordOf<F extends FieldSpecs> = {
  -readonly [K in keyof F]: F[K] extends FieldSpec<infer Out, never> ? Out : never;
};

/** The record that encoding takes: any of the fields; u64 as number or bigint. */
export type InputOf<F extends FieldSpecs> = {
  readonly [K in keyof F]?: F[K] extends FieldSpec<unknown, infer In> ? In : never;
};

/** The record of the fixed part: without the flexible array. */
export type HeadOf<F extends FieldSpecs> = RecordOf<{
  [K in keyof F as F[K] extends FlexibleSpec<unknown, never> ? never : K]: F[K];
}>;

/**
 * The record type of a layout.
 *
 * @example
 * ```ts
 * type RegionInfo = StructRecord<typeof vfio_region_info>; // { argsz: number; ...; size: bigint; offset: bigint }
 * ```
 */
export type StructRecord<L> = L extends StructLayout<infer F> ? RecordOf<F> : never;

/** What a layout's `encode` takes: a part of its record, u64 fields as number or bigint. */
export type StructInput<L> = L extends StructLayout<infer F> ? InputOf<F> : never;

/** One field of a layout: where it is, and a way to reach it without decoding the whole struct. */
export interface Field<out Out = unknown, in In = never> {
  /** `struct.field`, as error messages name it. */
  readonly path: string;
  /** The C type in short: `u32`, `u8[12]`, `vfio_bitmap`, `s32[]`. */
  readonly type: string;
  /** Byte offset from the start of the struct. */
  readonly offset: number;
  /** Size in bytes; 0 for a flexible array. */
  readonly size: number;
  /** Offset of the first byte behind the field: offset + size. A struct's smallest argsz is often one of these. */
  readonly end: number;
  /** For a flexible array: the field that holds its number of elements. */
  readonly countedBy: string | undefined;
  /** The field of the struct that starts at byte `at`. A flexible array reads as empty. RangeError outside the view. */
  get(view: DataView, at: number): Out;
  /** Sets the field of the struct that starts at byte `at`. TypeError or RangeError, as `encode`. */
  set(view: DataView, at: number, value: In): void;
}

/** A layout of which only the name is unknown: what tables of layouts hold. */
export interface AnyStructLayout {
  /** The struct's name in C. */
  readonly name: string;
  /** sizeof in bytes, without a flexible array. */
  readonly size: number;
  /** The fields by name, in C order. */
  readonly fields: Readonly<Record<string, Field>>;
  /** How the struct is read and written as an element of an array or of another struct. */
  readonly codec: Codec<unknown, never>;
  /** See {@link StructLayout.decode}. */
  decode(source: Uint8Array | DataView, at?: number): Record<string, unknown>;
}

/** A C struct: its bytes as data, and the way between bytes and records. Made by {@link struct}. */
export interface StructLayout<F extends FieldSpecs> extends ElementType<RecordOf<F>, InputOf<F>> {
  /** The struct's name in C. */
  readonly name: string;
  /** sizeof in bytes, without a flexible array. */
  readonly size: number;
  /** The fields by name, in C order. */
  readonly fields: { readonly [K in keyof F]: F[K] extends FieldSpec<infer Out, infer In> ? Field<Out, In> : never };
  /**
   * Reads a struct.
   *
   * A flexible array has as many elements as its count field says; without a count field it takes every whole
   * element up to the end of `source`, so hand in a subarray that ends where the struct does.
   *
   * @param source - Little-endian bytes.
   * @param at - Byte offset of the struct in `source`.
   * @throws RangeError when `source` is too short, naming struct, field, bytes needed and bytes there.
   */
  decode(source: Uint8Array | DataView, at?: number): RecordOf<F>;
  /** Reads the fixed part only: no flexible array, whatever its count says. */
  decodeHead(source: Uint8Array | DataView, at?: number): HeadOf<F>;
  /** Makes new bytes, zero where `record` names no field, as long as the struct and its flexible array. */
  encode(record: InputOf<F>): Uint8Array;
  /**
   * Writes the fields that `record` names into `target` and leaves every other byte as it is.
   * Everything is checked before the first byte is written.
   *
   * @param record - Any of the struct's fields. A count field is not derived from its array.
   * @param target - Bytes that hold the whole struct from `at` on.
   * @param at - Byte offset of the struct in `target`.
   * @returns `target`
   * @throws TypeError for a value of the wrong kind, a field that does not exist, or union members that differ.
   * @throws RangeError for a value out of range, or a `target` that is too short.
   */
  encode<B extends Uint8Array | DataView>(record: InputOf<F>, target: B, at?: number): B;
}

function viewOf(name: string, source: Uint8Array | DataView): DataView {
  if (source instanceof DataView) return source;
  if (!ArrayBuffer.isView(source)) throw kindError(name, 'a Uint8Array or DataView', source);
  return new DataView(source.buffer, source.byteOffset, source.byteLength);
}

// A small Uint8Array has no buffer until somebody asks for it, and that takes longer than reading all of its fields.
const SMALL = 256;
const scratch = new Uint8Array(SMALL);
const scratchView = new DataView(scratch.buffer);

/** A view to read from, now: its first `source.byteLength` bytes are those of the source. */
function readable(name: string, source: Uint8Array | DataView): DataView {
  if (!(source instanceof Uint8Array) || source.length > SMALL) return viewOf(name, source);
  scratch.set(source);
  return scratchView;
}

function need(what: string, size: number, at: number, length: number): void {
  if (!Number.isSafeInteger(at) || at < 0) throw new RangeError(`${what}: ${at} is not a byte offset`);
  if (at + size > length) throw new RangeError(`${what}: needs ${size} bytes at ${at}, buffer has ${length}`);
}

function isFlexible(spec: FieldSpec<unknown, never>): spec is FlexibleSpec<unknown, never> {
  return 'readAll' in spec;
}

/** Refuses a description that cannot be a C struct. */
function checkDescription(name: string, size: number, entries: readonly [string, FieldSpec<unknown, never>][]): void {
  entries.forEach(([key, spec], i) => {
    const fault = (text: string) => new Error(`${name}.${key}: ${text}`);
    if (!Number.isSafeInteger(spec.offset) || spec.offset < 0) throw fault(`${spec.offset} is not a byte offset`);
    if (spec.offset + spec.codec.size > size) throw fault(`ends at ${spec.offset + spec.codec.size}, the struct at ${size}`);
    if (isFlexible(spec) && i !== entries.length - 1) throw fault('a flexible array is the last field');
    for (const [other, before] of entries.slice(0, i)) {
      const union = before.offset === spec.offset && before.codec.type === spec.codec.type;
      const overlap = before.offset < spec.offset + spec.codec.size && spec.offset < before.offset + before.codec.size;
      if (overlap && !union) throw fault(`overlaps ${other} without being a union of one type`);
    }
  });
}

/**
 * Describes a C struct. The fields' names are the C names; the record type is derived from them.
 *
 * @param name - The struct's name in C.
 * @param size - sizeof in bytes, without a flexible array.
 * @param specs - The fields in C order: `{ argsz: u32(0), size: u64(8) }`. See `u8` ... `s64`, `bytes`, `array`,
 *   `nested`, `flexible`, `flexibleBytes`.
 * @throws Error when fields lie outside the struct or overlap without being a union of one type.
 * @example
 * ```ts
 * const window = struct('window', 16, { start: u64(0), flags: u32(8) });
 * const blob = window.encode({ start: 0x1000, flags: 3 }); // 16 bytes, 12..15 zero
 * window.decode(blob); // { start: 4096n, flags: 3 }
 * window.encode({ flags: 7 }, blob); // bytes 8..11 only
 * window.fields.flags.offset; // 8
 * ```
 */
export function struct<const F extends FieldSpecs>(name: string, size: number, specs: F): StructLayout<F> {
  const entries = Object.entries<FieldSpec<unknown, never>>(specs);
  checkDescription(name, size, entries);
  const known = new Map(entries);
  // Made once: a check that succeeds shows nobody its path.
  const paths = new Map(entries.map(([key]) => [key, `${name}.${key}`]));
  const flexible = entries.find(([, spec]) => isFlexible(spec));
  const unions = entries.flatMap(([key, spec], i) =>
    entries.slice(0, i).filter(([, before]) => before.codec.size > 0 && before.offset === spec.offset).map(([other]) => [other, key] as const),
  );

  const check = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
      throw kindError(path, 'a record of fields', value);
    }
    const record = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(record)) {
      const spec = known.get(key);
      if (spec === undefined) throw new TypeError(`${path}.${key}: no such field`);
      spec.codec.check(record[key], path === name ? paths.get(key)! : `${path}.${key}`);
    }
    for (const [a, b] of unions) {
      if (Object.hasOwn(record, a) && Object.hasOwn(record, b) && record[a] !== record[b]) {
        throw new TypeError(`${path}.${b}: ${String(record[b])} shares its bytes with ${a}, which is ${String(record[a])}`);
      }
    }
  };
  const write = (view: DataView, at: number, record: Readonly<Record<string, unknown>>): void => {
    for (const [key, spec] of known) {
      if (Object.hasOwn(record, key)) spec.codec.write(view, at + spec.offset, record[key] as never);
    }
  };
  const read = (view: DataView, at: number): Record<string, unknown> => {
    const record: Record<string, unknown> = {};
    for (const [key, spec] of known) record[key] = spec.codec.read(view, at + spec.offset);
    return record;
  };

  const field = ([key, spec]: (typeof entries)[number]): [string, Field] => {
    const path = `${name}.${key}`;
    const { offset, codec } = spec;
    const end = offset + codec.size;
    return [
      key,
      {
        path,
        type: codec.type,
        offset,
        size: codec.size,
        end,
        countedBy: isFlexible(spec) ? spec.countedBy : undefined,
        get: (view, at) => {
          need(path, end, at, view.byteLength);
          return codec.read(view, at + offset);
        },
        set: (view, at, value: never) => {
          codec.check(value, path);
          const stride = isFlexible(spec) ? spec.stride * (value as ArrayLike<unknown>).length : 0;
          need(path, end + stride, at, view.byteLength);
          codec.write(view, at + offset, value);
        },
      },
    ];
  };

  const layout = {
    name,
    size,
    fields: Object.fromEntries(entries.map(field)),
    codec: {
      type: name,
      size,
      read,
      check: (value: unknown, path: string) => {
        check(value, path);
        if (flexible && Object.hasOwn(value as object, flexible[0])) {
          throw new TypeError(`${path}.${flexible[0]}: a flexible array cannot be inside another struct`);
        }
      },
      write,
    },
    decode(source: Uint8Array | DataView, at = 0): Record<string, unknown> {
      const view = readable(name, source);
      const { byteLength } = source;
      need(name, size, at, byteLength);
      const record = read(view, at);
      if (!flexible) return record;
      const [key, spec] = flexible as [string, FlexibleSpec<unknown, never>];
      const room = byteLength - at - spec.offset;
      let count = Math.floor(room / spec.stride);
      if (spec.countedBy !== undefined) {
        const wanted = record[spec.countedBy] as number;
        if (wanted > count) {
          const total = spec.offset + wanted * spec.stride;
          throw new RangeError(`${name}.${key}: ${spec.countedBy} ${wanted} needs ${total} bytes at ${at}, buffer has ${byteLength}`);
        }
        count = wanted;
      }
      record[key] = spec.readAll(view, at + spec.offset, count);
      return record;
    },
    decodeHead(source: Uint8Array | DataView, at = 0): Record<string, unknown> {
      const view = readable(name, source);
      need(name, size, at, source.byteLength);
      const record = read(view, at);
      if (flexible) Reflect.deleteProperty(record, flexible[0]);
      return record;
    },
    encode(record: Readonly<Record<string, unknown>>, target?: Uint8Array | DataView, at = 0): Uint8Array | DataView {
      check(record, name);
      let total = size;
      if (flexible && Object.hasOwn(record, flexible[0])) {
        const [key, spec] = flexible as [string, FlexibleSpec<unknown, never>];
        total = Math.max(size, spec.offset + (record[key] as ArrayLike<unknown>).length * spec.stride);
      }
      const into = target ?? new Uint8Array(total);
      const view = viewOf(name, into);
      need(name, total, at, view.byteLength);
      write(view, at, record);
      return into;
    },
  };
  return Object.freeze(layout) as unknown as StructLayout<F>;
}
