// DEVICE_GET_REGION_IO_FDS: what is told of a device's doorbells and to whom, and what a signal does, when, and how often.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import { endpointTest } from '../../../src/devices/index.ts';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { type Bells, COMMANDS, SessionLog, type Transport, VfioUserClient, type VfioUserServer, commandMessage, decodePayload, koffiTransport, loggedTransport, netTransport, serveDevice, serveVfioUser, sharedMemory } from '../../../src/hosts/vfio-user/index.ts';
import { pciDevice } from '../../../src/pci/index.ts';
import { VfioError } from '../../../src/uapi/index.ts';
import type { DoorbellDescription } from '../../../src/vfio/index.ts';
import { systemCalls } from '../../../src/hosts/vfio-user/transport/koffi-calls.ts';
import { newPath, openFds, until } from './sockets.ts';
import { Peer, TestFd, hexOf } from './support.ts';

const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

const DOORBELLS: readonly DoorbellDescription[] = [
  { region: 0, offset: 0x10, datamatch: 7 },
  { region: 0, offset: 0x10, datamatch: 9 },
  { region: 2, offset: 0x20, size: 2 },
  { region: 0, offset: 0x18, size: 8, datamatch: 0x1122_3344_5566_7788n },
  { region: 0, offset: 0x30, size: 0 },
];

/** A card whose BARs write down what is written to them, BAR 2 ports; a read tells how many writes there were. A write to 40 throws. */
function bellCard(doorbells = DOORBELLS) {
  const writes: string[] = [];
  const bar = (name: string) => ({
    read: () => writes.length,
    write(position: number | bigint, width: number, value: number | bigint) {
      if (position === 0x40) throw new Error('not here');
      writes.push(`${name}+${position.toString(16)}/${width} ${value.toString(16)}`);
    },
  });
  const device = serveDevice(createEngine(), (engine, host) => pciDevice(engine, { id: [0x1de5, 3], class: 0x088000, bars: { 0: { size: 0x1000, ...bar('BAR 0') }, 2: { size: 0x100, kind: 'io', ...bar('BAR 2') }, 3: { memory: 0x100 } }, vfio: { doorbells } }, host));
  return { device, writes };
}

/** Bells without a socket. */
class TestBells implements Bells {
  readonly fds: TestFd[];
  readonly rung: () => void;
  isClosed = false;

  constructor(many: number, rung: () => void) {
    this.fds = Array.from({ length: many }, () => new TestFd());
    this.rung = rung;
  }

