// The face of this room: VFIO as a calling program sees it.

export { PAGE_SIZE, VfioDevice } from './device.ts';
export type { MsixTable, VfioDeviceDescription, VfioDeviceKind, VfioRegion, VfioRegionDescription, VfioRegionKind } from './device.ts';
export type { OpenOptions } from './device-file.ts';
export { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE } from './files/eventfd.ts';
export { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from './files/poll.ts';
export type { DeviceMigration } from './migration/device-migration.ts';
export type { MigrationModel, MigrationSource, MigrationTarget } from './migration/model.ts';
export type { InterruptHardware } from './interrupts/hardware.ts';
export type { LowPower } from './features/low-power.ts';
export type { VfToken } from './features/vf-token.ts';
export type { DeviceInterrupts } from './interrupts/device-interrupts.ts';
export type { VfioNotification } from './interrupts/err-req.ts';
export { regionFlags } from './device-info.ts';
export { mappableAreas } from './mappable-areas.ts';
export type { HoleReason, MappableArea, MappableAreas, MappableAreasInput, MappableHole } from './mappable-areas.ts';
export { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from './mman.ts';
export { Process } from './process.ts';
export type { ProcessOptions } from './process.ts';
export type { Mapping } from './process-memory.ts';
export type { RawCalls } from './raw-calls.ts';
export type { UserBuffer, UserPointer } from './user-memory.ts';
