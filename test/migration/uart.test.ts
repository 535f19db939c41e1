// Serial cards migrated through VFIO: mtty as Linux's sample answers (section 3.4, reference software device), serial with the bytes that are on their way.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mtty, serial } from '../../src/devices/index.ts';
import type { Mtty, Serial } from '../../src/devices/index.ts';
import { outcome } from '../vfio/support.ts';
import { bench, useMigrationBench, users } from './bench.ts';
import { MigrationUser, STATE } from './user.ts';

const MS = 1_000_000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const header = (ports: number, flags = 0): Uint8Array =>
  new Uint8Array([0x4e, 0x2c, 0x3e, 0x8c, 0x89, 0x09, 0x9d, 0x7e, 1, 0, 0, 0, 0, 0, 0, 0, ports, 0, 0, 0, flags, 0, 0, 0]);

useMigrationBench();

function userOf(card: Mtty | Serial): MigrationUser {
  const user = new MigrationUser(bench.engine, card.vfio);
  users.push(user);
  return user;
}

describe('mtty', () => {
  let source: Mtty;
  let target: Mtty;
  let from: MigrationUser;
  let to: MigrationUser;
  const write = (card: Mtty, register: number, value: number): void => bench.ports.write8(bench.addressOf(card, 0) + register, value);
  beforeEach(() => {
    source = bench.plug(mtty);
    target = bench.plug(mtty);
    [from, to] = [userOf(source), userOf(target)];
    write(source, 3, 0x03);
    write(source, 2, 0x01);
    for (const byte of bytes('hello')) write(source, 0, byte);
  });

  test('has 24 bytes and 36 for each port; the header is there ahead', () => {
    expect(from.dataSize).toBe(96);
    from.set(STATE.PRE_COPY);
    expect(from.info()).toEqual([24, 0]);
    expect(from.read(10, 10)).toEqual(header(2).subarray(0, 10));
    expect(from.info()).toEqual([14, 0]);
    // Its temporary end is 0 bytes.
    expect(from.read(4096)).toEqual(header(2).subarray(10));
    expect(from.info()).toEqual([0, 0]);
    from.set(STATE.STOP_COPY);
    expect(from.read(4096)).toEqual(source.saveState().subarray(24));
    expect(from.read(4096).length).toBe(0);
  });

  test.each([1, 5, 96])('arrives in pieces of %i bytes', (piece) => {
    to.load(from.save(), piece);
    expect(target.saveState()).toEqual(source.saveState());
    expect(String.fromCharCode(...Array.from({ length: 5 }, () => bench.ports.read8(bench.addressOf(target, 0))))).toBe('hello');
  });

  test('what is missing can still be written; more is ENOMEM', () => {
    const stream = from.save();
    to.set(STATE.RESUMING);
    to.write(stream.subarray(0, 95));
    expect(outcome(() => to.set(STATE.STOP))).toBe('EINVAL');
    expect(to.state).toBe(STATE.RESUMING);
    expect(outcome(() => to.write(new Uint8Array(2)))).toBe('ENOMEM');
    to.write(stream.subarray(95));
    to.set(STATE.RUNNING);
    expect(target.saveState()).toEqual(source.saveState());
  });

  test.each<[string, (stream: Uint8Array) => void]>([
    ['magic', (stream) => (stream[0]! ^= 1)],
    ['major version', (stream) => (stream[8] = 2)],
    ['minor version', (stream) => (stream[12] = 1)],
    ['ports', (stream) => (stream[16] = 1)],
    ['flags', (stream) => (stream[20] = 1)],
  ])('another %s is EFAULT with the 24th byte, which is counted, and the target stays', (_, change) => {
    const stream = from.save();
    change(stream);
    const before = target.saveState();
    to.set(STATE.RESUMING);
    to.write(stream.subarray(0, 23));
    expect(outcome(() => to.write(stream.subarray(23, 24)))).toBe('EFAULT');
    to.write(stream.subarray(24));
    expect(outcome(() => to.write(stream.subarray(95)))).toBe('ENOMEM');
    expect(outcome(() => to.set(STATE.STOP))).toBe('EINVAL');
    expect(target.saveState()).toEqual(before);
  });

  test('ports that cannot be are EINVAL, and the target stays', () => {
    const stream = from.save();
    stream[24 + 24] = 16;
    const before = target.saveState();
    to.set(STATE.RESUMING);
    to.write(stream);
    expect(outcome(() => to.set(STATE.STOP))).toBe('EINVAL');
    expect(target.saveState()).toEqual(before);
  });
});

