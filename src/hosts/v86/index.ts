// The face of v86/: devices in a v86 emulator.

export { attachV86 } from './attach.ts';
export type { AttachOptions } from './attach.ts';
export type { V86Region } from './decoded-regions.ts';
export type { DirectPlaces } from './direct-bars.ts';
export type { InterruptCounts, InterruptStorm, StormCap } from './interrupt-wire.ts';
export { TRIED_VERSION } from './internals.ts';
export type { V86Emulator } from './internals.ts';
export { realClock } from './real-clock.ts';
export { restoreState } from './restore-state.ts';
export type { V86StateKeeper } from './restore-state.ts';
export type { RegionCounts, V86Access, V86TraceSink } from './region-counts.ts';
export { V86Card } from './v86-card.ts';
export type { AttachableDevice } from './v86-card.ts';
export { wasmFn } from './wasm-fn.ts';
export type { V86WasmFunction } from './wasm-fn.ts';
export type { WasmSource } from '../../core/index.ts';
