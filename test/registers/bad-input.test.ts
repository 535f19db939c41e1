// What is wrongly asked of register banks: each answer names the value and the bound, and nothing has happened.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { registerBank, registerMap, rw } from '../../src/registers/index.ts';

const map = registerMap('bad', { bytes: 8 }, { A: { at: 0, fields: { a: rw(7, 0, 5) } } });

test('a map of nothing and a bank of no map are told', () => {
  const engine = createEngine();
  expect(() => registerMap('x', { bytes: 4 }, null as never)).toThrow('x: the registers are null; expected an object');
  expect(() => registerBank(engine, {} as never)).toThrow(/^registerBank: map is .*; expected what registerMap\(\) answers$/);
  expect(() => registerBank(null as never, map)).toThrow(/^registerBank: engine is null/);
  expect(engine.live().objects).toBe(0);
});

test('B-peek a poke of what is no number changes nothing', () => {
  const bank = registerBank(createEngine(), map);
  for (const [register, bits, value] of [[0, 'a', 1], [0, 1, 'b'], [0.5, 1, 1], [-1, 1, 1], [0, -1, 1], [0, 1, 2 ** 32], [1, 1, 1]] as [number, number, number][]) {
    expect(() => bank.region.poke32(register, bits, value)).toThrow(/^BankRegion\.poke32: /);
  }
  for (const register of [1.5, -1, 1]) expect(() => bank.region.poke64(register, 1n, 1n)).toThrow(/^BankRegion\.poke64: /);
  expect(() => bank.poke(0, 1 as never, 1n)).toThrow('bad poke: mask and value are 1 and 1n; expected bigints');
  expect(bank.regs.A.a.get()).toBe(5);
});

test('a table that is no bank is refused, and nothing is left', () => {
  const engine = createEngine();
  for (const table of [new Uint8Array(0), new Uint8Array(3), new Uint8Array(64).fill(255), new Uint8Array(1000).fill(255)]) {
    expect(() => engine.bank({ size: 16, table })).toThrow(RangeError);
  }
  expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});
