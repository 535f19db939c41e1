// What the base address registers of a type 0 function say, given the sizes that probing them would have found.
//
//   31                                4  3  2  1  0
//   +----------------------------------+--+-----+--+
//   |       address bits 31..4         |P |type |0 |   memory; type 00 = 32-bit, 10 = 64-bit, P = prefetchable
//   +----------------------------------+--+-----+--+   64-bit: the next register holds address bits 63..32
//   |       address bits 31..2              | 0 |1 |   I/O port
//   +----------------------------------+----+---+--+
//
//   31                     11 10             1  0
//   +------------------------+----------------+--+
//   |  address bits 31..11   |    reserved    |E |     expansion ROM at 0x30; E = decode enabled
//   +------------------------+----------------+--+
//
// A size is never visible in the registers as they rest: it shows only in what they read after all ones are written. So sizes
// are an input here.
//
// Source: PCI Local Bus 3.0, 6.2.5; names from linux/pci_regs.h.

import { PCI_BASE_ADDRESS_0, PCI_ROM_ADDRESS, PCI_STD_NUM_BARS, decodeConfigHeader } from './config-space.ts';
import { readU32 } from './little-endian.ts';

/** BAR bit 0: I/O ports. */
export const PCI_BASE_ADDRESS_SPACE_IO = 0x01;
/** BAR bits of the memory type. */
export const PCI_BASE_ADDRESS_MEM_TYPE_MASK = 0x06;
/** Memory type: anywhere below 4 GiB. */
export const PCI_BASE_ADDRESS_MEM_TYPE_32 = 0x00;
/** Memory type: below 1 MiB (obsolete; decoded as 32-bit). */
export const PCI_BASE_ADDRESS_MEM_TYPE_1M = 0x02;
/** Memory type: anywhere, two registers. */
export const PCI_BASE_ADDRESS_MEM_TYPE_64 = 0x04;
/** BAR bit 3: reads have no side effect. */
export const PCI_BASE_ADDRESS_MEM_PREFETCH = 0x08;
/** ROM bit 0: decode enabled. */
export const PCI_ROM_ADDRESS_ENABLE = 0x01;
/** Address bits of an expansion ROM register, bits 31..11. Source: linux/pci_regs.h PCI_ROM_ADDRESS_MASK */
export const PCI_ROM_ADDRESS_MASK = 0xfffff800;

/** What a BAR decodes: I/O ports, memory below 4 GiB, or memory anywhere (two registers). */
export type BarKind = 'io' | 'mem32' | 'mem64';

/** One base address register, or the pair of them that a 64-bit BAR takes. */
export interface Bar {
  /** 0..5, the lower register of a pair. */
  index: number;
  kind: BarKind;
  prefetchable: boolean;
  /** Address in bytes with the type bits removed. */
  address: bigint;
  /** Bytes; a power of two, or `null` when the caller did not know. */
  size: bigint | null;
  /** Configuration space offsets of the registers that make this BAR: one, or two for `mem64`. */
  registers: readonly number[];
}

/** The expansion ROM register. */
export interface RomBar {
  address: bigint;
  size: bigint | null;
  /** Bit 0: whether the ROM answers (PCI_COMMAND_MEMORY must be set as well). */
  enabled: boolean;
  register: number;
}

/** Size in bytes; 0 says "not implemented", `null` or absence says "not known". */
export type KnownSize = number | bigint | null | undefined;

/** Sizes that probing would find: one per register (0 for the upper half of a 64-bit BAR), and the ROM's. */
export interface BarSizes {
  bars?: readonly KnownSize[];
  rom?: KnownSize;
}

/** All base addresses of a function. */
export interface DecodedBars {
  /** Implemented BARs by rising index. */
  bars: Bar[];
  rom: RomBar | null;
}

const at = (index: number): number => PCI_BASE_ADDRESS_0 + 4 * index;

/** A BAR needs at least one writable address bit, so the largest is half of what its kind can address. */
const LIMITS = {
  io: { least: 4n, largest: 1n << 31n },
  mem32: { least: 16n, largest: 1n << 31n },
  mem64: { least: 16n, largest: 1n << 63n },
  rom: { least: 2048n, largest: 1n << 31n },
} as const;

function checkSize(what: string, kind: keyof typeof LIMITS, size: bigint, address: bigint): void {
  const { least, largest } = LIMITS[kind];
  if (size < least || size > largest) {
    throw new RangeError(`decodeBars: ${what} (${kind}) has size ${size}, outside ${least}..${largest}`);
  }
  if ((size & (size - 1n)) !== 0n) throw new RangeError(`decodeBars: ${what} (${kind}) has size ${size}, not a power of two`);
  if ((address & (size - 1n)) !== 0n) {
    throw new RangeError(`decodeBars: ${what} (${kind}) has address 0x${address.toString(16)}, not a multiple of its size ${size}`);
  }
}

function knownSize(what: string, size: KnownSize): bigint | null {
  if (size === null || size === undefined) return null;
  if (typeof size === 'number' ? !Number.isSafeInteger(size) || size < 0 : size < 0n) {
    throw new RangeError(`decodeBars: size ${size} of ${what} is not a whole number of bytes in 0..2^63`);
  }
  return BigInt(size);
}

