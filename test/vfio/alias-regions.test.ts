// Feature ALIAS_REGION of the proposal: section 8.6 as posted (`rfc`), 8.7 and 8.9 as its reviewers asked (`strict`), 8.10 C the numbers. Rows are requests and what comes of them.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_REGION_INFO, vfio_device_info, vfio_region_info } from '../../src/uapi/index.ts';
import { MAP_PRIVATE, MAP_SHARED, type OpenOptions, PROT_READ, PROT_WRITE, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, expectAnswer, filled, hexOf, message, offsetOf, outcome, regionInfo, slot } from './support.ts';

const RW = PROT_READ | PROT_WRITE;
const GET = 0x10000;
const SET = 0x20000;
const PROBE = 0x40000;
const WC = 0x20;
const RFC: OpenOptions = { proposals: { aliasRegions: 'rfc' } };
const STRICT: OpenOptions = { proposals: { aliasRegions: 'strict' } };

let world: World;
let device: VfioDevice;
let process: Process;
beforeEach(() => {
  world = new World();
  device = world.device({
    0: { region: world.ram(0x2800) },
    2: { region: world.ram(0x800) },
    3: { region: world.ram(PAGE), ioPorts: true },
    6: { region: world.region({ kind: 'rom', size: PAGE }) },
    7: { region: world.ram(0x100) },
    9: { region: world.ram(0x3000, 9), mmap: true },
    10: { region: world.ram(PAGE) },
  });
  process = world.open(device, RFC);
});
afterEach(() => world.end());

const u32 = (...values: number[]): number[] => [...new Uint8Array(new Uint32Array(values).buffer)];

/** Envelope and payload: flags, index, and what nobody looks at. */
const request = (op: number, flags: number, index: number, argsz = 32): Uint8Array => Uint8Array.from(u32(argsz, op | 11, flags, index, 0xaaaa_aaaa, 0xbbbb_bbbb, 0xcccc_cccc, 0xdddd_dddd));
const ask = (bytes: Uint8Array, of = process, fd = 3): unknown => outcome(() => of.ioctl(fd, VFIO_DEVICE_FEATURE, bytes));

/** Makes an alias: its index, or the errno. */
function alias(index: number, flags = WC, of = process, fd = 3): unknown {
  const bytes = request(SET, flags, index);
  const result = ask(bytes, of, fd);
  return result === 0 ? new DataView(bytes.buffer).getUint32(16, true) : result;
}

function numRegions(of = process, fd = 3): number {
  const bytes = vfio_device_info.encode({ argsz: 16 });
  of.ioctl(fd, VFIO_DEVICE_GET_INFO, bytes);
  return vfio_device_info.decode(bytes).num_regions;
}

/** Flags, size and offset, then argsz, cap_offset and the bytes behind. */
function info(index: number, argsz: number): unknown {
  const bytes = filled(80);
  vfio_region_info.encode({ argsz, index }, bytes);
  process.ioctl(3, VFIO_DEVICE_GET_REGION_INFO, bytes);
  const { flags, size, offset, argsz: after, cap_offset } = vfio_region_info.decode(bytes);
  return [flags, size, offset, after, cap_offset, hexOf(bytes.subarray(32))];
}

const map = (offset: bigint, length = PAGE, flags = MAP_SHARED, of = process): unknown => outcome(() => of.mmap(length, RW, flags, 3, offset));
const types = (): string[] => process.maps().map(({ memoryType }) => memoryType).sort();

