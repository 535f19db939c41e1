// GET_DEVICE_FD (sections 1.2 and 7.5): device names and VF tokens, and what opening the device answers.
import { afterEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_FEATURE, VFIO_GROUP_GET_DEVICE_FD } from '../../../src/uapi/index.ts';
import { HostWorld, hexOf, nameArgument, outcome, pathOf } from '../container/support.ts';
import { NIC, type GroupState, groupIn, type HeldGroup } from './group-states.ts';

let world: HostWorld;
afterEach(() => world.end());

const inState = (state: GroupState): HeldGroup => groupIn((world = new HostWorld()), state);

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
