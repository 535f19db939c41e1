// The face of this room: the range store alone, with the manners of Map.

export { RangeArena } from './arena.ts';
export type { RangeArenaCounts, RangeArenaOptions } from './arena.ts';
export { RangeMap } from './constructor.ts';
export type { BigintKeys, NumberKeys, RangeMapConstructor } from './constructor.ts';
export { RangeMapCursor } from './cursor.ts';
export type { IndexColumn } from './keys.ts';
export type { RangeMap as RangeMapInstance } from './range-map.ts';
export { RangeSnapshot } from './range-map.ts';
export type { RangeMapAllocation, RangeMapCyclicAllocation, RangeMapCyclicPlace, RangeMapOptions, RangeMapRow } from './entries.ts';
export { RangeReader } from './range-reader.ts';
export type { RangeMapEntry, RangeMapGapRequest, RangeMapWalkOptions } from './range-reader.ts';
export { RangeIterator } from './rows.ts';
export type { Build, WasmModule } from '../webassembly/index.ts';
