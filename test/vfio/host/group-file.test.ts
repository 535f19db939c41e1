// The group path (sections 1.2, 7.2 and 7.5): who opens a group, what each request answers in each state, device names and VF tokens, and closing in every order.
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  VFIO_CHECK_EXTENSION,
  VFIO_DEVICE_FEATURE,
  VFIO_GET_API_VERSION,
  VFIO_GROUP_GET_DEVICE_FD,
  VFIO_GROUP_GET_STATUS,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_UNMAP_DMA,
  VFIO_SET_IOMMU,
} from '../../../src/uapi/index.ts';
import type { HostFunction } from '../../../src/vfio/index.ts';
import { HostWorld, PAGE, type Program, TYPE1, V2, dmaRead, hexOf, nameArgument, outcome, pathOf } from '../container/support.ts';

let world: HostWorld;
afterEach(() => world.end());

const NIC = '0000:01:00.0';

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

type Held = { program: Program; container: number; group: number };
const STATES = ['closed over', 'free', 'in a container', 'with an IOMMU', 'device open'] as const;

/** A program whose group is in a state. */
function inState(state: (typeof STATES)[number]): Held {
  world = new HostWorld();
  const nic = world.plug(NIC);
  const program = world.program();
  const container = program.container();
  const group = program.open(pathOf(nic));
  const steps = STATES.indexOf(state);
  if (steps >= 2) expect(program.setContainer(group, container)).toBe(0);
  if (steps >= 3) expect(program.setIommu(container)).toBe(0);
  if (steps >= 4) expect(program.deviceFd(group, NIC)).toBe(5);
  return { program, container, group };
}

