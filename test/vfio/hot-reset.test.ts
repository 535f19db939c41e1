// VFIO_DEVICE_GET_PCI_HOT_RESET_INFO and VFIO_DEVICE_PCI_HOT_RESET (sections 1.9 and 1.10): by group and by character device, several functions in a set.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PciFunction } from '../../src/pci/index.ts';
import { VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, VFIO_DEVICE_PCI_HOT_RESET } from '../../src/uapi/index.ts';
import { type HotResetFunction, HotResetSet, MAP_SHARED, PROT_READ, PROT_WRITE, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { FILLER, PAGE, World, filled, hexOf, outcome } from './support.ts';

let world: World;
let resets: string[];
beforeEach(() => {
  world = new World();
  resets = [];
});
afterEach(() => world.end());

const make = (name: string): VfioDevice => world.device({ 0: { region: world.ram(PAGE) } }, { name, onReset: () => resets.push(name) });

/** A set with functions 1:00.0 of group 7, 1:00.1 of group 7 and 1:01.0 of group 9. */
function trio(change: Partial<HotResetFunction> = {}): VfioDevice[] {
  const devices = ['a', 'b', 'c'].map(make);
  new HotResetSet([
    { bus: 1, devfn: 0, group: 7, device: devices[0]! },
    { bus: 1, devfn: 1, group: 7, device: devices[1]! },
    { segment: 0x1234, bus: 0xab, devfn: 8, group: 9, device: devices[2]!, ...change },
  ]);
  return devices;
}

const words = (...list: readonly number[]): Uint8Array => new Uint8Array(new Int32Array(list).buffer);

/** The result of the question, and the bytes after it. */
function info(process: Process, argsz: number, bytes = 64, fd = 3): [unknown, string] {
  const argument = filled(bytes);
  argument.set(words(argsz).subarray(0, Math.min(4, bytes)));
  const result = outcome(() => process.ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, argument));
  return [result, hexOf(argument)];
}

const hot = (process: Process, list: readonly number[], fd = 3): unknown => outcome(() => process.ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, words(...list)));
const rest = (from: number, bytes = 64): string => FILLER.toString(16).repeat(bytes - from);

describe('1.9: the question', () => {
  const A = '07000000' + '0000' + '01' + '00';
  const B = '07000000' + '0000' + '01' + '01';
  const C = '09000000' + '3412' + 'ab' + '08';

  test.each<[string, number, number, unknown, string]>([
    ['room for all', 36, 64, 0, '24000000' + '00000000' + '03000000' + A + B + C + rest(36)],
    ['more room than is needed: argsz stays', 60, 64, 0, '3c000000' + '00000000' + '03000000' + A + B + C + rest(36)],
    ['a byte too few', 35, 64, 'ENOSPC', '23000000' + '00000000' + '03000000' + rest(12)],
    ['only the header', 12, 12, 'ENOSPC', '0c000000' + '00000000' + '03000000'],
    ['argsz 11', 11, 64, 'EINVAL', '0b000000' + rest(4)],
    ['11 bytes are there', 36, 11, 'EFAULT', '24000000' + rest(4, 11)],
    ['devices do not fit the memory', 36, 35, 'EFAULT', '24000000' + rest(4, 35)],
  ])('%s', (_, argsz, bytes, result, want) => {
    expect(info(world.open(trio()[0]!), argsz, bytes)).toEqual([result, want]);
  });

  test('no slot or bus to reset is ENODEV, behind argsz; a platform device has no such request', () => {
    const process = world.open(make('alone'));
    expect([info(process, 36)[0], info(process, 11)[0], hot(process, [16, 0, 1, 5]), hot(process, [16, 0, 0]), hot(process, [11, 0, 1])]).toEqual(['ENODEV', 'EINVAL', 'ENODEV', 'EINVAL', 'EINVAL']);
    const platform = world.open(world.device({ 0: { region: world.ram(PAGE) } }, { kind: 'platform' }));
    expect([info(platform, 36)[0], hot(platform, [16, 0, 1, 5])]).toEqual(['ENOTTY', 'ENOTTY']);
  });

  test('a function of no group is EPERM, behind ENOSPC', () => {
    const [a] = ['a'].map(make);
    new HotResetSet([{ bus: 1, devfn: 0, group: 7, device: a! }, { bus: 1, devfn: 1 }]);
    const process = world.open(a!);
    expect([info(process, 28)[0], info(process, 27)[0]]).toEqual(['EPERM', 'ENOSPC']);
  });

  test('by character device: ids of the caller\'s iommufd, 0 beside one of them in its group, -1 elsewhere', () => {
    const [a, b, c] = trio();
    const [ours, theirs] = [{}, {}];
    const process = world.process();
    process.open(a!, { cdev: { iommufd: ours, devid: 5 } });
    const foreign = (id: string): string => `${id}3412ab08`;
    const seen = (): string => info(process, 36)[1].slice(0, 72);
    const head = (flags: number): string => `240000000${flags}00000003000000`;
    expect(seen()).toBe(head(1) + '0500000000000100' + '0000000000000101' + foreign('ffffffff'));
    const fd = process.open(c!, { cdev: { iommufd: ours, devid: 6 } });
    expect(seen()).toBe(head(3) + '0500000000000100' + '0000000000000101' + foreign('06000000'));
    process.close(fd);
    const other = process.open(c!, { cdev: { iommufd: theirs, devid: 1 } });
    expect(seen()).toBe(head(1) + '0500000000000100' + '0000000000000101' + foreign('ffffffff'));
    process.close(other);
    process.open(b!, { cdev: { iommufd: ours, devid: 0x1234 } });
    expect(seen()).toBe(head(1) + '0500000000000100' + '3412000000000101' + foreign('ffffffff'));
  });
});

