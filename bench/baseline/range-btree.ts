// A range map over sorted-btree, the B+ tree of npm: keyed by the first index, with the last index and the value behind it.

import sortedBTree from 'sorted-btree';

// A CommonJS package: its default export is a property of what Node imports as the default.
const BTree = (sortedBTree as unknown as { default?: typeof sortedBTree }).default ?? sortedBTree;

interface Entry {
  readonly last: number;
  readonly value: number;
}

interface Tree {
  getPairOrNextLower(key: number, reused: [number, Entry]): [number, Entry] | undefined;
  set(key: number, value: Entry): boolean;
  delete(key: number): boolean;
  clear(): void;
}

/** Disjoint ranges with a value each; the same checks as the core's range store makes for these operations. */
export function createRangeBTree() {
  // With a comparison for plain numbers, which is faster than the package's own for any kind of key.
  const make = BTree as unknown as new (entries: undefined, compare: (a: number, b: number) => number) => Tree;
  const tree = new make(undefined, (a, b) => a - b);
  // One pair for all answers, so that the package allocates none.
  const pair: [number, Entry] = [0, { last: 0, value: 0 }];

  function checked(index: number): number {
    if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`index is ${index}; expected 0 to 2^53-1`);
    return index;
  }

  return {
    load(index: number): number {
      const found = tree.getPairOrNextLower(checked(index), pair);
      return found !== undefined && found[1].last >= index ? found[1].value : 0;
    },
    insert(first: number, last: number, value: number): void {
      if (checked(first) > checked(last) || value === 0) throw new RangeError('EINVAL');
      const below = tree.getPairOrNextLower(last, pair);
      if (below !== undefined && below[1].last >= first) throw new RangeError('EEXIST');
      tree.set(first, { last, value });
    },
    erase(index: number): number {
      const found = tree.getPairOrNextLower(checked(index), pair);
      if (found === undefined || found[1].last < index) return 0;
      const { value } = found[1];
      tree.delete(found[0]);
      return value;
    },
    clear(): void {
      tree.clear();
    },
  };
}
