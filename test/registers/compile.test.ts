// The core's table of a map, byte by byte where it matters.

import { describe, expect, test } from '@jest/globals';
import { compileBank, constant, flatHooks, irq, lock, namesOf, pulse, registerMap, registerNamed, reserved, ro, rw, rw1, sets, tag, w1, w1c, wclr, wset, type BankModel } from '../../src/registers/index.ts';
import { copyEngine } from './example.ts';

/** The table taken apart by the numbers of the picture in assembly/registers/bank.ts. */
function tableOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u64 = (at: number) => view.getBigUint64(at, true);
  const [registers, actions, fifos, interrupts] = [0, 4, 8, 12].map((at) => view.getUint32(at, true)) as [number, number, number, number];
  const rows = <T>(count: number, start: number, size: number, one: (at: number) => T) => Array.from({ length: count }, (_, i) => one(start + i * size));
  const firstAction = 64 + 192 * registers;
  const firstFifo = firstAction + 32 * actions;
  const firstInterrupt = firstFifo + 32 * fifos;
  expect(bytes.length).toBe(firstInterrupt + 32 * interrupts);
  return {
    extent: view.getUint32(16, true), flags: view.getUint8(20), widths: view.getUint8(21),
    registers: rows(registers, 64, 192, (at) => ({
      position: view.getUint32(at, true), size: view.getUint8(at + 4), flags: view.getUint8(at + 5), hooks: view.getUint8(at + 6), tear: view.getUint8(at + 7), first: view.getUint16(at + 8, true), actions: view.getUint16(at + 10, true), notify: view.getUint8(at + 12),
      masks: ['readable', 'writable', 'woclr', 'woset', 'wot', 'wzc', 'wzs', 'wzt', 'rclr', 'rset', 'pulse', 'reset', 'kept', 'hooked', 'tagged', 'expectMask', 'expectValue', 'spent', 'latch'].reduce<Record<string, bigint>>((masks, name, k) => (u64(at + 16 + 8 * k) === 0n ? masks : { ...masks, [name]: u64(at + 16 + 8 * k) }), {}),
      counts: u64(at + 168) | u64(at + 176),
    })),
    actions: rows(actions, firstAction, 32, (at) => ({ operation: view.getUint8(at), when: view.getUint8(at + 1), flags: view.getUint16(at + 2, true), target: view.getUint16(at + 4, true), own: u64(at + 8), a: u64(at + 16), b: u64(at + 24) })),
    fifos: rows(fifos, firstFifo, 32, (at) => ({ capacity: view.getUint32(at, true), level: view.getUint16(at + 20, true), lsb: view.getUint8(at + 22), bits: view.getUint8(at + 23) })),
    interrupts: rows(interrupts, firstInterrupt, 32, (at) => ({ status: view.getUint16(at, true), enable: view.getUint16(at + 2, true), line: view.getUint16(at + 4, true), flags: view.getUint8(at + 6), shift: view.getInt8(at + 7), bits: u64(at + 8) })),
  };
}

const compiled = (map: BankModel, path: string) => {
  const table = tableOf(compileBank(map));
  const row = table.registers[registerNamed(map, path).number]!;
  return { ...row, rows: table.actions.slice(row.first, row.first + row.actions) };
};
const numberOf = (path: string) => namesOf(copyEngine).numbers.get(path)!;

describe('header', () => {
  test('counts, extent, flags and widths', () => {
    const table = tableOf(compileBank(copyEngine));
    expect([table.registers.length, table.fifos.length, table.interrupts.length, table.extent, table.flags, table.widths]).toEqual([copyEngine.registers.length, 2, 2, 0x1a0, 0, 15]);
    const other = tableOf(compileBank(registerMap('m', { bytes: 64, access: [4, 2], endian: 'big', split: 'fault' }, { A: { at: 8 } })));
    expect([other.extent, other.flags, other.widths]).toEqual([12, 3, 6]);
    expect(compileBank(registerMap('empty', { bytes: 1 }, {})).length).toBe(64);
  });

  test('the extent holds what data ports reach', () => {
    expect(tableOf(compileBank(registerMap('m', { bytes: 64 }, { I: { at: 0 }, P: { at: 4, port: { index: 'I', from: 8, stride: 8, count: 4 } } }))).extent).toBe(36);
  });

  test('registers rise, and their actions are one after another', () => {
    const table = tableOf(compileBank(copyEngine));
    let next = 0;
    let position = -1;
    for (const row of table.registers) {
      expect(row.position).toBeGreaterThan(position);
      expect([row.first, row.counts]).toEqual([next, 0n]);
      next += row.actions;
      position = row.position;
    }
    expect(next).toBe(table.actions.length);
  });
});

