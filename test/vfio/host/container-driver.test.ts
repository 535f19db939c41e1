// A container and its driver (sections 1.2 and 7.2): CHECK_EXTENSION and SET_IOMMU, with groups of every kind.
import { afterEach, describe, expect, test } from '@jest/globals';
import { VFIO_CHECK_EXTENSION, VFIO_SET_IOMMU } from '../../../src/uapi/index.ts';
import { HostWorld, type Program, V2, dmaRead, pathOf } from '../container/support.ts';
import { NIC, type GroupState, groupIn, type HeldGroup } from './group-states.ts';

let world: HostWorld;
afterEach(() => world.end());

const inState = (state: GroupState): HeldGroup => groupIn((world = new HostWorld()), state);

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
