// A region: its backing bytes or hooks, and how a piece of an access is served in cycles (A-split, A-hook, A-nested).

import { ReferenceTarget } from './access.ts';
import type { ReferenceEngine } from './engine.ts';
import { WIDTHS, fromBytes, isWidth, toBytes, type Width } from './little-endian.ts';
import { EBADF, EDEADLK, EIO, fail, ok, type Result } from './result.ts';

const MAX_SIZE = 2n ** 63n;
const PAGE_SIZE = 4096n;

/** Both may throw. */
export interface Hooks {
  read(position: bigint, width: Width): bigint;
  write(position: bigint, width: Width, value: bigint): void;
}

export interface RegionOptions {
  readonly kind: 'ram' | 'demand' | 'rom' | 'hook';
  readonly size: bigint;
  /** Given exactly when the kind is `hook`. */
  readonly hooks?: Hooks;
  readonly minWidth?: number;
  readonly maxWidth?: number;
  readonly unaligned?: boolean;
  readonly reentrant?: boolean;
}

export function isRegionOptions({ kind, size, hooks, minWidth = 1, maxWidth = 8 }: RegionOptions): boolean {
  const widths = isWidth(minWidth) && isWidth(maxWidth) && minWidth <= maxWidth;
  return widths && size >= 1n && size <= MAX_SIZE && (hooks !== undefined) === (kind === 'hook');
}

export class ReferenceRegion extends ReferenceTarget {
  readonly kind: RegionOptions['kind'];
  readonly size: bigint;
  readonly minWidth: number;
  readonly maxWidth: number;
  readonly unaligned: boolean;
  readonly reentrant: boolean;
  /** A-split: the cycles that were narrower than `minWidth`. */
  refused = 0;
  /** W-count: what reached it, if it counts. */
  transactions: { reads: number; writes: number } | undefined = undefined;
  private device = 0;
  private readonly hooks: Hooks | undefined;
  /** The bytes that were written; every other byte is 0. */
  private readonly bytes = new Map<bigint, number>();
  /** Of a demand region: the numbers of the pages that were made. */
  private readonly pages = new Set<bigint>();
  /** How many of its hooks run right now; above 1 only if it is reentrant. */
  private running = 0;

  constructor(engine: ReferenceEngine, options: RegionOptions) {
    super(engine, 0, options.size);
    this.kind = options.kind;
    this.size = options.size;
    this.hooks = options.hooks;
    this.minWidth = options.minWidth ?? 1;
    this.maxWidth = options.maxWidth ?? 8;
    this.unaligned = options.unaligned ?? true;
    this.reentrant = options.reentrant ?? false;
  }

  get pageCount(): number {
    return this.pages.size;
  }

  /** The owner's view of the bytes: no access, so no width rule and no count. */
  peek(position: bigint, length: number): Uint8Array {
    this.checkView(position, length);
    return this.load(position, length);
  }

  /** The owner's view of the bytes: this is how a ROM is filled. */
  poke(position: bigint, bytes: Uint8Array): void {
    this.checkView(position, bytes.length);
    this.save(position, bytes);
  }

  /** S-region-gone */
  destroy(): Result<void> {
    if (this.condemned) return fail(EBADF);
    return this.engine.remove(
      (window) => window.region === this,
      (condemned) => (this.condemned = condemned),
      () => (this.gone = true),
    );
  }

  /** W-same-device: set when the access in flight has ended. */
  setDevice(device: number): Result<void> {
    if (this.condemned) return fail(EBADF);
    return this.engine.change(() => {
      if (this.gone) return EBADF;
      this.device = device;
      return 0;
    });
  }

  /** W-count: from zero on. */
  countTransactions(): Result<void> {
    if (this.condemned) return fail(EBADF);
    this.transactions = { reads: 0, writes: 0 };
    return ok();
  }

  isSameDevice(other: ReferenceRegion): boolean {
    return this === other || (this.device !== 0 && this.device === other.device);
  }

