// The block that a monitor says of itself, read as a driver reads it.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { edid } from '../../src/devices/index.ts';
import type { EdidOptions } from '../../src/devices/index.ts';

const HEADER = [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00];

/** A detailed timing, as Linux's drm_mode_detailed reads it. */
function detailed(block: Uint8Array, at = 54) {
  const b = (i: number): number => block[at + i]!;
  return {
    clockKhz: (b(0) | (b(1) << 8)) * 10,
    horizontal: { active: b(2) | ((b(4) >> 4) << 8), blank: b(3) | ((b(4) & 0xf) << 8), front: b(8) | ((b(11) >> 6) << 8), sync: b(9) | (((b(11) >> 4) & 3) << 8) },
    vertical: { active: b(5) | ((b(7) >> 4) << 8), blank: b(6) | ((b(7) & 0xf) << 8), front: (b(10) >> 4) | (((b(11) >> 2) & 3) << 4), sync: (b(10) & 0xf) | ((b(11) & 3) << 4) },
    mm: [b(12) | ((b(14) >> 4) << 8), b(13) | ((b(14) & 0xf) << 8)],
    flags: b(17),
  };
}

const text = (block: Uint8Array, at: number): string => String.fromCharCode(...block.subarray(at + 5, at + 18));

function standard(block: Uint8Array): string[] {
  const ratios = [16 / 10, 4 / 3, 5 / 4, 16 / 9];
  const found: string[] = [];
  for (let at = 38; at < 54; at += 2) {
    if (block[at] === 1 && block[at + 1] === 1) continue;
    const width = (block[at]! + 31) * 8;
    found.push(`${width}x${width / ratios[block[at + 1]! >> 6]!}@${(block[at + 1]! & 0x3f) + 60}`);
  }
  return found;
}

describe('edid', () => {
  test('is a block of version 1.4 whose sum is 0', () => {
    const block = edid();
    expect(block).toHaveLength(128);
    expect([...block.subarray(0, 8)]).toEqual(HEADER);
    expect([block[18], block[19]]).toEqual([1, 4]);
    expect(block[126]).toBe(0);
    expect(block.reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(0);
  });

  // What CVT's own calculation (version 1.1, reduced blanking) says of these modes.
  test.each([
    [1024, 768, 56_000, [48, 32, 160], [3, 4, 22]],
    [1920, 1080, 138_500, [48, 32, 160], [3, 5, 31]],
    [1920, 1200, 154_000, [48, 32, 160], [3, 6, 35]],
    [1280, 1024, 91_000, [48, 32, 160], [3, 7, 30]],
    [2560, 1440, 241_500, [48, 32, 160], [3, 5, 41]],
    [3840, 2160, 533_250, [48, 32, 160], [3, 5, 62]],
  ])('%ix%i at 60 Hz is preferred, with the timing of CVT', (width, height, clockKhz, [hf, hs, hb], [vf, vs, vb]) => {
    expect(detailed(edid({ width, height }))).toMatchObject({
      clockKhz, flags: 0x1a,
      horizontal: { active: width, front: hf, sync: hs, blank: hb },
      vertical: { active: height, front: vf, sync: vs, blank: vb },
    });
  });

  test('says maker, product, name, serial number and size', () => {
    const block = edid({ maker: 'ABC', product: 0x1234, name: 'test wall', serial: '0123456789abc', width: 1920, height: 1080 });
    expect([...block.subarray(8, 12)]).toEqual([0x04, 0x43, 0x34, 0x12]);
    expect([block[93], text(block, 90)]).toEqual([0xfc, 'test wall\n   ']);
    expect([block[111], text(block, 108)]).toEqual([0xff, '0123456789abc']);
    expect(detailed(block).mm).toEqual([508, 286]);
    expect([block[21], block[22]]).toEqual([51, 29]);
    expect([...edid().subarray(108, 126)]).toEqual([0, 0, 0, 0x10, ...new Array<number>(14).fill(0)]);
  });

  test('offers other modes up to the largest', () => {
    expect(standard(edid())).toEqual([]);
    expect(edid()[35]).toBe(0x21);
    expect(edid()[36]).toBe(0x08);
    expect(edid({ width: 640, height: 480 })[35]).toBe(0x20);
    expect(standard(edid({ largest: [1920, 1200] }))).toEqual(['1920x1200@60', '1920x1080@60', '1680x1050@60', '1600x1200@60', '1440x900@60', '1280x1024@60', '1280x960@60', '1280x720@60']);
    expect(standard(edid({ width: 1920, height: 1080 }))).toEqual(['1920x1080@60', '1680x1050@60', '1440x900@60', '1280x1024@60', '1280x960@60', '1280x720@60']);
  });

  test.each<[EdidOptions, RegExp]>([
    [{ width: 4096 }, /width/], [{ height: 63 }, /height/], [{ refresh: 0 }, /refresh/], [{ maker: 'abc' }, /three letters/], [{ name: '' }, /printable/],
    [{ name: 'a name of fourteen' }, /1 to 13/], [{ serial: 'é' }, /serial/], [{ product: 0x1_0000 }, /product/], [{ dpi: 0 }, /dpi/],
    [{ width: 4095, height: 4095 }, /655.35/], [{ width: 64, height: 1200, refresh: 240 }, /kHz/],
  ])('%j cannot be', (options, expected) => {
    expect(() => edid(options)).toThrow(expected);
  });

  test('of any mode: the timing adds up to the frame rate, and lies in the limits that are said', () => {
    fc.assert(fc.property(fc.integer({ min: 64, max: 4095 }), fc.integer({ min: 64, max: 2160 }), fc.integer({ min: 24, max: 60 }), (width, height, refresh) => {
      const block = edid({ width, height, refresh });
      expect(block.reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(0);
      const { clockKhz, horizontal: h, vertical: v } = detailed(block);
      expect([h.active, v.active]).toEqual([width, height]);
      const lines = clockKhz / (h.active + h.blank);
      const frames = (1000 * lines) / (v.active + v.blank);
      // The clock is a multiple of 250 kHz.
      expect(frames).toBeLessThanOrEqual(refresh);
      expect(frames).toBeGreaterThan(refresh - 250_000 / ((h.active + h.blank) * (v.active + v.blank)) - 1e-9);
      expect((1e6 / refresh) * (v.blank / (v.active + v.blank))).toBeGreaterThan(459);
      const [slowest, fastest, lowest, highest, clock] = block.subarray(77, 82);
      expect(refresh).toBeGreaterThanOrEqual(slowest!);
      expect(refresh).toBeLessThanOrEqual(fastest!);
      expect(lines).toBeGreaterThanOrEqual(lowest!);
      expect(lines).toBeLessThanOrEqual(highest!);
      expect(clockKhz).toBeLessThanOrEqual(clock! * 10_000);
    }));
  });
});
