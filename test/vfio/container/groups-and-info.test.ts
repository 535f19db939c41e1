// Attaching groups (6.1), VFIO_IOMMU_GET_INFO (2.4 and 6.2), and the proposed window for messages (2.5).
import { afterEach, describe, expect, test } from '@jest/globals';
import { VFIO_IOMMU_GET_INFO, VFIO_IOMMU_MAP_DMA, decodeIommuInfoCapability, vfio_iommu_type1_dma_map, vfio_iommu_type1_info, walkCapabilityChain } from '../../../src/uapi/index.ts';
import type { IommuDescription, VfioHostOptions } from '../../../src/vfio/index.ts';
import { ALL, HostWorld, PAGE, type Program, READ, TYPE1, V2, VADDR, dmaRead, dmaWrite, filled, hexOf, pathOf } from './support.ts';

let world: HostWorld;
afterEach(() => world.end());

function start(options: VfioHostOptions = {}, model = V2) {
  world = new HostWorld(options);
  const nic = world.plug('0000:01:00.0');
  const program = world.program();
  const { container, groups } = program.ready([nic], model);
  return { nic, program, container, group: groups[0]! };
}

function info(program: Program, container: number, argsz: number, length = 256): { result: number | string; bytes: Uint8Array } {
  const bytes = filled(length);
  if (length >= 4) new DataView(bytes.buffer).setUint32(0, argsz, true);
  return { result: program.ioctl(container, VFIO_IOMMU_GET_INFO, bytes), bytes };
}

function told(program: Program, container: number, msiResvId?: number) {
  const { bytes } = info(program, container, 256);
  const head = vfio_iommu_type1_info.decode(bytes);
  const capabilities = walkCapabilityChain(bytes, head.cap_offset, 24).map((one) => decodeIommuInfoCapability(one, msiResvId === undefined ? {} : { msiResvId }));
  return { head, capabilities };
}

describe('GET_INFO', () => {
  const CHAIN =
    '02000100380000000000000000000000' + '00100000000000000000001000000000' + // MIGRATION
    '0300010048000000ffff000000000000' + // DMA_AVAIL
    '010001000000000002000000000000000000000000000000ffffdffe000000000000f0fe00000000ffffffff7f000000'; // IOVA_RANGE

  test('every byte, and not one behind the chain', () => {
    const { program, container } = start();
    const { result, bytes } = info(program, container, 200);
    expect([result, hexOf(bytes.subarray(0, 120))]).toEqual([0, 'c80000000300000000102040000000001800000000000000' + CHAIN]);
    expect(hexOf(bytes.subarray(120))).toBe('aa'.repeat(136));
  });

  test.each([
    [15, 'EINVAL', '0f000000'],
    [16, 0, '78000000030000000010204000000000aaaaaaaaaaaaaaaa'],
    [20, 0, '7800000003000000001020400000000000000000aaaaaaaa'],
    [24, 0, '780000000300000000102040000000000000000000000000'],
    [119, 0, '780000000300000000102040000000000000000000000000'],
    [120, 0, '780000000300000000102040000000001800000000000000' + CHAIN],
  ])('argsz %i', (argsz, want, hex) => {
    const { program, container } = start();
    const { result, bytes } = info(program, container, argsz);
    expect(result).toBe(want);
    expect(hexOf(bytes)).toBe(hex + 'aa'.repeat(256 - hex.length / 2));
  });

  test('EFAULT: 15 bytes of the argument, and a chain that has no room', () => {
    const { program, container } = start();
    expect(info(program, container, 0, 15).result).toBe('EFAULT');
    expect(info(program, container, 120, 119).result).toBe('EFAULT');
  });

  test('emulated groups only: no IOVA_RANGE, all page sizes', () => {
    world = new HostWorld();
    const program = world.program();
    const { container } = program.ready([world.plug('mdev', { emulated: {} })]);
    const { head, capabilities } = told(program, container);
    expect(head).toMatchObject({ argsz: 256, iova_pgsizes: 0xffff_ffff_ffff_f000n });
    expect(capabilities.map(({ kind }) => kind)).toEqual(['MIGRATION', 'DMA_AVAIL']);
    expect(program.map(container, 0xffff_ffff_ffff_f000n, PAGE, 0)).toBe(0);
    expect(program.map(container, 0xffff_ffff_ffff_f000n, PAGE, 0)).toBe('EEXIST');
    expect(program.unmap(container, 0, 0, ALL)).toBe(PAGE);
  });

  test('several IOMMUs: the ranges and page sizes that all have, and again more when one has gone', () => {
    const { program, container } = start({ iommu: { reserved: [{ first: 0, last: 0xfff, kind: 'direct' }, { first: 0x8000, last: 0x8fff, kind: 'relaxable' }] } });
    const group = program.open(pathOf(world.plug('0000:02:00.0', { iommu: { pageSizes: 0x1_1000, lastAddress: 0xffff_ffff, reserved: [{ first: 0x800_0000, last: 0x80f_ffff, kind: 'software-msi' }] } })));
    const alone = told(program, container);
    expect(alone.capabilities.at(-1)).toEqual({ kind: 'IOVA_RANGE', iova_ranges: [{ start: 0x1000n, end: 0x7f_ffff_ffffn }] });
    expect(program.setContainer(group, container)).toBe(0);
    const { head, capabilities } = told(program, container);
    expect(head.iova_pgsizes).toBe(0x1000n);
    expect(capabilities.at(-1)).toEqual({ kind: 'IOVA_RANGE', iova_ranges: [{ start: 0x1000n, end: 0x7ff_ffffn }, { start: 0x810_0000n, end: 0xffff_ffffn }] });
    expect(program.unsetContainer(group)).toBe(0);
    expect(told(program, container)).toEqual(alone);
  });

  test('pages smaller than the processor\'s are told as its, larger ones decide what is aligned', () => {
    const { program, container } = start({ iommu: { pageSizes: 0x200 | 0x1_0000 } });
    expect(told(program, container).head.iova_pgsizes).toBe(0x1_1000n);
    world.end();
    const large = start({ iommu: { pageSizes: 0x1_0000 } });
    expect(told(large.program, large.container).capabilities[0]).toMatchObject({ pgsize_bitmap: 0x1_0000n });
    expect(large.program.map(large.container, 0x1000, 0x1_0000, large.program.process.allocate(0x1_0000))).toBe('EINVAL');
    expect(large.program.unmap(large.container, 0, PAGE)).toBe('EINVAL');
  });
});

