// Random register maps: every word on both axes, locks, actions, counters, FIFOs, ports, halves, interrupts, arrays, both byte orders. What the language refuses is drawn again.

import { ReferenceXorshift } from '../../reference/index.ts';
import { irq, lock, registerMap, reserved } from '../../../src/registers/index.ts';
import type { AccessBytes, BankOptions, BankParts, FieldSpec, InterruptSpec, RegisterMap, RegisterSpec, RegisterSpecs } from '../../../src/registers/index.ts';

type Random = { next(): number };
const below = (random: Random, n: number): number => random.next() % n;
const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)]!;
const chance = (random: Random, percent: number): boolean => below(random, 100) < percent;

const ON_READ = [undefined, undefined, undefined, 'rclr', 'rset'] as const;
const ON_WRITE = [undefined, undefined, 'woclr', 'woset', 'wot', 'wzc', 'wzs', 'wzt', 'wclr', 'wset'] as const;
const SOFTWARE = ['rw', 'rw', 'rw', 'r', 'w', 'rw1', 'w1', 'na'] as const;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function fieldAt(random: Random, lsb: number, width: number): FieldSpec {
  const msb = lsb + width - 1;
  if (chance(random, 6)) return reserved(msb, lsb, { policy: pick(random, ['zero', 'keep']), expect: 0 });
  const field: Mutable<FieldSpec> = { msb, lsb, sw: pick(random, SOFTWARE), reset: BigInt.asUintN(width, (BigInt(random.next()) << 32n) | BigInt(random.next())) };
  const writable = field.sw !== 'r' && field.sw !== 'na';
  const readable = field.sw !== 'w' && field.sw !== 'w1' && field.sw !== 'na';
  const onRead = pick(random, ON_READ);
  const onWrite = pick(random, ON_WRITE);
  if (readable && onRead !== undefined) field.onRead = onRead;
  if (writable && onWrite !== undefined) field.onWrite = onWrite;
  if (chance(random, 10)) field.sticky = true;
  if (writable && chance(random, 8)) field.pulse = true;
  if (chance(random, 4)) field.tag = true;
  return field;
}

interface Draft {
  name: string;
  spec: Mutable<RegisterSpec>;
  fields: Record<string, Mutable<FieldSpec>>;
}

function registersAt(random: Random, count: number): Draft[] {
  const drafts: Draft[] = [];
  let at = chance(random, 30) ? 8 : 0;
  for (let i = 0; i < count; i++) {
    const bits = pick(random, [8, 16, 32, 32, 32, 64] as const);
    const bytes = bits / 8;
    const step = Math.min(bytes, 4);
    at = Math.ceil(at / step) * step;
    const fields: Record<string, Mutable<FieldSpec>> = {};
    for (let lsb = chance(random, 70) ? 0 : below(random, bits), n = 0; lsb < bits; n++) {
      const width = Math.min(bits - lsb, pick(random, [1, 1, 1, 2, 3, 4, 8, 16, 32, 64]));
      fields[`f${n}`] = fieldAt(random, lsb, width);
      lsb += width + (chance(random, 30) ? 1 + below(random, 8) : 0);
    }
    const spec: Mutable<RegisterSpec> = { at, bits, fields };
    if (bits === 64 && chance(random, 60)) spec.tear = pick(random, ['none', 'latch-low', 'latch-high']);
    if (chance(random, 10)) spec.notify = 'ring';
    if (chance(random, 12)) spec.count = 1 + below(random, 3);
    drafts.push({ name: `R${i}`, spec, fields });
    at += bytes * (spec.count ?? 1) + (chance(random, 30) ? 1 + below(random, 9) : 0);
  }
  return drafts;
}

/** The name of some field, as other fields refer to it. */
function someField(random: Random, drafts: readonly Draft[]): string {
  const draft = pick(random, drafts);
  const names = Object.keys(draft.fields);
  const register = draft.spec.count === undefined ? draft.name : `${draft.name}[${below(random, draft.spec.count)}]`;
  return names.length === 0 ? register : `${register}.${pick(random, names)}`;
}

