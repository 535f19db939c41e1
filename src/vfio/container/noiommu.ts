// The driver of groups without an IOMMU: it maps nothing. Behaviour text, sections 1.1 and 7.2.
//
// Source: drivers/vfio/container.c vfio_noiommu_ops

import { VFIO_NOIOMMU_IOMMU, VfioError, ioctlName } from '../../uapi/index.ts';
import type { IommuDriver, IommuDriverKind } from './iommu-driver.ts';

const MODEL = BigInt(VFIO_NOIOMMU_IOMMU);

/** @internal */
export const noIommu: IommuDriverKind = {
  isNoIommu: true,
  checkExtension: ({ settings }, extension) => (settings.unsafeNoIommu && extension === MODEL ? 1 : 0),
  open(call, host, model, process): IommuDriver {
    if (model !== MODEL) throw new VfioError('EINVAL', call, `model ${model.toString()} is not VFIO_NOIOMMU_IOMMU`);
    if (!process.hasCapability('CAP_SYS_RAWIO')) throw new VfioError('EPERM', call, `${process.name} lacks CAP_SYS_RAWIO`);
    return {
      kind: noIommu,
      checkExtension: (extension) => noIommu.checkExtension(host, extension),
      attach: () => undefined,
      detach: () => undefined,
      ioctl(request) {
        throw new VfioError('ENOTTY', ioctlName(request, 'container') ?? `ioctl 0x${request.toString(16)}`, 'no request of a container without an IOMMU');
      },
      release: () => undefined,
    };
  },
};