describe('registers', () => {
  test('masks', () => {
    expect(compiled(copyEngine, 'WORDS')).toMatchObject({ size: 4, position: 0x14, tear: 0, notify: 0, masks: { readable: 0xf0fff3ffn, writable: 0xff000000n, woset: 3n, wot: 12n, wzc: 0x30n, wzs: 0xc0n, wzt: 0x300n, rset: 0xf00000n, reset: 0xa0009030n, expectMask: 0xf0000000n, expectValue: 0xa0000000n } });
    expect(compiled(copyEngine, 'CTRL').masks).toEqual({ readable: 0x80ff001dn, writable: 0x80ffff1fn, pulse: 2n, reset: 0x100010n, kept: 0x10n, tagged: 0x80000000n, expectMask: 0x7f000000n });
    expect(compiled(copyEngine, 'SOURCE')).toMatchObject({ size: 8, tear: 1, masks: { readable: 0xffff_ffff_ffff_fffdn } });
    expect(compiled(copyEngine, 'QUEUE[2].TAIL')).toMatchObject({ notify: 1, flags: 2 });
    expect([compiled(copyEngine, 'ID').masks, compiled(copyEngine, 'DATA').flags, compiled(copyEngine, 'PORT').flags, compiled(copyEngine, 'MASK').flags]).toEqual([{ readable: 0xff0fffffn, reset: 0x05021de5n }, 16, 8, 4]);
  });

  test.each<[string, BankModel, boolean]>([
    ['rw', registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: rw(7, 0), r: ro(8), k: constant(9), z: reserved(10), s: reserved(11, 11, 'keep') } } }), true],
    ['woclr', registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: w1c(0) } } }), false],
    ['a pulse', registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: pulse(0) } } }), false],
    ['a tag', registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: tag(0) } } }), false],
    ['expect', registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: reserved(0, { expect: 0 }) } } }), false],
    ['rw1', registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: rw1(0) } } }), false],
    ['notify', registerMap('m', { bytes: 4 }, { A: { at: 0, notify: 'ring', fields: { a: rw(0) } } }), false],
    ['an action', registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: rw(0, { afterWrite: [sets('b')] }), b: ro(1) } } }), false],
    ['a lock', registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: lock(rw(0), 'b'), b: ro(1) } } }), false],
    ['an interrupt', registerMap('m', { bytes: 4 }, { A: { at: 0, fields: { a: rw(0) } } }, { irq: [irq('i', { line: 0, status: 'A' })] }), false],
    ['latched halves', registerMap('m', { bytes: 8 }, { A: { at: 0, bits: 64, tear: 'latch-low', fields: { a: rw(0) } } }), false],
    ['big', registerMap('m', { bytes: 4, endian: 'big' }, { A: { at: 0, fields: { a: rw(0) } } }), false],
    ['a big byte', registerMap('m', { bytes: 4, endian: 'big' }, { A: { at: 0, bits: 8, fields: { a: rw(0) } } }), true],
  ])('plain: %s', (_, map, plain) => {
    expect((compiled(map, 'A').flags & 1) === 1).toBe(plain);
  });

  test('hooks', () => {
    const map = registerMap('m', { bytes: 16 }, { A: { at: 0, fields: { a: rw(7, 4), b: rw(0) } }, B: { at: 4, fields: { b: rw(0) } }, C: { at: 8, fields: { c: rw(0) } }, D: { at: 12 } });
    const rows = tableOf(compileBank(map, flatHooks(map, { A: { a: () => {} }, B: { beforeRead: () => {}, beforeWrite: () => undefined }, C: { afterWrite: () => {}, afterRead: () => {}, c: () => {} } }))).registers;
    expect(rows.map((row) => [row.hooks, row.masks.hooked, row.flags])).toEqual([[8, 0xf0n, 0], [5, undefined, 0], [10, 0xffffffffn, 0], [0, undefined, 1]]);
  });
});

