// DMA: what a client maps and unmaps, and a device's transfers through it, by message and by fd.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import { MessageStream, commandMessage, decodePayload, encodePayload, errorMessage, replyMessage, serveDevice } from '../../../src/hosts/vfio-user/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { VfioDevice } from '../../../src/vfio/index.ts';
import { Peer, QEMU_CAPABILITIES, TestFd, plainDevice } from './support.ts';

interface Map {
  readonly address?: bigint;
  readonly size?: bigint;
  readonly flags?: number;
  readonly offset?: bigint;
  readonly argsz?: number;
}

const map = ({ address = 0n, size = 0x1000n, flags = 3, offset = 0n, argsz = 32 }: Map) => encodePayload('DMA_MAP', 'request', { argsz, flags, offset, addr: address, size });
const unmap = (address: bigint, size: bigint, flags = 0, argsz = 24) => encodePayload('DMA_UNMAP', 'request', { argsz, flags, addr: address, size });

describe('DMA_MAP', () => {
  test.each<[string, Map, string]>([
    ['argsz 8', { argsz: 8 }, 'EINVAL'],
    ['no bytes', { size: 0n }, 'EINVAL'],
    ['bytes beyond 2^64', { address: 0xffff_ffff_ffff_f000n, size: 0x2000n }, 'EINVAL'],
    ['unknown flags', { flags: 0x13 }, 'EINVAL'],
    ['more than 8 TiB', { size: (1n << 43n) + 0x1000n }, 'ENOSPC'],
    ['over another one', { address: 0x10_0800n }, 'EEXIST'],
    ['around another one', { address: 0xf_f000n, size: 0x10_0000n }, 'EEXIST'],
    ['the same with other rights', { address: 0x10_0000n, flags: 1 }, 'EEXIST'],
  ])('%s: refused, with its fd closed', (_what, one, errno) => {
    const peer = plainDevice().connect();
    expect(peer.result('DMA_MAP', map({ address: 0x10_0000n }))).toBe('ok');
    const fd = new TestFd();
    expect(peer.result('DMA_MAP', map(one), [fd])).toBe(errno);
    expect([fd.closes, peer.session.mappings]).toEqual([1, 1]);
  });

  test('two fds: EINVAL, and both are closed', () => {
    const fds = [new TestFd(), new TestFd()];
    expect(plainDevice().connect().result('DMA_MAP', map({}), fds)).toBe('EINVAL');
    expect(fds.map(({ closes }) => closes)).toEqual([1, 1]);
  });

  test('the same again takes the place of the first', () => {
    const peer = plainDevice().connect();
    const fds = [new TestFd(), new TestFd()];
    expect([peer.result('DMA_MAP', map({}), fds.slice(0, 1)), peer.result('DMA_MAP', map({}), fds.slice(1))]).toEqual(['ok', 'ok']);
    expect([peer.session.mappings, ...fds.map(({ closes }) => closes)]).toEqual([1, 1, 0]);
  });

  test('one more than agreed on: EINVAL', () => {
    const peer = plainDevice().connect();
    for (let i = 0; i < 65535; i++) peer.push(commandMessage(0, 2, map({ address: BigInt(i) << 13n }), 0x10));
    expect(peer.session.mappings).toBe(65535);
    expect(peer.result('DMA_MAP', map({ address: 0x1000n }))).toBe('EINVAL');
    expect(peer.result('DMA_UNMAP', unmap(0n, 0n, 2))).toBe('ok');
    expect(peer.session.mappings).toBe(0);
  });
});

