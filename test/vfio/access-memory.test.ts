// Buffers and arguments as addresses in the process's memory: EFAULT to the byte, and what has happened before it.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_IRQ_INFO, VFIO_DEVICE_GET_REGION_INFO } from '../../src/uapi/index.ts';
import { type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { type CycleLog, PAGE, World, filled, hexOf, outcome, slot } from './support.ts';

let world: World;
let log: CycleLog;
let registers: Uint8Array;
let device: VfioDevice;
let process: Process;
let page: number;

beforeEach(() => {
  world = new World();
  log = [];
  registers = Uint8Array.from({ length: 0x1000 }, (_, i) => i);
  device = world.device(
    { 0: { region: world.hook(registers, log) }, 1: { region: world.ram(0x4000) }, 2: { region: world.ram(0x4000) }, 7: { region: world.hook(registers.slice(0, 0x100), log) } },
    { msix: { bar: 2, offset: 0x1000, count: 64 } },
  );
  process = world.open(device);
  page = process.allocate(PAGE);
});
afterEach(() => world.end());

/** An address with exactly `bytes` mapped bytes from it to the end of the page. */
const ending = (bytes: number): number => page + PAGE - bytes;
const mapped = (address: number, length: number): string => hexOf(process.memory.readBytes(address, new Uint8Array(length)));

describe('buffers as addresses', () => {
  test('read and write the same bytes as buffers of bytes', () => {
    expect(process.pread(3, { address: page, length: 16 }, slot(1) + 4n)).toBe(16);
    expect(mapped(page, 17)).toBe('0405060708090a0b0c0d0e0f1011121300');
    expect(process.pwrite(3, { address: BigInt(page) + 1n, length: 3 }, slot(0))).toBe(3);
    expect(log).toEqual(['write 2 at 0x0: 0x605', 'write 1 at 0x2: 0x7']);
  });

  test('a buffer may end with the page, also one that the region clips', () => {
    expect(process.pread(3, { address: ending(4), length: 4 }, slot(1))).toBe(4);
    expect(process.pread(3, { address: ending(4), length: 64 }, slot(1) + 0x3ffcn)).toBe(4);
    expect(mapped(ending(4), 4)).toBe('fcfdfeff');
  });

  test.each([1, 2, 4, 8])('%i bytes into a buffer that ends one byte early are EFAULT; its neighbour is not touched', (width) => {
    for (const index of [0, 1, 7]) {
      expect(outcome(() => process.pread(3, { address: ending(width - 1), length: width }, slot(index)))).toBe('EFAULT');
      expect(outcome(() => process.pwrite(3, { address: ending(width - 1), length: width }, slot(index)))).toBe('EFAULT');
    }
    expect(registers[0]).toBe(0);
  });

  test.each<[string, number | bigint]>([['NULL', 0], ['a small offset from NULL', 24], ['the kernel half', 1n << 63n], ['the last byte', (1n << 64n) - 1n]])('%s is EFAULT', (_, address) => {
    expect(outcome(() => process.pread(3, { address, length: 2 }, slot(1)))).toBe('EFAULT');
    expect(outcome(() => process.pwrite(3, { address, length: 2 }, slot(1)))).toBe('EFAULT');
  });

  test('bounds come before the buffer, the gate between them', () => {
    const nowhere = { address: 0, length: 4 };
    expect(outcome(() => process.pread(3, nowhere, slot(1) + 0x4000n))).toBe('EINVAL');
    expect(outcome(() => process.pread(3, nowhere, slot(99)))).toBe('EINVAL');
    const closed = world.open(world.device({ 0: { region: world.ram(16) } }, { memoryEnabled: () => false }));
    expect(outcome(() => closed.pread(3, nowhere, 0))).toBe('EIO');
    expect(outcome(() => closed.pwrite(3, nowhere, 0))).toBe('EFAULT');
  });
});

describe('EFAULT midway: the cycles before it have happened', () => {
  test('a write to registers stops at the first cycle whose bytes are missing', () => {
    process.memory.writeBytes(ending(12), Uint8Array.from({ length: 12 }, () => 0x5a));
    expect(outcome(() => process.pwrite(3, { address: ending(12), length: 24 }, slot(0)))).toBe('EFAULT');
    expect(log).toEqual([`write 8 at 0x0: 0x${'5a'.repeat(8)}`]);
  });

  test('a read of registers stops at the first cycle that cannot be delivered', () => {
    expect(outcome(() => process.pread(3, { address: ending(12), length: 24 }, slot(0)))).toBe('EFAULT');
    expect(log).toEqual(['read 8 at 0x0', 'read 8 at 0x8']);
    expect(mapped(ending(12), 8)).toBe('0001020304050607');
  });

  test('memory behaves as registers do', () => {
    const [ahead, left] = [0x1e9c, 24];
    process.memory.writeBytes(ending(left), new Uint8Array(left).fill(0xe7));
    expect(outcome(() => process.pwrite(3, { address: ending(left), length: left + 8 }, slot(1) + BigInt(ahead)))).toBe('EFAULT');
    const seen = filled(left + 8);
    process.pread(3, seen, slot(1) + BigInt(ahead));
    // 4 bytes up to the alignment of 8, then two cycles of 8; the third would need bytes that are not there.
    expect(hexOf(seen)).toBe('e7'.repeat(20) + hexOf(Uint8Array.from({ length: 12 }, (_, i) => ahead + 20 + i)));
  });

  test('config space: a chunk of four', () => {
    process.memory.writeBytes(ending(6), Uint8Array.of(1, 2, 3, 4, 5, 6));
    expect(outcome(() => process.pwrite(3, { address: ending(6), length: 8 }, slot(7)))).toBe('EFAULT');
    expect(log).toEqual(['write 4 at 0x0: 0x4030201']);
  });

  test('writes that fall into the MSI-X table are dropped without a look at the buffer', () => {
    expect(outcome(() => process.pwrite(3, { address: 0, length: 8 }, slot(2) + 0x1000n))).toBe(8);
    expect(outcome(() => process.pread(3, { address: 0, length: 8 }, slot(2) + 0x1000n))).toBe('EFAULT');
  });

  test('ones in place of the MSI-X table come byte by byte', () => {
    expect(outcome(() => process.pread(3, { address: ending(3), length: 8 }, slot(2) + 0x1000n))).toBe('EFAULT');
    expect(mapped(ending(4), 4)).toBe('00ffffff');
  });

  test('a hole between two mappings of a long buffer', () => {
    const buffer = process.allocate(5 * PAGE);
    process.munmap(buffer + 2 * PAGE, PAGE);
    expect(outcome(() => process.pread(3, { address: buffer, length: 4 * PAGE }, slot(1)))).toBe('EFAULT');
    expect(outcome(() => process.pread(3, { address: buffer + 3 * PAGE, length: 2 * PAGE }, slot(1)))).toBe(2 * PAGE);
    expect(outcome(() => process.pread(3, { address: buffer, length: 2 * PAGE }, slot(1)))).toBe(2 * PAGE);
  });
});

describe('arguments of ioctls as addresses', () => {
  test.each([
    ['GET_INFO', VFIO_DEVICE_GET_INFO, 24, '180000000200000009000000050000000000000000000000'],
    ['GET_REGION_INFO', VFIO_DEVICE_GET_REGION_INFO, 32, '2000000007000000010000000000000000400000000000000000000000010000'],
    ['GET_IRQ_INFO', VFIO_DEVICE_GET_IRQ_INFO, 16, '10000000090000000100000000000000'],
  ])('%s at the end of a page, and one byte later', (_, request, size, want) => {
    const ask = Uint8Array.from({ length: size }, (_, i) => (i === 0 ? size : i === 8 ? 1 : 0));
    process.memory.writeBytes(ending(size), ask);
    expect(process.ioctl(3, request, ending(size))).toBe(0);
    expect(mapped(ending(size), size)).toBe(want);
    process.memory.writeBytes(ending(size - 1), ask.subarray(0, size - 1));
    expect(outcome(() => process.ioctl(3, request, ending(size - 1)))).toBe('EFAULT');
    expect(mapped(ending(size - 1), size - 1)).toBe(hexOf(ask.subarray(0, size - 1)));
  });

  test('an argument across two mappings', () => {
    const [upper, lower] = [process.allocate(PAGE), process.allocate(PAGE)];
    expect(upper - lower).toBe(PAGE);
    process.memory.writeBytes(upper - 6, Uint8Array.of(16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 9, 9, 9));
    expect(process.ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, upper - 6)).toBe(0);
    expect(mapped(upper - 6, 16)).toBe('10000000090000000100000000000000');
  });
});

