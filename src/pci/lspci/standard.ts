// lspci's text for the capabilities of the standard list. The first line goes after `Capabilities: [40] `, the others below it.
//
// Source: PCI Local Bus 3.0, 6.8 (MSI, MSI-X); PCI Power Management 1.2, 3.2; SATA 3.0, 13.1; PCI Advanced Capabilities ECN (AF)

import { type Capability } from '../capabilities.ts';
import { PCI_CAP_ID, capabilityIdInfo } from '../capability-ids.ts';
import { hex, readU16, readU32, readU8 } from '../little-endian.ts';
import { decodeMsix } from '../msix.ts';
import { type LspciContext, flag, flags, word } from './context.ts';
import { expressLines } from './express.ts';

/** Auxiliary current in mA, by bits 8..6 of the capabilities word. */
const AUX_CURRENT = [0, 55, 100, 160, 220, 270, 320, 375];

//  PM:  +2 capabilities  15..11 PME from D3cold..D0 | 10 D2 | 9 D1 | 8..6 aux | 5 DSI | 3 clock | 2..0 version
//       +4 control       15 PME status | 14..13 data scale | 12..9 data select | 8 PME enable | 3 no soft reset | 1..0 state
//       +6 bridge        7 bus power/clock control | 6 B3 in D3hot
function powerManagement(config: Uint8Array, at: number): string[] {
  const capabilities = readU16(config, at + 2);
  const control = readU16(config, at + 4);
  const bridge = readU8(config, at + 6);
  const states = flags(capabilities, [['D0', 0x800], ['D1', 0x1000], ['D2', 0x2000], ['D3hot', 0x4000], ['D3cold', 0x8000]]);
  const lines = [
    `Power Management version ${capabilities & 7}`,
    `\t\tFlags: ${flags(capabilities, [['PMEClk', 8], ['DSI', 0x20], ['D1', 0x200], ['D2', 0x400]])} ` +
      `AuxCurrent=${AUX_CURRENT[(capabilities >> 6) & 7]!}mA PME(${states.replaceAll(' ', ',')})`,
    `\t\tStatus: D${control & 3} ${flags(control, [['NoSoftRst', 8], ['PME-Enable', 0x100]])} ` +
      `DSel=${(control >> 9) & 0xf} DScale=${(control >> 13) & 3} ${flag('PME', control, 0x8000)}`,
  ];
  if ((bridge & 0xc0) !== 0) lines.push(`\t\tBridge: ${flags(bridge, [['PM', 0x80], ['B3', 0x40]])}`);
  return lines;
}

//  MSI:  +2 control  8 maskable | 7 64-bit | 6..4 log2 vectors enabled | 3..1 log2 vectors capable | 0 enable
//        32-bit: +4 address, +8 data, +12 mask, +16 pending;  64-bit: one more dword of address at +8 moves the rest by 4
function msi(config: Uint8Array, at: number): string[] {
  const control = readU16(config, at + 2);
  const wide = (control & 0x80) !== 0;
  const data = at + (wide ? 12 : 8);
  const address = (wide ? hex(readU32(config, at + 8), 8) : '') + hex(readU32(config, at + 4), 8);
  const lines = [
    `MSI: ${flag('Enable', control, 1)} Count=${1 << ((control >> 4) & 7)}/${1 << ((control >> 1) & 7)} ` +
      flags(control, [['Maskable', 0x100], ['64bit', 0x80]]),
    `\t\tAddress: ${address}  Data: ${hex(readU16(config, data), 4)}`,
  ];
  if ((control & 0x100) !== 0) {
    lines.push(`\t\tMasking: ${hex(readU32(config, data + 4), 8)}  Pending: ${hex(readU32(config, data + 8), 8)}`);
  }
  return lines;
}

function msix(config: Uint8Array, at: number): string[] {
  const found = decodeMsix(config, at);
  if (found === null) return ['MSI-X: <?>'];
  return [
    `MSI-X: Enable${found.enabled ? '+' : '-'} Count=${found.count} Masked${found.masked ? '+' : '-'}`,
    `\t\tVector table: BAR=${found.tableBar} offset=${hex(found.tableOffset, 8)}`,
    `\t\tPBA: BAR=${found.pbaBar} offset=${hex(found.pbaOffset, 8)}`,
  ];
}

//  SATA:  +2 revision  7..4 major | 3..0 minor      +4 dword  23..4 offset in dwords | 3..0 where: 4..9 = BAR 0..5, 15 = +8 here
function sata(config: Uint8Array, at: number): string[] {
  const revision = readU8(config, at + 2);
  const place = readU32(config, at + 4);
  const where = place & 0xf;
  const headline = `SATA HBA v${revision >> 4}.${revision & 0xf}`;
  if (where === 0xf) return [`${headline} InCfgSpace`];
  if (where < 4 || where > 9) return [`${headline} BAR??${where}`];
  return [`${headline} BAR${where - 4} Offset=${hex((place >>> 4) & 0xfffff, 8)}`];
}

