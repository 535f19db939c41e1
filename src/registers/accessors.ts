// The device's side of a bank, by name: what a model reads and sets. Its types follow from the map, so that a name that is misspelt does not compile.
//
//   regs.STATUS.DONE.set()      regs.CTRL.MODE.is('crc')      regs.QUEUE[2].TAIL.value.get()      regs.ID.peek()

import { isBlock } from './description.ts';
import type { RegisterSpec, RegisterSpecs } from './description.ts';
import type { FieldModel, RegisterModel } from './model.ts';
import { fieldNumber, shown } from './refusals.ts';
import type { RegisterMap } from './register-map.ts';
import { isWide } from './values.ts';
import type { ValueOf, WideField } from './values.ts';

/** Where stored bits lie, by register number: what a bank gives to accessors. No access, no effects (rule B-peek). */
export interface RegisterStore {
  /** The stored bits of a register. */
  peek(register: number): bigint;
  /** Changes the stored bits under `mask` and evaluates interrupts. */
  poke(register: number, mask: bigint, value: bigint): void;
}

/** The names of a field's enum. */
export type NameOf<F> = F extends { readonly enum: infer E } ? (E extends readonly (infer N)[] ? N : keyof E) & string : never;

/** The values of a field: bigints above 53 bits. */
export type FieldNumber<F> = F extends WideField ? bigint : number;

/** A field that is read only, from the device's side too. */
export interface ConstantAccessor<Value, Name extends string> {
  /** What was said of the field, and where it is. */
  readonly info: FieldModel;
  /** The stored value. */
  get(): Value;
  /** The name of the stored value; undefined when it has none. */
  name(): Name | undefined;
  /** Whether the stored value is the one of that name. */
  is(name: Name): boolean;
}

/** A field as the device's side uses it. */
export interface FieldAccessor<Value, Name extends string> extends ConstantAccessor<Value, Name> {
  /** Stores a value: a number, or a name of the field's enum. RangeError when it does not fit. */
  poke(value: Value | Name): void;
  /** All bits of the field become 1. */
  set(): void;
  /** All bits of the field become 0. */
  clear(): void;
}

/** The accessor of one field. */
export type AccessorOfField<F> = F extends { readonly constant: true } | { readonly reserved: unknown } ? ConstantAccessor<FieldNumber<F>, NameOf<F>> : FieldAccessor<FieldNumber<F>, NameOf<F>>;

/** A register as the device's side uses it; its fields are properties beside these. */
export interface RegisterAccessor<Value> {
  /** What was said of the register, and where it is. */
  readonly info: RegisterModel;
  /** The stored bits: a number, for a 64-bit register a bigint. */
  peek(): Value;
  /** Stores a value. RangeError when it does not fit. */
  poke(value: Value): void;
}


/** The accessors of a register's fields. */
export type FieldsOf<R> = R extends { readonly fields: infer F } ? { readonly [K in keyof F]: AccessorOfField<F[K]> } : unknown;

/** The accessor of one entry of a map: of a block, its registers'. */
export type EntryAccessor<E> = E extends { readonly block: infer B extends RegisterSpecs } ? RegistersOf<B> : E extends RegisterSpec ? RegisterAccessor<ValueOf<E>> & FieldsOf<E> : never;

/** A list of exactly so many, up to 256; above, of any length. */
export type Times<T, Count extends number, List extends readonly T[] = []> = number extends Count ? readonly T[] : List['length'] extends Count ? List : List['length'] extends 256 ? readonly T[] : Times<T, Count, readonly [...List, T]>;

/** The accessors of a map: registers and blocks by name, arrays of them as lists. */
export type RegistersOf<Registers extends RegisterSpecs> = {
  readonly [K in keyof Registers]: Registers[K] extends { readonly count: infer Count extends number } ? Times<EntryAccessor<Registers[K]>, Count> : EntryAccessor<Registers[K]>;
};

