// Hooks of registers: when they run, what they see, what they may do, and that the reference does the same.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { irq, pulse, registerBank, registerMap, ro, rw, w1c } from '../../src/registers/index.ts';
import { ReferenceXorshift } from '../reference/index.ts';
import { BankPair, type Side } from './world/bank-pair.ts';
import { randomMap } from './world/random-map.ts';

const timer = registerMap('timer', { bytes: 0x20, access: [1, 2, 4] }, {
  CTRL: { at: 0x0, fields: { EN: rw(0), GO: pulse(1), MODE: rw(9, 8) } },
  STATUS: { at: 0x4, fields: { DONE: w1c(0), BUSY: ro(1) } },
  MASK: { at: 0x8, fields: { DONE: rw(0) } },
  BELL: { at: 0xc, notify: 'ring', fields: { tail: rw(15, 0) } },
  PLAIN: { at: 0x10, fields: { value: rw(31, 0) } },
}, { irq: [irq('done', { line: 3, status: 'STATUS', mask: 'MASK' })] });

describe('B-write', () => {
  test('B-write the hook of a pulse runs when the pulse is up, not when it is written with 0', () => {
    const seen: number[] = [];
    const bank = registerBank(createEngine(), timer, { hooks: { CTRL: { GO: ({ value }) => void seen.push(value) } } });
    bank.region.write32(0, 0x1);
    expect(seen).toEqual([]);
    bank.region.write32(0, 0x2);
    expect(seen).toEqual([1]);
    bank.destroy();
  });

  test('B-write a field hook runs when its bits are touched, with what was and what is, and a pulse falls behind it', () => {
    const seen: unknown[] = [];
    const bank = registerBank(createEngine(), timer, { hooks: { CTRL: { GO: ({ path, old, value }) => seen.push([path, old, value, bank.regs.CTRL.GO.get()]), MODE: ({ value }) => seen.push(['MODE', value]) } } });
    bank.region.write8(0, 0x3);
    bank.region.write8(1, 0x2);
    expect(seen).toEqual([['CTRL.GO', 0, 1, 1], ['MODE', 2]]);
    expect([bank.regs.CTRL.GO.get(), bank.regs.CTRL.EN.get(), bank.regs.CTRL.MODE.get()]).toEqual([0, 1, 2]);
  });

  test('B-write a before-write hook may replace the data, in the lanes only', () => {
    const bank = registerBank(createEngine(), timer, { hooks: { PLAIN: { beforeWrite: ({ data }) => (data ^ 0xffff_ffff) >>> 0 } } });
    bank.region.write16(0x10, 0x1234);
    expect(bank.regs.PLAIN.peek()).toBe(0xedcb);
  });

  test('B-atomic what a hook throws ends the access, is thrown by whoever made it, and the write stays', () => {
    const mine = new Error('not ready');
    const bank = registerBank(createEngine(), timer, { hooks: { CTRL: { EN: () => { throw mine; } } } });
    expect(() => bank.region.write32(0, 0x101)).toThrow(mine);
    expect([bank.regs.CTRL.EN.get(), bank.regs.CTRL.MODE.get()]).toEqual([1, 1]);
  });
});

describe('B-irq', () => {
  test('B-irq a line is told of when the access has ended, once for each change', () => {
    const told: unknown[] = [];
    const bank = registerBank(createEngine(), timer, { level: (line, high) => told.push([line, high]), hooks: { CTRL: { GO: () => { bank.regs.STATUS.DONE.set(); told.push('hook ends'); } } } });
    bank.region.write32(0x8, 1);
    bank.region.write32(0, 2);
    bank.region.write32(0x4, 1);
    expect(told).toEqual(['hook ends', [3, true], [3, false]]);
  });
});

