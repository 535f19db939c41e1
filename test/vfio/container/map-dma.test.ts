// VFIO_IOMMU_MAP_DMA and what functions reach by it: every errno in its order, limits, whose memory it is, and how long it stays.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_IOMMU_GET_INFO, VFIO_IOMMU_MAP_DMA, vfio_iommu_type1_dma_map } from '../../../src/uapi/index.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE, type VfioHostOptions, type HostFunction } from '../../../src/vfio/index.ts';
import { ALL, HostWorld, PAGE, type Program, READ, V2, VADDR, WRITE, dmaRead, dmaWrite, hexOf, pathOf } from './support.ts';

let world: HostWorld;
afterEach(() => world.end());

function start(options: VfioHostOptions = {}, process: Parameters<HostWorld['program']>[0] = {}): { nic: HostFunction; program: Program; container: number; group: number } {
  world = new HostWorld(options);
  const nic = world.plug('0000:01:00.0');
  const program = world.program(process);
  const { container, groups } = program.ready([nic]);
  return { nic, program, container, group: groups[0]! };
}

/** Memory whose byte at i is i + first. */
function patterned(program: Program, pages: number, first = 0): number {
  const at = program.process.allocate(pages * PAGE);
  program.process.memory.writeBytes(at, Uint8Array.from({ length: pages * PAGE }, (_, i) => i + first + (i >> 12)));
  return at;
}

