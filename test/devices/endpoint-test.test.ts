// The kernel's PCI endpoint test function, driven as pci_endpoint_test does for tools/testing/selftests/pci_endpoint, and as no driver should.

import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ENDPOINT_TEST_MAX_BYTES, crc32Le, endpointTest, endpointTestRegisters } from '../../src/devices/index.ts';
import type { EndpointTest, EndpointTestOptions } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import { PCI_CAP_ID, PCI_COMMAND, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY, PCI_MSIX_FLAGS, PCI_MSI_ADDRESS_LO, PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, findCapability } from '../../src/pci/index.ts';
import { batteryOf, registerBank } from '../../src/registers/index.ts';
import { ReferenceXorshift } from '../reference/index.ts';

const MS = 1_000_000;
const COMMAND = { INTX: 0x1, MSI: 0x2, MSIX: 0x4, READ: 0x8, WRITE: 0x10, COPY: 0x20 } as const;
const READ_SUCCESS = 0x01, READ_FAIL = 0x02, WRITE_SUCCESS = 0x04, WRITE_FAIL = 0x08, COPY_SUCCESS = 0x10, COPY_FAIL = 0x20;
const IRQ_RAISED = 0x40, SRC_ADDR_INVALID = 0x80, DST_ADDR_INVALID = 0x100;
const IRQ_TYPES = ['INTX', 'MSI', 'MSIX'] as const;
const SIZES = [1, 1024, 1025, 1_024_000, 1_024_001];
const SOURCE = 0x10_0000;
const DESTINATION = 0x40_0000;
const NOWHERE = 0x2000_0000;

let bench: Testbench;
let card: EndpointTest;
let bar: number;

function plug(options: EndpointTestOptions = {}): void {
  card = bench.plug((engine, host) => endpointTest(engine, host, options));
  bar = bench.addressOf(card, 0);
}

beforeEach(() => {
  bench = createTestbench();
  plug();
});

afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

const read = (at: number): number => bench.memory.read32(bar + at);
const write = (at: number, value: number): void => bench.memory.write32(bar + at, value);
const status = (): number => read(0x08);

function random(bytes: number, seed = 7): Uint8Array {
  const numbers = new ReferenceXorshift(seed);
  return new Uint8Array(bytes).map(() => numbers.next());
}

/** What the kernel's crc32_le(~0, ..) is: zlib's without its last inversion. */
const crc = (bytes: Uint8Array): number => ~crc32(bytes) >>> 0;
const memory = (address: number, bytes: number): Uint8Array => bench.memory.readBytes(address, new Uint8Array(bytes));

/** The driver's interrupts: type, and the vectors that arrived. */
const driver = {
  setIrqType(type: (typeof IRQ_TYPES)[number], messages = 32): void {
    const { config } = card.function;
    const msi = findCapability(card.function.readConfig(), PCI_CAP_ID.MSI)!.offset;
    const msix = card.function.msix!.offset;
    config.write16(msi + PCI_MSI_FLAGS, 0);
    config.write16(msix + PCI_MSIX_FLAGS, 0);
    if (type === 'MSIX') bench.enableMessages(card);
    if (type === 'MSI') {
      config.write32(msi + PCI_MSI_ADDRESS_LO, 0xfee0_0000);
      config.write16(msi + 12, 0x40);
      config.write16(msi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | (Math.log2(messages) << 4));
    }
    write(0x24, IRQ_TYPES.indexOf(type));
    write(0x28, type === 'INTX' ? 0 : 1);
  },
  /** What has arrived since: vectors from 1 on, 0 for the pin going up. */
  arrived(): number[] {
    const found = bench.interrupts.flatMap((event) => (event.kind === 'message' ? [(event.vector & 0x3f) + 1] : event.level ? [0] : []));
    bench.interrupts.length = 0;
    return found;
  },
  async raise(type: (typeof IRQ_TYPES)[number], number: number): Promise<boolean> {
    write(0x24, IRQ_TYPES.indexOf(type));
    write(0x28, number);
    write(0x04, COMMAND[type]);
    await bench.run(2 * MS);
    const isRaised = (status() & IRQ_RAISED) !== 0;
    const [vector, ...more] = driver.arrived();
    return isRaised && more.length === 0 && vector === number;
  },
  async transfer(command: number, size: number, source = SOURCE, destination = DESTINATION): Promise<number> {
    for (const [at, value] of [[0x0c, source], [0x10, 0], [0x14, destination], [0x18, 0], [0x1c, size], [0x2c, 0], [0x04, command]] as const) write(at, value);
    await bench.run(MS);
    return status();
  },
};

