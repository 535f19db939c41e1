// VFIO_DEVICE_QUERY_GFX_PLANE and VFIO_DEVICE_GET_GFX_DMABUF (section 1.12), and the EDID region (section 2.3).
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Region } from '../../src/core/index.ts';
import { VFIO_DEVICE_GET_GFX_DMABUF, VFIO_DEVICE_GET_REGION_INFO, VFIO_DEVICE_QUERY_GFX_PLANE, vfio_device_gfx_plane_info } from '../../src/uapi/index.ts';
import { type BufferPlane, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE, type Process, type VfioDevice, edidRegion } from '../../src/vfio/index.ts';
import { FILLER, PAGE, World, filled, hexOf, outcome, slot } from './support.ts';

const RW = PROT_READ | PROT_WRITE;
const PROBE = 1;
const DMABUF = 2;
const REGION = 4;
const XR24 = 0x3432_5258;

let world: World;
let memory: Region;
let plane: BufferPlane | null;
beforeEach(() => {
  world = new World();
  memory = world.ram(4 * PAGE);
  plane = { format: XR24, width: 32, height: 64, stride: 128, size: 2 * PAGE, region: memory, position: PAGE };
});
afterEach(() => world.end());

const asRegion = (): VfioDevice => world.device({ 0: { region: memory } }, { display: { kind: 'region', regionIndex: 16, plane: () => plane } });
const asBuffer = (): VfioDevice => world.device({ 0: { region: memory } }, { display: { kind: 'dma-buf', plane: (type) => (type === 1 ? plane : null) } });

/** The result, and the 64 bytes afterwards. */
function query(process: Process, flags: number, { argsz = 64, type = 1, bytes = 64 } = {}): [unknown, string] {
  const argument = filled(bytes);
  argument.set(new Uint8Array(new Uint32Array([argsz, flags, type]).buffer).subarray(0, bytes));
  return [outcome(() => process.ioctl(3, VFIO_DEVICE_QUERY_GFX_PLANE, argument)), hexOf(argument)];
}
const getBuffer = (process: Process, id: number): unknown => outcome(() => process.ioctl(3, VFIO_DEVICE_GET_GFX_DMABUF, new Uint8Array(new Uint32Array([id]).buffer)));
const untouched = (flags: number, argsz = 64): string => hexOf(new Uint8Array(new Uint32Array([argsz, flags, 1]).buffer)) + FILLER.toString(16).repeat(52);

describe('1.12: the question', () => {
  test.each<[string, number, boolean]>([
    ['PROBE and REGION', PROBE | REGION, true], ['PROBE and DMABUF', PROBE | DMABUF, false], ['PROBE alone', PROBE, false], ['PROBE and both', 7, false], ['nothing', 0, false],
    ['DMABUF', DMABUF, false], ['both', 6, false], ['a bit beyond', 0xc, false],
  ])('a display of regions: %s', (_, flags, isRight) => {
    expect(query(world.open(asRegion()), flags)).toEqual([isRight ? 0 : 'EINVAL', untouched(flags)]);
  });

  test.each<[string, number, boolean]>([['PROBE and DMABUF', PROBE | DMABUF, true], ['PROBE and REGION', PROBE | REGION, false], ['REGION', REGION, false]])('a display of buffers: %s', (_, flags, isRight) => {
    expect(query(world.open(asBuffer()), flags)).toEqual([isRight ? 0 : 'EINVAL', untouched(flags)]);
  });

  test('argsz 59, before bad flags; 59 bytes are there; 60 are enough', () => {
    const process = world.open(asRegion());
    expect([query(process, 0, { argsz: 59 })[0], query(process, REGION, { bytes: 59 })[0], query(process, REGION, { argsz: 60, bytes: 60 })[0]]).toEqual(['EINVAL', 'EFAULT', 0]);
  });

  test('a plane in a region, byte for byte: 60 of them', () => {
    plane = { ...plane!, xPos: 1, yPos: 2, xHot: 3, yHot: 4, modifier: 0x0100_0000_0000_0001n };
    expect(query(world.open(asRegion()), REGION)).toEqual([
      0, '40000000' + '04000000' + '01000000' + '58523234' + '0100000000000001' + '20000000' + '40000000' + '80000000' + '00200000' + '01000000020000000300000004000000' + '10000000' + 'aaaaaaaa',
    ]);
  });

  test('devices that are no display', () => {
    const process = world.open(world.device({}));
    expect([query(process, REGION)[0], getBuffer(process, 1), getBuffer(world.open(asRegion()), 1)]).toEqual(['ENOTTY', 'ENOTTY', 'ENOTTY']);
  });

  test('a model that throws', () => {
    const process = world.open(world.device({}, { display: { kind: 'region', regionIndex: 0, plane: () => { throw new RangeError('broken'); } } }));
    expect(process.raw.ioctl(3, VFIO_DEVICE_QUERY_GFX_PLANE, new Uint8Array(new Uint32Array([64, REGION, ...Array.from({ length: 14 }, () => 0)]).buffer))).toBe(-5);
  });
});

