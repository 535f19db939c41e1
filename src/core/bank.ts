// Register banks as regions: the device's side of one, by register number. src/registers/ gives the numbers names.

import { integer, u64 } from '../webassembly/index.ts';
import type { U64 } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import { EBADF, EINVAL } from './layout.generated.ts';
import { Region } from './region.ts';
import type { RegionBase } from './region.ts';

/** What a register's hook is told, and what it may change. Numbers are unsigned; the `64` forms are for registers of eight bytes. */
export interface RegisterAccess {
  /** The bits touched: all of each byte that the access names. */
  lanes32(): number;
  lanes64(): bigint;
  /** The stored bits before. */
  before32(): number;
  before64(): bigint;
  /** The data written (before a write), the value read (after a read), or the stored bits now. */
  data32(): number;
  data64(): bigint;
  /** Leaves other data for a write that has not happened yet. */
  replace32(data: number): void;
  replace64(data: bigint): void;
}

/** When a hook runs: one of the HOOK_ numbers. */
export type HookMoment = 1 | 2 | 4 | 8;

/** What a bank's owner is told. */
export interface BankHandlers {
  /** A register that has hooks is accessed. What it throws ends the access with EIO and is thrown by whoever made it. */
  hook?(register: number, moment: HookMoment, access: RegisterAccess): void;
  /** The level of line 0..63 changed. Called when the access that changed it has ended. */
  level?(line: number, high: boolean): void;
  /** So many enabled status bits of line 0..63 rose. */
  edge?(line: number, bits: number): void;
  /** `width` bytes, 1 to 8, were written at `position`; `value` is a bigint for more than 4. Called when the host asks (`Engine.pump`) or with the next interrupt. */
  doorbell?(position: number, width: number, value: number | bigint): void;
  /** Doorbells were dropped, of this bank or of others, because nobody asked for too long: their registers show what was written last. Called after those that were not. */
  doorbellsLost?(): void;
}

/** A register bank as data. */
export interface BankDescription extends RegionBase, BankHandlers {
  /** Whether a hook of this bank may access the bank itself. Default false. */
  readonly reentrant?: boolean;
  /** Header, registers, actions, FIFOs, interrupts: the rows of assembly/registers/bank.ts. */
  readonly table: Uint8Array;
}

/** What a register was used for. Plain registers, which only store, do not count. */
export interface RegisterCounts {
  readonly reads: number;
  readonly writes: number;
  /** Writes that touched bits that are known by name only. */
  readonly tagged: number;
  /** Writes of another value than reserved bits expect. */
  readonly violations: number;
}

/**
 * A region whose bytes are registers. Made by `Engine.bank`. Reads and writes through spaces or the region itself obey docs/registers.md; `peek` and `poke` are the
 * device's side and have no effects.
 */
export class BankRegion extends Region {
  /** @internal */
  constructor(core: Core, description: BankDescription) {
    super(core, { ...description, kind: 'bank' });
  }

  private row(call: string, status: number, register: number): number {
    if (status === -EBADF) this.live(call);
    if (status === -EINVAL) throw new RangeError(`${call}: ${this.name} has no register or FIFO of number ${register}`);
    return status;
  }

  /** The stored bits of a register of up to four bytes; the lower half of a longer one. */
  peek32(register: number): number {
    return this.row('BankRegion.peek32', this.core.exports.bankPeek32(this.handle, integer('BankRegion.peek32: register', register, 0, 0xffff)), register);
  }

  /** The stored bits of a register. */
  peek64(register: number): bigint {
    this.row('BankRegion.peek64', this.core.exports.bankPeek(this.handle, integer('BankRegion.peek64: register', register, 0, 0xffff)), register);
    return this.core.cellData();
  }

  /** Makes the stored bits under `bits` those of `value`; interrupts follow. Upper halves of registers of eight bytes stay. */
  poke32(register: number, bits: number, value: number): void {
    const [mask, data] = [integer('BankRegion.poke32: bits', bits, 0, 0xffff_ffff), integer('BankRegion.poke32: value', value, 0, 0xffff_ffff)];
    this.row('BankRegion.poke32', this.core.exports.bankPoke32(this.handle, integer('BankRegion.poke32: register', register, 0, 0xffff), mask, data), register);
    this.core.tell();
  }

  poke64(register: number, bits: U64, value: U64): void {
    this.row('BankRegion.poke64', this.core.exports.bankPoke(this.handle, integer('BankRegion.poke64: register', register, 0, 0xffff), u64('BankRegion.poke64: bits', bits), u64('BankRegion.poke64: value', value)), register);
    this.core.tell();
  }

  /** Rule B-reset. */
  reset(soft = false): void {
    this.row('BankRegion.reset', this.core.exports.bankReset(this.handle, soft ? 1 : 0), 0);
    this.core.tell();
  }

  /** The level of each line, one bit each. */
  get levels(): bigint {
    this.row('BankRegion.levels', this.core.exports.bankLevels(this.handle), 0);
    return this.core.cellData();
  }

  /** Pieces of accesses that no register had (rule B-hole). */
  get holes(): number {
    return Math.max(0, this.core.exports.bankHoles(this.handle));
  }

  /** What a register was used for. */
  registerCounts(register: number): RegisterCounts {
    this.row('BankRegion.registerCounts', this.core.exports.bankCounts(this.handle, integer('BankRegion.registerCounts: register', register, 0, 0xffff)), register);
    const [first, last] = [this.core.cellFirst(), this.core.cellLast()];
    const [low, high] = [(word: bigint) => Number(word & 0xffff_ffffn), (word: bigint) => Number(word >> 32n)];
    return { reads: low(first), writes: high(first), tagged: low(last), violations: high(last) };
  }

  /** Adds an entry to a FIFO; false when it is full, which is counted. */
  push(fifo: number, value: U64): boolean {
    const added = this.row('BankRegion.push', this.core.exports.bankFifoPush(this.handle, integer('BankRegion.push: fifo', fifo, 0, 0xffff), u64('BankRegion.push: value', value)), fifo);
    this.core.tell();
    return added === 1;
  }

  /** Takes the oldest entry of a FIFO; undefined when it is empty. */
  pop(fifo: number): bigint | undefined {
    const taken = this.row('BankRegion.pop', this.core.exports.bankFifoPop(this.handle, integer('BankRegion.pop: fifo', fifo, 0, 0xffff)), fifo);
    const value = taken === 1 ? this.core.cellData() : undefined;
    this.core.tell();
    return value;
  }

  /** How many entries a FIFO has. */
  fifoLength(fifo: number): number {
    return this.row('BankRegion.fifoLength', this.core.exports.bankFifoLength(this.handle, integer('BankRegion.fifoLength: fifo', fifo, 0, 0xffff)), fifo);
  }
}
