// VFIO_DEVICE_GET_REGION_INFO: the worked bytes of the behaviour text, every argsz, capability chains, absent regions.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_GET_REGION_INFO, decodeRegionInfoCapability, walkCapabilityChain } from '../../src/uapi/index.ts';
import { type VfioDevice } from '../../src/vfio/index.ts';
import { World, filled, hexOf, outcome, regionInfo } from './support.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

const REST = 'aa'.repeat(16);

/** GET_REGION_INFO with everything but argsz and index 0xaa, and 16 bytes of filler behind `room`. */
function info(device: VfioDevice, index: number, argsz: number, room = Math.max(32, Math.min(argsz, 128))): { result: unknown; hex: string } {
  const process = world.open(device);
  const memory = filled(room + 16);
  const bytes = memory.subarray(0, room);
  const view = new DataView(memory.buffer);
  view.setUint32(0, argsz, true);
  view.setUint32(8, index, true);
  const result = outcome(() => process.ioctl(3, VFIO_DEVICE_GET_REGION_INFO, bytes));
  expect(hexOf(memory.subarray(room))).toBe(REST);
  return { result, hex: hexOf(bytes) };
}

const line = (text: string): string => text.replaceAll(' ', '');
const V1 = line('20 00 00 00 07 00 00 00 02 00 00 00 aa aa aa aa 00 00 10 00 00 00 00 00 00 00 00 00 00 02 00 00');
const V2a = line('28 00 00 00 0f 00 00 00 00 00 00 00 00 00 00 00 00 40 00 00 00 00 00 00 00 00 00 00 00 00 00 00');
const V2b = line('28 00 00 00 0f 00 00 00 00 00 00 00 20 00 00 00 00 40 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 00 01 00 00 00 00 00');
const V2c = line('80 00 00 00 0f 00 00 00 00 00 00 00 20 00 00 00 00 40 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 00 01 00 00 00 00 00');
const V3 = line(
  '50 00 00 00 0f 00 00 00 04 00 00 00 20 00 00 00 00 40 00 00 00 00 00 00 00 00 00 00 00 04 00 00' +
    '01 00 01 00 00 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 20 00 00 00 00 00 00 00 30 00 00 00 00 00 00 00 10 00 00 00 00 00 00',
);
const V4 = line('30 00 00 00 09 00 00 00 09 00 00 00 20 00 00 00 00 20 00 00 00 00 00 00 00 00 00 00 00 09 00 00 02 00 01 00 00 00 00 00 86 80 00 80 01 00 00 00');

const plain = (): VfioDevice => world.device({ 2: { region: world.region({ kind: 'demand', size: 0x10_0000 }) } });
const msix = (mode: 'mappable' | 'sparse' = 'mappable', bar = 0, offset = 0x2000, count = 65, size = 0x4000): VfioDevice =>
  world.device({ [bar]: { region: world.ram(size) } }, { msix: { bar, offset, count }, msixMode: mode });
const opregion = (): VfioDevice =>
  world.device({ 9: { region: world.ram(0x2000), writable: false, capabilities: [{ kind: 'TYPE', type: 0x8000_8086, subtype: 1 }] } });

describe('the worked bytes', () => {
  test('V1: BAR2 without capabilities, cap_offset is echoed', () => {
    expect(info(plain(), 2, 32)).toEqual({ result: 0, hex: V1 });
  });

  test('V2a: MSI-X BAR0, argsz 32', () => {
    expect(info(msix(), 0, 32)).toEqual({ result: 0, hex: V2a });
  });

  test('V2b: MSI-X BAR0, argsz 40', () => {
    expect(info(msix(), 0, 40)).toEqual({ result: 0, hex: V2b });
  });

  test('V2c: MSI-X BAR0, argsz 128 is kept and the rest is untouched', () => {
    expect(info(msix(), 0, 128)).toEqual({ result: 0, hex: V2c + 'aa'.repeat(88) });
  });

  test('V3: two sparse areas in BAR4', () => {
    expect(info(msix('sparse', 4), 4, 80)).toEqual({ result: 0, hex: V3 });
  });

  test('V4: a device-specific region with its TYPE', () => {
    expect(info(opregion(), 9, 48)).toEqual({ result: 0, hex: V4 });
  });
});

