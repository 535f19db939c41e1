// Devices at an iommufd (sections 6.8 and 7.3): attach to an IOAS or a page table, replace, detach, groups of several functions, and closing in every order.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as uapi from '../../../src/uapi/index.ts';
import type { HostFunction } from '../../../src/vfio/index.ts';
import { MAX, Machine, PAGE, R, FIXED, type User, dmaRead, dmaWrite, packed, words } from './support.ts';

const P = BigInt(PAGE);
const LAST = 0x7f_ffff_ffffn;
let machine: Machine;
let user: User;
beforeEach(() => {
  machine = new Machine();
  user = machine.user();
});
afterEach(() => machine.end());

/** A bound function: its fd and its number. */
function bound(one: HostFunction = machine.plug()): { one: HostFunction; fd: number; id: number } {
  const fd = user.cdev(one);
  return { one, fd, id: Number(user.bind(fd)) };
}

describe('an attached device', () => {
  test('reaches what is mapped before and after, and nothing else', async () => {
    const { one, fd } = bound();
    const ioas = user.ioas();
    const memory = user.memory(4);
    expect(user.map(ioas, memory, P, { iova: 0x1_0000n })).toBe(0x1_0000n);
    expect(await dmaRead(one, 0x1_0000n)).toBe('EFAULT');
    expect(user.attach(fd, ioas)).toBe(3);
    expect(await dmaRead(one, 0x1_0000n)).toEqual(Uint8Array.of(1, 1, 1, 1));
    expect(user.map(ioas, memory + P, 2n * P, { iova: 0x1_1000n })).toBe(0x1_1000n);
    // Over the border of two areas.
    expect(await dmaWrite(one, 0x1_0ffen, Uint8Array.of(7, 8, 9, 10))).toBe(0);
    expect(user.bytes(memory + 0xffen, 4)).toEqual(Uint8Array.of(7, 8, 9, 10));
    expect(user.unmap(ioas, 0x1_1000n, 2n * P)).toBe(2n * P);
    expect(await dmaWrite(one, 0x1_0ffen, Uint8Array.of(1, 1, 1, 1))).toBe('EFAULT');
    expect(user.bytes(memory + 0xffen, 4)).toEqual(Uint8Array.of(7, 8, 9, 10));
    expect(user.detach(fd)).toBe(0);
    expect(await dmaRead(one, 0x1_0000n)).toBe('EFAULT');
    expect(user.detach(fd)).toBe(0);
  });

  test('memory stays where it is while it is mapped, whatever the process unmaps', async () => {
    const { one, fd } = bound();
    const ioas = user.ioas();
    const memory = user.memory(1, 5);
    user.attach(fd, ioas);
    expect(user.map(ioas, memory, P, { iova: 0n })).toBe(0n);
    user.process.munmap(memory, PAGE);
    expect(await dmaRead(one, 0n, 2)).toEqual(Uint8Array.of(5, 5));
    expect(user.unmap(ioas, 0n, P)).toBe(P);
    expect(await dmaRead(one, 0n, 2)).toBe('EFAULT');
  });

  test('protections', async () => {
    const { one, fd } = bound();
    const ioas = user.ioas();
    user.attach(fd, ioas);
    const memory = user.memory(1);
    expect(user.map(ioas, memory, P, { iova: 0n, flags: R | FIXED })).toBe(0n);
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(1));
    expect(await dmaWrite(one, 0n, Uint8Array.of(2))).toBe('EFAULT');
    const readOnly = user.process.mmap(PAGE, 1, 0x22);
    expect(user.map(ioas, BigInt(readOnly), P, { iova: P })).toBe('EFAULT');
    expect(user.map(ioas, BigInt(readOnly), P, { iova: P, flags: R | FIXED })).toBe(P);
  });

  test('makes the address space as narrow as its IOMMU', () => {
    const { fd } = bound();
    const ioas = user.ioas();
    user.attach(fd, ioas);
    expect(user.ranges(ioas)).toEqual({ ranges: [[0n, 0xfedf_ffffn], [0xfef0_0000n, LAST]], alignment: P });
    const memory = user.memory(1);
    expect(user.map(ioas, memory, P, { iova: 0xfee0_0000n })).toBe('EINVAL');
    expect(user.map(ioas, memory, P, { iova: 1n })).toBe('EINVAL');
    expect(user.map(ioas, memory, 3n, { iova: 0n })).toBe('EINVAL');
    expect(user.map(ioas, memory + 1n, P, { iova: 0n })).toBe('EINVAL');
    expect(user.map(ioas, memory, P, { iova: LAST + 1n })).toBe('EINVAL');
    expect(user.map(ioas, 0xdead_0000n, P, { iova: 0n })).toBe('EFAULT');
    expect(user.map(ioas, 0xdead_0000n, P)).toBe('EFAULT');
    expect(user.unmap(ioas, 0n, MAX)).toBe(0n);
    user.detach(fd);
    expect(user.ranges(ioas)).toEqual({ ranges: [[0n, MAX]], alignment: 1n });
  });

  test.each<[string, (ioas: number) => unknown, unknown]>([
    ['an area where messages go', (ioas) => user.map(ioas, 0x1000n, P, { iova: 0xfee0_0000n }), 'EADDRINUSE'],
    ['an area above what the IOMMU translates', (ioas) => user.map(ioas, 0x1000n, P, { iova: LAST }), 'EADDRINUSE'],
    ['an area that is no whole page', (ioas) => user.map(ioas, 0x1000n, 3n, { iova: 0n }), 'EADDRINUSE'],
    ['an area that starts inside a page', (ioas) => user.map(ioas, 0x1001n, P, { iova: 0n }), 'EADDRINUSE'],
    ['memory that is not there', (ioas) => user.map(ioas, 0xdead_0000n, P, { iova: 0n }), 'EFAULT'],
    ['a file that is no memfd', (ioas) => user.ioctl(uapi.IOMMU_IOAS_MAP_FILE, packed(40, R | FIXED, ioas, user.fd, 0n, P, 0n)), 'EINVAL'],
  ])('refused for %s; then nothing is attached', async (_, prepare, want) => {
    const { one, fd } = bound();
    const ioas = user.ioas();
    const memory = user.memory(1);
    expect(user.map(ioas, memory, P, { iova: 0x8000n })).toBe(0x8000n);
    prepare(ioas);
    for (let i = 0; i < 2; i++) {
      expect(user.attach(fd, ioas)).toBe(want);
      expect(user.ranges(ioas)).toEqual({ ranges: [[0n, MAX]], alignment: 1n });
      expect(await dmaRead(one, 0x8000n)).toBe('EFAULT');
    }
    // The number of the page table is free again.
    expect(user.ioas()).toBe(3);
    expect(user.destroy(ioas)).toBe(0);
  });

  test('refused for an allowed range that it reserves', () => {
    const { fd } = bound();
    const ioas = user.ioas();
    const room = user.memory(1);
    user.process.memory.writeBytes(room, packed(0n, LAST));
    expect(user.ioctl(uapi.IOMMU_IOAS_ALLOW_IOVAS, packed(24, ioas, 1, 0, room))).toBe(0);
    expect(user.attach(fd, ioas)).toBe('EADDRINUSE');
    expect(user.ioctl(uapi.IOMMU_IOAS_ALLOW_IOVAS, packed(24, ioas, 0, 0, 0n))).toBe(0);
    expect(user.attach(fd, ioas)).toBe(3);
    expect(user.ioctl(uapi.IOMMU_IOAS_ALLOW_IOVAS, packed(24, ioas, 1, 0, room))).toBe('EADDRINUSE');
  });
});