describe('actions', () => {
  test('locks, write-once, whole-field words, then the order of the map', () => {
    const map = registerMap('m', { bytes: 8 }, { A: { at: 0, fields: { z: rw(31, 28, { afterWrite: [sets('B.x', 'any'), sets('B.x')] }), s: wset(1), c: wclr(0), once: w1(2), locked: lock(lock(rw(5, 4), 'B.x', 1), 'B.y', 3) } }, B: { at: 4, fields: { x: ro(0), y: ro(3, 2), n: ro(7, 4, { counter: { of: 'A', at: 'read', step: -2, saturates: true } }) } } });
    expect(compiled(map, 'A').rows).toEqual([
      { operation: 1, when: 0, flags: 0, target: 1, own: 0x30n, a: 1n, b: 1n },
      { operation: 1, when: 0, flags: 0, target: 1, own: 0x30n, a: 0xcn, b: 0xcn },
      { operation: 2, when: 0, flags: 0, target: 0, own: 4n, a: 0n, b: 0n },
      { operation: 3, when: 0, flags: 0, target: 0, own: 1n, a: 0n, b: 0n },
      { operation: 4, when: 0, flags: 0, target: 0, own: 2n, a: 0n, b: 0n },
      { operation: 5, when: 2, flags: 0, target: 1, own: 0xf0000000n, a: 1n, b: 0n },
      { operation: 5, when: 2, flags: 1, target: 1, own: 0xf0000000n, a: 1n, b: 0n },
      { operation: 8, when: 1, flags: 2, target: 1, own: 0xffffffffn, a: 0xf0n, b: 2n ** 64n - 2n },
    ]);
    expect(compiled(map, 'A').flags).toBe(2);
  });

  test('copies, FIFOs and data ports', () => {
    expect(compiled(copyEngine, 'CTRL').rows.slice(-2)).toEqual([
      { operation: 7, when: 2, flags: 0, target: numberOf('STATUS'), own: 2n, a: 0x200n, b: 0n },
      { operation: 8, when: 2, flags: 1, target: numberOf('COUNT'), own: 2n, a: 0xffff0000n, b: 2n ** 64n - 1n },
    ]);
    expect(compiled(copyEngine, 'DATA').rows.slice(0, 2)).toEqual([{ operation: 9, when: 1, flags: 0, target: 0, own: 0xffn, a: 0n, b: 0n }, { operation: 9, when: 2, flags: 0, target: 1, own: 0xffn, a: 0n, b: 0n }]);
    expect(compiled(copyEngine, 'PORT').rows).toEqual([{ operation: 10, when: 0, flags: 0, target: numberOf('INDEX'), own: 15n, a: 0x180n, b: (8n << 32n) | 4n }]);
  });
});

test('FIFOs and interrupts: one row for each distance between status and mask, all but the last marked', () => {
  const table = tableOf(compileBank(copyEngine));
  expect(table.fifos).toEqual([{ capacity: 16, level: numberOf('LEVELS'), lsb: 0, bits: 5 }, { capacity: 8, level: numberOf('LEVELS'), lsb: 8, bits: 5 }]);
  expect(table.interrupts).toEqual([{ status: numberOf('STATUS'), enable: numberOf('MASK'), line: 0, flags: 0, shift: 8, bits: 7n }, { status: numberOf('LEVELS'), enable: 0xffff, line: 1, flags: 2, shift: 0, bits: 31n }]);
  const map = registerMap('m', { bytes: 8 }, { S: { at: 0, fields: { a: ro(0), b: ro(9, 8), c: ro(2) } }, M: { at: 4, fields: { a: rw(8), b: rw(1, 0), c: rw(10) } } }, { irq: [irq('i', { line: 7, status: 'S', mask: 'M', disables: true })] });
  expect(tableOf(compileBank(map)).interrupts).toEqual([{ status: 0, enable: 1, line: 7, flags: 1 | 4, shift: 8, bits: 5n }, { status: 0, enable: 1, line: 7, flags: 1, shift: -8, bits: 0x300n }]);
});

test('names', () => {
  const names = namesOf(copyEngine);
  expect([names.registers[0], names.numbers.get('LANE[7]'), names.fifos, names.lines.get(1)]).toEqual(['ID', copyEngine.registers.length - 1, ['RX', 'TX'], ['rx']]);
});
