// What follows accesses: locks, effects on other fields, FIFO ports, counters, data ports. Names become bits here, and what cannot work is refused.

import type { CheckedField } from './check-fields.ts';
import type { FifoSpec } from './description.ts';
import type { Effect } from './field.ts';
import type { ActionModel, BitsRef, FifoModel, LockModel, PortModel } from './model.ts';
import { at, checkKeys, checkName, fieldNumber, integer, oneOf } from './refusals.ts';
import { bitsOf, widthOf } from './references.ts';
import type { Draft, Found, Names } from './references.ts';
import { isReadable, isWritable } from './words.ts';

const MAX_STEP = 2 ** 31;

/** The locks of a field. RangeError for one that names no field, or a value that this one cannot have. @internal */
export function locksOf(map: string, names: Names, draft: Draft, field: CheckedField): LockModel[] {
  return (field.spec.locks ?? []).map((lock) => {
    checkKeys(`${map}: a lock of ${field.path}`, lock, ['by', 'value']);
    const by = names.field(`the lock of ${field.path}`, lock.by, draft);
    if (by.path === field.path) throw new RangeError(`${map}: ${field.path} is its own lock`);
    return { ...bitsOf(by), value: fieldNumber(`${map}: the value of ${by.path} that opens ${field.path}`, lock.value, widthOf(by)) };
  });
}

function effectOf(map: string, names: Names, draft: Draft, field: CheckedField, effect: Effect, when: 'read' | 'write'): ActionModel {
  const who = `an effect of ${field.path}`;
  checkKeys(`${map}: ${who}`, effect, ['do', 'to', 'when']);
  const kind = oneOf(`${map}: ${who}: do`, effect.do, ['set', 'clear', 'copy'] as const);
  const given = oneOf(`${map}: ${who}: when`, effect.when ?? 'any', ['one', 'any'] as const);
  const target = names.target(who, effect.to, draft);
  if (kind !== 'copy') return { kind, at: when, own: field.mask, ifOne: when === 'write' && given === 'one', target: bitsOf(target) };
  if (given === 'one') throw new TypeError(`${map}: ${who} copies it to ${target.path} when it is written with 1; expected 'any'`);
  const own = widthOf({ ...target, mask: field.mask, lsb: field.lsb });
  if (widthOf(target) < own) throw new RangeError(`${map}: ${who} copies its ${own} bits to ${target.path}, which has ${widthOf(target)}`);
  return { kind, at: when, own: field.mask, ifOne: false, target: bitsOf(target) };
}

/** What one field's accesses do: its FIFO ports, then its effects, in the order of the map. @internal */
export function actionsOf(map: string, names: Names, fifos: readonly FifoModel[], draft: Draft, field: CheckedField): ActionModel[] {
  const { spec } = field;
  const fifoNamed = (name: string, does: string): number => {
    const number = fifos.findIndex((fifo) => fifo.name === name);
    if (number < 0) throw new RangeError(`${map}: ${field.path} ${does} ${JSON.stringify(name)}, which is no FIFO of the map${fifos.length > 0 ? `; it has ${fifos.map((fifo) => fifo.name).join(', ')}` : ''}`);
    return number;
  };
  const actions: ActionModel[] = [];
  if (spec.pops !== undefined) actions.push({ kind: 'pop', at: 'read', own: field.mask, ifOne: false, fifo: fifoNamed(spec.pops, 'pops') });
  if (spec.pushes !== undefined) actions.push({ kind: 'push', at: 'write', own: field.mask, ifOne: false, fifo: fifoNamed(spec.pushes, 'pushes') });
  for (const effect of spec.afterRead ?? []) actions.push(effectOf(map, names, draft, field, effect, 'read'));
  for (const effect of spec.afterWrite ?? []) actions.push(effectOf(map, names, draft, field, effect, 'write'));
  return actions;
}

