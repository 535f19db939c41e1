// The features 0 to 10 of v6.14 with payloads as records, 11 and 12 of Linux 7.2, and the proposed ALIAS_REGION. Behaviour text, sections 3.3, 8.6 and 9.

import * as uapi from '../uapi/index.ts';
import { VfioAnswerError, newFd } from './calls.ts';
import type { VfioCalls } from './calls.ts';
import { AliasRegionFeature } from './alias-region.ts';
import { DmaBufFeature } from './dma-buf.ts';
import { DmaLoggingReportFeature, DmaLoggingStartFeature } from './dma-logging.ts';
import { FeatureClient } from './feature.ts';
import { MIGRATION_FLAGS, flagNames } from './flag-names.ts';

/** A state of migration: VFIO_DEVICE_STATE_ without the prefix. */
export type MigrationState = 'ERROR' | 'STOP' | 'RUNNING' | 'STOP_COPY' | 'RESUMING' | 'RUNNING_P2P' | 'PRE_COPY' | 'PRE_COPY_P2P';

/** The place in the list is the number. */
const STATES: readonly MigrationState[] = ['ERROR', 'STOP', 'RUNNING', 'STOP_COPY', 'RESUMING', 'RUNNING_P2P', 'PRE_COPY', 'PRE_COPY_P2P'];

/** Feature 0: what users of the virtual functions must know. */
export class PciVfTokenFeature extends FeatureClient {
  /**
   * Sets it; nobody can ask for it.
   *
   * @param token - A UUID: 16 bytes, or 36 characters. RangeError for anything else.
   * @throws VfioError ENOTTY for what is no SR-IOV physical function; EBADF.
   * @example
   * ```ts
   * if (client.feature.pciVfToken.probe() !== undefined) client.feature.pciVfToken.set('00112233-4455-6677-8899-aabbccddeeff');
   * ```
   */
  set(token: Uint8Array | string): void {
    const digits = typeof token === 'string' ? token.replaceAll('-', '') : '';
    if (typeof token === 'string' && !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(token)) throw new RangeError(`set: ${JSON.stringify(token)} is no UUID`);
    const bytes = typeof token === 'string' ? Uint8Array.from({ length: 16 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16)) : token;
    if (bytes.length !== 16) throw new RangeError(`set: the token has ${bytes.length} bytes; expected 16`);
    this.setBytes(bytes);
  }
}

/** Feature 1: what the device's migration can do. */
export class MigrationFeature extends FeatureClient {
  /**
   * VFIO_MIGRATION_ bits and their names: `STOP_COPY`, `P2P`, `PRE_COPY`.
   *
   * @throws VfioError ENOTTY for a device that cannot be migrated; EBADF.
   * @example
   * ```ts
   * client.feature.migration.get(); // { flags: 7, flagNames: ['STOP_COPY', 'P2P', 'PRE_COPY'] }
   * ```
   */
  get(): { readonly flags: number; readonly flagNames: readonly string[] } {
    const { flags } = uapi.vfio_device_feature_migration.decode(this.getBytes(uapi.vfio_device_feature_migration.size));
    return { flags: Number(flags), flagNames: flagNames(Number(flags & 0xffff_ffffn), MIGRATION_FLAGS) };
  }
}

/** Feature 2: the state of the device, and the way to another. */
export class MigDeviceStateFeature extends FeatureClient {
  /**
   * Where the device is.
   *
   * @throws VfioError ENOTTY for a device that cannot be migrated; EBADF. VfioAnswerError for a number that is no state.
   * @example
   * ```ts
   * client.feature.migDeviceState.get(); // 'RUNNING'
   * ```
   */
  get(): MigrationState {
    const { device_state } = uapi.vfio_device_feature_mig_state.decode(this.getBytes(uapi.vfio_device_feature_mig_state.size));
    const state = STATES[device_state];
    if (state === undefined) throw new VfioAnswerError(`VFIO_DEVICE_FEATURE ${this.name}`, `device_state is ${device_state}; expected 0 to ${STATES.length - 1}`);
    return state;
  }

