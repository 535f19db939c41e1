// `maplebar serve` and the replay of what it has recorded, in this process: a real client at the socket, a hand that stops the server, devices of files, disks, and what is refused.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../src/cli/program.ts';
import { DEVICE_NAMES } from '../../src/cli/reference-devices.ts';
import type { LoadModule } from '../../src/cli/trace.ts';
import { edu } from '../../src/devices/index.ts';
import { pciDevice, registerBar } from '../../src/pci/index.ts';
import { ro, registerMap, wo } from '../../src/registers/index.ts';
import { VfioUserClient, type VfioUserClientOptions, koffiTransport, sharedMemory } from '../../src/hosts/vfio-user/index.ts';
import { Folder } from './support.ts';

const folder = new Folder();
afterAll(() => folder.remove());
let count = 0;
const newPath = (ending = 'sock'): string => join(folder.path, `${count++}.${ending}`);

/** A register that tells the first byte of the block whose number was written. */
const blockMap = registerMap('blocks', { bytes: 8, access: [4] }, { BLOCK: { at: 0, fields: { number: wo(31, 0) } }, FIRST: { at: 4, fields: { byte: ro(7, 0), LOADED: ro(8) } } });

const blocks: unknown = (engine: never, host: never, { store }: { readonly store: { read(block: number, target: Uint8Array): Promise<void> } }) => {
  const card = pciDevice(engine, {
    id: [0x1de5, 2],
    class: 0x088000,
    bars: {
      0: registerBar(blockMap, {
        hooks: {
          BLOCK: {
            afterWrite: ({ value }) => {
              const target = new Uint8Array(512);
              void store.read(value, target).then(() => card.bar(0).regs.FIRST.poke(0x100 | target[0]!));
            },
          },
        },
      }),
    },
  }, host);
  return card;
};

const modules: Readonly<Record<string, () => Record<string, unknown>>> = {
  'blocks.ts': () => ({ default: blocks }),
  'edu.js': () => ({ default: edu }),
  'throws.js': () => ({ default: () => { throw new Error('no such parts'); } }),
  'broken.js': () => { throw new SyntaxError('Unexpected token'); },
  'nothing.mjs': () => ({ edu }),
  'number.mjs': () => ({ default: 7 }),
  'no-device.js': () => ({ default: () => ({}) }),
};
for (const name of Object.keys(modules)) writeFileSync(join(folder.path, name), '// stands for its module\n');
const load: LoadModule = (path) => Promise.resolve(path).then((one) => modules[one.slice(folder.path.length + 1)]!());
const fileOf = (name: string): string => join(folder.path, name);

interface Run {
  readonly ended: Promise<number>;
  readonly said: { out: string; err: string };
  stop(): void;
}

function start(argv: readonly string[], interactive = false): Run {
  const said = { out: '', err: '' };
  let stop = (): void => undefined;
  const output = { out: (text: string) => void (said.out += text), err: (text: string) => void (said.err += text), interactive };
  const stopping = { onStop: (listener: () => void) => ((stop = listener), () => undefined) };
  const ended = runProgram(argv, output, '1.2.3', { load, stopping });
  return { ended, said, stop: () => stop() };
}

async function end(argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const { ended, said } = start(argv);
  return { code: await ended, ...said };
}

/** A client, once the server is there. */
async function connected(run: Run, path: string, options?: VfioUserClientOptions): Promise<VfioUserClient> {
  while (!run.said.err.includes('serving ')) await new Promise((resolve) => void setImmediate(resolve));
  return VfioUserClient.connect(path, options);
}

async function computeWithEdu(client: VfioUserClient): Promise<void> {
  await client.write32(0, 0x08, 5);
  while ((await client.read32(0, 0x20)) & 1) await new Promise((resolve) => void setImmediate(resolve));
  expect(await client.read32(0, 0x08)).toBe(120);
  await client.close();
}

