// The PCI-IDIO-16, driven as Linux' two drivers for it do: gpio-pci-idio-16 of 6.1, and gpio-idio-16 over a regmap since 6.6.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { IDIO16_FILTER_NS, idio16, idio16Registers } from '../../src/devices/index.ts';
import type { Idio16, Idio16Options } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import { batteryOf, batteryTarget } from '../../src/registers/index.ts';
import { ReferenceXorshift } from '../reference/xorshift.ts';

const OUT = [0, 4] as const;
const IN = [1, 5] as const;
const CLEAR_INTERRUPT = 1;
const IRQ_CONTROL = 2;
const FILTER_CONTROL = 3;
const IRQ_STATUS = 6;
const FILTER = 7;

let bench: Testbench;
let card: Idio16;
let told: number[];
let read: (register: number) => number;
let write: (register: number, value: number) => void;

function plug(options: Idio16Options = {}): void {
  card = bench.plug((engine, host) => idio16(engine, host, { onOutputs: (outputs) => told.push(outputs), ...options }));
  const bar = bench.addressOf(card, 2);
  const space = options.kind === undefined ? bench.ports : bench.memory;
  read = (register) => space.read8(bar + register);
  write = (register, value) => space.write8(bar + register, value);
}

const level = (): boolean => bench.interrupts.at(-1)?.kind === 'level' && (bench.interrupts.at(-1) as { level: boolean }).level;

beforeEach(() => {
  bench = createTestbench();
  told = [];
});

afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

/** The driver of Linux 6.1: `mask` is kept by the driver, one bit for each input. */
const linux61 = {
  probe() {
    write(FILTER_CONTROL, 0);
    write(IRQ_CONTROL, 0);
    write(CLEAR_INTERRUPT, 0);
  },
  unmask: () => void read(IRQ_CONTROL),
  mask: () => write(IRQ_CONTROL, 0),
  /** Whether the interrupt was this card's. */
  handler(): boolean {
    const status = read(IRQ_STATUS);
    if ((status & 0x3) === 0 || (status & 0x4) === 0) return false;
    write(CLEAR_INTERRUPT, 0);
    return true;
  },
};

/** The driver since 6.6: status bit 2 is each input's interrupt, acknowledged with what was read. */
const linux66 = {
  probe() {
    write(IRQ_CONTROL, 0);
    write(FILTER_CONTROL, 0);
  },
  unmask() {
    write(CLEAR_INTERRUPT, 0);
    read(IRQ_CONTROL);
  },
  mask: () => write(IRQ_CONTROL, 0),
  handler(): boolean {
    const status = read(IRQ_STATUS) & 0x4;
    if (status === 0) return false;
    write(CLEAR_INTERRUPT, status);
    return true;
  },
};

describe.each([['Linux 6.1', linux61, undefined], ['Linux 6.6', linux66, undefined], ['Linux 6.1, in memory', linux61, 'mem32'], ['Linux 6.6, in memory', linux66, 'mem64']] as const)('%s', (_, driver, kind) => {
  beforeEach(() => {
    plug(kind === undefined ? {} : { kind });
    driver.probe();
  });

  test('finds the card', () => {
    expect(card.function.peek(0)).toBe(0x0dc8_494f);
    expect(card.function.peek(0x3d, 1)).toBe(1);
    expect(card.function.config.read32(0x18) & 1).toBe(kind === undefined ? 1 : 0);
  });

  test('sets outputs one by one', () => {
    for (const offset of [0, 7, 8, 15]) {
      const register = OUT[offset >> 3]!;
      write(register, read(register) | (1 << (offset & 7)));
    }
    expect(told).toEqual([0x0001, 0x0081, 0x0181, 0x8181]);
    write(OUT[0], read(OUT[0]) & ~1);
    expect(card.outputs()).toBe(0x8180);
    write(OUT[0], read(OUT[0]));
    expect(told).toHaveLength(5);
  });

  test('reads inputs', () => {
    card.setInputs(0xa53c);
    expect(IN.map((register) => read(register))).toEqual([0x3c, 0xa5]);
  });

  test.each([[0x0001, 0x5], [0x8000, 0x6], [0x0180, 0x7]])('is interrupted when inputs %i change, until it clears that', (inputs, status) => {
    driver.unmask();
    card.setInputs(inputs);
    expect(level()).toBe(true);
    expect(read(IRQ_STATUS)).toBe(status);
    expect(driver.handler()).toBe(true);
    expect(level()).toBe(false);
    expect(driver.handler()).toBe(false);
    card.setInputs(inputs);
    expect(level()).toBe(false);
    card.setInputs(0);
    expect(level()).toBe(true);
    expect(driver.handler()).toBe(true);
    expect(bench.interrupts.map((event) => event.kind === 'level' && event.level)).toEqual([true, false, true, false]);
  });

  test('is not interrupted while it does not want to be, nor by what happened meanwhile', () => {
    card.setInputs(0xffff);
    driver.unmask();
    driver.mask();
    card.setInputs(0x0000);
    driver.unmask();
    expect(bench.interrupts).toEqual([]);
    expect(driver.handler()).toBe(false);
  });
});

