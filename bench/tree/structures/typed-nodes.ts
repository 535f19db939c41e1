// The nodes of the B+ tree in typed arrays: where they lie, how they are taken, given back, copied, and how their arrays grow.
//
//   leaf i:    firsts, lasts, values [i * 32 ...]            linked both ways
//   inner i:   borders, children     [i * 32 ...]            child c + 1 holds the first indices from border c on

import { bytes, floats, integers, unsigned } from './grown.ts';

const BITS = 5;
const FAN = 1 << BITS;
const NONE = -1;

/** Fields and not an object of their own: each access of the tree is one indirection less. */
export class TypedNodes {
  protected firsts = new Float64Array(FAN);
  protected lasts = new Float64Array(FAN);
  protected values = new Uint32Array(FAN);
  protected leafCounts = new Uint8Array(1);
  protected nexts = new Int32Array(1).fill(NONE);
  protected previouses = new Int32Array(1).fill(NONE);
  protected usedLeaves = 1;
  protected freeLeaf = NONE;

  protected borders = new Float64Array(FAN);
  protected children = new Int32Array(FAN);
  protected innerCounts = new Uint8Array(1);
  protected usedInner = 0;
  protected freeInner = NONE;

  protected root = 0;
  /** Inner levels above the leaves. */
  protected height = 0;

  clear(): void {
    this.usedLeaves = 1;
    this.usedInner = 0;
    this.freeLeaf = NONE;
    this.freeInner = NONE;
    this.root = 0;
    this.height = 0;
    this.leafCounts[0] = 0;
    this.nexts[0] = NONE;
    this.previouses[0] = NONE;
  }

  protected giveInner(node: number): void {
    this.children[node << BITS] = this.freeInner;
    this.freeInner = node;
  }

  protected takeLeaf(): number {
    if (this.freeLeaf !== NONE) {
      const leaf = this.freeLeaf;
      this.freeLeaf = this.nexts[leaf]!;
      return leaf;
    }
    if (this.usedLeaves === this.leafCounts.length) this.growLeaves();
    return this.usedLeaves++;
  }

  protected takeInner(): number {
    if (this.freeInner !== NONE) {
      const node = this.freeInner;
      this.freeInner = this.children[node << BITS]!;
      return node;
    }
    if (this.usedInner === this.innerCounts.length) this.growInner();
    return this.usedInner++;
  }

  private growLeaves(): void {
    const capacity = this.leafCounts.length * 2;
    this.firsts = floats(this.firsts, capacity * FAN);
    this.lasts = floats(this.lasts, capacity * FAN);
    this.values = unsigned(this.values, capacity * FAN);
    this.leafCounts = bytes(this.leafCounts, capacity);
    this.nexts = integers(this.nexts, capacity);
    this.previouses = integers(this.previouses, capacity);
  }

  private growInner(): void {
    const capacity = this.innerCounts.length * 2;
    this.borders = floats(this.borders, capacity * FAN);
    this.children = integers(this.children, capacity * FAN);
    this.innerCounts = bytes(this.innerCounts, capacity);
  }

  protected leftmost(): number {
    let node = this.root;
    for (let level = this.height; level > 0; level--) node = this.children[node << BITS]!;
    return node;
  }

  /** Becomes a copy of another tree. */
  protected copyNodes(from: TypedNodes): void {
    this.firsts = from.firsts.slice();
    this.lasts = from.lasts.slice();
    this.values = from.values.slice();
    this.leafCounts = from.leafCounts.slice();
    this.nexts = from.nexts.slice();
    this.previouses = from.previouses.slice();
    this.usedLeaves = from.usedLeaves;
    this.freeLeaf = from.freeLeaf;
    this.borders = from.borders.slice();
    this.children = from.children.slice();
    this.innerCounts = from.innerCounts.slice();
    this.usedInner = from.usedInner;
    this.freeInner = from.freeInner;
    this.root = from.root;
    this.height = from.height;
  }
}
