// VFIO_DEVICE_FEATURE: the envelope (section 3.1), the common check (3.2), the features that are not about migration (3.3). Each row is a request and what Linux answers.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_GET_INFO, VFIO_DEVICE_RESET } from '../../src/uapi/index.ts';
import type { Process, VfioDevice } from '../../src/vfio/index.ts';
import { World, expectAnswer, outcome } from './support.ts';

const GET = 0x10000;
const SET = 0x20000;
const PROBE = 0x40000;
const [TOKEN, ENTRY, WAKEUP, EXIT, BUS_MASTER] = [0, 3, 4, 5, 10];

let world: World;
let device: VfioDevice;
let process: Process;
beforeEach(() => {
  world = new World();
  device = world.device({ 0: { region: world.ram(0x1000) } }, { reset: true });
  process = world.open(device);
});
afterEach(() => world.end());

/** argsz, flags and payload. */
function request(flags: number, payload: readonly number[] = [], argsz = 8 + payload.length): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  new Uint32Array(bytes.buffer, 0, 2).set([argsz, flags]);
  bytes.set(payload, 8);
  return bytes;
}

const s32 = (...values: number[]): number[] => [...new Uint8Array(new Int32Array(values).buffer)];
const ask = (bytes: Uint8Array, of = process): unknown => outcome(() => of.ioctl(3, VFIO_DEVICE_FEATURE, bytes));

/** What an eventfd has counted since it was last asked. */
function counted(fd: number): number {
  const bytes = new Uint8Array(8);
  return outcome(() => process.read(fd, bytes)) === 8 ? bytes[0]! : 0;
}

describe('3.1: the envelope, before any feature', () => {
  test.each<[string, Uint8Array, unknown]>([
    ['7 bytes are there', new Uint8Array(7), 'EFAULT'],
    ['argsz 0', request(SET | ENTRY, [], 0), 'EINVAL'],
    ['argsz 7', request(SET | ENTRY, [], 7), 'EINVAL'],
    ['bit 19', request(SET | 0x80000 | ENTRY), 'EINVAL'],
    ['bit 31', request(0x80000000 | PROBE | ENTRY), 'EINVAL'],
    ['bit 19 with a feature that is not there', request(GET | 0x80000 | 99), 'EINVAL'],
    ['GET and SET of a feature that is there', request(GET | SET | ENTRY), 'EINVAL'],
    ['GET and SET of a feature that is not there', request(GET | SET | 99), 'EINVAL'],
    ['argsz 7 before a feature that is not there', request(GET | 99, [], 7), 'EINVAL'],
    ['a feature that is not there before no operation at all', request(99), 'ENOTTY'],
    ['feature 65535', request(PROBE | 0xffff), 'ENOTTY'],
    ['argsz 2^32-1', request(SET | ENTRY, [], 0xffff_ffff), 0],
  ])('%s', (_, bytes, expected) => {
    const before = bytes.slice();
    expect(ask(bytes)).toBe(expected);
    expect(bytes).toEqual(before);
  });
});

describe('3.3: the errno summary of a device without migration, DMA logging and virtual functions', () => {
  const absent = [0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 100];
  const lowPower = [ENTRY, WAKEUP, EXIT];
  test.each<[string, readonly number[], number, unknown]>([
    ['GET of what is not there', absent, GET, 'ENOTTY'],
    ['SET of what is not there', absent, SET, 'ENOTTY'],
    ['PROBE of what is not there', absent, PROBE, 'ENOTTY'],
    ['PROBE, GET and SET of what is not there', absent, PROBE | GET | SET, 'ENOTTY'],
    ['no operation on what is not there', absent, 0, 'ENOTTY'],
    ['PROBE of low power', lowPower, PROBE, 0],
    ['PROBE and SET of low power', lowPower, PROBE | SET, 0],
    ['PROBE and GET of low power', lowPower, PROBE | GET, 'EINVAL'],
    ['PROBE, GET and SET of low power', lowPower, PROBE | GET | SET, 'EINVAL'],
    ['GET of low power', lowPower, GET, 'EINVAL'],
    ['no operation on low power', lowPower, 0, 'EINVAL'],
    ['GET and SET of anything', [...absent, ...lowPower], GET | SET, 'EINVAL'],
  ])('%s', (_, indices, flags, expected) => {
    for (const index of indices) {
      expect([index, ask(request(flags | index, s32(-1, 0)))]).toEqual([index, expected]);
      // A probe does not look at argsz beyond the envelope, nor do the refusals.
      expect([index, ask(request(flags | index))]).toEqual([index, expected]);
    }
    expect(device.lowPower.engaged).toBe(false);
  });

  test('SET of 4 with argsz 8 to 15', () => {
    for (let argsz = 8; argsz < 16; argsz++) expect(ask(request(SET | WAKEUP, s32(-1, 0), argsz))).toBe('EINVAL');
  });

  test('a device that is no PCI device has no low power', () => {
    const platform = world.open(world.device({ 0: { region: world.ram(0x1000) } }, { kind: 'platform' }));
    for (const index of [...absent, ...lowPower]) expect(ask(request(PROBE | index), platform)).toBe('ENOTTY');
  });
});

