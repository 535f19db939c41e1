// The MSI-X capability: where the vector table and the pending bits are, and how many vectors there are.
//
//    31 30 29    27 26           16 15        8 7         0
//   +--+--+--------+---------------+-----------+-----------+
//   |E |M |reserved|  count - 1    | next or 0 | id = 0x11 | +0    E = enable, M = mask all
//   +--+--+--------+---------------+-----------+--+--------+
//   |              table offset, 8-byte aligned   | BIR    | +4    BIR = index of the BAR that holds the table
//   +---------------------------------------------+--------+
//   |               PBA offset, 8-byte aligned    | BIR    | +8    the same for the pending bit array
//   +---------------------------------------------+--------+
//
// A table entry is 16 bytes; the pending bits are one bit per vector in 64-bit words.
//
// Source: PCI Local Bus 3.0, 6.8.2; names from linux/pci_regs.h.

import type { Bar } from './bars.ts';
import { findCapability } from './capabilities.ts';
import { PCI_CAP_ID } from './capability-ids.ts';
import { readU16, readU32 } from './little-endian.ts';

/** Offset of message control, 2 bytes. */
export const PCI_MSIX_FLAGS = 2;
/** Message control: number of vectors less one. */
export const PCI_MSIX_FLAGS_QSIZE = 0x07ff;
/** Message control: all vectors masked. */
export const PCI_MSIX_FLAGS_MASKALL = 0x4000;
/** Message control: MSI-X in use. */
export const PCI_MSIX_FLAGS_ENABLE = 0x8000;
/** Offset of the table location, 4 bytes. */
export const PCI_MSIX_TABLE = 4;
/** Offset of the pending bits location, 4 bytes. */
export const PCI_MSIX_PBA = 8;
/** Location: bits of the BAR index. */
export const PCI_MSIX_TABLE_BIR = 0x7;
/** Location: bits of the offset. */
export const PCI_MSIX_TABLE_OFFSET = 0xfffffff8;
/** Bytes of the capability. Source: linux/pci_regs.h */
export const PCI_CAP_MSIX_SIZEOF = 12;
/** Bytes of one vector's table entry. Source: linux/pci_regs.h */
export const PCI_MSIX_ENTRY_SIZE = 16;

/** A decoded MSI-X capability. Offsets are bytes from the start of the BAR, below 2^32. */
export interface MsixCapability {
  /** Offset of the capability in configuration space. */
  offset: number;
  /** 0..7; 6 and 7 are reserved values that a faulty device may hold. */
  tableBar: number;
  tableOffset: number;
  pbaBar: number;
  pbaOffset: number;
  /** Vectors, 1..2048. */
  count: number;
  enabled: boolean;
  /** Function mask: all vectors masked. */
  masked: boolean;
}

/**
 * Decodes the function's MSI-X capability, or the one at `offset`.
 *
 * @param offset of the capability in configuration space; found through the list when left out.
 * @returns `null` when the list has none, or its 12 bytes are not all there.
 * @example
 * decodeMsix(config);
 * // { offset: 0x40, tableBar: 0, tableOffset: 0x2000, pbaBar: 0, pbaOffset: 0x3000, count: 65, enabled: true, masked: false }
 *
 * Source: PCI Local Bus 3.0, 6.8.2
 */
export function decodeMsix(config: Uint8Array, offset?: number): MsixCapability | null {
  const start = offset ?? findCapability(config, PCI_CAP_ID.MSIX)?.offset;
  if (start === undefined || start + PCI_CAP_MSIX_SIZEOF > config.length) return null;
  const control = readU16(config, start + PCI_MSIX_FLAGS);
  const table = readU32(config, start + PCI_MSIX_TABLE);
  const pba = readU32(config, start + PCI_MSIX_PBA);
  return {
    offset: start,
    tableBar: table & PCI_MSIX_TABLE_BIR,
    tableOffset: (table & PCI_MSIX_TABLE_OFFSET) >>> 0,
    pbaBar: pba & PCI_MSIX_TABLE_BIR,
    pbaOffset: (pba & PCI_MSIX_TABLE_OFFSET) >>> 0,
    count: (control & PCI_MSIX_FLAGS_QSIZE) + 1,
    enabled: (control & PCI_MSIX_FLAGS_ENABLE) !== 0,
    masked: (control & PCI_MSIX_FLAGS_MASKALL) !== 0,
  };
}

/** Bytes of the pending bits of `count` vectors: 64-bit words. */
export function msixPbaBytes(count: number): number {
  return 8 * Math.ceil(count / 64);
}

/**
 * Checks that the table and the pending bits lie in memory BARs, apart from one another. BARs of unknown size, or none at all, tell nothing.
 *
 * @throws RangeError with what was found and the bound: a BAR index above 5, an I/O BAR, a place beyond the end of the BAR, bits inside the table.
 */
export function checkMsixPlacement(msix: MsixCapability, bars: readonly Bar[]): void {
  const parts = [
    { what: 'table', index: msix.tableBar, offset: msix.tableOffset, bytes: PCI_MSIX_ENTRY_SIZE * msix.count },
    { what: 'pending bits', index: msix.pbaBar, offset: msix.pbaOffset, bytes: msixPbaBytes(msix.count) },
  ];
  for (const { what, index, offset, bytes } of parts) {
    if (index > 5) throw new RangeError(`MSI-X ${what} in BAR ${index}; expected 0 to 5`);
    const bar = bars.find((one) => one.index === index);
    if (bar === undefined || bar.size === null) continue;
    if (bar.kind === 'io') throw new RangeError(`MSI-X ${what} in BAR ${index}, which is of I/O ports`);
    if (BigInt(offset + bytes) > bar.size) {
      throw new RangeError(`MSI-X ${what}: ${bytes} bytes at 0x${offset.toString(16)} pass the end of BAR ${index}, 0x${bar.size.toString(16)} bytes`);
    }
  }
  const [table, pending] = parts as [(typeof parts)[0], (typeof parts)[0]];
  if (table.index === pending.index && table.offset < pending.offset + pending.bytes && pending.offset < table.offset + table.bytes) {
    throw new RangeError(`MSI-X pending bits at 0x${pending.offset.toString(16)} lie in the table, ${table.bytes} bytes at 0x${table.offset.toString(16)} of BAR ${table.index}`);
  }
}
