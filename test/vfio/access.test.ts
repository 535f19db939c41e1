// pread and pwrite of a device file: how many bytes, or which errno, for each kind of region, offset and length.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Process } from '../../src/vfio/index.ts';
import { World, filled, outcome, slot } from './support.ts';

const TABLE = { from: 0x2000, to: 0x2410 };
const IMAGE = 0x230;

let world: World;
let process: Process;
let isEnabled: boolean;

beforeEach(() => {
  world = new World();
  isEnabled = true;
  const device = world.device(
    {
      0: { region: world.ram(0x100) },
      2: { region: world.ram(0x4000, 5) },
      3: { region: world.ram(0x20, 7), ioPorts: true },
      4: { region: world.ram(0x40, 9), writable: false },
      6: { region: world.region({ kind: 'rom', size: 0x800, contents: world.ram(0x800, 3).bytes().slice() }), imageSize: IMAGE },
      7: { region: world.ram(0x100, 11) },
      9: { region: world.ram(0x44, 13), writable: false },
      10: { region: world.ram(0x44, 15) },
    },
    { msix: { bar: 2, offset: TABLE.from, count: 65 }, memoryEnabled: () => isEnabled },
  );
  process = world.open(device);
});
afterEach(() => world.end());

const read = (offset: bigint, length: number): number | string => outcome(() => process.pread(3, filled(length), offset));
const write = (offset: bigint, length: number): number | string => outcome(() => process.pwrite(3, filled(length), offset));

describe('count or errno', () => {
  const EINVAL = 'EINVAL';
  test.each<[string, bigint, number, number | string, number | string]>([
    ['BAR: all of it', slot(0), 0x100, 0x100, 0x100],
    ['BAR: clipped at the end', slot(0) + 0xfdn, 8, 3, 3],
    ['BAR: clipped from the start', slot(0), 0x200, 0x100, 0x100],
    ['BAR: the last byte', slot(0) + 0xffn, 1, 1, 1],
    ['BAR: at its end', slot(0) + 0x100n, 1, EINVAL, EINVAL],
    ['BAR: at the end of its page', slot(0) + 0x1000n, 1, EINVAL, EINVAL],
    ['BAR: the last byte of the slot', slot(1) - 1n, 1, EINVAL, EINVAL],
    ['absent BAR', slot(1), 4, EINVAL, EINVAL],
    ['BAR with the MSI-X table: all of it', slot(2), 0x5000, 0x4000, 0x4000],
    ['I/O BAR: clipped', slot(3) + 0x1en, 4, 2, 2],
    ['read-only BAR', slot(4), 4, 4, EINVAL],
    ['absent BAR below the ROM', slot(5), 4, EINVAL, EINVAL],
    ['ROM: image and what lies behind', slot(6), 0x800, 0x800, EINVAL],
    ['ROM: clipped', slot(6) + 0x7fcn, 8, 4, EINVAL],
    ['ROM: at its end', slot(6) + 0x800n, 1, EINVAL, EINVAL],
    ['config: all of it', slot(7), 0x100, 0x100, 0x100],
    ['config: the last bytes', slot(7) + 0xfcn, 4, 4, 4],
    ['config: never clipped, two bytes over', slot(7) + 0xfen, 4, 'EFAULT', 'EFAULT'],
    ['config: never clipped, from the start', slot(7), 0x101, 'EFAULT', 'EFAULT'],
    ['config: at its end', slot(7) + 0x100n, 1, 'EFAULT', 'EFAULT'],
    ['config: far behind', slot(7) + 0xff_ffff_ffffn, 1, 'EFAULT', 'EFAULT'],
    ['VGA: absent', slot(8) + 0xa_0000n, 1, EINVAL, EINVAL],
    ['device-specific, read-only', slot(9), 0x44, 0x44, EINVAL],
    ['device-specific: clipped', slot(10) + 0x40n, 8, 4, 4],
    ['device-specific: at its end', slot(10) + 0x44n, 8, EINVAL, EINVAL],
    ['index at num_regions', slot(11), 4, EINVAL, EINVAL],
    ['index far above', slot(0x3fffff), 4, EINVAL, EINVAL],
    ['the highest offset', 0x7fff_ffff_ffff_ffffn, 1, EINVAL, EINVAL],
    ['a negative offset', 0x8000_0000_0000_0000n, 1, EINVAL, EINVAL],
    ['offset -1', 0xffff_ffff_ffff_ffffn, 1, EINVAL, EINVAL],
  ])('%s', (_, offset, length, reads, writes) => {
    expect({ reads: read(offset, length), writes: write(offset, length) }).toEqual({ reads, writes });
  });

  test.each<[string, bigint]>([
    ['a BAR', slot(0)], ['its end', slot(0) + 0x100n], ['an absent BAR', slot(1)], ['the ROM', slot(6)], ['config space', slot(7)], ['the end of config space', slot(7) + 0x100n],
    ['absent VGA', slot(8)], ['no region', slot(99)], ['the highest offset', 0x7fff_ffff_ffff_ffffn],
  ])('zero bytes at %s are 0', (_, offset) => {
    isEnabled = false;
    expect([read(offset, 0), write(offset, 0)]).toEqual([0, 0]);
    expect(outcome(() => process.pread(3, { address: 0, length: 0 }, offset))).toBe(0);
  });

  test('a negative offset is EINVAL even for zero bytes', () => {
    expect([read(1n << 63n, 0), write(1n << 63n, 0)]).toEqual(['EINVAL', 'EINVAL']);
  });

  test('a length above 0x7ffff000 is cut, not refused', () => {
    const buffer = { address: process.allocate(0x2000), length: Number.MAX_SAFE_INTEGER };
    expect(outcome(() => process.pread(3, buffer, slot(2)))).toBe('EFAULT');
    expect(outcome(() => process.pread(3, buffer, slot(0)))).toBe(0x100);
    const device = world.device({ 0: { region: world.region({ kind: 'demand', size: 1n << 40n }) } });
    const fd = process.open(device);
    const whole = { address: process.mmap(1n << 40n, 3, 1, fd), length: 2 ** 31 };
    expect(outcome(() => process.pwrite(fd, { ...whole, address: process.allocate(0x1000) }, 0))).toBe('EFAULT');
  });
});

