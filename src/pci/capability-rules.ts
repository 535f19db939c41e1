// Which bits of the standard capabilities a guest may write: power management, MSI, Express, MSI-X, AF. All others are read-only.
//
// Nothing here has a fixed mask where the capability says itself what it implements: MSI's layout and masks follow its control word, Express' control
// registers follow its capability words, PME follows PMC.
//
// Source: PCI Power Management 1.2, 3.2; PCI Local Bus 3.0, 6.8; PCI Express 5.0, 7.5.3; Advanced Capabilities ECN (AF); names from linux/pci_regs.h

import type { Capability } from './capabilities.ts';
import { PCI_CAP_ID } from './capability-ids.ts';
import type { ConfigField } from './config-rules.ts';
import { PCI_CFG_SPACE_SIZE } from './config-space.ts';
import { readU16, readU32 } from './little-endian.ts';
import { PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, PCI_MSIX_FLAGS_MASKALL } from './msix.ts';

/** Offset of the power management capabilities, 2 bytes. */
export const PCI_PM_PMC = 2;
/** PMC: D1 is supported. */
export const PCI_PM_CAP_D1 = 0x0200;
/** PMC: D2 is supported. */
export const PCI_PM_CAP_D2 = 0x0400;
/** PMC: states from which PME can be signalled. */
export const PCI_PM_CAP_PME_MASK = 0xf800;
/** Offset of the power management control and status, 2 bytes. */
export const PCI_PM_CTRL = 4;
/** PM control: D0 to D3hot. */
export const PCI_PM_CTRL_STATE_MASK = 0x3;
/** PM control: leaving D3hot does not reset. */
export const PCI_PM_CTRL_NO_SOFT_RESET = 0x8;
/** PM control: PME enabled. */
export const PCI_PM_CTRL_PME_ENABLE = 0x100;
/** PM control: PME asserted; a one clears it. */
export const PCI_PM_CTRL_PME_STATUS = 0x8000;

/** Offset of MSI's message control, 2 bytes. */
export const PCI_MSI_FLAGS = 2;
/** MSI control: in use. */
export const PCI_MSI_FLAGS_ENABLE = 0x1;
/** MSI control: log2 of the messages that there are. */
export const PCI_MSI_FLAGS_QMASK = 0xe;
/** MSI control: log2 of the messages in use. */
export const PCI_MSI_FLAGS_QSIZE = 0x70;
/** MSI control: addresses have 64 bits. */
export const PCI_MSI_FLAGS_64BIT = 0x80;
/** MSI control: each message has a mask and a pending bit. */
export const PCI_MSI_FLAGS_MASKBIT = 0x100;
/** Offset of the message address, 4 bytes (its upper half at 8 with 64 bits). */
export const PCI_MSI_ADDRESS_LO = 4;

/** Offset of the device capabilities, 4 bytes. */
export const PCI_EXP_DEVCAP = 4;
/** Device capabilities: a function-level reset is there. */
export const PCI_EXP_DEVCAP_FLR = 0x1000_0000;
/** Offset of device control, 2 bytes; device status follows. */
export const PCI_EXP_DEVCTL = 8;
/** Device control: start a function-level reset; reads 0. */
export const PCI_EXP_DEVCTL_BCR_FLR = 0x8000;
const PCI_EXP_DEVSTA = 10;
const PCI_EXP_LNKCAP = 12;
const PCI_EXP_LNKCAP_SLS = 0xf;
const PCI_EXP_LNKCAP_CLKPM = 0x0004_0000;
const PCI_EXP_LNKCTL = 0x10;
const PCI_EXP_DEVCAP2 = 0x24;
const PCI_EXP_DEVCTL2 = 0x28;
const PCI_EXP_LNKCTL2 = 0x30;

/** Offset of the AF capabilities, 1 byte. */
export const PCI_AF_CAP = 3;
/** AF capabilities: transactions-pending bit and FLR are there. */
export const PCI_AF_CAP_TP_FLR = 0x3;
/** Offset of AF control, 1 byte. */
export const PCI_AF_CTRL = 4;
/** AF control: start a function-level reset; reads 0. */
export const PCI_AF_CTRL_FLR = 0x1;

type Rules = (config: Uint8Array, at: number) => ConfigField[];

function powerManagement(config: Uint8Array, at: number): ConfigField[] {
  const hasPme = (readU16(config, at + PCI_PM_PMC) & PCI_PM_CAP_PME_MASK) !== 0;
  const pme = hasPme ? PCI_PM_CTRL_PME_ENABLE : 0;
  const status = hasPme ? PCI_PM_CTRL_PME_STATUS : 0;
  return [{ name: 'PM_CTRL', offset: at + PCI_PM_CTRL, bytes: 2, writable: PCI_PM_CTRL_STATE_MASK | pme, clears: status, sticky: pme | status }];
}

/** Where MSI's registers lie: they move with the width of the address. */
export interface MsiLayout {
  readonly is64Bit: boolean;
  /** log2 of the messages, 0..5. */
  readonly log2Count: number;
  readonly data: number;
  /** Offsets of the 32 mask and 32 pending bits; null without per-vector masking. */
  readonly mask: number | null;
  readonly pending: number | null;
}

/**
 * The layout of the MSI capability at `at`.
 *
 * @throws RangeError for a message count that is reserved (64 or 128), or a layout that passes the 256 bytes of standard capabilities.
 */
