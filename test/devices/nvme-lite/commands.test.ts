// nvme-lite: blocks, queues and where blocks are kept.

import { beforeEach, describe, expect, test } from '@jest/globals';
import { nvmeLite } from '../../../src/devices/index.ts';
import type { NvmeLiteOptions } from '../../../src/devices/index.ts';
import { CC_ENABLED, PAGE, REG } from './driver.ts';
import { bench, COMPARE, DATASET, disk, driver, FLUSH, FUA, pattern, plug, plugController, READ, same, WRITE, WRITE_ZEROES } from './support.ts';

plugController();

describe('blocks', () => {
  beforeEach(async () => {
    plug();
    await driver.enable();
  });

  test.each([
    ['a block', 1, 0, 0],
    ['a page', 8, 0, 0],
    ['two pages', 16, 0, 0],
    ['two pages that begin in the middle of one', 8, 512, 0],
    ['a list', 100, 0, 0],
    ['a list, from a multiple of 4', 100, 1028, 0],
    ['a list that begins near the end of its page, and goes on', 100, 4, PAGE - 16],
    ['a list that begins with the next', 64, 4, PAGE - 8],
    ['the most', 1024, 2048, 8],
  ])('%s is written and read', async (_, count, offset, listOffset) => {
    const pair = await driver.createPair(1, 64);
    const bytes = count * 512;
    const at = driver.pages(Math.ceil(bytes / PAGE) + 1) + offset;
    const data = pattern(bytes);
    bench.memory.writeBytes(at, data);
    expect(await driver.run(pair, driver.blocks(WRITE, 5, count, at, { listOffset }))).toMatchObject({ status: 0, queue: 1 });
    same(disk.slice(5 * 512, 5 * 512 + bytes), data);
    expect([disk[5 * 512 - 1], disk[5 * 512 + bytes]]).toEqual([0, 0]);
    const back = driver.pages(Math.ceil(bytes / PAGE) + 1) + offset;
    expect((await driver.run(pair, driver.blocks(READ, 5, count, back, { listOffset }))).status).toBe(0);
    same(bench.memory.readBytes(back, new Uint8Array(bytes)), data);
    expect(bench.memory.read8(back + bytes)).toBe(0);
    expect(bench.guestErrors).toEqual([]);
  });

  test('pages of a list may lie anywhere', async () => {
    const pair = await driver.createPair(1, 8);
    const pages = [7, 3, 5, 1].map((n) => (1 << 23) + n * PAGE);
    const data = pattern(5 * PAGE);
    const first = driver.pages(1);
    disk.set(data);
    expect((await driver.run(pair, { opcode: READ, namespace: 1, prp1: first, prp2: driver.list(pages), dwords: { 12: 39 } })).status).toBe(0);
    [first, ...pages].forEach((at, i) => expect(bench.memory.readBytes(at, new Uint8Array(PAGE))).toEqual(data.slice(i * PAGE, (i + 1) * PAGE)));
  });

  test('pages of 64 KiB', async () => {
    driver.write32(REG.CC, 0);
    await driver.waitFor(1, 0);
    const base = 1 << 23;
    driver.write32(REG.AQA, 0x1f001f);
    driver.write32(REG.ASQ, base);
    driver.write32(REG.ACQ, base + 0x1_0000);
    driver.write32(REG.CC, CC_ENABLED | (4 << 7));
    await driver.waitFor(1, 1);
    const admin = { ...driver.admin, submissions: base, completions: base + 0x1_0000, tail: 0, head: 0, phase: 1, inFlight: new Map() };
    void driver.submit(admin, { opcode: 0x06, prp1: base + 0x2_f000, dwords: { 10: 1 } }, 1);
    await bench.settle();
    expect(driver.peek(admin)).toMatchObject({ status: 0 });
    expect(bench.memory.read16(base + 0x2_f000)).toBe(0x1b36);
  });

  test('flush, compare, zeroes, deallocation', async () => {
    const pair = await driver.createPair(1, 8);
    const at = driver.pages(1);
    disk.set(pattern(4096));
    bench.memory.writeBytes(at, pattern(1024));
    expect((await driver.run(pair, { opcode: FLUSH, namespace: 0xffff_ffff })).status).toBe(0);
    expect((await driver.run(pair, driver.blocks(COMPARE, 0, 2, at))).status).toBe(0);
    expect((await driver.run(pair, driver.blocks(COMPARE, 1, 2, at))).status).toBe(0x4285);
    expect((await driver.run(pair, { opcode: WRITE_ZEROES, namespace: 1, dwords: { 10: 1, 12: 2 } })).status).toBe(0);
    expect(disk.slice(512, 2048).every((byte) => byte === 0)).toBe(true);
    expect([disk.slice(0, 512), disk.slice(2048, 4096)]).toEqual([pattern(4096).slice(0, 512), pattern(4096).slice(2048)]);
    for (const [i, value] of [0, 2, 4, 0, 0, 1, 6, 0].entries()) bench.memory.write32(at + 4 * i, value);
    expect((await driver.run(pair, { opcode: DATASET, namespace: 1, prp1: at, dwords: { 10: 1, 11: 4 } })).status).toBe(0);
    expect(disk.slice(2048, 3584).every((byte) => byte === 0)).toBe(true);
    expect(disk.slice(3584, 4096)).toEqual(pattern(4096).slice(3584));
    expect(bench.guestErrors).toEqual([]);
  });

  test('zeroes of more than a transfer', async () => {
    const pair = await driver.createPair(1, 8);
    disk.fill(0xff);
    expect((await driver.run(pair, { opcode: WRITE_ZEROES, namespace: 1, dwords: { 10: 1, 12: 4093 } })).status).toBe(0);
    expect([disk[511], disk[512], disk[disk.length - 513], disk[disk.length - 512]]).toEqual([0xff, 0, 0, 0xff]);
    expect(disk.subarray(512, disk.length - 512).every((byte) => byte === 0)).toBe(true);
  });

  test('health counts what was read and written', async () => {
    const pair = await driver.createPair(1, 8);
    const at = driver.pages(1);
    for (let i = 0; i < 3; i++) await driver.run(pair, driver.blocks(READ, 0, 8, at));
    await driver.run(pair, driver.blocks(WRITE, 0, 1, at));
    const health = await driver.page(0x02, { 10: 2 | (127 << 16) }, 0xffff_ffff);
    expect([32, 48, 64, 80].map((offset) => health.getBigUint64(offset, true))).toEqual([1n, 1n, 3n, 1n]);
  });
});

