// Features MIGRATION and MIG_DEVICE_STATE, MIG_DATA_READ and MIG_DATA_WRITE: the kernel's state machine, with its data file kept here.
//
//   SET STOP_COPY, PRE_COPY --> data file --- MIG_DATA_READ ---> bytes; fewer than asked for: the end, for now or for good
//   SET RESUMING            --> data file <-- MIG_DATA_WRITE --- bytes

import {
  VFIO_DEVICE_FEATURE,
  VFIO_DEVICE_FEATURE_GET,
  VFIO_DEVICE_FEATURE_MIGRATION,
  VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
  VFIO_DEVICE_FEATURE_SET,
  VFIO_DEVICE_STATE_PRE_COPY,
  VFIO_DEVICE_STATE_PRE_COPY_P2P,
  VFIO_DEVICE_STATE_RESUMING,
  VFIO_DEVICE_STATE_STOP_COPY,
  VfioError,
  vfio_device_feature,
  vfio_device_feature_mig_state as STATE,
  vfio_device_feature_migration as FLAGS,
} from '../../../uapi/index.ts';
import type { ServedDevice } from './served-device.ts';

const SAVING: readonly number[] = [VFIO_DEVICE_STATE_PRE_COPY, VFIO_DEVICE_STATE_PRE_COPY_P2P, VFIO_DEVICE_STATE_STOP_COPY];
const HEAD = vfio_device_feature.size;

/** The migration of a device as one client drives it. */
export class SessionMigration {
  private readonly device: ServedDevice;
  private dataFd: number | undefined;

  constructor(device: ServedDevice) {
    this.device = device;
  }

  private get state(): number | undefined {
    return this.device.vfio.migration?.state;
  }

  private feature(flags: number, data: Uint8Array): Uint8Array {
    const bytes = vfio_device_feature.encode({ argsz: HEAD + data.length, flags, data });
    this.device.process.ioctl(this.device.fd, VFIO_DEVICE_FEATURE, bytes);
    return bytes.subarray(HEAD);
  }

  /** GET of either feature. */
  get(feature: number): Uint8Array {
    const bytes = feature === VFIO_DEVICE_FEATURE_MIGRATION ? FLAGS.size : STATE.size;
    return this.feature(VFIO_DEVICE_FEATURE_GET | feature, new Uint8Array(bytes));
  }

  /** SET of MIG_DEVICE_STATE: goes there, state by state. VfioError EINVAL, or what the device answers; it is where it got to then. */
  set(deviceState: number): void {
    const answer = this.feature(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, STATE.encode({ device_state: deviceState, data_fd: -1 }));
    const { data_fd } = STATE.decode(answer);
    if (data_fd < 0) return;
    this.close();
    this.dataFd = data_fd;
  }

  private file(call: string, isRight: boolean): number {
    if (this.dataFd === undefined || !isRight) throw new VfioError('EINVAL', call, `the device is in state ${this.state ?? 'none'}, which has no data for that`);
    return this.dataFd;
  }

  /** Up to `size` bytes of the stream. VfioError EINVAL in a state that has none, EAGAIN while the next ones are not ready. */
  read(size: number): Uint8Array {
    const fd = this.file('vfio-user MIG_DATA_READ', SAVING.includes(this.state ?? -1));
    const bytes = new Uint8Array(size);
    try {
      return bytes.subarray(0, this.device.process.read(fd, bytes));
    } catch (error) {
      // The end for now, of a device that runs on.
      if (error instanceof VfioError && error.code === 'ENOMSG') return bytes.subarray(0, 0);
      throw error;
    }
  }

  /** More of the stream. VfioError EINVAL in a state that takes none, and for what is no such stream. */
  write(data: Uint8Array): void {
    const fd = this.file('vfio-user MIG_DATA_WRITE', this.state === VFIO_DEVICE_STATE_RESUMING);
    for (let at = 0; at < data.length; ) at += this.device.process.write(fd, data.subarray(at));
  }

  /** Forgets the data file. */
  close(): void {
    if (this.dataFd !== undefined) this.device.process.close(this.dataFd);
    this.dataFd = undefined;
  }
}
