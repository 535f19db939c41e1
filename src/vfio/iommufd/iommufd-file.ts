// /dev/iommu: the file of an iommufd. Behaviour text, sections 6.7 and 6.8.
//
//   number 0x80 to 0x92  its own ioctls, all of which begin with their argument's size         others  a container's ioctls (compat.ts)
//
// Source: drivers/iommu/iommufd/main.c

import { VfioError } from '../../uapi/index.ts';
import { OpenFile } from '../files/open-file.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { DeviceBinding, GroupBackend } from '../groups/group-backend.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { VfioHost } from '../host/host.ts';
import type { UserMemory } from '../user-memory.ts';
import { AccessObject } from './access.ts';
import { BoundDevice } from './bound-device.ts';
import type { Command } from './command.ts';
import { containerCall } from './compat.ts';
import { IommufdContext } from './context.ts';
import { GroupAtIommufd } from './group-at-iommufd.ts';
import { IOAS_COMMANDS } from './ioas-calls.ts';
import { OPTION_COMMANDS } from './option-calls.ts';
import { PAGE_TABLE_COMMANDS } from './page-table-calls.ts';

const NUMBER = 0xff;
const COMMANDS: ReadonlyMap<number, Command> = new Map([...IOAS_COMMANDS, ...OPTION_COMMANDS, ...PAGE_TABLE_COMMANDS].map((command) => [command.request & NUMBER, command]));

/** @internal */
export class IommufdFile extends OpenFile {
  readonly kind = 'iommufd';
  private readonly context: IommufdContext;

  constructor(host: VfioHost) {
    super();
    this.context = new IommufdContext(host, this);
  }

  access(call: string): number {
    throw new VfioError('EINVAL', call, 'an iommufd is neither read nor written');
  }

  override ioctl(request: number, user: UserMemory, process: CallingProcess): number {
    const command = COMMANDS.get(request & NUMBER);
    if (command === undefined) return containerCall(this.context, request, user, process);
    // Looked at before it is known what the whole number means.
    const size = new DataView(user.copyIn(0, 4).buffer).getUint32(0, true);
    if (command.request !== request) throw new VfioError('ENOTTY', `ioctl 0x${request.toString(16)}`, 'no request of an iommufd');
    if (size < command.least) throw new VfioError('EINVAL', command.name, `size ${size} is below ${command.least}`);
    command.run(this.context, user, process, size);
    return 0;
  }

  override attachGroup(call: string, group: IommuGroup): GroupBackend {
    return new GroupAtIommufd(this.context, call, group);
  }

  override bindDevice(call: string, one: HostFunction): DeviceBinding {
    return one.group.kind === 'emulated' ? new AccessObject(this.context, one) : new BoundDevice(this.context, call, one);
  }

  protected override closed(): void {
    this.context.objects.clear();
  }
}
