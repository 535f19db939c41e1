// What a feature of VFIO_DEVICE_FEATURE is, and the check that every one of them begins with. Behaviour text, section 3.2.

import { VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_PROBE, VFIO_DEVICE_FEATURE_SET, VfioError } from '../../uapi/index.ts';
import type { VfioDevice } from '../device.ts';
import type { ErrnoName } from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { UserMemory } from '../user-memory.ts';

/** A request that has passed the checks of its envelope and of the feature. */
export interface FeatureRequest {
  /** For messages. */
  readonly call: string;
  readonly isGet: boolean;
  /** Only of a feature that runs when it is probed. */
  readonly isProbe: boolean;
  /** The caller's memory from the payload on. */
  readonly data: UserMemory;
  readonly process: CallingProcess;
}

/** One feature. */
export interface Feature {
  /** GET, SET or both: vfio_device_feature.flags. */
  readonly ops: number;
  /** Bytes of payload that a request must have room for. */
  readonly bytes: number;
  /** A probe is run as well, whatever argsz is, rather than answered with 0. Default false. */
  readonly runsWhenProbed?: boolean;
  /** Whether the device has it. One that does not is ENOTTY before anything else is looked at. */
  isThere(device: VfioDevice): boolean;
  /** The errno with which a device that has it refuses it, or nothing: before its methods are looked at, and also when it is only probed. */
  refuses?(device: VfioDevice): ErrnoName | undefined;
  run(device: VfioDevice, request: FeatureRequest): number;
}

/**
 * The kernel's vfio_check_feature.
 *
 * @param room bytes behind the envelope, as argsz says.
 * @returns whether the feature is to be run: not when it was only probed.
 */
export function checkFeature(call: string, flags: number, room: number, { ops, bytes }: Feature): boolean {
  const methods = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
  // A probe asks for its methods too.
  if ((flags & methods & ~ops) !== 0) throw new VfioError('EINVAL', call, `flags 0x${flags.toString(16)} asks for more than 0x${ops.toString(16)}`);
  if ((flags & VFIO_DEVICE_FEATURE_PROBE) !== 0) return false;
  if ((flags & methods) === 0) throw new VfioError('EINVAL', call, `flags 0x${flags.toString(16)} has none of GET, SET and PROBE`);
  if (room < bytes) throw new VfioError('EINVAL', call, `argsz has room for ${room} bytes of payload; expected ${bytes}`);
  return true;
}
