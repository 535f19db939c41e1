// One instance of the core and what JavaScript keeps beside it: memory views, host hooks, changes of the topology that wait.

import { VfioError, errnoName } from '../uapi/index.ts';
import { Builds, instantiate } from '../webassembly/index.ts';
import type { WasmModule } from '../webassembly/index.ts';
import type { CoreExports } from './exports.ts';
import { CELL_DATA, CELL_FIRST, CELL_INDEX, CELL_LAST, CELL_POSITION, EBADF, EIO, ENOMEM, STAGING_BYTES } from './layout.generated.ts';
import type { BankHandlers, HookMoment, RegisterAccess } from './bank.ts';
import { MemoryViews } from './memory-views.ts';
import { Notices } from './notices.ts';
import { RegisterCells } from './register-cells.ts';
import { scalar, simd } from './wasm.generated.ts';

/** What a hook region's owner supplies: one call per cycle. */
export interface HookHandlers {
  /**
   * A guest reads `width` bytes at `position` (bytes from the region's start). Returns the value; it is cut to `width` bytes.
   * `position` is a number up to 2^53-1 and a bigint above.
   */
  read?(position: number | bigint, width: 1 | 2 | 4 | 8): number | bigint;
  /** A guest writes `width` bytes at `position`: `value` is a number for widths up to 4 and a bigint for 8. */
  write?(position: number | bigint, width: 1 | 2 | 4 | 8, value: number | bigint): void;
}

const SAFE_HIGH = 0x20_0000;
// The memory is smaller than this, whatever its limit.
const MAX_BLOCK = 0xffff_0000;

function joined(low: number, high: number): number | bigint {
  const upper = high >>> 0;
  if (upper < SAFE_HIGH) return upper * 0x1_0000_0000 + (low >>> 0);
  return (BigInt(upper) << 32n) | BigInt(low >>> 0);
}

/** The inlined binaries. @internal */
export const builds = new Builds({ scalar, simd });

/**
 * The instance behind an engine.
 *
 * @internal
 */
export class Core {
  readonly exports: CoreExports;
  readonly hooks = new Map<number, HookHandlers>();
  readonly banks = new Map<number, BankHandlers>();
  /** Take what followed an access of theirs, which must not be unwound; false: it was not theirs. */
  readonly catchers = new Set<(error: unknown) => boolean>();
  /** The trace that runs. */
  tracer: object | undefined;
  /** Where the result cells lie. */
  readonly cells: number;
  private readonly staging: number;
  /** Renewed by whoever asks for the memory. */
  readonly views: MemoryViews;
  private view: DataView;
  private hookDepth = 0;
  private hookError: { readonly thrown: unknown } | undefined;
  private readonly waiting: (() => void)[] = [];
  private settling = false;
  private readonly access: RegisterAccess;
  private readonly notices: Notices;

  constructor(module: WasmModule, memoryLimit: number | undefined) {
    const imports = {
      host: {
        hookRead: (region: number, low: number, high: number, width: 1 | 2 | 4 | 8) => this.hookRead(region, low, high, width),
        hookWrite: (region: number, low: number, high: number, width: 1 | 2 | 4 | 8, valueLow: number, valueHigh: number) =>
          this.hookWrite(region, low, high, width, valueLow, valueHigh),
        registerHook: (region: number, register: number, moment: HookMoment) => this.registerHook(region, register, moment),
        settle: () => this.settle(),
      },
    };
    this.exports = instantiate(module, imports) as CoreExports;
    if (memoryLimit !== undefined) this.exports.limitMemory(memoryLimit);
    this.cells = this.exports.resultCells();
    this.staging = this.exports.stagingBuffer();
    if (this.staging === 0) throw new VfioError('ENOMEM', 'createEngine', `a memory limit of ${String(memoryLimit)} bytes leaves no room for the 64 KiB staging buffer`);
    this.view = new DataView(this.exports.memory.buffer);
    this.views = new MemoryViews(this.exports.memory.buffer);
    this.access = new RegisterCells(() => this.data(), this.cells);
    this.notices = new Notices(this.exports, () => this.data(), this.banks);
  }

  /** The whole memory; views taken earlier are dead once memory has grown. */
  memory(): Uint8Array {
    if (this.views.bytes.length === 0) this.renew();
    return this.views.bytes;
  }

  data(): DataView {
    if (this.views.bytes.length === 0) this.renew();
    return this.view;
  }

  private renew(): void {
    this.view = new DataView(this.exports.memory.buffer);
    this.views.renew(this.exports.memory.buffer);
  }

  cellFirst(): bigint {
    return this.data().getBigUint64(this.cells + CELL_FIRST, true);
  }

  cellLast(): bigint {
    return this.data().getBigUint64(this.cells + CELL_LAST, true);
  }

  cellData(): bigint {
    return this.data().getBigUint64(this.cells + CELL_DATA, true);
  }

  cellIndex(): number {
    return this.data().getUint32(this.cells + CELL_INDEX, true);
  }

  cellPosition(): bigint {
    return this.data().getBigUint64(this.cells + CELL_POSITION, true);
  }

  /** The memory as words; as `memory` dead once that has grown. */
  words(): Uint32Array {
    if (this.views.bytes.length === 0) this.renew();
    return this.views.words;
  }

  /** Throws for a negative status; `detail` is asked only then. What a hook threw is thrown again as it was. */
  check(status: number, call: string, detail: () => string): number {
    if (status >= 0) return status;
    throw this.failure(-status, call, detail());
  }

