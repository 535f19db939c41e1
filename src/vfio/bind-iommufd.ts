// VFIO_DEVICE_BIND_IOMMUFD on a file that is bound already or came from a group: all that it can come to is an errno. Behaviour text, section 1.13.
//
// Source: drivers/vfio/device_cdev.c vfio_df_ioctl_bind_iommufd

import { VfioError, vfio_device_bind_iommufd } from '../uapi/index.ts';
import type { UserMemory } from './user-memory.ts';

/** Looks at the argument, as the kernel does before it looks at the file. VfioError EFAULT, EINVAL. */
export function refuseBinding(user: UserMemory): never {
  const call = 'VFIO_DEVICE_BIND_IOMMUFD';
  const { size } = vfio_device_bind_iommufd;
  const { argsz, flags, iommufd } = vfio_device_bind_iommufd.decode(user.copyIn(0, size));
  const refuse = (what: string): never => {
    throw new VfioError('EINVAL', call, what);
  };
  if (argsz < size) refuse(`argsz ${argsz} is below ${size}`);
  if (flags !== 0) refuse(`flags 0x${flags.toString(16)}; expected 0`);
  if (iommufd < 0) refuse(`iommufd is ${iommufd}; expected an fd`);
  return refuse('the file came from a group, or is bound already');
}