describe('ids', () => {
  test('ATTACH: errnos in their order, and what is written back', () => {
    const { fd, id } = bound();
    const ioas = user.ioas();
    expect(user.attach(fd, 9)).toBe('ENOENT');
    expect(user.attach(fd, 0)).toBe('ENOENT');
    expect(user.attach(fd, id)).toBe('EINVAL');
    const argument = words(16, 0, ioas, 0xaaaa_aaaa);
    expect(user.ioctl(uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT, argument, fd)).toBe(0);
    expect(argument).toEqual(words(16, 0, 3, 0xaaaa_aaaa));
    expect(user.ioctl(uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT, words(12, 1, 9), fd)).toBe('EINVAL');
    expect(user.ioctl(uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT, words(11, 0, 9), fd)).toBe('EINVAL');
    expect(user.ioctl(uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT, words(12, 1, 9).subarray(0, 11), fd)).toBe('EFAULT');
  });

  test('who uses what cannot be destroyed', () => {
    const { fd, id } = bound();
    const ioas = user.ioas();
    const table = Number(user.attach(fd, ioas));
    expect([id, ioas, table].map((each) => user.destroy(each))).toEqual(['EBUSY', 'EBUSY', 'EBUSY']);
    user.detach(fd);
    // The page table went with its device.
    expect([id, ioas, table].map((each) => user.destroy(each))).toEqual(['EBUSY', 0, 'ENOENT']);
    user.process.close(fd);
    expect(user.destroy(id)).toBe('ENOENT');
  });

  test('two devices share the page table that was made for the first', () => {
    const [a, b] = [bound(), bound()];
    const ioas = user.ioas();
    expect(user.attach(a.fd, ioas)).toBe(4);
    expect(user.attach(b.fd, ioas)).toBe(4);
    expect(user.attach(b.fd, ioas)).toBe(4);
    user.detach(a.fd);
    expect(user.attach(a.fd, ioas)).toBe(4);
    user.detach(a.fd);
    user.detach(b.fd);
    expect(user.destroy(4)).toBe('ENOENT');
  });

  test('IOMMUs that are unlike have a page table each, and an area is in both', async () => {
    const a = bound();
    const b = bound(machine.plug({ iommu: { lastAddress: 0xffff_ffffn, pageSizes: 0x1000n } }));
    const ioas = user.ioas();
    expect(user.attach(a.fd, ioas)).toBe(4);
    expect(user.attach(b.fd, ioas)).toBe(5);
    expect(user.ranges(ioas).ranges).toEqual([[0n, 0xfedf_ffffn], [0xfef0_0000n, 0xffff_ffffn]]);
    const memory = user.memory(1, 3);
    expect(user.map(ioas, memory, P, { iova: 0n })).toBe(0n);
    for (const { one } of [a, b]) expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(3));
    user.detach(b.fd);
    expect(user.ranges(ioas).ranges).toEqual([[0n, 0xfedf_ffffn], [0xfef0_0000n, LAST]]);
    expect(await dmaRead(b.one, 0n, 1)).toBe('EFAULT');
    expect(await dmaRead(a.one, 0n, 1)).toEqual(Uint8Array.of(3));
  });

  test('an IOMMU whose smallest page is larger than one of memory', () => {
    const { fd } = bound(machine.plug({ iommu: { pageSizes: 0x1_0000n } }));
    expect(user.attach(fd, user.ioas())).toBe('EINVAL');
  });
});

