// What a monitor says of itself: a block of 128 bytes (E-EDID 1.4), made from the mode that it prefers.
//
//   00  00 ff ff ff ff ff ff 00       25  established timings: 640x480, 800x600, 1024x768 at 60 Hz
//   08  maker, product, serial, year  26  standard timings: eight more modes at 60 Hz
//   12  version 1.4                   36  the preferred mode, as a detailed timing
//   14  digital, size, gamma, sRGB    48  range limits        5a  name        6c  serial number, or nothing
//   19  chromaticity                  7e  no extension blocks; 7f makes the sum of all bytes 0 modulo 256
//
// The timing of the preferred mode is the one that CVT computes for it, with reduced blanking: 160 pixels, and at least 460 us.
//
// Source: VESA E-EDID Standard, Release A, Revision 2 (EDID 1.4), section 3; VESA Coordinated Video Timings 1.1, 3.4.2

import { integer } from '../../core/index.ts';

/** What a monitor is said to be. */
export interface EdidOptions {
  /** Pixels of the preferred mode: 64 to 4095. Default 1024. */
  readonly width?: number;
  /** Lines of the preferred mode: 64 to 4095. Default 768. */
  readonly height?: number;
  /** Its frames per second: 1 to 255. Default 60. */
  readonly refresh?: number;
  /** Pixels and lines of the largest mode to offer besides. Default: those of the preferred mode. */
  readonly largest?: readonly [width: number, height: number];
  /** The maker: three letters A to Z. Default `MPL`. */
  readonly maker?: string;
  /** The product's number: 0 to 0xffff. Default 0x1111. */
  readonly product?: number;
  /** Up to 13 printable ASCII characters. Default `maplebar`. */
  readonly name?: string;
  /** Up to 13 printable ASCII characters. Default: none. */
  readonly serial?: string;
  /** Pixels per inch, from which the size in millimetres follows: 1 to 1000. Default 96. */
  readonly dpi?: number;
}

/** Bytes of a block. */
export const EDID_BYTES = 128;

// byte and bit of the established timings, section 3.8
const ESTABLISHED = [[640, 480, 35, 5], [800, 600, 35, 0], [1024, 768, 36, 3]] as const;
// aspect ratios in the order of their codes, section 3.9
const ASPECTS = [[16, 10], [4, 3], [5, 4], [16, 9]] as const;
const STANDARD = [[1920, 1200], [1920, 1080], [1680, 1050], [1600, 1200], [1440, 900], [1280, 1024], [1280, 960], [1280, 720]] as const;
const CHROMATICITY_SRGB = [0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54] as const;

/** A mode with everything around its pixels; lengths in pixels and lines. */
interface Timing {
  readonly clockKhz: number;
  readonly horizontal: { readonly active: number; readonly blank: number; readonly front: number; readonly sync: number };
  readonly vertical: { readonly active: number; readonly blank: number; readonly front: number; readonly sync: number };
}

// Lines of vertical sync tell aspect ratios apart; 10 is any other.
const SYNC_LINES = [[4, 3, 4], [16, 9, 5], [16, 10, 6], [5, 4, 7], [15, 9, 7]] as const;

function reducedBlanking(width: number, height: number, refresh: number): Timing {
  const sync = SYNC_LINES.find(([x, y]) => width * y === height * x)?.[2] ?? 10;
  const lineUs = (1e6 / refresh - 460) / height;
  const blank = Math.max(Math.floor(460 / lineUs) + 1, 3 + sync + 6);
  const clockKhz = Math.floor((refresh * (height + blank) * (width + 160)) / 250_000) * 250;
  return { clockKhz, horizontal: { active: width, blank: 160, front: 48, sync: 32 }, vertical: { active: height, blank, front: 3, sync } };
}

const low = (value: number): number => value & 0xff;
const nibbles = (first: number, second: number): number => ((first >> 8) << 4) | (second >> 8);

function detailed({ clockKhz, horizontal: h, vertical: v }: Timing, widthMm: number, heightMm: number): number[] {
  const clock = clockKhz / 10;
  const highBits = ((h.front >> 8) << 6) | ((h.sync >> 8) << 4) | ((v.front >> 4) << 2) | (v.sync >> 4);
  const digitalSeparateSyncHorizontalPositive = 0x1a;
  return [
    low(clock), clock >> 8,
    low(h.active), low(h.blank), nibbles(h.active, h.blank),
    low(v.active), low(v.blank), nibbles(v.active, v.blank),
    low(h.front), low(h.sync), ((v.front & 0xf) << 4) | (v.sync & 0xf), highBits,
    low(widthMm), low(heightMm), nibbles(widthMm, heightMm),
    0, 0, digitalSeparateSyncHorizontalPositive,
  ];
}

