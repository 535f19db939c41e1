// Guest memory that a device writes while it is migrated: a log shows exactly the pages that were written, from the moment that memory holds it.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mtty, nvmeLite, serial } from '../../src/devices/index.ts';
import { pciDevice, streamedMigration } from '../../src/pci/index.ts';
import type { DeviceHost, DmaTarget, PciDevice, PciDeviceMigration } from '../../src/pci/index.ts';
import { VfioError } from '../../src/uapi/index.ts';
import { DmaLog } from '../../src/vfio/index.ts';
import { NvmeDriver, PAGE } from '../devices/nvme-lite/driver.ts';
import { outcome } from '../vfio/support.ts';
import { bench, useMigrationBench, users } from './bench.ts';
import { MigrationUser, STATE } from './user.ts';

useMigrationBench();

const RAM = 1 << 24;

function open(card: PciDevice): MigrationUser {
  const user = new MigrationUser(bench.engine, card.vfio);
  users.push(user);
  return user;
}

const migration = (): PciDeviceMigration =>
  streamedMigration({ name: 'writer', id: [0x1de5, 1], version: 1, identity: () => new Uint8Array(), save: () => new Uint8Array(), load: () => () => undefined });

/** A device that writes what it is told to; its memory may be another than the testbench's. */
function plug(dma?: DmaTarget, how: PciDeviceMigration = migration()): { card: PciDevice; user: MigrationUser } {
  const card = bench.plug((engine, host: DeviceHost) => pciDevice(engine, { id: [0x1de5, 1], class: 0xff0000, migration: how }, { ...host, ...(dma !== undefined && { dma }) }));
  return { card, user: open(card) };
}

/** Memory whose answers wait until they are let go. */
class SlowMemory implements DmaTarget {
  private readonly waiting: ((error?: Error) => void)[] = [];
  read = async (): Promise<void> => undefined;
  write = (): Promise<void> => new Promise((resolve, reject) => void this.waiting.push((error) => (error === undefined ? resolve() : reject(error))));

  async answer(error?: Error): Promise<void> {
    this.waiting.shift()!(error);
    await bench.settle();
  }
}

describe('a device that writes during pre-copy', () => {
  const operation = fc.oneof(
    fc.record({ kind: fc.constantFrom('write' as const, 'read' as const), address: fc.nat(RAM - 0x4_0000), bytes: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 0x4_0000 })) }),
    fc.record({ kind: fc.constant('report' as const), first: fc.nat(4000), pages: fc.integer({ min: 1, max: 96 }) }),
  );

  test('the log shows exactly the pages written', async () => {
    const { card, user } = plug();
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
        const written = new Set<number>();
        const compare = (first: number, pages: number): void => {
          const expected = Array.from({ length: pages }, (_, i) => first + i).filter((page) => written.delete(page));
          expect(user.written(first * PAGE, pages * PAGE).map((bit) => first + bit)).toEqual(expected);
        };
        expect(user.startLog(PAGE, [0, RAM])).toBe(PAGE);
        user.set(STATE.PRE_COPY);
        for (const one of operations) {
          if (one.kind === 'report') compare(one.first, one.pages);
          else if (one.kind === 'read') await card.dma.read(one.address, one.bytes);
          else {
            await card.dma.write(one.address, new Uint8Array(one.bytes).fill(7));
            for (let page = Math.floor(one.address / PAGE); page * PAGE < one.address + one.bytes; page++) written.add(page);
          }
        }
        user.set(STATE.STOP_COPY);
        compare(0, RAM / PAGE);
        user.stopLog();
        user.set(STATE.RUNNING);
      }),
      { numRuns: 100 },
    );
  });

  test('nvme-lite that reads blocks: their pages and those of its completions', async () => {
    const card = bench.plug((engine, host) => nvmeLite(engine, host, { store: new Uint8Array(64 << 10).fill(9), serial: 'one' }));
    const user = open(card);
    const driver = new NvmeDriver(bench, card);
    bench.enableMessages(card);
    await driver.enable(8);
    const pair = await driver.createPair(1, 8);
    user.startLog(PAGE, [0, RAM]);
    user.set(STATE.PRE_COPY);
    const data = driver.pages(2);
    // Two pages of blocks into memory, then one out of it.
    expect((await driver.run(pair, driver.blocks(0x02, 0, 16, data))).status).toBe(0);
    expect(user.written(0, RAM)).toEqual([pair.completions / PAGE, data / PAGE, data / PAGE + 1].sort((a, b) => a - b));
    expect((await driver.run(pair, driver.blocks(0x01, 0, 8, data))).status).toBe(0);
    expect(user.written(0, RAM)).toEqual([pair.completions / PAGE]);
    expect(user.written(0, RAM)).toEqual([]);
    // A log by 64 KiB shows the pages around it too.
    user.stopLog();
    expect(user.startLog(1 << 16, [1 << 20, 1 << 20])).toBe(1 << 16);
    expect((await driver.run(pair, driver.blocks(0x02, 0, 8, data))).status).toBe(0);
    const seen = user.written(1 << 20, 1 << 20);
    expect([seen.length % 16, seen.includes((data - (1 << 20)) / PAGE)]).toEqual([0, true]);
  });
});

