// nvme-lite: commands that are wrong, and what no command can tell.

import { beforeEach, describe, expect, test } from '@jest/globals';
import { CC_ENABLED, PAGE, REG } from '../driver.ts';
import type { QueuePair, SubmissionEntry } from '../driver.ts';
import { bench, card, driver, NOWHERE, plug, plugController, READ, WRITE } from './support.ts';

plugController();

describe('admin commands', () => {
  const queue = (id: number, entries: number): number => ((entries - 1) << 16) | id;
  const page = 1 << 22;
  test.each<[string, SubmissionEntry, number, string]>([
    ['an opcode of nothing', { opcode: 0x7f }, 0x4001, 'there is no such command'],
    ['Keep Alive, which is for fabrics', { opcode: 0x18 }, 0x4001, 'there is no such command'],
    ['half of a fused operation', { opcode: 0x06, flags: 1, dwords: { 10: 1 } }, 0x4002, 'fused'],
    ['a scatter gather list', { opcode: 0x06, flags: 0x40, dwords: { 10: 1 } }, 0x4002, 'scatter gather'],
    ['Identify of nothing', { opcode: 0x06, prp1: page, dwords: { 10: 0x42 } }, 0x4002, 'structure 0x42'],
    ['Identify of namespace 2', { opcode: 0x06, prp1: page, namespace: 2 }, 0x400b, 'namespace 2; there is namespace 1 alone'],
    ['Identify of another command set', { opcode: 0x06, prp1: page, namespace: 1, dwords: { 10: 5, 11: 2 << 24 } }, 0x4002, 'command set 2'],
    ['a list behind the last namespace', { opcode: 0x06, prp1: page, namespace: 0xffff_ffff, dwords: { 10: 2 } }, 0x400b, 'no namespace can follow'],
    ['Identify to an odd address', { opcode: 0x06, prp1: page + 2, dwords: { 10: 1 } }, 0x4013, 'expected a multiple of 4'],
    ['Identify whose second page begins in its middle', { opcode: 0x06, prp1: page + 8, prp2: page + PAGE + 8, dwords: { 10: 1 } }, 0x4013, 'does not begin at offset 0'],
    ['Identify to where nothing is', { opcode: 0x06, prp1: NOWHERE, dwords: { 10: 1 } }, 0x0004, 'EFAULT'],
    ['a completion queue 0', { opcode: 0x05, prp1: page, dwords: { 10: queue(0, 8), 11: 1 } }, 0x4101, 'queue 0'],
    ['a completion queue 65', { opcode: 0x05, prp1: page, dwords: { 10: queue(65, 8), 11: 1 } }, 0x4101, 'queue 65; expected one of 1 to 64'],
    ['a completion queue that there is', { opcode: 0x05, prp1: page, dwords: { 10: queue(1, 8), 11: 1 } }, 0x4101, 'queue 1'],
    ['a queue of one entry', { opcode: 0x05, prp1: page, dwords: { 10: queue(2, 1), 11: 1 } }, 0x4102, '1 entries; expected 2 to 2048'],
    ['a queue of too many', { opcode: 0x05, prp1: page, dwords: { 10: queue(2, 2049), 11: 1 } }, 0x4102, '2049 entries'],
    ['a queue that is not contiguous', { opcode: 0x05, prp1: page, dwords: { 10: queue(2, 8), 11: 0 } }, 0x4002, 'not contiguous'],
    ['a queue in the middle of a page', { opcode: 0x05, prp1: page + 64, dwords: { 10: queue(2, 8), 11: 1 } }, 0x4013, 'does not begin with a page'],
    ['a vector that there is not', { opcode: 0x05, prp1: page, dwords: { 10: queue(2, 8), 11: (1 << 16) | 3 } }, 0x4108, 'vector 1; there are 1'],
    ['a submission queue of no completion queue', { opcode: 0x01, prp1: page, dwords: { 10: queue(2, 8), 11: (2 << 16) | 1 } }, 0x4100, 'there is no I/O completion queue 2'],
    ['a submission queue of the admin completion queue', { opcode: 0x01, prp1: page, dwords: { 10: queue(2, 8), 11: 1 } }, 0x4100, 'there is no I/O completion queue 0'],
    ['deleting the admin queues', { opcode: 0x00 }, 0x4101, 'there is no I/O submission queue 0'],
    ['deleting queues that there are not', { opcode: 0x04, dwords: { 10: 9 } }, 0x4101, 'there is no I/O completion queue 9'],
    ['deleting a completion queue first', { opcode: 0x04, dwords: { 10: 1 } }, 0x410c, 'submission queues use completion queue 1'],
    ['a feature of nothing', { opcode: 0x09, dwords: { 10: 0x77 } }, 0x4002, 'feature 0x77'],
    ['a default of a feature', { opcode: 0x0a, dwords: { 10: 0x106 } }, 0x4002, 'selection 1'],
    ['saving a feature', { opcode: 0x09, dwords: { 10: 0x8000_0006 } }, 0x410d, 'cannot be saved'],
    ['Number of Queues after queues', { opcode: 0x09, dwords: { 10: 7, 11: 0 } }, 0x400c, 'after queues were made'],
    ['a power state of nothing', { opcode: 0x09, dwords: { 10: 2, 11: 1 } }, 0x4002, 'power state 1'],
    ['other command sets', { opcode: 0x09, dwords: { 10: 0x19, 11: 1 } }, 0x412b, 'combination 1'],
    ['a vector of a feature', { opcode: 0x0a, dwords: { 10: 9, 11: 65 } }, 0x4002, 'vector 65'],
    ['a log of nothing', { opcode: 0x02, prp1: page, dwords: { 10: 0x70 } }, 0x4109, 'no log page 0x70'],
    ['a log of 16 GiB', { opcode: 0x02, prp1: page, dwords: { 10: 0xffff_0001, 11: 0xffff } }, 0x4002, 'at once; the most is 524288'],
    ['what is behind a log', { opcode: 0x02, prp1: page, dwords: { 10: 2, 12: 516 } }, 0x4002, 'log offset 516; the page has 512 bytes'],
    ['an abort in no queue', { opcode: 0x08, dwords: { 10: 5 } }, 0x4002, 'there is no submission queue 5'],
  ])('%s', async (_, entry, status, told) => {
    plug();
    await driver.enable();
    await driver.createPair(1, 8);
    expect(bench.guestErrors).toEqual([]);
    expect((await driver.run(driver.admin, entry)).status).toBe(status);
    expect(bench.guestErrors).toEqual([expect.stringContaining(told)]);
    expect((await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } })).status).toBe(0);
  });

  test('I/O queues while CC does not say what entries are', async () => {
    plug();
    await driver.enable();
    driver.write32(REG.CC, 1);
    expect((await driver.run(driver.admin, { opcode: 0x05, prp1: page, dwords: { 10: queue(1, 8), 11: 1 } })).status).toBe(0x4102);
    driver.write32(REG.CC, CC_ENABLED);
    expect((await driver.run(driver.admin, { opcode: 0x05, prp1: page, dwords: { 10: queue(1, 8), 11: 1 } })).status).toBe(0);
  });
});

