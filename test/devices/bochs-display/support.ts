// The display that the tests of this folder plug in, and what its Linux driver does.

import { afterEach, beforeEach, expect } from '@jest/globals';
import { bochsDisplay } from '../../../src/devices/index.ts';
import type { BochsDisplay, BochsDisplayOptions, DisplayMode } from '../../../src/devices/index.ts';
import { createTestbench } from '../../../src/hosts/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';

export const MIB = 1 << 20;
export const [ID, XRES, YRES, BPP, ENABLE, BANK, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET, VIDEO_MEMORY_64K] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;
export const ENABLED = 0x01;
export const GETCAPS = 0x02;
export const LFB_ENABLED = 0x40;
export const NOCLEARMEM = 0x80;

export let bench: Testbench;
export let card: BochsDisplay;
export let framebuffer: number;
export let mmio: number;
export let modes: (DisplayMode | null)[];

export function plug(options: BochsDisplayOptions = {}): void {
  modes = [];
  card = bench.plug((engine, host) => bochsDisplay(engine, host, { onModeChange: (mode) => void modes.push(mode), ...options }));
  framebuffer = bench.addressOf(card, 0);
  mmio = bench.addressOf(card, 2);
}

export const dispi = {
  read: (index: number): number => bench.memory.read16(mmio + 0x500 + 2 * index),
  write: (index: number, value: number): void => bench.memory.write16(mmio + 0x500 + 2 * index, value),
};

/** What the driver of Linux 6.12 and later does. */
export const driver = {
  blank(on: boolean): void {
    bench.memory.write8(mmio + 0x402, 0x01);
    bench.memory.read8(mmio + 0x41a);
    bench.memory.write8(mmio + 0x400, on ? 0x00 : 0x20);
  },
  setMode(width: number, height: number): void {
    const lines = Math.floor((dispi.read(VIDEO_MEMORY_64K) * 65536) / (width * 4));
    for (const [index, value] of [[ENABLE, 0], [BPP, 32], [XRES, width], [YRES, height], [BANK, 0], [VIRT_WIDTH, width], [VIRT_HEIGHT, lines], [X_OFFSET, 0], [Y_OFFSET, 0], [ENABLE, ENABLED | LFB_ENABLED]] as const) dispi.write(index, value);
  },
  setBase(stride: number, offset: number): void {
    dispi.write(VIRT_WIDTH, stride / 4);
    dispi.write(X_OFFSET, (offset % stride) / 4);
    dispi.write(Y_OFFSET, Math.floor(offset / stride));
  },
  setOrder: (order: 'little' | 'big'): void => bench.memory.write32(mmio + 0x604, order === 'big' ? 0xbebe_bebe : 0x1e1e_1e1e),
  show(width: number, height: number): void {
    driver.setMode(width, height);
    driver.blank(false);
    driver.setBase(4 * width, 0);
    driver.setOrder('little');
  },
};

/** Before and after each test of a file. */
export function plugDisplay(): void {
  beforeEach(() => {
    bench = createTestbench();
    plug();
  });
  afterEach(() => {
    bench.destroy();
    expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });
}