describe('pointers into a mapping of a device', () => {
  test('the bytes go through the device', () => {
    const bar = process.mmap(PAGE, 3, 1, 3, slot(0));
    expect(process.pread(3, { address: bar + 8, length: 8 }, slot(1))).toBe(8);
    expect(log).toEqual(['write 8 at 0x8: 0x706050403020100']);
    log.length = 0;
    expect(process.pwrite(3, { address: bar + 8, length: 4 }, slot(1) + 0x40n)).toBe(4);
    expect(log).toEqual(['read 4 at 0x8']);
    process.memory.writeBytes(bar + 0x100, Uint8Array.of(16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    expect(process.ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, bar + 0x100)).toBe(0);
    expect(registers[0x104]).toBe(7);
  });

  test('a region copied onto itself', () => {
    const bar = process.mmap(PAGE, 3, 1, 3, slot(1));
    expect(process.pread(3, { address: bar + 2, length: 4 }, slot(1))).toBe(4);
    expect(mapped(bar, 8)).toBe('0001000102030607');
  });

  test('behind the end of a region that ends inside its page is EFAULT', () => {
    const small = world.open(world.device({ 0: { region: world.ram(0x800), mmap: true } }));
    const bar = small.mmap(PAGE, 3, 1, 3, 0);
    expect(outcome(() => small.pread(3, { address: bar + 0x7fe, length: 2 }, 0))).toBe(2);
    expect(outcome(() => small.pread(3, { address: bar + 0x7ff, length: 2 }, 0))).toBe('EFAULT');
  });
});
