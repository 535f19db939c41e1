// The 16550A as a part for other cards: what a serial card does not show of it.

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Uart16550, uartRegisters } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import { pciDevice, registerBar } from '../../src/pci/index.ts';
import type { BarOf, PciDevice } from '../../src/pci/index.ts';

type Card = PciDevice<{ readonly 4: BarOf<typeof uartRegisters> }>;

const BYTE_NS = 86_806;
let bench: Testbench;
let card: Card;
let port: Uart16550;
let sent: number[];

beforeEach(() => {
  bench = createTestbench();
  sent = [];
  card = bench.plug((engine, host) => {
    port = new Uart16550({
      regs: () => card.bar(4).regs,
      after: (delay, run) => card.after(delay, run),
      get isGone() {
        return card.isGone;
      },
    }, { onTransmit: (byte) => sent.push(byte) });
    card = pciDevice(engine, {
      id: [0x1b36, 0x0002],
      class: 0x070002,
      pin: 'C',
      bars: { 4: registerBar(uartRegisters, { kind: 'mem64', hooks: port.hooks }) },
      onReset: () => port.reset(),
    }, host);
    port.reset();
    return card;
  });
  const bar = bench.addressOf(card, 4);
  for (const [register, value] of [[3, 0x83], [0, 1], [1, 0], [3, 0x03], [2, 0x01]] as const) bench.memory.write8(bar + register, value);
});

afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

test('is behind any BAR of any card', async () => {
  bench.memory.write8(bench.addressOf(card, 4), 0x41);
  await bench.run(BYTE_NS);
  expect(sent).toEqual([0x41]);
});

test('becoming what was saved, it forgets what was on the line in either direction', async () => {
  const bar = bench.addressOf(card, 4);
  const state = port.save();
  for (const byte of [1, 2, 3]) bench.memory.write8(bar, byte);
  port.receive(new Uint8Array([7]));
  port.arrive(9);
  await bench.run(1000);
  port.restore(state);
  expect(bench.memory.read8(bar + 5)).toBe(0x60);
  // What waited outside comes all the same, from its first bit on.
  await bench.run(BYTE_NS - 1);
  expect(bench.memory.read8(bar + 5)).toBe(0x60);
  bench.memory.write8(bar, 0x55);
  await bench.run(1);
  expect([bench.memory.read8(bar + 5), bench.memory.read8(bar)]).toEqual([0x21, 7]);
  await bench.run(BYTE_NS);
  expect(sent).toEqual([0x55]);
  expect(port.save()).toEqual(state);
});

test('a byte that arrives while it loops back is lost, one without room overruns, and what is no byte is refused', () => {
  const bar = bench.addressOf(card, 4);
  bench.memory.write8(bar + 4, 0x10);
  port.arrive(1);
  expect(bench.memory.read8(bar + 5)).toBe(0x60);
  bench.memory.write8(bar + 4, 0x00);
  for (let byte = 0; byte < 17; byte++) port.arrive(byte);
  expect(bench.memory.read8(bar + 5)).toBe(0x63);
  for (const wrong of [-1, 256, 0.5]) expect(() => port.arrive(wrong)).toThrow(RangeError);
  bench.unplug(card);
  port.arrive(1);
});
