// The same bank in JavaScript: typed arrays of values and masks, no checks.

import type { Side } from '../comparison.ts';
import { BASE, OPERATIONS, REGISTERS, WRITABLE, changed, orderOf } from './registers.ts';

export function typedArrays(): Side {
  const values = new Uint32Array(REGISTERS);
  const writable = new Uint32Array(REGISTERS).fill(WRITABLE);
  let addresses = new Float64Array(0);
  const read = (address: number): number => values[(address - BASE) >>> 2]!;
  const write = (address: number, value: number): void => {
    const i = (address - BASE) >>> 2;
    values[i] = (values[i]! & ~writable[i]!) | (value & writable[i]!);
  };
  return {
    operations: OPERATIONS,
    prepare(round) {
      addresses = Float64Array.from(orderOf(round), (register) => BASE + register * 4);
    },
    run() {
      let sum = 0;
      for (let i = 0; i < OPERATIONS / 2; i++) {
        const address = addresses[i]!;
        const value = read(address);
        write(address, changed(value));
        sum = (sum + value) | 0;
      }
      return sum;
    },
    digest: () => [...values],
  };
}
