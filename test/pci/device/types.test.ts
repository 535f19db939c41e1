// Types that follow from a description. What matters here is what tsc says of this file; the tests run it.
import { expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import type { Engine, Region } from '../../../src/core/index.ts';
import { pciDevice, registerBar } from '../../../src/pci/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { pulse, registerMap, ro, rw } from '../../../src/registers/index.ts';

const map = registerMap('typed', { bytes: 0x10, access: [4, 8] }, {
  CTRL: { at: 0, fields: { GO: pulse(0) } },
  STATUS: { at: 4, fields: { DONE: ro(0) } },
  WIDE: { at: 8, bits: 64, fields: { address: rw(63, 0) } },
});

// Hooks reach the device that they are hooks of, without a word about its type.
function card(engine: Engine, host: DeviceHost = {}) {
  const one = pciDevice(engine, {
    id: [1, 2],
    class: 0,
    bars: { 0: registerBar(map, { hooks: { CTRL: { GO: () => go() }, WIDE: { beforeWrite: ({ data }) => data + 1n } } }), 2: map, 4: { memory: 0x1000 } },
  }, host);
  function go(): void {
    one.bar(0).regs.STATUS.DONE.set();
  }
  return one;
}

test('registers and fields have the names of the map behind the BAR, and no others', () => {
  const one = card(createEngine());
  one.bar(0).region.write32(0, 1);
  expect(one.bar(0).regs.STATUS.DONE.get()).toBe(1);
  expect(one.bar(2).regs.STATUS.DONE.get()).toBe(0);
  // @ts-expect-error a field that is misspelt
  expect(() => one.bar(0).regs.STATUS.DOEN.set()).toThrow(TypeError);
  const memory: Region = one.bar(4);
  expect(memory.size).toBe(0x1000n);
  // @ts-expect-error a BAR that the description does not have
  expect(() => one.bar(1)).toThrow(RangeError);
  one.destroy();
});

test('hooks are typed by the map', () => {
  const engine = createEngine();
  // @ts-expect-error a register that is misspelt
  expect(() => pciDevice(engine, { id: [1, 2], class: 0, bars: { 0: registerBar(map, { hooks: { CTLR: { GO: () => undefined } } }) } })).toThrow(RangeError);
  // @ts-expect-error a register of 64 bits has bigints
  const wrong = registerBar(map, { hooks: { WIDE: { beforeWrite: () => 1 } } });
  expect(wrong.registers).toBe(map);
});
