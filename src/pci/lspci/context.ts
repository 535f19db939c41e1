// What every capability printer gets, and the two notations they share: `Name+`/`Name-` and a value's word from a table.

import type { ConfigHeader } from '../config-space.ts';

/** The function being printed. */
export interface LspciContext {
  config: Uint8Array;
  header: ConfigHeader;
  /** Whether any BAR is memory: lspci shows atomic operations only then. */
  hasMemoryBar: boolean;
}

/** A printed name and the mask of its bit in a register. */
export type FlagBit = readonly [name: string, mask: number];

/** `Name+` when any bit of `mask` is set in `value`, `Name-` otherwise. */
export const flag = (name: string, value: number, mask: number): string => `${name}${(value & mask) !== 0 ? '+' : '-'}`;

/** All flags of a register, a space between them. */
export const flags = (value: number, bits: readonly FlagBit[]): string =>
  bits.map(([name, mask]) => flag(name, value, mask)).join(' ');

/** The word for `value`, or `otherwise` beyond the table. */
export const word = (table: readonly string[], value: number, otherwise = 'Unknown'): string => table[value] ?? otherwise;
