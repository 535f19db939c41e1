// DEVICE_FEATURE: its envelope, and which part of a session a feature is of.
//
//   argsz flags | data        flags   bits 0-15 feature   16 GET   17 SET   18 PROBE
//   0     4       8
//
//   GET    the reply has the feature's data behind the envelope      argsz of the request: room for it
//   SET, PROBE   the request comes back as it was

import {
  VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
  VFIO_DEVICE_FEATURE_GET as GET,
  VFIO_DEVICE_FEATURE_MASK,
  VFIO_DEVICE_FEATURE_MIGRATION,
  VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
  VFIO_DEVICE_FEATURE_PROBE as PROBE,
  VFIO_DEVICE_FEATURE_SET as SET,
  VfioError,
  vfio_device_feature_mig_state as STATE,
} from '../../../uapi/index.ts';
import { encodePayload, headSize } from '../codec/messages.ts';
import type { PayloadOf } from '../codec/messages.ts';
import type { DirtyLog } from './dirty-log.ts';
import type { SessionMigration } from './migration.ts';

const CALL = 'vfio-user DEVICE_FEATURE';
const HEAD = headSize('DEVICE_FEATURE', 'request');

/** What features are about; a part that the device does not have is undefined. */
export interface FeatureParts {
  readonly migration: SessionMigration | undefined;
  readonly log: DirtyLog | undefined;
}

interface Feature {
  readonly name: string;
  /** GET, SET or both. */
  readonly methods: number;
  /** Bytes that the answer to GET has at least, or that SET brings. */
  readonly bytes: number;
  isThere(parts: FeatureParts): boolean;
  /** The data of the answer to GET; `room` for it is what argsz leaves. */
  get?(parts: FeatureParts, data: Uint8Array, room: number): Uint8Array;
  set?(parts: FeatureParts, data: Uint8Array): void;
}

const migrates = ({ migration }: FeatureParts): boolean => migration !== undefined;
const logs = ({ log }: FeatureParts): boolean => log !== undefined;

const FEATURES: ReadonlyMap<number, Feature> = new Map<number, Feature>([
  [VFIO_DEVICE_FEATURE_MIGRATION, { name: 'MIGRATION', methods: GET, bytes: 8, isThere: migrates, get: ({ migration }) => migration!.get(VFIO_DEVICE_FEATURE_MIGRATION) }],
  [
    VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
    {
      name: 'MIG_DEVICE_STATE',
      methods: GET | SET,
      bytes: STATE.size,
      isThere: migrates,
      get: ({ migration }) => migration!.get(VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE),
      set: ({ migration }, data) => migration!.set(STATE.decode(data).device_state),
    },
  ],
  [VFIO_DEVICE_FEATURE_DMA_LOGGING_START, { name: 'DMA_LOGGING_START', methods: SET, bytes: 16, isThere: logs, set: ({ log }, data) => log!.start(data) }],
  [VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, { name: 'DMA_LOGGING_STOP', methods: SET, bytes: 0, isThere: logs, set: ({ log }) => log!.stop() }],
  [VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, { name: 'DMA_LOGGING_REPORT', methods: GET, bytes: 24, isThere: logs, get: ({ log }, data, room) => log!.report(data, room) }],
]);

/**
 * Answers one request.
 *
 * @param most - Bytes that the answer's payload may have, whatever argsz says.
 * @returns the payload of the reply.
 * @throws VfioError EINVAL for an envelope or data that cannot be; ENOTTY for a feature that the device does not have; what the feature answers.
 */
export function deviceFeature(parts: FeatureParts, { argsz, flags, data }: PayloadOf<'DEVICE_FEATURE', 'request'>, most: number): Uint8Array {
  const shown = `flags 0x${flags.toString(16)}`;
  const methods = flags & (GET | SET);
  if (argsz < HEAD) throw new VfioError('EINVAL', CALL, `argsz ${argsz} is below ${HEAD}`);
  if ((flags & ~(VFIO_DEVICE_FEATURE_MASK | GET | SET | PROBE)) !== 0) throw new VfioError('EINVAL', CALL, `${shown} has bits beyond 0x7ffff`);
  const index = flags & VFIO_DEVICE_FEATURE_MASK;
  const feature = FEATURES.get(index);
  if (feature?.isThere(parts) !== true) throw new VfioError('ENOTTY', CALL, `the device has no feature ${index}`);
  if ((methods & ~feature.methods) !== 0) throw new VfioError('EINVAL', CALL, `${feature.name}: ${shown} asks for more than 0x${feature.methods.toString(16)}`);
  if ((flags & PROBE) !== 0) return encodePayload('DEVICE_FEATURE', 'reply', { argsz, flags, data });
  if (methods !== GET && methods !== SET) throw new VfioError('EINVAL', CALL, `${feature.name}: ${shown}: expected one of GET, SET and PROBE`);
  const room = Math.min(argsz, most) - HEAD;
  if (room < feature.bytes) throw new VfioError('EINVAL', CALL, `${feature.name}: argsz has room for ${room} bytes of data; expected ${feature.bytes}`);
  if (methods === SET) {
    if (data.length < feature.bytes) throw new VfioError('EINVAL', CALL, `${feature.name}: ${data.length} bytes of data; expected ${feature.bytes}`);
    feature.set!(parts, data);
    return encodePayload('DEVICE_FEATURE', 'reply', { argsz, flags, data });
  }
  const answer = feature.get!(parts, data, room);
  return encodePayload('DEVICE_FEATURE', 'reply', { argsz: HEAD + answer.length, flags, data: answer });
}
