// The reference of register banks: docs/registers.md, rule by rule, one bit after another.

import type { ActionModel, BankModel, FieldModel, FlatHooks, RegisterModel } from '../../src/registers/index.ts';
import { bitOf, bitsIn, fromBits, fromSet, halfOf, readBit, touches, writtenBit, StoredRegister, type Bit } from './register-bits.ts';
import { ReferenceFifo } from './register-fifo.ts';
import { ReferenceInterrupts } from './register-interrupts.ts';
import { EINVAL, EIO, fail, ok, type Result } from './result.ts';

/** B-notify */
export interface Doorbell {
  readonly position: number;
  readonly size: number;
  readonly data: bigint;
}

/** What a hook threw, on its way out of the access. */
class HookThrew extends Error {}

/** Consecutive bytes of an access that lie in one register, or in none. */
interface Piece {
  readonly register: StoredRegister | undefined;
  readonly positions: number[];
}

export class ReferenceRegisterBank {
  readonly map: BankModel;
  readonly registers: readonly StoredRegister[];
  readonly interrupts: ReferenceInterrupts;
  readonly fifos: readonly ReferenceFifo[];
  readonly doorbells: Doorbell[] = [];
  refused = 0;
  unmodelled = 0;
  /** What the last hook that threw threw. */
  thrown: unknown;
  private readonly hooks: ReadonlyMap<number, FlatHooks>;

  constructor(map: BankModel, hooks: ReadonlyMap<number, FlatHooks> = new Map()) {
    this.map = map;
    this.hooks = hooks;
    this.registers = map.registers.map((model) => new StoredRegister(model));
    this.interrupts = new ReferenceInterrupts(map.interrupts, this.registers);
    this.fifos = map.fifos.map((fifo) => new ReferenceFifo(fifo.depth));
    this.reset();
  }

  read(position: number, width: number): Result<bigint> {
    if (!this.isInside(position, width)) return fail(EINVAL);
    if (this.isRefused(position, width)) return ok(2n ** BigInt(8 * width) - 1n);
    return this.access(() => this.readBytes(position, width, false).reduce((sum, byte, k) => sum + byte * 256n ** BigInt(k), 0n));
  }

  write(position: number, width: number, value: bigint): Result<void> {
    if (!this.isInside(position, width)) return fail(EINVAL);
    if (this.isRefused(position, width)) return ok();
    const bytes = Array.from({ length: width }, (_, k) => (value / 256n ** BigInt(k)) % 256n);
    return this.access(() => this.writeBytes(position, bytes, false));
  }

  /** B-peek */
  peek(register: number): bigint {
    return this.registers[register]!.value;
  }

  /** B-peek: the stored bits under `mask` become those of `value`. */
  poke(register: number, mask: bigint, value: bigint): void {
    for (const i of bitsIn(mask)) if (i < this.registers[register]!.bits.length) this.registers[register]!.bits[i] = bitOf(value, i);
    if (this.interrupts.watches(register)) this.interrupts.evaluate();
  }

  /** B-reset */
  reset(soft = false): void {
    for (const register of this.registers) {
      register.bits.forEach((_, i) => {
        const field = register.fieldAt(i);
        if (soft && field?.sticky === true) return;
        register.bits[i] = field === undefined ? 0 : bitOf(field.reset, i - field.lsb);
      });
      for (const field of [...register.spent]) if (!(soft && field.sticky)) register.spent.delete(field);
      register.kept = undefined;
      register.waiting = undefined;
    }
    this.fifos.forEach((fifo, number) => {
      fifo.entries.length = 0;
      this.showLevel(number);
    });
    this.interrupts.forgetEdges();
    this.interrupts.evaluate();
  }

  /** B-fifo, from the device's side: false when it is full. */
  push(fifo: number, entry: bigint): boolean {
    const added = this.add(fifo, entry);
    this.interrupts.evaluate();
    return added;
  }

  /** B-fifo, from the device's side: 0 when it is empty. */
  pop(fifo: number): bigint {
    const entry = this.take(fifo);
    this.interrupts.evaluate();
    return entry;
  }

