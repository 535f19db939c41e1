// bochs-display: probing and modes.

import { describe, expect, test } from '@jest/globals';
import { bochsDisplay, edid } from '../../../src/devices/index.ts';
import { BANK, bench, BPP, card, dispi, driver, ENABLE, ENABLED, framebuffer, GETCAPS, ID, LFB_ENABLED, MIB, mmio, modes, NOCLEARMEM, plug, plugDisplay, VIDEO_MEMORY_64K, VIRT_HEIGHT, VIRT_WIDTH, X_OFFSET, XRES, Y_OFFSET, YRES } from './support.ts';

plugDisplay();

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
