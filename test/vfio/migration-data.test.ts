// The data fds of a migration: sections 1.14 and 3.4, data_fd rules. What a read, a write, a poll and the ioctl answer in every state of a session.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_MIG_GET_PRECOPY_INFO } from '../../src/uapi/index.ts';
import { POLLIN, POLLNVAL, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { S, TestModel, setState, stateOf } from './migration-model.ts';
import { World, hexOf, outcome } from './support.ts';

const ALL = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP;

let world: World;
let model: TestModel;
let device: VfioDevice;
let process: Process;

function make(manner: 'mlx5' | 'mtty' = 'mlx5', flags = 7): void {
  model = new TestModel(flags, manner);
  device = world.device({}, { migration: model, reset: true });
  process = world.open(device);
}

beforeEach(() => {
  world = new World();
  make();
});
afterEach(() => world.end());

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

/** What a read of `length` bytes gives: the bytes in hex, or the errno's name. */
function read(fd: number, length: number): unknown {
  const buffer = new Uint8Array(length);
  const count = outcome(() => process.read(fd, buffer));
  return typeof count === 'number' ? hexOf(buffer.subarray(0, count)) : count;
}

function info(fd: number, argsz = 24, flags = 0x77): unknown {
  const buffer = new Uint8Array(24).fill(0xaa);
  new Uint32Array(buffer.buffer, 0, 2).set([argsz, flags]);
  const result = outcome(() => process.ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, buffer));
  if (result !== 0) return result;
  const view = new DataView(buffer.buffer);
  expect(hexOf(buffer.subarray(0, 8))).toBe('1800000077000000');
  return [Number(view.getBigUint64(8, true)), Number(view.getBigUint64(16, true))];
}

describe('a save fd, read', () => {
  test('through the temporary end, what changes, and the end', () => {
    model.first = [bytes(1, 2, 3), bytes(4)];
    const { fd } = setState(process, S.PRE_COPY);
    expect([read(fd, 2), read(fd, 8), read(fd, 8)]).toEqual(['0102', '0304', 'ENOMSG']);
    model.changed = [bytes(5, 6)];
    expect([read(fd, 1), read(fd, 8), read(fd, 8)]).toEqual(['05', '06', 'ENOMSG']);
    setState(process, S.PRE_COPY_P2P);
    expect(read(fd, 8)).toBe('ENOMSG');
    model.last = [bytes(7), bytes(8, 9)];
    expect(setState(process, S.STOP_COPY).fd).toBe(-1);
    expect([read(fd, 2), read(fd, 8), read(fd, 8), read(fd, 8)]).toEqual(['0708', '09', '', '']);
    setState(process, S.STOP);
    expect([read(fd, 8), read(fd, 0)]).toEqual(['ENODEV', 'ENODEV']);
  });

  test('what was not read before the device stops is read afterwards', () => {
    model.first = [bytes(1, 2, 3)];
    model.last = [bytes(4)];
    const { fd } = setState(process, S.PRE_COPY);
    expect(read(fd, 1)).toBe('01');
    setState(process, S.STOP_COPY);
    expect([read(fd, 2), read(fd, 8), read(fd, 8)]).toEqual(['0203', '04', '']);
  });

  test('bytes that are not ready: EAGAIN once the device has stopped, ENOMSG before', () => {
    model.changed = [undefined, bytes(1)];
    const { fd } = setState(process, S.PRE_COPY);
    expect([read(fd, 4), read(fd, 4)]).toEqual(['ENOMSG', '01']);
    model.last = [bytes(2), undefined, undefined, bytes(3)];
    setState(process, S.STOP_COPY);
    expect([read(fd, 4), read(fd, 4), read(fd, 4), read(fd, 4)]).toEqual(['02', 'EAGAIN', '03', '']);
  });

  test('0 bytes are 0 in every living session', () => {
    const { fd } = setState(process, S.PRE_COPY);
    expect(read(fd, 0)).toBe('');
  });

  test('a buffer that is not there is EFAULT, and nothing is lost', () => {
    model.last = [bytes(1, 2)];
    const { fd } = setState(process, S.STOP_COPY);
    expect(outcome(() => process.read(fd, { address: 0x1000, length: 8 }))).toBe('EFAULT');
    expect(read(fd, 8)).toBe('0102');
  });

  test('a device that breaks while it is read: its exception once, then ENODEV', () => {
    const { fd } = setState(process, S.STOP_COPY);
    model.fault = { step: 'next', how: 'break' };
    expect([read(fd, 8), read(fd, 8)]).toEqual(['Error', 'ENODEV']);
    expect(stateOf(process)).toBe('STOP_COPY');
  });

  test('it cannot be written, and has no offsets', () => {
    const { fd } = setState(process, S.PRE_COPY);
    expect(outcome(() => process.write(fd, bytes(1)))).toBe('EBADF');
    expect(outcome(() => process.pread(fd, bytes(1), 0))).toBe('ESPIPE');
    expect(outcome(() => process.pwrite(fd, bytes(1), 0))).toBe('ESPIPE');
    expect(outcome(() => process.pread(fd, bytes(1), 1n << 63n))).toBe('EINVAL');
    expect(outcome(() => process.lseek(fd))).toBe('ESPIPE');
    expect(outcome(() => process.mmap(4096, 1, 1, fd, 0))).toBe('ENODEV');
  });

  test('closing it early changes nothing of the device', () => {
    const { fd } = setState(process, S.PRE_COPY);
    process.close(fd);
    expect(setState(process, S.STOP_COPY)).toEqual({ result: 0, state: S.STOP_COPY, fd: -1 });
    expect(setState(process, S.RUNNING).result).toBe(0);
    expect(setState(process, S.PRE_COPY).fd).toBe(fd);
  });

  test('a copy of the fd goes on where the other is, and lives as long as one of them', () => {
    model.last = [bytes(1, 2)];
    const { fd } = setState(process, S.STOP_COPY);
    const second = process.dup(fd);
    expect(read(fd, 1)).toBe('01');
    process.close(fd);
    expect([read(second, 8), read(second, 8)]).toEqual(['02', '']);
  });

  test('the old session stays dead while a new one lives', () => {
    model.first = [bytes(1)];
    const old = setState(process, S.PRE_COPY).fd;
    setState(process, S.RUNNING);
    const young = setState(process, S.PRE_COPY).fd;
    expect([read(old, 1), read(young, 1)]).toEqual(['ENODEV', '01']);
    expect([info(old), info(young)]).toEqual(['ENODEV', [0, 0]]);
  });
});

