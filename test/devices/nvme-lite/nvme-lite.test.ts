// An NVMe controller, driven as the nvme driver of Linux drives it.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nvmeLite } from '../../../src/devices/index.ts';
import type { NvmeLite, NvmeLiteOptions } from '../../../src/devices/index.ts';
import { createTestbench } from '../../../src/hosts/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';
import { CC_ENABLED, NvmeDriver, PAGE, REG } from './driver.ts';

const FLUSH = 0x00;
const WRITE = 0x01;
const READ = 0x02;
const COMPARE = 0x05;
const WRITE_ZEROES = 0x08;
const DATASET = 0x09;
const FUA = 1 << 30;

let bench: Testbench;
let card: NvmeLite;
let driver: NvmeDriver;
let disk: Uint8Array;

function plug(options: NvmeLiteOptions = {}): void {
  card = bench.plug((engine, host) => nvmeLite(engine, host, { store: disk, ...options }));
  driver = new NvmeDriver(bench, card);
}

beforeEach(() => {
  bench = createTestbench();
  disk = new Uint8Array(1 << 21);
});

afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

/** Jest takes seconds for what this sees at once. */
const same = (found: Uint8Array, wanted: Uint8Array): void => expect(Buffer.compare(found, wanted)).toBe(0);

const pattern = (bytes: number, seed = 1): Uint8Array => new Uint8Array(bytes).map((_, i) => (i * 7 + seed * 31 + (i >> 9)) & 0xff);