describe('what functions reach', () => {
  test('the very bytes of the memory, by IOVA, over pages and over neighbouring mappings', async () => {
    const { nic, program, container } = start();
    const [low, high] = [patterned(program, 2), patterned(program, 1, 0x40)];
    expect(program.map(container, 0x10000, 2 * PAGE, low)).toBe(0);
    expect(program.map(container, 0x12000, PAGE, high)).toBe(0);
    expect(hexOf((await dmaRead(nic, 0x10ffe, 4)) as Uint8Array)).toBe('feff0102');
    expect(hexOf((await dmaRead(nic, 0x11ffe, 4)) as Uint8Array)).toBe('ff004041');
    expect(await dmaWrite(nic, 0x11fff, [1, 2])).toBe(0);
    expect(program.process.memory.read8(low + 2 * PAGE - 1)).toBe(1);
    expect(program.process.memory.read8(high)).toBe(2);
    expect(world.faults).toEqual([]);
  });

  test('nothing beside it, not a byte of a transfer that leaves it, and the host hears where', async () => {
    const { nic, program, container } = start();
    const at = patterned(program, 1);
    expect(program.map(container, 0x10000, PAGE, at)).toBe(0);
    expect(await dmaWrite(nic, 0x10ffe, [9, 9, 9])).toBe('EFAULT');
    expect(await dmaRead(nic, 0xffff, 2)).toBe('EFAULT');
    expect(program.process.memory.read16(at + 0xffe)).toBe(0xfffe);
    expect(world.faults).toEqual([
      { slot: nic.slot, access: 'write', iova: 0x11000n, reason: 'unmapped' },
      { slot: nic.slot, access: 'read', iova: 0xffffn, reason: 'unmapped' },
    ]);
  });

  test.each([
    [READ, 'read', 'EFAULT'],
    [WRITE, 'EFAULT', 0],
    [READ | WRITE, 'read', 0],
  ])('flags %i: one direction, or both', async (flags, read, write) => {
    const { nic, program, container } = start();
    expect(program.map(container, 0, PAGE, patterned(program, 1), flags)).toBe(0);
    const result = await dmaRead(nic, 0, 1);
    expect(typeof result === 'string' ? result : 'read').toBe(read);
    expect(await dmaWrite(nic, 0, [1])).toBe(write);
    expect(world.faults.map(({ reason }) => reason)).toEqual(read === 'read' && write === 0 ? [] : ['permission']);
  });

  test('the same pages stay there when the program unmaps them, and are given back when the mapping goes', async () => {
    const { nic, program, container } = start();
    const at = patterned(program, 4);
    const before = world.engine.live().pages;
    expect(program.map(container, 0x4000, 2 * PAGE, at + PAGE)).toBe(0);
    program.process.munmap(at, 4 * PAGE);
    expect(hexOf((await dmaRead(nic, 0x4000, 2)) as Uint8Array)).toBe('0102');
    expect(await dmaWrite(nic, 0x5000, [7])).toBe(0);
    expect(program.unmap(container, 0x4000, 2 * PAGE)).toBe(2 * PAGE);
    expect(world.engine.live().pages).toBeLessThan(before);
    expect(await dmaRead(nic, 0x4000, 1)).toBe('EFAULT');
  });

  test('a transfer that was begun before an unmap and lands behind it fails, and not a byte arrives', async () => {
    const { nic, program, container } = start();
    const at = patterned(program, 1);
    expect(program.map(container, 0, PAGE, at)).toBe(0);
    const flight = dmaWrite(nic, 0, [0xee, 0xee]);
    expect(program.unmap(container, 0, PAGE)).toBe(PAGE);
    expect(await flight).toBe('EFAULT');
    expect(program.process.memory.read16(at)).toBe(0x0100);
  });

  test.each([true, false])('a BAR of another device: peer to peer %s', async (peerToPeer) => {
    const { nic, program, container } = start({ peerToPeer });
    const peer = world.plug('0000:02:00.0');
    const group = program.open(pathOf(peer));
    expect(program.setContainer(group, container)).toBe(0);
    const fd = program.deviceFd(group, peer.slot) as number;
    const bar = program.process.mmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    const ram = patterned(program, 1);
    expect(program.map(container, 0x8000, PAGE, bar)).toBe(0);
    expect(program.map(container, 0x9000, PAGE, ram)).toBe(0);
    const read = await dmaRead(nic, 0x8010, 2);
    expect(typeof read === 'string' ? read : hexOf(read)).toBe(peerToPeer ? '1011' : 'EFAULT');
    expect(hexOf((await dmaRead(nic, 0x9010, 2)) as Uint8Array)).toBe('1011');
    expect(program.unmap(container, 0, 0, ALL)).toBe(2 * PAGE);
  });

  test('groups with IOMMUs of their own reach the same', async () => {
    const { nic, program, container } = start();
    const other = world.plug('0000:02:00.0', { iommu: { lastAddress: 0xffff_ffffn } });
    const at = patterned(program, 1);
    expect(program.map(container, 0x1000, PAGE, at)).toBe(0);
    expect(program.setContainer(program.open(pathOf(other)), container)).toBe(0);
    expect(program.map(container, 0x3000, PAGE, at)).toBe(0);
    for (const iova of [0x1000, 0x3000]) for (const one of [nic, other]) expect(hexOf((await dmaRead(one, iova, 2)) as Uint8Array)).toBe('0001');
    expect(program.unmap(container, 0x1000, PAGE)).toBe(PAGE);
    for (const one of [nic, other]) expect(await dmaRead(one, 0x1000, 2)).toBe('EFAULT');
    expect(program.map(container, 0x1_0000_0000, PAGE, at)).toBe('EINVAL');
  });
});