describe('a served device', () => {
  test('answers a client, is traced, recorded and drawn, and ends with its first client where that is asked for', async () => {
    const [socket, record, perfetto] = [newPath(), newPath('session'), newPath('json')];
    const run = start(['serve', 'edu', '--socket', socket, '--transport', 'net', '--trace', '--record', record, '--perfetto', perfetto, '--once']);
    const client = await connected(run, socket);
    await client.dmaMap(0x10000, new TextEncoder().encode('maple'.padEnd(0x1000)));
    await client.write(7, 4, Uint8Array.of(6, 0));
    for (const [at, value] of [[0x80, 0x10000], [0x88, 0x40000], [0x90, 5], [0x98, 1]] as const) await client.write32(0, at, value);
    while ((await client.read32(0, 0x98)) & 1) await new Promise((resolve) => void setTimeout(resolve, 5));
    client.postWrite(0, 4, Uint8Array.of(1, 0, 0, 0));
    // How often the loops above and below ask is a matter of time; more than ten differences from another device must not be.
    for (let i = 0; i < 4; i++) await client.read32(0, 0);
    await computeWithEdu(client);
    expect(await run.ended).toBe(0);
    expect(existsSync(socket)).toBe(false);
    expect(run.said.err).toBe(`serving edu at ${socket}, transport net\nnote: interrupts are off: an eventfd of the client does not arrive, and the device has nobody to tell\nnote: shared memory is off: DMA goes by messages, which a client answers only while it waits for nothing else\n`);
    const lines = run.said.out.split('\n').map((line) => line.replace(/^ +[\d.]+ /, ''));
    expect(lines).toEqual(expect.arrayContaining(['> connected', '> DMA_MAP(0x10000+0x1000, rw) = 0', '> REGION_WRITE(BAR 0 0x98 DMA_COMMAND, 4 bytes, 0x00000001 START=1) = 0', '< DMA_READ(0x10000, 5 bytes) = 5 bytes', '> REGION_WRITE(BAR 0 0x4 LIVENESS, 4 bytes, 0x00000001) = posted', '> REGION_READ(BAR 0 0x8 FACTORIAL, 4 bytes) = 0x00000078', '> gone']));
    const events = JSON.parse(readFileSync(perfetto, 'utf8')) as { readonly name: string; readonly ph: string; readonly tid: number }[];
    expect(events.filter(({ ph }) => ph === 'M').map(({ name }) => name)).toEqual(['process_name', 'thread_name', 'thread_name', 'thread_name', 'thread_name']);
    expect(events).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'write DMA_COMMAND', ph: 'X', tid: 1 }), expect.objectContaining({ name: 'DMA_READ', ph: 'X', tid: 2 }), expect.objectContaining({ name: 'client gone', ph: 'i', tid: 4 })]));

    const same = await end(['replay', record]);
    expect(same).toEqual({ code: 0, err: '', out: expect.stringMatching(/^\d+ messages of 1 client: compared \d+ commands, 1 DMA message, 0 interrupts, 0 transfers by fds; all as recorded\n$/) });
    expect(JSON.parse((await end(['replay', record, '--json'])).out)).toMatchObject({ session: record, device: 'edu', cut: null, clients: 1, asked: 1, differing: 0, differences: [] });

    const other = await end(['replay', record, '--device', 'idio16']);
    expect(other.code).toBe(1);
    expect(other.out).toMatch(/^difference 1 at \d+\.\d{6} s\n {2}recorded: > REGION_WRITE\(BAR 0 0x80, 4 bytes, 0x00010000\) = 0\n {2}replayed: > REGION_WRITE\(BAR 0 0x80, 4 bytes, 0x00010000\) = -1 EINVAL\n/);
    expect(other.out).toMatch(/ differences?, the first 10 above\n$/);
    const told = JSON.parse((await end(['replay', record, '--device', 'idio16', '--json'])).out) as { readonly differing: number; readonly differences: { readonly recorded: { readonly text: string } | null }[] };
    expect(told.differing).toBeGreaterThan(10);
    expect(told.differences[0]!.recorded!.text).toContain('REGION_WRITE(BAR 0 0x80');

    const bytes = readFileSync(record);
    const cut = folder.file('cut.session', bytes.subarray(0, bytes.length - 30));
    expect(await end(['replay', cut])).toMatchObject({ code: 1, err: expect.stringMatching(/cut\.session: it is cut short in event \d+, which begins at byte \d+: expected /) });
  });

  test('goes on after a client, and ends when it is asked to: no socket is left, and the record is whole', async () => {
    const [socket, record] = [newPath(), newPath('session')];
    const run = start(['serve', 'edu', '--socket', socket, '--transport', 'net', '--record', record]);
    await computeWithEdu(await connected(run, socket));
    const client = await connected(run, socket);
    await client.read32(0, 0);
    run.stop();
    expect(await run.ended).toBe(0);
    await expect(client.read32(0, 0)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect([existsSync(socket), run.said.out]).toEqual([false, '']);
    expect(await end(['replay', record])).toMatchObject({ code: 0, out: expect.stringMatching(/ messages of 2 clients: .* all as recorded\n$/) });
  });

  test('with the transport that passes fds, where nobody chose another', async () => {
    const [socket, record] = [newPath(), newPath('session')];
    const run = start(['serve', 'edu', '--socket', socket, '--once', '--record', record]);
    await computeWithEdu(await connected(run, socket));
    expect([await run.ended, run.said.err]).toEqual([0, `serving edu at ${socket}, transport koffi\n`]);
    expect((await end(['replay', record])).code).toBe(0);
  });

  test('interrupts its client and reaches its memory by fds, which the record holds as well', async () => {
    const [socket, record] = [newPath(), newPath('session')];
    const run = start(['serve', 'edu', '--socket', socket, '--transport', 'koffi', '--once', '--trace', '--record', record]);
    const client = await connected(run, socket, { transport: koffiTransport() });
    const memory = await sharedMemory(0x2000);
    memory.bytes.set(new TextEncoder().encode('maple bar'));
    await client.dmaMap(0x10000, memory);
    await client.write(7, 4, Uint8Array.of(6, 0));
    let interrupts = 0;
    await client.enableInterrupts(1, 1, () => void interrupts++);
    for (const [source, target, command] of [[0x10000, 0x40000, 5], [0x40000, 0x11000, 7]] as const) {
      for (const [at, value] of [[0x80, source], [0x88, target], [0x90, 9], [0x98, command]] as const) await client.write32(0, at, value);
      while ((await client.read32(0, 0x98)) & 1) await new Promise((resolve) => void setTimeout(resolve, 5));
    }
    while (interrupts < 2) await new Promise((resolve) => void setTimeout(resolve, 5));
    expect(new TextDecoder().decode(memory.bytes.slice(0x1000, 0x1009))).toBe('maple bar');
    await client.close();
    memory.fd.close();
    expect(await run.ended).toBe(0);
    expect(run.said.out).toMatch(/ < DMA read 0x10000, 9 bytes, fd 0 at 0x0\n[^]* < MSI 0\n[^]* < DMA write 0x11000, 9 bytes, fd 0 at 0x1000\n/);
    expect(await end(['replay', record])).toMatchObject({ code: 0, out: expect.stringMatching(/, 0 DMA messages, 2 interrupts, 2 transfers by fds; all as recorded\n$/) });
  });

  test.each(DEVICE_NAMES)('%s: its configuration space is read, and read again in a replay', async (name) => {
    const [socket, record] = [newPath(), newPath('session')];
    const run = start(['serve', name, '--socket', socket, '--transport', 'net', '--once', '--record', record]);
    const client = await connected(run, socket);
    const config = await client.read(7, 0, 256);
    await client.close();
    expect([await run.ended, config[0] === 0xff]).toEqual([0, false]);
    expect((await end(['replay', record])).code).toBe(0);
  });

  test('of a file, with a disk: what was read of it is in the record', async () => {
    const [socket, record] = [newPath(), newPath('session')];
    const bytes = new Uint8Array(4 * 512);
    bytes[3 * 512] = 0x5a;
    const disk = folder.file('disk.img', bytes);
    const run = start(['serve', fileOf('blocks.ts'), '--socket', socket, '--transport', 'net', '--disk', disk, '--once', '--record', record]);
    const client = await connected(run, socket);
    await client.write32(0, 0, 3);
    expect(await client.read32(0, 4)).toBe(0x15a);
    await client.close();
    expect(await run.ended).toBe(0);
    writeFileSync(disk, new Uint8Array(4 * 512));
    expect(await end(['replay', record])).toMatchObject({ code: 0, out: expect.stringContaining('all as recorded') });
    expect((await end(['replay', record, '--device', fileOf('edu.js')])).code).toBe(1);
  });

  test('prints what its code throws, and serves on', async () => {
    const socket = newPath();
    const run = start(['serve', fileOf('blocks.ts'), '--socket', socket, '--transport', 'net']);
    const client = await connected(run, socket);
    await expect(client.write32(0, 0, 1)).rejects.toMatchObject({ code: 'EIO' });
    expect(await client.read32(0, 4)).toBe(0);
    await client.close();
    run.stop();
    await run.ended;
    expect(run.said.err).toMatch(/\ndevice: TypeError: .*\n/);
  });
});

