// The judge of register banks, rule by rule of docs/registers.md.

import { describe, expect, test } from '@jest/globals';
import { copies, clears, constant, flatHooks, irq, lock, pulse, rc, registerMap, registersOf, reserved, ro, rw, rw1, sets, tag, w1, w1c, wclr, wo, wset, type BankOptions, type BankParts, type HooksOf, type RegisterSpecs } from '../../src/registers/index.ts';
import { EINVAL, ReferenceRegisterBank, fail, valueOf } from './index.ts';

type Bank = { read(position: number, width: number): bigint; write(position: number, width: number, value: bigint | number): void; judge: ReferenceRegisterBank };

function bankOf(judge: ReferenceRegisterBank): Bank {
  return { judge, read: (position, width) => valueOf(judge.read(position, width)), write: (position, width, value) => valueOf(judge.write(position, width, BigInt(value))) };
}

/** A bank of 64 bytes. */
function make<const R extends RegisterSpecs>(registers: R, parts: BankParts = {}, options: Partial<BankOptions> = {}, hooks: HooksOf<R> = {}) {
  const map = registerMap('judged', { bytes: 64, ...options }, registers, parts);
  const judge = new ReferenceRegisterBank(map, flatHooks(map, hooks));
  return { ...bankOf(judge), map, regs: registersOf(map, judge) };
}

describe('B-lanes', () => {
  test('B-lanes an access touches the bytes it names and no others', () => {
    const { read, write } = make({ A: { at: 0, fields: { a: rw(31, 0, 0x44332211) } } });
    write(1, 2, 0xbbaa);
    expect(read(0, 4)).toBe(0x44bbaa11n);
    expect([read(0, 1), read(1, 1), read(2, 2)]).toEqual([0x11n, 0xaan, 0x44bbn]);
  });

  test('B-lanes a read clears, and a write of ones clears, in the lanes only', () => {
    const { read, write, regs } = make({ A: { at: 0, fields: { a: rc(31, 0, 0xffffffff) } }, B: { at: 4, fields: { b: w1c(31, 0, 0xffffffff) } } });
    expect(read(2, 1)).toBe(0xffn);
    expect(regs.A.peek()).toBe(0xff00ffff);
    write(5, 1, 0x0f);
    expect(regs.B.peek()).toBe(0xfffff0ff);
  });

  test('B-lanes wclr, wset, pulse, lock and once belong to the field', () => {
    const { read, write, regs } = make({ A: { at: 0, fields: { clear: wclr(15, 0, 0xffff), set: wset(31, 16), } }, B: { at: 4, fields: { once: rw1(15, 0), other: rw(16) } } });
    write(1, 1, 0x55);
    expect(regs.A.peek()).toBe(0);
    write(2, 1, 0);
    expect(regs.A.peek()).toBe(0xffff0000);
    write(4, 1, 1);
    write(5, 1, 2);
    expect(read(4, 4)).toBe(1n);
  });
});

describe('B-width', () => {
  test('B-width a size that is not named is refused: ones, nothing written, counted', () => {
    const { read, write, judge, regs } = make({ A: { at: 0, fields: { a: rc(31, 0, 5) } } }, {}, { access: [4] });
    expect([read(0, 1), read(0, 2), read(0, 8)]).toEqual([0xffn, 0xffffn, 0xffff_ffff_ffff_ffffn]);
    write(0, 1, 7);
    expect([judge.refused, judge.unmodelled, regs.A.peek()]).toEqual([4, 0, 5]);
  });

  test('B-width lanes serves the piece of each register in rising order', () => {
    const { read, write, regs } = make({ A: { at: 0, bits: 16, fields: { a: rw(15, 0, 0x2211) } }, B: { at: 2, bits: 8, fields: { b: rw(7, 0, 0x33) } }, C: { at: 4, fields: { c: rw(31, 0, 0x88776655) } } });
    expect(read(1, 4)).toBe(0x55003322n);
    write(1, 8, 0x08070605_04030201n);
    expect([regs.A.peek(), regs.B.peek(), regs.C.peek()]).toEqual([0x0111, 2, 0x07060504]);
  });

  test('B-width fault refuses an access that touches a register and is not exactly it', () => {
    const { read, judge } = make({ A: { at: 4, fields: { a: rw(31, 0, 9) } } }, {}, { split: 'fault' });
    expect([read(4, 4), read(0, 4), read(4, 2), read(6, 2), read(0, 8), read(4, 8), read(2, 4)]).toEqual([9n, 0n, 0xffffn, 0xffffn, 2n ** 64n - 1n, 2n ** 64n - 1n, 0xffffffffn]);
    expect([judge.refused, judge.unmodelled]).toEqual([5, 1]);
  });

  test('B-width an access beyond the bank, or of no width, is EINVAL', () => {
    const { judge } = make({ A: { at: 0 } });
    expect([judge.read(61, 4), judge.write(64, 1, 0n), judge.read(0, 3)]).toEqual([fail(EINVAL), fail(EINVAL), fail(EINVAL)]);
  });
});

