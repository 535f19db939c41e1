// The face of the reference engine: docs/how-an-access-travels.md and docs/registers.md, rule by rule, without any speed.

export { ReferenceCookieTable, type CookieMode } from './cookie.ts';
export { capabilityList } from './config-capabilities.ts';
export { extendedCapabilityList } from './config-extended.ts';
export { ReferenceConfigSpace, type ReferenceFunction } from './config-space.ts';
export { ReferenceEngine } from './engine.ts';
export type { Width } from './little-endian.ts';
export { ReferenceCursor } from './range-cursor.ts';
export { ReferenceRangeStore, type Entry } from './range-store.ts';
export { ReferenceRegion, type Hooks, type RegionOptions } from './region.ts';
export * from './result.ts';
export { ReferenceSpace, type AliasOptions, type MapOptions, type ReferenceWindow, type WindowAttributes } from './space.ts';
export { ReferenceTraceRing, type TraceRecord } from './trace-ring.ts';
export { ReferenceXorshift } from './xorshift.ts';
export { ReferenceRegisterBank, type Doorbell } from './register-bank.ts';
export type { ReferenceFifo } from './register-fifo.ts';
export type { InterruptEvent } from './register-interrupts.ts';
