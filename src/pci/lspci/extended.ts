// lspci's text for the capabilities of the extended list. The first line goes after `Capabilities: [100 v2] `.
//
// Source: PCI Express 5.0, 7.8.4 (AER), 7.9.3 (DSN), 7.7.11 (ACS), 7.8.8 (ARI), 10.5 (ATS, PRI), 7.8.9 (PASID), 7.8.6 (REBAR),
// 7.8.2 (LTR), 7.9.5 and 7.9.6 (vendor specific), 9.3.3 (SR-IOV)

import { type Capability, findCapability } from '../capabilities.ts';
import { PCI_CAP_ID, PCI_EXT_CAP_ID, capabilityIdInfo } from '../capability-ids.ts';
import { hex, readU16, readU32, readU8 } from '../little-endian.ts';
import { type FlagBit, type LspciContext, flag, flags } from './context.ts';

const UNCORRECTABLE: readonly FlagBit[] = [
  ['DLP', 0x10], ['SDES', 0x20], ['TLP', 0x1000], ['FCP', 0x2000], ['CmpltTO', 0x4000], ['CmpltAbrt', 0x8000], ['UnxCmplt', 0x10000],
  ['RxOF', 0x20000], ['MalfTLP', 0x40000], ['ECRC', 0x80000], ['UnsupReq', 0x100000], ['ACSViol', 0x200000],
];
const CORRECTABLE: readonly FlagBit[] = [
  ['RxErr', 1], ['BadTLP', 0x40], ['BadDLLP', 0x80], ['Rollover', 0x100], ['Timeout', 0x1000], ['AdvNonFatalErr', 0x2000],
];

//  AER:  +4 uncorrectable status, +8 mask, +12 severity;  +16 correctable status, +20 mask;  +24 capabilities and control;
//        +28..+43 header log;  root ports and event collectors: +44 root command, +48 root status, +52 error source
function advancedErrorReporting(config: Uint8Array, at: number): string[] {
  const control = readU32(config, at + 24);
  const log = [28, 32, 36, 40].map((offset) => hex(readU32(config, at + offset), 8));
  const lines = [
    'Advanced Error Reporting',
    `\t\tUESta:\t${flags(readU32(config, at + 4), UNCORRECTABLE)}`,
    `\t\tUEMsk:\t${flags(readU32(config, at + 8), UNCORRECTABLE)}`,
    `\t\tUESvrt:\t${flags(readU32(config, at + 12), UNCORRECTABLE)}`,
    `\t\tCESta:\t${flags(readU32(config, at + 16), CORRECTABLE)}`,
    `\t\tCEMsk:\t${flags(readU32(config, at + 20), CORRECTABLE)}`,
    `\t\tAERCap:\tFirst Error Pointer: ${hex(control & 0x1f, 2)}, ` +
      flags(control, [['ECRCGenCap', 0x20], ['ECRCGenEn', 0x40], ['ECRCChkCap', 0x80], ['ECRCChkEn', 0x100]]),
    `\t\t\t${flags(control, [['MultHdrRecCap', 0x200], ['MultHdrRecEn', 0x400], ['TLPPfxPres', 0x800], ['HdrLogCap', 0x1000]])}`,
    `\t\tHeaderLog: ${log.join(' ')}`,
  ];
  const express = findCapability(config, PCI_CAP_ID.EXP);
  const type = express === null ? 0 : (readU16(config, express.offset + 2) >> 4) & 0xf;
  if (type !== 4 && type !== 10) return lines;
  const status = readU32(config, at + 48);
  return [
    ...lines,
    `\t\tRootCmd: ${flags(readU32(config, at + 44), [['CERptEn', 1], ['NFERptEn', 2], ['FERptEn', 4]])}`,
    `\t\tRootSta: ${flags(status, [['CERcvd', 1], ['MultCERcvd', 2], ['UERcvd', 4], ['MultUERcvd', 8]])}`,
    `\t\t\t ${flags(status, [['FirstFatal', 0x10], ['NonFatalMsg', 0x20], ['FatalMsg', 0x40]])} IntMsg ${status >>> 27}`,
    `\t\tErrorSrc: ERR_COR: ${hex(readU16(config, at + 52), 4)} ERR_FATAL/NONFATAL: ${hex(readU16(config, at + 54), 4)}`,
  ];
}

function deviceSerialNumber(config: Uint8Array, at: number): string[] {
  const bytes = [11, 10, 9, 8, 7, 6, 5, 4].map((offset) => hex(readU8(config, at + offset), 2));
  return [`Device Serial Number ${bytes.join('-')}`];
}