describe('a group that comes when there are mappings', () => {
  function emulatedWith(iova: number | bigint, vaddr: (program: Program) => number = ({ process }) => process.allocate(PAGE)) {
    world = new HostWorld();
    const program = world.program({ capabilities: [], maxLockedBytes: PAGE });
    const { container } = program.ready([world.plug('mdev', { emulated: {} })]);
    expect(program.map(container, iova, PAGE, vaddr(program))).toBe(0);
    return { program, container, join: (iommu: IommuDescription = {}) => program.setContainer(program.open(pathOf(world.plug('0000:01:00.0', { iommu }))), container) };
  }

  test.each<[string, number | bigint, IommuDescription, number | string]>([
    ['behind its aperture', 0x80_0000_0000n, {}, 'EINVAL'],
    ['in what it reserves', 0xfee0_0000, {}, 'EINVAL'],
    ['in what it reserves, and messages are not isolated', 0xfee0_0000, { isolatesMessages: false }, 'EINVAL'],
    ['beside that', 0x1000, { isolatesMessages: false }, 'EPERM'],
    ['in what is relaxable', 0x1000, { reserved: [{ first: 0, last: 0xffff, kind: 'relaxable' }] }, 0],
    ['nothing is left', 0x1000, { lastAddress: 0xffff, reserved: [{ first: 0, last: 0xfff, kind: 'direct' }, { first: 0x2000, last: 0xffff, kind: 'reserved' }] }, 0],
    ['not of its pages', 0x1000, { pageSizes: 0x1_0000 }, 'EINVAL'],
  ])('%s', (_, iova, iommu, want) => {
    expect(emulatedWith(iova).join(iommu)).toBe(want);
  });

  test('nothing usable is left: EINVAL', () => {
    expect(emulatedWith(0x1_0000_0000n).join({ lastAddress: 0x1_ffff_ffffn, reserved: [{ first: 0, last: 0xffff_ffff, kind: 'direct' }] })).toBe(0);
    world.end();
    const { program, container } = start();
    const narrow = program.open(pathOf(world.plug('0000:02:00.0', { iommu: { lastAddress: 0xffff, reserved: [{ first: 0, last: 0xffff, kind: 'direct' }] } })));
    expect(program.setContainer(narrow, container)).toBe('EINVAL');
    expect(program.status(narrow)).toBe(1);
  });

  test('memory that is not there is noticed then: EFAULT, and a limit: ENOMEM; nothing stays pinned', () => {
    const bad = emulatedWith(0x1000, () => 0);
    expect(bad.join()).toBe('EFAULT');
    world.end();
    const { program, container, join } = emulatedWith(0x1000);
    expect(program.map(container, 0x2000, PAGE, program.process.allocate(PAGE))).toBe(0);
    expect(join()).toBe('ENOMEM');
    expect(program.unmap(container, 0x2000, PAGE)).toBe(PAGE);
    expect(program.setContainer(4 + 1, container)).toBe(0);
  });

  test('with allow_unsafe_interrupts messages need not be isolated', () => {
    const { program, container } = start({ allowUnsafeInterrupts: true, iommu: { isolatesMessages: false } });
    expect(told(program, container).head.flags).toBe(3);
  });
});

