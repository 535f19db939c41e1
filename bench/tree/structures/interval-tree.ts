// The interval tree of npm, @flatten-js/interval-tree. It allows overlaps, so inserts are not checked for them, which is in its favour.

import { IntervalTree } from '@flatten-js/interval-tree';
import type { Structure, Visit } from '../structure.ts';

interface Key {
  readonly low: number;
  readonly high: number;
}

export class FlattenIntervalTree implements Structure {
  foundFirst = 0;
  foundLast = 0;
  private tree = new IntervalTree<number>();

  clear(): void {
    this.tree.clear();
  }

  load(index: number): number {
    return (this.tree.search([index, index]) as number[])[0] ?? 0;
  }

  insert(first: number, last: number, value: number): boolean {
    this.tree.insert([first, last], value);
    return true;
  }

  erase(index: number): number {
    let value = 0;
    const keep = (found: number, key: unknown): unknown => {
      value = found;
      return key;
    };
    const key = this.tree.search([index, index], keep as never)[0];
    if (key === undefined) return 0;
    this.tree.remove(key as never);
    return value;
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
    this.tree.forEach((key: Key, value: number) => visit(key.low, key.high, value));
  }
}