describe('probing', () => {
  test('is a function that pci_endpoint_test knows, with every kind of interrupt', () => {
    expect(card.function.peek(0)).toBe(0xb500_104c);
    expect(card.function.peek(8)).toBe(0xff00_0000);
    expect(card.function.peek(0x3d, 1)).toBe(1);
    expect(card.function.msi!.count).toBe(32);
    expect(card.function.msixVectors!.count).toBe(32);
    expect(read(0x30)).toBe(0xf);
  });

  test('its BARs are as large as the kernel makes them', () => {
    expect(card.function.bars.map(({ size }) => size)).toEqual([0x1000n, 512n, 1024n, 16_384n, 131_072n, 1_048_576n]);
  });

  test.each([[1, 0x1000n], [32, 0x1000n], [246, 0x1000n], [247, 0x2000n], [2048, 0x1_0000n]])('with %i MSI-X vectors, registers, table and pending bits lie in BAR 0 side by side', (msixVectors, size) => {
    plug({ msixVectors });
    expect(card.function.bars[0]!.size).toBe(size);
    const { tableOffset, pbaOffset, count } = card.function.msix!;
    expect([tableOffset, pbaOffset, count]).toEqual([0x80, 0x80 + 16 * msixVectors, msixVectors]);
  });

  test.each([{ msixVectors: 0 }, { msixVectors: 2049 }, { seed: 0 }])('%j cannot be', (options) => {
    expect(() => endpointTest(bench.engine, {}, options)).toThrow(RangeError);
  });
});

describe('PCITEST_BAR and PCITEST_BARS', () => {
  const patterns = [0xa0a0_a0a0, 0xa1a1_a1a1, 0xa2a2_a2a2, 0xa3a3_a3a3, 0xa4a4_a4a4, 0xa5a5_a5a5];

  test.each([0, 1, 2, 3, 4, 5])('BAR %i keeps what is written to it', (index) => {
    const size = index === 0 ? 4 : Number(card.function.bars[index]!.size);
    const bytes = new Uint8Array(size).fill(patterns[index]! & 0xff);
    bench.memory.writeBytes(bench.addressOf(card, index), bytes);
    // Element by element a matcher takes seconds.
    expect(Buffer.compare(memory(bench.addressOf(card, index), size), bytes)).toBe(0);
  });

  test('no BAR changes another', () => {
    for (let index = 0; index < 6; index++) {
      const size = index === 0 ? 4 : Number(card.function.bars[index]!.size);
      const words = new Uint32Array(size / 4).map((_, i) => ((patterns[index]! & 0xff00_0000) | (4 * i)) >>> 0);
      bench.memory.writeBytes(bench.addressOf(card, index), new Uint8Array(words.buffer));
    }
    for (let index = 0; index < 6; index++) {
      const size = index === 0 ? 4 : Number(card.function.bars[index]!.size);
      for (const at of [0, size / 2, size - 4].map((offset) => offset & ~3)) expect(bench.memory.read32(bench.addressOf(card, index) + at)).toBe(((patterns[index]! & 0xff00_0000) | at) >>> 0);
    }
  });
});

