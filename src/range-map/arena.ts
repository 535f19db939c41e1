// One instance of the range-map module, its views, and the buffers that maps share in it.

import { VfioError } from '../uapi/index.ts';
import { Builds, instantiate, integer } from '../webassembly/index.ts';
import type { Build, WasmModule } from '../webassembly/index.ts';
import type { RangeMapExports } from './exports.ts';
import { COUNT_INNER_NODES, COUNT_LEAVES, COUNT_OBJECTS, WALK_ROW_BYTES } from './layout.generated.ts';
import { scalar, simd } from './wasm.generated.ts';

/** How an arena is made. */
export interface RangeArenaOptions {
  /** Which of the inlined builds runs. Default: `'simd'` where the JavaScript engine has vectors, else `'scalar'`. Has no say when `module` is given. */
  readonly build?: Build;
  /** A compiled `WebAssembly.Module` of `maplebar/range-map.wasm` or `maplebar/range-map.simd.wasm`, where the inlined binaries must not be used. */
  readonly module?: WasmModule;
  /** Linear memory that the arena may have at most, in bytes: 1 MiB to 4 GiB. Default: 4 GiB less 64 KiB. */
  readonly memoryLimit?: number;
  /** An instance that was made elsewhere. @internal */
  readonly exports?: RangeMapExports;
}

/** What is alive in an arena: all zero once its maps are destroyed. */
export interface RangeArenaCounts {
  /** Leaves of trees, 256 bytes each. */
  readonly leaves: number;
  /** Inner nodes of trees, 640 bytes each. */
  readonly innerNodes: number;
  /** Maps, snapshots and cursors. */
  readonly objects: number;
}

const builds = new Builds({ scalar, simd });

/** Rows that one call of a walk can fill: 8 KiB. @internal */
export const WALK_ROWS = 341;
/** Rows of a batch that one call takes: what is longer goes piece by piece. */
const BATCH_ROWS = 65536;
/** A row of a batch: first u64, last u64, value u32, errno u8. */
const COLUMN_BYTES = 21;

/** The one place where an instance is made. */
function instanceOf(options: RangeArenaOptions): RangeMapExports {
  const module = options.module ?? builds.module('RangeArena', options.build);
  const exports = instantiate(module, {}) as Partial<RangeMapExports>;
  if (typeof exports.treeBatch !== 'function') throw new TypeError('RangeArena: module is no maplebar/range-map.wasm: it does not export treeBatch');
  return exports as RangeMapExports;
}

/**
 * The memory that range maps take their nodes from: one WebAssembly instance. Maps made without an arena share one.
 *
 * @example
 * ```ts
 * import { RangeArena, RangeMap } from 'maplebar/range-map';
 *
 * const arena = new RangeArena({ memoryLimit: 2 ** 24 });
 * const map = new RangeMap({ arena });
 * map.set(10, 19, 1);
 * arena.live(); // { leaves: 1, innerNodes: 0, objects: 1 }
 * map.destroy();
 * arena.live(); // { leaves: 0, innerNodes: 0, objects: 0 }
 * ```
 */
export class RangeArena {
  /** @internal */
  readonly exports: RangeMapExports;
  /** Where results lie that do not fit one return value, in 32-bit words. @internal */
  readonly cells: number;
  private view: Uint32Array;
  private rowBuffer = 0;
  private columnBuffer = 0;
  /** Rows that the column buffer has room for. @internal */
  columnRows = 0;
  /** Rows of a batch that one call takes. @internal */
  get batchRows(): number {
    return BATCH_ROWS;
  }
  private readonly dropped: FinalizationRegistry<number> | undefined;

  /**
   * @param options - Build, module and memory limit.
   * @throws RangeError when `memoryLimit` is out of bounds or `build` is no build; TypeError when `module` exports something else; WebAssembly.LinkError when it needs imports.
   */
  constructor(options: RangeArenaOptions = {}) {
    const limit = options.memoryLimit === undefined ? undefined : integer('RangeArena: memoryLimit', options.memoryLimit, 2 ** 20, 2 ** 32);
    const exports = options.exports ?? instanceOf(options);
    this.exports = exports;
    if (limit !== undefined) exports.limitMemory(limit);
    this.cells = exports.resultCells() >>> 2;
    this.view = new Uint32Array(exports.memory.buffer);
    // A positive number is a map's or a snapshot's handle, a negative one a cursor's.
    if (typeof FinalizationRegistry === 'function') {
      this.dropped = new FinalizationRegistry((handle) => {
        if (handle > 0) exports.treeDestroy(handle);
        else exports.cursorDestroy(-handle);
      });
    }
  }

  /** What is alive. Maps that were dropped without `destroy()` count until the garbage collector has found them. */
  live(): RangeArenaCounts {
    const { exports } = this;
    return { leaves: exports.liveCount(COUNT_LEAVES), innerNodes: exports.liveCount(COUNT_INNER_NODES), objects: exports.liveCount(COUNT_OBJECTS) };
  }

  /** Bytes of linear memory that the arena has now. It never shrinks; what is freed is used again. */
  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  /** The memory as 32-bit words, at least up to byte `end`. Views of memory that has grown are empty or too short, and are taken anew. @internal */
  words(end = 0): Uint32Array {
    if (this.view.length === 0 || this.view.length * 4 < end) this.view = new Uint32Array(this.exports.memory.buffer);
    return this.view;
  }

  /** The address of a buffer for the rows of a walk. @internal */
  rows(call: string): number {
    if (this.rowBuffer === 0) this.rowBuffer = this.take(call, WALK_ROWS * WALK_ROW_BYTES);
    return this.rowBuffer;
  }

  /** The address of a buffer with columns of at least `rows` rows; `columnRows` says of how many. @internal */
  columns(call: string, rows: number): number {
    if (rows > this.columnRows) {
      const wanted = Math.min(BATCH_ROWS, Math.max(1024, 2 ** Math.ceil(Math.log2(rows))));
      if (this.columnRows > 0) this.exports.giveBuffer(this.columnBuffer, this.columnRows * COLUMN_BYTES);
      this.columnRows = 0;
      this.columnBuffer = this.take(call, wanted * COLUMN_BYTES);
      this.columnRows = wanted;
    }
    return this.columnBuffer;
  }

  /** A buffer in linear memory. @internal */
  take(call: string, bytes: number): number {
    const address = bytes > 0xffff_0000 ? 0 : this.exports.takeBuffer(bytes) >>> 0;
    if (address === 0) throw new VfioError('ENOMEM', call, `the arena has no ${bytes} bytes for a buffer`);
    return address;
  }

  /** Returns what `handle` names when nothing refers to `holder` any more. @internal */
  watch(holder: object, handle: number): void {
    this.dropped?.register(holder, handle, holder);
  }

  /** @internal */
  unwatch(holder: object): void {
    this.dropped?.unregister(holder);
  }
}

let shared: RangeArena | undefined;

/** The arena of maps that were made without one. @internal */
export function defaultArena(): RangeArena {
  return (shared ??= new RangeArena());
}
