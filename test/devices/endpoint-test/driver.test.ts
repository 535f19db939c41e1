// endpoint-test: what the Linux driver asks of it: probing, BARs, interrupts, data.

import { beforeEach, describe, expect, test } from '@jest/globals';
import { crc32Le, endpointTest } from '../../../src/devices/index.ts';
import { PCI_COMMAND, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY } from '../../../src/pci/index.ts';
import { bar, bench, card, COMMAND, COPY_SUCCESS, crc, DESTINATION, driver, IRQ_RAISED, IRQ_TYPES, memory, MS, plug, plugEndpoint, random, read, READ_SUCCESS, SIZES, SOURCE, status, write, WRITE_SUCCESS } from './support.ts';

plugEndpoint();

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
