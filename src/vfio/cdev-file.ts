// /dev/vfio/devices/vfioN: a device by itself. Bound to an iommufd it is a device file; before that it answers nothing else. Behaviour text, sections 1.13 and 7.3.
//
//   BIND   argsz flags iommufd out_devid
//          0     4     8       12        16        only out_devid is written back
//
// Source: drivers/vfio/device_cdev.c

import { VFIO_DEVICE_BIND_IOMMUFD, VfioError, vfio_device_bind_iommufd } from '../uapi/index.ts';
import { bindRequest, refuseBinding } from './bind-iommufd.ts';
import { DeviceFile } from './device-file.ts';
import type { VfioDevice } from './device.ts';
import type { MappedRange } from './files/mapped-range.ts';
import { OpenFile } from './files/open-file.ts';
import type { CallingProcess, QuickAccess } from './files/open-file.ts';
import type { DeviceBinding } from './groups/group-backend.ts';
import type { HostFunction } from './host/host-function.ts';
import type { VfioHost } from './host/host.ts';
import { afterFailure, atEnd } from './model-error.ts';
import type { UserMemory } from './user-memory.ts';

/** The file of a device behind any open file: itself, or what a character device is bound to. @internal */
export function deviceFileOf(file: OpenFile | undefined): DeviceFile | undefined {
  const found = file instanceof CdevFile ? file.deviceFile : file;
  return found instanceof DeviceFile ? found : undefined;
}

interface Bound {
  readonly binding: DeviceBinding;
  readonly file: DeviceFile;
}

// Nothing is moved quickly: the long way says why not.
const NOTHING: QuickAccess = { move: () => 0 };

/** @internal */
export class CdevFile extends OpenFile {
  readonly kind = 'device';
  override quick: QuickAccess = NOTHING;
  private readonly host: VfioHost;
  private readonly function: HostFunction;
  private bound: Bound | undefined;

  constructor(host: VfioHost, one: HostFunction) {
    super();
    this.host = host;
    this.function = one;
    // Bound or not: its host does not get the device back before.
    one.hold();
  }

  /** The file of the device, once it is bound. */
  get deviceFile(): DeviceFile | undefined {
    return this.bound?.file;
  }

  private file(call: string): DeviceFile {
    if (this.bound === undefined) throw new VfioError('EINVAL', call, `the file of ${this.function.slot} is bound to no iommufd`);
    return this.bound.file;
  }

  access(call: string, offset: bigint, length: number, user: UserMemory, writes: boolean): number {
    return this.file(call).access(call, offset, length, user, writes);
  }

  override map(offset: bigint, length: bigint, isShared: boolean): MappedRange {
    return this.file('mmap').map(offset, length, isShared);
  }

  override ioctl(request: number, user: UserMemory, process: CallingProcess): number {
    if (request === VFIO_DEVICE_BIND_IOMMUFD) return this.bind(user, process);
    return this.file(`ioctl 0x${request.toString(16)}`).ioctl(request, user, process);
  }

  private bind(user: UserMemory, process: CallingProcess): number {
    const call = 'VFIO_DEVICE_BIND_IOMMUFD';
    const one = this.function;
    const { group } = one;
    const device = one.device!;
    const { iommufd } = bindRequest(user);
    if (group.openFile !== undefined) throw new VfioError('EBUSY', call, `group ${group.id} of ${one.slot} is open`);
    if (this.bound !== undefined) refuseBinding(user);
    const to = process.file(call, iommufd);
    if (to.bindDevice === undefined) throw new VfioError('EBADFD', call, `fd ${iommufd} is of a ${to.kind} file; expected an iommufd`);
    if (device.openFiles > 0) throw new VfioError('EINVAL', call, `${device.name} is open through another file`);
    const binding = to.bindDevice(call, one);
    const file = this.open(device, binding, process);
    try {
      const { offset, size } = vfio_device_bind_iommufd.fields.out_devid;
      user.copyOut(offset, new Uint8Array(new Uint32Array([binding.devid]).buffer, 0, size));
    } catch (error) {
      afterFailure(error, [() => file.release(), () => binding.close()]);
    }
    this.bound = { binding, file };
    this.quick = file.quick;
    one.boundBy = this;
    group.boundDevices++;
    return 0;
  }

  private open(device: VfioDevice, binding: DeviceBinding, process: CallingProcess): DeviceFile {
    const { iommufd, devid } = binding;
    try {
      return new DeviceFile(this.host.engine, device, { ...process.opens, cdev: { iommufd, devid, binding } }).hold();
    } catch (error) {
      return afterFailure(error, [() => binding.close()]);
    }
  }

  protected override closed(): void {
    const { bound, function: one } = this;
    atEnd([() => bound?.file.release(), () => bound?.binding.close(), () => bound && this.unbound(), () => one.release()]);
  }

  private unbound(): void {
    this.bound = undefined;
    this.function.boundBy = undefined;
    this.function.group.boundDevices--;
  }
}
