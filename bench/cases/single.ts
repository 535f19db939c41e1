// Inputs of single accesses: one machine with two devices and an interrupt controller, and addresses that no branch predictor can learn.

import { createRandom } from '../random.ts';

const BLOCK = 1024;
const BLOCKS = 64;

/** The windows; `used` bytes of each are accessed: of the interrupt controller's megabyte a guest uses two pages. */
export const windows = {
  device: { start: 0xfebf_8000, size: 0x4000, used: 0x4000 },
  interrupts: { start: 0xfee0_0000, size: 0x10_0000, used: 0x2000 },
  high: { start: 0x8_0000_0000, size: 0x1_0000, used: 0x1_0000 },
  hook: { start: 0xfebf_0000, size: 0x4000, used: 0x4000 },
  memory: { start: 0x10_0000, size: 0x400_0000, used: 0x400_0000 },
} as const;

/** Operations per call. */
export const OPERATIONS = BLOCK;

/** Random aligned addresses in three windows, new ones each round, handed out in blocks. */
export function createAddresses(width: number, targets: readonly { readonly start: number; readonly used: number }[] = [windows.device, windows.interrupts, windows.high]) {
  const all = new Float64Array(BLOCK * BLOCKS);
  let block = 0;
  return {
    renew(round: number): void {
      const random = createRandom(round);
      for (let i = 0; i < all.length; i++) {
        const { start, used } = targets[random() % targets.length]!;
        all[i] = start + (random() % (used / width)) * width;
      }
    },
    /** The next block. */
    next(): Float64Array {
      block = (block + 1) % BLOCKS;
      return all.subarray(block * BLOCK, (block + 1) * BLOCK);
    },
  };
}

/** Positions in the device's region. */
export function createPositions() {
  const all = new Float64Array(BLOCK * BLOCKS);
  let block = 0;
  return {
    renew(round: number): void {
      const random = createRandom(round);
      for (let i = 0; i < all.length; i++) all[i] = (random() % (windows.device.size / 4)) * 4;
    },
    next(): Float64Array {
      block = (block + 1) % BLOCKS;
      return all.subarray(block * BLOCK, (block + 1) * BLOCK);
    },
  };
}

/** The same addresses as bigints, made when they are renewed. */
export function createBigAddresses() {
  const numbers = createAddresses(4);
  const blocks: bigint[][] = [];
  let block = 0;
  return {
    renew(round: number): void {
      numbers.renew(round);
      for (let i = 0; i < BLOCKS; i++) blocks[i] = Array.from(numbers.next(), BigInt);
    },
    next(): bigint[] {
      block = (block + 1) % BLOCKS;
      return blocks[block]!;
    },
  };
}