describe('8.6: requests, as posted', () => {
  test.each<[string, Uint8Array, unknown]>([
    ['GET', request(GET, WC, 0), 'EINVAL'],
    ['PROBE and GET', request(PROBE | GET, WC, 0), 'EINVAL'],
    ['no operation', request(0, WC, 0), 'EINVAL'],
    ['GET and SET', request(GET | SET, WC, 0), 'EINVAL'],
    ['argsz 31', request(SET, WC, 0, 31), 'EINVAL'],
    ['argsz 31 before memory', request(SET, WC, 0, 31).slice(0, 8), 'EINVAL'],
    ['31 bytes are there', request(SET, WC, 0).slice(0, 31), 'EFAULT'],
    ['31 bytes are there, of a probe', request(PROBE, WC, 0, 8).slice(0, 31), 'EFAULT'],
    ['memory before the index', request(SET, WC, 99).slice(0, 31), 'EFAULT'],
    ['index is num_regions', request(SET, WC, 11), 'EINVAL'],
    ['index 2^32-1', request(SET, WC, 0xffff_ffff), 'EINVAL'],
    ['an absent BAR', request(SET, WC, 1), 'EINVAL'],
    ['a BAR smaller than a page', request(SET, WC, 2), 'EINVAL'],
    ['ports', request(SET, WC, 3), 'EINVAL'],
    ['the ROM', request(SET, WC, 6), 'EINVAL'],
    ['configuration space', request(SET, WC, 7), 'EINVAL'],
    ['VGA', request(SET, WC, 8), 'EINVAL'],
    ['a region of the driver that cannot be mapped', request(SET, WC, 10), 'EINVAL'],
    ['ALIAS asked for', request(SET, 0x10, 0), 'EINVAL'],
    ['WC and another flag', request(SET, WC | 4, 0), 'EINVAL'],
    ['a probe of what cannot be mapped', request(PROBE, 0, 6), 'EINVAL'],
    ['a probe of an index that is none', request(PROBE | SET, 0, 11), 'EINVAL'],
  ])('%s', (_, bytes, expected) => {
    const before = hexOf(bytes);
    expect(ask(bytes)).toBe(expected);
    expect([hexOf(bytes), numRegions()]).toEqual([before, 11]);
  });

  test('the first check decides: index, alias, mmap, flags', () => {
    alias(0);
    const text = (flags: number, index: number): string => message(() => process.ioctl(3, VFIO_DEVICE_FEATURE, request(SET, flags, index)));
    expect(text(1, 99)).toContain('index 99 is not below num_regions 12');
    expect(text(1, 11)).toContain('region 11 is itself an alias, of region 0');
    expect(text(1, 6)).toContain('region 6 cannot be mapped');
    expect(text(1, 0)).toContain('flags 0x1 has bits beyond 0x20');
  });

  test.each([PROBE, PROBE | SET])('a probe (0x%s) writes the supported mask, whatever flags and argsz were, and makes nothing', (op) => {
    for (const [flags, argsz] of [[0, 8], [WC, 32], [0xffff_ffff, 9]] as const) {
      const bytes = request(op, flags, 0, argsz);
      const after = Uint8Array.from([...bytes.slice(0, 8), ...u32(WC), ...bytes.slice(12)]);
      expect(ask(bytes)).toBe(0);
      expect(hexOf(bytes)).toBe(hexOf(after));
    }
    expect(numRegions()).toBe(11);
  });

  test('SET writes the index of the alias, and everything else as it was', () => {
    const bytes = request(SET, WC, 0);
    const after = Uint8Array.from([...bytes.slice(0, 16), ...u32(11), ...bytes.slice(20)]);
    expect(ask(bytes)).toBe(0);
    expect(hexOf(bytes)).toBe(hexOf(after));
  });

  test('one alias for each region and its flags, in the order of the requests', () => {
    expect([alias(0), alias(9), alias(0), alias(0, 0), alias(9), alias(0, 0)]).toEqual([11, 12, 11, 13, 12, 13]);
    expect(numRegions()).toBe(14);
  });

  test('where nothing can be written the alias is there all the same', () => {
    process.mmap(PAGE, RW, MAP_SHARED, 3, slot(0));
    const written = process.maps()[0]!.address;
    request(SET, WC, 9).forEach((byte, i) => process.memory.write8(written + i, byte));
    const readOnly = process.mmap(PAGE, PROT_READ, MAP_SHARED, 3, slot(0));
    expect(outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, readOnly))).toBe('EFAULT');
    expect([numRegions(), alias(9), numRegions()]).toEqual([12, 11, 12]);
  });
});