describe('1.12: buffers', () => {
  const idOf = (process: Process): unknown => {
    const [result, bytes] = query(process, DMABUF);
    return result === 0 ? vfio_device_gfx_plane_info.decode(Uint8Array.from(Buffer.from(bytes, 'hex'))).dmabuf_id : result;
  };

  test('a mode is ENOMEM the first time it is met, then a number of its own', () => {
    const process = world.open(asBuffer());
    const seen = [idOf(process), idOf(process), idOf(process)];
    const first = plane!;
    plane = { ...first, height: 32 };
    seen.push(idOf(process), idOf(process));
    plane = { ...first };
    expect([...seen, idOf(process)]).toEqual(['ENOMEM', 1, 1, 'ENOMEM', 2, 1]);
  });

  test('what is not shown, or another plane, is all zero', () => {
    const process = world.open(asBuffer());
    const zero = '40000000' + '02000000' + '01000000' + '00'.repeat(48) + 'aaaaaaaa';
    expect(query(process, DMABUF, { type: 0 })).toEqual([0, zero.replace('0200000001', '0200000000')]);
    plane = null;
    expect(query(process, DMABUF)).toEqual([0, zero]);
  });

  test('an fd of a buffer shows its pages, shared only, whole ones only', () => {
    const process = world.open(asBuffer());
    idOf(process);
    const fd = getBuffer(process, 1) as number;
    expect([fd, getBuffer(process, 2), outcome(() => process.ioctl(3, VFIO_DEVICE_GET_GFX_DMABUF, new Uint8Array(3)))]).toEqual([4, 'ENOENT', 'EFAULT']);
    const map = (length: number, offset: number, flags = MAP_SHARED): unknown => outcome(() => process.mmap(length, RW, flags, fd, offset));
    expect([map(2 * PAGE + 1, 0), map(PAGE, 2 * PAGE), map(PAGE, 0, MAP_PRIVATE)]).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
    const address = map(PAGE, PAGE) as number;
    process.memory.write32(address, 0x1234_5678);
    expect([memory.read32(2 * PAGE), process.maps()[0]!.region, process.lseek(fd)]).toEqual([0x1234_5678, undefined, 2 * PAGE]);
    expect([outcome(() => process.pread(fd, filled(4), 0)), outcome(() => process.ioctl(fd, VFIO_DEVICE_GET_GFX_DMABUF, 0))]).toEqual(['EINVAL', 'ENOTTY']);
  });

  test('a buffer outlives the device\'s files, and its numbers do not', () => {
    const device = asBuffer();
    const process = world.open(device);
    idOf(process);
    const [fd, again] = [getBuffer(process, 1) as number, getBuffer(process, 1) as number];
    expect(again).toBe(fd + 1);
    process.close(3);
    const address = process.mmap(PAGE, RW, MAP_SHARED, fd, 0);
    process.close(fd);
    process.close(again);
    expect(process.memory.read8(address + 1)).toBe(1);
    expect([process.open(device), getBuffer(process, 1), idOf(process), idOf(process)]).toEqual([3, 'ENOENT', 'ENOMEM', 2]);
  });

  test('closed, and asked for again', () => {
    const process = world.open(asBuffer());
    idOf(process);
    process.close(getBuffer(process, 1) as number);
    expect(getBuffer(process, 1)).toBe(4);
  });

  test('a buffer that starts inside a page, that ends inside one; no fd left', () => {
    const process = world.process({ maxFds: 5 });
    plane = { ...plane!, position: PAGE + 4 };
    process.open(asBuffer());
    idOf(process);
    expect(getBuffer(process, 1)).toBe('EINVAL');
    plane = { ...plane, position: PAGE, size: PAGE + 8 };
    idOf(process);
    const fd = getBuffer(process, 2) as number;
    expect([outcome(() => process.mmap(PAGE + 8, RW, MAP_SHARED, fd, 0)), typeof process.mmap(PAGE, RW, MAP_SHARED, fd, 0), getBuffer(process, 2)]).toEqual(['EINVAL', 'number', 'EMFILE']);
    process.close(fd);
    expect(getBuffer(process, 2)).toBe(4);
  });
});