describe('3.3, 0: PCI_VF_TOKEN', () => {
  const uuid = Array.from({ length: 16 }, (_, i) => 0xf0 + i);

  test('is stored, and outlives the file', () => {
    const physical = world.device({}, { physicalFunction: true });
    const user = world.open(physical);
    const bytes = request(SET | TOKEN, uuid);
    const before = bytes.slice();
    expect(ask(bytes, user)).toBe(0);
    expect(bytes).toEqual(before);
    user.close(3);
    expect([...physical.vfToken!.bytes]).toEqual(uuid);
  });

  test.each<[string, Uint8Array, unknown]>([
    ['GET is refused on purpose', request(GET | TOKEN, uuid), 'EINVAL'],
    ['PROBE and GET', request(PROBE | GET | TOKEN), 'EINVAL'],
    ['PROBE and SET', request(PROBE | SET | TOKEN), 0],
    ['15 bytes', request(SET | TOKEN, uuid, 23), 'EINVAL'],
    ['bytes that are not there', request(SET | TOKEN, uuid.slice(1), 24), 'EFAULT'],
  ])('%s', (_, bytes, expected) => {
    const physical = world.device({}, { physicalFunction: true });
    expect(ask(bytes, world.open(physical))).toBe(expected);
    expect([...physical.vfToken!.bytes]).toEqual(new Array(16).fill(0));
  });

  test('a device that is no physical function has none', () => expect(device.vfToken).toBeUndefined());
});

describe('3.3, 3 to 5: low power', () => {
  test('entered once, left as often as one likes', () => {
    expect(ask(request(SET | EXIT))).toBe(0);
    expect(ask(request(SET | ENTRY))).toBe(0);
    expect([device.lowPower.engaged, device.lowPower.suspended]).toEqual([true, true]);
    expect(ask(request(SET | ENTRY))).toBe('EINVAL');
    expect([ask(request(SET | EXIT)), ask(request(SET | EXIT))]).toEqual([0, 0]);
    expect([device.lowPower.engaged, device.lowPower.suspended]).toEqual([false, false]);
    expect(ask(request(SET | ENTRY))).toBe(0);
  });

  test('without a wakeup, calls work and it stays engaged; all files share it', () => {
    ask(request(SET | ENTRY));
    expect(process.ioctl(3, VFIO_DEVICE_GET_INFO, request(0, new Array<number>(16).fill(0)))).toBe(0);
    expect(process.pread(3, new Uint8Array(4), 0)).toBe(4);
    expect(process.ioctl(3, VFIO_DEVICE_RESET)).toBe(0);
    expect(device.lowPower.engaged).toBe(true);
    expect(ask(request(SET | ENTRY), world.open(device))).toBe('EINVAL');
  });

  test.each<[string, readonly number[], number | undefined, unknown]>([
    ['a negative fd', s32(-1, 0), undefined, 'EINVAL'],
    ['another negative fd', s32(-2147483648, 0), undefined, 'EINVAL'],
    ['a closed fd', s32(99, 0), undefined, 'EBADF'],
    ['a device', s32(3, 0), undefined, 'EINVAL'],
    ['bytes that are not there', s32(4), 16, 'EFAULT'],
  ])('ENTRY_WITH_WAKEUP: %s', (_, payload, argsz, expected) => {
    expect(ask(request(SET | WAKEUP, payload, argsz))).toBe(expected);
    expect(device.lowPower.engaged).toBe(false);
    // The fd is looked at before whether low power was entered.
    ask(request(SET | ENTRY));
    expect(ask(request(SET | WAKEUP, payload, argsz))).toBe(expected);
  });

  test('engaged before: EINVAL, and the eventfd is not kept', () => {
    const fd = process.eventfd();
    ask(request(SET | ENTRY));
    expect(ask(request(SET | WAKEUP, s32(fd, 0)))).toBe('EINVAL');
    process.pread(3, new Uint8Array(4), 0);
    expect([device.lowPower.engaged, counted(fd)]).toEqual([true, 0]);
  });

  test.each<[string, () => unknown]>([
    ['a read', () => process.pread(3, new Uint8Array(4), 0)],
    ['a write', () => process.pwrite(3, new Uint8Array(4), 0)],
    ['a read of a region that is absent', () => process.pread(3, new Uint8Array(4), 1n << 40n)],
    ['an ioctl', () => process.ioctl(3, VFIO_DEVICE_RESET)],
    ['an ioctl that does not exist', () => process.ioctl(3, 0x3bff)],
    ['LOW_POWER_EXIT itself', () => process.ioctl(3, VFIO_DEVICE_FEATURE, request(SET | EXIT))],
    ['the host', () => device.lowPower.wake()],
  ])('%s wakes: one signal, and low power is over', (_, call) => {
    const fd = process.eventfd();
    expect(ask(request(SET | WAKEUP, s32(fd, 0x5555)))).toBe(0);
    expect([device.lowPower.engaged, counted(fd)]).toEqual([true, 0]);
    outcome(call);
    outcome(call);
    expect([device.lowPower.engaged, counted(fd)]).toEqual([false, 1]);
  });

  test('what does not reach the device does not wake it', () => {
    const fd = process.eventfd();
    ask(request(SET | WAKEUP, s32(fd, 0)));
    process.pread(3, new Uint8Array(0), 0);
    outcome(() => process.pread(3, new Uint8Array(4), 99n << 40n));
    process.mmap(0x1000, 3, 1, 3, 0);
    expect([device.lowPower.engaged, counted(fd)]).toEqual([true, 0]);
  });

  test('a device that the host keeps awake never signals, and is engaged until EXIT', () => {
    device = world.device({ 0: { region: world.ram(0x1000) } }, { suspends: false });
    process = world.open(device);
    const fd = process.eventfd();
    ask(request(SET | WAKEUP, s32(fd, 0)));
    process.pread(3, new Uint8Array(4), 0);
    expect([device.lowPower.engaged, device.lowPower.suspended, counted(fd)]).toEqual([true, false, 0]);
    expect(ask(request(SET | WAKEUP, s32(fd, 0)))).toBe('EINVAL');
    expect(ask(request(SET | EXIT))).toBe(0);
    expect([device.lowPower.engaged, counted(fd)]).toEqual([false, 0]);
  });

  test('a listener that calls the device again hears of it once', () => {
    const fd = process.eventfd();
    process.onEvent(fd, () => process.pread(3, new Uint8Array(4), 0));
    ask(request(SET | WAKEUP, s32(fd, 0)));
    process.pread(3, new Uint8Array(4), 0);
    expect(counted(fd)).toBe(1);
  });

  test('the last close leaves it without a signal', () => {
    const fd = process.eventfd();
    const other = world.open(device);
    ask(request(SET | WAKEUP, s32(fd, 0)));
    other.close(3);
    expect(device.lowPower.engaged).toBe(true);
    process.close(3);
    expect([device.lowPower.engaged, counted(fd)]).toEqual([false, 0]);
  });
});

