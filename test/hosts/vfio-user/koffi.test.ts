// The transport that passes fds, over real sockets: interrupts, shared memory, fds that nobody wanted, and none left open.

import { closeSync, existsSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { edu } from '../../../src/devices/index.ts';
import type { Edu } from '../../../src/devices/index.ts';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { COMMANDS, type PassedFd, VfioUserClient, type VfioUserServer, commandMessage, encodePayload, eventFd, hasKoffi, koffiTransport, netTransport, serveDevice, serveVfioUser, sharedMemory } from '../../../src/hosts/vfio-user/index.ts';
import { newPath, openFds, turn, until } from './sockets.ts';
import { type PlainDevice, plainDevice } from './support.ts';

const transport = koffiTransport();
const [NONE, BOOL, EVENTFD, UNMASK, TRIGGER] = [1, 2, 4, 0x10, 0x20];
const MASTER = Uint8Array.of(0x06, 0);

interface Served {
  readonly card: Edu;
  readonly clock: ManualClock;
  readonly server: VfioUserServer;
  readonly client: VfioUserClient;
  readonly path: string;
}

async function withEdu(run: (served: Served) => Promise<void>, options: Parameters<typeof koffiTransport>[0] = {}): Promise<void> {
  const clock = new ManualClock();
  let card!: Edu;
  const device = serveDevice(createEngine(), (engine, host) => (card = edu(engine, host)), { clock });
  const path = newPath();
  const server = await serveVfioUser(device, { path, transport: koffiTransport(options) });
  const client = await VfioUserClient.connect(path, { transport });
  try {
    await run({ card, clock, server, client, path });
  } finally {
    await client.close();
    await server.close();
    device.destroy();
  }
  expect([device.engine.live(), existsSync(path)]).toEqual([{ nodes: 0, pages: 0, objects: 0, backingBytes: 0 }, false]);
}

async function withPlain(run: (client: VfioUserClient, server: VfioUserServer, plain: PlainDevice) => Promise<void>): Promise<void> {
  const plain = plainDevice();
  const server = await serveVfioUser(plain.device, { path: newPath(), transport });
  const client = await VfioUserClient.connect(server.path, { transport });
  try {
    await run(client, server, plain);
  } finally {
    await client.close();
    await server.close();
    plain.device.destroy();
  }
}

test('koffi is there, and the server lacks nothing', async () => {
  expect(await hasKoffi()).toBe(true);
  await withEdu(async ({ server }) => {
    expect([server.abilities.fds, server.missing]).toEqual([true, []]);
  });
});

test.each([{ memory: 'read-write' }, { memory: 'mapped' }, { waiting: 'standing' }, { patience: 0 }] as const)('the device copies shared memory both ways at once, and tells it by INTx: %j', async (options) => {
  await withEdu(async ({ clock, client, server }) => {
    const shared = await sharedMemory(0x2000);
    for (let i = 0; i < 0x1000; i++) shared.bytes[i] = (7 * i) & 0xff;
    await client.dmaMap(0x10_0000, shared);
    await client.write(7, 4, MASTER);
    let told = 0;
    await client.enableInterrupts(0, 1, () => void told++);
    for (const [source, target, command] of [[0x10_0100, 0x4_0000, 5], [0x4_0000, 0x10_1000, 7]] as const) {
      const before = told;
      for (const [at, value] of [[0x80, source], [0x88, target], [0x90, 0x800], [0x98, command]] as const) await client.write32(0, at, value);
      clock.advance(100_000_000);
      await until(() => told > before);
      await client.write32(0, 0x64, await client.read32(0, 0x24));
      await client.setIrqs({ index: 0, flags: NONE! | UNMASK!, count: 1 });
    }
    expect(Buffer.compare(shared.bytes.subarray(0x1000, 0x1800), shared.bytes.subarray(0x100, 0x900))).toBe(0);
    expect([told, server.session!.asked]).toEqual([2, 0]);
    shared.fd.close();
  }, options);
});

test('a level that stays high is told again when it is unmasked, by command and by eventfd', async () => {
  await withEdu(async ({ client }) => {
    let told = 0;
    await client.enableInterrupts(0, 1, () => void told++);
    await client.write32(0, 0x60, 1);
    await until(() => told === 1);
    await client.setIrqs({ index: 0, flags: NONE! | UNMASK!, count: 1 });
    await until(() => told === 2);
    const unmask = await eventFd();
    await client.setIrqs({ index: 0, flags: EVENTFD! | UNMASK!, count: 1, fds: [unmask] });
    unmask.signal();
    await until(() => told === 3);
    await client.write32(0, 0x64, 1);
    unmask.signal();
    await client.read32(0, 0);
    await client.write32(0, 0x60, 2);
    await until(() => told === 4);
    unmask.close();
  });
});

test('every vector of MSI-X is an event of its own; the last ones too, which come in messages of their own', async () => {
  await withPlain(async (client, server) => {
    const told: number[] = [];
    await client.enableInterrupts(2, 16, (vector) => void told.push(vector));
    expect(server.session!.heldFds).toBe(16);
    for (const vector of [3, 0, 15]) {
      await client.setIrqs({ index: 2, flags: NONE! | TRIGGER!, start: vector, count: 1 });
      await until(() => told.includes(vector));
    }
    await client.setIrqs({ index: 2, flags: BOOL! | TRIGGER!, start: 1, count: 2, data: Uint8Array.of(0, 1) });
    await until(() => told.includes(2));
    expect(told).not.toContain(1);
    await client.disableInterrupts(2);
    expect(server.session!.heldFds).toBe(0);
  });
});

test('512 mappings, each with its own fd of one memory, hold one file; an unmap of all gives it back', async () => {
  await withPlain(async (client, server) => {
    const shared = await sharedMemory(512 * 0x1000);
    const before = openFds();
    for (let page = 0; page < 512; page++) {
      const request = encodePayload('DMA_MAP', 'request', { argsz: 32, flags: 3, offset: page * 0x1000, addr: page * 0x2000, size: 0x1000 });
      await client.ask('DMA_MAP', request, [shared.fd]);
    }
    expect([server.session!.mappings, openFds() - before]).toEqual([512, 1]);
    await client.dmaUnmapAll();
    expect([server.session!.mappings, openFds() - before]).toEqual([0, 0]);
    shared.fd.close();
  });
});

describe('fds that nobody wants', () => {
  /** A file, a socket's end and an event: what a client can pass by mistake. */
  async function withFds(run: (fds: { readonly memory: PassedFd; readonly event: PassedFd }) => Promise<void>): Promise<void> {
    const [{ fd: memory }, event] = [await sharedMemory(0x1000), await eventFd()];
    await run({ memory, event });
    memory.close();
    event.close();
  }
  const map = encodePayload('DMA_MAP', 'request', { argsz: 32, flags: 3, offset: 0, addr: 0, size: 0x1000 });

  test('are closed, whatever the message; one that takes none and is given some is refused where it says what it takes', async () => {
    await withFds(async ({ memory, event }) => {
      await withPlain(async (client, server) => {
        const before = openFds();
        await expect(client.ask('DMA_MAP', map, [event])).rejects.toMatchObject({ code: 'EINVAL' });
        await expect(client.ask('DMA_MAP', map, [memory, memory])).rejects.toMatchObject({ code: 'EINVAL' });
        await expect(client.setIrqs({ index: 2, flags: EVENTFD! | TRIGGER!, count: 1, fds: [memory] })).rejects.toMatchObject({ code: 'EINVAL' });
        await expect(client.setIrqs({ index: 2, flags: BOOL! | TRIGGER!, count: 1, data: Uint8Array.of(1), fds: [event] })).rejects.toMatchObject({ code: 'EINVAL' });
        await expect(client.setIrqs({ index: 2, flags: EVENTFD! | TRIGGER!, count: 2, fds: [event] })).rejects.toMatchObject({ code: 'EINVAL' });
        await expect(client.ask('DEVICE_RESET', new Uint8Array(0), Array.from({ length: 254 }, () => event))).rejects.toMatchObject({ code: 'EINVAL' });
        await client.ask('DEVICE_RESET', new Uint8Array(0), [memory, event]);
        await client.ask('REGION_READ', encodePayload('REGION_READ', 'request', { offset: 0, region: 0, count: 4 }), Array.from({ length: 253 }, () => event));
        expect([openFds() - before, server.session!.mappings, server.session!.heldFds]).toEqual([0, 0, 0]);
      });
    });
  });

  test('2000 requests and 200 connections leave as many open as there were', async () => {
    await withFds(async ({ memory, event }) => {
      const plain = plainDevice();
      const server = await serveVfioUser(plain.device, { path: newPath(), transport });
      const before = openFds();
      for (let i = 0; i < 200; i++) {
        const client = await VfioUserClient.connect(server.path, { transport, twinSocket: i % 2 === 0 });
        const asked: Promise<unknown>[] = [];
        for (let j = 0; j < 10; j++) asked.push(client.ask(j % 2 === 0 ? 'DMA_MAP' : 'DEVICE_SET_IRQS', map, [j % 3 === 0 ? memory : event]).catch(() => undefined));
        await Promise.all(asked);
        // Some leave while the server still has something of theirs to answer, or half of a message with fds.
        if (i % 4 === 0) void client.ask('DEVICE_RESET', new Uint8Array(0), [memory, event]).catch(() => undefined);
        if (i % 4 === 1) client.sendRaw(commandMessage(0, COMMANDS.DMA_MAP, map).subarray(0, 20), [memory]);
        await client.close();
      }
      await until(() => server.session === undefined && server.clients === 200);
      expect(openFds()).toBe(before);
      await server.close();
      plain.device.destroy();
    });
  });

  test('a message that never ends, with more and more fds, ends the connection', async () => {
    await withFds(async ({ event }) => {
      await withPlain(async (client, server) => {
        const before = openFds();
        const many = Array.from({ length: 253 }, () => event);
        const message = commandMessage(0, COMMANDS.REGION_WRITE, new Uint8Array(0x1000));
        client.sendRaw(message.subarray(0, 16), many);
        for (let at = 16; at < 40; at++) {
          client.sendRaw(message.subarray(at, at + 1), many);
          await turn();
          if (client.isOver) break;
        }
        await until(() => client.isOver && server.session === undefined);
        expect(openFds()).toBeLessThanOrEqual(before);
      });
    });
  });
});

describe('memory', () => {
  test('that ends before the mapping does is EFAULT for the transfer, and is not made longer', async () => {
    await withPlain(async (client, _server, { device }) => {
      const file = newPath('memory');
      writeFileSync(file, new Uint8Array(0x1000).fill(5));
      const number = openSync(file, 'r+');
      const shared = await sharedMemory(0x1000);
      await client.ask('DMA_MAP', encodePayload('DMA_MAP', 'request', { argsz: 32, flags: 3, offset: 0, addr: 0, size: 0x10_0000 }), [shared.fd]);
      await device.dma.write(0xffcn, Uint8Array.of(1, 2, 3, 4));
      await expect(device.dma.write(0xffdn, Uint8Array.of(1, 2, 3, 4))).rejects.toMatchObject({ code: 'EFAULT' });
      await expect(device.dma.read(0xffdn, new Uint8Array(4))).rejects.toMatchObject({ code: 'EFAULT' });
      expect([...shared.bytes.subarray(0xffc)]).toEqual([1, 2, 3, 4]);
      expect(fstatSync(number).size).toBe(0x1000);
      closeSync(number);
      shared.fd.close();
    });
  });

  test('that is mapped to be read only is not written', async () => {
    await withPlain(async (client, _server, { device }) => {
      const shared = await sharedMemory(0x1000);
      await client.dmaMap(0x4000, shared, { writable: false });
      await expect(device.dma.write(0x4000n, Uint8Array.of(1))).rejects.toMatchObject({ code: 'EFAULT' });
      const byte = new Uint8Array(1);
      shared.bytes[0] = 9;
      await device.dma.read(0x4000n, byte);
      expect([byte[0], shared.bytes[0]]).toEqual([9, 9]);
      shared.fd.close();
    });
  });

  test.each([0, -1, 1.5, 2 ** 34])('of %p bytes is a RangeError', async (bytes) => {
    await expect(sharedMemory(bytes)).rejects.toThrow(RangeError);
  });
});

test('DMA messages of a server with a twin socket go there; the client\'s own socket carries none of them', async () => {
  const plain = plainDevice();
  const server = await serveVfioUser(plain.device, { path: newPath(), transport });
  const client = await VfioUserClient.connect(server.path, { transport, twinSocket: true });
  expect(client.version.capabilities).toMatchObject({ twin_socket: { supported: true, fd_index: 0 } });
  expect(server.session!.agreed).toMatchObject({ hasTwin: true });
  const memory = new Uint8Array(0x2000).fill(3);
  await client.dmaMap(0x1000, memory);
  const before = server.session!.received;
  const read = new Uint8Array(0x1800);
  await plain.device.dma.read(0x1010n, read);
  await plain.device.dma.write(0x1000n, Uint8Array.of(8, 9));
  expect([read.every((byte) => byte === 3), memory[0], memory[1], server.session!.received - before]).toEqual([true, 8, 9, 2]);
  await client.close();
  await server.close();
  plain.device.destroy();
});

describe('the place to listen at', () => {
  test('is a socket of the other transport for clients without fds too', async () => {
    await withEdu(async ({ client, path }) => {
      await client.close();
      const other = await VfioUserClient.connect(path, { transport: netTransport() });
      expect(await other.read32(0, 0)).toBe(0x0100_00ed);
      await expect(other.dmaMap(0, await sharedMemory(0x1000))).rejects.toMatchObject({ code: 'EOPNOTSUPP' });
      await expect(other.enableInterrupts(0, 1, () => undefined)).rejects.toMatchObject({ code: 'EOPNOTSUPP' });
      await other.close();
    });
  });

  test('that another server has is EADDRINUSE; one left behind is taken over; a file stays what it is', async () => {
    const plain = plainDevice();
    const server = await serveVfioUser(plain.device, { path: newPath(), transport });
    await expect(serveVfioUser(plain.device, { path: server.path, transport })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await server.close();
    const left = newPath();
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(left, resolve));
    // As a process that is killed leaves it: closed, and still there.
    const moved = `${left}.moved`;
    (await import('node:fs')).renameSync(left, moved);
    await new Promise<void>((resolve) => void other.close(() => resolve()));
    const again = await serveVfioUser(plain.device, { path: moved, transport });
    await again.close();
    const file = newPath('file');
    writeFileSync(file, 'x');
    await expect(serveVfioUser(plain.device, { path: file, transport })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(existsSync(file)).toBe(true);
    plain.device.destroy();
  });

  test('a path of 108 bytes is ENAMETOOLONG; nobody there is ENOENT', async () => {
    const plain = plainDevice();
    await expect(serveVfioUser(plain.device, { path: `/${'x'.repeat(107)}`, transport })).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    await expect(VfioUserClient.connect(newPath(), { transport })).rejects.toMatchObject({ code: 'ENOENT' });
    plain.device.destroy();
  });

  test('a second client waits until the first one is gone', async () => {
    await withEdu(async ({ client, server, path }) => {
      let isServed = false;
      const second = VfioUserClient.connect(path, { transport }).then((one) => {
        isServed = true;
        return one;
      });
      for (let i = 0; i < 20; i++) await client.read32(0, 0);
      expect([isServed, server.clients]).toEqual([false, 1]);
      await client.close();
      expect(await (await second).read32(0, 0)).toBe(0x0100_00ed);
      await (await second).close();
    });
  });
});

test('a flood of short reads whose answers nobody takes for a while: each is answered once, in order', async () => {
  await withPlain(async (first, server) => {
    await first.write32(0, 0, 0x1234_5678);
    await first.close();
    const socket = connect(server.path).pause();
    const [most, reply] = [2000, 36];
    const read = encodePayload('REGION_READ', 'request', { offset: 0, region: 0, count: 4 });
    const version = commandMessage(0, COMMANDS.VERSION, encodePayload('VERSION', 'request', { major: 0, minor: 0 }));
    socket.write(Buffer.concat([version, ...Array.from({ length: most }, (_, i) => commandMessage(i, COMMANDS.REGION_READ, read))]));
    await until(() => server.session?.received === most + 1);
    const taken: Buffer[] = [];
    let bytes = 0;
    socket.on('data', (piece: Buffer) => {
      taken.push(piece);
      bytes += piece.length;
    });
    socket.resume();
    const versionReply = 20;
    await until(() => bytes >= versionReply + most * reply);
    const all = Buffer.concat(taken).subarray(versionReply);
    const wrong = Array.from({ length: most }, (_, i) => i).find((i) => all.readUInt16LE(i * reply) !== i || all.readUInt32LE(i * reply + 4) !== reply || all.readUInt32LE(i * reply + 32) !== 0x1234_5678);
    expect([wrong, all.length]).toEqual([undefined, most * reply]);
    socket.destroy();
    await until(() => server.session === undefined);
  });
});

test.each([-1, 0.5, 1_000_001])('a patience of %p is a RangeError', (patience) => {
  expect(() => koffiTransport({ patience })).toThrow(RangeError);
});

test.each([{ memory: 'none' as never }, { waiting: 'asleep' as never }])('%j is a TypeError', (options) => {
  expect(() => koffiTransport(options)).toThrow(TypeError);
});
