// B-reset and B-peek: the device's side of a bank.

import { BANK_NO_REGISTER } from '../layout.generated.ts';
import { REGISTER_INTERRUPTS, registerCount, registerFlags, registerRow, setChanged, setStored, stored } from './bank.ts';
import { emptyFifos } from './fifo.ts';
import { evaluate, forgetEdges } from './interrupts.ts';
import { forgetHalves } from './tear.ts';

/** Gives every field its reset value; a soft reset leaves out the fields that say so. */
export function resetBank(region: u32, table: u32, soft: bool): void {
  for (let i: u32 = 0; i < registerCount(table); i++) {
    const register = registerRow(table, i);
    const kept = soft ? load<u64>(register, 112) : 0;
    setStored(table, register, (stored(table, register) & kept) | (load<u64>(register, 104) & ~kept));
    store<u64>(register, load<u64>(register, 152) & kept, 152);
    forgetHalves(register);
  }
  emptyFifos(table);
  forgetEdges(table);
  setChanged(table, true);
  evaluate(region, table);
}

/** Changes the stored bits under `bits`, from the device's side. */
export function poke(region: u32, table: u32, register: u32, bits: u64, value: u64): void {
  setStored(table, register, (stored(table, register) & ~bits) | (value & bits));
  if ((registerFlags(register) & REGISTER_INTERRUPTS) != 0) evaluate(region, table);
}

/** The register of a number; 0 for what is none. */
export function numbered(table: u32, number: u32): u32 {
  return number < registerCount(table) && number != BANK_NO_REGISTER ? registerRow(table, number) : 0;
}