describe('3.3, 10: BUS_MASTER of a CDX device', () => {
  const told: boolean[] = [];
  beforeEach(() => {
    told.length = 0;
    device = world.device({ 0: { region: world.ram(0x1000) } }, { kind: 'cdx', busMaster: (enable) => told.push(enable) });
    process = world.open(device);
  });

  test('is told each op', () => {
    for (const op of [1, 0, 1, 1]) expect(ask(request(SET | BUS_MASTER, s32(op)))).toBe(0);
    expect(told).toEqual([true, false, true, true]);
  });

  test.each<[string, Uint8Array, unknown]>([
    ['op 2', request(SET | BUS_MASTER, s32(2)), 'EINVAL'],
    ['op -1', request(SET | BUS_MASTER, s32(-1)), 'EINVAL'],
    ['GET', request(GET | BUS_MASTER, s32(1)), 'EINVAL'],
    ['3 bytes', request(SET | BUS_MASTER, s32(2), 11), 'EINVAL'],
    ['bytes that are not there', request(SET | BUS_MASTER, [1], 12), 'EFAULT'],
    ['PROBE and SET', request(PROBE | SET | BUS_MASTER), 0],
  ])('%s', (_, bytes, expected) => {
    expect(ask(bytes)).toBe(expected);
    expect(told).toEqual([]);
  });

  test('a CDX device whose bus cannot tell it, and other devices, have none', () => {
    for (const more of [{ kind: 'cdx' }, { kind: 'pci', busMaster: () => undefined }] as const) {
      expect(ask(request(SET | BUS_MASTER, s32(1)), world.open(world.device({}, more)))).toBe('ENOTTY');
    }
  });

  test('has no read and write, not of 0 bytes either', () => {
    for (const length of [0, 4]) {
      expect(outcome(() => process.pread(3, new Uint8Array(length), 0))).toBe('EINVAL');
      expect(outcome(() => process.write(3, new Uint8Array(length)))).toBe('EINVAL');
    }
    expect(process.mmap(0x1000, 3, 1, 3, 0)).toBeGreaterThan(0);
  });

  test('GET_INFO says what it is', () => {
    const info = request(0, new Array<number>(16).fill(0));
    process.ioctl(3, VFIO_DEVICE_GET_INFO, info);
    expect(new DataView(info.buffer).getUint32(4, true)).toBe(0x100);
  });
});

test('any bytes are an errno or 0', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(20), fc.nat(7), (bytes, index, ops) => {
      if (bytes.length >= 8) new DataView(bytes.buffer).setUint32(4, (ops << 16) | index, true);
      expectAnswer(() => process.ioctl(3, VFIO_DEVICE_FEATURE, bytes), ['EFAULT', 'EINVAL', 'ENOTTY', 'EBADF']);
    }),
  );
});
