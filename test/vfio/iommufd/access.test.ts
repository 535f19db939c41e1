// A mediated device at an iommufd (section 6.8): its driver reaches memory itself, and gives up what is unmapped.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as uapi from '../../../src/uapi/index.ts';
import type { HostFunction } from '../../../src/vfio/index.ts';
import { FIXED, MAX, Machine, PAGE, R, type User, dmaRead, dmaWrite, outcome, packed } from './support.ts';

const P = BigInt(PAGE);
let machine: Machine;
let user: User;
let told: (readonly [bigint, bigint])[];
let one: HostFunction;
let fd: number;
/** What its driver does when it is told. */
let unmapped: (iova: bigint, bytes: bigint) => void;
beforeEach(() => {
  machine = new Machine();
  user = machine.user();
  told = [];
  unmapped = (iova, bytes) => one.access?.unpin(iova, bytes);
  one = machine.plug({
    slot: 'aaaaaaaa-0000-0000-0000-000000000001',
    emulated: {
      unmapped: (iova, bytes) => {
        told.push([iova, bytes]);
        unmapped(iova, bytes);
      },
    },
  });
  fd = user.cdev(one);
  expect(user.bind(fd)).toBe(1);
});
afterEach(() => machine.end());

describe('attach', () => {
  test('to an address space alone, whose number it gives back; replace, and detach', async () => {
    const [a, b] = [user.ioas(), user.ioas()];
    expect(user.attach(fd, 9)).toBe('ENOENT');
    expect(user.attach(fd, 1)).toBe('ENOENT');
    expect(await dmaRead(one, 0n)).toBe('EFAULT');
    expect(user.attach(fd, a)).toBe(a);
    expect(user.attach(fd, a)).toBe(a);
    expect([user.destroy(1), user.destroy(a), user.destroy(b)]).toEqual(['EBUSY', 'EBUSY', 0]);
    expect(user.ranges(a)).toEqual({ ranges: [[0n, MAX]], alignment: P });
    expect(told).toEqual([]);
    const c = user.ioas();
    expect(user.attach(fd, c)).toBe(c);
    expect(told).toEqual([[0n, MAX]]);
    expect([user.destroy(c), user.destroy(a)]).toEqual(['EBUSY', 0]);
    expect(user.detach(fd)).toBe(0);
    expect(user.destroy(c)).toBe(0);
    expect(user.detach(fd)).toBe(0);
  });

  test('areas must be whole pages', () => {
    const ioas = user.ioas();
    expect(user.map(ioas, 0n, 3n, { iova: 0n })).toBe(0n);
    expect(user.attach(fd, ioas)).toBe('EADDRINUSE');
    expect(user.unmap(ioas, 0n, 3n)).toBe(3n);
    expect(user.attach(fd, ioas)).toBe(ioas);
    expect(user.map(ioas, 0n, 3n, { iova: 0n })).toBe('EINVAL');
  });

  test('a page table is none, and nothing is owned', () => {
    const real = user.cdev(machine.plug());
    expect(user.bind(real)).toBe(2);
    const ioas = user.ioas();
    const table = Number(user.pageTable(2, ioas));
    expect(user.attach(fd, table)).toBe('ENOENT');
    expect(user.pageTable(1, ioas)).toBe('ENOENT');
    expect(one.group.owner).toBeUndefined();
  });
});