describe('1.14: VFIO_MIG_GET_PRECOPY_INFO', () => {
  test('initial bytes fall, and what changes is told when they are gone', () => {
    model.first = [bytes(1, 2, 3, 4)];
    model.changed = [bytes(5, 6, 7)];
    const { fd } = setState(process, S.PRE_COPY);
    expect(info(fd)).toEqual([4, 0]);
    read(fd, 3);
    expect(info(fd)).toEqual([1, 0]);
    read(fd, 1);
    expect(info(fd)).toEqual([0, 3]);
    read(fd, 1);
    expect(info(fd)).toEqual([0, 2]);
    model.changed.push(bytes(8));
    setState(process, S.PRE_COPY_P2P);
    expect(info(fd)).toEqual([0, 3]);
    read(fd, 8);
    read(fd, 8);
    expect(info(fd)).toEqual([0, 0]);
  });

  test('a poll that has looked for bytes does not change what is told', () => {
    model.first = [bytes(1, 2)];
    const { fd } = setState(process, S.PRE_COPY);
    process.poll(fd, POLLIN);
    expect(info(fd)).toEqual([2, 0]);
  });

  test.each<[string, (fd: number) => unknown, unknown]>([
    ['another request', (fd) => outcome(() => process.ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO + 1, new Uint8Array(24))), 'ENOTTY'],
    ['another request without memory', (fd) => outcome(() => process.ioctl(fd, 0x3b64)), 'ENOTTY'],
    ['23 bytes of memory', (fd) => outcome(() => process.ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, new Uint8Array(23))), 'EFAULT'],
    ['argsz 23', (fd) => info(fd, 23), 'EINVAL'],
    ['argsz 0', (fd) => info(fd, 0), 'EINVAL'],
  ])('%s', (_, call, expected) => {
    expect(call(setState(process, S.PRE_COPY).fd)).toBe(expected);
  });

  test('the state is looked at before the session: EINVAL outside of pre-copy, also where it is over', () => {
    const { fd } = setState(process, S.PRE_COPY);
    setState(process, S.STOP_COPY);
    expect([info(fd), info(fd, 23)]).toEqual(['EINVAL', 'EINVAL']);
    setState(process, S.RUNNING);
    expect(info(fd)).toBe('EINVAL');
  });

  test('a resume fd has no ioctl', () => {
    const { fd } = setState(process, S.RESUMING);
    expect(outcome(() => process.ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, new Uint8Array(24)))).toBe('ENOTTY');
  });
});

