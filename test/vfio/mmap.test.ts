// mmap of a device file: the order of its checks, which parts of which regions, and what the mapping shows.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, PROT_READ, PROT_WRITE, type Process } from '../../src/vfio/index.ts';
import { PAGE, World, filled, outcome, slot } from './support.ts';

const RW = PROT_READ | PROT_WRITE;

let world: World;
let process: Process;
beforeEach(() => {
  world = new World();
  process = world.open(
    world.device({
      0: { region: world.ram(0x4000) },
      2: { region: world.ram(0x2800) },
      3: { region: world.ram(0x1000), ioPorts: true },
      4: { region: world.ram(0x800) },
      5: { region: world.ram(0x800), mmap: true },
      6: { region: world.ram(0x1000) },
      7: { region: world.ram(0x1000) },
      8: { region: world.region({ kind: 'demand', size: 0xc0000 }) },
      9: { region: world.ram(0x1000) },
      10: { region: world.ram(0x2000), mmap: true, writable: false },
    }),
  );
});
afterEach(() => world.end());

const map = (offset: bigint | number, length: bigint | number = PAGE, flags = MAP_SHARED, protection = RW, fd = 3): string => {
  const result = outcome(() => process.mmap(length, protection, flags, fd, offset));
  return typeof result === 'string' ? result : 'mapped';
};

describe('which parts of which regions', () => {
  test.each<[string, bigint, bigint | number, string]>([
    ['a whole BAR', slot(0), 0x4000, 'mapped'],
    ['its first page', slot(0), 0x1000, 'mapped'],
    ['its last page', slot(0) + 0x3000n, 0x1000, 'mapped'],
    ['two pages inside', slot(0) + 0x1000n, 0x2000, 'mapped'],
    ['one byte: a whole page', slot(0) + 0x3000n, 1, 'mapped'],
    ['a page too far', slot(0) + 0x1000n, 0x4000, 'EINVAL'],
    ['a byte too far', slot(0), 0x4001, 'EINVAL'],
    ['behind the end', slot(0) + 0x4000n, 1, 'EINVAL'],
    ['a BAR that ends inside a page, to that end', slot(2), 0x2800, 'mapped'],
    ['to the end of that page', slot(2), 0x3000, 'mapped'],
    ['only that page', slot(2) + 0x2000n, 0x1000, 'mapped'],
    ['beyond that page', slot(2), 0x3001, 'EINVAL'],
    ['an absent BAR', slot(1), 0x1000, 'EINVAL'],
    ['an I/O BAR', slot(3), 0x1000, 'EINVAL'],
    ['a BAR below a page', slot(4), 0x800, 'EINVAL'],
    ['a BAR below a page that has its page alone', slot(5), 0x1000, 'mapped'],
    ['the ROM', slot(6), 0x1000, 'EINVAL'],
    ['config space', slot(7), 0x1000, 'EINVAL'],
    ['VGA', slot(8), 0x1000, 'EINVAL'],
    ['a device-specific region without MMAP', slot(9), 0x1000, 'EINVAL'],
    ['a device-specific region with MMAP', slot(10), 0x2000, 'mapped'],
    ['num_regions', slot(11), 0x1000, 'EINVAL'],
    ['far above', slot(0x7fffff), 0x1000, 'EINVAL'],
    ['more than any BAR', slot(0), 1n << 40n, 'EINVAL'],
  ])('%s', (_, offset, length, want) => {
    expect(map(offset, length)).toBe(want);
  });

  test('platform regions: whole pages only', () => {
    const platform = world.process();
    platform.open(world.device({ 0: { region: world.ram(0x1000) }, 1: { region: world.ram(0x1800) } }, { kind: 'platform' }));
    expect(outcome(() => platform.mmap(0x1000, RW, MAP_SHARED, 3, slot(0)))).toEqual(expect.any(Number));
    expect(outcome(() => platform.mmap(0x1000, RW, MAP_SHARED, 3, slot(1)))).toBe('EINVAL');
  });
});

