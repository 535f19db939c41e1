// The ioctls of /dev/iommu before any device is bound (section 6.8): how arguments are taken, objects and their numbers, options and files.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as uapi from '../../../src/uapi/index.ts';
import { FIXED, MAX, Machine, PAGE, R, type User, W, long, packed, word, words } from './support.ts';

const P = BigInt(PAGE);
let machine: Machine;
let user: User;
beforeEach(() => {
  machine = new Machine();
  user = machine.user();
});
afterEach(() => machine.end());

describe('arguments', () => {
  test.each<[string, number, Uint8Array, unknown]>([
    ['size below the least', uapi.IOMMU_IOAS_ALLOC, words(11, 0, 0), 'EINVAL'],
    ['size 0', uapi.IOMMU_DESTROY, words(0, 0), 'EINVAL'],
    ['three bytes are there', uapi.IOMMU_IOAS_ALLOC, words(12).subarray(0, 3), 'EFAULT'],
    ['the argument ends early', uapi.IOMMU_IOAS_ALLOC, words(12, 0), 'EFAULT'],
    ['more, and it is 0', uapi.IOMMU_IOAS_ALLOC, words(20, 0, 0, 0, 0), 0],
    ['more, and it is not 0', uapi.IOMMU_IOAS_ALLOC, words(20, 0, 0, 0, 1), 'E2BIG'],
    ['more, and it is not 0, ahead of bad flags', uapi.IOMMU_IOAS_ALLOC, words(16, 1, 0, 1), 'E2BIG'],
    ['more, and it is not there', uapi.IOMMU_IOAS_ALLOC, words(20, 0, 0, 0), 'EFAULT'],
    ['a number behind the last', 0x3b93, words(8, 0), 'ENOTTY'],
    ['another type byte, argument not there', 0x3c81, words(12).subarray(0, 3), 'EFAULT'],
    ['another type byte', 0x3c81, words(1), 'ENOTTY'],
    ['a number with a size in it', 0xc00c_3b81, words(12, 0, 0), 'ENOTTY'],
    ['a number of a container that it has not', uapi.VFIO_IOMMU_DIRTY_PAGES, words(8, 1), 'ENOTTY'],
    ['a number of devices', uapi.VFIO_DEVICE_RESET, words(8), 'ENOTTY'],
  ])('%s', (_, request, argument, want) => expect(user.ioctl(request, argument)).toBe(want));

  test('a large size is looked at all through', () => {
    const argument = new Uint8Array(20_000);
    argument.set(words(20_000));
    expect(user.ioctl(uapi.IOMMU_IOAS_ALLOC, argument)).toBe(0);
    argument[19_999] = 1;
    expect(user.ioctl(uapi.IOMMU_IOAS_ALLOC, argument)).toBe('E2BIG');
  });

  test('HWPT_ALLOC takes 24 bytes and gives no more back', () => {
    expect(user.ioctl(uapi.IOMMU_HWPT_ALLOC, words(20, 0, 9, 9, 0))).toBe('EINVAL');
    expect(user.ioctl(uapi.IOMMU_HWPT_ALLOC, words(24, 0, 9, 9, 0, 0))).toBe('ENOENT');
  });

  test('an iommufd is neither read, written nor mapped', () => {
    const { process, fd } = user;
    expect(process.raw.read(fd, new Uint8Array(1))).toBe(-uapi.ERRNO.EINVAL);
    expect(process.raw.write(fd, new Uint8Array(1))).toBe(-uapi.ERRNO.EINVAL);
    expect(process.raw.mmap(PAGE, 3, 1, fd, 0)).toBe(-uapi.ERRNO.ENODEV);
  });
});

