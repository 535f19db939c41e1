// Windows: what of a region an address space shows, and where. The contract is rules S and W of docs/how-an-access-travels.md.

import { VfioError } from '../uapi/index.ts';
import { hex, integer, u64 } from '../webassembly/index.ts';
import type { U64 } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import { WINDOW_WRITE_COMBINING } from './layout.generated.ts';
import type { Region } from './region.ts';
import type { Space } from './space.ts';

/** How stores through a window may reach the device: one by one, or merged. */
export type MemoryType = 'uncached' | 'write-combining';

/** Where a window lies among others, and how it is mapped. */
export interface WindowOptions {
  /** Bytes from the start of the region (or of the target window, for an alias) at which the window begins. Default 0. */
  readonly position?: U64;
  /** Size in bytes. Default: all that is left of the region (of the target, for an alias). */
  readonly size?: U64;
  /** A signed 32-bit number; where windows overlap the highest is visible. Default 0; for an alias, the target's. */
  readonly priority?: number;
  /** Default `uncached`; for an alias, the target's. */
  readonly memoryType?: MemoryType;
}

/** A window: `size` bytes of `region`, from `position` on, at `start` of a space. */
export class Window {
  readonly region: Region;
  readonly space: Space;
  readonly size: bigint;
  /** Bytes from the start of the region. */
  readonly position: bigint;
  readonly priority: number;
  readonly memoryType: MemoryType;
  /** @internal 0 while the window still waits to be mapped. */
  handle = 0;
  /** @internal */
  gone = false;
  /** True once the core has removed it. */
  private forgotten = false;
  private at: bigint;
  private readonly target: Window | undefined;
  private readonly aliases = new Set<Window>();

  /** @internal */
  constructor(space: Space, region: Region, start: bigint, position: bigint, size: bigint, options: WindowOptions, target?: Window) {
    this.space = space;
    this.region = region;
    this.at = start;
    this.position = position;
    this.size = size;
    this.target = target;
    this.priority = integer('priority', options.priority ?? target?.priority ?? 0, -0x8000_0000, 0x7fff_ffff);
    this.memoryType = options.memoryType ?? target?.memoryType ?? 'uncached';
    if (!['uncached', 'write-combining'].includes(this.memoryType)) {
      throw new TypeError(`memoryType is ${JSON.stringify(this.memoryType)}; expected 'uncached' or 'write-combining'`);
    }
  }

  /** First address. */
  get start(): bigint {
    return this.at;
  }

  /** Last address. */
  get last(): bigint {
    return this.at + this.size - 1n;
  }

  /** @internal */
  live(call: string): void {
    if (this.isGone()) throw new VfioError('EBADF', call, `the window at ${hex(this.at)} is removed`);
  }

  private isGone(): boolean {
    return this.gone || this.region.gone || this.space.gone || (this.target !== undefined && this.target.isGone());
  }

  /** @internal */
  map(core: Core): void {
    const attributes = this.memoryType === 'write-combining' ? WINDOW_WRITE_COMBINING : 0;
    const { exports } = core;
    const status =
      this.target === undefined
        ? exports.spaceMap(this.space.handle, this.at, this.size, this.region.handle, this.position, this.priority, attributes)
        : exports.windowAlias(this.target.handle, this.position - this.target.position, this.size, this.space.handle, this.at, this.priority, attributes);
    if (status < 0) this.gone = true;
    this.handle = core.check(status, 'Space.map', () => 'the core has no memory for another window') >>> 0;
    this.space.windows.set(this.handle, this);
    this.region.windows.add(this);
    this.target?.aliases.add(this);
  }

  /** @internal The core has removed this window and its aliases: nothing here refers to them any more. */
  forget(): void {
    this.forgotten = true;
    for (const alias of this.aliases) alias.forget();
    this.space.windows.delete(this.handle);
    this.region.windows.delete(this);
    this.target?.aliases.delete(this);
  }

  /**
   * Shows this window's region, from `position` bytes into the window on, at another address too (rule S-alias). An alias goes when its target goes.
   *
   * @param space - Where the alias lies; may be another space of the same engine.
   * @throws RangeError when the alias would not lie inside this window, or would pass 2^64-1.
   */
  alias(space: Space, start: U64, options: WindowOptions = {}): Window {
    this.live('Window.alias');
    this.space.sameEngine('Window.alias', space);
    space.live('Window.alias');
    const offset = u64('Window.alias: position', options.position ?? 0);
    const size = u64('Window.alias: size', options.size ?? (offset < this.size ? this.size - offset : 0n));
    if (size === 0n || offset + size > this.size) {
      throw new RangeError(`Window.alias: ${size.toString()} bytes at position ${hex(offset)} do not lie in the window's ${hex(this.size)} bytes`);
    }
    return space.place(new Window(space, this.region, checkedStart('Window.alias', start, size), this.position + offset, size, options, this));
  }

  /** Moves the window; its aliases stay (rule S-move). RangeError when its end would pass 2^64-1. */
  move(start: U64): void {
    this.live('Window.move');
    const to = checkedStart('Window.move', start, this.size);
    this.space.core.change(() => {
      this.space.core.check(this.space.core.exports.windowMove(this.handle, to), 'Window.move', () => 'the core has no memory for the move');
      this.at = to;
    });
  }

  /**
   * How many bytes wait in the window's line buffers, 0 to 256; always 0 for an uncached window and one that is removed.
   */
  get buffered(): number {
    return this.handle === 0 ? 0 : Math.max(0, this.space.core.exports.windowBuffered(this.handle));
  }

  /**
   * Removes the window and all its aliases (rule S-unmap). What waits in their line buffers reaches the region first (rule W-unmap). A second call does nothing.
   *
   * @throws What a hook threw while the buffers drained; then the window is still there, and a second call gets further.
   */
  unmap(): void {
    if (this.isGone()) return;
    this.gone = true;
    this.space.core.remove('Window.unmap', () => 'the core has no memory to show what the window covered', {
      isDone: () => this.forgotten,
      make: () => this.space.core.exports.windowUnmap(this.handle),
      done: () => this.forget(),
      undone: () => (this.gone = false),
    });
  }
}

/** @internal */
export function checkedStart(call: string, start: U64, size: bigint): bigint {
  const at = u64(`${call}: start`, start);
  if (at + size - 1n > 0xffff_ffff_ffff_ffffn) throw new RangeError(`${call}: ${hex(size)} bytes at ${hex(at)} pass 2^64-1`);
  return at;
}
