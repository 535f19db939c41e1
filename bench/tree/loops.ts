// What a contender of this process can do: one loop for each metric, over all operations of it. The sampler times them and knows in which state the trees are.

/**
 * The loops over the trees of one contender. `trees` trees of n ranges; where a metric reads, it reads the first.
 *
 * A loop that is missing is a metric that the contender does not have. Numbers that come back depend on every operation done.
 */
export interface Loops {
  readonly trees: number;
  /** Whether a map looks the same after inserts in whatever order: then the trees to read from are built ascending. */
  readonly orderless?: boolean;
  /** Makes all trees empty. Not timed. */
  clear(): void;
  /** Where `bytes` is the heap's size: drops all trees, and makes new ones in which no capacity is left from before. */
  drop?(): void;
  renew?(): void;
  /** Inserts all ranges into each tree; answers how many inserts were done. */
  insertAscending(): number;
  insertRandom(): number;
  /** Erases all ranges of each tree in random order; the sum of the values removed. */
  eraseRandom?(): number;
  /** Sum of the values at keys[from..to). */
  load(from: number, to: number): number;
  loadDependent?(from: number, to: number): number;
  loadOften?(from: number, to: number): number;
  /** Sum of values and of lengths in pages. */
  walk?(from: number, to: number): number;
  /** Stores the value i + 1 + `shift` over each range i of each tree. */
  replace?(shift: number): void;
  splitRestore?(): void;
  /** Sums of the addresses found for all pairs, in pages. */
  gapsUp?(): number;
  gapsDown?(): number;
  gapsTail?(times: number): number;
  allocateErase?(): number;
  /** The sum of all addresses allocated, over all trees, in pages. */
  fill?(): number;
  /** Reads the first tree `times` times; the sum of values and of lengths in pages. */
  iterate?(times: number): number;
  /** Builds each tree, which is empty. */
  bulk?(): void;
  /** Copies each tree; the copies are dropped by `dropCopies`, which is not timed. */
  duplicate?(): void;
  dropCopies?(): void;
  /** Takes a snapshot of the first tree and releases it, `times` times; how often that worked. */
  snapshotRelease?(times: number): number;
  /** Takes a snapshot of each tree; how many there are. Not timed, like the next two. */
  holdSnapshots?(): number;
  releaseSnapshots?(): void;
  /** As `contents`, of the snapshots. */
  heldContents?(): number;
  /** Erases the first `pairs` ranges of the random order in each tree, and inserts each again at once with the value i + 1 + `shift`; how many inserts were done. */
  exchange?(pairs: number, shift: number): number;
  /** A number that depends on all ranges of all trees and on their order. Not timed. */
  contents(): number;
  /** The same for the copies. */
  copiedContents?(): number;
  /** Bytes that all trees take now. */
  bytes?(): number;
}

/** `contents` is this, folded over first index and value in ascending order, tree by tree; bench/native/range-map.rs does the same. */
export function fold(hash: number, first: number, value: number): number {
  return (Math.imul(hash, 31) + Math.imul(Math.floor(first / 1024), 7) + value) >>> 0;
}
