// Which fields and registers are numbers, and which bigints: by their width, in types.

import type { RegisterSpec } from './description.ts';

/** Lowest bits with which a field of this highest bit has more than the 53 bits of an exact number. */
export interface WideLsb {
  53: 0;
  54: 0 | 1;
  55: 0 | 1 | 2;
  56: 0 | 1 | 2 | 3;
  57: 0 | 1 | 2 | 3 | 4;
  58: 0 | 1 | 2 | 3 | 4 | 5;
  59: 0 | 1 | 2 | 3 | 4 | 5 | 6;
  60: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
  61: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  62: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
  63: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
}

/** A field of more than 53 bits: its values are bigints. */
export type WideField = { [Msb in keyof WideLsb]: { readonly msb: Msb; readonly lsb: WideLsb[Msb] } }[keyof WideLsb];

/** The values of a register: bigints for 64 bits, numbers for fewer. */
export type ValueOf<R extends RegisterSpec> = R extends { readonly bits: 64 } ? bigint : number;

/** Whether a field's values are bigints. @internal */
export function isWide(msb: number, lsb: number): boolean {
  return msb - lsb + 1 > 53;
}
