// Who is measured, how its process is started, and what is left out because it would take too long.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Measured } from './metrics.ts';

export interface Contender {
  readonly name: string;
  /** As it stands in the tables. */
  readonly label: string;
  /** One of ours that it is compared with; absent for the two that others are compared with. */
  readonly against?: 'wasm-simd' | 'js';
  readonly ours: boolean;
  /** The program and its arguments for a size. */
  command(n: number): readonly [string, ...string[]];
  /** Why it cannot take part at all. */
  readonly missing?: string;
  /** Why it is not asked for a metric at a size, beside what whyLeftOut says of several. */
  leftOut?(metric: Measured, n: number): string | undefined;
  /** From this size on it takes part in one round only, and not at all in a quick run. */
  readonly slowFrom?: number;
}

const worker = fileURLToPath(new URL('./worker.js', import.meta.url));
// Relative to build/bench/bench/tree/, where this module runs.
const native = fileURLToPath(new URL('../../../bench-tree/range-map', import.meta.url));

const inNode = (name: string, ...flags: string[]) => (n: number): readonly [string, ...string[]] => [process.execPath, '--expose-gc', ...flags, worker, name, String(n)];
// Loops inside Wasm are a few long calls: the baseline compiler's code would never be replaced within one.
const inWasm = (name: string) => inNode(name, '--no-liftoff');

// Moving what lies behind: split_restore does it six times per pair of stores.
const QUADRATIC: readonly Measured[] = ['insert_rand', 'erase_rand', 'bytes_rand'];
const SLOW_AT_MILLION: readonly Measured[] = ['insert_rand', 'load', 'iter'];
const MILLION = 2 ** 20;
/** Reading, which is meant to cost the same there, and the writes that pay for it. */
const SHARED: readonly Measured[] = ['load', 'load_dep', 'walk', 'iter', 'insert_rand', 'erase_rand', 'replace'];
const GAPS: readonly Measured[] = ['gap_rnd', 'gap_rev', 'gap_tail', 'alloc_erase_pair', 'alloc_fill'];
const SNAPSHOTS: readonly Measured[] = ['snapshot', 'write_alone', 'write_beside'];

export const CONTENDERS: readonly Contender[] = [
  { name: 'wasm-simd', label: 'ours, inside Wasm, SIMD', ours: true, command: inWasm('wasm-simd') },
  { name: 'wasm-scalar', label: 'ours, inside Wasm, scalar', ours: true, against: 'wasm-simd', command: inWasm('wasm-scalar') },
  {
    name: 'wasm-shared',
    label: 'ours, inside Wasm, SIMD, shared memory',
    ours: true,
    against: 'wasm-simd',
    command: inWasm('wasm-shared'),
    leftOut: (metric) => (SHARED.includes(metric) ? undefined : 'not measured in shared memory'),
  },
  { name: 'js', label: 'ours, from JavaScript', ours: true, command: inNode('js') },
  { name: 'batch-64', label: 'ours, from JavaScript, 64 rows a call', ours: true, against: 'js', command: inNode('batch-64') },
  { name: 'batch-4096', label: 'ours, from JavaScript, 4096 rows a call', ours: true, against: 'js', command: inNode('batch-4096') },
  {
    name: 'rust',
    label: 'Rust BTreeMap',
    ours: false,
    against: 'wasm-simd',
    command: (n) => [native, String(n)],
    ...(!existsSync(native) && { missing: 'rustc is not installed' }),
  },
  { name: 'sorted-btree', label: 'sorted-btree 2.1.0', ours: false, against: 'js', command: inNode('sorted-btree') },
  {
    name: 'flatten',
    label: '@flatten-js/interval-tree 2.0.3',
    ours: false,
    against: 'js',
    command: inNode('flatten'),
    leftOut: (metric, n) => (n >= MILLION && !SLOW_AT_MILLION.includes(metric) ? 'would take a minute per sample' : undefined),
    slowFrom: 65536,
  },
  {
    name: 'arrays',
    label: 'JavaScript, sorted arrays',
    ours: false,
    against: 'js',
    command: inNode('arrays'),
    leftOut: (metric, n) => ((n >= MILLION && QUADRATIC.includes(metric)) || (n >= 65536 && metric === 'split_restore') ? 'takes quadratic time' : undefined),
  },
  { name: 'typed-btree', label: 'JavaScript, B+ tree in typed arrays', ours: false, against: 'js', command: inNode('typed-btree') },
];

/** Why a contender is not asked for a metric at a size: it cannot do it, or it would take too long. */
export function whyLeftOut(contender: Contender, metric: Measured, n: number): string | undefined {
  if (!contender.ours && GAPS.includes(metric)) return 'cannot search gaps';
  if (!contender.ours && SNAPSHOTS.includes(metric)) return 'has no snapshots';
  if (SNAPSHOTS.includes(metric) && !contender.name.startsWith('wasm-')) return 'measured inside Wasm';
  return contender.leftOut?.(metric, n);
}
