// A function of a host: which driver it has, its group, and where its DMA goes.
//
//   device model --- dma ---> function --- physical --> reserved for messages? --> the host hears of it
//                                      |            +-> the group's domain ------> bytes, or a fault that the host hears of
//                                      +-- noiommu ---> the host's memory
//                                      +-- emulated --> its user's memory, through what SET_IOMMU or ATTACH gave it

import { IommuFault } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { PciAddress } from '../../uapi/index.ts';
import type { VfioDevice } from '../device.ts';
import type { EmulatedAccess } from '../groups/group-backend.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { HostSettings, IommuDescription } from './options.ts';

/** `vfio`: a vfio driver. `none`: no driver. `stub`: one that does no DMA, as pci-stub and the port driver. `native`: one that does. */
export type HostDriver = 'vfio' | 'none' | 'stub' | 'native';

/** A function to plug into a host. */
export interface HostFunctionDescription {
  /** Where it sits: `0000:01:00.0`. Of an emulated function any name, as a mediated device's UUID. */
  readonly slot: string;
  /** What VFIO programs open, where a vfio driver has it. */
  readonly device?: VfioDevice;
  /** Default: `vfio` with a device, else `none`. */
  readonly driver?: HostDriver;
  /** Functions of its device are kept apart from it. Default false; a device's only function needs it not. */
  readonly isolated?: boolean;
  /** Its IOMMU: the host's by default. `none`: it has none, and only the mode without an IOMMU opens it. */
  readonly iommu?: IommuDescription | 'none';
  /** Of a virtual function: the slot of its physical function. */
  readonly physicalFunction?: string;
  /** A mediated device: its driver reaches memory for it, page by page, and is told here when pages that it has pinned go; it must have unpinned them when it returns. */
  readonly emulated?: { readonly unmapped?: (iova: bigint, bytes: bigint) => void };
}

/** An access of a function that led nowhere. */
export interface DmaFault {
  readonly slot: string;
  readonly access: 'read' | 'write';
  /** The first address of it that could not be reached. */
  readonly iova: bigint;
  /** `blocked`: no domain is attached. `unmapped`: nothing is mapped there. `permission`: mapped for the other direction only. `target`: mapped, and what is behind it does not answer. */
  readonly reason: 'blocked' | 'unmapped' | 'permission' | 'target';
}

const MESSAGE_BYTES = 4;

/** One function of a host. Made by {@link VfioHost.plug}. */
export class HostFunction {
  readonly slot: string;
  readonly address: PciAddress | undefined;
  readonly device: VfioDevice | undefined;
  readonly driver: HostDriver;
  readonly isolated: boolean;
  readonly group: IommuGroup;
  /** N of `/dev/vfio/devices/vfioN`; undefined for a function that has none. */
  readonly cdev: number | undefined;
  /** @internal */
  readonly description: HostFunctionDescription;
  /** @internal Of an emulated function: the way to its user's memory while it is open and attached. */
  access: EmulatedAccess | undefined;
  /** @internal Its character device is bound through this file. */
  boundBy: object | undefined;
  private readonly settings: HostSettings;
  private readonly report: (fault: DmaFault) => void;
  private removed = false;
  private gone = false;
  private files = 0;
  private closed: (() => void) | undefined;

  /** @internal */
  constructor(made: { readonly description: HostFunctionDescription; readonly address: PciAddress | undefined; readonly group: IommuGroup; readonly cdev: number | undefined; readonly settings: HostSettings; readonly report: (fault: DmaFault) => void }) {
    const { description } = made;
    this.description = description;
    this.slot = description.slot;
    this.address = made.address;
    this.device = description.device;
    this.driver = description.driver ?? (description.device === undefined ? 'none' : 'vfio');
    this.isolated = description.isolated === true;
    this.group = made.group;
    this.cdev = made.cdev;
    this.settings = made.settings;
    this.report = made.report;
  }

  /** Whether it was taken out of the host, and nobody has it open any more. */
  get isGone(): boolean {
    return this.gone;
  }

  /** @internal */
  markGone(): void {
    this.gone = true;
  }

  /** @internal A file of its device was opened: until that is closed it cannot go. */
  hold(): void {
    this.files++;
  }

  /** @internal */
  release(): void {
    if (--this.files === 0) this.closed?.();
  }

  /** @internal Whether a file of its device is open. */
  get isHeld(): boolean {
    return this.files > 0;
  }

