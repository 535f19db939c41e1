// Each known capability of an info struct as a record: region, device and IOMMU info.

import { describe, test, expect } from '@jest/globals';
import fc from 'fast-check';
import {
  buildCapabilityChain, CapabilityChainError, decodeDeviceInfoCapability, decodeIommuInfoCapability, decodeRegionInfoCapability,
  encodeDeviceInfoCapability, encodeIommuInfoCapability, encodeRegionInfoCapability, readDeviceInfoCapabilities, readIommuInfoCapabilities,
  readRegionInfoCapabilities, vfio_device_info, vfio_iommu_type1_info, vfio_region_info,
} from '../../src/uapi/index.ts';
import type { Capability, DeviceInfoCapability, IommuInfoCapability, RegionInfoCapability } from '../../src/uapi/index.ts';
import { hex, regionInfo } from './chains.ts';

const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
const u32 = fc.nat(0xffffffff);
const u16 = fc.nat(0xffff);
const u8 = fc.nat(0xff);
const text = fc.uint8Array({ maxLength: 20 });
const known = { id: fc.constant(99), version: fc.constant(1), kind: fc.constant('UNKNOWN' as const) };
const wholeWords = fc.uint8Array({ maxLength: 3 }).map((list) => Uint8Array.from({ length: list.length * 8 }, (_, i) => list[i >> 3]!));
const unknownCapability = fc.record({ ...known, payload: wholeWords });

const regionCapability: fc.Arbitrary<RegionInfoCapability> = fc.oneof(
  fc.record({ kind: fc.constant('SPARSE_MMAP' as const), areas: fc.array(fc.record({ offset: u64, size: u64 }), { maxLength: 4 }) }),
  fc.record({ kind: fc.constant('TYPE' as const), type: u32, subtype: u32 }),
  fc.constant({ kind: 'MSIX_MAPPABLE' as const }),
  fc.record({ kind: fc.constant('NVLINK2_SSATGT' as const), tgt: u64 }),
  fc.record({ kind: fc.constant('NVLINK2_LNKSPD' as const), link_speed: u32 }),
  unknownCapability,
);
const base = { kind: fc.constant('ZPCI_BASE' as const), start_dma: u64, end_dma: u64, pchid: u16, vfn: u16, fmb_length: u16, pft: u8, gid: u8 };
const group = { kind: fc.constant('ZPCI_GROUP' as const), dasm: u64, msi_addr: u64, flags: u64, mui: u16, noi: u16, maxstbl: u16, version: u8 };
const deviceCapability: fc.Arbitrary<DeviceInfoCapability> = fc.oneof(
  fc.record(base),
  fc.record({ ...base, fh: u32 }),
  fc.record(group),
  fc.record({ ...group, imaxstbl: u16 }),
  fc.record({ kind: fc.constant('ZPCI_UTIL' as const), util_str: text }),
  fc.record({ kind: fc.constant('ZPCI_PFIP' as const), pfip: text }),
  fc.record({ kind: fc.constant('PCI_ATOMIC_COMP' as const), flags: u32 }),
  unknownCapability,
);
const msiResv = fc.record({ kind: fc.constant('MSI_RESV' as const), size: u64, alignment: u64 });
const iommuCapability: fc.Arbitrary<IommuInfoCapability> = fc.oneof(
  fc.record({ kind: fc.constant('IOVA_RANGE' as const), iova_ranges: fc.array(fc.record({ start: u64, end: u64 }), { maxLength: 4 }) }),
  fc.record({ kind: fc.constant('MIGRATION' as const), flags: u32, pgsize_bitmap: u64, max_dirty_bitmap_size: u64 }),
  fc.record({ kind: fc.constant('DMA_AVAIL' as const), avail: u32 }),
  unknownCapability,
);

/** An info struct of `size` bytes with these capabilities behind it. */
function withChain(size: number, info: (argsz: number) => Uint8Array, capabilities: Capability[]): Uint8Array {
  const { bytes, argsz } = buildCapabilityChain(size, capabilities);
  const memory = new Uint8Array(argsz + 24);
  memory.fill(0xee, argsz);
  memory.set(info(argsz));
  memory.set(bytes, size);
  return memory;
}