describe('a resume fd', () => {
  test('takes bytes cut anywhere, and gives none', () => {
    const { fd } = setState(process, S.RESUMING);
    expect([process.write(fd, bytes(1, 2)), process.write(fd, bytes()), process.write(fd, bytes(3))]).toEqual([2, 0, 1]);
    expect(model.written).toEqual([1, 2, 3]);
    expect(read(fd, 1)).toBe('EBADF');
    expect(outcome(() => process.pwrite(fd, bytes(1), 0))).toBe('ESPIPE');
    expect(outcome(() => process.write(fd, { address: 0x1000, length: 1 }))).toBe('EFAULT');
    expect(setState(process, S.STOP)).toEqual({ result: 0, state: S.STOP, fd: -1 });
    expect(outcome(() => process.write(fd, bytes(4)))).toBe('ENODEV');
  });

  test('a write that is refused ends the session, and RESUMING can be left by a reset alone', () => {
    const { fd } = setState(process, S.RESUMING);
    model.fault = { step: 'write', how: 'throw' };
    expect(outcome(() => process.write(fd, bytes(1)))).toBe('EBUSY');
    model.fault = undefined;
    expect(outcome(() => process.write(fd, bytes(1)))).toBe('ENODEV');
    expect(setState(process, S.RUNNING).result).toBe('EINVAL');
    expect(stateOf(process)).toBe('RESUMING');
    device.reset();
    expect(stateOf(process)).toBe('RUNNING');
  });

  test('a stream that the device does not like is told when it is complete, and more of it may come', () => {
    const { fd } = setState(process, S.RESUMING);
    model.fault = { step: 'finish load', how: 'throw' };
    expect(setState(process, S.STOP).result).toBe('EBUSY');
    expect(stateOf(process)).toBe('RESUMING');
    expect(process.write(fd, bytes(1))).toBe(1);
    model.fault = undefined;
    expect(setState(process, S.STOP).result).toBe(0);
  });
});

describe('poll', () => {
  test('of a save fd: bytes, the end of the stream, a dead session', () => {
    model.first = [bytes(1)];
    const { fd } = setState(process, S.PRE_COPY);
    const poll = (): number => process.poll(fd, ALL);
    expect(poll()).toBe(POLLIN | POLLRDNORM);
    read(fd, 8);
    expect(poll()).toBe(0);
    model.last = [bytes(2), undefined];
    setState(process, S.STOP_COPY);
    expect(poll()).toBe(POLLIN | POLLRDNORM);
    read(fd, 1);
    expect([poll(), poll()]).toEqual([0, POLLIN | POLLRDNORM]);
    setState(process, S.STOP);
    expect([poll(), process.poll(fd, POLLIN)]).toEqual([POLLIN | POLLRDNORM | POLLRDHUP, POLLIN]);
  });

  test('of other files: what is always ready, a counter, and no file', () => {
    const { fd } = setState(process, S.RESUMING);
    expect([process.poll(fd, ALL), process.poll(3, ALL)]).toEqual([ALL & ~POLLRDHUP, ALL & ~POLLRDHUP]);
    const event = process.eventfd();
    expect(process.poll(event, ALL)).toBe(POLLOUT);
    process.write(event, new Uint8Array(new BigUint64Array([0xffff_ffff_ffff_fffen]).buffer));
    expect(process.poll(event, ALL)).toBe(POLLIN);
    expect([process.poll(99, 0), process.raw.poll(99, POLLIN)]).toEqual([POLLNVAL, POLLNVAL]);
    expect(process.poll(-1, ALL)).toBe(0);
    expect(outcome(() => process.poll(3, -1))).toBe('RangeError');
  });
});

describe('the manner of mtty', () => {
  beforeEach(() => make('mtty'));

  test('the temporary end is 0 bytes, and poll is always ready', () => {
    model.first = [bytes(1)];
    const { fd } = setState(process, S.PRE_COPY);
    expect([read(fd, 8), read(fd, 8)]).toEqual(['01', '']);
    expect(process.poll(fd, ALL)).toBe(ALL & ~POLLRDHUP);
  });

  test('more than the stream has is ENOMEM, before memory and session are looked at; a refused write does not end the session', () => {
    const { fd } = setState(process, S.RESUMING);
    expect(process.write(fd, new Uint8Array(4))).toBe(4);
    expect(outcome(() => process.write(fd, { address: 0x1000, length: 7 }))).toBe('ENOMEM');
    model.fault = { step: 'write', how: 'throw' };
    expect(outcome(() => process.write(fd, new Uint8Array(4)))).toBe('EBUSY');
    model.fault = undefined;
    // The four bytes were counted.
    expect(outcome(() => process.write(fd, new Uint8Array(3)))).toBe('ENOMEM');
    expect(process.write(fd, new Uint8Array(2))).toBe(2);
    expect(setState(process, S.STOP).result).toBe(0);
    expect(outcome(() => process.write(fd, new Uint8Array(10)))).toBe('ENODEV');
    expect(outcome(() => process.write(fd, new Uint8Array(11)))).toBe('ENOMEM');
  });
});
