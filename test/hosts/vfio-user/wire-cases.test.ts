// Requests, regions and information: what a client may ask, what it is refused with, and what a refused request leaves behind.

import { describe, expect, test } from '@jest/globals';
import { type CommandName, commandMessage, decodePayload, encodePayload } from '../../../src/hosts/vfio-user/index.ts';
import { pciDevice } from '../../../src/pci/index.ts';
import { createEngine } from '../../../src/core/index.ts';
import { serveDevice } from '../../../src/hosts/vfio-user/index.ts';
import { Peer, TestFd, bytesOf, hexOf, plainDevice } from './support.ts';

const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

describe('requests', () => {
  test('with NO_REPLY are done, and answered neither when they are good nor when they are bad', () => {
    const peer = plainDevice().connect();
    const before = peer.replies.length;
    const write = (offset: bigint) => encodePayload('REGION_WRITE', 'request', { offset, region: 0, count: 1, data: Uint8Array.of(0x5a) });
    peer.push(commandMessage(1, 10, write(0n), 0x10));
    peer.push(commandMessage(2, 10, write(0x1000n), 0x10));
    peer.push(commandMessage(3, 999, new Uint8Array(0), 0x10));
    peer.push(commandMessage(4, 8, new Uint8Array(3), 0x10));
    expect(peer.replies.length).toBe(before);
    expect(peer.ask('REGION_READ', encodePayload('REGION_READ', 'request', { offset: 0n, region: 0, count: 1 })).payload.at(-1)).toBe(0x5a);
  });

  test('that are pipelined are answered in their order, with their own ids', () => {
    const peer = plainDevice().connect();
    const reads = Array.from({ length: 50 }, (_, i) => commandMessage(7 * i, 9, encodePayload('REGION_READ', 'request', { offset: BigInt(i), region: 0, count: 1 })));
    const before = peer.replies.length;
    peer.push(Buffer.concat(reads));
    expect(peer.replies.slice(before).map(({ id }) => id)).toEqual(reads.map((_, i) => 7 * i));
  });

  test('may repeat an id', () => {
    const peer = plainDevice().connect();
    peer.push(commandMessage(0, 13, new Uint8Array(0)));
    peer.push(commandMessage(0, 13, new Uint8Array(0)));
    expect(peer.replies.slice(-2).map(({ id, result }) => [id, result])).toEqual([[0, 'ok'], [0, 'ok']]);
  });

  test.each<[CommandName, Uint8Array]>([
    ['DEVICE_GET_INFO', u32(16, 0, 0, 0)],
    ['DEVICE_RESET', new Uint8Array(0)],
    ['REGION_READ', encodePayload('REGION_READ', 'request', { offset: 0n, region: 0, count: 1 })],
    ['DMA_UNMAP', encodePayload('DMA_UNMAP', 'request', { argsz: 24, flags: 2 })],
    ['DEVICE_SET_IRQS', u32(3, 0, 0, 0, 0)],
  ])('%s that brings fds which it does not take closes them, once', (command, payload) => {
    const peer = plainDevice().connect();
    const fds = [new TestFd(), new TestFd()];
    peer.ask(command, payload, fds);
    expect(fds.map(({ closes }) => closes)).toEqual([1, 1]);
  });
});

describe('DEVICE_GET_INFO', () => {
  test('says nine regions, five interrupts, and that it can be reset', () => {
    const { payload } = plainDevice().connect().ask('DEVICE_GET_INFO', u32(32, 0, 0, 0));
    expect(payload).toEqual(u32(16, 3, 9, 5));
  });
});

