// bochs-display: what the host sees of the framebuffer, its end, garbage, and its map.

import { describe, expect, test } from '@jest/globals';
import { bochsDisplayRegisters } from '../../../src/devices/index.ts';
import type { DisplayMode } from '../../../src/devices/index.ts';
import { batteryOf, batteryTarget, registerBank } from '../../../src/registers/index.ts';
import { ReferenceXorshift } from '../../reference/index.ts';
import { bench, BPP, card, dispi, driver, framebuffer, MIB, mmio, modes, plug, plugDisplay, XRES, YRES } from './support.ts';

plugDisplay();

describe('damage', () => {
  test('is all lines of a new mode, then those that were written, then none', () => {
    expect(card.damage()).toBeNull();
    driver.show(640, 480);
    expect(card.damage()).toMatchObject({ top: 0, lines: 480 });
    expect(card.damage()).toBeNull();
    bench.memory.write32(framebuffer + 2560 * 10 + 2556, 1);
    expect(card.damage()).toMatchObject({ top: 10, lines: 1, width: 640 });
    bench.memory.write8(framebuffer + 2560 * 20, 1);
    bench.memory.write8(framebuffer + 2560 * 29 + 3, 1);
    expect(card.damage()).toMatchObject({ top: 20, lines: 10 });
    bench.memory.write8(framebuffer + 2560 * 480, 1);
    expect(card.damage()).toBeNull();
    driver.setBase(2560, 2560);
    expect(card.damage()).toMatchObject({ top: 0, lines: 480, offset: 2560 });
  });
});

describe('a framebuffer that is mapped write-combining', () => {
  test('gets lines instead of pixels; what waits is seen after a fence, or an access to a register', () => {
    driver.show(640, 480);
    const space = bench.engine.space('driver');
    const window = space.map(0, card.bar(0), { memoryType: 'write-combining' });
    space.map(0x2000_0000, card.bar(2).region);
    card.damage();
    card.bar(0).countTransactions();
    for (let x = 0; x < 640; x++) space.write32(4 * x, 0xff);
    expect(window.buffered).toBe(0);
    expect(card.bar(0).transactions!.writes).toBe(40);
    expect(card.damage()).toMatchObject({ top: 0, lines: 1 });
    space.write32(2560, 1);
    expect(card.damage()).toBeNull();
    space.fence();
    expect(card.damage()).toMatchObject({ top: 1, lines: 1 });
    space.write32(5120, 1);
    space.read16(0x2000_0508);
    expect(card.damage()).toMatchObject({ top: 2, lines: 1 });
    space.write32(5124, 1);
    bench.unplug(card);
    space.destroy();
  });
});

describe('its end', () => {
  test('a reset turns it off, forgets the picture and keeps the monitor', () => {
    driver.show(640, 480);
    bench.memory.write32(framebuffer + 8, 5);
    const first = card.bar(2).regs.EDID[0]!.peek();
    card.function.resetFunction();
    expect(modes.at(-1)).toBeNull();
    expect(card.mode()).toBeNull();
    const { EDID, VIDEO_MEMORY_64K: units, ID: id, ENDIANNESS } = card.bar(2).regs;
    expect([EDID[0]!.peek(), units.peek(), id.peek(), ENDIANNESS.peek()]).toEqual([first, 256, 0xb0c5, 0x1e1e_1e1e]);
    expect(card.bar(0).read32(8)).toBe(0);
  });

  test('it can be taken away in its own report of a mode, also from within an access of more registers', () => {
    const told: (DisplayMode | null)[] = [];
    plug({ onModeChange: (mode) => { told.push(mode); bench.unplug(card); } });
    dispi.write(BPP, 32);
    dispi.write(XRES, 640);
    dispi.write(YRES, 480);
    expect(() => bench.memory.write32(mmio + 0x508, 0xffff_0041)).not.toThrow();
    expect(card.isGone).toBe(true);
    expect(told).toEqual([expect.objectContaining({ width: 640, height: 480 })]);
    expect(card.scanout()).toBeNull();
    expect(card.damage()).toBeNull();
    expect(bench.memory.read32(mmio + 0x500)).toBe(0xffff_ffff);
  });
});

test('it can be taken away by the first register of an access to two that tell of modes', () => {
  let calls = 0;
  plug({ onModeChange: (mode) => { calls++; if (mode?.offset !== 0) bench.unplug(card); } });
  driver.show(640, 480);
  expect(() => bench.memory.write32(mmio + 0x510, 0x0001_0001)).not.toThrow();
  expect(card.isGone).toBe(true);
  expect(calls).toBe(2);
});

describe('garbage', () => {
  test.each([1, 2])('writes of any width anywhere never throw, and what is shown lies in the memory (seed %i)', (seed) => {
    plug({ memory: 4 * MIB });
    const random = new ReferenceXorshift(seed);
    for (let i = 0; i < 1500; i++) {
      const at = random.next() % 4 === 0 ? random.next() % 0x1000 : 0x500 + (random.next() % 0x18);
      const value = random.next();
      const width = 1 << random.next() % 4;
      if (width === 1) bench.memory.write8(mmio + at, value & 0xff);
      else if (width === 2) bench.memory.write16(mmio + at, value & 0xffff);
      else if (width === 4) bench.memory.write32(mmio + at, value);
      else bench.memory.write64(mmio + at, (BigInt(value) << 32n) | BigInt(random.next()));
      if (random.next() % 8 === 0) bench.memory.write16(mmio + 0x506, [4, 8, 15, 16, 24, 32][random.next() % 6]!);
      bench.memory.read64(mmio + at);
      const mode = card.mode();
      if (mode === null) continue;
      expect(Number.isInteger(mode.offset)).toBe(true);
      expect(mode.offset + mode.stride * mode.height).toBeLessThanOrEqual(4 * MIB);
      expect(Math.min(mode.width, mode.height)).toBeGreaterThan(0);
      if (i % 50 === 0) expect(card.scanout()!.bytes).toHaveLength(mode.stride * mode.height);
    }
    expect(modes.some((mode) => mode !== null)).toBe(true);
  });
});

describe('what follows from its map', () => {
  test('the battery', () => {
    const made = registerBank(bench.engine, bochsDisplayRegisters);
    const target = batteryTarget(made);
    const checks = batteryOf(bochsDisplayRegisters);
    expect(checks.length).toBeGreaterThan(100);
    for (const { run } of checks) run(target);
    made.destroy();
  });
});
