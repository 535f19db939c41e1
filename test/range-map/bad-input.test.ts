// What callers do wrong: the kind of error, and what its message says.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { RangeArena, RangeMap } from '../../src/range-map/index.ts';
import { compile } from '../../src/webassembly/index.ts';
import { VfioError } from '../../src/uapi/index.ts';

/** As a caller without types. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Any = any;
const map = new RangeMap([[10, 19, 1]]);
const loose = map as Any;
const wide = new RangeMap({ keys: 'bigint' }) as Any;

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return String(error);
  }
  return 'nothing was thrown';
}

describe('misuse', () => {
  test.each<[string, () => unknown]>([
    ['TypeError: RangeMap.get: index is "5"; expected a number, as this map has number keys', () => loose.get('5')],
    ['TypeError: RangeMap.get: index is 5n; expected a number, as this map has number keys', () => loose.get(5n)],
    ['TypeError: RangeMap.get: index is undefined; expected a number, as this map has number keys', () => loose.get()],
    ['RangeError: RangeMap.get: index is NaN; expected an integer from 0 to 2^53-1', () => map.get(NaN)],
    ['RangeError: RangeMap.get: index is -1; expected an integer from 0 to 2^53-1', () => map.has(-1)],
    ['RangeError: RangeMap.get: index is 1.5; expected an integer from 0 to 2^53-1', () => map.get(1.5)],
    ['RangeError: RangeMap.get: index is 9007199254740992; expected an integer from 0 to 2^53-1', () => map.get(2 ** 53)],
    ['TypeError: RangeMap.get: index is 5; expected a bigint, as this map has bigint keys', () => wide.get(5)],
    ['RangeError: RangeMap.get: index is 18446744073709551616n; expected 0 to 2^64-1', () => wide.get(2n ** 64n)],
    ['RangeError: RangeMap.set: value is 0; expected an integer from 1 to 2^32-1', () => map.set(5, 0)],
    ['RangeError: RangeMap.set: value is 4294967296; expected an integer from 1 to 2^32-1', () => map.set(5, 6, 2 ** 32)],
    ['TypeError: RangeMap.set: value is undefined; expected a number', () => loose.set(5, 6, undefined)],
    ['TypeError: RangeMap.set: value is undefined; expected a number', () => loose.set(5)],
    ['TypeError: RangeMap.set: last is undefined; expected a number, as this map has number keys', () => loose.set(5, undefined, 6)],
    ['RangeError: RangeMap.insert: first is -5; expected an integer from 0 to 2^53-1', () => map.insert(-5, 6, 1)],
    ['TypeError: RangeMap.insert: first is 5; expected a bigint, as this map has bigint keys', () => wide.insert(5, 6n, 1)],
    ['RangeError: RangeMap.eraseRange: last is Infinity; expected an integer from 0 to 2^53-1', () => map.eraseRange(5, Infinity)],
    ['TypeError: RangeMap.erase: index is null; expected a number, as this map has number keys', () => loose.delete(null)],
    ['RangeError: RangeMap.allocate: size is 1.5; expected an integer from 0 to 2^53-1', () => map.allocate({ size: 1.5, value: 1 })],
    ['TypeError: RangeMap.allocate: value is undefined; expected a number', () => loose.allocate({ size: 1 })],
    ['TypeError: RangeMap.allocateCyclic: next is 5; expected a bigint, as this map has bigint keys', () => wide.allocateCyclic({ size: 1n, value: 1, next: 5 })],
    ['RangeError: RangeMap.lowestGap: alignment is -8; expected an integer from 0 to 2^53-1', () => map.lowestGap({ size: 1, alignment: -8 })],
    ['TypeError: RangeMap.forEach: visit is 5; expected a function', () => loose.forEach(5)],
    ["RangeError: RangeMap: keys is \"string\"; expected 'number' or 'bigint'", () => new RangeMap({ keys: 'string' } as Any)],
    ['TypeError: RangeMap: arena is no RangeArena', () => new RangeMap({ arena: {} } as Any)],
    ['TypeError: RangeMap: entries is 5; expected an iterable of [first, last, value]', () => new RangeMap(5 as Any)],
    ['TypeError: RangeMap: entry 1 is 7; expected [first, last, value]', () => new RangeMap([[1, 2, 3], 7] as Any)],
    ['RangeError: RangeMap: entry 0: last is -2; expected an integer from 0 to 2^53-1', () => new RangeMap([[1, -2, 3]])],
    ["RangeError: RangeArena: build is \"fast\"; expected 'simd' or 'scalar'", () => new RangeArena({ build: 'fast' as Any })],
    ['RangeError: RangeArena: memoryLimit is 1; expected an integer from 1048576 to 4294967296', () => new RangeArena({ memoryLimit: 1 })],
    ['TypeError: RangeArena: module is no maplebar/range-map.wasm: it does not export treeBatch', () => new RangeArena({ module: compile(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) })],
    ['TypeError: RangeMap.getMany: indices is [object Array]; expected a Float64Array', () => loose.getMany([1])],
    ['TypeError: RangeMap.getMany: indices is [object Float64Array]; expected a BigUint64Array', () => wide.getMany(Float64Array.of(1))],
    ['RangeError: RangeMap.getMany: indices[1] is 0.5; expected an integer from 0 to 2^53-1', () => map.getMany(Float64Array.of(1, 0.5))],
    ['RangeError: RangeMap.getMany: values has 1 elements; expected at least 2', () => map.getMany(Float64Array.of(1, 2), new Uint32Array(1))],
    ['RangeError: RangeMap.insertMany: lasts has 1 elements; expected at least 2', () => map.insertMany(Float64Array.of(1, 2), Float64Array.of(1), Uint32Array.of(1, 2))],
    ['RangeError: RangeMap.setMany: values[1] is 0; expected an integer from 1 to 2^32-1', () => map.setMany(Float64Array.of(1, 2), Float64Array.of(1, 2), Uint32Array.of(1, 0))],
    ['TypeError: RangeMap.insertMany: errnos is [object Array]; expected a Uint8Array', () => loose.insertMany(Float64Array.of(1), Float64Array.of(1), Uint32Array.of(1), [0])],
    ['TypeError: RangeMap.fromSorted: keys is "bigint", but the columns hold numbers', () => RangeMap.fromSorted(new Float64Array(1), new Float64Array(1), Uint32Array.of(1), { keys: 'bigint' } as Any)],
  ])('%s', (message, call) => {
    expect(refusal(call)).toBe(message);
    expect([...map]).toEqual([[10, 19, 1]]);
    expect(wide.size).toBe(0);
  });
});

describe('what the rules refuse', () => {
  test.each<[string, () => unknown]>([
    ['EINVAL: RangeMap.set: 0x6..0x5 = 1: first is above last', () => map.set(6, 5, 1)],
    ['EEXIST: RangeMap.insert: 0xf..0x1e = 2 meets 0xa..0x13 = 1', () => map.insert(15, 30, 2)],
    ['EINVAL: RangeMap.insert: 0x6..0x5 = 1: first is above last', () => map.insert(6, 5, 1)],
    ['EINVAL: RangeMap.eraseRange: 0x6..0x5 = 0: first is above last', () => map.eraseRange(6, 5)],
    ['EINVAL: RangeMap.walk: first 0x6 is above last 0x5', () => map.walk(6, 5)],
    ['EINVAL: RangeMap.lowestGap: 0x0 indices aligned to 0x1 in 0x0..0x1fffffffffffff', () => map.lowestGap({ size: 0 })],
    ['EINVAL: RangeMap.highestGap: 0x5 indices aligned to 0x3 in 0x0..0x1fffffffffffff', () => map.highestGap({ size: 5, alignment: 3 })],
    ['EBUSY: RangeMap.allocate: 0x5 indices aligned to 0x1 in 0xa..0x13', () => map.allocate({ size: 5, first: 10, last: 19, value: 1 })],
    ['EBUSY: RangeMap.allocateCyclic: 0x5 indices aligned to 0x1 in 0xa..0x13', () => map.allocateCyclic({ size: 5, first: 10, last: 19, next: 12, value: 1 })],
    ['EEXIST: RangeMap.bulkLoad: 1 entries', () => map.bulkLoad([[1, 2, 3]])],
    ['EINVAL: RangeMap.bulkLoad: 2 entries', () => new RangeMap().bulkLoad([[1, 2, 3], [2, 3, 4]])],
    ['EINVAL: RangeMap.fromSorted: 1 entries', () => RangeMap.fromSorted(Float64Array.of(2), Float64Array.of(1), Uint32Array.of(1))],
    ['EINVAL: RangeMap.set: 0x3..0x2 = 1: first is above last', () => new RangeMap([[3, 2, 1]])],
  ])('%s', (message, call) => {
    expect(refusal(call)).toBe(`VfioError: ${message}`);
    expect([...map]).toEqual([[10, 19, 1]]);
  });

  test('every call on a destroyed map is EBADF, and so is a step of its cursors and iterators', () => {
    const one = new RangeMap([[1, 2, 3], [5, 5, 4]]);
    const cursor = one.cursor();
    const iterator = one.entries();
    iterator.next();
    one.destroy();
    const column = Float64Array.of(1);
    const calls = [
      () => one.get(1), () => one.has(1), () => one.size, () => one.set(1, 1), () => one.insert(9, 9, 1), () => one.store(1, 2, 0), () => one.erase(1), () => one.delete(1), () => one.clear(), () => one.at(1), () => one.find(1), () => one.findPrevious(1), () => one.next(1),
      () => one.previous(1), () => one.walk(), () => one.entries(), () => one.keys(), () => one.values(), () => one.forEach(() => undefined), () => one.cursor(), () => one.lowestGap({ size: 1 }), () => one.allocate({ size: 1, value: 1 }), () => one.allocateCyclic({ size: 1, value: 1 }),
      () => one.bulkLoad([]), () => one.duplicate(), () => one.snapshot(), () => one.toBytes(), () => one.validate(), () => one.getMany(column), () => one.deleteMany(column), () => one.insertMany(column, column, Uint32Array.of(1)), () => one.setMany(column, column, Uint32Array.of(1)),
      () => cursor.next(), () => cursor.previous(), () => cursor.nextRange(), () => cursor.previousRange(), () => iterator.next(),
    ];
    for (const call of calls) {
      expect(call).toThrow(VfioError);
      expect(call).toThrow(/^EBADF: RangeMap\.\S+: the map is destroyed$/);
    }
    const alone = map.cursor();
    alone.destroy();
    expect(() => alone.next()).toThrow('EBADF: RangeMapCursor.next: the cursor is destroyed');
  });
});

describe('bytes', () => {
  const bytes = new RangeMap([[10, 19, 1], [30, 39, 2]]).toBytes();
  const changed = (offset: number, value: number) => Uint8Array.from(bytes, (byte, i) => (i === offset ? value : byte));

  test('the format', () => {
    expect(Buffer.from(bytes).toString('hex')).toBe(
      `${Buffer.from('maplemap').toString('hex')}0100000002000000` + '0a000000000000001e00000000000000' + '13000000000000002700000000000000' + '0100000002000000',
    );
    expect([...RangeMap.fromBytes(bytes)]).toEqual([[10, 19, 1], [30, 39, 2]]);
    expect([...RangeMap.fromBytes(bytes, { keys: 'bigint' })]).toEqual([[10n, 19n, 1], [30n, 39n, 2]]);
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect(RangeMap.fromBytes(shifted).size).toBe(2);
    expect(RangeMap.fromBytes(new RangeMap().toBytes()).size).toBe(0);
  });

  test.each<[string, () => Uint8Array]>([
    ['at offset 3, the end is 3; expected at least 16 bytes', () => bytes.subarray(0, 3)],
    ['at offset 0, the magic number is "0x70616d656c706100"; expected 0x70616d656c70616d, "maplemap"', () => changed(0, 0)],
    ['at offset 8, the version is 2; expected 1', () => changed(8, 2)],
    ['at offset 55, the end is 55; expected 56 bytes, as the count at offset 12 is 2', () => bytes.subarray(0, 55)],
    ['at offset 56, the end is 57; expected 56 bytes, as the count at offset 12 is 2', () => Uint8Array.of(...bytes, 0)],
    ['at offset 24, the first index of row 1 is "0x13"; expected at least 0x14, behind the row before', () => changed(24, 0x13)],
    ['at offset 32, the last index of row 0 is "0x9"; expected 0xa to 0x1fffffffffffff', () => changed(32, 9)],
    ['at offset 40, the last index of row 1 is "0x20000000000027"; expected 0x1e to 0x1fffffffffffff', () => changed(46, 0x20)],
    ['at offset 52, the value of row 1 is 0; expected 1 to 2^32-1', () => changed(52, 0)],
  ])('%s', (message, garbage) => {
    const arena = new RangeArena();
    expect(refusal(() => RangeMap.fromBytes(garbage(), { arena }))).toBe(`RangeError: RangeMap.fromBytes: ${message}`);
    expect(arena.live().objects).toBe(0);
  });

  test('what is no Uint8Array', () => {
    expect(refusal(() => RangeMap.fromBytes('maplemap' as Any))).toBe('TypeError: RangeMap.fromBytes: bytes is "maplemap"; expected a Uint8Array');
  });
});

test('the module of a file serves an arena', () => {
  const arena = new RangeArena({ module: compile(readFileSync(join(__dirname, '../../dist/range-map.wasm'))) });
  expect(new RangeMap([[1, 2, 3]], { arena }).get(2)).toBe(3);
});
