// Many rows in one call: columns are copied to linear memory, piece by piece where they are long, and what the rows answered is copied back.

import { shown } from '../webassembly/index.ts';
import type { RangeArena } from './arena.ts';
import { isNumberIndex, isValue, refuseIndex, refuseStatus, refuseValue } from './keys.ts';
import { TREE_BULK } from './layout.generated.ts';
import type { RangeReader } from './range-reader.ts';

type Column = Float64Array | BigUint64Array;

interface Arrays {
  readonly Float64Array: Float64Array;
  readonly BigUint64Array: BigUint64Array;
  readonly Uint32Array: Uint32Array;
  readonly Uint8Array: Uint8Array;
}

/** The columns of a batch. */
interface Columns {
  readonly firsts: unknown;
  readonly lasts?: unknown;
  /** What the rows store. */
  readonly values?: unknown;
  /** Where what the rows read goes. */
  readonly results?: unknown;
  /** Where each row's errno goes. */
  readonly errnos?: unknown;
}

/** From any realm. */
function isArray(value: unknown, tag: string): boolean {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === `[object ${tag}]`;
}

function described(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : shown(value);
}

function arrayOf<Tag extends keyof Arrays>(what: string, value: unknown, tag: Tag, length: number): Arrays[Tag] {
  if (!isArray(value, tag)) throw new TypeError(`RangeMap.${what} is ${described(value)}; expected a ${tag}`);
  const found = (value as Uint8Array).length;
  if (found < length) throw new RangeError(`RangeMap.${what} has ${found} elements; expected at least ${length}`);
  return value as Arrays[Tag];
}

/** A column of indices, each of them good. @internal */
export function indexColumn(wide: boolean, what: string, value: unknown, length: number): Column {
  const column = arrayOf(what, value, wide ? 'BigUint64Array' : 'Float64Array', length);
  if (!wide) {
    const numbers = column as Float64Array;
    for (let i = 0; i < length; i++) if (!isNumberIndex(numbers[i])) refuseIndex(false, `RangeMap.${what}[${i}]`, numbers[i]);
  }
  return column;
}

/** A column of values, none of them 0. @internal */
export function valueColumn(what: string, value: unknown, length: number): Uint32Array {
  const column = arrayOf(what, value, 'Uint32Array', length);
  for (let i = 0; i < length; i++) if (!isValue(column[i])) refuseValue(`RangeMap.${what}[${i}]`, column[i]);
  return column;
}

/** How many rows a column has. @internal */
export function lengthOf(wide: boolean, what: string, value: unknown): number {
  return arrayOf(what, value, wide ? 'BigUint64Array' : 'Float64Array', 0).length;
}

function views(wide: boolean, arena: RangeArena, base: number, rows: number, n: number): { firsts: Column; lasts: Column; values: Uint32Array; errnos: Uint8Array } {
  const { buffer } = arena.words(base + rows * 21);
  const column = (address: number): Column => (wide ? new BigUint64Array(buffer, address, n) : new Float64Array(buffer, address, n));
  return { firsts: column(base), lasts: column(base + 8 * rows), values: new Uint32Array(buffer, base + 16 * rows, n), errnos: new Uint8Array(buffer, base + 20 * rows, n) };
}

/** Runs one operation over all rows. Everything is checked before the first row. @internal */
export function runBatch(map: RangeReader<number | bigint> | RangeReader | RangeReader<bigint>, call: string, operation: number, columns: Columns): { failed: number; results: Uint32Array } {
  const { arena, handle, wide } = map;
  const n = lengthOf(wide, `${call}: ${columns.lasts === undefined ? 'indices' : 'firsts'}`, columns.firsts);
  const firsts = indexColumn(wide, `${call}: ${columns.lasts === undefined ? 'indices' : 'firsts'}`, columns.firsts, n);
  const reads = columns.lasts === undefined;
  const lasts = reads ? undefined : indexColumn(wide, `${call}: lasts`, columns.lasts, n);
  const stored = reads ? undefined : valueColumn(`${call}: values`, columns.values, n);
  const results = !reads ? new Uint32Array(0) : columns.results === undefined ? new Uint32Array(n) : arrayOf(`${call}: values`, columns.results, 'Uint32Array', n);
  const errnos = columns.errnos === undefined ? undefined : arrayOf(`${call}: errnos`, columns.errnos, 'Uint8Array', n);
  let failed = 0;
  for (let at = 0; at < n; at += arena.batchRows) {
    const end = Math.min(n, at + arena.batchRows);
    const base = arena.columns(`RangeMap.${call}`, end - at);
    const rows = arena.columnRows;
    const piece = views(wide, arena, base, rows, end - at);
    (piece.firsts as Float64Array).set(firsts.subarray(at, end) as Float64Array);
    if (lasts !== undefined) (piece.lasts as Float64Array).set(lasts.subarray(at, end) as Float64Array);
    if (stored !== undefined) piece.values.set(stored.subarray(at, end));
    const status = arena.exports.treeBatch(handle, operation, base, base + 8 * rows, base + 16 * rows, errnos === undefined ? 0 : base + 20 * rows, end - at, wide ? 0 : 1);
    if (status < 0) refuseStatus(status, `RangeMap.${call}`, `${end - at} rows`);
    failed += status;
    if (!reads && errnos === undefined) continue;
    // The rows may have made the memory grow.
    const after = views(wide, arena, base, rows, end - at);
    if (reads) results.set(after.values, at);
    errnos?.set(after.errnos, at);
  }
  return { failed, results };
}

/** Fills an empty map with `n` rows that `fill` writes into the columns: all or nothing (rule R-bulk). @internal */
export function runBulk(map: RangeReader | RangeReader<bigint>, call: string, n: number, fill: (firsts: Column, lasts: Column, values: Uint32Array) => void): void {
  const { arena, handle, wide } = map;
  const rows = Math.max(8, n);
  const bytes = rows * 21;
  const base = arena.take(`RangeMap.${call}`, bytes);
  try {
    const { firsts, lasts, values } = views(wide, arena, base, rows, n);
    fill(firsts, lasts, values);
    const status = arena.exports.treeBatch(handle, TREE_BULK, base, base + 8 * rows, base + 16 * rows, 0, n, wide ? 0 : 1);
    if (status < 0) refuseStatus(status, `RangeMap.${call}`, `${n} entries`);
  } finally {
    arena.exports.giveBuffer(base, bytes);
  }
}
