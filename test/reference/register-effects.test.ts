// The judge of register banks: interrupts, halves, counters, FIFOs, ports, doorbells, resets and hooks that throw, rule by rule of docs/registers.md.

import { describe, expect, test } from '@jest/globals';
import { flatHooks, irq, lock, pulse, rc, registerMap, registersOf, ro, rw, rw1, w1c, type BankOptions, type BankParts, type HooksOf, type RegisterSpecs } from '../../src/registers/index.ts';
import { EIO, ReferenceRegisterBank, fail, ok, valueOf } from './index.ts';

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

describe('B-irq', () => {
  const registers = { STATUS: { at: 0, fields: { a: w1c(0), b: w1c(2, 1), busy: ro(8) } }, MASK: { at: 4, fields: { a: rw(8), b: rw(10, 9) } }, OFF: { at: 8, fields: { b: rw(1, 0), busy: rw(8) } } } as const;

  test('B-irq the level of status and mask, an event for each change, at the end of the access', () => {
    const { write, judge, regs } = make(registers, { irq: [irq('x', { line: 0, status: 'STATUS', mask: 'MASK' })] });
    regs.STATUS.a.set();
    expect(judge.interrupts.events).toEqual([]);
    write(4, 4, 0x700);
    regs.STATUS.b.set();
    expect([judge.interrupts.events, [...judge.interrupts.up]]).toEqual([[{ kind: 'level', line: 0, up: true }], [0]]);
    write(0, 4, 7);
    expect(judge.interrupts.events.slice(1)).toEqual([{ kind: 'level', line: 0, up: false }]);
  });

  test('B-irq disables, unlike distances, and two of one line', () => {
    const { write, judge, regs } = make(registers, { irq: [irq('x', { line: 5, status: 'STATUS', mask: 'OFF', disables: true }), irq('y', { line: 5, status: 'STATUS', fields: ['a'] })] });
    regs.STATUS.b.poke(2);
    write(8, 1, 2);
    regs.STATUS.busy.set();
    regs.STATUS.a.set();
    write(9, 1, 1);
    expect(judge.interrupts.events).toEqual([{ kind: 'level', line: 5, up: true }, { kind: 'level', line: 5, up: false }, { kind: 'level', line: 5, up: true }]);
  });

  test('B-irq edges say how many bits rose while enabled, also after a reset', () => {
    const { write, judge, regs } = make(registers, { irq: [irq('x', { line: 1, status: 'STATUS', mask: 'MASK', edge: true })] });
    regs.STATUS.b.set();
    write(4, 4, 0x700);
    regs.STATUS.a.set();
    regs.STATUS.a.set();
    write(0, 4, 1);
    regs.STATUS.a.set();
    expect(judge.interrupts.events.map((event) => event.kind === 'edge' && event.rose)).toEqual([2, 1, 1]);
    const raised = make({ S: { at: 0, fields: { a: rw(3, 0, 7) } } }, { irq: [irq('x', { line: 1, status: 'S', edge: true }), irq('z', { line: 0, status: 'S' })] });
    raised.judge.reset();
    expect(raised.judge.interrupts.events).toEqual([{ kind: 'edge', line: 1, rose: 3 }, { kind: 'level', line: 0, up: true }, { kind: 'edge', line: 1, rose: 3 }]);
  });
});

describe('B-tear', () => {
  const torn = (tear: 'none' | 'latch-low' | 'latch-high', options: Partial<BankOptions> = {}) =>
    make({ A: { at: 0, bits: 64, tear, notify: 'ring', fields: { a: rw(63, 0, 0x1111_1111_2222_2222n), } } }, {}, options);

  test('B-tear none reads and writes what is there', () => {
    const { read, write, regs } = torn('none');
    read(0, 4);
    regs.A.poke(5n);
    expect(read(4, 4)).toBe(0n);
    write(4, 4, 1);
    expect(regs.A.peek()).toBe(0x1_0000_0005n);
  });

  test.each([['latch-low', 0, 4, 0x33333333n], ['latch-high', 4, 0, 0x44444444n]] as const)('B-tear %s keeps the other half for one read', (tear, first, second, now) => {
    const { read, regs } = torn(tear);
    const kept = second === 4 ? 0x11111111n : 0x22222222n;
    expect(read(first, 4)).toBe(second === 4 ? 0x22222222n : 0x11111111n);
    regs.A.poke(0x33333333_44444444n);
    expect([read(second, 4), read(second, 4)]).toEqual([kept, now]);
    read(first, 4);
    regs.A.poke(0n);
    read(0, 1);
    expect(read(second, 4)).toBe(0n);
  });

  test('B-tear a written half waits for the other, in either order', () => {
    const { write, regs, judge } = torn('latch-low');
    write(4, 4, 0xaaaaaaaa);
    expect(regs.A.peek()).toBe(0x1111_1111_2222_2222n);
    write(4, 4, 0xcccccccc);
    write(0, 4, 0xbbbbbbbb);
    expect(regs.A.peek()).toBe(0xcccccccc_bbbbbbbbn);
    write(0, 4, 1);
    write(2, 4, 0);
    write(4, 4, 2);
    expect(regs.A.peek()).toBe(0xcccc0000_0000bbbbn);
    write(0, 4, 3);
    expect(regs.A.peek()).toBe(0x2_0000_0003n);
    expect(judge.doorbells).toEqual([{ position: 0, size: 8, data: 0xcccccccc_bbbbbbbbn }, { position: 2, size: 4, data: 0n }, { position: 0, size: 8, data: 0x2_0000_0003n }]);
  });

  test('B-tear B-reset forgets halves', () => {
    const { read, write, judge, regs } = torn('latch-low');
    read(0, 4);
    write(0, 4, 5);
    judge.reset();
    regs.A.poke(0n);
    expect(read(4, 4)).toBe(0n);
    write(4, 4, 1);
    expect(regs.A.peek()).toBe(0n);
  });

  test('B-tear in a big bank the lower half lies above', () => {
    const { read, regs } = torn('latch-low', { endian: 'big' });
    expect(read(4, 4)).toBe(0x22222222n);
    regs.A.poke(0n);
    expect(read(0, 4)).toBe(0x11111111n);
  });
});

