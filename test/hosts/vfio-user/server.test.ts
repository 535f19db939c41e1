// Server and client over a real socket: several clients, one after the other, and several devices; what stays between them; DMA by messages; what the transport lacks.

import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { spawnSync } from 'node:child_process';
import { describe, expect, jest, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { edu, idio16 } from '../../../src/devices/index.ts';
import type { Edu, Idio16 } from '../../../src/devices/index.ts';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { VfioDevice } from '../../../src/vfio/index.ts';
import { type ServedDevice, VfioUserClient, type VfioUserServer, commandMessage, encodePayload, serveDevice, serveVfioUser, wallClock } from '../../../src/hosts/vfio-user/index.ts';
import { newPath } from './sockets.ts';

const EMPTY = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };
const MASTER = Uint8Array.of(0x06, 0);

interface Served {
  readonly card: Edu;
  readonly clock: ManualClock;
  readonly device: ServedDevice;
  readonly server: VfioUserServer;
  readonly path: string;
}

async function withEdu(run: (served: Served) => Promise<void>): Promise<void> {
  const clock = new ManualClock();
  let card!: Edu;
  const device = serveDevice(createEngine(), (engine, host) => (card = edu(engine, host)), { clock });
  const path = newPath();
  const server = await serveVfioUser(device, { path });
  try {
    await run({ card, clock, device, server, path });
  } finally {
    await server.close();
    device.destroy();
  }
  expect([device.engine.live(), existsSync(path)]).toEqual([EMPTY, false]);
}