describe('objects', () => {
  test('numbers go up from 1 and are given again, lowest first', () => {
    expect([user.ioas(), user.ioas(), user.ioas()]).toEqual([1, 2, 3]);
    expect(user.destroy(2)).toBe(0);
    expect(user.destroy(1)).toBe(0);
    expect([user.ioas(), user.ioas(), user.ioas()]).toEqual([1, 2, 4]);
    expect([0, 5, 0xffff_ffff].map((id) => user.destroy(id))).toEqual(['ENOENT', 'ENOENT', 'ENOENT']);
  });

  test('two iommufds have numbers of their own', () => {
    const other = machine.user();
    expect([user.ioas(), other.ioas(), user.ioas()]).toEqual([1, 1, 2]);
    expect(other.map(2, 0n, P)).toBe('ENOENT');
  });

  test('IOAS_ALLOC: flags, and an answer that cannot be written: no number is taken', () => {
    expect(user.ioctl(uapi.IOMMU_IOAS_ALLOC, words(12, 1, 0))).toBe('EOPNOTSUPP');
    // 0x1000 bytes that can be read: size is their first word.
    const image = BigInt(user.process.mmap(PAGE, 1, 0x22));
    expect(user.ioctl(uapi.IOMMU_IOAS_ALLOC, image)).toBe('EINVAL');
    expect(user.ioas()).toBe(1);
  });

  test('other files of the process go ahead of it, and after it', () => {
    const copy = user.process.dup(user.fd);
    user.process.close(user.fd);
    expect(user.ioctl(uapi.IOMMU_IOAS_ALLOC, words(12, 0, 0), copy)).toBe(0);
  });
});

describe('OPTION', () => {
  const option = (id: number, op: number, object: number, value: bigint, reserved = 0): number | bigint | string => {
    const argument = packed(24, id, op | (reserved << 16), object, value);
    const result = user.ioctl(uapi.IOMMU_OPTION, argument);
    return result === 0 ? long(argument, 16) : result;
  };
  const [LIMIT, HUGE] = [uapi.IOMMU_OPTION_RLIMIT_MODE, uapi.IOMMU_OPTION_HUGE_PAGES];
  const [SET, GET] = [uapi.IOMMU_OPTION_OP_SET, uapi.IOMMU_OPTION_OP_GET];

  test('RLIMIT_MODE', () => {
    expect(option(LIMIT, GET, 0, 7n, 1)).toBe('EOPNOTSUPP');
    expect(option(7, GET, 0, 7n)).toBe('EOPNOTSUPP');
    expect(option(LIMIT, GET, 1, 7n)).toBe('EOPNOTSUPP');
    expect(option(LIMIT, 2, 0, 7n)).toBe('EOPNOTSUPP');
    expect(option(LIMIT, GET, 0, 7n)).toBe(0n);
    expect(option(LIMIT, SET, 0, 2n)).toBe('EINVAL');
    expect(option(LIMIT, SET, 0, 1n)).toBe(1n);
    expect(option(LIMIT, GET, 0, 7n)).toBe(1n);
    user.ioas();
    expect(option(LIMIT, SET, 0, 2n)).toBe('EBUSY');
    user.destroy(1);
    expect(option(LIMIT, SET, 0, 0n)).toBe(0n);
  });

  test('RLIMIT_MODE wants CAP_SYS_RESOURCE to be set', () => {
    const weak = machine.user({ capabilities: [] });
    weak.ioas();
    expect(weak.ioctl(uapi.IOMMU_OPTION, packed(24, LIMIT, SET, 0, 2n))).toBe('EPERM');
    expect(weak.ioctl(uapi.IOMMU_OPTION, packed(24, LIMIT, GET, 0, 2n))).toBe(0);
  });

  test('HUGE_PAGES: without them, whole pages', () => {
    const ioas = user.ioas();
    expect(option(HUGE, GET, 9, 7n)).toBe('ENOENT');
    expect(option(HUGE, GET, ioas, 7n)).toBe(1n);
    expect(option(HUGE, 2, ioas, 7n)).toBe('EOPNOTSUPP');
    expect(option(HUGE, SET, ioas, 2n)).toBe('EINVAL');
    expect(user.map(ioas, 0n, 3n, { iova: 0n })).toBe(0n);
    expect(option(HUGE, SET, ioas, 0n)).toBe('EADDRINUSE');
    expect(option(HUGE, GET, ioas, 7n)).toBe(1n);
    expect(user.unmap(ioas, 0n, 3n)).toBe(3n);
    expect(option(HUGE, SET, ioas, 0n)).toBe(0n);
    expect(user.ranges(ioas).alignment).toBe(P);
    expect(user.map(ioas, 0n, 3n, { iova: 0n })).toBe('EINVAL');
    expect(user.map(ioas, 5n, P, { iova: 0n })).toBe('EINVAL');
    expect(user.map(ioas, 0n, P, { iova: 5n })).toBe('EINVAL');
    // What is aligned to less than a page finds no place.
    expect(user.map(ioas, 0x1800n, P)).toBe('EINVAL');
    expect(option(HUGE, SET, ioas, 1n)).toBe(1n);
    expect(user.ranges(ioas).alignment).toBe(1n);
  });

  test('the value alone is written back, and it can be missing', () => {
    const argument = packed(24, LIMIT, GET, 0, 7n).subarray(0, 23);
    expect(user.ioctl(uapi.IOMMU_OPTION, argument)).toBe('EFAULT');
  });
});

