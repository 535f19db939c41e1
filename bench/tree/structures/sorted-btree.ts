// The B+ tree of npm, sorted-btree: keyed by the first index, with the last index and the value behind it.

import sortedBTree from 'sorted-btree';
import extended from 'sorted-btree/extended/bulkLoad.js';
import type { Structure, Visit } from '../structure.ts';
import { storeOver } from './store-over.ts';

interface Entry {
  last: number;
  readonly value: number;
}

interface Tree {
  getPairOrNextLower(key: number, reused: [number, Entry]): [number, Entry] | undefined;
  set(key: number, value: Entry): boolean;
  delete(key: number): boolean;
  clear(): void;
  forEachPair(callback: (key: number, value: Entry) => void): number;
  greedyClone(force: boolean): Tree;
}

// A CommonJS package: its default export is a property of what Node imports as the default.
const BTree = ((sortedBTree as unknown as { default?: unknown }).default ?? sortedBTree) as new (entries: undefined, compare: (a: number, b: number) => number) => Tree;
const { bulkLoad } = extended as unknown as { bulkLoad: (keys: number[], values: Entry[], maxNodeSize: number, compare: (a: number, b: number) => number) => Tree };
// The package's default.
const NODE_KEYS = 32;
// For plain numbers, which is faster than the package's own for any kind of key.
const compare = (a: number, b: number): number => a - b;
// One pair for all answers, so that the package allocates none.
const pair: [number, Entry] = [0, { last: 0, value: 0 }];

export class SortedBTree implements Structure {
  foundFirst = 0;
  foundLast = 0;
  foundValue = 0;
  private tree = new BTree(undefined, compare);

  clear(): void {
    this.tree.clear();
  }

  load(index: number): number {
    const found = this.tree.getPairOrNextLower(index, pair);
    return found !== undefined && found[1].last >= index ? found[1].value : 0;
  }

  walk(index: number): number {
    const found = this.tree.getPairOrNextLower(index, pair);
    if (found === undefined || found[1].last < index) return 0;
    this.foundFirst = found[0];
    this.foundLast = found[1].last;
    return found[1].value;
  }

  insert(first: number, last: number, value: number): boolean {
    const below = this.tree.getPairOrNextLower(last, pair);
    if (below !== undefined && below[1].last >= first) return false;
    this.tree.set(first, { last, value });
    return true;
  }

  erase(index: number): number {
    const found = this.tree.getPairOrNextLower(index, pair);
    if (found === undefined || found[1].last < index) return 0;
    const { value } = found[1];
    this.tree.delete(found[0]);
    return value;
  }

  below(index: number): boolean {
    const found = this.tree.getPairOrNextLower(index, pair);
    if (found === undefined) return false;
    this.foundFirst = found[0];
    this.foundLast = found[1].last;
    this.foundValue = found[1].value;
    return true;
  }

  shortenFound(last: number): void {
    pair[1].last = last;
  }

  setFoundValue(value: number): void {
    (pair[1] as { value: number }).value = value;
  }

  store(first: number, last: number, value: number): void {
    storeOver(this, first, last, value);
  }

  total(): number {
    let sum = 0;
    let lengths = 0;
    this.tree.forEachPair((first, { last, value }) => {
      sum += value;
      lengths += last - first + 1;
    });
    return (sum + lengths / 4096) % 2 ** 32;
  }

  visit(visit: Visit): void {
    this.tree.forEachPair((first, { last, value }) => visit(first, last, value));
  }

  bulk(firsts: Float64Array, lasts: Float64Array): void {
    const keys: number[] = [];
    const values: Entry[] = [];
    for (let i = 0; i < firsts.length; i++) {
      keys.push(firsts[i]!);
      values.push({ last: lasts[i]!, value: i + 1 });
    }
    this.tree = bulkLoad(keys, values, NODE_KEYS, compare);
  }

  duplicate(): SortedBTree {
    const copy = new SortedBTree();
    copy.tree = this.tree.greedyClone(true);
    return copy;
  }
}
