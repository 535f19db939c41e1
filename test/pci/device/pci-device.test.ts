// A device whose parts work together: registers and interrupts, DMA and COMMAND, resets, timers, and being taken away in the middle.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestbench } from '../../../src/hosts/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';
import { PCI_COMMAND, capability, pciDevice, registerBar } from '../../../src/pci/index.ts';
import type { BarOf, CapabilityImage, DeviceHost, PciDevice } from '../../../src/pci/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { irq, pulse, registerMap, ro, rw, w1c } from '../../../src/registers/index.ts';

const map = registerMap('card', { bytes: 0x100, access: [4] }, {
  CTRL: { at: 0x00, fields: { GO: pulse(0), REMOVE: pulse(1), RESET: pulse(2) } },
  STATUS: { at: 0x04, fields: { DONE: w1c(0), ERR: w1c(1) } },
  MASK: { at: 0x08, fields: { DONE: rw(0), ERR: rw(1) } },
  STICKY: { at: 0x0c, fields: { word: rw(31, 0, { sticky: true }) } },
  PLAIN: { at: 0x10, fields: { word: rw(31, 0, 0x1234) } },
  DOORBELL: { at: 0x20, count: 4, notify: 'ring', fields: { tail: rw(15, 0) } },
  LEVEL: { at: 0x40, fields: { in: ro(0) } },
}, { irq: [irq('done', { line: 0, status: 'STATUS', mask: 'MASK', fields: ['DONE'] }), irq('err', { line: 1, status: 'STATUS', mask: 'MASK', fields: ['ERR'] })] });

type Card = PciDevice<{ readonly 0: BarOf<typeof map> }>;
const MSIX = capability.msix({ vectors: 2, table: { bar: 0, offset: 0x800 }, pending: { bar: 0, offset: 0xc00 } });
const rung: number[] = [];

function makeCard(capabilities: readonly CapabilityImage[]): (engine: Engine, host: DeviceHost) => Card {
  return (engine, host) => {
    const card: Card = pciDevice(engine, {
      id: [0x1de5, 1],
      class: 0x088000,
      pin: 'A',
      capabilities,
      bars: {
        0: registerBar(map, {
          size: 0x1000,
          hooks: { CTRL: { GO: () => card.bar(0).regs.STATUS.DONE.set(), REMOVE: () => card.destroy(), RESET: () => card.function.resetFunction() } },
          doorbell: ({ indices, value }) => rung.push(indices[0]! * 0x1_0000 + Number(value)),
        }),
      },
    }, host);
    return card;
  };
}

let bench: Testbench;
beforeEach(() => {
  bench = createTestbench();
  rung.length = 0;
});
afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

const plug = (...capabilities: readonly CapabilityImage[]): { card: Card; bar: number } => {
  const card = bench.plug(makeCard(capabilities));
  return { card, bar: bench.addressOf(card, 0) };
};

