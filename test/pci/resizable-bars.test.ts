// Resizable BARs: read-only unless asked for; then a size is taken while nothing is decoded, and shows to whoever probes the BAR.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import type { Space } from '../../src/core/index.ts';
import { PCI_COMMAND, capability, pciDevice } from '../../src/pci/index.ts';
import type { PciDevice } from '../../src/pci/index.ts';

const MIB = 2 ** 20;
const CONTROL = 0x108;
let memory: Space;
let card: PciDevice;

function make(resizableBars: boolean): void {
  const engine = createEngine();
  memory = engine.space();
  card = pciDevice(engine, {
    id: [1, 2],
    class: 0x030000,
    resizableBars,
    bars: { 2: { memory: 2 * MIB, kind: 'mem64', prefetchable: true } },
    capabilities: [capability.express(), capability.resizableBars([{ bar: 2, sizes: [MIB, 2 * MIB, 16 * MIB], size: 2 * MIB }])],
  });
  card.function.mapInto({ memory });
}

const resize = (log2: number): void => card.function.config.write8(CONTROL + 1, log2);
const probe = (): number => {
  const { config } = card.function;
  config.write32(0x18, 0xffff_ffff);
  return config.read32(0x18);
};
function placeAt(address: number): void {
  card.function.config.write32(0x18, address);
  card.function.config.write32(0x1c, 0);
  card.function.config.write16(PCI_COMMAND, 2);
}

describe('without asking', () => {
  test('the capability is read-only', () => {
    make(false);
    resize(4);
    expect([card.function.peek(CONTROL), probe()]).toEqual([0x122, 0xffe0_000c]);
    expect(card.function.bars[0]!.region.size).toBe(BigInt(2 * MIB));
  });
});

describe('asked for', () => {
  beforeEach(() => make(true));

  test('the BAR starts with the size that its description says, with memory for the largest', () => {
    expect(probe()).toBe(0xffe0_000c);
    expect(card.function.bars[0]).toMatchObject({ size: BigInt(2 * MIB), region: { size: BigInt(16 * MIB) } });
    expect(card.vfio.region(2)!.size).toBe(BigInt(2 * MIB));
  });

  test.each([[0, 0xfff0_000c, MIB], [4, 0xff00_000c, 16 * MIB]])('log2 %i MiB shows to whoever probes, and is decoded', (log2, mask, size) => {
    resize(log2);
    expect(probe()).toBe(mask);
    placeAt(0xe000_0000);
    expect(card.function.decoded[2]).toEqual({ bus: 'memory', start: 0xe000_0000n, size: BigInt(size) });
    memory.write32(0xe000_0000 + size - 4, 7);
    expect(memory.read32(0xe000_0000 + size - 4)).toBe(7);
    expect(memory.windowAt(0xe000_0000 + size)).toBeUndefined();
    expect(card.function.lspci()).toMatch(new RegExp(`\\[size=${size / MIB}M\\][\\s\\S]*current size: ${size / MIB}MB, supported: 1MB 2MB 16MB`));
  });

  test('a larger size loses the address bits below it', () => {
    placeAt(0xe020_0000);
    card.function.config.write16(PCI_COMMAND, 0);
    resize(4);
    expect(card.function.peek(0x18)).toBe(0xe000_000c);
  });

  test('a size that is not offered is dropped', () => {
    resize(3);
    expect([card.function.peek(CONTROL), probe()]).toEqual([0x122, 0xffe0_000c]);
    resize(0x3f);
    expect(card.function.peek(CONTROL)).toBe(0x122);
  });

  test('while memory is decoded a size is dropped', () => {
    placeAt(0xe000_0000);
    resize(4);
    expect(card.function.peek(CONTROL)).toBe(0x122);
    expect(card.function.decoded[2]!.size).toBe(BigInt(2 * MIB));
  });

  test('another size after another: the window follows', () => {
    for (const [log2, size] of [[4, 16], [0, 1], [1, 2]] as const) {
      card.function.config.write16(PCI_COMMAND, 0);
      resize(log2);
      placeAt(0xe000_0000);
      expect(memory.windowAt(0xe000_0000)!.size).toBe(BigInt(size * MIB));
    }
  });

  test('a reset puts the size back', () => {
    resize(4);
    card.function.resetFunction();
    expect([card.function.peek(CONTROL), probe()]).toEqual([0x122, 0xffe0_000c]);
  });
});
