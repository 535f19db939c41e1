// The boot replayed through the JavaScript engine: one loop.

import { COMPARE, READ, WRITE, createBaselineEngine } from '../baseline/engine.ts';
import type { Side } from '../comparison.ts';
import { createDigest, machineAccesses, machineWindows } from '../machine.ts';

export function createSide(): Side {
  const accesses = machineAccesses();
  const { length } = accesses;
  const engine = createBaselineEngine(4 << 20, length);
  for (const { kind, start, size, priority } of machineWindows()) {
    engine.map({ start: BigInt(start), size: BigInt(size), region: engine.region({ kind, size }), position: 0n, priority });
  }
  const { rows } = engine;
  const fill = (reads: number): void => {
    for (let i = 0; i < length; i++) rows.head[i] = (accesses.writes[i] === 1 ? WRITE : reads) | (accesses.widths[i]! << 8);
    rows.addressHigh.set(accesses.addressHigh);
    rows.addressLow.set(accesses.addressLow);
    rows.valueHigh.set(accesses.valueHigh);
    rows.valueLow.set(accesses.valueLow);
    rows.status.fill(0);
  };
  return {
    operations: length,
    prepare: () => fill(COMPARE),
    run: () => engine.run(),
    digest() {
      const digest = createDigest();
      const exceptions: number[] = [];
      for (const reads of [READ, COMPARE]) {
        fill(reads);
        exceptions.push(engine.run());
        for (let i = 0; i < length; i++) {
          for (const part of [rows.valueLow[i]!, rows.valueHigh[i]!, rows.status[i]! & 0xff, rows.status[i]! >>> 8]) digest.add(part);
        }
      }
      return { accesses: length, exceptions, unclaimed: engine.unclaimed(), digest: digest.value };
    },
  };
}
