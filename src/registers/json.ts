// Register maps as text: what a map was written as, in JSON. A bigint becomes { "bigint": "0x..." }, as JSON has none.

import type { BankOptions, BankParts, RegisterSpecs } from './description.ts';
import { shown } from './refusals.ts';
import { registerMap } from './register-map.ts';
import type { RegisterMap } from './register-map.ts';

const FORMAT = 'maplebar-registers-1';

/**
 * A map as JSON: its description, from which {@link mapFromJson} makes it again.
 *
 * @param map - A map.
 */
export function mapToJson(map: RegisterMap): string {
  const { name, options, description, parts } = map;
  const written = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? { bigint: `0x${value.toString(16)}` } : value);
  return `${JSON.stringify({ format: FORMAT, name, options, registers: description, parts }, written, 2)}\n`;
}

function read(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('bigint' in value) || typeof value.bigint !== 'string') return value;
  if (!/^0x[0-9a-f]{1,16}$/.test(value.bigint)) throw new RangeError(`a register map's bigint is ${shown(value.bigint)}; expected 0x and 1 to 16 digits`);
  return BigInt(value.bigint);
}

/**
 * A map from what {@link mapToJson} made, or somebody wrote by hand. It is checked as {@link registerMap} checks; its types know no names.
 *
 * @param text - The JSON.
 * @throws SyntaxError for what is no JSON; TypeError, RangeError for what is no map.
 */
export function mapFromJson(text: string): RegisterMap {
  const parsed = JSON.parse(text, read) as unknown;
  if (typeof parsed !== 'object' || parsed === null || !('format' in parsed) || parsed.format !== FORMAT) {
    throw new TypeError(`the format of a register map is ${shown(typeof parsed === 'object' && parsed !== null && 'format' in parsed ? parsed.format : undefined)}; expected "${FORMAT}"`);
  }
  const { name, options, registers, parts } = parsed as { readonly name?: unknown; readonly options?: unknown; readonly registers?: unknown; readonly parts?: unknown };
  // Whatever they are: the map's checks say what is wrong with them.
  return registerMap(name as string, options as BankOptions, registers as RegisterSpecs, parts as BankParts | undefined);
}