  private isInside(position: number, width: number): boolean {
    return [1, 2, 4, 8].includes(width) && position >= 0 && position + width <= this.map.bytes;
  }

  /** B-width */
  private isRefused(position: number, width: number): boolean {
    const touched = this.pieces(position, width).filter((piece) => piece.register !== undefined);
    const whole = touched.length === 0 || (touched[0]!.register!.model.position === position && touched[0]!.register!.model.bytes === width);
    const legal = this.map.access.some((size) => size === width) && (this.map.split === 'lanes' || whole);
    if (!legal) this.refused++;
    return !legal;
  }

  /** B-atomic: what a hook throws ends the access. B-irq: the access ends with an evaluation, whatever happened in it. */
  private access<T>(serve: () => T): Result<T> {
    try {
      return ok(serve());
    } catch (error) {
      if (!(error instanceof HookThrew)) throw error;
      this.thrown = error.cause;
      return fail(EIO);
    } finally {
      this.interrupts.evaluate();
    }
  }

  private hook<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw new HookThrew('a hook threw', { cause: error });
    }
  }

  private pieces(position: number, width: number): Piece[] {
    const pieces: Piece[] = [];
    for (let at = position; at < position + width; at++) {
      const register = this.registers.find(({ model }) => model.position <= at && at < model.position + model.bytes);
      const last = pieces.at(-1);
      if (last !== undefined && last.register === register) last.positions.push(at);
      else pieces.push({ register, positions: [at] });
    }
    return pieces;
  }

  /** The lowest of the eight bits of a register that its byte at a position is. */
  private laneAt({ position, bytes }: RegisterModel, at: number): number {
    return 8 * (this.map.endian === 'big' ? bytes - 1 - (at - position) : at - position);
  }

  /** B-lanes: the bits that a piece touches. */
  private lanes(register: StoredRegister, positions: readonly number[]): Set<number> {
    const lows = positions.map((at) => this.laneAt(register.model, at));
    return new Set(lows.flatMap((low) => Array.from({ length: 8 }, (_, k) => low + k)));
  }

  private readBytes(position: number, width: number, throughPort: boolean): bigint[] {
    return this.pieces(position, width).flatMap(({ register, positions }) => {
      if (register?.model.port !== undefined) {
        const target = throughPort ? undefined : this.portTarget(register.model, positions[0]!);
        if (target !== undefined) return this.readBytes(target, positions.length, true);
      } else if (register !== undefined) {
        const value = this.readRegister(register, this.lanes(register, positions));
        return positions.map((at) => fromBits(value.slice(this.laneAt(register.model, at), this.laneAt(register.model, at) + 8)));
      }
      this.unmodelled++; // B-hole
      return positions.map(() => 0n);
    });
  }

  private writeBytes(position: number, bytes: readonly bigint[], throughPort: boolean): void {
    for (const { register, positions } of this.pieces(position, bytes.length)) {
      const part = positions.map((at) => bytes[at - position]!);
      if (register?.model.port !== undefined) {
        const target = throughPort ? undefined : this.portTarget(register.model, positions[0]!);
        if (target !== undefined) this.writeBytes(target, part, true);
        else this.unmodelled++;
      } else if (register !== undefined) {
        const data: Bit[] = register.bits.map(() => 0);
        positions.forEach((at, k) => {
          for (let i = 0; i < 8; i++) data[this.laneAt(register.model, at) + i] = bitOf(part[k]!, i);
        });
        this.writeHalf(register, this.lanes(register, positions), data, Math.min(...positions));
      } else {
        this.unmodelled++; // B-hole
      }
    }
  }

  /** B-index: where an access to a data port goes. */
  private portTarget({ position, port }: RegisterModel, at: number): number | undefined {
    const index = this.registers[port!.index.register]!.number(port!.index.mask);
    return index < BigInt(port!.count) ? port!.from + Number(index) * port!.stride + (at - position) : undefined;
  }

  /** B-read */
  private readRegister(register: StoredRegister, lanes: ReadonlySet<number>): Bit[] {
    const { model } = register;
    const hooks = this.hooks.get(model.number);
    const event = { path: model.path, indices: model.indices, lanes: shown(model, fromSet(lanes)) };
    if (hooks?.beforeRead) this.hook(() => hooks.beforeRead!({ ...event, value: shown(model, register.value) }));
    for (const action of model.actions) if (action.kind === 'pop' && touches(action.own, lanes)) register.store(action.own, this.take(action.fifo));
    const readable = register.bits.map((bit, i): Bit => (register.isReadable(i) ? bit : 0));
    const value = this.tornRead(register, lanes, readable).map((bit, i): Bit => (lanes.has(i) ? bit : 0));
    for (const i of lanes) register.bits[i] = readBit(register.fieldAt(i)?.onRead, register.bits[i]!);
    for (const action of model.actions) if (action.at === 'read' && touches(action.own, lanes)) this.act(register, action, []);
    if (hooks?.afterRead) this.hook(() => hooks.afterRead!({ ...event, value: shown(model, fromBits(value)) }));
    return value;
  }

  /** B-tear: the half that is kept for the other half's read. */
  private tornRead(register: StoredRegister, lanes: ReadonlySet<number>, now: Bit[]): Bit[] {
    const half = halfOf(lanes);
    if (register.model.tear === 'none') return now;
    const keeps = register.model.tear === 'latch-low' ? 'low' : 'high';
    const kept = register.kept;
    register.kept = half === keeps ? now : undefined;
    return half !== undefined && half !== keeps && kept !== undefined ? kept : now;
  }

  /** B-tear: the first half of a value waits. */
  private writeHalf(register: StoredRegister, lanes: ReadonlySet<number>, data: Bit[], position: number): void {
    const { model, waiting } = register;
    const half = model.tear === 'none' ? undefined : halfOf(lanes);
    register.waiting = undefined;
    if (half === undefined) {
      this.writeRegister(register, lanes, data, { position, size: lanes.size / 8 });
    } else if (waiting === undefined || waiting.high === (half === 'high')) {
      register.waiting = { high: half === 'high', data };
    } else {
      const both = data.map((bit, i) => (lanes.has(i) ? bit : waiting.data[i]!));
      this.writeRegister(register, new Set(both.keys()), both, { position: model.position, size: 8 });
    }
  }

  /** B-write */
  private writeRegister(register: StoredRegister, lanes: ReadonlySet<number>, written: Bit[], place: { position: number; size: number }): void {
    const { model } = register;
    const hooks = this.hooks.get(model.number);
    const event = { path: model.path, indices: model.indices, lanes: shown(model, fromSet(lanes)) };
    let data = written;
    if (hooks?.beforeWrite) {
      const other = this.hook(() => hooks.beforeWrite!({ ...event, data: shown(model, fromBits(written)) }));
      if (other !== undefined) data = written.map((_, i): Bit => (lanes.has(i) ? bitOf(BigInt(other), i) : 0));
    }
    const old = register.value;
    const closed = new Set(model.fields.filter((field) => this.isLocked(field) || register.spent.has(field)));
    for (const field of model.fields) if (touches(field.mask, lanes) && !closed.has(field)) this.writeField(register, field, lanes, data);
    this.count(register, lanes, data);
    const open = new Set([...lanes].filter((i) => !closed.has(register.fieldAt(i)!)));
    for (const action of model.actions) if (action.at === 'write' && touches(action.own, open)) this.act(register, action, [...open].filter((i) => data[i] === 1));
    if (model.notify) this.doorbells.push({ ...place, data: fromBits(written.filter((_, i) => lanes.has(i))) });
    try {
      if (hooks !== undefined) this.runWriteHooks(register, hooks, event, lanes, old);
    } finally {
      for (const field of model.fields) if (field.pulse) register.store(field.mask, 0n);
    }
  }

  private writeField(register: StoredRegister, field: FieldModel, lanes: ReadonlySet<number>, data: readonly Bit[]): void {
    if (!['rw', 'w', 'rw1', 'w1'].includes(field.sw)) return;
    const whole = field.onWrite === 'wclr' || field.onWrite === 'wset';
    for (let i = field.lsb; i <= field.msb; i++) if (whole || lanes.has(i)) register.bits[i] = writtenBit(field.onWrite, register.bits[i]!, data[i]!);
    if (field.sw === 'rw1' || field.sw === 'w1') register.spent.add(field); // B-once
  }

  private runWriteHooks(register: StoredRegister, hooks: FlatHooks, event: { path: string; indices: readonly number[]; lanes: number | bigint }, lanes: ReadonlySet<number>, old: bigint): void {
    const { model, value } = register;
    const part = (field: FieldModel, whole: bigint): number | bigint => {
      const number = (whole & field.mask) >> BigInt(field.lsb);
      return field.msb - field.lsb >= 53 ? number : Number(number);
    };
    for (const field of model.fields) {
      const hook = hooks.fields.get(field.name);
      const isDown = field.pulse && (field.mask & value) === 0n;
      if (hook && touches(field.mask, lanes) && !isDown) this.hook(() => hook({ path: field.path, indices: model.indices, old: part(field, old), value: part(field, value) }));
    }
    if (hooks.afterWrite) this.hook(() => hooks.afterWrite!({ ...event, old: shown(model, old), value: shown(model, value) }));
  }

  /** B-lock */
  private isLocked(field: FieldModel): boolean {
    return field.locks.some((lock) => this.registers[lock.register]!.number(lock.mask) !== lock.value);
  }

  /** Writes to tags, and what violates reserved bits. */
  private count(register: StoredRegister, lanes: ReadonlySet<number>, data: readonly Bit[]): void {
    if (register.model.fields.some((field) => field.tag && touches(field.mask, lanes))) register.tagged++;
    const isViolated = (field: FieldModel): boolean => field.expect !== undefined && bitsIn(field.mask).some((i) => lanes.has(i) && data[i] !== bitOf(field.expect!, i - field.lsb));
    if (register.model.fields.some(isViolated)) register.violations++;
  }

  /** What follows a read or a write; `ones` are the bits that were written with 1. */
  private act(register: StoredRegister, action: ActionModel, ones: readonly number[]): void {
    if (action.ifOne && !ones.some((i) => bitOf(action.own, i) === 1)) return;
    if (action.kind === 'pop') return; // was taken before the value
    if (action.kind === 'push') {
      this.add(action.fifo, bitsIn(action.own).reduce((sum, i, k) => sum + (ones.includes(i) ? 2n ** BigInt(k) : 0n), 0n));
      return;
    }
    const target = this.registers[action.target.register]!;
    const { mask } = action.target;
    if (action.kind === 'copy') target.store(mask, register.number(action.own));
    else if (action.kind === 'count') target.store(mask, counted(target.number(mask), mask >> BigInt(action.target.lsb), BigInt(action.step), action.saturates));
    else target.store(mask, action.kind === 'set' ? mask >> BigInt(action.target.lsb) : 0n);
  }

  private add(number: number, entry: bigint): boolean {
    const fifo = this.fifos[number]!;
    const room = fifo.entries.length < fifo.depth;
    if (room) fifo.entries.push(entry);
    else fifo.dropped++;
    this.showLevel(number);
    return room;
  }

  private take(number: number): bigint {
    const fifo = this.fifos[number]!;
    const entry = fifo.entries.shift();
    if (entry === undefined) fifo.takenEmpty++;
    this.showLevel(number);
    return entry ?? 0n;
  }

  private showLevel(number: number): void {
    const level = this.map.fifos[number]!.level;
    if (level !== undefined) this.registers[level.register]!.store(level.mask, BigInt(this.fifos[number]!.entries.length));
  }
}

/** B-counter */
function counted(value: bigint, highest: bigint, step: bigint, saturates: boolean): bigint {
  const next = value + step;
  if (saturates) return next < 0n ? 0n : next > highest ? highest : next;
  return ((next % (highest + 1n)) + highest + 1n) % (highest + 1n);
}

/** As hooks see a register's values: bigints for 64 bits. */
function shown({ bits }: RegisterModel, value: bigint): number | bigint {
  return bits === 64 ? value : Number(value);
}