function addRelations(random: Random, drafts: readonly Draft[], fifos: readonly string[]): void {
  for (const { fields } of drafts) {
    for (const [name, field] of Object.entries(fields)) {
      if (field.reserved !== undefined) continue;
      const writable = field.sw !== 'r' && field.sw !== 'na';
      const readable = field.sw !== 'w' && field.sw !== 'w1' && field.sw !== 'na';
      if (writable && chance(random, 8)) fields[name] = lock(field, someField(random, drafts), below(random, 2));
      const effect = () => ({ do: pick(random, ['set', 'clear', 'copy'] as const), to: someField(random, drafts), when: 'any' as const });
      if (writable && chance(random, 8)) fields[name]!.afterWrite = [chance(random, 50) ? effect() : { do: pick(random, ['set', 'clear'] as const), to: someField(random, drafts), when: 'one' }];
      if (readable && chance(random, 5)) fields[name]!.afterRead = [effect()];
      if (chance(random, 5)) {
        const at = pick(random, ['read', 'write'] as const);
        fields[name]!.counter = { of: someField(random, drafts), at, step: pick(random, [1, -1, 3]), saturates: chance(random, 50), ...(at === 'write' && chance(random, 30) && { when: 'one' as const }) };
      }
      if (fifos.length > 0 && readable && chance(random, 10)) fields[name]!.pops = pick(random, fifos);
      if (fifos.length > 0 && writable && chance(random, 10)) fields[name]!.pushes = pick(random, fifos);
    }
  }
}

function interruptsOf(random: Random, drafts: readonly Draft[]): InterruptSpec[] {
  const single = drafts.filter(({ spec, fields }) => spec.count === undefined && Object.keys(fields).length > 0);
  if (single.length === 0) return [];
  return Array.from({ length: below(random, 3) }, (_, i) => {
    const status = pick(random, single);
    const mask = pick(random, single);
    const fields = Object.keys(status.fields).filter((name) => name in mask.fields);
    const useMask = mask !== status && fields.length > 0 && chance(random, 80);
    return irq(`i${i}`, { line: below(random, 4), status: status.name, ...(useMask && { mask: mask.name, fields, disables: chance(random, 30) }), edge: chance(random, 30) });
  });
}

function draw(random: Random): RegisterMap {
  const drafts = registersAt(random, 1 + below(random, 7));
  const fifoNames = chance(random, 30) ? ['q'] : [];
  addRelations(random, drafts, fifoNames);
  const entries: Record<string, RegisterSpec> = Object.fromEntries(drafts.map(({ name, spec }) => [name, spec]));
  const end = Math.max(...drafts.map(({ spec }) => spec.at + ((spec.bits ?? 32) / 8) * (spec.count ?? 1)));
  if (chance(random, 20)) entries['PORT'] = { at: Math.ceil((end + 8) / 4) * 4, bits: 32, port: { index: someField(random, drafts), from: 0, stride: pick(random, [1, 2, 4]), count: 1 + below(random, 6) } };
  const all: readonly AccessBytes[] = [1, 2, 4, 8];
  const first = chance(random, 70) ? 0 : below(random, 4);
  const access = chance(random, 10) ? all.filter(() => chance(random, 60)) : all.slice(first, first + 1 + below(random, 4 - first));
  const options: BankOptions = { bytes: end + 64, access: chance(random, 50) ? all : access, split: chance(random, 85) ? 'lanes' : 'fault', endian: chance(random, 85) ? 'little' : 'big' };
  const parts: BankParts = { irq: interruptsOf(random, drafts), ...(fifoNames.length > 0 && { fifos: { q: { depth: 1 + below(random, 4), ...(chance(random, 50) && { level: someField(random, drafts) }) } } }) };
  return registerMap('random', options, entries as RegisterSpecs, parts);
}

/** A map for a seed (1 to 2^32-1): always the same one. */
export function randomMap(seed: number): RegisterMap {
  const random = new ReferenceXorshift(seed);
  for (;;) {
    try {
      return draw(random);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    }
  }
}
