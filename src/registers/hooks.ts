// Hooks: what a program wants to be called for, typed from the map. They are no part of it: a map stays data.
//
//   { CTRL: { GO: ({ value }) => start(), beforeWrite: ({ data }) => data & 0xff } }

import type { BlockSpec, RegisterSpec, RegisterSpecs } from './description.ts';
import { isBlock } from './description.ts';
import type { ValueOf, WideField } from './values.ts';
import type { BankModel, RegisterModel } from './model.ts';
import { shown } from './refusals.ts';

/** What every hook is told. `Value` is a number, for a 64-bit register a bigint. */
export interface AccessEvent<Value = number | bigint> {
  /** Where the register is: `QUEUE[2].TAIL`. */
  readonly path: string;
  /** Its indices in the arrays around it, the outermost first. */
  readonly indices: readonly number[];
  /** The bits that the access touches. */
  readonly lanes: Value;
}

/** A read that is about to happen, or has happened. */
export interface ReadEvent<Value = number | bigint> extends AccessEvent<Value> {
  /** The value: stored before the read, or read. */
  readonly value: Value;
}

/** A write that is about to happen. */
export interface DataEvent<Value = number | bigint> extends AccessEvent<Value> {
  /** What is written, in the register's own numbers: 0 outside of the lanes. */
  readonly data: Value;
}

/** A write that has happened. */
export interface WriteEvent<Value = number | bigint> extends AccessEvent<Value> {
  /** What was stored before. */
  readonly old: Value;
  /** What is stored now; pulses have not fallen yet. */
  readonly value: Value;
}

/** A write that has touched a field; one that has raised it, for a pulse. Values are the field's own. */
export interface FieldEvent<Value = number | bigint> {
  /** Where the field is: `CTRL.GO`. */
  readonly path: string;
  /** Its register's indices in the arrays around it, the outermost first. */
  readonly indices: readonly number[];
  /** What was stored before. */
  readonly old: Value;
  /** What is stored now; a pulse has not fallen yet. */
  readonly value: Value;
}

/** The hooks of one register. */
export interface RegisterHooks<Value = number | bigint> {
  /** Before a read; may poke fields that the read then shows. */
  readonly beforeRead?: (event: ReadEvent<Value>) => void;
  /** After a read and its effects. */
  readonly afterRead?: (event: ReadEvent<Value>) => void;
  /** Before a write; what it returns is written instead of the data. */
  readonly beforeWrite?: (event: DataEvent<Value>) => Value | undefined;
  /** After a write and its actions, and after the hooks of fields. */
  readonly afterWrite?: (event: WriteEvent<Value>) => void;
}

/** The hooks of a register's fields. */
export type FieldHooks<R extends RegisterSpec> = R extends { readonly fields: infer F } ? { readonly [K in keyof F]?: (event: FieldEvent<F[K] extends WideField ? bigint : number>) => void } : unknown;


/** The hooks of one entry of a map: of a block, its registers'. */
export type EntryHooks<E> = E extends { readonly block: infer B extends RegisterSpecs } ? HooksOf<B> : E extends RegisterSpec ? RegisterHooks<ValueOf<E>> & FieldHooks<E> : never;

/** The hooks that a map can have: of each register, and by name of its fields. Those of an array are for each of its elements. */
export type HooksOf<Registers extends RegisterSpecs> = { readonly [K in keyof Registers]?: EntryHooks<Registers[K]> };

/** A hook of a field, without its type. */
export type AnyFieldHook = (event: FieldEvent) => void;

/** The hooks of one register, found by its number. */
export interface FlatHooks extends RegisterHooks {
  /** Those of fields, by name. */
  readonly fields: ReadonlyMap<string, AnyFieldHook>;
}

const REGISTER_HOOKS = ['beforeRead', 'afterRead', 'beforeWrite', 'afterWrite'];

type Loose = Readonly<Record<string, unknown>>;

function record(where: string, value: unknown): Loose {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${where} is ${shown(value)}; expected an object with hooks`);
  return value as Loose;
}

function hooksOfRegister(where: string, spec: RegisterSpec, given: Loose): FlatHooks {
  const fields = new Map<string, AnyFieldHook>();
  for (const [name, hook] of Object.entries(given)) {
    if (hook === undefined) continue;
    if (typeof hook !== 'function') throw new TypeError(`${where}.${name} is ${shown(hook)}; expected a function`);
    if (REGISTER_HOOKS.includes(name)) {
      if (spec.port !== undefined) throw new TypeError(`${where} is a data port and has a hook ${name}: its accesses are those of other registers`);
    } else if (spec.fields !== undefined && Object.hasOwn(spec.fields, name)) {
      fields.set(name, hook as AnyFieldHook);
    } else {
      throw new RangeError(`${where} has no field ${name}`);
    }
  }
  return { ...(given as RegisterHooks), fields };
}

function collect(map: string, path: string, specs: RegisterSpecs, hooks: Loose, into: Map<string, FlatHooks>): void {
  for (const [name, given] of Object.entries(hooks)) {
    const where = `the hooks of ${map}: ${path}${name}`;
    const spec: RegisterSpec | BlockSpec | undefined = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (spec === undefined) throw new RangeError(`${where}: the map has no such register`);
    if (given === undefined) continue;
    const entry = `${path}${name}${spec.count === undefined ? '' : '[]'}`;
    if (isBlock(spec)) collect(map, `${entry}.`, spec.block, record(where, given), into);
    else into.set(entry, hooksOfRegister(where, spec, record(where, given)));
  }
}

/** Hooks by register number. TypeError, RangeError for hooks of nothing. */
export function flatHooks(map: BankModel & { readonly description: RegisterSpecs }, hooks: object): ReadonlyMap<number, FlatHooks> {
  const entries = new Map<string, FlatHooks>();
  collect(map.name, '', map.description, hooks as Loose, entries);
  const found = (register: RegisterModel): [number, FlatHooks][] => {
    const one = entries.get(register.entry);
    return one === undefined ? [] : [[register.number, one]];
  };
  return new Map(map.registers.flatMap(found));
}
