// Section 8.10: three profiles of the interface, for one open or for all of a process, and the numbers of the proposals.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_GET_REGION_CAPS, VFIO_DEVICE_GET_REGION_MMAP, VFIO_DEVICE_SET_MMAP_ATTRS } from '../../src/uapi/index.ts';
import { type DeviceFileOptions, MAP_SHARED, PROT_READ, type OpenOptions, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, outcome, offsetOf, message, slot } from './support.ts';

let world: World;
let device: VfioDevice;
beforeEach(() => {
  world = new World();
  device = world.device({ 0: { region: world.ram(PAGE), prefetchable: true }, 1: { region: world.ram(PAGE) } });
});
afterEach(() => world.end());

const ALIAS = new Uint8Array(new Uint32Array([32, 0x20000 | 11, 0x20, 0, 0, 0, 0, 0]).buffer);

/** What a program sees of a kernel: where region 1 is, who knows which request, the errno of an offset of nobody's. */
function seen(process: Process, fd = 3): unknown {
  const request = (number: number, bytes: Uint8Array): unknown => outcome(() => process.ioctl(fd, number, bytes.slice()));
  return {
    offset: offsetOf(process, 1, fd),
    // 121 without memory: EFAULT of whom it is known to.
    attributes: request(VFIO_DEVICE_SET_MMAP_ATTRS, new Uint8Array(0)),
    mmap: request(VFIO_DEVICE_GET_REGION_MMAP, new Uint8Array(0)),
    caps: request(VFIO_DEVICE_GET_REGION_CAPS, new Uint8Array(0)),
    alias: request(VFIO_DEVICE_FEATURE, ALIAS),
    nobody: outcome(() => process.mmap(PAGE, PROT_READ, MAP_SHARED, fd, 1n << 60n)),
  };
}

const OFF = { attributes: 'ENOTTY', mmap: 'ENOTTY', caps: 'ENOTTY', alias: 'ENOTTY' };
const UPSTREAM = { ...OFF, offset: slot(1), nobody: 'EINVAL' };
const COOKIE = { ...OFF, offset: 0x1000n, mmap: 'EFAULT', caps: 'EFAULT', nobody: 'ENXIO' };

describe('8.10', () => {
  test.each<[string, OpenOptions, unknown]>([
    ['nothing', {}, UPSTREAM],
    ['A', { profile: 'v6.14' }, UPSTREAM],
    ['B', { profile: 'cookie' }, COOKIE],
    ['C', { profile: 'alias' }, { ...UPSTREAM, alias: 0 }],
    ['B with EINVAL, as RFC1', { profile: 'cookie', unknownOffset: 'EINVAL' }, { ...COOKIE, nobody: 'EINVAL' }],
    ['B with SET_MMAP_ATTRS, as RFC1', { profile: 'cookie', proposals: { mmapAttributes: true, regionMmap: false } }, { ...COOKIE, mmap: 'ENOTTY', caps: 'ENOTTY', attributes: 'EFAULT' }],
    ['B at legacy offsets', { profile: 'cookie', offsets: 'index' }, { ...COOKIE, offset: slot(1), nobody: 'EINVAL' }],
    ['undefined is not given', { profile: 'cookie', offsets: undefined, proposals: { regionMmap: undefined } } as unknown as OpenOptions, COOKIE],
    ['C without its feature', { profile: 'alias', proposals: { aliasRegions: false } }, UPSTREAM],
    ['requests with other numbers', { proposals: { regionMmap: { request: VFIO_DEVICE_SET_MMAP_ATTRS, capsRequest: 0x3b90 }, mmapAttributes: { request: VFIO_DEVICE_GET_REGION_CAPS } } }, { ...UPSTREAM, attributes: 'EFAULT', caps: 'EFAULT' }],
    ['two that share 121', { proposals: { mmapAttributes: true, regionFlags: { request: 0x3b90 } } }, { ...UPSTREAM, attributes: 'EFAULT' }],
  ])('%s', (_, options, expected) => {
    expect(seen(world.open(device, options))).toEqual(expected);
    // As the default of a process, and against one that is another.
    const process = world.process({ opens: options });
    process.open(device);
    expect(seen(process)).toEqual(expected);
  });

  test('what an open says goes before what its process says', () => {
    const process = world.process({ opens: { profile: 'cookie', proposals: { aliasRegions: 'strict' } } });
    process.open(device);
    expect(seen(process)).toEqual({ ...COOKIE, alias: 0 });
    process.open(device, { profile: 'v6.14', proposals: { aliasRegions: false } });
    expect(seen(process, 4)).toEqual(UPSTREAM);
    process.open(device, { proposals: { regionMmap: false } });
    expect(seen(process, 5)).toEqual({ ...OFF, offset: 0x1000n, alias: 0, nobody: 'ENXIO' });
  });
});

test.each<[DeviceFileOptions, string]>([
  [{ profile: 'v7' as never }, "TypeError: open: profile is \"v7\"; expected 'v6.14', 'cookie' or 'alias'"],
  [{ unknownOffset: 'EIO' as never }, "TypeError: open: unknownOffset is \"EIO\"; expected 'EINVAL' or 'ENXIO'"],
  [{ offsetLimit: 1n << 44n }, "TypeError: open: offsetLimit is for offsets 'cookie', and these are 'index'"],
  [{ offsetLimit: 4096 as never }, 'TypeError: open: offsetLimit is of type number; expected a bigint'],
  [{ offsets: 'cookie', offsetLimit: (1n << 63n) + 1n }, 'RangeError: open: offsetLimit is 9223372036854775809; expected 0 to 2^63'],
  [{ proposals: { mmapAttributes: true, regionFlags: true } }, 'TypeError: open: two proposals have the request 0x3b79: give one of them another'],
  [{ proposals: { regionMmap: { request: 0x3b6c } } }, 'RangeError: open: proposals.regionMmap.request is 0x3b6c, which is VFIO_DEVICE_GET_REGION_INFO'],
  [{ proposals: { regionFlags: { request: -1 } } }, 'RangeError: open: proposals.regionFlags.request'],
  [{ proposals: { aliasRegions: 'lax' as never } }, "TypeError: open: aliasRegions is \"lax\"; expected 'rfc' or 'strict'"],
])('no options: %p', (options, text) => {
  const process = world.process();
  const live = world.engine.live();
  let name = '';
  try {
    process.open(device, options);
  } catch (error) {
    name = (error as Error).name;
  }
  expect(`${name}: ${message(() => process.open(device, options))}`).toContain(text);
  expect([process.fds, device.openFiles, world.engine.live()]).toEqual([[], 0, live]);
});