describe('memory', () => {
  let ioas: number;
  let memory: bigint;
  beforeEach(() => {
    ioas = user.ioas();
    memory = user.memory(4, 1);
    expect(user.attach(fd, ioas)).toBe(ioas);
    expect(user.map(ioas, memory, 2n * P, { iova: 0n })).toBe(0n);
    expect(user.map(ioas, memory + 2n * P, P, { iova: 2n * P, flags: R | FIXED })).toBe(2n * P);
  });

  test('as it is now: nothing is pinned for it', async () => {
    expect(await dmaRead(one, P - 1n, 2)).toEqual(Uint8Array.of(1, 2));
    expect(await dmaWrite(one, 2n * P - 1n, Uint8Array.of(9, 9))).toBe('EFAULT');
    expect(await dmaRead(one, 2n * P - 1n, 2)).toEqual(Uint8Array.of(2, 3));
    expect(await dmaWrite(one, 0n, Uint8Array.of(9))).toBe(0);
    expect(await dmaRead(one, 3n * P - 1n, 2)).toBe('EFAULT');
    user.process.munmap(memory, PAGE);
    expect(await dmaRead(one, 0n, 1)).toBe('EFAULT');
    expect(await dmaRead(one, P, 1)).toEqual(Uint8Array.of(2));
  });

  test('pins keep pages, and are given up when they are unmapped', async () => {
    const access = one.access!;
    access.pin(0n, 2n * P, true);
    user.process.munmap(memory, PAGE);
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(1));
    expect(user.unmap(ioas, 2n * P, P)).toBe(P);
    expect(told).toEqual([]);
    expect(user.unmap(ioas, 0n, P)).toBe('ENOENT');
    expect(user.unmap(ioas, 0n, 4n * P)).toBe(2n * P);
    expect(told).toEqual([[0n, 2n * P]]);
    expect(await dmaRead(one, 0n, 1)).toBe('EFAULT');
  });

  test('a driver that does not give up: EBUSY, and what it holds stays its', async () => {
    const access = one.access!;
    access.pin(P, P, false);
    unmapped = () => undefined;
    expect(user.unmap(ioas, 0n, 4n * P)).toBe('EBUSY');
    // But it gets no more of it.
    expect(outcome(() => access.pin(0n, P, false))).toBe('EINVAL');
    expect(await dmaRead(one, 0n, 1)).toBe('EFAULT');
    access.unpin(P, P);
    expect(user.unmap(ioas, 0n, 4n * P)).toBe(3n * P);
  });

  test('errnos of pins; nothing is pinned by one that fails', () => {
    const access = one.access!;
    expect(outcome(() => access.pin(2n * P, 2n * P, false))).toBe('ENOENT');
    expect(outcome(() => access.pin(P, 2n * P, true))).toBe('EPERM');
    expect(outcome(() => access.pin(0n, 0n, false))).toBe('EINVAL');
    expect(outcome(() => access.pin(8n, P, false))).toBe('EINVAL');
    expect(outcome(() => access.pin(MAX - 0xfffn, 2n * P, false))).toBe('EOVERFLOW');
    user.process.munmap(memory + P, PAGE);
    expect(outcome(() => access.pin(0n, 2n * P, false))).toBe('EFAULT');
    expect(user.unmap(ioas, 0n, MAX)).toBe(3n * P);
    expect(told).toEqual([]);
  });

  test('a page that is pinned twice is given up twice; what is not pinned is left out', () => {
    const access = one.access!;
    access.pin(0n, P, false);
    access.pin(0n, P, false);
    access.unpin(0n, 4n * P);
    unmapped = () => undefined;
    expect(user.unmap(ioas, 0n, 2n * P)).toBe('EBUSY');
    access.unpin(0n, 4n * P);
    access.unpin(0n, MAX);
    expect(user.unmap(ioas, 0n, 2n * P)).toBe(2n * P);
  });

  test('detached, all pins are gone, whatever its driver did; so are they when it is closed', () => {
    one.access!.pin(0n, 2n * P, true);
    unmapped = () => undefined;
    user.detach(fd);
    expect(one.access).toBeUndefined();
    expect(told).toEqual([[0n, MAX]]);
    expect(user.unmap(ioas, 0n, 2n * P)).toBe(2n * P);
    expect(user.attach(fd, ioas)).toBe(ioas);
    one.access!.pin(2n * P, P, false);
    user.process.close(fd);
    expect(user.destroy(ioas)).toBe(0);
  });

  test('pinned pages count against the limit', () => {
    const poor = machine.user({ capabilities: [], maxLockedBytes: PAGE });
    const other = machine.plug({ slot: 'bbbb', emulated: {} });
    const own = poor.cdev(other);
    expect(poor.bind(own)).toBe(1);
    const space = poor.ioas();
    poor.attach(own, space);
    expect(poor.map(space, poor.memory(2), 2n * P, { iova: 0n })).toBe(0n);
    other.access!.pin(0n, P, true);
    expect(outcome(() => other.access!.pin(P, P, true))).toBe('ENOMEM');
    other.access!.unpin(0n, P);
    other.access!.pin(P, P, true);
  });

  test('beside a device of the same address space: memory stays while either needs it', async () => {
    const real = machine.plug();
    const own = user.cdev(real);
    user.bind(own);
    expect(user.attach(own, ioas)).toBe(4);
    one.access!.pin(0n, P, true);
    user.process.munmap(memory, PAGE);
    await dmaWrite(real, 0n, Uint8Array.of(0x77));
    // Both see the page that was there.
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(0x77));
    user.detach(own);
    expect(await dmaRead(one, 0n, 1)).toEqual(Uint8Array.of(0x77));
    expect(user.ioctl(uapi.IOMMU_OPTION, packed(24, uapi.IOMMU_OPTION_HUGE_PAGES, uapi.IOMMU_OPTION_OP_GET, ioas, 0n))).toBe(0);
  });
});
