// The typed client's ioeventfds (sections 1.11 and 5.6): what is written, what ends it, what is refused; and resets (1.8 to 1.10), which leave them.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_IOEVENTFD, vfio_device_ioeventfd } from '../../src/uapi/index.ts';
import { type IoEventFdOptions, VfioClient } from '../../src/vfio-client/index.ts';
import { HotResetSet, type OpenOptions, type Process, type VfioDeviceDescription } from '../../src/vfio/index.ts';
import { type CycleLog, World, message, outcome } from '../vfio/support.ts';

let world: World;
let log: CycleLog;
let process: Process;
let doorbell: number;
beforeEach(() => {
  world = new World();
  log = [];
});
afterEach(() => world.end());

/** BAR 0 with an MSI-X table at 0x40, BAR 3 of ports, ROM, configuration space. */
function open(more: Partial<VfioDeviceDescription> = {}, options: OpenOptions = {}): VfioClient {
  const regions = { 0: { region: world.hook(new Uint8Array(0x80), log) }, 3: { region: world.hook(new Uint8Array(8), log), ioPorts: true }, 6: { region: world.region({ kind: 'rom', size: 0x1000 }) }, 7: { region: world.ram(0x100) } };
  process = world.open(world.device(more.kind === 'platform' ? { 0: regions[0] } : regions, { ...(more.kind === undefined && { msix: { bar: 0, offset: 0x40, count: 2 } }), ...more }), options);
  doorbell = process.eventfd();
  return new VfioClient(process, 3);
}
const signal = (fd = doorbell): number => process.write(fd, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));

describe('what is written', () => {
  test.each<[1 | 2 | 4 | 8, number | bigint, string]>([
    [1, 0x1ff, 'write 1 at 0x11: 0xff'],
    [2, -1, 'write 2 at 0x11: 0xffff'],
    [4, 0x1_2345_6789n, 'write 4 at 0x11: 0x23456789'],
    [8, -2n, 'write 8 at 0x11: 0xfffffffffffffffe'],
  ])('%i bytes of %p, at every signal until it is removed', (width, value, cycle) => {
    const client = open({}, { offsets: 'scattered' });
    const remove = client.region(0).ioeventfd({ at: 0x11, value, width, fd: doorbell });
    expect(log).toEqual([]);
    signal();
    signal();
    expect(log).toEqual([cycle, cycle]);
    remove();
    remove();
    signal();
    expect(log).toEqual([cycle, cycle]);
  });

  test('two places, two eventfds; ports too; one that is signalled already writes at once', () => {
    const client = open();
    const other = process.eventfd(1);
    const ends = [client.region(0).ioeventfd({ at: 0x3cn, value: 1, width: 4, fd: doorbell }), client.region(3).ioeventfd({ at: 4, value: 2, width: 2, fd: other })];
    expect(log).toEqual(['write 2 at 0x4: 0x2']);
    ends[1]!();
    signal(other);
    signal();
    expect(log).toEqual(['write 2 at 0x4: 0x2', 'write 4 at 0x3c: 0x1']);
    ends[0]!();
  });

  test('a reset leaves it, the last close does not', () => {
    const client = open({ reset: true });
    const remove = client.region(0).ioeventfd({ at: 0, value: 1, width: 1, fd: doorbell });
    client.reset();
    signal();
    expect(log).toEqual(['write 1 at 0x0: 0x1']);
    client.close();
    signal();
    expect(log).toHaveLength(1);
    expect(message(remove)).toMatch(/^EBADF: VFIO_DEVICE_IOEVENTFD/);
  });
});

