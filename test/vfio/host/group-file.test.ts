// The group path (sections 1.2, 7.2 and 7.5): who opens a group, what each request answers in each state, and closing in every order.
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  VFIO_CHECK_EXTENSION,
  VFIO_GET_API_VERSION,
  VFIO_GROUP_GET_STATUS,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_UNMAP_DMA,
} from '../../../src/uapi/index.ts';
import type { HostFunction } from '../../../src/vfio/index.ts';
import { HostWorld, PAGE, type Program, TYPE1, dmaRead, hexOf, pathOf } from '../container/support.ts';
import { NIC, type GroupState, groupIn, type HeldGroup } from './group-states.ts';

let world: HostWorld;
afterEach(() => world.end());

const inState = (state: GroupState): HeldGroup => groupIn((world = new HostWorld()), state);

describe('who opens a group', () => {
  test('one file at a time, in whatever process; again when that is closed', () => {
    world = new HostWorld();
    const nic = world.plug(NIC);
    const [one, other] = [world.program(), world.program()];
    const fd = one.open(pathOf(nic));
    expect(one.tryOpen(pathOf(nic))).toBe('EBUSY');
    expect(other.tryOpen(pathOf(nic))).toBe('EBUSY');
    const same = one.process.dup(fd);
    one.process.close(fd);
    expect(other.tryOpen(pathOf(nic))).toBe('EBUSY');
    one.process.close(same);
    expect(other.tryOpen(pathOf(nic))).toBe(3);
  });

  test('paths that are none, and groups of functions that VFIO does not drive', () => {
    world = new HostWorld();
    world.plug(NIC);
    const unbound = world.host.plug({ slot: '0000:02:00.0' });
    const program = world.program();
    for (const path of ['/dev/vfio/7', '/dev/vfio/noiommu-0', '/dev/vfio/00', '/dev/vfio/', '/dev/vfio/devices/vfio9']) expect(program.tryOpen(path)).toBe('ENOENT');
    expect(program.tryOpen(pathOf(unbound))).toBe('ENODEV');
  });

  test('a group without an IOMMU: there with the option only, and for who may touch raw I/O', () => {
    world = new HostWorld({ unsafeNoIommu: true });
    const bare = world.plug(NIC, { iommu: 'none' });
    expect(world.program({ capabilities: [] }).tryOpen(pathOf(bare))).toBe('EPERM');
    const program = world.program();
    expect(program.tryOpen(`/dev/vfio/${bare.group.id}`)).toBe('ENOENT');
    const { container, groups } = program.ready([bare], 8);
    expect(program.deviceFd(groups[0]!, NIC)).toBe(5);
    expect(program.ioctl(container, VFIO_IOMMU_GET_INFO, new Uint8Array(24))).toBe('ENOTTY');
    expect(program.ioctl(container, VFIO_CHECK_EXTENSION, 8)).toBe(1);
    expect(program.ioctl(container, VFIO_CHECK_EXTENSION, 1)).toBe(0);
    const nic = world.plug('0000:02:00.0');
    expect(program.setContainer(program.open(pathOf(nic)), container)).toBe('EPERM');
    program.process.exit();
    world.end();
    world = new HostWorld();
    expect(world.program().tryOpen(pathOf(world.plug(NIC, { iommu: 'none' })))).toBe('ENOENT');
  });
});

describe('the state machine', () => {
  test.each<[GroupState, Record<string, number | string>]>([
    ['free', { status: 1, set: 0, unset: 'EINVAL', device: 'EINVAL', iommu: 'EINVAL', map: 'EINVAL', other: 'EINVAL' }],
    ['in a container', { status: 3, set: 'EINVAL', unset: 0, device: 'EINVAL', iommu: 0, map: 'EINVAL', other: 'EINVAL' }],
    ['with an IOMMU', { status: 3, set: 'EINVAL', unset: 0, device: 5, iommu: 'EINVAL', map: 0, other: 'ENOTTY' }],
    ['device open', { status: 3, set: 'EINVAL', unset: 'EBUSY', device: 6, iommu: 'EINVAL', map: 0, other: 'ENOTTY' }],
  ])('%s', (state, want) => {
    const calls: Record<string, (held: HeldGroup) => number | string> = {
      status: ({ program, group }) => program.status(group),
      set: ({ program, group, container }) => program.setContainer(group, container),
      unset: ({ program, group }) => program.unsetContainer(group),
      device: ({ program, group }) => program.deviceFd(group, NIC),
      iommu: ({ program, container }) => program.setIommu(container),
      map: ({ program, container }) => program.map(container, 0, PAGE, program.process.allocate(PAGE)),
      other: ({ program, container }) => program.ioctl(container, 0x3b76, new Uint8Array(64)),
    };
    for (const [name, call] of Object.entries(calls)) {
      const held = inState(state);
      expect([name, call(held)]).toEqual([name, want[name]]);
      expect(held.program.ioctl(held.container, VFIO_GET_API_VERSION)).toBe(0);
      expect(held.program.ioctl(held.group, 0x3b6b, new Uint8Array(64))).toBe('ENOTTY');
      world.end();
    }
    world = new HostWorld();
  });

  test('requests that only a driver knows are EINVAL without one, and the argument is not looked at', () => {
    const { program, container } = inState('in a container');
    for (const request of [VFIO_IOMMU_GET_INFO, VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA, VFIO_IOMMU_DIRTY_PAGES, 0x3b7f]) expect(program.ioctl(container, request)).toBe('EINVAL');
  });

  test('the last group takes the mappings and the driver along; then all begins anew', async () => {
    const { program, container, group } = inState('with an IOMMU');
    expect(program.map(container, 0, PAGE, program.process.allocate(PAGE))).toBe(0);
    expect(program.unsetContainer(group)).toBe(0);
    const [nic] = world.host.functions;
    expect(await dmaRead(nic!, 0, 1)).toBe('EFAULT');
    expect(program.setIommu(container)).toBe('EINVAL');
    expect(program.setContainer(group, container)).toBe(0);
    expect(program.setIommu(container, TYPE1)).toBe(0);
    expect(program.unmap(container, 0, PAGE)).toBe(0);
  });

  test('while another group is there both stay', async () => {
    const { program, container, group } = inState('with an IOMMU');
    const other = world.plug('0000:02:00.0');
    const second = program.open(pathOf(other));
    expect(program.map(container, 0, PAGE, program.process.allocate(PAGE))).toBe(0);
    expect(program.setContainer(second, container)).toBe(0);
    program.process.close(group);
    expect(hexOf((await dmaRead(other, 0, 1)) as Uint8Array)).toBe('00');
    expect(await dmaRead(world.host.functions[0]!, 0, 1)).toBe('EFAULT');
  });
});

