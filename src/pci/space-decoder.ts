// The listener that shows a function's BARs in address spaces: a window per decoded BAR that comes, moves and goes with the registers.
//
//   COMMAND.MEM 0 -> 1    map      BAR register    move      COMMAND.MEM 1 -> 0    unmap
//
// Changes that a guest makes are inside an access to configuration space, so the engine makes them when that access has ended (rule S-deferred). Two BARs at one
// address are legal: the one that came last is visible and uncovers the other when it goes (rules S-priority, S-unmap).

import type { Region, Space, Window } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import type { DecodeRange } from './bar-registers.ts';
import type { DecodeChange, DecodeListener } from './decode.ts';

/** The spaces that a function's BARs appear in. Memory or ports without a space are not shown. */
export interface DecodeSpaces {
  readonly memory?: Space;
  readonly ports?: Space;
}

/** A region that lies over a part of a BAR: the MSI-X table with its rules over plain bytes. */
export interface BarOverlay {
  /** 0..5 */
  readonly index: number;
  /** Bytes from the start of the BAR. */
  readonly position: bigint;
  readonly region: Region;
}

/** How a {@link SpaceDecoder} maps. */
export interface SpaceDecoderOptions {
  /** Priority of the windows; overlays lie one above. Default 0. */
  readonly priority?: number;
  readonly overlays?: readonly BarOverlay[];
}

interface Placed {
  readonly range: DecodeRange;
  readonly window: Window;
  readonly overlays: readonly { readonly window: Window; readonly position: bigint }[];
}

/**
 * Maps what a function decodes into spaces. Usually made by {@link PciFunction.mapInto}.
 *
 * @example
 * ```ts
 * const shown = nvme.mapInto({ memory: bus });
 * nvme.config.write32(0x10, 0xfebf8000);
 * nvme.config.write16(PCI_COMMAND, PCI_COMMAND_MEMORY);
 * shown.window(0)!.start; // 0xfebf8000n
 * ```
 */
export class SpaceDecoder implements DecodeListener {
  private readonly spaces: DecodeSpaces;
  private readonly priority: number;
  private readonly overlays: readonly BarOverlay[];
  private readonly placed = new Map<number, Placed>();
  /** @internal Ends following the function. */
  stopFollowing: (() => void) | undefined;

  constructor(spaces: DecodeSpaces, options: SpaceDecoderOptions = {}) {
    this.spaces = spaces;
    this.priority = options.priority ?? 0;
    this.overlays = options.overlays ?? [];
  }

  /** The window of BAR 0..5 or the ROM (6); undefined while it is not decoded, or its bus has no space. */
  window(index: number): Window | undefined {
    return this.placed.get(index)?.window;
  }

  /** Follows one transaction; see {@link DecodeListener}. VfioError ENOMEM when the core is full. */
  commit(changes: readonly DecodeChange[]): void {
    for (const { index, to } of changes) if (to === null) this.remove(index);
    for (const change of changes) if (change.to !== null) this.place(change, change.to);
  }

  private remove(index: number): void {
    const old = this.placed.get(index);
    if (old === undefined) return;
    this.placed.delete(index);
    for (const { window } of old.overlays) window.unmap();
    old.window.unmap();
  }

  /** Moves the windows of a BAR that is shown. False when there are none, or none any more: a full core has refused them, or their owner took them away. */
  private move(index: number, range: DecodeRange): boolean {
    const old = this.placed.get(index);
    // A BAR that was resized needs another window.
    if (old === undefined || old.range.size !== range.size) return false;
    try {
      old.window.move(range.start);
      for (const { window, position } of old.overlays) window.move(range.start + position);
      this.placed.set(index, { ...old, range });
      return true;
    } catch (error) {
      if (!(error instanceof VfioError) || error.code !== 'EBADF') throw error;
      this.remove(index);
      return false;
    }
  }

  private place({ index, region }: DecodeChange, range: DecodeRange): void {
    const space = this.spaces[range.bus];
    if (space === undefined) return;
    if (this.move(index, range)) return;
    this.remove(index);
    const window = space.map(range.start, region, { size: range.size, priority: this.priority });
    const overlays = this.overlays
      .filter((overlay) => overlay.index === index)
      .map(({ position, region: over }) => ({ position, window: space.map(range.start + position, over, { priority: this.priority + 1 }) }));
    this.placed.set(index, { range, window, overlays });
  }

  /** Removes all windows and follows the function no more. */
  close(): void {
    this.stopFollowing?.();
    for (const index of [...this.placed.keys()]) this.remove(index);
  }
}