/** What a counter adds to the register whose accesses it counts; undefined for a field that counts nothing. @internal */
export function counterOf(map: string, names: Names, drafts: readonly Draft[], draft: Draft, field: CheckedField): { register: number; action: ActionModel } | undefined {
  const { counter } = field.spec;
  if (counter === undefined) return undefined;
  const where = `${map}: the counter ${field.path}`;
  checkKeys(where, counter, ['of', 'at', 'when', 'step', 'saturates']);
  const of = names.find(`the counter ${field.path}`, counter.of, draft);
  const when = oneOf(`${where}: at`, counter.at, ['read', 'write'] as const);
  const given = oneOf(`${where}: when`, counter.when ?? 'any', ['one', 'any'] as const);
  const step = integer(`${where}: step`, counter.step ?? 1, -MAX_STEP, MAX_STEP);
  const highest = field.mask >> BigInt(field.lsb);
  if (step === 0) throw new RangeError(`${where}: its step is 0`);
  if (BigInt(Math.abs(step)) > highest) throw new RangeError(`${where}: its step of ${step} does not fit 0 to ${highest}`);
  if (drafts[of.register]!.spec.port !== undefined) throw new TypeError(`${where} counts ${of.path}, a data port: its accesses are those of other registers`);
  if (of.field !== undefined && !(when === 'read' ? isReadable : isWritable)(of.field.sw)) throw new TypeError(`${where} counts ${when}s of ${of.path}, which software does not ${when} (sw '${of.field.sw}')`);
  if (given === 'one' && when === 'read') throw new TypeError(`${where} counts reads of ${of.path} that write 1; expected 'any'`);
  const target = bitsOf(names.target('a counter', field.path));
  return { register: of.register, action: { kind: 'count', at: when, own: of.mask, ifOne: given === 'one', target, step, saturates: counter.saturates === true } };
}

function levelOf(map: string, names: Names, name: string, spec: FifoSpec): BitsRef | undefined {
  if (spec.level === undefined) return undefined;
  const level = names.target(`the level of the FIFO ${name}`, spec.level);
  const highest = level.mask >> BigInt(level.lsb);
  if (BigInt(spec.depth) > highest) throw new RangeError(`${map}: the FIFO ${name} holds ${spec.depth} entries; its level ${level.path} shows no more than ${highest}`);
  if (isWritable(level.field.sw)) throw new TypeError(`${map}: the level ${level.path} of the FIFO ${name} is writable by software (sw '${level.field.sw}')`);
  if (level.field.reset !== 0n) throw new RangeError(`${map}: the level ${level.path} of the FIFO ${name} has the reset value ${level.field.reset}; a FIFO is empty after a reset`);
  return bitsOf(level);
}

/** The FIFOs of a map, in its order. @internal */
export function fifosOf(map: string, names: Names, specs: Readonly<Record<string, FifoSpec>>): FifoModel[] {
  const shown = new Map<string, string>();
  return Object.entries(specs).map(([name, spec]) => {
    checkName(`${map}: fifos`, name);
    checkKeys(`${map}: the FIFO ${name}`, spec, ['depth', 'level']);
    const depth = integer(`${map}: the depth of the FIFO ${name}`, spec.depth, 1, 65534);
    const level = levelOf(map, names, name, spec);
    const other = level && shown.get(level.path);
    if (level !== undefined && other !== undefined) throw new RangeError(`${map}: ${level.path} is the level of the FIFOs ${other} and ${name}`);
    if (level !== undefined) shown.set(level.path, name);
    return { name, depth, level };
  });
}

function indexOf(map: string, names: Names, drafts: readonly Draft[], draft: Draft, name: string): Found {
  const index = names.find(`the data port ${draft.path}`, name, draft);
  const other = drafts[index.register]!;
  if (other.spec.port !== undefined) throw new TypeError(`${map}: the index of the data port ${draft.path} is ${index.path}, ${other === draft ? 'the port itself' : 'a data port too'}`);
  return index;
}

/** The window of a data port. RangeError when it leaves the bank or holds a data port. @internal */
export function portOf(map: string, names: Names, drafts: readonly Draft[], draft: Draft, bytes: number): PortModel | undefined {
  const { port, fields, tear, notify } = draft.spec;
  if (port === undefined) return undefined;
  const where = `${map}: the data port ${draft.path}`;
  checkKeys(where, port, ['index', 'from', 'stride', 'count']);
  if (fields !== undefined || tear !== undefined || notify !== undefined) throw new TypeError(`${where} has ${fields !== undefined ? 'fields' : tear !== undefined ? 'tear' : 'notify'}; those are matters of the registers behind it`);
  const from = integer(`${where}: from`, port.from, 0, bytes - 1);
  const stride = integer(`${where}: stride`, port.stride, 1, bytes);
  const count = integer(`${where}: count`, port.count, 1, 65535);
  const end = from + stride * (count - 1) + draft.bytes;
  if (end > bytes) throw new RangeError(`${where}: its window ${at(from)} + ${count} x ${stride} ends at ${at(end)}, beyond the bank's ${bytes} bytes`);
  const index = indexOf(map, names, drafts, draft, port.index);
  for (const other of drafts) {
    if (other.spec.port === undefined) continue;
    const i = Math.min(Math.max(Math.floor((other.position + other.bytes - 1 - from) / stride), 0), count - 1);
    const start = from + i * stride;
    if (start < other.position + other.bytes && other.position < start + draft.bytes) throw new RangeError(`${where}: its index ${i} means ${at(start)}, where the data port ${other.path} lies`);
  }
  return { index: bitsOf(index), from, stride, count };
}
