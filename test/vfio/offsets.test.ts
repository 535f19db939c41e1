// Offsets of an open file in the modes index, cookie and scattered: idempotent, one table per open, alignment, exhaustion, mistakes named.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAP_PRIVATE, MAP_SHARED, type OpenOptions, PROT_READ, PROT_WRITE, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { World, filled, message, offsetOf, outcome, regionInfo, slot } from './support.ts';

const RW = PROT_READ | PROT_WRITE;
const MODES = ['index', 'cookie', 'scattered'] as const;

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

const sample = (): VfioDevice =>
  world.device({
    0: { region: world.ram(0x4000) },
    2: { region: world.ram(0x800) },
    4: { region: world.region({ kind: 'demand', size: 1n << 33n }) },
    6: { region: world.region({ kind: 'rom', size: 0x1000 }) },
    7: { region: world.ram(0x100) },
    9: { region: world.ram(0x1001), mmap: true },
  });
const PRESENT = [0, 2, 4, 6, 7, 9];

describe.each(MODES)('mode %s', (offsets) => {
  test('offsets are idempotent, also through dup', () => {
    const process = world.open(sample(), { offsets });
    const again = process.dup(3);
    const first = PRESENT.map((index) => offsetOf(process, index));
    const live = world.engine.live();
    for (let i = 0; i < 3; i++) expect(PRESENT.map((index) => offsetOf(process, index, again))).toEqual(first);
    expect(world.engine.live()).toEqual(live);
    expect(new Set(first).size).toBe(PRESENT.length);
  });

  test('regions do not overlap, and each is where it says', () => {
    const process = world.open(sample(), { offsets });
    const infos = PRESENT.map((index) => regionInfo(process, index)).sort((a, b) => Number(a.offset - b.offset));
    for (const [i, { offset, size }] of infos.entries()) {
      expect(offset % 4096n).toBe(0n);
      if (i > 0) expect(offset).toBeGreaterThanOrEqual(infos[i - 1]!.offset + infos[i - 1]!.size);
      expect(process.pread(3, filled(1), offset + size - 1n)).toBe(1);
    }
  });

  test('reads are cut at the region, not at its last page', () => {
    const process = world.open(sample(), { offsets });
    const offset = offsetOf(process, 9);
    expect(process.pread(3, filled(8), offset + 0xffen)).toBe(3);
    expect(outcome(() => process.pread(3, filled(8), offset + 0x1001n))).toBe('EINVAL');
    expect(outcome(() => process.pread(3, filled(8), offset + 0x1fffn))).toBe('EINVAL');
    expect(outcome(() => process.pread(3, filled(8), offsetOf(process, 7) + 0x100n))).toBe('EFAULT');
  });

  test('mmap agrees', () => {
    const process = world.open(sample(), { offsets });
    const at = (index: number, length: number, flags = MAP_SHARED): unknown => {
      const result = outcome(() => process.mmap(length, RW, flags, 3, offsetOf(process, index)));
      return typeof result === 'number' ? 'mapped' : result;
    };
    expect([at(0, 0x4000), at(4, 1), at(9, 0x2000)]).toEqual(['mapped', 'mapped', 'mapped']);
    expect([at(0, 0x1000, MAP_PRIVATE), at(2, 0x800), at(6, 0x1000), at(7, 0x1000)]).toEqual(['EINVAL', 'EINVAL', 'EINVAL', 'EINVAL']);
  });

  test('a second open has a table of its own, which goes with it', () => {
    const device = sample();
    const process = world.open(device, { offsets });
    const before = world.engine.live();
    const other = process.open(device, { offsets });
    for (const index of PRESENT) offsetOf(process, index, other);
    process.close(other);
    expect(world.engine.live()).toEqual(before);
  });
});

