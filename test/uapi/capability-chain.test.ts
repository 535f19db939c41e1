// Capability chains: the byte vectors, build and walk, and broken chains.

import { describe, test, expect } from '@jest/globals';
import fc from 'fast-check';
import {
  buildCapabilityChain, CapabilityChainError, decodeDeviceInfoCapability, decodeIommuInfoCapability, decodeRegionInfoCapability,
  readDeviceInfoCapabilities, readIommuInfoCapabilities,
  readRegionInfoCapabilities, vfio_device_info, vfio_info_cap_header, vfio_region_info, walkCapabilityChain,
} from '../../src/uapi/index.ts';
import type { Capability, RegionInfoCapability } from '../../src/uapi/index.ts';
import { hex, regionInfo } from './chains.ts';

describe('byte vectors', () => {
  const bar = { flags: 0xf, index: 0, size: 0x4000, offset: 0n };
  const vectors: [string, Uint8Array, string, RegionInfoCapability[]][] = [
    ['V2b MSI-X BAR0', regionInfo(bar, [{ kind: 'MSIX_MAPPABLE' }]), `
      28 00 00 00 0f 00 00 00 00 00 00 00 20 00 00 00  00 40 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      03 00 01 00 00 00 00 00`, [{ kind: 'MSIX_MAPPABLE' }]],
    ['V2c the same, the caller\'s argsz of 128 kept', regionInfo({ ...bar, argsz: 128 }, [{ kind: 'MSIX_MAPPABLE' }]), `
      80 00 00 00 0f 00 00 00 00 00 00 00 20 00 00 00  00 40 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      03 00 01 00 00 00 00 00`, [{ kind: 'MSIX_MAPPABLE' }]],
    ['V3 two sparse areas around a table',
      regionInfo({ ...bar, index: 4, offset: 4n << 40n }, [{ kind: 'SPARSE_MMAP', areas: [{ offset: 0, size: 0x2000 }, { offset: 0x3000n, size: 0x1000 }] }]), `
      50 00 00 00 0f 00 00 00 04 00 00 00 20 00 00 00  00 40 00 00 00 00 00 00 00 00 00 00 00 04 00 00
      01 00 01 00 00 00 00 00 02 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00 00 20 00 00 00 00 00 00
      00 30 00 00 00 00 00 00 00 10 00 00 00 00 00 00`,
      [{ kind: 'SPARSE_MMAP', areas: [{ offset: 0n, size: 0x2000n }, { offset: 0x3000n, size: 0x1000n }] }]],
    ['V4 device-specific region', regionInfo({ flags: 9, index: 9, size: 0x2000, offset: 9n << 40n }, [{ kind: 'TYPE', type: 0x80008086, subtype: 1 }]), `
      30 00 00 00 09 00 00 00 09 00 00 00 20 00 00 00  00 20 00 00 00 00 00 00 00 00 00 00 00 09 00 00
      02 00 01 00 00 00 00 00 86 80 00 80 01 00 00 00`, [{ kind: 'TYPE', type: 0x80008086, subtype: 1 }]],
    ['V5 alias region', regionInfo({ flags: 0x3c, index: 9, size: 0x4000, offset: 9n << 40n }, [{ kind: 'TYPE', type: 0, subtype: 0 }]), `
      30 00 00 00 3c 00 00 00 09 00 00 00 20 00 00 00  00 40 00 00 00 00 00 00 00 00 00 00 00 09 00 00
      02 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00`, [{ kind: 'TYPE', type: 0, subtype: 0 }]],
  ];
  test.each(vectors)('%s', (_, memory, expected, capabilities) => {
    expect(memory).toEqual(hex(expected));
    expect(readRegionInfoCapabilities(memory)).toEqual(capabilities);
  });
});