test('a client reads who the device is, and works with its registers', async () => {
  await withEdu(async ({ clock, path, server }) => {
    const client = await VfioUserClient.connect(path);
    expect(client.version).toMatchObject({ major: 0, minor: 2, capabilities: { max_msg_fds: 16, write_multiple: true } });
    expect(await client.deviceInfo()).toEqual({ flags: 3, numRegions: 9, numIrqs: 5 });
    expect((await client.regionInfo(0)).size).toBe(0x10_0000n);
    expect(await client.regionInfo(1)).toEqual({ index: 1, flags: 0, size: 0n, capabilities: [] });
    expect([await client.irqInfo(0), await client.irqInfo(1)]).toMatchObject([{ count: 1 }, { count: 1 }]);
    expect([await client.read32(0, 0), await client.read32(7, 0)]).toEqual([0x0100_00ed, 0x11e8_1234]);
    await client.write32(0, 8, 5);
    clock.advance(1);
    expect(await client.read32(0, 8)).toBe(120);
    client.postWrite(0, 4, Uint8Array.of(0xff, 0, 0, 0));
    expect(await client.read32(0, 4)).toBe(0xffff_ff00);
    expect(await client.writeMulti([{ region: 0, offset: 4, data: Uint8Array.of(1, 0, 0, 0) }, { region: 0, offset: 0x80, data: Uint8Array.of(9, 0, 0, 0) }])).toBe(2);
    expect([await client.read32(0, 4), await client.read32(0, 0x80)]).toEqual([0xffff_fffe, 9]);
    await expect(client.read(0, 0x10_0000, 4)).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(client.regionInfo(9)).rejects.toMatchObject({ code: 'EINVAL' });
    expect(await client.probeFeature(1)).toBe(false);
    await client.reset();
    expect([await client.read32(0, 0x80), server.session!.received > 10]).toEqual([0, true]);
    await client.close();
    expect(client.isOver).toBe(true);
    await expect(client.read32(0, 0)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

test('the device copies the client\'s memory, by messages, both ways', async () => {
  await withEdu(async ({ card, clock, path }) => {
    const client = await VfioUserClient.connect(path);
    const memory = Uint8Array.from({ length: 0x2000 }, (_, i) => (5 * i) & 0xff);
    await client.dmaMap(0x10_0000, memory);
    await client.write(7, 4, MASTER);
    const transfer = async (source: number, target: number, bytes: number, command: number): Promise<void> => {
      for (const [at, value] of [[0x80, source], [0x88, target], [0x90, bytes], [0x98, command]] as const) await client.write32(0, at, value);
      clock.advance(100_000_000);
      while ((await client.read32(0, 0x98)) & 1) await new Promise((resolve) => void setImmediate(resolve));
    };
    await transfer(0x10_0100, 0x4_0000, 0x800, 1);
    await transfer(0x4_0000, 0x10_1000, 0x800, 3);
    expect(memory.subarray(0x1000, 0x1800)).toEqual(memory.subarray(0x100, 0x900));
    await client.dmaUnmap(0x10_0000, 0x2000);
    await transfer(0x4_0000, 0x10_0010, 4, 3);
    expect(memory[0x10]).toBe(80);
    expect(card.dma.inFlight).toBe(0);
    await client.close();
  });
});

test('clients come one after the other; the device is as the one before left it, but for its memory', async () => {
  await withEdu(async ({ device, server, path }) => {
    for (let i = 0; i < 5; i++) {
      const client = await VfioUserClient.connect(path);
      expect(await client.read32(0, 0x80)).toBe(i);
      await client.write32(0, 0x80, i + 1);
      await client.dmaMap(0, new Uint8Array(0x1000));
      expect(server.session!.mappings).toBe(1);
      await client.close();
    }
    expect([server.clients, device.process.fds.length]).toEqual([5, 1]);
  });
});

test('a second client waits until the first one is gone', async () => {
  await withEdu(async ({ server, path }) => {
    const first = await VfioUserClient.connect(path);
    let isServed = false;
    const second = VfioUserClient.connect(path).then((client) => {
      isServed = true;
      return client;
    });
    for (let i = 0; i < 20; i++) await first.read32(0, 0);
    expect([isServed, server.clients]).toEqual([false, 1]);
    await first.close();
    expect(await (await second).read32(0, 0)).toBe(0x0100_00ed);
    await (await second).close();
  });
});

test('a client that is cut off in the middle of a message leaves a server that serves the next one', async () => {
  await withEdu(async ({ path, server }) => {
    const message = commandMessage(0, 1, encodePayload('VERSION', 'request', { major: 0, minor: 0, data: new Uint8Array(0) }));
    for (let cut = 0; cut <= message.length; cut++) {
      await new Promise<void>((resolve) => {
        const socket = connect(path, () => socket.end(message.subarray(0, cut)));
        socket.resume().on('close', () => resolve());
      });
    }
    const client = await VfioUserClient.connect(path);
    expect([await client.read32(0, 0), server.clients]).toEqual([0x0100_00ed, message.length + 2]);
    await client.close();
  });
});

test('a message that is too long is refused, and ends the connection', async () => {
  await withEdu(async ({ path }) => {
    const client = await VfioUserClient.connect(path);
    const bytes = commandMessage(0, 9, new Uint8Array(16));
    new DataView(bytes.buffer).setUint32(4, 0x10_0021, true);
    const lost = client.ask('DEVICE_GET_IRQ_INFO', new Uint8Array(16));
    client.sendRaw(bytes);
    await expect(lost).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(client.read32(0, 0)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await client.close();
    const next = await VfioUserClient.connect(path);
    expect(await next.read32(0, 0)).toBe(0x0100_00ed);
    await next.close();
  });
});

test('a flood of reads whose answers nobody takes costs bounded memory, and is answered when they are', async () => {
  const MIB = 0x10_0000;
  const device = serveDevice(createEngine(), (engine) => new VfioDevice({ name: '0000:00:01.0', regions: { 0: { region: engine.region({ kind: 'ram', size: MIB, name: 'BAR 0' }) } } }));
  const path = newPath();
  const server = await serveVfioUser(device, { path });
  const version = commandMessage(0, 1, encodePayload('VERSION', 'request', { major: 0, minor: 0, data: new Uint8Array(0) }));
  const read = commandMessage(1, 9, encodePayload('REGION_READ', 'request', { offset: 0n, region: 0, count: MIB }));
  const wanted = 60;
  const socket = connect(path);
  socket.pause();
  await new Promise<void>((resolve) => void socket.once('connect', resolve));
  socket.write(Buffer.concat([version, ...Array.from({ length: wanted }, () => read)]));
  // Turns of the event loop, until the server does nothing more about it.
  for (let last = -1; server.session === undefined || server.session.received !== last; ) {
    last = server.session?.received ?? -1;
    for (let i = 0; i < 50; i++) await new Promise((resolve) => void setImmediate(resolve));
  }
  expect(server.session.received).toBeGreaterThan(1);
  expect(server.session.received).toBeLessThan(10);
  let bytes = 0;
  await new Promise<void>((resolve) => {
    socket.on('data', ({ length }) => {
      bytes += length;
      if (bytes === 20 + wanted * (MIB + 32)) resolve();
    });
    socket.resume();
  });
  expect(server.session.received).toBe(wanted + 1);
  socket.destroy();
  await server.close();
  device.destroy();
});

test('two devices of one program are two servers', async () => {
  const engine = createEngine();
  let card!: Idio16;
  const devices = [serveDevice(engine, (owner, host) => (card = idio16(owner, host)), { clock: new ManualClock() }), serveDevice(engine, edu, { clock: new ManualClock(), slot: '00:02.0' })] as const;
  const servers = await Promise.all(devices.map((device) => serveVfioUser(device, { path: newPath() })));
  const [gpio, teaching] = await Promise.all(servers.map(({ path }) => VfioUserClient.connect(path)));
  card.setInputs(0x0102);
  await gpio!.write(2, 0, Uint8Array.of(0xaa));
  expect([card.outputs(), await gpio!.read(2, 1, 1), await gpio!.read(2, 5, 1), await teaching!.read32(0, 0)]).toEqual([0xaa, Uint8Array.of(2), Uint8Array.of(1), 0x0100_00ed]);
  await Promise.all(servers.map((server) => server.close()));
  for (const client of [gpio!, teaching!]) await expect(client.read32(7, 0)).rejects.toMatchObject({ code: 'ECONNRESET' });
  for (const device of devices) device.destroy();
  expect(engine.live()).toEqual(EMPTY);
});

describe('the place to listen at', () => {
  test('that another server has is EADDRINUSE, and that server stays', async () => {
    await withEdu(async ({ device, path }) => {
      await expect(serveVfioUser(device, { path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
      const client = await VfioUserClient.connect(path);
      expect(await client.read32(0, 0)).toBe(0x0100_00ed);
      await client.close();
    });
  });

  test('that a dead server left behind is taken over; a file that is no socket is not', async () => {
    const path = newPath();
    // A server that is killed does not take its socket away.
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(existsSync(path)).toBe(true);
    const device = serveDevice(createEngine(), edu, { clock: new ManualClock() });
    const server = await serveVfioUser(device, { path });
    const client = await VfioUserClient.connect(path);
    expect(await client.read32(0, 0)).toBe(0x0100_00ed);
    await client.close();
    await server.close();
    const file = newPath();
    writeFileSync(file, 'mine');
    await expect(serveVfioUser(device, { path: file })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(existsSync(file)).toBe(true);
    await expect(serveVfioUser(device, { path: newPath('nowhere/x.sock') })).rejects.toMatchObject({ name: 'VfioError' });
    device.destroy();
  });

  test('where nobody is: ENOENT for a client', async () => {
    await expect(VfioUserClient.connect(newPath())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('may be used again after a close, by the same device', async () => {
    const device = serveDevice(createEngine(), edu, { clock: new ManualClock() });
    const path = newPath();
    for (let i = 0; i < 2; i++) {
      const server = await serveVfioUser(device, { path });
      const client = await VfioUserClient.connect(path);
      expect(await client.read32(0, 0x80)).toBe(i);
      await client.write32(0, 0x80, 1);
      await server.close();
      await client.close();
    }
    device.destroy();
  });
});

test('the server says what the transport lacks', async () => {
  await withEdu(async ({ server }) => {
    expect([server.abilities, server.missing.map((text) => text.split(':')[0])]).toEqual([{ fds: false }, ['interrupts are off', 'shared memory is off']]);
  });
});

test('who is told: of clients that come and go', async () => {
  const told: string[] = [];
  const device = serveDevice(createEngine(), edu, { clock: new ManualClock() });
  const path = newPath();
  const server = await serveVfioUser(device, { path, onClient: () => told.push('came'), onClientGone: (session) => told.push(`gone after ${session.received}`) });
  const client = await VfioUserClient.connect(path);
  await client.reset();
  await client.close();
  await server.close();
  expect(told).toEqual(['came', 'gone after 2']);
  device.destroy();
});

test('a server that answers nonsense is EPROTO for a client, and one that goes ECONNRESET', async () => {
  const path = newPath();
  const nonsense = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(commandMessage(0, 1, Uint8Array.of(9), 1)));
  });
  await new Promise<void>((resolve) => void nonsense.listen(path, resolve));
  await expect(VfioUserClient.connect(path)).rejects.toMatchObject({ code: 'EPROTO' });
  await new Promise((resolve) => void nonsense.close(resolve));
  const leaving = createServer((socket) => void socket.once('data', () => socket.destroy()));
  await new Promise<void>((resolve) => void leaving.listen(path, resolve));
  await expect(VfioUserClient.connect(path)).rejects.toMatchObject({ code: 'ECONNRESET' });
  await new Promise((resolve) => void leaving.close(resolve));
});

test('timers of the machine\'s clock come when they are due, and not when they were taken back', async () => {
  // Node's own timers may come up to a millisecond early: these come at once.
  const timer = setTimeout;
  const hasty = jest.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void) => timer(run, 0)) as never);
  // Timers do not keep the program running.
  const keep = setInterval(() => undefined, 1000);
  const clock = wallClock();
  const before = clock.now();
  const came: string[] = [];
  clock.after(0, () => void came.push('taken back'))();
  await Promise.all([0, 2_000_000].map((delay) => new Promise<void>((resolve) => void clock.after(delay, () => (came.push(clock.now() - before >= BigInt(delay) ? 'in time' : 'early'), resolve())))));
  clearInterval(keep);
  hasty.mockRestore();
  expect(came).toEqual(['in time', 'in time']);
});