describe('VFIO_IOAS', () => {
  const call = (op: number, ioas = 0, reserved = 0): number | string => {
    const argument = words(12, ioas, op | (reserved << 16));
    const result = user.ioctl(uapi.IOMMU_VFIO_IOAS, argument);
    return result === 0 ? word(argument, 4) : result;
  };
  const [GET, SET, CLEAR] = [uapi.IOMMU_VFIO_IOAS_GET, uapi.IOMMU_VFIO_IOAS_SET, uapi.IOMMU_VFIO_IOAS_CLEAR];

  test('its errnos, and what it sets', () => {
    expect(call(GET, 0, 1)).toBe('EOPNOTSUPP');
    expect(call(3)).toBe('EOPNOTSUPP');
    expect(call(GET)).toBe('ENODEV');
    expect(call(SET, 1)).toBe('ENOENT');
    const ioas = user.ioas();
    expect(call(SET, ioas)).toBe(ioas);
    expect(call(GET)).toBe(ioas);
    expect(call(CLEAR)).toBe(0);
    expect(call(GET)).toBe('ENODEV');
    expect(call(SET, ioas)).toBe(ioas);
    // It goes with the object.
    expect(user.destroy(ioas)).toBe(0);
    expect(call(GET)).toBe('ENODEV');
  });
});

