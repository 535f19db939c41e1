// The program that is typed into Linux' shell is one that its kernel loads: header, one segment, an entry in it, and the task that was asked for.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TASK_BYTES, linuxLoop } from '../../demo/guest/linux-loop.ts';

const BASE = 0x0804_8000;

test('whatever the task, only the three numbers at its end differ', () => {
  const empty = linuxLoop({ operation: 'store', address: null, accesses: 1 });
  const view = new DataView(empty.buffer);
  expect([...empty.subarray(0, 8)]).toEqual([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0]);
  expect([view.getUint16(16, true), view.getUint16(18, true)]).toEqual([2, 3]); // executable, 386
  const [entry, headers] = [view.getUint32(24, true), view.getUint32(28, true)];
  const [type, offset, address, , inFile, inMemory] = Array.from({ length: 6 }, (_, i) => view.getUint32(headers + 4 * i, true));
  expect([type, offset, address, inFile]).toEqual([1, 0, BASE, empty.length]);
  expect(inMemory!).toBeGreaterThan(0x2000 + 0x1000 - 1);
  expect(entry - BASE).toBeGreaterThan(headers + 31);
  const path = Buffer.from(empty).indexOf('/dev/mem\0');
  const task = empty.length - TASK_BYTES;
  expect(path).toBeGreaterThan(entry - BASE);
  expect(path + '/dev/mem\0'.length).toBeLessThanOrEqual(task);
  fc.assert(fc.property(fc.constantFrom('store' as const, 'load' as const), fc.integer({ min: 1, max: 0xffff_fffc }), fc.integer({ min: 1, max: 1e9 }), (operation, at, accesses) => {
    const program = linuxLoop({ operation, address: at, accesses });
    const found = new DataView(program.buffer);
    expect([0, 4, 8].map((n) => found.getUint32(task + n, true))).toEqual([at, accesses, operation === 'load' ? 1 : 0]);
    expect([...program.keys()].every((i) => i >= task || program[i] === empty[i])).toBe(true);
  }));
});
