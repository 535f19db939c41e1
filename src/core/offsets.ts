// Device-file offsets of one open file: rules C of docs/how-an-access-travels.md.

import { VfioError } from '../uapi/index.ts';
import { integer, u64 } from '../webassembly/index.ts';
import type { U64 } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import type { CoreExports } from './exports.ts';
import { CELL_INDEX, CELL_POSITION, OFFSETS_COOKIE, OFFSETS_INDEX, OFFSETS_SCATTERED } from './layout.generated.ts';

/** How a device file hands out offsets: as mainline Linux, packed, or at seeded random places. */
export type OffsetMode = 'index' | 'cookie' | 'scattered';

const MODES: Readonly<Record<OffsetMode, number>> = { index: OFFSETS_INDEX, cookie: OFFSETS_COOKIE, scattered: OFFSETS_SCATTERED };

/** Where an offset lies: region `index`, `position` bytes from its start. */
export interface ResolvedOffset {
  readonly index: number;
  readonly position: bigint;
}

/** The table of one open device file. Made by {@link Engine.offsetTable}. */
export class OffsetTable {
  readonly mode: OffsetMode;
  private readonly core: Core;
  private readonly handle: number;
  // Looking a name up among an instance's exports costs as much as the call.
  private readonly resolveF: CoreExports['cookieResolveF'];
  /** The position of what `find` found last. @internal */
  foundPosition = 0;
  private gone = false;

  /** @internal */
  constructor(core: Core, mode: OffsetMode, seed: number) {
    if (!Object.hasOwn(MODES, mode)) throw new TypeError(`offsetTable: mode is ${JSON.stringify(mode)}; expected 'index', 'cookie' or 'scattered'`);
    integer('offsetTable: seed', seed, 1, 0xffff_ffff);
    this.core = core;
    this.mode = mode;
    this.resolveF = core.exports.cookieResolveF;
    this.handle = core.check(core.exports.cookieTableCreate(MODES[mode], seed), 'offsetTable', () => 'the core has no memory for another table') >>> 0;
  }

  /**
   * The offset at which region `index` of `size` bytes starts, given out now if it was not (rules C-index, C-cookie, C-scattered, C-empty).
   *
   * @throws VfioError EINVAL when mode `index` has no room for the size, ENOSPC when no place is left, ENOMEM when the core is full.
   */
  request(index: number, size: U64): bigint {
    integer('OffsetTable.request: index', index, 0, 0x3f_ffff);
    const bytes = u64('OffsetTable.request: size', size);
    this.core.check(this.core.exports.cookieRequest(this.handle, index, bytes), 'OffsetTable.request', () =>
      this.mode === 'index' ? `region ${index} has ${bytes.toString()} bytes; offsets 'index' leave it 2^40: use 'cookie'` : `no place for region ${index} of ${bytes.toString()} bytes`,
    );
    return this.core.cellFirst();
  }

  /** What an offset means, or undefined (rule C-resolve). The position may lie beyond the region's size. */
  resolve(offset: U64): ResolvedOffset | undefined {
    const status =
      typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0
        ? this.resolveF(this.handle, offset)
        : this.core.exports.cookieResolve(this.handle, u64('OffsetTable.resolve: offset', offset));
    if (status < 0 && this.gone) throw new VfioError('EBADF', 'OffsetTable.resolve', 'the table is destroyed');
    return status < 0 ? undefined : { index: this.core.cellIndex(), position: this.core.cellPosition() };
  }

  /** The same without an object: the index of the region, or -1. `offset`: 0 to 2^53-1. @internal */
  find(offset: number): number {
    if (this.resolveF(this.handle, offset) < 0) return -1;
    const words = this.core.words();
    const at = this.core.cells >> 2;
    this.foundPosition = words[at + CELL_POSITION / 4 + 1]! * 2 ** 32 + words[at + CELL_POSITION / 4]!;
    return words[at + CELL_INDEX / 4]!;
  }

  /** Returns every node. A second call does nothing. */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.core.exports.cookieTableDestroy(this.handle);
  }
}