describe('every argsz', () => {
  test.each([0, 1, 16, 24, 31])('%i is EINVAL and writes nothing', (argsz) => {
    for (const device of [plain(), msix()]) {
      const before = hexOf(new Uint8Array(new Uint32Array([argsz, 0xaaaa_aaaa, 2, 0xaaaa_aaaa]).buffer)) + REST;
      expect(info(device, 2, argsz)).toEqual({ result: 'EINVAL', hex: before });
    }
  });

  test.each([32, 33, 39, 40, 47, 48, 80, 0x8000_0000, 0xffff_ffff])('%i without capabilities is echoed and 32 bytes are written', (argsz) => {
    const size = new Uint8Array(new Uint32Array([argsz]).buffer);
    expect(info(plain(), 2, argsz, 96)).toEqual({ result: 0, hex: hexOf(size) + V1.slice(8) + 'aa'.repeat(64) });
  });

  test.each([32, 33, 39])('%i grows to 40 with the MSIX_MAPPABLE capability, which is not written', (argsz) => {
    expect(info(msix(), 0, argsz, 48)).toEqual({ result: 0, hex: V2a + 'aa'.repeat(16) });
  });

  test.each([32, 39, 40, 47, 48, 79])('%i grows to 80 with two sparse areas', (argsz) => {
    const short = '50000000' + V3.slice(8, 24) + '00000000' + V3.slice(32, 64);
    expect(info(msix('sparse', 4), 4, argsz, 96)).toEqual({ result: 0, hex: short + 'aa'.repeat(64) });
  });

  test.each([32, 47])('%i grows to 48 with the TYPE capability', (argsz) => {
    expect(info(opregion(), 9, argsz, 64).hex).toBe('30000000' + V4.slice(8, 24) + '00000000' + V4.slice(32, 64) + 'aa'.repeat(32));
  });

  test.each([40, 41, 80, 0xffff_ffff])('%i has room for the chain and never shrinks', (argsz) => {
    const size = new Uint8Array(new Uint32Array([argsz]).buffer);
    expect(info(msix(), 0, argsz, 96).hex).toBe(hexOf(size) + V2b.slice(8) + 'aa'.repeat(56));
  });
});

describe('two faults at once', () => {
  test('31 bytes of memory come before argsz and index', () => {
    for (const [argsz, index] of [[32, 0], [4, 0], [32, 99], [4, 99]] as const) expect(info(plain(), index, argsz, 31).result).toBe('EFAULT');
  });

  test('memory for 32 bytes but argsz promises 40: EFAULT, nothing written', () => {
    const { result, hex } = info(msix(), 0, 40, 39);
    expect({ result, flags: hex.slice(8, 16), size: hex.slice(32, 48) }).toEqual({ result: 'EFAULT', flags: 'aaaaaaaa', size: 'aa'.repeat(8) });
  });

  test('argsz comes before index: the message names argsz', () => {
    const process = world.open(plain());
    const bytes = filled(32);
    new DataView(bytes.buffer).setUint32(0, 24, true);
    expect(() => process.ioctl(3, VFIO_DEVICE_GET_REGION_INFO, bytes)).toThrow('EINVAL: VFIO_DEVICE_GET_REGION_INFO: argsz 24 is below 32');
  });
});

