// nvme-lite migrated through VFIO, step by step: what travels, what is sent again and what is not, what is refused.
import { describe, expect, test } from '@jest/globals';
import { nvmeLite } from '../../src/devices/index.ts';
import type { BlockStore, NvmeLite, NvmeLiteOptions } from '../../src/devices/index.ts';
import { NvmeDriver, REG, CC_ENABLED } from '../devices/nvme-lite/driver.ts';
import { outcome } from '../vfio/support.ts';
import { bench, useMigrationBench, users } from './bench.ts';
import { MigrationUser, STATE } from './user.ts';

useMigrationBench();

interface End {
  readonly card: NvmeLite;
  readonly user: MigrationUser;
  readonly disk: Uint8Array;
}

function plug(options: Partial<NvmeLiteOptions> = {}): End {
  const disk = new Uint8Array(64 << 10);
  const card = bench.plug((engine, host) => nvmeLite(engine, host, { store: disk, serial: 'one', ...options }));
  const user = new MigrationUser(bench.engine, card.vfio);
  users.push(user);
  return { card, user, disk };
}

const messages = (end: End): number[] => bench.interrupts.flatMap((event) => (event.kind === 'message' && event.slot === end.card.function.slot ? [event.vector] : []));

async function started(end: End): Promise<NvmeDriver> {
  const driver = new NvmeDriver(bench, end.card);
  bench.enableMessages(end.card);
  await driver.enable(8);
  return driver;
}

/** The guest goes on with another device. */
function switchTo(driver: NvmeDriver, end: End): void {
  Object.assign(driver, { card: end.card, bar: bench.addressOf(end.card, 0) });
}

test('queues, a command that waits for an event, settings and registers travel', async () => {
  const [source, target] = [plug(), plug()];
  const driver = await started(source);
  const pair = await driver.createPair(3, 4);
  // Interrupt vector 3 quiet, arbitration changed; then an Async Event Request.
  await driver.run(driver.admin, { opcode: 0x09, dwords: { 10: 0x01, 11: 0x0102_0303 } });
  await driver.run(driver.admin, { opcode: 0x09, dwords: { 10: 0x09, 11: 0x1_0003 } });
  let event: number | undefined;
  void driver.submit(driver.admin, { opcode: 0x0c }).then(({ result }) => (event = result));
  await driver.drain();
  bench.enableMessages(target.card);
  target.user.load(source.user.save());
  source.user.exit();
  switchTo(driver, target);
  expect([REG.CC, REG.CSTS, REG.AQA, REG.ASQ].map((at) => driver.read32(at))).toEqual([CC_ENABLED, 1, 0x7_0007, driver.admin.submissions]);
  expect((await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 0x01 } })).result).toBe(0x0102_0303);
  expect((await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 0x09, 11: 3 } })).result).toBe(0x1_0003);
  const at = driver.pages(1);
  bench.memory.write32(at, 0x1234_5678);
  expect((await driver.run(pair, driver.blocks(0x01, 5, 1, at))).status).toBe(0);
  expect(new DataView(target.disk.buffer).getUint32(5 * 512, true)).toBe(0x1234_5678);
  // A doorbell of a queue that there is not: the event that was asked for at the source.
  driver.write32(REG.DOORBELL + 8 * 9, 1);
  await driver.drain();
  expect(event).toBe(0x01_0000);
  await driver.deletePair(pair);
});

test('CSTS.RDY follows CC.EN in what is left of its time', async () => {
  const [source, target] = [plug(), plug()];
  const driver = await started(source);
  await driver.disable();
  driver.write32(REG.CC, CC_ENABLED);
  await bench.run(400_000);
  source.user.set(STATE.STOP);
  await bench.run(5_000_000);
  expect(driver.read32(REG.CSTS)).toBe(0);
  target.user.load(source.user.save());
  switchTo(driver, target);
  await bench.run(500_000);
  expect(driver.read32(REG.CSTS)).toBe(0);
  await bench.run(200_000);
  expect(driver.read32(REG.CSTS)).toBe(1);
});

test('a doorbell that was rung before the stop, and not looked at, counts at the target', async () => {
  const [source, target] = [plug(), plug()];
  const driver = await started(source);
  const ended = driver.submit(driver.admin, { opcode: 0x0a, dwords: { 10: 0x07 } });
  const stream = source.user.save();
  await bench.settle();
  expect(driver.peek(driver.admin)).toBeUndefined();
  bench.enableMessages(target.card);
  target.user.load(stream);
  source.user.exit();
  switchTo(driver, target);
  await driver.drain();
  expect((await ended).status).toBe(0);
});

test('messages: what was sent is not sent again, what was not is sent once', async () => {
  const [source, target] = [plug(), plug()];
  const driver = await started(source);
  const pair = await driver.createPair(1, 8);
  const at = driver.pages(1);
  const before = messages(source).length;
  const first = driver.submit(pair, driver.blocks(0x02, 0, 1, at));
  await bench.settle();
  const second = driver.submit(pair, driver.blocks(0x02, 1, 1, at));
  bench.engine.pump();
  const stream = source.user.save();
  await bench.settle();
  expect(messages(source).slice(before)).toEqual([1]);
  bench.enableMessages(target.card);
  target.user.load(stream);
  source.user.exit();
  expect(messages(target)).toEqual([]);
  switchTo(driver, target);
  await bench.settle();
  expect(messages(target)).toEqual([1]);
  await driver.drain();
  expect([(await first).status, (await second).status]).toEqual([0, 0]);
});

