// What the cases of a domain have in common: pages of 4 KiB in random or ascending order, and a RAM that they lead to.

import { createRandom, shuffled } from '../random.ts';

export const PAGE = 4096;
export const BASE = 0x10_0000_0000;
/** The RAM behind them. */
export const RAM_BYTES = 64 * 2 ** 20;
const RAM_PAGES = RAM_BYTES / PAGE;

export type Order = 'random' | 'ascending';

/** IOVAs of `n` pages with a hole behind each third, and positions in the RAM, scattered. */
export function createPages(n: number, order: Order): { readonly iovas: Float64Array; readonly positions: Float64Array } {
  const random = createRandom(n);
  const places = order === 'random' ? shuffled(n, random) : Uint32Array.from({ length: n }, (_, i) => i);
  const iovas = Float64Array.from(places, (place) => BASE + (place + Math.floor(place / 3)) * PAGE);
  const positions = Float64Array.from({ length: n }, () => (random() % RAM_PAGES) * PAGE);
  return { iovas, positions };
}

/** Addresses inside those pages, new in each round. */
export function createPlaces(n: number, operations: number): { renew(round: number): void; next(): Float64Array } {
  const { iovas } = createPages(n, 'ascending');
  const blocks = Array.from({ length: 64 }, () => new Float64Array(operations));
  let block = 0;
  return {
    renew(round) {
      const random = createRandom(round);
      for (const one of blocks) for (let k = 0; k < operations; k++) one[k] = iovas[random() % n]! + (random() % PAGE);
    },
    next: () => blocks[block++ % blocks.length]!,
  };
}

/** What all sides must answer: a few translations after all was mapped. */
export function digestOf(n: number, order: Order, locate: (iova: number) => number, run: () => void): number {
  run();
  const { iovas } = createPages(n, order);
  let sum = 0;
  for (let i = 0; i < n; i += 7) for (const at of [iovas[i]!, iovas[i]! + PAGE - 1, iovas[i]! + PAGE]) sum = (sum * 31 + locate(at)) | 0;
  return sum;
}