export function msiLayout(config: Uint8Array, at: number): MsiLayout {
  const flags = readU16(config, at + PCI_MSI_FLAGS);
  const is64Bit = (flags & PCI_MSI_FLAGS_64BIT) !== 0;
  const log2Count = (flags & PCI_MSI_FLAGS_QMASK) >> 1;
  if (log2Count > 5) throw new RangeError(`MSI at 0x${at.toString(16)} asks for 2^${log2Count} messages; the bound is 2^5`);
  const data = at + (is64Bit ? 12 : 8);
  const masks = (flags & PCI_MSI_FLAGS_MASKBIT) !== 0;
  const end = masks ? data + 12 : data + 2;
  if (end > PCI_CFG_SPACE_SIZE) throw new RangeError(`MSI at 0x${at.toString(16)} ends at 0x${end.toString(16)}; the bound is 0x${PCI_CFG_SPACE_SIZE.toString(16)}`);
  return { is64Bit, log2Count, data, mask: masks ? data + 4 : null, pending: masks ? data + 8 : null };
}

function msi(config: Uint8Array, at: number): ConfigField[] {
  const { is64Bit, log2Count, data, mask } = msiLayout(config, at);
  const fields: ConfigField[] = [
    { name: 'MSI_FLAGS', offset: at + PCI_MSI_FLAGS, bytes: 2, writable: PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE },
    { name: 'MSI_ADDRESS_LO', offset: at + PCI_MSI_ADDRESS_LO, bytes: 4, writable: 0xffff_fffc },
    { name: 'MSI_DATA', offset: data, bytes: 2, writable: 0xffff },
  ];
  if (is64Bit) fields.push({ name: 'MSI_ADDRESS_HI', offset: at + PCI_MSI_ADDRESS_LO + 4, bytes: 4, writable: 0xffff_ffff });
  if (mask !== null) fields.push({ name: 'MSI_MASK', offset: mask, bytes: 4, writable: 2 ** 2 ** log2Count - 1 });
  return fields;
}

const msix: Rules = (_, at) => [{ name: 'MSIX_FLAGS', offset: at + PCI_MSIX_FLAGS, bytes: 2, writable: PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL }];

/** Port types without a link of their own: a root complex' integrated endpoint and its event collector. */
const INTEGRATED = [0x9, 0xa];

function express(config: Uint8Array, at: number): ConfigField[] {
  const flags = readU16(config, at + 2);
  const version = flags & 0xf;
  const isIntegrated = INTEGRATED.includes((flags >> 4) & 0xf);
  const devcap = readU32(config, at + PCI_EXP_DEVCAP);
  const fields: ConfigField[] = [{ name: 'EXP_DEVSTA', offset: at + PCI_EXP_DEVSTA, bytes: 2, clears: 0x000f }];
  // What device control sets is about packets on a link. Without a link it may be hardwired to 0, and is: the recorded guests write it and read 0.
  if (!isIntegrated) {
    const extendedTag = (devcap & 0x20) !== 0 ? 0x0100 : 0;
    const phantom = (devcap & 0x18) !== 0 ? 0x0200 : 0;
    const writable = 0x000f | 0x0010 | 0x00e0 | extendedTag | phantom | 0x0800 | 0x7000;
    // A function-level reset leaves what belongs to the link: payload size, auxiliary power, link control.
    fields.push({ name: 'EXP_DEVCTL', offset: at + PCI_EXP_DEVCTL, bytes: 2, writable: writable | 0x0400, reset: 0x2810, sticky: 0x04e0 });
    const clock = (readU32(config, at + PCI_EXP_LNKCAP) & PCI_EXP_LNKCAP_CLKPM) !== 0 ? 0x0100 : 0;
    fields.push({ name: 'EXP_LNKCTL', offset: at + PCI_EXP_LNKCTL, bytes: 2, writable: 0x00cb | clock, sticky: 0x00cb | clock });
  }
  if (version >= 2) {
    const devcap2 = readU32(config, at + PCI_EXP_DEVCAP2);
    const timeout = ((devcap2 & 0x0f) !== 0 ? 0x000f : 0) | (devcap2 & 0x0010);
    const atomics = (devcap2 & 0x0380) !== 0 ? 0x0040 : 0;
    const ltr = (devcap2 & 0x0800) !== 0 ? 0x0400 : 0;
    const tags = (devcap2 & 0x0002_0000) !== 0 ? 0x1000 : 0;
    const obff = (devcap2 & 0x000c_0000) !== 0 ? 0x6000 : 0;
    fields.push({ name: 'EXP_DEVCTL2', offset: at + PCI_EXP_DEVCTL2, bytes: 2, writable: timeout | atomics | ltr | tags | obff });
    // The target speed starts as the highest. A link of one speed has none to choose and nothing to comply with: hardwired.
    const speed = readU32(config, at + PCI_EXP_LNKCAP) & PCI_EXP_LNKCAP_SLS;
    if (!isIntegrated && speed > 1) fields.push({ name: 'EXP_LNKCTL2', offset: at + PCI_EXP_LNKCTL2, bytes: 2, writable: 0xffbf, reset: speed, sticky: 0xffbf });
  }
  return fields;
}

const none: Rules = () => [];
const RULES: Readonly<Record<number, Rules>> = {
  [PCI_CAP_ID.PM]: powerManagement,
  [PCI_CAP_ID.MSI]: msi,
  [PCI_CAP_ID.MSIX]: msix,
  [PCI_CAP_ID.EXP]: express,
};

/**
 * The registers of a standard capability that a guest may change. FLR bits are not among them: they start something and always read 0.
 *
 * @throws RangeError for an MSI capability that asks for more than 32 messages, or ends beyond the standard capabilities' area.
 */
export function standardCapabilityFields(config: Uint8Array, capability: Capability): ConfigField[] {
  const fields = (RULES[capability.id] ?? none)(config, capability.offset);
  // What an optional part would have beyond the standard capabilities' area is not there.
  return fields.filter(({ offset, bytes }) => offset + bytes <= PCI_CFG_SPACE_SIZE);
}
