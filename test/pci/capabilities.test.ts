// Walks of both capability lists: the recorded ones, each way a list can be wrong, and random bytes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  PCI_CAP_ID, PCI_EXT_CAP_ID, capabilityIdInfo, decodeMsix, findCapability, findExtendedCapability, walkCapabilities, walkExtendedCapabilities,
} from '../../src/pci/index.ts';
import { parseLspciHex } from '../../src/trace/index.ts';

const dump = (name: string) => parseLspciHex(readFileSync(join(__dirname, `../fixtures/traces/${name}.lspci-xxxx`), 'utf8'));
const nvme = dump('nvme')[1]!.bytes;
const e1000e = dump('e1000e')[1]!.bytes;

function configWith(parts: Record<number, number[]>, length = 4096): Uint8Array {
  const config = new Uint8Array(length);
  config[6] = 0x10;
  for (const [offset, bytes] of Object.entries(parts)) config.set(bytes, Number(offset));
  return config;
}

describe('recorded lists', () => {
  test('NVMe: MSI-X, Express, power management, in list order', () => {
    const { capabilities, findings } = walkCapabilities(nvme);
    expect(capabilities).toEqual([
      { list: 'standard', id: PCI_CAP_ID.MSIX, offset: 0x40, next: 0x80 },
      { list: 'standard', id: PCI_CAP_ID.EXP, offset: 0x80, next: 0x60 },
      { list: 'standard', id: PCI_CAP_ID.PM, offset: 0x60, next: 0 },
    ]);
    expect(findings).toEqual([]);
    expect(walkExtendedCapabilities(nvme)).toEqual({ capabilities: [], findings: [] });
  });

  test('e1000e: the extended list has error reporting and a serial number', () => {
    expect(walkExtendedCapabilities(e1000e)).toEqual({
      capabilities: [
        { list: 'extended', id: PCI_EXT_CAP_ID.ERR, offset: 0x100, version: 2, next: 0x140 },
        { list: 'extended', id: PCI_EXT_CAP_ID.DSN, offset: 0x140, version: 1, next: 0 },
      ],
      findings: [],
    });
    expect(findCapability(e1000e, PCI_CAP_ID.PM)?.offset).toBe(0xc8);
    expect(findExtendedCapability(e1000e, PCI_EXT_CAP_ID.DSN)?.offset).toBe(0x140);
    expect(findCapability(e1000e, PCI_CAP_ID.AF)).toBeNull();
    expect(findExtendedCapability(e1000e, PCI_EXT_CAP_ID.ACS)).toBeNull();
  });

  test('MSI-X of both', () => {
    expect(decodeMsix(nvme)).toEqual({ offset: 0x40, tableBar: 0, tableOffset: 0x2000, pbaBar: 0, pbaOffset: 0x3000, count: 65, enabled: true, masked: false });
    expect(decodeMsix(e1000e)).toEqual({ offset: 0xa0, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000, count: 5, enabled: true, masked: false });
    expect(decodeMsix(dump('nvme')[0]!.bytes)).toBeNull();
    expect(decodeMsix(nvme.slice(0, 0x4b))).toBeNull();
  });

  test('without PCI_STATUS_CAP_LIST there is no list, whatever the pointer', () => {
    const config = nvme.slice();
    config[6] = 0;
    expect(walkCapabilities(config)).toEqual({ capabilities: [], findings: [] });
  });

  test('every id that has a name has a constant, and no two share one', () => {
    for (const [list, ids] of [['standard', PCI_CAP_ID], ['extended', PCI_EXT_CAP_ID]] as const) {
      for (const [constant, id] of Object.entries(ids)) expect(capabilityIdInfo(list, id)).toMatchObject({ constant });
      expect(new Set(Object.values(ids)).size).toBe(Object.keys(ids).length);
    }
    expect(capabilityIdInfo('standard', 0x60)).toBeNull();
  });
});

