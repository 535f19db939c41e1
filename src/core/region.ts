// Regions: the bytes behind an address, in one of four backings.

import { VfioError } from '../uapi/index.ts';
import { bytesOf, hex, integer, refuseU64, u64 } from '../webassembly/index.ts';
import type { U64 } from '../webassembly/index.ts';
import type { Core, HookHandlers } from './core.ts';
import type { CoreExports } from './exports.ts';
import type { BankDescription } from './bank.ts';
import { EBADF, EINVAL, REGION_BANK, REGION_DEMAND, REGION_HOOK, REGION_RAM, REGION_REENTRANT, REGION_ROM, REGION_UNALIGNED } from './layout.generated.ts';
import type { Window } from './window.ts';

/** A width of one bus cycle, in bytes. */
export type Width = 1 | 2 | 4 | 8;

/** What every kind of region has in common. */
export interface RegionBase {
  /** For messages, tables and traces. */
  readonly name?: string;
  /** Size in bytes, 1 to 2^63. */
  readonly size: U64;
  /** Narrowest cycle that the region answers, in bytes; narrower ones read all ones and write nothing. Default 1. */
  readonly minWidth?: Width;
  /** Widest cycle; wider accesses are split. Default 8. */
  readonly maxWidth?: Width;
  /** Whether a cycle may start at an address that its width does not divide; if not, it is split. Default true. */
  readonly unaligned?: boolean;
  /** The device that the region is part of, see {@link Region.device}. Default 0. */
  readonly device?: number;
}

/**
 * A region as data. `ram`: contiguous bytes, viewable from JavaScript. `demand`: pages of 4096 bytes that exist from their first write on. `rom`: as `ram`, but
 * writes through an access are dropped. `hook`: two JavaScript functions.
 */
export type RegionDescription =
  | (RegionBase & { readonly kind: 'ram' | 'demand' })
  | (RegionBase & { readonly kind: 'rom'; readonly contents?: Uint8Array })
  | (RegionBase & HookHandlers & { readonly kind: 'hook'; /** Whether a hook of this region may access the region itself. Default false. */ readonly reentrant?: boolean })
  | (BankDescription & { readonly kind: 'bank' });

/** The backing kinds. */
export type RegionKind = RegionDescription['kind'];

const KINDS: Readonly<Record<RegionKind, number>> = { ram: REGION_RAM, demand: REGION_DEMAND, rom: REGION_ROM, hook: REGION_HOOK, bank: REGION_BANK };
const MAX_SIZE = 1n << 63n;

/**
 * A region of an engine. Made by {@link Engine.region}.
 *
 * @example
 * ```ts
 * const bar = engine.region({ kind: 'ram', size: 0x4000, name: 'BAR 0' });
 * bar.write32(0x14, 0x1);
 * bar.read32(0x14); // 1
 * ```
 */
export class Region {
  /** Size in bytes. */
  readonly size: bigint;
  readonly kind: RegionKind;
  /** The name given, or `region N`. */
  readonly name: string;
  /** @internal */
  readonly core: Core;
  /** @internal */
  readonly handle: number;
  /** @internal What the region's destruction removes. */
  readonly windows = new Set<Window>();
  /** @internal True once `destroy` was called, even if it still waits for an access to end. */
  gone = false;
  private deviceNumber = 0;
  private counts = false;

  // Looking a name up among an instance's exports costs as much as the call.
  private readonly readF: CoreExports['regionReadF'];
  private readonly writeF: CoreExports['regionWriteF'];