describe('B-counter', () => {
  const counter = (step: number, saturates: boolean) => make({ A: { at: 0, fields: { a: rw(0), b: rw(8) } }, N: { at: 4, fields: { other: rw(0), n: ro(4, 1, { counter: { of: 'A.a', at: 'write', step, saturates } }), ones: ro(11, 8, { counter: { of: 'A.b', at: 'write', when: 'one' } }), reads: ro(19, 16, { counter: { of: 'A', at: 'read' } }) } } });

  test.each([[3, false, [3, 6, 9, 12, 15, 2]], [3, true, [3, 6, 9, 12, 15, 15]], [-5, false, [11, 6, 1, 12, 7, 2]], [-5, true, [0, 0, 0, 0, 0, 0]]] as const)('B-counter step %s, saturates %s: %j', (step, saturates, expected) => {
    const { write, regs } = counter(step, saturates);
    expect(expected.map(() => (write(0, 1, 0), regs.N.n.get()))).toEqual([...expected]);
    expect([regs.N.other.get(), regs.N.ones.get(), regs.N.reads.get()]).toEqual([0, 0, 0]);
  });

  test('B-counter writes of 1, and reads of a register', () => {
    const { read, write, regs } = counter(1, false);
    write(1, 1, 0);
    write(1, 1, 1);
    read(0, 4);
    read(3, 1);
    expect([regs.N.ones.get(), regs.N.reads.get(), regs.N.n.get()]).toEqual([1, 2, 0]);
  });
});

describe('B-fifo', () => {
  const fifos = () => make({ DATA: { at: 0, bits: 16, fields: { port: rw(15, 0, { pops: 'RX', pushes: 'TX' }) } }, LEVEL: { at: 4, fields: { rx: ro(1, 0), tx: ro(9, 8) } } }, { fifos: { RX: { depth: 2, level: 'LEVEL.rx' }, TX: { depth: 3, level: 'LEVEL.tx' } }, irq: [irq('rx', { line: 0, status: 'LEVEL', fields: ['rx'] })] });

  test('B-fifo a read takes the oldest, 0 when empty and counted; a level shows how many', () => {
    const { read, judge } = fifos();
    expect([judge.push(0, 0x1234n), judge.push(0, 7n), judge.push(0, 8n)]).toEqual([true, true, false]);
    expect(read(4, 4)).toBe(2n);
    expect([read(0, 1), read(0, 2), read(0, 2)]).toEqual([0x34n, 7n, 0n]);
    expect([judge.fifos[0]!.dropped, judge.fifos[0]!.takenEmpty, read(4, 4)]).toEqual([1, 1, 0n]);
    expect(judge.interrupts.events.map((event) => event.kind === 'level' && event.up)).toEqual([true, false]);
  });

  test('B-fifo a write adds the data in the lanes, dropped when full and counted; a reset empties', () => {
    const { read, write, judge } = fifos();
    write(0, 2, 0xabcd);
    write(1, 1, 0xff);
    write(0, 1, 1);
    write(0, 2, 2);
    expect([judge.fifos[1]!.entries, judge.fifos[1]!.dropped, read(4, 4)]).toEqual([[0xabcdn, 0xff00n, 1n], 1, 0x300n]);
    expect(judge.pop(1)).toBe(0xabcdn);
    judge.reset(true);
    expect([read(4, 4), judge.fifos[1]!.entries]).toEqual([0n, []]);
  });
});

