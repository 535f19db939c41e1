// errno names and numbers, and the error that carries one.

import { constants as os } from 'node:os';
import { describe, test, expect } from '@jest/globals';
import { ERRNO, errnoName, VfioError } from '../../src/uapi/index.ts';
import type { ErrnoName } from '../../src/uapi/index.ts';

// Every errno that the behaviour text names.
const needed: [ErrnoName, number][] = [
  ['EPERM', 1], ['ENOENT', 2], ['EINTR', 4], ['EIO', 5], ['ENXIO', 6], ['E2BIG', 7], ['EBADF', 9], ['EAGAIN', 11], ['ENOMEM', 12], ['EACCES', 13],
  ['EFAULT', 14], ['EBUSY', 16], ['EEXIST', 17], ['ENODEV', 19], ['EINVAL', 22], ['EMFILE', 24], ['ENOTTY', 25], ['ENOSPC', 28], ['ESPIPE', 29],
  ['ERANGE', 34], ['EDEADLK', 35], ['ENOMSG', 42], ['EOVERFLOW', 75], ['EBADFD', 77], ['EMSGSIZE', 90], ['EOPNOTSUPP', 95], ['EADDRINUSE', 98],
  ['ENOTCONN', 107], ['ERESTARTSYS', 512], ['ENOIOCTLCMD', 515], ['ENOTSUPP', 524],
];

describe('the table', () => {
  test.each(needed)('%s is %d, and back', (name, number) => {
    expect(ERRNO[name]).toBe(number);
    expect(errnoName(number)).toBe(name);
  });

  test('second names are read, not given', () => {
    expect([ERRNO.EDEADLOCK, ERRNO.ENOTSUP, ERRNO.EWOULDBLOCK]).toEqual([35, 95, 11]);
    expect([errnoName(35), errnoName(95), errnoName(11)]).toEqual(['EDEADLK', 'EOPNOTSUPP', 'EAGAIN']);
  });

  test('1 to 133 are complete, but for the two numbers that Linux skips', () => {
    const missing = Array.from({ length: 133 }, (_, i) => i + 1).filter((number) => errnoName(number) === undefined);
    expect(missing).toEqual([41, 58]);
    expect([errnoName(0), errnoName(-22), errnoName(134), errnoName(1.5)]).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('it agrees with the system it runs on, where that is Linux', () => {
    const here: Record<string, number> = process.platform === 'linux' ? os.errno : { EINVAL: 22 };
    for (const [name, number] of Object.entries(here)) expect([name, (ERRNO as Record<string, number>)[name]]).toEqual([name, number]);
  });
});

describe('VfioError', () => {
  test('says errno, call and detail', () => {
    const error = new VfioError('EINVAL', 'VFIO_DEVICE_GET_REGION_INFO', 'argsz 24 is below 32');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'VfioError', errno: 22, code: 'EINVAL', call: 'VFIO_DEVICE_GET_REGION_INFO' });
    expect(error.message).toBe('EINVAL: VFIO_DEVICE_GET_REGION_INFO: argsz 24 is below 32');
    expect(String(error)).toBe('VfioError: EINVAL: VFIO_DEVICE_GET_REGION_INFO: argsz 24 is below 32');
  });

  test('takes a number, and no detail', () => {
    expect(new VfioError(25, 'ioctl')).toMatchObject({ errno: 25, code: 'ENOTTY', message: 'ENOTTY: ioctl' });
    expect(new VfioError('EDEADLOCK', 'read')).toMatchObject({ errno: 35, code: 'EDEADLOCK' });
  });

  test('an errno that Linux does not have is refused', () => {
    expect(() => new VfioError(-22, 'read')).toThrow(new RangeError('VfioError: -22 is not a Linux errno'));
    expect(() => new VfioError('ENONSENSE' as ErrnoName, 'read')).toThrow(new RangeError('VfioError: ENONSENSE is not a Linux errno'));
  });
});
