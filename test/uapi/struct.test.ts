// The description language: what it derives, what it refuses, and that bytes nobody named stay as they are.

import { describe, test, expect } from '@jest/globals';
import fc from 'fast-check';
import {
  array, bytes, flexible, flexibleBytes, nested, s32, s64, struct, structs, u16, u32, u64, u8,
  vfio_device_gfx_plane_info, vfio_info_cap_header, vfio_iommu_type1_dirty_bitmap_get, vfio_irq_set, vfio_pci_dependent_device,
  vfio_pci_hot_reset, vfio_region_info, vfio_region_info_cap_sparse_mmap,
} from '../../src/uapi/index.ts';
import type { AnyStructLayout, StructInput, StructRecord } from '../../src/uapi/index.ts';
import { flatten } from './tables.ts';

// struct everything { u8 a; s64 b; u32 c[3]; struct { u16, u16, u32 } d; }
const everything = struct('everything', 40, {
  a: u8(0),
  b: s64(8),
  c: array(16, u32, 3),
  d: nested(28, vfio_info_cap_header),
});

type Encoder = (record: object, target: Uint8Array, at: number) => Uint8Array;
const encoderOf = (layout: AnyStructLayout): Encoder => (layout as unknown as { encode: Encoder }).encode;

/** Any value of a type in our short form. */
function valueOf(type: string): fc.Arbitrary<unknown> {
  const list = /^(.+)\[(\d*)\]$/.exec(type);
  if (list) {
    const [, element, length] = list as unknown as [string, string, string];
    const [minLength, maxLength] = length === '' ? [0, 5] : [Number(length), Number(length)];
    return element === 'u8' ? fc.uint8Array({ minLength, maxLength }) : fc.array(valueOf(element), { minLength, maxLength });
  }
  const inner = structs[type];
  if (inner) return recordOf(inner);
  const bits = Number(type.slice(1));
  const [low, high] = type.startsWith('s') ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n] : [0n, 2n ** BigInt(bits) - 1n];
  const wide = fc.bigInt(low, high);
  return bits === 64 ? wide : wide.map(Number);
}

/** A whole record: union members agree, counts are right. */
function recordOf(layout: AnyStructLayout): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(layout.fields);
  return fc.record(Object.fromEntries(entries.map(([name, { type }]) => [name, valueOf(type)]))).map((record) => {
    for (const [name, field] of entries) {
      const twin = entries.find(([, other]) => other.offset === field.offset && other.size > 0)!;
      if (field.size > 0) record[name] = record[twin[0]];
      if (field.countedBy !== undefined) record[field.countedBy] = (record[name] as ArrayLike<unknown>).length;
    }
    return record;
  });
}

/** A whole record, and some of its fields' names. */
const partsOf = (layout: AnyStructLayout) => fc.tuple(recordOf(layout), fc.subarray(Object.keys(layout.fields)));

