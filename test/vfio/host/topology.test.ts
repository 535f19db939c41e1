// Which functions share a group, in whatever order they are plugged in, and how functions go.
import { afterEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_SET_IRQS, VFIO_GROUP_GET_STATUS, vfio_group_status, vfio_irq_set } from '../../../src/uapi/index.ts';
import { type HostFunction, type HostFunctionDescription, MAP_SHARED, PROT_READ, PROT_WRITE, type PciBridgeDescription } from '../../../src/vfio/index.ts';
import { HostWorld, PAGE, dmaRead, dmaWrite, hexOf, outcome, pathOf } from '../container/support.ts';

let world: HostWorld;
afterEach(() => world.end());

function permutations<T>(list: readonly T[]): T[][] {
  return list.length < 2 ? [[...list]] : list.flatMap((first, i) => permutations(list.filter((_, other) => other !== i)).map((rest) => [first, ...rest]));
}

type Slots = readonly (string | HostFunctionDescription)[];

/** Which slots share a group, whatever the order in which they come. */
function expectGroups(bridges: readonly PciBridgeDescription[], slots: Slots, want: readonly (readonly string[])[]): void {
  for (const order of permutations(slots)) {
    const one = new HostWorld({ bridges });
    const groups: Record<string, HostFunction['group']> = {};
    for (const slot of order) {
      const made = one.host.plug(typeof slot === 'string' ? { slot } : slot);
      groups[made.slot] = made.group;
    }
    for (const made of one.host.functions) expect(made.group).toBe(groups[made.slot]);
    const found = one.host.groups.map(({ functions }) => functions.map(({ slot }) => slot).sort()).sort();
    expect(found).toEqual([...want].map((group) => [...group].sort()).sort());
    one.end();
  }
  world = new HostWorld();
}

describe('groups', () => {
  test('functions of one device reach each other inside it; those of other devices not', () => {
    expectGroups([], ['00:04.0', '00:04.1', '00:04.7', '00:05.0'], [['00:04.0', '00:04.1', '00:04.7'], ['00:05.0']]);
  });

  test('a function that is kept apart is alone, and the others are together', () => {
    expectGroups([], ['00:04.0', '00:04.1', { slot: '00:04.2', isolated: true }], [['00:04.0', '00:04.1'], ['00:04.2']]);
  });

  test('behind ports with ACS each device is alone; behind one without all are together', () => {
    const bridges = [
      { slot: '00:1c.0', secondaryBus: 1, acs: true },
      { slot: '00:1d.0', secondaryBus: 2 },
    ];
    expectGroups(bridges, ['01:00.0', '02:00.0', '02:01.0'], [['01:00.0'], ['02:00.0', '02:01.0']]);
  });

  test('a switch with ACS behind a port without, and the other way round', () => {
    const bridges = [
      { slot: '00:1c.0', secondaryBus: 1, acs: true },
      { slot: '01:00.0', secondaryBus: 2 },
      { slot: '02:00.0', secondaryBus: 3, acs: true },
      { slot: '00:1d.0', secondaryBus: 4, acs: true },
      { slot: '04:00.0', secondaryBus: 5, acs: true },
    ];
    expectGroups(bridges, ['03:00.0', '02:01.0', '05:00.0', '05:01.0'], [['03:00.0', '02:01.0'], ['05:00.0'], ['05:01.0']]);
  });

  test('ports of one device without ACS, what is behind them, and a function beside them', () => {
    const bridges = [
      { slot: '00:1c.0', secondaryBus: 1 },
      { slot: '00:1c.4', secondaryBus: 2 },
    ];
    expectGroups(bridges, ['01:00.0', '02:00.0', '00:1c.7'], [['01:00.0', '02:00.0', '00:1c.7']]);
  });

  test('a conventional bus is one requester, whatever ACS there is above it and however its functions are kept apart', () => {
    const bridges = [
      { slot: '00:1c.0', secondaryBus: 1, acs: true },
      { slot: '01:00.0', secondaryBus: 2, kind: 'conventional' as const, acs: true },
    ];
    expectGroups(bridges, ['02:01.0', { slot: '02:02.0', isolated: true }, '01:01.0'], [['02:01.0', '02:02.0'], ['01:01.0']]);
  });

  test('functions without an IOMMU, and emulated ones, are in groups of their own', () => {
    expectGroups([], ['00:04.0', { slot: '00:04.1', iommu: 'none' }, { slot: 'a', emulated: {} }, { slot: 'b', emulated: {} }], [['00:04.0'], ['00:04.1'], ['a'], ['b']]);
  });

  test('domains are apart', () => {
    expectGroups([{ slot: '0001:00:1c.0', secondaryBus: 1 }], ['0000:01:00.0', '0000:01:01.0', '0001:01:00.0', '0001:01:01.0'], [['0000:01:00.0'], ['0000:01:01.0'], ['0001:01:00.0', '0001:01:01.0']]);
  });

  test('a function that comes back is where its neighbours are; an isolated one in its place is alone', () => {
    world = new HostWorld();
    const [a, b] = [world.host.plug({ slot: '00:04.0' }), world.host.plug({ slot: '00:04.1' })];
    expect(world.host.unplug(a)).toBe(true);
    expect(world.host.plug({ slot: '00:04.0', isolated: true }).group).not.toBe(b.group);
    expect(world.host.plug({ slot: '00:04.2' }).group).toBe(b.group);
    expect(world.host.groups.length).toBe(2);
  });

  test.each<[string, readonly PciBridgeDescription[], string]>([
    ['a slot that is none', [{ slot: '1c', secondaryBus: 1 }], 'RangeError'],
    ['bus 0', [{ slot: '00:1c.0', secondaryBus: 0 }], 'RangeError'],
    ['its own bus', [{ slot: '01:1c.0', secondaryBus: 1 }], 'RangeError'],
    ['a bus twice', [{ slot: '00:1c.0', secondaryBus: 1 }, { slot: '00:1d.0', secondaryBus: 1 }], 'RangeError'],
    ['a circle', [{ slot: '02:00.0', secondaryBus: 1 }, { slot: '01:00.0', secondaryBus: 2 }], 'RangeError'],
  ])('a bridge that cannot be: %s', (_, bridges, want) => {
    world = new HostWorld();
    expect(outcome(() => new HostWorld({ bridges }))).toBe(want);
  });

  test('a function whose IOMMU is not that of the group it belongs to', () => {
    world = new HostWorld();
    world.host.plug({ slot: '00:04.0' });
    expect(outcome(() => world.host.plug({ slot: '00:04.1', iommu: { coherent: false } }))).toBe('TypeError');
    expect(typeof outcome(() => world.host.plug({ slot: '00:04.1', iommu: {} }))).toBe('object');
  });

  test('functions that cannot be', () => {
    world = new HostWorld();
    const nic = world.plug('00:04.0');
    const plug = (description: HostFunctionDescription) => outcome(() => world.host.plug(description));
    expect(plug({ slot: '00:04.0' })).toBe('RangeError');
    expect(plug({ slot: '0000:00:04.0' })).toBe('RangeError');
    expect(plug({ slot: '00:04' })).toBe('RangeError');
    expect(plug({ slot: '00:05.0', device: nic.device! })).toBe('TypeError');
    expect(plug({ slot: '00:05.0', driver: 'vfio' })).toBe('TypeError');
    expect(plug({ slot: '00:05.0', device: world.device({}), driver: 'native' })).toBe('TypeError');
    expect(world.host.functions).toEqual([nic]);
  });
});

