// The memory of a process as the judge of DMA keeps it: a list of mapped pieces, bytes by pages, and what devices have pinned of it.
//
//   process: | piece 0x7f..a000 - b fff | piece ... |      a piece shows a part of some backing
//                     |
//   backing: page 0, page 1, ...                           lives on while somebody has it pinned, whatever is unmapped

import type { ErrnoName } from '../../../src/uapi/index.ts';

/** How a call ends. */
export type Answer = 'ok' | ErrnoName;

export const PAGE = 4096;
/** The first address that is no user's. */
export const USER_END = 0x7fff_ffff_f000n;

/** Bytes that are zero until they are written. */
export class ReferenceBacking {
  private readonly pages = new Map<number, Uint8Array>();
  private readonly writes = new Map<number, number>();

  /** How often a page was written. */
  writesOf(page: number): number {
    return this.writes.get(page) ?? 0;
  }

  /** Calls `use` with the bytes of each page that a range touches; `at` is the first of them in the range. */
  private each(position: number, length: number, use: (page: number, from: number, to: number, at: number) => void): void {
    for (let at = 0; at < length; ) {
      const from = (position + at) % PAGE;
      const to = Math.min(PAGE, from + length - at);
      use(Math.floor((position + at) / PAGE), from, to, at);
      at += to - from;
    }
  }

  read(position: number, target: Uint8Array): void {
    this.each(position, target.length, (page, from, to, at) => {
      const bytes = this.pages.get(page);
      if (bytes === undefined) target.fill(0, at, at + to - from);
      else target.set(bytes.subarray(from, to), at);
    });
  }

  write(position: number, source: Uint8Array): void {
    this.each(position, source.length, (page, from, to, at) => {
      let bytes = this.pages.get(page);
      if (bytes === undefined) this.pages.set(page, (bytes = new Uint8Array(PAGE)));
      bytes.set(source.subarray(at, at + to - from), from);
      this.writes.set(page, this.writesOf(page) + 1);
    });
  }
}

/** Consecutive bytes of a backing. */
export interface ReferenceRun {
  readonly backing: ReferenceBacking;
  readonly position: number;
  readonly bytes: number;
}

interface Piece {
  readonly first: bigint;
  readonly last: bigint;
  readonly backing: ReferenceBacking;
  readonly position: number;
  readonly writable: boolean;
}

/** A process: its memory, and how much of it devices have pinned. */
export class ReferenceProcess {
  readonly name: string;
  private pieces: Piece[] = [];
  /** Pages that are pinned. */
  locked = 0;
  /** Pages that may be. */
  private readonly limit: number;

  /** @param lockLimit - bytes; undefined for who has CAP_IPC_LOCK. */
  constructor(name: string, lockLimit?: number) {
    this.name = name;
    this.limit = lockLimit === undefined ? Infinity : Math.floor(lockLimit / PAGE);
  }

  map(first: bigint, bytes: number, writable: boolean): void {
    this.pieces.push({ first, last: first + BigInt(bytes) - 1n, backing: new ReferenceBacking(), position: 0, writable });
  }

  unmap(first: bigint, last: bigint): void {
    const left: Piece[] = [];
    for (const piece of this.pieces) {
      if (piece.last < first || piece.first > last) left.push(piece);
      else {
        if (piece.first < first) left.push({ ...piece, last: first - 1n });
        if (piece.last > last) left.push({ ...piece, first: last + 1n, position: piece.position + Number(last + 1n - piece.first) });
      }
    }
    this.pieces = left;
  }

  /** Where `length` bytes from an address on are, or undefined when not all are there. */
  runs(address: bigint, length: number | bigint, writes: boolean): ReferenceRun[] | undefined {
    const runs: ReferenceRun[] = [];
    const end = address + BigInt(length);
    for (let at = address; at < end; ) {
      const piece = this.pieces.find((one) => one.first <= at && one.last >= at);
      if (piece === undefined || (writes && !piece.writable)) return undefined;
      const next = piece.last + 1n < end ? piece.last + 1n : end;
      runs.push({ backing: piece.backing, position: piece.position + Number(at - piece.first), bytes: Number(next - at) });
      at = next;
    }
    return runs;
  }

  /** Pins whole pages, and counts them, one after the other: what fails first is told. */
  pin(address: bigint, bytes: bigint, writes: boolean): ReferenceRun[] | 'EFAULT' | 'ENOMEM' {
    const pages = bytes / BigInt(PAGE);
    const most = this.limit - this.locked;
    if (pages > most && this.runs(address, BigInt(most + 1) * BigInt(PAGE), writes) !== undefined) return 'ENOMEM';
    const runs = this.runs(address, bytes, writes);
    if (runs === undefined) return 'EFAULT';
    this.locked += Number(pages);
    return runs;
  }

  /** Counts pages that are pinned already; false when they are too many. */
  lock(bytes: bigint): boolean {
    const pages = Number(bytes / BigInt(PAGE));
    if (this.locked + pages > this.limit) return false;
    this.locked += pages;
    return true;
  }

  unpin(bytes: bigint): void {
    this.locked -= Number(bytes / BigInt(PAGE));
  }

  /** A copy; undefined when not all is there. */
  read(address: bigint, length: number): Uint8Array | undefined {
    const runs = this.runs(address, length, false);
    return runs && readRuns(runs, length);
  }

  /** False when not all can be written; then nothing is. */
  write(address: bigint, bytes: Uint8Array): boolean {
    const runs = this.runs(address, bytes.length, true);
    if (runs !== undefined) writeRuns(runs, bytes);
    return runs !== undefined;
  }
}

export function readRuns(runs: readonly ReferenceRun[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const run of runs) {
    run.backing.read(run.position, bytes.subarray(at, at + run.bytes));
    at += run.bytes;
  }
  return bytes;
}

export function writeRuns(runs: readonly ReferenceRun[], bytes: Uint8Array): void {
  let at = 0;
  for (const run of runs) {
    run.backing.write(run.position, bytes.subarray(at, at + run.bytes));
    at += run.bytes;
  }
}

/** A part of consecutive runs: `bytes` from byte `from` on. */
export function sliceRuns(runs: readonly ReferenceRun[], from: number, bytes: number): ReferenceRun[] {
  const part: ReferenceRun[] = [];
  let start = 0;
  for (const run of runs) {
    const [first, end] = [Math.max(from, start), Math.min(from + bytes, start + run.bytes)];
    if (first < end) part.push({ backing: run.backing, position: run.position + first - start, bytes: end - first });
    start += run.bytes;
  }
  return part;
}