describe('what there is no hardware for', () => {
  test.each<[string, number, Uint8Array, unknown]>([
    ['HWPT_ALLOC: the reserved field', uapi.IOMMU_HWPT_ALLOC, packed(24, 0, 9, 9, 0, 1), 'EOPNOTSUPP'],
    ['HWPT_ALLOC: data without a type', uapi.IOMMU_HWPT_ALLOC, packed(48, 0, 9, 9, 0, 0, 0, 8, 0n, 0, 0), 'EINVAL'],
    ['HWPT_ALLOC: a type without data', uapi.IOMMU_HWPT_ALLOC, packed(48, 0, 9, 9, 0, 0, 1, 0, 0n, 0, 0), 'EINVAL'],
    ['HWPT_ALLOC: no device', uapi.IOMMU_HWPT_ALLOC, packed(48, 0xff, 9, 9, 0, 0, 0, 0, 0n, 0, 0), 'ENOENT'],
    ['HWPT_ALLOC: an IOAS as device', uapi.IOMMU_HWPT_ALLOC, packed(48, 0, 1, 1, 0, 0, 0, 0, 0n, 0, 0), 'ENOENT'],
    ['GET_HW_INFO: flags', uapi.IOMMU_GET_HW_INFO, packed(40, 1, 9, 0, 0n, 0, 0, 0n), 'EOPNOTSUPP'],
    ['GET_HW_INFO: the reserved field', uapi.IOMMU_GET_HW_INFO, packed(40, 0, 9, 0, 0n, 0, 1, 0n), 'EOPNOTSUPP'],
    ['GET_HW_INFO: no device', uapi.IOMMU_GET_HW_INFO, packed(40, 0, 1, 0, 0n, 0, 0, 0n), 'ENOENT'],
    ['SET_DIRTY_TRACKING: flags', uapi.IOMMU_HWPT_SET_DIRTY_TRACKING, words(16, 2, 9, 0), 'EOPNOTSUPP'],
    ['SET_DIRTY_TRACKING: no page table', uapi.IOMMU_HWPT_SET_DIRTY_TRACKING, words(16, 1, 1, 0), 'ENOENT'],
    ['GET_DIRTY_BITMAP: flags', uapi.IOMMU_HWPT_GET_DIRTY_BITMAP, packed(48, 9, 2, 0, 0n, P, P, 0n), 'EOPNOTSUPP'],
    ['GET_DIRTY_BITMAP: the reserved field', uapi.IOMMU_HWPT_GET_DIRTY_BITMAP, packed(48, 9, 0, 1, 0n, P, P, 0n), 'EOPNOTSUPP'],
    ['GET_DIRTY_BITMAP: no page table', uapi.IOMMU_HWPT_GET_DIRTY_BITMAP, packed(48, 1, 0, 0, 0n, P, P, 0n), 'ENOENT'],
    ['VIOMMU_ALLOC: flags', uapi.IOMMU_VIOMMU_ALLOC, words(24, 1, 1, 9, 9, 0), 'EOPNOTSUPP'],
    ['VIOMMU_ALLOC: no type', uapi.IOMMU_VIOMMU_ALLOC, words(24, 0, 0, 9, 9, 0), 'EOPNOTSUPP'],
    ['VIOMMU_ALLOC: no device', uapi.IOMMU_VIOMMU_ALLOC, words(24, 0, 1, 1, 9, 0), 'ENOENT'],
    ['VDEVICE_ALLOC', uapi.IOMMU_VDEVICE_ALLOC, packed(24, 1, 1, 0, 0n), 'ENOENT'],
    ['CHANGE_PROCESS: the reserved field', uapi.IOMMU_IOAS_CHANGE_PROCESS, words(8, 1), 'EOPNOTSUPP'],
    ['CHANGE_PROCESS', uapi.IOMMU_IOAS_CHANGE_PROCESS, words(8, 0), 0],
  ])('%s', (_, request, argument, want) => {
    user.ioas();
    expect(user.ioctl(request, argument)).toBe(want);
  });

  test.each<[string, Uint8Array, unknown, number]>([
    ['the reserved field', packed(32, 9, 0n, 0, 0, 5, 1), 'EOPNOTSUPP', 0],
    ['entries that are nowhere', packed(32, 9, 0n, 0, 8, 5, 0), 'EINVAL', 0],
    ['entries without a size', packed(32, 9, 8n, 0, 0, 5, 0), 'EINVAL', 0],
    ['no such object', packed(32, 9, 8n, 0, 8, 5, 0), 'ENOENT', 0],
    ['an object that is not nested', packed(32, 1, 8n, 0, 8, 5, 0), 'EINVAL', 0],
    ['an argument that is no whole', packed(32, 1, 8n, 0, 8, 5).subarray(0, 28), 'EFAULT', 5],
  ])('HWPT_INVALIDATE tells that it has done nothing: %s', (_, argument, want, entries) => {
    user.ioas();
    expect(user.ioctl(uapi.IOMMU_HWPT_INVALIDATE, argument)).toBe(want);
    expect(word(argument, 24)).toBe(entries);
  });
});