describe('DMA_UNMAP', () => {
  const peerWith = (...addresses: bigint[]) => {
    const peer = plainDevice().connect();
    const fds = addresses.map((address) => {
      const fd = new TestFd();
      peer.ask('DMA_MAP', map({ address }), [fd]);
      return fd;
    });
    return { peer, fds };
  };

  test('gives its 24 bytes back', () => {
    const { peer, fds } = peerWith(0n);
    expect(peer.ask('DMA_UNMAP', unmap(0n, 0x1000n))).toMatchObject({ result: 'ok', payload: unmap(0n, 0x1000n) });
    expect([peer.session.mappings, fds[0]!.closes]).toEqual([0, 1]);
  });

  test('takes all mappings that lie in a large range, as a client with an IOMMU of its own asks', () => {
    const { peer, fds } = peerWith(0x1000n, 0x2000n, 0x8000n, 0x10_0000n);
    expect(peer.result('DMA_UNMAP', unmap(0n, 0x1_0000n))).toBe('ok');
    expect([peer.session.mappings, ...fds.map(({ closes }) => closes)]).toEqual([1, 1, 1, 1, 0]);
  });

  test.each<[string, Uint8Array, string]>([
    ['where nothing is mapped', unmap(0x9000n, 0x1000n), 'ENOENT'],
    ['of no bytes', unmap(0x9000n, 0n), 'ENOENT'],
    ['a part of a mapping', unmap(0x1000n, 0x800n), 'EINVAL'],
    ['a mapping and a half', unmap(0x1000n, 0x1800n), 'EINVAL'],
    ['beyond 2^64', unmap(0xffff_ffff_ffff_f000n, 0x2000n), 'EINVAL'],
    ['too short', unmap(0x1000n, 0x1000n).subarray(0, 16), 'EINVAL'],
    ['too long', Buffer.concat([unmap(0x1000n, 0x1000n), new Uint8Array(8)]), 'EINVAL'],
    ['argsz 8', unmap(0x1000n, 0x1000n, 0, 8), 'EINVAL'],
    ['argsz above 1 MiB', unmap(0x1000n, 0x1000n, 0, 0x10_0001), 'EINVAL'],
    ['flags 4', unmap(0x1000n, 0x1000n, 4), 'EINVAL'],
    ['all, with an address', unmap(0x1000n, 0x1000n, 2), 'EINVAL'],
    ['all, with dirty pages', unmap(0n, 0n, 3), 'EINVAL'],
    ['with dirty pages, which nothing logs', Buffer.concat([unmap(0x1000n, 0x1000n, 1, 64), new Uint8Array(16)]), 'EINVAL'],
  ])('%s: refused, and nothing is unmapped', (_what, payload, errno) => {
    const { peer, fds } = peerWith(0x1000n, 0x2000n);
    expect(peer.result('DMA_UNMAP', payload)).toBe(errno);
    expect([peer.session.mappings, ...fds.map(({ closes }) => closes)]).toEqual([2, 0, 0]);
  });

  test('any maps and unmaps leave what an array of ranges would', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20), fc.integer({ min: 1, max: 6 }))), (steps) => {
        const peer = plainDevice().connect();
        let model: [number, number][] = [];
        for (const [maps, at, pages] of steps) {
          const meets = model.filter(([start, length]) => start < at + pages && at < start + length);
          const result = peer.result(maps ? 'DMA_MAP' : 'DMA_UNMAP', maps ? map({ address: BigInt(at) << 12n, size: BigInt(pages) << 12n }) : unmap(BigInt(at) << 12n, BigInt(pages) << 12n));
          if (maps) {
            const isSame = meets.length === 1 && meets[0]![0] === at && meets[0]![1] === pages;
            expect(result).toBe(meets.length === 0 || isSame ? 'ok' : 'EEXIST');
            if (meets.length === 0) model.push([at, pages]);
          } else {
            const isCut = meets.some(([start, length]) => start < at || start + length > at + pages);
            expect(result).toBe(meets.length === 0 ? 'ENOENT' : isCut ? 'EINVAL' : 'ok');
            if (!isCut) model = model.filter((one) => !meets.includes(one));
          }
          expect(peer.session.mappings).toBe(model.length);
        }
        peer.session.close();
      }),
      { numRuns: 30 },
    );
  });
});

