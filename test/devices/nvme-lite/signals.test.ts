// nvme-lite: interrupts and doorbells.

import { describe, expect, test } from '@jest/globals';
import { nvmeLite } from '../../../src/devices/index.ts';
import { CC_ENABLED, REG } from './driver.ts';
import { bench, card, driver, plug, plugController, READ } from './support.ts';

plugController();

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
