// nvme-lite: resets and removals in the middle of commands, and garbage.

import { beforeEach, describe, expect, test } from '@jest/globals';
import { nvmeLite } from '../../../../src/devices/index.ts';
import type { BlockStore } from '../../../../src/devices/index.ts';
import { ReferenceXorshift } from '../../../reference/xorshift.ts';
import { CC_ENABLED, PAGE, REG } from '../driver.ts';
import type { QueuePair } from '../driver.ts';
import { bench, card, drive, driver, NOWHERE, plug, plugController, READ, WRITE } from './support.ts';

plugController();

describe('in the middle of commands', () => {
  /** A store that answers when it is told to. */
  class SlowStore implements BlockStore {
    readonly blocks = 64;
    readonly waiting: (() => void)[] = [];
    read(_: number, target: Uint8Array): Promise<void> {
      return new Promise((resolve) => void this.waiting.push(() => { target.fill(0x55); resolve(); }));
    }
    write(): Promise<void> {
      return new Promise((resolve) => void this.waiting.push(resolve));
    }
    answer(): void {
      for (const resolve of this.waiting.splice(0)) resolve();
    }
  }
  let store: SlowStore;
  let pair: QueuePair;
  let at: number;

  beforeEach(async () => {
    store = new SlowStore();
    plug({ store });
    bench.enableMessages(card);
    await driver.enable();
    pair = await driver.createPair(1, 8);
    at = driver.pages(1);
    bench.memory.writeBytes(at, new Uint8Array(PAGE));
    for (let i = 0; i < 4; i++) void driver.put(pair, driver.blocks(i % 2 === 0 ? READ : WRITE, i, 1, at), i);
    driver.ringTail(pair);
    await bench.settle();
    expect(store.waiting).toHaveLength(4);
    bench.interrupts.length = 0;
  });

  test('an identifier that is in use', async () => {
    void driver.submit(pair, driver.blocks(READ, 0, 1, at), 2);
    await bench.settle();
    expect(driver.reap(pair)).toMatchObject([{ id: 2, status: 0x4003 }]);
    expect(bench.guestErrors).toEqual([expect.stringContaining('command identifier 2 is in use')]);
  });

  test('commands end in whatever order', async () => {
    store.waiting.reverse();
    store.answer();
    await bench.settle();
    const order = driver.reap(pair).map(({ id }) => id);
    expect([order.length, order[0], order[3]]).toEqual([4, 3, 0]);
  });

  test('deleting their queue waits for them', async () => {
    const deleted = driver.submit(driver.admin, { opcode: 0x00, dwords: { 10: 1 } });
    await driver.drain();
    expect(driver.admin.inFlight.size).toBe(1);
    expect((await driver.run(driver.admin, { opcode: 0x00, dwords: { 10: 1 } })).status).toBe(0x4101);
    store.answer();
    await driver.drain();
    expect((await deleted).status).toBe(0);
    expect(pair.inFlight.size).toBe(0);
  });

  test('a controller reset ends once they have, and nobody hears of them', async () => {
    driver.write32(REG.CC, 0);
    await bench.run(10_000_000);
    expect(driver.read32(REG.CSTS)).toBe(1);
    store.answer();
    await bench.run(10_000_000);
    expect(driver.read32(REG.CSTS)).toBe(0);
    expect(driver.peek(pair)).toBeUndefined();
    expect(bench.memory.read8(at)).toBe(0);
    expect(bench.interrupts).toEqual([]);
    await driver.enable();
    pair = await driver.createPair(1, 8);
    const ended = driver.submit(pair, driver.blocks(READ, 0, 1, at));
    await bench.settle();
    store.answer();
    await driver.drain();
    expect((await ended).status).toBe(0);
    expect(bench.memory.read8(at)).toBe(0x55);
  });

  test('a shutdown is complete once they are', async () => {
    driver.write32(REG.CC, CC_ENABLED | (1 << 14));
    await bench.run(10_000_000);
    expect(driver.read32(REG.CSTS)).toBe(0b0101);
    store.answer();
    await bench.settle();
    expect(driver.read32(REG.CSTS)).toBe(0b1001);
    expect(driver.reap(pair)).toHaveLength(4);
  });

  test('a function level reset forgets them, and the next controller waits until they are over', async () => {
    card.function.resetFunction();
    expect([driver.card.bar(0).regs.CSTS.peek(), driver.card.bar(0).regs.CC.peek(), driver.card.bar(0).regs.AQA.peek()]).toEqual([0, 0, 0]);
    for (const [register, value] of [[0x10, 0], [0x14, 0x10], [0x04, 6]] as const) card.function.config.write32(register, value);
    driver.write32(REG.AQA, 0x1f001f);
    driver.write32(REG.ASQ, driver.pages(1));
    driver.write32(REG.ACQ, driver.pages(1));
    driver.write32(REG.CC, CC_ENABLED);
    await bench.run(10_000_000);
    expect(driver.read32(REG.CSTS)).toBe(0);
    store.answer();
    await bench.run(10_000_000);
    expect(driver.read32(REG.CSTS)).toBe(1);
    expect(driver.peek(pair)).toBeUndefined();
    expect([bench.memory.read8(at), bench.interrupts]).toEqual([0, []]);
    expect(bench.guestErrors).toEqual([]);
  });

  test.each([[true], [false]])('a device that is taken away touches nothing more (pumped before: %s)', async (pumped) => {
    void driver.submit(pair, driver.blocks(READ, 9, 1, at), 9);
    if (pumped) bench.engine.pump();
    bench.unplug(card);
    store.answer();
    await bench.run(10_000_000);
    expect(bench.memory.read8(at)).toBe(0);
    expect([bench.interrupts, bench.guestErrors]).toEqual([[], []]);
  });
});