describe('1.10: the reset', () => {
  let process: Process;
  let seven: number;
  let nine: number;
  function begin(change: Partial<HotResetFunction> = {}, cdev = false): void {
    const [a] = trio(change);
    process = world.process();
    expect(process.open(a!, cdev ? { cdev: { iommufd: world, devid: 1 } } : {})).toBe(3);
    [seven, nine] = [process.openGroup(7), process.openGroup(9)];
  }

  test('with the groups of all functions: every one is reset', () => {
    begin();
    expect([hot(process, [20, 0, 2, seven, nine]), resets]).toEqual([0, ['a', 'b', 'c']]);
    expect([hot(process, [0x7fffffff, 0, 3, nine, seven, seven]), resets.length]).toEqual([0, 6]);
  });

  test.each<[string, (seven: number, nine: number) => number[], unknown]>([
    ['argsz is looked at no further', (a, b) => [12, 0, 2, a, b], 0],
    ['argsz 11', (a, b) => [11, 0, 2, a, b], 'EINVAL'],
    ['8 bytes are there', () => [20, 0], 'EFAULT'],
    ['a flag', (a, b) => [20, 1, 2, a, b], 'EINVAL'],
    ['a flag, before fds that are not there', () => [20, 1, 2], 'EINVAL'],
    ['no group', () => [12, 0, 0], 'EINVAL'],
    ['more groups than functions, before fds that are not there', () => [28, 0, 4], 'EINVAL'],
    ['fds that are not there', (a) => [20, 0, 2, a], 'EFAULT'],
    ['a closed fd', (a) => [20, 0, 2, a, 99], 'EBADF'],
    ['a negative fd', (a) => [20, 0, 2, a, -1], 'EBADF'],
    ['an fd of a device', (a) => [20, 0, 2, a, 3], 'EINVAL'],
    ['the first bad fd decides', () => [20, 0, 2, 99, 3], 'EBADF'],
    ['one group is missing', (a) => [16, 0, 1, a], 'EINVAL'],
    ['one group twice', (a) => [20, 0, 2, a, a], 'EINVAL'],
  ])('%s', (_, list, want) => {
    begin();
    expect([hot(process, list(seven, nine)), resets.length]).toEqual([want, want === 0 ? 3 : 0]);
  });

  test('a function that VFIO does not drive: behind bad fds', () => {
    const device = make('a');
    new HotResetSet([{ bus: 1, devfn: 0, group: 7, device }, { bus: 1, devfn: 1, group: 7 }]);
    process = world.open(device);
    const group = process.openGroup(7);
    expect([hot(process, [16, 0, 1, group]), hot(process, [16, 0, 1, 99]), resets]).toEqual(['EINVAL', 'EBADF', []]);
  });

  test('by character device: no groups, and all that are hit the caller\'s', () => {
    begin({}, true);
    expect([hot(process, [16, 0, 1, seven]), hot(process, [12, 0, 0])]).toEqual(['EINVAL', 'EINVAL']);
    process.exit();
    resets.length = 0;
  });

  test('by character device, owned', () => {
    const [a, , c] = trio();
    process = world.process();
    const iommufd = {};
    process.open(a!, { cdev: { iommufd, devid: 1 } });
    process.open(c!, { cdev: { iommufd, devid: 2 } });
    expect([hot(process, [12, 0, 0]), resets]).toEqual([0, ['a', 'b', 'c']]);
    expect(outcome(() => process.open(a!, { cdev: { iommufd, devid: 1 } }))).toBe('EINVAL');
    expect(outcome(() => process.open(a!, { cdev: { iommufd: null as never, devid: 1 } }))).toBe('TypeError');
    expect(outcome(() => process.open(a!, { cdev: { iommufd, devid: 0 } }))).toBe('RangeError');
  });
});