describe('queues', () => {
  test('rings go around, and phase tags turn', async () => {
    plug();
    await driver.enable(4);
    const pair = await driver.createPair(1, 3);
    const at = driver.pages(1);
    for (let i = 0; i < 20; i++) {
      bench.memory.writeBytes(at, pattern(512, i));
      expect(await driver.run(pair, driver.blocks(WRITE, i, 1, at))).toMatchObject({ status: 0, id: i, head: (i + 1) % 3 });
      expect(disk.slice(i * 512, (i + 1) * 512)).toEqual(pattern(512, i));
    }
    for (let i = 0; i < 9; i++) expect((await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } })).result).toBe(1);
  });

  test('a full ring of many commands, told by one doorbell', async () => {
    plug();
    await driver.enable();
    const pair = await driver.createPair(1, 256);
    const at = driver.pages(64);
    bench.memory.writeBytes(at, pattern(64 * PAGE));
    const ended = Array.from({ length: 255 }, (_, i) => driver.put(pair, driver.blocks(WRITE, i, 1, at + 512 * i)));
    driver.ringTail(pair);
    await driver.drain();
    expect((await Promise.all(ended)).every(({ status }) => status === 0)).toBe(true);
    same(disk.slice(0, 255 * 512), pattern(64 * PAGE).slice(0, 255 * 512));
  });

  test('two queues with one completion queue each, and two with one together', async () => {
    plug();
    await driver.enable();
    const [one, two] = [await driver.createPair(1, 16), await driver.createPair(2, 16)];
    const at = driver.pages(4);
    const ended = [one, two, two, one].map((pair, i) => driver.put(pair, driver.blocks(READ, i, 1, at + 512 * i), i));
    driver.ringTail(two);
    driver.ringTail(one);
    await driver.drain();
    expect((await Promise.all(ended)).map(({ queue, status }) => [queue, status])).toEqual([[1, 0], [2, 0], [2, 0], [1, 0]]);
    const third = { ...one, id: 3, submissions: driver.pages(1), tail: 0 };
    expect((await driver.run(driver.admin, { opcode: 0x01, prp1: third.submissions, dwords: { 10: (15 << 16) | 3, 11: (1 << 16) | 1 } })).status).toBe(0);
    const shared = driver.submit(third, driver.blocks(READ, 0, 1, at), 100);
    await driver.drain();
    expect(await shared).toMatchObject({ queue: 3, id: 100, head: 1, status: 0 });
    expect((await driver.run(driver.admin, { opcode: 0x04, dwords: { 10: 1 } })).status).toBe(0x410c);
    expect((await driver.run(driver.admin, { opcode: 0x00, dwords: { 10: 3 } })).status).toBe(0);
    await driver.deletePair(one);
    await driver.deletePair(two);
    expect((await driver.createPair(1, 16)).id).toBe(1);
  });

  test('a full completion queue holds everything back until there is room', async () => {
    plug();
    await driver.enable();
    const depth = 8;
    const pair = await driver.createPair(1, depth);
    const small = { ...pair, completions: driver.pages(1) };
    await driver.deletePair(pair);
    expect((await driver.run(driver.admin, { opcode: 0x05, prp1: small.completions, dwords: { 10: (3 << 16) | 1, 11: 1 } })).status).toBe(0);
    expect((await driver.run(driver.admin, { opcode: 0x01, prp1: small.submissions, dwords: { 10: ((depth - 1) << 16) | 1, 11: 0x1_0001 } })).status).toBe(0);
    const at = driver.pages(1);
    for (let i = 0; i < 7; i++) void driver.put(small, driver.blocks(READ, i, 1, at), i);
    driver.ringTail(small);
    await bench.settle();
    const entries = (): number[] => [0, 1, 2, 3].map((i) => bench.memory.read16(small.completions + 16 * i + 12) | ((bench.memory.read16(small.completions + 16 * i + 14) & 1) << 15));
    expect(entries()).toEqual([0x8000, 0x8001, 0x8002, 0]);
    driver.write32(REG.DOORBELL + 12, 1);
    await bench.settle();
    expect(entries()).toEqual([0x8000, 0x8001, 0x8002, 0x8003]);
    driver.write32(REG.DOORBELL + 12, 3);
    await bench.settle();
    expect(entries()).toEqual([4, 5, 0x8002, 0x8003]);
    driver.write32(REG.DOORBELL + 12, 2);
    await bench.settle();
    expect(entries()).toEqual([4, 5, 6, 0x8003]);
    expect(bench.guestErrors).toEqual([]);
  });

  test('a queue with many commands does not starve another', async () => {
    const order: number[] = [];
    plug({ store: { blocks: 4096, read: (block) => { order.push(block); return Promise.resolve(); }, write: () => Promise.resolve() } });
    await driver.enable();
    await driver.run(driver.admin, { opcode: 0x09, dwords: { 10: 1, 11: 1 } });
    const [one, two] = [await driver.createPair(1, 16), await driver.createPair(2, 16)];
    const at = driver.pages(1);
    for (let i = 0; i < 8; i++) void driver.put(one, driver.blocks(READ, i, 1, at));
    for (let i = 0; i < 2; i++) void driver.put(two, driver.blocks(READ, 100 + i, 1, at));
    driver.ringTail(one);
    driver.ringTail(two);
    await driver.drain();
    expect(order).toEqual([0, 1, 100, 101, 2, 3, 4, 5, 6, 7]);
  });
});