describe('probe', () => {
  beforeEach(() => plug());

  test('says who it is, as QEMU does', () => {
    expect(card.function.peek(0)).toBe(0x0010_1b36);
    expect(card.function.peek(8)).toBe(0x0108_0202);
    expect(card.function.peek(0x2c)).toBe(0x1100_1af4);
    expect(card.function.bars).toMatchObject([{ index: 0, kind: 'mem64', size: 0x4000n }]);
    expect(card.function.msix).toMatchObject({ count: 65, tableBar: 0, tableOffset: 0x2000, pbaBar: 0, pbaOffset: 0x3000 });
  });

  test('CSTS.RDY follows CC.EN both ways, later', async () => {
    driver.write32(REG.AQA, 0x1f001f);
    driver.write32(REG.ASQ, 0x10000);
    driver.write32(REG.ACQ, 0x11000);
    driver.write32(REG.CC, CC_ENABLED);
    expect(driver.read32(REG.CSTS)).toBe(0);
    await bench.run(1_000_000);
    expect(driver.read32(REG.CSTS)).toBe(1);
    driver.write32(REG.CC, 0);
    expect(driver.read32(REG.CSTS)).toBe(1);
    await bench.run(1_000_000);
    expect(driver.read32(REG.CSTS)).toBe(0);
  });

  test('while it is enabled, the places of the admin queues and the page size stay', async () => {
    await driver.enable();
    const before = [REG.AQA, REG.ASQ, REG.ACQ].map((register) => driver.read32(register));
    for (const register of [REG.AQA, REG.ASQ, REG.ACQ]) driver.write32(register, 0x0123_4567);
    expect([REG.AQA, REG.ASQ, REG.ACQ].map((register) => driver.read32(register))).toEqual(before);
    driver.write32(REG.CC, CC_ENABLED | (3 << 7));
    expect(driver.read32(REG.CC)).toBe(CC_ENABLED);
  });

  test('identifies the controller', async () => {
    await driver.enable();
    const page = await driver.page(0x06, { 10: 1 });
    const text = (at: number, length: number): string => new TextDecoder().decode(new Uint8Array(page.buffer, at, length)).trimEnd();
    expect([page.getUint16(0, true), page.getUint16(2, true)]).toEqual([0x1b36, 0x1af4]);
    expect([text(4, 20), text(24, 40), text(64, 8)]).toEqual(['maplebar-00:01.0', 'maplebar NVMe', '1.0']);
    expect(page.getUint8(77)).toBe(7);
    expect(page.getUint32(80, true)).toBe(0x10400);
    expect([page.getUint8(111), page.getUint8(512), page.getUint8(513), page.getUint32(516, true)]).toEqual([1, 0x66, 0x44, 1]);
    expect(page.getUint16(520, true)).toBe(0x0d);
    expect(text(768, 256)).toMatch(/^nqn\.2014\.08\.org\.nvmexpress:1b361af4maplebar-00:01\.0 +maplebar NVMe *\0+$/);
  });

  test('identifies the namespace, and lists it', async () => {
    await driver.enable();
    const namespace = await driver.page(0x06, { 10: 0 }, 1);
    expect([0, 8, 16].map((at) => namespace.getBigUint64(at, true))).toEqual([4096n, 4096n, 4096n]);
    expect([namespace.getUint8(25), namespace.getUint8(26), namespace.getUint32(128, true)]).toEqual([0, 0, 9 << 16]);
    expect((await driver.page(0x06, { 10: 2 }, 0)).getUint32(0, true)).toBe(1);
    expect((await driver.page(0x06, { 10: 2 }, 1)).getUint32(0, true)).toBe(0);
    expect((await driver.page(0x06, { 10: 7 }, 0)).getUint32(0, true)).toBe(1);
    const names = await driver.page(0x06, { 10: 3 }, 1);
    // EUI-64 as in the namespace, then the command set, which Linux insists on; then nothing.
    expect([names.getUint8(0), names.getUint8(1), names.getBigUint64(4)]).toEqual([1, 8, namespace.getBigUint64(120)]);
    expect([names.getUint8(12), names.getUint8(13), names.getUint8(16), names.getUint8(17)]).toEqual([4, 1, 0, 0]);
    expect((await driver.page(0x06, { 10: 0x1c }, 0)).getBigUint64(0, true)).toBe(1n);
    for (const structure of [5, 6]) expect((await driver.page(0x06, { 10: structure }, 1)).getBigUint64(0, true)).toBe(0n);
    expect(bench.guestErrors).toEqual([]);
  });

  test('a page may lie across two', async () => {
    await driver.enable();
    const at = driver.pages(2) + PAGE / 2;
    expect((await driver.run(driver.admin, { opcode: 0x06, prp1: at, prp2: at + PAGE / 2, dwords: { 10: 1 } })).status).toBe(0);
    expect(bench.memory.read16(at)).toBe(0x1b36);
    expect(bench.memory.read32(at + 516)).toBe(1);
    expect(bench.memory.read8(at + 2057)).toBe(0);
  });

  test('features: queues, write cache, and what else there is', async () => {
    await driver.enable();
    const set = (id: number, value: number) => driver.run(driver.admin, { opcode: 0x09, dwords: { 10: id, 11: value } });
    const get = async (id: number, dw11 = 0) => (await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: id, 11: dw11 } })).result;
    expect(await set(7, 0x0003_0003)).toMatchObject({ status: 0, result: 0x003f_003f });
    expect(await get(6)).toBe(1);
    expect((await set(6, 0)).status).toBe(0);
    expect(await get(6)).toBe(0);
    expect(await get(4)).toBe(343);
    expect(await get(4, 1 << 20)).toBe(0);
    await set(4, (1 << 20) | 300);
    expect(await get(4, 1 << 20)).toBe(300);
    expect(await get(4)).toBe(343);
    await set(8, 0x0203);
    expect(await get(8)).toBe(0x0203);
    await set(9, 0x1_0003);
    expect([await get(9, 3), await get(9, 4)]).toEqual([0x1_0003, 4]);
    expect(await get(0x19)).toBe(0);
    expect((await set(0x0b, 0x100)).status).toBe(0);
    await driver.enable();
    expect([await get(6), await get(8), await get(0x0b)]).toEqual([1, 0, 0]);
    expect(bench.guestErrors).toEqual([]);
  });

  test('log pages', async () => {
    await driver.enable();
    const log = (id: number, bytes: number) => driver.page(0x02, { 10: id | ((bytes / 4 - 1) << 16) }, 0xffff_ffff);
    const health = await log(2, 512);
    expect([health.getUint8(0), health.getUint16(1, true), health.getUint8(3)]).toEqual([0, 323, 100]);
    expect((await log(3, 512)).getUint8(0)).toBe(1);
    expect((await log(1, 64)).getBigUint64(0, true)).toBe(0n);
    expect((await log(4, 4096)).getUint32(0, true)).toBe(0);
    const effects = await log(5, 4096);
    expect([effects.getUint32(4 * 6, true), effects.getUint32(1024 + 4, true), effects.getUint32(1024 + 8, true)]).toEqual([1, 3, 1]);
  });

  test('shutdown is told when it is done, and a reset ends it', async () => {
    await driver.enable();
    driver.write32(REG.CC, CC_ENABLED | (1 << 14));
    expect(driver.read32(REG.CSTS)).toBe(0b0101);
    await bench.run(1_000_000);
    expect(driver.read32(REG.CSTS)).toBe(0b1001);
    await driver.enable();
    expect(driver.read32(REG.CSTS)).toBe(1);
  });
});

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

