// Capability numbers and the words lspci uses for them: one table per list.
//
// Source: linux/pci_regs.h for numbers and constant names; PCI Code and ID Assignment Specification 1.15 for the meaning.

/** `name` in print; `least` is the number of bytes that every capability of this id has, from its first byte. */
export interface CapabilityIdInfo {
  /** The constant in linux/pci_regs.h without its PCI_CAP_ID_ or PCI_EXT_CAP_ID_ prefix. */
  constant: string;
  name: string;
  least: number;
}

const info = (constant: string, name: string, least: number): CapabilityIdInfo => ({ constant, name, least });

/** Ids of the standard list, by the names of linux/pci_regs.h (PCI_CAP_ID_*). */
export const PCI_CAP_ID = {
  NULL: 0x00, PM: 0x01, AGP: 0x02, VPD: 0x03, SLOTID: 0x04, MSI: 0x05, CHSWP: 0x06, PCIX: 0x07, HT: 0x08, VNDR: 0x09, DBG: 0x0a,
  CCRC: 0x0b, SHPC: 0x0c, SSVID: 0x0d, AGP3: 0x0e, SECDEV: 0x0f, EXP: 0x10, MSIX: 0x11, SATA: 0x12, AF: 0x13, EA: 0x14,
} as const;

/** Ids of the extended list, by the names of linux/pci_regs.h (PCI_EXT_CAP_ID_*). */
export const PCI_EXT_CAP_ID = {
  NULL: 0x00, ERR: 0x01, VC: 0x02, DSN: 0x03, PWR: 0x04, RCLD: 0x05, RCILC: 0x06, RCEC: 0x07, MFVC: 0x08, VC9: 0x09, RCRB: 0x0a,
  VNDR: 0x0b, CAC: 0x0c, ACS: 0x0d, ARI: 0x0e, ATS: 0x0f, SRIOV: 0x10, MRIOV: 0x11, MCAST: 0x12, PRI: 0x13, AMD_XXX: 0x14,
  REBAR: 0x15, DPA: 0x16, TPH: 0x17, LTR: 0x18, SECPCI: 0x19, PMUX: 0x1a, PASID: 0x1b, LNR: 0x1c, DPC: 0x1d, L1SS: 0x1e, PTM: 0x1f,
  MPCIE: 0x20, FRS: 0x21, RTR: 0x22, DVSEC: 0x23, VF_REBAR: 0x24, DLF: 0x25, PL_16GT: 0x26, LMR: 0x27, HID: 0x28, NPEM: 0x29,
  PL_32GT: 0x2a, AP: 0x2b, SFI: 0x2c, SF: 0x2d, DOE: 0x2e, DEV3: 0x2f, IDE: 0x30, PL_64GT: 0x31,
} as const;

const STANDARD: Record<number, CapabilityIdInfo> = {
  0x00: info('NULL', 'Null', 2),
  0x01: info('PM', 'Power Management', 8),
  0x02: info('AGP', 'AGP', 12),
  0x03: info('VPD', 'Vital Product Data', 8),
  0x04: info('SLOTID', 'Slot ID', 4),
  0x05: info('MSI', 'MSI', 10),
  0x06: info('CHSWP', 'CompactPCI hot-swap', 4),
  0x07: info('PCIX', 'PCI-X', 8),
  0x08: info('HT', 'HyperTransport', 4),
  0x09: info('VNDR', 'Vendor Specific Information', 3),
  0x0a: info('DBG', 'Debug port', 4),
  0x0b: info('CCRC', 'CompactPCI central resource control', 2),
  0x0c: info('SHPC', 'Hot-plug capable', 8),
  0x0d: info('SSVID', 'Subsystem', 8),
  0x0e: info('AGP3', 'AGP3', 12),
  0x0f: info('SECDEV', 'Secure device', 4),
  0x10: info('EXP', 'Express', 12),
  0x11: info('MSIX', 'MSI-X', 12),
  0x12: info('SATA', 'SATA HBA', 8),
  0x13: info('AF', 'PCI Advanced Features', 6),
  0x14: info('EA', 'Enhanced Allocation (EA)', 4),
};