describe('every struct of the ABI', () => {
  test.each(Object.entries(structs))('%s: encode then decode gives the record back', (_, layout) => {
    fc.assert(
      fc.property(recordOf(layout), fc.nat(16), (record, at) => {
        const flex = Object.entries(layout.fields).find(([, { type }]) => type.endsWith('[]'));
        const blob = (layout as unknown as { encode: (record: object) => Uint8Array }).encode(record);
        if (!flex) expect(blob.length).toBe(layout.size);
        const shifted = new Uint8Array(at + blob.length);
        encoderOf(layout)(record, shifted, at);
        expect(shifted.subarray(at)).toEqual(blob);
        expect(layout.decode(blob)).toEqual(record);
        expect(layout.decode(shifted, at)).toEqual(record);
      }),
      { numRuns: 25 },
    );
  });

  test.each(Object.entries(structs))('%s: decode then encode gives the bytes back, padding as it was', (_, layout) => {
    const covered = new Set(flatten(layout).flatMap(({ offset, size }) => Array.from({ length: size }, (_, i) => offset + i)));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: layout.size, maxLength: layout.size }), fc.nat(255), (source, filler) => {
        for (const { countedBy } of Object.values(layout.fields)) {
          if (countedBy !== undefined) source.fill(0, layout.fields[countedBy]!.offset, layout.fields[countedBy]!.end);
        }
        const target = new Uint8Array(layout.size).fill(filler);
        expect(encoderOf(layout)(layout.decode(source), target, 0)).toBe(target);
        expect(target).toEqual(source.map((byte, i) => (covered.has(i) ? byte : filler)));
      }),
      { numRuns: 25 },
    );
  });

  test.each(Object.entries(structs))('%s: a partial record touches the bytes of its fields only', (_, layout) => {
    fc.assert(
      fc.property(partsOf(layout), fc.uint8Array({ minLength: 300, maxLength: 300 }), fc.nat(40), ([record, names], source, at) => {
        const target = source.slice();
        encoderOf(layout)(Object.fromEntries(names.map((name) => [name, record[name]])), target, at);
        const named = new Set<number>();
        for (const name of names) {
          const { type, offset, size } = layout.fields[name]!;
          const inner = structs[type];
          const element = type.replace(/\[\]$/, '');
          const stride = type === element ? 0 : (structs[element]?.size ?? { u8: 1, s32: 4 }[element]!);
          const whole = { offset: 0, size: stride === 0 ? size : stride * (record[name] as ArrayLike<unknown>).length };
          for (const part of inner ? flatten(inner) : [whole]) {
            for (let i = 0; i < part.size; i++) named.add(at + offset + part.offset + i);
          }
        }
        target.forEach((byte, i) => {
          if (!named.has(i) && byte !== source[i]) throw new Error(`byte ${i} changed from ${source[i]} to ${byte}`);
        });
        for (const name of names) {
          if (layout.fields[name]!.size > 0) expect(layout.fields[name]!.get(new DataView(target.buffer), at)).toEqual(record[name]);
        }
      }),
      { numRuns: 25 },
    );
  });

  test.each(Object.entries(structs))('%s: one byte short is refused with the numbers', (name, layout) => {
    const short = new Uint8Array(layout.size + 7);
    const message = `${name}: needs ${layout.size} bytes at 8, buffer has ${layout.size + 7}`;
    expect(() => layout.decode(short, 8)).toThrow(new RangeError(message));
    expect(() => encoderOf(layout)({}, short, 8)).toThrow(new RangeError(message));
  });
});

describe('decode', () => {
  test('little-endian, u64 as bigint, DataView or Uint8Array, at any place of a larger buffer', () => {
    const blob = Uint8Array.from([0xff, 3, 0, 1, 0, 0x28, 0, 0, 0x80]);
    expect(vfio_info_cap_header.decode(blob, 1)).toEqual({ id: 3, version: 1, next: 0x80000028 });
    expect(vfio_info_cap_header.decode(blob.subarray(1))).toEqual({ id: 3, version: 1, next: 0x80000028 });
    expect(vfio_info_cap_header.decode(new DataView(blob.buffer, 1))).toEqual({ id: 3, version: 1, next: 0x80000028 });
    const s = struct('s', 16, { u: u64(0), s: s64(8) });
    expect(s.decode(new Uint8Array(16).fill(0xff))).toEqual({ u: 0xffffffffffffffffn, s: -1n });
  });

  test('a byte array is a copy, not a view', () => {
    const blob = new Uint8Array(24);
    const { data } = vfio_irq_set.decode(blob);
    blob.fill(9);
    expect(data).toEqual(new Uint8Array(4));
  });

  test('a counted array is as long as its count, an uncounted one as long as the bytes', () => {
    const blob = new Uint8Array(24);
    vfio_pci_hot_reset.encode({ argsz: 24, count: 2, group_fds: [5, -1] }, blob);
    expect(vfio_pci_hot_reset.decode(blob)).toEqual({ argsz: 24, flags: 0, count: 2, group_fds: [5, -1] });
    const odd = struct('odd', 4, { n: u32(0), list: flexible(4, u32) });
    expect(odd.decode(Uint8Array.from([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0]))).toEqual({ n: 0, list: [1, 2] });
  });

  test('a count that the bytes cannot satisfy is refused; the head is still readable', () => {
    const blob = new Uint8Array(52);
    vfio_region_info_cap_sparse_mmap.encode({ nr_areas: 3 }, blob, 4);
    expect(() => vfio_region_info_cap_sparse_mmap.decode(blob, 4)).toThrow(
      new RangeError('vfio_region_info_cap_sparse_mmap.areas: nr_areas 3 needs 64 bytes at 4, buffer has 52'),
    );
    expect(vfio_region_info_cap_sparse_mmap.decodeHead(blob, 4)).toEqual({ header: { id: 0, version: 0, next: 0 }, nr_areas: 3, reserved: 0 });
    expect(() => vfio_region_info_cap_sparse_mmap.decodeHead(blob, 40)).toThrow(RangeError);
    expect(vfio_region_info.decodeHead(new Uint8Array(32))).toEqual(vfio_region_info.decode(new Uint8Array(32)));
  });

  test('a place that is no byte offset, or a thing that is no bytes', () => {
    expect(() => vfio_region_info.decode(new Uint8Array(64), -1)).toThrow(new RangeError('vfio_region_info: -1 is not a byte offset'));
    expect(() => vfio_region_info.decode(new Uint8Array(64), 0.5)).toThrow(new RangeError('vfio_region_info: 0.5 is not a byte offset'));
    expect(() => vfio_region_info.decode([] as unknown as Uint8Array)).toThrow(new TypeError('vfio_region_info: expected a Uint8Array or DataView, found an array'));
  });
});

