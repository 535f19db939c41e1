// Functions that nobody built: random BARs and every capability that has rules, with random bits where a device may choose.
//
//   00 header, BARs at 0   40 capabilities, one behind the other   ...   100 extended capabilities, one behind the other
//
// Bytes that no rule names are random too: they are read-only.

import type { PciFunctionDescription } from '../../../src/pci/index.ts';
import type { Random } from '../../fuzz/random.ts';

/** Writes little-endian values at offsets. */
class Image {
  readonly bytes: Uint8Array;

  constructor(size: number, random: Random) {
    this.bytes = Uint8Array.from({ length: size }, () => random.next() & 0xff);
  }

  set(offset: number, width: 1 | 2 | 4, value: number): void {
    for (let k = 0; k < width; k++) this.bytes[offset + k] = value >>> (8 * k);
  }

  clear(offset: number, count: number): void {
    this.bytes.fill(0, offset, offset + count);
  }

  get(offset: number, width: 1 | 2): number {
    return this.bytes[offset]! | (width === 2 ? this.bytes[offset + 1]! << 8 : 0);
  }
}

/** BARs of each kind, at address 0 with their type bits, and their sizes. The first of a function with a table is memory of 4 KiB at least. */
function bars(image: Image, random: Random): bigint[] {
  const sizes = [0n, 0n, 0n, 0n, 0n, 0n];
  image.clear(0x10, 0x18);
  const power = (least: number, largest: number): bigint => 1n << BigInt(least + random.below(largest - least + 1));
  for (let index = 0; index < 6; index++) {
    const kind = index === 0 ? 2 : random.below(5);
    if (kind === 0) continue;
    const at = 0x10 + 4 * index;
    if (kind === 1) {
      image.set(at, 4, 1);
      sizes[index] = power(2, 8);
    } else if (kind < 4 || index === 5) {
      // Type 1, below 1 MiB, is obsolete and behaves as type 0.
      image.set(at, 4, random.pick([0, 0, 2, 8]));
      sizes[index] = power(index === 0 ? 12 : 4, 24);
    } else {
      image.set(at, 4, random.pick([4, 12]));
      sizes[index++] = random.once(3) ? power(32, 34) : power(4, 20);
    }
  }
  return sizes;
}

type MakeCapability = (image: Image, at: number, random: Random) => number;

/** Each fills what it has to, and answers how many bytes it takes. */
const STANDARD: readonly (readonly [number, MakeCapability])[] = [
  [0x01, (image, at, random) => {
    // In D0; no PME and none of D1, D2 as often as each.
    image.set(at + 2, 2, random.pick([0x0003, 0x0203, 0x0403, 0xfe03, random.next() & 0xffff]));
    image.set(at + 4, 2, image.get(at + 4, 2) & ~0x3);
    return 8;
  }],
  [0x05, (image, at, random) => {
    image.clear(at + 2, 22);
    const [is64Bit, masks] = [random.below(2), random.below(2)];
    image.set(at + 2, 2, (random.below(6) << 1) | (is64Bit << 7) | (masks << 8));
    return 10 + 4 * is64Bit + 10 * masks;
  }],
  [0x10, (image, at, random) => {
    const [version, type] = [1 + random.below(2), random.pick([0, 0, 1, 9])];
    image.set(at + 2, 2, version | (type << 4));
    image.set(at + 8, 2, type === 9 ? 0 : 0x2810);
    image.set(at + 12, 1, (image.get(at + 12, 1) & 0xf0) | (1 + random.below(4)));
    image.set(at + 16, 2, 0);
    if (version === 1) return 0x14;
    image.clear(at + 0x28, 2);
    image.set(at + 0x30, 2, image.get(at + 12, 1) & 0xf);
    return 0x3c;
  }],
  [0x11, (image, at, random) => {
    // Table and pending bits in BAR 0.
    image.set(at + 2, 2, random.below(8));
    image.set(at + 4, 4, 0);
    image.set(at + 8, 4, 0x800);
    return 12;
  }],
  [0x13, (image, at, random) => {
    image.set(at + 2, 2, 6 | (random.pick([0, 3, 3, 3]) << 8));
    image.set(at + 4, 2, 0);
    return 6;
  }],
  [0x09, (image, at) => {
    image.set(at + 2, 1, 12);
    return 12;
  }],
];

const EXTENDED: readonly (readonly [number, number, MakeCapability])[] = [
  [0x0001, 1, () => 0x2c],
  [0x0001, 2, () => 0x48],
  [0x0003, 1, () => 12],
  [0x000d, 1, (image, at) => {
    image.set(at + 4, 2, image.get(at + 4, 2) & 0x5f);
    image.set(at + 6, 2, 0);
    return 8;
  }],
  [0x000f, 1, (image, at) => {
    image.set(at + 6, 2, 0);
    return 8;
  }],
  [0x0018, 1, (image, at) => {
    image.clear(at + 4, 4);
    return 8;
  }],
];

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list.map((item) => ({ item, key: random.next() })).sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** A function from a seed's next numbers. Every second one has 4096 bytes. */
export function madeUpFunction(random: Random, isLarge: boolean): PciFunctionDescription {
  const image = new Image(isLarge ? 4096 : 256, random);
  image.set(0x04, 2, 0);
  // With a capability list; errors that wait to be cleared.
  image.set(0x06, 2, (random.next() & 0xf900) | 0x0010);
  image.set(0x0e, 2, 0);
  image.set(0x34, 1, 0);
  image.set(0x3c, 2, random.below(2) << 8);
  const sizes = bars(image, random);
  const rom = random.once(3) ? 0n : 1n << BigInt(11 + random.below(8));
  image.set(0x30, 4, 0);
  let link = 0x34;
  let at = 0x40;
  for (const [id, make] of shuffled(STANDARD, random)) {
    image.set(at, 2, id);
    const bytes = make(image, at, random);
    image.set(link, 1, at);
    link = at + 1;
    at = (at + bytes + 4 * random.below(4) + 3) & ~3;
  }
  if (isLarge) {
    // One of the two versions of error reporting.
    const list = shuffled(EXTENDED.slice(random.below(2)).filter(([id], index, all) => all.findIndex((one) => one[0] === id) === index), random);
    at = 0x100;
    list.forEach(([id, version, make], index) => {
      const next = (at + make(image, at, random) + 4 * random.below(4) + 3) & ~3;
      image.set(at, 4, (id | (version << 16) | ((index === list.length - 1 ? 0 : next) << 20)) >>> 0);
      at = next;
    });
  }
  return { slot: '00:01.0', config: image.bytes, sizes: { bars: sizes, rom } };
}