describe('the card', () => {
  beforeEach(() => plug());

  test('the accesses of a Linux 6.1 guest that read its pins and drove OUT0 are served', () => {
    for (const register of [3, 2, 1]) write(register, 0);
    for (let i = 0; i < 5; i++) {
      expect([read(0), read(0)]).toEqual([i === 0 ? 0 : 1, i === 0 ? 0 : 1]);
      card.setInputs(i % 2);
      expect([read(1), read(1)]).toEqual([i % 2, i % 2]);
      write(0, read(0) | 1);
    }
    expect(told).toEqual([1]);
  });

  test('what has been latched waits while interrupts are disabled', () => {
    read(IRQ_CONTROL);
    card.setInputs(1);
    write(IRQ_CONTROL, 0xff);
    expect(level()).toBe(false);
    expect(read(IRQ_STATUS)).toBe(0x5);
    read(IRQ_CONTROL);
    expect(level()).toBe(true);
  });

  test('writes to inputs and to the status change neither', () => {
    read(IRQ_CONTROL);
    card.setInputs(0xffff);
    write(IN[1], 0);
    write(IRQ_STATUS, 0);
    expect([read(IN[0]), read(IN[1]), read(IRQ_STATUS)]).toEqual([0xff, 0xff, 0x7]);
  });

  test('a wide access is one of bytes: reading 0..3 enables interrupts, and filters', async () => {
    bench.ports.read32(bench.addressOf(card, 2));
    card.setInputs(1);
    expect(level()).toBe(false);
    await bench.run(IDIO16_FILTER_NS);
    expect(level()).toBe(true);
  });

  test('a filtered input is seen when it has been stable for 5 ms', async () => {
    read(FILTER_CONTROL);
    read(IRQ_CONTROL);
    card.setInputs(0x8001);
    await bench.run(IDIO16_FILTER_NS - 1);
    card.setInputs(0x8000);
    await bench.run(1);
    expect([read(IN[0]), read(IN[1])]).toEqual([0x00, 0x80]);
    await bench.run(IDIO16_FILTER_NS);
    expect([read(IN[0]), read(IN[1]), read(IRQ_STATUS)]).toEqual([0x00, 0x80, 0x6]);
    expect(bench.clock.waiting).toBe(0);
  });

  test('a filtered input that bounces is seen 5 ms after its last move', async () => {
    read(FILTER_CONTROL);
    card.setInputs(1);
    await bench.run(4_000_000);
    card.setInputs(0);
    card.setInputs(1);
    await bench.run(IDIO16_FILTER_NS - 1);
    expect(read(IN[0])).toBe(0);
    await bench.run(1);
    expect(read(IN[0])).toBe(1);
  });

  test('a filtered input that comes back before it was seen is not', async () => {
    read(FILTER_CONTROL);
    read(IRQ_CONTROL);
    card.setInputs(1);
    card.setInputs(0);
    card.setInputs(1);
    card.setInputs(0);
    await bench.run(2 * IDIO16_FILTER_NS);
    expect(bench.interrupts).toEqual([]);
  });

  test('inputs 0-7 have filters of their own, while not all inputs are filtered', async () => {
    write(FILTER, 0x0f);
    card.setInputs(0xffff);
    expect([read(IN[0]), read(IN[1])]).toEqual([0xf0, 0xff]);
    await bench.run(IDIO16_FILTER_NS);
    expect(read(IN[0])).toBe(0xff);
    read(FILTER_CONTROL);
    write(FILTER, 0x0f);
    expect(read(FILTER)).toBe(0xff);
    write(FILTER_CONTROL, 0xff);
    expect(read(FILTER)).toBe(0x00);
    write(FILTER, 0xa5);
    expect(read(FILTER)).toBe(0xa5);
  });

  test('a reset turns outputs off, forgets what was latched, and leaves the inputs as they are', async () => {
    read(IRQ_CONTROL);
    card.setInputs(0x1234);
    write(OUT[1], 0x80);
    read(FILTER_CONTROL);
    card.setInputs(0x1235);
    card.function.resetFunction();
    expect(told).toEqual([0x8000, 0]);
    expect(level()).toBe(false);
    const { IN_0_7, IN_8_15, INTERRUPT_STATUS } = card.bar(2).regs;
    expect([IN_0_7.peek(), IN_8_15.peek(), INTERRUPT_STATUS.peek()]).toEqual([0x35, 0x12, 0]);
    await bench.run(2 * IDIO16_FILTER_NS);
    expect(level()).toBe(false);
  });

  test.each([-1, 0x1_0000, 0.5, Number.NaN])('inputs %d are refused', (inputs) => {
    expect(() => card.setInputs(inputs)).toThrow(RangeError);
  });

  test('outputs wired to inputs interrupt inside the access that sets them', () => {
    plug({ onOutputs: (outputs) => card.setInputs(outputs) });
    read(IRQ_CONTROL);
    write(OUT[1], 0x10);
    expect([read(IN[1]), read(IRQ_STATUS), level()]).toEqual([0x10, 0x6, true]);
  });

  test('it may be taken away by who is told that a reset turned its outputs off', () => {
    plug({ onOutputs: (outputs) => outputs === 0 && bench.unplug(card) });
    write(OUT[0], 1);
    card.function.resetFunction();
    expect(card.isGone).toBe(true);
  });

  test('it may be taken away by who is told its outputs', () => {
    plug({ onOutputs: () => bench.unplug(card) });
    write(OUT[0], 1);
    expect(card.isGone).toBe(true);
    card.setInputs(1);
  });

  test('removed while a filtered input settles', async () => {
    read(FILTER_CONTROL);
    card.setInputs(1);
    bench.unplug(card);
    await bench.run(IDIO16_FILTER_NS);
    expect(bench.clock.waiting).toBe(0);
  });
});