describe('encode', () => {
  const refused: [string, object, Error][] = [
    ['above u32', { flags: 4294967296 }, new RangeError('vfio_region_info.flags: 4294967296 is above 4294967295')],
    ['below u32', { flags: -1 }, new RangeError('vfio_region_info.flags: -1 is below 0')],
    ['fraction', { flags: 1.5 }, new RangeError('vfio_region_info.flags: 1.5 is not an integer')],
    ['NaN', { flags: NaN }, new RangeError('vfio_region_info.flags: NaN is not an integer')],
    ['infinity', { size: Infinity }, new RangeError('vfio_region_info.size: Infinity is not an integer')],
    ['bigint for u32', { flags: 1n }, new TypeError('vfio_region_info.flags: expected a number, found bigint 1')],
    ['string', { flags: '1' }, new TypeError('vfio_region_info.flags: expected a number, found "1"')],
    ['undefined', { flags: undefined }, new TypeError('vfio_region_info.flags: expected a number, found undefined')],
    ['null for u64', { size: null }, new TypeError('vfio_region_info.size: expected a number or bigint, found null')],
    ['fraction for u64', { size: 0.5 }, new RangeError('vfio_region_info.size: 0.5 is not an integer')],
    ['below u64', { size: -1 }, new RangeError('vfio_region_info.size: -1 is below 0')],
    ['below u64, bigint', { size: -1n }, new RangeError('vfio_region_info.size: -1 is below 0')],
    ['above u64', { size: 2n ** 64n }, new RangeError('vfio_region_info.size: 18446744073709551616 is above 18446744073709551615')],
    ['inexact number', { size: 2 ** 53 }, new RangeError('vfio_region_info.size: 9007199254740992 is above 9007199254740991, the last exact number: give a bigint')],
    ['no such field', { sise: 1 }, new TypeError('vfio_region_info.sise: no such field')],
  ];
  test.each(refused)('%s is refused, and nothing is written', (_, wrong, error) => {
    const target = new Uint8Array(32).fill(0xaa);
    const record = { argsz: 1, index: 2, ...wrong } as StructInput<typeof vfio_region_info>;
    expect(() => vfio_region_info.encode(record, target)).toThrow(error);
    expect(() => vfio_region_info.encode(record, target)).toThrow(error.constructor as ErrorConstructor);
    expect(target).toEqual(new Uint8Array(32).fill(0xaa));
  });

  test.each([[null, 'null'], [7, '7'], [[], 'an array'], [new Uint8Array(32), 'an object'], [() => 0, 'a function']])('%p is no record', (record, found) => {
    expect(() => vfio_region_info.encode(record as object)).toThrow(new TypeError(`vfio_region_info: expected a record of fields, found ${found}`));
  });

  test('the limits themselves pass', () => {
    const limits = struct('limits', 40, { a: u8(0), b: u16(2), c: u32(4), d: s32(8), e: u64(16), f: s64(24), g: u64(32) });
    const top = { a: 255, b: 65535, c: 0xffffffff, d: 0x7fffffff, e: 2n ** 64n - 1n, f: 2n ** 63n - 1n, g: Number.MAX_SAFE_INTEGER };
    expect(limits.decode(limits.encode(top))).toEqual({ ...top, g: 2n ** 53n - 1n });
    const bottom = { a: 0, b: 0, c: 0, d: -0x80000000, e: 0, f: -(2n ** 63n), g: 0n };
    expect(limits.decode(limits.encode(bottom))).toEqual({ ...bottom, e: 0n });
    expect(limits.decode(limits.encode({ f: Number.MIN_SAFE_INTEGER })).f).toBe(-(2n ** 53n) + 1n);
    expect(() => limits.encode({ f: -(2 ** 53) })).toThrow('limits.f: -9007199254740992 is below -9007199254740991, the first exact number: give a bigint');
    expect(() => limits.encode({ f: 2n ** 63n })).toThrow('limits.f: 9223372036854775808 is above 9223372036854775807');
    expect(() => limits.encode({ d: 0x80000000 })).toThrow('limits.d: 2147483648 is above 2147483647');
    expect(() => limits.encode({ d: -0x80000001 })).toThrow('limits.d: -2147483649 is below -2147483648');
  });

  test('new bytes are zero where nothing was named, and long enough for the array', () => {
    expect(vfio_info_cap_header.encode({ version: 1 })).toEqual(Uint8Array.from([0, 0, 1, 0, 0, 0, 0, 0]));
    expect(vfio_irq_set.encode({ data: [1, 2, 3] })).toHaveLength(23);
    expect(() => vfio_irq_set.encode({ data: [1, 2, 3] }, new Uint8Array(22))).toThrow(new RangeError('vfio_irq_set: needs 23 bytes at 0, buffer has 22'));
  });

  test('paths lead into nested structs and arrays', () => {
    expect(() => everything.encode({ c: [1, 2] })).toThrow(new RangeError('everything.c: 2 elements, expected 3'));
    expect(() => everything.encode({ c: [1, -2, 3] })).toThrow(new RangeError('everything.c[1]: -2 is below 0'));
    expect(() => everything.encode({ d: { id: 65536 } })).toThrow(new RangeError('everything.d.id: 65536 is above 65535'));
    expect(() => everything.encode({ c: 5 as unknown as number[] })).toThrow(new TypeError('everything.c: expected an array of u32, found 5'));
    expect(() => vfio_region_info_cap_sparse_mmap.encode({ areas: [{ offset: 0 }, { size: -1 }] })).toThrow(
      new RangeError('vfio_region_info_cap_sparse_mmap.areas[1].size: -1 is below 0'),
    );
  });

  test('a nested record may be partial too', () => {
    const target = new Uint8Array(40).fill(0xaa);
    vfio_iommu_type1_dirty_bitmap_get.encode({ bitmap: { size: 1 } }, target);
    expect(target).toEqual(Uint8Array.from({ length: 40 }, (_, i) => (i === 24 ? 1 : i > 24 && i < 32 ? 0 : 0xaa)));
  });

  test('the members of a union must agree', () => {
    expect(vfio_pci_dependent_device.decode(vfio_pci_dependent_device.encode({ devid: 7 }))).toMatchObject({ group_id: 7, devid: 7 });
    expect(() => vfio_pci_dependent_device.encode({ group_id: 3, devid: 7 })).toThrow(
      new TypeError('vfio_pci_dependent_device.devid: 7 shares its bytes with group_id, which is 3'),
    );
    expect(() => vfio_device_gfx_plane_info.encode({ region_index: 1, dmabuf_id: 2 })).toThrow(TypeError);
  });
});