describe('order of the checks: of two faults the first decides', () => {
  const END = 1n << 64n;

  test.each<[string, string, () => string]>([
    ['length 0', 'EINVAL', () => map(slot(0), 0)],
    ['offset inside a page', 'EINVAL', () => map(slot(0) + 1n)],
    ['length 0 before the overflow', 'EINVAL', () => map(END - 4096n, 0)],
    ['offset inside a page before a closed fd', 'EINVAL', () => map(slot(0) + 1n, PAGE, MAP_SHARED, RW, 99)],
    ['a closed fd before length 0', 'EBADF', () => map(slot(0), 0, MAP_SHARED, RW, 99)],
    ['offset inside a page before the overflow', 'EINVAL', () => map(END - 4095n, 8192)],
    ['offset and length pass 2^64', 'EOVERFLOW', () => map(END - 4096n, 8192)],
    ['offset and length end at 2^64', 'EOVERFLOW', () => map(END - 4096n, 4096)],
    ['offset and length end one page below', 'EINVAL', () => map(END - 8192n, 4096)],
    ['the overflow before MAP_PRIVATE', 'EOVERFLOW', () => map(END - 4096n, 8192, MAP_PRIVATE)],
    ['MAP_PRIVATE', 'EINVAL', () => map(slot(0), PAGE, MAP_PRIVATE)],
    ['MAP_SHARED_VALIDATE with MAP_SYNC', 'EOPNOTSUPP', () => map(slot(0), PAGE, MAP_SHARED_VALIDATE | 0x8_0000)],
    ['larger than any address space, before the overflow', 'ENOMEM', () => map(END - 4096n, 1n << 48n)],
    ['neither shared nor private', 'EINVAL', () => map(slot(0), PAGE, 0)],
    ['a length beyond any address space', 'ENOMEM', () => map(0, END - 4096n)],
    ['a length that rounds up to 2^64', 'ENOMEM', () => map(0, END - 1n)],
  ])('%s: %s', (_, want, call) => {
    expect(call()).toBe(want);
    expect(process.maps()).toEqual([]);
  });

  test('MAP_SHARED_VALIDATE is as MAP_SHARED', () => {
    expect(map(slot(0), PAGE, MAP_SHARED_VALIDATE)).toBe('mapped');
  });

  test('files opened for reading only', () => {
    process = world.process();
    process.open(world.device({ 0: { region: world.ram(0x1000) } }), { readOnly: true });
    expect(map(0)).toBe('EACCES');
    expect(map(slot(99))).toBe('EACCES');
    expect(map(0n, 0)).toBe('EINVAL');
    expect(map(END - 4096n, 8192)).toBe('EOVERFLOW');
    expect(map(0, PAGE, MAP_PRIVATE)).toBe('EINVAL');
    // A shared mapping of such a file is no longer shared when it reaches the driver.
    expect(map(0, PAGE, MAP_SHARED, PROT_READ)).toBe('EINVAL');
  });

  test('anonymous memory is shared or private, and needs no fd', () => {
    for (const flags of [MAP_SHARED, MAP_PRIVATE]) expect(map(0, PAGE, flags | MAP_ANONYMOUS, RW, -1)).toBe('mapped');
    for (const type of [0, MAP_SHARED_VALIDATE]) expect(map(0, PAGE, type | MAP_ANONYMOUS, RW, -1)).toBe('EINVAL');
    expect(map(0, 0, MAP_PRIVATE | MAP_ANONYMOUS, RW, -1)).toBe('EINVAL');
    expect(map(1, PAGE, MAP_PRIVATE | MAP_ANONYMOUS, RW, -1)).toBe('EINVAL');
    expect(map(0, END - 4096n, MAP_PRIVATE | MAP_ANONYMOUS, RW, -1)).toBe('ENOMEM');
  });
});

