// Devices at an iommufd (sections 6.8 and 7.3): attach to an IOAS or a page table, replace, detach, groups of several functions, and closing in every order.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as uapi from '../../../src/uapi/index.ts';
import type { HostFunction } from '../../../src/vfio/index.ts';
import { MAX, Machine, PAGE, R, FIXED, type User, dmaRead, dmaWrite, long, packed, word, words } from './support.ts';

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

describe('HWPT_ALLOC', () => {
  test('a page table that stays until it is destroyed', async () => {
    const { one, fd, id } = bound();
    const ioas = user.ioas();
    const memory = user.memory(1, 8);
    expect(user.map(ioas, memory, P, { iova: 0n })).toBe(0n);
    const table = Number(user.pageTable(id, ioas));
    expect(table).toBe(3);
    expect(user.destroy(ioas)).toBe('EBUSY');
    expect(user.ranges(ioas).alignment).toBe(P);
    expect(user.attach(fd, table)).toBe(table);
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(8));
    expect(user.destroy(table)).toBe('EBUSY');
    user.detach(fd);
    expect(user.destroy(table)).toBe(0);
    expect(user.ranges(ioas).alignment).toBe(1n);
  });

  test('is never taken for a device that is attached to the IOAS', () => {
    const { fd, id } = bound();
    const ioas = user.ioas();
    expect(user.pageTable(id, ioas)).toBe(3);
    expect(user.attach(fd, ioas)).toBe(4);
  });

  test('errnos', () => {
    const { id, fd } = bound();
    const ioas = user.ioas();
    expect(user.pageTable(ioas, 9)).toBe('ENOENT');
    expect(user.pageTable(id, 9)).toBe('EINVAL');
    expect(user.pageTable(id, id)).toBe('EINVAL');
    expect(user.pageTable(id, ioas, 8)).toBe('EOPNOTSUPP');
    expect(user.pageTable(id, ioas, uapi.IOMMU_HWPT_ALLOC_NEST_PARENT)).toBe('EOPNOTSUPP');
    expect(user.pageTable(id, ioas, uapi.IOMMU_HWPT_FAULT_ID_VALID)).toBe('ENOENT');
    expect(user.ioctl(uapi.IOMMU_HWPT_ALLOC, packed(48, 0, id, ioas, 0, 0, 1, 24, 0n, 0, 0))).toBe('EOPNOTSUPP');
    expect(user.ioctl(uapi.IOMMU_HWPT_ALLOC, words(24, 0, id, ioas, 0, 0).subarray(0, 23))).toBe('EFAULT');
    const table = Number(user.pageTable(id, ioas));
    expect(table).toBe(3);
    expect(user.pageTable(id, table)).toBe('EOPNOTSUPP');
    expect(user.map(ioas, 0xdead_0000n, P)).toBe('EFAULT');
    expect(user.attach(fd, table)).toBe(3);
  });

  test('without dirty bits in the IOMMU', () => {
    const { id } = bound(machine.plug({ iommu: { tracksDirty: false } }));
    expect(user.pageTable(id, user.ioas(), uapi.IOMMU_HWPT_ALLOC_DIRTY_TRACKING)).toBe('EOPNOTSUPP');
  });

  test('with a fault queue: no device here can wait', () => {
    const { id, fd } = bound();
    const ioas = user.ioas();
    expect(user.ioctl(uapi.IOMMU_FAULT_QUEUE_ALLOC, words(16, 0, 0, 0))).toBe(0);
    const argument = packed(48, uapi.IOMMU_HWPT_FAULT_ID_VALID, id, ioas, 0, 0, 0, 0, 0n, 3, 0);
    expect(user.ioctl(uapi.IOMMU_HWPT_ALLOC, argument)).toBe(0);
    const table = word(argument, 16);
    expect(user.attach(fd, table)).toBe('ENODEV');
    expect(user.ranges(ioas).ranges).toEqual([[0n, LAST]]);
    user.process.close(5);
    expect(user.destroy(3)).toBe('EBUSY');
    expect(user.destroy(table)).toBe(0);
    expect(user.destroy(3)).toBe(0);
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

describe('dirty pages', () => {
  const track = (table: number, flags: number): number | string => user.ioctl(uapi.IOMMU_HWPT_SET_DIRTY_TRACKING, words(16, flags, table, 0));
  const get = (table: number, iova: bigint, length: bigint, request: { readonly flags?: number; readonly pageSize?: bigint; readonly data?: bigint } = {}): number | string | Uint8Array => {
    const data = request.data ?? BigInt(user.process.allocate(PAGE));
    const argument = packed(48, table, request.flags ?? 0, 0, iova, length, request.pageSize ?? P, data);
    const result = user.ioctl(uapi.IOMMU_HWPT_GET_DIRTY_BITMAP, argument);
    return result === 0 && data !== 0n ? user.bytes(data, 8) : result;
  };
  const bits = (...list: number[]): Uint8Array => {
    const bytes = new Uint8Array(8);
    for (const n of list) bytes[n >> 3]! |= 1 << (n & 7);
    return bytes;
  };

  test('of a page table that was made for them', async () => {
    const { one, fd, id } = bound();
    const ioas = user.ioas();
    const table = Number(user.pageTable(id, ioas, uapi.IOMMU_HWPT_ALLOC_DIRTY_TRACKING));
    expect(user.map(ioas, user.memory(20), 20n * P, { iova: 0n })).toBe(0n);
    expect(user.attach(fd, table)).toBe(table);
    await dmaWrite(one, 0n, Uint8Array.of(1));
    // Nothing is told before it is switched on, nor that it is not.
    expect(get(table, 0n, 20n * P)).toEqual(bits());
    expect(track(table, 1)).toBe(0);
    expect(get(table, 0n, 20n * P)).toEqual(bits());
    await dmaWrite(one, 3n * P - 1n, Uint8Array.of(1, 2));
    await dmaWrite(one, 17n * P, Uint8Array.of(1));
    await dmaRead(one, 9n * P);
    expect(get(table, 0n, 20n * P, { flags: uapi.IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR })).toEqual(bits(2, 3, 17));
    expect(get(table, 0n, 20n * P, { flags: uapi.IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, pageSize: 4n * P })).toEqual(bits(0, 4));
    expect(get(table, 2n * P, 2n * P)).toEqual(bits(0, 1));
    expect(get(table, 0n, 20n * P)).toEqual(bits(17));
    expect(get(table, 0n, 20n * P)).toEqual(bits());
    await dmaWrite(one, 0n, Uint8Array.of(1));
    // Smaller bits than pages.
    expect(get(table, 0n, P, { pageSize: 0x800n })).toEqual(bits(0, 1));
    await dmaWrite(one, 0n, Uint8Array.of(1));
    expect(track(table, 1)).toBe(0);
    expect(get(table, 0n, P)).toEqual(bits());
    expect(track(table, 0)).toBe(0);
    await dmaWrite(one, 0n, Uint8Array.of(1));
    expect(get(table, 0n, P)).toEqual(bits());
  });

  test('bits are set, none is cleared; what has no memory is lost, and a hole ends it', async () => {
    const { one, fd, id } = bound();
    const ioas = user.ioas();
    const table = Number(user.pageTable(id, ioas, uapi.IOMMU_HWPT_ALLOC_DIRTY_TRACKING));
    const memory = user.memory(2);
    expect(user.map(ioas, memory, P, { iova: 0n })).toBe(0n);
    expect(user.map(ioas, memory + P, P, { iova: 4n * P })).toBe(4n * P);
    user.attach(fd, table);
    track(table, 1);
    await dmaWrite(one, 0n, Uint8Array.of(1));
    await dmaWrite(one, 4n * P, Uint8Array.of(1));
    const data = user.memory(1, 0x80);
    expect(get(table, 0n, 8n * P, { data })).toEqual(Uint8Array.of(0x81, ...Array<number>(7).fill(0x80)));
    expect(get(table, 4n * P, 4n * P)).toEqual(bits(0));
    await dmaWrite(one, 4n * P, Uint8Array.of(1));
    expect(get(table, 4n * P, P, { data: 0n })).toBe(0);
    expect(get(table, 4n * P, P)).toEqual(bits());
  });

  test('errnos', () => {
    const { id } = bound();
    const ioas = user.ioas();
    const [plain, tracked] = [Number(user.pageTable(id, ioas)), Number(user.pageTable(id, ioas, uapi.IOMMU_HWPT_ALLOC_DIRTY_TRACKING))];
    expect(track(ioas, 1)).toBe('ENOENT');
    expect(track(plain, 2)).toBe('EOPNOTSUPP');
    expect(track(plain, 1)).toBe('EOPNOTSUPP');
    expect(get(plain, MAX - 0xfffn, 2n * P)).toBe('EOVERFLOW');
    expect(get(plain, P, 0n)).toBe('EOVERFLOW');
    expect(get(plain, 1n, P)).toBe('EINVAL');
    expect(get(plain, 0n, P, { pageSize: 0n })).toBe('EINVAL');
    expect(get(plain, P, P, { pageSize: 2n * P })).toBe('EINVAL');
    expect(get(plain, 0n, P)).toBe('EOPNOTSUPP');
    expect(get(tracked, 0n, P)).toEqual(bits());
  });
});

describe('GET_HW_INFO', () => {
  const info = (id: number, room: bigint, length: number): Uint8Array | string => {
    const argument = packed(40, 0, id, length, room, 9, 0, 9n);
    const result = user.ioctl(uapi.IOMMU_GET_HW_INFO, argument);
    return result === 0 ? argument : String(result);
  };

  test('VT-d, and dirty pages; the rest of the room is cleared', () => {
    const { id } = bound();
    const room = user.memory(2, 0xaa);
    const argument = info(id, room, 0x1010) as Uint8Array;
    expect([word(argument, 12), word(argument, 24), long(argument, 32)]).toEqual([24, 1, 1n]);
    const { cap_reg, ecap_reg } = uapi.iommu_hw_info_vtd.decode(user.bytes(room, 24));
    // 39 bits in three levels, large pages of both sizes; coherent, with dirty bits.
    expect([(cap_reg >> 8n) & 0x1fn, (cap_reg >> 16n) & 0x3fn, (cap_reg >> 34n) & 3n]).toEqual([2n, 38n, 3n]);
    expect([(ecap_reg >> 7n) & 1n, (ecap_reg >> 45n) & 1n, (ecap_reg >> 26n) & 1n]).toEqual([1n, 1n, 0n]);
    expect(user.bytes(room + 24n, 0x1010 - 24).every((byte) => byte === 0)).toBe(true);
    expect(user.bytes(room + 0x1010n, 1)).toEqual(Uint8Array.of(0xab));
  });

  test('no room, too little, and none that is there', () => {
    const { id } = bound(machine.plug({ iommu: { tracksDirty: false } }));
    expect(long(info(id, 0n, 0) as Uint8Array, 32)).toBe(0n);
    const room = user.memory(1, 0xaa);
    expect(word(info(id, room, 4) as Uint8Array, 12)).toBe(24);
    expect(user.bytes(room, 5)).toEqual(Uint8Array.of(0, 0, 0, 0, 0xaa));
    expect(info(id, 0n, 4)).toBe('EFAULT');
    expect(info(id, room + P - 30n, 64)).toBe('EFAULT');
  });
});

describe('locked memory', () => {
  const lock = (owner: User, mode?: bigint): { ioas: number; fd: number } => {
    if (mode !== undefined) expect(owner.ioctl(uapi.IOMMU_OPTION, packed(24, uapi.IOMMU_OPTION_RLIMIT_MODE, uapi.IOMMU_OPTION_OP_SET, 0, mode))).toBe(0);
    const fd = owner.cdev(machine.plug());
    owner.bind(fd);
    const ioas = owner.ioas();
    expect(owner.attach(fd, ioas)).toBe(3);
    return { ioas, fd };
  };
  const poor = { capabilities: ['CAP_SYS_RESOURCE'] as const, maxLockedBytes: 8 * PAGE };

  test('of the user: all processes together, until it is given back', () => {
    const [a, b] = [machine.user(poor), machine.user(poor)];
    const [x, y] = [lock(a), lock(b)];
    expect(a.map(x.ioas, a.memory(5), 5n * P, { iova: 0n })).toBe(0n);
    const memory = b.memory(4);
    expect(b.map(y.ioas, memory, 4n * P, { iova: 0n })).toBe('ENOMEM');
    expect(b.map(y.ioas, memory, 3n * P, { iova: 0n })).toBe(0n);
    expect(a.unmap(x.ioas, 0n, 5n * P)).toBe(5n * P);
    expect(b.map(y.ioas, memory, 4n * P, { iova: 8n * P })).toBe(8n * P);
  });

  test('of the process: each for itself', () => {
    const [a, b] = [machine.user(poor), machine.user(poor)];
    const [x, y] = [lock(a, 1n), lock(b, 1n)];
    expect(a.map(x.ioas, a.memory(8), 8n * P, { iova: 0n })).toBe(0n);
    expect(b.map(y.ioas, b.memory(8), 8n * P, { iova: 0n })).toBe(0n);
    expect(b.map(y.ioas, b.memory(1), P)).toBe('ENOMEM');
    // Who may exceed it may.
    const rich = lock(user, 1n);
    expect(user.map(rich.ioas, user.memory(9), 9n * P, { iova: 0n })).toBe(0n);
  });

  test('a page that two areas show counts once; detached, none counts', () => {
    const a = machine.user(poor);
    const { ioas, fd } = lock(a, 1n);
    const other = a.ioas();
    expect(a.map(ioas, a.memory(6), 6n * P, { iova: 0n })).toBe(0n);
    const second = a.cdev(machine.plug());
    a.bind(second);
    expect(a.copy(other, ioas, 0n, 6n * P, { iova: 0n })).toBe(0n);
    expect(a.attach(second, other)).toBe(6);
    expect(a.map(ioas, a.memory(2), 2n * P, { iova: 6n * P })).toBe(6n * P);
    expect(a.map(ioas, a.memory(1), P)).toBe('ENOMEM');
    // The copy alone keeps them.
    expect(a.unmap(ioas, 0n, MAX)).toBe(8n * P);
    expect(a.map(ioas, a.memory(3), 3n * P)).toBe('ENOMEM');
    a.detach(second);
    expect(a.map(ioas, a.memory(8), 8n * P, { iova: 0n })).toBe(0n);
    a.detach(fd);
    expect(a.map(other, 0xdead_0000n, P, { iova: 9n * P })).toBe(9n * P);
  });
});

describe('pages that were mapped together', () => {
  test('are unpinned one by one: those that only a detached page table showed are looked for anew', async () => {
    const [first, second] = [bound(), bound()];
    const [ioas, other] = [user.ioas(), user.ioas()];
    user.attach(first.fd, ioas);
    user.attach(second.fd, other);
    const memory = user.memory(6, 1);
    expect(user.map(ioas, memory, 6n * P, { iova: 0n })).toBe(0n);
    expect(user.copy(other, ioas, P, 2n * P, { iova: 0n })).toBe(0n);
    user.detach(first.fd);
    user.process.munmap(memory, 6 * PAGE);
    expect(user.memory(6, 0x81)).toBe(memory);
    user.attach(first.fd, ioas);
    const shown = async (pages: number): Promise<unknown[]> => Promise.all(Array.from({ length: pages }, async (_, i) => (await dmaRead(first.one, BigInt(i * PAGE), 1)).toString()));
    // Pages 1 and 2 stayed what the copy shows.
    expect(await shown(6)).toEqual([0x81, 2, 3, 0x84, 0x85, 0x86].map(String));
    expect(await dmaRead(second.one, P, 1)).toEqual(Uint8Array.of(3));
    expect(user.unmap(ioas, 0n, 6n * P)).toBe(6n * P);
    expect(await dmaRead(second.one, 0n, 1)).toEqual(Uint8Array.of(2));
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