describe('interrupts', () => {
  test('by pin: it is up for a millisecond', async () => {
    driver.setIrqType('INTX');
    expect(await driver.raise('INTX', 0)).toBe(true);
    write(0x04, COMMAND.INTX);
    await bench.run(MS);
    expect(bench.interrupts).toEqual([{ kind: 'level', slot: '00:01.0', level: true }]);
    await bench.run(MS - 1);
    expect(bench.interrupts).toHaveLength(1);
    await bench.run(1);
    expect(bench.interrupts.at(-1)).toEqual({ kind: 'level', slot: '00:01.0', level: false });
    expect(read(0x04)).toBe(0);
  });

  test('by each of 32 MSI messages', async () => {
    driver.setIrqType('MSI');
    for (let number = 1; number <= 32; number++) expect(await driver.raise('MSI', number)).toBe(true);
    expect(bench.guestErrors).toEqual([]);
  });

  test('by each of 32 MSI-X vectors', async () => {
    driver.setIrqType('MSIX');
    for (let number = 1; number <= 32; number++) expect(await driver.raise('MSIX', number)).toBe(true);
    expect(bench.guestErrors).toEqual([]);
  });

  test('a vector that is masked waits until it is not', async () => {
    driver.setIrqType('MSIX');
    bench.memory.write32(bar + 0x80 + 16 * 4 + 12, 1);
    expect(await driver.raise('MSIX', 5)).toBe(false);
    bench.memory.write32(bar + 0x80 + 16 * 4 + 12, 0);
    expect(driver.arrived()).toEqual([5]);
  });

  test.each([
    ['MSI', 33, 'IRQ_NUMBER is 33, of 32 MSI messages'], ['MSI', 0, 'IRQ_NUMBER is 0'], ['MSIX', 33, 'IRQ_NUMBER is 33, of 32 MSI-X vectors'], ['MSIX', 0, 'IRQ_NUMBER is 0'],
    ['MSIX', 0xffff_ffff, 'IRQ_NUMBER is 4294967295'],
  ] as const)('%s number %i raises nothing, and tells the host', async (type, number, told) => {
    driver.setIrqType(type);
    expect(await driver.raise(type, number)).toBe(false);
    expect(status()).toBe(IRQ_RAISED);
    expect(bench.guestErrors).toEqual([expect.stringContaining(told)]);
  });

  test('of fewer messages than it asked for it uses no others', async () => {
    driver.setIrqType('MSI', 4);
    expect(await driver.raise('MSI', 4)).toBe(true);
    expect(await driver.raise('MSI', 5)).toBe(false);
    expect(bench.guestErrors).toEqual([expect.stringContaining('IRQ_NUMBER is 5, of 4 MSI messages')]);
  });

  test.each(['MSI', 'MSIX'] as const)('%s that is off raises nothing', async (type) => {
    expect(await driver.raise(type, 1)).toBe(false);
    expect(bench.guestErrors).toEqual([expect.stringContaining('of 0')]);
  });

  test('a pin that is disabled, or gave way to messages, stays down', async () => {
    driver.setIrqType('MSI');
    expect(await driver.raise('INTX', 0)).toBe(false);
    expect(bench.guestErrors).toEqual([]);
  });
});

describe.each(IRQ_TYPES)('transfers that end with %s', (type) => {
  beforeEach(() => driver.setIrqType(type));
  const one = type === 'INTX' ? [0] : [1];
  // The kernel's tests take MSI where there is a choice.
  const sizes = type === 'MSI' ? SIZES : [1, 1025];

  test.each(sizes)('READ of %i bytes whose checksum is right', async (size) => {
    const bytes = random(size);
    bench.memory.writeBytes(SOURCE + 3, bytes);
    write(0x20, crc(bytes));
    expect(await driver.transfer(COMMAND.READ, size, SOURCE + 3)).toBe(READ_SUCCESS | IRQ_RAISED);
    expect(driver.arrived()).toEqual(one);
  });

  test.each(sizes)('WRITE of %i bytes, whose checksum it says', async (size) => {
    bench.memory.writeBytes(DESTINATION - 1, new Uint8Array(size + 2).fill(0x55));
    expect(await driver.transfer(COMMAND.WRITE, size)).toBe(WRITE_SUCCESS | IRQ_RAISED);
    expect(driver.arrived()).toEqual(one);
    const around = memory(DESTINATION - 1, size + 2);
    expect(read(0x20)).toBe(crc(around.subarray(1, -1)));
    expect([around[0], around.at(-1)]).toEqual([0x55, 0x55]);
  });

  test.each(sizes)('COPY of %i bytes', async (size) => {
    const bytes = random(size);
    bench.memory.writeBytes(SOURCE, bytes);
    expect(await driver.transfer(COMMAND.COPY, size)).toBe(COPY_SUCCESS | IRQ_RAISED);
    expect(driver.arrived()).toEqual(one);
    expect(crc(memory(DESTINATION, size))).toBe(crc(bytes));
  });
});