describe('viability', () => {
  test.each([['native', 0], ['none', 1], ['stub', 1]] as const)('beside a function with driver %s: status %i', (driver, want) => {
    world = new HostWorld();
    const nic = world.plug('00:04.0');
    world.host.plug({ slot: '00:04.1', driver });
    const program = world.program();
    expect(program.status(program.open(pathOf(nic)))).toBe(want);
  });
});

describe('unplug', () => {
  test('nobody has it open: it is gone, and its path as well', () => {
    world = new HostWorld();
    const nic = world.plug('00:04.0');
    const program = world.program();
    const gone: string[] = [];
    expect(world.host.unplug(nic, { onGone: () => gone.push('gone') })).toBe(true);
    expect([nic.isGone, gone, world.host.groups]).toEqual([true, ['gone'], []]);
    expect(program.tryOpen(pathOf(nic))).toBe('ENOENT');
    expect(world.host.unplug(nic)).toBe(true);
  });

  test('open: its user is asked by REQ, nobody opens it again, DMA and calls go on until the last file is closed', async () => {
    world = new HostWorld();
    const nic = world.plug('0000:00:04.0');
    const program = world.program();
    const { container, groups } = program.ready([nic]);
    const fd = program.deviceFd(groups[0]!, nic.slot) as number;
    const event = program.process.eventfd();
    const irq = vfio_irq_set.encode({ argsz: 24, flags: 0x24, index: 4, start: 0, count: 1, data: new Uint8Array(new Int32Array([event]).buffer) });
    expect(program.ioctl(fd, VFIO_DEVICE_SET_IRQS, irq)).toBe(0);
    const asked: string[] = [];
    program.process.onEvent(event, () => asked.push('asked'));
    const gone: string[] = [];
    expect(world.host.unplug(nic, { onGone: () => gone.push('first') })).toBe(false);
    expect(world.host.unplug(nic, { onGone: () => gone.push('second') })).toBe(false);
    expect([asked, gone, nic.isGone, nic.isLeaving]).toEqual([['asked', 'asked'], [], false, true]);
    expect(program.deviceFd(groups[0]!, nic.slot)).toBe('ENODEV');
    expect(program.tryOpen(`/dev/vfio/devices/vfio${nic.cdev}`)).toBe('ENODEV');
    expect(program.map(container, 0, PAGE, program.process.allocate(PAGE))).toBe(0);
    expect(await dmaWrite(nic, 0, [1])).toBe(0);
    expect(program.process.pread(fd, new Uint8Array(4), 0)).toBe(4);
    program.process.close(fd);
    expect([gone, nic.isGone]).toEqual([['first', 'second'], true]);
    expect(await dmaRead(nic, 0, 1)).toBe('ENXIO');
    expect(program.status(groups[0]!)).toBe('ENODEV');
  });

  test('pulled out: its DMA ends at once, and it reads ones', async () => {
    world = new HostWorld();
    const nic = world.plug('0000:00:04.0', {}, {});
    const program = world.program();
    const { container, groups } = program.ready([nic]);
    const fd = program.deviceFd(groups[0]!, nic.slot) as number;
    expect(program.map(container, 0, PAGE, program.process.allocate(PAGE))).toBe(0);
    const bar = program.process.mmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    expect(program.process.memory.read32(bar)).toBe(0x0302_0100);
    const flight = dmaWrite(nic, 0, [1]);
    expect(world.host.unplug(nic, { surprise: true })).toBe(false);
    expect(await flight).toBe('ENXIO');
    expect(nic.isPulled).toBe(true);
    expect(hexOf(program.process.memory.readBytes(bar, new Uint8Array(8)))).toBe('ff'.repeat(8));
    program.process.memory.write32(bar, 0);
    for (const bytes of [4, 7, 64]) {
      const buffer = new Uint8Array(bytes);
      expect(program.process.pread(fd, buffer, 0x10)).toBe(bytes);
      expect(hexOf(buffer)).toBe('ff'.repeat(bytes));
    }
    expect(program.process.pwrite(fd, new Uint8Array(4), 0)).toBe(4);
    expect(hexOf(nic.device!.region(0)!.region.readBytes(0, new Uint8Array(4)))).toBe('00010203');
    program.process.close(fd);
    expect(nic.isGone).toBe(false);
    program.process.munmap(bar, PAGE);
    expect(nic.isGone).toBe(true);
    expect(world.host.plug({ slot: nic.slot, device: nic.device! }).device!.isPulled).toBe(false);
  });

  test('the group\'s file after the last function that VFIO drives: ENODEV; the container has lost it', async () => {
    world = new HostWorld();
    const [nic, other] = [world.plug('0000:00:04.0'), world.plug('0000:00:05.0')];
    world.host.plug({ slot: '0000:00:04.1' });
    const program = world.program();
    const { container, groups } = program.ready([nic, other]);
    const [group] = groups as [number, number];
    expect(program.map(container, 0, PAGE, program.process.allocate(PAGE))).toBe(0);
    expect(world.host.unplug(nic)).toBe(true);
    const status = (argsz: number) => program.ioctl(group, VFIO_GROUP_GET_STATUS, vfio_group_status.encode({ argsz }));
    expect([status(8), status(7), program.ioctl(group, VFIO_GROUP_GET_STATUS)]).toEqual(['ENODEV', 'EINVAL', 'EFAULT']);
    expect(program.setContainer(group, 99)).toBe('EBADF');
    expect(program.setContainer(group, container)).toBe('ENODEV');
    expect(program.unsetContainer(group)).toBe('EINVAL');
    expect(program.deviceFd(group, nic.slot)).toBe('ENODEV');
    expect(program.tryOpen(pathOf(nic))).toBe('ENODEV');
    expect(hexOf((await dmaRead(other, 0, 1)) as Uint8Array)).toBe('00');
    // A new one is found under the group's path, beside the old file.
    const again = world.plug('0000:00:04.0');
    expect(again.group).toBe(nic.group);
    const fresh = program.open(pathOf(again));
    expect(program.setContainer(fresh, container)).toBe(0);
    expect(program.status(group)).toBe('ENODEV');
    program.process.close(group);
    expect(program.status(fresh)).toBe(3);
    expect(program.tryOpen(pathOf(again))).toBe('EBUSY');
  });

  test('a further function of the group keeps it', () => {
    world = new HostWorld();
    const [nic, second] = [world.plug('0000:00:04.0'), world.plug('0000:00:04.1')];
    const program = world.program();
    const { groups } = program.ready([nic]);
    expect(world.host.unplug(nic)).toBe(true);
    expect(program.status(groups[0]!)).toBe(3);
    expect(program.deviceFd(groups[0]!, nic.slot)).toBe('ENODEV');
    expect(program.deviceFd(groups[0]!, second.slot)).toBe(5);
  });
});

describe('messages', () => {
  test('a write of 4 bytes to the interrupt window is a message and reaches no memory; others fault', async () => {
    world = new HostWorld();
    const nic = world.plug('0000:00:04.0');
    const program = world.program();
    program.ready([nic]);
    expect(await dmaWrite(nic, 0xfee0_0000, [0x41, 0, 0, 0])).toBe(0);
    expect(await dmaWrite(nic, 0xfee0_0002, [0x41, 0, 0, 0])).toBe('EFAULT');
    expect(await dmaWrite(nic, 0xfee0_0000, [0x41, 0])).toBe('EFAULT');
    expect(await dmaRead(nic, 0xfee0_0000, 4)).toBe('EFAULT');
    expect(world.messages).toEqual(['0000:00:04.0 0xfee00000 0x41']);
  });
});
