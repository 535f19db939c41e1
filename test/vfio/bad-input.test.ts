// Misuse of Process: wrong types are TypeError, impossible numbers RangeError, closed fds EBADF; nothing is changed by a refused call.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, filled, outcome } from './support.ts';

let world: World;
let device: VfioDevice;
let process: Process;
beforeEach(() => {
  world = new World();
  device = world.device({ 0: { region: world.ram(PAGE) } });
  process = world.open(device);
  process.allocate(PAGE);
  process.mmap(PAGE, 3, 1, 3, 0);
  process.read(3, filled(4));
});
afterEach(() => world.end());

const state = (): unknown => ({ maps: process.maps(), fds: process.fds, live: world.engine.live(), bytes: [...(device.region(0)?.region.bytes() ?? [])] });

/** Every way in, with one argument left open. Misuse on purpose: the types are switched off. */
type Call = (value: never) => unknown;
const every = (calls: Record<string, Call>): [string, Call][] => Object.entries(calls);

function expectEach(calls: [string, Call][], values: unknown[], want: string): void {
  const before = state();
  for (const [name, call] of calls) for (const value of values) expect([name, value, outcome(() => call(value as never))]).toEqual([name, value, want]);
  expect(state()).toEqual(before);
}

const NOT_NUMBERS = [undefined, null, '3', true, {}, [], [3], () => 3, Symbol('3')];
const NOT_INTEGERS = [NaN, Infinity, -Infinity, 0.5, -1, -0.5, 2 ** 53];
const NOT_U64 = [...NOT_INTEGERS, -1n, 1n << 64n, 1n << 80n];

const byFd: [string, Call][] = every({
  ioctl: (fd) => process.ioctl(fd, 0x3b6b, filled(24)),
  pread: (fd) => process.pread(fd, filled(1), 0),
  pwrite: (fd) => process.pwrite(fd, filled(1), 0),
  read: (fd) => process.read(fd, filled(1)),
  write: (fd) => process.write(fd, filled(1)),
  lseek: (fd) => process.lseek(fd),
  dup: (fd) => process.dup(fd),
  close: (fd) => process.close(fd),
});

test('fds', () => {
  expectEach(byFd, [...NOT_NUMBERS, 3n], 'TypeError');
  expectEach(byFd, [...NOT_INTEGERS, 0, 1, 2, 4, 1e9], 'EBADF');
  // The fd of mmap has a default, which is none.
  const map: [string, Call][] = every({ mmap: (fd) => process.mmap(PAGE, 3, 1, fd, 0) });
  expectEach(map, NOT_NUMBERS.slice(1), 'TypeError');
  expectEach(map, [undefined, ...NOT_INTEGERS, 4], 'EBADF');
});

test('ioctl requests', () => {
  const calls = every({ ioctl: (request) => process.ioctl(3, request, filled(32)) });
  expectEach(calls, [...NOT_NUMBERS, 0x3b6bn], 'TypeError');
  expectEach(calls, [...NOT_INTEGERS, 2 ** 32], 'RangeError');
});

test('ioctl arguments that point nowhere are EFAULT, of whatever kind', () => {
  const calls = every({ GET_INFO: (argument) => process.ioctl(3, 0x3b6b, argument), GET_REGION_INFO: (argument) => process.ioctl(3, 0x3b6c, argument), GET_IRQ_INFO: (argument) => process.ioctl(3, 0x3b6d, argument) });
  expectEach(calls, [...NOT_NUMBERS, ...NOT_U64, 0, 1n, new Uint8Array(0), filled(15), new ArrayBuffer(64)], 'EFAULT');
});

test('offsets', () => {
  const calls = every({ pread: (offset) => process.pread(3, filled(1), offset), pwrite: (offset) => process.pwrite(3, filled(1), offset) });
  const map = every({ mmap: (offset) => process.mmap(PAGE, 3, 1, 3, offset) });
  expectEach(calls, NOT_NUMBERS, 'TypeError');
  expectEach(map, NOT_NUMBERS.slice(1), 'TypeError');
  expectEach([...calls, ...map], NOT_U64, 'RangeError');
});

const byBuffer: [string, Call][] = every({
  pread: (buffer) => process.pread(3, buffer, 0),
  pwrite: (buffer) => process.pwrite(3, buffer, 0),
  read: (buffer) => process.read(3, buffer),
  write: (buffer) => process.write(3, buffer),
});

test('buffers', () => {
  expectEach(byBuffer, [...NOT_NUMBERS, 3, 3n, 'four', [1, 2, 3, 4], new DataView(new ArrayBuffer(4)), new Uint16Array(4), new Float64Array(1), new ArrayBuffer(4), { address: 0 }, { length: '4' }, { length: 4n }], 'TypeError');
  expectEach(byBuffer, NOT_INTEGERS.map((length) => ({ address: 0x10000, length })), 'RangeError');
  expectEach(byBuffer, [...NOT_NUMBERS, ...NOT_U64].map((address) => ({ address, length: 4 })), 'EFAULT');
});

