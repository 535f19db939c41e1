// What writer and readers of the soak agree on: where keys lie, what values carry, and the words of the small memory through which they keep pace.
//
//   map     | slot slot slot slot | area | slot slot slot slot | area | ...        2^40: far rows       2^41: A       2^42: B
//           |<-    a group      ->|        16 pages a slot                         wiped and refilled   always written together
//
//   value   generation 19 bits | spread 1 bit | slot 12 bits           spread: stored over several slots of a group, by the first one's number

export const PAGE = 4096;
export const PAGES = 16;
const SLOT_BYTES = PAGE * PAGES;
const GROUP_BYTES = 8 * SLOT_BYTES;

/** The first key of a page of a slot. */
export const pageOf = (slot, page) => (slot >>> 2) * GROUP_BYTES + (slot & 3) * SLOT_BYTES + page * PAGE;

/** The first key of a cell in the area behind a group; cells are 64 keys long. */
export const CELLS = 8;
export const cellOf = (group, cell) => group * GROUP_BYTES + 4 * SLOT_BYTES + cell * 256;

export const MAX_GENERATION = 2 ** 19 - 1;
export const valueOf = (generation, slot, spread) => ((generation << 13) | (spread ? 4096 : 0) | slot) >>> 0;
export const generationOf = (value) => value >>> 13;

/** Whether a value may stand in this slot. */
export function belongs(value, slot) {
  const from = value & 4095;
  return (value & 4096) === 0 ? from === slot : from >>> 2 === slot >>> 2 && from <= slot;
}

export const FAR = 2 ** 40;
export const FAR_ROWS = 2000;
export const A = 2 ** 41;
export const B = 2 ** 42;
/** Rows that a walk fetches at once: what lies in them was there at one time. */
export const WINDOW = 16;
/** Keys of the map that grows from nothing to three levels and back. */
export const PULSE_KEYS = 600;
/** Rows of a map that does not live long; its values are its handle. */
export const BRIEF_ROWS = 100;

/** Words of the pace memory. */
export const WRITTEN = 0;
export const DONE = 1; // and 2: one for each reader
export const SNAPSHOT = 3;
export const CHECKSUM = 4;
export const SNAPSHOT_NUMBER = 5;
export const SEEN_SNAPSHOT = 6; // and 7
export const BRIEF = 8;
export const STOP = 9;
export const WORDS = 16;
export const READERS = 2;

/** Lookups between two looks at the others' progress. */
export const CHUNK = 2000;

/** One number for all rows of a map or snapshot. */
export function checksumOf(map) {
  let sum = 17;
  for (const [first, last, value] of map) sum = (Math.imul(sum, 31) + (first % 0x7fffffff) + 7 * (last % 0x7ffffffd) + value) | 0;
  return sum;
}

/** Random numbers: the same ones for the same seed. */
export function random(seed) {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
