// Features MIGRATION, MIG_DEVICE_STATE and MIG_DATA_SIZE. Behaviour text, section 3.3, 1, 2 and 9.

import {
  VFIO_DEVICE_FEATURE_GET,
  VFIO_DEVICE_FEATURE_SET,
  vfio_device_feature_mig_data_size,
  vfio_device_feature_mig_state,
  vfio_device_feature_migration,
} from '../../uapi/index.ts';
import type { OpenFile } from '../files/open-file.ts';
import type { Feature, FeatureRequest } from './feature.ts';

const NO_FD = -1;
const STATE = vfio_device_feature_mig_state;
const isThere: Feature['isThere'] = ({ migration }) => migration !== undefined;

/** 1, GET: what the device can. */
export const migrationFlags: Feature = {
  ops: VFIO_DEVICE_FEATURE_GET,
  bytes: vfio_device_feature_migration.size,
  isThere,
  run({ migration }, { data }) {
    data.copyOut(0, vfio_device_feature_migration.encode({ flags: BigInt(migration!.flags) }));
    return 0;
  },
};

/** A new file becomes an fd that the caller is told, or nothing: the state has changed all the same. */
function hand({ call, data, process }: FeatureRequest, device_state: number, file: OpenFile): void {
  const data_fd = process.install(call, file);
  try {
    data.copyOut(0, STATE.encode({ device_state, data_fd }));
  } catch (error) {
    process.uninstall(data_fd);
    throw error;
  }
}

/** 2, GET and SET: the state, and on the way to some of them an fd. */
export const migrationState: Feature = {
  ops: VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET,
  bytes: STATE.size,
  isThere,
  run({ migration }, request) {
    const { call, isGet, data } = request;
    const { device_state } = STATE.decode(data.copyIn(0, STATE.size));
    if (isGet) {
      data.copyOut(0, STATE.encode({ device_state: migration!.state, data_fd: NO_FD }));
      return 0;
    }
    let file: OpenFile | null;
    try {
      file = migration!.set(call, device_state);
    } catch (error) {
      // Unlike most, this call writes when it has failed.
      data.copyOut(0, STATE.encode({ device_state, data_fd: NO_FD }));
      throw error;
    }
    if (file === null) data.copyOut(0, STATE.encode({ device_state, data_fd: NO_FD }));
    else hand(request, device_state, file);
    return 0;
  },
};

/** 9, GET: bytes that STOP_COPY is expected to give. */
export const migrationDataSize: Feature = {
  ops: VFIO_DEVICE_FEATURE_GET,
  bytes: vfio_device_feature_mig_data_size.size,
  isThere,
  run({ migration }, { data }) {
    data.copyOut(0, vfio_device_feature_mig_data_size.encode({ stop_copy_length: migration!.dataSize() }));
    return 0;
  },
};
