// The ioctls of /dev/iommu before any device is bound (section 6.8): how arguments are taken, objects and their numbers, areas and where they go.
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

describe('MAP', () => {
  let ioas: number;
  let memory: bigint;
  beforeEach(() => {
    ioas = user.ioas();
    memory = user.memory(4);
  });

  test.each<[string, (id: number) => Uint8Array, unknown]>([
    ['an unknown flag', (id) => packed(40, 8, id, 0, 0n, MAX, MAX), 'EOPNOTSUPP'],
    ['the reserved field', (id) => packed(40, 0, id, 1, 0n, MAX, MAX), 'EOPNOTSUPP'],
    ['an endless IOVA, though it is not FIXED', (id) => packed(40, 0, id, 0, 0n, P, MAX), 'EOVERFLOW'],
    ['an endless length', (id) => packed(40, 0, id, 0, 0n, MAX, 0n), 'EOVERFLOW'],
    ['neither readable nor writable, ahead of the id', () => packed(40, FIXED, 9, 0, 0n, P, 0n), 'EINVAL'],
    ['no such object', () => packed(40, R, 9, 0, MAX, P, 0n), 'ENOENT'],
    ['a wrap of the memory', (id) => packed(40, R, id, 0, MAX, 2n, 0n), 'EOVERFLOW'],
    ['no bytes', (id) => packed(40, R, id, 0, MAX, 0n, 0n), 'EINVAL'],
    ['a wrap of the IOVA', (id) => packed(40, R | FIXED, id, 0, 0n, 3n, MAX - 1n), 'EOVERFLOW'],
    ['up to the last byte', (id) => packed(40, R | FIXED, id, 0, 0n, 2n, MAX - 1n), 0],
    ['too much to find room for', (id) => packed(40, R, id, 0, 0n, 0x7fff_ffff_ffff_ffffn, 0n), 'EOVERFLOW'],
    ['the most that there is room for', (id) => packed(40, R, id, 0, 0n, 0x7fff_ffff_ffff_fffen, 0n), 0],
  ])('%s', (_, argument, want) => expect(user.ioctl(uapi.IOMMU_IOAS_MAP, argument(ioas))).toBe(want));

  test('of a fresh address space: any byte at any place, and nobody looks whether it is there', () => {
    expect(user.map(ioas, 0x1235n, 3n, { iova: 7n })).toBe(7n);
    expect(user.map(ioas, 0x1235n, 3n, { iova: 9n })).toBe('EEXIST');
    expect(user.map(ioas, 0x1235n, 3n, { iova: 10n })).toBe(10n);
    expect(user.map(ioas, 0x1235n, 3n, { iova: 7n })).toBe('EEXIST');
  });

  test('finds room: never at 0, from 4096 up, aligned as the memory is', () => {
    expect(user.map(ioas, 0x1000n, P)).toBe(P);
    expect(user.map(ioas, 0x4000n, 4n * P)).toBe(0x4000n);
    // The hole between the two takes what fits.
    expect(user.map(ioas, 0x4000n, 2n * P)).toBe(0x2000n);
    expect(user.map(ioas, 0x20_0000n, 0x20_0000n)).toBe(0x20_0000n);
    expect(user.map(ioas, 0x4000_0000n, 0x4000_0000n)).toBe(0x40_0000n);
    // No address at all limits nothing but the length.
    expect(user.map(ioas, 0n, 0x8000n)).toBe(0x8000n);
  });

  test('keeps the offset in the page', () => {
    expect(user.map(ioas, 0x7234n, 0x10n)).toBe(0x1234n);
    // Lowest bit 4: the hole starts at 0x1244, and its offset is put in by OR.
    expect(user.map(ioas, 0x7234n, 0x10n)).toBe(0x1274n);
    expect(user.map(ioas, 0x7ff0n, 0x20n)).toBe(0x1ff0n);
  });

  test('no room', () => {
    expect(user.map(ioas, 0n, MAX - 2n * P, { iova: P })).toBe(P);
    expect(user.map(ioas, 0n, P)).toBe('ENOSPC');
    expect(user.map(ioas, 0n, P, { iova: 0n })).toBe(0n);
  });

  test('writes the IOVA back, and all else as it was', () => {
    const argument = packed(40, R | W, ioas, 0, memory, P, 0n);
    expect(user.ioctl(uapi.IOMMU_IOAS_MAP, argument)).toBe(0);
    expect(argument).toEqual(packed(40, R | W, ioas, 0, memory, P, long(argument, 32)));
  });
});

