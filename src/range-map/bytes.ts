// A map as bytes. Little-endian, whatever the machine:
//
//    0        8           12        16              16 + 8n        16 + 16n         16 + 20n
//   | magic  | version u32 | n u32  | first u64 x n | last u64 x n | value u32 x n |
//     "maplemap"  1
//
// Rows ascend and do not overlap; no value is 0. Both kinds of keys have the same form: a map with number keys refuses indices above 2^53-1.

import { bytesOf, hex, shown } from '../webassembly/index.ts';
import { LAST_NUMBER } from './keys.ts';
import type { Rows } from './rows.ts';

// "maplemap", read as a little-endian number.
const MAGIC = 0x70616d656c70616dn;
const VERSION = 1;
const HEADER = 16;
const ROW = 20;

/** `expected` is how many rows there were when it was asked: beside a writer in another thread there may be others by now. @internal */
export function encode<Index extends number | bigint>(expected: number, rows: Rows<Index>): Uint8Array {
  let firsts = new BigUint64Array(expected);
  let lasts = new BigUint64Array(expected);
  let values = new Uint32Array(expected);
  let n = 0;
  for (; rows.advance(); n++) {
    if (n === values.length) {
      const more = 2 * n + 16;
      const grown = [new BigUint64Array(more), new BigUint64Array(more), new Uint32Array(more)] as const;
      grown[0].set(firsts);
      grown[1].set(lasts);
      grown[2].set(values);
      [firsts, lasts, values] = grown;
    }
    const first = BigInt(rows.first);
    // Fetched later than the row before, this one may begin inside it.
    firsts[n] = n > 0 && first <= lasts[n - 1]! ? lasts[n - 1]! + 1n : first;
    lasts[n] = BigInt(rows.last);
    values[n] = rows.value;
  }
  const bytes = new Uint8Array(HEADER + n * ROW);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, MAGIC, true);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, n, true);
  for (let i = 0; i < n; i++) {
    view.setBigUint64(HEADER + 8 * i, firsts[i]!, true);
    view.setBigUint64(HEADER + 8 * (n + i), lasts[i]!, true);
    view.setUint32(HEADER + 16 * n + 4 * i, values[i]!, true);
  }
  return bytes;
}

function garbage(offset: number, what: string, found: unknown, expected: string): never {
  throw new RangeError(`RangeMap.fromBytes: at offset ${offset}, ${what} is ${shown(found)}; expected ${expected}`);
}

/** The rows of what `encode` made, every one of them checked. @internal */
export interface DecodedRows {
  readonly n: number;
  first(i: number): bigint;
  last(i: number): bigint;
  value(i: number): number;
}

/** @internal */
export function decode(source: unknown, wide: boolean): DecodedRows {
  const bytes = bytesOf('RangeMap.fromBytes: bytes', source);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER) garbage(bytes.length, 'the end', bytes.length, `at least ${HEADER} bytes`);
  const magic = view.getBigUint64(0, true);
  if (magic !== MAGIC) garbage(0, 'the magic number', hex(magic), `${hex(MAGIC)}, "maplemap"`);
  const version = view.getUint32(8, true);
  if (version !== VERSION) garbage(8, 'the version', version, String(VERSION));
  const n = view.getUint32(12, true);
  const size = HEADER + n * ROW;
  if (bytes.length !== size) garbage(Math.min(bytes.length, size), 'the end', bytes.length, `${size} bytes, as the count at offset 12 is ${n}`);
  const rows: DecodedRows = {
    n,
    first: (i) => view.getBigUint64(HEADER + 8 * i, true),
    last: (i) => view.getBigUint64(HEADER + 8 * (n + i), true),
    value: (i) => view.getUint32(HEADER + 16 * n + 4 * i, true),
  };
  const end = wide ? 2n ** 64n - 1n : BigInt(LAST_NUMBER);
  let free = 0n;
  for (let i = 0; i < n; i++) {
    const [first, last] = [rows.first(i), rows.last(i)];
    if (first < free) garbage(HEADER + 8 * i, `the first index of row ${i}`, hex(first), `at least ${hex(free)}, behind the row before`);
    if (last < first || last > end) garbage(HEADER + 8 * (n + i), `the last index of row ${i}`, hex(last), `${hex(first)} to ${hex(end)}`);
    if (rows.value(i) === 0) garbage(HEADER + 16 * n + 4 * i, `the value of row ${i}`, 0, '1 to 2^32-1');
    free = last + 1n;
  }
  return rows;
}