  /** @internal */
  constructor(core: Core, description: RegionDescription) {
    const { kind, name, minWidth = 1, maxWidth = 8, unaligned = true } = description;
    if (!Object.hasOwn(KINDS, kind)) throw new TypeError(`region: kind is ${JSON.stringify(kind)}; expected 'ram', 'demand', 'rom', 'hook' or 'bank'`);
    this.size = u64('region: size', description.size);
    if (this.size === 0n || this.size > MAX_SIZE) throw new RangeError(`region: size is ${this.size.toString()}; expected 1 to 2^63 bytes`);
    for (const [what, width] of [['minWidth', minWidth], ['maxWidth', maxWidth]] as const) {
      if (![1, 2, 4, 8].includes(width)) throw new RangeError(`region: ${what} is ${String(width)}; expected 1, 2, 4 or 8`);
    }
    if (minWidth > maxWidth) throw new RangeError(`region: minWidth ${minWidth} is above maxWidth ${maxWidth}`);
    const device = integer('region: device', description.device ?? 0, 0, 0xffff_ffff);
    const contents = kind === 'rom' && description.contents !== undefined ? bytesOf('region: contents', description.contents) : undefined;
    if (contents !== undefined && BigInt(contents.length) > this.size) {
      throw new RangeError(`region: contents are ${contents.length} bytes; the region has ${this.size.toString()}`);
    }
    const flags = (unaligned ? REGION_UNALIGNED : 0) | ((kind === 'hook' || kind === 'bank') && description.reentrant === true ? REGION_REENTRANT : 0);
    const handle =
      kind === 'bank'
        ? core.withRows(bytesOf('region: table', description.table), (rows, bytes) => core.exports.bankCreate(this.size, minWidth, maxWidth, flags, rows, bytes))
        : core.exports.regionCreate(KINDS[kind], this.size, minWidth, maxWidth, flags);
    if (handle === -EINVAL) throw new RangeError('region: table holds no rows of a register bank, or of one that does not fit the region');
    core.check(handle, 'region', () => `${this.size.toString()} bytes do not fit the core's memory`);
    this.core = core;
    this.kind = kind;
    this.handle = handle >>> 0;
    this.readF = core.exports.regionReadF;
    this.writeF = core.exports.regionWriteF;
    this.name = name ?? `region ${(this.handle & 0xfffff).toString()}`;
    if (kind === 'hook') core.hooks.set(this.handle, description);
    if (kind === 'bank') core.banks.set(this.handle, description);
    if (contents !== undefined) this.bytes().set(contents);
    if (device !== 0) {
      this.deviceNumber = device;
      core.exports.regionSetDevice(this.handle, device);
    }
  }

  /** @internal */
  live(call: string): void {
    if (this.gone) throw new VfioError('EBADF', call, `${this.name} is destroyed`);
  }

  /**
   * The bytes of a `ram` or `rom` region, not a copy. Take it fresh at each use: when the core's memory grows, older views have length 0.
   *
   * @throws TypeError for other kinds, which have no contiguous bytes.
   */
  bytes(): Uint8Array {
    this.live('Region.bytes');
    if (this.kind !== 'ram' && this.kind !== 'rom') throw new TypeError(`${this.name} is a ${this.kind} region: it has no contiguous bytes`);
    const start = this.core.exports.regionBase(this.handle) >>> 0;
    return this.core.memory().subarray(start, start + Number(this.size));
  }

  /** One byte at `position`. Ends as rule A-region says; RangeError beyond the region. */
  read8(position: U64): number {
    return this.read(position, 1);
  }

  /** Two bytes at `position`, little-endian. */
  read16(position: U64): number {
    return this.read(position, 2);
  }

  /** Four bytes at `position`, little-endian, unsigned. */
  read32(position: U64): number {
    return this.read(position, 4);
  }

  /** Eight bytes at `position`, little-endian, unsigned. */
  read64(position: U64): bigint {
    const status =
      typeof position === 'number' && Number.isSafeInteger(position) && position >= 0
        ? this.core.exports.regionRead64F(this.handle, position)
        : this.core.exports.regionRead64(this.handle, u64('Region.read64: position', position));
    if (status < 0) this.fail('Region.read64', position, 8, status);
    return this.core.cellData();
  }

  write8(position: U64, value: number): void {
    this.write('Region.write8', position, 1, integer('Region.write8: value', value, 0, 0xff));
  }

  write16(position: U64, value: number): void {
    this.write('Region.write16', position, 2, integer('Region.write16: value', value, 0, 0xffff));
  }

  write32(position: U64, value: number): void {
    this.write('Region.write32', position, 4, integer('Region.write32: value', value, 0, 0xffff_ffff));
  }

  write64(position: U64, value: U64): void {
    const at = u64('Region.write64: position', position);
    const status = this.core.exports.regionWrite(this.handle, at, 8, u64('Region.write64: value', value));
    if (status < 0) this.fail('Region.write64', position, 8, status);
  }

  /** Fills `target` with the bytes from `position` on and returns it; when the access fails, `target` is as it was. */
  readBytes(position: U64, target: Uint8Array): Uint8Array {
    const block = bytesOf('Region.readBytes: target', target);
    const at = u64('Region.readBytes: position', position);
    this.block('Region.readBytes', at, block, 0);
    return target;
  }

  /** Writes all of `bytes` at `position`. A ROM drops them: fill it through `bytes()`. */
  writeBytes(position: U64, bytes: Uint8Array): void {
    const block = bytesOf('Region.writeBytes: bytes', bytes);
    this.block('Region.writeBytes', u64('Region.writeBytes: position', position), block, 1);
  }