describe('DEVICE_GET_REGION_INFO', () => {
  const request = (argsz: number, index: number) => u32(argsz, 0, index, 0, 0, 0, 0, 0);
  const info = (peer: Peer, argsz: number, index: number) => decodePayload('DEVICE_GET_REGION_INFO', 'reply', peer.ask('DEVICE_GET_REGION_INFO', request(argsz, index)).payload);

  test('of every region, also of those that are absent', () => {
    const peer = plainDevice().connect();
    const told = Array.from({ length: 9 }, (_, index) => info(peer, 32, index));
    expect(told.map(({ index, flags, size, argsz, offset, cap_offset }) => [index, flags, Number(size), argsz, Number(offset), cap_offset])).toEqual(
      [0x1000, 0, 0x100, 0, 0, 0, 0, 0x100, 0].map((size, index) => [index, size > 0 ? 3 : 0, size, 32, 0, 0]),
    );
  });

  test('with a larger argsz, and with a request of thousands of bytes', () => {
    const peer = plainDevice().connect();
    expect(info(peer, 80, 0).argsz).toBe(32);
    const long = new Uint8Array(4064);
    long.set(request(4064, 2));
    expect(peer.result('DEVICE_GET_REGION_INFO', long)).toBe('ok');
  });

  test('with capabilities, when there is room; without it, how much there must be', () => {
    const engine = createEngine();
    const region = engine.region({ kind: 'ram', size: 0x1000, name: 'extra' });
    const device = serveDevice(engine, (owner, host) => pciDevice(owner, { id: [0x1de5, 1], class: 0x088000, vfio: { regions: [{ region, capabilities: [{ kind: 'TYPE', type: 0x8000_8086, subtype: 3 }] }] } }, host));
    const peer = new Peer(device);
    peer.version();
    const first = info(peer, 32, 9);
    expect([first.argsz, first.flags, first.cap_offset, first.data.length]).toEqual([48, 3, 0, 0]);
    const second = info(peer, 48, 9);
    expect([second.argsz, second.flags, second.cap_offset, hexOf(second.data)]).toEqual([48, 0xb, 32, '02000100000000008680008003000000']);
  });
});

describe('DEVICE_GET_IRQ_INFO', () => {
  test('counts', () => {
    const peer = plainDevice().connect();
    const told = [0, 1, 2, 3, 4].map((index) => decodePayload('DEVICE_GET_IRQ_INFO', 'reply', peer.ask('DEVICE_GET_IRQ_INFO', u32(16, 0, index, 0)).payload));
    expect(told.map(({ argsz, count, flags }) => [argsz, count, flags & 1])).toEqual([[16, 1, 1], [16, 4, 1], [16, 16, 1], [16, 1, 1], [16, 1, 1]]);
  });
});

describe('DEVICE_GET_REGION_IO_FDS', () => {
  test('has none to give', () => {
    expect(plainDevice().connect().ask('DEVICE_GET_REGION_IO_FDS', u32(4096, 0, 0, 0)).payload).toEqual(u32(16, 0, 0, 0));
  });
});

describe('REGION_READ and REGION_WRITE', () => {
  const read = (offset: bigint, region: number, count: number) => encodePayload('REGION_READ', 'request', { offset, region, count });
  const write = (offset: bigint, region: number, data: Uint8Array, count = data.length) => encodePayload('REGION_WRITE', 'request', { offset, region, count, data });

  test('what was written is read, in any length', () => {
    const peer = plainDevice().connect();
    expect(hexOf(peer.ask('REGION_WRITE', write(0x10n, 0, bytesOf('0102030405060708090a0b'))).payload)).toBe('1000000000000000000000000b000000');
    expect(hexOf(peer.ask('REGION_READ', read(0x11n, 0, 9)).payload)).toBe('11000000000000000000000009000000' + '02030405060708090a');
  });

  test('of the whole of configuration space', () => {
    expect(plainDevice().connect().ask('REGION_READ', read(0n, 7, 256)).payload).toHaveLength(272);
  });

  test('of no bytes is nothing, and works up to the end', () => {
    const peer = plainDevice().connect();
    expect(peer.result('REGION_READ', read(0x1000n, 0, 0))).toBe('ok');
    expect(peer.result('REGION_WRITE', write(0x1000n, 0, new Uint8Array(0)))).toBe('ok');
  });

  test('with data shorter or longer than count: EINVAL, and nothing is written', () => {
    const peer = plainDevice().connect();
    for (const count of [0, 1, 3, 0xffff_ffff]) expect(peer.result('REGION_WRITE', write(0n, 0, Uint8Array.of(1, 2), count))).toBe('EINVAL');
    expect(peer.ask('REGION_READ', read(0n, 0, 2)).payload.subarray(16)).toEqual(Uint8Array.of(0, 0));
  });

  test('a device whose own code throws reads ones, and refuses the write with EIO', () => {
    const engine = createEngine();
    const thrown: unknown[] = [];
    const device = serveDevice(engine, (owner, host) => pciDevice(owner, { id: [0x1de5, 1], class: 0x088000, bars: { 0: { size: 0x1000, read: () => { throw new Error('no read'); }, write: () => { throw new Error('no write'); } } } }, host));
    const peer = new Peer(device, { onDeviceError: (error) => void thrown.push((error as Error).message) });
    peer.version();
    expect(peer.ask('REGION_READ', read(0n, 0, 4)).payload.subarray(16)).toEqual(new Uint8Array(4).fill(0xff));
    expect(peer.result('REGION_WRITE', write(0n, 0, new Uint8Array(4)))).toBe('EIO');
    expect(thrown).toEqual(['no read', 'no write']);
    expect(peer.result('DEVICE_RESET')).toBe('ok');
  });

  test('reach a memory BAR also while COMMAND does not decode it: that is the client\'s to know', () => {
    const engine = createEngine();
    const device = serveDevice(engine, (owner, host) => pciDevice(owner, { id: [0x1de5, 1], class: 0x088000, bars: { 0: { memory: 0x1000 } } }, host));
    const peer = new Peer(device);
    peer.version();
    expect(peer.ask('REGION_READ', read(4n, 7, 2)).payload.subarray(16)).toEqual(Uint8Array.of(0, 0));
    peer.ask('REGION_WRITE', write(8n, 0, Uint8Array.of(0x77)));
    expect(peer.ask('REGION_READ', read(8n, 0, 1)).payload.at(-1)).toBe(0x77);
  });

  test.each([[0x10, 0xffff_f000, 0xffff_ffff], [0x18, 0xffff_c00c, 0xffff_ffff]])('a BAR at %i tells its size when ones are written', (at, low, high) => {
    const engine = createEngine();
    const device = serveDevice(engine, (owner, host) => pciDevice(owner, { id: [0x1de5, 1], class: 0x088000, bars: { 0: { memory: 0x1000 }, 2: { memory: 0x4000, kind: 'mem64', prefetchable: true } } }, host));
    const peer = new Peer(device);
    peer.version();
    peer.ask('REGION_WRITE', write(BigInt(at), 7, new Uint8Array(8).fill(0xff)));
    const view = new DataView(peer.ask('REGION_READ', read(BigInt(at), 7, 8)).payload.slice(16).buffer);
    expect(view.getUint32(0, true)).toBe(low);
    if (at === 0x18) expect(view.getUint32(4, true)).toBe(high);
  });
});

