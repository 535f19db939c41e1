// An address space: a list of windows, one visible at each address (S rules), and accesses cut at their borders (A-cut).

import { ReferenceTarget } from './access.ts';
import type { ReferenceEngine } from './engine.ts';
import type { ReferenceRegion } from './region.ts';
import { EBADF, EINVAL, U64_MAX, fail, ok, type Result } from './result.ts';

/** `attributes` is a number that the space keeps for the caller; no rule reads it. */
export interface WindowAttributes {
  readonly priority: number;
  readonly attributes: number;
}

export interface ReferenceWindow extends WindowAttributes {
  readonly space: ReferenceSpace;
  readonly region: ReferenceRegion;
  readonly position: bigint;
  readonly size: bigint;
  /** The window that this one is an alias of. */
  readonly target: ReferenceWindow | undefined;
  /** Changed by a move, when the move takes effect. */
  start: bigint;
  /** Its removal was asked for. */
  condemned: boolean;
  /** W: stores go into line buffers. */
  readonly combining: boolean;
}

export interface MapOptions extends Partial<WindowAttributes> {
  readonly combining?: boolean | undefined;
  readonly start: bigint;
  readonly position: bigint;
  readonly size: bigint;
}

export interface AliasOptions extends Partial<WindowAttributes> {
  readonly combining?: boolean | undefined;
  readonly start: bigint;
  readonly offset: bigint;
  readonly size: bigint;
}

/** A-cut: neighbouring addresses that show the same window, or none. */
interface Piece {
  readonly window: ReferenceWindow | undefined;
  readonly address: bigint;
  length: number;
}

export class ReferenceSpace extends ReferenceTarget {
  unclaimedReads = 0;
  unclaimedWrites = 0;
  /** In the order in which they were mapped or moved: the most recent last. */
  windows: readonly ReferenceWindow[] = [];

  constructor(engine: ReferenceEngine, id: number) {
    super(engine, id, U64_MAX + 1n);
  }

  /** S-priority: of equals the later one in the list wins. */
  visible(address: bigint): ReferenceWindow | undefined {
    let best: ReferenceWindow | undefined;
    for (const window of this.windows) {
      const covers = window.start <= address && address <= window.start + window.size - 1n;
      if (covers && (best === undefined || window.priority >= best.priority)) best = window;
    }
    return best;
  }

  /** S-map */
  map(region: ReferenceRegion, { start, position, size, priority = 0, attributes = 0, combining = false }: MapOptions): Result<ReferenceWindow> {
    if (this.condemned || region.condemned) return fail(EBADF);
    if (!fitsInSpace(start, size) || position + size > region.size) return fail(EINVAL);
    return ok(this.putIn({ space: this, region, position, size, target: undefined, start, priority, attributes, combining, condemned: false }));
  }

  /** S-alias: the alias appears in this space; the target may be in another one. */
  alias(target: ReferenceWindow, options: AliasOptions): Result<ReferenceWindow> {
    const { start, offset, size, priority = target.priority, attributes = target.attributes, combining = target.combining } = options;
    if (this.condemned || !this.engine.windows.includes(target)) return fail(EBADF);
    if (!fitsInSpace(start, size) || offset + size > target.size) return fail(EINVAL);
    const position = target.position + offset;
    return ok(this.putIn({ space: this, region: target.region, position, size, target, start, priority, attributes, combining, condemned: false }));
  }

  /** S-unmap */
  unmap(window: ReferenceWindow): Result<void> {
    if (!this.owns(window)) return fail(EBADF);
    return this.engine.remove(
      (other) => this.engine.goesWith(other, window),
      (condemned) => (window.condemned = condemned),
    );
  }

  /** S-move */
  move(window: ReferenceWindow, start: bigint): Result<void> {
    if (!this.owns(window)) return fail(EBADF);
    if (!fitsInSpace(start, window.size)) return fail(EINVAL);
    return this.engine.change(() => {
      if (!this.engine.all.includes(window)) return EBADF;
      this.takeOut(window);
      window.start = start;
      this.windows = [...this.windows, window];
      return 0;
    });
  }

