// VFIO_IOMMU_UNMAP_DMA: v1 and v2, ALL, VADDR, the dirty bitmap; and DIRTY_PAGES.
import { afterEach, describe, expect, test } from '@jest/globals';
import { VFIO_IOMMU_DIRTY_PAGES, VFIO_IOMMU_UNMAP_DMA, vfio_iommu_type1_dma_unmap } from '../../../src/uapi/index.ts';
import { type HostFunction, PROT_READ, MAP_ANONYMOUS, MAP_PRIVATE } from '../../../src/vfio/index.ts';
import { ALL, DIRTY, HostWorld, PAGE, type Program, READ, TYPE1, V2, VADDR, WRITE, dmaRead, dmaWrite, hexOf, pathOf } from './support.ts';

let world: HostWorld;
afterEach(() => world.end());

interface Started {
  readonly nic: HostFunction;
  readonly program: Program;
  readonly container: number;
  readonly memory: number;
}

/** Mapped are 0x1000-0x2fff, 0x4000-0x4fff and 0x5000-0x5fff. */
function start({ model = V2, emulated = false } = {}): Started {
  world = new HostWorld();
  const nic = emulated ? world.plug('mdev', { emulated: {} }) : world.plug('0000:01:00.0');
  const program = world.program();
  const { container, groups } = program.ready([nic], model);
  program.deviceFd(groups[0]!, nic.slot);
  const memory = program.process.allocate(16 * PAGE);
  expect(program.map(container, 0x1000, 2 * PAGE, memory)).toBe(0);
  expect(program.map(container, 0x4000, PAGE, memory + 2 * PAGE)).toBe(0);
  expect(program.map(container, 0x5000, PAGE, memory + 3 * PAGE)).toBe(0);
  return { nic, program, container, memory };
}

const END = 1n << 64n;
type Case = [what: string, iova: number | bigint, size: number | bigint, flags: number, want: number | string, left: number];

const SAME: Case[] = [
  ['one mapping', 0x4000, PAGE, 0, PAGE, 3],
  ['several, and a hole', 0, 0x5000, 0, 3 * PAGE, 1],
  ['nothing there', 0x3000, PAGE, 0, 0, 4],
  ['nothing there at all', 0x10_0000, 0x10_0000, 0, 0, 4],
  ['no size', 0x4000, 0, 0, 'EINVAL', 4],
  ['a size inside a page', 0x4000, 0x800, 0, 'EINVAL', 4],
  ['an iova inside a page', 0x4800, PAGE, 0, 'EINVAL', 4],
  ['what wraps', 0xffff_ffff_ffff_f000n, 0x2000, 0, 'EINVAL', 4],
  ['up to 2^64: nothing', 0x4000, END - 0x4000n, 0, 0, 4],
  ['all', 0, 0, ALL, 4 * PAGE, 0],
  ['all, with an iova', PAGE, 0, ALL, 'EINVAL', 4],
  ['all, with a size', 0, PAGE, ALL, 'EINVAL', 4],
  ['an unknown flag', 0x4000, PAGE, 8, 'EINVAL', 4],
  ['GET_DIRTY_BITMAP without what it needs', 0x4000, PAGE, DIRTY, 'EINVAL', 4],
  ['GET_DIRTY_BITMAP and ALL', 0, 0, DIRTY | ALL, 'EINVAL', 4],
];

function run({ program, container }: Started, [, iova, size, flags, want, left]: Case): void {
  expect(program.unmap(container, iova, size, flags)).toBe(want);
  expect(program.unmap(container, 0, 0, ALL)).toBe(left * PAGE);
}

describe.each([[V2], [TYPE1]])('type %i', (model) => {
  test.each(SAME)('%s', (...row) => run(start({ model }), row));
});

describe('v2 cuts no mapping', () => {
  test.each<Case>([
    ['its first half', 0x1000, PAGE, 0, 'EINVAL', 4],
    ['its second half', 0x2000, PAGE, 0, 'EINVAL', 4],
    ['from inside it on', 0x2000, 0x3000, 0, 'EINVAL', 4],
    ['up to inside it', 0, 0x2000, 0, 'EINVAL', 4],
  ])('%s', (...row) => run(start(), row));
});

