// Mappings that go while a device is at work: the fault that its documentation says, and every other byte as it was.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { edu, endpointTest, nvmeLite } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Pluggable, Testbench } from '../../src/hosts/index.ts';
import type { DeviceHost } from '../../src/pci/index.ts';
import type { Engine } from '../../src/core/index.ts';
import { NvmeDriver } from './nvme-lite/driver.ts';

const PAGE = 4096;
const MS = 1_000_000;
const POISON = 0xdb;

let bench: Testbench;

beforeEach(() => {
  bench = createTestbench();
});

afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

/** Plugs a device in that loses a page when its transfer number `at` (1 and up, counted from `arm` on) has begun and not landed: whoever unmapped it puts poison there at once. */
function plugRevoked<Device extends Pluggable>(make: (engine: Engine, host: DeviceHost) => Device): { card: Device; arm: (at: number, page: number) => void; begun: () => number } {
  let transfers = 0;
  let armed: { readonly at: number; readonly page: number } | undefined;
  const begun = (transfer: Promise<void>): Promise<void> => {
    transfers++;
    if (transfers === armed?.at) {
      expect(bench.iommu.unmap(armed.page, armed.page + PAGE - 1)).toBe(BigInt(PAGE));
      bench.memory.writeBytes(armed.page, new Uint8Array(PAGE).fill(POISON));
    }
    return transfer;
  };
  const card = bench.plug((engine, host) => {
    const { dma } = host;
    return make(engine, { ...host, dma: { tellsLanding: true, read: (address, target) => begun(dma!.read(address, target)), write: (address, source, landed) => begun(dma!.write(address, source, landed)) } });
  });
  const arm = (at: number, page: number): void => {
    transfers = 0;
    armed = { at, page };
  };
  return { card, arm, begun: () => transfers };
}

const bytes = (address: number, length: number): Uint8Array => bench.memory.readBytes(address, new Uint8Array(length));
const faults = (): unknown[] => bench.dmaFaults.map(({ access, iova, reason }) => [access, Number(iova), reason]);
/** All of RAM but for some bytes, which are 0 in it. */
function ramBut(...without: readonly (readonly [address: number, length: number])[]): Buffer {
  const all = bytes(0, Number(bench.ram.size));
  for (const [address, length] of without) all.fill(0, address, address + length);
  return Buffer.from(all);
}

describe('endpoint-test', () => {
  const SOURCE = 0x10_0000;
  const DESTINATION = 0x40_0000;
  const SIZE = 4 * PAGE;
  const COPY = 0x20, COPY_SUCCESS = 0x10, COPY_FAIL = 0x20;

  async function copyRevoked(at: number, page: number): Promise<number> {
    const { card, arm } = plugRevoked(endpointTest);
    const bar = bench.addressOf(card, 0);
    bench.memory.writeBytes(SOURCE, new Uint8Array(SIZE).map((_, i) => i * 13));
    bench.memory.writeBytes(DESTINATION, new Uint8Array(SIZE).fill(0x77));
    const before = ramBut([page, PAGE]);
    arm(at, page);
    for (const [register, value] of [[0x0c, SOURCE], [0x14, DESTINATION], [0x1c, SIZE], [0x04, COPY]] as const) bench.memory.write32(bar + register, value);
    await bench.run(MS);
    expect(ramBut([page, PAGE]).equals(before)).toBe(true);
    expect(bytes(page, PAGE)).toEqual(new Uint8Array(PAGE).fill(POISON));
    return bench.memory.read32(bar + 0x08) & (COPY_SUCCESS | COPY_FAIL);
  }

  test.each([
    ['read', 1, SOURCE],
    ['read', 1, SOURCE + 2 * PAGE],
    ['write', 2, DESTINATION],
    ['write', 2, DESTINATION + 3 * PAGE],
  ])('a copy whose %s loses a page fails: transfer %i, page %i', async (access, at, page) => {
    expect(await copyRevoked(at, page)).toBe(COPY_FAIL);
    expect(faults()).toEqual([[access, page, 'unmapped']]);
  });

  test('a copy into memory that may only be read fails, and one out of memory that may only be written', async () => {
    const { card } = plugRevoked(endpointTest);
    const bar = bench.addressOf(card, 0);
    bench.iommu.unmap(0, 2 * PAGE - 1);
    bench.iommu.map(0, PAGE, { region: bench.ram, position: 0, readable: true, writable: false });
    bench.iommu.map(PAGE, PAGE, { region: bench.ram, position: PAGE, readable: false, writable: true });
    const before = ramBut();
    const copy = async (source: number, destination: number): Promise<number> => {
      for (const [register, value] of [[0x0c, source], [0x14, destination], [0x1c, 64], [0x04, COPY]] as const) bench.memory.write32(bar + register, value);
      await bench.run(MS);
      return bench.memory.read32(bar + 0x08) & (COPY_SUCCESS | COPY_FAIL);
    };
    expect(await copy(SOURCE, 0)).toBe(COPY_FAIL);
    expect(await copy(PAGE, DESTINATION)).toBe(COPY_FAIL);
    expect(ramBut().equals(before)).toBe(true);
    expect(await copy(0, PAGE)).toBe(COPY_SUCCESS);
    expect(faults()).toEqual([['write', 0, 'permission'], ['read', PAGE, 'permission']]);
  });
});

