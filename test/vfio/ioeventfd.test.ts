// VFIO_DEVICE_IOEVENTFD (sections 1.11 and 5.6): each row is a request and what Linux answers; then what is written to the BAR, and when.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_IOEVENTFD, VFIO_DEVICE_RESET, vfio_device_ioeventfd } from '../../src/uapi/index.ts';
import { EFD_SEMAPHORE, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { type CycleLog, World, expectAnswer, filled, message, offsetOf, outcome, slot } from './support.ts';

let world: World;
let log: CycleLog;
beforeEach(() => {
  world = new World();
  log = [];
});
afterEach(() => world.end());

interface Request {
  readonly argsz?: number;
  readonly flags?: number;
  readonly offset?: bigint;
  readonly data?: bigint;
  readonly fd: number;
}

const request = ({ argsz = 32, flags = 4, offset = 0x10n, data = 0x1122_3344_5566_7788n, fd }: Request): Uint8Array => vfio_device_ioeventfd.encode({ argsz, flags, offset, data, fd, reserved: 0xffff_ffff });
const set = (process: Process, one: Request, fd = 3): unknown => outcome(() => process.ioctl(fd, VFIO_DEVICE_IOEVENTFD, request(one)));
const signal = (process: Process, fd: number, value = 1): number => process.write(fd, Uint8Array.of(value, 0, 0, 0, 0, 0, 0, 0));

function counted(process: Process, fd: number): bigint {
  const bytes = new Uint8Array(8);
  return outcome(() => process.read(fd, bytes)) === 8 ? new DataView(bytes.buffer).getBigUint64(0, true) : 0n;
}

/** BAR 0 with hooks and an MSI-X table at 0x40, BAR 3 of I/O ports, ROM, config space, one of the driver's own. */
function makeDevice(memoryEnabled = (): boolean => true): VfioDevice {
  const regions = {
    0: { region: world.hook(new Uint8Array(0x80), log) }, 3: { region: world.hook(new Uint8Array(8), log), ioPorts: true },
    6: { region: world.region({ kind: 'rom', size: 0x1000 }) }, 7: { region: world.ram(0x100) }, 9: { region: world.ram(0x100) },
  };
  return world.device(regions, { msix: { bar: 0, offset: 0x40, count: 2 }, memoryEnabled });
}

describe('5.6: the order of checks', () => {
  test.each<[string, Uint8Array | Request, unknown]>([
    ['27 bytes are there', new Uint8Array(27), 'EFAULT'],
    ['NULL', new Uint8Array(0), 'EFAULT'],
    ['argsz 27', { argsz: 27, fd: 4 }, 'EINVAL'],
    ['a flag beyond 0xf', { flags: 0x14, fd: 4 }, 'EINVAL'],
    ['no width', { flags: 0, fd: 4 }, 'EINVAL'],
    ['two widths', { flags: 3, fd: 4 }, 'EINVAL'],
    ['fd -2', { fd: -2 }, 'EINVAL'],
    ['the ROM', { offset: slot(6), fd: 4 }, 'EINVAL'],
    ['config space', { offset: slot(7), fd: 4 }, 'EINVAL'],
    ["a region of the driver's own", { offset: slot(9), fd: 4 }, 'EINVAL'],
    ['no region', { offset: slot(10), fd: 4 }, 'EINVAL'],
    ['a negative offset', { offset: 1n << 63n, fd: 4 }, 'EINVAL'],
    ['an absent BAR', { offset: slot(1), fd: 4 }, 'EINVAL'],
    ['a byte past the end', { offset: 0x7dn, fd: 4 }, 'EINVAL'],
    ['the last byte of the MSI-X table', { offset: 0x5fn, flags: 1, fd: 4 }, 'EINVAL'],
    ['across its start', { offset: 0x3dn, fd: 4 }, 'EINVAL'],
    ['the table, before there is no such entry', { offset: 0x40n, fd: -1 }, 'EINVAL'],
    ['past the end, before a closed fd', { offset: 0x7dn, fd: 99 }, 'EINVAL'],
    ['argsz, before a flag', { argsz: 0, flags: 0x10, fd: -2 }, 'EINVAL'],
    ['no entry to remove', { fd: -1 }, 'ENODEV'],
    ['a closed fd', { fd: 99 }, 'EBADF'],
    ['an fd of a device file', { fd: 3 }, 'EINVAL'],
    ['up to the table', { offset: 0x3cn, fd: 4 }, 0],
    ['behind it', { offset: 0x60n, flags: 8, fd: 4 }, 0],
    ['not aligned', { offset: 0x11n, fd: 4 }, 0],
    ['I/O ports', { offset: slot(3) + 4n, fd: 4 }, 0],
    ['argsz 28', { argsz: 28, fd: 4 }, 0],
    ['28 bytes are there', request({ fd: 4 }).slice(0, 28), 0],
  ])('%s', (_, given, expected) => {
    const process = world.open(makeDevice());
    expect(process.eventfd()).toBe(4);
    const bytes = given instanceof Uint8Array ? given : request(given);
    const before = bytes.slice();
    expect(outcome(() => process.ioctl(3, VFIO_DEVICE_IOEVENTFD, bytes))).toBe(expected);
    expect(bytes).toEqual(before);
  });

  test('EEXIST and ENODEV: an entry is its BAR, position, width and all 64 bits of data', () => {
    const process = world.open(makeDevice());
    const [one, other] = [process.eventfd(), process.eventfd()];
    expect(set(process, { fd: one })).toBe(0);
    for (const fd of [one, other, 3, 99]) expect(set(process, { fd })).toBe('EEXIST');
    const others: Partial<Request>[] = [{ offset: 0x14n }, { flags: 2 }, { data: 0x5566_7788n }, { offset: slot(3) }];
    for (const key of others) expect([set(process, { ...key, fd: -1 }), set(process, { ...key, fd: other }), set(process, { ...key, fd: -1 })]).toEqual(['ENODEV', 0, 0]);
    expect([set(process, { fd: -1 }), set(process, { fd: -1 })]).toEqual([0, 'ENODEV']);
    signal(process, one);
    signal(process, other);
    expect([log, counted(process, one)]).toEqual([[], 1n]);
  });

  test('1000 entries: ENOSPC, before the fd is looked at, behind EEXIST and removal', () => {
    const process = world.open(makeDevice());
    const fd = process.eventfd();
    for (let i = 0; i < 1000; i++) expect(set(process, { data: BigInt(i), fd })).toBe(0);
    expect([set(process, { data: 1000n, fd }), set(process, { data: 1000n, fd: 99 }), set(process, { data: 999n, fd })]).toEqual(['ENOSPC', 'ENOSPC', 'EEXIST']);
    expect([set(process, { data: 1000n, fd: -1 }), set(process, { data: 7n, fd: -1 }), set(process, { data: 1000n, fd })]).toEqual(['ENODEV', 0, 0]);
  });

  test('a platform device knows no such request; a closed fd is EBADF', () => {
    const process = world.open(world.device({ 0: { region: world.ram(0x1000) } }, { kind: 'platform' }));
    expect(set(process, { fd: -1 })).toBe('ENOTTY');
    process.close(3);
    expect(set(process, { fd: -1 })).toBe('EBADF');
  });
});

describe('what is written', () => {
  test.each([
    [1, 'write 1 at 0x10: 0x88'],
    [2, 'write 2 at 0x10: 0x7788'],
    [4, 'write 4 at 0x10: 0x55667788'],
    [8, 'write 8 at 0x10: 0x1122334455667788'],
  ])('%i bytes, once for each signal, whatever was added', (flags, cycle) => {
    const process = world.open(makeDevice());
    const fd = process.eventfd();
    set(process, { flags, fd });
    expect(log).toEqual([]);
    signal(process, fd);
    signal(process, fd, 7);
    signal(process, fd, 0);
    expect([log, counted(process, fd)]).toEqual([[cycle, cycle, cycle], 0n]);
  });

  test.each(['index', 'cookie', 'scattered'] as const)('offsets of mode %s lead to the same bytes', (offsets) => {
    const device = makeDevice();
    const process = world.open(device, { offsets });
    const fd = process.eventfd();
    const at = offsetOf(process, 3);
    expect(set(process, { offset: at + 4n, fd })).toBe(0);
    signal(process, fd);
    expect(log).toEqual(['write 4 at 0x4: 0x55667788']);
    const known = process.open(device);
    expect(set(process, { offset: slot(3) + 4n, fd }, known)).toBe('EEXIST');
  });

  test('8 bytes of ports are two writes of 4, the lower first', () => {
    const process = world.open(makeDevice());
    const fd = process.eventfd();
    set(process, { offset: slot(3), flags: 8, fd });
    signal(process, fd);
    expect(log).toEqual(['write 4 at 0x0: 0x55667788', 'write 4 at 0x4: 0x11223344']);
  });

  test('an offset that no region of the file owns', () => {
    const process = world.open(makeDevice(), { offsets: 'cookie' });
    expect(set(process, { offset: slot(5), fd: 99 })).toBe('ENXIO');
  });

  test('nothing while the memory gate is closed; I/O ports have no gate', () => {
    let isOpen = false;
    const process = world.open(makeDevice(() => isOpen));
    const fd = process.eventfd();
    set(process, { fd });
    set(process, { offset: slot(3), flags: 1, fd });
    signal(process, fd);
    expect(log).toEqual(['write 1 at 0x0: 0x88']);
    isOpen = true;
    signal(process, fd);
    expect(log.slice(1).sort()).toEqual(['write 1 at 0x0: 0x88', 'write 4 at 0x10: 0x55667788']);
  });

  test('an eventfd that is signalled already: at once, and it stays signalled', () => {
    const process = world.open(makeDevice());
    const fd = process.eventfd(5);
    expect(set(process, { fd })).toBe(0);
    expect([log.length, counted(process, fd)]).toEqual([1, 5n]);
  });

  test('a semaphore gives one a signal', () => {
    const process = world.open(makeDevice());
    const fd = process.eventfd(0, EFD_SEMAPHORE);
    set(process, { fd });
    signal(process, fd, 3);
    expect([log.length, counted(process, fd), counted(process, fd), counted(process, fd)]).toEqual([1, 1n, 1n, 0n]);
  });

  test('after a reset of the function entries are as before', () => {
    const process = world.open(world.device({ 0: { region: world.hook(new Uint8Array(0x80), log) } }, { reset: true }));
    const fd = process.eventfd();
    set(process, { fd });
    process.ioctl(3, VFIO_DEVICE_RESET);
    signal(process, fd);
    expect(log.length).toBe(1);
  });
});

describe('how long an entry lives', () => {
  test('of the device, until its last file is closed', () => {
    const device = makeDevice();
    const process = world.open(device);
    const [second, fd] = [process.open(device), process.eventfd()];
    set(process, { fd });
    process.close(3);
    signal(process, fd);
    expect([log.length, set(process, { fd }, second)]).toEqual([1, 'EEXIST']);
    process.close(second);
    signal(process, fd);
    expect([log.length, counted(process, fd), device.ioeventfds.count]).toEqual([1, 1n, 0]);
  });

  test('longer than its eventfd: a second fd still fires it, and when that is closed it is still in the way', () => {
    const process = world.open(makeDevice());
    const fd = process.eventfd();
    const second = process.dup(fd);
    set(process, { fd });
    process.close(fd);
    signal(process, second);
    expect(log.length).toBe(1);
    process.close(second);
    expect([set(process, { fd: process.eventfd() }), set(process, { fd: -1 }), set(process, { fd: -1 })]).toEqual(['EEXIST', 0, 'ENODEV']);
  });

  test('a region that was destroyed is not written', () => {
    const region = world.hook(new Uint8Array(0x80), log);
    const process = world.open(world.device({ 0: { region } }));
    const fd = process.eventfd();
    set(process, { fd });
    region.destroy();
    expect([signal(process, fd), log]).toEqual([8, []]);
  });
});

describe('a device that signals in the middle of an access', () => {
  test('the write follows when the access has ended; one that its own write asks for does not', () => {
    let raise = (): void => undefined;
    const process = world.open(world.device({ 0: { region: world.hook(new Uint8Array(0x80), log, () => raise()) } }));
    const fd = process.eventfd();
    set(process, { fd });
    raise = () => void signal(process, fd);
    process.pwrite(3, new Uint8Array(8), 0x20);
    expect(log).toEqual(['write 8 at 0x20: 0x0', 'write 4 at 0x10: 0x55667788']);
  });

  test('two entries that ask for each other: each is written once', () => {
    let raise: (at: number) => void = () => undefined;
    const process = world.open(world.device({ 0: { region: world.hook(new Uint8Array(0x80), log, (at) => raise(at)) } }));
    const [ping, pong] = [process.eventfd(), process.eventfd()];
    set(process, { fd: ping });
    set(process, { offset: 0x18n, fd: pong });
    raise = (at) => void signal(process, at === 0x10 ? pong : ping);
    signal(process, ping);
    expect(log).toEqual(['write 4 at 0x10: 0x55667788', 'write 4 at 0x18: 0x55667788']);
  });

  test('what a model throws comes out of the signal; a raw call says EIO, and the entry stays', () => {
    const region = world.hook(new Uint8Array(0x80), log, () => {
      throw new RangeError('the model broke');
    });
    const process = world.open(world.device({ 0: { region } }));
    const fd = process.eventfd();
    set(process, { fd });
    expect(message(() => signal(process, fd))).toBe('the model broke');
    expect(process.raw.write(fd, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0))).toBe(-5);
    expect(set(process, { fd: -1 })).toBe(0);
  });
});

test('garbage is 0 or one of the call\'s errnos', () => {
  const process = world.open(makeDevice());
  process.eventfd();
  let seed = 1;
  const next = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
  for (let i = 0; i < 2000; i++) {
    const bytes = filled(next() % 40);
    for (let at = 0; at < bytes.length; at++) bytes[at] = next() % 3 === 0 ? next() >>> 24 : next() % 2 === 0 ? 0 : bytes[at]!;
    expectAnswer(() => process.ioctl(3, VFIO_DEVICE_IOEVENTFD, bytes), ['EFAULT', 'EINVAL', 'EEXIST', 'ENODEV', 'ENOSPC', 'EBADF']);
  }
});