  /** Whether the host wants it back: it is opened no more, and goes when its last file is closed. */
  get isLeaving(): boolean {
    return this.closed !== undefined;
  }

  /** @internal Nobody opens it again; `closed` comes when its last file is closed. */
  leave(closed: () => void): void {
    this.closed = closed;
  }

  /** @internal It was pulled out of its slot: nothing that it sends arrives. */
  pull(): void {
    this.removed = true;
    if (this.device === undefined) return;
    this.device.isPulled = true;
    this.device.zap('it was pulled out of its slot');
  }

  /** Whether it was pulled out of its slot, whoever has it open. */
  get isPulled(): boolean {
    return this.removed;
  }

  /**
   * Memory as the function reaches it: what `host.dma` of a device is to be. A transfer lands a turn later, all of it or nothing, on whatever is mapped then.
   *
   * Both reject with VfioError EFAULT for addresses that the function may not reach, which {@link VfioHost.onDmaFault} is told of, and ENXIO when it was taken out.
   */
  readonly dma = {
    tellsLanding: true,
    read: async (address: bigint, target: Uint8Array): Promise<void> => {
      await Promise.resolve();
      this.land('read', address, target);
    },
    write: async (address: bigint, source: Uint8Array, landed?: () => void): Promise<void> => {
      await Promise.resolve();
      this.land('write', address, source);
      landed?.();
    },
  } as const;

  private fault(access: 'read' | 'write', iova: bigint, reason: DmaFault['reason']): never {
    this.report({ slot: this.slot, access, iova, reason });
    throw new VfioError('EFAULT', `DMA ${access}`, `${this.slot}: 0x${iova.toString(16)} is ${reason === 'permission' ? 'not mapped for it' : reason}`);
  }

  /** @internal A transfer that lands at once. VfioError as `dma` rejects with. */
  land(access: 'read' | 'write', address: bigint, bytes: Uint8Array): void {
    if (this.gone || this.removed) throw new VfioError('ENXIO', `DMA ${access}`, `${this.slot} was taken out`);
    if (bytes.length === 0) return;
    if (this.group.kind === 'emulated') this.emulated(access, address, bytes);
    else if (this.group.kind === 'noiommu') this.bare(access, address, bytes);
    else if (!this.isMessage(access, address, bytes)) this.translated(access, address, bytes);
  }

  private emulated(access: 'read' | 'write', address: bigint, bytes: Uint8Array): void {
    if (this.access === undefined) this.fault(access, address, 'blocked');
    try {
      this.access[access](address, bytes);
    } catch (error) {
      if (!(error instanceof VfioError)) throw error;
      this.fault(access, address, error.code === 'EPERM' ? 'permission' : 'unmapped');
    }
  }

  private bare(access: 'read' | 'write', address: bigint, bytes: Uint8Array): void {
    const { memory } = this.settings;
    if (memory?.isClaimed(address, bytes.length) !== true) this.fault(access, address, 'unmapped');
    if (access === 'read') memory.readBytes(address, bytes);
    else memory.writeBytes(address, bytes);
  }

  /** A write of 4 bytes to where the IOMMU takes messages out of the stream. */
  private isMessage(access: 'read' | 'write', address: bigint, bytes: Uint8Array): boolean {
    const { iommu, messageWindow } = this.group;
    if (access !== 'write' || bytes.length !== MESSAGE_BYTES || address % BigInt(MESSAGE_BYTES) !== 0n) return false;
    const windows = [...iommu.reserved.filter(({ kind }) => kind === 'msi'), ...(messageWindow === undefined ? [] : [messageWindow])];
    if (!windows.some(({ first, last }) => address >= first && address + BigInt(MESSAGE_BYTES) - 1n <= last)) return false;
    this.message(address, bytes);
    return true;
  }

  /** @internal */
  message(address: bigint, bytes: Uint8Array): void {
    this.settings.onMessage({ slot: this.slot, address, data: new DataView(bytes.buffer, bytes.byteOffset, MESSAGE_BYTES).getUint32(0, true) });
  }

  private translated(access: 'read' | 'write', address: bigint, bytes: Uint8Array): void {
    const { domain } = this.group;
    if (domain === undefined) this.fault(access, address, 'blocked');
    try {
      if (access === 'read') domain.read(address, bytes);
      else domain.write(address, bytes);
    } catch (error) {
      if (!(error instanceof IommuFault)) throw error;
      this.fault(access, error.iova, error.reason);
    }
  }
}