describe('8.6: the region, as posted', () => {
  test('GET_REGION_INFO: MMAP, ALIAS and WC, and a TYPE of zeros', () => {
    alias(0);
    expect(info(11, 32)).toEqual([0x3c, 0x2800n, slot(11), 48, 0, 'aa'.repeat(48)]);
    expect(info(11, 47)).toEqual([0x3c, 0x2800n, slot(11), 48, 0, 'aa'.repeat(48)]);
    expect(info(11, 48)).toEqual([0x3c, 0x2800n, slot(11), 48, 32, `02000100${'00'.repeat(12)}${'aa'.repeat(32)}`]);
    expect(info(11, 80)).toEqual([0x3c, 0x2800n, slot(11), 80, 32, `02000100${'00'.repeat(12)}${'aa'.repeat(32)}`]);
    expect(regionInfo(process, 0)).toMatchObject({ flags: 7, size: 0x2800n });
    expect(outcome(() => regionInfo(process, 12))).toBe('EINVAL');
  });

  test('of a region of the driver the size comes from the wrong row of the table: 0 behind its end', () => {
    expect(alias(9)).toBe(11);
    expect(regionInfo(process, 11)).toEqual(expect.objectContaining({ flags: 0x3c, size: 0n, offset: slot(11) }));
    // What is mapped is the region.
    expect(map(slot(11), 0x3000)).toEqual(expect.any(Number));
    const many = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [9 + i, { region: world.ram(PAGE * (i + 1)), mmap: true }]));
    process = world.open(world.device(many), RFC);
    expect([alias(9), regionInfo(process, 20).size]).toEqual([20, 0xa000n]);
  });

  test('mapped, it combines beside what does not; both are the same bytes, and the mapping is one of the BAR', () => {
    alias(0);
    const [plain, combining] = [map(slot(0), 0x3000), map(slot(11), 0x3000)] as [number, number];
    expect(process.maps().map(({ address, memoryType, region }) => ({ address, memoryType, region })).sort((a, b) => b.address - a.address)).toEqual([
      { address: plain, memoryType: 'uncached', region: { index: 0, position: 0n } },
      { address: combining, memoryType: 'write-combining', region: { index: 0, position: 0n } },
    ]);
    process.memory.write32(combining + 0x100, 0x1122_3344);
    process.memory.fence();
    expect(process.memory.read32(plain + 0x100)).toBe(0x1122_3344);
  });

  test.each<[string, bigint, number, number]>([
    ['private', 0n, PAGE, MAP_PRIVATE], ['one page too long', 0n, 0x3001, MAP_SHARED], ['behind the end', 0x3000n, PAGE, MAP_SHARED],
  ])('mmap as of the BAR: %s is EINVAL', (_, at, length, flags) => {
    alias(0);
    expect([map(slot(0) + at, length, flags), map(slot(11) + at, length, flags)]).toEqual(['EINVAL', 'EINVAL']);
  });

  test('its pages go and come with those of the BAR', () => {
    let isOpen = true;
    device = world.device({ 0: { region: world.ram(PAGE) } }, { memoryEnabled: () => isOpen });
    process = world.open(device, RFC);
    expect(alias(0)).toBe(9);
    const at = map(slot(9)) as number;
    isOpen = false;
    device.zap();
    expect(outcome(() => process.memory.read8(at))).toBe('VfioFault');
    isOpen = true;
    expect([process.memory.read8(at + 5), types()]).toEqual([5, ['write-combining']]);
  });

  test('read and write are EINVAL, and so is an ioeventfd; no bytes at all are 0', () => {
    alias(0);
    expect([outcome(() => process.pread(3, filled(4), slot(11))), outcome(() => process.pwrite(3, filled(4), slot(11))), process.pread(3, filled(0), slot(11))]).toEqual(['EINVAL', 'EINVAL', 0]);
    const event = Uint8Array.from([...u32(32, 4), ...u32(0, 11 << 8), ...u32(0, 0, process.eventfd(), 0)]);
    expect(outcome(() => process.ioctl(3, 0x3b74, event))).toBe('EINVAL');
  });

  test('the MSI-X table of a BAR in mode sparse is in the way of its alias too', () => {
    device = world.device({ 0: { region: world.ram(0x3000) } }, { msix: { bar: 0, offset: PAGE, count: 4 }, msixMode: 'sparse' });
    process = world.open(device, RFC);
    alias(0);
    expect([map(slot(9), 0x2000), map(slot(9) + 0x1000n), map(slot(9) + 0x2000n)]).toEqual(['EINVAL', 'EINVAL', expect.any(Number)]);
    expect(regionInfo(process, 9)).toMatchObject({ flags: 0x3c });
  });
});

