// Mappings in JavaScript, and a plain copy.

import { createNumberMap, createObjectMap } from '../baseline/iommu-btree.ts';
import type { PageMap } from '../baseline/iommu-btree.ts';
import type { Side } from '../comparison.ts';
import { PAGE, RAM_BYTES, createPages, digestOf } from './dma.ts';
import type { Order } from './dma.ts';

function mapAll(map: PageMap, n: number, order: Order): Side {
  const { iovas, positions } = createPages(n, order);
  const run = (): number => {
    map.clear();
    for (let i = 0; i < n; i++) map.map(iovas[i]!, PAGE, positions[i]!);
    return map.locate(iovas[0]!);
  };
  return { operations: n, digest: () => digestOf(n, order, map.locate, run), run };
}

export const mapNumbers = (n: number, order: Order): Side => mapAll(createNumberMap(PAGE), n, order);
export const mapObjects = (n: number, order: Order): Side => mapAll(createObjectMap(), n, order);

/** `batch` pages at a time, each batch sorted first: a B+ tree takes neighbours faster. A key is a page's number and its place in the batch, so that numbers are sorted. */
export function mapSorted(n: number, order: Order, batch: number): Side {
  const map = createNumberMap(PAGE);
  const { iovas, positions } = createPages(n, order);
  const keys = new Float64Array(batch);
  const run = (): number => {
    map.clear();
    for (let start = 0; start < n; start += batch) {
      const rows = Math.min(batch, n - start);
      for (let k = 0; k < rows; k++) keys[k] = (iovas[start + k]! / PAGE) * batch + k;
      const sorted = keys.subarray(0, rows).sort();
      for (let k = 0; k < rows; k++) {
        const i = start + (sorted[k]! % batch);
        map.map(iovas[i]!, PAGE, positions[i]!);
      }
    }
    return map.locate(iovas[0]!);
  };
  return { operations: n, digest: () => digestOf(n, order, map.locate, run), run };
}

/** `Uint8Array.set` of as many bytes. */
export function copyAll(): Side {
  const [from, to] = [new Uint8Array(RAM_BYTES).fill(1), new Uint8Array(RAM_BYTES).fill(2)];
  return { operations: 1, run: () => (to.set(from), to[7]!) };
}