describe('SET_CONTAINER in its order', () => {
  const set = (program: Program, group: number, argument?: Uint8Array) => program.ioctl(group, VFIO_GROUP_SET_CONTAINER, argument);
  test('memory, fd, state, kind of file', () => {
    const { program, container, group } = inState('free');
    expect(set(program, group)).toBe('EFAULT');
    expect(set(program, group, new Uint8Array(3))).toBe('EFAULT');
    expect(program.setContainer(group, 99)).toBe('EBADF');
    expect(program.setContainer(group, -1)).toBe('EBADF');
    expect(program.setContainer(group, group)).toBe('EBADFD');
    expect(program.setContainer(group, program.process.eventfd())).toBe('EBADFD');
    expect(program.setContainer(group, container)).toBe(0);
    expect(program.setContainer(group, 99)).toBe('EBADF');
    expect(program.setContainer(group, group)).toBe('EINVAL');
  });

  test('an fd means the table of who calls', () => {
    const { program, container, group } = inState('free');
    const other = world.program();
    const handed = program.process.sendFd(group, other.process);
    expect(handed).toBe(3);
    // Its own fd 3 is the group.
    expect(container).toBe(3);
    expect(other.setContainer(handed, container)).toBe('EBADFD');
    expect(other.setContainer(handed, group)).toBe('EBADF');
    expect(other.setContainer(handed, other.container())).toBe(0);
    expect(program.status(group)).toBe(3);
  });

  test('a group that is not viable: EPERM, and a foreign domain: EBUSY, though its status says 1', () => {
    world = new HostWorld();
    const [nic, blocked] = [world.plug('0000:01:00.0', {}), world.plug('0000:02:00.0')];
    world.host.plug({ slot: '0000:01:00.1', driver: 'native' });
    const program = world.program();
    const [first, second, container] = [program.open(pathOf(nic)), program.open(pathOf(blocked)), program.container()];
    expect(program.status(first)).toBe(0);
    expect(program.setContainer(first, container)).toBe('EPERM');
    blocked.group.hasForeignDomain = true;
    expect(program.status(second)).toBe(1);
    expect(program.setContainer(second, container)).toBe('EBUSY');
    blocked.group.hasForeignDomain = false;
    expect(program.setContainer(second, container)).toBe(0);
  });
});

test('GET_STATUS: 8 bytes, argsz stays as it was', () => {
  const { program, group } = inState('free');
  const status = (argsz: number, length = 12) => {
    const bytes = new Uint8Array(length).fill(0xaa);
    new DataView(bytes.buffer).setUint32(0, argsz, true);
    return [program.ioctl(group, VFIO_GROUP_GET_STATUS, bytes), hexOf(bytes)];
  };
  expect(status(8)).toEqual([0, '0800000001000000aaaaaaaa']);
  expect(status(100)).toEqual([0, '6400000001000000aaaaaaaa']);
  expect(status(7)).toEqual(['EINVAL', '07000000aaaaaaaaaaaaaaaa']);
  expect(status(7, 7)[0]).toBe('EFAULT');
});

function permutations<T>(list: readonly T[]): T[][] {
  return list.length < 2 ? [[...list]] : list.flatMap((first, i) => permutations(list.filter((_, other) => other !== i)).map((rest) => [first, ...rest]));
}

describe('closing', () => {
  test.each(permutations(['container', 'group', 'device', 'second device']).map((order) => [order.join(', '), order] as const))('%s: the function works until its group is let go', async (_, order) => {
    const { program, container, group } = inState('device open');
    const second = program.deviceFd(group, NIC) as number;
    const fds: Record<string, number> = { container, group, device: 5, 'second device': second };
    const at = program.process.allocate(PAGE);
    expect(program.map(container, 0, PAGE, at)).toBe(0);
    const [nic] = world.host.functions as [HostFunction];
    const open = new Set(Object.keys(fds));
    for (const name of order) {
      program.process.close(fds[name]!);
      open.delete(name);
      const isHeld = open.has('group') || open.has('device') || open.has('second device');
      expect(typeof (await dmaRead(nic, 0, 1))).toBe(isHeld ? 'object' : 'string');
      // Other processes find the group taken for as long.
      const other = world.program();
      expect(other.tryOpen(pathOf(nic))).toBe(isHeld ? 'EBUSY' : 3);
      other.process.exit();
    }
    expect(world.engine.live().objects).toBeLessThan(20);
  });

  test('a process that ends closes all', () => {
    const { program } = inState('device open');
    program.process.exit();
    expect(world.host.functions[0]!.group.openFile).toBe(undefined);
    expect(world.host.functions[0]!.group.owner).toBe(undefined);
    expect(world.host.functions[0]!.device!.openFiles).toBe(0);
  });
});
