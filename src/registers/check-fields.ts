// The fields of one register: bits, words that do not go together, values that do not fit. What names other fields is resolved later.

import type { EnumSpec, FieldSpec } from './field.ts';
import type { Placed } from './flatten.ts';
import type { FieldModel } from './model.ts';
import { bitsText, checkKeys, checkName, fieldNumber, integer, maskOf, oneOf } from './refusals.ts';
import { isOnce, isReadable, isWritable, onReadOf, onWriteOf, softwareOf } from './words.ts';
import type { Software } from './words.ts';

const KEYS = ['msb', 'lsb', 'sw', 'onRead', 'onWrite', 'reset', 'enum', 'sticky', 'pulse', 'locks', 'afterWrite', 'afterRead', 'pops', 'pushes', 'counter', 'tag', 'constant', 'reserved', 'expect', 'doc'];

/** A field without its locks, which need the whole map. @internal */
export type CheckedField = Omit<FieldModel, 'locks'> & { readonly spec: FieldSpec };

function namesOf(where: string, spec: EnumSpec | undefined, bits: number): (readonly [string, bigint])[] {
  if (spec === undefined) return [];
  const entries = Array.isArray(spec) ? (spec as readonly string[]).map((name, value) => [name, value] as const) : Object.entries(spec);
  const seen = new Map<bigint, string>();
  return entries.map(([name, value]) => {
    checkName(`${where}: enum`, name);
    const number = fieldNumber(`${where}: enum value ${name}`, value, bits);
    const other = seen.get(number);
    if (other !== undefined) throw new RangeError(`${where}: the enum values ${other} and ${name} are both ${number}`);
    seen.set(number, name);
    return [name, number] as const;
  });
}

/** Two words that exclude each other. */
function clash(where: string, first: string, second: string, why: string): never {
  throw new TypeError(`${where}: ${first} does not go with ${second}: ${why}`);
}

function checkWords(where: string, spec: FieldSpec, sw: Software): void {
  const words = `sw '${sw}'`;
  const { onRead, onWrite, pulse, locks, afterRead, afterWrite, pops, pushes } = spec;
  if (!isReadable(sw)) {
    if (onRead !== undefined) clash(where, `onRead '${onRead}'`, words, 'software does not read it');
    if (afterRead !== undefined) clash(where, 'afterRead', words, 'software does not read it');
    if (pops !== undefined) clash(where, `pops '${pops}'`, words, 'software does not read it');
  }
  if (!isWritable(sw)) {
    if (onWrite !== undefined) clash(where, `onWrite '${onWrite}'`, words, 'software does not write it');
    if (pulse === true) clash(where, 'pulse', words, 'software does not write it');
    if (locks !== undefined) clash(where, 'a lock', words, 'software does not write it');
    if (afterWrite !== undefined) clash(where, 'afterWrite', words, 'software does not write it');
    if (pushes !== undefined) clash(where, `pushes '${pushes}'`, words, 'software does not write it');
  }
  if (pulse === true && isOnce(sw)) clash(where, 'pulse', words, 'it is 0 again after its only write');
  if (pops !== undefined && onRead !== undefined) clash(where, `pops '${pops}'`, `onRead '${onRead}'`, 'a read takes the entry anew');
  if (pushes !== undefined && onWrite !== undefined) clash(where, `pushes '${pushes}'`, `onWrite '${onWrite}'`, 'the written bits are the entry');
}

