// QEMU's legacy-free display: a linear framebuffer in BAR 0, and in BAR 2 what says how to show it.
//
//   000 EDID  the monitor, up to 1024 bytes        500 ID      502 XRES          504 YRES           506 BPP
//   400 VGA ports 3c0..3df: those that blank       508 ENABLE  50a BANK          50c VIRT_WIDTH     50e VIRT_HEIGHT
//                                                  510 X_OFFSET                  512 Y_OFFSET       514 VIDEO_MEMORY_64K
//                                                  600 EXTENDED_SIZE             604 ENDIANNESS
//
//   framebuffer   |<------- VIRT_WIDTH ------->|
//                 |  X_OFFSET,Y_OFFSET         |
//                 |     +--- XRES ---+         |   shown while ENABLE.ENABLED, unless the attribute controller
//                 |     |            YRES      |   is told to show nothing
//                 |     +------------+         |
//
// While ENABLED, values that cannot be become the nearest that can: there is no other way to say so. XRES is not rounded to 8 pixels: QEMU's VGA does that, its
// bochs-display does not. Nothing is blanked after a reset: a driver that knows no VGA has a picture.
//
// Source: QEMU docs/specs/standard-vga.rst; hw/display/bochs-display.c, vga.c and include/hw/display/bochs-vbe.h; Linux drivers/gpu/drm/tiny/bochs.c

import { bytesOf, integer } from '../../core/index.ts';
import type { Engine, Region } from '../../core/index.ts';
import { pciDevice, registerBar } from '../../pci/index.ts';
import type { BarOf, DeviceHost, MemoryBar, PciDevice } from '../../pci/index.ts';
import { edid } from './edid.ts';
import { planesFor } from './planes.ts';
import type { PlaneKind } from './planes.ts';
import { BIG, DISPI_ID0, DISPI_ID5, LITTLE, bochsDisplayRegisters } from './registers.ts';

const MAX_XRES = 16_000;
const MAX_YRES = 12_000;
const MAX_BPP = 32;

/** Pixels by their names in linux/drm_fourcc.h: colours from the highest bit down, little-endian. */
export type PixelFormat = 'XRGB8888' | 'BGRX8888' | 'RGB888' | 'RGB565' | 'XRGB1555';

/** How the framebuffer is shown. */
export interface DisplayMode {
  /** Pixels. */
  readonly width: number;
  /** Lines. */
  readonly height: number;
  /** Bytes from one line to the next. */
  readonly stride: number;
  readonly format: PixelFormat;
  /** Bytes from the framebuffer's start to the first pixel shown. */
  readonly offset: number;
}

/** The picture: a mode and its lines, `stride * height` bytes. */
export interface Scanout extends DisplayMode {
  readonly bytes: Uint8Array;
}

/** What of a picture has changed: whole lines. */
export interface Damage extends Scanout {
  /** The first line that changed. */
  readonly top: number;
  /** Lines from there to the last that changed. */
  readonly lines: number;
}

/** What a display can be asked to be. */
export interface BochsDisplayOptions {
  /** Bytes of the framebuffer: a power of two, 4 MiB to 256 MiB. Default 16 MiB. */
  readonly memory?: number;
  /** The monitor: up to 1024 bytes, or null for none. Default: one that prefers 1024x768 and takes any mode that the framebuffer holds; see {@link edid}. */
  readonly edid?: Uint8Array | null;
  /**
   * How VFIO programs find the picture, and a region 9 by which they say what the monitor is: as a buffer of its own, or as BAR 0, where a picture is shown only while it starts
   * at the framebuffer's start. Default: not at all.
   */
  readonly planes?: PlaneKind;
  /** Is told each new mode, and null when there is no picture: in the access that made it so, or in a reset. May take the card away. */
  readonly onModeChange?: (mode: DisplayMode | null) => void;
}

/** A display, and the host's side of it. */
export type BochsDisplay = PciDevice<{ readonly 0: MemoryBar; readonly 2: BarOf<typeof bochsDisplayRegisters> }> & {
  /** The mode now; null while there is no picture: off, blanked, or of pixels that are an index into a palette. */
  readonly mode: () => DisplayMode | null;
  /** A copy of the picture now; null while there is none. */
  readonly scanout: () => Scanout | null;
  /** A copy of the picture and the lines that changed since the last call; all of them in a new mode. Null when nothing has, or while there is none. */
  readonly damage: () => Damage | null;
};

interface Pixels {
  readonly bits: number;
  readonly format: PixelFormat | null;
}

function pixelsOf(bpp: number, isBig: boolean): Pixels {
  if (bpp === 32) return { bits: 32, format: isBig ? 'BGRX8888' : 'XRGB8888' };
  if (bpp === 24) return { bits: 24, format: 'RGB888' };
  if (bpp === 16) return { bits: 16, format: 'RGB565' };
  if (bpp === 15) return { bits: 16, format: 'XRGB1555' };
  return { bits: bpp === 4 ? 4 : 8, format: null };
}

