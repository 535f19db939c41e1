// The boot replayed through the core: one batch, one call.

import { createEngine } from '../../src/core/index.ts';
import type { Width } from '../../src/core/index.ts';
import type { Side } from '../comparison.ts';
import { createDigest, machineAccesses, machineWindows } from '../machine.ts';

export function createSide(): Side {
  const engine = createEngine();
  const space = engine.space();
  for (const { name, kind, start, size, priority } of machineWindows()) space.map(start, engine.region({ kind, size, name }), { priority });
  const accesses = machineAccesses();
  const { length, writes, widths, addressHigh, addressLow, valueHigh, valueLow } = accesses;
  const batch = engine.batch(length);
  const fill = (reads: 'read' | 'compare'): void => {
    for (let i = 0; i < length; i++) {
      const address = (BigInt(addressHigh[i]!) << 32n) | BigInt(addressLow[i]!);
      const value = (BigInt(valueHigh[i]!) << 32n) | BigInt(valueLow[i]!);
      batch.set(i, space, writes[i] === 1 ? 'write' : reads, address, widths[i] as Width, value);
    }
  };
  return {
    operations: length,
    prepare: () => fill('compare'),
    run: () => batch.run(),
    digest() {
      const digest = createDigest();
      const exceptions: number[] = [];
      for (const reads of ['read', 'compare'] as const) {
        fill(reads);
        exceptions.push(batch.run());
        for (let i = 0; i < length; i++) {
          const { value, errno, differs } = batch.result(i);
          for (const part of [Number(value & 0xffff_ffffn), Number(value >> 32n), errno, Number(differs)]) digest.add(part);
        }
      }
      return { accesses: length, exceptions, unclaimed: space.unclaimed, digest: digest.value };
    },
  };
}
