// The link between a processor that is compiled to WebAssembly and a space: the module of assembly/hosts/v86.ts, made beside the core in the core's memory.
//
//   v86.wasm  --import-->  link  --import-->  core            one call each, nothing of JavaScript
//                           |---- v86's own functions         addresses that are in none of the runs
//                           `---- failed                      what a hook threw
//
// The layout of its buffer, lanes and runs, stands there.

import { VfioError } from '../uapi/index.ts';
import { Builds, instantiate } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import type { Engine } from './engine.ts';
import type { CoreExports } from './exports.ts';
import type { Space } from './space.ts';
import { scalar, simd } from './v86-link-wasm.generated.ts';

const BUFFER_BYTES = 12288;
const RUNS = 8192;
const RUN_BYTES = 64;
const COUNTS = 16;
// By place in a run's row: whether it counts writes, and the bytes of each.
const KINDS = [[false, 1], [false, 4], [true, 1], [true, 2], [true, 4], [true, 8]] as const;

/** How many runs a link can hold. What is in none of them takes the way through JavaScript. */
export const MOST_RUNS = 64;

/** Addresses of one region that a link serves, inside 32 bits. */
export interface GuestRun {
  readonly first: number;
  readonly last: number;
  /** Grows by what the link counted, when that is asked for. */
  readonly counts: { reads: number; writes: number; bytes: number };
  /** Is told what a device threw in an access. */
  readonly failed: (error: unknown) => void;
}

/** What v86 imports for memory that is not RAM, without `mmap_`; addresses and values are 32 bits, of any sign. */
export interface GuestAccess {
  readonly read8: (address: number) => number;
  readonly read32: (address: number) => number;
  readonly write8: (address: number, value: number) => void;
  readonly write16: (address: number, value: number) => void;
  readonly write32: (address: number, value: number) => void;
  readonly write64: (address: number, low: number, high: number) => void;
  readonly write128: (address: number, a: number, b: number, c: number, d: number) => void;
}

interface LinkExports extends GuestAccess {
  readonly inFlight: { value: number };
  prepare(buffer: number, cells: number): void;
  collect(): void;
  show(space: number, runs: number): void;
}

const FROM_CORE = ['spaceRead', 'spaceWrite', 'spaceLane'] as const satisfies readonly (keyof CoreExports)[];

const builds = new Builds({ scalar, simd });

/** One linked processor. */
export class GuestLink {
  /** Functions of WebAssembly, to be imported by a module of WebAssembly. */
  readonly access: GuestAccess;
  private readonly core: Core;
  private readonly link: LinkExports;
  private readonly buffer: number;
  private space: Space | undefined;
  private shown: readonly GuestRun[] = [];
  // By number. A hook may take the run away whose access it is, so numbers are forgotten when no access is in flight.
  private readonly runs = new Map<number, GuestRun>();
  private nextNumber = 1;
  private caught: { readonly thrown: unknown } | undefined;

  /** @throws VfioError ENOMEM when the core is full. */
  constructor(engine: Engine, missing: Readonly<Record<`mmap_${keyof GuestAccess}`, unknown>>) {
    const { core } = engine;
    const { exports } = core;
    const given = Object.fromEntries(FROM_CORE.map((name) => [name, Reflect.get(exports, name) as unknown]));
    const misses = Object.entries(missing).filter(([name]) => name.startsWith('mmap_')).map(([name, miss]) => [`${name.charAt(5).toUpperCase()}${name.slice(6)}`, miss] as const);
    this.core = core;
    this.buffer = exports.takeBuffer(BUFFER_BYTES) >>> 0;
    if (this.buffer === 0) throw new VfioError('ENOMEM', 'wasmFn', `the core has no memory for the ${BUFFER_BYTES} bytes of a link`);
    this.link = instantiate(builds.module('wasmFn', undefined), {
      env: { memory: exports.memory },
      linked: {
        ...given,
        ...Object.fromEntries(misses.map(([name, miss]) => [`miss${name}`, miss])),
        failed: (run: number, status: number, address: number, width: number, writes: number) => this.failed(run, status, address >>> 0, width, writes === 1),
      },
    }) as LinkExports;
    this.access = this.link;
    this.link.prepare(this.buffer, core.cells);
    core.catchers.add(this.catches);
  }

  /** Gives its memory back. Nobody may call `access` from then on. */
  end(): void {
    this.core.catchers.delete(this.catches);
    this.core.exports.giveBuffer(this.buffer, BUFFER_BYTES);
  }

  /** The runs of a space that are served from now on: up to {@link MOST_RUNS} that do not touch one another, each in one region. */
  show(space: Space, runs: readonly GuestRun[]): void {
    this.collect();
    if (this.core.exports.accessInFlight() === 0) this.runs.clear();
    const data = this.core.data();
    this.shown = runs.slice(0, MOST_RUNS);
    for (const [i, run] of this.shown.entries()) {
      const row = this.row(i);
      const number = this.nextNumber;
      this.nextNumber = number === 0xffff_ffff ? 1 : number + 1;
      this.runs.set(number, run);
      data.setUint32(row, run.first, true);
      data.setUint32(row + 4, run.last, true);
      data.setUint32(row + 8, number, true);
    }
    this.space = space;
    this.link.show(space.handle, this.shown.length);
  }

  /** Adds what was counted to the runs' counts. */
  collect(): void {
    this.link.collect();
    const data = this.core.data();
    for (const [i, { counts }] of this.shown.entries()) {
      for (const [kind, [writes, bytes]] of KINDS.entries()) {
        const at = this.row(i) + COUNTS + 8 * kind;
        const n = data.getUint32(at, true) + data.getUint32(at + 4, true) * 2 ** 32;
        if (writes) counts.writes += n;
        else counts.reads += n;
        counts.bytes += n * bytes;
        data.setUint32(at, 0, true);
        data.setUint32(at + 4, 0, true);
      }
    }
  }

  private row(i: number): number {
    return this.buffer + RUNS + RUN_BYTES * i;
  }

  // What follows an access must not be thrown through the processor.
  private readonly catches = (error: unknown): boolean => {
    if (this.link.inFlight.value === 0) return false;
    this.link.inFlight.value = 2;
    this.caught = { thrown: error };
    return true;
  };

  private failed(number: number, status: number, address: number, width: number, writes: boolean): void {
    const { caught } = this;
    this.caught = undefined;
    const run = this.runs.get(number >>> 0);
    try {
      if (caught !== undefined) throw caught.thrown;
      this.space?.fail(`Space.${writes ? 'write' : 'read'}${8 * width}`, address, width, status);
    } catch (error) {
      run?.failed(error);
    }
  }
}