describe('the proposed window for messages', () => {
  const proposal: VfioHostOptions = { messageWindow: { size: 0x2000, alignment: 0x8000 } };
  const register = (program: Program, container: number, iova: number | bigint, size: number | bigint, more: { flags?: number; vaddr?: number } = {}) =>
    program.ioctl(container, VFIO_IOMMU_MAP_DMA, vfio_iommu_type1_dma_map.encode({ argsz: 32, flags: 4, vaddr: 0x123, iova, size, ...more }));

  test('its capability is in IOVA_RANGE\'s place; off there is none, and the flag is VADDR', () => {
    const { program, container } = start(proposal);
    expect(told(program, container, 1).capabilities).toEqual([
      { kind: 'MIGRATION', flags: 0, pgsize_bitmap: 0x1000n, max_dirty_bitmap_size: 0x1000_0000n },
      { kind: 'DMA_AVAIL', avail: 65535 },
      { kind: 'MSI_RESV', size: 0x2000n, alignment: 0x8000n },
    ]);
    world.end();
    const plain = start();
    expect(register(plain.program, plain.container, 0x8000, 0x2000, { vaddr: 0x1000 })).toBe('ENOENT');
  });

  test.each<[string, number | bigint, number | bigint, { flags?: number }, string | number]>([
    ['with READ', 0x8000, 0x2000, { flags: 5 }, 'EINVAL'],
    ['no size', 0x8000, 0, {}, 'EINVAL'],
    ['a size inside a page', 0x8000, 0x2800, {}, 'EINVAL'],
    ['too small', 0x8000, 0x1000, {}, 'EINVAL'],
    ['not aligned as told', 0x4000, 0x2000, {}, 'EINVAL'],
    ['what wraps', 0xffff_ffff_ffff_8000n, 0x1_0000, {}, 'EINVAL'],
    ['where something is mapped', 0x10_0000, 0x2000, {}, 'EEXIST'],
    ['where nothing is usable', 0xfee0_0000, 0x2000, {}, 'EINVAL'],
    ['larger', 0x8000, 0x8000, {}, 0],
  ])('%s', (_, iova, size, more, want) => {
    const { program, container } = start(proposal);
    expect(program.map(container, 0x10_1000, PAGE, program.process.allocate(PAGE))).toBe(0);
    expect(register(program, container, iova, size, more)).toBe(want);
  });

  test('messages go by it, from all groups; other accesses find nothing', async () => {
    const { nic, program, container } = start(proposal);
    expect(await dmaWrite(nic, 0x8000, [1, 0, 0, 0])).toBe('EFAULT');
    expect(register(program, container, 0x8000, 0x2000)).toBe(0);
    const later = world.plug('0000:02:00.0');
    expect(program.setContainer(program.open(pathOf(later)), container)).toBe(0);
    expect(await dmaWrite(nic, 0x8004, [0x21, 0x43, 0, 0])).toBe(0);
    expect(await dmaWrite(later, 0x9ffc, [2, 0, 0, 0])).toBe(0);
    expect(world.messages).toEqual(['0000:01:00.0 0x8004 0x4321', '0000:02:00.0 0x9ffc 0x2']);
    expect(await dmaWrite(nic, 0x8000, [1, 0])).toBe('EFAULT');
    expect(await dmaRead(nic, 0x8000, 4)).toBe('EFAULT');
    expect(await dmaWrite(nic, 0xa000, [1, 0, 0, 0])).toBe('EFAULT');
  });

  test.each([[V2], [TYPE1]])('type %i: it stays until the container is closed, and there is one', async (model) => {
    const { nic, program, container, group } = start(proposal, model);
    const at = program.process.allocate(PAGE);
    expect(register(program, container, 0x8000, 0x2000)).toBe(0);
    expect(register(program, container, 0x8000, 0x2000)).toBe('EEXIST');
    expect(register(program, container, 0x1_0000, 0x2000)).toBe('EBUSY');
    expect(program.map(container, 0x9000, PAGE, at)).toBe('EEXIST');
    expect(program.map(container, 0x1000, PAGE, at)).toBe(0);
    expect(program.unmap(container, 0x8000, 0x2000)).toBe(model === V2 ? 'EINVAL' : 0);
    expect(program.unmap(container, 0, 0x1_0000)).toBe(model === V2 ? 'EINVAL' : PAGE);
    expect(program.map(container, 0x3000, PAGE, at, READ)).toBe(0);
    expect(program.unmap(container, 0, 0, ALL)).toBe(model === V2 ? 2 * PAGE : PAGE);
    expect(await dmaWrite(nic, 0x8000, [1, 0, 0, 0])).toBe(0);
    expect(program.unmap(container, 0, 0, ALL | VADDR)).toBe('EINVAL');
    expect(program.unsetContainer(group)).toBe(0);
    expect(await dmaWrite(nic, 0x8000, [1, 0, 0, 0])).toBe('EFAULT');
    expect(program.setContainer(group, container)).toBe(0);
    expect(program.setIommu(container, model)).toBe(0);
    expect(register(program, container, 0x1_0000, 0x2000)).toBe(0);
  });
});
