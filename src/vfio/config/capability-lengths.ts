// How many bytes of configuration space vfio-pci gives a capability; 0 hides it. Behaviour text, section 4.5.
//
// Source: drivers/vfio/pci/vfio_pci_config.c pci_cap_length, vfio_cap_len, pci_ext_cap_length, vfio_ext_cap_len, vfio_vc_cap_len

import type { HardwareRegisters } from './hardware.ts';
import * as pci from './registers.ts';

type Length = number | ((hardware: HardwareRegisters, at: number) => number);

/** Port type of an endpoint that is a part of the root complex: without a link. */
const RC_END = 0x9;

function msi(hardware: HardwareRegisters, at: number): number {
  const flags = hardware.read(at + pci.PCI_MSI_FLAGS, 2);
  return 10 + ((flags & pci.PCI_MSI_FLAGS_64BIT) === 0 ? 0 : 4) + ((flags & pci.PCI_MSI_FLAGS_MASKBIT) === 0 ? 0 : 10);
}

function express(hardware: HardwareRegisters, at: number): number {
  const flags = hardware.read(at + pci.PCI_EXP_FLAGS, 2);
  const hasLink = ((flags >> 4) & 0xf) !== RC_END;
  if ((flags & 0xf) === 1) return hasLink ? 20 : 12;
  return hasLink ? 0x34 : 0x2c;
}

const STANDARD: Readonly<Record<number, Length>> = {
  [pci.PCI_CAP_ID_PM]: 8,
  [pci.PCI_CAP_ID_AGP]: 12,
  [pci.PCI_CAP_ID_VPD]: 8,
  [pci.PCI_CAP_ID_MSI]: msi,
  [pci.PCI_CAP_ID_PCIX]: (hardware, at) => (((hardware.read(at + 2, 2) >> 12) & 0x3) === 0 ? 8 : 24),
  [pci.PCI_CAP_ID_HT]: (hardware, at) => ((hardware.read(at + 3, 1) & 0xe0) === 0 ? 28 : 24),
  [pci.PCI_CAP_ID_VNDR]: (hardware, at) => hardware.read(at + 2, 1),
  [pci.PCI_CAP_ID_EXP]: express,
  [pci.PCI_CAP_ID_MSIX]: 12,
  [pci.PCI_CAP_ID_SATA]: (hardware, at) => ((hardware.read(at + 4, 1) & 0xf) === 0xf ? 16 : 8),
  [pci.PCI_CAP_ID_AF]: 6,
};

function virtualChannel(hardware: HardwareRegisters, at: number): number {
  const channels = 1 + (hardware.read(at + 4, 4) & 0x7);
  const arbitration = hardware.read(at + 8, 4);
  const length = 0x10 + 12 * channels;
  const phases = (arbitration & 8) !== 0 ? 128 : (arbitration & 4) !== 0 ? 64 : (arbitration & 2) !== 0 ? 32 : 0;
  // 4 bits a phase.
  return phases === 0 ? length : ((length + 15) & ~15) + phases / 2;
}

function accessControl(hardware: HardwareRegisters, at: number): number {
  if ((hardware.read(at + 4, 1) & 0x20) === 0) return 8;
  const bits = hardware.read(at + 5, 1);
  return 8 + (bits === 0 ? 256 : (bits + 31) & ~31) / 8;
}

function processingHints(hardware: HardwareRegisters, at: number): number {
  const capability = hardware.read(at + 4, 4);
  return (capability & 0x600) === 0x200 ? 12 + 2 * ((capability >> 16) & 0x7ff) + 2 : 12;
}

const lengthInHeader = (hardware: HardwareRegisters, at: number): number => hardware.read(at + 4, 4) >>> 20;

const EXTENDED: Readonly<Record<number, Length>> = {
  [pci.PCI_EXT_CAP_ID_ERR]: 0x2c,
  [pci.PCI_EXT_CAP_ID_VC]: virtualChannel,
  [pci.PCI_EXT_CAP_ID_DSN]: 12,
  [pci.PCI_EXT_CAP_ID_PWR]: 16,
  [pci.PCI_EXT_CAP_ID_MFVC]: virtualChannel,
  [pci.PCI_EXT_CAP_ID_VC9]: virtualChannel,
  [pci.PCI_EXT_CAP_ID_VNDR]: lengthInHeader,
  [pci.PCI_EXT_CAP_ID_ACS]: accessControl,
  [pci.PCI_EXT_CAP_ID_ARI]: 8,
  [pci.PCI_EXT_CAP_ID_ATS]: 8,
  [pci.PCI_EXT_CAP_ID_SRIOV]: 0x40,
  [pci.PCI_EXT_CAP_ID_MCAST]: 40,
  [pci.PCI_EXT_CAP_ID_PRI]: 16,
  [pci.PCI_EXT_CAP_ID_REBAR]: (hardware, at) => 4 + 8 * ((hardware.read(at + 8, 1) >> 5) & 0x7),
  [pci.PCI_EXT_CAP_ID_DPA]: (hardware, at) => 17 + (hardware.read(at + 4, 1) & 0x1f),
  [pci.PCI_EXT_CAP_ID_TPH]: processingHints,
  [pci.PCI_EXT_CAP_ID_LTR]: 8,
  [pci.PCI_EXT_CAP_ID_DVSEC]: lengthInHeader,
};

function lengthIn(table: Readonly<Record<number, Length>>, id: number, hardware: HardwareRegisters, at: number): number {
  const length = table[id] ?? 0;
  return typeof length === 'number' ? length : length(hardware, at);
}

/** Bytes of a standard capability; 0 for one that is hidden. */
export const standardLength = (id: number, hardware: HardwareRegisters, at: number): number => lengthIn(STANDARD, id, hardware, at);

/** Bytes of an extended capability; 0 for one that is hidden. */
export const extendedLength = (id: number, hardware: HardwareRegisters, at: number): number => lengthIn(EXTENDED, id, hardware, at);
