// A register map at work: a region of an engine whose bytes are its registers, with names on the device's side.

import { Engine, u64 } from '../core/index.ts';
import type { BankRegion, HookMoment, RegisterAccess } from '../core/index.ts';
import { registersOf } from './accessors.ts';
import type { RegistersOf, RegisterStore } from './accessors.ts';
import { compileBank } from './compile.ts';
import type { RegisterSpecs } from './description.ts';
import { flatHooks } from './hooks.ts';
import type { FlatHooks, HooksOf } from './hooks.ts';
import type { RegisterModel } from './model.ts';
import { shown } from './refusals.ts';
import type { RegisterMap } from './register-map.ts';

const BEFORE_READ = 1;
const AFTER_READ = 2;
const BEFORE_WRITE = 4;

/** A doorbell that was written (rule B-notify). */
export interface DoorbellEvent {
  /** Where the register is: `QUEUE[2].TAIL`. */
  readonly path: string;
  /** Its indices in the arrays around it, the outermost first. */
  readonly indices: readonly number[];
  /** Byte position of what was written, in the bank. */
  readonly position: number;
  /** Bytes that were written. */
  readonly bytes: number;
  /** What was written: a bigint when `bytes` is more than 4. */
  readonly value: number | bigint;
}

/** What a bank is made with besides its map. */
export interface RegisterBankOptions<Registers extends RegisterSpecs> {
  /** For messages and traces. Default: the map's name. */
  readonly name?: string;
  /** What the device wants to be called for, during the access. Only fields and registers named here pay for it. */
  readonly hooks?: HooksOf<Registers>;
  /** Whether a cycle may start where its width does not divide the position. Default true: B-width with its lanes. */
  readonly unaligned?: boolean;
  /** Bytes of the region, at least the map's: what lies beyond the map is a hole. Default: the map's. */
  readonly size?: number | bigint;
  /** A number that all regions of one device share; see `Region.device`. Default 0: a device of its own. */
  readonly device?: number;
  /** Whether a hook of this bank may access the bank itself. Default false. */
  readonly reentrant?: boolean;
  /** The level of a line changed. Called when the access that changed it has ended. */
  readonly level?: (line: number, high: boolean) => void;
  /** So many enabled status bits of an edge-triggered interrupt rose. */
  readonly edge?: (line: number, bits: number) => void;
  /** A register with `notify: 'ring'` was written. Called by `Engine.pump`, or with the next interrupt. */
  readonly doorbell?: (event: DoorbellEvent) => void;
  /** Doorbells were dropped, of this bank or of others, because nobody pumped for too long: look at all of them. Their registers show what was written last. */
  readonly doorbellsLost?: () => void;
}

/** Who hears of a bank's interrupts beside who made it: a host, whose processor they reach. */
export interface InterruptListener {
  /** The level of a line changed. Called when the access that changed it has ended. */
  level?(line: number, high: boolean): void;
  /** So many enabled status bits of an edge-triggered interrupt rose. */
  edge?(line: number, bits: number): void;
}

/** A FIFO from the device's side. */
export interface Fifo {
  /** How many entries it has. */
  readonly length: number;
  /** Adds an entry; false when it is full. */
  push(entry: number | bigint): boolean;
  /** Takes the oldest entry; undefined when it is empty. */
  pop(): bigint | undefined;
}

/**
 * A bank of registers. Made by {@link registerBank}. Guests reach it through `region`, the device through `regs`.
 */
export class RegisterBank<Registers extends RegisterSpecs = RegisterSpecs> implements RegisterStore {
  /** What the registers are. */
  readonly map: RegisterMap<Registers>;
  /** What is mapped into spaces, or is a BAR of a device. */
  readonly region: BankRegion;
  /** The registers by name: `bank.regs.STATUS.DONE.set()`. */
  readonly regs: RegistersOf<Registers>;
  readonly #hooks: ReadonlyMap<number, FlatHooks>;
  // Each in a record of its own: the same listener may listen twice.
  readonly #listeners = new Set<{ readonly listener: InterruptListener }>();

