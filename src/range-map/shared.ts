// The second face of this room, `maplebar/range-map/shared`: range maps that other threads look things up in. It has binaries of its own, so that only who asks for it loads them.

export * from './index.ts';
export { SharedRangeArena } from './shared-arena.ts';
export type { RangeReaderSeat, SharedRangeArenaOptions, SharedRangeMap } from './shared-arena.ts';
export { SharedRangeReader, SharedRangeView } from './shared-reader.ts';
export type { WasmMemory } from '../webassembly/index.ts';
