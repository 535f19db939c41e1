// An iommufd that stands for a container (section 6.7): groups that are set to it, and the container's ioctls on its address space.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as uapi from '../../../src/uapi/index.ts';
import type { HostFunction } from '../../../src/vfio/index.ts';
import { MAX, Machine, PAGE, type User, dmaRead, dmaWrite, long, outcome, packed, word, words } from './support.ts';

const P = BigInt(PAGE);
const LAST = 0x7f_ffff_ffffn;
let machine: Machine;
let user: User;
beforeEach(() => {
  machine = new Machine({ unsafeNoIommu: true });
  user = machine.user();
});
afterEach(() => machine.end());

function openGroup(one: HostFunction, by: User = user): number {
  return by.process.open(`/dev/vfio/${one.group.kind === 'noiommu' ? 'noiommu-' : ''}${one.group.id}`);
}
const setContainer = (group: number, fd = user.fd, by: User = user): number | string => by.ioctl(uapi.VFIO_GROUP_SET_CONTAINER, words(fd), group);
const deviceFd = (group: number, one: HostFunction, by: User = user): number | string => by.ioctl(uapi.VFIO_GROUP_GET_DEVICE_FD, new TextEncoder().encode(`${one.slot}\0`), group);
const extension = (number: number): number | string => user.ioctl(uapi.VFIO_CHECK_EXTENSION, number);
const setIommu = (type: number): number | string => user.ioctl(uapi.VFIO_SET_IOMMU, type);
const map = (vaddr: bigint, iova: bigint, size: bigint, flags = 3): number | string => user.ioctl(uapi.VFIO_IOMMU_MAP_DMA, packed(32, flags, vaddr, iova, size));

/** The outcome, and the size that is written back. */
function unmap(iova: bigint, size: bigint, flags = 0): [number | string, bigint] {
  const argument = packed(24, flags, iova, size);
  return [user.ioctl(uapi.VFIO_IOMMU_UNMAP_DMA, argument), long(argument, 16)];
}

/** A group that is set to the iommufd, and the fd of its device. */
function attached(): { one: HostFunction; group: number; fd: number } {
  const one = machine.plug();
  const group = openGroup(one);
  expect(setContainer(group)).toBe(0);
  return { one, group, fd: Number(deviceFd(group, one)) };
}

describe('without an address space', () => {
  test('what needs one is ENODEV, behind the checks of the argument', () => {
    expect(user.ioctl(uapi.VFIO_GET_API_VERSION, 0)).toBe(0);
    expect([1, 3, 9, 8, 2, 5, 6, 7, 10, 42].map(extension)).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect(extension(uapi.VFIO_DMA_CC_IOMMU)).toBe('ENODEV');
    expect([1, 3, 0, 8, 42].map(setIommu)).toEqual(['ENODEV', 'ENODEV', 'EINVAL', 'EINVAL', 'EINVAL']);
    expect(user.ioctl(uapi.VFIO_IOMMU_GET_INFO, words(15, 0, 0).subarray(0, 15))).toBe('EFAULT');
    expect(user.ioctl(uapi.VFIO_IOMMU_GET_INFO, words(15, 0, 0, 0))).toBe('EINVAL');
    expect(user.ioctl(uapi.VFIO_IOMMU_GET_INFO, words(16, 0, 0, 0))).toBe('ENODEV');
    expect(user.ioctl(uapi.VFIO_IOMMU_MAP_DMA, packed(31, 3, 0n, 0n, P))).toBe('EINVAL');
    expect(map(0n, 0n, P, 4)).toBe('EINVAL');
    expect(map(0n, 0n, 0n)).toBe('ENODEV');
    expect(user.ioctl(uapi.VFIO_IOMMU_MAP_DMA, packed(32, 3, 0n, 0n, P).subarray(0, 31))).toBe('EFAULT');
    expect(unmap(0n, P, 1)[0]).toBe('EINVAL');
    expect(unmap(0n, P, 4)[0]).toBe('EINVAL');
    expect(unmap(1n, P, 2)).toEqual(['ENODEV', P]);
    expect(user.ioctl(uapi.VFIO_IOMMU_UNMAP_DMA, packed(23, 0, 0n, 0n))).toBe('EINVAL');
    for (let n = 15; n < 24; n++) if (n !== 17) expect(user.ioctl(0x3b64 + n, words(24, 0))).toBe('ENOTTY');
  });
});