test('B-hole reads 0, drops writes, and each run of bytes is counted once', () => {
  const { read, write, judge } = make({ A: { at: 2, bits: 8, fields: { a: rw(7, 0, 0xaa) } } });
  expect(read(0, 8)).toBe(0xaa0000n);
  expect(judge.unmodelled).toBe(2);
  write(3, 4, 0xffffffff);
  expect([judge.unmodelled, read(2, 1)]).toEqual([3, 0xaan]);
});

test('B-hole bits of no field read 0 and are not counted', () => {
  const { read, write, judge } = make({ A: { at: 0, fields: { a: rw(0) } } });
  write(0, 4, 0xffffffff);
  expect([read(0, 4), judge.unmodelled]).toEqual([1n, 0]);
});

describe('B-read, B-write', () => {
  test('B-read the order: before-read hook, value, onRead, actions, after-read hook', () => {
    const seen: string[] = [];
    const bank = make({ A: { at: 0, fields: { a: rc(7, 0, 1), n: ro(15, 8, { counter: { of: 'A', at: 'read' } }) } } }, {}, {}, {
      A: { beforeRead: ({ value }) => (seen.push(`before ${value}`), bank.regs.A.a.poke(7)), afterRead: ({ value }) => seen.push(`after ${value}, stored ${bank.regs.A.peek()}`) },
    });
    expect(bank.read(0, 2)).toBe(7n);
    expect(seen).toEqual(['before 1', 'after 7, stored 256']);
  });

  test('B-write the order: before-write hook, masks, once, actions, hooks of fields and register, pulses', () => {
    const seen: string[] = [];
    const bank = make({ A: { at: 0, fields: { high: rw(15, 8), GO: pulse(0, { afterWrite: [sets('B.busy')] }), low: rw(7, 4) } }, B: { at: 4, fields: { busy: ro(0) } } }, {}, {}, {
      A: {
        beforeWrite: ({ data, lanes }) => (seen.push(`data ${data} in ${lanes}`), data | 0x30),
        low: ({ old, value }) => seen.push(`low ${old} -> ${value}`),
        high: ({ value }) => seen.push(`high ${value}`),
        GO: ({ value }) => seen.push(`GO ${value}, busy ${bank.regs.B.busy.get()}`),
        afterWrite: ({ old, value }) => seen.push(`A ${old} -> ${value}`),
      },
    });
    bank.write(0, 1, 1);
    expect(seen).toEqual(['data 1 in 255', 'GO 1, busy 1', 'low 0 -> 3', 'A 0 -> 49']);
    expect(bank.regs.A.peek()).toBe(0x30);
  });

  test('B-write what is not readable reads 0, what is not writable drops writes', () => {
    const { read, write, regs } = make({ A: { at: 0, fields: { w: wo(7, 0), r: ro(15, 8, 3), k: constant(23, 16, 4), z: reserved(27, 24), s: reserved(31, 28, 'keep') } } });
    write(0, 4, 0xffffffff);
    expect([read(0, 4), regs.A.peek()]).toEqual([0xf0040300n, 0xf00403ff]);
  });

  test('tag, reserved: writes to tags and violations are counted once a write, in the lanes', () => {
    const { write, judge, read } = make({ A: { at: 0, fields: { t: tag(7, 0), z: reserved(15, 8, { expect: 0 }), k: reserved(23, 16, { policy: 'keep', expect: 0x5a, reset: 0x5a }) } } });
    write(0, 1, 9);
    expect([read(0, 4), judge.registers[0]!.tagged, judge.registers[0]!.violations]).toEqual([0x5a0009n, 1, 0]);
    write(1, 2, 0x5a01);
    write(0, 4, 0x005b0001);
    write(2, 1, 0x5a);
    expect([judge.registers[0]!.tagged, judge.registers[0]!.violations]).toEqual([2, 2]);
  });

  test('actions: set, clear and copy, when written with 1 and at any access', () => {
    const bank = make({
      A: { at: 0, fields: { one: rw(0, { afterWrite: [sets('B.x')] }), any: rw(8, { afterWrite: [clears('B.x', 'any')], afterRead: [sets('B.y', 'one')] }), from: rw(23, 16, { afterWrite: [copies('B.z')] }) } },
      B: { at: 4, fields: { x: ro(3, 0), y: ro(5, 4), z: ro(23, 8) } },
    });
    bank.write(0, 1, 0);
    expect(bank.regs.B.peek()).toBe(0);
    bank.write(0, 1, 1);
    expect(bank.regs.B.x.get()).toBe(15);
    bank.write(1, 1, 0);
    expect(bank.regs.B.x.get()).toBe(0);
    bank.regs.B.z.poke(0xffff);
    bank.write(2, 1, 0xab);
    bank.read(0, 1);
    expect([bank.regs.B.z.get(), bank.regs.B.y.get()]).toEqual([0xab, 0]);
    bank.read(1, 1);
    expect(bank.regs.B.y.get()).toBe(3);
  });
});

