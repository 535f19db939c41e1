// A group that was set to an iommufd as if it were a container. Behaviour text, sections 1.2 and 6.7.
//
//   SET_CONTAINER ---> the iommufd has a compatible IOAS       first device file of a function ---> bound, and attached to that IOAS       last ---> unbound
//   without an IOMMU   it must have none                                                       ---> nothing is bound
//
// Source: drivers/vfio/group.c vfio_group_ioctl_set_container, vfio_df_group_open; drivers/vfio/iommufd.c vfio_iommufd_compat_attach_ioas

import { VfioError } from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { DeviceBinding, GroupBackend } from '../groups/group-backend.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { HostFunction } from '../host/host-function.ts';
import { AccessObject } from './access.ts';
import { BoundDevice } from './bound-device.ts';
import type { IommufdContext } from './context.ts';

/** A function that is open by its group: bound to whichever iommufd its first file came by. */
interface OpenFunction {
  readonly binding: DeviceBinding | undefined;
  files: number;
}

const openFunctions = new WeakMap<HostFunction, OpenFunction>();

export class GroupAtIommufd implements GroupBackend {
  readonly kind = 'iommufd';
  private readonly context: IommufdContext;

  /** VfioError EINVAL when the iommufd is used the other way already. */
  constructor(context: IommufdContext, call: string, group: IommuGroup) {
    if (group.kind === 'noiommu') {
      if (context.compatible !== undefined) throw new VfioError('EINVAL', call, `the iommufd has IOAS ${context.compatible.id} for groups with an IOMMU`);
      context.isNoIommu = true;
    } else {
      if (context.isNoIommu) throw new VfioError('EINVAL', call, 'the iommufd is used for groups without an IOMMU');
      context.compatible ??= context.newIoas();
    }
    this.context = context;
    context.hold();
  }

  detachGroup(): void {
    this.context.release();
  }

  /** VfioError EPERM, and as BIND_IOMMUFD and ATTACH_IOMMUFD_PT. */
  openDevice(call: string, one: HostFunction, process: CallingProcess): { close(): void } {
    const known = openFunctions.get(one) ?? { binding: this.bind(call, one, process), files: 0 };
    known.files++;
    openFunctions.set(one, known);
    return { close: () => this.closeDevice(one, known) };
  }

  private bind(call: string, one: HostFunction, process: CallingProcess): DeviceBinding | undefined {
    const { context } = this;
    if (one.group.kind === 'noiommu') {
      if (!process.hasCapability('CAP_SYS_RAWIO')) throw new VfioError('EPERM', call, `${process.name} has no CAP_SYS_RAWIO`);
      if (context.compatible !== undefined) throw new VfioError('EPERM', call, `the iommufd has IOAS ${context.compatible.id} for devices with an IOMMU`);
      return undefined;
    }
    const binding = one.group.kind === 'emulated' ? new AccessObject(context, one) : new BoundDevice(context, call, one);
    try {
      binding.attach(call, context.compatibleIoas(call).id);
    } catch (error) {
      binding.close();
      throw error;
    }
    return binding;
  }

  private closeDevice(one: HostFunction, known: OpenFunction): void {
    if (--known.files > 0) return;
    openFunctions.delete(one);
    known.binding?.close();
  }
}
