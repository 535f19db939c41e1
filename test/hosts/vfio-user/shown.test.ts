// Pieces that a transport shows: what is dealt with where it lies ends as if it had been received, and nothing is looked at afterwards.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import { COMMANDS, type Connection, type ConnectionHandler, DESK_REPLY, type Transport, commandMessage, encodePayload, serveDevice, serveVfioUser } from '../../../src/hosts/vfio-user/index.ts';
import { VfioError } from '../../../src/uapi/index.ts';
import { VfioDevice } from '../../../src/vfio/index.ts';
import { hexOf } from './support.ts';

const MIB = 1 << 20;
const [TROUBLE, REFUSAL] = [0x40, 0x44];

interface Served {
  /** Messages to the client, accesses of the device, errors of its code. */
  readonly sent: string[];
  readonly accesses: string[];
  readonly errors: string[];
  readonly received: () => number;
  readonly connection: { unsent: number; isPaused: boolean };
  readonly drained: () => void;
  piece(bytes: Uint8Array): void;
  close(): Promise<void>;
}

/** A device of memory, of memory that is only read, and of code that fails at two places, at a transport without a socket. */
async function served(shows: boolean): Promise<Served> {
  const [sent, accesses, errors]: string[][] = [[], [], []];
  const engine = createEngine();
  const fail = (position: number | bigint): void => {
    if (position === TROUBLE) throw new Error('trouble');
    if (position === REFUSAL) throw new VfioError('EBUSY', 'model', 'not now');
  };
  const code = {
    read: (position: number | bigint, width: number) => {
      accesses!.push(`read ${position} ${width}`);
      fail(position);
      return 0x8765_4321;
    },
    write: (position: number | bigint, width: number, value: number | bigint) => {
      accesses!.push(`write ${position} ${width} ${value}`);
      fail(position);
    },
  };
  const memory = (name: string) => engine.region({ kind: 'ram', size: 0x100, name });
  const device = serveDevice(
    engine,
    () =>
      new VfioDevice({
        name: '0000:00:01.0',
        regions: { 0: { region: memory('BAR 0') }, 1: { region: engine.region({ kind: 'hook', size: 0x100, name: 'BAR 1', ...code }) }, 2: { region: memory('BAR 2'), writable: false }, 7: { region: memory('config') } },
      }),
  );
  const view = new DataView(new ArrayBuffer(0x4000));
  const memoryOfDesk = new Uint8Array(view.buffer);
  const desk = { view, piece: 0x200, reply: 0x20 };
  const state = { unsent: 0, isPaused: false };
  let handler!: ConnectionHandler;
  const connection: Connection = {
    send: (message) => void sent!.push(hexOf(message)),
    sendShown: (count) => void sent!.push(hexOf(memoryOfDesk.subarray(desk.reply, desk.reply + count))),
    get unsent() {
      return state.unsent;
    },
    pause: () => void (state.isPaused = true),
    resume: () => void (state.isPaused = false),
    close: () => void sent!.push('closed'),
  };
  const transport: Transport = {
    abilities: { fds: false },
    listen(_path, accept) {
      handler = accept(connection);
      return Promise.resolve({ close: () => Promise.resolve(handler.closed()) });
    },
    connect: () => Promise.reject(new Error('there is no client')),
  };
  const server = await serveVfioUser(device, { path: 'none', transport, onDeviceError: (error) => void errors!.push(String(error)) });
  return {
    sent: sent!,
    accesses: accesses!,
    errors: errors!,
    received: () => server.session!.received,
    connection: state,
    drained: () => handler.drained(),
    piece(bytes) {
      memoryOfDesk.set(bytes, desk.piece);
      const done = shows ? handler.shown!(desk, bytes.length) : 0;
      // It is the transport's again, and in use for something else.
      memoryOfDesk.fill(0xee);
      if (done < bytes.length) handler.received(bytes.slice(done), []);
    },
    async close() {
      await server.close();
      device.destroy();
    },
  };
}

const VERSION = commandMessage(0, COMMANDS.VERSION, encodePayload('VERSION', 'request', { major: 0, minor: 0 }));

const access = fc.record({
  id: fc.nat(0xffff),
  command: fc.constantFrom(COMMANDS.REGION_READ, COMMANDS.REGION_READ, COMMANDS.REGION_WRITE, COMMANDS.REGION_WRITE, COMMANDS.DEVICE_GET_INFO, COMMANDS.VERSION, COMMANDS.DEVICE_RESET, 99),
  flags: fc.constantFrom(0, 0, 0, 0x10, 0x20, 1, 2, 0x8000_0000),
  offset: fc.constantFrom(0n, 1n, 2n, 4n, 8n, 0x3dn, 0x40n, 0x44n, 0xfcn, 0xfen, 0x100n, 1n << 32n, 1n << 53n, (1n << 64n) - 1n),
  region: fc.constantFrom(0, 0, 1, 1, 2, 3, 7, 8, 9, 0xffff_ffff),
  count: fc.constantFrom(0, 1, 2, 3, 4, 4, 4, 5, 8, 0xffff_ffff),
  /** Bytes of data that are too many, or too few. */
  more: fc.constantFrom(0, 0, 0, 0, 0, 1, -1, 4),
  data: fc.uint8Array({ minLength: 12, maxLength: 12 }),
});