describe('a device that is taken away by who hears of it', () => {
  test.each(['msix', 'msi', 'pin'] as const)('in an interrupt: %s', async (interrupts) => {
    drive(bench.plug((engine, host) => nvmeLite(engine, {
      ...host,
      interrupts: { setLevel: () => bench.unplug(card), message: () => bench.unplug(card) },
    }, { interrupts })));
    if (interrupts !== 'pin') bench.enableMessages(card);
    await driver.enable();
    driver.write32(REG.DOORBELL, 3);
    await bench.run(10_000_000);
    expect(card.isGone).toBe(true);
  });

  test.each<[string, () => void]>([
    ['registers that cannot be', () => driver.write32(REG.CC, 1)],
    ['a doorbell of no queue', () => driver.write32(REG.DOORBELL + 16, 1)],
    ['a command that cannot be', () => driver.write32(REG.DOORBELL, 1)],
    ['commands that are nowhere', () => {
      driver.write32(REG.CC, 0);
      driver.write32(REG.ASQ, NOWHERE);
      driver.write32(REG.CC, CC_ENABLED);
      driver.write32(REG.DOORBELL, 1);
    }],
  ])('in the report of %s', async (what, misuse) => {
    drive(bench.plug((engine, host) => nvmeLite(engine, { ...host, guestError: () => bench.unplug(card) })));
    if (!what.startsWith('registers')) await driver.enable();
    misuse();
    await bench.run(10_000_000);
    expect(card.isGone).toBe(true);
  });
});

describe('garbage', () => {
  const random = (seed: number): ((below: number) => number) => {
    const generator = new ReferenceXorshift(seed);
    return (below) => generator.next() % below;
  };

  test.each([1, 2, 3, 4, 5, 6])('in every register, at every width (seed %d)', async (seed) => {
    plug({ interrupts: (['msix', 'msi', 'pin'] as const)[seed % 3]! });
    const next = random(seed);
    const interesting = [0, 1, 0x46_0001, 0x46_4001, 0xffff_ffff, 0x1f001f, 0x10_0000];
    for (let i = 0; i < 600; i++) {
      const width = [1, 2, 4, 8][next(4)]!;
      const position = next(4) === 0 ? next(0x4000 - 8) : next(2) === 0 ? next(0x40) : REG.DOORBELL + next(0x208);
      const value = next(2) === 0 ? interesting[next(interesting.length)]! : next(2 ** 32);
      const at = driver.bar + position;
      if (width === 8) bench.memory.write64(at, BigInt(value) * 0x1_0000_0001n);
      else bench.memory[`write${(8 * width) as 8 | 16 | 32}`](at, value % 2 ** (8 * width));
      bench.memory.read32(at);
      if (i % 20 === 0) await bench.run(1_000_000);
    }
    await bench.run(100_000_000);
    await driver.enable();
    expect((await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } })).status).toBe(0);
  });

  test.each([11, 12, 13, 14])('in queues (seed %d)', async (seed) => {
    plug();
    await driver.enable(32);
    const pair = await driver.createPair(1, 32);
    const next = random(seed);
    for (let round = 0; round < 12; round++) {
      for (const queue of [driver.admin, pair]) {
        for (let i = 0; i < 8; i++) {
          const entry = new Uint8Array(64).map(() => next(256));
          const data = new DataView(entry.buffer);
          // Half of them could be meant.
          if (next(2) === 0) {
            data.setUint8(0, next(13));
            data.setUint8(1, 0);
            data.setUint32(4, next(3), true);
            data.setBigUint64(24, BigInt(8 * next(2 ** 21)), true);
            data.setBigUint64(32, BigInt(PAGE * next(2 ** 12)), true);
            data.setUint32(40, next(3) === 0 ? next(2 ** 32) : next(0x20), true);
          }
          bench.memory.writeBytes(queue.submissions + 64 * queue.tail, entry);
          queue.tail = (queue.tail + 1) % queue.depth;
        }
        driver.ringTail(queue);
        await bench.settle();
        driver.write32(REG.DOORBELL + 8 * queue.id + 4, next(32));
        await bench.settle();
      }
    }
    card.function.resetFunction();
    for (const [register, value] of [[0x10, 0], [0x14, 0x10], [0x04, 6]] as const) card.function.config.write32(register, value);
    await driver.enable();
    expect((await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } })).status).toBe(0);
  });
});
