// Which bits of the extended capabilities a guest may write: AER, ACS, ATS, LTR. All others are read-only: a serial number, the header of SR-IOV, the
// sizes of resizable BARs (unless they are asked for: resizable-bars.ts).
//
//   AER  +04 uncorrectable status    RW1C, sticky        ACS  +04 capability | control << 16   control bits as the capability says
//        +08 uncorrectable mask      RW, sticky          ATS  +06 control: unit 0..31, enable
//        +0c uncorrectable severity  RW, sticky          LTR  +04 snoop latency, +06 no-snoop latency
//        +10 correctable status      RW1C, sticky
//        +14 correctable mask        RW, sticky
//        +18 capabilities, control   enables as the capability bits beside them say
//
// Source: PCI Express 5.0, 7.8.4, 7.7.8, 7.8.2, 10.5.1; names from linux/pci_regs.h

import type { Capability } from './capabilities.ts';
import { PCI_EXT_CAP_ID } from './capability-ids.ts';
import type { ConfigField } from './config-rules.ts';
import { readU16, readU32 } from './little-endian.ts';

const PCI_ERR_UNCOR_STATUS = 0x04;
const PCI_ERR_UNCOR_MASK = 0x08;
const PCI_ERR_UNCOR_SEVER = 0x0c;
const PCI_ERR_COR_STATUS = 0x10;
const PCI_ERR_COR_MASK = 0x14;
const PCI_ERR_CAP = 0x18;

const UNCORRECTABLE_V1 = 0x001f_f030;
/** Version 2 adds ACS violations, internal errors, multicast, AtomicOps, prefixes, poisoned TLPs. */
const UNCORRECTABLE_V2 = 0x07ff_f030;
const CORRECTABLE_V1 = 0x0000_31c1;
const CORRECTABLE_V2 = 0x0000_f1c1;
/** Data link, surprise down, flow control, receiver overflow, malformed packets; in version 2 internal errors as well. */
const SEVERITY_V1 = 0x0006_2030;
const INTERNAL_ERROR = 0x0040_0000;
/** Blocked prefixes and poisoned egress start masked on some devices and not on others. */
const MASK_OF_THE_DEVICE = 0x0600_0000;

function errorReporting(config: Uint8Array, { offset: at, version = 1 }: Capability): ConfigField[] {
  const isOld = version < 2;
  const uncorrectable = isOld ? UNCORRECTABLE_V1 : UNCORRECTABLE_V2;
  const correctable = isOld ? CORRECTABLE_V1 : CORRECTABLE_V2;
  const internal = isOld ? 0 : INTERNAL_ERROR;
  // A capability bit and its enable stand side by side: generation 5 and 6, checking 7 and 8, multiple headers 9 and 10.
  const enables = (readU32(config, at + PCI_ERR_CAP) & 0x2a0) << 1;
  const mask = internal | (readU32(config, at + PCI_ERR_UNCOR_MASK) & MASK_OF_THE_DEVICE & uncorrectable);
  return [
    { name: 'ERR_UNCOR_STATUS', offset: at + PCI_ERR_UNCOR_STATUS, bytes: 4, clears: uncorrectable, sticky: uncorrectable },
    { name: 'ERR_UNCOR_MASK', offset: at + PCI_ERR_UNCOR_MASK, bytes: 4, writable: uncorrectable, reset: mask, sticky: uncorrectable },
    { name: 'ERR_UNCOR_SEVER', offset: at + PCI_ERR_UNCOR_SEVER, bytes: 4, writable: uncorrectable, reset: SEVERITY_V1 | internal, sticky: uncorrectable },
    { name: 'ERR_COR_STATUS', offset: at + PCI_ERR_COR_STATUS, bytes: 4, clears: correctable, sticky: correctable },
    { name: 'ERR_COR_MASK', offset: at + PCI_ERR_COR_MASK, bytes: 4, writable: correctable, reset: isOld ? 0x2000 : 0xe000, sticky: correctable },
    { name: 'ERR_CAP', offset: at + PCI_ERR_CAP, bytes: 4, writable: enables, sticky: enables },
  ];
}

function accessControl(config: Uint8Array, { offset: at }: Capability): ConfigField[] {
  return [{ name: 'ACS_CTRL', offset: at + 6, bytes: 2, writable: readU16(config, at + 4) & 0x7f }];
}

/**
 * The registers of an extended capability that a guest may change.
 *
 * @example
 * extendedCapabilityFields(config, findExtendedCapability(config, PCI_EXT_CAP_ID.ERR)!).length; // 6
 */
export function extendedCapabilityFields(config: Uint8Array, capability: Capability): ConfigField[] {
  const at = capability.offset;
  switch (capability.id) {
    case PCI_EXT_CAP_ID.ERR:
      return errorReporting(config, capability);
    case PCI_EXT_CAP_ID.ACS:
      return accessControl(config, capability);
    case PCI_EXT_CAP_ID.ATS:
      return [{ name: 'ATS_CTRL', offset: at + 6, bytes: 2, writable: 0x801f }];
    case PCI_EXT_CAP_ID.LTR:
      return [4, 6].map((field) => ({ name: field === 4 ? 'LTR_MAX_SNOOP_LAT' : 'LTR_MAX_NOSNOOP_LAT', offset: at + field, bytes: 2, writable: 0x1fff }));
    default:
      return [];
  }
}