function bytesOf({ id, command, flags, offset, region, count, more, data }: typeof access extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  const head = new DataView(new ArrayBuffer(16));
  head.setBigUint64(0, offset, true);
  head.setUint32(8, region, true);
  head.setUint32(12, count, true);
  const length = Math.max(0, (command === COMMANDS.REGION_WRITE ? Math.min(count, 8) : 0) + more);
  return commandMessage(id, command, Buffer.concat([new Uint8Array(head.buffer), data.subarray(0, length)]), flags);
}

test('whatever the messages are and however they are cut, replies, accesses and errors are those of pieces that are received', async () => {
  const messages = fc.record({ isAgreed: fc.integer({ min: 0, max: 9 }).map((n) => n > 0), all: fc.array(access, { maxLength: 20 }), cuts: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 10 }), lie: fc.constantFrom(undefined, undefined, undefined, 0, 15, 0x20_0000, 0xffff_ffff) });
  await fc.assert(
    fc.asyncProperty(messages, async ({ isAgreed, all, cuts, lie }) => {
      const stream = Buffer.concat([...(isAgreed ? [VERSION] : []), ...all.map(bytesOf)]);
      if (lie !== undefined && all.length > 0) stream.writeUInt32LE(lie, stream.length - bytesOf(all.at(-1)!).length + 4);
      const [shown, received] = [await served(true), await served(false)];
      for (let [at, i] = [0, 0]; at < stream.length; i++) {
        const piece = stream.subarray(at, at + cuts[i % cuts.length]!);
        at += piece.length;
        for (const one of [shown, received]) one.piece(piece);
      }
      expect([shown.sent, shown.accesses, shown.errors, shown.received()]).toEqual([received.sent, received.accesses, received.errors, received.received()]);
      await shown.close();
      await received.close();
    }),
    { numRuns: 150 },
  );
});

const read = (id: number, region = 0): Uint8Array => commandMessage(id, COMMANDS.REGION_READ, encodePayload('REGION_READ', 'request', { offset: 0n, region, count: 4 }));

test('accesses are dealt with at the desk, everything else and what is behind it is received', async () => {
  const one = await served(true);
  one.piece(VERSION);
  const view = new DataView(new ArrayBuffer(0x1000));
  const bytes = Buffer.concat([read(1), read(2, 1), commandMessage(3, COMMANDS.DEVICE_RESET, new Uint8Array(0)), read(4)]);
  const piece = 0x100;
  new Uint8Array(view.buffer).set(bytes, piece);
  const transport: Transport = {
    abilities: { fds: false },
    listen(_path, accept) {
      const replies: number[] = [];
      const handler = accept({ send: () => undefined, sendShown: (count) => void replies.push(view.getUint16(0, true), count), unsent: 0, pause: () => undefined, resume: () => undefined, close: () => undefined });
      handler.received(VERSION, []);
      expect([handler.shown!({ view, piece, reply: 0 }, bytes.length), replies]).toEqual([64, [1, 36, 2, 36]]);
      return Promise.resolve({ close: () => Promise.resolve(handler.closed()) });
    },
    connect: () => Promise.reject(new Error('there is no client')),
  };
  const device = serveDevice(createEngine(), (engine) => new VfioDevice({ name: '0000:00:02.0', regions: { 0: { region: engine.region({ kind: 'ram', size: 0x100 }) }, 1: { region: engine.region({ kind: 'ram', size: 0x100 }) } } }));
  await (await serveVfioUser(device, { path: 'none', transport })).close();
  device.destroy();
  await one.close();
  expect(DESK_REPLY).toBeGreaterThanOrEqual(36);
});

test('a client that takes no replies is not read further: what is shown waits, and is answered in its order', async () => {
  const one = await served(true);
  one.piece(VERSION);
  one.connection.unsent = MIB;
  one.piece(Buffer.concat([read(1), read(2)]));
  expect([one.sent.length, one.connection.isPaused]).toEqual([1, true]);
  // One that has been on its way.
  one.piece(read(3));
  expect(one.sent).toHaveLength(1);
  one.connection.unsent = 0;
  one.drained();
  expect([one.sent.slice(1).map((hex) => hex.slice(0, 4)), one.connection.isPaused]).toEqual([['0100', '0200', '0300'], false]);
  await one.close();
});
