// DIRTY_PAGES of a container, and the bitmap of VFIO_IOMMU_UNMAP_DMA.
import { afterEach, describe, expect, test } from '@jest/globals';
import { VFIO_IOMMU_DIRTY_PAGES } from '../../../src/uapi/index.ts';
import { ALL, HostWorld, PAGE, TYPE1, dmaWrite, hexOf, pathOf } from './support.ts';
import { type Mapped, mapped } from './mapped.ts';

let world: HostWorld;
afterEach(() => world.end());

const start = (options = {}): Mapped => mapped((world = new HostWorld()), options);

const END = 1n << 64n;

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
