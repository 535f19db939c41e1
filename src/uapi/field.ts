// Fields of C structs: integers, arrays, nested structs and flexible arrays, with their checks.
//
//   u16(2)                 one scalar at byte 2            little-endian, no padding implied
//   bytes(0, 12)           u8 name[12]                     decodes to a Uint8Array
//   array(8, u32, 4)       u32 name[4]                     decodes to number[]
//   nested(0, layout)      struct layout name              decodes to a record
//   flexible(16, layout)   struct layout name[]            the last field only; takes what follows the struct

/** Reads, checks and writes one value of a C type. `Out` is what a read gives, `In` what a write takes. */
export interface Codec<out Out, in In> {
  /** The C type in short: `u32`, `u8[12]`, `vfio_bitmap`. */
  readonly type: string;
  /** Size in bytes. */
  readonly size: number;
  /** The value at byte `at`. */
  read(view: DataView, at: number): Out;
  /** Throws a TypeError or RangeError that starts with `path` when `value` does not fit. */
  check(value: unknown, path: string): void;
  /** Writes a value that `check` has let pass. */
  write(view: DataView, at: number, value: In): void;
}

/** Something that can be an element of an array: a scalar (`u32`) or a struct layout. */
export interface ElementType<out Out, in In> {
  /** How one element is read and written. */
  readonly codec: Codec<Out, In>;
}

/** A scalar type: call it with a byte offset to make a field, or pass it as the element type of an array. */
export interface Scalar<out Out, in In> extends ElementType<Out, In> {
  (offset: number): FieldSpec<Out, In>;
}

/** One field as `struct` takes it: where it is and how it is read. */
export interface FieldSpec<out Out, in In> {
  /** Byte offset from the start of the struct. */
  readonly offset: number;
  /** How the field is read and written; for a flexible array, one element of it. */
  readonly codec: Codec<Out, In>;
}

/** A flexible array as `struct` takes it: elements from `offset` to as far as the count, or the bytes, go. */
export interface FlexibleSpec<out Out, in In> extends FieldSpec<Out, In> {
  /** Size of one element in bytes. */
  readonly stride: number;
  /** The u32 field that holds the number of elements, if the struct has one. */
  readonly countedBy: string | undefined;
  /** Reads `count` elements at byte `at`. */
  readAll(view: DataView, at: number, count: number): Out;
}

