// Everything that the C headers define is here with the same value, size and offset; and nothing else is.

import { describe, test, expect } from '@jest/globals';
import fc from 'fast-check';
import * as uapi from '../../src/uapi/index.ts';
import { constants, strings, structs } from '../../src/uapi/index.ts';
import { flatten, flatValues, tableConstants, tableStrings, tableStructs } from './tables.ts';

const face: Readonly<Record<string, unknown>> = uapi;

test('the tables are there', () => {
  expect(tableConstants.length).toBeGreaterThan(250);
  expect(tableStructs.length).toBeGreaterThan(70);
  expect(tableStrings).toHaveLength(5);
});

describe('constants', () => {
  test.each(tableConstants)('%s %s is %d', (_, name, value) => {
    expect(constants[name]).toBe(value);
    expect(face[name]).toBe(value);
  });

  test.each(tableStrings)('%s %s is "%s"', (_, name, value) => {
    expect(strings[name]).toBe(value);
    expect(face[name]).toBe(value);
  });

  test('none that the tables do not know, save the one that was renamed after 6.12', () => {
    const known = new Set(tableConstants.map(([, name]) => name));
    expect(Object.keys(constants).filter((name) => !known.has(name))).toEqual(['__VFIO_RESERVED_TYPE1_NESTING_IOMMU']);
    expect(uapi.__VFIO_RESERVED_TYPE1_NESTING_IOMMU).toBe(6);
    expect(Object.keys(strings).sort()).toEqual(tableStrings.map(([, name]) => name).sort());
  });

  test('the face exports no constant that the table by name lacks', () => {
    for (const [name, value] of Object.entries(face)) {
      if (typeof value === 'number') expect([name, constants[name]]).toEqual([name, value]);
      if (typeof value === 'string') expect([name, strings[name]]).toEqual([name, value]);
    }
  });

  test('bit patterns are unsigned', () => {
    expect(uapi.VFIO_REGION_TYPE_PCI_VENDOR_TYPE).toBe(2147483648);
    expect(uapi.VFIO_PCI_DEVID_NOT_OWNED).toBe(4294967295);
  });
});

describe('structs', () => {
  test.each(tableStructs)('%s struct %s has %d bytes and its fields', (_, name, size, fields) => {
    const layout = structs[name];
    expect(layout).toBeDefined();
    expect(layout!.name).toBe(name);
    expect(layout!.size).toBe(size);
    expect(flatten(layout!)).toEqual(fields);
    expect(face[name]).toBe(layout);
  });

  test('none that the tables do not know', () => {
    expect(Object.keys(structs).sort()).toEqual(tableStructs.map(([, name]) => name).sort());
    const layouts = Object.entries(face).filter(([, value]) => typeof value === 'object' && value !== null && 'fields' in value);
    expect(layouts.map(([name]) => name).sort()).toEqual(Object.keys(structs).sort());
  });

  test.each(tableStructs)('%s struct %s: the bytes at a field\'s offset are its value', (_, name, size, fields) => {
    const layout = structs[name]!;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: size, maxLength: size }), (source) => {
        // A count field says 0 here: what it counts is tested with the chains and the round trip.
        for (const { countedBy } of Object.values(layout.fields)) {
          if (countedBy !== undefined) source.fill(0, layout.fields[countedBy]!.offset, layout.fields[countedBy]!.end);
        }
        const expected = fields.map(({ type, offset, size: width }): unknown => {
          const raw = source.slice(offset, offset + width);
          if (type === 'u8[]') return new Uint8Array(0);
          if (type.endsWith('[]')) return [];
          if (type.startsWith('u8[')) return raw;
          const unsigned = raw.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
          if (width === 8) return unsigned;
          return Number(type.startsWith('s') ? BigInt.asIntN(width * 8, unsigned) : unsigned);
        });
        expect(flatValues(layout, layout.decode(source))).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });
});
