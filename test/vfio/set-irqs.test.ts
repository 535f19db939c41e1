// VFIO_DEVICE_SET_IRQS: the common checks in the kernel's order (section 5.1 and 5.2), ERR and REQ (5.5). Each row is a request and what Linux answers.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_SET_IRQS } from '../../src/uapi/index.ts';
import { type Process } from '../../src/vfio/index.ts';
import { World, outcome } from './support.ts';

const NONE = 1;
const BOOL = 2;
const EVENTFD = 4;
const MASK = 8;
const UNMASK = 16;
const TRIGGER = 32;

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

/** A request; `data` are s32 for EVENTFD, else bytes. */
function request(flags: number, index: number, start: number, count: number, data: readonly number[] = [], argsz?: number): Uint8Array {
  const payload = (flags & EVENTFD) !== 0 ? new Uint8Array(new Int32Array(data).buffer) : new Uint8Array(data);
  const bytes = new Uint8Array(20 + payload.length);
  new Uint32Array(bytes.buffer, 0, 5).set([argsz ?? bytes.length, flags, index, start, count]);
  bytes.set(payload, 20);
  return bytes;
}

function open(express = true): Process {
  return world.open(world.device({ 0: { region: world.ram(0x4000) } }, { msix: { bar: 0, offset: 0, count: 8 }, interrupts: { intx: true, msi: 4, express } }));
}

const set = (process: Process, bytes: Uint8Array): unknown => outcome(() => process.ioctl(3, VFIO_DEVICE_SET_IRQS, bytes));

describe('5.1: the order of checks', () => {
  test.each<[string, Uint8Array, unknown]>([
    ['19 bytes are there: EFAULT', new Uint8Array(19), 'EFAULT'],
    ['argsz 19', request(NONE | TRIGGER, 1, 0, 0, [], 19), 'EINVAL'],
    ['index 5', request(NONE | TRIGGER, 5, 0, 0), 'EINVAL'],
    ['count 2^32-1 - start', request(NONE | TRIGGER, 2, 3, 0xffff_fffc), 'EINVAL'],
    ['a flag beyond 0x3f', request(NONE | TRIGGER | 0x40, 2, 0, 1), 'EINVAL'],
    ['start at the number of vectors, count 0', request(NONE | TRIGGER, 2, 8, 0), 'EINVAL'],
    ['one vector too many', request(NONE | TRIGGER, 2, 1, 8), 'EINVAL'],
    ['no data type', request(TRIGGER, 2, 0, 1), 'EINVAL'],
    ['two data types', request(NONE | BOOL | TRIGGER, 2, 0, 1, [1]), 'EINVAL'],
    ['argsz without room for a byte a vector', request(BOOL | TRIGGER, 2, 0, 2, [1, 1], 21), 'EINVAL'],
    ['argsz without room for an fd a vector', request(EVENTFD | TRIGGER, 2, 0, 2, [-1, -1], 27), 'EINVAL'],
    ['data that are not there', request(EVENTFD | TRIGGER, 2, 0, 2, [-1], 28), 'EFAULT'],
    ['no action', request(NONE, 2, 0, 1), 'ENOTTY'],
    ['two actions', request(NONE | MASK | TRIGGER, 2, 0, 1), 'ENOTTY'],
    ['bad range before no data type', request(TRIGGER, 2, 9, 1), 'EINVAL'],
    ['missing data before no action', request(BOOL, 2, 0, 2, [1], 22), 'EFAULT'],
    ['MASK of MSI', request(NONE | MASK, 1, 0, 1), 'ENOTTY'],
    ['UNMASK of MSI-X', request(NONE | UNMASK, 2, 0, 1), 'ENOTTY'],
    ['MASK of ERR', request(NONE | MASK, 3, 0, 1), 'ENOTTY'],
    ['UNMASK of REQ', request(NONE | UNMASK, 4, 0, 1), 'ENOTTY'],
    ['extra bytes in argsz are ignored', request(EVENTFD | TRIGGER, 4, 0, 1, [-1], 4096), 0],
  ])('%s', (_, bytes, expected) => {
    const before = bytes.slice();
    expect(set(open(), bytes)).toBe(expected);
    expect(bytes).toEqual(before);
  });

  test('an index without vectors is EINVAL, also to turn it off', () => {
    const process = world.open(world.device({ 0: { region: world.ram(0x4000) } }));
    for (const index of [0, 1, 2, 3]) expect(set(process, request(NONE | TRIGGER, index, 0, 0))).toBe('EINVAL');
  });

  test('a closed fd is EBADF', () => {
    const process = open();
    process.close(3);
    expect(set(process, request(NONE | TRIGGER, 4, 0, 1))).toBe('EBADF');
  });
});

describe.each([[3, 'ERR'], [4, 'REQ']])('5.5: index %i, %s', (index) => {
  test('each row', () => {
    const process = open();
    const fd = process.eventfd();
    const count = (): bigint => {
      const bytes = new Uint8Array(8);
      return outcome(() => process.read(fd, bytes)) === 8 ? new DataView(bytes.buffer).getBigUint64(0, true) : 0n;
    };
    const rows: [Uint8Array, unknown, bigint][] = [
      [request(NONE | TRIGGER, index, 0, 0), 'EINVAL', 0n],
      [request(NONE | TRIGGER, index, 0, 1), 'EINVAL', 0n],
      [request(BOOL | TRIGGER, index, 0, 0), 'EINVAL', 0n],
      [request(BOOL | TRIGGER, index, 0, 1, [1]), 0, 0n],
      [request(EVENTFD | TRIGGER, index, 0, 0), 'EINVAL', 0n],
      [request(EVENTFD | TRIGGER, index, 0, 1, [-1]), 0, 0n],
      [request(EVENTFD | TRIGGER, index, 0, 1, [-2]), 'EINVAL', 0n],
      [request(EVENTFD | TRIGGER, index, 0, 1, [99]), 'EBADF', 0n],
      [request(EVENTFD | TRIGGER, index, 0, 1, [3]), 'EINVAL', 0n],
      [request(EVENTFD | TRIGGER, index, 0, 1, [fd]), 0, 0n],
      [request(NONE | TRIGGER, index, 0, 1), 0, 1n],
      [request(BOOL | TRIGGER, index, 0, 1, [0]), 0, 0n],
      [request(BOOL | TRIGGER, index, 0, 1, [7]), 0, 1n],
      [request(NONE | TRIGGER, index, 0, 0), 0, 0n],
      [request(NONE | TRIGGER, index, 0, 1), 'EINVAL', 0n],
    ];
    for (const [bytes, expected, signalled] of rows) expect([set(process, bytes), count()]).toEqual([expected, signalled]);
  });

  test('the device side signals who asked', () => {
    const device = world.device({}, { interrupts: { express: true } });
    const process = world.open(device);
    const notification = index === 3 ? device.interrupts.err : device.interrupts.req;
    expect(notification.signal()).toBe(false);
    const fd = process.eventfd();
    process.ioctl(3, VFIO_DEVICE_SET_IRQS, request(EVENTFD | TRIGGER, index, 0, 1, [fd]));
    expect(notification.signal()).toBe(true);
    expect(process.read(fd, new Uint8Array(8))).toBe(8);
    process.close(3);
    expect(notification.signal()).toBe(false);
  });
});

test('ERR of a device that is not PCI Express is EINVAL', () => {
  expect(set(open(false), request(NONE | TRIGGER, 3, 0, 1))).toBe('EINVAL');
});