const PAGE = 4096;
const MAX_EDID_BYTES = 1024;

function sameMode(one: DisplayMode | null, other: DisplayMode | null): boolean {
  if (one === null || other === null) return one === other;
  return (['width', 'height', 'stride', 'format', 'offset'] as const).every((key) => one[key] === other[key]);
}

/** The first and the last line that differ. */
function changedLines(before: Uint8Array, now: Uint8Array, stride: number): { readonly top: number; readonly lines: number } | null {
  let first = 0;
  while (first < now.length && before[first] === now[first]) first++;
  if (first === now.length) return null;
  let last = now.length - 1;
  while (before[last] === now[last]) last--;
  const top = Math.floor(first / stride);
  return { top, lines: Math.floor(last / stride) - top + 1 };
}

function checkedEdid(given: Uint8Array | null | undefined, memory: number): Uint8Array {
  if (given === null) return new Uint8Array(0);
  if (given === undefined) return edid({ largest: memory >= 1920 * 1200 * 4 ? [1920, 1200] : [1024, 768] });
  const bytes = bytesOf('bochsDisplay: edid', given);
  if (bytes.length > MAX_EDID_BYTES) throw new RangeError(`bochsDisplay: edid has ${bytes.length} bytes; expected up to ${MAX_EDID_BYTES}`);
  return bytes;
}

/**
 * Makes one: 1234:1111, class 0x038000, the framebuffer in BAR 0 (prefetchable: to be mapped write-combining), registers in BAR 2. No interrupts, no DMA.
 *
 * @param engine where its regions live.
 * @param host what runs it.
 * @throws RangeError, TypeError for a size or an EDID that cannot be; VfioError ENOMEM when the core is full.
 * @example
 * ```ts
 * const bench = createTestbench();
 * const card = bench.plug(bochsDisplay);
 * const [pixels, registers] = [bench.addressOf(card, 0), bench.addressOf(card, 2)];
 * for (const [at, value] of [[0x506, 32], [0x502, 640], [0x504, 480], [0x508, 0x41]]) bench.memory.write16(registers + at, value);
 * bench.memory.write32(pixels, 0x00ff_0000);
 * card.scanout(); // { width: 640, height: 480, stride: 2560, format: 'XRGB8888', offset: 0, bytes }
 * ```
 */