describe('2.3: the EDID region', () => {
  let process: Process;
  let links: (string | null)[];
  beforeEach(() => {
    links = [];
    const { region, ...rest } = edidRegion(world.engine, { maxWidth: 1920, maxHeight: 1080, onLink: (edid) => links.push(edid === null ? null : hexOf(edid)) });
    process = world.open(world.device({ 9: { region, ...rest } }));
    world.owns(region);
  });
  const read = (at: number, length: number): string => {
    const bytes = filled(length);
    process.pread(3, bytes, slot(9) + BigInt(at));
    return hexOf(bytes);
  };
  const write = (at: number, hex: string): number => process.pwrite(3, Uint8Array.from(Buffer.from(hex, 'hex')), slot(9) + BigInt(at));

  test('4096 bytes with a TYPE capability: 1, 1', () => {
    const info = filled(64);
    info.set(new Uint8Array(new Uint32Array([64, 0, 9, 0]).buffer));
    process.ioctl(3, VFIO_DEVICE_GET_REGION_INFO, info);
    expect(hexOf(info).slice(0, 96)).toBe('40000000' + '0b000000' + '09000000' + '20000000' + '0010000000000000' + '0000000000090000' + '0200' + '0100' + '00000000' + '01000000' + '01000000');
  });

  test('registers: two of six are written, in fours', () => {
    expect(read(0, 24)).toBe('00080000' + '00040000' + '00000000' + '80070000' + '38040000' + '00000000');
    for (let at = 0; at < 24; at += 4) write(at, '44332211');
    expect(read(0, 24)).toBe('00080000' + '00040000' + '44332211' + '80070000' + '38040000' + '44332211');
    write(8, '0000');
    write(9, '00');
    expect([read(8, 4), read(8, 2), read(0x18, 8), read(0x7fc, 4)]).toEqual(['44332211', '0000', '00'.repeat(8), '00000000']);
  });

  test('a monitor: its bytes, their number, the link', () => {
    expect(write(0x800, '00ffffffffffff00aabb')).toBe(10);
    expect([read(0x807, 3), write(0xbfe, '01020304'), read(0xbfe, 4)]).toEqual(['00aabb', 4, '01020000']);
    write(8, '0a000000');
    expect(links).toEqual([]);
    write(0x14, '01000000');
    write(0x14, '02000000');
    expect(links).toEqual(['00ffffffffffff00aabb', null]);
  });

  test('sizes that cannot be', () => {
    expect(() => edidRegion(world.engine, { maxWidth: 0, maxHeight: 1 })).toThrow(RangeError);
  });
});
