// VFIO_DEVICE_GET_IRQ_INFO: always 16 bytes, flags and counts of the five indices; and requests that the file does not know.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_GET_IRQ_INFO } from '../../src/uapi/index.ts';
import { type VfioDevice } from '../../src/vfio/index.ts';
import { World, filled, hexOf, outcome } from './support.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

function irqInfo(device: VfioDevice, argsz: number, index: number, room = 24): { result: unknown; hex: string } {
  const process = world.open(device);
  const bytes = filled(room);
  const view = new DataView(bytes.buffer);
  if (room >= 4) view.setUint32(0, argsz, true);
  if (room >= 12) view.setUint32(8, index, true);
  return { result: outcome(() => process.ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, bytes)), hex: hexOf(bytes) };
}

const u32 = (...values: number[]): string => hexOf(new Uint8Array(new Uint32Array(values).buffer));

const full = (): VfioDevice =>
  world.device({ 0: { region: world.ram(0x4000) } }, { msix: { bar: 0, offset: 0, count: 65 }, interrupts: { intx: true, msi: 8, express: true } });

test.each([
  [0, 0x7, 1],
  [1, 0x9, 8],
  [2, 0x9, 65],
  [3, 0x9, 1],
  [4, 0x9, 1],
])('index %i has flags %i and count %i', (index, flags, count) => {
  expect(irqInfo(full(), 16, index)).toEqual({ result: 0, hex: u32(16, flags, index, count) + 'aa'.repeat(8) });
});

test.each([[0, 0x7], [1, 0x9], [2, 0x9]])('absent: index %i keeps its flags and counts 0', (index, flags) => {
  expect(irqInfo(world.device({}), 16, index)).toEqual({ result: 0, hex: u32(16, flags, index, 0) + 'aa'.repeat(8) });
});

test('dynamic MSI-X allocation drops NORESIZE of MSI-X only', () => {
  const device = world.device({ 0: { region: world.ram(0x8000) } }, { msix: { bar: 0, offset: 0, count: 2048 }, interrupts: { dynamicMsix: true, msi: 32 } });
  expect(irqInfo(device, 16, 2).hex.slice(0, 32)).toBe(u32(16, 1, 2, 2048));
  expect(irqInfo(device, 16, 1).hex.slice(0, 32)).toBe(u32(16, 9, 1, 32));
});

test('ERR on a device that is not PCI Express is EINVAL, REQ is there', () => {
  expect(irqInfo(world.device({}), 16, 3)).toEqual({ result: 'EINVAL', hex: u32(16) + 'aaaaaaaa' + u32(3) + 'aa'.repeat(12) });
  expect(irqInfo(world.device({}), 16, 4).hex.slice(0, 32)).toBe(u32(16, 9, 4, 1));
});

test.each([17, 24, 48, 0xffff_ffff])('argsz %i is echoed', (argsz) => {
  expect(irqInfo(full(), argsz, 0)).toEqual({ result: 0, hex: u32(argsz, 7, 0, 1) + 'aa'.repeat(8) });
});

describe('refused', () => {
  test.each([0, 1, 15])('argsz %i', (argsz) => {
    expect(irqInfo(full(), argsz, 0)).toEqual({ result: 'EINVAL', hex: u32(argsz) + 'aaaaaaaa' + u32(0) + 'aa'.repeat(12) });
  });

  test.each([5, 6, 0x8000_0000, 0xffff_ffff])('index %i', (index) => {
    expect(irqInfo(full(), 16, index).result).toBe('EINVAL');
  });

  test('an argument of 15 bytes is EFAULT, also with a small argsz or a bad index', () => {
    for (const [argsz, index] of [[16, 0], [4, 0], [16, 9]] as const) expect(irqInfo(full(), argsz, index, 15).result).toBe('EFAULT');
    expect(irqInfo(full(), 16, 0, 16).result).toBe(0);
  });

  test('a platform device has no interrupts here', () => {
    const device = world.device({ 0: { region: world.ram(16) } }, { kind: 'platform' });
    for (const index of [0, 3, 4]) expect(irqInfo(device, 16, index).result).toBe('EINVAL');
  });
});

describe('requests that a device file does not know are ENOTTY, whatever their argument', () => {
  test.each([
    ['GET_API_VERSION', 0x3b64], ['GROUP_GET_STATUS', 0x3b67], ['GROUP_GET_DEVICE_FD', 0x3b6a], ['QUERY_GFX_PLANE', 0x3b72], ['GET_GFX_DMABUF', 0x3b73],
    ['ATTACH_IOMMUFD_PT on a group fd', 0x3b77], ['DETACH_IOMMUFD_PT on a group fd', 0x3b78], ['121 without the proposal', 0x3b79],
    ['0', 0], ['GET_INFO with a direction', 0xc0183b6b], ['beyond', 0x3bff],
  ])('%s', (_, request) => {
    const process = world.open(full());
    for (const argument of [undefined, filled(64), 8]) expect(outcome(() => process.ioctl(3, request, argument))).toBe('ENOTTY');
  });
});
