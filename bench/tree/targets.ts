// What the range store is meant to reach, and whether it does.

import type { Estimate } from '../statistics.ts';
import type { Results } from './measure.ts';
import { METRICS } from './metrics.ts';
import type { Measured } from './metrics.ts';

export interface Target {
  readonly text: string;
  readonly limit: number;
  /** Absent where it was not measured. */
  readonly measured?: Estimate;
  readonly met?: boolean;
}

const MILLION = 2 ** 20;
/** Inside Wasm against Rust at 4096 and 65536 ranges. */
const AGAINST_RUST: readonly (readonly [Measured, number])[] = [
  ['load', 0.45],
  ['insert_rand', 0.85],
  ['insert_seq', 0.9],
  ['erase_rand', 1.1],
  ['iter', 1.2],
];
const AGAINST_RUST_AT_MILLION = 1.3;
const SCALAR = 2.5;
const SHARED = 1.15;
const SNAPSHOT = 3;
const BESIDE = 2;

/** A number whose interval is itself: bytes do not vary. */
function exact(value: number | undefined): Estimate | undefined {
  return value === undefined ? undefined : { value, low: value, high: value };
}

/** All targets that the sizes measured can show. */
export function evaluate(results: Results, sizes: readonly number[]): Target[] {
  const targets: Target[] = [];
  const add = (text: string, limit: number, measured: Estimate | undefined): void => {
    targets.push(measured === undefined ? { text, limit } : { text, limit, measured, met: measured.value <= limit });
  };
  const has = (n: number): boolean => sizes.includes(n);

  for (const n of [4096, 65536].filter(has)) for (const [metric, limit] of AGAINST_RUST) add(`inside Wasm (SIMD) / Rust, ${metric} at ${n}`, limit, results.ratio(n, metric, 'wasm-simd', 'rust'));
  if (has(MILLION)) for (const [metric] of AGAINST_RUST) add(`inside Wasm (SIMD) / Rust, ${metric} at ${MILLION}`, AGAINST_RUST_AT_MILLION, results.ratio(MILLION, metric, 'wasm-simd', 'rust'));

  for (const n of [256, 4096, 65536].filter(has)) {
    add(`from JavaScript / sorted-btree, load at ${n}`, 0.25, results.ratio(n, 'load', 'js', 'sorted-btree'));
    const [arrays, tree] = [results.value(n, 'load', 'arrays'), results.value(n, 'load', 'typed-btree')];
    const best = (arrays ?? Infinity) <= (tree ?? Infinity) ? 'arrays' : 'typed-btree';
    add(`from JavaScript / best plain JavaScript (${best}), load at ${n}`, 0.4, results.ratio(n, 'load', 'js', best));
    for (const metric of ['insert_rand', 'erase_rand'] as const) add(`from JavaScript / sorted-btree, ${metric} at ${n}`, 0.6, results.ratio(n, metric, 'js', 'sorted-btree'));
    add(`from JavaScript / sorted-btree, bytes at ${n}`, 0.4, results.ratio(n, 'bytes_rand', 'js', 'sorted-btree'));
  }
  if (has(MILLION) && has(256)) for (const metric of ['gap_rnd', 'alloc_erase_pair'] as const) add(`inside Wasm, ${metric} at ${MILLION} / at 256, medians`, 12, results.growth('wasm-simd', metric, MILLION, 256));
  if (has(65536)) add('inside Wasm, bulk / insert_rand at 65536', 1 / 15, results.quotient(65536, 'wasm-simd', 'bulk', 'insert_rand'));
  for (const n of [256, 4096, 65536].filter(has)) add(`load in shared memory / unshared at ${n}`, SHARED, results.ratio(n, 'load', 'wasm-shared', 'wasm-simd'));
  for (const n of [65536, MILLION]) if (has(n) && has(256)) add(`a snapshot takes the same time: at ${n} / at 256, medians`, SNAPSHOT, results.growth('wasm-simd', 'snapshot', n, 256));
  if (has(65536)) add('writes beside a snapshot / without one at 65536', BESIDE, results.quotient(65536, 'wasm-simd', 'write_beside', 'write_alone'));
  for (const n of sizes.filter((size) => size >= 256)) {
    add(`bytes per range after random inserts, ${n}`, 34, exact(results.value(n, 'bytes_rand', 'wasm-simd')));
    add(`bytes per range after a bulk load, ${n}`, 26, exact(results.value(n, 'bytes_bulk', 'wasm-simd')));
  }
  // One line per size: the worst metric.
  for (const n of sizes) {
    let worst: { metric: Measured; ratio: Estimate } | undefined;
    for (const metric of METRICS) {
      const ratio = results.ratio(n, metric, 'wasm-scalar', 'wasm-simd');
      if (ratio !== undefined && (worst === undefined || ratio.value > worst.ratio.value)) worst = { metric, ratio };
    }
    add(`scalar / SIMD at ${n}, worst metric${worst === undefined ? '' : ` (${worst.metric})`}`, SCALAR, worst?.ratio);
  }
  return targets;
}
