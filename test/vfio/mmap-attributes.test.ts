// The proposal "mmap maple tree": offsets are known once GET_REGION_INFO gave them, and VFIO_DEVICE_SET_MMAP_ATTRS changes what later mappings are.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_SET_MMAP_ATTRS, VFIO_MMAP_ATTR_WRITE_COMBINE, vfio_mmap_attrs } from '../../src/uapi/index.ts';
import { MAP_PRIVATE, MAP_SHARED, type OpenOptions, PROT_READ, PROT_WRITE, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, filled, hexOf, message, offsetOf, outcome, slot } from './support.ts';

const RW = PROT_READ | PROT_WRITE;
const WC = VFIO_MMAP_ATTR_WRITE_COMBINE;
const ON: OpenOptions = { proposals: { mmapAttributes: true } };

let world: World;
let device: VfioDevice;
let process: Process;
beforeEach(() => {
  world = new World();
  device = world.device({ 0: { region: world.ram(0x2800) }, 3: { region: world.ram(0x1000), ioPorts: true }, 7: { region: world.ram(0x100) }, 9: { region: world.ram(0x1000) } });
  process = world.open(device, ON);
});
afterEach(() => world.end());

const set = (offset: bigint, attrs: number, fd = 3): number | string =>
  outcome(() => process.ioctl(fd, VFIO_DEVICE_SET_MMAP_ATTRS, vfio_mmap_attrs.encode({ offset, attrs })));
const map = (offset: bigint, length = PAGE, flags = MAP_SHARED, fd = 3): number | string => outcome(() => process.mmap(length, RW, flags, fd, offset));
const types = (): string[] => process.maps().map(({ memoryType }) => memoryType);

describe('an offset is known once it was given', () => {
  test('mmap before GET_REGION_INFO is EINVAL, after it works; pread works all along', () => {
    expect(map(slot(0))).toBe('EINVAL');
    expect(process.pread(3, filled(4), slot(0))).toBe(4);
    expect(offsetOf(process, 0)).toBe(slot(0));
    expect(map(slot(0))).toEqual(expect.any(Number));
  });

  test('known to this file: through dup, not through another open', () => {
    const [again, other] = [process.dup(3), process.open(device, ON)];
    offsetOf(process, 0);
    expect(map(slot(0), PAGE, MAP_SHARED, again)).toEqual(expect.any(Number));
    expect(map(slot(0), PAGE, MAP_SHARED, other)).toBe('EINVAL');
    expect(set(slot(0), WC, again)).toBe(0);
    expect(set(slot(0), WC, other)).toBe('EINVAL');
  });

  test('absent regions are answered and stay unknown', () => {
    expect(offsetOf(process, 1)).toBe(slot(1));
    expect([map(slot(1)), set(slot(1), WC)]).toEqual(['EINVAL', 'EINVAL']);
  });

  test('what a failed GET_REGION_INFO asked for stays unknown', () => {
    const bytes = filled(32);
    new DataView(bytes.buffer).setUint32(0, 31, true);
    new DataView(bytes.buffer).setUint32(8, 0, true);
    expect(outcome(() => process.ioctl(3, 0x3b6c, bytes))).toBe('EINVAL');
    expect(map(slot(0))).toBe('EINVAL');
  });

  test('asking again keeps offset and attributes', () => {
    offsetOf(process, 0);
    set(slot(0), WC);
    expect(offsetOf(process, 0)).toBe(slot(0));
    map(slot(0));
    expect(types()).toEqual(['write-combining']);
  });

  test('known does not mean mappable', () => {
    for (const index of [3, 7, 9]) {
      offsetOf(process, index);
      expect([map(slot(index)), set(slot(index), WC)]).toEqual(['EINVAL', 'EINVAL']);
    }
    offsetOf(process, 0);
    expect([map(slot(0), PAGE, MAP_PRIVATE), map(slot(0), 0x3001), map(slot(0) + 0x3000n)]).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
  });
});

