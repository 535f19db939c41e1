// What a write to configuration space sets off besides the bits that it changes. Behaviour text, section 4.5, below the table.
//
//   COMMAND +0   MEM 0 -> BARs are zapped; MEM, IO -> shadow; a reset behind VFIO's back -> BARs restored; bit 10 -> INTx masked or not
//   PM +4        the power state; D3hot zaps, and registers that leaving it resets are restored
//   EXP +8       FLR -> reset of the function, registers as before; MRRS -> the register, not below the register's MPS
//   AF +4        FLR
//   VPD +3       four bytes to or from the device's product data
//   MSI +2       ENABLE only while MSI is on by SET_IRQS; no more messages than it has allocated
//
// Source: drivers/vfio/pci/vfio_pci_config.c vfio_basic_config_write, vfio_pm_config_write, vfio_exp_config_write, vfio_af_config_write, vfio_vpd_config_write,
// vfio_msi_config_write; vfio_pci_core.c vfio_pci_set_power_state

import { askModel } from '../model-error.ts';
import type { ConfigMap } from './config-map.ts';
import type { ConfigHardware, HardwareRegisters } from './hardware.ts';
import * as pci from './registers.ts';
import { isBar } from './shadow-bars.ts';
import type { ShadowBars } from './shadow-bars.ts';

/** What the device does for its configuration space. */
export interface ConfigOwner {
  /** Takes all pages of the BARs out of mappings. */
  zap(why: string): void;
  /** COMMAND.INTX_DISABLE of the shadow has changed. */
  intxDisableChanged(): void;
  /** Whether SET_IRQS has MSI on, and log2 of the messages that it has ever allocated. */
  msi(): { readonly isActive: boolean; readonly log2: number };
  /** Resets the function, and leaves its registers as they were; undefined when it cannot be reset. */
  readonly resetFunction: (() => void) | undefined;
}

/** A write: its bytes, and where in which standard capability (0 the header, -1 an extended one). */
interface ConfigWrite {
  readonly at: number;
  readonly width: number;
  readonly offset: number;
  readonly value: number;
  readonly standard: number;
}

interface Parts {
  readonly hardware: HardwareRegisters;
  readonly map: ConfigMap;
  readonly bars: ShadowBars;
  readonly options: ConfigHardware;
  readonly owner: ConfigOwner;
  /** Remembers the registers; returns what puts them back. */
  readonly save: () => () => void;
}

const D3HOT = 3;
const MEM_AND_IO = pci.PCI_COMMAND_MEMORY | pci.PCI_COMMAND_IO;
const nothing = (): void => undefined;

/** The effects of one open device. */
export class ConfigEffects {
  private readonly parts: Parts;
  private readonly view: DataView;
  private readonly power: number | undefined;
  /** Whether leaving D3hot resets the registers. */
  private readonly losesState: boolean;
  private restorePower: (() => void) | undefined;
  private intxDisabled = false;
  private readonly late: unknown[] = [];

  constructor(parts: Parts) {
    const { hardware, map } = parts;
    this.parts = parts;
    this.view = new DataView(map.shadow.buffer);
    this.power = map.standard.get(pci.PCI_CAP_ID_PM);
    this.losesState = this.power !== undefined && (hardware.read(this.power + pci.PCI_PM_CTRL, 2) & pci.PCI_PM_CTRL_NO_SOFT_RESET) === 0;
    this.intxDisabled = this.wantsIntxDisabled();
  }

  private get command(): number {
    return this.view.getUint16(pci.PCI_COMMAND, true);
  }

  private wantsIntxDisabled(): boolean {
    return (this.command & pci.PCI_COMMAND_INTX_DISABLE) !== 0;
  }

  /** COMMAND.INTX_DISABLE as the user has it. */
  get isIntxDisabled(): boolean {
    return this.intxDisabled;
  }