describe('the state machine', () => {
  test.each<[(typeof STATES)[number], Record<string, number | string>]>([
    ['free', { status: 1, set: 0, unset: 'EINVAL', device: 'EINVAL', iommu: 'EINVAL', map: 'EINVAL', other: 'EINVAL' }],
    ['in a container', { status: 3, set: 'EINVAL', unset: 0, device: 'EINVAL', iommu: 0, map: 'EINVAL', other: 'EINVAL' }],
    ['with an IOMMU', { status: 3, set: 'EINVAL', unset: 0, device: 5, iommu: 'EINVAL', map: 0, other: 'ENOTTY' }],
    ['device open', { status: 3, set: 'EINVAL', unset: 'EBUSY', device: 6, iommu: 'EINVAL', map: 0, other: 'ENOTTY' }],
  ])('%s', (state, want) => {
    const calls: Record<string, (held: Held) => number | string> = {
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

describe('GET_DEVICE_FD', () => {
  const UUID = '12345678-9ABC-def0-1234-56789abcdef0';
  const OTHER = '00000000-0000-0000-0000-000000000000';

  test.each<[string, number | string]>([
    [NIC, 5],
    [`${NIC}   `, 5],
    ['0000:01:00.1', 'ENODEV'],
    [`${NIC}x`, 'ENODEV'],
    ['0000:01:00', 'ENODEV'],
    ['', 'ENODEV'],
    [`${NIC} token`, 'EINVAL'],
    [`${NIC} vf_token=1234`, 'EINVAL'],
    [`${NIC} vf_token=12345678-9abc-def0-1234x56789abcdef0`, 'EINVAL'],
    [`${NIC} vf_token=${UUID}`, 'EINVAL'],
    [`${NIC} vf_token=${UUID} vf_token=${UUID}`, 'EINVAL'],
    ['x'.repeat(4095), 'ENODEV'],
    ['x'.repeat(4096), 'EINVAL'],
  ])('%s', (name, want) => {
    const { program, group } = inState('with an IOMMU');
    expect(program.deviceFd(group, name)).toBe(want);
  });

  test('a name without a NUL: EFAULT where memory ends, EINVAL behind 4096 bytes', () => {
    const { program, group } = inState('with an IOMMU');
    const ask = (bytes?: Uint8Array) => program.ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bytes);
    expect(ask()).toBe('EFAULT');
    expect(ask(nameArgument(NIC).subarray(0, NIC.length))).toBe('EFAULT');
    expect(ask(new Uint8Array(4095).fill(0x78))).toBe('EFAULT');
    expect(ask(new Uint8Array(4096).fill(0x78))).toBe('EINVAL');
  });

  test('no fd left: EMFILE behind the name, ahead of the container, and the device is not opened', () => {
    world = new HostWorld();
    const resets: string[] = [];
    const nic = world.plug(NIC, {}, { reset: true, onReset: () => resets.push('reset') });
    const program = world.program({ maxFds: 5 });
    const group = program.open(pathOf(nic));
    const container = program.container();
    expect(program.deviceFd(group, 'none')).toBe('ENODEV');
    expect(program.deviceFd(group, NIC)).toBe('EMFILE');
    expect(program.setContainer(group, container)).toBe(0);
    expect(program.setIommu(container)).toBe(0);
    expect(program.deviceFd(group, NIC)).toBe('EMFILE');
    expect(resets).toEqual([]);
  });

  test('what opening the device answers comes out, and the group can be unset behind it', () => {
    world = new HostWorld();
    let isBusy = true;
    const nic = world.plug(NIC, {}, { reset: true, resetBusy: () => isBusy });
    const program = world.program();
    const { groups } = program.ready([nic]);
    expect(program.deviceFd(groups[0]!, NIC)).toBe('EAGAIN');
    expect(program.unsetContainer(groups[0]!)).toBe(0);
    isBusy = false;
    expect(program.deviceFd(groups[0]!, NIC)).toBe('EINVAL');
  });

  test('VF tokens: needed for a virtual function, set by who opens its physical function first', () => {
    world = new HostWorld();
    const pf = world.plug(NIC, {}, { physicalFunction: true });
    const vf = world.plug('0000:01:10.0', { physicalFunction: NIC });
    const program = world.program();
    const { groups } = program.ready([pf, vf]);
    const [forPf, forVf] = groups as [number, number];
    const open = (group: number, name: string) => outcome(() => program.process.close(program.process.ioctl(group, VFIO_GROUP_GET_DEVICE_FD, nameArgument(name))));
    expect(open(forPf, `${NIC} vf_token=${UUID}`)).toBe(undefined);
    expect(hexOf(pf.device!.vfToken!.bytes)).toBe('123456789abcdef0123456789abcdef0');
    expect(open(forVf, vf.slot)).toBe('EACCES');
    expect(open(forVf, `${vf.slot} vf_token=${OTHER}`)).toBe('EACCES');
    expect(open(forVf, `${vf.slot} vf_token=${UUID.toLowerCase()}`)).toBe(undefined);
    const held = program.deviceFd(forVf, `${vf.slot} vf_token=${UUID}`) as number;
    expect(open(forPf, NIC)).toBe('EACCES');
    expect(open(forPf, `${NIC} vf_token=${OTHER}`)).toBe('EACCES');
    expect(open(forPf, `${NIC} vf_token=${UUID}`)).toBe(undefined);
    program.process.close(held);
    expect(open(forPf, NIC)).toBe(undefined);
    expect(open(forPf, `${NIC} vf_token=${OTHER}`)).toBe(undefined);
    expect(open(forVf, `${vf.slot} vf_token=${OTHER}`)).toBe(undefined);
  });

  test('a virtual function whose physical function VFIO does not drive takes no token', () => {
    world = new HostWorld();
    world.host.plug({ slot: NIC, driver: 'stub' });
    const vf = world.plug('0000:01:10.0', { physicalFunction: NIC });
    const program = world.program();
    const { groups } = program.ready([vf]);
    expect(program.deviceFd(groups[0]!, `${vf.slot} vf_token=${UUID}`)).toBe('EINVAL');
    expect(program.deviceFd(groups[0]!, vf.slot)).toBe(5);
  });

  test('a mediated device is asked for by exactly its name', () => {
    world = new HostWorld();
    const mdev = world.plug(UUID, { emulated: {} });
    const program = world.program();
    const { groups } = program.ready([mdev]);
    for (const name of [`${UUID} `, UUID.slice(1), UUID.toLowerCase()]) expect(program.deviceFd(groups[0]!, name)).toBe('ENODEV');
    expect(program.deviceFd(groups[0]!, UUID)).toBe(5);
  });

  test('each call is a file of its own; the device is shared', () => {
    const { program, group } = inState('device open');
    expect(program.deviceFd(group, NIC)).toBe(6);
    expect(world.host.functions[0]!.device!.openFiles).toBe(2);
    expect(program.ioctl(5, VFIO_DEVICE_FEATURE, new Uint8Array(8))).toBe('EINVAL');
    program.process.close(5);
    program.process.close(6);
    expect(world.host.functions[0]!.device!.openFiles).toBe(0);
    expect(program.unsetContainer(group)).toBe(0);
  });
});

describe('CHECK_EXTENSION and SET_IOMMU', () => {
  const EXTENSIONS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x1_0000_0001];
  const extensions = (program: Program, container: number) => EXTENSIONS.map((extension) => program.ioctl(container, VFIO_CHECK_EXTENSION, extension));

  test('without a driver, with type1, with an emulated group', () => {
    const { program, container, group } = inState('free');
    expect(extensions(program, container)).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    program.setContainer(group, container);
    program.setIommu(container);
    expect(extensions(program, container)).toEqual([0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0]);
    const mdev = world.plug('mdev', { emulated: {} });
    program.setContainer(program.open(pathOf(mdev)), container);
    expect(extensions(program, container)).toEqual([0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0]);
    const loose = world.plug('0000:02:00.0', { iommu: { coherent: false } });
    program.setContainer(program.open(pathOf(loose)), container);
    expect(extensions(program, container)).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
  });

  test('with the option the mode without an IOMMU is answered until a group says otherwise', () => {
    world = new HostWorld({ unsafeNoIommu: true });
    const program = world.program();
    const container = program.container();
    expect(program.ioctl(container, VFIO_CHECK_EXTENSION, 8)).toBe(1);
    program.setContainer(program.open(pathOf(world.plug(NIC))), container);
    expect(program.ioctl(container, VFIO_CHECK_EXTENSION, 8)).toBe(0);
    expect(program.setIommu(container, 8)).toBe('ENODEV');
  });

  test.each([[0, 'ENODEV'], [2, 'ENODEV'], [4, 'ENODEV'], [5, 'ENODEV'], [6, 'ENODEV'], [7, 'ENODEV'], [8, 'ENODEV'], [9, 'EINVAL'], [10, 'ENODEV'], [42, 'ENODEV'], [0x1_0000_0001, 'ENODEV'], [1, 0], [3, 0]])('SET_IOMMU %i: %s', (model, want) => {
    const { program, container } = inState('in a container');
    expect(program.setIommu(container, model)).toBe(want);
    expect(program.setIommu(container)).toBe(want === 0 ? 'EINVAL' : 0);
  });

  test('SET_IOMMU without CAP_SYS_RAWIO: EPERM where there is no IOMMU', () => {
    world = new HostWorld({ unsafeNoIommu: true });
    const bare = world.plug(NIC, { iommu: 'none' });
    const [root, user] = [world.program(), world.program({ capabilities: [] })];
    const [container, group] = [root.container(), root.open(pathOf(bare))];
    const [theirs, theirGroup] = [root.process.sendFd(container, user.process), root.process.sendFd(group, user.process)];
    expect(user.setContainer(theirGroup, theirs)).toBe('EPERM');
    expect(root.setContainer(group, container)).toBe(0);
    expect(user.setIommu(theirs, 8)).toBe('EPERM');
    expect(root.setIommu(container, 8)).toBe(0);
    expect(user.deviceFd(theirGroup, NIC)).toBe('EPERM');
    expect(root.deviceFd(group, NIC)).toBe(5);
    expect(root.setIommu(container, V2)).toBe('EINVAL');
  });

  test('of several groups one that cannot be attached leaves none attached', async () => {
    world = new HostWorld();
    const [nic, unsafe] = [world.plug(NIC), world.plug('0000:02:00.0', { iommu: { isolatesMessages: false } })];
    const program = world.program();
    const container = program.container();
    const groups = [nic, unsafe].map((one) => program.open(pathOf(one)));
    for (const group of groups) expect(program.setContainer(group, container)).toBe(0);
    expect(program.setIommu(container)).toBe('EPERM');
    expect(await dmaRead(nic, 0, 1)).toBe('EFAULT');
    expect(world.faults.at(-1)?.reason).toBe('blocked');
    expect(program.unsetContainer(groups[1]!)).toBe(0);
    expect(program.setIommu(container)).toBe(0);
    expect(program.setContainer(groups[1]!, container)).toBe('EPERM');
    expect(program.status(groups[1]!)).toBe(1);
  });

  test('in which way the argument is given: an address is an integer too, bytes are at none', () => {
    const { program, container } = inState('in a container');
    expect(program.ioctl(container, VFIO_CHECK_EXTENSION, 3n)).toBe(1);
    expect(program.ioctl(container, VFIO_CHECK_EXTENSION, new Uint8Array(8))).toBe(0);
    expect(program.ioctl(container, VFIO_SET_IOMMU)).toBe('ENODEV');
  });
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