describe('B-notify', () => {
  test('B-notify a doorbell waits until the host asks, and runs no JavaScript before', () => {
    const rung: unknown[] = [];
    const engine = createEngine();
    const bank = registerBank(engine, timer, { doorbell: (event) => rung.push(event) });
    bank.region.write16(0xc, 7);
    bank.region.write16(0xc, 8);
    expect(rung).toEqual([]);
    expect(engine.pump()).toBe(2);
    expect(rung).toEqual([7, 8].map((value) => ({ path: 'BELL', indices: [], position: 0xc, bytes: 2, value })));
    expect(bank.regs.BELL.tail.get()).toBe(8);
  });

  test('B-notify doorbells that nobody asked for in time are dropped, and every bank is told once to look at its own', () => {
    const told: unknown[] = [];
    const engine = createEngine();
    const [noisy, quiet] = ['noisy', 'quiet'].map((name) => registerBank(engine, timer, { doorbell: ({ value }) => told.push([name, value]), doorbellsLost: () => told.push([name, 'lost']) }));
    for (let i = 0; i < 4096; i++) noisy!.region.write16(0xc, i);
    engine.pump();
    expect(told).toEqual(Array.from({ length: 4096 }, (_, i) => ['noisy', i]));
    told.length = 0;
    for (let i = 0; i < 4097; i++) noisy!.region.write16(0xc, 1);
    quiet!.region.write16(0xc, 7);
    expect(engine.pump()).toBe(4096);
    expect(told.slice(4096)).toEqual([['noisy', 'lost'], ['quiet', 'lost']]);
    expect(quiet!.regs.BELL.tail.get()).toBe(7);
    expect(engine.pump()).toBe(0);
    expect(told).toHaveLength(4098);
  });

  test('B-notify what throws when doorbells were lost is thrown when all were told', () => {
    const engine = createEngine();
    const told: string[] = [];
    registerBank(engine, timer, { doorbellsLost: () => { throw new Error('looked away'); } });
    const bank = registerBank(engine, timer, { doorbellsLost: () => told.push('lost') });
    for (let i = 0; i < 4097; i++) bank.region.write16(0xc, 1);
    expect(() => engine.pump()).toThrow('looked away');
    expect(told).toEqual(['lost']);
  });
});

describe('hooks on both sides', () => {
  /** Hooks for every register of a map, which record, poke others, replace data, and now and then throw. */
  const hooksOf = (seed: number, map: ReturnType<typeof randomMap>) => (side: Side): object => {
    const entries = new Map<string, object>();
    for (const { name, entry, number, bits, port } of map.registers) {
      if (port !== undefined || entries.has(name) || entry.includes('.')) continue;
      const random = new ReferenceXorshift(seed + number);
      const note = (moment: string) => (event: object): undefined => {
        side.calls.push([moment, { ...event }]);
        const other = random.next() % map.registers.length;
        if (random.next() % 4 === 0) side.poke(other, 0xffn, BigInt(random.next() % 256));
        if (random.next() % 11 === 0) throw new Error('a hook of the test');
        return undefined;
      };
      const hooks: Record<string, unknown> = {};
      if (random.next() % 2 === 0) hooks['beforeRead'] = note('beforeRead');
      if (random.next() % 2 === 0) hooks['afterRead'] = note('afterRead');
      if (random.next() % 2 === 0) {
        const first = note('beforeWrite');
        hooks['beforeWrite'] = (event: { data: number | bigint }) => {
          first(event);
          return bits === 64 ? BigInt.asUintN(64, ~(event.data as bigint)) : (~(event.data as number) & (2 ** Math.min(bits, 31) - 1)) >>> 0;
        };
      }
      if (random.next() % 2 === 0) hooks['afterWrite'] = note('afterWrite');
      const field = map.registers[number]!.fields[0];
      if (field !== undefined && random.next() % 2 === 0) hooks[field.name] = note('field');
      entries.set(name, hooks);
    }
    return Object.fromEntries(entries);
  };

  test.each([0, 1, 2, 3])('hooks see and do the same on both sides %i', (part) => {
    for (let seed = 1000 + part * 12; seed < 1000 + (part + 1) * 12; seed++) {
      const map = randomMap(seed);
      const pair = new BankPair(map, { hooks: hooksOf(seed, map) });
      const random = new ReferenceXorshift(seed);
      for (let i = 0; i < 80; i++) {
        const register = map.registers[random.next() % map.registers.length]!;
        const width = Math.min(register.bytes, map.access.at(-1)!) as 1 | 2 | 4 | 8;
        if (random.next() % 2 === 0) pair.read(register.position, width);
        else pair.write(register.position, width, (BigInt(random.next()) << 32n) | BigInt(random.next()));
        pair.compare();
      }
      pair.close();
    }
    expect(part).toBeLessThan(4);
  });
});