describe('v1 takes a mapping that begins in the range whole, and stops at one that begins before it', () => {
  test.each<Case>([
    ['its first half', 0x1000, PAGE, 0, 2 * PAGE, 2],
    ['its second half', 0x2000, PAGE, 0, 0, 4],
    ['from inside it on', 0x2000, 0x3000, 0, 0, 4],
    ['up to inside it', 0, 0x2000, 0, 2 * PAGE, 2],
  ])('%s', (...row) => run(start({ model: TYPE1 }), row));
});

test('the argument: 24 bytes, of which size is written back; of a refused one none', () => {
  const { program, container } = start();
  const call = (argsz: number, length = 28) => {
    const bytes = new Uint8Array(length).fill(0xaa);
    if (length >= 24) vfio_iommu_type1_dma_unmap.encode({ argsz, flags: 0, iova: 0, size: 0x6000 }, bytes);
    return [program.ioctl(container, VFIO_IOMMU_UNMAP_DMA, bytes), hexOf(bytes)];
  };
  expect(call(23)).toEqual(['EINVAL', '170000000000000000000000000000000060000000000000aaaaaaaa']);
  expect(call(0, 23)[0]).toBe('EFAULT');
  expect(call(99)).toEqual([0, '630000000000000000000000000000000040000000000000aaaaaaaa']);
  expect(call(24)).toEqual([0, '180000000000000000000000000000000000000000000000aaaaaaaa']);
});

describe('VADDR', () => {
  test('DMA goes on; groups, a second time and a wrong range are refused until the vaddr is back', async () => {
    const { nic, program, container, memory } = start();
    expect(program.unmap(container, 0x1000, 2 * PAGE, VADDR)).toBe(2 * PAGE);
    expect(await dmaWrite(nic, 0x1000, [5])).toBe(0);
    expect(program.process.memory.read8(memory)).toBe(5);
    const other = program.open(pathOf(world.plug('0000:02:00.0')));
    expect(program.setContainer(other, container)).toBe('EBUSY');
    expect(program.unmap(container, 0, 0, VADDR | ALL)).toBe('EINVAL');
    expect(program.map(container, 0x1000, PAGE, memory, VADDR)).toBe('EINVAL');
    expect(program.map(container, 0x4000, PAGE, memory, VADDR)).toBe('EINVAL');
    expect(program.map(container, 0x1000, 2 * PAGE, memory, VADDR)).toBe(0);
    expect(program.map(container, 0x1000, 2 * PAGE, memory, VADDR)).toBe('EINVAL');
    expect(program.setContainer(other, container)).toBe(0);
    expect(program.unmap(container, 0, 0, VADDR | ALL)).toBe(4 * PAGE);
  });

  test('an unmap of one that has none is as any other, and then groups come again', () => {
    const { program, container } = start();
    expect(program.unmap(container, 0x4000, PAGE, VADDR)).toBe(PAGE);
    expect(program.unmap(container, 0x4000, PAGE)).toBe(PAGE);
    expect(program.setContainer(program.open(pathOf(world.plug('0000:02:00.0'))), container)).toBe(0);
  });

  test('an emulated group needs them: EBUSY, ahead of what is wrong with the range', () => {
    const { program, container } = start({ emulated: true });
    expect(program.unmap(container, 1, 0, VADDR)).toBe('EBUSY');
    expect(program.unmap(container, 0, 0, ALL)).toBe(4 * PAGE);
  });

  test('another process takes a mapping over: its limit counts from then on', () => {
    const { program, container } = start();
    const heir = world.program({ capabilities: [], maxLockedBytes: PAGE });
    const same = program.process.sendFd(container, heir.process);
    const at = heir.process.allocate(2 * PAGE);
    expect(program.unmap(container, 0, 0, VADDR | ALL)).toBe(4 * PAGE);
    expect(heir.map(same, 0x1000, 2 * PAGE, at, VADDR)).toBe('ENOMEM');
    expect(heir.map(same, 0x4000, PAGE, at, VADDR)).toBe(0);
    expect(heir.map(same, 0x5000, PAGE, at, VADDR)).toBe('ENOMEM');
    expect(heir.unmap(same, 0x4000, PAGE)).toBe(PAGE);
    expect(heir.map(same, 0x5000, PAGE, at, VADDR)).toBe(0);
  });
});

