// What a map is made of, and what is refused: each message names both parties and the numbers.

import { describe, expect, test } from '@jest/globals';
import { clears, constant, copies, irq, lock, mapFromJson, mapToJson, pulse, rc, registerAt, registerMap, registerNamed, registerText, reserved, ro, rw, sets, tag, w1c, wo, type BankOptions, type BankParts, type RegisterSpecs } from '../../src/registers/index.ts';
import { copyEngine } from './example.ts';

const make = (registers: RegisterSpecs, parts: BankParts = {}, options: Partial<BankOptions> = {}) => registerMap('m', { bytes: 0x100, ...options }, registers, parts);
const one = (fields: object, more: object = {}): RegisterSpecs => ({ A: { at: 0, fields, ...more } as RegisterSpecs[string], B: { at: 8, fields: { b: rw(3, 0), k: constant(4), z: reserved(5), r: ro(6), w: wo(7) } } });

describe('what a map is made of', () => {
  test('registers are numbered in rising position, arrays and blocks unfolded', () => {
    const map = make({ Z: { at: 0 }, Q: { at: 0x20, count: 2, stride: 0x20, block: { T: { at: 8, count: 2, bits: 16, stride: 4 }, N: { at: 0, block: { x: { at: 4, bits: 8 } } } } }, A: { at: 4 } });
    expect(map.registers.map(registerText)).toEqual(['Z 0x0', 'A 0x4', 'Q[0].N.x 0x24', 'Q[0].T[0] 0x28', 'Q[0].T[1] 0x2c', 'Q[1].N.x 0x44', 'Q[1].T[0] 0x48', 'Q[1].T[1] 0x4c']);
    expect(map.registers.map((register) => register.number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(registerNamed(map, 'Q[1].T[1]')).toMatchObject({ indices: [1, 1], entry: 'Q[].T[]', bytes: 2 });
    expect([registerAt(map, 0x4d)?.path, registerAt(map, 0x4e)]).toEqual(['Q[1].T[1]', undefined]);
    expect(() => registerNamed(map, 'Q')).toThrow('m has no register "Q"');
    expect(() => registerAt(map, 0x100)).toThrow(RangeError);
  });

  test('constructors are the two axes; aliases are the same value', () => {
    expect(rw(3, 2, 1)).toEqual({ msb: 3, lsb: 2, sw: 'rw', reset: 1 });
    expect(rw(3, { reset: 1 })).toEqual(rw(3, 3, 1));
    expect(w1c(0)).toEqual({ msb: 0, lsb: 0, sw: 'rw', onWrite: 'woclr' });
    const map = make({ A: { at: 0, fields: { a: { msb: 0, lsb: 0, sw: 'ro', onRead: 'rc' }, b: { msb: 1, lsb: 1, sw: 'read-write', onWrite: 'w1c' }, c: { msb: 2, lsb: 2, onWrite: 'oneToClear' }, d: reserved(4, 3, 'keep') } } });
    expect(map.registers[0]!.fields.map(({ sw, onRead, onWrite }) => [sw, onRead, onWrite])).toEqual([['r', 'rclr', undefined], ['rw', undefined, 'woclr'], ['rw', undefined, 'woclr'], ['rw', undefined, undefined]]);
  });

  test('the reset value of a register is that of its fields; fields are in the order of their bits', () => {
    const map = make(one({ high: rw(31, 24, 0xab), low: ro(3, 0, 0xc) }));
    expect([map.registers[0]!.reset, map.registers[0]!.fields.map((field) => field.name)]).toEqual([0xab00000cn, ['low', 'high']]);
  });

  test('names are looked for in the register, its block, the blocks around it, the map', () => {
    const map = make({ EN: { at: 0, fields: { x: rw(0) } }, Q: { at: 0x10, count: 2, stride: 0x10, block: { EN: { at: 0, fields: { x: rw(0) } }, A: { at: 4, fields: { x: ro(1), a: lock(rw(0), 'x'), b: lock(rw(2), 'EN.x'), c: lock(rw(3), 'Q[0].EN.x') } } } }, T: { at: 4, fields: { t: lock(rw(0), 'EN.x') } } });
    const locks = (path: string) => registerNamed(map, path).fields.flatMap((field) => field.locks.map((lock) => lock.path));
    expect([locks('Q[1].A'), locks('T')]).toEqual([['Q[1].A.x', 'Q[1].EN.x', 'Q[0].EN.x'], ['EN.x']]);
  });

  test('actions come in the order of the map, then the counters of the register', () => {
    expect(registerNamed(copyEngine, 'CTRL').actions.map((action) => [action.kind, action.at])).toEqual([['set', 'write'], ['copy', 'write'], ['count', 'write']]);
    expect(registerNamed(copyEngine, 'DATA').actions.map((action) => action.kind)).toEqual(['pop', 'push', 'count']);
  });

  test('a map is data: its JSON makes the same map', () => {
    expect(mapFromJson(mapToJson(copyEngine))).toEqual(copyEngine);
    const wide = make({ A: { at: 0, bits: 64, fields: { a: rw(63, 0, 0xffff_ffff_ffff_ffffn) } } });
    expect(mapToJson(wide)).toContain('"bigint": "0xffffffffffffffff"');
    expect(mapFromJson(mapToJson(wide))).toEqual(wide);
  });

  test('JSON that is no map is refused', () => {
    expect(() => mapFromJson('{')).toThrow('JSON');
    expect(() => mapFromJson('[]')).toThrow('the format of a register map is undefined; expected "maplebar-registers-1"');
    expect(() => mapFromJson('{"format":"maplebar-registers-1"}')).toThrow('the name of a register map is undefined');
    expect(() => mapFromJson('{"format":"maplebar-registers-1","name":"m","options":{"bytes":4}}')).toThrow('m: the registers are undefined; expected an object');
    expect(() => mapFromJson(mapToJson(make({ A: { at: 0, bits: 64, fields: { a: rw(63, 0, 1n) } } })).replace('0x1', '1'))).toThrow('a register map\'s bigint is "1"');
  });
});

const refused: [string, () => unknown, string][] = [
  // places
  ['fields that overlap', () => make(one({ a: rw(7, 0), b: rw(9, 7) })), 'm: A.b (bits 9..7) overlaps A.a (bits 7..0)'],
  ['registers that overlap', () => make({ A: { at: 0 }, B: { at: 2, bits: 16 } }), 'm: B at 0x2 overlaps A, which has 4 bytes from 0x0 on'],
  ['a stride below the register', () => make({ A: { at: 0, count: 2, stride: 2 } }), 'm: A: its stride of 2 bytes is below the 4 bytes of its register: elements 0 and 1 overlap'],
  ['a stride below the block', () => make({ Q: { at: 0, count: 2, stride: 4, block: { A: { at: 4 } } } }), 'm: Q: its stride of 4 bytes is below the 8 bytes of its block: elements 0 and 1 overlap'],
  ['a block array without stride', () => make({ Q: { at: 0, count: 2, block: { A: { at: 4 } } } }), 'm: Q has a count of 2 and no stride'],
  ['a stride without count', () => make({ A: { at: 0, stride: 4 } }), 'm: A has a stride of 4 and no count'],
  ['an empty block', () => make({ Q: { at: 0, block: {} } }), 'm: Q: its block has no register'],
  ['a register beyond the bank', () => make({ A: { at: 0xfe, bits: 32, unaligned: true } }), 'm: A has 4 bytes from 0xfe on, beyond the bank\'s 256 bytes'],
  ['a register at no multiple of its size', () => make({ A: { at: 2 } }), 'm: A of 32 bits lies at 0x2, no multiple of 4; expected one, or unaligned: true'],
  ['a size that no register has', () => make({ A: { at: 0, bits: 24 as 32 } }), 'm: A: bits is 24; expected 8, 16, 32, 64'],
  ['a field beyond its register', () => make(one({ a: rw(8, 4) }, { bits: 8 })), 'm: A.a: its bits 8..4 lie beyond the 8 bits of A'],
  ['lsb above msb', () => make(one({ a: rw(3, 4) })), 'm: A.a: its lowest bit 4 is above its highest bit 3'],
  ['bit 64', () => make(one({ a: rw(64) })), 'm: A.a: msb is 64; expected an integer from 0 to 63'],
  ['a negative place', () => make({ A: { at: -4 } }), 'm: A: at is -4'],
  // values
  ['a reset value that does not fit', () => make(one({ a: rw(3, 2, 4) })), 'm: A.a: reset is 4; expected 0 to 3, as 2 bits hold'],
  ['a reset value of another kind', () => make(one({ a: { msb: 0, lsb: 0, reset: '1' } })), 'm: A.a: reset is "1"; expected a number or a bigint'],
  ['an enum value that does not fit', () => make(one({ a: rw(0, { enum: ['a', 'b', 'c'] }) })), 'm: A.a: enum value c is 2; expected 0 to 1, as 1 bit holds'],
  ['two enum names for a value', () => make(one({ a: rw(3, 0, { enum: { a: 1, b: 1 } }) })), 'm: A.a: the enum values a and b are both 1'],
  ['expect that does not fit', () => make(one({ a: reserved(1, { expect: 2 }) })), 'm: A.a: expect is 2; expected 0 to 1'],
  // words
  ['a word that is none', () => make(one({ a: { msb: 0, lsb: 0, onWrite: 'w2c' } })), 'm: A.a: onWrite is "w2c"; expected one of woclr, woset'],
  ['a misspelt option', () => make(one({ a: { msb: 0, lsb: 0, onwrite: 'w1c' } })), 'm: A.a has an option "onwrite"; expected some of msb, lsb'],
  ['a misspelt option of a register', () => make({ A: { at: 0, field: {} } as never }), 'm: A has an option "field"'],
  ['onWrite without writes', () => make(one({ a: { msb: 0, lsb: 0, sw: 'r', onWrite: 'woclr' } })), "m: A.a: onWrite 'woclr' does not go with sw 'r': software does not write it"],
  ['onRead without reads', () => make(one({ a: { msb: 0, lsb: 0, sw: 'w', onRead: 'rclr' } })), "m: A.a: onRead 'rclr' does not go with sw 'w': software does not read it"],
  ['a pulse without writes', () => make(one({ a: ro(0, { pulse: true }) })), "m: A.a: pulse does not go with sw 'r'"],
  ['a pulse that rests at 1', () => make(one({ a: pulse(0, 0, 1) })), 'm: A.a: pulse does not go with reset 1: it rests at 0'],
  ['a pulse once', () => make(one({ a: { msb: 0, lsb: 0, sw: 'rw1', pulse: true } })), "m: A.a: pulse does not go with sw 'rw1'"],
  ['a lock without writes', () => make(one({ a: lock(ro(0), 'B.b') })), "m: A.a: a lock does not go with sw 'r'"],
  ['tag and constant', () => make(one({ a: { msb: 0, lsb: 0, tag: true, constant: true } })), 'm: A.a: tag does not go with constant'],
  ['a tag that acts', () => make(one({ a: tag(0, { afterWrite: [sets('B.b')] }) })), 'm: A.a: tag does not go with afterWrite'],
  ['a constant that is written', () => make(one({ a: { msb: 0, lsb: 0, sw: 'rw', constant: true } })), "m: A.a: constant does not go with sw 'rw'"],
  ['reserved zero with a reset value', () => make(one({ a: reserved(1, { reset: 1 }) })), "m: A.a: reserved 'zero' does not go with reset 1"],
  ['expect of a field', () => make(one({ a: { msb: 0, lsb: 0, expect: 0 } })), 'm: A.a: expect is for reserved bits'],
  ['pops and onRead', () => make(one({ a: rc(7, 0, { pops: 'F' }) }), { fifos: { F: { depth: 1 } } }), "m: A.a: pops 'F' does not go with onRead 'rclr'"],
  ['pushes without writes', () => make(one({ a: ro(7, 0, { pushes: 'F' }) }), { fifos: { F: { depth: 1 } } }), "m: A.a: pushes 'F' does not go with sw 'r'"],
  // names
  ['a name that is none', () => make({ 'A B': { at: 0 } }), 'm: "A B" is no name'],
  ['a word of accessors', () => make(one({ poke: rw(0) })), 'm: A: poke is a word of the accessors'],
  ['a lock of no field', () => make(one({ a: lock(rw(0), 'C.x') })), 'm: the lock of A.a names "C.x", which is no register and no field (looked for A.C.x, C.x)'],
  ['a lock of a register', () => make(one({ a: lock(rw(0), 'B') })), 'm: the lock of A.a names B, a register; expected a field of it'],
  ['a lock value that does not fit', () => make(one({ a: lock(rw(0), 'B.b', 16) })), 'm: the value of B.b that opens A.a is 16; expected 0 to 15'],
  ['a lock of itself', () => make(one({ a: lock(rw(0), 'a') })), 'm: A.a is its own lock'],
  ['an effect on a constant', () => make(one({ a: rw(0, { afterWrite: [sets('B.k')] }) })), 'm: an effect of A.a changes B.k, which is constant'],
  ['an effect on reserved bits', () => make(one({ a: rw(0, { afterWrite: [clears('B.z')] }) })), "m: an effect of A.a changes B.z, which is reserved 'zero'"],
  ['a copy that does not fit', () => make(one({ a: rw(7, 0, { afterWrite: [copies('B.b')] }) })), 'm: an effect of A.a copies its 8 bits to B.b, which has 4'],
  ['an effect of writes that are none', () => make(one({ a: ro(0, { afterWrite: [sets('B.b')] }) })), "m: A.a: afterWrite does not go with sw 'r'"],
  ['a counter of reads that are none', () => make(one({ a: ro(7, 0, { counter: { of: 'B.w', at: 'read' } }) })), "m: the counter A.a counts reads of B.w, which software does not read (sw 'w')"],
  ['a step of 0', () => make(one({ a: ro(7, 0, { counter: { of: 'B', at: 'read', step: 0 } }) })), 'm: the counter A.a: its step is 0'],
  ['a step that does not fit', () => make(one({ a: ro(1, 0, { counter: { of: 'B', at: 'read', step: -4 } }) })), 'm: the counter A.a: its step of -4 does not fit 0 to 3'],
  // parts
  ['an irq without its fields', () => make(one({ a: rw(0) }), { irq: [irq('i', { line: 0, status: 'B', mask: 'A' })] }), 'm: the interrupt i pairs a, which B does not have'],
  ['an irq of unlike fields', () => make({ S: { at: 0, fields: { a: rw(1, 0) } }, M: { at: 4, fields: { a: rw(0) } } }, { irq: [irq('i', { line: 0, status: 'S', mask: 'M' })] }), 'm: the interrupt i pairs S.a (bits 1..0) with M.a (bit 0); expected as many bits'],
  ['an irq of nothing', () => make({ S: { at: 0 } }, { irq: [irq('i', { line: 0, status: 'S' })] }), 'm: the interrupt i has no bits'],
  ['an irq of a field', () => make(one({ a: rw(0) }), { irq: [irq('i', { line: 0, status: 'A.a' })] }), 'm: the status of the interrupt i names A.a, a field; expected a register'],
  ['line 64', () => make(one({ a: rw(0) }), { irq: [irq('i', { line: 64, status: 'A' })] }), 'm: the interrupt i: line is 64; expected an integer from 0 to 63'],
  ['two of a name', () => make(one({ a: rw(0) }), { irq: [irq('i', { line: 0, status: 'A' }), irq('i', { line: 1, status: 'A' })] }), 'm: irq[0] and irq[1] are both called i'],
  ['disables without mask', () => make(one({ a: rw(0) }), { irq: [irq('i', { line: 0, status: 'A', disables: true })] }), 'm: the interrupt i has disables and no mask'],
  ['a FIFO that is none', () => make(one({ a: ro(7, 0, { pops: 'G' }) }), { fifos: { F: { depth: 1 } } }), 'm: A.a pops "G", which is no FIFO of the map; it has F'],
  ['a FIFO without port', () => make(one({ a: rw(0) }), { fifos: { F: { depth: 1 } } }), 'm: no field pops or pushes the FIFO F'],
  ['a level that is too narrow', () => make(one({ a: ro(7, 0, { pops: 'F' }), n: ro(11, 8) }), { fifos: { F: { depth: 16, level: 'A.n' } } }), 'm: the FIFO F holds 16 entries; its level A.n shows no more than 15'],
  ['a level that software writes', () => make(one({ a: ro(7, 0, { pops: 'F' }) }), { fifos: { F: { depth: 3, level: 'B.b' } } }), 'm: the level B.b of the FIFO F is writable by software'],
  // ports, sizes
  ['a port with fields', () => make(one({ a: rw(0) }, { port: { index: 'B.b', from: 8, stride: 4, count: 1 } })), 'm: the data port A has fields'],
  ['a port onto a port', () => make({ I: { at: 0, fields: { i: rw(7, 0) } }, P: { at: 4, port: { index: 'I', from: 8, stride: 4, count: 4 } }, R: { at: 0x10, port: { index: 'I', from: 0x20, stride: 4, count: 1 } } }), 'm: the data port P: its index 2 means 0x10, where the data port R lies'],
  ['a port onto itself', () => make({ I: { at: 0 }, P: { at: 4, port: { index: 'I', from: 0, stride: 4, count: 4 } } }), 'm: the data port P: its index 1 means 0x4, where the data port P lies'],
  ['an index that is the port', () => make({ P: { at: 4, port: { index: 'P', from: 8, stride: 4, count: 4 } } }), 'm: the index of the data port P is P, the port itself'],
  ['a window beyond the bank', () => make({ I: { at: 0 }, P: { at: 4, port: { index: 'I', from: 8, stride: 16, count: 17 } } }), "m: the data port P: its window 0x8 + 17 x 16 ends at 0x10c, beyond the bank's 256 bytes"],
  ['no access that reaches a register', () => make({ A: { at: 0, bits: 16 } }, {}, { split: 'fault', access: [4] }), "m: A has 2 bytes, and no access reaches it: access is 4, and split is 'fault'"],
  ['halves of 32 bits', () => make({ A: { at: 0, tear: 'latch-low' } }), "m: A has tear 'latch-low' and 32 bits; expected 64"],
  ['halves that no access reaches', () => make({ A: { at: 0, bits: 64, tear: 'latch-high' } }, {}, { access: [8] }), "m: A has tear 'latch-high', and no access reaches its halves"],
  ['no sizes', () => make({}, {}, { access: [] }), 'm: access names no size'],
  ['a size that is none', () => make({}, {}, { access: [3 as 4] }), 'm: access is 3; expected 1, 2, 4, 8'],
  ['no bytes', () => make({}, {}, { bytes: 0 }), 'm: bytes is 0'],
  ['a nameless map', () => registerMap('', { bytes: 4 }, {}), 'the name of a register map is ""'],
];

test.each(refused)('refused: %s', (_, attempt, message) => {
  expect(attempt).toThrow(message);
  let error: unknown;
  try {
    attempt();
  } catch (thrown) {
    error = thrown;
  }
  expect(['TypeError', 'RangeError']).toContain((error as Error).name);
});