describe('B-lock, B-once', () => {
  const locked = () => make({
    KEY: { at: 0, fields: { open: rw(7, 0) } },
    A: { at: 4, fields: { EN: rw(0), GO: lock(rw(8, { afterWrite: [sets('A.done')] }), 'KEY.open', 0x5a), done: ro(9), both: lock(rw(16), 'EN'), two: lock(lock(rw(17), 'EN'), 'KEY.open', 1), once: lock(rw1(24), 'EN') } },
  });

  test('B-lock a locked field is not written, and its actions do not run', () => {
    const { read, write } = locked();
    write(4, 4, 0x100);
    expect(read(4, 4)).toBe(0n);
    write(0, 1, 0x5a);
    write(4, 4, 0x100);
    expect(read(4, 4)).toBe(0x300n);
  });

  test('B-lock a write that changes lock and locked field sees the old lock', () => {
    const { read, write } = locked();
    write(4, 4, 0x10001);
    expect(read(4, 4)).toBe(1n);
    write(4, 4, 0x10000);
    expect(read(4, 4)).toBe(0x10000n);
  });

  test('B-lock all locks of a field must be open', () => {
    const { read, write } = locked();
    write(4, 4, 1);
    write(4, 4, 0x20001);
    expect(read(4, 4)).toBe(1n);
    write(0, 4, 1);
    write(4, 4, 0x20001);
    expect(read(4, 4)).toBe(0x20001n);
  });

  test('B-lock hooks of locked fields are called', () => {
    const seen: unknown[] = [];
    const { write } = make({ A: { at: 0, fields: { open: ro(0), a: lock(rw(8), 'open') } } }, {}, {}, { A: { a: ({ old, value }) => seen.push(old, value) } });
    write(0, 4, 0x100);
    expect(seen).toEqual([0, 0]);
  });

  test('B-once the first write that touches it counts, whatever it writes, until reset', () => {
    const { read, write, judge, regs } = make({ A: { at: 0, fields: { a: rw1(15, 0, 3), b: w1(31, 16) } } });
    write(0, 1, 3);
    write(0, 4, 0x00070008);
    expect([read(0, 4), regs.A.peek()]).toEqual([3n, 0x70003]);
    write(0, 4, 0x00ff00ff);
    expect(regs.A.peek()).toBe(0x70003);
    judge.reset();
    write(0, 4, 0x10001);
    expect(regs.A.peek()).toBe(0x10001);
  });

  test('B-once a write that found it locked was not the first', () => {
    const { read, write } = locked();
    write(4, 4, 0x1000000);
    write(4, 1, 1);
    write(7, 1, 1);
    write(7, 1, 0);
    expect(read(7, 1)).toBe(1n);
  });
});

test('B-peek peek and poke have no effects, but interrupts are evaluated', () => {
  const seen: string[] = [];
  const { judge, regs } = make({ A: { at: 0, fields: { a: rc(7, 0, 5), n: ro(15, 8, { counter: { of: 'A', at: 'read' } }), w: wo(16) } } }, { irq: [irq('a', { line: 3, status: 'A', fields: ['w'] })] }, {}, { A: { beforeRead: () => seen.push('read'), afterWrite: () => seen.push('write') } });
  expect([regs.A.peek(), regs.A.peek()]).toEqual([5, 5]);
  regs.A.w.set();
  expect([regs.A.peek(), seen]).toEqual([0x10005, []]);
  expect(judge.interrupts.events).toEqual([{ kind: 'level', line: 3, up: true }]);
});