describe('known capabilities', () => {
  test('region info: record -> bytes -> record, and what lies behind argsz is not read', () => {
    fc.assert(
      fc.property(fc.array(regionCapability, { minLength: 1, maxLength: 5 }), (list) => {
        const memory = withChain(32, (argsz) => vfio_region_info.encode({ argsz, flags: 8, cap_offset: 32 }), list.map((one) => encodeRegionInfoCapability(one)));
        expect(readRegionInfoCapabilities(memory)).toEqual(list);
      }),
    );
  });

  test('device info: record -> bytes -> record', () => {
    fc.assert(
      fc.property(fc.array(deviceCapability, { minLength: 1, maxLength: 5 }), (list) => {
        const memory = withChain(24, (argsz) => vfio_device_info.encode({ argsz, flags: 0x80, cap_offset: 24 }), list.map((one) => encodeDeviceInfoCapability(one)));
        expect(readDeviceInfoCapabilities(memory)).toEqual(list);
      }),
    );
  });

  test('IOMMU info: record -> bytes -> record', () => {
    fc.assert(
      fc.property(fc.array(iommuCapability, { minLength: 1, maxLength: 5 }), (list) => {
        const memory = withChain(24, (argsz) => vfio_iommu_type1_info.encode({ argsz, flags: 2, cap_offset: 24 }), list.map((one) => encodeIommuInfoCapability(one)));
        expect(readIommuInfoCapabilities(memory)).toEqual(list);
      }),
    );
  });

  test('MSI_RESV is known only when asked for, under the id asked for', () => {
    fc.assert(
      fc.property(msiResv, fc.constantFrom(1, 77), (one, msiResvId) => {
        const capability = encodeIommuInfoCapability(one, { msiResvId });
        expect([capability.id, capability.version, capability.payload.length]).toEqual([msiResvId, 1, 16]);
        expect(decodeIommuInfoCapability(capability, { msiResvId })).toEqual(one);
        const memory = withChain(24, (argsz) => vfio_iommu_type1_info.encode({ argsz, flags: 2, cap_offset: 24 }), [capability]);
        expect(readIommuInfoCapabilities(memory, { msiResvId })).toEqual([one]);
      }),
    );
    const asProposed = encodeIommuInfoCapability({ kind: 'MSI_RESV', size: 0x100000, alignment: 0x1000 });
    expect(asProposed).toEqual({ id: 1, version: 1, payload: hex('00 00 10 00 00 00 00 00 00 10 00 00 00 00 00 00') });
    // Off, id 1 is mainline's: a list of 0x100000 ranges that are not there.
    expect(() => decodeIommuInfoCapability(asProposed)).toThrow(
      'capability at 0: IOVA_RANGE: vfio_iommu_type1_info_cap_iova_range.iova_ranges: nr_iovas 1048576 needs 16777232 bytes at 0, buffer has 24',
    );
  });

  test('type1\'s own chain, byte for byte', () => {
    const { bytes, argsz } = buildCapabilityChain(24, [
      encodeIommuInfoCapability({ kind: 'MIGRATION', flags: 0, pgsize_bitmap: 0x1000, max_dirty_bitmap_size: 0x10000000 }),
      encodeIommuInfoCapability({ kind: 'DMA_AVAIL', avail: 65535 }),
      encodeIommuInfoCapability({ kind: 'IOVA_RANGE', iova_ranges: [{ start: 0, end: 0xfedfffff }] }),
    ]);
    expect(argsz).toBe(24 + 32 + 16 + 32);
    expect(bytes).toEqual(hex(`
      02 00 01 00 38 00 00 00 00 00 00 00 00 00 00 00  00 10 00 00 00 00 00 00 00 00 00 10 00 00 00 00
      03 00 01 00 48 00 00 00 ff ff 00 00 00 00 00 00
      01 00 01 00 00 00 00 00 01 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00 ff ff df fe 00 00 00 00`));
  });

  test('zPCI: version 1 ends earlier and lacks the last field', () => {
    const v1 = encodeDeviceInfoCapability({ kind: 'ZPCI_BASE', start_dma: 1, end_dma: 2, pchid: 3, vfn: 4, fmb_length: 5, pft: 6, gid: 7 });
    expect([v1.version, v1.payload.length]).toEqual([1, 24]);
    const v2 = encodeDeviceInfoCapability({ kind: 'ZPCI_BASE', start_dma: 1, end_dma: 2, pchid: 3, vfn: 4, fmb_length: 5, pft: 6, gid: 7, fh: 8 });
    expect([v2.version, v2.payload.length]).toEqual([2, 32]);
    expect('fh' in decodeDeviceInfoCapability(v1)).toBe(false);
    expect(() => decodeDeviceInfoCapability({ ...v1, version: 2 })).toThrow(new CapabilityChainError(0, 'ZPCI_BASE has 36 bytes, 32 are there'));
    const group1 = encodeDeviceInfoCapability({ kind: 'ZPCI_GROUP', dasm: 1, msi_addr: 2, flags: 1, mui: 4, noi: 5, maxstbl: 6, version: 9 });
    expect([group1.version, group1.payload.length, group1.payload[30]]).toEqual([1, 32, 9]);
  });

  test('an id or a version that is not known is passed through as bytes', () => {
    const payload = Uint8Array.of(1, 2, 3);
    const decoders = [decodeRegionInfoCapability, decodeDeviceInfoCapability, decodeIommuInfoCapability] as ((c: Capability) => unknown)[];
    for (const decode of decoders) {
      expect(decode({ id: 500, version: 1, payload })).toEqual({ kind: 'UNKNOWN', id: 500, version: 1, payload });
      expect(decode({ id: 2, version: 3, payload })).toEqual({ kind: 'UNKNOWN', id: 2, version: 3, payload });
    }
  });

  test('a payload that overruns carries the offset of its header', () => {
    const memory = regionInfo({ flags: 8, index: 0, size: 0, offset: 0n }, [{ kind: 'MSIX_MAPPABLE' }, { kind: 'SPARSE_MMAP', areas: [{ offset: 0, size: 1 }] }]);
    memory[48] = 2; // nr_areas
    expect(() => readRegionInfoCapabilities(memory)).toThrow(
      new CapabilityChainError(40, 'SPARSE_MMAP: vfio_region_info_cap_sparse_mmap.areas: nr_areas 2 needs 48 bytes at 0, buffer has 32'),
    );
    const short = buildCapabilityChain(32, [{ id: 2, version: 1, payload: new Uint8Array(0) }, { id: 3, version: 1, payload: new Uint8Array(0) }]);
    const type = new Uint8Array(short.argsz);
    vfio_region_info.encode({ argsz: short.argsz, flags: 8, cap_offset: 32 }, type);
    type.set(short.bytes, 32);
    expect(() => readRegionInfoCapabilities(type)).toThrow(new CapabilityChainError(32, 'TYPE has 16 bytes, 8 are there'));
  });

  test('no flag or no cap_offset, no capabilities; an argsz that cuts the chain is an error', () => {
    const memory = regionInfo({ flags: 7, index: 0, size: 0, offset: 0n }, [{ kind: 'MSIX_MAPPABLE' }]);
    expect(readRegionInfoCapabilities(memory)).toEqual([]);
    vfio_region_info.encode({ flags: 0xf, cap_offset: 0 }, memory);
    expect(readRegionInfoCapabilities(memory)).toEqual([]);
    vfio_region_info.encode({ argsz: 32, cap_offset: 32 }, memory);
    expect(() => readRegionInfoCapabilities(memory)).toThrow(CapabilityChainError);
    expect(() => readRegionInfoCapabilities(new Uint8Array(31))).toThrow(new RangeError('vfio_region_info: needs 32 bytes at 0, buffer has 31'));
  });

  test('a value out of range is refused with its path', () => {
    expect(() => encodeRegionInfoCapability({ kind: 'SPARSE_MMAP', areas: [{ offset: -1, size: 0 }] })).toThrow('vfio_region_info_cap_sparse_mmap.areas[0].offset: -1 is below 0');
    expect(() => encodeIommuInfoCapability({ kind: 'DMA_AVAIL', avail: 2 ** 32 })).toThrow('vfio_iommu_type1_info_dma_avail.avail: 4294967296 is above 4294967295');
  });
});
