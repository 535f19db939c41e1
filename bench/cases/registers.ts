// Read-modify-write over a bank of 64 plain registers: what is measured in the core and in JavaScript.

/** Reads and writes of one run: each register read, changed, written back. */
export const OPERATIONS = 1 << 13;
export const REGISTERS = 64;
/** Bits that can be written: not all, so that a mask matters. */
export const WRITABLE = 0x00ff_ff0f;
export const BASE = 0xfebf_0000;

/** The order of registers in one round: seeded by it, the same for all sides. */
export function orderOf(round: number): Uint32Array {
  let state = (round * 0x9e37_79b1 + 1) >>> 0;
  return Uint32Array.from({ length: OPERATIONS / 2 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % REGISTERS;
  });
}

/** What is written back. */
export const changed = (value: number): number => (value * 5 + 0x0101_0101) >>> 0;