describe('what each index answers', () => {
  test('absent BARs, ROM and config: size 0, flags 0, the slot all the same', () => {
    const process = world.open(world.device({}));
    for (let index = 0; index < 8; index++) expect(regionInfo(process, index)).toMatchObject({ flags: 0, size: 0n, offset: BigInt(index) << 40n });
  });

  test('absent VGA is EINVAL', () => {
    expect(info(world.device({}), 8, 32).result).toBe('EINVAL');
  });

  test.each([9, 10, 0xffff, 0x8000_0000, 0xffff_ffff])('index %i at or above num_regions is EINVAL', (index) => {
    expect(info(plain(), index, 32).result).toBe('EINVAL');
  });

  test('flags follow from the kind of region', () => {
    const region = world.ram(0x2000);
    const small = world.ram(0x800);
    const vga = world.region({ kind: 'demand', size: 0xc_0000 });
    const process = world.open(
      world.device({
        0: { region }, 1: { region: small }, 2: { region, ioPorts: true }, 3: { region, mmap: false }, 4: { region: small, mmap: true }, 5: { region, writable: false },
        6: { region }, 7: { region: world.ram(256) }, 8: { region: vga }, 9: { region }, 10: { region, mmap: true, writable: false },
      }),
    );
    expect(Array.from({ length: 11 }, (_, index) => regionInfo(process, index).flags)).toEqual([7, 3, 3, 3, 7, 5, 1, 3, 3, 3, 5]);
    expect(regionInfo(process, 8).size).toBe(0xc_0000n);
    expect(regionInfo(process, 7).size).toBe(256n);
  });

  test('platform regions: numbered from 0, mapped when they are whole pages, no VGA rule at 8', () => {
    const page = world.ram(0x1000);
    const odd = world.ram(0x1800);
    const regions = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [index, { region: index === 1 ? odd : page }]));
    const process = world.open(world.device(regions, { kind: 'platform' }));
    expect([0, 1, 6, 8].map((index) => regionInfo(process, index).flags)).toEqual([7, 3, 7, 7]);
    expect(outcome(() => regionInfo(process, 9))).toBe('EINVAL');
  });

  test('the MSI-X capability only when the BAR can be mapped', () => {
    const region = world.ram(0x4000);
    for (const msixMode of ['mappable', 'sparse'] as const) {
      const process = world.open(world.device({ 0: { region, mmap: false } }, { msix: { bar: 0, offset: 0, count: 1 }, msixMode }));
      expect(regionInfo(process, 0).flags).toBe(3);
    }
  });
});

describe('chains of the two MSI-X eras', () => {
  const chain = (device: VfioDevice, index = 0): unknown[] => {
    const { hex } = info(device, index, 128);
    const bytes = Buffer.from(hex, 'hex');
    return walkCapabilityChain(bytes, bytes.readUInt32LE(12), 32).map((capability) => decodeRegionInfoCapability(capability));
  };

  test.each([
    ['A and B', 0x2000, 65, [{ offset: 0n, size: 0x2000n }, { offset: 0x3000n, size: 0x1000n }]],
    ['in the first page: B', 0x10, 65, [{ offset: 0x1000n, size: 0x3000n }]],
    ['to the end: A', 0x3ff0, 1, [{ offset: 0n, size: 0x3000n }]],
    ['everywhere: one area of zeros', 0, 0x400, [{ offset: 0n, size: 0n }]],
  ])('sparse, table %s', (_, offset, count, areas) => {
    expect(chain(msix('sparse', 0, offset, count))).toEqual([{ kind: 'SPARSE_MMAP', areas }]);
  });

  test("a driver's own capabilities follow, in its order", () => {
    const region = world.ram(0x4000);
    const own = { kind: 'TYPE', type: 1, subtype: 1 } as const;
    expect(chain(world.device({ 0: { region, capabilities: [own] } }, { msix: { bar: 0, offset: 0, count: 1 } }))).toEqual([{ kind: 'MSIX_MAPPABLE' }, own]);
  });

  test("a driver's own areas and the table make one list, not two that disagree", () => {
    const region = world.ram(0x4000);
    const own = { kind: 'SPARSE_MMAP', areas: [{ offset: 0, size: 0x3000 }] } as const;
    expect(chain(world.device({ 0: { region, capabilities: [own] } }, { msix: { bar: 0, offset: 0x1000, count: 1 }, msixMode: 'sparse' }))).toEqual([
      { kind: 'SPARSE_MMAP', areas: [{ offset: 0n, size: 0x1000n }, { offset: 0x2000n, size: 0x1000n }] },
    ]);
  });
});