describe('interrupts', () => {
  test('without messages the pin is high while any line is', () => {
    const { card, bar } = plug();
    bench.memory.write32(bar + 8, 3);
    bench.memory.write32(bar, 1);
    card.bar(0).regs.STATUS.ERR.set();
    bench.memory.write32(bar + 4, 1);
    expect(bench.interrupts).toEqual([{ kind: 'level', slot: '00:01.0', level: true }]);
    bench.memory.write32(bar + 4, 2);
    expect(bench.interrupts.at(-1)).toEqual({ kind: 'level', slot: '00:01.0', level: false });
    expect(bench.interrupts).toHaveLength(2);
  });

  test.each([['MSI', capability.msi({ vectors: 2 })], ['MSI-X', MSIX]] as const)('with %s a line that rises is the message of its number', (_, messages) => {
    const { card, bar } = plug(messages);
    expect(bench.enableMessages(card)).toBe(2);
    bench.memory.write32(bar + 8, 3);
    card.bar(0).regs.STATUS.ERR.set();
    bench.memory.write32(bar, 1);
    expect(bench.interrupts).toEqual([
      expect.objectContaining({ kind: 'message', vector: 1, address: 0xfee0_1000n }),
      expect.objectContaining({ kind: 'message', vector: 0, address: 0xfee0_1000n }),
    ]);
  });

  test('a line beyond the vectors shares one', () => {
    const { card } = plug(MSIX);
    bench.enableMessages(card);
    card.interrupts.set(7, true);
    card.interrupts.pulse(4);
    expect(bench.interrupts.map((one) => one.kind === 'message' && one.vector)).toEqual([1, 0]);
  });

  test('a line that falls takes back what waited behind a mask', () => {
    const { card, bar } = plug(MSIX);
    bench.enableMessages(card);
    bench.memory.write32(bar + 8, 1);
    bench.memory.write32(bar + 0x800 + 12, 1);
    bench.memory.write32(bar, 1);
    expect(bench.memory.read32(bar + 0xc00)).toBe(1);
    bench.memory.write32(bar + 4, 1);
    expect(bench.memory.read32(bar + 0xc00)).toBe(0);
    bench.memory.write32(bar + 0x800 + 12, 0);
    expect(bench.interrupts).toEqual([]);
  });

  test('a line has as many sources as hold it', () => {
    const { card } = plug();
    card.interrupts.set(3, true, 'a');
    card.interrupts.set(3, true, 'b');
    card.interrupts.set(3, false, 'a');
    expect(card.interrupts.isHigh(3)).toBe(true);
    card.interrupts.set(3, false, 'b');
    expect(bench.interrupts.map((one) => one.kind === 'level' && one.level)).toEqual([true, false]);
    expect(() => card.interrupts.set(2048, true)).toThrow('00:01.0 interrupt: line is 2048');
  });

  test('the table of MSI-X over a register BAR follows its own rules, and the bank never sees it', () => {
    const { card, bar } = plug(MSIX);
    bench.memory.write32(bar + 0x800, 0xffff_ffff);
    expect(bench.memory.read32(bar + 0x800)).toBe(0xffff_fffc);
    expect(bench.memory.read32(bar + 0x800 + 12)).toBe(1);
    expect(card.bar(0).region.holes).toBe(0);
  });
});

describe('resets', () => {
  test('a function-level reset resets the bank but for sticky fields, lowers lines, ends timers; power-on resets all', () => {
    const { card, bar } = plug(capability.express());
    const due: string[] = [];
    bench.memory.write32(bar + 0x0c, 7);
    bench.memory.write32(bar + 0x10, 8);
    bench.memory.write32(bar + 8, 1);
    bench.memory.write32(bar, 1);
    card.after(10, () => due.push('forgotten'));
    card.function.config.write16(0x48, 0x8000);
    expect(card.resets).toBe(1);
    bench.clock.advance(10);
    const { STICKY, PLAIN, STATUS } = card.bar(0).regs;
    expect([STICKY.peek(), PLAIN.peek(), STATUS.peek(), due]).toEqual([7, 0x1234, 0, []]);
    expect(bench.interrupts.at(-1)).toMatchObject({ level: false });
    card.function.resetToPowerOn();
    expect(STICKY.peek()).toBe(0);
  });

  test('a hook may reset its own function: the access ends first', () => {
    const { card, bar } = plug();
    bench.memory.write32(bar + 0x10, 8);
    bench.memory.write32(bar, 4);
    expect(card.bar(0).regs.PLAIN.peek()).toBe(0x1234);
    expect(card.function.decoded[0]).toBeNull();
  });
});

