// A bank as what a battery of tests runs on.

import type { BatteryTarget } from './battery.ts';
import type { RegisterSpecs } from './description.ts';
import type { RegisterBank } from './register-bank.ts';

/**
 * What {@link batteryOf} runs on, made of a bank: accesses go to its region, as software's would.
 *
 * @example
 * ```ts
 * const target = batteryTarget(registerBank(engine, map));
 * for (const { name, run } of batteryOf(map)) test(name, () => run(target));
 * ```
 */
export function batteryTarget<Registers extends RegisterSpecs>(bank: RegisterBank<Registers>): BatteryTarget {
  const { region } = bank;
  return {
    read: (position, width) => (width === 8 ? region.read64(position) : BigInt(region[`read${(8 * width) as 8 | 16 | 32}`](position))),
    write: (position, width, value) => (width === 8 ? region.write64(position, value) : region[`write${(8 * width) as 8 | 16 | 32}`](position, Number(value))),
    peek: (register) => bank.peek(register),
    poke: (register, mask, value) => bank.poke(register, mask, value),
    reset: (soft = false) => bank.reset({ soft }),
  };
}