  /** @internal */
  constructor(engine: Engine, map: RegisterMap<Registers>, options: RegisterBankOptions<Registers>) {
    this.map = map;
    this.#hooks = flatHooks(map, options.hooks ?? {});
    const { level, edge, doorbell, doorbellsLost, device, size = map.bytes, unaligned = true, reentrant = false } = options;
    if (u64(`${map.name}: size`, size) < BigInt(map.bytes)) throw new RangeError(`${map.name}: size is ${size.toString()}, and the map has ${map.bytes} bytes`);
    this.region = engine.bank({
      name: options.name ?? map.name,
      size,
      ...(device !== undefined && { device }),
      minWidth: map.access[0]!,
      maxWidth: map.access.at(-1)!,
      unaligned,
      reentrant,
      table: compileBank(map, this.#hooks),
      hook: (register, moment, access) => this.#run(map.registers[register]!, moment, access),
      level: (line, high) => this.#tell(() => level?.(line, high), (listener) => listener.level?.(line, high)),
      edge: (line, bits) => this.#tell(() => edge?.(line, bits), (listener) => listener.edge?.(line, bits)),
      ...(doorbellsLost !== undefined && { doorbellsLost }),
      ...(doorbell !== undefined && { doorbell: (position: number, bytes: number, value: number | bigint) => doorbell(this.#rung(position, bytes, value)) }),
    });
    this.regs = registersOf(map, this);
  }

  /** The stored bits of a register, by its number: rule B-peek. */
  peek(register: number): bigint {
    return this.map.registers[register]?.bits === 64 ? this.region.peek64(register) : BigInt(this.region.peek32(register));
  }

  /** Makes the stored bits of a register under `mask` those of `value`: rule B-peek. */
  poke(register: number, mask: bigint, value: bigint): void {
    if (typeof mask !== 'bigint' || typeof value !== 'bigint') throw new TypeError(`${this.map.name} poke: mask and value are ${shown(mask)} and ${shown(value)}; expected bigints`);
    if (this.map.registers[register]?.bits === 64) this.region.poke64(register, mask, value);
    else this.region.poke32(register, Number(BigInt.asUintN(32, mask)), Number(BigInt.asUintN(32, value)));
  }

  /** Gives every field its reset value; a soft reset leaves out those that are sticky (rule B-reset). */
  reset(options: { readonly soft?: boolean } = {}): void {
    this.region.reset(options.soft === true);
  }

  /** A FIFO by its name. RangeError when the map has none of that name. */
  fifo(name: string): Fifo {
    const number = this.map.fifos.findIndex((fifo) => fifo.name === name);
    if (number < 0) throw new RangeError(`${this.map.name} has no FIFO ${shown(name)}`);
    const { region } = this;
    return {
      get length() {
        return region.fifoLength(number);
      },
      push: (entry) => region.push(number, entry),
      pop: () => region.pop(number),
    };
  }

  /**
   * Tells `listener` of the bank's interrupts from now on, after who made the bank. Lines that are high already are bits of `region.levels`.
   *
   * @returns what ends that. The end of the bank ends it too, without another call.
   * @throws TypeError for what is no object.
   * @example
   * ```ts
   * const end = bank.listen({ level: (line, high) => console.log(line, high) });
   * ```
   */
  listen(listener: InterruptListener): () => void {
    if (typeof listener !== 'object' || (listener as unknown) === null) throw new TypeError(`${this.map.name} listen: listener is ${shown(listener)}; expected { level, edge }`);
    const entry = { listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Ends the region, and with it its windows. */
  destroy(): void {
    this.region.destroy();
  }

  /** Listeners are told also when the owner throws. */
  #tell(owner: () => void, each: (listener: InterruptListener) => void): void {
    try {
      owner();
    } finally {
      for (const { listener } of [...this.#listeners]) each(listener);
    }
  }

  #rung(position: number, bytes: number, value: number | bigint): DoorbellEvent {
    const { path, indices } = this.map.registers.find((register) => position >= register.position && position < register.position + register.bytes)!;
    return { path, indices, position, bytes, value };
  }

  #run(register: RegisterModel, moment: HookMoment, access: RegisterAccess): void {
    const hooks = this.#hooks.get(register.number);
    if (hooks === undefined) return;
    const wide = register.bits === 64;
    const { path, indices } = register;
    const lanes = wide ? access.lanes64() : access.lanes32();
    const data = wide ? access.data64() : access.data32();
    if (moment === BEFORE_READ) {
      hooks.beforeRead?.({ path, indices, lanes, value: data });
    } else if (moment === AFTER_READ) {
      hooks.afterRead?.({ path, indices, lanes, value: data });
    } else if (moment === BEFORE_WRITE) {
      const other = hooks.beforeWrite?.({ path, indices, lanes, data });
      if (other !== undefined) this.#replace(access, path, wide, other);
    } else {
      const old = wide ? access.before64() : access.before32();
      this.#wrote(register, hooks, BigInt(lanes), BigInt(old), BigInt(data));
      hooks.afterWrite?.({ path, indices, lanes, old, value: data });
    }
  }

  #replace(access: RegisterAccess, path: string, wide: boolean, data: number | bigint): void {
    if (typeof data !== (wide ? 'bigint' : 'number')) throw new TypeError(`${path}: beforeWrite returned ${shown(data)}; expected a ${wide ? 'bigint' : 'number'}, or undefined`);
    if (wide) access.replace64(data as bigint);
    else access.replace32(data as number);
  }

  /** The hooks of the fields that a write touched, in the order of their bits. */
  #wrote(register: RegisterModel, hooks: FlatHooks, lanes: bigint, old: bigint, value: bigint): void {
    if (hooks.fields.size === 0) return;
    for (const { name, path, mask, lsb, msb, pulse } of register.fields) {
      const hook = hooks.fields.get(name);
      if (hook === undefined || (mask & lanes) === 0n || (pulse && (mask & value) === 0n)) continue;
      const part = (whole: bigint): number | bigint => {
        const number = (whole & mask) >> BigInt(lsb);
        return msb - lsb >= 53 ? number : Number(number);
      };
      hook({ path, indices: register.indices, old: part(old), value: part(value) });
    }
  }
}

/**
 * Makes a bank of a map: a region whose registers hold their reset values.
 *
 * @param engine - Where the region lives.
 * @param map - What the registers are.
 * @param options - Hooks, interrupts and doorbells.
 * @throws VfioError ENOMEM when the core is full; TypeError and RangeError for hooks of nothing.
 * @example
 * ```ts
 * import { createEngine } from 'maplebar';
 * import { irq, pulse, registerBank, registerMap, ro, rw, w1c } from 'maplebar/registers';
 *
 * const map = registerMap('timer', { bytes: 0x10, access: [4] }, {
 *   CTRL: { at: 0, fields: { GO: pulse(0) } },
 *   STATUS: { at: 4, fields: { DONE: w1c(0), BUSY: ro(1) } },
 *   MASK: { at: 8, fields: { DONE: rw(0) } },
 * }, { irq: [irq('done', { line: 0, status: 'STATUS', mask: 'MASK' })] });
 * const bank = registerBank(createEngine(), map, { hooks: { CTRL: { GO: () => bank.regs.STATUS.DONE.set() } } });
 * bank.region.write32(0, 1);
 * bank.region.read32(4); // 1
 * ```
 */
export function registerBank<const Registers extends RegisterSpecs>(engine: Engine, map: RegisterMap<Registers>, options: RegisterBankOptions<Registers> = {}): RegisterBank<Registers> {
  if (!((engine as unknown) instanceof Engine)) throw new TypeError(`registerBank: engine is ${shown(engine)}; expected what createEngine() answers`);
  if (!Array.isArray((map as { readonly registers?: unknown } | null | undefined)?.registers)) throw new TypeError(`registerBank: map is ${shown(map)}; expected what registerMap() answers`);
  return new RegisterBank(engine, map, options);
}