class Field {
  readonly info: FieldModel;
  readonly #store: RegisterStore;
  readonly #register: number;
  readonly #lsb: bigint;

  constructor(store: RegisterStore, register: number, info: FieldModel) {
    this.info = info;
    this.#store = store;
    this.#register = register;
    this.#lsb = BigInt(info.lsb);
  }

  #number(): bigint {
    return (this.#store.peek(this.#register) & this.info.mask) >> this.#lsb;
  }

  get(): number | bigint {
    const value = this.#number();
    return isWide(this.info.msb, this.info.lsb) ? value : Number(value);
  }

  name(): string | undefined {
    const value = this.#number();
    return this.info.names.find(([, named]) => named === value)?.[0];
  }

  is(name: string): boolean {
    return this.#number() === this.#named(name);
  }

  poke(value: number | bigint | string): void {
    const { msb, lsb, mask, path } = this.info;
    const number = typeof value === 'string' ? this.#named(value) : fieldNumber(`the value of ${path}`, value, msb - lsb + 1);
    this.#store.poke(this.#register, mask, number << this.#lsb);
  }

  set(): void {
    this.#store.poke(this.#register, this.info.mask, this.info.mask);
  }

  clear(): void {
    this.#store.poke(this.#register, this.info.mask, 0n);
  }

  #named(name: string): bigint {
    const found = this.info.names.find(([known]) => known === name);
    if (found === undefined) throw new RangeError(`${this.info.path} has no value called ${shown(name)}; expected ${this.info.names.length === 0 ? 'a number' : `one of ${this.info.names.map(([known]) => known).join(', ')}`}`);
    return found[1];
  }
}

/** The same without what changes it. */
function readOnly(field: Field): object {
  return { info: field.info, get: () => field.get(), name: () => field.name(), is: (name: string) => field.is(name) };
}

function registerAccessor(store: RegisterStore, info: RegisterModel): object {
  const all = (1n << BigInt(info.bits)) - 1n;
  // A constant keeps its value however the register is poked.
  const settable = info.fields.reduce((mask, field) => (field.constant ? mask & ~field.mask : mask), all);
  const accessor: Record<string, unknown> = {
    info,
    peek: () => (info.bits === 64 ? store.peek(info.number) : Number(store.peek(info.number))),
    poke: (value: number | bigint) => store.poke(info.number, settable, fieldNumber(`the value of ${info.path}`, value, info.bits)),
  };
  for (const field of info.fields) {
    const one = new Field(store, info.number, field);
    accessor[field.name] = field.constant || field.reserved !== undefined ? readOnly(one) : one;
  }
  return Object.freeze(accessor);
}

function accessorsOf(store: RegisterStore, byPath: ReadonlyMap<string, RegisterModel>, prefix: string, specs: RegisterSpecs): object {
  const entries = Object.entries(specs).map(([name, spec]): [string, object] => {
    const one = (path: string): object => (isBlock(spec) ? accessorsOf(store, byPath, `${path}.`, spec.block) : registerAccessor(store, byPath.get(path)!));
    const path = prefix + name;
    return [name, spec.count === undefined ? one(path) : Object.freeze(Array.from({ length: spec.count }, (_, i) => one(`${path}[${i}]`)))];
  });
  return Object.freeze(Object.fromEntries(entries));
}

/**
 * The accessors of a bank: what its map names, on the device's side.
 *
 * @param map - The bank's map.
 * @param store - The bank's stored bits.
 * @example
 * ```ts
 * const regs = registersOf(map, bank);
 * regs.STATUS.DONE.set(); // and the interrupt is evaluated
 * ```
 */
export function registersOf<const Registers extends RegisterSpecs>(map: RegisterMap<Registers>, store: RegisterStore): RegistersOf<Registers> {
  const byPath = new Map(map.registers.map((register) => [register.path, register]));
  return accessorsOf(store, byPath, '', map.description) as RegistersOf<Registers>;
}
