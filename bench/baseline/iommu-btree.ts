// Mappings over sorted-btree, the B+ tree of npm, as a page table in JavaScript would keep them: the IOVA is the key.
//
// Pages of one size and one target, so that the last IOVA and the region need not be kept and a position is the whole value: a number, which V8 keeps without an object. With objects of
// { last, position } a value of its own is made for each mapping. Both are measured.

import sortedBTree from 'sorted-btree';

const BTree = (sortedBTree as unknown as { default?: typeof sortedBTree }).default ?? sortedBTree;

interface Tree<V> {
  getPairOrNextLower(key: number, reused: [number, V]): [number, V] | undefined;
  set(key: number, value: V): boolean;
  clear(): void;
}

function createTree<V>(): Tree<V> {
  const make = BTree as unknown as new (entries: undefined, compare: (a: number, b: number) => number) => Tree<V>;
  return new make(undefined, (a, b) => a - b);
}

/** What both have in common: pages are refused where one lies already. */
export interface PageMap {
  map(iova: number, bytes: number, position: number): void;
  clear(): void;
  /** The position behind an IOVA, or -1. */
  locate(iova: number): number;
}

/** Positions as numbers; all pages have `bytes` bytes. */
export function createNumberMap(bytes: number): PageMap {
  const tree = createTree<number>();
  const pair: [number, number] = [0, 0];
  return {
    map(iova, size, position) {
      if (size !== bytes) throw new RangeError('EINVAL');
      const below = tree.getPairOrNextLower(iova + (bytes - 1), pair);
      if (below !== undefined && below[0] + (bytes - 1) >= iova) throw new RangeError('EEXIST');
      tree.set(iova, position);
    },
    clear: () => tree.clear(),
    locate(iova) {
      const found = tree.getPairOrNextLower(iova, pair);
      return found !== undefined && iova - found[0] < bytes ? found[1] + (iova - found[0]) : -1;
    },
  };
}

interface Mapping {
  readonly last: number;
  readonly position: number;
}

/** An object for each mapping: pages of any size. */
export function createObjectMap(): PageMap {
  const tree = createTree<Mapping>();
  const pair: [number, Mapping] = [0, { last: 0, position: 0 }];
  return {
    map(iova, bytes, position) {
      const last = iova + (bytes - 1);
      const below = tree.getPairOrNextLower(last, pair);
      if (below !== undefined && below[1].last >= iova) throw new RangeError('EEXIST');
      tree.set(iova, { last, position });
    },
    clear: () => tree.clear(),
    locate(iova) {
      const found = tree.getPairOrNextLower(iova, pair);
      return found !== undefined && found[1].last >= iova ? found[1].position + (iova - found[0]) : -1;
    },
  };
}