describe('asynchronous events', () => {
  test('wait up to their limit, and are taken back by Abort', async () => {
    plug();
    await driver.enable();
    for (let i = 0; i < 4; i++) void driver.submit(driver.admin, { opcode: 0x0c }, 100 + i);
    expect((await driver.run(driver.admin, { opcode: 0x0c })).status).toBe(0x4105);
    expect(await driver.run(driver.admin, { opcode: 0x08, dwords: { 10: 77 << 16 } })).toMatchObject({ status: 0, result: 1 });
    expect(driver.admin.inFlight.size).toBe(4);
    expect(await driver.run(driver.admin, { opcode: 0x08, dwords: { 10: 102 << 16 } })).toMatchObject({ status: 0, result: 0 });
    expect([...driver.admin.inFlight.keys()]).toEqual([100, 101, 103]);
  });

  test.each([
    ['of no queue', REG.DOORBELL + 8 * 7, 1, 0x1_0000, 'tail of submission queue 7, which there is not'],
    ['of no completion queue', REG.DOORBELL + 8 * 64 + 4, 0, 0x1_0000, 'head of completion queue 64, which there is not'],
    ['with a tail behind the end', REG.DOORBELL, 32, 0x1_0100, 'tail 32 of submission queue 0, which has 32 entries'],
    ['with a head behind the tail', REG.DOORBELL + 4, 5, 0x1_0100, 'head 5 of completion queue 0'],
  ])('a doorbell %s is told and ignored', async (_, register, value, result, told) => {
    plug();
    await driver.enable();
    const event = driver.submit(driver.admin, { opcode: 0x0c });
    await driver.drain();
    driver.write32(register, value);
    await driver.drain();
    expect(await event).toMatchObject({ status: 0, result });
    expect(bench.guestErrors).toEqual([expect.stringContaining(told)]);
    expect((await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } })).status).toBe(0);
    // The next is told once the log was read.
    const next = driver.submit(driver.admin, { opcode: 0x0c });
    driver.write32(REG.DOORBELL + 8 * 9, 1);
    await driver.drain();
    expect(driver.admin.inFlight.size).toBe(1);
    expect((await driver.page(0x02, { 10: 1 | (15 << 16) })).getBigUint64(0, true)).toBe(2n);
    await driver.drain();
    expect(await next).toMatchObject({ result: 0x1_0000 });
  });
});