test('the pin is high at the target while entries have not been taken', async () => {
  const [source, target] = [plug({ interrupts: 'pin' }), plug({ interrupts: 'pin' })];
  const driver = new NvmeDriver(bench, source.card);
  await driver.enable(8);
  void driver.submit(driver.admin, { opcode: 0x0a, dwords: { 10: 0x07 } });
  await bench.settle();
  target.user.load(source.user.save());
  switchTo(driver, target);
  expect(target.card.function.intx!.level).toBe(true);
  await driver.drain();
  expect(target.card.function.intx!.level).toBe(false);
});

test('a migration that is given up: the source ends its commands, each once', async () => {
  const source = plug();
  const driver = await started(source);
  const pair = await driver.createPair(1, 8);
  const ends = Array.from({ length: 5 }, (_, i) => driver.put(pair, driver.blocks(0x02, i, 1, driver.pages(1))));
  driver.ringTail(pair);
  bench.engine.pump();
  await Promise.resolve();
  source.user.set(STATE.PRE_COPY);
  source.user.set(STATE.STOP_COPY);
  await bench.settle();
  const landed = driver.reap(pair).length;
  source.user.set(STATE.RUNNING);
  await driver.drain();
  expect(landed).toBeLessThan(5);
  expect((await Promise.all(ends)).map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
});

test('while it is stopped, nothing of it reaches memory or blocks', async () => {
  const source = plug();
  const driver = await started(source);
  const pair = await driver.createPair(1, 8);
  source.user.set(STATE.STOP);
  const at = driver.pages(1);
  bench.memory.writeBytes(at, new Uint8Array(512).fill(0x77));
  void driver.submit(pair, driver.blocks(0x01, 0, 1, at));
  await bench.run(1_000_000);
  expect([driver.peek(pair), source.disk[0]]).toEqual([undefined, 0]);
  source.user.set(STATE.RUNNING);
  await driver.drain();
  expect(source.disk[0]).toBe(0x77);
});

test('blocks that are somewhere else stay there', async () => {
  const disk = new Uint8Array(64 << 10).fill(0x5a);
  const store: BlockStore = {
    blocks: 128,
    read: (block, into) => Promise.resolve(void into.set(disk.subarray(block * 512, block * 512 + into.length))),
    write: (block, from) => Promise.resolve(void disk.set(from, block * 512)),
  };
  const [source, target] = [plug({ store }), plug({ store })];
  const driver = await started(source);
  const pair = await driver.createPair(1, 8);
  bench.enableMessages(target.card);
  const stream = source.user.save();
  expect(stream.length).toBeLessThan(2048);
  target.user.load(stream);
  source.user.exit();
  switchTo(driver, target);
  const at = driver.pages(1);
  expect((await driver.run(pair, driver.blocks(0x02, 3, 1, at))).status).toBe(0);
  expect(bench.memory.read8(at)).toBe(0x5a);
});

describe('what is refused leaves the target as it was', () => {
  test.each<[string, Partial<NvmeLiteOptions>]>([
    ['another serial number', { serial: 'two' }],
    ['another model', { model: 'other' }],
    ['another firmware', { firmware: '2' }],
    ['other interrupts', { interrupts: 'msi' }],
    ['more blocks', { store: new Uint8Array(128 << 10) }],
    ['larger blocks', { blockSize: 4096 }],
  ])('%s', async (_, options) => {
    const [source, target] = [plug(), plug(options)];
    await started(source);
    expect(outcome(() => target.user.load(source.user.save()))).toBe('EINVAL');
    expect(bench.memory.read32(bench.addressOf(target.card, 0) + REG.CC)).toBe(0);
  });

  test('its state cut off at any length, or with any byte another, behind a right checksum', async () => {
    const { decodeState, encodeState } = await import('../../src/devices/nvme-lite/state.ts');
    const source = plug();
    const driver = await started(source);
    const pair = await driver.createPair(1, 8);
    for (let i = 0; i < 3; i++) void driver.put(pair, driver.blocks(0x02, i, 1, driver.pages(1)));
    driver.ringTail(pair);
    bench.engine.pump();
    await Promise.resolve();
    const stream = source.user.save();
    const stat = Buffer.from(stream).lastIndexOf('STAT');
    const state = stream.subarray(stat + 16, stream.length - 16);
    expect(encodeState(decodeState(state, 4))).toEqual(state);
    for (let length = 0; length < state.length; length++) expect(outcome(() => decodeState(state.subarray(0, length), 4))).toBe('EINVAL');
    expect(outcome(() => decodeState(new Uint8Array([...state, 0]), 4))).toBe('EINVAL');
    for (let at = 0; at < state.length; at++) {
      for (const value of [0x00, 0x01, 0x7f, 0xff]) {
        const other = state.slice();
        other[at] = value;
        const found = outcome(() => encodeState(decodeState(other, 4)));
        if (found !== 'EINVAL') expect(found).toEqual(other);
      }
    }
  });
});