describe('interrupts', () => {
  const vectors = (): number[] => bench.interrupts.filter(({ kind }) => kind === 'message').map((event) => (event as { vector: number }).vector);

  test('MSI-X: a message of the queue for what it posts, none without IEN', async () => {
    plug();
    bench.enableMessages(card);
    await driver.enable();
    const [one, last, quiet] = [await driver.createPair(1, 8), await driver.createPair(64, 8), await driver.createPair(2, 8, { interrupts: false })];
    bench.interrupts.length = 0;
    const at = driver.pages(1);
    await driver.run(one, driver.blocks(READ, 0, 1, at));
    await driver.run(last, driver.blocks(READ, 0, 1, at));
    await driver.run(quiet, driver.blocks(READ, 0, 1, at));
    await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } });
    expect(vectors()).toEqual([1, 64, 0]);
    expect(bench.interrupts.every(({ kind }) => kind === 'message')).toBe(true);
  });

  test('MSI-X: each posting is a message, also while earlier entries wait', async () => {
    plug();
    bench.enableMessages(card);
    await driver.enable();
    const pair = await driver.createPair(1, 8);
    bench.interrupts.length = 0;
    for (let i = 0; i < 3; i++) {
      void driver.submit(pair, driver.blocks(READ, 0, 1, driver.pages(1)));
      await bench.settle();
    }
    expect(vectors()).toEqual([1, 1, 1]);
  });

  test('MSI-X: what waits behind a mask goes when it is opened, and is taken back when the host has polled', async () => {
    plug();
    bench.enableMessages(card);
    await driver.enable();
    const pair = await driver.createPair(1, 8);
    bench.interrupts.length = 0;
    const mask = driver.bar + 0x2000 + 16 + 12;
    const pending = () => bench.memory.read32(driver.bar + 0x3000);
    bench.memory.write32(mask, 1);
    void driver.submit(pair, driver.blocks(READ, 0, 1, driver.pages(1)));
    await bench.settle();
    expect([pending(), vectors()]).toEqual([2, []]);
    bench.memory.write32(mask, 0);
    expect([pending(), vectors()]).toEqual([0, [1]]);
    driver.reap(pair);
    bench.memory.write32(mask, 1);
    await driver.run(pair, driver.blocks(READ, 0, 1, driver.pages(1)));
    expect(pending()).toBe(0);
    bench.memory.write32(mask, 0);
    expect(vectors()).toEqual([1]);
  });

  test('the pin is high until the head has caught up, and INTMS hides it', async () => {
    plug({ interrupts: 'pin' });
    await driver.enable();
    const pair = await driver.createPair(1, 8);
    bench.interrupts.length = 0;
    const level = (): boolean | undefined => (bench.interrupts.at(-1) as { level: boolean } | undefined)?.level;
    const at = driver.pages(1);
    for (let i = 0; i < 2; i++) void driver.put(pair, driver.blocks(READ, 0, 1, at));
    driver.ringTail(pair);
    await bench.settle();
    expect(bench.interrupts).toEqual([{ kind: 'level', slot: '00:01.0', level: true }]);
    driver.write32(REG.INTMS, 1);
    expect([level(), driver.read32(REG.INTMS), driver.read32(REG.INTMC)]).toEqual([false, 1, 1]);
    driver.write32(REG.INTMC, 1);
    expect([level(), driver.read32(REG.INTMS), driver.read32(REG.INTMC)]).toEqual([true, 0, 0]);
    driver.reap(pair, 1);
    await bench.settle();
    expect(level()).toBe(true);
    driver.reap(pair);
    await bench.settle();
    expect(level()).toBe(false);
    expect(bench.interrupts).toHaveLength(4);
    expect(driver.read32(0x18)).toBe(0);
  });

  test('MSI: one message when entries come, and one when some are left', async () => {
    plug({ interrupts: 'msi' });
    expect(bench.enableMessages(card)).toBe(1);
    await driver.enable();
    const pair = await driver.createPair(1, 8);
    bench.interrupts.length = 0;
    for (let i = 0; i < 3; i++) void driver.put(pair, driver.blocks(READ, 0, 1, driver.pages(1)));
    driver.ringTail(pair);
    await bench.settle();
    const before = vectors().length;
    expect(before).toBeGreaterThan(0);
    driver.reap(pair, 1);
    await bench.settle();
    expect(vectors()).toHaveLength(before + 1);
    driver.reap(pair);
    await bench.settle();
    expect(vectors()).toHaveLength(before + 1);
    driver.write32(REG.INTMS, 1);
    await driver.run(pair, driver.blocks(READ, 0, 1, driver.pages(1)));
    expect(vectors()).toHaveLength(before + 1);
  });
});