describe('a group', () => {
  test('that is set to it gets an address space, or the one that is there', async () => {
    const { one } = attached();
    const argument = words(12, 0, uapi.IOMMU_VFIO_IOAS_GET);
    expect(user.ioctl(uapi.IOMMU_VFIO_IOAS, argument)).toBe(0);
    expect(word(argument, 4)).toBe(1);
    const other = machine.plug();
    const group = openGroup(other);
    expect(setContainer(group)).toBe(0);
    expect(setContainer(group)).toBe('EINVAL');
    expect(deviceFd(group, other)).toBeGreaterThan(0);
    expect(map(user.memory(1, 6), 0n, P)).toBe(0);
    for (const each of [one, other]) expect(await dmaRead(each, 0n, 1)).toEqual(Uint8Array.of(6));
    expect(extension(uapi.VFIO_DMA_CC_IOMMU)).toBe(1);
  });

  test('may leave while its device is open, which reaches memory all the same', async () => {
    const { one, group, fd } = attached();
    expect(map(user.memory(1, 6), 0n, P)).toBe(0);
    expect(user.ioctl(uapi.VFIO_GROUP_UNSET_CONTAINER, 0, group)).toBe(0);
    expect(user.ioctl(uapi.VFIO_GROUP_UNSET_CONTAINER, 0, group)).toBe('EINVAL');
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(6));
    user.process.close(fd);
    expect(await dmaRead(one, 0n, 1)).toBe('EFAULT');
  });

  test('many files of one device: bound once, until the last is closed', async () => {
    const { one, group, fd } = attached();
    const second = Number(deviceFd(group, one));
    expect(map(user.memory(1, 6), 0n, P)).toBe(0);
    // The address space, the device and its page table.
    expect(user.ioas()).toBe(4);
    user.process.close(fd);
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(6));
    user.process.close(user.fd);
    user.process.close(group);
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(6));
    user.process.close(second);
    expect(await dmaRead(one, 0n, 1)).toBe('EFAULT');
    expect(one.group.owner).toBeUndefined();
  });

  test('a device that cannot be bound or attached is not opened', () => {
    const one = machine.plug();
    const group = openGroup(one);
    expect(deviceFd(group, one)).toBe('EINVAL');
    expect(setContainer(group)).toBe(0);
    expect(map(0x1000n, 0xfee0_0000n, P)).toBe(0);
    expect(deviceFd(group, one)).toBe('EADDRINUSE');
    expect(unmap(0n, 0n, 2)).toEqual([0, P]);
    expect(user.destroy(1)).toBe(0);
    expect(deviceFd(group, one)).toBe('ENODEV');
    expect([one.group.owner, one.device!.openFiles]).toEqual([undefined, 0]);
    const native = machine.plug({ slot: '0000:20:00.0' });
    const natives = openGroup(native);
    machine.host.plug({ slot: '0000:20:00.1', driver: 'native' });
    expect(setContainer(natives)).toBe(0);
    expect(deviceFd(natives, native)).toBe('EPERM');
  });

  test('its device cannot be bound by its character device, nor do its ioctls go by it', () => {
    const { one, fd } = attached();
    const cdev = user.cdev(one);
    expect(user.bind(cdev)).toBe('EBUSY');
    expect(user.attach(fd, 1)).toBe('ENOTTY');
    expect(user.bind(fd)).toBe('EINVAL');
  });
});