function advancedFeatures(config: Uint8Array, at: number): string[] {
  return [
    'PCI Advanced Features',
    `\t\tAFCap: ${flags(readU8(config, at + 3), [['TP', 1], ['FLR', 2]])}`,
    `\t\tAFCtrl: ${flag('FLR', readU8(config, at + 4), 1)}`,
    `\t\tAFStatus: ${flag('TP', readU8(config, at + 5), 1)}`,
  ];
}

const VIRTIO_VENDOR = 0x1af4;
const VIRTIO_STRUCTURES = ['<unknown>', 'CommonCfg', 'Notify', 'ISR', 'DeviceCfg'];

//  Vendor specific:  +2 length.   virtio's:  +3 type, +4 BAR, +8 offset, +12 size, and for Notify +16 multiplier
function vendorSpecific({ config, header }: LspciContext, at: number): string[] {
  const length = readU8(config, at + 2);
  const isVirtio = header.vendor === VIRTIO_VENDOR && header.device >= 0x1000 && header.device <= 0x107f && length >= 16;
  if (!isVirtio) return [`Vendor Specific Information: Len=${hex(length, 2)} <?>`];
  const type = readU8(config, at + 3);
  const field = (offset: number): string => hex(readU32(config, at + offset), 8);
  const multiplier = type === 2 && length >= 20 ? ` multiplier=${field(16)}` : '';
  return [
    `Vendor Specific Information: VirtIO: ${word(VIRTIO_STRUCTURES, type, '<unknown>')}`,
    `\t\tBAR=${readU8(config, at + 4)} offset=${field(8)} size=${field(12)}${multiplier}`,
  ];
}

/** Headlines of capabilities whose body stays undecoded; ` <?>` marks it, as in lspci. */
function headlineOnly(config: Uint8Array, { id, offset }: Capability): string {
  const byte = readU8(config, offset + 2);
  switch (id) {
    case PCI_CAP_ID.NULL:
      return 'Null';
    case PCI_CAP_ID.VPD:
      return 'Vital Product Data <?>';
    case PCI_CAP_ID.AGP:
      return `AGP version ${byte >> 4}.${byte & 0xf} <?>`;
    case PCI_CAP_ID.SLOTID:
      return `Slot ID: ${byte & 0x1f} slots, ${flag('First', byte, 0x20)}, chassis ${hex(readU8(config, offset + 3), 2)}`;
    case PCI_CAP_ID.PCIX:
      return 'PCI-X non-bridge device <?>';
    case PCI_CAP_ID.DBG: {
      const place = readU16(config, offset + 2);
      return `Debug port: BAR=${place >> 13} offset=${hex(place & 0x1fff, 4)}`;
    }
    case PCI_CAP_ID.SHPC:
      return 'Hot-plug capable';
    case PCI_CAP_ID.SSVID:
      return `Subsystem: Device [${hex(readU16(config, offset + 4), 4)}:${hex(readU16(config, offset + 6), 4)}]`;
    case PCI_CAP_ID.EA:
      return `Enhanced Allocation (EA): NumEntries=${byte & 0x3f} <?>`;
    default: {
      const known = capabilityIdInfo('standard', id);
      if (known !== null) return `${known.name} <?>`;
      return `Capability ID 0x${hex(id, 2)} [${hex(readU16(config, offset + 2), 4)}]`;
    }
  }
}

/**
 * The lines of one standard capability: the headline first, without what precedes it on its line; no newlines.
 *
 * @param context the function it belongs to.
 */
export function standardCapabilityLines(context: LspciContext, capability: Capability): string[] {
  const { config } = context;
  const { offset } = capability;
  const least = capabilityIdInfo('standard', capability.id)?.least ?? 0;
  if (offset + least > config.length) return [headlineOnly(config, capability)];
  switch (capability.id) {
    case PCI_CAP_ID.PM:
      return powerManagement(config, offset);
    case PCI_CAP_ID.MSI:
      return msi(config, offset);
    case PCI_CAP_ID.VNDR:
      return vendorSpecific(context, offset);
    case PCI_CAP_ID.EXP:
      return expressLines(context, offset);
    case PCI_CAP_ID.MSIX:
      return msix(config, offset);
    case PCI_CAP_ID.SATA:
      return sata(config, offset);
    case PCI_CAP_ID.AF:
      return advancedFeatures(config, offset);
    default:
      return [headlineOnly(config, capability)];
  }
}
