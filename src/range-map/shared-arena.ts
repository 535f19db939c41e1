// The writer's side of a shared memory: an arena whose maps other threads can look things up in.

import { VfioError } from '../uapi/index.ts';
import { Builds, instantiate, integer, sharedMemory } from '../webassembly/index.ts';
import type { Build, WasmMemory, WasmModule } from '../webassembly/index.ts';
import { RangeArena } from './arena.ts';
import type { RangeMapExports } from './exports.ts';
import { refuseStatus } from './keys.ts';
import { RangeMap, RangeSnapshot } from './range-map.ts';
import { scalar, simd } from './shared-wasm.generated.ts';

/** The exports that only the builds for a shared memory have. @internal */
export interface SharedExports extends RangeMapExports {
  readonly readerOpen: () => number;
  readonly readerClose: (reader: number) => number;
  readonly readerAttach: (reader: number) => number;
  readonly readerEnter: () => void;
  readonly readerLeave: () => void;
  readonly treeHold: (tree: number) => number;
  readonly treeRelease: (tree: number) => number;
  readonly collectRetired: () => number;
}

/** How a shared arena is made. */
export interface SharedRangeArenaOptions {
  /** As in {@link RangeArena}. */
  readonly build?: Build;
  /** A compiled `maplebar/range-map.shared.wasm` or `maplebar/range-map.shared.simd.wasm`, where the inlined binaries must not be used. */
  readonly module?: WasmModule;
  /** What the memory may grow to, in bytes: 1 MiB to 4 GiB. Shared memory reserves that many addresses at once. Default: 1 GiB. */
  readonly memoryLimit?: number;
}

/** What another thread needs to become a reader: `postMessage` carries it. Each is for one thread. */
export interface RangeReaderSeat {
  /** The compiled module. */
  readonly module: WasmModule;
  /** The `WebAssembly.Memory`, shared. */
  readonly memory: WasmMemory;
  /** The seat's handle. */
  readonly reader: number;
}

/** What a reader needs to look things up in one map or snapshot: `postMessage` carries it. */
export interface SharedRangeMap<Index extends number | bigint = number> {
  /** The map's handle. */
  readonly handle: number;
  /** The kind of its keys. */
  readonly keys: Index extends bigint ? 'bigint' : 'number';
}

const PAGE = 65536;
const builds = new Builds({ scalar, simd });

/** An instance over a shared memory. @internal */
export function instantiateShared(module: WasmModule, memory: WasmMemory): SharedExports {
  const exports = instantiate(module, { env: { memory } }) as Partial<SharedExports>;
  if (typeof exports.readerAttach !== 'function') throw new TypeError('SharedRangeArena: module is no maplebar/range-map.shared.wasm: it does not export readerAttach');
  return { ...exports, memory } as SharedExports;
}

/**
 * An arena in a shared memory. This thread writes; others look things up beside it, without locks, each in a seat of its own. They see every write as a whole, or not yet.
 *
 * @example
 * ```ts
 * import { RangeMap, SharedRangeArena } from 'maplebar/range-map/shared';
 *
 * const arena = new SharedRangeArena();
 * const map = new RangeMap([[0, 9, 1]], { arena });
 * const message = { seat: arena.openReader(), map: arena.share(map) }; // worker.postMessage(message)
 * // In the worker: new SharedRangeReader(message.seat).map(message.map).get(5) is 1.
 * map.set(0, 9, 2); // now it is 2
 * ```
 */
export class SharedRangeArena extends RangeArena {
  private readonly module: WasmModule;
  private readonly memory: WasmMemory;
  private readonly shared: SharedExports;
  /** The map of a `together` that runs, 0 for none. */
  private held = 0;

  /**
   * @param options - Build, module and the memory's maximum.
   * @throws Error where there is no SharedArrayBuffer (a page that is not cross-origin isolated); RangeError and TypeError as {@link RangeArena}.
   */
  constructor(options: SharedRangeArenaOptions = {}) {
    const limit = options.memoryLimit === undefined ? 2 ** 30 : integer('SharedRangeArena: memoryLimit', options.memoryLimit, 2 ** 20, 2 ** 32);
    const module = options.module ?? builds.module('SharedRangeArena', options.build);
    const memory = sharedMemory('SharedRangeArena', 2, Math.floor(limit / PAGE));
    const exports = instantiateShared(module, memory);
    super({ memoryLimit: limit, exports });
    this.module = module;
    this.memory = memory;
    this.shared = exports;
  }

  /** A seat for one reader in another thread. VfioError ENOMEM when the memory is full. */
  openReader(): RangeReaderSeat {
    const reader = this.shared.readerOpen();
    if (reader < 0) refuseStatus(reader, 'SharedRangeArena.openReader', 'the arena has no memory for another reader');
    return { module: this.module, memory: this.memory, reader };
  }

  /** Ends a seat, when its thread will not look anything up any more: what it may have held can be used again. VfioError EBADF for a seat that is closed or another arena's. */
  closeReader(seat: RangeReaderSeat): void {
    if (seat.memory !== this.memory) throw new VfioError('EBADF', 'SharedRangeArena.closeReader', 'the seat is of another arena');
    const status = this.shared.readerClose(seat.reader);
    if (status < 0) refuseStatus(status, 'SharedRangeArena.closeReader', 'the seat is closed');
    this.shared.collectRetired();
  }

  private owned(call: string, map: RangeMap | RangeMap<bigint> | RangeSnapshot | RangeSnapshot<bigint>): void {
    if (!(map instanceof RangeMap) && !(map instanceof RangeSnapshot)) throw new TypeError(`SharedRangeArena.${call}: map is no RangeMap and no RangeSnapshot`);
    if (map.arena !== this) throw new RangeError(`SharedRangeArena.${call}: the map is of another arena`);
    map.alive(call);
  }

  /** What readers need to look things up in this map, or this snapshot. TypeError, RangeError for what is not of this arena; VfioError EBADF when it is destroyed. */
  share<Index extends number | bigint>(map: RangeMap<Index> | RangeSnapshot<Index>): SharedRangeMap<Index> {
    this.owned('share', map as unknown as RangeMap);
    return { handle: map.handle, keys: (map.wide ? 'bigint' : 'number') as SharedRangeMap<Index>['keys'] };
  }

  /**
   * Writes many things that readers see as one: none of it while `change` runs, all of it afterwards. Writes to other maps are seen at once.
   * When `change` throws, what it had written until then stays and is seen. Inside another `together` of the same map, it is a part of that one.
   *
   * @returns What `change` returns.
   * @throws VfioError EBUSY inside a `together` of another map.
   */
  together<Result, Index extends number | bigint>(map: RangeMap<Index>, change: () => Result): Result {
    this.owned('together', map as unknown as RangeMap);
    const { handle } = map;
    if (this.held === handle) return change();
    if (this.held !== 0) throw new VfioError('EBUSY', 'SharedRangeArena.together', 'a change of another map runs');
    const status = this.shared.treeHold(handle);
    if (status < 0) refuseStatus(status, 'SharedRangeArena.together', 'a snapshot does not change');
    this.held = handle;
    try {
      return change();
    } finally {
      this.held = 0;
      this.shared.treeRelease(handle);
    }
  }

  /** Uses again what no reader can hold any more, which writes do now and then anyway. @returns How many nodes still wait for a reader to renew its turn. */
  collect(): number {
    return this.shared.collectRetired() >>> 0;
  }
}
