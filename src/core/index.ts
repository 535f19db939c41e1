// The face of the core's TypeScript side.

export { BankRegion } from './bank.ts';
export type { BankDescription, BankHandlers, HookMoment, RegisterAccess, RegisterCounts } from './bank.ts';
export { Batch } from './batch.ts';
export type { BatchOperation, BatchResult } from './batch.ts';
export type { HookHandlers } from './core.ts';
export type { DrainPolicy } from './drain-policy.ts';
export { Engine, createEngine } from './engine.ts';
export type { EngineOptions, LiveCounts } from './engine.ts';
export { GuestLink, MOST_RUNS } from './guest-link.ts';
export type { GuestAccess, GuestRun } from './guest-link.ts';
export { IommuDomain } from './iommu-domain.ts';
export { IommuFault } from './iommu-fault.ts';
export type { IommuTarget, MappedRange } from './iommu-range.ts';
export type { U64, WasmSource } from '../webassembly/index.ts';
export { bytesOf, hex, instantiateLarge, integer, shown, u64 } from '../webassembly/index.ts';
export { OffsetTable } from './offsets.ts';
export type { OffsetMode, ResolvedOffset } from './offsets.ts';
export { RangeCursor, RangeStore } from './range-store.ts';
export type { GapRequest, RangeEntry } from './range-store.ts';
export { Region } from './region.ts';
export type { RegionBase, RegionDescription, RegionKind, Width } from './region.ts';
export { Space } from './space.ts';
export { TraceRing } from './trace-ring.ts';
export type { TraceRecord } from './trace-ring.ts';
export { Window } from './window.ts';
export type { MemoryType, WindowOptions } from './window.ts';