describe('errnos in their order', () => {
  const END = 1n << 64n;
  test.each<[string, { argsz?: number; flags?: number; vaddr?: number | bigint; iova?: number | bigint; size?: number | bigint }, number | string]>([
    ['argsz 31', { argsz: 31, flags: 0x80 }, 'EINVAL'],
    ['more argsz', { argsz: 100 }, 0],
    ['an unknown flag', { flags: 0x8 | READ }, 'EINVAL'],
    ['neither READ nor WRITE', { flags: 0 }, 'EINVAL'],
    ['READ and VADDR', { flags: READ | VADDR }, 'EINVAL'],
    ['no size', { size: 0 }, 'EINVAL'],
    ['a size of no whole pages', { size: PAGE + 1 }, 'EINVAL'],
    ['an iova inside a page', { iova: 0x800 }, 'EINVAL'],
    ['a vaddr inside a page', { vaddr: 0x11008 }, 'EINVAL'],
    ['an iova that wraps', { iova: END - 0x1000n, size: 0x2000 }, 'EINVAL'],
    ['a vaddr that wraps', { vaddr: END - 0x1000n, size: 0x2000 }, 'EINVAL'],
    ['VADDR of nothing', { flags: VADDR }, 'ENOENT'],
    ['VADDR of a mapping that has one', { flags: VADDR, iova: 0x10_0000 }, 'EINVAL'],
    ['what is mapped already, as it is', { iova: 0x10_0000 }, 'EEXIST'],
    ['its last page, of memory that is not there', { iova: 0xf_f000, size: 0x2000, vaddr: 0 }, 'EEXIST'],
    ['behind the aperture', { iova: 0x80_0000_0000 }, 'EINVAL'],
    ['over the end of the aperture', { iova: 0x7f_ffff_f000, size: 0x2000 }, 'EINVAL'],
    ['the last page of the aperture', { iova: 0x7f_ffff_f000 }, 0],
    ['reserved, and memory that is not there', { iova: 0xfee0_0000, vaddr: 0 }, 'EINVAL'],
    ['into what is reserved', { iova: 0xfedf_f000, size: 0x2000 }, 'EINVAL'],
    ['up to what is reserved', { iova: 0xfedf_f000 }, 0],
    ['memory that is not there', { vaddr: 0 }, 'EFAULT'],
    ['memory behind the end of a process', { vaddr: END - 0x1000n }, 'EFAULT'],
    ['IOVA 0', { iova: 0 }, 0],
  ])('%s', (_, request, want) => {
    const { program, container } = start();
    const at = program.process.allocate(4 * PAGE);
    expect(program.map(container, 0x10_0000, PAGE, at)).toBe(0);
    const bytes = vfio_iommu_type1_dma_map.encode({ argsz: 32, flags: READ | WRITE, vaddr: at, iova: 0x20_0000, size: PAGE, ...request });
    const before = hexOf(bytes);
    expect(program.ioctl(container, VFIO_IOMMU_MAP_DMA, bytes)).toBe(want);
    expect(hexOf(bytes)).toBe(before);
    expect(program.unmap(container, 0, 0, ALL)).toBe(want === 0 ? 2 * PAGE : PAGE);
  });

  test('31 bytes of the argument: EFAULT, whatever they hold', () => {
    const { program, container } = start();
    expect(program.ioctl(container, VFIO_IOMMU_MAP_DMA, new Uint8Array(31))).toBe('EFAULT');
    expect(program.ioctl(container, VFIO_IOMMU_MAP_DMA)).toBe('EFAULT');
  });

  test('memory that may not be written: EFAULT for devices that would, else none', () => {
    const { program, container } = start();
    const at = program.process.mmap(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
    expect(program.map(container, 0, PAGE, at)).toBe('EFAULT');
    expect(program.map(container, 0, PAGE, at, READ)).toBe(0);
  });
});

describe('limits', () => {
  test('65535 mappings, and one more is ENOSPC until one has gone', () => {
    const { program, container } = start();
    const at = program.process.allocate(PAGE);
    // One argument for all: making them takes longer than the calls.
    const argument = vfio_iommu_type1_dma_map.encode({ argsz: 32, flags: READ, vaddr: at, size: PAGE });
    const view = new DataView(argument.buffer);
    let failed = 0;
    for (let i = 0; i < 65535; i++) {
      view.setBigUint64(16, BigInt(i * PAGE), true);
      if (program.process.raw.ioctl(container, VFIO_IOMMU_MAP_DMA, argument) !== 0) failed++;
    }
    expect(failed).toBe(0);
    expect(available(program, container)).toBe(0);
    expect(program.map(container, 65535 * PAGE, PAGE, at)).toBe('ENOSPC');
    expect(program.map(container, 0, PAGE, at)).toBe('EEXIST');
    expect(program.unmap(container, 1234 * PAGE, PAGE)).toBe(PAGE);
    expect(available(program, container)).toBe(1);
    expect(program.map(container, 65535 * PAGE, PAGE, at)).toBe(0);
    expect(program.unmap(container, 0, 0, ALL)).toBe(65535 * PAGE);
    expect(available(program, container)).toBe(65535);
  });

  test('dma_entry_limit comes before the usable ranges, and what fails takes no entry', () => {
    const { program, container } = start({ dmaEntryLimit: 1 });
    const at = program.process.allocate(PAGE);
    expect(program.map(container, 0, PAGE, 0)).toBe('EFAULT');
    expect(program.map(container, 0, PAGE, at)).toBe(0);
    expect(program.map(container, 0xfee0_0000, PAGE, at)).toBe('ENOSPC');
  });

  const limited = { capabilities: ['CAP_SYS_RAWIO'], maxLockedBytes: 3 * PAGE } as const;

  test('RLIMIT_MEMLOCK counts pages, of memory once for each mapping of it; ENOMEM leaves nothing behind', () => {
    const { program, container } = start({}, limited);
    const at = program.process.allocate(4 * PAGE);
    expect(program.map(container, 0, 4 * PAGE, at)).toBe('ENOMEM');
    expect(program.map(container, 0, 2 * PAGE, at)).toBe(0);
    expect(program.map(container, 0x10000, 2 * PAGE, at)).toBe('ENOMEM');
    expect(program.map(container, 0x10000, PAGE, at)).toBe(0);
    expect(program.unmap(container, 0, 2 * PAGE)).toBe(2 * PAGE);
    expect(program.map(container, 0, 2 * PAGE, at)).toBe(0);
  });

  test('the limit ahead of the first page that is not there is told before it, and behind it not', () => {
    const { program, container } = start({}, limited);
    const at = program.process.allocate(16 * PAGE);
    program.process.munmap(at + 4 * PAGE, 12 * PAGE);
    expect(program.map(container, 0, 8 * PAGE, at)).toBe('ENOMEM');
    expect(program.map(container, 0, 8 * PAGE, at + PAGE)).toBe('EFAULT');
    expect(program.map(container, 0, 3 * PAGE, at)).toBe(0);
  });

  test('CAP_IPC_LOCK knows no limit, and pages of a BAR count for none', () => {
    const { program, container, group, nic } = start({}, limited);
    const bar = program.process.mmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, program.deviceFd(group, nic.slot) as number, 0);
    const at = program.process.allocate(4 * PAGE);
    expect(program.map(container, 0, 3 * PAGE, at)).toBe(0);
    expect(program.map(container, 0x8000, PAGE, bar)).toBe(0);
    const root = world.program({ maxLockedBytes: 0 });
    const more = root.ready([world.plug('0000:02:00.0')]);
    expect(root.map(more.container, 0, 4 * PAGE, root.process.allocate(4 * PAGE))).toBe(0);
  });
});