  /** The power state now, 0 (D0) to 3 (D3hot). */
  get powerState(): number {
    const { powerState } = this.parts.options;
    if (powerState !== undefined) return askModel(powerState);
    return this.power === undefined ? 0 : this.parts.hardware.read(this.power + pci.PCI_PM_CTRL, 1) & pci.PCI_PM_CTRL_STATE_MASK;
  }

  /** The memory gate: MEM of the shadow, and not D3hot. A virtual function has no MEM bit to close. */
  get memoryEnabled(): boolean {
    return this.powerState < D3HOT && (this.parts.options.virtualFunction !== undefined || (this.command & pci.PCI_COMMAND_MEMORY) !== 0);
  }

  /** Pages go, and what was written takes effect, whatever those say who are told of it. */
  private zap(why: string): void {
    try {
      this.parts.owner.zap(why);
    } catch (error) {
      this.late.push(error);
    }
  }

  /** A write is over. Throws what was thrown while pages went. */
  finish(): void {
    const late = this.late.splice(0);
    if (late.length > 0) throw late[0];
  }

  /** Takes a write that is about to change bits. Returns what is to follow it. */
  before(write: ConfigWrite): () => void {
    switch (write.standard) {
      case 0:
        return this.header(write);
      case pci.PCI_CAP_ID_PM:
        return write.offset === pci.PCI_PM_CTRL ? () => this.setPowerState(write.value & pci.PCI_PM_CTRL_STATE_MASK) : nothing;
      case pci.PCI_CAP_ID_EXP:
        return this.express(write);
      case pci.PCI_CAP_ID_AF:
        return () => this.advancedFeatures(write.at - write.offset);
      case pci.PCI_CAP_ID_VPD:
        return write.offset <= pci.PCI_VPD_ADDR + 1 && write.offset + write.width > pci.PCI_VPD_ADDR + 1 ? () => this.productData(write.at - write.offset) : nothing;
      case pci.PCI_CAP_ID_MSI:
        // From the byte before on, as vfio-pci compares: there the bits only get what they have.
        return write.offset <= pci.PCI_MSI_FLAGS && write.offset + write.width >= pci.PCI_MSI_FLAGS ? () => this.messages(write.at - write.offset) : nothing;
      default:
        return nothing;
    }
  }

  private header({ offset, value }: ConfigWrite): () => void {
    if (offset === pci.PCI_COMMAND) this.beforeCommand(value);
    return () => {
      if (offset === pci.PCI_COMMAND) this.view.setUint16(pci.PCI_COMMAND, (this.command & ~MEM_AND_IO) | (value & MEM_AND_IO), true);
      if (offset === pci.PCI_COMMAND || offset === pci.PCI_COMMAND + 1) this.followIntxDisable();
      if (isBar(offset)) this.parts.bars.written();
    };
  }

  private beforeCommand(value: number): void {
    const { hardware, bars, options } = this.parts;
    if ((value & pci.PCI_COMMAND_MEMORY) === 0) this.zap('COMMAND.MEM was cleared');
    const [physical, virtual] = [hardware.read(pci.PCI_COMMAND, 2), this.command];
    const isVirtualFunction = options.virtualFunction !== undefined;
    // Turned on anew, on in the shadow, and off in the register: somebody has reset the function.
    const lost = value & virtual & ~physical & (isVirtualFunction ? pci.PCI_COMMAND_IO : MEM_AND_IO);
    if (!isVirtualFunction && (lost !== 0 || bars.needRestore())) bars.restore();
  }

  private followIntxDisable(): void {
    const now = this.wantsIntxDisabled();
    if (now === this.intxDisabled) return;
    this.intxDisabled = now;
    this.parts.owner.intxDisableChanged();
  }

