// VFIO_DEVICE_FEATURE: the envelope and which feature is meant. Behaviour text, sections 3.1 and 3.3.
//
//   argsz flags | payload: as the feature says
//   0     4     8
//               flags: 0-15 feature   16 GET   17 SET   18 PROBE

import {
  VFIO_DEVICE_FEATURE_BUS_MASTER,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
  VFIO_DEVICE_FEATURE_GET,
  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
  VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
  VFIO_DEVICE_FEATURE_MASK,
  VFIO_DEVICE_FEATURE_MIGRATION,
  VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
  VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
  VFIO_DEVICE_FEATURE_PCI_VF_TOKEN,
  VFIO_DEVICE_FEATURE_PROBE,
  VFIO_DEVICE_FEATURE_SET,
  VfioError,
  vfio_device_feature,
} from '../../uapi/index.ts';
import type { VfioDevice } from '../device.ts';
import type { CallingProcess } from '../files/open-file.ts';
import { BehindMemory } from '../user-memory.ts';
import type { UserMemory } from '../user-memory.ts';
import { busMaster } from './bus-master.ts';
import { dmaLoggingReport, dmaLoggingStart, dmaLoggingStop } from './dma-logging.ts';
import { checkFeature } from './feature.ts';
import type { Feature } from './feature.ts';
import { lowPowerEntry, lowPowerEntryWithWakeup, lowPowerExit } from './low-power.ts';
import { migrationDataSize, migrationFlags, migrationState } from './migration.ts';
import { pciVfToken } from './vf-token.ts';

const CALL = 'VFIO_DEVICE_FEATURE';
const HEADER = vfio_device_feature.size;

const FEATURES: ReadonlyMap<number, readonly [name: string, feature: Feature]> = new Map([
  [VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, ['PCI_VF_TOKEN', pciVfToken]],
  [VFIO_DEVICE_FEATURE_MIGRATION, ['MIGRATION', migrationFlags]],
  [VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, ['MIG_DEVICE_STATE', migrationState]],
  [VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, ['LOW_POWER_ENTRY', lowPowerEntry]],
  [VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, ['LOW_POWER_ENTRY_WITH_WAKEUP', lowPowerEntryWithWakeup]],
  [VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, ['LOW_POWER_EXIT', lowPowerExit]],
  [VFIO_DEVICE_FEATURE_DMA_LOGGING_START, ['DMA_LOGGING_START', dmaLoggingStart]],
  [VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, ['DMA_LOGGING_STOP', dmaLoggingStop]],
  [VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, ['DMA_LOGGING_REPORT', dmaLoggingReport]],
  [VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, ['MIG_DATA_SIZE', migrationDataSize]],
  [VFIO_DEVICE_FEATURE_BUS_MASTER, ['BUS_MASTER', busMaster]],
]);

/** A feature that a file knows beyond those of v6.14: of a later kernel, or of a proposal. It goes before what else has its number. */
export interface AddedFeature {
  readonly index: number;
  readonly name: string;
  readonly feature: Feature;
}

/** VFIO_DEVICE_FEATURE. The envelope itself is never written back. */
export function deviceFeature(device: VfioDevice, user: UserMemory, process: CallingProcess, added: readonly AddedFeature[] = []): number {
  const { argsz, flags } = vfio_device_feature.decode(user.copyIn(0, HEADER));
  if (argsz < HEADER) throw new VfioError('EINVAL', CALL, `argsz ${argsz} is below ${HEADER}`);
  const methods = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
  if ((flags & ~(VFIO_DEVICE_FEATURE_MASK | methods | VFIO_DEVICE_FEATURE_PROBE)) !== 0) {
    throw new VfioError('EINVAL', CALL, `flags 0x${flags.toString(16)} has bits beyond 0x7ffff`);
  }
  if ((flags & VFIO_DEVICE_FEATURE_PROBE) === 0 && (flags & methods) === methods) throw new VfioError('EINVAL', CALL, `flags 0x${flags.toString(16)} asks for GET and SET at once`);
  const index = flags & VFIO_DEVICE_FEATURE_MASK;
  const own = added.find((one) => one.index === index);
  const [name, feature] = own === undefined ? (FEATURES.get(index) ?? ['', undefined]) : [own.name, own.feature];
  if (feature?.isThere(device) !== true) throw new VfioError('ENOTTY', CALL, `${device.name} has no feature ${index}${name && ` (${name})`}`);
  const call = `${CALL} ${name}`;
  const refused = feature.refuses?.(device);
  if (refused !== undefined) throw new VfioError(refused, call, `${device.name} cannot do that`);
  const isProbe = !checkFeature(call, flags, argsz - HEADER, feature);
  if (isProbe && feature.runsWhenProbed !== true) return 0;
  return feature.run(device, { call, isGet: (flags & VFIO_DEVICE_FEATURE_GET) !== 0, isProbe, data: new BehindMemory(user, HEADER), process });
}