describe('without an IOMMU', () => {
  const bare = (): HostFunction => machine.plug({ iommu: 'none' });

  test('an iommufd is used one way or the other', () => {
    const one = bare();
    const group = openGroup(one);
    expect(setContainer(group)).toBe(0);
    expect([1, 3, 9, 8].map(extension)).toEqual([0, 0, 0, 1]);
    expect([8, 1, 3].map(setIommu)).toEqual([0, 'EINVAL', 'EINVAL']);
    expect(setContainer(openGroup(machine.plug()))).toBe('EINVAL');
    expect(deviceFd(group, one)).toBeGreaterThan(0);
    const other = machine.user();
    const real = machine.plug();
    expect(setContainer(openGroup(real, other), other.fd, other)).toBe(0);
    expect(setContainer(openGroup(bare(), other), other.fd, other)).toBe('EINVAL');
  });

  test('not with an address space that came later', () => {
    const one = bare();
    const group = openGroup(one);
    expect(setContainer(group)).toBe(0);
    expect(user.ioctl(uapi.IOMMU_VFIO_IOAS, words(12, user.ioas(), uapi.IOMMU_VFIO_IOAS_SET))).toBe(0);
    expect(deviceFd(group, one)).toBe('EPERM');
  });

  test('SET_IOMMU wants CAP_SYS_RAWIO', () => {
    const strong = user;
    const one = bare();
    const group = openGroup(one, strong);
    const weak = machine.user({ capabilities: [] });
    expect(outcome(() => openGroup(one, weak))).toBe('EPERM');
    expect(setContainer(group)).toBe(0);
    expect(setIommu(8)).toBe(0);
  });
});

describe('GET_INFO', () => {
  const info = (argsz: number, room = argsz): Uint8Array | string => {
    const argument = new Uint8Array(room).fill(0xaa);
    argument.set(words(argsz));
    const result = user.ioctl(uapi.VFIO_IOMMU_GET_INFO, argument);
    return result === 0 ? argument : String(result);
  };

  test('before a device is open: everything, in any size', () => {
    const one = machine.plug();
    expect(setContainer(openGroup(one))).toBe(0);
    const bytes = info(72, 80) as Uint8Array;
    const pad = 0xaaaa_aaaa;
    expect(bytes).toEqual(packed(72, 3, 0xffff_ffff_ffff_f000n, 24, 0, 3 | (1 << 16), 40, 0xffff_ffff, pad, 1 | (1 << 16), 0, 1, 0, 0n, MAX, pad, pad));
  });

  test('with a device: pages and ranges of the IOMMU', () => {
    attached();
    const bytes = info(200) as Uint8Array;
    // The size that it needs, also where there was more.
    expect([word(bytes, 0), word(bytes, 4), long(bytes, 8), word(bytes, 16)]).toEqual([88, 3, 0x4020_1000n, 24]);
    expect([long(bytes, 56), long(bytes, 64), long(bytes, 72), long(bytes, 80)]).toEqual([0n, 0xfedf_ffffn, 0xfef0_0000n, LAST]);
    expect(bytes.subarray(88).every((byte) => byte === 0xaa)).toBe(true);
  });

  test('room for some: what fits is written, and no chain is announced', () => {
    attached();
    const small = info(16, 24) as Uint8Array;
    expect([word(small, 0), word(small, 16)]).toEqual([88, 0xaaaa_aaaa]);
    const none = info(35, 48) as Uint8Array;
    expect([word(none, 0), word(none, 16), word(none, 24)]).toEqual([88, 0, 0xaaaa_aaaa]);
    const avail = info(36, 48) as Uint8Array;
    expect([word(avail, 16), word(avail, 24), word(avail, 28), word(avail, 32), word(avail, 36)]).toEqual([0, 3 | (1 << 16), 0, 0xffff_ffff, 0xaaaa_aaaa]);
    expect(word(info(40, 48) as Uint8Array, 28)).toBe(40);
    // The first range, but not the second, nor what says how many there are.
    const first = info(87, 100) as Uint8Array;
    expect([word(first, 40), long(first, 64), long(first, 72)]).toEqual([0xaaaa_aaaa, 0xfedf_ffffn, 0xaaaa_aaaa_aaaa_aaaan]);
    expect(info(88, 80)).toBe('EFAULT');
  });
});

