// GET_REGION_MMAP and GET_REGION_CAPS, the review's answer to mmap attributes: section 8.5, and 8.10 B for what the review leaves open.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VFIO_DEVICE_GET_REGION_CAPS, VFIO_DEVICE_GET_REGION_MMAP, VFIO_DEVICE_SET_MMAP_ATTRS, vfio_mmap_attrs, vfio_region_mmap } from '../../src/uapi/index.ts';
import { MAP_PRIVATE, MAP_SHARED, type OpenOptions, PROT_READ, PROT_WRITE, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, filled, hexOf, message, offsetOf, outcome, slot } from './support.ts';

const RW = PROT_READ | PROT_WRITE;
const WC = 1;
const ON: OpenOptions = { profile: 'cookie' };

let world: World;
let device: VfioDevice;
let process: Process;
beforeEach(() => {
  world = new World();
  device = world.device({
    0: { region: world.ram(0x2800) },
    3: { region: world.ram(PAGE), ioPorts: true },
    6: { region: world.region({ kind: 'rom', size: PAGE }) },
    7: { region: world.ram(0x100) },
    9: { region: world.ram(PAGE), mmap: true, capabilities: [{ kind: 'TYPE', type: 3, subtype: 4 }] },
  });
  process = world.open(device, ON);
});
afterEach(() => world.end());

const u32 = (...values: number[]): Uint8Array => new Uint8Array(new Uint32Array(values).buffer);
const request = (index: number, flags: number, argsz = 32): Uint8Array => u32(argsz, index, flags, 0xaaaa_aaaa, 0xbbbb_bbbb, 0xbbbb_bbbb, 0xcccc_cccc, 0xcccc_cccc);
const ask = (bytes: Uint8Array, number = VFIO_DEVICE_GET_REGION_MMAP): unknown => outcome(() => process.ioctl(3, number, bytes));

/** The offset to map, or the errno. */
function cookie(index: number, flags: number, fd = 3): bigint | string {
  const bytes = request(index, flags);
  const result = outcome(() => process.ioctl(fd, VFIO_DEVICE_GET_REGION_MMAP, bytes));
  return result === 0 ? vfio_region_mmap.decode(bytes).fd_offset : (result as string);
}
const map = (offset: bigint | string, length = PAGE, flags = MAP_SHARED): unknown => outcome(() => process.mmap(length, RW, flags, 3, offset as bigint));
const types = (): string[] => process.maps().map(({ memoryType }) => memoryType);

