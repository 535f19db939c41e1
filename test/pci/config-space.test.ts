// Header fields, addresses and BARs: recorded ones, impossible ones, and any bytes at all.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type PciAddress, decodeBars, decodeConfigHeader, formatPciAddress, parsePciAddress } from '../../src/pci/index.ts';
import { parseLspciHex } from '../../src/trace/index.ts';

const dump = (name: string) => parseLspciHex(readFileSync(join(__dirname, `../fixtures/traces/${name}.lspci-xxxx`), 'utf8'));
const nvme = dump('nvme')[1]!.bytes;
const e1000e = dump('e1000e')[1]!.bytes;

/** A type 0 header with the given 32-bit registers. */
function header(registers: Record<number, number>): Uint8Array {
  const config = new Uint8Array(64);
  const view = new DataView(config.buffer);
  for (const [offset, value] of Object.entries(registers)) view.setUint32(Number(offset), value, true);
  return config;
}

describe('header', () => {
  test('the fields of the recorded NVMe controller', () => {
    expect(decodeConfigHeader(nvme)).toEqual({
      vendor: 0x1b36, device: 0x10, command: 0x507, status: 0x10, revision: 2, classCode: 0x108, progIf: 2, cacheLineSize: 0, latencyTimer: 0,
      headerType: 0, multiFunction: false, bist: 0, cardbusCis: 0, subsystemVendor: 0x1af4, subsystem: 0x1100, capabilityPointer: 0x40,
      interruptLine: 10, interruptPin: 1, minGrant: 0, maxLatency: 0,
    });
  });

  test('a function of several has the bit beside its header type', () => {
    expect(decodeConfigHeader(dump('nvme')[2]!.bytes)).toMatchObject({ headerType: 0, multiFunction: true });
  });

  test('too few bytes and a bridge are refused with the numbers', () => {
    expect(() => decodeConfigHeader(new Uint8Array(63))).toThrow(new RangeError("decodeConfigHeader: 63 bytes are fewer than the header's 64"));
    expect(() => decodeConfigHeader(header({ 0x0c: 0x810000 }))).toThrow('header type 1 at offset 0x0e is not 0');
  });
});

describe('addresses', () => {
  test.each<[string, PciAddress]>([
    ['00:1f.2', { domain: 0, bus: 0, device: 31, function: 2 }],
    ['0000:00:01.0', { domain: 0, bus: 0, device: 1, function: 0 }],
    ['10000:e1:00.7', { domain: 0x10000, bus: 0xe1, device: 0, function: 7 }],
  ])('%s', (text, address) => {
    expect(parsePciAddress(text)).toEqual(address);
    expect(formatPciAddress(address, text.split(':').length === 3)).toBe(text);
  });

  test.each(['', '00:20.0', '00:1f.8', '0:1f.2', '000:00:00.0', '00:1f.2 ', '00:1f'])('%j is none', (text) => {
    expect(parsePciAddress(text)).toBeNull();
  });

  test('a field out of range is refused', () => {
    expect(() => formatPciAddress({ domain: 0, bus: 0, device: 32, function: 0 })).toThrow(new RangeError('formatPciAddress: device 32 is not an integer in 0..31'));
  });
});