describe('replace', () => {
  test('by another IOAS, at once; after a failure the old one stays', async () => {
    const { one, fd } = bound();
    const [a, b] = [user.ioas(), user.ioas()];
    const memory = user.memory(2);
    expect(user.map(a, memory, P, { iova: 0n })).toBe(0n);
    expect(user.map(b, memory + P, P, { iova: 0n })).toBe(0n);
    expect(user.map(b, memory, P, { iova: 0xfee0_0000n })).toBe(0xfee0_0000n);
    expect(user.attach(fd, a)).toBe(4);
    expect(user.attach(fd, b)).toBe('EADDRINUSE');
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(1));
    expect(user.ranges(b)).toEqual({ ranges: [[0n, MAX]], alignment: 1n });
    expect(user.unmap(b, 0xfee0_0000n, P)).toBe(P);
    expect(user.attach(fd, b)).toBe(5);
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(2));
    expect(user.ranges(a)).toEqual({ ranges: [[0n, MAX]], alignment: 1n });
    expect(user.destroy(4)).toBe('ENOENT');
    expect(user.destroy(a)).toBe(0);
    expect(user.attach(fd, 9)).toBe('ENOENT');
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(2));
  });

  test('by a page table of the same IOAS, and back', () => {
    const { fd, id } = bound();
    const ioas = user.ioas();
    const table = Number(user.pageTable(id, ioas));
    expect(user.attach(fd, ioas)).toBe(4);
    expect(user.attach(fd, table)).toBe(table);
    expect(user.destroy(4)).toBe('ENOENT');
    expect(user.attach(fd, table)).toBe(table);
    expect(user.attach(fd, ioas)).toBe(4);
    expect(user.destroy(table)).toBe(0);
    expect(user.ranges(ioas).ranges).toEqual([[0n, 0xfedf_ffffn], [0xfef0_0000n, LAST]]);
  });
});