function text(what: string, tag: number, characters: string): number[] {
  if (!/^[\x20-\x7e]{1,13}$/.test(characters)) throw new RangeError(`edid: ${what} is ${JSON.stringify(characters)}; expected 1 to 13 printable ASCII characters`);
  const line = `${characters}\n`.slice(0, 13).padEnd(13, ' ');
  return [0, 0, 0, tag, 0, ...new TextEncoder().encode(line)];
}

function rangeLimits({ clockKhz, horizontal, vertical }: Timing, refresh: number): number[] {
  const lineKhz = Math.ceil(clockKhz / (horizontal.active + horizontal.blank));
  if (lineKhz > 255) throw new RangeError(`edid: ${vertical.active} lines at ${refresh} Hz are ${lineKhz} kHz; range limits say up to 255`);
  // The modes that are offered beside the preferred one take 59 to 76 Hz, 31 to 75 kHz and up to 195 MHz.
  return [0, 0, 0, 0xfd, 0, Math.min(50, refresh), Math.max(76, refresh), Math.min(30, Math.floor(clockKhz / (horizontal.active + horizontal.blank))), Math.max(76, lineKhz), Math.max(20, Math.ceil(clockKhz / 10_000)), 0x01, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20];
}

const NOTHING = [0, 0, 0, 0x10, ...new Array<number>(14).fill(0)];

/** Two bytes each; 01 01 is none. */
function standardTimings(fits: (width: number, height: number) => boolean): number[] {
  const bytes = STANDARD.filter(([width, height]) => fits(width, height)).flatMap(([width, height]) => [width / 8 - 31, ASPECTS.findIndex(([x, y]) => width * y === height * x) << 6]);
  return [...bytes, ...new Array<number>(16 - bytes.length).fill(1)];
}

function makerId(maker: string): number[] {
  if (!/^[A-Z]{3}$/.test(maker)) throw new RangeError(`edid: maker is ${JSON.stringify(maker)}; expected three letters A to Z`);
  const id = new TextEncoder().encode(maker).reduce((bits, letter) => (bits << 5) | (letter - 0x40), 0);
  return [id >> 8, low(id)];
}

/**
 * The block of a monitor.
 *
 * @returns 128 bytes.
 * @throws RangeError for a mode that a detailed timing cannot say (4095 pixels, 4095 lines, 655 MHz), or words that do not fit.
 * @example
 * ```ts
 * const card = bench.plug((engine, host) => bochsDisplay(engine, host, { edid: edid({ width: 1920, height: 1080, name: 'test wall' }) }));
 * ```
 */
export function edid(options: EdidOptions = {}): Uint8Array {
  const width = integer('edid: width', options.width ?? 1024, 64, 4095);
  const height = integer('edid: height', options.height ?? 768, 64, 4095);
  const refresh = integer('edid: refresh', options.refresh ?? 60, 1, 255);
  const product = integer('edid: product', options.product ?? 0x1111, 0, 0xffff);
  const dpi = integer('edid: dpi', options.dpi ?? 96, 1, 1000);
  const { maker = 'MPL', name = 'maplebar', serial, largest = [width, height] } = options;
  const timing = reducedBlanking(width, height, refresh);
  if (timing.clockKhz > 655_350) throw new RangeError(`edid: ${width}x${height} at ${refresh} Hz takes ${timing.clockKhz / 1000} MHz; a detailed timing says up to 655.35`);
  const [widthMm, heightMm] = [width, height].map((pixels) => Math.min(4095, Math.round((pixels * 25.4) / dpi))) as [number, number];
  const fits = (x: number, y: number): boolean => x <= largest[0] && y <= largest[1];

  const established = [0, 0, 0];
  for (const [x, y, byte, bit] of ESTABLISHED) if (fits(x, y)) established[byte - 35]! |= 1 << bit;

  const block = new Uint8Array(EDID_BYTES);
  block.set([
    0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00,
    ...makerId(maker), low(product), product >> 8, 0, 0, 0, 0, 0, 2025 - 1990,
    1, 4,
    // digital, 8 bits per colour; size in cm; gamma 2.2; sRGB, and the first timing is the native one
    0xa0, Math.min(255, Math.round(widthMm / 10)), Math.min(255, Math.round(heightMm / 10)), 120, 0x06,
    ...CHROMATICITY_SRGB,
    ...established,
    ...standardTimings(fits),
    ...detailed(timing, widthMm, heightMm),
    ...rangeLimits(timing, refresh),
    ...text('name', 0xfc, name),
    ...(serial === undefined ? NOTHING : text('serial', 0xff, serial)),
  ]);
  block[EDID_BYTES - 1] = -block.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return block;
}