describe('8.5: GET_REGION_MMAP', () => {
  test.each<[string, Uint8Array, unknown]>([
    ['31 bytes are there', request(0, 0).slice(0, 31), 'EFAULT'],
    ['31 bytes are there, argsz 0', request(0, 0, 0).slice(0, 31), 'EFAULT'],
    ['argsz 31', request(0, 0, 31), 'EINVAL'],
    ['index is num_regions', request(10, 0), 'EINVAL'],
    ['index 2^32-1', request(0xffff_ffff, 0), 'EINVAL'],
    ['VGA that is absent', request(8, 0), 'EINVAL'],
    ['mmap_flags 2', request(0, 2), 'EINVAL'],
    ['mmap_flags 2^31', request(0, 0x8000_0000), 'EINVAL'],
    ['an absent BAR', request(1, 0), 'EINVAL'],
    ['ports', request(3, 0), 'EINVAL'],
    ['the ROM', request(6, 0), 'EINVAL'],
    ['configuration space', request(7, WC), 'EINVAL'],
  ])('%s', (_, bytes, expected) => {
    const before = hexOf(bytes);
    const live = world.engine.live();
    expect([ask(bytes), hexOf(bytes), world.engine.live()]).toEqual([expected, before, live]);
  });

  test('the first check decides: argsz, index, flags, mmap', () => {
    const text = (bytes: Uint8Array): string => message(() => process.ioctl(3, VFIO_DEVICE_GET_REGION_MMAP, bytes));
    expect(text(request(99, 2, 31))).toContain('argsz 31 is below 32');
    expect(text(request(99, 2))).toContain('index 99 is not below num_regions 10');
    expect(text(request(7, 2))).toContain('mmap_flags 0x2 has bits beyond WRITE_COMBINE');
    expect(text(request(7, 1))).toContain('region 7 cannot be mapped');
  });

  test('writes size and offset; argsz, index, flags and padding stay', () => {
    const bytes = request(0, WC, 99);
    expect(ask(bytes)).toBe(0);
    expect(hexOf(bytes)).toBe(hexOf(u32(99, 0, WC, 0xaaaa_aaaa, 0x2800, 0, 0x4000, 0)));
  });

  test('one cookie for each region and flags, the same ever after; without flags it is GET_REGION_INFO\'s', () => {
    const first = [cookie(0, WC), cookie(0, 0), cookie(9, 0), cookie(9, WC)];
    // 16 KiB each at multiples of 16 KiB, 4 KiB in the hole before.
    expect(first).toEqual([0x4000n, 0x8000n, 0x1000n, 0x2000n]);
    const live = world.engine.live();
    expect([cookie(0, WC), offsetOf(process, 0), offsetOf(process, 9), cookie(9, WC)]).toEqual(first);
    expect(world.engine.live()).toEqual(live);
  });

  test('both ways of one BAR at once; attributes do not change', () => {
    const [combining, plain] = [cookie(0, WC), cookie(0, 0)];
    const [a, b] = [map(combining, 0x3000), map(plain, 0x3000)] as [number, number];
    expect(process.maps().map(({ address, memoryType, region }) => ({ address, memoryType, region: region!.index }))).toEqual(expect.arrayContaining([
      { address: a, memoryType: 'write-combining', region: 0 }, { address: b, memoryType: 'uncached', region: 0 },
    ]));
    process.memory.write32(a, 0x1234_5678);
    process.memory.fence();
    expect(process.memory.read32(b)).toBe(0x1234_5678);
    expect([map(combining, 0x4000), map(combining, PAGE, MAP_PRIVATE)]).toEqual(['ENXIO', 'EINVAL']);
  });

  test('read and write find the same bytes at either', () => {
    const bytes = filled(4);
    expect(process.pread(3, bytes, cookie(0, WC) as bigint + 0x27fen)).toBe(2);
    expect(hexOf(bytes)).toBe('feffaaaa');
    expect(outcome(() => process.pread(3, bytes, cookie(0, WC) as bigint + 0x2800n))).toBe('EINVAL');
  });

  test('a cookie is its file\'s: dup shares it, another open does not', () => {
    const [again, other] = [process.dup(3), process.open(device, ON)];
    const offset = cookie(0, WC);
    expect([cookie(0, WC, again), outcome(() => process.mmap(PAGE, RW, MAP_SHARED, other, offset as bigint))]).toEqual([offset, 'ENXIO']);
    expect(cookie(9, WC, other)).toBe(0x1000n);
  });

  test('no place below offsetLimit: ENOSPC, argument and other offsets stay', () => {
    process = world.open(device, { ...ON, offsetLimit: 0x8000n });
    expect([cookie(0, WC), cookie(0, 0), cookie(9, 0), cookie(0, 0), cookie(0, WC)]).toEqual([0x4000n, 'ENOSPC', 0x1000n, 'ENOSPC', 0x4000n]);
    const bytes = request(0, 0);
    const before = hexOf(bytes);
    expect([ask(bytes), hexOf(bytes)]).toEqual(['ENOSPC', before]);
    // What found no place is nobody's.
    expect([map(0x8000n), outcome(() => process.pread(3, filled(1), 0x8000n))]).toEqual(['ENXIO', 'ENXIO']);
  });

  test('8.10 B, offsets of mode index: plain ones are index << 40, the others lie above 64 << 40', () => {
    process = world.open(device, { proposals: { regionMmap: true } });
    expect(cookie(0, 0)).toBe(slot(0));
    const combining = cookie(0, WC) as bigint;
    expect(combining).toBeGreaterThanOrEqual(slot(64));
    expect([outcome(() => process.mmap(PAGE, RW, MAP_SHARED, 3, slot(9))), map(combining), map(combining + 0x3000n)]).toEqual([expect.any(Number), expect.any(Number), 'EINVAL']);
    expect(types().sort()).toEqual(['uncached', 'write-combining']);
  });

  test('beside SET_MMAP_ATTRS: what is settled stays so', () => {
    process = world.open(device, { proposals: { regionMmap: true, mmapAttributes: true } });
    const set = (offset: bigint | string, attrs: number): unknown => ask(vfio_mmap_attrs.encode({ offset: offset as bigint, attrs }), VFIO_DEVICE_SET_MMAP_ATTRS);
    const [plain, combining] = [cookie(0, 0), cookie(0, WC)];
    expect([set(combining, 0), set(plain, 1)]).toEqual(['EINVAL', 0]);
    map(combining);
    expect(types()).toEqual(['write-combining']);
  });
});

