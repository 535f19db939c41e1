// An open group of a host: its status, what it is set to, and its devices by name. Behaviour text, sections 1.2 and 7.2.
//
//   open --> no container --- SET_CONTAINER ---> set --- GET_DEVICE_FD ---> devices open
//                ^                                |  ^                         |
//                +--------- UNSET_CONTAINER ------+  +---- the last closed ----+        a device file holds the group's file, and that what it is set to
//
// Source: drivers/vfio/group.c

import {
  VFIO_GROUP_FLAGS_CONTAINER_SET,
  VFIO_GROUP_FLAGS_VIABLE,
  VFIO_GROUP_GET_DEVICE_FD,
  VFIO_GROUP_GET_STATUS,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_GROUP_UNSET_CONTAINER,
  VfioError,
  ioctlName,
  vfio_group_status,
} from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import { GroupFile } from '../files/group.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { VfioHost } from '../host/host.ts';
import { afterFailure, atEnd } from '../model-error.ts';
import type { UserMemory } from '../user-memory.ts';
import { copyName, isNamed } from './device-name.ts';
import type { TokenRelations } from './device-name.ts';
import type { GroupBackend } from './group-backend.ts';
import { GroupDeviceFile } from './group-device-file.ts';
import type { IommuGroup, OpenGroup } from './iommu-group.ts';

function checkOpen(group: IommuGroup, process: CallingProcess): void {
  const refuse = (code: 'ENODEV' | 'EPERM' | 'EBUSY', what: string): never => {
    throw new VfioError(code, 'open', `group ${group.id}: ${what}`);
  };
  if (!group.isDriven) refuse('ENODEV', 'VFIO drives none of its functions');
  if (group.kind === 'noiommu' && !process.hasCapability('CAP_SYS_RAWIO')) refuse('EPERM', `it has no IOMMU, and ${process.name} lacks CAP_SYS_RAWIO`);
  if (group.boundDevices > 0) refuse('EBUSY', `${group.boundDevices} of its character devices are bound`);
  if (group.openFile !== undefined) refuse('EBUSY', 'it is open already');
}

/** The one open file of a group. @internal */
export class HostGroupFile extends GroupFile implements OpenGroup {
  readonly host: VfioHost;
  readonly group: IommuGroup;
  private backend: GroupBackend | undefined;
  private isLost = false;

  /** @throws VfioError ENODEV, EPERM, EBUSY. */
  constructor(host: VfioHost, group: IommuGroup, process: CallingProcess) {
    super(group.id);
    checkOpen(group, process);
    this.host = host;
    this.group = group;
    group.openFile = this;
  }

  lose(): void {
    this.isLost = true;
    // An iommufd stays set, though nothing can be reached by it.
    if (this.backend?.kind === 'container') this.unset();
    this.group.backend = undefined;
  }

  protected override closed(): void {
    atEnd([
      () => this.unset(),
      () => {
        if (!this.isLost) this.group.openFile = undefined;
      },
    ]);
  }

  override ioctl(request: number, user: UserMemory, process: CallingProcess): number {
    switch (request) {
      case VFIO_GROUP_GET_STATUS:
        return this.getStatus(user);
      case VFIO_GROUP_SET_CONTAINER:
        return this.setContainer(user, process);
      case VFIO_GROUP_UNSET_CONTAINER:
        return this.unsetContainer();
      case VFIO_GROUP_GET_DEVICE_FD:
        return this.getDeviceFd(user, process);
    }
    throw new VfioError('ENOTTY', ioctlName(request, 'group') ?? `ioctl 0x${request.toString(16)}`, 'no request of a group');
  }

  private checkThere(call: string): void {
    if (this.isLost) throw new VfioError('ENODEV', call, `group ${this.group.id} has lost its last device`);
  }

  private getStatus(user: UserMemory): number {
    const call = 'VFIO_GROUP_GET_STATUS';
    const { size } = vfio_group_status;
    const status = user.copyIn(0, size);
    const { argsz } = vfio_group_status.decode(status);
    if (argsz < size) throw new VfioError('EINVAL', call, `argsz ${argsz} is below ${size}`);
    this.checkThere(call);
    const isFree = this.group.isViable && this.group.owner === undefined;
    const flags = this.backend !== undefined ? VFIO_GROUP_FLAGS_CONTAINER_SET | VFIO_GROUP_FLAGS_VIABLE : isFree ? VFIO_GROUP_FLAGS_VIABLE : 0;
    user.copyOut(0, vfio_group_status.encode({ flags }, status));
    return 0;
  }

  private setContainer(user: UserMemory, process: CallingProcess): number {
    const call = 'VFIO_GROUP_SET_CONTAINER';
    const fd = new DataView(user.copyIn(0, 4).buffer).getInt32(0, true);
    const file = process.file(call, fd);
    if (this.backend !== undefined) throw new VfioError('EINVAL', call, `group ${this.group.id} is set to a ${this.backend.kind} already`);
    this.checkThere(call);
    if (file.attachGroup === undefined) throw new VfioError('EBADFD', call, `fd ${fd} is of a ${file.kind} file; expected a container or an iommufd`);
    this.backend = file.attachGroup(call, this.group, process);
    this.group.backend = this.backend;
    return 0;
  }

  private unsetContainer(): number {
    const call = 'VFIO_GROUP_UNSET_CONTAINER';
    if (this.backend === undefined) throw new VfioError('EINVAL', call, `group ${this.group.id} is in no container`);
    if (this.backend.kind === 'container' && this.group.openDevices > 0) throw new VfioError('EBUSY', call, `${this.group.openDevices} device files of group ${this.group.id} are open`);
    this.unset();
    return 0;
  }

  private unset(): void {
    const { backend } = this;
    this.backend = undefined;
    if (!this.isLost) this.group.backend = undefined;
    backend?.detachGroup(this.group);
  }

  private relations(one: HostFunction): TokenRelations {
    const { functions } = this.host;
    const { slot, description } = one;
    return {
      isVirtualFunction: description.physicalFunction !== undefined,
      physicalFunction: functions.find((other) => other.slot === description.physicalFunction)?.device,
      hasUsers: functions.some((other) => other.description.physicalFunction === slot && (other.device?.openFiles ?? 0) > 0),
    };
  }

  private getDeviceFd(user: UserMemory, process: CallingProcess): number {
    const call = 'VFIO_GROUP_GET_DEVICE_FD';
    const name = copyName(user);
    const there = this.isLost ? [] : this.group.functions.filter(({ isLeaving }) => !isLeaving);
    const one = there.find((each) => isNamed(each, name, (of) => this.relations(of)));
    if (one?.device === undefined) throw new VfioError('ENODEV', call, `group ${this.group.id} has no device ${JSON.stringify(name)}`);
    process.lowestFreeFd(call);
    if (this.backend === undefined) throw new VfioError('EINVAL', call, `group ${this.group.id} is in no container`);
    return process.install(call, this.open(this.backend.openDevice(call, one, process), one, process));
  }

  private open(opened: { close(): void }, one: HostFunction, process: CallingProcess): GroupDeviceFile {
    try {
      return new GroupDeviceFile(this, one, opened, process.opens);
    } catch (error) {
      return afterFailure(error, [() => opened.close()]);
    }
  }
}
