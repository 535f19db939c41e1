// Page tables of an iommufd (sections 6.8 and 7.3): made and kept, their dirty pages, and what the IOMMU behind them says of itself.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as uapi from '../../../src/uapi/index.ts';
import type { HostFunction } from '../../../src/vfio/index.ts';
import { MAX, Machine, PAGE, type User, dmaRead, dmaWrite, long, packed, word, words } from './support.ts';

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
