// The features that Linux 7.2 has beyond those of v6.14: DMA_BUF and MIG_PRECOPY_INFOv2. Behaviour text, section 9.

import { VFIO_DEVICE_FEATURE_DMA_BUF, VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, VFIO_DEVICE_FEATURE_SET, VFIO_MIGRATION_PRE_COPY } from '../../uapi/index.ts';
import type { AddedFeature } from './device-feature.ts';
import { dmaBuf } from './dma-buf.ts';
import type { Feature } from './feature.ts';

/** 12, SET without payload: vfio_precopy_info.flags become the kernel's. A device that cannot copy while it runs, or not at all, refuses it. */
const precopyInfoV2: Feature = {
  ops: VFIO_DEVICE_FEATURE_SET,
  bytes: 0,
  isThere: () => true,
  refuses: ({ migration }) => (((migration?.flags ?? 0) & VFIO_MIGRATION_PRE_COPY) === 0 ? 'EINVAL' : undefined),
  run({ migration }) {
    migration!.usePrecopyV2();
    return 0;
  },
};

export const LATER_FEATURES: readonly AddedFeature[] = [
  { index: VFIO_DEVICE_FEATURE_DMA_BUF, name: 'DMA_BUF', feature: dmaBuf },
  { index: VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, name: 'MIG_PRECOPY_INFOv2', feature: precopyInfoV2 },
];