describe('build', () => {
  test('next counts from the start of the info struct, each capability is rounded up to 8 with zeros', () => {
    const chain = buildCapabilityChain(24, [
      { id: 3, version: 1, payload: Uint8Array.of(1, 2, 3, 4) },
      { id: 0xffff, version: 2, payload: new Uint8Array(8).fill(9) },
      { id: 7, version: 0, payload: new Uint8Array(0) },
    ]);
    expect(chain.bytes).toEqual(hex('03 00 01 00 28 00 00 00 01 02 03 04 00 00 00 00  ff ff 02 00 38 00 00 00 09 09 09 09 09 09 09 09  07 00 00 00 00 00 00 00'));
    expect(chain.argsz).toBe(24 + 40);
  });

  test('no capabilities, no bytes', () => {
    expect(buildCapabilityChain(32, [])).toEqual({ bytes: new Uint8Array(0), argsz: 32 });
  });

  test.each([[0], [4], [12], [-8], [8.5], [NaN]])('a place of %p is refused', (at) => {
    expect(() => buildCapabilityChain(at, [])).toThrow(new RangeError(`buildCapabilityChain: ${at} is not a positive multiple of 8`));
  });

  test('ids and versions are u16, the whole is below 4 GiB', () => {
    expect(() => buildCapabilityChain(32, [{ id: 65536, version: 1, payload: new Uint8Array(0) }])).toThrow('vfio_info_cap_header.id: 65536 is above 65535');
    expect(() => buildCapabilityChain(32, [{ id: 1, version: -1, payload: new Uint8Array(0) }])).toThrow('vfio_info_cap_header.version: -1 is below 0');
    expect(() => buildCapabilityChain(0xfffffff8, [{ id: 1, version: 1, payload: new Uint8Array(0) }])).toThrow(RangeError);
  });
});

const anyCapability = fc.record({ id: fc.nat(0xffff), version: fc.nat(0xffff), payload: fc.uint8Array({ maxLength: 40 }) });