describe('8.6: how long, and for whom', () => {
  test('aliases are the device\'s: all files that know the proposal have them', () => {
    const again = process.dup(3);
    const other = world.open(device, RFC);
    expect([alias(0, WC, process, again), alias(0, WC, other), numRegions(other)]).toEqual([11, 11, 12]);
    expect(offsetOf(other, 11)).toBe(slot(11));
    expect(map(slot(11), PAGE, MAP_SHARED, other)).toEqual(expect.any(Number));
  });

  test('the last close ends them, and a mapping keeps the file open', () => {
    alias(0);
    const other = world.open(device, RFC);
    process.close(3);
    expect(numRegions(other)).toBe(12);
    const at = map(slot(11), PAGE, MAP_SHARED, other) as number;
    other.close(3);
    process.open(device, RFC);
    expect(numRegions()).toBe(12);
    process.close(3);
    other.munmap(at, PAGE);
    process.open(device, RFC);
    expect([numRegions(), map(slot(11)), alias(9)]).toEqual([11, 'EINVAL', 11]);
  });

  test('a file that does not know the proposal answers as v6.14, whatever others have made', () => {
    alias(0);
    const plain = world.open(device);
    for (const op of [SET, GET, PROBE, PROBE | SET, 0]) expect(ask(request(op, WC, 0), plain)).toBe('ENOTTY');
    expect([numRegions(plain), outcome(() => regionInfo(plain, 11)), outcome(() => plain.pread(3, filled(1), slot(11))), map(slot(11), PAGE, MAP_SHARED, plain)]).toEqual([11, 'EINVAL', 'EINVAL', 'EINVAL']);
  });

  test('only vfio-pci has it', () => {
    process = world.open(world.device({ 0: { region: world.ram(PAGE) } }, { kind: 'platform' }), RFC);
    expect([ask(request(SET, WC, 0)), ask(request(PROBE, WC, 0))]).toEqual(['ENOTTY', 'ENOTTY']);
  });
});

describe('8.7, 8.9: strict', () => {
  beforeEach(() => {
    process.close(3);
    process.open(device, STRICT);
  });

  test.each<[string, Uint8Array, unknown]>([
    ['a probe', request(PROBE, 0xffff_ffff, 99, 8).slice(0, 8), 0],
    ['a probe of SET', request(PROBE | SET, 0, 0), 0],
    ['a probe of GET', request(PROBE | GET, 0, 0), 'EINVAL'],
    ['no flags', request(SET, 0, 0), 'EINVAL'],
    ['unknown flags', request(SET, 0x60, 0), 'EINVAL'],
    ['no flags, of what cannot be mapped', request(SET, 0, 6), 'EINVAL'],
    ['31 bytes are there', request(SET, WC, 0).slice(0, 31), 'EFAULT'],
  ])('%s: nothing is touched', (_, bytes, expected) => {
    const before = hexOf(bytes);
    expect(ask(bytes)).toBe(expected);
    expect([hexOf(bytes), numRegions()]).toEqual([before, 11]);
  });

  test('GET_REGION_INFO: an ordinary region that can only be mapped; capabilities say TYPE, then ALIAS of which and how', () => {
    expect([alias(9), alias(0), alias(9)]).toEqual([11, 12, 11]);
    expect(info(11, 32)).toEqual([0xc, 0x3000n, slot(11), 64, 0, 'aa'.repeat(48)]);
    expect(info(11, 64)).toEqual([0xc, 0x3000n, slot(11), 64, 32, `0200010030000000${'00'.repeat(8)}0600010000000000${'09000000'}${'01000000'}${'aa'.repeat(16)}`]);
    expect(info(12, 64)).toEqual([0xc, 0x2800n, slot(12), 64, 32, `0200010030000000${'00'.repeat(8)}0600010000000000${'00000000'}${'01000000'}${'aa'.repeat(16)}`]);
  });

  test('beyond maxRegions: ENOSPC, and what is known is still answered', () => {
    process.close(3);
    process.open(device, { proposals: { aliasRegions: { mode: 'strict', maxRegions: 12 } } });
    expect([alias(0), alias(9), alias(0), numRegions()]).toEqual([11, 'ENOSPC', 11, 12]);
    expect(message(() => process.ioctl(3, VFIO_DEVICE_FEATURE, request(SET, WC, 9)))).toContain('0000:00:01.0 has 12 regions, and 12 is the most');
    // As posted, nothing is counted.
    expect(alias(9, WC, world.open(device, { proposals: { aliasRegions: { maxRegions: 12 } } }))).toBe(12);
  });

  test('no place for its offset: ENOSPC from the feature, and no region', () => {
    const half = world.region({ kind: 'demand', size: 1n << 62n });
    process = world.open(world.device({ 0: { region: half }, 1: { region: world.ram(PAGE) } }), { ...STRICT, offsets: 'cookie' });
    offsetOf(process, 0);
    expect([alias(0), numRegions(), alias(1), numRegions(), offsetOf(process, 9)]).toEqual(['ENOSPC', 9, 9, 10, 0x1000n]);
  });
});

