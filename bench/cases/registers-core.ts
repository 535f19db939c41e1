// Plain registers through the library: one call for each access, and all of them in one batch.

import { createEngine } from '../../src/core/index.ts';
import { registerBank, registerMap, ro, rw } from '../../src/registers/index.ts';
import type { Side } from '../comparison.ts';
import { BASE, OPERATIONS, REGISTERS, changed, orderOf } from './registers.ts';

function machine() {
  const engine = createEngine();
  const map = registerMap('bank', { bytes: 0x1000 }, { R: { at: 0, count: REGISTERS, fields: { low: rw(3, 0), fixed: ro(7, 4), high: rw(23, 8), rest: ro(31, 24) } } });
  const bank = registerBank(engine, map);
  const space = engine.space();
  space.map(BASE, bank.region);
  const digest = (): unknown => bank.regs.R.map((register) => register.peek());
  return { engine, space, digest };
}

/** One call that does nothing for each access. */
export function emptyCall(): Side {
  const { exports } = machine().engine.core;
  return {
    operations: OPERATIONS,
    prepare: () => undefined,
    run() {
      for (let i = 0; i < OPERATIONS; i++) exports.nothing();
      return 0;
    },
  };
}

/** Each access a call. */
export function oneByOne(): Side {
  const { space, digest } = machine();
  let addresses = new Float64Array(0);
  return {
    operations: OPERATIONS,
    prepare(round) {
      addresses = Float64Array.from(orderOf(round), (register) => BASE + register * 4);
    },
    run() {
      let sum = 0;
      for (let i = 0; i < OPERATIONS / 2; i++) {
        const address = addresses[i]!;
        const value = space.read32(address);
        space.write32(address, changed(value));
        sum = (sum + value) | 0;
      }
      return sum;
    },
    digest,
  };
}

/** All in one batch: reads, and writes of values that are known before. */
export function inBatch(): Side {
  const { engine, space } = machine();
  const batch = engine.batch(OPERATIONS);
  return {
    operations: OPERATIONS,
    prepare(round) {
      orderOf(round).forEach((register, i) => {
        batch.set(2 * i, space, 'read', BASE + register * 4, 4);
        batch.set(2 * i + 1, space, 'write', BASE + register * 4, 4, changed(i));
      });
    },
    run: () => batch.run(),
  };
}