test('a buffer from Node and a view with an offset are bytes', () => {
  const bytes = Buffer.alloc(8, 0xaa);
  expect(process.pread(3, bytes.subarray(2, 6), 0x10)).toBe(4);
  expect(bytes.toString('hex')).toBe('aaaa10111213aaaa');
});

test('lengths, protections and flags of mmap; ranges of munmap and allocate', () => {
  const lengths = every({ mmap: (length) => process.mmap(length, 3, 1, 3, 0), allocate: (length) => process.allocate(length), munmap: (length) => process.munmap(0x10000, length), address: (address) => process.munmap(address, PAGE) });
  expectEach(lengths, NOT_NUMBERS, 'TypeError');
  expectEach(lengths, NOT_U64, 'RangeError');
  const modes = every({ protection: (protection) => process.mmap(PAGE, protection, 1, 3, 0), flags: (flags) => process.mmap(PAGE, 3, flags, 3, 0) });
  expectEach(modes, [...NOT_NUMBERS, 3n], 'TypeError');
  expectEach(modes, [...NOT_INTEGERS, 2 ** 32], 'RangeError');
  expectEach(every({ allocate: (length) => process.allocate(length) }), [0, 0n], 'EINVAL');
});

describe('open', () => {
  test('something that is no device', () => {
    const calls = every({ open: (value) => process.open(value) });
    expectEach(calls, [...NOT_NUMBERS, 3, { name: 'd', numRegions: 1 }].filter((value) => typeof value !== 'string'), 'TypeError');
    // A path, but of no node: the process runs on no host.
    expectEach(calls, ['3', '', '/dev/vfio/vfio', '/dev/vfio/devices/vfio0'], 'ENOENT');
  });

  test('options that do not exist', () => {
    const calls = every({ open: (options) => process.open(device, options) });
    expectEach(calls, [null, { offsets: 'packed' }, { offsets: 5 }, { seed: '1' }, { unknownOffset: 'EPERM' }, { unknownOffset: 6 }, { unknownOffset: 'toString' }], 'TypeError');
    expectEach(calls, [...NOT_INTEGERS.slice(0, 6), 0, 2 ** 32].map((seed) => ({ seed })), 'RangeError');
  });

  test('a device whose regions are of another engine', () => {
    const other = new World();
    const foreign = other.device({ 0: { region: other.ram(PAGE) } });
    expectEach(every({ open: (options) => process.open(foreign, options as never) }), [{}], 'TypeError');
    other.end();
  });
});

test('making a process', () => {
  for (const engine of [undefined, null, {}, 5]) expect(outcome(() => new Process(engine as never))).toBe('TypeError');
  const live = world.engine.live();
  for (const maxFds of ['8', true, 8n, {}]) expect(outcome(() => new Process(world.engine, { maxFds } as never))).toBe('TypeError');
  for (const maxFds of [NaN, 3, 4.5, -1, 2 ** 20 + 1]) expect(outcome(() => new Process(world.engine, { maxFds }))).toBe('RangeError');
  expect(world.engine.live()).toEqual(live);
});

test('after exit every call is EBADF, thrown or as a result', () => {
  process.exit();
  const calls: [string, () => unknown, () => number][] = [
    ['open', () => process.open(device), () => -9],
    ['ioctl', () => process.ioctl(3, 0x3b6b, filled(24)), () => process.raw.ioctl(3, 0x3b6b, filled(24))],
    ['pread', () => process.pread(3, filled(1), 0), () => process.raw.pread(3, filled(1), 0)],
    ['pwrite', () => process.pwrite(3, filled(1), 0), () => process.raw.pwrite(3, filled(1), 0)],
    ['read', () => process.read(3, filled(1)), () => process.raw.read(3, filled(1))],
    ['write', () => process.write(3, filled(1)), () => process.raw.write(3, filled(1))],
    ['lseek', () => process.lseek(3), () => process.raw.lseek(3)],
    ['dup', () => process.dup(3), () => process.raw.dup(3)],
    ['close', () => process.close(3), () => process.raw.close(3)],
    ['mmap', () => process.mmap(PAGE, 3, 1, 3, 0), () => process.raw.mmap(PAGE, 3, 1, 3, 0)],
    ['allocate', () => process.allocate(PAGE), () => process.raw.mmap(PAGE, 3, 0x22)],
    ['munmap', () => process.munmap(0x10000, PAGE), () => process.raw.munmap(0x10000, PAGE)],
    ['maps', () => process.maps(), () => -9],
    ['memory', () => process.memory.read8(0x10000), () => -9],
  ];
  for (const [name, call, raw] of calls) expect([name, outcome(call), raw()]).toEqual([name, 'EBADF', -9]);
  expect(process.fds).toEqual([]);
  process.exit();
});