function checkKinds(where: string, spec: FieldSpec): void {
  const kinds = [spec.tag === true && 'tag', spec.constant === true && 'constant', spec.reserved !== undefined && 'reserved'].filter((kind) => kind !== false);
  if (kinds.length > 1) clash(where, kinds[0]!, kinds[1]!, 'a field is one of them');
  const [kind] = kinds;
  if (kind !== undefined) {
    const more = (['onRead', 'onWrite', 'pulse', 'locks', 'afterRead', 'afterWrite', 'pops', 'pushes', 'counter', 'sticky'] as const).find((key) => spec[key] !== undefined);
    if (more !== undefined) clash(where, kind, more, 'it does nothing but hold its bits');
  }
  if (spec.expect !== undefined && spec.reserved === undefined) throw new TypeError(`${where}: expect is for reserved bits; this field is not reserved`);
  if (spec.reserved !== undefined && spec.enum !== undefined) clash(where, 'reserved', 'enum', 'reserved values have no names');
  if (spec.reserved === 'zero' && spec.reset !== undefined && BigInt(spec.reset) !== 0n) clash(where, `reserved 'zero'`, `reset ${spec.reset}`, 'it reads 0');
  if (spec.pulse === true && spec.reset !== undefined && BigInt(spec.reset) !== 0n) clash(where, 'pulse', `reset ${spec.reset}`, 'it rests at 0');
}

function softwareWord(where: string, spec: FieldSpec): Software {
  const sw = softwareOf(`${where}: sw`, spec.sw ?? (spec.reserved === 'zero' ? 'na' : spec.constant === true ? 'r' : 'rw'));
  const wanted = spec.reserved === 'zero' ? 'na' : spec.reserved === 'keep' || spec.tag === true ? 'rw' : spec.constant === true ? 'r' : sw;
  if (sw !== wanted) clash(where, spec.reserved !== undefined ? `reserved '${spec.reserved}'` : spec.tag === true ? 'tag' : 'constant', `sw '${sw}'`, `it is sw '${wanted}'`);
  return sw;
}

function checkField(map: string, register: Placed, name: string, spec: FieldSpec): CheckedField {
  checkName(`${map}: ${register.path}`, name);
  const path = `${register.path}.${name}`;
  const where = `${map}: ${path}`;
  checkKeys(where, spec, KEYS);
  const msb = integer(`${where}: msb`, spec.msb, 0, 63);
  const lsb = integer(`${where}: lsb`, spec.lsb, 0, 63);
  if (lsb > msb) throw new RangeError(`${where}: its lowest bit ${lsb} is above its highest bit ${msb}`);
  if (msb >= register.bits) throw new RangeError(`${where}: its ${bitsText(msb, lsb)} lie beyond the ${register.bits} bits of ${register.path}`);
  const bits = msb - lsb + 1;
  if (spec.reserved !== undefined) oneOf(`${where}: reserved`, spec.reserved, ['zero', 'keep']);
  checkKinds(where, spec);
  const sw = softwareWord(where, spec);
  checkWords(where, spec, sw);
  return {
    name,
    path,
    msb,
    lsb,
    mask: maskOf(msb, lsb),
    sw,
    onRead: spec.onRead === undefined ? undefined : onReadOf(`${where}: onRead`, spec.onRead),
    onWrite: spec.onWrite === undefined ? undefined : onWriteOf(`${where}: onWrite`, spec.onWrite),
    reset: fieldNumber(`${where}: reset`, spec.reset ?? 0, bits),
    pulse: spec.pulse === true,
    sticky: spec.sticky === true,
    tag: spec.tag === true,
    constant: spec.constant === true,
    reserved: spec.reserved,
    expect: spec.expect === undefined ? undefined : fieldNumber(`${where}: expect`, spec.expect, bits),
    names: namesOf(where, spec.enum, bits),
    doc: spec.doc,
    spec,
  };
}

/** The fields of a register in the order of the map. RangeError for overlaps, TypeError for words that do not go together. @internal */
export function checkFields(map: string, register: Placed): CheckedField[] {
  const fields = Object.entries(register.spec.fields ?? {}).map(([name, spec]) => checkField(map, register, name, spec));
  const rising = [...fields].sort((a, b) => a.lsb - b.lsb);
  rising.forEach((field, i) => {
    const before = rising[i - 1];
    if (before !== undefined && before.msb >= field.lsb) {
      throw new RangeError(`${map}: ${field.path} (${bitsText(field.msb, field.lsb)}) overlaps ${before.path} (${bitsText(before.msb, before.lsb)})`);
    }
  });
  return fields;
}
