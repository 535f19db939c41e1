// The mappings of a container by IOVA: a range store finds them, however many there are.

import type { Engine, RangeStore } from '../../core/index.ts';
import type { Mapping } from './mapping.ts';

/** @internal */
export class MappingStore {
  private readonly ranges: RangeStore;
  private readonly byId = new Map<number, Mapping>();
  private nextId = 1;

  constructor(engine: Engine) {
    this.ranges = engine.rangeStore();
  }

  get count(): number {
    return this.byId.size;
  }

  /** The lowest that meets first..last. */
  find(first: bigint, last: bigint): Mapping | undefined {
    const entry = this.ranges.find(first, last);
    return entry && this.byId.get(entry.value);
  }

  /** The one that holds an IOVA. */
  at(iova: bigint): Mapping | undefined {
    return this.byId.get(this.ranges.load(iova));
  }

  /** Those that meet first..last, ascending. What is made or removed between two steps is seen, or is not there any more. */
  *walk(first = 0n, last = 0xffff_ffff_ffff_ffffn): Generator<Mapping, void, undefined> {
    for (let mapping = this.find(first, last); mapping !== undefined; ) {
      const from = mapping.last + 1n;
      yield mapping;
      mapping = from > last ? undefined : this.find(from, last);
    }
  }

  /** VfioError ENOMEM when the core is full, EEXIST when something is there. */
  add(mapping: Mapping): void {
    const id = this.nextId;
    this.ranges.insert(mapping.iova, mapping.last, id);
    // Ids are u32 and never 0.
    do this.nextId = this.nextId === 0xffff_ffff ? 1 : this.nextId + 1;
    while (this.byId.has(this.nextId));
    this.byId.set(id, mapping);
  }

  remove(mapping: Mapping): void {
    this.byId.delete(this.ranges.erase(mapping.iova));
  }

  destroy(): void {
    this.byId.clear();
    this.ranges.destroy();
  }
}