describe('dirty pages', () => {
  test('functions behind an IOMMU: all pages of all mappings, each time; holes are not written, whole words are', () => {
    const { program, container } = start();
    expect(program.dirty(container, 1)).toBe(0);
    for (let i = 0; i < 2; i++) expect(program.dirtyWords(container, 0, 64)).toEqual([0b110111n | 1n]);
    expect(program.dirtyWords(container, 0x1000, 64, 0)).toEqual([0b11011n]);
    expect(program.dirtyWords(container, 0x10_0000, 64)).toEqual([0xffff_ffff_ffff_ffffn]);
    expect(program.map(container, 0x3f_f000, 2 * PAGE, program.process.allocate(2 * PAGE))).toBe(0);
    expect(program.dirtyWords(container, 0x3c_0000, 128, 0)).toEqual([1n << 63n, 1n]);
  });

  test('bits of a first word below a mapping are the caller\'s', () => {
    const { program, container } = start();
    expect(program.unmap(container, 0, 0, ALL)).toBe(4 * PAGE);
    expect(program.map(container, 0x3000, PAGE, program.process.allocate(PAGE))).toBe(0);
    expect(program.dirty(container, 1)).toBe(0);
    expect(program.dirtyWords(container, 0, 64, 0x55)).toEqual([0b1101n]);
  });

  test('emulated functions: what they wrote and what they hold, and what they hold again after it was told', async () => {
    const { nic, program, container, memory } = start({ emulated: true });
    expect(await dmaWrite(nic, 0x1000, [1])).toBe(0);
    expect(program.dirty(container, 1)).toBe(0);
    expect(program.dirty(container, 1)).toBe(0);
    expect(program.dirtyWords(container, 0, 64, 0)).toEqual([0n]);
    expect(await dmaWrite(nic, 0x1fff, [1, 2])).toBe(0);
    nic.access!.pin(0x5000n, 0x1000n, false);
    expect(program.dirtyWords(container, 0, 64, 0)).toEqual([0b100110n]);
    expect(program.dirtyWords(container, 0, 64, 0)).toEqual([0b100000n]);
    nic.access!.unpin(0x5000n, 0x1000n);
    expect(program.dirtyWords(container, 0, 64, 0)).toEqual([0b100000n]);
    expect(program.dirtyWords(container, 0, 64, 0)).toEqual([0n]);
    nic.access!.pin(0x4000n, 0x1000n, true);
    expect(program.dirty(container, 2)).toBe(0);
    expect(program.dirtyWords(container, 0, 64)).toBe('EINVAL');
    expect(program.dirty(container, 1)).toBe(0);
    expect(program.dirtyWords(container, 0, 64, 0)).toEqual([0b10000n]);
    expect(hexOf(program.process.memory.readBytes(memory + PAGE - 1, new Uint8Array(2)))).toBe('0102');
  });

  test('a group with an IOMMU that leaves has written everywhere', () => {
    const { program, container } = start({ emulated: true });
    const group = program.open(pathOf(world.plug('0000:02:00.0')));
    expect(program.dirty(container, 1)).toBe(0);
    expect(program.setContainer(group, container)).toBe(0);
    expect(program.unsetContainer(group)).toBe(0);
    expect(program.dirtyWords(container, 0, 64, 0)).toEqual([0b110110n]);
    expect(program.dirtyWords(container, 0, 64, 0)).toEqual([0n]);
  });

  test('an unmap tells of what goes, and only of that', async () => {
    const { nic, program, container } = start({ emulated: true });
    const data = program.process.allocate(PAGE);
    const ask = { iova: 0x4000, size: 0x2000, bitmap: 8, data };
    expect(program.unmapDirty(container, ask)).toBe('EINVAL');
    expect(program.dirty(container, 1)).toBe(0);
    expect(await dmaWrite(nic, 0x5010, [1])).toBe(0);
    expect(program.unmapDirty(container, { ...ask, pgsize: 0x2000 })).toBe('EINVAL');
    expect(program.unmapDirty(container, { ...ask, pgsize: 0 })).toBe('EINVAL');
    expect(program.unmapDirty(container, { ...ask, bitmap: 7 })).toBe('EINVAL');
    expect(program.unmapDirty(container, { ...ask, bitmap: 0x1000_0001 })).toBe('EINVAL');
    expect(program.unmapDirty(container, { ...ask, data: 0x8000_0000_0000n })).toBe('EINVAL');
    expect(program.unmapDirty(container, { ...ask, data: 0 })).toBe('EFAULT');
    expect(program.unmapDirty(container, ask)).toBe(0x2000);
    expect(program.process.memory.read32(data)).toBe(0b10);
    expect(program.unmapDirty(container, ask)).toBe(0);
  });

  test.each<[string, number, readonly (number | bigint)[], string | number]>([
    ['no flag', 0, [], 'EINVAL'],
    ['two flags', 3, [], 'EINVAL'],
    ['an unknown one', 8, [], 'EINVAL'],
    ['GET without a range', 4, [], 'EINVAL'],
    ['a range that reaches 2^64', 4, [END - 0x1000n, 0x1000, PAGE, 8, 0x10000], 'EINVAL'],
    ['no size', 4, [0, 0, PAGE, 8, 0x10000], 'EINVAL'],
    ['an iova inside a page', 4, [0x800, 0x1000, PAGE, 8, 0x10000], 'EINVAL'],
    ['a size inside a page', 4, [0, 0x1800, PAGE, 8, 0x10000], 'EINVAL'],
    ['another page size', 4, [0, 0x2000, 0x2000, 8, 0x10000], 'EINVAL'],
    ['no room', 4, [0, 0x41000, PAGE, 8, 0x10000], 'EINVAL'],
    ['a mapping cut at its start', 4, [0x2000, 0x1000, PAGE, 8, 0x10000], 'EINVAL'],
    ['a mapping cut at its end', 4, [0x1000, 0x1000, PAGE, 8, 0x10000], 'EINVAL'],
    ['a bitmap that is not there', 4, [0x1000, 0x2000, PAGE, 8, 0x10000], 'EFAULT'],
    ['a bitmap that is not there, for nothing', 4, [0x3000, 0x1000, PAGE, 8, 0x10000], 0],
  ])('DIRTY_PAGES, %s', (_, flags, get, want) => {
    const { program, container } = start();
    expect(program.dirty(container, 1)).toBe(0);
    expect(program.dirty(container, flags, get)).toBe(want);
  });

  test('v1: EACCES, before the argument is read', () => {
    const { program, container } = start({ model: TYPE1 });
    expect(program.ioctl(container, VFIO_IOMMU_DIRTY_PAGES)).toBe('EACCES');
  });

  test('a bitmap whose memory ends in the middle is written as far as that', () => {
    const { program, container } = start({ emulated: true });
    expect(program.unmap(container, 0, 0, ALL)).toBe(4 * PAGE);
    expect(program.map(container, 0, 0x1000_0000, 0)).toBe(0);
    expect(program.dirty(container, 1)).toBe(0);
    const data = program.process.allocate(2 * PAGE);
    program.process.memory.writeBytes(data, new Uint8Array(2 * PAGE).fill(0xff));
    program.process.munmap(data + PAGE, PAGE);
    expect(program.dirty(container, 4, [0, 0x1000_0000, PAGE, 2 * PAGE, data])).toBe('EFAULT');
    expect(program.process.memory.read32(data + PAGE - 4)).toBe(0);
  });

  test('mappings of more pages than a bitmap has bits: START is refused, and so are they while it is on', () => {
    const { program, container } = start({ emulated: true });
    expect(program.map(container, 1n << 44n, 1n << 43n, 0)).toBe(0);
    expect(program.dirty(container, 1)).toBe('EINVAL');
    expect(program.dirtyWords(container, 0, 64)).toBe('EINVAL');
    expect(program.unmap(container, 1n << 44n, 1n << 43n)).toBe(2 ** 43);
    expect(program.dirty(container, 1)).toBe(0);
    expect(program.map(container, 1n << 44n, 1n << 43n, 0)).toBe('EINVAL');
    expect(program.unmap(container, 0, 0, ALL)).toBe(4 * PAGE);
  });
});

describe('emulated functions', () => {
  function emulated(): Started & { readonly told: string[] } {
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
  const pin = ({ nic }: Started, iova: number, pages: number, writes = true) => outcomeOf(() => nic.access!.pin(BigInt(iova), BigInt(pages * PAGE), writes));

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
