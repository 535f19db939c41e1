// Areas of an address space before any device is bound (section 6.8): mapped, unmapped, copied, and where they may go.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as uapi from '../../../src/uapi/index.ts';
import { FIXED, MAX, Machine, PAGE, R, type User, W, long, packed, word } from './support.ts';

const P = BigInt(PAGE);
let machine: Machine;
let user: User;
beforeEach(() => {
  machine = new Machine();
  user = machine.user();
});
afterEach(() => machine.end());
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