const EXTENDED: Record<number, CapabilityIdInfo> = {
  0x00: info('NULL', 'Null', 4),
  0x01: info('ERR', 'Advanced Error Reporting', 44),
  0x02: info('VC', 'Virtual Channel', 28),
  0x03: info('DSN', 'Device Serial Number', 12),
  0x04: info('PWR', 'Power Budgeting', 16),
  0x05: info('RCLD', 'Root Complex Link', 16),
  0x06: info('RCILC', 'Root Complex Internal Link', 12),
  0x07: info('RCEC', 'Root Complex Event Collector', 8),
  0x08: info('MFVC', 'Multi-Function Virtual Channel', 28),
  0x09: info('VC9', 'Virtual Channel', 28),
  0x0a: info('RCRB', 'Root Complex Register Block', 20),
  0x0b: info('VNDR', 'Vendor Specific Information', 8),
  0x0c: info('CAC', 'Config Access Correlation', 8),
  0x0d: info('ACS', 'Access Control Services', 8),
  0x0e: info('ARI', 'Alternative Routing-ID Interpretation (ARI)', 8),
  0x0f: info('ATS', 'Address Translation Service (ATS)', 8),
  0x10: info('SRIOV', 'Single Root I/O Virtualization (SR-IOV)', 64),
  0x11: info('MRIOV', 'Multi-Root I/O Virtualization (MR-IOV)', 4),
  0x12: info('MCAST', 'Multicast', 40),
  0x13: info('PRI', 'Page Request Interface (PRI)', 16),
  0x14: info('AMD_XXX', 'AMD Reserved', 4),
  0x15: info('REBAR', 'Physical Resizable BAR', 12),
  0x16: info('DPA', 'Dynamic Power Allocation', 16),
  0x17: info('TPH', 'Transaction Processing Hints', 12),
  0x18: info('LTR', 'Latency Tolerance Reporting', 8),
  0x19: info('SECPCI', 'Secondary PCI Express', 12),
  0x1a: info('PMUX', 'Protocol Multiplexing', 16),
  0x1b: info('PASID', 'Process Address Space ID (PASID)', 8),
  0x1c: info('LNR', 'LN Requester', 8),
  0x1d: info('DPC', 'Downstream Port Containment', 16),
  0x1e: info('L1SS', 'L1 PM Substates', 16),
  0x1f: info('PTM', 'Precision Time Measurement', 12),
  0x20: info('MPCIE', 'PCI Express over M_PHY', 4),
  0x21: info('FRS', 'FRS Queueing', 16),
  0x22: info('RTR', 'Readiness Time Reporting', 12),
  0x23: info('DVSEC', 'Designated Vendor-Specific', 10),
  0x24: info('VF_REBAR', 'VF Resizable BAR', 12),
  0x25: info('DLF', 'Data Link Feature', 12),
  0x26: info('PL_16GT', 'Physical Layer 16.0 GT/s', 32),
  0x27: info('LMR', 'Lane Margining at the Receiver', 8),
  0x28: info('HID', 'Hierarchy ID', 16),
  0x29: info('NPEM', 'Native PCIe Enclosure Management', 16),
  0x2a: info('PL_32GT', 'Physical Layer 32.0 GT/s', 32),
  0x2b: info('AP', 'Alternate Protocol', 16),
  0x2c: info('SFI', 'System Firmware Intermediary', 16),
  0x2d: info('SF', 'Shadow Functions', 4),
  0x2e: info('DOE', 'Data Object Exchange', 24),
  0x2f: info('DEV3', 'Device 3', 16),
  0x30: info('IDE', 'Integrity & Data Encryption', 12),
  0x31: info('PL_64GT', 'Physical Layer 64.0 GT/s', 16),
};

/**
 * What is known of a capability id.
 *
 * @param list which of the two lists the id is from: the same number means different things in each.
 * @returns `null` for an id without an assigned meaning here.
 * @example
 * capabilityIdInfo('standard', 0x11)?.name; // 'MSI-X'
 */
export function capabilityIdInfo(list: 'standard' | 'extended', id: number): CapabilityIdInfo | null {
  return (list === 'standard' ? STANDARD : EXTENDED)[id] ?? null;
}
