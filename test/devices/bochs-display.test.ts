// QEMU's bochs-display, driven as Linux's bochs-drm does, and as nobody should.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bochsDisplay, bochsDisplayRegisters, edid } from '../../src/devices/index.ts';
import type { BochsDisplay, BochsDisplayOptions, DisplayMode } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import { batteryOf, registerBank } from '../../src/registers/index.ts';
import { ReferenceXorshift } from '../reference/index.ts';

const MIB = 1 << 20;
const [ID, XRES, YRES, BPP, ENABLE, BANK, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET, VIDEO_MEMORY_64K] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;
const ENABLED = 0x01;
const GETCAPS = 0x02;
const LFB_ENABLED = 0x40;
const NOCLEARMEM = 0x80;

let bench: Testbench;
let card: BochsDisplay;
let framebuffer: number;
let mmio: number;
let modes: (DisplayMode | null)[];

function plug(options: BochsDisplayOptions = {}): void {
  modes = [];
  card = bench.plug((engine, host) => bochsDisplay(engine, host, { onModeChange: (mode) => void modes.push(mode), ...options }));
  framebuffer = bench.addressOf(card, 0);
  mmio = bench.addressOf(card, 2);
}

beforeEach(() => {
  bench = createTestbench();
  plug();
});

afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

const dispi = {
  read: (index: number): number => bench.memory.read16(mmio + 0x500 + 2 * index),
  write: (index: number, value: number): void => bench.memory.write16(mmio + 0x500 + 2 * index, value),
};