  /** Moves the function to D0..D3hot. A state that it does not have is left out. */
  setPowerState(state: number): void {
    const { hardware, save } = this.parts;
    if (this.power === undefined) return;
    if (state >= D3HOT) this.zap('the device went to D3hot');
    const before = this.powerState;
    if (state === before) return;
    const restore = this.losesState && before < D3HOT && state >= D3HOT ? save() : undefined;
    const at = this.power + pci.PCI_PM_CTRL;
    hardware.write(at, 2, (hardware.read(at, 2) & ~pci.PCI_PM_CTRL_STATE_MASK) | state);
    if (this.powerState !== state) return;
    if (restore !== undefined) this.restorePower = restore;
    if (before >= D3HOT && state === 0) {
      this.restorePower?.();
      this.restorePower = undefined;
    }
  }

  private express({ at, offset }: ConfigWrite): () => void {
    const start = at - offset;
    const control = (): number => this.view.getUint16(start + pci.PCI_EXP_DEVCTL, true);
    const before = control() & pci.PCI_EXP_DEVCTL_READRQ;
    return () => {
      const { hardware } = this.parts;
      if ((control() & pci.PCI_EXP_DEVCTL_BCR_FLR) !== 0) {
        this.view.setUint16(start + pci.PCI_EXP_DEVCTL, control() & ~pci.PCI_EXP_DEVCTL_BCR_FLR, true);
        if ((hardware.read(start + pci.PCI_EXP_DEVCAP, 4) & pci.PCI_EXP_DEVCAP_FLR) !== 0) this.functionLevelReset();
      }
      const asked = control() & pci.PCI_EXP_DEVCTL_READRQ;
      if (asked !== before) this.setReadRequest(start + pci.PCI_EXP_DEVCTL, asked >> 12);
    };
  }

  /** Sizes are 128 bytes to the power of two; 0 to 5 are sizes of reads. */
  private setReadRequest(at: number, asked: number): void {
    const { hardware } = this.parts;
    const control = hardware.read(at, 2);
    const size = Math.max(asked, (control & pci.PCI_EXP_DEVCTL_PAYLOAD) >> 5);
    if (size <= 5) hardware.write(at, 2, (control & ~pci.PCI_EXP_DEVCTL_READRQ) | (size << 12));
  }

  private advancedFeatures(start: number): void {
    const at = start + pci.PCI_AF_CTRL;
    if ((this.view.getUint8(at) & pci.PCI_AF_CTRL_FLR) === 0) return;
    this.view.setUint8(at, this.view.getUint8(at) & ~pci.PCI_AF_CTRL_FLR);
    if ((this.parts.hardware.read(start + pci.PCI_AF_CAP, 1) & pci.PCI_AF_CAP_TP_FLR) === pci.PCI_AF_CAP_TP_FLR) this.functionLevelReset();
  }

  private functionLevelReset(): void {
    this.zap('the function was reset');
    this.parts.owner.resetFunction?.();
  }

  private productData(start: number): void {
    const { vpd } = this.parts.options;
    const register = this.view.getUint16(start + pci.PCI_VPD_ADDR, true);
    const address = register & ~pci.PCI_VPD_ADDR_F;
    if ((register & pci.PCI_VPD_ADDR_F) !== 0) {
      const data = this.view.getUint32(start + pci.PCI_VPD_DATA, true);
      if (!askModel(() => vpd?.write(address, data) === true)) return;
    } else {
      const data = askModel(() => vpd?.read(address));
      if (data === undefined) return;
      this.view.setUint32(start + pci.PCI_VPD_DATA, data, true);
    }
    this.view.setUint16(start + pci.PCI_VPD_ADDR, register ^ pci.PCI_VPD_ADDR_F, true);
  }

  private messages(start: number): void {
    const { isActive, log2 } = this.parts.owner.msi();
    const at = start + pci.PCI_MSI_FLAGS;
    let flags = this.view.getUint16(at, true);
    if (!isActive) flags &= ~pci.PCI_MSI_FLAGS_ENABLE;
    if ((flags & pci.PCI_MSI_FLAGS_QSIZE) >> 4 > log2) flags = (flags & ~pci.PCI_MSI_FLAGS_QSIZE) | (log2 << 4);
    this.view.setUint16(at, flags, true);
    this.parts.hardware.write(at, 2, flags);
  }
}