  failure(errno: number, call: string, detail: string): unknown {
    const error = this.hookError;
    this.hookError = undefined;
    if (errno === EIO && error !== undefined) return error.thrown;
    return new VfioError(errnoName(errno) ?? 'EINVAL', call, detail);
  }

  /**
   * Moves a block between `block` and a buffer in linear memory, around the one call that is the access: the staging buffer, or one of its own for a block that
   * does not fit there or that is nested in an access which may be using it.
   */
  transfer(block: Uint8Array, writes: 0 | 1, access: (buffer: number, bytes: number) => number): number {
    const { length, byteOffset } = block;
    if (length > MAX_BLOCK) return -ENOMEM;
    const staged = length === 0 || (length <= STAGING_BYTES && this.hookDepth === 0);
    // A view of the core's own memory dies when that memory grows, so it is taken anew.
    const own = block.buffer === this.exports.memory.buffer;
    const current = (): Uint8Array => (own ? this.memory().subarray(byteOffset, byteOffset + length) : block);
    const buffer = staged ? this.staging : this.exports.takeBuffer(length);
    if (buffer === 0) return -ENOMEM;
    const start = buffer >>> 0;
    try {
      if (writes === 1) this.memory().set(current(), start);
      const status = access(buffer, length);
      if (writes === 0 && status >= 0) current().set(this.memory().subarray(start, start + length));
      return status;
    } finally {
      if (!staged) this.exports.giveBuffer(buffer, length);
    }
  }

  /** Gives rows for the length of one call: a copy in linear memory. */
  withRows(rows: Uint8Array, use: (address: number, bytes: number) => number): number {
    const buffer = this.exports.takeBuffer(Math.max(1, rows.length)) >>> 0;
    if (buffer === 0) return -ENOMEM;
    try {
      this.memory().set(rows, buffer);
      return use(buffer, rows.length);
    } finally {
      this.exports.giveBuffer(buffer, Math.max(1, rows.length));
    }
  }

  /** Tells the owners of banks what happened, unless an access is in flight, whose end will. */
  tell(): number {
    return this.hookDepth === 0 ? this.notices.tell() : 0;
  }

  /** Makes a change of the topology now, or when the access in flight has ended (rule S-deferred). */
  change(make: () => void): void {
    if (this.hookDepth === 0) {
      make();
    } else {
      this.waiting.push(make);
      this.exports.accessSettleLater();
    }
  }

  /**
   * A removal, as a change of the topology. Line buffers drain before it, so it may fail with what a hook threw, and hooks may have removed the thing themselves.
   */
  remove(
    call: string,
    detail: () => string,
    removal: { /** Calls the core. */ make(): number; done(): void; undone(): void; /** Removed by a hook's own change. */ isDone?(): boolean },
  ): void {
    this.change(() => {
      let status: number;
      try {
        status = removal.make();
      } catch (error) {
        // A change that waited for the drain failed, after the drain and before the removal.
        if (removal.isDone?.() !== true) removal.undone();
        throw error;
      }
      const isDone = removal.isDone?.() === true;
      if (isDone && status === -EBADF) return;
      if (status < 0 && !isDone) removal.undone();
      this.check(status, call, detail);
      removal.done();
    });
  }

  // One queue: a removal drains buffers, whose hooks may ask for more, and what they name may still wait further up to be mapped.
  private settle(): void {
    if (this.settling) return;
    this.settling = true;
    const failures: unknown[] = [];
    for (let change = this.waiting.shift(); change !== undefined; change = this.waiting.shift()) attempt(change, failures);
    this.settling = false;
    attempt(() => this.notices.tell(), failures);
    // The access has ended and the core is consistent: this may unwind through it, to who made the outermost access.
    if (failures.length > 0 && ![...this.catchers].some((catches) => catches(failures[0]))) throw failures[0];
  }

  private hookRead(region: number, low: number, high: number, width: 1 | 2 | 4 | 8): number {
    this.hookDepth++;
    try {
      const value = this.hooks.get(region >>> 0)?.read?.(joined(low, high), width) ?? 0xffff_ffff_ffff_ffffn;
      if (width === 8) {
        this.data().setBigUint64(this.cells + CELL_DATA, BigInt.asUintN(64, BigInt(value)), true);
        return 0;
      }
      if (typeof value === 'number' && Number.isInteger(value)) return value >>> 0;
      return Number(BigInt.asUintN(32, BigInt(value)));
    } catch (error) {
      this.hookError = { thrown: error };
      return -EIO;
    } finally {
      this.hookDepth--;
    }
  }

  private registerHook(region: number, register: number, moment: HookMoment): number {
    this.hookDepth++;
    try {
      this.banks.get(region >>> 0)?.hook?.(register, moment, this.access);
      return 0;
    } catch (error) {
      this.hookError = { thrown: error };
      return -EIO;
    } finally {
      this.hookDepth--;
    }
  }

  private hookWrite(region: number, low: number, high: number, width: 1 | 2 | 4 | 8, valueLow: number, valueHigh: number): number {
    this.hookDepth++;
    try {
      const value = width === 8 ? (BigInt(valueHigh >>> 0) << 32n) | BigInt(valueLow >>> 0) : valueLow >>> 0;
      this.hooks.get(region >>> 0)?.write?.(joined(low, high), width, value);
      return 0;
    } catch (error) {
      this.hookError = { thrown: error };
      return -EIO;
    } finally {
      this.hookDepth--;
    }
  }
}

function attempt(change: () => void, failures: unknown[]): void {
  try {
    change();
  } catch (error) {
    failures.push(error);
  }
}
