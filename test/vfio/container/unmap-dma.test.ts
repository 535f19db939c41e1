// VFIO_IOMMU_UNMAP_DMA: v1 and v2, ALL, VADDR.
import { afterEach, describe, expect, test } from '@jest/globals';
import { VFIO_IOMMU_UNMAP_DMA, vfio_iommu_type1_dma_unmap } from '../../../src/uapi/index.ts';
import { ALL, DIRTY, HostWorld, PAGE, TYPE1, V2, VADDR, dmaWrite, hexOf, pathOf } from './support.ts';
import { type Mapped, mapped } from './mapped.ts';

let world: HostWorld;
afterEach(() => world.end());

const start = (options = {}): Mapped => mapped((world = new HostWorld()), options);

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

function run({ program, container }: Mapped, [, iova, size, flags, want, left]: Case): void {
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
