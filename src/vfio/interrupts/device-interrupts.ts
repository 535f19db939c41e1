// The interrupts of one device as its users set them up: at most one of INTx, MSI and MSI-X at a time, ERR and REQ beside them. Behaviour text, sections 5 and 5.7.

import { VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX } from '../../uapi/index.ts';
import { atEnd } from '../model-error.ts';
import { VfioNotification } from './err-req.ts';
import type { InterruptHardware } from './hardware.ts';
import { VfioIntx } from './intx.ts';
import type { IrqRequest } from './irq-set.ts';
import { VfioMessages } from './messages.ts';

/** How many vectors the system gives a device, and how. */
export interface InterruptOptions {
  readonly hardware?: InterruptHardware | undefined;
  /** Vectors that the system has left. Default: all that a device asks for. */
  readonly availableVectors?: number | undefined;
  readonly dynamicMsix?: boolean | undefined;
  /** COMMAND.INTX_DISABLE as the user has it. Default: never set. */
  readonly intxDisabled?: (() => boolean) | undefined;
}

/** State that all open files of a device share. */
export class DeviceInterrupts {
  /** Uncorrectable errors. */
  readonly err = new VfioNotification('ERR');
  /** The host wants the device back. */
  readonly req = new VfioNotification('REQ');
  private readonly intx: VfioIntx;
  private readonly msi: VfioMessages;
  private readonly msix: VfioMessages;

  constructor({ hardware, availableVectors: available = 2048, dynamicMsix = false, intxDisabled = () => false }: InterruptOptions) {
    this.intx = new VfioIntx(hardware, intxDisabled);
    this.msi = new VfioMessages(hardware, { kind: 'msi', available, isDynamic: false });
    this.msix = new VfioMessages(hardware, { kind: 'msix', available, isDynamic: dynamicMsix });
  }

  /** Which kind is in use. */
  get active(): 'none' | 'intx' | 'msi' | 'msix' {
    return this.intx.isActive ? 'intx' : this.msi.isActive ? 'msi' : this.msix.isActive ? 'msix' : 'none';
  }

  /** Vectors of that kind. */
  get vectors(): number {
    return this.intx.isActive ? 1 : this.msi.vectors + this.msix.vectors;
  }

  /** @internal Whether MSI is on, and log2 of the vectors that it was last given, rounded up. */
  get msiState(): { readonly isActive: boolean; readonly log2: number } {
    return { isActive: this.msi.isActive, log2: Math.ceil(Math.log2(this.msi.lastAllocated)) };
  }

  /** @internal The user has changed COMMAND.INTX_DISABLE. */
  intxDisableChanged(): void {
    this.intx.disableChanged();
  }

  /** @internal One request that passed the common checks. */
  set(request: IrqRequest): number {
    const { active } = this;
    const other = (own: string): boolean => active !== 'none' && active !== own;
    switch (request.index) {
      case VFIO_PCI_INTX_IRQ_INDEX:
        return this.intx.set(request, other('intx'));
      case VFIO_PCI_MSI_IRQ_INDEX:
        return this.msi.set(request, other('msi'));
      case VFIO_PCI_MSIX_IRQ_INDEX:
        return this.msix.set(request, other('msix'));
      case VFIO_PCI_ERR_IRQ_INDEX:
        return this.err.set(request);
      default:
        return this.req.set(request);
    }
  }

  /** @internal The last file has been closed. */
  release(): void {
    atEnd([this.intx, this.msi, this.msix, this.err, this.req].map((one) => () => one.disable()));
  }
}
