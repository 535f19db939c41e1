// One range map as the benchmark's JavaScript loops call it, one operation per call.

/** Called for each range in ascending order. */
export type Visit = (first: number, last: number, value: number) => void;

/** A range map of n ranges. Methods that are missing are metrics that the contender does not have. */
export interface Structure {
  /** The extent of the range that `walk` found last. */
  foundFirst: number;
  foundLast: number;
  /** Whether the order of inserts leaves no trace in how the ranges lie. */
  readonly orderless?: boolean;
  clear(): void;
  /** The value at `index`, or 0. */
  load(index: number): number;
  walk?(index: number): number;
  /** False, and nothing changed, when the range overlaps another one. */
  insert(first: number, last: number, value: number): boolean;
  /** Removes the range that holds `index`; its value, or 0. */
  erase(index: number): number;
  /** Writes over whatever is there: ranges at the ends are cut. */
  store?(first: number, last: number, value: number): void;
  gap?(size: number, first: number, last: number, fromTop: boolean): number;
  allocate?(size: number, first: number, last: number, value: number): number;
  /** The sum of values and of lengths in pages. */
  total(): number;
  visit(visit: Visit): void;
  /** Builds an empty map from ascending ranges with the values 1, 2 ... */
  bulk?(firsts: Float64Array, lasts: Float64Array): void;
  duplicate?(): Structure;
  /** Bytes outside the JavaScript heap and its buffers; where absent, the heap is measured. */
  outsideBytes?(): number;
  destroy?(): void;
}
