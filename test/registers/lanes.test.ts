// Plain registers through a space, again and again: what lanes serve answers as the first access did. Rules A-split, B-width.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { registerBank, registerMap, rw } from '../../src/registers/index.ts';

const plain = registerMap('plain', { bytes: 0x100, access: [4, 8] }, { R: { at: 0, count: 16, fields: { value: rw(31, 0) } } });

describe('A-split a lane of registers is aligned where the region is', () => {
  test.each([1, 2, 3, 5, 6, 7, 9])('A-split a first access at position %i is refused for its alignment, and so is the second', (position) => {
    const engine = createEngine();
    const bank = registerBank(engine, plain, { unaligned: false });
    const space = engine.space();
    space.map(0x1000, bank.region);
    const batch = engine.batch(1);
    batch.set(0, space, 'read', 0x1000 + position, 4);
    for (let round = 0; round < 3; round++) {
      expect(space.read32(0x1000 + position)).toBe(0xffff_ffff);
      batch.run();
      expect(batch.result(0).value).toBe(0xffff_ffffn);
    }
    expect(bank.region.refused).toBe(6 * (position % 2 === 0 ? 2 : 3));
  });

  test('A-split a window that begins inside a register shows the same', () => {
    const engine = createEngine();
    const bank = registerBank(engine, plain, { unaligned: false });
    const space = engine.space();
    space.map(0x1000, bank.region, { position: 6 });
    bank.regs.R[2].poke(0x1234_5678);
    for (let round = 0; round < 3; round++) {
      expect(space.read32(0x1000)).toBe(0xffff_ffff);
      expect(space.read32(0x1002)).toBe(0x1234_5678);
      expect(space.read32(0x1004)).toBe(0xffff_ffff);
    }
  });
});
