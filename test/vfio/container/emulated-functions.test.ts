// Emulated functions in a container: a mapping pins nothing for them, they hold the pages that they ask for.
import { afterEach, describe, expect, test } from '@jest/globals';
import { type HostFunction, PROT_READ, MAP_ANONYMOUS, MAP_PRIVATE } from '../../../src/vfio/index.ts';
import { ALL, HostWorld, PAGE, READ, TYPE1, WRITE, dmaRead, dmaWrite, hexOf, pathOf } from './support.ts';
import { type Mapped, mapped } from './mapped.ts';

let world: HostWorld;
afterEach(() => world.end());

const start = (options = {}): Mapped => mapped((world = new HostWorld()), options);

describe('emulated functions', () => {
  function emulated(): Mapped & { readonly told: string[] } {
    world = new HostWorld();
    const told: string[] = [];
    const mdev: HostFunction = world.plug('mdev', {
      emulated: {
        unmapped: (iova, bytes) => {
          told.push(`0x${iova.toString(16)} 0x${bytes.toString(16)}`);
          mdev.access!.unpin(iova, bytes);
        },
      },
    });
    const program = world.program({ capabilities: [], maxLockedBytes: 2 * PAGE });
    const { container, groups } = program.ready([mdev]);
    expect(program.deviceFd(groups[0]!, 'mdev')).toBe(5);
    return { nic: mdev, program, container, memory: program.process.allocate(4 * PAGE), told };
  }
  const pin = ({ nic }: Mapped, iova: number, pages: number, writes = true) => outcomeOf(() => nic.access!.pin(BigInt(iova), BigInt(pages * PAGE), writes));

  test('nothing is pinned by a mapping, whatever its memory is; by a pin it is, page by page, against the limit', () => {
    const started = emulated();
    const { program, container, memory, nic } = started;
    expect(program.map(container, 0, 4 * PAGE, memory)).toBe(0);
    expect(program.map(container, 0x10000, PAGE, 0)).toBe(0);
    expect(program.map(container, 0x20000, PAGE, memory, READ)).toBe(0);
    expect(program.map(container, 0x30000, PAGE, memory, WRITE)).toBe(0);
    expect(pin(started, 0x10000, 1)).toBe('EFAULT');
    expect(pin(started, 0x5000, 1)).toBe('EINVAL');
    expect(pin(started, 0x3000, 2)).toBe('EINVAL');
    expect(pin(started, 0x20000, 1)).toBe('EPERM');
    expect(pin(started, 0x30000, 1, false)).toBe('EPERM');
    expect(pin(started, 0, 3)).toBe('ENOMEM');
    expect(pin(started, 0, 2)).toBe(0);
    expect(pin(started, 0, 2)).toBe(0);
    expect(pin(started, 0x2000, 1)).toBe('ENOMEM');
    nic.access!.unpin(0n, BigInt(2 * PAGE));
    expect(pin(started, 0x2000, 1)).toBe('ENOMEM');
    nic.access!.unpin(0n, BigInt(4 * PAGE));
    expect(pin(started, 0x2000, 2)).toBe(0);
    expect(pin(started, 0x20000, 1, false)).toBe('ENOMEM');
  });

  test('pages that are held survive an munmap; of others there is nothing then', async () => {
    const started = emulated();
    const { program, container, memory, nic } = started;
    program.process.memory.write8(memory, 0x77);
    expect(program.map(container, 0, 2 * PAGE, memory)).toBe(0);
    expect(pin(started, 0, 1)).toBe(0);
    program.process.munmap(memory, 4 * PAGE);
    expect(hexOf((await dmaRead(nic, 0, 1)) as Uint8Array)).toBe('77');
    expect(await dmaRead(nic, 0xfff, 2)).toBe('EFAULT');
    expect(await dmaWrite(nic, 0xfff, [1, 2])).toBe('EFAULT');
    expect(hexOf((await dmaRead(nic, 0xfff, 1)) as Uint8Array)).toBe('00');
  });

  test('a write that ends in memory that may only be read writes nothing', async () => {
    const { program, container, memory, nic } = emulated();
    const fixed = program.process.mmap(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
    expect(program.map(container, 0, PAGE, memory)).toBe(0);
    expect(program.map(container, 0x1000, PAGE, fixed)).toBe(0);
    expect(await dmaWrite(nic, 0xfff, [1, 2])).toBe('EFAULT');
    expect(hexOf((await dmaRead(nic, 0xfff, 2)) as Uint8Array)).toBe('0000');
  });

  test('its driver is told of a mapping that goes if somebody holds pages of it, once, and of no other', () => {
    const started = emulated();
    const { program, container, memory, told } = started;
    expect(program.map(container, 0, 2 * PAGE, memory)).toBe(0);
    expect(program.map(container, 0x2000, 2 * PAGE, memory)).toBe(0);
    expect(pin(started, 0x3000, 1)).toBe(0);
    expect(program.unmap(container, 0, 0x4000)).toBe(4 * PAGE);
    expect(told).toEqual(['0x2000 0x2000']);
    expect(program.map(container, 0, 2 * PAGE, memory)).toBe(0);
    expect(pin(started, 0, 2)).toBe(0);
  });

  test('a driver that keeps its pages loses them', () => {
    world = new HostWorld();
    const mdev = world.plug('mdev', { emulated: {} });
    const program = world.program();
    const { container, groups } = program.ready([mdev]);
    program.deviceFd(groups[0]!, 'mdev');
    const memory = program.process.allocate(PAGE);
    expect(program.map(container, 0, PAGE, memory)).toBe(0);
    mdev.access!.pin(0n, 0x1000n, true);
    const [before] = [world.engine.live().objects];
    program.process.munmap(memory, PAGE);
    expect(program.unmap(container, 0, PAGE)).toBe(PAGE);
    expect(world.engine.live().objects).toBeLessThan(before);
    mdev.access!.unpin(0n, 0x1000n);
  });

  test('the last close of the function lets its pages go; then it reaches nothing', async () => {
    const started = emulated();
    const { program, container, memory, nic } = started;
    expect(program.map(container, 0, 2 * PAGE, memory)).toBe(0);
    expect(pin(started, 0, 2)).toBe(0);
    program.process.close(5);
    expect(nic.access).toBe(undefined);
    expect(await dmaRead(nic, 0, 1)).toBe('EFAULT');
    expect(world.faults.at(-1)?.reason).toBe('blocked');
    expect(program.deviceFd(4, 'mdev')).toBe(5);
    expect(pin(started, 0, 2)).toBe(0);
  });

  test('beside a group with an IOMMU each page counts once, and when that leaves only what is held', () => {
    const started = emulated();
    const { program, container, memory } = started;
    expect(program.map(container, 0, 2 * PAGE, memory)).toBe(0);
    expect(pin(started, 0, 1)).toBe(0);
    const group = program.open(pathOf(world.plug('0000:02:00.0')));
    expect(program.setContainer(group, container)).toBe(0);
    expect(pin(started, 0x1000, 1)).toBe(0);
    started.nic.access!.unpin(0x1000n, 0x1000n);
    expect(program.map(container, 0x8000, PAGE, memory)).toBe('ENOMEM');
    expect(program.unsetContainer(group)).toBe(0);
    expect(program.map(container, 0x8000, PAGE, memory)).toBe(0);
    expect(pin(started, 0x8000, 1)).toBe(0);
    expect(pin(started, 0x1000, 1)).toBe('ENOMEM');
    expect(program.setContainer(group, container)).toBe('ENOMEM');
    expect(program.status(group)).toBe(1);
  });

  test('v1 pins nothing', () => {
    const { program, container, nic } = start({ model: TYPE1, emulated: true });
    expect(outcomeOf(() => nic.access!.pin(0x1000n, 0x1000n, false))).toBe('EACCES');
    expect(program.unmap(container, 0, 0, ALL)).toBe(4 * PAGE);
  });
});

function outcomeOf(call: () => void): number | string {
  try {
    call();
    return 0;
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}
