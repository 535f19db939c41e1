// maplebar's public face: re-exports only. The VFIO ABI, PCI and trace rooms have subpaths of their own.

export { BankRegion, Batch, Engine, IommuDomain, IommuFault, OffsetTable, RangeCursor, RangeStore, Region, Space, TraceRing, Window, createEngine } from './core/index.ts';
export type {
  BankDescription,
  BankHandlers,
  HookMoment,
  RegisterAccess,
  RegisterCounts,
  BatchOperation,
  BatchResult,
  DrainPolicy,
  EngineOptions,
  GapRequest,
  HookHandlers,
  IommuTarget,
  LiveCounts,
  MappedRange,
  MemoryType,
  OffsetMode,
  RangeEntry,
  RegionBase,
  RegionDescription,
  RegionKind,
  ResolvedOffset,
  TraceRecord,
  U64,
  Width,
  WindowOptions,
} from './core/index.ts';
export { ERRNO, VfioError, errnoName } from './uapi/index.ts';
export type { CapabilityInput, ErrnoName, RegionInfoCapability } from './uapi/index.ts';
export * from './vfio/index.ts';
export { PciFunction, SpaceDecoder } from './pci/index.ts';
export type { BarRegion, ConfigField, DecodeChange, DecodeListener, DecodeRange, DecodeSpaces, InterruptSink, PciFunctionDescription } from './pci/index.ts';
