// A register map: the description as it was written, checked, beside what was made of it.

import { checkFields } from './check-fields.ts';
import type { CheckedField } from './check-fields.ts';
import type { BankOptions, BankParts, RegisterSpecs } from './description.ts';
import { actionsOf, counterOf, fifosOf, locksOf, portOf } from './effects.ts';
import { flatten } from './flatten.ts';
import { interruptsOf } from './interrupts.ts';
import type { ActionModel, BankModel, FieldModel, RegisterModel } from './model.ts';
import { at, checkKeys, integer, oneOf, shown } from './refusals.ts';
import { Names } from './references.ts';
import type { Draft } from './references.ts';

const MAX_BYTES = Number.MAX_SAFE_INTEGER;

/**
 * A checked register map. `Registers` is the type of its description, from which the types of accessors and hooks follow.
 */
export interface RegisterMap<Registers extends RegisterSpecs = RegisterSpecs> extends BankModel {
  /** What was said of the bank as a whole. */
  readonly options: BankOptions;
  /** The description of the registers, as it was written. */
  readonly description: Registers;
  /** Interrupts and FIFOs, as they were written. */
  readonly parts: BankParts;
}

function checkBank(name: unknown, options: BankOptions): Pick<BankModel, 'name' | 'bytes' | 'access' | 'split' | 'endian' | 'doc'> {
  if (typeof name !== 'string' || name === '') throw new TypeError(`the name of a register map is ${shown(name)}; expected a text`);
  checkKeys(`${name}: the options`, options, ['bytes', 'access', 'split', 'endian', 'doc']);
  const access = options.access ?? [1, 2, 4, 8];
  if (access.length === 0) throw new RangeError(`${name}: access names no size; expected some of 1, 2, 4, 8`);
  return {
    name,
    bytes: integer(`${name}: bytes`, options.bytes, 1, MAX_BYTES),
    access: ([1, 2, 4, 8] as const).filter((size) => access.map((one) => oneOf(`${name}: access`, one, [1, 2, 4, 8] as const)).includes(size)),
    split: oneOf(`${name}: split`, options.split ?? 'lanes', ['lanes', 'fault'] as const),
    endian: oneOf(`${name}: endian`, options.endian ?? 'little', ['little', 'big'] as const),
    doc: options.doc,
  };
}

/** What depends on the bank's options: sizes that reach a register, and halves. */
function checkReach({ name, access, split }: Pick<BankModel, 'name' | 'access' | 'split'>, draft: Draft): void {
  const where = `${name}: ${draft.path}`;
  const tear = oneOf(`${where}: tear`, draft.spec.tear ?? 'none', ['none', 'latch-low', 'latch-high'] as const);
  if (draft.spec.notify !== undefined) oneOf(`${where}: notify`, draft.spec.notify, ['ring']);
  if (split === 'fault' && !access.includes(draft.bytes)) throw new RangeError(`${where} has ${draft.bytes} bytes, and no access reaches it: access is ${access.join(', ')}, and split is 'fault'`);
  if (tear === 'none') return;
  if (draft.bits !== 64) throw new RangeError(`${where} has tear '${tear}' and ${draft.bits} bits; expected 64`);
  if (split === 'fault' || !access.includes(4)) throw new RangeError(`${where} has tear '${tear}', and no access reaches its halves: access is ${access.join(', ')}, and split is '${split}'`);
}

/** What was checked, without what was said. */
function modelOf(field: CheckedField): Omit<FieldModel, 'locks'> {
  return Object.fromEntries(Object.entries(field).filter(([key]) => key !== 'spec')) as unknown as Omit<FieldModel, 'locks'>;
}