describe('walk', () => {
  test('gives back what was built, payloads padded to 8', () => {
    fc.assert(
      fc.property(fc.array(anyCapability, { maxLength: 8 }), fc.constantFrom(24, 32, 40), (capabilities, at) => {
        const { bytes, argsz } = buildCapabilityChain(at, capabilities);
        const memory = new Uint8Array(argsz);
        memory.set(bytes, at);
        const walked = walkCapabilityChain(memory, capabilities.length === 0 ? 0 : at, at);
        expect(walked).toHaveLength(capabilities.length);
        let place = at;
        walked.forEach(({ id, version, offset, next, payload }, i) => {
          const given: Capability = capabilities[i]!;
          const padded = new Uint8Array(Math.ceil(given.payload.length / 8) * 8);
          padded.set(given.payload);
          expect({ id, version, offset, payload: payload.slice() }).toEqual({ id: given.id, version: given.version, offset: place, payload: padded });
          place += 8 + padded.length;
          expect(next).toBe(i === capabilities.length - 1 ? 0 : place);
        });
        expect(place).toBe(argsz);
      }),
    );
  });

  test('a chain may run backwards; payloads end at the next header in memory', () => {
    const memory = new Uint8Array(64);
    vfio_info_cap_header.encode({ id: 2, version: 1, next: 24 }, memory, 48);
    vfio_info_cap_header.encode({ id: 1, version: 1, next: 0 }, memory, 24);
    expect(walkCapabilityChain(memory, 48, 24).map(({ id, offset, payload }) => [id, offset, payload.length])).toEqual([[2, 48, 8], [1, 24, 16]]);
  });

  test('payloads are views', () => {
    const memory = new Uint8Array(48);
    vfio_info_cap_header.encode({ id: 1 }, memory, 32);
    const [capability] = walkCapabilityChain(memory, 32, 32);
    memory[40] = 5;
    expect(capability!.payload[0]).toBe(5);
  });

  const at32 = (next: number, length = 64) => {
    const memory = new Uint8Array(length);
    vfio_info_cap_header.encode({ id: 1, version: 1, next }, memory, 32);
    return memory;
  };
  const broken: [string, Uint8Array, number, number, string][] = [
    ['to itself', at32(32), 32, 32, 'capability at 32: next of the capability at 32 closes a cycle'],
    ['into the fixed struct', at32(8), 32, 8, 'capability at 8: next of the capability at 32 leads into the fixed struct of 32 bytes'],
    ['misaligned', at32(44), 32, 44, 'capability at 44: next of the capability at 32 leads to an offset that is not a multiple of 8'],
    ['behind the end', at32(64), 32, 64, 'capability at 64: next of the capability at 32 leads to a header that ends at 72, the bytes end at 64'],
    ['far behind the end', at32(0xfffffff8), 32, 0xfffffff8, 'capability at 4294967288: next of the capability at 32 leads to a header that ends at 4294967296, the bytes end at 64'],
    ['header cut off', at32(0, 64).subarray(0, 39), 32, 32, 'capability at 32: cap_offset leads to a header that ends at 40, the bytes end at 39'],
    ['cap_offset into the fixed struct', at32(0), 24, 24, 'capability at 24: cap_offset leads into the fixed struct of 32 bytes'],
    ['cap_offset misaligned', at32(0), 33, 33, 'capability at 33: cap_offset leads to an offset that is not a multiple of 8'],
  ];
  test.each(broken)('%s', (_, memory, capOffset, offset, message) => {
    let caught: unknown;
    try {
      walkCapabilityChain(memory, capOffset, 32);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(CapabilityChainError);
    expect(caught).toMatchObject({ name: 'CapabilityChainError', offset, message });
  });

  test('a cycle over two', () => {
    const memory = at32(48);
    vfio_info_cap_header.encode({ id: 2, version: 1, next: 32 }, memory, 48);
    expect(() => walkCapabilityChain(memory, 32, 32)).toThrow(new CapabilityChainError(32, 'next of the capability at 48 closes a cycle'));
  });

  // Garbage with links in it, most of them to places where another may be, so that many chains get far.
  const place = fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 6, arbitrary: fc.integer({ min: 3, max: 12 }).map((n) => n * 8) },
    fc.nat(200),
    fc.nat(0xffffffff),
  );
  const header = fc.record({ id: fc.nat(6), version: fc.integer({ min: 1, max: 2 }), next: place });
  const garbage = fc
    .tuple(fc.uint8Array({ minLength: 32, maxLength: 160, size: 'max' }), fc.array(fc.option(header), { minLength: 10, maxLength: 10 }))
    .map(([bytes, links]) => {
      links.forEach((link, i) => {
        const at = 24 + i * 8;
        if (link && at + 8 <= bytes.length) vfio_info_cap_header.encode(link, bytes, at);
      });
      return bytes;
    });

  /** The result, or undefined when it was refused as it should be. */
  function refusedOr<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof CapabilityChainError)) throw error;
      return undefined;
    }
  }

  test('garbage never hangs and throws nothing but a CapabilityChainError', () => {
    let found = 0;
    let refused = 0;
    fc.assert(
      fc.property(garbage, place, fc.constantFrom(24, 32), (bytes, capOffset, fixedSize) => {
        const chain = refusedOr(() => walkCapabilityChain(bytes, capOffset, fixedSize));
        if (chain === undefined) return void refused++;
        found += chain.length;
        expect(new Set(chain.map(({ offset }) => offset)).size).toBe(chain.length);
        for (const capability of chain) {
          expect(capability.offset + 8 + capability.payload.length).toBeLessThanOrEqual(bytes.length);
          for (const decode of [decodeRegionInfoCapability, decodeDeviceInfoCapability, decodeIommuInfoCapability]) refusedOr(() => decode(capability));
        }
      }),
      { numRuns: 3000 },
    );
    // Both ends of the road were travelled.
    expect(found).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(300);
  });

  test('garbage info structs likewise', () => {
    let found = 0;
    fc.assert(
      fc.property(garbage, fc.integer({ min: 3, max: 12 }), (bytes, n) => {
        // argsz is right and every flag is set; both places of cap_offset lead into the garbage.
        vfio_region_info.encode({ argsz: bytes.length, flags: 0xff, cap_offset: n * 8 }, bytes);
        vfio_device_info.encode({ cap_offset: n * 8 }, bytes);
        for (const read of [readRegionInfoCapabilities, readDeviceInfoCapabilities, (b: Uint8Array) => readIommuInfoCapabilities(b, { msiResvId: 4 })]) {
          found += refusedOr(() => read(bytes).length) ?? 0;
        }
      }),
      { numRuns: 2000 },
    );
    expect(found).toBeGreaterThan(500);
  });
});
