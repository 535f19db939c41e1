// The bochs-display as a VFIO program finds it: its picture as a plane, in both forms, and the monitor that the program gives it.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import type { Engine } from '../../src/core/index.ts';
import { bochsDisplay } from '../../src/devices/index.ts';
import type { BochsDisplay, BochsDisplayOptions } from '../../src/devices/index.ts';
import { VFIO_DEVICE_GET_GFX_DMABUF, VFIO_DEVICE_QUERY_GFX_PLANE, VfioError, vfio_device_gfx_plane_info } from '../../src/uapi/index.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE, Process } from '../../src/vfio/index.ts';

let engine: Engine;
let card: BochsDisplay;
let process: Process;

function begin(planes: BochsDisplayOptions['planes']): void {
  card = bochsDisplay(engine, {}, { ...(planes !== undefined && { planes }) });
  process.open(card.vfio);
  process.pwrite(3, Uint8Array.of(2), (7n << 40n) + 4n);
}

beforeEach(() => {
  engine = createEngine();
  process = new Process(engine);
});
afterEach(() => {
  process.exit();
  card.destroy();
  expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

const dispi = (at: number, value: number): number => process.pwrite(3, Uint8Array.of(value, value >> 8), (2n << 40n) + BigInt(at));
function show(width: number, height: number, y = 0): void {
  for (const [at, value] of [[0x508, 0], [0x506, 32], [0x502, width], [0x504, height], [0x508, 0x41], [0x512, y]] as const) dispi(at, value);
}

function query(flags: number): Record<string, number | bigint> | string {
  const bytes = vfio_device_gfx_plane_info.encode({ argsz: 64, flags, drm_plane_type: 1 });
  try {
    process.ioctl(3, VFIO_DEVICE_QUERY_GFX_PLANE, bytes);
  } catch (error) {
    if (error instanceof VfioError) return error.code;
    throw error;
  }
  const { drm_format, width, height, stride, size, dmabuf_id } = vfio_device_gfx_plane_info.decode(bytes);
  return { drm_format, width, height, stride, size, dmabuf_id };
}

test('as a region: BAR 0, while the picture starts there', () => {
  begin('region');
  const off = { drm_format: 0, width: 0, height: 0, stride: 0, size: 0, dmabuf_id: 0 };
  const seen = [query(4)];
  show(640, 480);
  seen.push(query(4));
  show(640, 480, 1);
  seen.push(query(4), query(2));
  expect(seen).toEqual([off, { drm_format: 0x3432_5258, width: 640, height: 480, stride: 2560, size: 1 << 24, dmabuf_id: 0 }, off, 'EINVAL']);
});

test('as a buffer: each picture has its own, wherever it starts', () => {
  begin('dma-buf');
  show(1024, 768, 768);
  expect([query(2), query(2)]).toEqual(['ENOMEM', { drm_format: 0x3432_5258, width: 1024, height: 768, stride: 4096, size: 0x30_0000, dmabuf_id: 1 }]);
  const fd = process.ioctl(3, VFIO_DEVICE_GET_GFX_DMABUF, Uint8Array.of(1, 0, 0, 0));
  const address = process.mmap(0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  card.bar(0).write32(768 * 4096 + 8, 0xff_0000);
  expect(process.memory.read32(address + 8)).toBe(0xff_0000);
});

describe('the monitor', () => {
  test('is the one whose link the program puts up; none when it puts it down', () => {
    begin('region');
    const edid = (): number[] => {
      const bytes = new Uint8Array(12);
      process.pread(3, bytes, 2n << 40n);
      return [...bytes];
    };
    const at = 9n << 40n;
    expect(edid().slice(0, 8)).toEqual([0, 255, 255, 255, 255, 255, 255, 0]);
    process.pwrite(3, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), at + 0x800n);
    process.pwrite(3, Uint8Array.of(9, 0, 0, 0), at + 8n);
    process.pwrite(3, Uint8Array.of(1, 0, 0, 0), at + 0x14n);
    expect(edid()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0]);
    process.pwrite(3, Uint8Array.of(2, 0, 0, 0), at + 0x14n);
    expect(edid()).toEqual(Array(12).fill(0));
  });

  test('without planes there is neither', () => {
    begin(undefined);
    expect([query(4), card.vfio.numRegions]).toEqual(['ENOTTY', 9]);
    expect(() => bochsDisplay(engine, {}, { planes: 'plane' as never })).toThrow(TypeError);
  });
});
