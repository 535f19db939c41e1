// Types that follow from a map. What matters here is what tsc says of this file; the tests run it.

import { expect, test } from '@jest/globals';
import { constant, flatHooks, registerMap, registersOf, reserved, ro, rw, w1c, type HooksOf } from '../../src/registers/index.ts';
import { ReferenceRegisterBank } from '../reference/index.ts';
import { copyEngine } from './example.ts';

const bank = new ReferenceRegisterBank(copyEngine);
const regs = registersOf(copyEngine, bank);

/** Compiles when both types are the same. */
function same<A, B>(...difference: [A] extends [B] ? ([B] extends [A] ? [] : ['differs', A, B]) : ['differs', A, B]): void {
  expect(difference).toEqual([]);
}

const takesNumber = (value: number): void => expect(typeof value).toBe('number');
const takesBigint = (value: bigint): void => expect(typeof value).toBe('bigint');

test('registers and fields have the names of the map, and no others', () => {
  regs.STATUS.DONE.set();
  expect(regs.STATUS.peek()).toBe(1);
  // @ts-expect-error a field that is misspelt
  expect(() => regs.STATUS.DOEN.set()).toThrow(TypeError);
  // @ts-expect-error a register that is misspelt
  expect(() => regs.STATSU.DONE).toThrow(TypeError);
  // @ts-expect-error a register has no set
  expect(regs.STATUS.set).toBeUndefined();
});

test('arrays are as long as the map says', () => {
  regs.QUEUE[3].TAIL.value.poke(7);
  // @ts-expect-error there are four queues
  expect(regs.QUEUE[4]).toBeUndefined();
  same<(typeof regs.QUEUE)['length'], 4>();
  expect(regs.QUEUE.map((queue) => queue.TAIL.value.get())).toEqual([0, 0, 0, 7]);
  expect(regs.LANE.map((lane) => lane.info.position)).toEqual([0x180, 0x184, 0x188, 0x18c, 0x190, 0x194, 0x198, 0x19c]);
});

test('values are numbers; of 64-bit registers, and of fields above 53 bits, bigints', () => {
  same<ReturnType<typeof regs.SOURCE.peek>, bigint>();
  same<ReturnType<typeof regs.SOURCE.address.get>, bigint>();
  same<ReturnType<typeof regs.SOURCE.on.get>, number>();
  same<ReturnType<typeof regs.STATUS.peek>, number>();
  same<ReturnType<typeof regs.CTRL.LIMIT.get>, number>();
  regs.SOURCE.address.poke(0x3fff_ffff_ffff_ffffn);
  // @ts-expect-error a number is no value of 62 bits
  regs.SOURCE.address.poke(1);
  // @ts-expect-error a bigint is no value of 8 bits
  regs.CTRL.LIMIT.poke(1n);
  expect([typeof regs.SOURCE.peek(), typeof regs.SOURCE.address.get(), typeof regs.SOURCE.on.get()]).toEqual(['bigint', 'bigint', 'number']);
  const wide = registerMap('wide', { bytes: 16 }, { A: { at: 0, bits: 64, fields: { a: rw(52, 0) } }, B: { at: 8, bits: 64, fields: { b: rw(63, 10) } } });
  const values = registersOf(wide, new ReferenceRegisterBank(wide));
  same<ReturnType<typeof values.A.a.get>, number>();
  same<ReturnType<typeof values.B.b.get>, bigint>();
  expect([values.A.a.get(), values.B.b.get()]).toEqual([0, 0n]);
});

test('names of enums', () => {
  regs.CTRL.MODE.poke('crc');
  same<ReturnType<typeof regs.CTRL.MODE.name>, 'copy' | 'fill' | 'crc' | undefined>();
  expect([regs.CTRL.MODE.get(), regs.CTRL.MODE.name(), regs.CTRL.MODE.is('crc'), regs.CTRL.MODE.is('fill')]).toEqual([2, 'crc', true, false]);
  // @ts-expect-error no such name
  expect(() => regs.CTRL.MODE.poke('move')).toThrow('CTRL.MODE has no value called "move"; expected one of copy, fill, crc');
  // @ts-expect-error a field without names
  expect(() => regs.CTRL.EN.is('on')).toThrow('CTRL.EN has no value called "on"; expected a number');
  const map = registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: rw(7, 0, { enum: { low: 1, high: 0x80 } }) } } });
  const { a } = registersOf(map, new ReferenceRegisterBank(map)).A;
  same<ReturnType<typeof a.name>, 'low' | 'high' | undefined>();
  a.poke('high');
  expect(a.get()).toBe(0x80);
});

test('constants and reserved bits have no setters, and a constant keeps its value', () => {
  const map = registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { k: constant(7, 0, 0x5a), z: reserved(15, 8), a: ro(31, 16) } } });
  const { A } = registersOf(map, new ReferenceRegisterBank(map));
  // @ts-expect-error a constant is not set
  expect(A.k.set).toBeUndefined();
  // @ts-expect-error nor are reserved bits
  expect(A.z.poke).toBeUndefined();
  A.poke(0xffffffff);
  expect([A.peek(), A.k.get()]).toEqual([0xffffff5a, 0x5a]);
});

test('values that do not fit are refused', () => {
  expect(() => regs.CTRL.LIMIT.poke(256)).toThrow('the value of CTRL.LIMIT is 256; expected 0 to 255, as 8 bits hold');
  expect(() => regs.CTRL.poke(-1)).toThrow(RangeError);
  expect(() => regs.CTRL.poke(1.5)).toThrow(RangeError);
  regs.CTRL.KEY.set();
  regs.CTRL.KEY.clear();
  expect(regs.CTRL.KEY.get()).toBe(0);
});

test('hooks have the names of the map, and the types of its values', () => {
  const map = registerMap('m', { bytes: 0x40 }, { A: { at: 0, fields: { a: w1c(0) } }, W: { at: 8, bits: 64, fields: { w: rw(63, 0) } }, Q: { at: 0x20, count: 2, stride: 8, block: { T: { at: 0, fields: { t: rw(7, 0) } } } } });
  const hooks: HooksOf<typeof map.description> = {
    A: { a: ({ old }) => takesNumber(old), beforeWrite: ({ data }) => data & 1 },
    W: { w: ({ value }) => takesBigint(value), afterRead: ({ value }) => takesBigint(value) },
    Q: { T: { t: ({ indices }) => takesNumber(indices[0]!) } },
  };
  // @ts-expect-error a field that is misspelt
  const wrong: HooksOf<typeof map.description> = { A: { b: () => undefined } };
  const flat = flatHooks(map, hooks);
  expect([...flat.keys()]).toEqual([0, 1, 2, 3]);
  const hooked = new ReferenceRegisterBank(map, flat);
  hooked.write(0, 4, 1n);
  hooked.write(8, 8, 1n);
  hooked.read(8, 8);
  hooked.write(0x28, 4, 1n);
  expect(hooked.thrown).toBeUndefined();
  expect(() => flatHooks(map, wrong)).toThrow('the hooks of m: A has no field b');
});