describe('DMA', () => {
  test('reaches memory while the function masters the bus, and not otherwise', async () => {
    const { card } = plug();
    await card.dma.write(0x1000, new Uint8Array([1, 2, 3]));
    expect(await card.dma.read(0x1000, 3)).toEqual(new Uint8Array([1, 2, 3]));
    card.function.config.write16(PCI_COMMAND, 2);
    await expect(card.dma.read(0x1000, 3)).rejects.toMatchObject({ code: 'EIO', message: expect.stringContaining('COMMAND.MASTER is 0') });
  });

  test('into a BAR of its own is EFAULT, whole or in part', async () => {
    const { card, bar } = plug();
    await expect(card.dma.write(bar, new Uint8Array(4))).rejects.toMatchObject({ code: 'EFAULT', message: expect.stringContaining("the function's own BAR at 0xc0000000") });
    await expect(card.dma.read(bar - 2, 4)).rejects.toMatchObject({ code: 'EFAULT' });
  });

  test('of nothing, of too much, beyond the end, to nowhere', async () => {
    const { card } = plug();
    await expect(card.dma.read(0, 0)).rejects.toThrow('dma.read: bytes is 0');
    await expect(card.dma.read(0, 2 ** 31)).rejects.toThrow('dma.read: bytes is 2147483648');
    await expect(card.dma.read(-1, 1)).rejects.toThrow(RangeError);
    await expect(card.dma.read(2n ** 64n - 1n, 2)).rejects.toMatchObject({ code: 'EFAULT', message: expect.stringContaining('they pass 2^64-1') });
    await expect(card.dma.read(0x8000_0000, 4)).rejects.toMatchObject({ code: 'EFAULT' });
    const lone = makeCard([])(bench.engine, {});
    await expect(lone.dma.read(0, 4)).rejects.toMatchObject({ code: 'ENXIO' });
    expect(() => lone.after(0, () => undefined)).toThrow('ENXIO: 00:00.0 after: the device was made without a clock');
    lone.destroy();
  });

  test('that a reset or a removal overtakes is ECANCELED', async () => {
    const { card } = plug();
    const first = card.dma.read(0x1000, 4);
    card.function.resetFunction();
    await expect(first).rejects.toMatchObject({ code: 'ECANCELED' });
    card.function.config.write16(PCI_COMMAND, 6);
    const second = card.dma.read(0x1000, 4);
    expect(card.dma.inFlight).toBe(1);
    card.destroy();
    await expect(second).rejects.toMatchObject({ code: 'ECANCELED' });
    expect(card.dma.inFlight).toBe(0);
  });
});

describe('being taken away', () => {
  test('by its own hook: the access ends, then the addresses are empty', () => {
    const { card, bar } = plug(MSIX);
    bench.memory.write32(bar, 2);
    expect(card.isGone).toBe(true);
    expect(bench.memory.read32(bar)).toBe(0xffff_ffff);
    expect(bench.memory.windowAt(bar)).toBeUndefined();
    card.destroy();
  });

  test('with the pin high: the pin is lowered', () => {
    const { card, bar } = plug();
    bench.memory.write32(bar + 8, 1);
    bench.memory.write32(bar, 1);
    bench.unplug(card);
    expect(bench.interrupts.map((one) => one.kind === 'level' && one.level)).toEqual([true, false]);
  });
});

describe('BARs', () => {
  test('a guest that moves one BAR onto another sees the later one, and the first again when it goes', () => {
    const first = plug();
    const second = plug();
    first.card.bar(0).regs.PLAIN.poke(1);
    second.card.bar(0).regs.PLAIN.poke(2);
    second.card.function.config.write32(0x10, first.bar);
    expect(bench.memory.read32(first.bar + 0x10)).toBe(2);
    second.card.function.config.write16(PCI_COMMAND, 0);
    expect(bench.memory.read32(first.bar + 0x10)).toBe(1);
  });

  test('doorbells are told when the host looks, in order, with their index', async () => {
    const { bar } = plug();
    bench.memory.write32(bar + 0x20, 5);
    bench.memory.write32(bar + 0x2c, 6);
    expect(rung).toEqual([]);
    await bench.settle();
    expect(rung).toEqual([5, 0x3_0006]);
  });

  test('beyond its map a BAR is a hole', () => {
    const { card, bar } = plug();
    expect(bench.memory.read32(bar + 0x400)).toBe(0);
    expect(card.bar(0).region.holes).toBe(1);
    expect(() => card.bar(1 as 0)).toThrow('00:01.0: there is no BAR 1; it has 0');
  });

  test('hooks, memory and ROM behind BARs', () => {
    const card = bench.plug((engine, host) => pciDevice(engine, {
      id: [1, 2], class: 0, rom: new Uint8Array([0x55, 0xaa]),
      bars: { 0: { size: 0x100, maxWidth: 4, read: (position) => Number(position), write: () => undefined }, 1: { memory: 0x1000 }, 2: { memory: 2 ** 24, kind: 'mem64', prefetchable: true } },
    }, host));
    expect(bench.memory.read32(bench.addressOf(card, 0) + 0x24)).toBe(0x24);
    card.bar(1).write32(0xffc, 9);
    expect(bench.memory.read32(bench.addressOf(card, 1) + 0xffc)).toBe(9);
    expect(bench.addressOf(card, 2)).toBe(0x10_0000_0000);
    expect(card.function.rom!.region.read16(0)).toBe(0xaa55);
  });
});