describe('commands on blocks', () => {
  let pair: QueuePair;
  const page = 1 << 22;
  const last = (1 << 20) / 512 - 1;

  beforeEach(async () => {
    plug();
    await driver.enable();
    pair = await driver.createPair(1, 8);
  });

  test.each<[string, SubmissionEntry, number]>([
    ['an opcode of nothing', { opcode: 0x55, namespace: 1 }, 0x4001],
    ['namespace 0', { opcode: READ, namespace: 0, prp1: page }, 0x400b],
    ['namespace 2', { opcode: READ, namespace: 2, prp1: page }, 0x400b],
    ['all namespaces', { opcode: READ, namespace: 0xffff_ffff, prp1: page }, 0x400b],
    ['blocks behind the end', { opcode: READ, namespace: 1, prp1: page, dwords: { 10: last, 12: 1 } }, 0x4080],
    ['blocks far behind the end', { opcode: WRITE, namespace: 1, prp1: page, dwords: { 10: 0xffff_ffff, 11: 0xffff_ffff } }, 0x4080],
    ['zeroes behind the end', { opcode: 0x08, namespace: 1, dwords: { 10: 1, 12: last } }, 0x4080],
    ['more than a transfer', { opcode: READ, namespace: 1, prp1: page, prp2: page, dwords: { 12: 1024 } }, 0x4002],
    ['an odd address', { opcode: READ, namespace: 1, prp1: page + 1 }, 0x4013],
    ['a second page with an offset', { opcode: READ, namespace: 1, prp1: page, prp2: page + 4, dwords: { 12: 15 } }, 0x4013],
    ['a list at an odd place', { opcode: READ, namespace: 1, prp1: page, prp2: page + 4, dwords: { 12: 31 } }, 0x4013],
    ['a list that is nowhere', { opcode: WRITE, namespace: 1, prp1: page, prp2: NOWHERE, dwords: { 12: 31 } }, 0x0004],
    ['data that are nowhere', { opcode: WRITE, namespace: 1, prp1: NOWHERE }, 0x0004],
    ['data that go nowhere', { opcode: READ, namespace: 1, prp1: 0xffff_ffff_ffff_f000n }, 0x0004],
    ['data in its own registers', { opcode: READ, namespace: 1, prp1: 0x10_0000_0000n }, 0x0004],
  ])('%s', async (_, entry, status) => {
    expect((await driver.run(pair, entry)).status).toBe(status);
    expect(bench.guestErrors).toHaveLength(1);
    expect((await driver.run(pair, { opcode: READ, namespace: 1, prp1: page })).status).toBe(0);
    expect(driver.read32(REG.CSTS)).toBe(1);
  });

  test.each([
    ['an entry with an offset', [page, page + 8, page]],
    ['an entry that is nowhere', [page, NOWHERE, page]],
  ])('a list with %s', async (_, entries) => {
    const { status } = await driver.run(pair, { opcode: WRITE, namespace: 1, prp1: page, prp2: driver.list(entries), dwords: { 12: 31 } });
    expect(status).toBe(entries[1] === NOWHERE ? 0x0004 : 0x4013);
  });

  test('a list whose next begins in the middle of a page', async () => {
    const list = driver.pages(1) + PAGE - 16;
    bench.memory.write64(list, BigInt(page));
    bench.memory.write64(list + 8, BigInt(page + 64));
    expect((await driver.run(pair, { opcode: WRITE, namespace: 1, prp1: page, prp2: list, dwords: { 12: 31 } })).status).toBe(0x4013);
  });
});

