// Memory that cards decode, in v86's tables: one entry per 128 KiB, so a block is taken over while a card decodes a part of it, and what is not a card's falls through to
// the handler that was there.
//
//   v86 -> table -> link, in the core -> this file      cards that are traced or lie over one another, and what is no card's
//
//   address >>> 17   | 1f5a        | 1f5b        | 1f5c        |
//                    | theirs      | ours        | theirs      |      memory_map_read8, _write8, _read32, _write32
//                                    |
//                      |--BAR 0--|###|--BAR 2--|####|                 ### -> the handler that was there
//                       \         \   \
//                        +- the engine's space: who is visible, regions, registers, hooks
//
// Blocks of the guest's RAM, and the one of VGA's memory, are never taken: the processor asks no handler for the first, and the second is the display's on every PC.
// A guest's 16-bit load arrives as two of 8 bits; stores of 16, 64 and 128 bits are told whole (wide-stores.ts).

import { GuestLink } from '../../core/index.ts';
import type { Engine, GuestAccess, Space } from '../../core/index.ts';
import type { V86Cpu, V86Read, V86Write } from './internals.ts';
import { DecodedRuns, countRead, countWrite, tell } from './region-counts.ts';
import type { DecodedRun } from './region-counts.ts';

const BLOCK_BITS = 17;
const VGA_BLOCK = 0xa_0000 >>> BLOCK_BITS;

type Handlers = Readonly<Record<'read8' | 'read32', V86Read> & Record<'write8' | 'write32', V86Write>>;

/**
 * A block that is or was taken. Somebody who puts himself over us asks us for what he does not know, as we ask whom we found; taken once more, with him below, he must not ask us round
 * in a circle. So all who were found are kept, and when we are asked while we ask one, it is the one below him that we ask.
 *
 *   table -> ours -> theirs -> ours -> the platform's
 *            found:  [1]               [0]
 */
interface TakenBlock {
  /** Runs that lie in it. */
  runs: number;
  /** Whom we have found in the tables, the oldest first. */
  readonly found: Handlers[];
  /** How many of them are being asked now. */
  asked: number;
}

/** The blocks of one emulator that cards decode. */
export class MemoryBlocks {
  /** What stands in the tables, and what wider stores of a block that is ours are told to. */
  readonly access: GuestAccess;
  private readonly cpu: V86Cpu;
  private readonly space: Space;
  private readonly runs = new DecodedRuns();
  private readonly taken = new Map<number, TakenBlock>();
  /** Serves what it can before it comes here. */
  private readonly link: GuestLink;
  private readonly isOwn: boolean;

  /**
   * @param linked the link that v86 itself was made with: what comes to the tables has passed it.
   * @throws VfioError ENOMEM when the core is full.
   */
  constructor(cpu: V86Cpu, engine: Engine, space: Space, linked?: GuestLink) {
    this.cpu = cpu;
    this.space = space;
    const { read8, read32, write8, write16, write32, write64, write128 } = this;
    const long: GuestAccess = { read8, read32, write8, write16, write32, write64, write128 };
    this.isOwn = linked === undefined;
    this.link = linked ?? new GuestLink('attachV86', engine, long);
    this.access = this.isOwn ? this.link.access : long;
  }

  /** The blocks are nobody's any more. Who has put himself over them may ask on. */
  end(): void {
    if (this.isOwn) this.link.end();
  }

  /** Has the runs' counts say what was counted without JavaScript, too. */
  collectCounts(): void {
    this.link.collect();
  }

  /** Tells the link what it may serve: runs of which all blocks are ours. */
  showLink(): void {
    this.link.show(this.space, this.runs.plain().filter((run) => this.hasAll(run)));
  }

  private hasAll({ first, last }: DecodedRun): boolean {
    for (let block = first >>> BLOCK_BITS; block <= last >>> BLOCK_BITS; block++) if (!this.taken.has(block) || !this.holds(block)) return false;
    return true;
  }

  /** Whether a block can be taken: it is not RAM, and not VGA's. */
  private isFree(block: number): boolean {
    return block !== VGA_BLOCK && block * 2 ** BLOCK_BITS >= this.cpu.memory_size[0]!;
  }

  /** Whether an access to an address, which may be signed, comes here. */
  owns(address: number): boolean {
    return this.cpu.memory_map_read8[address >>> BLOCK_BITS] === this.access.read8;
  }

  /** A card decodes a run. */
  add(run: DecodedRun): void {
    this.runs.add(run);
    for (let block = run.first >>> BLOCK_BITS; block <= run.last >>> BLOCK_BITS; block++) {
      if (!this.isFree(block)) continue;
      const taken = this.taken.get(block) ?? { runs: 0, found: [], asked: 0 };
      this.taken.set(block, taken);
      taken.runs++;
      // Somebody who has registered memory over a taken block since has it; a card that comes later takes it again.
      if (this.holds(block)) continue;
      taken.found.push(this.behind(block, taken.found.at(-1)));
      this.set(block, this.access);
    }
    this.showLink();
  }

  /** The handlers that are not ours: what is in the tables, and where that is ours what was there before. */
  private behind(block: number, before: Handlers | undefined): Handlers {
    const { cpu, access } = this;
    const theirs = <Handler>(now: Handler, ours: Handler, earlier: Handler | undefined): Handler => (now === ours && earlier !== undefined ? earlier : now);
    return {
      read8: theirs(cpu.memory_map_read8[block]!, access.read8, before?.read8),
      write8: theirs(cpu.memory_map_write8[block]!, access.write8, before?.write8),
      read32: theirs(cpu.memory_map_read32[block]!, access.read32, before?.read32),
      write32: theirs(cpu.memory_map_write32[block]!, access.write32, before?.write32),
    };
  }

