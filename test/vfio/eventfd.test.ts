// Eventfds: a counter behind an fd, as eventfd(2) says.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { EFD_NONBLOCK, EFD_SEMAPHORE, Process } from '../../src/vfio/index.ts';
import { outcome } from './support.ts';

const u64 = (value: bigint): Uint8Array => new Uint8Array(new BigUint64Array([value]).buffer);
const MAX = 0xffff_ffff_ffff_ffffn;

let process: Process;
beforeEach(() => {
  process = new Process(createEngine());
});

function read(fd: number): unknown {
  const bytes = new Uint8Array(8);
  const result = outcome(() => process.read(fd, bytes));
  return result === 8 ? new DataView(bytes.buffer).getBigUint64(0, true) : result;
}

describe('eventfd', () => {
  test('a read takes all that was written, then there is nothing', () => {
    const fd = process.eventfd(3);
    expect(process.write(fd, u64(4n))).toBe(8);
    expect([read(fd), read(fd)]).toEqual([7n, 'EAGAIN']);
  });

  test('EFD_SEMAPHORE: a read takes one', () => {
    const fd = process.eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    expect([read(fd), read(fd), read(fd)]).toEqual([1n, 1n, 'EAGAIN']);
  });

  test('2^64-1 cannot be written, and nothing that would pass 2^64-2', () => {
    const fd = process.eventfd();
    expect(outcome(() => process.write(fd, u64(MAX)))).toBe('EINVAL');
    expect(process.write(fd, u64(MAX - 1n))).toBe(8);
    expect(outcome(() => process.write(fd, u64(1n)))).toBe('EAGAIN');
    expect(process.write(fd, u64(0n))).toBe(8);
    expect(read(fd)).toBe(MAX - 1n);
  });

  test.each([0, 1, 7])('%i bytes are EINVAL both ways', (length) => {
    const fd = process.eventfd(1);
    expect(outcome(() => process.read(fd, new Uint8Array(length)))).toBe('EINVAL');
    expect(outcome(() => process.write(fd, new Uint8Array(length)))).toBe('EINVAL');
    expect(read(fd)).toBe(1n);
  });

  test('more than 8 bytes move 8', () => {
    const fd = process.eventfd(5);
    const bytes = new Uint8Array(12).fill(0xaa);
    expect(process.read(fd, bytes)).toBe(8);
    expect([...bytes.subarray(6)]).toEqual([0, 0, 0xaa, 0xaa, 0xaa, 0xaa]);
  });

  test('a buffer that is not there is EFAULT', () => {
    const fd = process.eventfd(5);
    expect(outcome(() => process.read(fd, { address: 0x1000, length: 8 }))).toBe('EFAULT');
    expect(outcome(() => process.write(fd, { address: 0x1000, length: 8 }))).toBe('EFAULT');
  });

  test('what it has no operation for', () => {
    const fd = process.eventfd();
    expect(process.lseek(fd)).toBe(0);
    expect(outcome(() => process.ioctl(fd, 0x3b6b, new Uint8Array(24)))).toBe('ENOTTY');
    expect(outcome(() => process.mmap(4096, 3, 1, fd, 0))).toBe('ENODEV');
  });

  test('flags that are none are EINVAL, and fds run out', () => {
    expect(outcome(() => process.eventfd(0, 0x2))).toBe('EINVAL');
    const few = new Process(createEngine(), { maxFds: 4 });
    expect(few.eventfd()).toBe(3);
    expect(outcome(() => few.eventfd())).toBe('EMFILE');
  });

  test('dup is the same counter, which lives until both are closed', () => {
    const fd = process.eventfd(1);
    const second = process.dup(fd);
    process.close(fd);
    expect(read(second)).toBe(1n);
    expect(outcome(() => process.read(fd, new Uint8Array(8)))).toBe('EBADF');
  });

  test('a listener hears each write until it stops or the file is closed', () => {
    const fd = process.eventfd();
    let heard = 0;
    const stop = process.onEvent(fd, () => heard++);
    process.write(fd, u64(1n));
    process.write(fd, u64(0n));
    stop();
    process.write(fd, u64(1n));
    expect(heard).toBe(2);
    expect(outcome(() => process.onEvent(99, () => undefined))).toBe('EBADF');
  });
});