function accessControl(config: Uint8Array, at: number): string[] {
  const bits: readonly FlagBit[] = [
    ['SrcValid', 1], ['TransBlk', 2], ['ReqRedir', 4], ['CmpltRedir', 8], ['UpstreamFwd', 0x10], ['EgressCtrl', 0x20], ['DirectTrans', 0x40],
  ];
  return [
    'Access Control Services',
    `\t\tACSCap:\t${flags(readU16(config, at + 4), bits)}`,
    `\t\tACSCtl:\t${flags(readU16(config, at + 6), bits)}`,
  ];
}

function alternativeRouting(config: Uint8Array, at: number): string[] {
  const capabilities = readU16(config, at + 4);
  const control = readU16(config, at + 6);
  const bits: readonly FlagBit[] = [['MFVC', 1], ['ACS', 2]];
  return [
    'Alternative Routing-ID Interpretation (ARI)',
    `\t\tARICap:\t${flags(capabilities, bits)}, Next Function: ${capabilities >> 8}`,
    `\t\tARICtl:\t${flags(control, bits)}, Function Group: ${(control >> 4) & 7}`,
  ];
}

function addressTranslation(config: Uint8Array, at: number): string[] {
  const control = readU16(config, at + 6);
  return [
    'Address Translation Service (ATS)',
    `\t\tATSCap:\tInvalidate Queue Depth: ${hex(readU16(config, at + 4) & 0x1f, 2)}`,
    `\t\tATSCtl:\t${flag('Enable', control, 0x8000)}, Smallest Translation Unit: ${hex(control & 0x1f, 2)}`,
  ];
}

function pageRequest(config: Uint8Array, at: number): string[] {
  const status = readU16(config, at + 6);
  return [
    'Page Request Interface (PRI)',
    `\t\tPRICtl: ${flags(readU16(config, at + 4), [['Enable', 1], ['Reset', 2]])}`,
    `\t\tPRISta: ${flags(status, [['RF', 1], ['UPRGI', 2], ['Stopped', 0x100]])}`,
    `\t\tPage Request Capacity: ${hex(readU32(config, at + 8), 8)}, Page Request Allocation: ${hex(readU32(config, at + 12), 8)}`,
  ];
}

function processAddressSpace(config: Uint8Array, at: number): string[] {
  const capabilities = readU16(config, at + 4);
  return [
    'Process Address Space ID (PASID)',
    `\t\tPASIDCap: ${flags(capabilities, [['Exec', 2], ['Priv', 4]])}, Max PASID Width: ${hex((capabilities >> 8) & 0x1f, 2)}`,
    `\t\tPASIDCtl: ${flags(readU16(config, at + 6), [['Enable', 1], ['Exec', 2], ['Priv', 4]])}`,
  ];
}

//  LTR:  a latency is value (9..0) times 32 to the power of scale (12..10), in ns; scales 6 and 7 are reserved
function latencyTolerance(config: Uint8Array, at: number): string[] {
  const latency = (raw: number): number => (raw & 0x3ff) * 32 ** ((raw >> 10) & 7);
  return [
    'Latency Tolerance Reporting',
    `\t\tMax snoop latency: ${latency(readU16(config, at + 4))}ns`,
    `\t\tMax no snoop latency: ${latency(readU16(config, at + 6))}ns`,
  ];
}

/** 2^exponent MiB as lspci writes it. */
function rebarSize(exponent: number): string {
  const units = ['MB', 'GB', 'TB', 'PB', 'EB'];
  return `${2 ** (exponent % 10)}${units[Math.floor(exponent / 10)] ?? '??'}`;
}

//  REBAR:  per BAR a dword of sizes (bit n+4: 2^n MiB) and a dword of control: 2..0 BAR | 7..5 number of BARs | 13..8 log2 MiB;
//          control bits 31..16 carry the supported sizes from 2^28 MiB on
function resizableBar(config: Uint8Array, at: number): string[] {
  const count = (readU32(config, at + 8) >>> 5) & 7;
  const lines = ['Physical Resizable BAR'];
  for (let entry = 0; entry < count; entry++) {
    const sizes = readU32(config, at + 4 + 8 * entry);
    const control = readU32(config, at + 8 + 8 * entry);
    const supported = Array.from({ length: 44 }, (_, exponent) => exponent).filter((exponent) =>
      exponent < 28 ? ((sizes >>> (exponent + 4)) & 1) !== 0 : ((control >>> (exponent - 28 + 16)) & 1) !== 0,
    );
    const current = rebarSize((control >>> 8) & 0x3f);
    lines.push(`\t\tBAR ${control & 7}: current size: ${current}, supported:${supported.map((exponent) => ` ${rebarSize(exponent)}`).join('')}`);
  }
  return lines;
}

