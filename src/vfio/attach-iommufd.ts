// VFIO_DEVICE_ATTACH_IOMMUFD_PT and DETACH_IOMMUFD_PT of a file that is bound to an iommufd. No iommufd here holds page tables: of its objects only the device itself is known. Behaviour text, section 1.13.
//
//   ATTACH   argsz flags pt_id          DETACH   argsz flags
//            0     4     8     12                0     4     8
//
// Source: drivers/vfio/device_cdev.c vfio_df_ioctl_attach_pt, vfio_df_ioctl_detach_pt

import { VfioError, vfio_device_attach_iommufd_pt, vfio_device_detach_iommufd_pt } from '../uapi/index.ts';
import type { UserMemory } from './user-memory.ts';

function checkHeader(call: string, size: number, { argsz, flags }: { readonly argsz: number; readonly flags: number }): void {
  if (argsz < size) throw new VfioError('EINVAL', call, `argsz ${argsz} is below ${size}`);
  if (flags !== 0) throw new VfioError('EINVAL', call, `flags 0x${flags.toString(16)}; expected 0`);
}

/** VFIO_DEVICE_ATTACH_IOMMUFD_PT. `devid`: the device's own id in its iommufd. Nothing is written back. VfioError EFAULT, EINVAL, ENOENT. */
export function attachPageTable(user: UserMemory, devid: number): never {
  const call = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
  const { size } = vfio_device_attach_iommufd_pt;
  const request = vfio_device_attach_iommufd_pt.decode(user.copyIn(0, size));
  checkHeader(call, size, request);
  if (request.pt_id === devid) throw new VfioError('EINVAL', call, `object ${devid} of the iommufd is a device; expected a page table or an IOAS`);
  throw new VfioError('ENOENT', call, `the iommufd has no object ${request.pt_id}`);
}

/** VFIO_DEVICE_DETACH_IOMMUFD_PT: nothing is attached, and that is no error. VfioError EFAULT, EINVAL. */
export function detachPageTable(user: UserMemory): number {
  const { size } = vfio_device_detach_iommufd_pt;
  checkHeader('VFIO_DEVICE_DETACH_IOMMUFD_PT', size, vfio_device_detach_iommufd_pt.decode(user.copyIn(0, size)));
  return 0;
}