describe('index', () => {
  test('computed offsets need no GET_REGION_INFO', () => {
    const process = world.open(sample());
    for (const index of PRESENT) expect(process.pread(3, filled(1), slot(index))).toBe(1);
    expect(MODES.map((offsets) => outcome(() => world.open(sample(), { offsets }).mmap(0x1000, RW, MAP_SHARED, 3, slot(0))) === 'ENXIO')).toEqual([false, true, true]);
  });

  test('a region above 2^40 bytes is refused at open, which leaves nothing; 2^40 fits', () => {
    const big = world.device({ 0: { region: world.region({ kind: 'demand', size: (1n << 40n) + 1n }) } });
    const full = world.device({ 0: { region: world.region({ kind: 'demand', size: 1n << 40n }) }, 1: { region: world.ram(16, 7) } });
    const process = world.process();
    const live = world.engine.live();
    expect(message(() => process.open(big))).toMatch(/^EINVAL.*region 0 has 1099511627777 bytes/);
    expect([process.fds, world.engine.live()]).toEqual([[], live]);
    expect(process.open(big, { offsets: 'cookie' })).toBe(3);
    expect(process.open(full)).toBe(4);
    expect(process.pread(4, filled(1), slot(1) - 1n)).toBe(1);
    const bytes = filled(1);
    process.pread(4, bytes, slot(1));
    expect(bytes[0]).toBe(7);
    expect(process.pread(4, filled(4), slot(1) - 1n)).toBe(1);
  });
});

describe('cookie', () => {
  test('packed from 4096 on in the order of the requests, aligned to the size rounded up to a power of two, at most 1 GiB', () => {
    const process = world.open(sample(), { offsets: 'cookie' });
    // 4 KiB, then 16 KiB at a multiple of 16 KiB, the hole before it used by 8 KiB, 8 GiB at a multiple of 1 GiB.
    expect([7, 0, 9, 6, 4, 2].map((index) => offsetOf(process, index))).toEqual([0x1000n, 0x4000n, 0x2000n, 0x8000n, 1n << 30n, 0x9000n]);
  });

  test('absent regions have offset 0 and own nothing', () => {
    for (const offsets of ['cookie', 'scattered'] as const) {
      const process = world.open(sample(), { offsets });
      expect(regionInfo(process, 1)).toEqual(expect.objectContaining({ offset: 0n, size: 0n, flags: 0 }));
      expect(outcome(() => process.pread(3, filled(1), 0))).toBe('ENXIO');
    }
  });

  test('an offset is known once it was asked for', () => {
    const process = world.open(sample(), { offsets: 'cookie' });
    expect(outcome(() => process.pread(3, filled(1), 0x1000))).toBe('ENXIO');
    offsetOf(process, 7);
    expect(process.pread(3, filled(1), 0x1000)).toBe(1);
  });

  test('an offset means something else, or nothing, in another open file', () => {
    const device = sample();
    const process = world.open(device, { offsets: 'cookie' });
    const other = process.open(device, { offsets: 'cookie' });
    const offset = offsetOf(process, 0);
    expect(outcome(() => process.pread(other, filled(1), offset))).toBe('ENXIO');
    expect(offsetOf(process, 7, other)).toBe(0x1000n);
  });

  test('a mapping lies inside one entry: across its end is the errno of an offset that nobody owns, before any other check', () => {
    const device = sample();
    const map = (options: OpenOptions, index: number, length: number, flags = MAP_SHARED, at = 0n): unknown => {
      const process = world.open(device, options);
      return outcome(() => process.mmap(length, RW, flags, 3, offsetOf(process, index) + at));
    };
    for (const offsets of ['cookie', 'scattered'] as const) {
      expect(map({ offsets }, 0, 0x4001)).toBe('ENXIO');
      expect(map({ offsets }, 0, 0x2000, MAP_SHARED, 0x3000n)).toBe('ENXIO');
      expect(map({ offsets }, 0, 0x5000, MAP_PRIVATE)).toBe('ENXIO');
      expect(map({ offsets }, 7, 0x2000)).toBe('ENXIO');
      expect(map({ offsets }, 7, 0x1000)).toBe('EINVAL');
      expect(map({ offsets, unknownOffset: 'EINVAL' }, 0, 0x5000)).toBe('EINVAL');
    }
    expect(map({ offsets: 'index', unknownOffset: 'ENXIO' }, 0, 0x5000)).toBe('EINVAL');
  });

  test('unknownOffset', () => {
    const device = sample();
    for (const offsets of MODES) {
      for (const unknownOffset of ['EINVAL', 'ENXIO'] as const) {
        const process = world.open(device, { offsets, unknownOffset });
        const offset = slot(99);
        expect([outcome(() => process.pread(3, filled(1), offset)), outcome(() => process.pwrite(3, filled(1), offset)), outcome(() => process.mmap(1, RW, MAP_SHARED, 3, offset))])
          .toEqual([unknownOffset, unknownOffset, unknownOffset]);
      }
    }
  });

  test('exhaustion is ENOSPC: the argument and the other offsets stay', () => {
    const huge = world.region({ kind: 'demand', size: 1n << 62n });
    const device = world.device({ 0: { region: huge }, 1: { region: huge }, 2: { region: world.ram(16) } });
    const process = world.open(device, { offsets: 'cookie' });
    expect(offsetOf(process, 0)).toBe(1n << 30n);
    const live = world.engine.live();
    for (let i = 0; i < 2; i++) {
      const bytes = filled(32);
      new DataView(bytes.buffer).setUint32(0, 32, true);
      new DataView(bytes.buffer).setUint32(8, 1, true);
      const before = [...bytes];
      expect(outcome(() => process.ioctl(3, 0x3b6c, bytes))).toBe('ENOSPC');
      expect([...bytes]).toEqual(before);
    }
    expect(world.engine.live()).toEqual(live);
    expect([offsetOf(process, 0), offsetOf(process, 2)]).toEqual([1n << 30n, 0x1000n]);
    process.pwrite(3, Uint8Array.of(0x5c), (1n << 30n) + (1n << 62n) - 1n);
    expect(huge.read8((1n << 62n) - 1n)).toBe(0x5c);
  });
});