describe('stores', () => {
  test('of 4096-byte blocks, which answer later', async () => {
    const blocks = new Map<number, Uint8Array>();
    const log: string[] = [];
    plug({
      store: {
        blockSize: 4096,
        blocks: 2 ** 36,
        read: async (block, target) => {
          await Promise.resolve();
          for (let i = 0; i < target.length; i += 4096) target.set(blocks.get(block + i / 4096) ?? new Uint8Array(4096), i);
        },
        write: async (block, source) => {
          await Promise.resolve();
          for (let i = 0; i < source.length; i += 4096) blocks.set(block + i / 4096, source.slice(i, i + 4096));
          log.push(`write ${block}`);
        },
        flush: () => { log.push('flush'); return Promise.resolve(); },
      },
    });
    await driver.enable();
    expect((await driver.page(0x06, { 10: 0 }, 1)).getBigUint64(0, true)).toBe(2n ** 36n);
    expect((await driver.page(0x06, { 10: 0 }, 1)).getUint32(128, true)).toBe(12 << 16);
    expect((await driver.page(0x06, { 10: 1 })).getUint16(520, true)).toBe(0x09);
    const pair = await driver.createPair(1, 8);
    const at = driver.pages(3);
    const far = 2 ** 36 - 3;
    bench.memory.writeBytes(at, pattern(3 * PAGE));
    expect((await driver.run(pair, driver.blocks(WRITE, far, 3, at, { blockSize: 4096 }))).status).toBe(0);
    expect(log).toEqual([`write ${far}`]);
    await driver.run(pair, driver.blocks(WRITE, 0, 1, at, { blockSize: 4096, dw12: FUA }));
    await driver.run(driver.admin, { opcode: 0x09, dwords: { 10: 6, 11: 0 } });
    await driver.run(pair, driver.blocks(WRITE, 1, 1, at, { blockSize: 4096 }));
    await driver.run(pair, { opcode: FLUSH, namespace: 1 });
    expect(log.slice(1)).toEqual(['write 0', 'flush', 'write 1', 'flush', 'flush']);
    const back = driver.pages(3);
    expect((await driver.run(pair, driver.blocks(READ, far, 3, back, { blockSize: 4096 }))).status).toBe(0);
    same(bench.memory.readBytes(back, new Uint8Array(3 * PAGE)), pattern(3 * PAGE));
    expect((await driver.run(pair, driver.blocks(READ, far, 4, at, { blockSize: 4096 }))).status).toBe(0x4080);
    expect((await driver.run(pair, { opcode: DATASET, namespace: 1, prp1: at, dwords: { 10: 0, 11: 4 } })).status).toBe(0x4001);
  });

  test('that fail are media errors, and the host is told why', async () => {
    const errors: unknown[] = [];
    const broken = new Error('the disk is scratched');
    plug({
      store: { blocks: 8, read: () => Promise.reject(broken), write: () => { throw broken; }, flush: () => Promise.reject(broken) },
      onStoreError: (error) => errors.push(error),
    });
    await driver.enable();
    const pair = await driver.createPair(1, 8);
    const at = driver.pages(1);
    expect((await driver.run(pair, driver.blocks(READ, 3, 1, at))).status).toBe(0x281);
    expect((await driver.run(pair, driver.blocks(WRITE, 3, 1, at))).status).toBe(0x280);
    expect((await driver.run(pair, { opcode: FLUSH, namespace: 1 })).status).toBe(0x280);
    expect(errors).toEqual([broken, broken, broken]);
    expect(bench.guestErrors).toEqual([]);
    const log = await driver.page(0x02, { 10: 1 | (255 << 16) });
    expect([log.getBigUint64(0, true), log.getUint16(8, true), log.getUint16(12, true), log.getBigUint64(128, true), log.getBigUint64(128 + 16, true)]).toEqual([3n, 1, 0x280 << 1, 1n, 3n]);
  });

  test.each([
    ['no bytes', { store: new Uint8Array(0) }, 'the store has 0 bytes; expected a multiple of 512, and not 0'],
    ['half a block', { store: new Uint8Array(4096 + 512), blockSize: 4096 }, 'the store has 4608 bytes'],
    ['blocks of 1000 bytes', { blockSize: 1000 }, 'a block has 1000 bytes; expected 512 or 4096'],
    ['two sizes of a block', { blockSize: 512, store: { blockSize: 4096, blocks: 1, read: async () => {}, write: async () => {} } }, 'blockSize is 512, and the store has blocks of 4096'],
    ['no blocks', { store: { blocks: 0, read: async () => {}, write: async () => {} } }, 'nvmeLite: blocks is 0; expected an integer from 1 to'],
    ['nothing to read', { store: { blocks: 1 } }, 'the store has no read'],
    ['no store', { store: 7 }, 'the store is a number; expected a Uint8Array or a BlockStore'],
    ['a long serial number', { serial: 'x'.repeat(21) }, 'nvmeLite: serial is "xxxxxxxxxxxxxxxxxxxxx"; expected up to 20 characters of ASCII'],
  ])('%s cannot be', (_, options, message) => {
    expect(() => nvmeLite(bench.engine, {}, options as NvmeLiteOptions)).toThrow(message);
  });
});
