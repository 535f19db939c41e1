// Interrupt lines of banks on their way to the processor: several may drive one interrupt, as if or'ed.
//
//   0..25    a level: rp2040js keeps it pending while it is high, and looks again when a handler returns
//   26..31   an edge: pending until a handler begins, as the chip's spare interrupts are

import { integer, shown } from '../../core/index.ts';
import type { BankModel } from '../../registers/index.ts';
import type { Rp2040 } from './chip.ts';

const LAST_LEVEL = 25;
const LAST = 31;

/** Which interrupt a line of a bank is. @internal */
export type Wires = ReadonlyMap<number, number>;

/** What holds each interrupt of a chip high. */
const drivers = new WeakMap<Rp2040, Map<number, Set<object>>>();

/** The lines as they were asked for, if the map has them and the processor can take them. TypeError and RangeError with what was found. @internal */
export function checkWires(map: BankModel, given: unknown): Wires {
  if (typeof given !== 'object' || given === null) throw new TypeError(`attachRp2040: interrupts is ${shown(given)}; expected an object: the interrupt of each line`);
  const lines = [...new Set(map.interrupts.map(({ line }) => line))];
  return new Map(
    Object.entries(given).map(([key, irq]: [string, unknown]) => {
      const line = lines.find((one) => String(one) === key);
      if (line === undefined) throw new RangeError(`attachRp2040: interrupts names line ${shown(key)}; ${map.name} has ${lines.length === 0 ? 'no lines' : `lines ${lines.join(', ')}`}`);
      for (const { name, edge } of map.interrupts.filter((one) => one.line === line)) {
        integer(`attachRp2040: interrupts[${line}], for the ${edge ? 'edges' : 'level'} of ${name},`, irq, edge ? LAST_LEVEL + 1 : 0, edge ? LAST : LAST_LEVEL);
      }
      return [line, irq as number];
    }),
  );
}

/** Drives one interrupt high for `who`, or no longer. @internal */
export function drive(chip: Rp2040, irq: number, who: object, high: boolean): void {
  const ofChip = drivers.get(chip) ?? new Map<number, Set<object>>();
  drivers.set(chip, ofChip);
  const all = ofChip.get(irq) ?? new Set();
  ofChip.set(irq, all);
  const before = all.size > 0;
  if (high) all.add(who);
  else all.delete(who);
  if (before !== all.size > 0) chip.setInterrupt(irq, high);
}
