// Ours, called from JavaScript one operation at a time, with numbers.

import { createEngine } from '../../../src/core/index.ts';
import { COUNT_INNER_NODES, COUNT_LEAVES } from '../../../src/core/layout.generated.ts';
import type { Structure, Visit } from '../structure.ts';

// Sizes of the core's nodes.
const LEAF_BYTES = 256;
const INNER_BYTES = 512;

// All maps of a process share one core, as they would in a program.
const engine = createEngine();

export class OurRangeStore implements Structure {
  foundFirst = 0;
  foundLast = 0;
  private readonly store_ = engine.rangeStore();

  clear(): void {
    this.store_.clear();
  }

  load(index: number): number {
    return this.store_.load(index);
  }

  insert(first: number, last: number, value: number): boolean {
    this.store_.insert(first, last, value);
    return true;
  }

  erase(index: number): number {
    return this.store_.erase(index);
  }

  store(first: number, last: number, value: number): void {
    this.store_.store(first, last, value);
  }

  gap(size: number, first: number, last: number, fromTop: boolean): number {
    return Number(fromTop ? this.store_.highestGap({ size, first, last }) : this.store_.lowestGap({ size, first, last }));
  }

  allocate(size: number, first: number, last: number, value: number): number {
    return Number(this.store_.allocate({ size, first, last, value }));
  }

  total(): number {
    let sum = 0;
    let lengths = 0;
    this.visit((first, last, value) => {
      sum += value;
      lengths += last - first + 1;
    });
    return (sum + lengths / 4096) % 2 ** 32;
  }

  visit(visit: Visit): void {
    for (const { first, last, value } of this.store_.walk()) visit(Number(first), Number(last), value);
  }

  outsideBytes(): number {
    const { exports } = engine.core;
    return exports.liveCount(COUNT_LEAVES) * LEAF_BYTES + exports.liveCount(COUNT_INNER_NODES) * INNER_BYTES;
  }
}