export function bochsDisplay(engine: Engine, host: DeviceHost = {}, options: BochsDisplayOptions = {}): BochsDisplay {
  const memory = integer('bochsDisplay: memory', options.memory ?? 1 << 24, 1 << 22, 1 << 28);
  if ((memory & (memory - 1)) !== 0) throw new RangeError(`bochsDisplay: memory is ${memory} bytes; expected a power of two`);
  const monitor = new Uint8Array(MAX_EDID_BYTES);
  monitor.set(checkedEdid(options.edid, memory));
  let told: DisplayMode | null = null;
  let seen: Scanout | null = null;

  const regs = () => device.bar(2).regs;

  const mode = (): DisplayMode | null => {
    if (device.isGone) return null;
    const { ENABLE, ATTRIBUTE, ENDIANNESS, BPP, XRES, YRES, VIRT_WIDTH, X_OFFSET, Y_OFFSET } = regs();
    const { bits, format } = pixelsOf(BPP.peek(), ENDIANNESS.order.is('big'));
    if (ENABLE.ENABLED.get() === 0 || ATTRIBUTE.SHOWS.get() === 0 || format === null) return null;
    const stride = (VIRT_WIDTH.peek() * bits) / 8;
    return { width: XRES.peek(), height: YRES.peek(), stride, format, offset: (X_OFFSET.peek() * bits) / 8 + Y_OFFSET.peek() * stride };
  };

  const tell = (): void => {
    if (device.isGone) return;
    const now = mode();
    if (sameMode(now, told)) return;
    told = now;
    options.onModeChange?.(now);
  };

  /** Makes what is said something that can be shown. */
  const fit = (): void => {
    const { BPP, XRES, YRES, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET } = regs();
    if (![4, 8, 15, 16, 24, 32].includes(BPP.peek())) BPP.poke(8);
    const { bits } = pixelsOf(BPP.peek(), false);
    XRES.poke(Math.min(XRES.peek() || 8, MAX_XRES));
    VIRT_WIDTH.poke(Math.min(Math.max(VIRT_WIDTH.peek(), XRES.peek()), MAX_XRES));
    const stride = Math.max(1, Math.floor((VIRT_WIDTH.peek() * bits) / 8));
    const lines = Math.floor(memory / stride);
    YRES.poke(Math.min(YRES.peek() || 1, MAX_YRES, lines));
    VIRT_HEIGHT.poke(Math.min(lines, 0xffff));
    X_OFFSET.poke(Math.min(X_OFFSET.peek(), MAX_XRES));
    Y_OFFSET.poke(Math.min(Y_OFFSET.peek(), MAX_YRES));
    // The last line ends with its stride, not with its pixels.
    const passes = (): boolean => Math.floor((X_OFFSET.peek() * bits) / 8) + (Y_OFFSET.peek() + YRES.peek()) * stride > memory;
    if (passes()) Y_OFFSET.poke(0);
    if (passes()) X_OFFSET.poke(0);
  };

  /** Zeroes, without making pages that nobody has written. */
  const clear = (bytes: number): void => {
    const framebuffer = device.bar(0);
    const words = new BigUint64Array(PAGE / 8);
    const page = new Uint8Array(words.buffer);
    for (let at = 0; at < bytes; at += PAGE) {
      framebuffer.readBytes(at, page);
      if (words.some((word) => word !== 0n)) framebuffer.writeBytes(at, page.fill(0).subarray(0, Math.min(PAGE, bytes - at)));
    }
  };

  const geometry = { afterWrite: (): void => {
    if (device.isGone) return;
    if (regs().ENABLE.ENABLED.get() === 1) fit();
    tell();
  } };

  /** Reads as `greatest` while GETCAPS asks for it. */
  const capable = (name: 'XRES' | 'YRES' | 'BPP', greatest: number) => {
    let stored: number | null = null;
    return {
      ...geometry,
      beforeRead: (): void => {
        const { ENABLE, [name]: register } = regs();
        if (ENABLE.GETCAPS.get() === 0) return;
        stored = register.peek();
        register.poke(greatest);
      },
      afterRead: (): void => {
        if (stored !== null) regs()[name].poke(stored);
        stored = null;
      },
    };
  };

  const enable = ({ old, value }: { readonly old: number; readonly value: number }): void => {
    if (device.isGone) return;
    const { VIRT_WIDTH, X_OFFSET, Y_OFFSET, YRES, BPP, ENABLE } = regs();
    if ((value & 1) !== 0 && (old & 1) === 0) {
      for (const register of [VIRT_WIDTH, X_OFFSET, Y_OFFSET]) register.poke(0);
      fit();
      if (ENABLE.NOCLEARMEM.get() === 0) clear(Math.floor((VIRT_WIDTH.peek() * pixelsOf(BPP.peek(), false).bits) / 8) * YRES.peek());
    }
    tell();
  };

  /** The written value where it is one of those that the register takes, else what it has. */
  const only = (name: 'ID' | 'ENDIANNESS', takes: (value: number) => boolean) => ({
    beforeWrite: ({ data }: { readonly data: number }): number => (takes(data) ? data : regs()[name].peek()),
  });

  const fill = (): void => {
    const words = new DataView(monitor.buffer);
    const { EDID, VIDEO_MEMORY_64K } = regs();
    EDID.forEach((word, i) => word.poke(words.getBigUint64(8 * i, true)));
    VIDEO_MEMORY_64K.poke(memory >> 16);
  };

  const plug = (bytes: Uint8Array | null): void => {
    monitor.fill(0);
    if (bytes !== null) monitor.set(bytes);
    if (!device.isGone) fill();
  };

  const framebuffer = (): Region => device.bar(0);
  const { planes } = options;
  const vfio = planes === undefined ? undefined : planesFor(engine, planes, { mode, memory, framebuffer, largest: [MAX_XRES, MAX_YRES], plug });
  const device = pciDevice(engine, {
    ...(vfio !== undefined && { vfio }),
    id: [0x1234, 0x1111],
    subsystem: [0x1af4, 0x1100],
    class: 0x038000,
    revision: 2,
    names: { class: 'Display controller', device: 'Device' },
    bars: {
      0: { memory, prefetchable: true },
      2: registerBar(bochsDisplayRegisters, {
        hooks: {
          ATTRIBUTE: { SHOWS: tell },
          ID: only('ID', (value) => value >= DISPI_ID0 && value <= DISPI_ID5),
          XRES: capable('XRES', MAX_XRES),
          YRES: capable('YRES', MAX_YRES),
          BPP: capable('BPP', MAX_BPP),
          ENABLE: { afterWrite: enable },
          BANK: { beforeWrite: ({ data }) => data & ((memory >> 16) - 1) },
          VIRT_WIDTH: geometry,
          X_OFFSET: geometry,
          Y_OFFSET: geometry,
          ENDIANNESS: { ...only('ENDIANNESS', (value) => value === LITTLE || value === BIG), afterWrite: tell },
        },
      }),
    },
    onReset: () => {
      device.bar(0).dropPages();
      fill();
      tell();
    },
  }, host);
  fill();

  const scanout = (): Scanout | null => {
    const now = mode();
    return now === null ? null : { ...now, bytes: device.bar(0).readBytes(now.offset, new Uint8Array(now.stride * now.height)) };
  };

  const damage = (): Damage | null => {
    const before = seen;
    seen = scanout();
    if (seen === null) return null;
    const changed = before !== null && sameMode(before, seen) ? changedLines(before.bytes, seen.bytes, seen.stride) : { top: 0, lines: seen.height };
    return changed === null ? null : { ...seen, ...changed };
  };

  return Object.assign(device, { mode, scanout, damage });
}
