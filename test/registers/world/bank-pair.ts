// A bank in the core and its reference, driven with the same operations and compared after each.

import { deepStrictEqual } from 'node:assert/strict';
import { createEngine } from '../../../src/core/index.ts';
import type { Region, Space } from '../../../src/core/index.ts';
import { askAtOnce } from '../../core/world/core-side.ts';
import { VfioError } from '../../../src/uapi/index.ts';
import { flatHooks, registerBank } from '../../../src/registers/index.ts';
import type { DoorbellEvent, RegisterBank, RegisterMap } from '../../../src/registers/index.ts';
import { ReferenceRegisterBank } from '../../reference/register-bank.ts';

export interface PairOptions {
  readonly build?: 'scalar' | 'simd';
  /** Hooks for the reference and for the core, which must do the same. */
  readonly hooks?: (side: Side) => object;
}

/** What a hook may do on either side. */
export interface Side {
  peek(register: number): bigint;
  poke(register: number, mask: bigint, value: bigint): void;
  readonly calls: unknown[];
}

// So that no lane begins at a page, and addresses are not positions.
const BASE = 0xfeb0_0468;
const all = (bytes: number): bigint => 2n ** BigInt(8 * bytes) - 1n;

export class BankPair {
  readonly map: RegisterMap;
  readonly bank: RegisterBank;
  readonly reference: ReferenceRegisterBank;
  readonly engine;
  /** Interrupts as the core tells them. */
  readonly events: unknown[] = [];
  readonly doorbells: DoorbellEvent[] = [];
  readonly calls: { core: unknown[]; reference: unknown[] } = { core: [], reference: [] };
  private readonly space: Space;
  private through = false;
  private seenEvents = 0;
  private seenDoorbells = 0;

  constructor(map: RegisterMap, { build, hooks }: PairOptions = {}) {
    this.map = map;
    this.engine = createEngine(build === undefined ? {} : { build });
    const side = (which: 'core' | 'reference'): Side => {
      const store = () => (which === 'core' ? this.bank : this.reference);
      return { peek: (register) => store().peek(register), poke: (register, mask, value) => store().poke(register, mask, value), calls: this.calls[which] };
    };
    this.bank = registerBank(this.engine, map, {
      hooks: (hooks?.(side('core')) ?? {}) as never,
      level: (line, up) => this.events.push({ kind: 'level', line, up }),
      edge: (line, rose) => this.events.push({ kind: 'edge', line, rose }),
      doorbell: (event) => this.doorbells.push(event),
    }) as unknown as RegisterBank;
    this.space = this.engine.space();
    this.space.map(BASE, this.bank.region);
    this.reference = new ReferenceRegisterBank(map, hooks === undefined ? undefined : flatHooks(map, hooks(side('reference'))));
    this.told();
  }

  private attempt<T>(call: () => T): T | 'EIO' | 'EINVAL' {
    try {
      return call();
    } catch (error) {
      if (error instanceof RangeError) return 'EINVAL';
      if (error instanceof VfioError) return error.code as 'EIO';
      if (error instanceof Error && error.message === 'a hook of the test') return 'EIO';
      throw error;
    }
  }

  /** The region itself, or every other time a space that shows it, where plain registers have lanes. Beyond the region's end a space answers otherwise. */
  private way(position: number, width: number): { readonly target: Region | Space; readonly base: number } {
    this.through = !this.through;
    askAtOnce(this.space);
    return this.through && position + width <= this.map.bytes ? { target: this.space, base: BASE } : { target: this.bank.region, base: 0 };
  }

  read(position: number, width: 1 | 2 | 4 | 8): void {
    const { target, base } = this.way(position, width);
    const at = base + position;
    const got = this.attempt(() => (width === 8 ? target.read64(at) : BigInt(width === 4 ? target.read32(at) : width === 2 ? target.read16(at) : target.read8(at))));
    const should = this.reference.read(position, width);
    const wanted = should.ok ? should.value : should.errno === -5 ? 'EIO' : 'EINVAL';
    if (got !== wanted) deepStrictEqual([position, width, got], [position, width, wanted]);
  }

  write(position: number, width: 1 | 2 | 4 | 8, value: bigint): void {
    const { target, base } = this.way(position, width);
    const at = base + position;
    const cut = value & all(width);
    const got = this.attempt(() => {
      if (width === 8) target.write64(at, cut);
      else if (width === 4) target.write32(at, Number(cut));
      else if (width === 2) target.write16(at, Number(cut));
      else target.write8(at, Number(cut));
      return undefined;
    });
    const should = this.reference.write(position, width, cut);
    const wanted = should.ok ? undefined : should.errno === -5 ? 'EIO' : 'EINVAL';
    if (got !== wanted) deepStrictEqual([position, width, got], [position, width, wanted]);
  }

  poke(register: number, mask: bigint, value: bigint): void {
    this.bank.poke(register, mask, value);
    this.reference.poke(register, mask, value);
  }

  reset(soft: boolean): void {
    this.bank.reset({ soft });
    this.reference.reset(soft);
  }

  push(fifo: number, entry: bigint): void {
    deepStrictEqual(this.bank.region.push(fifo, entry), this.reference.push(fifo, entry));
  }

  pop(fifo: number): void {
    const empty = this.reference.fifos[fifo]!.entries.length === 0;
    const entry = empty ? undefined : this.reference.pop(fifo);
    deepStrictEqual(this.bank.region.pop(fifo), entry);
  }

  /** Stored bits, events, doorbells, hooks: everything that can be seen. */
  compare(): void {
    const { registers } = this.map;
    // Asked before it is said: an expectation costs more than what it compares.
    if (registers.some(({ number }) => this.bank.peek(number) !== this.reference.peek(number))) {
      deepStrictEqual(registers.map(({ path, number }) => [path, this.bank.peek(number)]), registers.map(({ path, number }) => [path, this.reference.peek(number)]));
    }
    this.told();
    if (this.calls.core.length + this.calls.reference.length > 0) deepStrictEqual(this.calls.core, this.calls.reference);
    this.calls.core.length = 0;
    this.calls.reference.length = 0;
  }

  private told(): void {
    this.engine.pump();
    const { events } = this.reference.interrupts;
    if (this.events.length > 0 || events.length > this.seenEvents) deepStrictEqual(this.events.splice(0), events.slice(this.seenEvents));
    this.seenEvents = events.length;
    if (this.doorbells.length === 0 && this.reference.doorbells.length === this.seenDoorbells) return;
    const rung = this.doorbells.splice(0).map(({ position, bytes, value }) => ({ position, size: bytes, data: BigInt(value) }));
    deepStrictEqual(rung, this.reference.doorbells.slice(this.seenDoorbells));
    this.seenDoorbells = this.reference.doorbells.length;
  }

  /** Counters, and that nothing is left. */
  close(): void {
    const counts = this.bank.region;
    deepStrictEqual([counts.refused, counts.holes], [this.reference.refused, this.reference.unmodelled]);
    this.map.registers.forEach(({ number }) => {
      const { tagged, violations } = counts.registerCounts(number);
      const { tagged: shouldTag, violations: shouldViolate } = this.reference.registers[number]!;
      deepStrictEqual([number, tagged, violations], [number, shouldTag, shouldViolate]);
    });
    this.bank.destroy();
    this.space.destroy();
    deepStrictEqual(this.engine.live(), { nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  }
}