describe('UNMAP', () => {
  let ioas: number;
  beforeEach(() => {
    ioas = user.ioas();
    for (const page of [1n, 2n, 5n]) expect(user.map(ioas, 0n, P, { iova: page * P })).toBe(page * P);
  });

  test('several areas, with holes among them', () => expect(user.unmap(ioas, 0n, 8n * P)).toBe(3n * P));

  test('an area that is cut: those below are gone', () => {
    expect(user.map(ioas, 0n, 2n * P, { iova: 8n * P })).toBe(8n * P);
    const argument = packed(24, ioas, P, 8n * P);
    expect(user.ioctl(uapi.IOMMU_IOAS_UNMAP, argument)).toBe('ENOENT');
    expect(long(argument, 16)).toBe(8n * P);
    expect(user.unmap(ioas, 0n, MAX)).toBe(2n * P);
  });

  test('an area that begins before', () => {
    expect(user.unmap(ioas, P + 1n, P - 1n)).toBe('ENOENT');
    expect(user.unmap(ioas, 0n, MAX)).toBe(3n * P);
  });

  test('everything, and everything of nothing', () => {
    expect(user.unmap(ioas, 0n, MAX)).toBe(3n * P);
    expect(user.unmap(ioas, 0n, MAX)).toBe(0n);
    expect(user.unmap(ioas, 0n, MAX - 1n)).toBe('ENOENT');
  });

  test('its errnos', () => {
    expect(user.unmap(9, MAX, 0n)).toBe('ENOENT');
    expect(user.unmap(ioas, P, MAX)).toBe('EOVERFLOW');
    expect(user.unmap(ioas, MAX, 0n)).toBe('EOVERFLOW');
    expect(user.unmap(ioas, P, 0n)).toBe('EINVAL');
    expect(user.unmap(ioas, MAX - 1n, 3n)).toBe('EOVERFLOW');
    expect(user.unmap(ioas, 3n * P, 2n * P)).toBe('ENOENT');
  });
});

describe('COPY', () => {
  let from: number;
  let to: number;
  beforeEach(() => {
    [from, to] = [user.ioas(), user.ioas()];
    expect(user.map(from, 0x10_0000n, 2n * P, { iova: 4n * P })).toBe(4n * P);
    expect(user.map(from, 0x20_0000n, P, { iova: 6n * P, flags: R | FIXED })).toBe(6n * P);
  });

  test.each<[string, Parameters<User['copy']>, unknown]>([
    ['an unknown flag', [2, 1, 0n, MAX, { flags: 8 }], 'EOPNOTSUPP'],
    ['an endless length', [2, 1, 0n, MAX, { flags: 0 }], 'EOVERFLOW'],
    ['an endless source', [2, 1, MAX, P], 'EOVERFLOW'],
    ['an endless destination', [2, 1, 0n, P, { iova: MAX, flags: R }], 'EOVERFLOW'],
    ['neither readable nor writable', [2, 9, 0n, P, { flags: 1 }], 'EINVAL'],
    ['no source', [2, 9, 0n, 0n], 'ENOENT'],
    ['no bytes', [9, 1, 0n, 0n], 'EINVAL'],
    ['a wrap', [9, 1, MAX - 1n, 3n], 'EOVERFLOW'],
    ['what is not mapped', [9, 1, 0n, P], 'ENOENT'],
    ['what is not all mapped', [9, 1, 6n * 0x1000n, 2n * 0x1000n], 'ENOENT'],
    ['no destination', [9, 1, 4n * 0x1000n, P], 'ENOENT'],
    ['writable of what is not', [2, 1, 4n * 0x1000n, 3n * P], 'EPERM'],
    ['something there already', [1, 1, 4n * 0x1000n, P, { iova: 6n * 0x1000n }], 'EEXIST'],
    ['part of an area', [2, 1, 4n * 0x1000n + 8n, 16n, { iova: 3n }], 3n],
    // The memory's address says how it is aligned: 0x10_0000.
    ['several areas', [2, 1, 4n * 0x1000n, 3n * P, { flags: R }], 0x4000n],
  ])('%s', (_, call, want) => expect(user.copy(...call)).toBe(want));

  test('an area for an area; after a failure none of them', () => {
    expect(user.copy(to, from, 4n * P, 3n * P)).toBe('EPERM');
    expect(user.unmap(to, 0n, MAX)).toBe(0n);
    expect(user.copy(to, from, 4n * P, 3n * P, { iova: 0n, flags: R | FIXED })).toBe(0n);
    expect(user.unmap(to, 0n, P)).toBe('ENOENT');
    expect(user.unmap(to, 0n, 2n * P)).toBe(2n * P);
    expect(user.unmap(to, 2n * P, P)).toBe(P);
  });

  test('inside one address space', () => expect(user.copy(from, from, 4n * P, P, { iova: 0n })).toBe(0n));
});