describe('the MSI-X table and mmap', () => {
  const sparse = (offset: number, count: number, msixMode: 'sparse' | 'mappable' = 'sparse'): void => {
    process = world.process();
    process.open(world.device({ 0: { region: world.ram(0x4000) } }, { msix: { bar: 0, offset, count }, msixMode }));
  };

  test.each<[string, number, number, number, number, string]>([
    ['below the table', 0x2000, 65, 0, 0x2000, 'mapped'],
    ['over its first byte', 0x2000, 65, 0, 0x2001, 'EINVAL'],
    ['the page of the table', 0x2000, 65, 0x2000, 0x1000, 'EINVAL'],
    ['above the table', 0x2000, 65, 0x3000, 0x1000, 'mapped'],
    ['a table that ends with its page leaves the next', 0x2ff0, 1, 0x3000, 0x1000, 'mapped'],
    ['a table one entry into the next page', 0x2ff0, 2, 0x3000, 0x1000, 'EINVAL'],
    ['one byte of a page whose last bytes are the table', 0x2ff0, 1, 0x2000, 1, 'EINVAL'],
    ['everything', 0x2000, 65, 0, 0x4000, 'EINVAL'],
  ])('sparse: %s', (_, table, count, position, length, want) => {
    sparse(table, count);
    expect(map(position, length)).toBe(want);
  });

  test('mappable: everything, and the table is reachable through it', () => {
    sparse(0x2000, 65, 'mappable');
    expect(map(0, 0x4000)).toBe('mapped');
    const { address } = process.maps()[0]!;
    process.memory.write32(address + 0x2000, 0x1234_5678);
    const bytes = filled(4);
    process.pread(3, bytes, 0x2000);
    expect([process.memory.read32(address + 0x2000), [...bytes]]).toEqual([0x1234_5678, [255, 255, 255, 255]]);
  });

  test('sparse: other BARs are whole', () => {
    process = world.process();
    const region = world.ram(0x1000);
    process.open(world.device({ 0: { region }, 1: { region } }, { msix: { bar: 0, offset: 0, count: 1 }, msixMode: 'sparse' }));
    expect([map(0), map(slot(1))]).toEqual(['EINVAL', 'mapped']);
  });
});

describe('what a mapping shows', () => {
  test('a write through one mapping is visible through pread, another mapping and another process', () => {
    const region = world.ram(0x4000);
    const device = world.device({ 0: { region } });
    const [one, two] = [world.open(device), world.open(device)];
    const whole = one.mmap(0x4000, RW, MAP_SHARED, 3, 0);
    const part = one.mmap(0x1000, RW, MAP_SHARED, 3, 0x2000);
    const other = two.mmap(0x2000, RW, MAP_SHARED, 3, 0x2000);
    one.memory.write32(whole + 0x2008, 0xcafe_f00d);
    const bytes = filled(4);
    two.pread(3, bytes, 0x2008);
    expect([one.memory.read32(part + 8), two.memory.read32(other + 8), Buffer.from(bytes).readUInt32LE(), region.read32(0x2008)]).toEqual(Array(4).fill(0xcafe_f00d));
    two.pwrite(3, Uint8Array.of(1), 0x2008);
    expect(one.memory.read8(part + 8)).toBe(1);
    one.memory.write8(part + 0xfff, 0x77);
    expect([one.memory.read8(whole + 0x2fff), two.memory.read8(other + 0xfff)]).toEqual([0x77, 0x77]);
  });

  test('behind the end of a BAR that ends inside its page there is nothing', () => {
    const address = process.mmap(0x3000, RW, MAP_SHARED, 3, slot(2));
    expect(process.memory.read8(address + 0x27ff)).toBe(0xff);
    process.memory.write8(address + 0x27ff, 0x12);
    process.memory.write8(address + 0x2800, 0x34);
    expect([process.memory.read8(address + 0x27ff), process.memory.read8(address + 0x2800), process.memory.windowAt(address + 0x2800)]).toEqual([0x12, 0xff, undefined]);
    expect(process.maps()).toEqual([expect.objectContaining({ address, length: 0x3000 })]);
  });

  test('maps() says what, where and how', () => {
    const first = process.mmap(0x2001, PROT_READ, MAP_SHARED, 3, slot(0) + 0x1000n);
    const anonymous = process.allocate(1);
    expect(process.maps()).toEqual([
      { address: anonymous, length: PAGE, protection: RW, memoryType: 'uncached', device: undefined, region: undefined },
      { address: first, length: 0x3000, protection: PROT_READ, memoryType: 'uncached', device: '0000:00:01.0', region: { index: 0, position: 0x1000n } },
    ]);
    expect(process.memory.windowAt(first)).toMatchObject({ position: 0x1000n, size: 0x3000n, memoryType: 'uncached' });
  });

  test('addresses are pages of the lower half and no two mappings overlap', () => {
    for (let i = 0; i < 20; i++) process.mmap(0x1000 * (1 + (i % 4)), RW, MAP_SHARED, 3, slot(0));
    const ends = process.maps().map(({ address, length }) => [address, address + length]);
    expect(ends).toHaveLength(20);
    for (const [i, [start, end]] of ends.entries()) {
      expect(start! % PAGE).toBe(0);
      expect(end).toBeLessThanOrEqual(2 ** 47 - PAGE);
      if (i > 0) expect(start).toBeGreaterThanOrEqual(ends[i - 1]![1]!);
    }
  });
});
