// What VFIO_DEVICE_BIND_IOMMUFD asks of its argument; on a file that is bound already or came from a group all that it can come to is an errno. Behaviour text, section 1.13.
//
// Source: drivers/vfio/device_cdev.c vfio_df_ioctl_bind_iommufd

import { VfioError, vfio_device_bind_iommufd } from '../uapi/index.ts';
import type { UserMemory } from './user-memory.ts';

const CALL = 'VFIO_DEVICE_BIND_IOMMUFD';

function refuse(what: string): never {
  throw new VfioError('EINVAL', CALL, what);
}

/** The argument, as the kernel looks at it before it looks at the file. VfioError EFAULT, EINVAL. */
export function bindRequest(user: UserMemory): { readonly iommufd: number } {
  const { size } = vfio_device_bind_iommufd;
  const { argsz, flags, iommufd } = vfio_device_bind_iommufd.decode(user.copyIn(0, size));
  if (argsz < size) refuse(`argsz ${argsz} is below ${size}`);
  if (flags !== 0) refuse(`flags 0x${flags.toString(16)}; expected 0`);
  if (iommufd < 0) refuse(`iommufd is ${iommufd}; expected an fd`);
  return { iommufd };
}

/** VfioError EFAULT, EINVAL. */
export function refuseBinding(user: UserMemory): never {
  bindRequest(user);
  return refuse('the file came from a group, or is bound already');
}
