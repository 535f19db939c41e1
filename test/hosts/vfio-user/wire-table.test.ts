// The table of wire cases over every transport: without sockets, over Node's, and over one that passes fds. After each row nothing is left of it, and the next client is served.

import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { MessageStream, type PassedFd, type ServedDevice, type Session, type SharedMemory, type Transport, type VfioUserServer, eventFd, koffiTransport, netTransport, serveDevice, serveVfioUser, sharedMemory, sharedRegion } from '../../../src/hosts/vfio-user/index.ts';
import { capability, pciDevice } from '../../../src/pci/index.ts';
import { errnoName } from '../../../src/uapi/index.ts';
import { DmaLog, VfioDevice } from '../../../src/vfio/index.ts';
import { TestModel } from '../../vfio/migration-model.ts';
import { newPath, until } from './sockets.ts';
import { HandFd, HandTransport } from './wire/hand-transport.ts';
import { interrupts } from './wire/interrupts.ts';
import { dirtyPages, mappings, migration } from './wire/memory.ts';
import { accesses, framing, negotiate, regions } from './wire/requests.ts';
import { type DeviceName, type FdWanted, type Row, type Step, hex, row, step, u32, u64, versionStep } from './wire/row.ts';

const ROWS: readonly Row[] = [...negotiate, ...framing, ...regions, ...accesses, ...interrupts, ...mappings, ...dirtyPages, ...migration];

/** What a good client asks next. */
const GOOD = row('a good client', [versionStep(), step('DEVICE_GET_INFO', u32(16, 0, 0, 0)), step('REGION_WRITE', Uint8Array.from([...new Uint8Array(8), ...u32(0, 1), 0x11])), step('REGION_READ', Uint8Array.from([...new Uint8Array(8), ...u32(0, 1)]), 'ok', { reply: hex(u64(0n), u32(0, 1), Uint8Array.of(0x11)) })], { version: false });

let memory: SharedMemory;
beforeAll(async () => {
  memory = await sharedMemory(0x2_0000);
});
afterAll(() => {
  memory.fd.close();
});

/** Regions of all kinds, every interrupt, doorbells, migration, dirty pages. */
function plain(): ServedDevice {
  const engine = createEngine();
  const ram = (size: number) => engine.region({ kind: 'ram', size, name: 'bytes' });
  return serveDevice(engine, () =>
    new VfioDevice({
      name: '0000:00:01.0',
      regions: { 0: { region: ram(0x1000) }, 2: { region: ram(0x100), ioPorts: true }, 4: { region: sharedRegion(engine, memory, { size: 0x3000, from: 0x1000, to: 0x2000 }) }, 7: { region: ram(0x100) }, 9: { region: ram(0x1000), capabilities: [{ kind: 'TYPE', type: 0x8000_8086, subtype: 3 }] } },
      interrupts: { intx: true, msi: 4, express: true },
      msix: { bar: 0, offset: 0x800, count: 16 },
      doorbells: [{ region: 0, offset: 0x10, datamatch: 7 }, { region: 0, offset: 0x20 }],
      migration: new TestModel(5),
      dmaLogging: new DmaLog(),
    }),
  );
}

function card(): ServedDevice {
  const throws = () => {
    throw new Error('broken');
  };
  return serveDevice(createEngine(), (engine, host) => pciDevice(engine, { id: [0x1de5, 1], class: 0x088000, capabilities: [capability.msi()], bars: { 0: { memory: 0x1000 }, 2: { memory: 0x4000, kind: 'mem64', prefetchable: true }, 4: { size: 0x100, read: throws, write: throws } } }, host));
}

interface Way {
  readonly transport: Transport;
  readonly passesFds: boolean;
  /** An fd of the client's own, who closes it. */
  fd(wanted: FdWanted): Promise<PassedFd>;
  /** Fds and mappings that this program has open now. */
  held(): readonly number[];
}

function byHand(): Way {
  const transport = new HandTransport();
  return { transport, passesFds: true, fd: (wanted) => Promise.resolve(transport.fds.make(wanted)), held: () => [transport.fds.open] };
}

/** Of the whole program. */
const heldByAll = (): readonly number[] => [readdirSync('/proc/self/fd').length, readFileSync('/proc/self/maps', 'latin1').split('memfd:maplebar').length];

/** Memory is the one that there is: each passing makes another fd of it. */
function overSocket(transport: Transport): Way {
  return { transport, passesFds: transport.abilities.fds, fd: async (wanted) => (wanted === 'event' ? eventFd() : { ...memory.fd, close: () => undefined }), held: heldByAll };
}