describe('SET_MMAP_ATTRS', () => {
  beforeEach(() => {
    offsetOf(process, 0);
  });

  test('later mappings only: those that exist keep their type', () => {
    map(slot(0));
    expect(set(slot(0), WC)).toBe(0);
    const combining = map(slot(0), 0x3000) as number;
    expect(set(slot(0), 0)).toBe(0);
    map(slot(0));
    expect(types()).toEqual(['uncached', 'write-combining', 'uncached']);
    expect(process.memory.windowAt(combining)).toMatchObject({ memoryType: 'write-combining' });
    process.munmap(combining + PAGE, PAGE);
    expect(types()).toEqual(['uncached', 'write-combining', 'write-combining', 'uncached']);
    expect(process.memory.windowAt(combining + 2 * PAGE)).toMatchObject({ memoryType: 'write-combining', position: 0x2000n });
  });

  test('both types see the same bytes', () => {
    const one = map(slot(0)) as number;
    set(slot(0), WC);
    const two = map(slot(0)) as number;
    process.memory.write32(one, 0x1234_5678);
    expect(process.memory.read32(two)).toBe(0x1234_5678);
  });

  test('per file, not per device', () => {
    set(slot(0), WC);
    const other = world.open(device, ON);
    offsetOf(other, 0);
    other.mmap(PAGE, RW, MAP_SHARED, 3, slot(0));
    expect(other.maps()[0]!.memoryType).toBe('uncached');
  });

  test.each<[string, bigint, number | string]>([
    ['its start', 0n, 0], ['inside it', 0x1234n, 0], ['the last byte of its last page', 0x2fffn, 0], ['the page behind', 0x3000n, 'EINVAL'], ['the end of the slot', (1n << 40n) - 1n, 'EINVAL'],
  ])('an offset names the entry that holds it: %s', (_, offset, want) => {
    expect(set(offset, WC)).toBe(want);
    map(slot(0));
    expect(types()).toEqual([want === 0 ? 'write-combining' : 'uncached']);
  });

  test.each([2, 3, 0x8000_0000, 0xffff_ffff])('attrs %i is EINVAL and changes nothing', (attrs) => {
    expect(set(slot(0), attrs)).toBe('EINVAL');
    map(slot(0));
    expect(types()).toEqual(['uncached']);
  });

  test('the first check decides: memory, attrs, offset, MMAP', () => {
    const call = (bytes: Uint8Array | undefined): unknown => outcome(() => process.ioctl(3, VFIO_DEVICE_SET_MMAP_ATTRS, bytes));
    expect(call(undefined)).toBe('EFAULT');
    expect(call(filled(15))).toBe('EFAULT');
    expect(() => process.ioctl(3, VFIO_DEVICE_SET_MMAP_ATTRS, vfio_mmap_attrs.encode({ offset: 1n << 63n, attrs: 2 }))).toThrow('attrs 0x2 has bits beyond WRITE_COMBINE');
    expect(() => process.ioctl(3, VFIO_DEVICE_SET_MMAP_ATTRS, vfio_mmap_attrs.encode({ offset: slot(3), attrs: 1 }))).toThrow('was not given out');
    offsetOf(process, 3);
    expect(() => process.ioctl(3, VFIO_DEVICE_SET_MMAP_ATTRS, vfio_mmap_attrs.encode({ offset: slot(3), attrs: 1 }))).toThrow('region 3 cannot be mapped');
  });

  test('nothing is written back, and the padding is not looked at', () => {
    const bytes = filled(24);
    vfio_mmap_attrs.encode({ offset: 0x800, attrs: WC }, bytes);
    const before = hexOf(bytes);
    expect(process.ioctl(3, VFIO_DEVICE_SET_MMAP_ATTRS, bytes)).toBe(0);
    expect(hexOf(bytes)).toBe(before);
  });

  test('without the proposal: ENOTTY, and mmap needs no GET_REGION_INFO', () => {
    process = world.open(device);
    expect(set(slot(0), WC)).toBe('ENOTTY');
    map(slot(0));
    expect(types()).toEqual(['uncached']);
  });
});

describe('with packed and scattered offsets', () => {
  test.each(['cookie', 'scattered'] as const)('%s', (offsets) => {
    process = world.open(device, { ...ON, offsets });
    const offset = offsetOf(process, 0);
    expect(set(offset + 0x2fffn, WC)).toBe(0);
    expect(set(offset + 0x3000n, WC)).toBe('EINVAL');
    map(offset);
    expect(types()).toEqual(['write-combining']);
    const computed = (): unknown => process.ioctl(3, VFIO_DEVICE_SET_MMAP_ATTRS, vfio_mmap_attrs.encode({ offset: slot(3), attrs: WC }));
    expect(message(computed)).toContain('it looks computed as index << 40');
  });
});
