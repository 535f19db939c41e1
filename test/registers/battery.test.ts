// The battery that follows from a map: the judge and the core pass it, and banks with planted faults do not.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { batteryOf, batteryTarget, registerBank, registerMap, rw, rw1, w1c, lock, type BankModel, type BatteryTarget, type RegisterMap } from '../../src/registers/index.ts';
import { ReferenceRegisterBank, valueOf } from '../reference/index.ts';
import { copyEngine } from './example.ts';

function targetOf(map: BankModel): BatteryTarget {
  const bank = new ReferenceRegisterBank(map);
  return {
    read: (position, width) => valueOf(bank.read(position, width)),
    write: (position, width, value) => valueOf(bank.write(position, width, value)),
    peek: (register) => bank.peek(register),
    poke: (register, mask, value) => bank.poke(register, mask, value),
    reset: (soft) => bank.reset(soft),
  };
}

const { description, parts } = copyEngine;
const maps = {
  'every size': copyEngine,
  'words of 4 bytes': registerMap('fours', { bytes: 0x200, access: [4] }, description, parts),
  'words of 4 and 8 bytes, big': registerMap('big', { bytes: 0x200, access: [4, 8], endian: 'big' }, description, parts),
  'bytes alone': registerMap('bytes', { bytes: 0x200, access: [1] }, { ...description, SOURCE: { at: 0x20, bits: 64, fields: { address: rw(63, 2), on: rw(0) } } }, parts),
  'whole registers': registerMap('whole', { bytes: 64, split: 'fault', access: [2, 4, 8] }, { A: { at: 0, bits: 16, fields: { a: rw(15, 0) } }, B: { at: 4, fields: { b: rw1(31, 0) } }, C: { at: 8, bits: 64, fields: { c: w1c(63, 0) } } }),
};

describe.each(Object.entries(maps))('%s', (_, map) => {
  const targets = { judge: targetOf(map), core: batteryTarget(registerBank(createEngine(), map as unknown as RegisterMap)) };
  test.each(batteryOf(map).map((check) => [check.name, check] as const))('%s', (_name, check) => {
    check.run(targets.judge);
    check.run(targets.core);
  });
});

test('names are unique, and each register and each quiet field has its checks', () => {
  const names = batteryOf(copyEngine).map((check) => check.name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(['reset ID', 'bit bash CTRL.MODE', 'lock CTRL.LIMIT', 'soft reset CTRL', 'lanes SOURCE', 'write QUEUE[3].TAIL.value', 'holes']));
  expect(names.filter((name) => name.includes('PORT') || name.includes('STATUS.BUSY'))).toEqual([]);
});

describe('planted faults', () => {
  const map = registerMap('small', { bytes: 16, access: [1, 4] }, { A: { at: 0, fields: { open: rw(0), a: lock(rw(15, 8, 3), 'open'), c: w1c(23, 16), once: rw1(31, 24), } } });
  const failing = (change: Partial<BatteryTarget>) => {
    const target = { ...targetOf(map), ...change };
    return batteryOf(map).filter(({ run }) => {
      try {
        run(target);
        return false;
      } catch (error) {
        expect(String(error)).toMatch(/found 0x[0-9a-f]+, expected 0x/);
        return true;
      }
    }).map((check) => check.name);
  };
  const good = targetOf(map);

  test.each<[string, Partial<BatteryTarget>, string]>([
    ['a reset that does nothing', { reset: () => {} }, 'reset A'],
    ['reads that are all zeroes', { read: () => 0n }, 'read A.a'],
    ['writes of whole registers', { write: (_, __, value) => good.write(0, 4, value), read: good.read, peek: good.peek, poke: good.poke, reset: good.reset }, 'lanes A'],
    ['writes that are dropped', { write: () => {} }, 'bit bash A.a'],
    ['writes that store', { write: (position, width, value) => good.poke(0, ((1n << BigInt(8 * width)) - 1n) << BigInt(8 * position), value << BigInt(8 * position)), read: good.read, peek: good.peek, poke: good.poke, reset: good.reset }, 'lock A.a'],
    ['holes that read ones', { read: (position, width) => (position >= 4 ? 1n : good.read(position, width)) }, 'holes'],
    ['sizes that are served', { read: (position, width) => (width === 2 ? 0n : good.read(position, width)) }, 'width 2'],
  ])('%s', (_, change, expected) => {
    expect(failing(change)).toContain(expected);
  });
});