  /** A card decodes a run no more. */
  remove(run: DecodedRun): void {
    this.runs.remove(run);
    for (let block = run.first >>> BLOCK_BITS; block <= run.last >>> BLOCK_BITS; block++) {
      const taken = this.taken.get(block);
      if (taken === undefined || --taken.runs > 0) continue;
      // Who has put himself over us stays, and asks us still: he is answered by whom we found first.
      const last = taken.found.at(-1)!;
      if (this.holds(block)) taken.found.pop();
      this.set(block, this.behind(block, last));
      if (taken.found.length === 0) this.taken.delete(block);
    }
    this.showLink();
  }

  private holds(block: number): boolean {
    const { cpu, access } = this;
    return (
      cpu.memory_map_read8[block] === access.read8 && cpu.memory_map_write8[block] === access.write8 &&
      cpu.memory_map_read32[block] === access.read32 && cpu.memory_map_write32[block] === access.write32
    );
  }

  private set(block: number, { read8, write8, read32, write32 }: Handlers): void {
    const { cpu } = this;
    cpu.memory_map_read8[block] = read8;
    cpu.memory_map_write8[block] = write8;
    cpu.memory_map_read32[block] = read32;
    cpu.memory_map_write32[block] = write32;
  }

  /** Asks whom we have found for what is no card's. */
  private ask<Answer>(address: number, use: (theirs: Handlers) => Answer, none: Answer): Answer {
    const taken = this.taken.get(address >>> BLOCK_BITS);
    const theirs = taken?.found.at(-1 - taken.asked);
    if (taken === undefined || theirs === undefined) return none;
    taken.asked++;
    try {
      return use(theirs);
    } finally {
      taken.asked--;
    }
  }

  private readonly read8 = (address: number): number => {
    const at = address >>> 0;
    const run = this.runs.holding(address, 1);
    if (run === undefined) return this.ask(at, (theirs) => theirs.read8(at | 0), 0xff);
    countRead(run, 1);
    let value = 0xff;
    try {
      value = this.space.read8(at);
    } catch (error) {
      run.failed(error);
    }
    if (run.trace !== undefined) tell(run, 'read', at, 1, value);
    return value;
  };

  private readonly read32 = (address: number): number => {
    const at = address >>> 0;
    const run = this.runs.holding(address, 4);
    if (run === undefined) return this.strayRead32(at);
    countRead(run, 4);
    let value = 0xffff_ffff;
    try {
      value = this.space.read32(at);
    } catch (error) {
      run.failed(error);
    }
    if (run.trace !== undefined) tell(run, 'read', at, 4, value);
    return value | 0;
  };

  private readonly write8 = (address: number, value: number): void => {
    const at = address >>> 0;
    const run = this.runs.holding(address, 1);
    if (run === undefined) {
      this.ask(at, (theirs) => theirs.write8(at | 0, value), undefined);
      return;
    }
    countWrite(run, 1);
    if (run.trace !== undefined) tell(run, 'write', at, 1, value);
    try {
      this.space.write8(at, value & 0xff);
    } catch (error) {
      run.failed(error);
    }
  };

  private readonly write16 = (address: number, value: number): void => {
    const at = address >>> 0;
    const run = this.runs.holding(address, 2);
    if (run === undefined) {
      this.write8(address, value & 0xff);
      this.write8((address + 1) | 0, (value >>> 8) & 0xff);
      return;
    }
    countWrite(run, 2);
    if (run.trace !== undefined) tell(run, 'write', at, 2, value & 0xffff);
    try {
      this.space.write16(at, value & 0xffff);
    } catch (error) {
      run.failed(error);
    }
  };

  private readonly write32 = (address: number, value: number): void => {
    const at = address >>> 0;
    const run = this.runs.holding(address, 4);
    if (run === undefined) {
      this.strayWrite32(at, value);
      return;
    }
    countWrite(run, 4);
    if (run.trace !== undefined) tell(run, 'write', at, 4, value);
    try {
      this.space.write32(at, value >>> 0);
    } catch (error) {
      run.failed(error);
    }
  };

  private readonly write64 = (address: number, low: number, high: number): void => {
    const at = address >>> 0;
    const run = this.runs.holding(address, 8);
    if (run === undefined) {
      this.write32(address, low);
      this.write32((address + 4) | 0, high);
      return;
    }
    countWrite(run, 8);
    if (run.trace !== undefined) tell(run, 'write', at, 8, low, high);
    try {
      this.space.write64(at, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
    } catch (error) {
      run.failed(error);
    }
  };

  private readonly write128 = (address: number, a: number, b: number, c: number, d: number): void => {
    this.write64(address, a, b);
    this.write64((address + 8) | 0, c, d);
  };

  // No card has all of it: theirs when no card has any of it, else byte by byte.
  private strayRead32(at: number): number {
    if (!this.runs.touches(at, 4)) return this.ask(at, (theirs) => theirs.read32(at | 0), -1);
    return this.read8(at) | (this.read8((at + 1) | 0) << 8) | (this.read8((at + 2) | 0) << 16) | (this.read8((at + 3) | 0) << 24);
  }

  private strayWrite32(at: number, value: number): void {
    if (!this.runs.touches(at, 4)) this.ask(at, (theirs) => theirs.write32(at | 0, value), undefined);
    else for (let i = 0; i < 4; i++) this.write8((at + i) | 0, (value >>> (8 * i)) & 0xff);
  }
}