describe('bytes', () => {
  const pattern = (start: number, from: number, length: number): number[] => Array.from({ length }, (_, i) => (from + i + start) & 0xff);
  const bytesAt = (offset: bigint, length: number): number[] => {
    const buffer = filled(length);
    process.pread(3, buffer, offset);
    return [...buffer];
  };

  test('reads give the region and leave what was clipped', () => {
    expect(bytesAt(slot(0) + 0xfdn, 6)).toEqual([0xfd, 0xfe, 0xff, 0xaa, 0xaa, 0xaa]);
    expect(bytesAt(slot(7) + 3n, 9)).toEqual(pattern(11, 3, 9));
  });

  test('writes reach the region and nothing beside it', () => {
    process.pwrite(3, Uint8Array.of(1, 2, 3, 4, 5), slot(10) + 0x3bn);
    expect(bytesAt(slot(10) + 0x38n, 12)).toEqual([...pattern(15, 0x38, 3), 1, 2, 3, 4, 5, ...pattern(15, 0x40, 4)]);
    expect(bytesAt(slot(9), 0x44)).toEqual(pattern(13, 0, 0x44));
  });

  test('a refused write changes nothing', () => {
    const before = [slot(4), slot(6), slot(7), slot(9)].map((offset) => bytesAt(offset, 0x40));
    for (const offset of [slot(4), slot(6), slot(7) + 0xe0n, slot(9)]) expect(write(offset, 0x40)).toMatch(/EINVAL|EFAULT/);
    expect([slot(4), slot(6), slot(7), slot(9)].map((offset) => bytesAt(offset, 0x40))).toEqual(before);
  });

  test('behind the ROM image: 0xff, byte by byte', () => {
    const at = IMAGE - 3;
    expect(bytesAt(slot(6) + BigInt(at), 8)).toEqual([...pattern(3, at, 3), 0xff, 0xff, 0xff, 0xff, 0xff]);
    expect(bytesAt(slot(6) + BigInt(IMAGE), 3)).toEqual([0xff, 0xff, 0xff]);
    expect(bytesAt(slot(6) + 0x7fen, 2)).toEqual([0xff, 0xff]);
  });

  describe('the MSI-X table reads 0xff and drops writes', () => {
    test.each<[string, number, number]>([
      ['inside', TABLE.from + 0x10, 8],
      ['all of it', TABLE.from, TABLE.to - TABLE.from],
      ['over its start', TABLE.from - 3, 8],
      ['over its end', TABLE.to - 5, 8],
      ['over both ends', TABLE.from - 7, TABLE.to - TABLE.from + 20],
      ['up to its start', TABLE.from - 8, 8],
      ['from its end on', TABLE.to, 8],
      ['its last byte', TABLE.to - 1, 1],
    ])('%s', (_, from, length) => {
      const inTable = (at: number): boolean => at >= TABLE.from && at < TABLE.to;
      const want = pattern(5, from, length).map((byte, i) => (inTable(from + i) ? 0xff : byte));
      expect(bytesAt(slot(2) + BigInt(from), length)).toEqual(want);
      expect(process.pwrite(3, new Uint8Array(length).fill(0x5a), slot(2) + BigInt(from))).toBe(length);
      const region = process.memory;
      const address = process.mmap(0x4000, 3, 1, 3, slot(2));
      const seen = [...region.readBytes(address + from, new Uint8Array(length))];
      expect(seen).toEqual(pattern(5, from, length).map((byte, i) => (inTable(from + i) ? byte : 0x5a)));
    });
  });
});