//  SR-IOV:  +4 capabilities, +8 control, +10 status, +12 initial, +14 total, +16 number, +18 dependency, +20 offset, +22 stride,
//           +26 device id, +28 supported page sizes, +32 page size in use, +36..+59 six VF BARs, +60 migration state array
function rootIoVirtualization(config: Uint8Array, at: number): string[] {
  const capabilities = readU32(config, at + 4);
  const control = readU16(config, at + 8);
  const count = (offset: number): number => readU16(config, at + offset);
  const lines = [
    'Single Root I/O Virtualization (SR-IOV)',
    `\t\tIOVCap:\t${flags(capabilities, [['Migration', 1], ['10BitTagReq', 4]])} Interrupt Message Number: ${hex(capabilities >>> 21, 3)}`,
    `\t\tIOVCtl:\t${flags(control, [
      ['Enable', 1], ['Migration', 2], ['Interrupt', 4], ['MSE', 8], ['ARIHierarchy', 0x10], ['10BitTagReq', 0x20],
    ])}`,
    `\t\tIOVSta:\t${flag('Migration', count(10), 1)}`,
    `\t\tInitial VFs: ${count(12)}, Total VFs: ${count(14)}, Number of VFs: ${count(16)}, ` +
      `Function Dependency Link: ${hex(readU8(config, at + 18), 2)}`,
    `\t\tVF offset: ${count(20)}, stride: ${count(22)}, Device ID: ${hex(count(26), 4)}`,
    `\t\tSupported Page Size: ${hex(readU32(config, at + 28), 8)}, System Page Size: ${hex(readU32(config, at + 32), 8)}`,
  ];
  for (let index = 0; index < 6; index++) {
    const low = readU32(config, at + 36 + 4 * index);
    if (low === 0) continue;
    const wide = (low & 6) === 4 && index < 5;
    const high = wide ? hex(readU32(config, at + 40 + 4 * index), 8) : '';
    const kind = `${wide ? '64' : '32'}-bit, ${(low & 8) !== 0 ? '' : 'non-'}prefetchable`;
    lines.push(`\t\tRegion ${index}: Memory at ${high}${hex((low & ~0xf) >>> 0, 8)} (${kind})`);
    if (wide) index++;
  }
  const migration = readU32(config, at + 60);
  lines.push(`\t\tVF Migration: offset: ${hex((migration & ~7) >>> 0, 8)}, BIR: ${migration & 7}`);
  return lines;
}

function vendorSpecific(config: Uint8Array, at: number): string[] {
  const header = readU32(config, at + 4);
  const rev = (header >>> 16) & 0xf;
  return [`Vendor Specific Information: ID=${hex(header & 0xffff, 4)} Rev=${rev} Len=${hex(header >>> 20, 3)} <?>`];
}

function designatedVendorSpecific(config: Uint8Array, at: number): string[] {
  const header = readU32(config, at + 4);
  const id = hex(readU16(config, at + 8), 4);
  const vendor = hex(header & 0xffff, 4);
  return [`Designated Vendor-Specific: Vendor=${vendor} ID=${id} Rev=${(header >>> 16) & 0xf} Len=${header >>> 20} <?>`];
}

const PRINTERS: Record<number, (config: Uint8Array, at: number) => string[]> = {
  [PCI_EXT_CAP_ID.NULL]: () => ['Null'],
  [PCI_EXT_CAP_ID.ERR]: advancedErrorReporting,
  [PCI_EXT_CAP_ID.DSN]: deviceSerialNumber,
  [PCI_EXT_CAP_ID.VNDR]: vendorSpecific,
  [PCI_EXT_CAP_ID.ACS]: accessControl,
  [PCI_EXT_CAP_ID.ARI]: alternativeRouting,
  [PCI_EXT_CAP_ID.ATS]: addressTranslation,
  [PCI_EXT_CAP_ID.SRIOV]: rootIoVirtualization,
  [PCI_EXT_CAP_ID.PRI]: pageRequest,
  [PCI_EXT_CAP_ID.REBAR]: resizableBar,
  [PCI_EXT_CAP_ID.LTR]: latencyTolerance,
  [PCI_EXT_CAP_ID.PASID]: processAddressSpace,
  [PCI_EXT_CAP_ID.DVSEC]: designatedVendorSpecific,
};

/**
 * The lines of one extended capability: the headline first, without what precedes it on its line; no newlines.
 *
 * A capability whose body stays undecoded, or is cut off by the end of the bytes, is its name and ` <?>`.
 */
export function extendedCapabilityLines({ config }: LspciContext, { id, offset }: Capability): string[] {
  const known = capabilityIdInfo('extended', id);
  if (known === null) return [`Extended Capability ID 0x${hex(id, 2)}`];
  const printer = PRINTERS[id];
  if (printer === undefined || offset + known.least > config.length) return [`${known.name} <?>`];
  return printer(config, offset);
}