describe('what is refused', () => {
  const RIGHT: IoEventFdOptions = { at: 0x10, value: 7, width: 4, fd: 4 };

  test.each<[string, number, Partial<IoEventFdOptions>, string]>([
    ['the ROM', 6, {}, 'EINVAL'],
    ['configuration space', 7, {}, 'EINVAL'],
    ['across the start of the MSI-X table', 0, { at: 0x3d }, 'EINVAL'],
    ['the last byte of the MSI-X table', 0, { at: 0x5f, width: 1 }, 'EINVAL'],
    ['an fd that is no eventfd', 0, { fd: 3 }, 'EINVAL'],
    ['an fd that is not open', 0, { fd: 99 }, 'EBADF'],
    ['an absent BAR', 1, {}, 'RangeError'],
    ['a byte past the end', 0, { at: 0x7d }, 'RangeError'],
    ['a place below 0', 0, { at: -4 }, 'RangeError'],
    ['half a byte', 0, { at: 0.5 }, 'TypeError'],
    ['3 bytes', 0, { width: 3 as never }, 'RangeError'],
    ['no width', 0, { width: undefined as never }, 'RangeError'],
    ['fd -1, which would remove it', 0, { fd: -1 }, 'RangeError'],
    ['fd 2^31', 0, { fd: 2 ** 31 }, 'RangeError'],
    ['half a value', 0, { value: 0.5 }, 'TypeError'],
    ['a value that is none', 0, { value: '7' as never }, 'TypeError'],
  ])('%s', (_, index, wrong, expected) => {
    const client = open();
    expect(outcome(() => client.region(index).ioeventfd({ ...RIGHT, ...wrong }))).toBe(expected);
    expect(outcome(() => client.region(0).ioeventfd(RIGHT)())).toBeUndefined();
  });

  test('the same twice, by whichever eventfd: EEXIST; removed behind its back: ENODEV', () => {
    const [one, other] = [open().region(0), new VfioClient(process, process.dup(3)).region(0)];
    const remove = one.ioeventfd(RIGHT);
    expect(message(() => other.ioeventfd({ ...RIGHT, fd: process.eventfd() }))).toMatch(/^EEXIST: VFIO_DEVICE_IOEVENTFD/);
    // Only the bytes that are written count.
    expect(outcome(() => one.ioeventfd({ ...RIGHT, value: 0x1_0000_0007n }))).toBe('EEXIST');
    process.ioctl(3, VFIO_DEVICE_IOEVENTFD, vfio_device_ioeventfd.encode({ argsz: 32, flags: 4, offset: one.offset + 0x10n, data: 7n, fd: -1 }));
    expect(message(remove)).toMatch(/^ENODEV: VFIO_DEVICE_IOEVENTFD/);
    const again = other.ioeventfd(RIGHT);
    remove();
    expect(message(again)).toMatch(/^ENODEV: VFIO_DEVICE_IOEVENTFD/);
  });

  test('1000 are the most', () => {
    const bar = open().region(0);
    const ends = Array.from({ length: 1000 }, (_, i) => bar.ioeventfd({ ...RIGHT, value: i }));
    expect(message(() => bar.ioeventfd({ ...RIGHT, value: 1000 }))).toMatch(/^ENOSPC: VFIO_DEVICE_IOEVENTFD/);
    ends[7]!();
    bar.ioeventfd({ ...RIGHT, value: 1000 })();
  });

  test('other devices than PCI functions', () => {
    expect(message(() => open({ kind: 'platform' }).region(0).ioeventfd(RIGHT))).toMatch(/^ENOTTY: VFIO_DEVICE_IOEVENTFD/);
  });
});

describe('resets', () => {
  test('of the function: EAGAIN while the host holds its lock, EINVAL where it cannot be, EBADF', () => {
    let isBusy = false;
    const resets: string[] = [];
    const client = open({ reset: true, resetBusy: () => isBusy, onReset: () => resets.push('reset') });
    isBusy = true;
    expect(message(() => client.reset())).toMatch(/^EAGAIN: VFIO_DEVICE_RESET/);
    expect(resets).toEqual(['reset']);
    isBusy = false;
    client.reset();
    expect(resets).toEqual(['reset', 'reset']);
    client.close();
    expect(message(() => client.reset())).toMatch(/^EBADF: VFIO_DEVICE_RESET/);
    expect(message(() => open().reset())).toMatch(/^EINVAL: VFIO_DEVICE_RESET/);
  });

  test('of the bus: ENODEV without one, ENOTTY of other devices, EPERM without a group, EINVAL and EBADF for fds', () => {
    const alone = open();
    expect(message(() => alone.hotReset.info())).toMatch(/^ENODEV: VFIO_DEVICE_GET_PCI_HOT_RESET_INFO/);
    expect(message(() => alone.hotReset.reset([process.openGroup(7)]))).toMatch(/^ENODEV: VFIO_DEVICE_PCI_HOT_RESET/);
    const platform = open({ kind: 'platform' });
    expect([outcome(() => platform.hotReset.info()), outcome(() => platform.hotReset.reset())]).toEqual(['ENOTTY', 'ENOTTY']);

    const device = world.device({ 0: { region: world.ram(0x1000) } });
    new HotResetSet([{ bus: 1, devfn: 0, group: 7, device }, { bus: 1, devfn: 1 }]);
    process = world.open(device);
    const client = new VfioClient(process, 3);
    const [group, event] = [process.openGroup(7), process.eventfd()];
    expect(message(() => client.hotReset.info())).toMatch(/^EPERM: VFIO_DEVICE_GET_PCI_HOT_RESET_INFO/);
    const reset = (...fds: number[]): unknown => outcome(() => client.hotReset.reset(fds));
    expect([reset(), reset(99), reset(event), reset(group, group, group), reset(group)]).toEqual(['EINVAL', 'EBADF', 'EINVAL', 'EINVAL', 'EINVAL']);
    client.close();
    expect([outcome(() => client.hotReset.info()), reset(group)]).toEqual(['EBADF', 'EBADF']);
  });
});