describe('a group of two functions', () => {
  let a: ReturnType<typeof bound>;
  let b: ReturnType<typeof bound>;
  beforeEach(() => {
    a = bound(machine.plug({ slot: '0000:09:00.0' }));
    b = bound(machine.plug({ slot: '0000:09:00.1' }));
  });

  test('has one page table', async () => {
    const [x, y] = [user.ioas(), user.ioas()];
    expect(user.map(x, user.memory(1, 6), P, { iova: 0n })).toBe(0n);
    expect(user.attach(a.fd, x)).toBe(5);
    // The other is behind it as well.
    expect(await dmaRead(b.one, 0n, 1)).toEqual(Uint8Array.of(6));
    expect(user.attach(b.fd, y)).toBe('EINVAL');
    expect(user.attach(b.fd, x)).toBe(5);
    user.detach(a.fd);
    expect(await dmaRead(a.one, 0n, 1)).toEqual(Uint8Array.of(6));
    user.detach(b.fd);
    expect(await dmaRead(a.one, 0n, 1)).toBe('EFAULT');
    expect(user.attach(b.fd, y)).toBe(5);
  });

  test('is replaced as a whole', async () => {
    const [x, y] = [user.ioas(), user.ioas()];
    expect(user.map(y, user.memory(1, 7), P, { iova: 0n })).toBe(0n);
    expect(user.attach(a.fd, x)).toBe(5);
    expect(user.attach(b.fd, x)).toBe(5);
    expect(user.attach(a.fd, y)).toBe(6);
    for (const { one } of [a, b]) expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(7));
    expect(user.destroy(x)).toBe(0);
    expect(user.ranges(y).ranges).toHaveLength(2);
    user.detach(a.fd);
    expect(user.ranges(y).ranges).toHaveLength(2);
    user.detach(b.fd);
    expect(user.ranges(y).ranges).toHaveLength(1);
  });

  test('DMA is claimed as long as one is bound', () => {
    const { group } = a.one;
    user.process.close(a.fd);
    expect(group.owner).toBeDefined();
    user.process.close(b.fd);
    expect(group.owner).toBeUndefined();
  });
});

describe('closing', () => {
  /** What is closed in every order: the iommufd, the device, a mapping of it. */
  const ORDERS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] as const;

  test.each(ORDERS)('in the order %d %d %d: the last takes everything with it', async (...order) => {
    const { one, fd } = bound();
    const ioas = user.ioas();
    user.attach(fd, ioas);
    expect(user.map(ioas, user.memory(2, 4), 2n * P, { iova: 0n })).toBe(0n);
    user.pageTable(1, ioas, uapi.IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
    const { process } = user;
    const address = process.mmap(PAGE, 3, 1, fd, 0);
    const steps = [() => process.close(user.fd), () => process.close(fd), () => process.munmap(address, PAGE)];
    for (const [i, step] of order.entries()) {
      steps[step]!();
      // The device is open, and attached, for as long as the file or the mapping is there.
      const isOpen = !(order.slice(0, i + 1).includes(1) && order.slice(0, i + 1).includes(2));
      expect(await dmaRead(one, 0n, 1)).toEqual(isOpen ? Uint8Array.of(4) : 'EFAULT');
      expect(one.device!.openFiles).toBe(isOpen ? 1 : 0);
    }
    expect(one.group.owner).toBeUndefined();
  });

  test('the process ends while all is there', async () => {
    const { one, fd } = bound();
    const ioas = user.ioas();
    user.attach(fd, ioas);
    user.map(ioas, user.memory(2), 2n * P, { iova: 0n });
    user.process.exit();
    expect(await dmaRead(one, 0n, 1)).toBe('EFAULT');
    expect([one.device!.openFiles, one.group.owner, one.group.boundDevices]).toEqual([0, undefined, 0]);
  });
});
