// The source of a register map in the demo's editor: what it means is what the library makes of it, and what is none is refused with its place.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { irq, mapToJson, pulse, registerMap, rw, sets, w1c } from '../../src/registers/index.ts';
import { MapSourceError, readMapSource } from '../../demo/cards/map-source.ts';

const GOOD = `
// a comment, and /* another */
registerMap('copy', { bytes: 0x1_00, access: [4] }, {
  CTRL: { at: 0x00, fields: { EN: rw(0), GO: pulse(1, { afterWrite: [sets('STATUS.DONE')] }) } },
  "STATUS": { at: 4, fields: { DONE: w1c(0), }, },
  WIDE: { at: 8, bits: 64, fields: { value: rw(63, 0, 5n) } },
}, { irq: [irq('done', { line: 0, status: 'STATUS' })] });
`;

describe('a source', () => {
  test('is the map that the same words make in a program', () => {
    const map = registerMap('copy', { bytes: 0x100, access: [4] }, {
      CTRL: { at: 0x00, fields: { EN: rw(0), GO: pulse(1, { afterWrite: [sets('STATUS.DONE')] }) } },
      STATUS: { at: 4, fields: { DONE: w1c(0) } },
      WIDE: { at: 8, bits: 64, fields: { value: rw(63, 0, 5n) } },
    }, { irq: [irq('done', { line: 0, status: 'STATUS' })] });
    expect(mapToJson(readMapSource(GOOD).map)).toBe(mapToJson(map));
    expect(readMapSource(GOOD).throws.size).toBe(0);
  });

  test('says which registers throw', () => {
    expect([...readMapSource(`${GOOD} throws('CTRL', 'why not');`).throws]).toEqual([['CTRL', 'why not']]);
    expect(() => readMapSource(`${GOOD} throws('NONE', 'x')`)).toThrow(/copy has no register "NONE"/);
  });

  test.each([
    ['', 'line 1, column 1: nothing here'],
    ['registerMap(', 'line 1, column 13: found the end; expected a value'],
    ["registerMap('a', {\n  bytes: x\n}, {})", 'line 2, column 10: x is no word of register maps'],
    ["registerMap('a', { bytes: 4 }, { A: { at: 0, fields: { f: rw(0, 1) } } })", 'line 1, column'],
    ["registerMap('a', { bytes: 4, bytes: 8 }, {})", 'line 1, column 30: bytes is there twice'],
    ["fetch('x')", 'found fetch; expected registerMap'],
    ["registerMap('a', { bytes: 4 }, {}); registerMap('b', { bytes: 4 }, {})", 'a second registerMap'],
    ["registerMap('a', `b`)", '"`" is no part of a register map'],
    ['['.repeat(100), 'line 1'],
    ["registerMap('a', [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 'more than 30 brackets'],
    ['x'.repeat(60_000), 'the source has 60000 characters; expected up to 50000'],
    ["registerMap('a', { bytes: 4 }, { A: { at: 0, fields: { f: constructor(0) } } })", 'constructor is no word'],
  ])('%j is refused with its place', (source, message) => {
    expect(() => readMapSource(source)).toThrow(message);
    expect(() => readMapSource(source)).toThrow(MapSourceError);
  });

  test('that is anything at all is a map or a MapSourceError', () => {
    const words = fc.constantFrom('registerMap', '(', ')', '{', '}', '[', ']', ',', ':', ';', '-', "'a'", '"b"', 'rw', 'ro', 'irq', 'at', 'bytes', 'fields', '0', '0x10', '5n', '__proto__', 'true', '\n', '//', '/*', "'");
    fc.assert(fc.property(fc.oneof(fc.string(), fc.array(words, { maxLength: 60 }).map((list) => list.join(' ')), fc.nat(GOOD.length).map((at) => GOOD.slice(0, at) + GOOD.slice(at + 1))), (source) => {
      try {
        readMapSource(source);
      } catch (error) {
        expect(error).toBeInstanceOf(MapSourceError);
      }
    }), { numRuns: 500 });
  });

  test('has no way to reach a prototype', () => {
    expect(() => readMapSource("registerMap('a', { bytes: 4, __proto__: 5 }, {})")).toThrow(MapSourceError);
    expect(Object.hasOwn(Object.prototype, 'bytes')).toBe(false);
  });
});