describe('IOVA_RANGES and ALLOW_IOVAS', () => {
  test('a fresh address space allows everything', () => {
    const ioas = user.ioas();
    expect(user.ranges(ioas)).toEqual({ ranges: [[0n, MAX]], alignment: 1n });
  });

  test('room that is too small: as many as fit, and how many there are', () => {
    const argument = packed(32, user.ioas(), 0, 0, 0n, 0n);
    expect(user.ioctl(uapi.IOMMU_IOAS_IOVA_RANGES, argument)).toBe('EMSGSIZE');
    expect([word(argument, 8), long(argument, 24)]).toEqual([1, 1n]);
  });

  test.each<[string, Uint8Array, unknown]>([
    ['the reserved field', packed(32, 9, 0, 1, 0n, 0n), 'EOPNOTSUPP'],
    ['no such object', packed(32, 9, 1, 0, 0n, 0n), 'ENOENT'],
    ['no memory for the ranges', packed(32, 1, 1, 0, 0n, 0n), 'EFAULT'],
  ])('IOVA_RANGES: %s', (_, argument, want) => {
    user.ioas();
    expect(user.ioctl(uapi.IOMMU_IOAS_IOVA_RANGES, argument)).toBe(want);
  });

  const allow = (ioas: number, list: readonly bigint[], num = list.length / 2, reserved = 0): number | string => {
    const room = BigInt(user.process.allocate(PAGE));
    user.process.memory.writeBytes(room, packed(...list));
    return user.ioctl(uapi.IOMMU_IOAS_ALLOW_IOVAS, packed(24, ioas, num, reserved, room));
  };

  test('mappings that name no place go where it is allowed', () => {
    const ioas = user.ioas();
    expect(allow(ioas, [0x8000n, 0x8fffn, 0x3_0000n, 0x3_1fffn])).toBe(0);
    expect(user.map(ioas, 0n, P)).toBe(0x8000n);
    expect(user.map(ioas, 0n, P)).toBe(0x3_0000n);
    expect(user.map(ioas, 0n, P)).toBe(0x3_1000n);
    expect(user.map(ioas, 0n, P)).toBe('ENOSPC');
    // Those that do are free.
    expect(user.map(ioas, 0n, P, { iova: 0x5000n })).toBe(0x5000n);
    expect(allow(ioas, [])).toBe(0);
    expect(user.map(ioas, 0n, P)).toBe(0x1000n);
  });

  test('two ranges that touch are one', () => {
    const ioas = user.ioas();
    expect(allow(ioas, [0x9000n, 0x9fffn, 0x8000n, 0x8fffn])).toBe(0);
    expect(user.map(ioas, 0n, 2n * P)).toBe(0x8000n);
  });

  test('its errnos; the list before stays', () => {
    const ioas = user.ioas();
    expect(allow(ioas, [0x8000n, 0x8fffn])).toBe(0);
    expect(allow(9, [], 0, 1)).toBe('EOPNOTSUPP');
    expect(allow(9, [])).toBe('ENOENT');
    expect(allow(ioas, [5n, 5n])).toBe('EINVAL');
    expect(allow(ioas, [5n, 4n])).toBe('EINVAL');
    expect(allow(ioas, [0n, 5n, 5n, 9n])).toBe('EINVAL');
    expect(user.ioctl(uapi.IOMMU_IOAS_ALLOW_IOVAS, packed(24, ioas, 1, 0, 0n))).toBe('EFAULT');
    expect(user.map(ioas, 0n, P)).toBe(0x8000n);
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