describe('MAP_DMA and UNMAP_DMA', () => {
  test('mappings as of an address space, fixed; neither direction is allowed', async () => {
    const { one } = attached();
    const memory = user.memory(2, 3);
    expect(map(memory, 0n, P, 0)).toBe(0);
    expect(await dmaRead(one, 0n, 1)).toBe('EFAULT');
    expect(map(memory, P, P, 1)).toBe(0);
    expect(await dmaRead(one, P, 1)).toEqual(Uint8Array.of(3));
    expect(await dmaWrite(one, P, Uint8Array.of(1))).toBe('EFAULT');
    expect(map(memory, P, P)).toBe('EEXIST');
    expect(map(memory, 1n, P)).toBe('EINVAL');
    expect(map(memory, 8n * P, 0n)).toBe('EINVAL');
    expect(map(memory, 0xfee0_0000n, P)).toBe('EINVAL');
    expect(map(MAX, 8n * P, P)).toBe('EOVERFLOW');
    expect(map(memory, MAX - 0xfffn, 2n * P)).toBe('EOVERFLOW');
    expect(map(0xdead_0000n, 8n * P, P)).toBe('EFAULT');
    expect(map(memory, 8n * P, P)).toBe(0);
  });

  test('what went is told, also with an error', () => {
    attached();
    const memory = user.memory(4);
    for (const page of [0n, 2n, 3n]) expect(map(memory, page * P, P)).toBe(0);
    expect(map(memory, 4n * P, 2n * P)).toBe(0);
    expect(unmap(0n, 5n * P)).toEqual(['ENOENT', 3n * P]);
    expect(unmap(0n, 5n * P)).toEqual(['ENOENT', 0n]);
    expect(unmap(0n, P)).toEqual([0, 0n]);
    expect(unmap(0n, 0n)).toEqual(['EINVAL', 0n]);
    expect(unmap(P, MAX)).toEqual(['EOVERFLOW', 0n]);
    expect(unmap(1n, 5n, 2)).toEqual(['EINVAL', 5n]);
    expect(unmap(0n, 0n, 2)).toEqual([0, 2n * P]);
    expect(unmap(0n, 0n, 2)).toEqual([0, 0n]);
  });

  test('of type 1, mappings are cut', async () => {
    const one = machine.plug();
    const group = openGroup(one);
    expect(setContainer(group)).toBe(0);
    expect(setIommu(1)).toBe(0);
    expect(deviceFd(group, one)).toBeGreaterThan(0);
    expect(map(user.memory(6, 1), 0n, 6n * P)).toBe(0);
    expect(unmap(2n * P, P)).toEqual([0, P]);
    expect(unmap(P + 8n, P)).toEqual(['EINVAL', P]);
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(1));
    expect(await dmaRead(one, 2n * P, 1)).toBe('EFAULT');
    expect(await dmaRead(one, 3n * P - 1n, 2)).toBe('EFAULT');
    expect(await dmaRead(one, 5n * P, 1)).toEqual(Uint8Array.of(6));
    // Over what is left of it: the pieces at both ends.
    expect(unmap(P, 3n * P)).toEqual([0, 2n * P]);
    expect(await dmaRead(one, 4n * P, 1)).toEqual(Uint8Array.of(5));
    expect(unmap(0n, 6n * P)).toEqual([0, 3n * P]);
  });

  test('of type 1v2, and of type 1 where pages are shown already, they are not', () => {
    attached();
    expect(map(user.memory(2), 0n, 2n * P)).toBe(0);
    expect(setIommu(3)).toBe(0);
    expect(unmap(0n, P)).toEqual(['ENOENT', 0n]);
    expect(setIommu(1)).toBe('EINVAL');
    expect(unmap(0n, 2n * P)).toEqual([0, 2n * P]);
    expect(setIommu(1)).toBe(0);
    expect(map(user.memory(2), 0n, 2n * P)).toBe(0);
    expect(unmap(P, P)).toEqual([0, P]);
  });
});