describe('the memory gate', () => {
  beforeEach(() => {
    isEnabled = false;
  });

  test.each<[string, bigint, number, number | string, number | string]>([
    ['a BAR', slot(0), 4, 'EIO', 'EIO'],
    ['a BAR, clipped', slot(0) + 0xffn, 4, 'EIO', 'EIO'],
    ['beyond a BAR: the bounds come first', slot(0) + 0x100n, 4, 'EINVAL', 'EINVAL'],
    ['an absent BAR', slot(1), 4, 'EINVAL', 'EINVAL'],
    ['an I/O BAR is never closed', slot(3), 4, 4, 4],
    ['the ROM', slot(6), 4, 'EIO', 'EINVAL'],
    ['over the end of the ROM image', slot(6) + BigInt(IMAGE - 1), 2, 'EIO', 'EINVAL'],
    ['behind the ROM image', slot(6) + BigInt(IMAGE), 4, 4, 'EINVAL'],
    ['config space', slot(7), 4, 4, 4],
    ['a device-specific region', slot(10), 4, 4, 4],
    ['wholly in the MSI-X table', slot(2) + BigInt(TABLE.from), TABLE.to - TABLE.from, 0x410, 0x410],
    ['over the start of the MSI-X table', slot(2) + BigInt(TABLE.from - 1), 2, 'EIO', 'EIO'],
    ['over the end of the MSI-X table', slot(2) + BigInt(TABLE.to - 1), 2, 'EIO', 'EIO'],
  ])('closed: %s', (_, offset, length, reads, writes) => {
    expect({ reads: read(offset, length), writes: write(offset, length) }).toEqual({ reads, writes });
  });

  test('closed, and open again: nothing was written', () => {
    expect(write(slot(0), 16)).toBe('EIO');
    isEnabled = true;
    const bytes = new Uint8Array(16);
    process.pread(3, bytes, slot(0));
    expect([...bytes]).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });

  test('a platform device that has one is not closed by it', () => {
    const platform = world.open(world.device({ 0: { region: world.ram(16) } }, { kind: 'platform', memoryEnabled: () => false }));
    expect(outcome(() => platform.pread(3, filled(4), 0))).toBe(4);
  });
});
