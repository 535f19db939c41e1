// VFIO_DEVICE_ATTACH_IOMMUFD_PT and DETACH_IOMMUFD_PT (sections 1.3 and 1.13): known to a file of a character device alone, whose iommufd holds nothing.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { VFIO_DEVICE_ATTACH_IOMMUFD_PT as ATTACH, VFIO_DEVICE_DETACH_IOMMUFD_PT as DETACH } from '../../src/uapi/index.ts';
import { PAGE, World, hexOf, outcome } from './support.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

const words = (...list: number[]): Uint8Array => new Uint8Array(new Uint32Array(list).buffer);
const device = () => world.device({ 0: { region: world.ram(PAGE) } });

test.each<[string, number, Uint8Array | undefined, unknown]>([
  ['ATTACH of an id that is none', ATTACH, words(12, 0, 7, 0xaaaa_aaaa), 'ENOENT'],
  ['ATTACH of id 0', ATTACH, words(12, 0, 0), 'ENOENT'],
  ['ATTACH of the device itself', ATTACH, words(12, 0, 1), 'EINVAL'],
  ['ATTACH of the device itself, and flags', ATTACH, words(12, 1, 1), 'EINVAL'],
  ['ATTACH, more argsz', ATTACH, words(16, 0, 7, 1), 'ENOENT'],
  ['ATTACH, argsz 11, and flags', ATTACH, words(11, 1, 7), 'EINVAL'],
  ['ATTACH, flags', ATTACH, words(12, 1, 7), 'EINVAL'],
  ['ATTACH, 11 bytes are there, and argsz is wrong', ATTACH, words(0, 1, 7).subarray(0, 11), 'EFAULT'],
  ['ATTACH, NULL', ATTACH, undefined, 'EFAULT'],
  ['DETACH, nothing attached', DETACH, words(8, 0, 0xaaaa_aaaa), 0],
  ['DETACH, argsz 7', DETACH, words(7, 0), 'EINVAL'],
  ['DETACH, flags', DETACH, words(8, 0x8000_0000), 'EINVAL'],
  ['DETACH, 7 bytes are there', DETACH, words(8, 0).subarray(0, 7), 'EFAULT'],
])('%s', (_, request, bytes, want) => {
  const process = world.open(device(), { cdev: { iommufd: {}, devid: 1 } });
  const before = bytes && hexOf(bytes);
  for (let i = 0; i < 2; i++) expect(outcome(() => process.ioctl(3, request, bytes))).toBe(want);
  expect(bytes && hexOf(bytes)).toBe(before);
  expect(outcome(() => world.open(device()).ioctl(3, request, bytes))).toBe('ENOTTY');
});