  /**
   * Goes to a state, on the way that the kernel knows.
   *
   * @returns The fd of the data file that the last step made, which its user closes; undefined where it made none.
   * @throws VfioError ENOTTY for a device that cannot be migrated; EINVAL where there is no way; EMFILE when there is no fd left, and the state has changed; what the device refuses a
   *   step with; EBADF. TypeError for a state that is none. VfioAnswerError for a data file that has the device's own fd.
   * @example
   * ```ts
   * const fd = client.feature.migDeviceState.set('STOP_COPY')!;
   * process.close(fd);
   * ```
   */
  set(state: MigrationState): number | undefined {
    const device_state = STATES.indexOf(state);
    if (device_state < 0) throw new TypeError(`set: ${JSON.stringify(state)} is none of ${STATES.join(', ')}`);
    const { data_fd } = uapi.vfio_device_feature_mig_state.decode(this.setBytes(uapi.vfio_device_feature_mig_state.encode({ device_state, data_fd: -1 })));
    return data_fd < 0 ? undefined : newFd(`VFIO_DEVICE_FEATURE ${this.name}`, this.fd, () => data_fd);
  }
}

/** A feature that is set without a payload. */
export class PlainFeature extends FeatureClient {
  /**
   * Sets it.
   *
   * @throws VfioError ENOTTY when the device does not have it; EINVAL for LOW_POWER_ENTRY that was entered before; EBADF.
   * @example
   * ```ts
   * client.feature.lowPowerEntry.set();
   * client.feature.lowPowerExit.set();
   * ```
   */
  set(): void {
    this.setBytes();
  }
}

/** Feature 4: low power that ends by itself. */
export class LowPowerWithWakeupFeature extends FeatureClient {
  /**
   * Lets the device sleep until any call, of any user, wakes it: it stays awake then.
   *
   * @param eventfd - Signalled when something wakes the device.
   * @throws VfioError ENOTTY for other devices than PCI functions; EINVAL when low power was entered before, for an fd below 0 and one that is no eventfd; EBADF.
   * @example
   * ```ts
   * client.feature.lowPowerEntryWithWakeup.set(process.eventfd());
   * client.info(); // wakes it
   * ```
   */
  set(eventfd: number): void {
    this.setBytes(uapi.vfio_device_low_power_entry_with_wakeup.encode({ wakeup_eventfd: eventfd }));
  }
}

/** Feature 9: how much STOP_COPY is expected to give. */
export class MigDataSizeFeature extends FeatureClient {
  /**
   * Bytes.
   *
   * @throws VfioError ENOTTY for a device that cannot be migrated; EBADF.
   * @example
   * ```ts
   * client.feature.migDataSize.get() > 0n; // true
   * ```
   */
  get(): bigint {
    return uapi.vfio_device_feature_mig_data_size.decode(this.getBytes(uapi.vfio_device_feature_mig_data_size.size)).stop_copy_length;
  }
}

/** Feature 10: whether a CDX device may start transfers. */
export class BusMasterFeature extends FeatureClient {
  /**
   * Lets it, or does not.
   *
   * @throws VfioError ENOTTY for other devices than CDX devices; EBADF.
   * @example
   * ```ts
   * if (client.feature.busMaster.probe()?.set) client.feature.busMaster.set(true);
   * ```
   */
  set(enable: boolean): void {
    this.setBytes(uapi.vfio_device_feature_bus_master.encode({ op: enable ? uapi.VFIO_DEVICE_FEATURE_SET_MASTER : uapi.VFIO_DEVICE_FEATURE_CLEAR_MASTER }));
  }
}

/** Feature 12 of Linux 7.2: whether precopy information tells of a new first pass. A probe of a device that cannot copy while it runs fails: VfioError EINVAL. */
export class PrecopyInfoV2Feature extends FeatureClient {
  /**
   * From now on {@link MigrationDataFile.precopyInfo} of every file of the device tells `reinit`, until its last close. It may be set again.
   *
   * @throws VfioError ENOTTY before Linux 7.2; EINVAL when the device cannot copy while it runs, PRE_COPY, or not be migrated at all; EBADF.
   * @example
   * ```ts
   * client.feature.precopyInfoV2.probe(); // { get: false, set: true }
   * client.feature.precopyInfoV2.set();
   * ```
   */
  set(): void {
    this.setBytes();
  }
}