describe('scattered', () => {
  test('a client that computes offsets fails, and the message names the mistake', () => {
    const process = world.open(sample(), { offsets: 'scattered' });
    const text = 'it looks computed as index << 40; offsets are what VFIO_DEVICE_GET_REGION_INFO of this file answers';
    for (const index of PRESENT) {
      expect(offsetOf(process, index)).not.toBe(slot(index));
      for (const call of [() => process.pread(3, filled(1), slot(index)), () => process.pwrite(3, filled(1), slot(index)), () => process.mmap(1, RW, MAP_SHARED, 3, slot(index))]) {
        expect(message(call)).toContain(`ENXIO: ${call.toString().match(/pread|pwrite|mmap/)![0]}: no region of this file owns offset 0x${slot(index).toString(16)}`);
        expect(message(call)).toContain(text);
      }
    }
    // What was asked for is in the message.
    expect(message(() => process.pread(3, filled(1), slot(2) + 8n))).toMatch(`answers: 0x${offsetOf(process, 2).toString(16)} for region 2`);
    expect(message(() => process.pread(3, filled(1), slot(1)))).toMatch(/answers$/);
    expect(message(() => process.pread(3, filled(1), slot(99)))).not.toContain('computed');
    expect(message(() => world.open(sample()).pread(3, filled(1), slot(99)))).not.toContain('computed');
  });

  test('the seed decides; the default is 1', () => {
    const device = sample();
    const places = (options: OpenOptions): bigint[] => PRESENT.map((index) => offsetOf(world.open(device, { offsets: 'scattered', ...options }), index));
    expect(places({})).toEqual(places({ seed: 1 }));
    expect(places({ seed: 2 })).not.toEqual(places({ seed: 1 }));
    for (const seed of [0, -1, 1.5, 2 ** 32]) expect(outcome(() => places({ seed }))).toBe('RangeError');
    const process = world.process();
    for (const index of [0, 1]) expect(process.open(device, { offsets: 'scattered', seed: 0xffff_ffff })).toBe(3 + index);
    expect(offsetOf(process, 0, 3)).toBe(offsetOf(process, 0, 4));
  });

  test('aligned, below 2^53, never index << 40, apart from one another', () => {
    const device = sample();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0xffff_ffff }), fc.shuffledSubarray(PRESENT, { minLength: 2 }), (seed, order) => {
        const process: Process = world.open(device, { offsets: 'scattered', seed });
        const placed = order.map((index) => ({ index, ...regionInfo(process, index) }));
        for (const { index, offset, size } of placed) {
          let alignment = 4096n;
          while (alignment < size && alignment < 1n << 30n) alignment *= 2n;
          expect(offset % alignment).toBe(0n);
          expect(offset + size).toBeLessThanOrEqual(1n << 53n);
          expect(offset).not.toBe(slot(index));
          for (const other of placed) expect(other.index === index || other.offset >= offset + size || other.offset + other.size <= offset).toBe(true);
        }
        process.exit();
      }),
      { numRuns: 60 },
    );
  });
});
