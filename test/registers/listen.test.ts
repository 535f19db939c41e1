// B-irq, as listeners hear of it: beside who made the bank, in the same order, until they have enough.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { irq, registerBank, registerMap, rw } from '../../src/registers/index.ts';
import type { InterruptListener } from '../../src/registers/index.ts';

const map = registerMap('lamps', { bytes: 4 }, { STATUS: { at: 0, fields: { A: rw(0), B: rw(2, 1) } } }, {
  irq: [irq('a', { line: 3, status: 'STATUS', fields: ['A'] }), irq('b', { line: 5, status: 'STATUS', fields: ['B'], edge: true })],
});

function listenerOf(heard: unknown[], who: string): InterruptListener {
  return { level: (line, high) => void heard.push([who, line, high]), edge: (line, bits) => void heard.push([who, line, bits]) };
}

test('listeners hear what who made the bank hears, after it', () => {
  const heard: unknown[] = [];
  const bank = registerBank(createEngine(), map, listenerOf(heard, 'owner'));
  bank.listen(listenerOf(heard, 'host'));
  bank.region.write32(0, 7);
  expect(heard).toEqual([['owner', 5, 2], ['host', 5, 2], ['owner', 3, true], ['host', 3, true]]);
  bank.regs.STATUS.A.clear();
  expect(heard.slice(4)).toEqual([['owner', 3, false], ['host', 3, false]]);
});

test('one that listens twice ends once for each', () => {
  const heard: unknown[] = [];
  const bank = registerBank(createEngine(), map);
  const listener = listenerOf(heard, 'host');
  const ends = [bank.listen(listener), bank.listen(listener)];
  const count = (): number => {
    heard.length = 0;
    bank.region.write32(0, 1);
    bank.region.write32(0, 0);
    return heard.length;
  };
  expect(count()).toBe(4);
  ends[0]!();
  ends[0]!();
  expect(count()).toBe(2);
  ends[1]!();
  expect(count()).toBe(0);
});

test('who made the bank may throw: listeners are told all the same', () => {
  const heard: unknown[] = [];
  const bank = registerBank(createEngine(), map, {
    level: () => {
      throw new Error('the owner');
    },
  });
  bank.listen(listenerOf(heard, 'host'));
  expect(() => bank.region.write32(0, 1)).toThrow('the owner');
  expect([heard, bank.region.read32(0)]).toEqual([[['host', 3, true]], 1]);
});

test.each<[unknown, string]>([
  [undefined, 'lamps listen: listener is undefined; expected { level, edge }'],
  [null, 'lamps listen: listener is null; expected { level, edge }'],
  ['level', 'lamps listen: listener is "level"; expected { level, edge }'],
])('%p is no listener', (value, message) => {
  expect(() => registerBank(createEngine(), map).listen(value as InterruptListener)).toThrow(new TypeError(message));
});