describe('all that follows from its map', () => {
  test.each(batteryOf(idio16Registers).map((check) => [check.name, check] as const))('%s', (_, check) => {
    plug();
    check.run(batteryTarget(card.bar(2)));
  });
});

test.each([1, 2, 3, 4])('garbage with seed %i neither throws nor hangs, and a driver still finds its card', async (seed) => {
  plug();
  const random = new ReferenceXorshift(seed);
  const bar = bench.addressOf(card, 2);
  for (let i = 0; i < 2000; i++) {
    const at = bar + (random.next() % 8);
    const value = random.next();
    const kind = random.next() % 7;
    if (kind === 0) bench.ports.write8(at, value & 0xff);
    else if (kind === 1) bench.ports.write16(at, value & 0xffff);
    else if (kind === 2) bench.ports.write32(at, value);
    else if (kind === 3) bench.ports.read8(at);
    else if (kind === 4) bench.ports.read32(at);
    else if (kind === 5) card.setInputs(value & 0xffff);
    else bench.clock.advance(value % IDIO16_FILTER_NS);
    expect(level()).toBe(card.bar(2).regs.INTERRUPT_STATUS.IRQ.get() === 1 && card.bar(2).regs.IRQ_CONTROL.IRQ.get() === 1);
  }
  await bench.run(2 * IDIO16_FILTER_NS);
  linux66.probe();
  linux66.unmask();
  card.setInputs(0x5a5a);
  card.setInputs(0xa5a5);
  await bench.run(2 * IDIO16_FILTER_NS);
  expect([read(IN[0]), read(IN[1])]).toEqual([0xa5, 0xa5]);
  expect(linux66.handler()).toBe(true);
});
