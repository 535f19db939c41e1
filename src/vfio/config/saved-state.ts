// What the host's PCI layer keeps over a reset of a function, so that its owner finds it configured as before.
//
//   save --- reset ---> control registers of capabilities --> header, from its end to COMMAND --> MSI and MSI-X
//
// Source: drivers/pci/pci.c pci_save_state, pci_restore_state

import type { ConfigMap } from './config-map.ts';
import type { ConfigWidth, HardwareRegisters } from './hardware.ts';
import * as pci from './registers.ts';

type Place = readonly [at: number, width: ConfigWidth];

const RC_END = 0x9;

function express(hardware: HardwareRegisters, at: number): Place[] {
  const flags = hardware.read(at + pci.PCI_EXP_FLAGS, 2);
  const hasLink = ((flags >> 4) & 0xf) !== RC_END;
  const registers = [pci.PCI_EXP_DEVCTL, ...(hasLink ? [pci.PCI_EXP_LNKCTL] : [])];
  if ((flags & 0xf) >= 2) registers.push(pci.PCI_EXP_DEVCTL2, ...(hasLink ? [pci.PCI_EXP_LNKCTL2] : []));
  return registers.map((register): Place => [at + register, 2]);
}

function places(hardware: HardwareRegisters, { standard, extended }: ConfigMap): Place[] {
  const found: Place[] = [];
  const at = (list: ReadonlyMap<number, number>, id: number, registers: (start: number) => readonly Place[]): void => {
    const start = list.get(id);
    if (start !== undefined) found.push(...registers(start));
  };
  at(extended, pci.PCI_EXT_CAP_ID_LTR, (start) => [[start + 4, 4]]);
  at(standard, pci.PCI_CAP_ID_EXP, (start) => express(hardware, start));
  at(standard, pci.PCI_CAP_ID_PCIX, (start) => [[start + 2, 2]]);
  at(extended, pci.PCI_EXT_CAP_ID_ERR, (start) => [pci.PCI_ERR_UNCOR_MASK, pci.PCI_ERR_UNCOR_SEVER, pci.PCI_ERR_COR_MASK, pci.PCI_ERR_CAP].map((register): Place => [start + register, 4]));
  for (let dword = pci.PCI_STD_HEADER_SIZEOF - 4; dword >= 0; dword -= 4) found.push([dword, 4]);
  at(standard, pci.PCI_CAP_ID_MSI, (start) => [[start + pci.PCI_MSI_FLAGS, 2]]);
  at(standard, pci.PCI_CAP_ID_MSIX, (start) => [[start + pci.PCI_MSIX_FLAGS, 2]]);
  return found;
}

/** Remembers a function's registers. Returns what puts them back; a register that holds what it held is not written. */
export function saveState(hardware: HardwareRegisters, map: ConfigMap): () => void {
  const saved = places(hardware, map).map(([at, width]) => ({ at, width, value: hardware.read(at, width) }));
  return () => {
    for (const { at, width, value } of saved) if (hardware.read(at, width) !== value) hardware.write(at, width, value);
  };
}
