// A client that floods and does not read: the server keeps a megabyte of answers for it and one more answer, reads it no further, and goes on when it reads, or is gone.

import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { COMMANDS, type Connection, type ConnectionHandler, MessageStream, type PassedFd, type Transport, VfioUserClient, type VfioUserServer, commandMessage, encodePayload, koffiTransport, netTransport, serveDevice, serveVfioUser } from '../../../src/hosts/vfio-user/index.ts';
import { VfioDevice } from '../../../src/vfio/index.ts';
import { newPath, openFds, turn, until } from './sockets.ts';
import { versionStep } from './wire/row.ts';

const HIGH_WATER = 1 << 20;
const ANSWER = 0x4_0000;
const HEAD = 32;
const READS = 200;
/** Turns in which a server that reads on would have read on. */
const TURNS = 100;

interface Flood {
  readonly server: VfioUserServer;
  /** The server's end. */
  readonly served: Connection;
  /** The client's end, which does not read. */
  readonly client: Client;
  /** Of the answers that were read, in their order. */
  readonly ids: number[];
  readonly fds: PassedFd[];
  readonly device: ReturnType<typeof serveDevice>;
  readonly isClosed: () => boolean;
}

/** `close` ends it at once, as the death of its program does. */
type Client = Pick<Connection, 'send' | 'pause' | 'resume' | 'unsent' | 'close'>;
type Connect = (path: string, handler: ConnectionHandler) => Promise<Client>;

/** A client that any server has. */
const plainClient: Connect = async (path, handler) => {
  const socket = connect(path);
  await new Promise((resolve) => void socket.once('connect', () => resolve(undefined)));
  socket.on('data', (bytes) => handler.received(bytes, []));
  socket.on('error', () => undefined);
  socket.on('close', () => handler.closed());
  return {
    send: (message) => void socket.write(message),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
    get unsent() {
      return socket.writableLength;
    },
  };
};

async function flooded(transport: Transport, run: (flood: Flood) => Promise<void>, open: Connect = plainClient): Promise<void> {
  const engine = createEngine();
  const ram = (size: number) => engine.region({ kind: 'ram', size, name: 'bytes' });
  const device = serveDevice(engine, () => new VfioDevice({ name: '0000:00:01.0', regions: { 0: { region: ram(0x10_0000) }, 7: { region: ram(0x100) } }, doorbells: [{ region: 0, offset: 0x10, datamatch: 0x77 }] }));
  let served!: Connection;
  const spied: Transport = { ...transport, listen: (path, accept) => transport.listen(path, (connection) => accept((served = connection))) };
  const server = await serveVfioUser(device, { path: newPath(), transport: spied });
  const before = openFds();
  const [ids, fds]: [number[], PassedFd[]] = [[], []];
  const stream = new MessageStream<PassedFd>(1 << 21);
  let isClosed = false;
  const client = await open(server.path, {
    received(bytes, given) {
      stream.push(bytes, given);
      fds.push(...given);
      for (let one = stream.next(); one !== undefined; one = stream.next()) ids.push(one.header.id);
    },
    drained: () => undefined,
    closed: () => void (isClosed = true),
  });
  try {
    client.send(versionStep().bytes);
    await until(() => ids.length === 1);
    await run({ server, served, client, ids, fds, device, isClosed: () => isClosed });
  } finally {
    client.resume();
    client.close();
    await until(() => isClosed && server.session === undefined);
    for (const fd of fds) fd.close();
  }
  expect(openFds()).toBe(before);
  // Whoever comes next is served.
  const next = await VfioUserClient.connect(server.path, { transport });
  expect(await next.read32(7, 0)).toBe(0);
  await next.close();
  await server.close();
  device.destroy();
}

const read = (id: number): Uint8Array => commandMessage(id, COMMANDS.REGION_READ, encodePayload('REGION_READ', 'request', { offset: 0, region: 0, count: ANSWER }));
const post = (at: number, bytes: number): Uint8Array => commandMessage(0, COMMANDS.REGION_WRITE, encodePayload('REGION_WRITE', 'request', { offset: at, region: 0, count: bytes, data: new Uint8Array(bytes).fill(0x5a) }), 0x10);

/** Asks for 50 MiB that it does not read, and sends 4 MiB behind that. How many messages the server has looked at when it looks no further. */
async function flood({ server, served, client }: Flood): Promise<number> {
  const session = server.session!;
  client.pause();
  for (let id = 1; id <= READS; id++) client.send(read(id));
  for (let i = 0; i < 4; i++) client.send(post(0x1000, 0xf_0000));
  await until(() => served.unsent >= HIGH_WATER);
  const looked = session.received;
  for (let i = 0; i < TURNS; i++) {
    await turn();
    expect(served.unsent).toBeLessThan(HIGH_WATER + ANSWER + HEAD);
    expect(session.received).toBe(looked);
  }
  // What it has not read is the client's to keep.
  expect(client.unsent).toBeGreaterThan(2 << 20);
  return looked;
}

describe.each<[string, () => Transport]>([
  ['net', netTransport],
  ['koffi', () => koffiTransport()],
  ['koffi without patience', () => koffiTransport({ patience: 0 })],
  ['koffi that waits in the receive', () => koffiTransport({ patience: 4000 })],
  ['koffi, standing', () => koffiTransport({ waiting: 'standing' })],
])('%s', (_name, makeTransport) => {
  test('the server stops reading, and goes on when the client reads: every answer comes, in order', async () => {
    await flooded(makeTransport(), async (one) => {
      const looked = await flood(one);
      // About as many answers as the server keeps and the kernel holds.
      expect(looked).toBeLessThan(READS / 4);
      one.client.resume();
      await until(() => one.ids.length === READS + 1);
      expect(one.ids.slice(1)).toEqual(Array.from({ length: READS }, (_, i) => i + 1));
      await until(() => one.server.session!.received === READS + 5);
      expect([one.served.unsent, one.client.unsent]).toEqual([0, 0]);
    });
  });

  test('a client that goes in the middle of it takes nothing with it, and leaves nothing', async () => {
    await flooded(makeTransport(), async (one) => {
      await flood(one);
    });
  });

  test('in pieces, read a little at a time', async () => {
    await flooded(makeTransport(), async (one) => {
      await flood(one);
      let most = 0;
      while (one.ids.length < READS + 1) {
        one.client.resume();
        await turn();
        one.client.pause();
        await turn();
        most = Math.max(most, one.served.unsent);
      }
      expect(most).toBeLessThan(HIGH_WATER + ANSWER + HEAD);
      one.client.resume();
      await until(() => one.server.session!.received === READS + 5);
    });
  });
});

test('a doorbell rung behind a flood waits for it, and costs nothing meanwhile', async () => {
  await flooded(koffiTransport(), async (one) => {
    const { client, ids, fds, device, server } = one;
    client.send(commandMessage(0, COMMANDS.DEVICE_GET_REGION_IO_FDS, new Uint8Array(Uint32Array.of(4096, 0, 0, 0).buffer)));
    await until(() => ids.length === 2);
    const bell = device.vfio.region(0)!.region;
    await flood(one);
    fds[0]!.signal();
    for (let i = 0; i < TURNS; i++) await turn();
    expect([bell.read32(0x10), server.session!.counts.doorbells]).toEqual([0, 0]);
    client.resume();
    await until(() => server.session!.counts.doorbells === 1);
    expect(bell.read32(0x10)).toBe(0x77);
    await until(() => ids.length === READS + 2);
  }, (path, handler) => koffiTransport().connect(path, handler));
});
