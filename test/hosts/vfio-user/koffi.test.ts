// The transport that passes fds, over real sockets: interrupts, shared memory, fds that nobody wanted, and none left open.

import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { edu } from '../../../src/devices/index.ts';
import type { Edu } from '../../../src/devices/index.ts';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { COMMANDS, type PassedFd, VfioUserClient, type VfioUserServer, commandMessage, encodePayload, eventFd, hasKoffi, koffiTransport, netTransport, serveDevice, serveVfioUser, sharedMemory } from '../../../src/hosts/vfio-user/index.ts';
import { type PlainDevice, plainDevice } from './support.ts';

let folder: string;
let count = 0;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'vfio-user-'))));
afterAll(() => rmSync(folder, { recursive: true }));
const newPath = (): string => join(folder, `${count++}.sock`);
const openFds = (): number => readdirSync('/proc/self/fd').length;
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Turns of the event loop until something is so; a test that waits in vain is ended by jest. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

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

test.each(['read-write', 'mapped'] as const)('the device copies shared memory both ways at once, and tells it by INTx: %s', async (memory) => {
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
  }, { memory });
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
  await withPlain(async (client, server, { device }) => {
    const told: number[] = [];
    await client.enableInterrupts(2, 16, (vector) => void told.push(vector));
    expect(server.session!.heldFds).toBe(16);
    for (const vector of [3, 0, 15]) {
      device.vfio.interrupts.trigger?.(vector);
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