/**
 * Makes a register map. Names of registers and fields are the keys.
 *
 * @param name - The map's name, for messages and generated texts.
 * @param options - Size, legal accesses and byte order of the bank.
 * @param registers - Registers and blocks by name.
 * @param parts - Interrupts and FIFOs.
 * @throws TypeError, RangeError for what cannot be: overlaps, bits outside of their register, values that do not fit, words that exclude each other, names of nothing. The message names both parties and the numbers.
 * @example
 * ```ts
 * const copy = registerMap('copy', { bytes: 0x100, access: [4] }, {
 *   CTRL: { at: 0x00, fields: { EN: rw(0), GO: lock(pulse(1, { afterWrite: [sets('STATUS.BUSY')] }), 'EN') } },
 *   STATUS: { at: 0x04, fields: { DONE: w1c(0), BUSY: ro(8) } },
 *   MASK: { at: 0x08, fields: { DONE: rw(0) } },
 * }, { irq: [irq('done', { line: 0, status: 'STATUS', mask: 'MASK' })] });
 * ```
 */
export function registerMap<const Registers extends RegisterSpecs>(name: string, options: BankOptions, registers: Registers, parts: BankParts = {}): RegisterMap<Registers> {
  const bank = checkBank(name, options);
  if (typeof registers !== 'object' || (registers as unknown) === null) throw new TypeError(`${name}: the registers are ${shown(registers)}; expected an object`);
  checkKeys(`${name}: the parts`, parts, ['irq', 'fifos']);
  const drafts: Draft[] = flatten(name, bank.bytes, registers).map((placed, number) => ({ ...placed, number, checked: checkFields(name, placed) }));
  for (const draft of drafts) checkReach(bank, draft);
  const names = new Names(name, drafts);
  const fifos = fifosOf(name, names, parts.fifos ?? {});
  const actions = drafts.map((draft): ActionModel[] => draft.checked.flatMap((field) => actionsOf(name, names, fifos, draft, field)));
  for (const draft of drafts) {
    for (const field of draft.checked) {
      const counter = counterOf(name, names, drafts, draft, field);
      if (counter !== undefined) actions[counter.register]!.push(counter.action);
    }
  }
  const idle = fifos.find((_, number) => !actions.flat().some((action) => 'fifo' in action && action.fifo === number));
  if (idle !== undefined) throw new RangeError(`${name}: no field pops or pushes the FIFO ${idle.name}`);
  const rows = drafts.map((draft): RegisterModel => {
    const fields = draft.checked.map((field): FieldModel => ({ ...modelOf(field), locks: locksOf(name, names, draft, field) }));
    fields.sort((a, b) => a.lsb - b.lsb);
    return {
      name: draft.name,
      path: draft.path,
      entry: draft.entry,
      indices: draft.indices,
      number: draft.number,
      position: draft.position,
      bits: draft.bits,
      bytes: draft.bytes,
      fields,
      reset: fields.reduce((value, field) => value | (field.reset << BigInt(field.lsb)), 0n),
      tear: draft.spec.tear ?? 'none',
      notify: draft.spec.notify === 'ring',
      actions: actions[draft.number]!,
      port: portOf(name, names, drafts, draft, bank.bytes),
      doc: draft.spec.doc,
    };
  });
  return { ...bank, options, description: registers, parts, registers: rows, fifos, interrupts: interruptsOf(name, names, drafts, parts.irq ?? []) };
}

/** The register of a path, as `QUEUE[2].TAIL`. RangeError for a path of none. */
export function registerNamed(map: BankModel, path: string): RegisterModel {
  const found = map.registers.find((register) => register.path === path);
  if (found === undefined) throw new RangeError(`${map.name} has no register ${shown(path)}`);
  return found;
}

/** The register that holds the byte at a position; undefined in a hole. */
export function registerAt(map: BankModel, position: number): RegisterModel | undefined {
  integer(`${map.name}: a position`, position, 0, map.bytes - 1);
  return map.registers.find((register) => register.position <= position && position < register.position + register.bytes);
}

/** One register of a map in a line, for messages and traces: `STATUS 0x4`. */
export function registerText({ path, position }: RegisterModel): string {
  return `${path} ${at(position)}`;
}
