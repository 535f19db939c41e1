// The link between a processor that is compiled to WebAssembly and a space: the module of assembly/hosts/v86.ts, made beside the core in the core's memory.
//
//   v86.wasm  --import-->  link  --import-->  core            one call each, nothing of JavaScript
//   handlers  ------------>  |---- missing                    addresses that are in none of the runs
//                            `---- failed                     what a hook threw
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

/** What a processor asks of memory that is not RAM; addresses and values are 32 bits, of any sign. */
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

const NAMES = ['read8', 'read32', 'write8', 'write16', 'write32', 'write64', 'write128'] as const satisfies readonly (keyof GuestAccess)[];
const FROM_CORE = ['spaceRead', 'spaceWrite', 'spaceLane'] as const satisfies readonly (keyof CoreExports)[];

const builds = new Builds({ scalar, simd });

// By engine: lanes in which nothing is remembered, for links that have ended and are asked all the same.
const resting = new WeakMap<Core, number>();

/** One linked processor. */
export class GuestLink {
  /** Functions of WebAssembly, to be imported by a module of WebAssembly or called. */
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

  /**
   * @param call for messages.
   * @param missing are called for what is in none of the runs. What they throw is thrown through the processor.
   * @throws VfioError ENOMEM when the core is full.
   */
  constructor(call: string, engine: Engine, missing: Readonly<Record<keyof GuestAccess, unknown>>) {
    const { core } = engine;
    const { exports } = core;
    const given = Object.fromEntries(FROM_CORE.map((name) => [name, Reflect.get(exports, name) as unknown]));
    this.core = core;
    this.buffer = exports.takeBuffer(BUFFER_BYTES) >>> 0;
    if (this.buffer === 0) throw new VfioError('ENOMEM', call, `the core has no memory for the ${BUFFER_BYTES} bytes of a link`);
    this.link = instantiate(builds.module(call, undefined), {
      env: { memory: exports.memory },
      linked: {
        ...given,
        ...Object.fromEntries(NAMES.map((name) => [`miss${name.charAt(0).toUpperCase()}${name.slice(1)}`, missing[name]])),
        failed: (run: number, status: number, address: number, width: number, writes: number) => this.failed(run, status, address >>> 0, width, writes === 1),
      },
    }) as LinkExports;
    this.access = this.link;
    this.link.prepare(this.buffer, core.cells);
    core.catchers.add(this.catches);
  }

  /** Gives its memory back, but for 12 KiB that stay with the engine. Whoever calls `access` from then on is sent to `missing`. */
  end(): void {
    if (this.space !== undefined) this.show(this.space, []);
    this.core.catchers.delete(this.catches);
    const rest = resting.get(this.core);
    if (rest === undefined) {
      resting.set(this.core, this.buffer);
      return;
    }
    this.link.prepare(rest, this.core.cells);
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
