// Interrupts of a map: status fields and the mask fields of the same names become pairs of bits.

import type { CheckedField } from './check-fields.ts';
import type { InterruptSpec } from './description.ts';
import type { BitsRef, InterruptModel, InterruptPair } from './model.ts';
import { bitsText, checkKeys, checkName, integer } from './refusals.ts';
import type { Draft, Names } from './references.ts';

const KEYS = ['name', 'line', 'status', 'mask', 'fields', 'disables', 'edge'];

function refOf(draft: Draft, field: CheckedField): BitsRef {
  return { path: field.path, register: draft.number, mask: field.mask, lsb: field.lsb };
}

function isEvent(field: CheckedField): boolean {
  return !field.tag && field.reserved === undefined;
}

function registerNamed(map: string, names: Names, drafts: readonly Draft[], who: string, path: string): Draft {
  const found = names.find(who, path);
  if (found.field !== undefined) throw new RangeError(`${map}: ${who} names ${found.path}, a field; expected a register`);
  const draft = drafts[found.register]!;
  if (draft.spec.port !== undefined) throw new RangeError(`${map}: ${who} names ${draft.path}, a data port`);
  return draft;
}

function fieldIn(map: string, who: string, draft: Draft, name: string): CheckedField {
  const field = draft.checked.find((one) => one.name === name);
  if (field === undefined) throw new RangeError(`${map}: ${who} pairs ${name}, which ${draft.path} does not have`);
  return field;
}

function pairsOf(map: string, who: string, spec: InterruptSpec, status: Draft, mask: Draft | undefined): InterruptPair[] {
  const wanted = spec.fields ?? (mask ?? status).checked.filter(isEvent).map((field) => field.name);
  if (wanted.length === 0) throw new RangeError(`${map}: ${who} has no bits: ${(mask ?? status).path} has no fields to pair`);
  const twice = wanted.find((name, i) => wanted.indexOf(name) !== i);
  if (twice !== undefined) throw new RangeError(`${map}: ${who} pairs ${twice} twice`);
  return wanted.map((name) => {
    const one = fieldIn(map, who, status, name);
    if (mask === undefined) return { name, status: refOf(status, one), mask: undefined };
    const other = fieldIn(map, who, mask, name);
    if (one.msb - one.lsb !== other.msb - other.lsb) {
      throw new RangeError(`${map}: ${who} pairs ${one.path} (${bitsText(one.msb, one.lsb)}) with ${other.path} (${bitsText(other.msb, other.lsb)}); expected as many bits`);
    }
    return { name, status: refOf(status, one), mask: refOf(mask, other) };
  });
}

/** The interrupts of a map, in its order. RangeError for one whose fields are missing or do not fit. @internal */
export function interruptsOf(map: string, names: Names, drafts: readonly Draft[], specs: readonly InterruptSpec[]): InterruptModel[] {
  return specs.map((spec, i) => {
    checkKeys(`${map}: irq[${i}]`, spec, KEYS);
    const name = checkName(`${map}: irq[${i}]`, spec.name);
    const who = `the interrupt ${name}`;
    const before = specs.findIndex((other) => other.name === name);
    if (before < i) throw new RangeError(`${map}: irq[${before}] and irq[${i}] are both called ${name}`);
    const line = integer(`${map}: ${who}: line`, spec.line, 0, 63);
    const status = registerNamed(map, names, drafts, `the status of ${who}`, spec.status);
    const mask = spec.mask === undefined ? undefined : registerNamed(map, names, drafts, `the mask of ${who}`, spec.mask);
    if (mask === undefined && spec.disables === true) throw new TypeError(`${map}: ${who} has disables and no mask`);
    const pairs = pairsOf(map, who, spec, status, mask);
    return { name, line, disables: spec.disables === true, edge: spec.edge === true, pairs };
  });
}
