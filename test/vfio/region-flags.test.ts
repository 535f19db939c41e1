// VFIO_DEVICE_SET_REGION_FLAGS of 2024: section 8.1.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PciFunction } from '../../src/pci/index.ts';
import { VFIO_DEVICE_SET_REGION_FLAGS } from '../../src/uapi/index.ts';
import { MAP_SHARED, type OpenOptions, PROT_READ, PROT_WRITE, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, filled, hexOf, outcome, regionInfo, slot } from './support.ts';

const RW = PROT_READ | PROT_WRITE;
const ON: OpenOptions = { proposals: { regionFlags: true } };

let world: World;
let device: VfioDevice;
let process: Process;
beforeEach(() => {
  world = new World();
  device = world.device({
    0: { region: world.ram(0x2000), prefetchable: true },
    1: { region: world.ram(0x2000) },
    2: { region: world.ram(0x800), prefetchable: true },
    3: { region: world.ram(PAGE), ioPorts: true, prefetchable: true },
    7: { region: world.ram(0x100) },
    9: { region: world.ram(PAGE), mmap: true, prefetchable: true },
  });
  process = world.open(device, ON);
});
afterEach(() => world.end());

const request = (index: number, flags: number): Uint8Array => new Uint8Array(new Uint32Array([index, flags]).buffer);
const set = (index: number, flags: number, of = process): unknown => outcome(() => of.ioctl(3, VFIO_DEVICE_SET_REGION_FLAGS, request(index, flags)));
function typeOf(index: number, of = process): string {
  const at = of.mmap(PAGE, RW, MAP_SHARED, 3, slot(index));
  const { memoryType } = of.maps().find(({ address }) => address === at)!;
  of.munmap(at, PAGE);
  return memoryType;
}

describe('8.1', () => {
  test.each<[string, Uint8Array, unknown]>([
    ['no memory', new Uint8Array(0), 'EFAULT'],
    ['7 bytes are there', request(9, 0).slice(0, 7), 'EFAULT'],
    ['the ROM', request(6, 0), 'EINVAL'],
    ['2^32-1', request(0xffff_ffff, 1), 'EINVAL'],
    ['a region of the driver', request(9, 1), 'EINVAL'],
    ['WRITE_COMBINE of a BAR that is not prefetchable', request(1, 1), 'EINVAL'],
    ['WRITE_COMBINE of ports', request(3, 1), 'EINVAL'],
    ['WRITE_COMBINE of an absent BAR', request(4, 1), 'EINVAL'],
    ['no flags, of any BAR', request(4, 0), 0],
    ['WRITE_COMBINE', request(0, 1), 0],
    ['WRITE_COMBINE of a BAR that cannot be mapped', request(2, 1), 0],
    ['flags that nobody knows', request(0, 0xffff_fffe), 0],
  ])('%s', (_, bytes, expected) => {
    const before = hexOf(bytes);
    expect(outcome(() => process.ioctl(3, VFIO_DEVICE_SET_REGION_FLAGS, bytes))).toBe(expected);
    expect(hexOf(bytes)).toBe(before);
  });

  test('later mappings, of all files; those that are there stay; no flag is uncached again', () => {
    const other = world.open(device, ON);
    process.mmap(PAGE, RW, MAP_SHARED, 3, slot(0));
    set(0, 3);
    expect([process.maps()[0]!.memoryType, typeOf(0), typeOf(0, other), typeOf(1)]).toEqual(['uncached', 'write-combining', 'write-combining', 'uncached']);
    set(0, 2, other);
    expect([typeOf(0), typeOf(0, other)]).toEqual(['uncached', 'uncached']);
  });

  test('a refused request changes nothing', () => {
    set(0, 1);
    expect([set(1, 1), set(6, 1), typeOf(0), typeOf(1)]).toEqual(['EINVAL', 'EINVAL', 'write-combining', 'uncached']);
  });

  test('the last close takes it back', () => {
    set(0, 1);
    process.close(3);
    process.open(device, ON);
    expect(typeOf(0)).toBe('uncached');
  });

  test('GET_REGION_INFO: PREFETCH of prefetchable BARs that can be mapped', () => {
    expect([0, 1, 2, 3, 7, 9].map((index) => regionInfo(process, index).flags)).toEqual([0x17, 7, 3, 3, 3, 7]);
  });
});

test('off: ENOTTY, no PREFETCH, and what other files have set does not matter', () => {
  set(0, 1);
  const plain = world.open(device);
  expect([set(0, 1, plain), outcome(() => plain.ioctl(3, VFIO_DEVICE_SET_REGION_FLAGS, filled(3)))]).toEqual(['ENOTTY', 'ENOTTY']);
  expect([typeOf(0, plain), regionInfo(plain, 0).flags]).toEqual(['uncached', 7]);
});

test('only vfio-pci has it', () => {
  process = world.open(world.device({ 0: { region: world.ram(PAGE), prefetchable: true } }, { kind: 'platform' }), ON);
  expect(set(0, 1)).toBe('ENOTTY');
});

test('a PCI function says it of its BARs', () => {
  const config = new Uint8Array(256);
  // 32-bit memory, prefetchable and not; ports.
  new DataView(config.buffer).setUint32(0x10, 0xe000_0008, true);
  new DataView(config.buffer).setUint32(0x14, 0xf000_0000, true);
  new DataView(config.buffer).setUint32(0x18, 0xc001, true);
  const one = new PciFunction(world.engine, { slot: '00:03.0', config, sizes: { bars: [0x1000, 0x1000, 0x20, 0, 0, 0] } });
  expect([0, 1, 2].map((index) => one.device.region(index)!.prefetchable)).toEqual([true, false, false]);
  one.destroy();
});