describe('when a write counts', () => {
  test('a host that tells the moment: from then on, and once', async () => {
    const { card, user } = plug();
    user.startLog(PAGE, [0, RAM]);
    const ended = card.dma.write(0x5000, Uint8Array.of(1));
    expect([user.written(0, RAM), bench.memory.read8(0x5000)]).toEqual([[], 0]);
    // Memory is reached a turn later, and the device hears of it after that.
    await Promise.resolve();
    expect([bench.memory.read8(0x5000), user.written(0, RAM)]).toEqual([1, [5]]);
    await ended;
    expect(user.written(0, RAM)).toEqual([]);
  });

  test('a host that does not: as long as it is under way', async () => {
    const memory = new SlowMemory();
    const { card, user } = plug(memory);
    user.startLog(PAGE, [0, RAM]);
    const ended = card.dma.write(0x5000, Uint8Array.of(1));
    expect([user.written(0, RAM), user.written(0, RAM)]).toEqual([[5], [5]]);
    await memory.answer();
    await ended;
    expect([user.written(0, RAM), user.written(0, RAM)]).toEqual([[5], []]);
  });

  test.each<[string, Error, number[]]>([
    ['EFAULT: nothing was written', new VfioError('EFAULT', 'write', 'nothing there'), []],
    ['anything else: nobody knows', new Error('the line is dead'), [5]],
  ])('a write that fails with %s', async (_, error, expected) => {
    const memory = new SlowMemory();
    const { card, user } = plug(memory);
    user.startLog(PAGE, [0, RAM]);
    const ended = card.dma.write(0x5000, Uint8Array.of(1)).catch((caught: unknown) => caught);
    await memory.answer(error);
    expect([await ended, user.written(0, RAM)]).toEqual([error, expected]);
  });

  test('a host that throws at once has written nothing', async () => {
    const error = new Error('no line');
    const { card, user } = plug({ read: async () => undefined, write: () => { throw error; } });
    user.startLog(PAGE, [0, RAM]);
    await expect(card.dma.write(0x5000, Uint8Array.of(1))).rejects.toBe(error);
    expect(user.written(0, RAM)).toEqual([]);
  });

  test('memory that is not there', async () => {
    const { card, user } = plug();
    user.startLog(PAGE, [0, 2 * RAM]);
    await expect(card.dma.write(RAM - 1, new Uint8Array(2))).rejects.toMatchObject({ code: 'EFAULT' });
    expect(user.written(0, 2 * RAM)).toEqual([]);
  });

  test('begun before a reset, a write may still land: then it counts, and the log goes on', async () => {
    const memory = new SlowMemory();
    const { card, user } = plug(memory);
    user.startLog(PAGE, [0, RAM]);
    const ended = card.dma.write(0x5000, Uint8Array.of(1)).catch((caught: unknown) => caught);
    card.function.resetFunction();
    await memory.answer();
    expect(await ended).toMatchObject({ code: 'ECANCELED' });
    expect(user.written(0, RAM)).toEqual([5]);
  });

  test('begun before the log was started, landed behind that', async () => {
    const memory = new SlowMemory();
    const { card, user } = plug(memory);
    const ended = card.dma.write(0x5000, Uint8Array.of(1));
    user.startLog(PAGE, [0, RAM]);
    expect(user.written(0, RAM)).toEqual([5]);
    await memory.answer();
    await ended;
    expect(user.written(0, RAM)).toEqual([5]);
  });

  test('a stopped device begins none', async () => {
    const { card, user } = plug();
    user.startLog(PAGE, [0, RAM]);
    user.set(STATE.STOP_COPY);
    const ended = card.dma.write(0x5000, Uint8Array.of(1));
    await bench.settle();
    expect(user.written(0, RAM)).toEqual([]);
    user.set(STATE.RUNNING);
    await ended;
    expect(user.written(0, RAM)).toEqual([5]);
  });
});

describe('which devices have a log', () => {
  test('those that can be migrated, if they do not bring their own', () => {
    expect(plug().user.startLog(PAGE, [0, RAM])).toBe(PAGE);
    const card = bench.plug((engine, host) => pciDevice(engine, { id: [0x1de5, 1], class: 0xff0000 }, host));
    const user = open(card);
    expect([outcome(() => user.startLog(PAGE, [0, RAM])), outcome(() => user.stopLog()), outcome(() => user.written(0, RAM))]).toEqual(['ENOTTY', 'ENOTTY', 'ENOTTY']);
  });

  test('a log of its own hears nothing of what the device writes', async () => {
    const own = new DmaLog();
    const { card, user } = plug(undefined, { ...migration(), dmaLogging: own });
    user.startLog(PAGE, [0, RAM]);
    await card.dma.write(0x5000, Uint8Array.of(1));
    own.written(0x7000n, 1);
    expect(user.written(0, RAM)).toEqual([7]);
  });

  test('mtty: all succeeds, in any order, and nothing is reported', async () => {
    const card = bench.plug(mtty);
    const user = open(card);
    user.stopLog();
    expect(user.written(0, RAM)).toEqual([]);
    expect([user.startLog(1, [3, 5]), user.startLog(0x3000, [0, 0x1000])]).toEqual([1, 0x3000]);
    await card.dma.write(0x5000, Uint8Array.of(1));
    expect(user.written(0, RAM)).toEqual([]);
  });

  test('serial, which never writes to memory: an empty log', () => {
    const user = open(bench.plug(serial));
    expect(outcome(() => user.written(0, RAM))).toBe('EINVAL');
    expect([user.startLog(0x3000, [0, 0x1000]), outcome(() => user.startLog(PAGE, [0, RAM]))]).toEqual([0x2000, 'EINVAL']);
    expect(user.written(0, RAM)).toEqual([]);
  });
});
