// VFIO_DEVICE_ATTACH_IOMMUFD_PT and DETACH_IOMMUFD_PT of a file that is bound to an iommufd. Behaviour text, section 1.13.
//
//   ATTACH   argsz flags pt_id          only pt_id is written back          DETACH   argsz flags
//            0     4     8     12                                                    0     4     8
//
// Source: drivers/vfio/device_cdev.c vfio_df_ioctl_attach_pt, vfio_df_ioctl_detach_pt

import { VfioError, vfio_device_attach_iommufd_pt, vfio_device_detach_iommufd_pt } from '../uapi/index.ts';
import type { CdevBinding } from './hot-reset.ts';
import { afterFailure } from './model-error.ts';
import type { UserMemory } from './user-memory.ts';

function checkHeader(call: string, size: number, { argsz, flags }: { readonly argsz: number; readonly flags: number }): void {
  if (argsz < size) throw new VfioError('EINVAL', call, `argsz ${argsz} is below ${size}`);
  if (flags !== 0) throw new VfioError('EINVAL', call, `flags 0x${flags.toString(16)}; expected 0`);
}

/** VFIO_DEVICE_ATTACH_IOMMUFD_PT. A device that was opened as bound, without an iommufd, finds no objects but itself. VfioError EFAULT, EINVAL, ENOENT, and what attaching answers. */
export function attachPageTable(user: UserMemory, { devid, binding }: CdevBinding): number {
  const call = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
  const { size, fields } = vfio_device_attach_iommufd_pt;
  const request = vfio_device_attach_iommufd_pt.decode(user.copyIn(0, size));
  checkHeader(call, size, request);
  const { pt_id: id } = request;
  if (binding === undefined) {
    if (id === devid) throw new VfioError('EINVAL', call, `object ${devid} of the iommufd is a device; expected a page table or an IOAS`);
    throw new VfioError('ENOENT', call, `the iommufd has no object ${id}`);
  }
  const used = binding.attach(call, id);
  try {
    user.copyOut(fields.pt_id.offset, new Uint8Array(new Uint32Array([used]).buffer));
  } catch (error) {
    afterFailure(error, [() => binding.detach()]);
  }
  return 0;
}

/** VFIO_DEVICE_DETACH_IOMMUFD_PT: that nothing is attached is no error. VfioError EFAULT, EINVAL. */
export function detachPageTable(user: UserMemory, { binding }: CdevBinding): number {
  const { size } = vfio_device_detach_iommufd_pt;
  checkHeader('VFIO_DEVICE_DETACH_IOMMUFD_PT', size, vfio_device_detach_iommufd_pt.decode(user.copyIn(0, size)));
  binding?.detach();
  return 0;
}
