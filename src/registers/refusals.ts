// What all checks of a map share: names, numbers in their bounds, and bits as messages show them.

import { integer, shown } from '../webassembly/index.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Words that accessors and hooks have beside the names of a map. @internal */
export const ACCESSOR_WORDS: ReadonlySet<string> = new Set(['peek', 'poke', 'info', 'beforeRead', 'afterRead', 'beforeWrite', 'afterWrite', 'constructor', '__proto__', 'then']);

/** A field's bits for messages: `bit 3`, `bits 7..4`. @internal */
export function bitsText(msb: number, lsb: number): string {
  return msb === lsb ? `bit ${msb}` : `bits ${msb}..${lsb}`;
}

/** A byte position for messages. @internal */
export function at(position: number): string {
  return `0x${position.toString(16)}`;
}

/** Mask of the bits msb..lsb. @internal */
export function maskOf(msb: number, lsb: number): bigint {
  return ((1n << BigInt(msb - lsb + 1)) - 1n) << BigInt(lsb);
}

/** The name if C and JavaScript can both use it, and accessors have no such word. @internal */
export function checkName(where: string, name: string): string {
  if (!NAME.test(name)) throw new TypeError(`${where}: ${shown(name)} is no name; expected letters, digits and _, beginning with no digit`);
  if (ACCESSOR_WORDS.has(name)) throw new TypeError(`${where}: ${name} is a word of the accessors; expected another name`);
  return name;
}

/** A number of a field that fits `bits` bits, as a bigint. @internal */
export function fieldNumber(what: string, value: unknown, bits: number): bigint {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new TypeError(`${what} is ${shown(value)}; expected a number or a bigint`);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new RangeError(`${what} is ${shown(value)}; expected an integer up to 2^53-1, or a bigint`);
  const number = BigInt(value);
  const last = (1n << BigInt(bits)) - 1n;
  if (number < 0n || number > last) throw new RangeError(`${what} is ${shown(value)}; expected 0 to ${last}, as ${bits === 1 ? '1 bit holds' : `${bits} bits hold`}`);
  return number;
}

/** The value if it is one of a few; TypeError otherwise. @internal */
export function oneOf<T>(what: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new TypeError(`${what} is ${shown(value)}; expected ${allowed.map((one) => shown(one)).join(', ')}`);
  return found;
}

/** The keys of an object, refused when it has another one: what is misspelt must not be ignored. @internal */
export function checkKeys(where: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${where} is ${shown(value)}; expected an object`);
  const other = Object.keys(value).find((key) => !known.includes(key));
  if (other !== undefined) throw new TypeError(`${where} has an option ${shown(other)}; expected some of ${known.join(', ')}`);
}

export { integer, shown };