/** A client that sends a row's messages and looks at how they end. */
async function client({ transport, passesFds, fd: makeFd }: Way, server: VfioUserServer, { steps, version, isOver }: Row): Promise<void> {
  const replies: { readonly id: number; readonly command: number; readonly flags: number; readonly result: string; readonly payload: string; readonly fds: number }[] = [];
  const stream = new MessageStream<PassedFd>(1 << 21);
  const own: PassedFd[] = [];
  let isClosed = false;
  const connection = await transport.connect(server.path, {
    received(bytes, fds) {
      stream.push(bytes, fds);
      for (let one = stream.next(); one !== undefined; one = stream.next()) {
        const { id, command, flags, errno } = one.header;
        replies.push({ id, command, flags, result: (flags & 0x20) === 0 ? 'ok' : (errnoName(errno) ?? String(errno)), payload: Buffer.from(one.payload).toString('hex'), fds: one.fds.length });
        for (const given of one.fds) given.close();
      }
    },
    drained: () => undefined,
    closed: () => void (isClosed = true),
  });

  let answered = 0;

  async function make({ bytes, command, fds: wanted, ends, withoutFds, reply, replyWithoutFds, brings = 0, signals = [] }: Step, before: readonly PassedFd[]): Promise<readonly PassedFd[]> {
    const fds = await Promise.all(wanted.map((one) => makeFd(one)));
    own.push(...fds);
    const heard = new Set<number>();
    if (passesFds) for (const i of signals) before[i]!.onSignal?.(() => void heard.add(i));
    const seen = replies.length;
    connection.send(bytes, passesFds ? fds.map((one) => ('number' in one || one instanceof HandFd ? one : memory.fd)) : []);
    const expected = passesFds ? ends : (withoutFds ?? ends);
    if (expected === 'none') return fds;
    await until(() => replies.length > seen || isClosed);
    // An error is a header and nothing else.
    expect(replies[seen]).toMatchObject({ id: 7, command, result: expected, ...(expected === 'ok' ? { flags: 1 } : { flags: 0x21, payload: '' }) });
    answered++;
    expect(replies[seen]!.fds).toBe(passesFds ? brings : 0);
    const begin = passesFds ? reply : (replyWithoutFds ?? reply);
    if (begin !== undefined) expect(replies[seen]!.payload.slice(0, begin.length)).toBe(begin);
    if (passesFds) for (const i of signals) await until(() => heard.has(i) || (before[i] instanceof HandFd && before[i].file.signals === 1));
    return fds;
  }

  try {
    let before: readonly PassedFd[] = [];
    for (const one of version ? [versionStep(), ...steps] : steps) {
      const fds = await make(one, before);
      if (fds.length > 0) before = fds;
    }
    if (isOver) await until(() => isClosed);
    // Nothing was answered that nobody waits for.
    expect(replies.length).toBe(answered);
  } finally {
    connection.close();
    await until(() => isClosed && server.session === undefined);
    for (const given of stream.close()) given.close();
    for (const fd of own) fd.close();
  }
}

test('the table has what the list of cases has', () => {
  expect(ROWS.length).toBeGreaterThanOrEqual(140);
  expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
});

const WAYS: readonly (readonly [string, () => Way])[] = [
  ['without sockets', byHand],
  ['over net', () => overSocket(netTransport())],
  ['over koffi', () => overSocket(koffiTransport())],
  ['over koffi, memory mapped', () => overSocket(koffiTransport({ memory: 'mapped' }))],
];

describe.each(WAYS)('%s', (name, makeWay) => {
  const way = makeWay();
  const makers: Readonly<Record<DeviceName, () => ServedDevice>> = { plain, card };
  const devices = new Map<DeviceName, ServedDevice>();
  const servers = new Map<DeviceName, VfioUserServer>();
  const live = new Map<DeviceName, ReturnType<ServedDevice['engine']['live']>>();
  const sessions: Session[] = [];
  beforeAll(async () => {
    for (const [device, make] of Object.entries(makers) as [DeviceName, () => ServedDevice][]) {
      devices.set(device, make());
      live.set(device, devices.get(device)!.engine.live());
      // By hand there is one server at a time.
      if (name !== 'without sockets') servers.set(device, await serveVfioUser(devices.get(device)!, { path: newPath(`${name.replace(/\W/g, '')}-${device}.sock`), transport: way.transport, onClient: (session) => void sessions.push(session) }));
    }
  });
  afterAll(async () => {
    for (const server of servers.values()) await server.close();
    for (const [kind, device] of devices) {
      expect(device.engine.live()).toEqual(live.get(kind));
      device.destroy();
    }
  });

  test.each(ROWS.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const device = devices.get(one.device)!;
    const server = servers.get(one.device) ?? (await serveVfioUser(device, { path: 'by hand', transport: way.transport, onClient: (session) => void sessions.push(session) }));
    const before = [way.held(), device.process.fds.length];
    sessions.length = 0;
    await client(way, server, one);
    expect(sessions.map(({ mappings: mapped, heldFds, givenFds, asked }) => [mapped, heldFds, givenFds, asked])).toEqual([[0, 0, 0, 0]]);
    expect([way.held(), device.process.fds.length]).toEqual(before);
    expect([device.vfio.interrupts.active, device.vfio.migration?.state ?? 2]).toEqual(['none', 2]);
    await client(way, server, GOOD);
    expect([way.held(), device.process.fds.length]).toEqual(before);
  });
});
