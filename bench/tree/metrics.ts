// What the range-store benchmark measures, and what each metric means.

/** In the order of measuring: what builds a tree stands before what reads it, what takes it down last. */
export const METRICS = [
  'insert_seq',
  'insert_rand',
  'load',
  'load_dep',
  'load_table',
  'walk',
  'replace',
  'split_restore',
  'gap_rnd',
  'gap_rev',
  'gap_tail',
  'alloc_erase_pair',
  'iter',
  'dup',
  'snapshot',
  'write_alone',
  'write_beside',
  'erase_rand',
  'bulk',
  'alloc_fill',
] as const;

export type Metric = (typeof METRICS)[number];

/** Bytes per range after these ways of building. */
export const BUILDS = ['bytes_rand', 'bytes_bulk'] as const;

export type Build = (typeof BUILDS)[number];
export type Measured = Metric | Build;
/** In the order of measuring: bytes first, by which the memory has grown before anything is timed. */
export const MEASURED: readonly Measured[] = [...BUILDS, ...METRICS];

/** One line each, for readers; in the order of the report. */
export const MEANING: Readonly<Record<Measured, string>> = {
  load: 'the value at a random index that is in a range; lookups do not depend on each other',
  load_dep: 'the same, each lookup waits for the answer of the one before',
  load_table: 'as load, by the table that a store gets which is read and not written; calls from JavaScript use it, loops inside Wasm for `load` walk the tree',
  walk: 'the value and the extent of the range at a random index',
  insert_seq: 'insert into an empty map, ascending; an overlap would be refused',
  insert_rand: 'insert into an empty map, in random order',
  erase_rand: 'find by index and remove, until nothing is left, in random order',
  replace: 'store another value over exactly one range, in random order',
  split_restore: 'store over the middle of a range, then over the whole of it again; per store',
  gap_rnd: 'lowest free block of 1 to 8 pages above a random range',
  gap_rev: 'highest free block of 1 to 8 pages below the end of a random range',
  gap_tail: 'lowest free block that is longer than every gap between ranges',
  alloc_erase_pair: 'allocate a block above a random range and erase it; per pair',
  alloc_fill: 'fill the gaps of a map from below with N/4 allocations',
  iter: 'all ranges in ascending order, with extent and value; per range',
  bulk: 'build from ascending ranges; per range',
  dup: 'copy a map; per range',
  snapshot: 'take a snapshot and release it',
  write_alone: 'erase a random range, insert it again with another value, up to 16384 writes; per write',
  write_beside: 'the same while a snapshot from before the first write is held; without taking and releasing it',
  bytes_rand: 'bytes per range after inserts in random order',
  bytes_bulk: 'bytes per range after building from ascending ranges',
};

export const REPORTED = Object.keys(MEANING) as readonly Measured[];
