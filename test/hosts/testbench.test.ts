// What the testbench refuses: what is no device, BARs without a place, a bench that is gone. Nothing of it stays.

import { describe, expect, test } from '@jest/globals';
import { edu } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/testbench/index.ts';
import { pciDevice } from '../../src/pci/index.ts';

const identity = { id: [0x1de5, 0x0001], class: 0x088000 } as const;
const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };

describe('plug refuses', () => {
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'plug: undefined given; expected what makes a device: edu, or (engine, host) => ...'],
    ['what makes nothing', () => undefined, 'plug: what was made is no device'],
    ['what makes no device', () => ({ destroy: () => undefined }), 'plug: what was made is no device: it has no function of a PciFunction'],
  ])('%s', (_what, make, message) => {
    const bench = createTestbench();
    expect(() => bench.plug(make as typeof edu)).toThrow(message);
    expect(bench.plug(edu).function.slot).toBe('00:01.0');
    bench.destroy();
  });

  test('a BAR that has no place left, and takes the device away again', () => {
    const bench = createTestbench();
    const before = bench.engine.live();
    expect(() => bench.plug((engine, host) => pciDevice(engine, { ...identity, bars: { 0: { memory: 2 ** 31 } } }, host))).toThrow(RangeError);
    expect(bench.engine.live()).toEqual(before);
    expect(bench.plug(edu).function.slot).toBe('00:01.0');
    bench.destroy();
    expect(bench.engine.live()).toEqual(NOTHING);
  });

  test('everything once it is destroyed', () => {
    const bench = createTestbench();
    bench.destroy();
    expect(() => bench.plug(edu)).toThrow('plug: the testbench is destroyed');
    expect(bench.engine.live()).toEqual(NOTHING);
  });
});
