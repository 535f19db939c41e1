// Plain JavaScript: a B+ tree whose nodes are slices of typed arrays, 32 ranges or children each. Trusts its caller: no index is checked.
// typed-nodes.ts has the picture. Leaves that become empty are removed, others not evened out.
//
// Slots are moved by loops: for at most 32 of them that is faster than copyWithin, which is a call out of compiled code.

import type { Structure, Visit } from '../structure.ts';
import { storeOver } from './store-over.ts';
import { TypedNodes } from './typed-nodes.ts';

// As in typed-nodes.ts, and not imported from there: V8 folds a module's own constants into its code, imported ones it reads.
const BITS = 5;
const FAN = 1 << BITS;
const NONE = -1;
const HALF = FAN / 2;
const LEVELS = 12;

export class TypedBTree extends TypedNodes implements Structure {
  foundFirst = 0;
  foundLast = 0;
  foundValue = 0;
  private found = 0;

  /** How many of the `n` ascending numbers from `base` on are at or below `index`. */
  private rank(numbers: Float64Array, base: number, n: number, index: number): number {
    let from = base;
    let to = base + n;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (numbers[middle]! <= index) from = middle + 1;
      else to = middle;
    }
    return from - base;
  }

  private leafOf(index: number): number {
    const { borders, children, innerCounts } = this;
    let node = this.root;
    for (let level = this.height; level > 0; level--) {
      const base = node << BITS;
      let from = base;
      let to = base + innerCounts[node]! - 1;
      while (from < to) {
        const middle = (from + to) >>> 1;
        if (borders[middle]! <= index) from = middle + 1;
        else to = middle;
      }
      node = children[from]!;
    }
    return node;
  }

  /** Where the range with the highest first index at or below `index` lies, or -1. */
  private place(index: number): number {
    let leaf = this.leafOf(index);
    const rank = this.rank(this.firsts, leaf << BITS, this.leafCounts[leaf]!, index);
    if (rank > 0) return (leaf << BITS) + rank - 1;
    leaf = this.previouses[leaf]!;
    return leaf === NONE ? NONE : (leaf << BITS) + this.leafCounts[leaf]! - 1;
  }

  load(index: number): number {
    // The search in the leaf stands here and not behind a call: most lookups end in it.
    const { firsts } = this;
    const base = this.leafOf(index) << BITS;
    let from = base;
    let to = base + this.leafCounts[base >>> BITS]!;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (firsts[middle]! <= index) from = middle + 1;
      else to = middle;
    }
    const at = from > base ? from - 1 : this.place(index);
    return at >= 0 && this.lasts[at]! >= index ? this.values[at]! : 0;
  }

  walk(index: number): number {
    const at = this.place(index);
    if (at < 0 || this.lasts[at]! < index) return 0;
    this.foundFirst = this.firsts[at]!;
    this.foundLast = this.lasts[at]!;
    return this.values[at]!;
  }

  below(index: number): boolean {
    const at = this.place(index);
    if (at < 0) return false;
    this.found = at;
    this.foundFirst = this.firsts[at]!;
    this.foundLast = this.lasts[at]!;
    this.foundValue = this.values[at]!;
    return true;
  }

  shortenFound(last: number): void {
    this.lasts[this.found] = last;
  }

  setFoundValue(value: number): void {
    this.values[this.found] = value;
  }

  store(first: number, last: number, value: number): void {
    storeOver(this, first, last, value);
  }

  // The way down to the leaf of the current operation: nodes, and the slot taken in each.
  private readonly pathNodes = new Int32Array(LEVELS);
  private readonly pathSlots = new Int32Array(LEVELS);

  private descend(index: number): number {
    const { borders, children, innerCounts, pathNodes, pathSlots } = this;
    let node = this.root;
    for (let level = 0; level < this.height; level++) {
      const base = node << BITS;
      let from = base;
      let to = base + innerCounts[node]! - 1;
      while (from < to) {
        const middle = (from + to) >>> 1;
        if (borders[middle]! <= index) from = middle + 1;
        else to = middle;
      }
      pathNodes[level] = node;
      pathSlots[level] = from - base;
      node = children[from]!;
    }
    return node;
  }

  insert(first: number, last: number, value: number): boolean {
    let leaf = this.descend(first);
    const n = this.leafCounts[leaf]!;
    const base = leaf << BITS;
    let slot = this.rank(this.firsts, base, n, first);
    if (slot > 0) {
      if (this.lasts[base + slot - 1]! >= first) return false;
    } else {
      const before = this.previouses[leaf]!;
      if (before !== NONE && this.lasts[(before << BITS) + this.leafCounts[before]! - 1]! >= first) return false;
    }
    if (slot < n) {
      if (this.firsts[base + slot]! <= last) return false;
    } else {
      const next = this.nexts[leaf]!;
      if (next !== NONE && this.firsts[next << BITS]! <= last) return false;
    }
    if (n === FAN) {
      const keep = slot === FAN && this.nexts[leaf] === NONE ? FAN : HALF;
      const right = this.splitLeaf(leaf, keep, first);
      if (slot > keep || keep === FAN) {
        leaf = right;
        slot -= keep;
      }
    }
    this.put(leaf, slot, first, last, value);
    return true;
  }

  private put(leaf: number, slot: number, first: number, last: number, value: number): void {
    const { firsts, lasts, values } = this;
    const at = (leaf << BITS) + slot;
    for (let i = (leaf << BITS) + this.leafCounts[leaf]!; i > at; i--) {
      firsts[i] = firsts[i - 1]!;
      lasts[i] = lasts[i - 1]!;
      values[i] = values[i - 1]!;
    }
    firsts[at] = first;
    lasts[at] = last;
    values[at] = value;
    this.leafCounts[leaf]!++;
  }

  /** Moves what is behind the first `keep` ranges into a new leaf, and hangs that into the tree. `first` is what comes there when nothing is moved. */
  private splitLeaf(leaf: number, keep: number, first: number): number {
    const right = this.takeLeaf();
    const { firsts, lasts, values } = this;
    const from = (leaf << BITS) + keep;
    const to = right << BITS;
    const moved = FAN - keep;
    for (let i = 0; i < moved; i++) {
      firsts[to + i] = firsts[from + i]!;
      lasts[to + i] = lasts[from + i]!;
      values[to + i] = values[from + i]!;
    }
    this.leafCounts[leaf] = keep;
    this.leafCounts[right] = moved;
    const next = this.nexts[leaf]!;
    this.nexts[right] = next;
    this.previouses[right] = leaf;
    this.nexts[leaf] = right;
    if (next !== NONE) this.previouses[next] = right;
    this.hang(right, moved > 0 ? firsts[to]! : first);
    return right;
  }

  /** Hangs `right` behind the node that the path leads to, from `border` on. */
  private hang(right: number, border: number): void {
    let node = right;
    let key = border;
    for (let level = this.height - 1; level >= 0; level--) {
      let parent = this.pathNodes[level]!;
      let slot = this.pathSlots[level]!;
      if (this.innerCounts[parent] === FAN) {
        const atEnd = slot === FAN - 1;
        const keep = atEnd ? FAN - 1 : HALF;
        const sibling = this.takeInner();
        const from = (parent << BITS) + keep;
        const to = sibling << BITS;
        const moved = FAN - keep;
        const upper = this.borders[from - 1]!;
        for (let i = 0; i < moved; i++) {
          this.children[to + i] = this.children[from + i]!;
          this.borders[to + i] = this.borders[from + i]!;
        }
        this.innerCounts[parent] = keep;
        this.innerCounts[sibling] = moved;
        if (slot >= keep) {
          parent = sibling;
          slot -= keep;
        }
        this.putChild(parent, slot, node, key);
        node = sibling;
        key = upper;
      } else {
        this.putChild(parent, slot, node, key);
        return;
      }
    }
    const top = this.takeInner();
    this.children[top << BITS] = this.root;
    this.children[(top << BITS) + 1] = node;
    this.borders[top << BITS] = key;
    this.innerCounts[top] = 2;
    this.root = top;
    this.height++;
  }

  private putChild(parent: number, slot: number, child: number, border: number): void {
    const { children, borders } = this;
    const at = (parent << BITS) + slot;
    const end = (parent << BITS) + this.innerCounts[parent]!;
    for (let i = end; i > at + 1; i--) children[i] = children[i - 1]!;
    for (let i = end - 1; i > at; i--) borders[i] = borders[i - 1]!;
    children[at + 1] = child;
    borders[at] = border;
    this.innerCounts[parent]!++;
  }

  erase(index: number): number {
    let leaf = this.descend(index);
    let rank = this.rank(this.firsts, leaf << BITS, this.leafCounts[leaf]!, index);
    if (rank === 0) {
      const before = this.previouses[leaf]!;
      if (before === NONE) return 0;
      rank = this.leafCounts[before]!;
      leaf = before;
    }
    const { firsts, lasts, values } = this;
    const at = (leaf << BITS) + rank - 1;
    if (rank === 0 || lasts[at]! < index) return 0;
    const value = values[at]!;
    const first = firsts[at]!;
    const end = (leaf << BITS) + this.leafCounts[leaf]! - 1;
    for (let i = at; i < end; i++) {
      firsts[i] = firsts[i + 1]!;
      lasts[i] = lasts[i + 1]!;
      values[i] = values[i + 1]!;
    }
    if (--this.leafCounts[leaf]! === 0 && this.height > 0) this.unhang(this.descend(first));
    return value;
  }

  /** Removes the empty leaf that the path leads to, and inner nodes that become empty by it. */
  private unhang(leaf: number): void {
    const next = this.nexts[leaf]!;
    const previous = this.previouses[leaf]!;
    if (next !== NONE) this.previouses[next] = previous;
    if (previous !== NONE) this.nexts[previous] = next;
    this.nexts[leaf] = this.freeLeaf;
    this.freeLeaf = leaf;
    for (let level = this.height - 1; level >= 0; level--) {
      const node = this.pathNodes[level]!;
      const count = this.innerCounts[node]! - 1;
      if (count > 0) {
        const base = node << BITS;
        const slot = this.pathSlots[level]!;
        for (let i = slot; i < count; i++) this.children[base + i] = this.children[base + i + 1]!;
        for (let i = Math.max(0, slot - 1); i < count - 1; i++) this.borders[base + i] = this.borders[base + i + 1]!;
        this.innerCounts[node] = count;
        break;
      }
      this.giveInner(node);
    }
    while (this.height > 0 && this.innerCounts[this.root] === 1) {
      const top = this.root;
      this.root = this.children[top << BITS]!;
      this.height--;
      this.giveInner(top);
    }
  }

  total(): number {
    const { firsts, lasts, values, leafCounts, nexts } = this;
    let sum = 0;
    let lengths = 0;
    for (let leaf = this.leftmost(); leaf !== NONE; leaf = nexts[leaf]!) {
      const end = (leaf << BITS) + leafCounts[leaf]!;
      for (let i = leaf << BITS; i < end; i++) {
        sum += values[i]!;
        lengths += lasts[i]! - firsts[i]! + 1;
      }
    }
    return (sum + lengths / 4096) % 2 ** 32;
  }

  visit(visit: Visit): void {
    for (let leaf = this.leftmost(); leaf !== NONE; leaf = this.nexts[leaf]!) {
      const base = leaf << BITS;
      for (let i = base; i < base + this.leafCounts[leaf]!; i++) visit(this.firsts[i]!, this.lasts[i]!, this.values[i]!);
    }
  }

  /** Ascending inserts fill every leaf and find their place in the right-most one. */
  bulk(firsts: Float64Array, lasts: Float64Array): void {
    for (let i = 0; i < firsts.length; i++) this.insert(firsts[i]!, lasts[i]!, i + 1);
  }

  duplicate(): TypedBTree {
    const copy = new TypedBTree();
    copy.copyNodes(this);
    return copy;
  }
}