  /** A-nested: whether an access that reaches the region now is refused. */
  get isClosed(): boolean {
    return this.running > 0 && !this.reentrant;
  }

  /** W-partial: a run of a line, one transaction in as many cycles as A-split says. Answers an errno or 0. */
  serveRun(position: bigint, from: Uint8Array): number {
    if (this.transactions !== undefined) this.transactions.writes++;
    return this.writeCycles(position, from, false);
  }

  /** A-split: reads one piece, cycle by cycle. Answers an errno or 0. */
  override serveRead(position: bigint, into: Uint8Array): number {
    if (this.isClosed) return EDEADLK;
    let done = 0;
    while (done < into.length) {
      const at = position + BigInt(done);
      const width = this.cycleWidth(at, into.length - done);
      if (this.transactions !== undefined && width >= this.minWidth) this.transactions.reads++; // W-count
      const cycle = this.readCycle(at, width);
      if (!cycle.ok) return cycle.errno;
      into.set(cycle.value, done);
      done += width;
    }
    return 0;
  }

  /** A-split: writes one piece, cycle by cycle. Answers an errno or 0. */
  override serveWrite(position: bigint, from: Uint8Array): number {
    if (this.isClosed) return EDEADLK;
    return this.writeCycles(position, from, true);
  }

  private writeCycles(position: bigint, from: Uint8Array, counted: boolean): number {
    let done = 0;
    while (done < from.length) {
      const at = position + BigInt(done);
      const width = this.cycleWidth(at, from.length - done);
      if (counted && this.transactions !== undefined && width >= this.minWidth) this.transactions.writes++; // W-count
      const cycle = this.writeCycle(at, width, from.slice(done, done + width));
      if (!cycle.ok) return cycle.errno;
      done += width;
    }
    return 0;
  }

  /** A-split: the largest width that fits the rest of the piece, `maxWidth` and, unless `unaligned`, the position. */
  private cycleWidth(position: bigint, rest: number): Width {
    const fits = (width: Width) => width <= rest && width <= this.maxWidth && (this.unaligned || position % BigInt(width) === 0n);
    return WIDTHS.find(fits)!; // 1 always fits
  }

  private readCycle(position: bigint, width: Width): Result<Uint8Array> {
    if (width < this.minWidth) {
      this.refused++;
      return ok(new Uint8Array(width).fill(0xff));
    }
    const { hooks } = this;
    if (hooks === undefined) return ok(this.load(position, width));
    return this.runHook(() => toBytes(hooks.read(position, width), width));
  }

  private writeCycle(position: bigint, width: Width, bytes: Uint8Array): Result<void> {
    if (width < this.minWidth) {
      this.refused++;
      return ok();
    }
    if (this.kind === 'rom') return ok(); // dropped
    const { hooks } = this;
    if (hooks !== undefined) return this.runHook(() => hooks.write(position, width, fromBytes(bytes)));
    this.save(position, bytes);
    return ok();
  }

  /** A-hook: if it throws, the access ends there with EIO. */
  private runHook<T>(hook: () => T): Result<T> {
    this.running++;
    try {
      return ok(hook());
    } catch (error) {
      this.engine.thrown = error;
      return fail(EIO);
    } finally {
      this.running--;
    }
  }

  private load(position: bigint, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, k) => this.bytes.get(position + BigInt(k)) ?? 0);
  }

  private save(position: bigint, bytes: Uint8Array): void {
    bytes.forEach((byte, k) => {
      const at = position + BigInt(k);
      this.bytes.set(at, byte);
      if (this.kind === 'demand') this.pages.add(at / PAGE_SIZE);
    });
  }

  private checkView(position: bigint, length: number): void {
    if (this.kind === 'hook') throw new TypeError('a hook region has no bytes to view');
    const end = position + BigInt(length);
    if (end > this.size) throw new RangeError(`a view of ${position}..${end - 1n} passes the region's ${this.size} bytes`);
  }
}
