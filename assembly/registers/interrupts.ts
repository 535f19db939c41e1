// Interrupts of a bank: status and enable bits, paired, give the level of a line (B-irq).
//
//   row   0 status register u16 | 2 enable register u16, 0xffff: always enabled | 4 line u16, 0..63 | 6 flags u8 (1: the second register disables | 2: edge | 4: the next row
//         is of the same interrupt) | 7 shift i8: the enable bits, shifted right so far, lie on the status bits | 8 status bits u64 | 16 what was pending last u64 (edge)

import { BANK_NO_REGISTER, NOTICE_EDGE, NOTICE_LEVEL } from '../layout.generated.ts';
import { handleOf } from '../memory/objects.ts';
import { notice } from '../notice.ts';
import { hasChanged, interruptAt, interruptCount, levels, registerRow, setChanged, setLevels, stored } from './bank.ts';

const DISABLES: u8 = 1;
const EDGE: u8 = 2;
const MORE: u8 = 4;

function enabled(table: u32, row: u32): u64 {
  const number = <u32>load<u16>(row, 2);
  if (number == BANK_NO_REGISTER) return u64.MAX_VALUE;
  const shift = <i64>load<i8>(row, 7);
  const bits = stored(table, registerRow(table, number));
  const aligned = shift < 0 ? bits << <u64>-shift : bits >> <u64>shift;
  return (load<u8>(row, 6) & DISABLES) != 0 ? ~aligned : aligned;
}

/** Tells the host of every line whose level changed, and of every edge, since the last time. */
export function evaluate(region: u32, table: u32): void {
  if (!hasChanged(table)) return;
  setChanged(table, false);
  let now: u64 = 0;
  let rose: u64 = 0;
  for (let i: u32 = 0; i < interruptCount(table); i++) {
    const row = interruptAt(table, i);
    const line = <u64>load<u16>(row, 4);
    const pending = stored(table, registerRow(table, load<u16>(row))) & load<u64>(row, 8) & enabled(table, row);
    if ((load<u8>(row, 6) & EDGE) == 0) {
      now |= u64(pending != 0) << line;
    } else {
      rose += popcnt<u64>(pending & ~load<u64>(row, 16));
      store<u64>(row, pending, 16);
      if ((load<u8>(row, 6) & MORE) == 0) {
        if (rose != 0) notice(NOTICE_EDGE, handleOf(region), line, 0, rose);
        rose = 0;
      }
    }
  }
  let changed = now ^ levels(table);
  setLevels(table, now);
  while (changed != 0) {
    const line = ctz<u64>(changed);
    notice(NOTICE_LEVEL, handleOf(region), line, 0, (now >> line) & 1);
    changed &= changed - 1;
  }
}

/** Forgets what was pending: after a reset an edge is one again. */
export function forgetEdges(table: u32): void {
  for (let i: u32 = 0; i < interruptCount(table); i++) store<u64>(interruptAt(table, i), 0, 16);
}