  take(): readonly number[] {
    const signalled = [...this.fds.keys()].filter((i) => this.fds[i]!.signals > 0);
    for (const i of signalled) this.fds[i]!.signals = 0;
    return signalled;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** A client of a session without a socket; `capabilities` undefined: as QEMU. */
function byHand(card = bellCard(), capabilities?: object) {
  const made: TestBells[] = [];
  const thrown: unknown[] = [];
  const peer = new Peer(card.device, { passesFds: true, openBells: (...options) => (made.push(new TestBells(...options)), made.at(-1)!), onDeviceError: (error) => void thrown.push((error as Error).message) });
  peer.version(capabilities);
  return { ...card, peer, made, thrown };
}
const ask = (peer: Peer, argsz: number, index: number) => decodePayload('DEVICE_GET_REGION_IO_FDS', 'reply', peer.ask('DEVICE_GET_REGION_IO_FDS', u32(argsz, 0, index, 0)).payload);

describe('what is told', () => {
  test('is each place of the region with the index of its fd; fds that there are once, whoever asks how often', () => {
    const { peer, made } = byHand();
    const { argsz, index, count: entries, data } = ask(peer, 4096, 0);
    expect([argsz, index, entries]).toEqual([16 + 4 * 40, 0, 4]);
    expect(hexOf(data)).toBe(
      '1000000000000000' + '0400000000000000' + '00000000' + '00000000' + '01000000' + '00000000' + '0700000000000000' +
      '1000000000000000' + '0400000000000000' + '01000000' + '00000000' + '01000000' + '00000000' + '0900000000000000' +
      '1800000000000000' + '0800000000000000' + '02000000' + '00000000' + '01000000' + '00000000' + '8877665544332211' +
      '3000000000000000' + '0000000000000000' + '03000000' + '00000000' + '00000000' + '00000000' + '0000000000000000',
    );
    expect(peer.given).toEqual([0, 1, 3, 4].map((i) => made[0]!.fds[i]));
    expect(hexOf(ask(peer, 56, 2).data)).toBe('2000000000000000' + '0200000000000000' + '00000000' + '00000000' + '02000000' + '00000000' + '0000000000000000');
    expect([made.length, peer.given.length, peer.session.givenFds]).toEqual([1, 5, 5]);
    ask(peer, 4096, 0);
    expect([made.length, peer.given.length, peer.given.at(-1)]).toEqual([1, 9, made[0]!.fds[4]]);
  });

  test('with any argsz, flags, index and count: all of it with its fds, how much room it needs, or EINVAL', () => {
    const { peer } = byHand();
    const size = fc.oneof(fc.nat(300), fc.constantFrom(15, 16, 55, 56, 175, 176, 0x10_0010, 0x10_0011, 0xffff_ffff));
    const zero = fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat());
    fc.assert(
      fc.property(size, zero, fc.oneof(fc.nat(9), fc.nat()), zero, (argsz, flags, index, asked) => {
        const before = peer.given.length;
        const { result, payload } = peer.ask('DEVICE_GET_REGION_IO_FDS', u32(argsz, flags, index, asked));
        const isGood = argsz >= 16 && argsz <= 0x10_0010 && flags === 0 && asked === 0 && [0, 2, 3, 7].includes(index);
        expect(result).toBe(isGood ? 'ok' : 'EINVAL');
        const entries = !isGood ? 0 : index === 0 ? 4 : index === 2 ? 1 : 0;
        const fits = argsz >= 16 + 40 * entries;
        expect(peer.given.length - before).toBe(fits ? entries : 0);
        if (!isGood) return;
        expect(payload.length).toBe(fits ? 16 + 40 * entries : 16);
        expect(payload.subarray(0, 16)).toEqual(u32(16 + 40 * entries, 0, index, fits ? entries : 0));
      }),
      { numRuns: 500 },
    );
  });

  test.each([[0, 0], [1, 1], [3, 3], [16, 4]])('to a client that takes %i fds with a message: %i places', (max_msg_fds, entries) => {
    const { peer, made } = byHand(bellCard(), { max_msg_fds });
    expect([ask(peer, 4096, 0).count, peer.given.length, made.length]).toEqual([entries, entries, entries === 0 ? 0 : 1]);
  });

  test('is nothing where eventfds do not pass: over net, and beside a log', async () => {
    const log = new SessionLog(() => 0, []);
    for (const transport of [netTransport(), loggedTransport(koffiTransport(), log)]) {
      const { device } = bellCard();
      const server = await serveVfioUser(device, { path: newPath(), transport });
      const client = await VfioUserClient.connect(server.path, { transport: transport.abilities.fds ? koffiTransport() : netTransport() });
      expect(await client.regionIoFds(0)).toEqual({ places: [], fds: [] });
      expect(decodePayload('DEVICE_GET_REGION_IO_FDS', 'reply', await client.ask('DEVICE_GET_REGION_IO_FDS', u32(4096, 0, 0, 0)))).toMatchObject({ argsz: 16, count: 0 });
      await client.close();
      await server.close();
      device.destroy();
    }
  });

  test('fds that cannot be made are EMFILE, and the next try is as good as the first', () => {
    const { device } = bellCard();
    let isFull = true;
    const peer = new Peer(device, {
      passesFds: true,
      openBells: (...options) => {
        if (isFull) throw new VfioError('EMFILE', 'eventfd', 'too many open files');
        return new TestBells(...options);
      },
    });
    peer.version();
    expect([peer.result('DEVICE_GET_REGION_IO_FDS', u32(4096, 0, 0, 0)), peer.given.length]).toEqual(['EMFILE', 0]);
    isFull = false;
    expect([peer.result('DEVICE_GET_REGION_IO_FDS', u32(4096, 0, 0, 0)), peer.given.length]).toEqual(['ok', 4]);
  });
});

describe('a signal', () => {
  test('is the write, of its bytes at its place; several of one that come together are one', () => {
    const { peer, made, writes } = byHand();
    ask(peer, 4096, 0);
    const [bells] = made;
    for (const i of [4, 2, 3, 1, 1, 0]) bells!.fds[i]!.signal();
    bells!.rung();
    // A write of 8 bytes is two of 4 where a region has no wider ones.
    expect(writes).toEqual(['BAR 0+10/4 7', 'BAR 0+10/4 9', 'BAR 2+20/2 0', 'BAR 0+18/8 1122334455667788', 'BAR 0+30/4 0']);
    expect(peer.session.counts).toMatchObject({ doorbells: 5, writes: 0 });
  });

  test('is done before what is answered, and behind what was posted', () => {
    const { peer, made, writes } = byHand();
    ask(peer, 4096, 0);
    made[0]!.fds[0]!.signal();
    const post = new Uint8Array(20);
    post.set([0x50], 0);
    post.set([4], 12);
    peer.push(commandMessage(1, COMMANDS.REGION_WRITE, post, 0x10));
    expect(writes).toEqual(['BAR 0+50/4 0']);
    const read = new Uint8Array(16);
    read.set([4], 12);
    expect(peer.ask('REGION_READ', read).payload[16]).toBe(2);
    expect(writes).toEqual(['BAR 0+50/4 0', 'BAR 0+10/4 7']);
  });

  test('whose write the device throws at is told to the server, and the next one is done', () => {
    const { peer, made, writes, thrown } = byHand(bellCard([{ region: 0, offset: 0x40 }, { region: 0, offset: 0x44 }]));
    ask(peer, 4096, 0);
    for (const fd of made[0]!.fds) fd.signal();
    made[0]!.rung();
    expect([thrown, writes]).toEqual([['not here'], ['BAR 0+44/4 0']]);
    expect(peer.result('DEVICE_RESET')).toBe('ok');
  });

  test('after the client is gone is none', () => {
    const { peer, made, writes } = byHand();
    ask(peer, 4096, 0);
    peer.session.close();
    made[0]!.fds[0]!.signal();
    made[0]!.rung();
    expect([made[0]!.isClosed, peer.session.givenFds, writes]).toEqual([true, 0, []]);
  });
});

async function overKoffi(run: (client: VfioUserClient, server: VfioUserServer, writes: string[]) => Promise<void>, transport: Transport = koffiTransport()): Promise<void> {
  const { device, writes } = bellCard();
  const server = await serveVfioUser(device, { path: newPath(), transport });
  const client = await VfioUserClient.connect(server.path, { transport: koffiTransport() });
  try {
    await run(client, server, writes);
  } finally {
    await client.close();
    await server.close();
    device.destroy();
  }
}

describe.each<[string, Parameters<typeof koffiTransport>[0]]>([['in the event loop', {}], ['without patience', { patience: 0 }], ['standing', { waiting: 'standing' }]])('over a socket, %s', (_where, options) => {
  test('each place rings for its own write', async () => {
    await overKoffi(async (client, _server, writes) => {
      const { places, fds } = await client.regionIoFds(0);
      expect(places.map(({ offset, size, type, flags, datamatch }) => [offset, size, type, flags, datamatch])).toEqual([[0x10n, 4n, 0, 1, 7n], [0x10n, 4n, 0, 1, 9n], [0x18n, 8n, 0, 1, 0x1122_3344_5566_7788n], [0x30n, 0n, 0, 0, 0n]]);
      expect(fds.map(({ kind }) => kind)).toEqual(['event', 'event', 'event', 'event']);
      for (const [i, written] of [[1, 'BAR 0+10/4 9'], [3, 'BAR 0+30/4 0'], [0, 'BAR 0+10/4 7']] as const) {
        const before = writes.length;
        places[i]!.ring();
        await until(() => writes.length > before);
        expect(writes.slice(before)).toEqual([written]);
      }
      for (const fd of fds) fd.close();
    }, koffiTransport(options));
  });

  test('300 times: posted, rung, read; nothing overtakes', async () => {
    await overKoffi(async (client, server, writes) => {
      const { places, fds } = await client.regionIoFds(0);
      const told: number[] = [];
      for (let i = 0; i < 300; i++) {
        client.postWrite(0, 0x50, u32(i));
        places[i & 1]!.ring();
        told.push(await client.read32(0, 0));
      }
      expect(writes).toEqual(Array.from({ length: 300 }, (_, i) => [`BAR 0+50/4 ${i.toString(16)}`, `BAR 0+10/4 ${(i & 1) === 0 ? 7 : 9}`]).flat());
      expect(told).toEqual(Array.from({ length: 300 }, (_, i) => 2 * (i + 1)));
      expect(server.session!.counts).toMatchObject({ doorbells: 300, posted: 300 });
      for (const fd of fds) fd.close();
    }, koffiTransport(options));
  });
});

test('what was posted before a signal is done before it, also where the signal is seen first', async () => {
  await overKoffi(async (client, _server, writes) => {
    const { places, fds } = await client.regionIoFds(0);
    for (let i = 0; i < 20; i++) {
      // No turn of the event loop between them: the first signal is what it sees first, and the second one is there by then.
      places[1]!.ring();
      client.postWrite(0, 0x50, u32(i));
      places[0]!.ring();
      await until(() => writes.length === 3 * (i + 1));
      expect(writes.slice(3 * i)).toEqual([`BAR 0+50/4 ${i.toString(16)}`, 'BAR 0+10/4 7', 'BAR 0+10/4 9']);
    }
    for (const fd of fds) fd.close();
  }, koffiTransport({ patience: 0 }));
});

test('200 clients that ask, ring and go leave as many fds open as there were', async () => {
  const { device, writes } = bellCard();
  const transport = koffiTransport();
  const server = await serveVfioUser(device, { path: newPath(), transport });
  const before = openFds();
  for (let i = 0; i < 200; i++) {
    const client = await VfioUserClient.connect(server.path, { transport });
    const asked = [client.regionIoFds(0), client.regionIoFds(2)];
    // Some do not wait for what they asked for, and some have it closed before they ring no more.
    if (i % 3 === 0) void Promise.all(asked).catch(() => undefined);
    else {
      for (const { places, fds } of await Promise.all(asked)) {
        places[0]!.ring();
        for (const fd of fds) fd.close();
      }
    }
    await client.close();
    if (i % 3 === 0) for (const one of await Promise.allSettled(asked)) if (one.status === 'fulfilled') for (const fd of one.value.fds) fd.close();
  }
  await until(() => server.session === undefined && server.clients === 200);
  expect(openFds()).toBe(before);
  expect(writes.length).toBeLessThanOrEqual(2 * 200);
  await server.close();
  device.destroy();
});

test('a client that makes the eventfds wait, and reads them itself, stops nobody', async () => {
  await overKoffi(async (client, _server, writes) => {
    const calls = await systemCalls();
    const { places, fds } = await client.regionIoFds(0);
    const counter = new ArrayBuffer(8);
    for (const fd of fds as unknown as readonly { readonly number: number }[]) calls.fcntl(fd.number, 4, 0);
    for (let i = 0; i < 50; i++) {
      places[0]!.ring();
      calls.readNow((fds[0] as unknown as { readonly number: number }).number, calls.addressOf(counter), 8);
      expect(await client.read32(0, 0)).toBe(writes.length);
    }
    places[1]!.ring();
    expect(await client.read32(0, 0)).toBe(writes.length);
    expect(writes.at(-1)).toBe('BAR 0+10/4 9');
    for (const fd of fds) fd.close();
  });
});

test('the endpoint test function takes its commands as signals', async () => {
  const clock = new ManualClock();
  const device = serveDevice(createEngine(), (engine, host) => endpointTest(engine, host), { clock });
  const transport = koffiTransport();
  const server = await serveVfioUser(device, { path: newPath(), transport });
  const client = await VfioUserClient.connect(server.path, { transport });
  const memory = await sharedMemory(0x1000);
  try {
    await client.dmaMap(0x10_0000, memory);
    await client.write(7, 4, Uint8Array.of(6, 0));
    const { places, fds } = await client.regionIoFds(0);
    expect(places.map(({ offset, datamatch }) => [offset, datamatch])).toEqual([1n, 2n, 4n, 8n, 0x10n, 0x20n].map((code) => [4n, code]));
    await client.write32(0, 0x14, 0x10_0000);
    await client.write32(0, 0x1c, 64);
    places[4]!.ring();
    expect(await client.read32(0, 0x04)).toBe(0x10);
    clock.advance(1_000_000);
    await until(() => memory.bytes.some((byte) => byte !== 0));
    for (let turns = 0; turns < 1000 && (await client.read32(0, 0x08)) !== 0x44; turns++) await new Promise((resolve) => void setImmediate(resolve));
    expect(await client.read32(0, 0x08)).toBe(0x44);
    for (const fd of fds) fd.close();
  } finally {
    await client.close();
    await server.close();
    device.destroy();
    memory.fd.close();
  }
});