describe('one field', () => {
  test('knows its place and is read and written alone', () => {
    const { size, flags } = vfio_region_info.fields;
    expect([size.offset, size.size, size.end, size.type, size.path]).toEqual([16, 8, 24, 'u64', 'vfio_region_info.size']);
    const view = new DataView(new ArrayBuffer(40));
    size.set(view, 8, 0x4000);
    expect(size.get(view, 8)).toBe(0x4000n);
    expect(vfio_region_info.decode(view, 8).size).toBe(0x4000n);
    expect(() => flags.set(view, 0, -1)).toThrow(new RangeError('vfio_region_info.flags: -1 is below 0'));
    expect(() => size.get(view, 17)).toThrow(new RangeError('vfio_region_info.size: needs 24 bytes at 17, buffer has 40'));
    expect(() => size.set(view, 17, 0)).toThrow(RangeError);
    expect(() => size.get(view, -1)).toThrow(RangeError);
  });

  test('a flexible array: written alone, read as empty, because a field does not know its count', () => {
    const view = new DataView(new ArrayBuffer(24));
    const { data } = vfio_irq_set.fields;
    data.set(view, 0, [1, 2, 3, 4]);
    expect(vfio_irq_set.decode(view).data).toEqual(Uint8Array.from([1, 2, 3, 4]));
    expect(data.get(view, 0)).toEqual(new Uint8Array(0));
    expect(() => data.set(view, 0, [1, 2, 3, 4, 5])).toThrow(new RangeError('vfio_irq_set.data: needs 25 bytes at 0, buffer has 24'));
  });
});