describe('8.10 C: numbers', () => {
  test('another feature and another capability', () => {
    process.close(3);
    process.open(device, { proposals: { aliasRegions: { mode: 'strict', feature: 4000, capability: 0x123 } } });
    expect(ask(request(SET, WC, 0))).toBe('ENOTTY');
    const bytes = request(SET, WC, 0);
    new DataView(bytes.buffer).setUint32(4, SET | 4000, true);
    expect(ask(bytes)).toBe(0);
    expect(info(11, 64)).toEqual([0xc, 0x2800n, slot(11), 64, 32, `0200010030000000${'00'.repeat(8)}2301010000000000${'00000000'}${'01000000'}${'aa'.repeat(16)}`]);
  });

  test.each([{ feature: 10 }, { feature: 65536 }, { capability: 5 }, { maxRegions: -1 }, { mode: 'lax' as never }])('%j is none', (aliasRegions) => {
    expect(outcome(() => process.open(device, { proposals: { aliasRegions } }))).toMatch('mode' in aliasRegions ? 'TypeError' : 'RangeError');
    expect(process.fds).toEqual([3]);
  });
});

describe('with packed and scattered offsets', () => {
  test.each(['cookie', 'scattered'] as const)('%s: an alias has an offset of its own, which goes no further than it', (offsets) => {
    process = world.open(device, { ...STRICT, offsets });
    alias(0);
    const [plain, combining] = [offsetOf(process, 0), offsetOf(process, 11)];
    expect(plain).not.toBe(combining);
    expect([map(plain), map(combining, 0x3000), map(combining, 0x4000), map(combining, PAGE, MAP_PRIVATE)]).toEqual([expect.any(Number), expect.any(Number), 'ENXIO', 'EINVAL']);
    expect(types()).toEqual(['uncached', 'write-combining']);
    expect(outcome(() => process.pread(3, filled(1), combining))).toBe('EINVAL');
  });
});

test('garbage is answered, and leaves nothing', () => {
  fc.assert(
    fc.property(fc.constantFrom(RFC, STRICT), fc.array(fc.tuple(fc.constantFrom(SET, PROBE, SET | PROBE, GET, 0), fc.nat(40), fc.oneof(fc.constantFrom(0, WC), fc.nat()), fc.nat(20), fc.nat(40)), { maxLength: 20 }), (options, calls) => {
      const user = world.open(device, options);
      for (const [op, length, flags, index, argsz] of calls) {
        expectAnswer(() => user.ioctl(3, VFIO_DEVICE_FEATURE, request(op, flags, index, argsz).slice(0, length)), ['EFAULT', 'EINVAL']);
        for (let i = 0; i < numRegions(user); i++) if (i !== 8) regionInfo(user, i);
      }
      user.exit();
    }),
    { numRuns: 60 },
  );
});
