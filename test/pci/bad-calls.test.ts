// What is wrongly asked of a function: each answer names the value and the bound, and the function goes on.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { PciFunction } from '../../src/pci/index.ts';

function make(): PciFunction {
  const config = new Uint8Array(256);
  config.set([0xf4, 0x1a, 0x02, 0x10]);
  return new PciFunction(createEngine(), { slot: '00:03.0', config, sizes: { bars: [0x1000, 0, 0, 0, 0, 0] } });
}

test('a listener that cannot answer is refused, and later writes go on', () => {
  const one = make();
  for (const listener of [null, undefined, 5]) expect(() => one.onDecode(listener as never)).toThrow(`00:03.0 onDecode: the listener is ${String(listener)}; expected an object`);
  for (const name of ['prepare', 'commit', 'abort']) expect(() => one.onDecode({ commit: () => undefined, [name]: 1 } as never)).toThrow(`00:03.0 onDecode: ${name} is 1; expected a function`);
  one.config.write32(0x10, 0x1_0000);
  expect(one.config.read32(0x10)).toBe(0x1_0000);
});

test('peek and poke of other widths and values change nothing', () => {
  const one = make();
  expect(() => one.peek(0, 3 as never)).toThrow('00:03.0 peek: width is 3; expected 1, 2 or 4 bytes');
  for (const value of [0x1_0000, -1, 1.5, 'x']) expect(() => one.poke(4, 2, value as never)).toThrow(/^00:03\.0 poke: value is /);
  expect(one.peek(4, 2)).toBe(0);
});

test('a reset after destroy is EBADF', () => {
  const one = make();
  one.destroy();
  expect(() => one.resetToPowerOn()).toThrow(/^EBADF: PciFunction\.resetToPowerOn/);
  expect(() => one.resetFunction()).toThrow(/^EBADF: PciFunction\.resetFunction/);
});