/** What the driver of Linux 6.12 and later does. */
const driver = {
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

describe('probing', () => {
  test('says who it is: a display controller that is no VGA, of revision 2', () => {
    expect(card.function.peek(0)).toBe(0x1111_1234);
    expect(card.function.peek(8)).toBe(0x0380_0002);
    expect(card.function.peek(0x10)).toBe((framebuffer | 0x8) >>> 0);
    expect(card.function.peek(0x18)).toBe(mmio);
    expect(card.function.peek(0x3d, 1)).toBe(0);
    expect(card.function.bars.map(({ index, size }) => [index, size])).toEqual([[0, 16n << 20n], [2, 4096n]]);
  });

  test('identifies itself, and says how much memory there is: as much as the BAR', () => {
    expect(dispi.read(ID) & 0xfff0).toBe(0xb0c0);
    expect(dispi.read(ID)).toBe(0xb0c5);
    expect(dispi.read(VIDEO_MEMORY_64K) * 65536).toBe(16 * MIB);
    expect(bench.memory.read32(mmio + 0x600)).toBe(8);
    expect(bench.memory.read32(mmio + 0x604)).toBe(0x1e1e_1e1e);
  });

  test.each([4, 256])('with %i MiB', (mib) => {
    plug({ memory: mib * MIB });
    expect(dispi.read(VIDEO_MEMORY_64K)).toBe(mib * 16);
    bench.memory.write8(framebuffer + mib * MIB - 1, 7);
    expect(bench.memory.read8(framebuffer + mib * MIB - 1)).toBe(7);
  });

  test.each([
    ['less than 4 MiB', { memory: 2 * MIB }, /memory is 2097152/],
    ['memory that is no power of two', { memory: 5 * MIB }, /5242880 bytes; expected a power of two/],
    ['more than 256 MiB', { memory: 512 * MIB }, /memory is 536870912/],
    ['a long EDID', { edid: new Uint8Array(1025) }, /1025 bytes/],
    ['an EDID of no bytes', { edid: 'yes' as unknown as Uint8Array }, /edid/],
  ])('%s cannot be', (_, options, expected) => {
    expect(() => bochsDisplay(bench.engine, {}, options)).toThrow(expected);
  });

  test('shows its monitor byte by byte, and nothing behind it; it takes no writes', () => {
    const block = edid({ largest: [1920, 1200] });
    const read = (): Uint8Array => new Uint8Array(128).map((_, i) => bench.memory.read8(mmio + i));
    expect(read()).toEqual(block);
    bench.memory.write32(mmio, 0);
    expect(read()).toEqual(block);
    expect(bench.memory.read32(mmio + 0x80)).toBe(0);
    expect(bench.memory.read32(mmio + 0x3fc)).toBe(0);
  });

  test('a monitor of its own, of any length, or none', () => {
    const bytes = new Uint8Array(1024).map((_, i) => i * 7);
    plug({ edid: bytes });
    expect(bench.memory.readBytes(mmio, new Uint8Array(1024))).toEqual(bytes);
    card.function.resetFunction();
    expect(card.bar(2).regs.EDID[127]!.peek()).toBe(new DataView(bytes.buffer).getBigUint64(1016, true));
    plug({ edid: null });
    expect(bench.memory.read32(mmio)).toBe(0);
  });

  test('takes the number of an older interface, and no other', () => {
    dispi.write(ID, 0xb0c2);
    expect(dispi.read(ID)).toBe(0xb0c2);
    for (const value of [0xb0c6, 0xb0bf, 0, 0xffff]) dispi.write(ID, value);
    expect(dispi.read(ID)).toBe(0xb0c2);
  });
});

describe('modes', () => {
  test('the mode that the driver sets is shown', () => {
    driver.show(1024, 768);
    const mode = { width: 1024, height: 768, stride: 4096, format: 'XRGB8888', offset: 0 };
    expect(modes).toEqual([mode]);
    expect(card.mode()).toEqual(mode);
    bench.memory.write32(framebuffer, 0x00ff_0000);
    bench.memory.write32(framebuffer + 4096 * 767 + 4 * 1023, 0x0000_00ff);
    const { bytes, ...rest } = card.scanout()!;
    expect(rest).toEqual(mode);
    expect(bytes).toHaveLength(4096 * 768);
    expect([...bytes.subarray(0, 4)]).toEqual([0, 0, 0xff, 0]);
    expect([...bytes.subarray(-4)]).toEqual([0xff, 0, 0, 0]);
  });

  test('there is no picture before the driver, after it has blanked it, and after ENABLE is 0', () => {
    expect(card.scanout()).toBeNull();
    driver.show(800, 600);
    driver.blank(true);
    expect(card.scanout()).toBeNull();
    driver.blank(false);
    expect(card.scanout()).not.toBeNull();
    dispi.write(ENABLE, 0);
    expect(card.mode()).toBeNull();
    expect(modes.map((mode) => mode?.width ?? null)).toEqual([800, null, 800, null]);
  });

  test('a driver that knows no VGA has a picture', () => {
    driver.setMode(640, 480);
    expect(card.mode()).toMatchObject({ width: 640, height: 480 });
  });

  test('port 3c0 takes index and data in turns; a read of 3da begins with the index', () => {
    driver.show(640, 480);
    bench.memory.write8(mmio + 0x400, 0x0f);
    expect(bench.memory.read8(mmio + 0x400)).toBe(0x20);
    expect(card.mode()).not.toBeNull();
    bench.memory.write8(mmio + 0x400, 0x31);
    expect(bench.memory.read8(mmio + 0x400)).toBe(0x31);
    bench.memory.read8(mmio + 0x41a);
    bench.memory.write8(mmio + 0x400, 0x00);
    expect(card.mode()).toBeNull();
    expect(bench.memory.read8(mmio + 0x41a)).not.toBe(bench.memory.read8(mmio + 0x41a));
    bench.memory.write8(mmio + 0x402, 0x43);
    expect([bench.memory.read8(mmio + 0x402), bench.memory.read8(mmio + 0x40c)]).toEqual([0, 0x43]);
  });

  test('ENABLED begins at the upper left corner of a picture as wide as the mode, and clears it; NOCLEARMEM does not', () => {
    driver.show(640, 480);
    bench.memory.write32(framebuffer + 640 * 480 * 4 - 4, 0x1234_5678);
    bench.memory.write32(framebuffer + 640 * 480 * 4, 0x9abc_def0);
    dispi.write(VIRT_WIDTH, 800);
    dispi.write(Y_OFFSET, 20);
    dispi.write(ENABLE, 0);
    dispi.write(ENABLE, ENABLED | LFB_ENABLED | NOCLEARMEM);
    expect([dispi.read(VIRT_WIDTH), dispi.read(X_OFFSET), dispi.read(Y_OFFSET)]).toEqual([640, 0, 0]);
    expect(bench.memory.read32(framebuffer + 640 * 480 * 4 - 4)).toBe(0x1234_5678);
    dispi.write(ENABLE, ENABLED | LFB_ENABLED);
    expect(bench.memory.read32(framebuffer + 640 * 480 * 4 - 4)).toBe(0x1234_5678);
    dispi.write(ENABLE, 0);
    dispi.write(ENABLE, ENABLED | LFB_ENABLED);
    expect(bench.memory.read32(framebuffer + 640 * 480 * 4 - 4)).toBe(0);
    expect(bench.memory.read32(framebuffer + 640 * 480 * 4)).toBe(0x9abc_def0);
  });

  test('clearing makes no pages of what nobody has written', () => {
    const { pages } = bench.engine.live();
    driver.show(1920, 1080);
    expect(bench.engine.live().pages).toBe(pages);
  });

  test('flips pages, scrolls, and shows a part of a wider picture', () => {
    driver.show(640, 480);
    driver.setBase(2560, 480 * 2560);
    expect(card.mode()!.offset).toBe(480 * 2560);
    driver.setBase(4096, 3 * 4096 + 40);
    expect(card.mode()).toEqual({ width: 640, height: 480, stride: 4096, format: 'XRGB8888', offset: 3 * 4096 + 40 });
    bench.memory.write8(framebuffer + 3 * 4096 + 40, 0xcc);
    expect(card.scanout()!.bytes[0]).toBe(0xcc);
  });

  test('VIRT_HEIGHT is how many lines the memory holds', () => {
    driver.show(1024, 768);
    expect(dispi.read(VIRT_HEIGHT)).toBe(4096);
    dispi.write(VIRT_WIDTH, 2048);
    expect(dispi.read(VIRT_HEIGHT)).toBe(2048);
    dispi.write(VIRT_HEIGHT, 5);
    expect(dispi.read(VIRT_HEIGHT)).toBe(2048);
  });

  test('GETCAPS reads the greatest values and keeps the others', () => {
    driver.show(1024, 768);
    dispi.write(ENABLE, ENABLED | LFB_ENABLED | GETCAPS);
    expect([XRES, YRES, BPP, VIRT_WIDTH].map((index) => dispi.read(index))).toEqual([16000, 12000, 32, 1024]);
    expect(bench.memory.read32(mmio + 0x502)).toBe(16000 | (12000 << 16));
    expect(card.mode()).toMatchObject({ width: 1024, height: 768 });
    dispi.write(ENABLE, ENABLED | LFB_ENABLED);
    expect([XRES, YRES, BPP].map((index) => dispi.read(index))).toEqual([1024, 768, 32]);
  });

  test.each([
    [32, 'little', 'XRGB8888', 4], [32, 'big', 'BGRX8888', 4], [24, 'little', 'RGB888', 3], [16, 'little', 'RGB565', 2], [15, 'little', 'XRGB1555', 2],
  ] as const)('%i bits per pixel, %s: %s', (bpp, order, format, bytes) => {
    driver.show(640, 480);
    driver.setOrder(order);
    dispi.write(BPP, bpp);
    expect(card.mode()).toEqual({ width: 640, height: 480, stride: 640 * bytes, format, offset: 0 });
  });

  test.each([[8, 8], [4, 4], [7, 8], [0, 8], [0xffff, 8]])('BPP %i becomes %i, and is no picture without a palette', (written, read) => {
    driver.show(640, 480);
    dispi.write(BPP, written);
    expect(dispi.read(BPP)).toBe(read);
    expect(card.scanout()).toBeNull();
  });

  test('ENDIANNESS takes its two words and no other', () => {
    for (const value of [0, 0xffff_ffff, 0x1e1e_1ebe]) bench.memory.write32(mmio + 0x604, value);
    bench.memory.write8(mmio + 0x604, 0xbe);
    expect(bench.memory.read32(mmio + 0x604)).toBe(0x1e1e_1e1e);
    driver.setOrder('big');
    expect(bench.memory.read32(mmio + 0x604)).toBe(0xbebe_bebe);
  });

  test('BANK stays below what the memory has', () => {
    dispi.write(BANK, 0xffff);
    expect(dispi.read(BANK)).toBe(0xff);
  });

  test('while off, anything is kept; ENABLED makes it fit', () => {
    for (const index of [XRES, YRES, BPP]) dispi.write(index, 0xffff);
    expect([XRES, YRES, BPP].map((index) => dispi.read(index))).toEqual([0xffff, 0xffff, 0xffff]);
    dispi.write(BPP, 32);
    dispi.write(ENABLE, ENABLED);
    expect([XRES, YRES, VIRT_WIDTH, VIRT_HEIGHT].map((index) => dispi.read(index))).toEqual([16000, 262, 16000, 262]);
  });

  test('zero pixels are 8, zero lines are 1; a width is not rounded', () => {
    dispi.write(BPP, 32);
    dispi.write(ENABLE, ENABLED);
    expect(card.mode()).toEqual({ width: 8, height: 1, stride: 32, format: 'XRGB8888', offset: 0 });
    driver.show(1366, 768);
    expect(card.mode()).toMatchObject({ width: 1366, stride: 5464 });
  });

  test('a part that would pass the end of the memory begins at line 0, and at column 0 if that is not enough', () => {
    driver.show(1024, 768);
    dispi.write(Y_OFFSET, 4096 - 768);
    expect(dispi.read(Y_OFFSET)).toBe(4096 - 768);
    dispi.write(X_OFFSET, 1);
    expect([dispi.read(X_OFFSET), dispi.read(Y_OFFSET)]).toEqual([1, 0]);
    dispi.write(YRES, 4096);
    expect([dispi.read(YRES), dispi.read(X_OFFSET)]).toEqual([4096, 0]);
    dispi.write(YRES, 4097);
    expect(dispi.read(YRES)).toBe(4096);
  });
});

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
    const { region } = made;
    const target = {
      read: (position: number, width: number) => (width === 8 ? region.read64(position) : BigInt(region[`read${(8 * width) as 8 | 16 | 32}`](position))),
      write: (position: number, width: number, value: bigint) => (width === 8 ? region.write64(position, value) : region[`write${(8 * width) as 8 | 16 | 32}`](position, Number(value))),
      peek: (register: number) => made.peek(register),
      poke: (register: number, mask: bigint, value: bigint) => made.poke(register, mask, value),
      reset: (soft = false) => made.reset({ soft }),
    };
    const checks = batteryOf(bochsDisplayRegisters);
    expect(checks.length).toBeGreaterThan(100);
    for (const { run } of checks) run(target);
    made.destroy();
  });
});