function decodeMemoryKind(index: number, low: number): 'mem32' | 'mem64' {
  const type = low & PCI_BASE_ADDRESS_MEM_TYPE_MASK;
  if (type === PCI_BASE_ADDRESS_MEM_TYPE_32 || type === PCI_BASE_ADDRESS_MEM_TYPE_1M) return 'mem32';
  if (type !== PCI_BASE_ADDRESS_MEM_TYPE_64) {
    throw new RangeError(`decodeBars: BAR ${index} at 0x${at(index).toString(16)} is 0x${low.toString(16)}, memory type 3 is reserved`);
  }
  if (index === PCI_STD_NUM_BARS - 1) {
    throw new RangeError(
      `decodeBars: BAR 5 at 0x24 is 0x${low.toString(16)}, a 64-bit BAR whose upper half would be register 6 of ${PCI_STD_NUM_BARS}`,
    );
  }
  return 'mem64';
}

function decodeBar(config: Uint8Array, index: number, size: bigint | null): Bar {
  const low = readU32(config, at(index));
  if ((low & PCI_BASE_ADDRESS_SPACE_IO) !== 0) {
    return { index, kind: 'io', prefetchable: false, address: BigInt((low & ~0x3) >>> 0), size, registers: [at(index)] };
  }
  const kind = decodeMemoryKind(index, low);
  const prefetchable = (low & PCI_BASE_ADDRESS_MEM_PREFETCH) !== 0;
  const lowAddress = BigInt((low & ~0xf) >>> 0);
  if (kind === 'mem32') return { index, kind, prefetchable, address: lowAddress, size, registers: [at(index)] };
  const address = (BigInt(readU32(config, at(index + 1))) << 32n) | lowAddress;
  return { index, kind, prefetchable, address, size, registers: [at(index), at(index + 1)] };
}

function decodeRom(config: Uint8Array, size: bigint | null): RomBar | null {
  const register = readU32(config, PCI_ROM_ADDRESS);
  if (size === 0n && register !== 0) {
    throw new RangeError(`decodeBars: the expansion ROM at 0x30 is 0x${register.toString(16)} but its size is 0, not implemented`);
  }
  if (size === 0n || (size === null && register === 0)) return null;
  const address = BigInt((register & PCI_ROM_ADDRESS_MASK) >>> 0);
  if (size !== null) checkSize('the expansion ROM at 0x30', 'rom', size, address);
  return { address, size, enabled: (register & PCI_ROM_ADDRESS_ENABLE) !== 0, register: PCI_ROM_ADDRESS };
}

/**
 * Decodes the six BARs and the expansion ROM of a type 0 function.
 *
 * A register that reads 0 and has no known size is taken as not implemented.
 *
 * @param config at least the 64 bytes of the header.
 * @param sizes bytes per register; 0 for one that is not implemented, including the upper half of a 64-bit BAR.
 * @throws RangeError for what no device can be: a 64-bit BAR at index 5, reserved memory type 3, a size that is not a power of two
 * or below 16 (memory), 4 (I/O), 2048 (ROM), an address that is not a multiple of its size, a size for an upper half, a register
 * that is not zero though its size is 0.
 * @example
 * decodeBars(config, { bars: [16384, 0, 0, 0, 0, 0] }).bars[0];
 * // { index: 0, kind: 'mem64', prefetchable: false, address: 0xfebf8000n, size: 16384n, registers: [0x10, 0x14] }
 *
 * Source: PCI Local Bus 3.0, 6.2.5.1 and 6.2.5.2
 */
export function decodeBars(config: Uint8Array, sizes: BarSizes = {}): DecodedBars {
  decodeConfigHeader(config);
  const count = sizes.bars?.length ?? 0;
  if (count > PCI_STD_NUM_BARS) throw new RangeError(`decodeBars: ${count} sizes given for ${PCI_STD_NUM_BARS} BARs`);
  const bars: Bar[] = [];
  for (let index = 0; index < PCI_STD_NUM_BARS; index++) {
    const what = `BAR ${index} at 0x${at(index).toString(16)}`;
    const size = knownSize(what, sizes.bars?.[index]);
    const low = readU32(config, at(index));
    if (size === 0n && low !== 0) {
      throw new RangeError(`decodeBars: ${what} is 0x${low.toString(16)} but its size is 0, not implemented`);
    }
    if (size === 0n || (size === null && low === 0)) continue;
    const bar = decodeBar(config, index, size);
    if (size !== null) checkSize(what, bar.kind, size, bar.address);
    bars.push(bar);
    if (bar.kind === 'mem64') {
      index++;
      const upper = knownSize(`BAR ${index}`, sizes.bars?.[index]);
      if (upper !== null && upper !== 0n) {
        throw new RangeError(`decodeBars: BAR ${index} is the upper half of 64-bit BAR ${bar.index} but has size ${upper}, not 0`);
      }
    }
  }
  return { bars, rom: decodeRom(config, knownSize('the expansion ROM', sizes.rom)) };
}
