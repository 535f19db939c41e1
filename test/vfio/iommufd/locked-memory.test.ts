// Memory that an iommufd keeps in its place (section 6.8): against which limit its pages count, and when they are let go.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as uapi from '../../../src/uapi/index.ts';
import type { HostFunction } from '../../../src/vfio/index.ts';
import { MAX, Machine, PAGE, type User, dmaRead, packed } from './support.ts';

const P = BigInt(PAGE);
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