/** The features by name. Those that a device does not have are ENOTTY: probe them. */
export class FeaturesClient {
  readonly pciVfToken: PciVfTokenFeature;
  readonly migration: MigrationFeature;
  readonly migDeviceState: MigDeviceStateFeature;
  readonly lowPowerEntry: PlainFeature;
  readonly lowPowerEntryWithWakeup: LowPowerWithWakeupFeature;
  readonly lowPowerExit: PlainFeature;
  readonly dmaLoggingStart: DmaLoggingStartFeature;
  readonly dmaLoggingStop: PlainFeature;
  readonly dmaLoggingReport: DmaLoggingReportFeature;
  readonly migDataSize: MigDataSizeFeature;
  readonly busMaster: BusMasterFeature;
  /** Of Linux 7.2: ENOTTY in v6.14. */
  readonly dmaBuf: DmaBufFeature;
  /** Of Linux 7.2: ENOTTY in v6.14. */
  readonly precopyInfoV2: PrecopyInfoV2Feature;
  /** A proposal: ENOTTY in v6.14. */
  readonly aliasRegion: AliasRegionFeature;
  private readonly calls: VfioCalls;
  private readonly fd: number;

  /** @internal */
  constructor(calls: VfioCalls, fd: number, aliasRegion: number | undefined) {
    this.calls = calls;
    this.fd = fd;
    this.pciVfToken = new PciVfTokenFeature(calls, fd, uapi.VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, 'PCI_VF_TOKEN');
    this.migration = new MigrationFeature(calls, fd, uapi.VFIO_DEVICE_FEATURE_MIGRATION, 'MIGRATION');
    this.migDeviceState = new MigDeviceStateFeature(calls, fd, uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, 'MIG_DEVICE_STATE');
    this.lowPowerEntry = new PlainFeature(calls, fd, uapi.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, 'LOW_POWER_ENTRY');
    this.lowPowerEntryWithWakeup = new LowPowerWithWakeupFeature(calls, fd, uapi.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, 'LOW_POWER_ENTRY_WITH_WAKEUP');
    this.lowPowerExit = new PlainFeature(calls, fd, uapi.VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, 'LOW_POWER_EXIT');
    this.dmaLoggingStart = new DmaLoggingStartFeature(calls, fd);
    this.dmaLoggingStop = new PlainFeature(calls, fd, uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, 'DMA_LOGGING_STOP');
    this.dmaLoggingReport = new DmaLoggingReportFeature(calls, fd);
    this.migDataSize = new MigDataSizeFeature(calls, fd, uapi.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, 'MIG_DATA_SIZE');
    this.busMaster = new BusMasterFeature(calls, fd, uapi.VFIO_DEVICE_FEATURE_BUS_MASTER, 'BUS_MASTER');
    this.dmaBuf = new DmaBufFeature(calls, fd);
    this.precopyInfoV2 = new PrecopyInfoV2Feature(calls, fd, uapi.VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, 'MIG_PRECOPY_INFOv2');
    this.aliasRegion = new AliasRegionFeature(calls, fd, aliasRegion);
  }

  /** The features of v6.14 in the order of their numbers. */
  get all(): readonly FeatureClient[] {
    return [
      this.pciVfToken,
      this.migration,
      this.migDeviceState,
      this.lowPowerEntry,
      this.lowPowerEntryWithWakeup,
      this.lowPowerExit,
      this.dmaLoggingStart,
      this.dmaLoggingStop,
      this.dmaLoggingReport,
      this.migDataSize,
      this.busMaster,
    ];
  }

  /** What Linux 7.2 has beyond those, in the order of their numbers: 11 and 12. */
  get later(): readonly FeatureClient[] {
    return [this.dmaBuf, this.precopyInfoV2];
  }

  /** A feature by its number, 0 to 65535, with payloads of bytes. RangeError for another number. */
  at(index: number): FeatureClient {
    return new FeatureClient(this.calls, this.fd, index);
  }
}
