// The face of this room: VFIO as a calling program sees it.

export { PAGE_SIZE, VfioDevice } from './device.ts';
export type { MsixTable, VfioDeviceDescription, VfioRegion, VfioRegionDescription, VfioRegionKind } from './device.ts';
export type { OpenOptions } from './device-file.ts';
export { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE } from './files/eventfd.ts';
export type { InterruptHardware } from './interrupts/hardware.ts';
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
export { callLine, decodeCall } from './call-trace/decode.ts';
export type { CallLineOptions } from './call-trace/decode.ts';
export type { CallBuffer, CallFileKind, CallMemory, CallOutcome, IoctlCall, PolledFd, SystemCall } from './call-trace/call.ts';
export { readRecordedCall, recordCall } from './call-trace/recorded.ts';
export type { RecordedValue } from './call-trace/recorded.ts';
export { shownJson, shownText } from './call-trace/shown.ts';
export type { DecodedCall, Shown, ShownChange, ShownJson, ShownStruct } from './call-trace/shown.ts';
export { traceCalls } from './call-trace/tracer.ts';
export type { CallListener, TraceCallsOptions } from './call-trace/tracer.ts';
