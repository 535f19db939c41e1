// What stands between a group and its memory: a container or an iommufd, as groups and device files see either.
//
//   group file ---- SET_CONTAINER ---> file with attachGroup ---> GroupBackend        cdev file ---- BIND ---> file with bindDevice ---> DeviceBinding
//   device file --- opens -----------> GroupBackend.openDevice                                  ---- ATTACH -> DeviceBinding.attach

import type { CallingProcess } from '../files/open-file.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { IommuGroup } from './iommu-group.ts';

/** What a group is set to. Made by a file's `attachGroup`. */
export interface GroupBackend {
  readonly kind: 'container' | 'iommufd';
  /** UNSET_CONTAINER and the last close of the group: its functions reach nothing any more, and its DMA is nobody's. Device files are all closed, but for an iommufd, where they need not be. */
  detachGroup(group: IommuGroup): void;
  /**
   * A device file of the group is about to open. Before the device itself is asked for anything.
   *
   * @returns what its last close undoes.
   * @throws VfioError EINVAL without SET_IOMMU, EPERM, and what binding to an iommufd answers.
   */
  openDevice(call: string, one: HostFunction, process: CallingProcess): { close(): void };
}

/** A device that is bound to an iommufd through its character device. */
export interface DeviceBinding {
  /** Which iommufd: devices of one have the same. */
  readonly iommufd: object;
  /** Its id there, 1 and up. */
  readonly devid: number;
  /** ATTACH_IOMMUFD_PT: attaches, or replaces; the id that is used. VfioError ENOENT, EINVAL, EADDRINUSE, ... */
  attach(call: string, ptId: number): number;
  /** DETACH_IOMMUFD_PT: nothing happens where nothing is attached. */
  detach(): void;
  /** Detaches and unbinds. Called once. */
  close(): void;
}

/** An emulated function's own way to the memory of its user: page by page, pinned. @internal */
export interface EmulatedAccess {
  /**
   * Pins whole pages that `iova` and `bytes` (multiples of 4096) name; their bytes can be reached through `read` and `write` all the same.
   *
   * @throws VfioError EINVAL when not all is mapped or a page is a device's, EPERM against its protection, EACCES in a container of type1 v1, EBUSY for an invalidated vaddr, EFAULT, ENOMEM.
   */
  pin(iova: bigint, bytes: bigint, writes: boolean): void;
  /** What is not pinned is left out. */
  unpin(iova: bigint, bytes: bigint): void;
  /** vfio_dma_rw. VfioError EINVAL when not all is mapped, EPERM against its protection, EBUSY for an invalidated vaddr, EFAULT. */
  read(iova: bigint, target: Uint8Array): void;
  write(iova: bigint, source: Uint8Array): void;
}
