// An open /dev/vfio/vfio: the requests of a container, and those that its driver answers. Behaviour text, sections 1.1 and 7.5.
//
// Source: drivers/vfio/container.c vfio_fops_unl_ioctl

import { VFIO_API_VERSION, VFIO_CHECK_EXTENSION, VFIO_GET_API_VERSION, VFIO_SET_IOMMU, VfioError, ioctlName } from '../../uapi/index.ts';
import { OpenFile } from '../files/open-file.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { GroupBackend } from '../groups/group-backend.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { VfioHost } from '../host/host.ts';
import type { UserMemory } from '../user-memory.ts';
import { Container } from './container.ts';

/** @internal */
export class ContainerFile extends OpenFile {
  readonly kind = 'container';
  private readonly container: Container;

  constructor(host: VfioHost) {
    super();
    this.container = new Container(host);
  }

  override ioctl(request: number, user: UserMemory, process: CallingProcess): number {
    switch (request) {
      case VFIO_GET_API_VERSION:
        return VFIO_API_VERSION;
      case VFIO_CHECK_EXTENSION:
        return this.container.checkExtension(user.argument);
      case VFIO_SET_IOMMU:
        return this.container.setIommu(user.argument, process);
    }
    return this.container.driverIoctl(ioctlName(request, 'container') ?? `ioctl 0x${request.toString(16)}`, request, user, process);
  }

  override attachGroup(call: string, group: IommuGroup, process: CallingProcess): GroupBackend {
    return this.container.attachGroup(call, group, process);
  }

  access(call: string): number {
    throw new VfioError('EINVAL', call, 'a container is neither read nor written');
  }
}
