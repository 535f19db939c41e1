// A device's transfer: which byte of which page is reached, or which fault. One range after another, the whole of it before a byte moves.

import { MAX } from './iova-list.ts';
import { readRuns, sliceRuns, writeRuns } from './memory.ts';
import type { ReferenceRun } from './memory.ts';

/** A range of IOVAs that devices reach. */
export interface Reachable {
  readonly first: bigint;
  readonly last: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly runs: readonly ReferenceRun[];
}

/** What a device asks for. */
export interface Transfer {
  readonly access: 'read' | 'write';
  readonly iova: bigint;
  /** Filled by a read. */
  readonly bytes: Uint8Array;
}

/** Where a transfer led nowhere. */
export interface ReferenceFault {
  readonly iova: bigint;
  readonly reason: 'blocked' | 'unmapped' | 'permission';
}

/** Moves the bytes, or says what faults; `wrote` hears of each range's part of a write. */
export function transfer(ranges: readonly Reachable[], { access, iova, bytes }: Transfer, wrote: (range: Reachable, first: bigint, last: bigint) => void = () => undefined): ReferenceFault | undefined {
  const parts: { readonly range: Reachable; readonly first: bigint; readonly last: bigint }[] = [];
  const end = iova + BigInt(bytes.length);
  // Rule D-reach of the core: what passes the last address is not begun.
  if (end - 1n > MAX) return { iova, reason: 'unmapped' };
  for (let at = iova; at < end; ) {
    const range = ranges.find((one) => one.first <= at && one.last >= at);
    if (range === undefined) return { iova: at, reason: 'unmapped' };
    if (!(access === 'read' ? range.readable : range.writable)) return { iova: at, reason: 'permission' };
    const last = range.last < end - 1n ? range.last : end - 1n;
    parts.push({ range, first: at, last });
    at = last + 1n;
  }
  for (const { range, first, last } of parts) {
    const [at, length] = [Number(first - iova), Number(last - first + 1n)];
    const runs = sliceRuns(range.runs, Number(first - range.first), length);
    if (access === 'read') bytes.set(readRuns(runs, length), at);
    else {
      writeRuns(runs, bytes.subarray(at, at + length));
      wrote(range, first, last);
    }
  }
  return undefined;
}