describe('nvme-lite', () => {
  const DATA_TRANSFER_ERROR = 0x04;
  const STATUS_CODE = 0xff;

  test.each([0, 1, 2, 3])('a command that loses page %i of its data ends with DATA_TRANSFER_ERROR', async (lost) => {
    const disk = new Uint8Array(1 << 20).map((_, i) => i * 7 + (i >> 12));
    const { card, arm, begun } = plugRevoked((engine, host) => nvmeLite(engine, host, { store: disk }));
    const driver = new NvmeDriver(bench, card);
    await driver.enable();
    const pair = await driver.createPair(1, 8);
    const first = driver.pages(1);
    // Apart from each other: one transfer each.
    const rest = [7, 3, 5].map((n) => (1 << 23) + n * PAGE);
    const pages = [first, ...rest];
    const read = { opcode: 0x02, namespace: 1, prp1: first, prp2: driver.list(rest), dwords: { 12: 31 } };
    arm(0, 0);
    expect((await driver.run(pair, read)).status).toBe(0);
    pages.forEach((page, i) => expect(bytes(page, PAGE)).toEqual(disk.slice(i * PAGE, (i + 1) * PAGE)));
    for (const page of pages) bench.memory.writeBytes(page, new Uint8Array(PAGE).fill(0x77));
    // Of the transfers of a command: its entry, its list, its data, its completion.
    const dataBegin = begun() - 1 - pages.length;
    const queues: (readonly [number, number])[] = [[pair.submissions, PAGE], [pair.completions, PAGE]];
    const before = ramBut(...pages.map((page) => [page, PAGE] as const), ...queues);
    arm(dataBegin + 1 + lost, pages[lost]!);
    expect((await driver.run(pair, read)).status & STATUS_CODE).toBe(DATA_TRANSFER_ERROR);
    expect(faults()).toEqual([['write', pages[lost], 'unmapped']]);
    expect(bytes(pages[lost]!, PAGE)).toEqual(new Uint8Array(PAGE).fill(POISON));
    // The other pages have their data, or nothing of it.
    for (const [i, page] of pages.entries()) {
      if (i !== lost) expect([new Uint8Array(PAGE).fill(0x77), disk.slice(i * PAGE, (i + 1) * PAGE)]).toContainEqual(bytes(page, PAGE));
    }
    expect(ramBut(...pages.map((page) => [page, PAGE] as const), ...queues).equals(before)).toBe(true);
  });
});

describe('edu', () => {
  test.each([
    ['to memory', 0x4_0000, 0x2000, 0x3],
    ['from memory', 0x2000, 0x4_0000, 0x1],
  ])('a transfer %s that loses its page copies nothing, ends, and tells the host', async (_, source, destination, command) => {
    const { card, arm } = plugRevoked(edu);
    const bar = bench.addressOf(card, 0);
    const before = ramBut([0x2000, PAGE]);
    arm(1, 0x2000);
    for (const [at, value] of [[0x80, source], [0x88, destination], [0x90, 256], [0x98, command]] as const) bench.memory.write64(bar + at, value);
    await bench.run(100 * MS);
    expect(bench.memory.read32(bar + 0x98) & 1).toBe(0);
    expect(bench.guestErrors).toEqual([expect.stringContaining('EFAULT')]);
    expect(faults()).toEqual([[command === 0x3 ? 'write' : 'read', 0x2000, 'unmapped']]);
    expect(bytes(0x2000, PAGE)).toEqual(new Uint8Array(PAGE).fill(POISON));
    expect(ramBut([0x2000, PAGE]).equals(before)).toBe(true);
  });
});
