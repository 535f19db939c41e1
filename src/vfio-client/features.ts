// The features 0 to 10 of v6.14 with payloads as records, and the proposed ALIAS_REGION. Behaviour text, sections 3.3 and 8.6.

import * as uapi from '../uapi/index.ts';
import { VfioAnswerError } from './calls.ts';
import type { VfioCalls } from './calls.ts';
import { AliasRegionFeature } from './alias-region.ts';
import { DmaLoggingReportFeature, DmaLoggingStartFeature } from './dma-logging.ts';
import { FeatureClient } from './feature.ts';
import { MIGRATION_FLAGS, flagNames } from './flag-names.ts';

/** A state of migration: VFIO_DEVICE_STATE_ without the prefix. */
export type MigrationState = 'ERROR' | 'STOP' | 'RUNNING' | 'STOP_COPY' | 'RESUMING' | 'RUNNING_P2P' | 'PRE_COPY' | 'PRE_COPY_P2P';

/** The place in the list is the number. */
const STATES: readonly MigrationState[] = ['ERROR', 'STOP', 'RUNNING', 'STOP_COPY', 'RESUMING', 'RUNNING_P2P', 'PRE_COPY', 'PRE_COPY_P2P'];

/** Feature 0: what users of the virtual functions must know. */
export class PciVfTokenFeature extends FeatureClient {
  /** @param token - A UUID: 16 bytes, or 36 characters. RangeError for anything else. */
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
  /** VFIO_MIGRATION_ bits and their names: `STOP_COPY`, `P2P`, `PRE_COPY`. */
  get(): { readonly flags: number; readonly flagNames: readonly string[] } {
    const { flags } = uapi.vfio_device_feature_migration.decode(this.getBytes(uapi.vfio_device_feature_migration.size));
    return { flags: Number(flags), flagNames: flagNames(Number(flags & 0xffff_ffffn), MIGRATION_FLAGS) };
  }
}

/** Feature 2: the state of the device, and the way to another. */
export class MigDeviceStateFeature extends FeatureClient {
  get(): MigrationState {
    const { device_state } = uapi.vfio_device_feature_mig_state.decode(this.getBytes(uapi.vfio_device_feature_mig_state.size));
    const state = STATES[device_state];
    if (state === undefined) throw new VfioAnswerError(`VFIO_DEVICE_FEATURE ${this.name}`, `device_state is ${device_state}; expected 0 to ${STATES.length - 1}`);
    return state;
  }

  /** Goes to a state, on the way that the kernel knows. The fd of the data file that the last step made; undefined where it made none. */
  set(state: MigrationState): number | undefined {
    const device_state = STATES.indexOf(state);
    if (device_state < 0) throw new TypeError(`set: ${JSON.stringify(state)} is none of ${STATES.join(', ')}`);
    const { data_fd } = uapi.vfio_device_feature_mig_state.decode(this.setBytes(uapi.vfio_device_feature_mig_state.encode({ device_state, data_fd: -1 })));
    return data_fd < 0 ? undefined : data_fd;
  }
}

/** A feature that is set without a payload. */
export class PlainFeature extends FeatureClient {
  set(): void {
    this.setBytes();
  }
}

/** Feature 4: low power that ends by itself. */
export class LowPowerWithWakeupFeature extends FeatureClient {
  /** @param eventfd - Signalled when something wakes the device. */
  set(eventfd: number): void {
    this.setBytes(uapi.vfio_device_low_power_entry_with_wakeup.encode({ wakeup_eventfd: eventfd }));
  }
}

/** Feature 9: how much STOP_COPY is expected to give. */
export class MigDataSizeFeature extends FeatureClient {
  /** Bytes. */
  get(): bigint {
    return uapi.vfio_device_feature_mig_data_size.decode(this.getBytes(uapi.vfio_device_feature_mig_data_size.size)).stop_copy_length;
  }
}

/** Feature 10: whether a CDX device may start transfers. */
export class BusMasterFeature extends FeatureClient {
  set(enable: boolean): void {
    this.setBytes(uapi.vfio_device_feature_bus_master.encode({ op: enable ? uapi.VFIO_DEVICE_FEATURE_SET_MASTER : uapi.VFIO_DEVICE_FEATURE_CLEAR_MASTER }));
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

  /** A feature by its number, 0 to 65535, with payloads of bytes. RangeError for another number. */
  at(index: number): FeatureClient {
    return new FeatureClient(this.calls, this.fd, index);
  }
}
