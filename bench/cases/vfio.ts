// System calls of a VFIO program: what is measured through the process, through a region, and by the kernel of the machine.

/** Calls of one run. */
export const OPERATIONS = 1 << 10;
/** Bytes of each region. */
export const REGION_BYTES = 0x4000;
/** Bytes of the bitmap of 1 GiB at 4 KiB for each bit. */
export const BITMAP_BYTES = 0x8000;

/** Seeded by the round, the same for all sides. */
export function randomNumbers(round: number, below: number): Uint32Array {
  let state = (round * 0x9e37_79b1 + 1) >>> 0;
  return Uint32Array.from({ length: OPERATIONS }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  });
}

/** Positions of 4 bytes in a region. */
export const positionsOf = (round: number): Uint32Array => randomNumbers(round, REGION_BYTES / 4).map((word) => word * 4);