function found(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `bigint ${value}`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/** A TypeError that says what was expected and what was found. */
export function kindError(path: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${path}: expected ${expected}, found ${found(value)}`);
}

function checkSmall(value: unknown, path: string, low: number, high: number): void {
  if (typeof value !== 'number') throw kindError(path, 'a number', value);
  if (!Number.isInteger(value)) throw new RangeError(`${path}: ${value} is not an integer`);
  if (value < low) throw new RangeError(`${path}: ${value} is below ${low}`);
  if (value > high) throw new RangeError(`${path}: ${value} is above ${high}`);
}

function checkWide(value: unknown, path: string, low: bigint, high: bigint): void {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) throw new RangeError(`${path}: ${value} is not an integer`);
    if (value < 0 && low === 0n) throw new RangeError(`${path}: ${value} is below 0`);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`${path}: ${value} is above ${Number.MAX_SAFE_INTEGER}, the last exact number: give a bigint`);
    }
    if (value < Number.MIN_SAFE_INTEGER) {
      throw new RangeError(`${path}: ${value} is below ${Number.MIN_SAFE_INTEGER}, the first exact number: give a bigint`);
    }
    return;
  }
  if (typeof value !== 'bigint') throw kindError(path, 'a number or bigint', value);
  if (value < low) throw new RangeError(`${path}: ${value} is below ${low}`);
  if (value > high) throw new RangeError(`${path}: ${value} is above ${high}`);
}

function scalar<Out, In>(codec: Codec<Out, In>): Scalar<Out, In> {
  return Object.assign((offset: number): FieldSpec<Out, In> => ({ offset, codec }), { codec });
}

/** Unsigned 8-bit integer: a number, 0 to 255. */
export const u8: Scalar<number, number> = scalar({
  type: 'u8',
  size: 1,
  read: (view, at) => view.getUint8(at),
  check: (value, path) => checkSmall(value, path, 0, 0xff),
  write: (view, at, value) => view.setUint8(at, value),
});

/** Unsigned 16-bit integer: a number, 0 to 65535. */
export const u16: Scalar<number, number> = scalar({
  type: 'u16',
  size: 2,
  read: (view, at) => view.getUint16(at, true),
  check: (value, path) => checkSmall(value, path, 0, 0xffff),
  write: (view, at, value) => view.setUint16(at, value, true),
});

/** Unsigned 32-bit integer: a number, 0 to 4294967295. */
export const u32: Scalar<number, number> = scalar({
  type: 'u32',
  size: 4,
  read: (view, at) => view.getUint32(at, true),
  check: (value, path) => checkSmall(value, path, 0, 0xffffffff),
  write: (view, at, value) => view.setUint32(at, value, true),
});

/** Signed 32-bit integer: a number, -2147483648 to 2147483647. File descriptors are of this type. */
export const s32: Scalar<number, number> = scalar({
  type: 's32',
  size: 4,
  read: (view, at) => view.getInt32(at, true),
  check: (value, path) => checkSmall(value, path, -0x80000000, 0x7fffffff),
  write: (view, at, value) => view.setInt32(at, value, true),
});

/** Unsigned 64-bit integer: reads as a bigint; takes a bigint, or a number up to 2^53-1. */
export const u64: Scalar<bigint, number | bigint> = scalar({
  type: 'u64',
  size: 8,
  read: (view, at) => view.getBigUint64(at, true),
  check: (value, path) => checkWide(value, path, 0n, 0xffffffffffffffffn),
  write: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
});

/** Signed 64-bit integer: reads as a bigint; takes a bigint, or a number within 2^53-1 of zero. */
export const s64: Scalar<bigint, number | bigint> = scalar({
  type: 's64',
  size: 8,
  read: (view, at) => view.getBigInt64(at, true),
  check: (value, path) => checkWide(value, path, -0x8000000000000000n, 0x7fffffffffffffffn),
  write: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
});

/** The one check of all arrays: the kind, the length if it is fixed, then each element. */
function checkElements(value: unknown, path: string, element: Codec<unknown, never>, length?: number): void {
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
  if (!isList) throw kindError(path, `an array of ${element.type}`, value);
  const list = value as unknown as ArrayLike<unknown>;
  if (length !== undefined && list.length !== length) {
    throw new RangeError(`${path}: ${list.length} elements, expected ${length}`);
  }
  for (let i = 0; i < list.length; i++) element.check(list[i], `${path}[${i}]`);
}

function readElements<Out>(view: DataView, at: number, element: Codec<Out, never>, count: number): Out[] {
  return Array.from({ length: count }, (_, i) => element.read(view, at + i * element.size));
}

function readBytes(view: DataView, at: number, count: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, count).slice();
}

function writeElements<In>(view: DataView, at: number, element: Codec<unknown, In>, values: ArrayLike<In>): void {
  for (let i = 0; i < values.length; i++) element.write(view, at + i * element.size, values[i]!);
}

/**
 * A fixed array of `length` elements: `u32 name[4]`.
 *
 * @param offset - Byte offset in the struct.
 * @param element - A scalar (`u32`) or a struct layout without a flexible array.
 * @param length - Number of elements; a written array has exactly as many.
 */
export function array<Out, In>(offset: number, element: ElementType<Out, In>, length: number): FieldSpec<Out[], ArrayLike<In>> {
  const one = element.codec;
  return {
    offset,
    codec: {
      type: `${one.type}[${length}]`,
      size: one.size * length,
      read: (view, at) => readElements(view, at, one, length),
      check: (value, path) => checkElements(value, path, one, length),
      write: (view, at, value) => writeElements(view, at, one, value),
    },
  };
}

/**
 * A fixed array of bytes, `u8 name[12]`. Decodes to a copy, as a Uint8Array.
 *
 * @param offset - Byte offset in the struct.
 * @param length - Number of bytes.
 */
export function bytes(offset: number, length: number): FieldSpec<Uint8Array, ArrayLike<number>> {
  const field = array(offset, u8, length);
  return { offset, codec: { ...field.codec, read: (view, at) => readBytes(view, at, length) } };
}

/**
 * A struct inside a struct.
 *
 * @param offset - Byte offset of the inner struct in the outer one.
 * @param layout - The inner struct; it has no flexible array.
 */
export function nested<Out, In>(offset: number, layout: ElementType<Out, In>): FieldSpec<Out, In> {
  return { offset, codec: layout.codec };
}

/**
 * A flexible array, `struct layout name[]`: the last field of a struct, not counted in its size.
 *
 * @param offset - Byte offset of element 0 in the struct.
 * @param element - A scalar (`s32`) or a struct layout.
 * @param countedBy - The field of the same struct that holds the number of elements. Without one, decoding takes
 *   every whole element up to the end of the given bytes.
 */
export function flexible<Out, In>(offset: number, element: ElementType<Out, In>, countedBy?: string): FlexibleSpec<Out[], ArrayLike<In>> {
  const one = element.codec;
  return {
    offset,
    stride: one.size,
    countedBy,
    codec: {
      type: `${one.type}[]`,
      size: 0,
      read: () => [],
      check: (value, path) => checkElements(value, path, one),
      write: (view, at, value) => writeElements(view, at, one, value),
    },
    readAll: (view, at, count) => readElements(view, at, one, count),
  };
}

/**
 * A flexible array of bytes, `u8 name[]`. Decodes to a copy, as a Uint8Array.
 *
 * @param offset - Byte offset of the first byte in the struct.
 * @param countedBy - The field that holds the number of bytes; without one, decoding takes all bytes that follow.
 */
export function flexibleBytes(offset: number, countedBy?: string): FlexibleSpec<Uint8Array, ArrayLike<number>> {
  const field = flexible(offset, u8, countedBy);
  return { ...field, codec: { ...field.codec, read: () => new Uint8Array(0) }, readAll: readBytes };
}