/** A device that hands out its way to memory, and begins a transfer in a read of BAR 0. */
function transferring(capabilities: object = QEMU_CAPABILITIES) {
  const engine = createEngine();
  let host!: DeviceHost;
  let onRead: () => void = () => undefined;
  const device = serveDevice(engine, (owner, given) => {
    host = given;
    const region = owner.region({ kind: 'hook', name: 'BAR 0', size: 0x1000, read: () => (onRead(), 0x55), write: () => undefined });
    return new VfioDevice({ name: '0000:00:01.0', regions: { 0: { region } } });
  });
  const peer = new Peer(device);
  peer.version(capabilities);
  return { peer, dma: host.dma!, device, onRead: (run: () => void) => (onRead = run) };
}

/** What the server asks: id, command, address, count, and the data of a write. */
function asked(peer: Peer): { id: number; command: number; address: bigint; count: number; data: Uint8Array }[] {
  const stream = new MessageStream(1 << 21);
  for (const message of peer.sent) stream.push(message);
  const found = [];
  for (let one = stream.next(); one !== undefined; one = stream.next()) {
    const { id, command, flags } = one.header;
    if ((flags & 0xf) !== 0) continue;
    const { addr, count, data } = command === 11 ? decodePayload('DMA_READ', 'request', one.payload) : decodePayload('DMA_WRITE', 'request', one.payload);
    found.push({ id, command, address: addr, count: Number(count), data: data.slice() });
  }
  return found;
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Answers everything that is asked, from memory. */
async function answerAll(peer: Peer, memory: Uint8Array): Promise<void> {
  for (let done = 0; ; ) {
    await turn();
    const all = asked(peer);
    if (done === all.length) return;
    for (; done < all.length; done++) {
      const { id, command, address, count, data } = all[done]!;
      if (command === 12) memory.set(data, Number(address));
      const reply = command === 11 ? encodePayload('DMA_READ', 'reply', { addr: address, count, data: memory.slice(Number(address), Number(address) + count) }) : encodePayload('DMA_WRITE', 'reply', { addr: address, count });
      peer.push(replyMessage({ id, command }, reply));
    }
  }
}

describe('by messages', () => {
  test('the access that begins a transfer is answered before the client is asked anything', async () => {
    const { peer, dma, onRead } = transferring();
    peer.ask('DMA_MAP', map({}));
    const target = new Uint8Array(4);
    let transfer!: Promise<void>;
    onRead(() => (transfer = dma.read(0x10n, target)));
    const reply = peer.ask('REGION_READ', encodePayload('REGION_READ', 'request', { offset: 0n, region: 0, count: 1 }));
    expect([reply.payload.at(-1), asked(peer).length]).toEqual([0x55, 0]);
    await turn();
    expect(asked(peer)).toMatchObject([{ command: 11, address: 0x10n, count: 4 }]);
    expect(peer.sent.at(-2)![2]).toBe(9);
    await answerAll(peer, Uint8Array.from({ length: 0x1000 }, (_, i) => i & 0xff));
    await transfer;
    expect(target).toEqual(Uint8Array.of(0x10, 0x11, 0x12, 0x13));
  });

  test.each(['read', 'write'] as const)('a %s is cut at what the client takes', async (way) => {
    const { peer, dma } = transferring({ ...QEMU_CAPABILITIES, max_data_xfer_size: 4096 });
    peer.ask('DMA_MAP', map({ size: 0x1_0000n }));
    const memory = Uint8Array.from({ length: 0x1_0000 }, (_, i) => (7 * i) & 0xff);
    const own = new Uint8Array(2 * 4096 + 42).map((_, i) => (3 * i) & 0xff);
    const transfer = dma[way](0x800n, own);
    await answerAll(peer, memory);
    await transfer;
    expect(asked(peer).map(({ address, count }) => [Number(address), count])).toEqual([[0x800, 4096], [0x1800, 4096], [0x2800, 42]]);
    expect(own).toEqual(memory.slice(0x800, 0x800 + own.length));
  });

  test('an error of the client is the transfer\'s', async () => {
    const { peer, dma } = transferring();
    peer.ask('DMA_MAP', map({}));
    const transfer = expect(dma.write(0n, new Uint8Array(8))).rejects.toMatchObject({ code: 'EIO' });
    await turn();
    const { id, command } = asked(peer)[0]!;
    peer.push(errorMessage({ id, command }, 5));
    await transfer;
    expect(peer.session.asked).toBe(0);
  });

  test.each<[string, number, Uint8Array]>([
    ['too little data', 11, encodePayload('DMA_READ', 'reply', { addr: 0n, count: 8, data: new Uint8Array(7) })],
    ['another address', 11, encodePayload('DMA_READ', 'reply', { addr: 1n, count: 8, data: new Uint8Array(8) })],
    ['another count', 11, encodePayload('DMA_READ', 'reply', { addr: 0n, count: 9, data: new Uint8Array(9) })],
    ['half a head', 11, new Uint8Array(7)],
  ])('a reply with %s is EPROTO for the transfer, and the session goes on', async (_what, command, payload) => {
    const { peer, dma } = transferring();
    peer.ask('DMA_MAP', map({}));
    const transfer = expect(dma.read(0n, new Uint8Array(8))).rejects.toMatchObject({ code: 'EPROTO' });
    await turn();
    peer.push(replyMessage({ id: asked(peer)[0]!.id, command }, payload));
    await transfer;
    expect(peer.result('DEVICE_RESET')).toBe('ok');
  });

  test('a reply without the 16 bytes, as older clients answer a write, is one', async () => {
    const { peer, dma } = transferring();
    peer.ask('DMA_MAP', map({}));
    const transfer = dma.write(0n, new Uint8Array(8));
    await turn();
    peer.push(replyMessage({ id: asked(peer)[0]!.id, command: 12 }, new Uint8Array(0)));
    await transfer;
  });

  test('a reply with a wrong id or command is refused, and the transfer waits on', async () => {
    const { peer, dma } = transferring();
    peer.ask('DMA_MAP', map({}));
    const target = new Uint8Array(4);
    const transfer = dma.read(0n, target);
    await turn();
    const { id } = asked(peer)[0]!;
    for (const header of [{ id: id + 1, command: 11 }, { id, command: 12 }]) {
      peer.push(replyMessage(header, new Uint8Array(16)));
      expect(peer.replies.at(-1)).toMatchObject({ result: 'EINVAL' });
    }
    await answerAll(peer, new Uint8Array(0x1000).fill(9));
    await transfer;
    expect(target).toEqual(Uint8Array.of(9, 9, 9, 9));
  });

  test('hundreds of transfers at once: so many messages at a time, and all of them arrive', async () => {
    const { peer, dma } = transferring();
    peer.ask('DMA_MAP', map({}));
    const memory = Uint8Array.from({ length: 0x1000 }, (_, i) => i & 0xff);
    const targets = Array.from({ length: 300 }, () => new Uint8Array(1));
    const transfers = Promise.all(targets.map((target, i) => dma.read(BigInt(i), target)));
    await turn();
    expect([asked(peer).length, peer.session.asked]).toEqual([32, 32]);
    await answerAll(peer, memory);
    await transfers;
    expect(targets.map(([byte]) => byte)).toEqual(targets.map((_, i) => i & 0xff));
  });

  test('what is not mapped for it is EFAULT, and nothing is asked', async () => {
    const { peer, dma } = transferring();
    peer.ask('DMA_MAP', map({ address: 0x1000n, flags: 1 }));
    peer.ask('DMA_MAP', map({ address: 0x2000n, flags: 2 }));
    for (const [way, address, bytes] of [['write', 0x1000n, 1], ['read', 0x2000n, 1], ['read', 0x1800n, 0x1000], ['read', 0x3000n, 1], ['write', 0x2fffn, 2], ['read', 0xfffn, 2]] as const) {
      await expect(dma[way](address, new Uint8Array(bytes))).rejects.toMatchObject({ code: 'EFAULT' });
    }
    expect(asked(peer)).toEqual([]);
  });

  test('a client that is gone cancels what was under way; without one everything is EFAULT; the next one serves', async () => {
    const { peer, dma, device } = transferring();
    peer.ask('DMA_MAP', map({}));
    const transfers = Array.from({ length: 40 }, () => expect(dma.read(0n, new Uint8Array(1))).rejects.toMatchObject({ code: 'ECANCELED' }));
    await turn();
    peer.session.close();
    await Promise.all(transfers);
    await expect(dma.read(0n, new Uint8Array(1))).rejects.toMatchObject({ code: 'EFAULT' });
    const next = new Peer(device);
    next.version();
    await expect(dma.read(0n, new Uint8Array(1))).rejects.toMatchObject({ code: 'EFAULT' });
    next.ask('DMA_MAP', map({}));
    const target = new Uint8Array(1);
    const transfer = dma.read(5n, target);
    await answerAll(next, new Uint8Array(0x1000).fill(8));
    await transfer;
    expect(target[0]).toBe(8);
  });

  test('an unmap while a transfer is cut into pieces ends it at the next piece', async () => {
    const { peer, dma } = transferring({ ...QEMU_CAPABILITIES, max_data_xfer_size: 4096 });
    peer.ask('DMA_MAP', map({ address: 0n }));
    peer.ask('DMA_MAP', map({ address: 0x1000n }));
    const transfer = expect(dma.read(0n, new Uint8Array(0x2000))).rejects.toMatchObject({ code: 'EFAULT' });
    await turn();
    expect(peer.result('DMA_UNMAP', unmap(0x1000n, 0x1000n))).toBe('ok');
    await answerAll(peer, new Uint8Array(0x2000));
    await transfer;
    expect(asked(peer)).toHaveLength(1);
  });
});

describe('by fd', () => {
  test('the bytes lie at the fd\'s offset, and nobody is asked', async () => {
    const { peer, dma } = transferring();
    const fd = new TestFd(0x3000);
    fd.memory.fill(0x11, 0x1000, 0x2000);
    expect(peer.result('DMA_MAP', map({ address: 0x10_0000n, size: 0x1000n, offset: 0x1000n }), [fd])).toBe('ok');
    const target = new Uint8Array(2);
    await dma.read(0x10_0ffen, target);
    await dma.write(0x10_0000n, Uint8Array.of(0x22));
    expect([...target, fd.memory[0x1000], fd.memory[0xfff], asked(peer).length]).toEqual([0x11, 0x11, 0x22, 0, 0]);
  });

  test('a transfer over two mappings reaches both, each in its way', async () => {
    const { peer, dma } = transferring();
    const fd = new TestFd(0x1000);
    fd.memory.fill(7);
    peer.ask('DMA_MAP', map({ address: 0n }));
    peer.ask('DMA_MAP', map({ address: 0x1000n }), [fd]);
    const target = new Uint8Array(4);
    const transfer = dma.read(0xffen, target);
    await answerAll(peer, new Uint8Array(0x1000).fill(6));
    await transfer;
    expect(target).toEqual(Uint8Array.of(6, 6, 7, 7));
  });

  test('an fd is not touched once it is unmapped', async () => {
    const { peer, dma } = transferring();
    const fd = new TestFd(0x1000);
    peer.ask('DMA_MAP', map({}), [fd]);
    const transfer = expect(dma.write(0n, Uint8Array.of(1))).rejects.toMatchObject({ code: 'EFAULT' });
    peer.ask('DMA_UNMAP', unmap(0n, 0x1000n));
    await transfer;
    expect([fd.closes, fd.memory[0]]).toEqual([1, 0]);
  });
});