function available(program: Program, container: number): number {
  const info = new Uint8Array(256);
  new Uint32Array(info.buffer)[0] = 256;
  expect(program.ioctl(container, VFIO_IOMMU_GET_INFO, info)).toBe(0);
  return new DataView(info.buffer).getUint32(24 + 32 + 8, true);
}

describe('whose memory', () => {
  let nic: HostFunction;
  beforeEach(() => {
    world = new HostWorld();
    nic = world.plug('0000:01:00.0');
  });

  test('an address means the process that makes the call', async () => {
    const [one, other] = [world.program(), world.program()];
    const { container } = one.ready([nic]);
    const [first, second] = [patterned(one, 1), patterned(other, 1, 0x80)];
    expect(first).toBe(second);
    // The container is handed over, as by SCM_RIGHTS.
    const handed = one.process.sendFd(container, other.process);
    expect(one.map(container, 0, PAGE, first)).toBe(0);
    expect(other.map(handed, PAGE, PAGE, second)).toBe(0);
    expect(hexOf((await dmaRead(nic, 0xffe, 4)) as Uint8Array)).toBe('feff8081');
    expect(other.unmap(handed, 0, 0, ALL)).toBe(2 * PAGE);
  });

  test('a process that ends takes its mappings away with its last fd, and before that its memory stays', async () => {
    const [one, other] = [world.program(), world.program()];
    const { container } = one.ready([nic], V2);
    const handed = one.process.sendFd(container, other.process);
    expect(one.map(container, 0, PAGE, patterned(one, 1))).toBe(0);
    expect(other.map(handed, PAGE, PAGE, patterned(other, 1))).toBe(0);
    other.process.exit();
    expect(hexOf((await dmaRead(nic, 0x1000, 2)) as Uint8Array)).toBe('0001');
    one.process.exit();
    expect(await dmaRead(nic, 0x1000, 2)).toBe('EFAULT');
    expect(world.faults.at(-1)?.reason).toBe('blocked');
  });
});
