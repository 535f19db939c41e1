// What the host does with a function's registers before its first user has it, and after the last one. Behaviour text, section 7.4.
//
//   first open   D0, MASTER off, MEM and IO on --> reset --> what they hold is saved --> the shadow is made of it
//   last close   D0, MASTER off --> the shadow goes --> COMMAND: INTX_DISABLE alone --> reset --> what was saved; MASTER off
//
// Source: drivers/vfio/pci/vfio_pci_core.c vfio_pci_core_enable, vfio_pci_core_disable

import { makeConfigMap } from './config-map.ts';
import type { HardwareRegisters } from './hardware.ts';
import * as pci from './registers.ts';
import { saveState } from './saved-state.ts';

/** The registers of one function, from its first open to its last close. */
export class HostRegisters {
  private readonly hardware: HardwareRegisters;
  private readonly decodes: number;
  private restore: (() => void) | undefined;

  /** @param decodes COMMAND_MEMORY, COMMAND_IO or both: kinds of BARs that the function has. */
  constructor(hardware: HardwareRegisters, decodes: number) {
    this.hardware = hardware;
    this.decodes = decodes;
  }

  /** The function answers what its BARs decode, and starts nothing. */
  enable(): void {
    const { hardware } = this;
    const power = makeConfigMap(hardware).standard.get(pci.PCI_CAP_ID_PM);
    const control = power === undefined ? 0 : hardware.read(power + pci.PCI_PM_CTRL, 2);
    if ((control & pci.PCI_PM_CTRL_STATE_MASK) !== 0) hardware.write(power! + pci.PCI_PM_CTRL, 2, control & ~pci.PCI_PM_CTRL_STATE_MASK);
    this.setCommand(pci.PCI_COMMAND_MASTER, this.decodes);
  }

  /** Remembers what the registers hold. */
  save(): void {
    this.restore = saveState(this.hardware, makeConfigMap(this.hardware));
  }

  /** It starts nothing any more. */
  stop(): void {
    this.setCommand(pci.PCI_COMMAND_MASTER, 0);
  }

  /** Runs a reset, or nothing, with the function cut off, and puts back what was remembered. */
  giveBack(reset: () => void): void {
    if (this.hardware.isGone) return;
    this.hardware.write(pci.PCI_COMMAND, 2, pci.PCI_COMMAND_INTX_DISABLE);
    try {
      reset();
    } finally {
      this.restore?.();
      this.stop();
    }
  }

  private setCommand(off: number, on: number): void {
    const before = this.hardware.read(pci.PCI_COMMAND, 2);
    const after = (before & ~off) | on;
    if (after !== before) this.hardware.write(pci.PCI_COMMAND, 2, after);
  }
}
