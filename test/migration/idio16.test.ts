// An idio16 migrated in the middle of its work: outputs, latched changes and inputs that settle go on, beside a twin that stays where it is; what is at the connector is the world's.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IDIO16_FILTER_NS, idio16 } from '../../src/devices/index.ts';
import type { Idio16 } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import { StateWriter } from '../../src/pci/index.ts';
import { RECORD, RecordReader, encodeRecord } from '../../src/pci/migration/records.ts';
import { MigrationUser, STATE } from './user.ts';

let bench: Testbench;
let users: MigrationUser[];

function begin(): void {
  bench = createTestbench();
  users = [];
}

function end(): void {
  for (const user of users) user.exit();
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
}

beforeEach(begin);
afterEach(end);

/** A card and the program that has it open. */
interface Plugged {
  readonly card: Idio16;
  readonly user: MigrationUser;
  readonly told: number[];
  readonly read: (register: number) => number;
  readonly write: (register: number, value: number) => void;
}

function plug(): Plugged {
  const told: number[] = [];
  const card = bench.plug((engine, host) => idio16(engine, host, { onOutputs: (outputs) => told.push(outputs) }));
  const user = new MigrationUser(bench.engine, card.vfio);
  users.push(user);
  const bar = bench.addressOf(card, 2);
  return { card, user, told, read: (register) => bench.ports.read8(bar + register), write: (register, value) => bench.ports.write8(bar + register, value) };
}

const registers = ({ card }: Plugged): readonly number[] => Object.values(card.bar(2).regs).map((register) => register.peek());

const operation = fc.oneof(
  fc.record({ kind: fc.constant('read' as const), register: fc.nat(7) }),
  fc.record({ kind: fc.constant('write' as const), register: fc.nat(7), value: fc.nat(0xff) }),
  fc.record({ kind: fc.constant('inputs' as const), value: fc.nat(0xffff) }),
  fc.record({ kind: fc.constant('wait' as const), ns: fc.nat(IDIO16_FILTER_NS) }),
);

test('goes on as its twin does, whatever was done before and is done afterwards', () => {
  fc.assert(fc.property(fc.array(operation, { maxLength: 40 }), fc.array(operation, { maxLength: 40 }), (before, after) => {
    const [twin, source, target] = [plug(), plug(), plug()];
    const run = (operations: typeof before, other: Plugged): void => {
      for (const step of operations) {
        if (step.kind === 'read') expect(other.read(step.register)).toBe(twin.read(step.register));
        else if (step.kind === 'write') for (const { write } of [twin, other]) write(step.register, step.value);
        else if (step.kind === 'inputs') for (const { card } of [twin, source, target]) card.setInputs(step.value);
        else bench.clock.advance(step.ns);
        expect([registers(other), other.card.outputs()]).toEqual([registers(twin), twin.card.outputs()]);
      }
    };
    run(before, source);
    target.user.load(source.user.save());
    expect(registers(target)).toEqual(registers(twin));
    expect(target.told.at(-1) ?? 0).toBe(twin.card.outputs());
    run(after, target);
    bench.clock.advance(IDIO16_FILTER_NS);
    expect(registers(target)).toEqual(registers(twin));
  }).beforeEach(() => {
    end();
    begin();
  }), { numRuns: 150, seed: 20261122 });
});

test('a filtered input that was about to be seen is seen when it would have been', () => {
  const [source, target] = [plug(), plug()];
  source.read(3);
  for (const { card } of [source, target]) card.setInputs(0x0001);
  bench.clock.advance(IDIO16_FILTER_NS - 1000);
  target.user.load(source.user.save());
  bench.clock.advance(999);
  expect(target.read(1)).toBe(0);
  bench.clock.advance(1);
  expect(target.read(1)).toBe(1);
});

test('an input that settles goes on to, though its filter is gone since', () => {
  const [source, target] = [plug(), plug()];
  source.write(7, 1);
  for (const { card } of [source, target]) card.setInputs(0x0021);
  source.write(3, 0);
  target.user.load(source.user.save());
  expect([source.card.bar(2).regs.IN_0_7.peek(), target.read(1)]).toEqual([0x20, 0x20]);
  bench.clock.advance(IDIO16_FILTER_NS);
  expect(target.read(1)).toBe(0x21);
});

test('another world at the connector is a change, with its interrupt', () => {
  const [source, target] = [plug(), plug()];
  source.card.setInputs(0x0003);
  source.read(2);
  target.card.setInputs(0x0103);
  target.user.load(source.user.save());
  expect([target.read(1), target.read(5), target.read(6)]).toEqual([0x03, 0x01, 0x06]);
});

test('a change while the card is stopped is seen when it goes on', () => {
  const { card, user, read } = plug();
  read(2);
  user.save();
  card.setInputs(0x0100);
  expect(card.bar(2).regs.IN_8_15.peek()).toBe(0);
  user.set(STATE.RUNNING);
  expect([read(5), read(6)]).toEqual([1, 6]);
});

test('a migration that is given up leaves what settles as it was', () => {
  const { card, user, read } = plug();
  read(3);
  card.setInputs(1);
  bench.clock.advance(IDIO16_FILTER_NS - 1);
  user.save();
  user.set(STATE.RUNNING);
  bench.clock.advance(1);
  expect(read(1)).toBe(1);
});

/** Eight registers, and inputs that settle. */
function state(values: readonly number[], waiting: readonly (readonly [bit: number, ns: bigint])[] = []): Uint8Array {
  const to = new StateWriter();
  for (const value of values) to.u8(value);
  return to.list(waiting, (one, [bit, ns]) => one.u16(bit).u64(ns)).bytes();
}

test.each([
  ['a register with bits that it has not', state([0, 0, 2, 0, 0, 0, 0, 0])],
  ['an input of two bits', state([0, 0, 0, 0, 0, 0, 0, 0], [[3, 1n]])],
  ['an input of none', state([0, 0, 0, 0, 0, 0, 0, 0], [[0, 1n]])],
  ['a time longer than a filter takes', state([0, 0, 0, 0, 0, 0, 0, 0], [[1, BigInt(IDIO16_FILTER_NS) + 1n]])],
  ['17 inputs', state([0, 0, 0, 0, 0, 0, 0, 0], Array.from({ length: 17 }, () => [1, 1n] as const))],
  ['bytes behind its end', Uint8Array.from([...state([0, 0, 0, 0, 0, 0, 0, 0]), 0])],
  ['too few bytes', state([0, 0, 0, 0])],
])('a state with %s is EINVAL, and the card is as it was', (_, bytes) => {
  const { card, write, user } = plug();
  write(0, 0x5a);
  const records: { kind: number; payload: Uint8Array }[] = [];
  new RecordReader((record) => void records.push(record)).write(user.save());
  records.push({ kind: RECORD.LAST, payload: new Uint8Array() });
  const stream = Buffer.concat(records.map((record, number) => encodeRecord(number, record.kind === RECORD.STATE ? { ...record, payload: bytes } : record)));
  user.set(STATE.RUNNING);
  expect(() => user.load(new Uint8Array(stream))).toThrow(expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining('idio16: load') }));
  expect(card.outputs()).toBe(0x5a);
});
