// W-same-device: the BARs of a function are one device.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { PciFunction } from '../../src/pci/index.ts';

function twoBars(slot: string, engine = createEngine()): PciFunction {
  const config = new Uint8Array(256);
  config.set([0xf4, 0x1a, 0x02, 0x10], 0);
  return new PciFunction(engine, { slot, config, sizes: { bars: [0x1000, 0x1000, 0, 0, 0, 0] } });
}

test('W-same-device an uncached access to one BAR of a function drains what waits for another', () => {
  const engine = createEngine();
  const [queue, doorbell] = twoBars('00:03.0', engine).bars;
  const bus = engine.space();
  const lines = bus.map(0x1_0000, queue!.region, { memoryType: 'write-combining' });
  bus.map(0x2_0000, doorbell!.region);
  bus.write32(0x1_0000, 0x1234);
  expect([lines.buffered, queue!.region.read32(0)]).toEqual([4, 0]);
  bus.write32(0x2_0000, 1);
  expect([lines.buffered, queue!.region.read32(0)]).toEqual([0, 0x1234]);
});

test('W-same-device another function is another device', () => {
  const engine = createEngine();
  const [queue] = twoBars('00:03.0', engine).bars;
  const [other] = twoBars('00:03.1', engine).bars;
  const bus = engine.space();
  const lines = bus.map(0x1_0000, queue!.region, { memoryType: 'write-combining' });
  bus.map(0x2_0000, other!.region);
  bus.write32(0x1_0000, 0x1234);
  bus.write32(0x2_0000, 1);
  expect(lines.buffered).toBe(4);
  expect(new Set([queue!.region.device, other!.region.device]).size).toBe(2);
});