describe('data', () => {
  test('of WRITE differ from one to the next, begin with the seed, and begin again after a reset', async () => {
    const next = async (): Promise<string> => {
      await driver.transfer(COMMAND.WRITE, 64);
      return memory(DESTINATION, 64).join();
    };
    const first = await next();
    expect(await next()).not.toBe(first);
    card.function.resetFunction();
    card.function.config.write16(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    card.function.config.write32(0x10, bar);
    expect(await next()).toBe(first);
    plug({ seed: 5 });
    expect(await next()).not.toBe(first);
  });

  test('look random: each bit is 1 about half of the time', async () => {
    await driver.transfer(COMMAND.WRITE, 4096);
    const bytes = memory(DESTINATION, 4096);
    for (let bit = 0; bit < 8; bit++) {
      const ones = bytes.reduce((sum, byte) => sum + ((byte >> bit) & 1), 0);
      expect(Math.abs(ones - 2048)).toBeLessThan(200);
    }
  });

  test.each([['', 0xffff_ffff], ['123456789', 0x340b_c6d9]])('crc32Le of %j', (characters, expected) => {
    expect(crc32Le(new TextEncoder().encode(characters))).toBe(expected);
    expect(crc32Le(random(999))).toBe(crc(random(999)));
  });
});

describe('what goes wrong', () => {
  test('READ of data with another checksum fails, and is no misuse', async () => {
    write(0x20, 1);
    expect(await driver.transfer(COMMAND.READ, 64)).toBe(READ_FAIL | IRQ_RAISED);
    expect(bench.guestErrors).toEqual([]);
  });

  test.each([
    ['READ', COMMAND.READ, NOWHERE, DESTINATION, READ_FAIL | SRC_ADDR_INVALID],
    ['WRITE', COMMAND.WRITE, SOURCE, NOWHERE, WRITE_FAIL | DST_ADDR_INVALID],
    ['COPY from', COMMAND.COPY, NOWHERE, DESTINATION, COPY_FAIL | SRC_ADDR_INVALID],
    ['COPY to', COMMAND.COPY, SOURCE, NOWHERE, COPY_FAIL | DST_ADDR_INVALID],
  ])('%s an address of nothing', async (_, command, source, destination, expected) => {
    driver.setIrqType('MSIX');
    expect(await driver.transfer(command, 64, source, destination)).toBe(expected | IRQ_RAISED);
    expect(driver.arrived()).toEqual([1]);
    expect(bench.guestErrors).toEqual([expect.stringContaining('EFAULT')]);
  });

  test('an address in a BAR of its own, and one above 4 GiB', async () => {
    expect(await driver.transfer(COMMAND.READ, 64, bench.addressOf(card, 5))).toBe(READ_FAIL | SRC_ADDR_INVALID | IRQ_RAISED);
    bench.memory.write64(bar + 0x14, 0xffff_ffff_ffff_fff0n);
    write(0x04, COMMAND.WRITE);
    await bench.run(MS);
    expect(status()).toBe(WRITE_FAIL | DST_ADDR_INVALID | IRQ_RAISED);
  });

  test('a function that does not master the bus fails, with addresses that are right; its pin works', async () => {
    driver.setIrqType('INTX');
    card.function.config.write16(PCI_COMMAND, PCI_COMMAND_MEMORY);
    expect(await driver.transfer(COMMAND.READ, 64)).toBe(READ_FAIL | IRQ_RAISED);
    expect(driver.arrived()).toEqual([0]);
    expect(bench.guestErrors).toEqual([expect.stringContaining('EIO')]);
  });

  test('no bytes: nothing is touched, and the checksum is that of nothing', async () => {
    expect(await driver.transfer(COMMAND.WRITE, 0, NOWHERE, NOWHERE)).toBe(WRITE_SUCCESS | IRQ_RAISED);
    expect(read(0x20)).toBe(0xffff_ffff);
    expect(await driver.transfer(COMMAND.READ, 0, NOWHERE, NOWHERE)).toBe(READ_SUCCESS | IRQ_RAISED);
    expect(await driver.transfer(COMMAND.COPY, 0, NOWHERE, NOWHERE)).toBe(COPY_SUCCESS | IRQ_RAISED);
    write(0x20, 0);
    expect(await driver.transfer(COMMAND.READ, 0, NOWHERE, NOWHERE)).toBe(READ_FAIL | IRQ_RAISED);
  });

  test.each([ENDPOINT_TEST_MAX_BYTES + 1, 0xffff_ffff])('%i bytes are more than it has room for', async (size) => {
    expect(await driver.transfer(COMMAND.COPY, size)).toBe(COPY_FAIL | IRQ_RAISED);
    expect(bench.guestErrors).toEqual([expect.stringContaining('4194304')]);
  });

  test('as many as it has room for', async () => {
    expect(await driver.transfer(COMMAND.COPY, ENDPOINT_TEST_MAX_BYTES)).toBe(COPY_SUCCESS | IRQ_RAISED);
  });

  test.each([0x3, 0x40, 0x18, 0x8000_0000, 0xffff_ffff])('command 0x%s is none', async (command) => {
    driver.setIrqType('INTX');
    write(0x08, 0x1ff);
    expect(await driver.transfer(command, 64)).toBe(0);
    expect(read(0x04)).toBe(0);
    expect(driver.arrived()).toEqual([]);
    expect(bench.guestErrors).toEqual([expect.stringContaining('COMMAND is 0x')]);
  });

  test('an interrupt type that is none', async () => {
    write(0x24, 3);
    expect(await driver.transfer(COMMAND.WRITE, 64)).toBe(0);
    expect(bench.guestErrors).toEqual([expect.stringContaining('IRQ_TYPE is 3')]);
  });

  test('a command that is taken back in time is none', async () => {
    write(0x04, COMMAND.INTX);
    write(0x08, 0x155);
    write(0x04, 0);
    await bench.run(2 * MS);
    expect(status()).toBe(0x155);
    expect(bench.guestErrors).toEqual([]);
    expect(await driver.transfer(COMMAND.COPY, 8)).toBe(COPY_SUCCESS | IRQ_RAISED);
  });
});

describe('time', () => {
  test('of two commands before the function looks, the later is done, once', async () => {
    driver.setIrqType('MSIX');
    write(0x04, COMMAND.COPY);
    write(0x04, COMMAND.WRITE);
    await bench.run(MS - 1);
    expect([read(0x04), status()]).toEqual([COMMAND.WRITE, 0]);
    await bench.run(5 * MS);
    expect(status()).toBe(WRITE_SUCCESS | IRQ_RAISED);
    expect(driver.arrived()).toEqual([1]);
  });

  test('a command during a transfer waits, and is done after it', async () => {
    driver.setIrqType('MSIX');
    write(0x1c, 64);
    write(0x14, DESTINATION);
    write(0x04, COMMAND.WRITE);
    await bench.settle();
    bench.clock.advance(MS);
    expect(read(0x04)).toBe(0);
    write(0x04, COMMAND.COPY);
    await bench.settle();
    expect(status()).toBe(WRITE_SUCCESS | IRQ_RAISED);
    await bench.run(MS);
    expect(status()).toBe(COPY_SUCCESS | IRQ_RAISED);
    expect(driver.arrived()).toEqual([1, 1]);
  });

  test('no command begins while a transfer takes its time', async () => {
    let arrive = (): void => {};
    const slow = bench.plug((engine, host) => endpointTest(engine, { ...host, dma: { read: () => new Promise((resolve) => { arrive = resolve; }), write: async () => {} } }));
    bar = bench.addressOf(slow, 0);
    write(0x1c, 64);
    write(0x04, COMMAND.COPY);
    await bench.run(MS);
    write(0x04, COMMAND.WRITE);
    await bench.run(5 * MS);
    expect([read(0x04), status()]).toEqual([COMMAND.WRITE, 0]);
    arrive();
    await bench.settle();
    expect([read(0x04), status()]).toEqual([COMMAND.WRITE, COPY_SUCCESS | IRQ_RAISED]);
    await bench.run(MS);
    expect([read(0x04), status()]).toEqual([0, WRITE_SUCCESS | IRQ_RAISED]);
  });

  test('a reset in the middle of a transfer forgets it, lowers the pin, and the next command is done', async () => {
    driver.setIrqType('INTX');
    await driver.raise('INTX', 0);
    write(0x04, COMMAND.INTX);
    await bench.run(MS);
    expect(bench.interrupts.at(-1)).toMatchObject({ level: true });
    write(0x14, DESTINATION);
    write(0x1c, 64);
    write(0x04, COMMAND.WRITE);
    bench.memory.write32(bench.addressOf(card, 3), 9);
    await bench.settle();
    bench.clock.advance(MS);
    card.function.resetFunction();
    await bench.run(3 * MS);
    expect(bench.interrupts.at(-1)).toMatchObject({ level: false });
    expect(card.bar(0).regs.STATUS.peek()).toBe(0);
    expect(card.bar(3).read32(0)).toBe(0);
    expect(bench.guestErrors).toEqual([]);
    card.function.config.write16(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    card.function.config.write32(0x10, bar);
    expect(await driver.transfer(COMMAND.WRITE, 8)).toBe(WRITE_SUCCESS | IRQ_RAISED);
  });

  test('a function that was removed during a transfer touches nothing more', async () => {
    driver.setIrqType('MSIX');
    write(0x14, DESTINATION);
    write(0x1c, 64);
    write(0x04, COMMAND.COPY);
    await bench.settle();
    bench.clock.advance(MS);
    bench.unplug(card);
    await bench.run(2 * MS);
    expect(driver.arrived()).toEqual([]);
    expect(bench.guestErrors).toEqual([]);
  });

  test('a function can be removed by who hears its interrupt', async () => {
    const hearing: EndpointTest = bench.plug((engine, host) => endpointTest(engine, { ...host, interrupts: { setLevel: (level) => { if (level) bench.unplug(hearing); } } }));
    bench.memory.write32(bench.addressOf(hearing, 0) + 4, COMMAND.INTX);
    await bench.run(MS);
    expect(hearing.isGone).toBe(true);
    expect(bench.clock.waiting).toBe(0);
  });
});

describe('garbage', () => {
  test.each([1, 2])('writes of any width anywhere never throw, and commands end (seed %i)', async (seed) => {
    const numbers = new ReferenceXorshift(seed);
    for (let i = 0; i < 400; i++) {
      const at = numbers.next() % (i % 2 === 0 ? 0x40 : 0x1000);
      const value = numbers.next() >>> numbers.next() % 32;
      const width = 1 << numbers.next() % 4;
      if (width === 1) bench.memory.write8(bar + at, value & 0xff);
      else if (width === 2) bench.memory.write16(bar + at, value & 0xffff);
      else if (width === 4) bench.memory.write32(bar + at, value);
      else bench.memory.write64(bar + at, BigInt(value) << BigInt(numbers.next() % 32));
      bench.memory.read64(bar + at);
      if (numbers.next() % 4 === 0) write(0x1c, numbers.next() % 0x10000);
      if (numbers.next() % 4 === 0) write(0x24, numbers.next() % 4);
      if (numbers.next() % 4 === 0) write(0x04, 1 << numbers.next() % 7);
      if (i % 5 === 0) await bench.run(MS);
    }
    await bench.run(3 * MS);
    expect(read(0x04)).toBe(0);
    driver.setIrqType('MSIX');
    expect(await driver.transfer(COMMAND.WRITE, 8)).toBe(WRITE_SUCCESS | IRQ_RAISED);
  });
});

test('the battery of its map', () => {
  const made = registerBank(bench.engine, endpointTestRegisters);
  const { region } = made;
  const target = {
    read: (position: number, width: number) => (width === 8 ? region.read64(position) : BigInt(region[`read${(8 * width) as 8 | 16 | 32}`](position))),
    write: (position: number, width: number, value: bigint) => (width === 8 ? region.write64(position, value) : region[`write${(8 * width) as 8 | 16 | 32}`](position, Number(value))),
    peek: (register: number) => made.peek(register),
    poke: (register: number, mask: bigint, value: bigint) => made.poke(register, mask, value),
    reset: (soft = false) => made.reset({ soft }),
  };
  const checks = batteryOf(endpointTestRegisters);
  expect(checks.length).toBeGreaterThan(30);
  for (const { run } of checks) run(target);
  made.destroy();
});