describe('BARs', () => {
  test('the NVMe controller has one of 64 bits', () => {
    expect(decodeBars(nvme, { bars: [16384, 0, 0, 0, 0, 0], rom: 0 })).toEqual({
      bars: [{ index: 0, kind: 'mem64', prefetchable: false, address: 0xfebf8000n, size: 16384n, registers: [0x10, 0x14] }],
      rom: null,
    });
  });

  test('the network controller has three of memory, one of ports, and a ROM', () => {
    const { bars, rom } = decodeBars(e1000e, { bars: [131072, 131072n, 32, 16384, 0, 0], rom: 262144 });
    expect(bars.map(({ index, kind, address, size }) => [index, kind, address.toString(16), size])).toEqual([
      [0, 'mem32', 'feb80000', 131072n], [1, 'mem32', 'feba0000', 131072n], [2, 'io', 'c040', 32n], [3, 'mem32', 'febc0000', 16384n],
    ]);
    expect(rom).toEqual({ address: 0xfeb40000n, size: 262144n, enabled: false, register: 0x30 });
  });

  test('without sizes, registers that are not zero are BARs of unknown size', () => {
    expect(decodeBars(e1000e).bars.map(({ index, size }) => [index, size])).toEqual([[0, null], [1, null], [2, null], [3, null]]);
    expect(decodeBars(header({}))).toEqual({ bars: [], rom: null });
  });

  test('a 64-bit BAR has its upper half from the next register, whatever that looks like', () => {
    const { bars } = decodeBars(header({ 0x18: 0x0000000c, 0x1c: 0x00000001 }), { bars: [0, 0, 1n << 32n, 0] });
    expect(bars).toEqual([{ index: 2, kind: 'mem64', prefetchable: true, address: 1n << 32n, size: 1n << 32n, registers: [0x18, 0x1c] }]);
  });

  test.each<[string, Record<number, number>, (number | bigint | null)[], string]>([
    ['64-bit at index 5', { 0x24: 0xfe000004 }, [], 'BAR 5 at 0x24 is 0xfe000004, a 64-bit BAR whose upper half would be register 6 of 6'],
    ['reserved type', { 0x10: 0xfe000006 }, [], 'BAR 0 at 0x10 is 0xfe000006, memory type 3 is reserved'],
    ['size not a power of two', { 0x10: 0xfe000000 }, [4097], 'BAR 0 at 0x10 (mem32) has size 4097, not a power of two'],
    ['memory below 16', { 0x14: 0xfe000000 }, [0, 8], 'BAR 1 at 0x14 (mem32) has size 8, outside 16..2147483648'],
    ['ports below 4', { 0x10: 0xc001 }, [2], 'BAR 0 at 0x10 (io) has size 2, outside 4..2147483648'],
    ['32-bit of 4 GiB', { 0x10: 0 }, [1n << 32n], 'BAR 0 at 0x10 (mem32) has size 4294967296, outside 16..2147483648'],
    ['address not aligned', { 0x10: 0xfe001000 }, [8192], 'BAR 0 at 0x10 (mem32) has address 0xfe001000, not a multiple of its size 8192'],
    ['size of an upper half', { 0x10: 4 }, [4096, 4096], 'BAR 1 is the upper half of 64-bit BAR 0 but has size 4096, not 0'],
    ['absent but not zero', { 0x10: 0xfe000000 }, [0], 'BAR 0 at 0x10 is 0xfe000000 but its size is 0, not implemented'],
    ['a fraction', { 0x10: 0 }, [0.5], 'size 0.5 of BAR 0 at 0x10 is not a whole number'],
    ['negative', { 0x10: 0 }, [-16n], 'size -16 of BAR 0 at 0x10 is not a whole number'],
    ['seven sizes', {}, [0, 0, 0, 0, 0, 0, 0], '7 sizes given for 6 BARs'],
  ])('%s is refused', (_, registers, bars, message) => {
    expect(() => decodeBars(header(registers), { bars })).toThrow(RangeError);
    expect(() => decodeBars(header(registers), { bars })).toThrow(`decodeBars: ${message}`);
  });

  test('a ROM: size below 2048, size 0 with an address', () => {
    expect(() => decodeBars(header({ 0x30: 0xfe000000 }), { rom: 1024 })).toThrow('the expansion ROM at 0x30 (rom) has size 1024, outside 2048..2147483648');
    expect(() => decodeBars(header({ 0x30: 0xfe000000 }), { rom: 0 })).toThrow('is 0xfe000000 but its size is 0');
  });

  test('any registers and sizes give BARs whose registers never overlap, or a RangeError', () => {
    const size = fc.oneof(fc.constant(null), fc.constant(0), fc.integer({ min: 0, max: 40 }).map((bits) => 2 ** bits), fc.bigInt(0n, 1n << 65n));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), fc.array(size, { maxLength: 6 }), (bytes, bars) => {
        const config = header({});
        config.set(bytes, 0x10);
        try {
          const registers = decodeBars(config, { bars }).bars.flatMap((bar) => bar.registers);
          expect(new Set(registers).size).toBe(registers.length);
          expect(Math.max(0x10, ...registers)).toBeLessThanOrEqual(0x24);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          expect(error.message).toMatch(/^decodeBars: .*[0-9]/);
        }
      }),
    );
  });
});