  /** W-fence */
  fence(): Result<void> {
    if (this.condemned) return fail(EBADF);
    const errno = this.engine.access(() => this.engine.combiner.fence(this));
    return errno === 0 ? ok() : fail(errno);
  }

  /** W-policy */
  setPolicy(seed: number | undefined): Result<void> {
    if (this.condemned) return fail(EBADF);
    this.engine.combiner.setPolicy(this, seed);
    return ok();
  }

  /** S-region-gone */
  destroy(): Result<void> {
    if (this.condemned) return fail(EBADF);
    return this.engine.remove(
      (window) => goesWithSpace(window, this),
      (condemned) => (this.condemned = condemned),
      () => (this.gone = true),
    );
  }

  /** For the engine: the window leaves the list, if it was there. */
  takeOut(window: ReferenceWindow): void {
    this.windows = this.windows.filter((other) => other !== window);
  }

  protected override serveRead(address: bigint, into: Uint8Array): number {
    for (const piece of this.pieces(address, into.length)) {
      const at = Number(piece.address - address);
      const bytes = into.subarray(at, at + piece.length);
      if (piece.window === undefined) {
        this.unclaimedReads++; // A-unclaimed
        bytes.fill(0xff);
        continue;
      }
      const drained = this.engine.combiner.before(piece.window);
      if (drained !== 0) return drained;
      const errno = piece.window.region.serveRead(positionOf(piece.window, piece.address), bytes);
      if (errno !== 0) return errno;
    }
    return 0;
  }

  protected override serveWrite(address: bigint, from: Uint8Array): number {
    for (const piece of this.pieces(address, from.length)) {
      const at = Number(piece.address - address);
      const bytes = from.subarray(at, at + piece.length);
      if (piece.window === undefined) {
        this.unclaimedWrites++; // A-unclaimed
        continue;
      }
      const { combiner } = this.engine;
      const { window } = piece;
      const position = positionOf(window, piece.address);
      const errno = window.combining ? combiner.store(window, position, bytes) : combiner.before(window) || window.region.serveWrite(position, bytes);
      if (errno !== 0) return errno;
    }
    return 0;
  }

  /** A-cut: address by address, a new piece wherever another window is visible than before. */
  private pieces(address: bigint, length: number): Piece[] {
    const pieces: Piece[] = [];
    for (let k = 0; k < length; k++) {
      const window = this.visible(address + BigInt(k));
      const piece = pieces.at(-1);
      if (piece !== undefined && piece.window === window) piece.length++;
      else pieces.push({ window, address: address + BigInt(k), length: 1 });
    }
    return pieces;
  }

  /** The window can be named from the call on, and is in the list as S-deferred says. */
  private putIn(window: ReferenceWindow): ReferenceWindow {
    const { engine } = this;
    engine.all = [...engine.all, window];
    engine.change(() => {
      const { region, target } = window;
      // A hook may have removed one of them while another change's buffers drained.
      if (this.gone || region.gone || (target !== undefined && !engine.all.includes(target))) {
        engine.all = engine.all.filter((other) => other !== window);
        return EBADF;
      }
      this.windows = [...this.windows, window];
      return 0;
    });
    return window;
  }

  private owns(window: ReferenceWindow): boolean {
    return window.space === this && this.engine.windows.includes(window);
  }
}

/** S-region-gone: the window is in the space, or an alias of one that is. */
function goesWithSpace(window: ReferenceWindow, space: ReferenceSpace): boolean {
  return window.space === space || (window.target !== undefined && goesWithSpace(window.target, space));
}

function fitsInSpace(start: bigint, size: bigint): boolean {
  return size >= 1n && start + size - 1n <= U64_MAX;
}

function positionOf(window: ReferenceWindow, address: bigint): bigint {
  return window.position + (address - window.start);
}
