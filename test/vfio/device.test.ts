// VfioDevice refuses descriptions that cannot be a device, when it is made and not when it is used.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Region } from '../../src/core/index.ts';
import { VfioDevice, type VfioDeviceDescription } from '../../src/vfio/index.ts';
import { World, message, outcome } from './support.ts';

let world: World;
let region: Region;
beforeEach(() => {
  world = new World();
  region = world.ram(0x2000);
});
afterEach(() => world.end());

/** Misuse on purpose: what a JavaScript caller may hand in. */
const make = (description: unknown): VfioDevice => new VfioDevice(description as VfioDeviceDescription);
const refused = (description: unknown): unknown => outcome(() => (make(description), 'accepted'));
const bar = (more: object = {}): object => ({ name: 'd', regions: { 0: { region } }, ...more });

test.each<[string, unknown]>([
  ['undefined', undefined], ['null', null], ['a number', 5], ['no regions', { name: 'd' }], ['no name', { regions: {} }], ['a name that is no string', { name: 5, regions: {} }],
  ['a kind that does not exist', { name: 'd', kind: 'usb', regions: {} }], ['an MSI-X mode that does not exist', { name: 'd', regions: {}, msixMode: 'both' }],
  ['a region description that is null', { name: 'd', regions: { 0: null } }], ['a region without bytes', { name: 'd', regions: { 0: {} } }],
  ['something like a region', { name: 'd', regions: { 0: { region: { size: 4096n, kind: 'ram' } } } }], ['a gate that is no function', { name: 'd', regions: {}, memoryEnabled: true }],
])('%s: TypeError', (_, description) => {
  expect(refused(description)).toBe('TypeError');
});

describe('region indices', () => {
  test.each(['-1', '1.5', 'x', '', ' 1', '0x1', '01', '1e1', '65536'])('%p is none: RangeError', (index) => {
    expect(refused({ name: 'd', regions: { [index]: { region } } })).toBe('RangeError');
  });

  test('device-specific ones have no holes, nor do those of a platform device', () => {
    expect(message(() => make({ name: 'd', regions: { 10: { region } } }))).toBe('d: region 9 is missing: indices from 9 on have no holes');
    expect(message(() => make({ name: 'd', kind: 'platform', regions: { 0: { region }, 2: { region } } }))).toBe('d: region 1 is missing: indices from 0 on have no holes');
    expect([make({ name: 'd', regions: {} }).numRegions, make({ name: 'd', regions: { 9: { region } } }).numRegions]).toEqual([9, 10]);
    expect([make({ name: 'd', kind: 'platform', regions: {} }).numRegions, make({ name: 'd', kind: 'platform', regions: { 0: { region } } }).numRegions]).toEqual([0, 1]);
  });
});

describe('ROM images', () => {
  test.each<[unknown, string]>([[-1, 'RangeError'], [1.5, 'RangeError'], [NaN, 'RangeError'], [0x2001, 'RangeError'], ['8', 'TypeError'], [8n, 'TypeError'], [0, 'accepted'], [0x2000, 'accepted']])('%p: %s', (imageSize, want) => {
    expect(refused({ name: 'd', regions: { 6: { region, imageSize } } })).toBe(want);
  });
});

describe('the MSI-X table', () => {
  test.each<[string, object, string]>([
    ['fits', { bar: 0, offset: 0x1ff0, count: 1 }, 'accepted'],
    ['passes the end', { bar: 0, offset: 0x1ff0, count: 2 }, 'RangeError'],
    ['in an absent BAR', { bar: 1, offset: 0, count: 1 }, 'RangeError'],
    ['in config space', { bar: 7, offset: 0, count: 1 }, 'RangeError'],
    ['in no BAR', { bar: -1, offset: 0, count: 1 }, 'RangeError'],
    ['in half a BAR', { bar: 0.5, offset: 0, count: 1 }, 'RangeError'],
    ['in a BAR by name', { bar: '0', offset: 0, count: 1 }, 'TypeError'],
    ['of no vectors', { bar: 0, offset: 0, count: 0 }, 'RangeError'],
    ['of 2049 vectors', { bar: 0, offset: 0, count: 2049 }, 'RangeError'],
    ['of NaN vectors', { bar: 0, offset: 0, count: NaN }, 'RangeError'],
    ['at a negative offset', { bar: 0, offset: -16, count: 1 }, 'RangeError'],
    ['at a fraction', { bar: 0, offset: 0.5, count: 1 }, 'RangeError'],
    ['at a bigint', { bar: 0, offset: 0n, count: 1 }, 'TypeError'],
  ])('%s', (_, msix, want) => {
    expect(refused({ name: 'd', regions: { 0: { region }, 7: { region } }, msix })).toBe(want);
  });

  test('is a thing of PCI', () => {
    expect(refused(bar({ kind: 'platform', msix: { bar: 0, offset: 0, count: 1 } }))).toBe('TypeError');
  });
});

describe('numbers that end up in answers', () => {
  test.each<[object, string]>([
    [{ atomics: -1 }, 'RangeError'], [{ atomics: 8 }, 'RangeError'], [{ atomics: 0.5 }, 'RangeError'], [{ atomics: '1' }, 'TypeError'], [{ atomics: 7 }, 'accepted'],
    [{ interrupts: { msi: -1 } }, 'RangeError'], [{ interrupts: { msi: 3 } }, 'RangeError'], [{ interrupts: { msi: 64 } }, 'RangeError'], [{ interrupts: { msi: '1' } }, 'TypeError'],
    [{ interrupts: { msi: 0 } }, 'accepted'], [{ interrupts: { msi: 32 } }, 'accepted'],
  ])('%p: %s', (more, want) => {
    expect(refused(bar(more))).toBe(want);
  });

  test.each<[unknown, string]>([
    [[{ kind: 'TYPE', type: -1, subtype: 0 }], 'RangeError'], [[{ kind: 'TYPE' }], 'TypeError'], [[{ kind: 'NONE' }], 'TypeError'], [[null], 'TypeError'], [5, 'TypeError'],
    [[{ kind: 'SPARSE_MMAP', areas: [{ offset: -1, size: 1 }] }], 'RangeError'], [[], 'accepted'], [[{ kind: 'TYPE', type: 1, subtype: 1 }], 'accepted'],
  ])('capabilities %p: %s', (capabilities, want) => {
    expect(refused({ name: 'd', regions: { 9: { region, capabilities } } })).toBe(want);
  });
});

test('what a device says of its regions', () => {
  const device = world.device({ 0: { region }, 6: { region }, 9: { region } }, { msix: { bar: 0, offset: 0, count: 1 }, msixMode: 'sparse' });
  expect([0, 6, 9].map((index) => device.region(index)?.kind)).toEqual(['bar', 'rom', 'device-specific']);
  for (const index of [1, 10, -1, 0.5, NaN, '0', undefined, {}]) expect(device.region(index as number)).toBeUndefined();
  expect(device.mappable(device.region(0)!).areas).toEqual([{ offset: 0x1000n, size: 0x1000n }]);
  expect(device.mappable(device.region(6)!)).toEqual({ areas: [], holes: [{ offset: 0n, size: 0x2000n, reason: 'no-mmap' }] });
  expect(outcome(() => device.mappable(undefined as never))).toBe('TypeError');
});