  private block(call: string, at: bigint, block: Uint8Array, writes: 0 | 1): void {
    const status = this.core.transfer(block, writes, (buffer, bytes) => this.core.exports.regionBlock(this.handle, at, buffer, bytes, writes));
    if (status < 0) this.fail(call, at, block.length, status);
  }

  private read(position: U64, width: 1 | 2 | 4): number {
    if (typeof position === 'number' && Number.isSafeInteger(position) && position >= 0) return this.readAt(position, width);
    const value = this.core.exports.regionRead(this.handle, u64('Region.read: position', position), width);
    return value < 0 ? this.failRead(position, width, value) : value;
  }

  /** As read8, read16 and read32, for who knows that the position is a number from 0 to 2^53-1. @internal */
  readAt(position: number, width: 1 | 2 | 4): number {
    const value = this.readF(this.handle, position, width);
    return value < 0 ? this.failRead(position, width, value) : value;
  }

  private failRead(position: U64, width: number, status: number): never {
    this.fail(`Region.read${width * 8}`, position, width, status);
  }

  private write(call: string, position: U64, width: 1 | 2 | 4, value: number): void {
    const status =
      typeof position === 'number' && Number.isSafeInteger(position) && position >= 0
        ? this.writeF(this.handle, position, width, value, 0)
        : this.core.exports.regionWrite(this.handle, u64(`${call}: position`, position), width, BigInt(value));
    if (status < 0) this.fail(call, position, width, status);
  }

  private fail(call: string, position: U64, bytes: number, status: number): never {
    if (status === -EBADF) this.live(call);
    if (typeof position !== 'number' && typeof position !== 'bigint') refuseU64(`${call}: position`, position);
    if (BigInt(position) + BigInt(bytes) > this.size) {
      throw new RangeError(`${call}: ${bytes} bytes at ${hex(position)} pass the end of ${this.name}, ${hex(this.size)} bytes`);
    }
    throw this.core.failure(-status, call, `${bytes} bytes at ${hex(position)} of ${this.name}`);
  }

  /** How many cycles were narrower than `minWidth` (rule A-split). */
  get refused(): number {
    return Math.max(0, this.core.exports.regionRefused(this.handle));
  }

  /** Forgets the pages of a `demand` region: it reads zero again, and its pages are free. TypeError for other kinds. */
  dropPages(): void {
    this.live('Region.dropPages');
    if (this.kind !== 'demand') throw new TypeError(`${this.name} is a ${this.kind} region: it has no pages to drop`);
    this.core.exports.regionDropPages(this.handle);
  }

  /** The device that the region is part of (rule W-same-device): 1 to 2^32-1, or 0, the default: a device of its own. From inside a hook it is set when the access has ended. */
  get device(): number {
    return this.deviceNumber;
  }

  set device(number: number) {
    this.live('Region.device');
    const device = integer('Region.device', number, 0, 0xffff_ffff);
    this.core.change(() => {
      this.core.check(this.core.exports.regionSetDevice(this.handle, device), 'Region.device', () => `${this.name} is destroyed`);
      this.deviceNumber = device;
    });
  }

  /** Counts transactions (rule W-count) from zero on, or stops. Until it stops, accesses to the region take the long way. */
  countTransactions(on = true): void {
    this.live('Region.countTransactions');
    this.core.exports.regionCountTransactions(this.handle, on ? 1 : 0);
    this.counts = on;
  }

  /** How many reads and writes have reached the region since {@link Region.countTransactions}; undefined when it does not count. */
  get transactions(): { readonly reads: number; readonly writes: number } | undefined {
    if (!this.counts || this.gone) return undefined;
    const { exports } = this.core;
    return { reads: exports.regionTransactions(this.handle, 0), writes: exports.regionTransactions(this.handle, 1) };
  }

  /**
   * Removes all windows onto the region (rule S-region-gone) and returns its memory. What waits in line buffers reaches the region first (rule W-unmap). A second
   * call does nothing.
   *
   * @throws What a hook threw while buffers drained; then the region is still there, and a second call gets further.
   */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.core.remove('Region.destroy', () => `${this.name}: no room to show what its windows covered`, {
      make: () => this.core.exports.regionDestroy(this.handle),
      done: () => {
        this.core.hooks.delete(this.handle);
        this.core.banks.delete(this.handle);
        for (const window of this.windows) window.forget();
      },
      undone: () => (this.gone = false),
    });
  }
}
