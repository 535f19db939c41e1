// The face of this room: a typed client for programs that speak VFIO.

export { VfioAnswerError } from './calls.ts';
export type { VfioCalls, VfioMemory } from './calls.ts';
export { VfioClient } from './client.ts';
export type { DeviceInfo, VfioClientOptions } from './client.ts';
export { AliasRegionFeature } from './alias-region.ts';
export type { AliasSupport } from './alias-region.ts';
export { DmaLoggingClient, DmaLoggingReportFeature, DmaLoggingStartFeature } from './dma-logging.ts';
export type { LoggedRange } from './dma-logging.ts';
export { FeatureClient } from './feature.ts';
export type { FeatureSupport } from './feature.ts';
export { BusMasterFeature, FeaturesClient, LowPowerWithWakeupFeature, MigDataSizeFeature, MigDeviceStateFeature, MigrationFeature, PciVfTokenFeature, PlainFeature } from './features.ts';
export type { MigrationState } from './features.ts';
export { ATOMIC_FLAGS, DEVICE_FLAGS, IRQ_FLAGS, MIGRATION_FLAGS, REGION_FLAGS, flagNames } from './flag-names.ts';
export { HotResetClient } from './hot-reset.ts';
export type { HotResetInfo, HotResetTarget } from './hot-reset.ts';
export { InterruptClient, InterruptsClient, TooFewVectorsError } from './interrupts.ts';
export type { IrqInfo } from './interrupts.ts';
export { MappingClient } from './mapping.ts';
export { MigrationClient, MigrationDataFile } from './migration.ts';
export { RegionClient } from './region.ts';
export type { RegionArea } from './region.ts';
export { VfioError } from '../uapi/index.ts';
export type { DeviceInfoCapability, ErrnoName, RegionInfoCapability } from '../uapi/index.ts';