describe('what is refused: exit code 1, one line', () => {
  const odd = folder.file('odd.img', new Uint8Array(700));
  const record = folder.file('empty.session', 'maplebar vfio-user session 1\n{"device":"edu","slot":"00:00.0","fds":true}\n');
  const cases: [string, string[], RegExp][] = [
    ['a device that is not there', ['serve', 'bogus', '--socket', newPath()], /^maplebar: there is no device bogus; there are idio16, edu, /],
    ['a file that is not there', ['serve', './no-such.ts', '--socket', newPath()], /^maplebar: \.\/no-such\.ts: no such file\n/],
    ['a folder', ['serve', `${folder.path}/`, '--socket', newPath()], /is a directory\n/],
    ['a file that is no module', ['serve', fileOf('broken.js'), '--socket', newPath()], /broken\.js: Unexpected token\n/],
    ['a file that throws', ['serve', fileOf('throws.js'), '--socket', newPath()], /throws\.js: no such parts\n/],
    ['a file without a default', ['serve', fileOf('nothing.mjs'), '--socket', newPath()], /nothing\.mjs: its default export is missing; expected a function/],
    ['a default that is a number', ['serve', fileOf('number.mjs'), '--socket', newPath()], /number\.mjs: its default export is of type number/],
    ['a function that makes no device', ['serve', fileOf('no-device.js'), '--socket', newPath()], /serveDevice: what was made is no device/],
    ['a path that is too long', ['serve', 'edu', '--socket', `/tmp/${'x'.repeat(110)}`], /ENAMETOOLONG: listen: .*: the path has 115 bytes; a socket's has at most 107\n/],
    ['a folder that is not there', ['serve', 'edu', '--socket', join(folder.path, 'nowhere/x.sock')], /^maplebar: E/],
    ['a record that cannot be made', ['serve', 'edu', '--socket', newPath(), '--record', join(folder.path, 'nowhere/x')], /nowhere\/x: no such file\n/],
    ['a disk of half a block', ['serve', 'nvme-lite', '--socket', newPath(), '--disk', odd], /odd\.img: has 700 bytes; a disk has a multiple of 512, and not 0\n/],
    ['a disk that is not there', ['serve', 'nvme-lite', '--socket', newPath(), '--disk', 'no-such.img'], /no-such\.img: no such file\n/],
    ['a record of a device that is not there', ['replay', record, '--device', 'bogus'], /there is no device bogus/],
    ['a damaged record', ['replay', folder.file('bad.session', 'maplebar vfio-user session 1\n{}\n')], /bad\.session: vfio-user session: byte 29: expected a device/],
  ];
  test.each(cases)('%s', async (_, argv, message) => {
    const { code, out, err } = await end(argv);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(message);
    expect(err).toMatch(/^maplebar: .*\n$/);
  });

  test('a path that another server has, which stays', async () => {
    const path = newPath();
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(path, resolve));
    for (const transport of ['net', 'koffi']) expect(await end(['serve', 'edu', '--socket', path, '--transport', transport])).toMatchObject({ code: 1, err: expect.stringMatching(/^maplebar: EADDRINUSE: .*\n$/) });
    expect(existsSync(path)).toBe(true);
    await new Promise((resolve) => void other.close(resolve));
  });

  test('a record that has no end is replayed as far as it goes', async () => {
    expect(await end(['replay', record])).toEqual({ code: 1, out: '0 messages of 0 clients: compared 0 commands, 0 DMA messages, 0 interrupts, 0 transfers by fds; all as recorded\n', err: expect.stringContaining('it has no end after event 0, at byte ') });
  });

  test.each<[string[], string]>([
    [['serve', '--socket', 'x'], "missing required argument 'device'"],
    [['serve', 'edu'], "required option '--socket <path>' not specified"],
    [['serve', 'edu', '--socket', 'x', '--transport', 'air'], 'Allowed choices are net, koffi'],
    [['serve', 'edu', '--socket', 'x', '--disk', 'y'], '--disk is for a device with a disk: name nvme-lite, or a file'],
    [['replay', record, '--via', 'vfio'], '--via is for traces of accesses'],
  ])('called wrongly: %j', async (argv, message) => {
    const { code, out, err } = await end(argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });
});

test.each<[string, string[], boolean]>([['the counters of a terminal', [], true], ['--trace', ['--trace'], false], ['--record', ['--record', newPath('session')], false], ['--perfetto', ['--perfetto', newPath('json')], false]])('%s: is there a twin socket all the same?', async (_what, options, hasTwin) => {
  const socket = newPath();
  const run = start(['serve', 'edu', '--socket', socket, '--transport', 'koffi', '--once', ...options], true);
  const client = await connected(run, socket, { transport: koffiTransport(), twinSocket: true });
  expect(client.version.capabilities?.twin_socket !== undefined).toBe(hasTwin);
  await client.close();
  expect(await run.ended).toBe(0);
});

test('the help shows how QEMU attaches', async () => {
  const { code, out } = await end(['serve', '--help']);
  expect(code).toBe(0);
  expect(out).toContain(`-device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"PATH"}}'`);
  expect(out).toContain('memory-backend-memfd,id=mem,size=256M,share=on');
  expect(out).toContain('The counters that a terminal shows turn nothing off.');
});
