// Lines of a device that no register map drives: as many as MSI-X has vectors.

import { expect, test } from '@jest/globals';
import { capability, pciDevice } from '../../src/pci/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';

test('a device with 2048 vectors interrupts on each of them', () => {
  const bench = createTestbench();
  const card = bench.plug((engine, host) =>
    pciDevice(engine, {
      id: [0x1de5, 1],
      class: 0x088000,
      capabilities: [capability.msix({ vectors: 2048, table: { bar: 0, offset: 0 }, pending: { bar: 0, offset: 0x8000 } })],
      bars: { 0: { memory: 0x1_0000 } },
    }, host));
  bench.enableMessages(card);
  card.interrupts.pulse(64);
  card.interrupts.set(2047, true);
  expect(card.interrupts.isHigh(2047)).toBe(true);
  expect(bench.interrupts).toMatchObject([{ vector: 64 }, { vector: 2047 }]);
  expect(() => card.interrupts.pulse(2048)).toThrow('line is 2048; expected an integer from 0 to 2047');
  bench.destroy();
});