describe('serial', () => {
  const RX_AND_TX = 'in flight';

  function plug(timing: 'divisor' | 'immediate', sent: number[]): { readonly card: Serial; readonly user: MigrationUser; readonly port: number } {
    const card = bench.plug((engine, host) => serial(engine, host, { timing, onTransmit: (byte) => sent.push(byte) }));
    return { card, user: userOf(card), port: bench.addressOf(card, 0) };
  }

  function setUp(port: number): void {
    bench.memory.write8(port + 3, 0x80);
    bench.memory.write8(port, 12);
    bench.memory.write8(port + 3, 0x03);
    bench.memory.write8(port + 2, 0xc1);
    bench.memory.write8(port + 1, 0x0f);
  }

  test('bytes on the line, in FIFOs and outside arrive at the other end, each once, at their time', async () => {
    const [there, here]: [number[], number[]] = [[], []];
    const source = plug('divisor', there);
    const target = plug('divisor', here);
    setUp(source.port);
    for (const byte of bytes(RX_AND_TX)) bench.memory.write8(source.port, byte);
    source.card.receive(bytes('abcdef'));
    source.card.receive(new Uint8Array([1]), 'framing');
    // A byte takes 1.04 ms.
    await bench.run(2.5 * MS);
    expect(there.length).toBe(2);
    source.user.set(STATE.STOP);
    await bench.run(20 * MS);
    expect(there.length).toBe(2);
    const stream = source.user.save();
    target.user.load(stream);
    source.user.set(STATE.STOP);
    await bench.run(0.6 * MS);
    expect(here.length).toBe(0);
    await bench.run(0.1 * MS);
    expect(here.length).toBe(1);
    await bench.run(20 * MS);
    expect(String.fromCharCode(...there, ...here)).toBe(RX_AND_TX);
    const received: number[] = [];
    const errors: number[] = [];
    for (let lsr = bench.memory.read8(target.port + 5); (lsr & 1) !== 0; lsr = bench.memory.read8(target.port + 5)) {
      errors.push(lsr & 0x1e);
      received.push(bench.memory.read8(target.port));
    }
    expect(String.fromCharCode(...received)).toBe('abcdef\u0001');
    expect(errors).toEqual([0, 0, 0, 0, 0, 0, 0x08]);
  });

  test('a migration that is given up goes on where it was', async () => {
    const there: number[] = [];
    const source = plug('divisor', there);
    setUp(source.port);
    for (const byte of bytes('abc')) bench.memory.write8(source.port, byte);
    await bench.run(1.5 * MS);
    source.user.set(STATE.PRE_COPY);
    source.user.set(STATE.STOP_COPY);
    source.card.receive(bytes('x'));
    await bench.run(50 * MS);
    expect([there.length, bench.memory.read8(source.port + 5) & 1]).toEqual([1, 0]);
    source.user.set(STATE.RUNNING);
    await bench.run(10 * MS);
    expect(String.fromCharCode(...there)).toBe('abc');
    expect(bench.memory.read8(source.port)).toBe(0x78);
  });

  test("takes mtty's data of one port", () => {
    const target = plug('immediate', []);
    const other = bench.plug((engine, host) => mtty(engine, host, { ports: 1 }));
    bench.ports.write8(bench.addressOf(other, 0) + 7, 0x5a);
    target.user.load(other.saveState());
    expect(bench.memory.read8(target.port + 7)).toBe(0x5a);
  });

  test('whatever is cut off or turned around is EINVAL, and the target stays', async () => {
    const source = plug('divisor', []);
    const target = plug('divisor', []);
    setUp(source.port);
    for (const byte of bytes('abc')) bench.memory.write8(source.port, byte);
    source.card.receive(bytes('xyz'));
    await bench.run(1.5 * MS);
    const stream = source.user.save();
    expect(stream.subarray(0, 24)).toEqual(header(1, 1));
    const before = target.user.save();
    target.user.set(STATE.RUNNING);
    const refused = (wrong: Uint8Array): void => {
      target.user.set(STATE.RESUMING);
      target.user.write(wrong);
      expect(outcome(() => target.user.set(STATE.STOP))).toBe('EINVAL');
      target.card.vfio.migration!.reset();
    };
    for (let length = 0; length < stream.length; length++) refused(stream.subarray(0, length));
    refused(new Uint8Array([...stream, 0]));
    for (let bit = 0; bit < 8 * stream.length; bit++) {
      const wrong = stream.slice();
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      refused(wrong);
    }
    refused(mttyOfTwo());
    expect(target.user.save()).toEqual(before);
  });

  function mttyOfTwo(): Uint8Array {
    return bench.plug(mtty).saveState();
  }

  test('a source whose user goes away without a word is reset', async () => {
    const there: number[] = [];
    const source = plug('divisor', there);
    setUp(source.port);
    for (const byte of bytes('abc')) bench.memory.write8(source.port, byte);
    source.user.save();
    source.user.exit();
    await bench.run(50 * MS);
    expect(there).toEqual([]);
    expect(source.card.vfio.migration!.state).toBe(STATE.RUNNING);
  });
});