describe('a description that is no C struct is refused', () => {
  test.each([
    ['field behind the end', () => struct('s', 4, { a: u64(0) }), 's.a: ends at 8, the struct at 4'],
    ['overlap', () => struct('s', 8, { a: u32(0), b: u32(2) }), 's.b: overlaps a without being a union of one type'],
    ['union of two types', () => struct('s', 8, { a: u32(0), b: s32(0) }), 's.b: overlaps a without being a union of one type'],
    ['negative offset', () => struct('s', 8, { a: u32(-4) }), 's.a: -4 is not a byte offset'],
    ['flexible array in the middle', () => struct('s', 8, { a: flexibleBytes(4), b: u32(4) }), 's.a: a flexible array is the last field'],
  ])('%s', (_, define, message) => {
    expect(define).toThrow(message);
  });

  test('a struct with a flexible array has none of it when it is inside another', () => {
    const outer = struct('outer', 24, { inner: nested(0, vfio_irq_set), list: bytes(20, 4) });
    expect(() => outer.encode({ inner: { data: [1] } })).toThrow(new TypeError('outer.inner.data: a flexible array cannot be inside another struct'));
    expect(outer.decode(new Uint8Array(24)).inner.data).toHaveLength(0);
  });
});

test('record types follow from the descriptions', () => {
  // Checked by the type checker; running it checks that the types tell the truth.
  const info: { argsz: number; flags: number; index: number; cap_offset: number; size: bigint; offset: bigint } = vfio_region_info.decode(new Uint8Array(32));
  expect(typeof info.size).toBe('bigint');
  const sparse: StructRecord<typeof vfio_region_info_cap_sparse_mmap> = { header: { id: 1, version: 1, next: 0 }, nr_areas: 1, reserved: 0, areas: [{ offset: 0n, size: 1n }] };
  expect(vfio_region_info_cap_sparse_mmap.encode(sparse)).toHaveLength(32);
  const data: Uint8Array = vfio_irq_set.decode(new Uint8Array(20)).data;
  expect(data).toHaveLength(0);
  // @ts-expect-error a field that does not exist
  expect(() => vfio_region_info.encode({ sise: 1 })).toThrow(TypeError);
  // @ts-expect-error a u32 takes no bigint
  expect(() => vfio_region_info.encode({ flags: 1n })).toThrow(TypeError);
  // @ts-expect-error the head has no flexible array
  expect(vfio_irq_set.decodeHead(new Uint8Array(20)).data).toBeUndefined();
});