test('B-index a data port is an access of the same size to the register that the index names', () => {
  const { read, write, judge, regs } = make({ INDEX: { at: 0, bits: 8, fields: { i: rw(3, 0) } }, PORT: { at: 4, port: { index: 'INDEX.i', from: 0x10, stride: 8, count: 3 } }, R: { at: 0x10, count: 2, stride: 8, fields: { r: rc(31, 0, 0x04030201) } } });
  write(0, 1, 1);
  expect([read(4, 4), regs.R[1].peek(), regs.R[0].peek()]).toEqual([0x04030201n, 0, 0x04030201]);
  write(0, 1, 0);
  expect([read(5, 1), regs.R[0].peek()]).toEqual([2n, 0x04030001]);
  for (const index of [2, 3, 15]) {
    write(0, 1, index);
    expect(read(4, 4)).toBe(0n);
    write(4, 4, 1);
  }
  expect(judge.unmodelled).toBe(6);
});

test('B-index in a big bank bytes keep their order', () => {
  const { read, write, regs } = make({ INDEX: { at: 0, fields: { i: rw(3, 0) } }, PORT: { at: 4, port: { index: 'INDEX', from: 0x10, stride: 4, count: 2 } }, R: { at: 0x10, count: 2, fields: { r: rw(31, 0, 0x11223344) } } }, {}, { endian: 'big' });
  write(0, 4, 0x01000000);
  expect([read(4, 4), read(4, 1)]).toEqual([0x44332211n, 0x11n]);
  write(4, 2, 0xbbaa);
  expect(regs.R[1].peek()).toBe(0xaabb3344);
});

test('B-notify each write leaves the piece and its data, and runs no JavaScript', () => {
  const { write, judge } = make({ A: { at: 0x10, notify: 'ring', fields: { a: lock(rw(31, 0), 'B.open') } }, B: { at: 0x20, fields: { open: ro(0) } } });
  write(0x12, 2, 0xabcd);
  write(0xf, 8, 0x0807060504030201n);
  expect(judge.doorbells).toEqual([{ position: 0x12, size: 2, data: 0xabcdn }, { position: 0x10, size: 4, data: 0x05040302n }]);
});

test('B-reset gives reset values; soft leaves sticky fields, and their write-once', () => {
  const { write, judge, regs } = make({ A: { at: 0, fields: { a: rw(7, 0, 9), s: rw(15, 8, { sticky: true, reset: 2 }), o: rw1(23, 16), so: rw1(31, 24, { sticky: true }) } } });
  write(0, 4, 0x01010101);
  judge.reset(true);
  expect(regs.A.peek()).toBe(0x01000109);
  write(0, 4, 0x02020202);
  expect(regs.A.peek()).toBe(0x01020202);
  judge.reset();
  expect(regs.A.peek()).toBe(0x00000209);
});

describe('B-atomic', () => {
  const fault = new Error('fault');
  const thrower = () => { throw fault; };
  const registers = { A: { at: 0, fields: { a: rw(7, 0), p: pulse(8), c: rc(23, 16, 1) } }, B: { at: 4, fields: { b: rw(7, 0) } } } as const;

  test('B-atomic a hook that throws ends the access with EIO; what was done before stays', () => {
    const { judge, regs } = make(registers, { irq: [irq('x', { line: 0, status: 'A', fields: ['a'] })] }, {}, { A: { a: thrower } });
    expect(judge.write(0, 8, 0x1_0000_0105n)).toEqual(fail(EIO));
    expect([judge.thrown, regs.A.peek(), regs.B.peek(), judge.interrupts.up.size]).toEqual([fault, 0x10005, 0, 1]);
  });

  test('B-atomic before a write or read nothing has happened', () => {
    const { judge, regs } = make(registers, {}, {}, { A: { beforeWrite: thrower, beforeRead: thrower } });
    expect([judge.write(0, 4, 5n), judge.read(0, 4), regs.A.peek()]).toEqual([fail(EIO), fail(EIO), 0x10000]);
  });

  test('B-atomic after a read it has', () => {
    const { judge, regs } = make(registers, {}, {}, { A: { afterRead: thrower } });
    expect([judge.read(0, 4), regs.A.peek()]).toEqual([fail(EIO), 0]);
    expect(judge.read(4, 4)).toEqual(ok(0n));
  });
});

test('Endianness a big bank has the highest byte of a register first, whatever the size of the access', () => {
  const { read, write, regs } = make({ A: { at: 0, fields: { a: rw(31, 0, 0x11223344) } }, B: { at: 4, bits: 16, fields: { b: rw(15, 0, 0x5566) } } }, {}, { endian: 'big' });
  expect([read(0, 4), read(0, 2), read(3, 1), read(2, 4), read(0, 8)]).toEqual([0x44332211n, 0x2211n, 0x44n, 0x66554433n, 0x6655_44332211n]);
  write(1, 1, 0xaa);
  expect(regs.A.peek()).toBe(0x11aa3344);
});
