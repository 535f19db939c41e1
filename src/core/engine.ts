// The engine: one instance of the core, and the way to everything in it.

import { bytesOf, compile, integer } from '../webassembly/index.ts';
import type { Build } from '../webassembly/index.ts';
import { BankRegion } from './bank.ts';
import type { BankDescription } from './bank.ts';
import { Batch } from './batch.ts';
import { Core, builds } from './core.ts';
import { drainSeed } from './drain-policy.ts';
import type { DrainPolicy } from './drain-policy.ts';
import { IommuDomain } from './iommu-domain.ts';
import { COUNT_BACKING_BYTES, COUNT_INNER_NODES, COUNT_LEAVES, COUNT_OBJECTS, COUNT_PAGES } from './layout.generated.ts';
import { OffsetTable } from './offsets.ts';
import type { OffsetMode } from './offsets.ts';
import { RangeStore } from './range-store.ts';
import { Region } from './region.ts';
import type { RegionDescription } from './region.ts';
import { Space } from './space.ts';
import { TraceRing } from './trace-ring.ts';

/** How an engine is made. */
export interface EngineOptions {
  /** The core's binary (`maplebar/core.wasm`), where the one inlined in this module must not be used. */
  readonly wasm?: Uint8Array;
  /** Which of the inlined builds runs. Default: `'simd'` where the JavaScript engine has vectors, else `'scalar'`. Has no say when `wasm` is given. */
  readonly build?: Build;
  /** Linear memory that the core may have at most, in bytes. Default and maximum: 4 GiB less 64 KiB. */
  readonly memoryLimit?: number;
}

/** What is alive in the core: all zero once everything is destroyed. */
export interface LiveCounts {
  /** Nodes of range stores, spaces and offset tables. */
  readonly nodes: number;
  /** Demand pages of 4096 bytes. */
  readonly pages: number;
  /** Regions, spaces, windows, four line buffers for each that combines writes, stores, cursors, tables. */
  readonly objects: number;
  /** Bytes behind RAM and ROM regions, the trace ring and the mappings of domains. */
  readonly backingBytes: number;
}

/** One instance of the core. Made by {@link createEngine}. */
export class Engine {
  /** @internal */
  readonly core: Core;
  private policy: DrainPolicy = 'in-order';

  /** @internal */
  constructor(core: Core) {
    this.core = core;
  }

  /** A region: the bytes behind an address. RangeError for impossible descriptions, VfioError ENOMEM when the core is full. */
  region(description: RegionDescription): Region {
    return new Region(this.core, description);
  }

  /** A register bank. RangeError for a table that can be none, VfioError ENOMEM when the core is full. */
  bank(description: BankDescription): BankRegion {
    return new BankRegion(this.core, description);
  }

  /**
   * Tells the owners of banks of the doorbells that were written since, and answers how many notices there were. A host calls it where it also looks at timers; interrupts do
   * not wait for it.
   */
  pump(): number {
    return this.core.tell();
  }

  /** An empty address space. */
  space(name = 'space'): Space {
    return new Space(this.core, name, this.policy);
  }

  /** The order in which line buffers drain (rule W-order) in spaces made from now on. Default `in-order`. */
  get drainPolicy(): DrainPolicy {
    return this.policy;
  }

  set drainPolicy(policy: DrainPolicy) {
    drainSeed('Engine.drainPolicy', policy);
    this.policy = policy;
  }

  /** An empty range store. */
  rangeStore(): RangeStore {
    return new RangeStore(this.core);
  }

  /** A domain of an IOMMU, in which nothing is mapped. */
  iommuDomain(name = 'domain'): IommuDomain {
    return new IommuDomain(this.core, name);
  }

  /** A table of device-file offsets. `seed` (1 to 2^32-1) matters in mode `scattered` only. */
  offsetTable(mode: OffsetMode, seed = 1): OffsetTable {
    return new OffsetTable(this.core, mode, seed);
  }

  /** A batch of `length` accesses. */
  batch(length: number): Batch {
    return new Batch(this.core, length);
  }

  /** Records every access from now on in a ring of `records` (a power of two up to 2^24). A trace that runs already ends. */
  startTrace(records: number): TraceRing {
    return new TraceRing(this.core, records);
  }

  /** Whether a region or space was made by this engine. */
  owns(part: Region | Space): boolean {
    return part.core === this.core;
  }

  /** What is alive in the core. */
  live(): LiveCounts {
    const count = (what: number): number => this.core.exports.liveCount(what);
    return { nodes: count(COUNT_LEAVES) + count(COUNT_INNER_NODES), pages: count(COUNT_PAGES), objects: count(COUNT_OBJECTS), backingBytes: count(COUNT_BACKING_BYTES) };
  }
}

/**
 * Makes an engine, at once: the core is small enough to be compiled synchronously everywhere.
 *
 * @throws RangeError when the memory limit is no integer in 1 MiB to 4 GiB, or `build` is no build; WebAssembly.CompileError when `wasm` is no core.
 * @example
 * ```ts
 * import { createEngine } from 'maplebar';
 *
 * const engine = createEngine();
 * const bus = engine.space();
 * bus.map(0xfebf8000, engine.region({ kind: 'ram', size: 0x4000 }));
 * bus.write32(0xfebf8000, 0xcafe);
 * ```
 */
export function createEngine(options: EngineOptions = {}): Engine {
  const limit = options.memoryLimit === undefined ? undefined : integer('createEngine: memoryLimit', options.memoryLimit, 2 ** 20, 2 ** 32);
  const module = options.wasm === undefined ? builds.module('createEngine', options.build) : compile(bytesOf('createEngine: wasm', options.wasm));
  return new Engine(new Core(module, limit));
}
