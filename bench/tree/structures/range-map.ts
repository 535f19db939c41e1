// Ours, called from JavaScript one operation at a time, with numbers.

import { RangeArena, RangeMap } from '../../../src/range-map/index.ts';
import type { Structure, Visit } from '../structure.ts';

// Sizes of the core's nodes.
const LEAF_BYTES = 256;
const INNER_BYTES = 640;

/** All maps of a process share one memory, as they would in a program. */
export const arena = new RangeArena();

/** Bytes of all nodes. */
export function nodeBytes(): number {
  const { leaves, innerNodes } = arena.live();
  return leaves * LEAF_BYTES + innerNodes * INNER_BYTES;
}

let ascending = new Uint32Array(0);

/** A column of the values 1 to n. */
export function valuesOf(n: number): Uint32Array {
  if (ascending.length !== n) ascending = Uint32Array.from({ length: n }, (_, i) => i + 1);
  return ascending;
}

export class OurRangeMap implements Structure {
  foundFirst = 0;
  foundLast = 0;
  private map: RangeMap;

  constructor(map: RangeMap = new RangeMap({ arena })) {
    this.map = map;
  }

  clear(): void {
    this.map.clear();
  }

  load(index: number): number {
    return this.map.get(index) ?? 0;
  }

  walk(index: number): number {
    const entry = this.map.find(index, index);
    if (entry === undefined) return 0;
    this.foundFirst = entry.first;
    this.foundLast = entry.last;
    return entry.value;
  }

  insert(first: number, last: number, value: number): boolean {
    this.map.insert(first, last, value);
    return true;
  }

  erase(index: number): number {
    return this.map.erase(index) ?? 0;
  }

  store(first: number, last: number, value: number): void {
    this.map.set(first, last, value);
  }

  gap(size: number, first: number, last: number, fromTop: boolean): number {
    return (fromTop ? this.map.highestGap({ size, first, last }) : this.map.lowestGap({ size, first, last })) ?? -1;
  }

  allocate(size: number, first: number, last: number, value: number): number {
    return this.map.allocate({ size, first, last, value });
  }

  total(): number {
    let sum = 0;
    let lengths = 0;
    this.map.forEach((value, [first, last]) => {
      sum += value;
      lengths += last - first + 1;
    });
    return (sum + lengths / 4096) % 2 ** 32;
  }

  visit(visit: Visit): void {
    this.map.forEach((value, [first, last]) => visit(first, last, value));
  }

  bulk(firsts: Float64Array, lasts: Float64Array): void {
    this.map.destroy();
    this.map = RangeMap.fromSorted(firsts, lasts, valuesOf(firsts.length), { arena });
  }

  duplicate(): OurRangeMap {
    return new OurRangeMap(this.map.duplicate());
  }

  outsideBytes(): number {
    return nodeBytes();
  }

  destroy(): void {
    this.map.destroy();
  }
}