describe('the controller cannot be enabled', () => {
  test.each([
    ['with admin queues of one entry', { [REG.AQA]: 0 }, CC_ENABLED, 'AQA'],
    ['with too large pages', {}, CC_ENABLED | (5 << 7), 'CC.MPS is 5; the most is 4'],
    ['with queues that do not begin with a page', { [REG.ASQ]: 0x11000 }, CC_ENABLED | (1 << 7), 'does not begin with a page'],
    ['with another arbitration', {}, CC_ENABLED | (1 << 11), 'CC.AMS is 1'],
    ['with command sets of nothing', {}, 0x46_0011, 'CC.CSS is 1'],
  ])('%s', async (_, registers, cc, told) => {
    plug();
    for (const [register, value] of Object.entries({ [REG.AQA]: 0x1f001f, [REG.ASQ]: 0x10000, [REG.ACQ]: 0x12000, ...registers })) driver.write32(Number(register), value);
    driver.write32(REG.CC, cc);
    await bench.run(10_000_000);
    expect(driver.read32(REG.CSTS)).toBe(2);
    expect(bench.guestErrors).toEqual([expect.stringContaining(told)]);
    driver.write32(REG.DOORBELL, 1);
    await bench.settle();
    await driver.enable();
    expect((await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } })).status).toBe(0);
  });
});

describe('what no command can tell is CSTS.CFS, until a reset', () => {
  test.each([
    ['admin commands that are nowhere', REG.ASQ],
    ['admin completions that go nowhere', REG.ACQ],
  ])('%s', async (_, register) => {
    plug();
    await driver.enable();
    await driver.disable();
    driver.write32(register, NOWHERE);
    driver.write32(REG.CC, CC_ENABLED);
    await driver.waitFor(1, 1);
    driver.write32(REG.DOORBELL, 1);
    await bench.settle();
    expect(driver.read32(REG.CSTS)).toBe(3);
    expect(bench.guestErrors).toContainEqual(expect.stringMatching(/queue 0: .*EFAULT/));
    driver.write32(REG.DOORBELL, 2);
    await bench.settle();
    await driver.enable();
    expect((await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: 6 } })).status).toBe(0);
  });

  test('a function that may not master the bus', async () => {
    plug();
    await driver.enable();
    card.function.config.write16(4, 2);
    driver.write32(REG.DOORBELL, 1);
    await bench.settle();
    expect(driver.read32(REG.CSTS)).toBe(3);
  });
});