describe('doorbells', () => {
  test('wait for whoever pumps', async () => {
    plug();
    await driver.enable();
    const at = driver.pages(1);
    void driver.submit(driver.admin, { opcode: 0x06, prp1: at, dwords: { 10: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(driver.peek(driver.admin)).toBeUndefined();
    await bench.settle();
    expect(driver.peek(driver.admin)).toMatchObject({ status: 0 });
    expect(driver.read32(REG.DOORBELL)).toBe(0);
  });

  test('are not lost when more are written than the core can tell of', async () => {
    plug();
    await driver.enable();
    const other = bench.plug((engine, host) => nvmeLite(engine, host));
    const noisy = bench.addressOf(other, 0) + REG.DOORBELL;
    for (let i = 0; i < 5000; i++) bench.memory.write32(noisy, 0);
    const ended = driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } });
    expect(await ended).toMatchObject({ status: 0, result: 1 });
  });

  test('of before a reset mean nothing after it', async () => {
    plug();
    await driver.enable();
    void driver.submit(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } });
    driver.write32(REG.CC, 0);
    driver.write32(REG.CC, CC_ENABLED);
    await bench.run(2_000_000);
    expect(driver.read32(REG.CSTS)).toBe(1);
    expect(driver.peek(driver.admin)).toBeUndefined();
    driver.ringTail(driver.admin);
    await bench.settle();
    expect(driver.peek(driver.admin)).toMatchObject({ status: 0, result: 1 });
  });

  test('of before CSTS.RDY count once it is 1', async () => {
    plug();
    await driver.enable();
    driver.write32(REG.CC, 0);
    await bench.run(1_000_000);
    driver.write32(REG.CC, CC_ENABLED);
    Object.assign(driver.admin, { tail: 0, head: 0, phase: 1 });
    void driver.submit(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } });
    await bench.settle();
    expect(driver.peek(driver.admin)).toBeUndefined();
    await bench.run(1_000_000);
    expect(driver.peek(driver.admin)).toMatchObject({ status: 0, result: 1 });
  });

  test('both of a pair may be written at once, as 8 bytes', async () => {
    plug();
    await driver.enable();
    void driver.put(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } });
    bench.memory.write64(driver.bar + REG.DOORBELL, 1n);
    await bench.settle();
    expect(driver.peek(driver.admin)).toMatchObject({ status: 0 });
    expect(bench.guestErrors).toEqual([]);
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