describe('lists that are wrong', () => {
  test.each<[string, Record<number, number[]>, number[], string, string]>([
    ['a cycle of two', { 0x34: [0x40], 0x40: [1, 0x50], 0x50: [5, 0x40] }, [0x40, 0x50], 'cycle', 'pointer 0x40 at offset 0x51 leads back'],
    ['a cycle of one', { 0x34: [0x40], 0x40: [1, 0x40] }, [0x40], 'cycle', 'pointer 0x40 at offset 0x41 leads back'],
    ['a misaligned pointer', { 0x34: [0x42], 0x40: [1, 0] }, [0x40], 'misaligned', 'pointer 0x42 at offset 0x34 is not a multiple of 4'],
    ['a pointer into the header', { 0x34: [0x40], 0x40: [1, 0x10] }, [0x40], 'in-header', 'pointer 0x10 at offset 0x41 is below 0x40'],
    ['an entry over the end', { 0x34: [0xfc], 0xfc: [0x11, 0] }, [0xfc], 'overrun', 'the entry at offset 0xfc, id 0x11, ends at 0x108, beyond the 256 bytes'],
    ['all ones', { 0x34: [0x40], 0x40: [0xff, 0xff] }, [], 'broken', 'the entry at offset 0x40 reads as all ones'],
  ])('%s', (_, parts, offsets, kind, words) => {
    const { capabilities, findings } = walkCapabilities(configWith(parts));
    expect(capabilities.map(({ offset }) => offset)).toEqual(offsets);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ kind, list: 'standard' });
    expect(findings[0]!.message).toContain(`standard capability list: ${words}`);
  });

  test('a pointer of 1 to 3 is misaligned and ends the list', () => {
    const { capabilities, findings } = walkCapabilities(configWith({ 0x34: [3] }));
    expect([capabilities, findings.map(({ kind }) => kind)]).toEqual([[], ['misaligned']]);
  });

  test('a list in bytes that were not read', () => {
    const { findings } = walkCapabilities(configWith({ 0x34: [0x40] }, 64));
    expect(findings).toMatchObject([{ kind: 'overrun', offset: 0x34, value: 0x42 }]);
  });

  test.each<[string, Record<number, number[]>, number[], string, number]>([
    ['a cycle', { 0x100: [0x0e, 0, 1, 0x14], 0x140: [0x0e, 0, 1, 0x10] }, [0x100, 0x140], 'cycle', 0x142],
    ['a pointer below 0x100', { 0x100: [0x0e, 0, 0x01, 0x04] }, [0x100], 'in-header', 0x102],
    ['a misaligned pointer', { 0x100: [0x0e, 0, 0x21, 0x14], 0x140: [0x0e, 0, 1, 0] }, [0x100, 0x140], 'misaligned', 0x102],
    ['an entry over the end', { 0x100: [0x0e, 0, 0xc1, 0xff], 0xffc: [0x01, 0, 1, 0] }, [0x100, 0xffc], 'overrun', 0xffc],
    ['all ones', { 0x100: [0xff, 0xff, 0xff, 0xff] }, [], 'broken', 0x100],
  ])('extended: %s', (_, parts, offsets, kind, offset) => {
    const { capabilities, findings } = walkExtendedCapabilities(configWith(parts));
    expect(capabilities.map((entry) => entry.offset)).toEqual(offsets);
    expect(findings).toContainEqual(expect.objectContaining({ kind, list: 'extended', offset }));
  });
});

test('any bytes: both walks end, visit no offset twice, and stay where their list may be', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 4096, size: 'max' }), (config) => {
      for (const [walk, first, end] of [[walkCapabilities, 0x40, 0x100], [walkExtendedCapabilities, 0x100, 0x1000]] as const) {
        const { capabilities, findings } = walk(config);
        const offsets = capabilities.map(({ offset }) => offset);
        expect(new Set(offsets).size).toBe(offsets.length);
        for (const offset of offsets) expect(offset % 4 === 0 && offset >= first && offset < end).toBe(true);
        // Each entry has one pointer and at most one overrun.
        expect(findings.length).toBeLessThanOrEqual(2 * offsets.length + 2);
      }
    }),
    { numRuns: 200 },
  );
});
