// A range map as one writes it in JavaScript when it must be fast: ranges sorted in typed arrays, binary search, a memmove for each write.
//
// Indices are numbers up to 2^53-1, which is less than the core's 64 bits and is in this map's favour.

/** Disjoint ranges with a value each; the same checks as the core's range store makes for these operations. */
export function createRangeArray(capacity: number) {
  const firsts = new Float64Array(capacity);
  const lasts = new Float64Array(capacity);
  const values = new Uint32Array(capacity);
  let count = 0;

  function checked(index: number): number {
    if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`index is ${index}; expected 0 to 2^53-1`);
    return index;
  }

  /** The lowest range that ends at or above `index`. */
  function slot(index: number): number {
    let from = 0;
    let to = count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (lasts[middle]! < index) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  return {
    load(index: number): number {
      const at = slot(checked(index));
      return at < count && firsts[at]! <= index ? values[at]! : 0;
    },
    insert(first: number, last: number, value: number): void {
      if (checked(first) > checked(last) || value === 0) throw new RangeError('EINVAL');
      const at = slot(first);
      if (at < count && firsts[at]! <= last) throw new RangeError('EEXIST');
      if (count === capacity) throw new RangeError('ENOMEM');
      firsts.copyWithin(at + 1, at, count);
      lasts.copyWithin(at + 1, at, count);
      values.copyWithin(at + 1, at, count);
      firsts[at] = first;
      lasts[at] = last;
      values[at] = value;
      count++;
    },
    erase(index: number): number {
      const at = slot(checked(index));
      if (at === count || firsts[at]! > index) return 0;
      const value = values[at]!;
      firsts.copyWithin(at, at + 1, count);
      lasts.copyWithin(at, at + 1, count);
      values.copyWithin(at, at + 1, count);
      count--;
      return value;
    },
    clear(): void {
      count = 0;
    },
  };
}