describe('MAP_FILE', () => {
  const mapFile = (ioas: number, fd: number, rest: { readonly flags?: number; readonly start?: bigint; readonly length?: bigint; readonly iova?: bigint } = {}): bigint | string => {
    const argument = packed(40, rest.flags ?? R | W, ioas, fd, rest.start ?? 0n, rest.length ?? P, rest.iova ?? 0n);
    const result = user.ioctl(uapi.IOMMU_IOAS_MAP_FILE, argument);
    return result === 0 ? long(argument, 32) : String(result);
  };

  test('its errnos', () => {
    const ioas = user.ioas();
    expect(mapFile(9, 99, { flags: 8, iova: MAX })).toBe('EOPNOTSUPP');
    expect(mapFile(9, 99, { flags: 0, iova: MAX })).toBe('EOVERFLOW');
    expect(mapFile(9, 99, { flags: 0, length: MAX })).toBe('EOVERFLOW');
    expect(mapFile(9, 99, { flags: 1 })).toBe('EINVAL');
    expect(mapFile(9, 99)).toBe('ENOENT');
    expect(mapFile(ioas, 99, { length: 0n })).toBe('EBADF');
    expect(mapFile(ioas, user.fd, { start: MAX, length: 2n })).toBe('EOVERFLOW');
    expect(mapFile(ioas, user.fd, { length: 0n })).toBe('EINVAL');
    expect(mapFile(ioas, user.fd, { flags: R | FIXED, iova: MAX - 1n, length: 3n })).toBe('EOVERFLOW');
  });

  test('any file, as long as nobody wants its pages', () => {
    const ioas = user.ioas();
    expect(mapFile(ioas, user.fd, { start: 0x3000n })).toBe(P);
    expect(user.ioctl(uapi.IOMMU_IOAS_CHANGE_PROCESS, words(8, 0))).toBe(0);
    expect(user.map(ioas, 0n, P)).toBe(2n * P);
    expect(user.ioctl(uapi.IOMMU_IOAS_CHANGE_PROCESS, words(8, 0))).toBe('EINVAL');
    expect(user.unmap(ioas, 0n, MAX)).toBe(2n * P);
  });
});

describe('FAULT_QUEUE_ALLOC', () => {
  const queue = (): Uint8Array => {
    const argument = words(16, 0, 0, 0);
    expect(user.ioctl(uapi.IOMMU_FAULT_QUEUE_ALLOC, argument)).toBe(0);
    return argument;
  };

  test('a number and an fd, in use as long as the fd is open', () => {
    const [id, fd] = [word(queue(), 8), 4];
    expect(id).toBe(1);
    expect(user.process.fds).toEqual([3, 4]);
    expect(user.destroy(id)).toBe('EBUSY');
    user.process.close(fd);
    expect(user.destroy(id)).toBe(0);
    expect(user.ioctl(uapi.IOMMU_FAULT_QUEUE_ALLOC, words(16, 1, 0, 0))).toBe('EOPNOTSUPP');
  });

  test('nothing ever comes', () => {
    const fd = word(queue(), 12);
    const { raw } = user.process;
    expect(raw.read(fd, new Uint8Array(40))).toBe(0);
    expect(raw.read(fd, new Uint8Array(39))).toBe(-uapi.ERRNO.ESPIPE);
    expect(raw.pread(fd, new Uint8Array(40), 0)).toBe(-uapi.ERRNO.ESPIPE);
    expect(raw.write(fd, new Uint8Array(0))).toBe(0);
    expect(raw.write(fd, new Uint8Array(7))).toBe(-uapi.ERRNO.ESPIPE);
    expect(raw.write(fd, new Uint8Array(8))).toBe(-uapi.ERRNO.EINVAL);
    expect(raw.poll(fd, 0xffff)).toBe(4);
  });

  test('no fd left, and an answer that cannot be written: nothing is left behind', () => {
    expect(user.ioctl(uapi.IOMMU_FAULT_QUEUE_ALLOC, words(16, 0, 0, 0).subarray(0, 15))).toBe('EFAULT');
    const poor = machine.user({ maxFds: 4 });
    expect(poor.ioctl(uapi.IOMMU_FAULT_QUEUE_ALLOC, words(16, 0, 0, 0))).toBe('EMFILE');
    expect(poor.ioas()).toBe(1);
  });

  test('it keeps the iommufd, when that is closed first', () => {
    queue();
    user.ioas();
    user.process.close(user.fd);
    user.process.close(4);
  });
});
