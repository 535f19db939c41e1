// Feature BUS_MASTER of a CDX device: whether it may start transfers. Behaviour text, section 3.3, 10.

import {
  VFIO_DEVICE_FEATURE_SET,
  VFIO_DEVICE_FEATURE_CLEAR_MASTER,
  VFIO_DEVICE_FEATURE_SET_MASTER,
  VfioError,
  vfio_device_feature_bus_master,
} from '../../uapi/index.ts';
import { askModel } from '../model-error.ts';
import type { Feature } from './feature.ts';

/** 10, SET. */
export const busMaster: Feature = {
  ops: VFIO_DEVICE_FEATURE_SET,
  bytes: vfio_device_feature_bus_master.size,
  isThere: ({ kind, description }) => kind === 'cdx' && description.busMaster !== undefined,
  run({ description }, { call, data }) {
    const { op } = vfio_device_feature_bus_master.decode(data.copyIn(0, vfio_device_feature_bus_master.size));
    if (op !== VFIO_DEVICE_FEATURE_CLEAR_MASTER && op !== VFIO_DEVICE_FEATURE_SET_MASTER) throw new VfioError('EINVAL', call, `op is ${op}; expected 0 or 1`);
    askModel(() => description.busMaster!(op === VFIO_DEVICE_FEATURE_SET_MASTER));
    return 0;
  },
};
