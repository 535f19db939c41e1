// What drives the IOMMU behind a container: an instance that SET_IOMMU makes, and the kinds that there are.
//
//   container --- SET_IOMMU(model) ---> the first kind that knows the model and takes all groups ---> its instance: MAP_DMA, UNMAP_DMA, ...
//
// Source: drivers/vfio/container.c vfio_ioctl_set_iommu, vfio_iommu_driver_allowed

import type { CallingProcess } from '../files/open-file.ts';
import type { EmulatedAccess } from '../groups/group-backend.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { VfioHost } from '../host/host.ts';
import type { UserMemory } from '../user-memory.ts';

/** @internal */
export interface IommuDriver {
  readonly kind: IommuDriverKind;
  /** CHECK_EXTENSION when it is selected: 0 for no. */
  checkExtension(extension: bigint): number;
  /** VfioError as section 6.1 says; then the group is not in it. */
  attach(call: string, group: IommuGroup): void;
  detach(group: IommuGroup): void;
  /** The first file of an emulated function was opened: its way to memory, until that is closed. */
  openEmulated?(one: HostFunction): EmulatedAccess & { close(): void };
  ioctl(request: number, user: UserMemory, process: CallingProcess): number;
  /** The last group has left. */
  release(): void;
}

/** @internal */
export interface IommuDriverKind {
  /** For functions without an IOMMU, and for no others. */
  readonly isNoIommu: boolean;
  /** CHECK_EXTENSION while none is selected: 0 for no. */
  checkExtension(host: VfioHost, extension: bigint): number;
  /** VfioError EINVAL for a model that it answers as an extension only; EPERM. */
  open(call: string, host: VfioHost, model: bigint, process: CallingProcess): IommuDriver;
}