describe('REGION_WRITE_MULTI', () => {
  const entry = (offset: bigint, region: number, count: number, data: number[]) => {
    const bytes = new Uint8Array(24);
    bytes.set(encodePayload('REGION_READ', 'request', { offset, region, count }));
    bytes.set(data, 16);
    return bytes;
  };
  const multi = (count: number, ...entries: Uint8Array[]) => encodePayload('REGION_WRITE_MULTI', 'request', { wr_cnt: count, data: Buffer.concat(entries) });
  const byte = (peer: Peer, offset: bigint, region = 0) => peer.ask('REGION_READ', encodePayload('REGION_READ', 'request', { offset, region, count: 1 })).payload.at(-1);

  test('makes all of them, in order, and says how many', () => {
    const peer = plainDevice().connect();
    const reply = peer.ask('REGION_WRITE_MULTI', multi(3, entry(0n, 0, 1, [1]), entry(0n, 0, 2, [2, 3]), entry(8n, 2, 8, [1, 2, 3, 4, 5, 6, 7, 8])));
    expect(hexOf(reply.payload)).toBe('0300000000000000');
    expect([byte(peer, 0n), byte(peer, 1n), byte(peer, 15n, 2)]).toEqual([2, 3, 8]);
    expect(peer.result('REGION_WRITE_MULTI', multi(0))).toBe('ok');
  });

  test('makes none when one of them cannot be', () => {
    const peer = plainDevice().connect();
    const good = entry(0n, 0, 1, [1]);
    for (const bad of [entry(0n, 0, 9, []), entry(0x1000n, 0, 1, []), entry(0n, 1, 1, []), entry(0n, 9, 1, []), entry(0xffff_ffff_ffff_fffen, 0, 4, [])]) expect(peer.result('REGION_WRITE_MULTI', multi(2, good, bad))).toBe('EINVAL');
    expect(peer.result('REGION_WRITE_MULTI', multi(2, good))).toBe('EINVAL');
    expect(peer.result('REGION_WRITE_MULTI', multi(1, good, good))).toBe('EINVAL');
    expect(peer.result('REGION_WRITE_MULTI', Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...good]))).toBe('EINVAL');
    expect(byte(peer, 0n)).toBe(0);
  });
});