describe('8.5: GET_REGION_CAPS', () => {
  const caps = (index: number, argsz: number): Uint8Array => Uint8Array.from([...u32(argsz, index, 0x55, 0xaaaa_aaaa, 0, 0, 0xcccc_cccc, 0xdddd_dddd), ...filled(16)]);

  test.each<[string, Uint8Array, unknown, Uint8Array]>([
    ['none', caps(0, 32), 0, u32(32, 0, 7, 0xaaaa_aaaa, 0x2800, 0, 0xcccc_cccc, 0xdddd_dddd)],
    ['an absent BAR', caps(1, 32), 0, u32(32, 1, 0, 0xaaaa_aaaa, 0, 0, 0xcccc_cccc, 0xdddd_dddd)],
    ['no room', caps(9, 47), 0, u32(48, 9, 0xf, 0xaaaa_aaaa, PAGE, 0, 0, 0xdddd_dddd)],
  ])('%s', (_, bytes, expected, after) => {
    expect(ask(bytes, VFIO_DEVICE_GET_REGION_CAPS)).toBe(expected);
    expect(hexOf(bytes)).toBe(hexOf(after) + 'aa'.repeat(16));
  });

  test('room for all', () => {
    const bytes = caps(9, 48);
    expect(ask(bytes, VFIO_DEVICE_GET_REGION_CAPS)).toBe(0);
    expect(hexOf(bytes)).toBe(hexOf(u32(48, 9, 0xf, 0xaaaa_aaaa, PAGE, 0, 32, 0xdddd_dddd, 0x0001_0002, 0, 3, 4)));
  });

  test.each<[string, Uint8Array, unknown]>([
    ['31 bytes are there', caps(0, 0).slice(0, 31), 'EFAULT'], ['argsz 31', caps(99, 31), 'EINVAL'], ['index', caps(10, 32), 'EINVAL'], ['VGA', caps(8, 32), 'EINVAL'],
  ])('%s', (_, bytes, expected) => {
    const before = hexOf(bytes);
    expect([ask(bytes, VFIO_DEVICE_GET_REGION_CAPS), hexOf(bytes)]).toEqual([expected, before]);
  });
});

test('off: ENOTTY', () => {
  process = world.open(device);
  expect([ask(request(0, 0)), ask(request(0, 0), VFIO_DEVICE_GET_REGION_CAPS)]).toEqual(['ENOTTY', 'ENOTTY']);
});

test('any requests: cookies do not overlap, and none changes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(11), fc.nat(3)), { maxLength: 30 }), (requests) => {
      const user = world.open(device, ON);
      const given = new Map<string, bigint>();
      for (const [index, flags] of requests) {
        const bytes = request(index, flags);
        if (user.raw.ioctl(3, VFIO_DEVICE_GET_REGION_MMAP, bytes) !== 0) continue;
        const { fd_offset: offset } = vfio_region_mmap.decode(bytes);
        expect(given.get(`${index} ${flags}`) ?? offset).toBe(offset);
        given.set(`${index} ${flags}`, offset);
      }
      const offsets = [...given.values()].sort((a, b) => Number(a - b));
      offsets.forEach((offset, i) => i > 0 && expect(offset - offsets[i - 1]!).toBeGreaterThanOrEqual(0x1000n));
      user.exit();
    }),
    { numRuns: 60 },
  );
});