test('pages of all BARs of the set are taken away; configuration space of all functions is as before', () => {
  const functions = [0, 1].map((number) => {
    const config = new Uint8Array(256);
    config.set([2, 0], 4);
    config.set([0, 0, 0, 0xfe], 0x10);
    return new PciFunction(world.engine, { slot: `01:00.${number}`, config, sizes: { bars: [0x1000] } });
  });
  new HotResetSet(functions.map(({ device }, devfn) => ({ bus: 1, devfn, group: 1, device })));
  const processes = functions.map(({ device }) => world.open(device));
  const addresses = processes.map((process) => process.mmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0));
  let count = 0;
  for (const one of functions) one.onReset(() => count++);
  const group = processes[0]!.openGroup(1);
  expect([hot(processes[0]!, [16, 0, 1, group]), count]).toEqual([0, 2]);
  functions.forEach((one, i) => {
    const { memory } = processes[i]!;
    expect([one.peek(4, 2), one.peek(0x10, 4), memory.windowAt(addresses[i]!)?.region.name]).toEqual([2, 0xfe00_0000, `01:00.${i} BAR 0, guarded`]);
    expect([memory.read32(addresses[i]!), memory.windowAt(addresses[i]!)?.region.name]).toEqual([0, `01:00.${i} BAR 0`]);
  });
  for (const process of processes) process.exit();
  for (const one of functions) one.destroy();
});

test('group fds: no ioctl, no bytes, no pages', () => {
  const process = world.process();
  const fd = process.openGroup(1);
  expect([outcome(() => process.ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, new Uint8Array(12))), outcome(() => process.pread(fd, filled(4), 0)), outcome(() => process.mmap(PAGE, PROT_READ, MAP_SHARED, fd, 0))]).toEqual(['ENOTTY', 'EINVAL', 'ENODEV']);

});

test('sets that cannot be', () => {
  const [a, b] = [make('a'), make('b')];
  new HotResetSet([{ bus: 0, devfn: 0, device: a }]);
  for (const functions of [[], [{ bus: 256, devfn: 0 }], [{ bus: 0, devfn: -1 }], [{ bus: 0, devfn: 0, segment: 0x1_0000 }], [{ bus: 0, devfn: 0, group: 0.5 }]]) {
    expect(() => new HotResetSet(functions)).toThrow(RangeError);
  }
  for (const functions of [[{ bus: 0, devfn: 0, device: a }], [{ bus: 0, devfn: 0, device: b }, { bus: 0, devfn: 1, device: b }]]) expect(() => new HotResetSet(functions)).toThrow(TypeError);
  expect(b.hotResetSet).toBeUndefined();
});
